/* loops.h - what the parts of the generator of plain loops share: which loops stand where
 * (loops.c), coordinates and tests (loops_coordinates.c), what inner loops leave alone
 * (loops_early.c), what happens at a point (loops_point.c). */
#ifndef LOOPS_H
#define LOOPS_H

#include "leaf.h"

enum { MAX_PARTS = 8 };
typedef struct Loops {
  Leaf *f;
  const Dialect *d; /* of what is printed now: */
  bool vectors;     /* vectors along the lane loop, or scalars */
  DType math;
  bool out[MAX_OUT]; /* which outs these loops compute */
  bool combine;
  int order[MAX_LOOPS], norder; /* free loops of `to`, free loops that combine, reduced loops */
  int nto, nfree;
  const char *terms_if[MAX_LOOPS]; /* by free loop: what SKIP views ask where it stands; or NULL */
  int lane;                        /* the loop that runs in vectors, or -1 */
  int run;                         /* the loops from this one to `lane` run as one: */
  Linear from, to;                 /* the part of it that runs */
  int64_t extent;
  int count; /* lanes in use, 0: all */

  int early_level;             /* in front of this level stand, -1: nothing, */
  bool early[MAX_IN];          /* these inputs, */
  const Expr *part[MAX_PARTS]; /* and these parts of formulas: inputs MAX_IN + part; */
  int nparts;
  const Expr *term[MAX_FOLD], *value[MAX_OUT]; /* the formulas without them */
} Loops;

/* Are the lanes samples that sums add up? Then terms are vectors, and what follows is scalar. */
bool loops_sum_lanes(const Loops *);

/* ---- loops_coordinates.c ---- */

/* The level of the innermost loop that a coordinate mentions. */
int loops_level(const Loops *w, const Coord *c);
/* Does a coordinate have a variable of its own: is it divided or tested? */
bool loops_needs_name(const Loops *w, const View *v, int axis);
/* `in0_h`: the name of a view's coordinate. */
const char *loops_axis_name(const Leaf *f, const View *v, int axis);
/* The condition that an axis is inside, added to `out` with " && ". */
void loops_add_tests(Loops *w, const View *v, int axis, Text *out);
/* Names what can be named at this level; returns the tests of SKIP views, or NULL. */
const char *loops_name_coordinates(Loops *w, int level);
void loops_forget_coordinates(Loops *w, int level);

/* ---- loops_window.c ---- */

/* Can reduced loop l run over the input coordinate that it moves instead? Where all that mention l
 * are equal coordinates c = ... + l of skipping views. Returns one of them, or NULL, and the extent
 * of its axis. */
const Coord *loops_window(const Loops *w, int l, Extent *extent);
/* The first coordinate of such a window. */
Linear loops_window_begin(const Loops *w, int l, const Coord *);
/* Prints the terms of a window of few taps one after another, where it lies inside of its tensor;
 * false: it is none. `leaves`: it need not lie inside, and the text is an `if` without `else`. */
bool loops_unroll_window(Loops *w, bool *leaves);

/* ---- loops_early.c ---- */

/* Once the order of loops is known: finds what they compute early, and where. */
void loops_find_early(Loops *w);
/* Computes it. */
void loops_add_early(Loops *w);

/* ---- loops_point.c ---- */

/* The text of an expression. */
const char *loops_expression(Loops *w, const Expr *);

/* Is an input read by the outs of these loops? */
bool loops_in_value(const Loops *w, int in);
/* Reads an input: x0. */
void loops_load(Loops *w, int in);
/* acc0, before its terms. */
void loops_start_fold(Loops *w, int fold);
/* total0: the lanes of a fold added up. */
void loops_total(Loops *, int fold);
/* Stores an out, or adds it to its sum. */
void loops_store(Loops *w, int out);
/* Reads what terms need and adds them. */
void loops_add_terms(Loops *w);
/* Stores the sums of outs that combine. */
void loops_finish_sums(Loops *w);

#endif
