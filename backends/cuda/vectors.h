/* vectors.h - maps, and sums and maxima of few terms, whose result lies in lanes: a thread computes
 * a block of channels. */
#ifndef CUDA_VECTORS_H
#define CUDA_VECTORS_H

#include "writer.h"

/* May the kernel run so? It is no contraction, nor one whose sums several threads share. */
bool vectors_serve(const Plan *, const Kernel *);
/* Prints the kernel, and to `calls` its launch. */
void vectors_print(Writer *, Emit *calls);

/* The same of sums in double whose terms lie in lanes: of a kernel whose points blocks of threads
 * share (reduce.h). */
bool vectors_sum(const Plan *, const Kernel *);
void vectors_print_sum(Writer *, Emit *calls);

#endif
