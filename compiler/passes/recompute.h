/* recompute.h - the parts of pass recompute: what it costs to keep some activations and to compute
 * the others again (recompute_cost.c), the choice and the plan that follows (recompute.c). */
#ifndef RECOMPUTE_H
#define RECOMPUTE_H

#include "passes.h"

typedef VEC(int) Ints;

typedef struct Cost {
  int64_t kept, work;   /* bytes: handed on by train_forward; the most that lives inside an entry */
  double macs, seconds; /* of what runs again */
} Cost;

static inline int64_t cost_bytes(const Cost *c) {
  return c->kept + c->work;
}

typedef struct Recomputing {
  Plan *p;
  Ints *writer;   /* per buffer: steps of train_forward that write it */
  bool *open;     /* per buffer: an activation that backward can compute itself */
  bool *again;    /* per buffer: an open one that is not kept: what is chosen */
  bool *held;     /* per buffer: of train_forward's, read behind backward */
  Cost *step;     /* per step of train_forward: of running it */
  int64_t *bytes; /* per buffer */
  int64_t other;  /* bytes of work of the entries that stay as they are */
  /* What recompute_cost finds out: */
  Ints order; /* backward: i is its own step i, ~i step i of train_forward, run again */
  bool *runs; /* per step of train_forward: it is in `order` */
  bool *kept; /* per buffer: of train_forward's, handed on */
  struct Lives *lives;
} Recomputing;

/* About a plan from pass fuse; at first nothing is computed again that backward reads. */
Recomputing recomputing_new(Plan *);
/* Of `again` as it is. */
Cost recompute_cost(Recomputing *);
/* Multiply-adds and seconds of a kernel with the largest batch, roughly. */
Cost recompute_step_cost(const Plan *, const Kernel *);
/* The kernel of an element of `order`. */
const Kernel *recompute_kernel(const Recomputing *, int step);

#endif
