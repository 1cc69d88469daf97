/* nest.h - what the files of the pass nest share. */
#ifndef NEST_H
#define NEST_H

#include "plan.h"

typedef struct Nest {
  Plan *p;
  int *readers, *writers; /* per buffer: kernels of this entry */
} Nest;

Nest nest_new(Plan *);
/* A flat list of kernels as trees of steps. */
Steps nest_steps(Nest *, const Steps *);
/* May blocks of loop l run apart: does every out mention it? */
bool may_cut(const Kernel *, int l);
/* A step over the loop's blocks, without a body. */
Step *new_step(Plan *, const Loop *, int64_t block, bool parallel);
/* Bytes of a tensor between two kernels that may stay in a core's L2 as a whole. */
double nest_room(const Nest *);
/* Three kernels that hand tensors on, band by band, so that these stay in cache (bands.c). NULL
 * where they are none, or fit the cache as a whole. */
Step *nest_bands(Nest *, Step *const *three);

#endif
