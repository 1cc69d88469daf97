/* cost_loops.c - part of cost.c: plain loops, maps, and sums that threads share. */
#include "cost.h"
#include "device.h"
#include "reduce.h"
#include "vectors.h"

#include <math.h>

enum {
  PLAIN = 16, /* instructions for a term of a plain loop, */
  TURN = 40   /* which takes so many cycles if nothing else runs */
};

/* A kernel whose points have so many threads each, which share the terms: what a multiprocessor
 * starts, or the turns of one thread, whichever takes longer. */
static double loop_seconds(const Plan *p, const Kernel *k, int threads) {
  const int units = p->target->machine.units;
  double points = 1, terms = 1;
  for (int l = 0; l < k->nloop; l++)
    *(k->loop[l].reduced ? &terms : &points) *= (double)extent_at(k->loop[l].extent, p->max_batch);
  const double turns = ceil(terms / threads) + (threads > 1 ? 2 * log2(threads) : 0);
  const double rounds = ceil(points * threads / (units * (double)DEVICE_THREADS));
  const double all =
      points * threads * turns * (k->nfold ? PLAIN : 4) / (units * (double)COST_LANES);
  return fmax(all, rounds * turns * TURN) / cuda_clock(p->target);
}

/* Sums of blocks of channels: a turn waits for memory, and its threads add up what each has. More
 * threads would have too few registers for them. */
static double sum_seconds(const Plan *p, const Kernel *k, int threads) {
  enum { MOST = 256 };
  const int units = p->target->machine.units, lanes = plan_lanes(p);
  const double points = (double)kernel_points(k, false, p->max_batch) / lanes;
  const double turns = ceil((double)kernel_points(k, true, p->max_batch) / threads) + 1;
  const double rounds = ceil(points * threads / (units * (double)DEVICE_THREADS));
  const double all = points * threads * turns * (PLAIN + 4.0 * lanes * k->nfold);
  if (threads > MOST) return INFINITY;
  return fmax(all / (units * (double)COST_LANES), rounds * turns * COST_LATENCY) /
         cuda_clock(p->target);
}

static double shared_seconds(const Plan *p, const Kernel *k, int threads) {
  return threads > 1 && vectors_sum(p, k) ? sum_seconds(p, k, threads)
                                          : loop_seconds(p, k, threads);
}

/* What the threads of a map load and store, numbers one by one or a block of channels at once. */
static double map_seconds(const Plan *p, const Kernel *k) {
  const double at_once = vectors_serve(p, k) ? plan_lanes(p) : 1;
  const double work = (k->nin + k->nout) * (COST_FETCH + at_once);
  return (double)kernel_points(k, false, p->max_batch) / at_once * work /
         (p->target->machine.units * (double)COST_LANES) / cuda_clock(p->target);
}

static const int block_threads[] = {64, 256, 1024};

/* Worth it where more is gained than a launch takes. */
void cuda_share(const Plan *p, Kernel *k) {
  double least = loop_seconds(p, k, 1) - p->target->machine.launch;
  if (!reduce_fits(k)) return;
  for (int i = 0; i < COUNT(block_threads); i++) {
    const double time = shared_seconds(p, k, block_threads[i]);
    if (time >= least) continue;
    least = time;
    reduce_set_threads(k, block_threads[i]);
  }
}

bool cuda_may_share(int threads) {
  bool may = false;
  for (int i = 0; i < COUNT(block_threads); i++) may |= threads == block_threads[i];
  return may;
}

/* Half of what training moves is maps', which in inference are part of products. */
double cuda_loops_time(const Plan *p, const Kernel *k) {
  if (plan_trains_narrow(p) && kernel_kind(k) == KIND_MAP) return map_seconds(p, k);
  return shared_seconds(p, k, reduce_threads(k) > 0 ? reduce_threads(k) : 1);
}
