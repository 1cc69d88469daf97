/* judge.h - what a random network has to give. */
#ifndef JUDGE_H
#define JUDGE_H

#include "generate.h"

enum { MOST_SAMPLES = 3 };
/* Relative rounding of f32, and what it does to numbers near 1. */
#define F32_ROUNDING (1.0 / (1 << 23))

typedef struct Judged { /* a value: what is expected, and how much it may differ by noise */
  const char *name;
  const double *value;
  int64_t size;
  double largest, noise;
} Judged;

/* A network as text, for training with gradients by its inputs, in the first pass behind
 * init_params(seed). */
Graph *judge_read(Unit *, const char *text, bool training, uint64_t seed);
/* Gradients, as pass_grad makes them, by parameters and inputs. */
void judge_gradients(Graph *);
/* The numbers of a parameter or an input. */
double *judge_leaf(Arena *, const Graph *, Id leaf, int64_t n);
/* How many values are judged: all outputs; in training the loss and all gradients as well. */
int judge_values(const Graph *);
/* These for n samples. False: a value is out of range. */
bool judge(Arena *, const Graph *, int64_t n, Rounding, Judged *out);
/* Does noise change each of them little? */
bool judge_is_calm(const Judged *, int n, Rounding);
/* Is a network small, and are its values calm? */
bool judge_accepts(const Wanted *, Graph *);

#endif
