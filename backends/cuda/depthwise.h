/* depthwise.h - channels with filters of their own: a thread computes some results beside each
 * other, of one channel or of as many as lie in lanes. */
#ifndef CUDA_DEPTHWISE_H
#define CUDA_DEPTHWISE_H

#include "writer.h"
#include "algos.h"

/* Results of a thread along the rows that windows slide over (Kernel.tile); 0: another
 * generator's. */
int depthwise_points(const Kernel *);

typedef struct Depthwise {
  Contraction c;
  Sliding slide;
  int points, lines; /* of a thread: results, and what their windows read along that axis */
  int lane, lanes;   /* the loop of channels that lie in lanes, and how many do; -1, 1: none */
} Depthwise;
Depthwise depthwise_of(const Plan *, const Kernel *);

/* Prints the kernel, and to `calls` its launch. */
void depthwise_print(Writer *, Emit *calls);

#endif
