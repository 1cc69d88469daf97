/* plan_text.c - the text form of a Plan, which plan_parse.c reads back: buffers, then the tree of
 * steps of each entry, then what choose considered.
 *
 *   plan lenet5 target avx512 batch 1
 *   bytes param 247040 derived 266240 state 0 grad 0 kept 0
 *   buffer %c1: f32[n,6,28,28] work 0 call lanes 1:16 at 4096
 *   entry forward work 9472 worker 50176 live 9472
 *     parallel n<n by 1 {
 *       run direct f32 macs 117600 covers "c1 + bias + relu1" tile r=14,k=1 bind n=0:1,0,1
 *         c1: n<n k<6 oh<28 ow<28 | kh<5 kw<5
 *           in0 = %x[n, 0, oh + kh, ow + kw]
 *           ...
 *     }
 *   choice c1 direct 1.234e-06 taken
 * Only what differs from the default is printed. */
#include "text.h"
#include "plan.h"
#include "backend.h"
#include "dictionary.h"

#include <string.h>

const char *const plan_home_names[HOMES] = {"input", "output", "param", "derived", "const",
                                            "state", "grad",   "kept",  "work"};
const char *const precision_names[PRECISIONS] = {"f32", "tf32", "bf16", "f16", "f32x3"};
const char *const plan_phase_names[PHASES] = {"const", "load", "call"};
const char *const plan_entry_names[PLAN_ENTRIES] = {"prepare",  "forward", "train_forward",
                                                    "backward", "step",    "train_step"};

static void print_bind(Text *out, Bind b) {
  text_add(out, "%d:%d,%d,%d", b.step, b.mul, b.from, b.to);
}

static void print_format(Text *out, const Buffer *b) {
  const Format *f = &b->format;
  if (f->dtype != b->type.dtype) text_add(out, " as %s", dtype_name(f->dtype));
  if (f->lane_axis >= 0) text_add(out, " lanes %d:%d", f->lane_axis, f->lanes);
  for (int a = 0; a < b->type.rank && buffer_has_margin(b); a++)
    text_add(out, "%s%d:%d", a ? "," : " margin ", f->lo[a], f->hi[a]);
  if (f->fill == 0) return;
  text_add(out, " fill ");
  number_print(out, f->fill);
}

/* What is printed, with a name of its own for each buffer: a repeated one gets a number. */
typedef struct Printer {
  const Plan *p;
  const char **name;
} Printer;

static Printer printer(const Plan *p) {
  Arena *arena = p->u->arena;
  Printer print = {p, NEW_ARRAY(arena, const char *, p->buffer.n)};
  Dictionary taken = {0};
  for (int i = 0; i < p->buffer.n; i++)
    print.name[i] = dictionary_name(arena, &taken, p->buffer.at[i].name, ".");
  return print;
}

static void print_name(const void *context, int tensor, Text *out) {
  const Printer *p = context;
  word_print(out, arena_printf(out->arena, "%%%s", p->name[tensor]));
}

static void print_buffer(Text *out, const Printer *p, int index) {
  const Buffer *b = &p->p->buffer.at[index];
  text_add(out, "buffer ");
  print_name(p, index, out);
  text_add(out, ": ");
  type_print(out, &b->type);
  text_add(out, " %s %d %s", plan_home_names[b->home], b->index, plan_phase_names[b->phase]);
  print_format(out, b);
  if (b->depth > 0) {
    text_add(out, " depth %d part", b->depth);
    for (int a = 0; a < b->type.rank; a++) {
      text_add(out, " ");
      print_bind(out, b->part[a]);
      text_add(out, ",%lld", (long long)b->span[a]);
    }
  }
  if (b->offset == NO_PLACE)
    text_add(out, " nowhere");
  else if (b->offset)
    text_add(out, " at %lld", (long long)b->offset);
  for (int64_t i = 0; b->value && i < type_size(&b->type, 1); i++) {
    text_add(out, i ? "," : " value ");
    number_print(out, b->value[i]);
  }
  text_add(out, "\n");
}

static void print_indent(Text *out, int depth) {
  text_add(out, "%*s", 2 * depth, "");
}

static void print_leaf(Text *out, const Printer *p, const Kernel *k, int depth) {
  bool bound = false;
  print_indent(out, depth);
  text_add(out, "run %s %s", k->algo ? k->algo : "plain", dtype_name(k->math));
  if (k->macs) text_add(out, " macs %lld", (long long)k->macs);
  if (k->covers && strcmp(k->covers, k->name) != 0) {
    text_add(out, " covers ");
    word_print(out, k->covers);
  }
  for (int i = 0; i < k->tile.n; i++)
    text_add(out, "%s%s=%d", i ? "," : " tile ", k->tile.at[i].name, k->tile.at[i].value);
  for (int l = 0; l < k->nloop; l++) {
    if (k->bind[l].step < 0) continue;
    text_add(out, "%s%s=", bound ? " " : " bind ", k->loop[l].name);
    print_bind(out, k->bind[l]);
    bound = true;
  }
  text_add(out, "\n");
  Text body = {.arena = out->arena};
  kernel_print(&body, k, print_name, p);
  for (const char *line = body.at; line && *line;) {
    size_t length = strcspn(line, "\n");
    print_indent(out, depth + 1);
    text_append(out, line, length);
    text_add(out, "\n");
    line += length + (line[length] == '\n');
  }
}

static void print_steps(Text *out, const Printer *p, const Steps *steps, int depth) {
  for (int i = 0; i < steps->n; i++) {
    const Step *s = steps->at[i];
    if (s->run) {
      print_leaf(out, p, s->run, depth);
      continue;
    }
    print_indent(out, depth);
    text_add(out, "%s %s<", s->parallel ? "parallel" : "loop", s->loop);
    extent_print(out, s->extent);
    text_add(out, " by %d {\n", s->block);
    print_steps(out, p, &s->body, depth + 1);
    print_indent(out, depth);
    text_add(out, "}\n");
  }
}

static void print_choice(Text *out, const Choice *c) {
  text_add(out, "choice ");
  word_print(out, c->layer);
  if (c->entry != PLAN_FORWARD) text_add(out, " %s", plan_entry_names[c->entry]);
  if (c->role != ROLE_FWD) text_add(out, " %s", role_names[c->role]);
  text_add(out, " %s ", c->algo);
  if (c->predicted < 0) {
    text_add(out, "refused ");
    word_print(out, c->reason);
  } else {
    number_print(out, c->predicted);
  }
  text_add(out, "%s\n", c->taken ? " taken" : "");
}

void plan_print(Text *out, const Plan *p) {
  const Printer print = printer(p);
  text_add(out, "plan ");
  word_print(out, p->graph->name);
  text_add(out, " target %s batch %lld\n", p->target->name, (long long)p->max_batch);
  text_add(out, "bytes param %lld derived %lld state %lld grad %lld kept %lld\n",
           (long long)p->param_bytes, (long long)p->derived_bytes, (long long)p->state_bytes,
           (long long)p->grad_bytes, (long long)p->kept_bytes);
  for (int i = 0; i < p->buffer.n; i++) print_buffer(out, &print, i);
  for (int e = 0; e < PLAN_ENTRIES; e++) {
    if (!p->entry[e].exists) continue;
    text_add(out, "entry %s work %lld worker %lld live %lld\n", plan_entry_names[e],
             (long long)p->work_bytes[e], (long long)p->worker_bytes[e],
             (long long)p->live_bytes[e]);
    print_steps(out, &print, &p->entry[e].step, 1);
  }
  for (int i = 0; i < p->choice.n; i++) print_choice(out, &p->choice.at[i]);
}
