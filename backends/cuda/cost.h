/* cost.h - how long kernels take on a CUDA device, and the tiles that take the least. */
#ifndef CUDA_COST_H
#define CUDA_COST_H

#include "backend.h"

double cuda_time(const Plan *, const Kernel *);
/* The tile of a product in blocks of threads; how many threads share a sum of any other kernel. */
void cuda_pick_tile(const Plan *, Kernel *);
void cuda_share(const Plan *, Kernel *);
/* Why there is no such tile, or NULL. */
const char *cuda_refuses_tile(const Plan *, const Kernel *);

#endif
