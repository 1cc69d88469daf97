/* samples.c - part of nest: sums over a batch become sums over each sample, and of these.
 *
 *   c<16 | n<n h w: acc0 = sum in0     ->     n<n c<16 | h w: acc0 = sum in0
 *     %5[c] = acc0                              %5.sums[n, c] = acc0
 *                                             c<16 | n<n: acc0 = sum %5.sums[n, c]
 *                                               %5[c] = acc0
 *
 * So samples are the jobs, whatever the number of channels, and a sum can run beside what makes the
 * sample that it reads (chains.c). It pays where a sample brings more than its sums take; of weight
 * gradients, where the weights are fewer than the activations. */
#include "nest.h"
#include "backend.h"

enum { SAMPLES_PER_CORE = 4 };

bool nest_by_samples(const Plan *p) {
  return p->target->language->nests && p->max_batch >= SAMPLES_PER_CORE * p->target->machine.cores;
}

/* ---- which sums ---- */

/* The reduced loop over samples, the first of several; no other loop knows of samples. -1: none. */
static int summed_samples(const Kernel *k) {
  const int first = kernel_free_loops(k);
  if (first + 1 >= k->nloop || first + 1 > MAX_RANK ||
      !extent_same(k->loop[first].extent, (Extent){1, 0}))
    return -1;
  for (int l = 0; l < k->nloop; l++)
    if (l != first && k->loop[l].extent.per_n) return -1;
  return first;
}

/* Sums that can be taken apart: of maps, or in tiles of operands that both change in every call.
 * Samples that lie in lanes are summed together. */
static bool only_sums(const Plan *p, const Kernel *k, int samples) {
  if (k->nfold == 0 || k->nin + k->nfold > MAX_IN || !kernel_only_sums(k)) return false;
  if (nest_lanes(p, k, samples) > 1) return false;
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].combine) return false;
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].outside == SKIP) return false;
  Contraction c;
  if (!contraction_of(p, k, &c)) return kernel_kind(k) == KIND_REDUCE;
  return contraction_both_change(p, &c) && tile_get(&k->tile, "r", 0) > 0;
}

/* Do the sums of a sample take less than two thirds of what they read? */
static bool pays(const Plan *p, const Kernel *k) {
  const Machine *m = &p->target->machine;
  double reads = 0, all = 0;
  for (int i = 0; i < k->nin; i++) {
    if (!kernel_term_reads(k, i)) continue;
    reads += (double)buffer_bytes(&p->buffer.at[k->in[i].tensor], 1);
    all += (double)buffer_bytes(&p->buffer.at[k->in[i].tensor], p->max_batch);
  }
  const double sums = (double)(kernel_points(k, false, 1) * k->nfold) * sizeof(float);
  return all > m->l2 && 1.5 * sums < reads;
}

/* ---- taking them apart ---- */

/* The buffer for the sums of one fold, over all free loops of k, along which the lanes of `lane`
 * lie innermost; -1: it lies in rows. */
static View sums_view(Plan *p, const Kernel *k, int lane) {
  View v = correlation_sums(p, k, lane < 0 ? 0 : lane);
  Buffer *b = &p->buffer.at[v.tensor];
  b->type.dtype = p->graph->real;
  if (lane < 0) b->format = format_plain(p->graph->real);
  return v;
}

/* The kernel with loop `samples` as its first free one. */
static Kernel of_each_sample(Plan *p, const Kernel *k, int samples) {
  Kernel each = *k;
  int to[MAX_LOOPS];
  for (int l = 0; l < k->nloop; l++) to[l] = l < samples ? l + 1 : l == samples ? 0 : l;
  kernel_move_loops(p->u, &each, to);
  each.loop[0].reduced = false;
  return each;
}

/* What k computes of the sums of each sample, view[f] of fold f. */
static Kernel of_all_samples(Plan *p, const Kernel *k, int samples, const View *view) {
  Kernel all = *k;
  all.nloop = samples + 1;
  all.algo = NULL;
  all.macs = 0;
  all.tile.n = 0;
  for (int f = 0; f < k->nfold; f++) {
    View *in = &all.in[all.nin];
    *in = view[f]; /* whose axes are the sample and the free loops, in this order */
    for (int a = 0; a < in->rank; a++) in->at[a] = coord_loop(a == 0 ? samples : a - 1, 1, 0);
    all.fold[f].term = expr_in(p->u, all.nin++);
  }
  kernel_simplify(p->u, &all);
  return all;
}

/* The loop along the lanes of a contraction's result; -1: of no contraction. */
static int lane_of(const Plan *p, const Kernel *k) {
  Contraction c;
  if (!contraction_of(p, k, &c)) return -1;
  const int lane = correlation_lane(p, &c, 'N');
  return lane >= 0 ? lane : correlation_lane(p, &c, 'B');
}

static bool take_apart(Plan *p, const Kernel *k, Steps *steps) {
  const int samples = summed_samples(k);
  if (samples < 0 || !only_sums(p, k, samples) || !pays(p, k)) return false;
  Kernel each = of_each_sample(p, k, samples);
  const int lane = lane_of(p, k);
  if (lane < 0 && kernel_kind(k) == KIND_CONTRACT) return false;
  View view[MAX_FOLD];
  each.nout = k->nfold;
  for (int f = 0; f < k->nfold; f++) {
    view[f] = sums_view(p, &each, lane < 0 ? -1 : lane + 1);
    each.out[f] = (Out){.to = view[f], .value = expr_acc(p->u, f)};
  }
  kernel_simplify(p->u, &each);
  const Kernel all = of_all_samples(p, k, samples, view);
  vec_push(p->u->arena, steps, plan_leaf(p, &each));
  vec_push(p->u->arena, steps, plan_leaf(p, &all));
  return true;
}

void nest_samples(Plan *p, PlanEntry entry) {
  Steps steps = {0};
  const Steps *old = &p->entry[entry].step;
  for (int i = 0; i < old->n; i++)
    if (!old->at[i]->run || !take_apart(p, old->at[i]->run, &steps))
      vec_push(p->u->arena, &steps, old->at[i]);
  p->entry[entry].step = steps;
}
