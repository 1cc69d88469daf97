/* ukernel.h - a register tile while it is printed: its pointers and what is stored (ukernel.c), and
 * the sums (ukernel_sum.c). */
#ifndef UKERNEL_H
#define UKERNEL_H

#include "contract.h"

typedef struct Ukernel {
  Contract *w;
  const TileAt *t;
  Leaf *f;
  Emit *e;
  Arena *arena;
  Linear base[MAX_IN + 1]; /* where the pointers of the inputs and of the result stand */
  int r, j;                /* the accumulator whose value is printed */
  int block;   /* turns of the innermost loop until the next lanes of x; 0: not along them */
  int channel; /* that loop, */
  Linear turn; /* and which turn runs */
} Ukernel;

enum { LINE = 16 }; /* floats of a line of the caches */

/* ---- ukernel.c ---- */

/* `count` lanes (0: all) of a vector at pointer + at; or one value in all of them. */
const char *ukernel_load(const Ukernel *, const char *pointer, const char *at, int count);
const char *ukernel_broadcast(const Ukernel *, const char *pointer, const char *at);
/* The loops' values become those of point r, vector j. */
void ukernel_stand_at(const Ukernel *, int r, int j);
const View *ukernel_view(const Ukernel *, int i);
/* The distance from the view's pointer, where the text stands. */
Linear ukernel_place(const Ukernel *, int i);
const char *ukernel_distance(const Ukernel *, int i);
/* Lanes in use of vector j; 0: all. */
int ukernel_count(const Ukernel *, int j);
/* Does the window leave the tensor along this axis? Then it runs over the coordinate. */
bool ukernel_leaves(const Ukernel *, const View *, int axis);
/* Does the loop over samples run outside of the tile? */
bool ukernel_is_outside(const Contract *, int l);
/* Does a tile sum a part of the loop? */
bool ukernel_is_band(const Contract *, int l);
/* Does the reduction begin with the samples of a batch? Then each is summed by itself: long sums of
 * few bits stay apart. */
bool ukernel_sums_samples(const Ukernel *);

/* ---- ahead.c ---- */

/* Fetches the next sample's lines whose place is in front of this loop over terms. */
void ahead_print(Ukernel *, int loop);

/* ---- ukernel_sum.c ---- */

/* Declares the accumulators (with ukernel_sums_samples: called sum) and adds up the terms. */
void ukernel_sum(Ukernel *);

#endif
