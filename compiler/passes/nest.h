/* nest.h - what the files of the pass nest share. */
#ifndef NEST_H
#define NEST_H

#include "algos.h"
#include "passes.h"

typedef struct Nest {
  Plan *p;
  int *readers, *writers; /* per buffer: kernels of this entry */
  int *users;             /* per buffer: how often kernels of all entries name it */
} Nest;

typedef VEC(const Kernel *) Kernels;

/* Beside the plan's kernels there are those of a trial; NULL: none. */
Nest nest_new(Plan *, const Steps *trial);
/* A flat list of kernels as trees of steps. */
Steps nest_steps(Nest *, const Steps *);
/* May blocks of loop l run apart: does every out mention it? */
bool nest_may_cut(const Kernel *, int l);
/* Blocks of loop l must be multiples of this, or lanes would be split; 1: none lie along it. */
int nest_lanes(const Plan *, const Kernel *, int l);
/* Blocks of loop l are multiples of this: they must split neither lanes nor what a coordinate
 * divides, and should not split tiles of points. */
int nest_unit(const Plan *, const Kernel *, int l);
/* Does work of so many seconds pay for threads? */
bool nest_worth_threads(const Plan *, double seconds);
/* A step over the loop's blocks, without a body. */
Step *nest_new_step(Plan *, const Loop *, int64_t block, bool parallel);
/* Bytes of a tensor between two kernels that may stay in a core's L2 as a whole. */
double nest_room(const Nest *);
/* The axis that only this loop moves, as it is; -1: none, as of no loop, -1. */
int nest_own_axis(const View *, int loop);
/* The free loop that moves the view's axis, if it moves no other and may be cut; -1: none. */
int nest_using_loop(const Kernel *, const View *, int axis);
/* What one step of that loop reads of the axis; false: there is no such loop, or no such range. */
bool nest_part(const Kernel *, const View *, int axis, Bind *);
/* Do two kernels work on the same blocks, of a loop of each, of what one of them writes? */
bool nest_apart(const Kernel *, int loop, const Kernel *, int other);
/* Does `to` alone read what `from` alone computes, through one view? */
bool nest_passes_on(const Nest *, const Kernel *from, const Kernel *to, const View **read);
/* Does it pool it: nothing but a reduction, of a buffer without margins? */
bool nest_pools(const Nest *, const Kernel *from, const Kernel *to, const View **read);
/* A kernel and the pool that alone reads what it computes, block by block (pairs.c). NULL where
 * they are no such two, or the whole of it had better lie between them. */
Step *nest_pair(Nest *, Step *const *two);
/* The first of the steps and two or three behind it that hand tensors on, band by band, so that
 * these stay in cache (bands.c); what is left follows. NULL where they are none, or fit the cache
 * as a whole. */
Step *nest_bands(Nest *, Steps *left);
/* Do samples run apart, each through several kernels: are there enough of them? */
bool nest_by_samples(const Plan *);
/* Is l the loop over samples, in tiles of several that share weights? */
bool nest_samples_share(const Plan *, const Kernel *, int l);
/* Does a sample of the buffer lie in a faster memory than a batch? */
bool nest_sample_is_nearer(const Plan *, const Buffer *);
/* The axis that kernel_outer_loop alone moves; -1: none. */
int nest_outer_axis(const Kernel *, const View *);
/* What nobody but these kernels, which take a sample together, reads or writes exists for the
 * sample of each worker only. */
void nest_scope(Nest *, const Kernels *);
/* Sums over samples become sums of each sample, and of these (samples.c). */
void nest_samples(Plan *, PlanEntry);
/* The first of the steps and those behind it that work on the same samples, as one step (chains.c);
 * what is left follows. NULL, and nothing changed, where there are none. */
Step *nest_chain(Nest *, Steps *left);

/* Trees that follow one another sample by sample become one (depth_first.c). */
Steps nest_depth_first(Nest *, const Steps *);

#endif
