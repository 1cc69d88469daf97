/* views.h - the algebra of index maps: what absorbing a producer and inverting a view share. */
#ifndef VIEWS_H
#define VIEWS_H

#include "kernel.h"

/* Divisions and remainders that change nothing vanish, term by term. */
void coord_simplify(const Kernel *, Coord *);
/* outer with each of its loops l replaced by inner[l]; the result's loops are those of the inner
 * ones. False where that is no coordinate. */
bool coord_compose(const Coord *outer, const Coord *const *inner, int nouter, Coord *result);
/* A coordinate as an expression over INDEX, for points where an exact division is exact. */
const Expr *coord_expr(Unit *, const Coord *, int nloop);
/* Cuts loops of k where that makes coordinates of a view affine: f with f/16 and f%16 becomes
 * f1, f2. */
void kernel_cut_loops(Unit *, Kernel *k, int input);

/* The kernel that computes the gradient by what IN(which) of k reads, of this type, where each
 * point of k's loops contributes `term` (over k's inputs and loops; k's folds do not count). Tensor
 * `dout` is the gradient that flows in, read by k through out 0's view. out[0].to.tensor of the
 * result is -1. False where the view cannot be inverted. */
bool view_invert(Unit *, const Kernel *k, int which, int dout, const Type *, const Expr *term,
                 Kernel *result);

#endif
