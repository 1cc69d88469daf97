/* cost.h - how long kernels take on a CUDA device, and the tiles that take the least. */
#ifndef CUDA_COST_H
#define CUDA_COST_H

#include "backend.h"

double cuda_time(const Plan *, const Kernel *);
/* Only what an algorithm for blocks of threads has lowered gets a tile. */
void cuda_pick_tile(const Plan *, Kernel *);
/* Why there is no such tile, or NULL. */
const char *cuda_refuses_tile(const Plan *, const Kernel *);

#endif
