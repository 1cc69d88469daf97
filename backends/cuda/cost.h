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

/* ---- what estimates are made of ---- */

enum {
  COST_LANES = 128,   /* instructions that a multiprocessor starts per cycle, for one thread each */
  COST_LATENCY = 800, /* cycles from the beginning of a stage until it is there */
  COST_FETCH = 14     /* instructions for what comes at once into shared memory */
};
double cuda_clock(const Target *); /* cycles per second */

/* ---- cost_loops.c ---- */

/* The arithmetic of any other kernel. */
double cuda_loops_time(const Plan *, const Kernel *);
bool cuda_may_share(int threads); /* may so many share a sum? */

#endif
