/* plan_text.c - the text form of a Plan: buffers, then the tree of steps of each entry.
 *
 *   plan lenet5 target avx512 batch 1
 *   buffer c1: f32[n,6,28,28] work 0 call lanes 1:16 at 4096
 *   entry forward
 *     parallel n<n by 1
 *       c1: n<n k<6 oh<28 ow<28 | kh<5 kw<5 macs 117600 algo direct tile r 14 bind n 0 1 0 1
 *         in0 = x[n, 0, oh + kh, ow + kw]
 *         ...
 * Only what differs from the default is printed. */
#include "plan.h"
#include "backend.h"

#include <string.h>

static const char *const home_name[] = {"input", "output", "param", "derived", "const",
                                        "state", "grad",   "kept",  "work"};
static const char *const phase_name[] = {"const", "load", "call"};
static const char *const entry_name[] = {"prepare", "forward", "train_forward", "backward", "step"};

static void print_bind(Text *out, Bind b) {
  text_add(out, "%d:%d,%d,%d", b.step, b.mul, b.from, b.to);
}

static void print_format(Text *out, const Buffer *b) {
  const Format *f = &b->format;
  int rank = b->type.rank;
  bool margin = false;
  if (f->dtype != b->type.dtype) text_add(out, " as %s", dtype_name(f->dtype));
  if (f->lane_axis >= 0) text_add(out, " lanes %d:%d", f->lane_axis, f->lanes);
  for (int a = 0; a < rank; a++) margin |= f->lo[a] || f->hi[a];
  for (int a = 0; a < rank && margin; a++)
    text_add(out, "%s%d:%d", a ? "," : " margin ", f->lo[a], f->hi[a]);
  if (f->fill != 0) text_add(out, " fill %.17g", f->fill);
}

static void print_buffer(Text *out, const Plan *p, const Buffer *b) {
  text_add(out, "buffer %s: ", b->name);
  type_print(out, &b->type);
  text_add(out, " %s %d %s", home_name[b->home], b->index, phase_name[b->phase]);
  print_format(out, b);
  if (b->depth > 0) {
    text_add(out, " depth %d part", b->depth);
    for (int a = 0; a < b->type.rank; a++) {
      text_add(out, " ");
      print_bind(out, b->part[a]);
      text_add(out, ":%lld", (long long)b->span[a]);
    }
  }
  text_add(out, " at %lld", (long long)b->offset);
  if (b->value) {
    int64_t size = type_size(&b->type, p->max_batch);
    for (int64_t i = 0; i < size; i++) text_add(out, "%s%.17g", i ? "," : " value ", b->value[i]);
  }
  text_add(out, "\n");
}

static void print_tensor(const void *context, int tensor, Text *out) {
  const Plan *p = context;
  text_add(out, "%s", p->buffer.at[tensor].name);
}

static void print_indent(Text *out, int depth) {
  text_add(out, "%*s", 2 * depth, "");
}

static void print_leaf(Text *out, const Plan *p, const Kernel *k, int depth) {
  Text body = {.arena = out->arena};
  kernel_print(&body, k, print_tensor, p);
  for (const char *line = body.at; line && *line;) {
    size_t length = strcspn(line, "\n");
    print_indent(out, depth);
    text_append(out, line, length);
    text_add(out, "\n");
    line += length + (line[length] == '\n');
  }
}

static void print_steps(Text *out, const Plan *p, const Steps *steps, int depth) {
  for (int i = 0; i < steps->n; i++) {
    const Step *s = steps->at[i];
    if (s->run) {
      print_leaf(out, p, s->run, depth);
      continue;
    }
    print_indent(out, depth);
    text_add(out, "%s %s<", s->parallel ? "parallel" : "loop", s->loop);
    extent_print(out, s->extent);
    text_add(out, " by %d\n", s->block);
    print_steps(out, p, &s->body, depth + 1);
  }
}

static void print_choice(Text *out, const Choice *c) {
  text_add(out, "choice %s %s ", c->layer, c->algo);
  if (c->predicted < 0)
    text_add(out, "refused: %s\n", c->reason);
  else
    text_add(out, "%.3e%s\n", c->predicted, c->taken ? " taken" : "");
}

void plan_print(Text *out, const Plan *p) {
  text_add(out, "plan %s target %s batch %lld\n", p->graph->name, p->target->name,
           (long long)p->max_batch);
  for (int i = 0; i < p->buffer.n; i++) print_buffer(out, p, &p->buffer.at[i]);
  for (int e = 0; e < PLAN_ENTRIES; e++) {
    if (!p->entry[e].exists) continue;
    text_add(out, "entry %s\n", entry_name[e]);
    print_steps(out, p, &p->entry[e].step, 1);
  }
  for (int i = 0; i < p->choice.n; i++) print_choice(out, &p->choice.at[i]);
}
