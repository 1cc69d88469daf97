/* selftest.h - what selftest.c and reference.c share: the kernels of a top-level step. */
#ifndef SELFTEST_H
#define SELFTEST_H

#include "function.h"

enum { MAX_STEP_KERNELS = 64 };
typedef struct StepKernels { /* in the order in which they run on a block */
  const Kernel *kernel[MAX_STEP_KERNELS];
  const char *reference[MAX_STEP_KERNELS][MAX_OUT]; /* functions; NULL: there is none (yet) */
  int n;
} StepKernels;

/* Emits the reference of an out of kernel `index` of the step, once those before have theirs; NULL:
 * it has none, because what it reads cannot be found. */
const char *reference_function(Emit *, const Plan *, const StepKernels *, const Slots *, int index,
                               int out);

#endif
