/* recompute.c - pass recompute: activations that would need too much memory between forward and
 * backward are computed again in backward.
 *
 * Needs: a Plan of plain buffers and flat steps; PlanOptions.memory, the bytes of activations and
 * work to aim at. Guarantees: the same values; Plan.recompute says what is computed again. What is
 * repeated are kernels as pass fuse made them, so equal algorithms give equal bits, dropout drops
 * the same elements (random numbers are functions of the place), and statistics are updated once.
 *
 *   train_forward: %a = %x * w; %b = relu(%a)              train_forward: the same; %b is work
 *   backward: ... reads kept %a and %b            ->       backward: %b.again = relu(%a), ...
 *
 * Activations are given up one by one, those first that free most bytes for the time of computing
 * them, as long as backward's work stays below a bound (Chen et al. 2016, arXiv 1604.06174: what
 * lies between two kept activations has to live at once when that part's turn comes). Several
 * bounds are tried; the cheapest choice that reaches the aim is taken, else the smallest. */
#include "recompute.h"
#include "choose.h"

#include <stdlib.h>
#include <string.h>

/* ---- the choice ---- */

typedef struct Wish { /* to give up a kept activation, or to take it back */
  int buffer;
  double gain; /* bytes per second; seconds */
} Wish;
typedef VEC(Wish) Wishes;

/* Bytes that are not kept any more, for each second more. */
static double gain_of(const Cost *now, const Cost *then) {
  const double bytes = (double)(now->kept - then->kept), seconds = then->seconds - now->seconds;
  return bytes / (seconds > 1e-9 ? seconds : 1e-9);
}

static Cost cost_with(Recomputing *r, int buffer, bool again) {
  r->again[buffer] = again;
  return recompute_cost(r);
}

static int by_gain(const void *a, const void *b) {
  const Wish *x = a, *y = b;
  if (x->gain != y->gain) return x->gain < y->gain ? 1 : -1;
  return x->buffer - y->buffer;
}

/* The kept activations, the best to give up first; those that have to be taken back (`again`), the
 * dearest first. */
static Wishes find_wishes(Recomputing *r, const Cost *now, bool again) {
  Wishes wishes = {0};
  for (int b = 0; b < r->p->buffer.n; b++) {
    if (!r->open[b] || r->p->buffer.at[b].home != HOME_KEPT || r->again[b] != again) continue;
    const Cost then = cost_with(r, b, !again);
    const Wish wish = {b, again ? now->seconds - then.seconds : gain_of(now, &then)};
    r->again[b] = again;
    if (wish.gain > 0) vec_push(r->p->u->arena, &wishes, wish);
  }
  if (wishes.n) qsort(wishes.at, (size_t)wishes.n, sizeof *wishes.at, by_gain);
  return wishes;
}

/* What was given up before may have made it dear: then its turn comes in the next round. */
static Cost give_up(Recomputing *r, Cost now, int64_t aim, int64_t work) {
  for (bool more = true; more && cost_bytes(&now) > aim;) {
    const Wishes wishes = find_wishes(r, &now, false);
    more = false;
    for (int i = 0; i < wishes.n && cost_bytes(&now) > aim; i++) {
      const Cost then = cost_with(r, wishes.at[i].buffer, true);
      const bool taken = then.work <= work && gain_of(&now, &then) >= wishes.at[i].gain / 2;
      r->again[wishes.at[i].buffer] = taken;
      if (taken) now = then;
      more |= taken;
    }
  }
  return now;
}

/* What need not have been given up. */
static Cost take_back(Recomputing *r, Cost now, int64_t aim) {
  const int64_t most = cost_bytes(&now) > aim ? cost_bytes(&now) : aim;
  const Wishes wishes = find_wishes(r, &now, true);
  for (int i = 0; i < wishes.n; i++) {
    const Cost then = cost_with(r, wishes.at[i].buffer, false);
    const bool kept = cost_bytes(&then) <= most;
    r->again[wishes.at[i].buffer] = !kept;
    if (kept) now = then;
  }
  return now;
}

static bool is_better(const Cost *a, const Cost *b, int64_t aim) {
  const bool fits = cost_bytes(a) <= aim;
  if (fits != (cost_bytes(b) <= aim)) return fits;
  return fits ? a->seconds < b->seconds : cost_bytes(a) < cost_bytes(b);
}

