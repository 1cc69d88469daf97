/* recompute_cost.c - part of recompute: memory and time of a step of training that keeps some
 * activations and computes the others again.
 *
 * Backward is gone through in its order: where a kernel reads what is not kept, the steps of
 * train_forward that compute it are put before it, and before those what they read and is not kept
 * either. Each runs at most once, so what it writes lives on until its last reader. Bytes are those
 * of plain tensors; a kernel takes the time of its multiply-adds and of moving its tensors. */
#include "recompute.h"
#include "backend.h"

#include <string.h>

/* ---- what lives when ---- */

typedef struct Lives { /* of one entry; buffers that lie elsewhere have no part in it */
  int *first, *last;   /* per buffer, then per copy of a buffer; first -1: has not lived */
  int64_t *change;     /* per time: bytes more than before; of so many times: */
  int times;
  Ints lived;
} Lives;

static Lives *lives_new(const Plan *p, int times) {
  Arena *arena = p->u->arena;
  Lives *l = NEW(arena, Lives);
  l->first = NEW_ARRAY(arena, int, 2 * p->buffer.n + 1);
  l->last = NEW_ARRAY(arena, int, 2 * p->buffer.n + 1);
  l->change = NEW_ARRAY(arena, int64_t, times + 1);
  l->times = times;
  for (int b = 0; b < 2 * p->buffer.n; b++) l->first[b] = -1;
  return l;
}

static void live(const Plan *p, Lives *l, int buffer, int time) {
  if (l->first[buffer] < 0) {
    l->first[buffer] = time;
    vec_push(p->u->arena, &l->lived, buffer);
  }
  l->last[buffer] = time;
}

/* The most bytes at any time; then nothing has lived. */
static int64_t lives_end(const Recomputing *r, Lives *l) {
  const int buffers = r->p->buffer.n;
  int64_t now = 0, most = 0;
  memset(l->change, 0, (size_t)(l->times + 1) * sizeof *l->change);
  for (int i = 0; i < l->lived.n; i++) {
    const int b = l->lived.at[i];
    l->change[l->first[b]] += r->bytes[b % buffers];
    l->change[l->last[b] + 1] -= r->bytes[b % buffers];
    l->first[b] = -1;
  }
  l->lived.n = 0;
  for (int time = 0; time <= l->times; time++) {
    now += l->change[time];
    if (now > most) most = now;
  }
  return most;
}

/* ---- kernels ---- */

/* Those of a layer's contraction; its gradients have as many. */
static double multiply_adds(const Plan *p, const Kernel *k) {
  const Steps *forward = &p->entry[PLAN_TRAIN_FORWARD].step;
  double points = 1;
  if (kernel_kind(k) != KIND_CONTRACT) return 0;
  for (int i = 0; i < forward->n; i++) {
    const Kernel *other = forward->at[i]->run;
    if (other->macs && strcmp(other->name, k->name) == 0)
      return (double)other->macs * (double)p->max_batch;
  }
  for (int l = 0; l < k->nloop; l++) points *= (double)extent_at(k->loop[l].extent, p->max_batch);
  return points;
}

Cost recompute_step_cost(const Plan *p, const Kernel *k) {
  const Machine *m = &p->target->machine;
  double bytes = 0;
  Cost c = {.macs = multiply_adds(p, k)};
  for (int t = 0; t < k->nin + k->nout; t++)
    bytes += (double)buffer_bytes(&p->buffer.at[kernel_view(k, t)->tensor], p->max_batch);
  c.seconds = 2 * c.macs / m->flops + bytes / m->dram_bandwidth;
  return c;
}

/* ---- what can be computed again ---- */

static bool is_handed_on(const Buffer *b) {
  return b->home == HOME_KEPT || b->home == HOME_WORK;
}

/* Parameters and states that train_forward or backward change: running statistics. */
static bool *find_changed(const Plan *p) {
  bool *changed = NEW_ARRAY(p->u->arena, bool, p->buffer.n + 1);
  for (PlanEntry e = PLAN_TRAIN_FORWARD; e <= PLAN_BACKWARD; e++)
    for (int i = 0; i < p->entry[e].step.n; i++) {
      const Kernel *k = p->entry[e].step.at[i]->run;
      for (int o = 0; o < k->nout; o++) changed[k->out[o].to.tensor] = true;
    }
  return changed;
}

