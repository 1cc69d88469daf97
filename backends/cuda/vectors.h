/* vectors.h - maps, and sums and maxima of few terms, whose result lies in lanes: a thread computes
 * a block of channels. */
#ifndef CUDA_VECTORS_H
#define CUDA_VECTORS_H

#include "writer.h"

/* May the kernel run so? It is no contraction, nor one whose sums several threads share. */
bool vectors_serve(const Plan *, const Kernel *);
/* Prints the kernel, and to `calls` its launch. */
void vectors_print(Writer *, Emit *calls);

/* May threads of a block that share a point (reduce.h) have blocks of channels? The kernel's sums
 * are in double, and their terms lie in lanes. */
bool vectors_sum(const Plan *, const Kernel *);
/* Prints such a kernel, and to `calls` its launch. */
void vectors_print_sum(Writer *, Emit *calls);

#endif