enum { BOUNDS = 16 };

static void choose_again(Recomputing *r, int64_t aim) {
  const size_t size = (size_t)r->p->buffer.n * sizeof *r->again;
  bool *before = arena_alloc(r->p->u->arena, size), *best = arena_alloc(r->p->u->arena, size);
  const Cost start = recompute_cost(r);
  Cost found = start;
  memcpy(before, r->again, size);
  memcpy(best, before, size);
  for (int i = 0; i < BOUNDS && cost_bytes(&start) > aim; i++) {
    const int64_t work = start.work + (cost_bytes(&start) - start.work) * i / BOUNDS;
    memcpy(r->again, before, size);
    const Cost now = take_back(r, give_up(r, start, aim, work), aim);
    if (!is_better(&now, &found, aim)) continue;
    found = now;
    memcpy(best, r->again, size);
  }
  memcpy(r->again, best, size);
}

/* ---- the plan that follows ---- */

static int copy_of(Plan *p, int *copy, int buffer) {
  if (copy[buffer] >= 0) return copy[buffer];
  Buffer b = p->buffer.at[buffer];
  b.name = arena_printf(p->u->arena, "%s.again", b.name);
  b.home = HOME_WORK;
  return copy[buffer] = plan_buffer(p, b);
}

/* A kernel of backward; `again`: one of train_forward's that becomes one. */
static Step *backward_step(const Recomputing *r, const Kernel *from, bool again, int *copy) {
  Plan *p = r->p;
  Kernel k = *from;
  for (int i = 0; i < k.nin; i++)
    if (r->writer[k.in[i].tensor].n && r->again[k.in[i].tensor])
      k.in[i].tensor = copy_of(p, copy, k.in[i].tensor);
  for (int o = 0; o < k.nout && again; o++)
    k.out[o].to.tensor = copy_of(p, copy, k.out[o].to.tensor);
  if (again) k.covers = arena_printf(p->u->arena, "%s, again", kernel_title(from));
  return plan_leaf(p, &k);
}

static void rewrite(Recomputing *r) {
  Plan *p = r->p;
  const int buffers = p->buffer.n;
  int *copy = NEW_ARRAY(p->u->arena, int, buffers + 1);
  Steps steps = {0};
  for (int b = 0; b < buffers; b++) copy[b] = -1;
  for (int i = 0; i < r->order.n; i++) {
    const int step = r->order.at[i];
    vec_push(p->u->arena, &steps, backward_step(r, recompute_kernel(r, step), step < 0, copy));
  }
  p->entry[PLAN_BACKWARD].step = steps;
  for (int b = 0; b < buffers; b++) {
    Buffer *buffer = &p->buffer.at[b];
    if (!r->writer[b].n || (buffer->home != HOME_KEPT && buffer->home != HOME_WORK)) continue;
    buffer->home = r->kept[b] ? HOME_KEPT : HOME_WORK;
  }
}

/* ---- what is told of it ---- */

static void tell(Recomputing *r, const Cost *cost) {
  Plan *p = r->p;
  Recompute *told = &p->recompute;
  for (int b = 0; b < p->buffer.n; b++) {
    if (!r->open[b] || p->buffer.at[b].home != HOME_KEPT) continue;
    const Again again = {p->buffer.at[b].name, r->bytes[b]};
    told->activations++;
    if (r->again[b]) vec_push(p->u->arena, &told->again, again);
  }
  told->estimate = cost_bytes(cost);
  told->macs = cost->macs;
  told->seconds = cost->seconds;
  for (PlanEntry e = PLAN_TRAIN_FORWARD; e <= PLAN_BACKWARD; e++)
    for (int i = 0; i < p->entry[e].step.n; i++) {
      const Cost each = recompute_step_cost(p, p->entry[e].step.at[i]->run);
      told->all_macs += each.macs;
      told->all_seconds += each.seconds;
    }
}

void pass_recompute(Plan *p, const PlanOptions *options) {
  choose_stored_types(p); /* what is kept has their size */
  Recomputing r = recomputing_new(p);
  if (options->memory > 0) choose_again(&r, options->memory);
  const Cost cost = recompute_cost(&r);
  tell(&r, &cost);
  if (p->recompute.again.n) rewrite(&r);
}