/* Does backward find all that the kernel reads as train_forward found it, or can it be kept? */
static bool is_repeatable(const Plan *p, const Kernel *k, const bool *changed) {
  for (int i = 0; i < k->nin; i++) {
    const Buffer *b = &p->buffer.at[k->in[i].tensor];
    const bool given = b->home == HOME_INPUT || b->home == HOME_CONST || b->home == HOME_DERIVED ||
                       b->home == HOME_PARAM || b->home == HOME_STATE;
    if (!is_handed_on(b) && (!given || changed[k->in[i].tensor])) return false;
    for (int o = 0; o < k->nout; o++)
      if (k->out[o].to.tensor == k->in[i].tensor) return false;
  }
  return true;
}

static void find_writers(Recomputing *r) {
  const Steps *forward = &r->p->entry[PLAN_TRAIN_FORWARD].step;
  for (int i = 0; i < forward->n; i++) {
    const Kernel *k = forward->at[i]->run;
    r->step[i] = recompute_step_cost(r->p, k);
    for (int o = 0; o < k->nout; o++) vec_push(r->p->u->arena, &r->writer[k->out[o].to.tensor], i);
  }
}

/* Activations grow with the batch; statistics of a batch, which cost little memory and a pass over
 * an activation, do not. */
static void find_open(Recomputing *r) {
  const Plan *p = r->p;
  const Steps *forward = &p->entry[PLAN_TRAIN_FORWARD].step, *step = &p->entry[PLAN_STEP].step;
  const bool *changed = find_changed(p);
  for (int i = 0; i < step->n; i++)
    for (int j = 0; j < step->at[i]->run->nin; j++) r->held[step->at[i]->run->in[j].tensor] = true;
  for (int b = 0; b < p->buffer.n; b++) {
    const Buffer *buffer = &p->buffer.at[b];
    r->held[b] &= r->writer[b].n > 0;
    r->open[b] = r->writer[b].n && is_handed_on(buffer) && !r->held[b] && buffer->type.rank > 0 &&
                 buffer->type.dim[0].per_n > 0;
    for (int i = 0; i < r->writer[b].n; i++)
      r->open[b] &= is_repeatable(p, forward->at[r->writer[b].at[i]]->run, changed);
    r->again[b] = r->open[b] && buffer->home == HOME_WORK;
  }
}

/* Of the other entries. */
static int64_t find_other(const Recomputing *r) {
  static const PlanEntry other[] = {PLAN_PREPARE, PLAN_FORWARD, PLAN_STEP};
  const Plan *p = r->p;
  int64_t most = 0;
  for (int e = 0; e < COUNT(other); e++) {
    const Steps *steps = &p->entry[other[e]].step;
    Lives *l = lives_new(p, steps->n);
    for (int i = 0; i < steps->n; i++) {
      const Kernel *k = steps->at[i]->run;
      for (int t = 0; t < k->nin + k->nout; t++) {
        const int tensor = kernel_view(k, t)->tensor;
        if (p->buffer.at[tensor].home == HOME_WORK) live(p, l, tensor, i);
      }
    }
    const int64_t bytes = lives_end(r, l);
    if (bytes > most) most = bytes;
  }
  return most;
}

Recomputing recomputing_new(Plan *p) {
  Arena *arena = p->u->arena;
  const int buffers = p->buffer.n + 1, forward = p->entry[PLAN_TRAIN_FORWARD].step.n;
  Recomputing r = {.p = p,
                   .writer = NEW_ARRAY(arena, Ints, buffers),
                   .open = NEW_ARRAY(arena, bool, buffers),
                   .again = NEW_ARRAY(arena, bool, buffers),
                   .held = NEW_ARRAY(arena, bool, buffers),
                   .kept = NEW_ARRAY(arena, bool, buffers),
                   .bytes = NEW_ARRAY(arena, int64_t, buffers),
                   .step = NEW_ARRAY(arena, Cost, forward + 1),
                   .runs = NEW_ARRAY(arena, bool, forward + 1)};
  for (int b = 0; b < p->buffer.n; b++) r.bytes[b] = buffer_bytes(&p->buffer.at[b], p->max_batch);
  find_writers(&r);
  find_open(&r);
  r.other = find_other(&r);
  r.lives = lives_new(p, forward + p->entry[PLAN_BACKWARD].step.n);
  return r;
}

