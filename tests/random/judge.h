/* judge.h - what a random network has to give. */
#ifndef JUDGE_H
#define JUDGE_H

#include "../unit/kernels.h"
#include "graph.h"

enum { MOST_SAMPLES = 3 };

typedef struct Judged { /* an output: what is expected, and how much noise may change it */
  const double *value;
  int64_t size;
  double largest, noise;
} Judged;

/* The numbers of a parameter or an input. */
double *judge_leaf(Arena *, const Graph *, Id leaf, int64_t n);
/* All outputs for n samples. False: a value is out of range. */
bool judge(Arena *, const Graph *, int64_t n, Judged *out);
/* Is a network small and well-conditioned? */
bool judge_accepts(const Graph *);

#endif
