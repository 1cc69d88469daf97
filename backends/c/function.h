/* function.h - what keys.c, function.c and generate.c share: the buffers of a step, keys of
 * functions, leaf functions. */
#ifndef FUNCTION_H
#define FUNCTION_H

#include "leaf.h"

/* What a job gets: whole buffers that the step's kernels read, and those that they write. Scoped
 * ones lie in the worker's memory. */
typedef struct Slots {
  int in[MAX_STEP_BUFFERS], nin, out[MAX_STEP_BUFFERS], nout;
} Slots;
Slots slots_find(const Plan *, const Step *);
int slots_index(const int *slot, int n, int buffer); /* -1: not there */

/* All that a function's text depends on; the jobs may be those of a step inside `sample`. */
const char *job_key(Emit *, const Plan *, PlanEntry, const Step *sample, const Step *,
                    const Slots *);
const char *leaf_key(const Leaf *, const Step *);

/* A leaf in the making; then its function, emitted unless an equal one exists. Afterwards
 * f->uses_.. say which parameters it has. */
void leaf_start(Leaf *f, Emit *, const Plan *, const Step *, Step *const *outer, int depth);
const char *leaf_function(Leaf *f, PlanEntry, const Step *);
/* The comment over a leaf function (describe.c). */
void leaf_describe(const Leaf *, PlanEntry);
/* The name of a step's parameter in leaf and job functions: the number of its block. */
const char *step_block_name(Arena *, Step *const *outer, int depth, const Step *);
int64_t step_block_count(const Step *, int64_t n);
const char *function_attribute(const Plan *, Arena *); /* the attribute of functions in vectors */

#endif