/* ---- backward, with what runs again ---- */

static void need(Recomputing *r, Cost *c, int buffer);

/* A step of train_forward, behind what it reads. */
static void run_again(Recomputing *r, Cost *c, int step) {
  const Kernel *k = r->p->entry[PLAN_TRAIN_FORWARD].step.at[step]->run;
  if (r->runs[step]) return;
  r->runs[step] = true;
  for (int i = 0; i < k->nin; i++) need(r, c, k->in[i].tensor);
  vec_push(r->p->u->arena, &r->order, ~step);
  c->macs += r->step[step].macs;
  c->seconds += r->step[step].seconds;
}

static void need(Recomputing *r, Cost *c, int buffer) {
  if (r->writer[buffer].n == 0) return;
  if (!r->again[buffer]) r->kept[buffer] = true;
  for (int i = 0; r->again[buffer] && i < r->writer[buffer].n; i++)
    run_again(r, c, r->writer[buffer].at[i]);
}

static void find_order(Recomputing *r, Cost *c) {
  const Steps *backward = &r->p->entry[PLAN_BACKWARD].step;
  r->order.n = 0;
  memset(r->runs, 0, (size_t)r->p->entry[PLAN_TRAIN_FORWARD].step.n * sizeof *r->runs);
  memcpy(r->kept, r->held, (size_t)r->p->buffer.n * sizeof *r->kept);
  for (int i = 0; i < backward->n; i++) {
    const Kernel *k = backward->at[i]->run;
    for (int j = 0; j < k->nin; j++) need(r, c, k->in[j].tensor);
    vec_push(r->p->u->arena, &r->order, i);
  }
}

static void live_in_forward(const Recomputing *r, int buffer, int time) {
  const bool own = r->writer[buffer].n && !r->kept[buffer];
  if (own && is_handed_on(&r->p->buffer.at[buffer])) live(r->p, r->lives, buffer, time);
}

static int64_t forward_work(const Recomputing *r) {
  const Steps *forward = &r->p->entry[PLAN_TRAIN_FORWARD].step;
  for (int i = 0; i < forward->n; i++) {
    const Kernel *k = forward->at[i]->run;
    for (int t = 0; t < k->nin + k->nout; t++) live_in_forward(r, kernel_view(k, t)->tensor, i);
  }
  return lives_end(r, r->lives);
}

/* `copies`: what train_forward wrote is written anew. */
static void live_in_backward(const Recomputing *r, int buffer, bool copies, int time) {
  const bool own = r->writer[buffer].n == 0;
  if (own && r->p->buffer.at[buffer].home == HOME_WORK)
    live(r->p, r->lives, buffer, time);
  else if (!own && (copies || r->again[buffer]))
    live(r->p, r->lives, r->p->buffer.n + buffer, time);
}

const Kernel *recompute_kernel(const Recomputing *r, int step) {
  const PlanEntry entry = step < 0 ? PLAN_TRAIN_FORWARD : PLAN_BACKWARD;
  return r->p->entry[entry].step.at[step < 0 ? ~step : step]->run;
}

static int64_t backward_work(const Recomputing *r) {
  for (int time = 0; time < r->order.n; time++) {
    const bool again = r->order.at[time] < 0;
    const Kernel *k = recompute_kernel(r, r->order.at[time]);
    for (int t = 0; t < k->nin + k->nout; t++)
      live_in_backward(r, kernel_view(k, t)->tensor, again && t >= k->nin, time);
  }
  return lives_end(r, r->lives);
}

Cost recompute_cost(Recomputing *r) {
  Cost c = {.work = r->other};
  find_order(r, &c);
  const int64_t forward = forward_work(r), backward = backward_work(r);
  if (forward > c.work) c.work = forward;
  if (backward > c.work) c.work = backward;
  for (int b = 0; b < r->p->buffer.n; b++)
    if (r->kept[b]) c.kept += r->bytes[b];
  return c;
}
