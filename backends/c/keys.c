/* keys.c - when are two functions the same? A function's key is all that its text depends on: the
 * target, the kernel with its tensors replaced by how they lie in memory, tile, binds, enclosing
 * steps, and what it fetches ahead. Functions with equal keys are emitted once, so the blocks of a
 * deep network share theirs. */
#include "function.h"

/* ---- the buffers of a top-level step ---- */

int slots_index(const int *slot, int n, int buffer) {
  for (int i = 0; i < n; i++)
    if (slot[i] == buffer) return i;
  return -1;
}

static void add_slot(const Plan *p, int *slot, int *n, int buffer) {
  if (p->buffer.at[buffer].depth > 0 || slots_index(slot, *n, buffer) >= 0) return;
  if (*n == MAX_STEP_BUFFERS) BUG("a step of more than %d buffers", MAX_STEP_BUFFERS);
  slot[(*n)++] = buffer;
}

static void visit_outs(const Plan *p, const Step *s, Slots *slots) {
  for (int i = 0; i < s->body.n; i++) visit_outs(p, s->body.at[i], slots);
  for (int o = 0; s->run && o < s->run->nout; o++)
    add_slot(p, slots->out, &slots->nout, s->run->out[o].to.tensor);
}

static void visit_ins(const Plan *p, const Step *s, Slots *slots) {
  for (int i = 0; i < s->body.n; i++) visit_ins(p, s->body.at[i], slots);
  for (int i = 0; s->run && i < s->run->nin; i++)
    if (slots_index(slots->out, slots->nout, s->run->in[i].tensor) < 0)
      add_slot(p, slots->in, &slots->nin, s->run->in[i].tensor);
}

Slots slots_find(const Plan *p, const Step *s) {
  Slots slots = {.nin = 0};
  visit_outs(p, s, &slots);
  visit_ins(p, s, &slots);
  return slots;
}

/* ---- keys ---- */

typedef struct Naming {
  const Plan *p;
  const Slots *slots; /* NULL: every buffer by its form only */
} Naming;

static void print_bind(Text *out, Bind b) {
  if (b.step >= 0) text_add(out, "{%d:%d,%d,%d}", b.step, b.mul, b.from, b.to);
}

/* How a buffer lies in memory, and which of the step's buffers it is. */
static void form_name(const void *context, int tensor, Text *out) {
  const Naming *n = context;
  const Buffer *b = &n->p->buffer.at[tensor];
  const Format *f = &b->format;
  if (n->slots) {
    const int in = slots_index(n->slots->in, n->slots->nin, tensor);
    const int to = slots_index(n->slots->out, n->slots->nout, tensor);
    text_add(out, "%s%d", in >= 0 ? "i" : "o", in >= 0 ? in : to);
    if (b->depth > 0) text_add(out, "@%d:%lld", b->depth, (long long)b->offset);
  }
  type_print(out, &b->type);
  text_add(out, "%s/%d:%d:%.17g", dtype_name(f->dtype), f->lane_axis, f->lanes, f->fill);
  for (int a = 0; a < b->type.rank; a++) {
    if (f->lo[a] || f->hi[a]) text_add(out, "<%d:%d,%d>", a, f->lo[a], f->hi[a]);
    if (b->depth == 0 || b->part[a].step < 0) continue;
    print_bind(out, b->part[a]);
    text_add(out, "%lld", (long long)b->span[a]);
  }
}

static void step_key(Text *out, const Naming *naming, const Step *s) {
  text_add(out, "for %s ", s->loop ? s->loop : "");
  extent_print(out, s->extent);
  text_add(out, "/%d%s", s->block, s->parallel ? "p" : "");
  if (!s->run) {
    text_add(out, "(");
    for (int i = 0; i < s->body.n; i++) step_key(out, naming, s->body.at[i]);
    text_add(out, ")");
    return;
  }
  Kernel k = *s->run;
  k.name = "k";
  kernel_print(out, &k, form_name, naming);
  for (int l = 0; l < k.nloop; l++) print_bind(out, k.bind[l]);
  for (int i = 0; i < k.tile.n; i++) text_add(out, " %s=%d", k.tile.at[i].name, k.tile.at[i].value);
  text_add(out, " math %d %s", k.math, k.algo ? k.algo : "");
  for (int o = 0; o < k.nout; o++) text_add(out, " %d", k.out[o].combine);
  for (int a = 0; a < k.nfold; a++) text_add(out, " %d", k.fold[a].acc);
}

const char *job_key(Emit *e, const Plan *p, PlanEntry entry, const Step *sample, const Step *s,
                    const Slots *slots) {
  Text key = {.arena = e->arena};
  const Naming naming = {p, slots};
  text_add(&key, "job %s %lld ", p->target->name, (long long)p->worker_bytes[entry]);
  if (sample) text_add(&key, "part of %s/%d ", sample->loop, sample->block);
  step_key(&key, &naming, s);
  return key.at;
}

const char *leaf_key(const Leaf *f, const Step *s) {
  Text key = {.arena = f->e->arena};
  const Naming naming = {f->plan, NULL};
  text_add(&key, "leaf %s ", f->plan->target->name);
  for (int i = 0; i < f->depth; i++) {
    text_add(&key, "%s ", f->outer[i]->loop);
    extent_print(&key, f->outer[i]->extent);
    text_add(&key, "/%d ", f->outer[i]->block);
  }
  for (int i = 0; i < f->nahead; i++) form_name(&naming, f->ahead[i]->tensor, &key);
  step_key(&key, &naming, s);
  return key.at;
}
