/* choose_sums.c - part of choose: sums over all samples of channels in lanes, by sample first.
 *
 * Threads of a block share a sum, and where they have a block of channels each (backends/cuda) few
 * blocks are left: gradients of a batch norm's parameters, of 64 channels 8. Sums of each sample
 * make n times as many; a second kernel adds them up.
 *
 *   bn1: c<64 | n h<56 w<56                   bn1: n c<64 | h<56 w<56
 *     acc0 = sum f64 in0*in1           ->       %bn1.samples[n, c] = acc0
 *     %dw[c] = acc0                           bn1: c<64 | n
 *                                               acc0 = sum f64 in2
 *                                               %dw[c] = acc0 */
#include "choose.h"
#include "backend.h"

static bool in_lanes(const Plan *p, const Kernel *k) {
  bool any = false;
  for (int i = 0; i < k->nin; i++) any |= p->buffer.at[k->in[i].tensor].format.lane_axis >= 0;
  return any;
}

/* The loop over samples of such sums; -1: there is none, or one over other points as well. */
static int samples_of(const Plan *p, const Kernel *k) {
  const int free = kernel_free_loops(k);
  int samples = -1;
  if (plan_lanes(p) == 1 || !p->target->share || k->nfold == 0 || k->nin + k->nfold > MAX_IN ||
      free + 1 > MAX_RANK || k->nloop < free + 2)
    return -1;
  for (int f = 0; f < k->nfold; f++)
    if (k->fold[f].op != FOLD_SUM || k->fold[f].acc != F64) return -1;
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].combine) return -1;
  for (int l = 0; l < k->nloop; l++) {
    if (k->loop[l].extent.per_n == 0) continue;
    if (l < free || samples >= 0 || !extent_same(k->loop[l].extent, (Extent){1, 0})) return -1;
    samples = l;
  }
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].outside == SKIP) return -1;
  return in_lanes(p, k) ? samples : -1;
}

/* A sum for each sample and point: [n, ...]. */
static int add_samples(Plan *p, const Kernel *k) {
  Buffer b = {.home = HOME_WORK, .phase = PHASE_CALL, .format = format_plain(F32)};
  b.name = arena_printf(p->u->arena, "%s.samples", k->name);
  b.type.dim[b.type.rank++] = (Extent){1, 0};
  for (int l = 0; l < kernel_free_loops(k); l++) b.type.dim[b.type.rank++] = k->loop[l].extent;
  return plan_buffer(p, b);
}

/* The view of such a buffer by a kernel whose loop over samples is `samples`, and whose other free
 * ones begin at `first`. */
static View samples_view(const Plan *p, int buffer, int samples, int first) {
  View v = {.tensor = buffer, .rank = p->buffer.at[buffer].type.rank};
  v.at[0] = coord_loop(samples, 1, 0);
  for (int a = 1; a < v.rank; a++) v.at[a] = coord_loop(first + a - 1, 1, 0);
  return v;
}

static Kernel of_samples(Plan *p, const Kernel *from, int samples, const int *buffer) {
  Kernel k = *from;
  int to[MAX_LOOPS], next = 1;
  for (int l = 0; l < k.nloop; l++) to[l] = l == samples ? 0 : next++;
  kernel_move_loops(p->u, &k, to);
  k.loop[0].reduced = false;
  k.nout = k.nfold;
  for (int f = 0; f < k.nfold; f++)
    k.out[f] = (Out){.to = samples_view(p, buffer[f], 0, 1), .value = expr_acc(p->u, f)};
  kernel_simplify(p->u, &k);
  return k;
}

static Kernel of_all(Plan *p, const Kernel *from, int samples, const int *buffer) {
  Kernel k = *from;
  const Loop loop = k.loop[samples];
  k.nloop = kernel_free_loops(&k);
  const int n = kernel_loop(&k, loop.name, loop.extent, true);
  for (int f = 0; f < k.nfold; f++) {
    k.in[k.nin] = samples_view(p, buffer[f], n, 0);
    k.fold[f].term = expr_in(p->u, k.nin++);
  }
  kernel_simplify(p->u, &k);
  return k;
}

bool choose_sums_by_sample(Plan *p, const Kernel *k, Kernel *each, Kernel *all) {
  const int samples = samples_of(p, k), buffers = p->buffer.n;
  int buffer[MAX_FOLD];
  Kernel whole = *k;
  if (samples < 0) return false;
  for (int f = 0; f < k->nfold; f++) buffer[f] = add_samples(p, k);
  *each = of_samples(p, k, samples, buffer);
  *all = of_all(p, k, samples, buffer);
  p->target->share(p, &whole);
  p->target->share(p, each);
  p->target->share(p, all);
  if (p->target->time(p, each) + p->target->time(p, all) < p->target->time(p, &whole)) {
    each->tile.n = all->tile.n = 0;
    return true;
  }
  p->buffer.n = buffers;
  return false;
}
