/* reduce.h - long sums of few points: a block of threads for each point. */
#ifndef CUDA_REDUCE_H
#define CUDA_REDUCE_H

#include "writer.h"

/* May the kernel run so? Its folds are sums or maxima, and each point has an element of its own. */
bool reduce_fits(const Kernel *);
/* Threads of a block (Kernel.tile); 0: another generator's. */
int reduce_threads(const Kernel *);
void reduce_set_threads(Kernel *, int threads);
/* Prints the kernel, and to `calls` its launch. */
void reduce_print(Writer *, Emit *calls);

#endif
