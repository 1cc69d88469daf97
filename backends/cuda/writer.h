/* writer.h - what the parts of the kernel generator share: the function being printed, text of
 * coordinates and subscripts (index.c), the points of a grid (grid.c), and what a thread does
 * (loops.c). */
#ifndef CUDA_WRITER_H
#define CUDA_WRITER_H

#include "generate.h"

/* Arithmetic in double that is never contracted (dialect.c); in float it is C's. */
Dialect cuda_double(void);

/* One function: some outs of a kernel, with the loops that its threads share out. */
typedef struct Writer {
  Emit *e;
  const Plan *p;
  const Kernel *k;
  Dialect math;
  const char *index; /* type of loop variables and subscripts */
  const char *loop[MAX_LOOPS];
  bool out[MAX_OUT];      /* which outs the function computes */
  bool combine;           /* they sum over the free loops that are not: */
  bool thread[MAX_LOOPS]; /* the loops of a point */
  bool joined[MAX_LOOPS]; /* the loop is a part of the next one of these */
  bool loaded[MAX_IN];    /* x0, x1 ... that stand before the reduced loops */
  const char *n;          /* the name of the number of samples */
  bool batch;             /* the text mentions it, */
  bool scalar;            /* and other run-time scalars */
} Writer;

/* A level is the index of a reduced loop, or one of these: outside all of them; all of them. */
enum { PROLOGUE = -1, ALL_LEVELS = -2 };

/* ---- index.c ---- */

/* The name of input i's / out o's pointer: in0, out0. */
const char *writer_in(const Writer *, int i);
const char *writer_out(const Writer *, int o);

Extent writer_scaled(Extent, int64_t by);
/* "4 * batch + 1"; as an operand of a product or division "(4 * batch + 1)". */
const char *writer_extent(Writer *, Extent);
const char *writer_operand(Writer *, Extent);
/* Appends ` + coef * name` to a sum that may be empty; without a name, the number alone. */
void writer_term(Writer *, Text *sum, Extent coef, const char *name);

/* The value of a coordinate: 2 * oh + kh - 1. */
const char *writer_at(Writer *, const Coord *);
/* The innermost reduced loop that a view mentions, or PROLOGUE. */
int writer_level(const Writer *, const View *);
/* Declares the variables of a view's coordinates that are known from a level on (ALL_LEVELS: all,
 * those of the outermost level first). Only coordinates with divisions or tests have variables:
 * in0_2 is input 0's coordinate on axis 2. */
void writer_coordinates(Writer *, const View *, const char *pointer, int level);
/* The condition under which the coordinates of one level (ALL_LEVELS: of all) are inside; NULL if
 * they always are. */
const char *writer_inside(Writer *, const View *, const char *pointer, int level);
/* The element that a view reads or writes: one sum over loops and coordinates. */
const char *writer_subscript(Writer *, const View *, const char *pointer);
/* By how many elements a loop moves a view, whatever its margins. */
int64_t writer_step(const Writer *, const View *, int loop);
/* Does loop `outer` go on in the view where `inner` ends, so that both are one in its subscript? */
bool writer_goes_on(const Writer *, const View *, int outer, int inner);

/* ---- grid.c ---- */

/* Product of the extents of the thread's loops from `first` on; `suffix` makes its type. */
const char *writer_points(Writer *, int first, const char *suffix);
/* The loops of a point are the free ones of the kernel, or the reduced ones. */
void writer_take_loops(Writer *, bool reduced);
/* Declares the loops of `thread` as parts of a number that counts their points, the last one
 * running fastest; those that are not `used` (NULL: all are) are left out. */
void writer_loops(Writer *, const char *number, const bool *used);
/* Opens the loop over the points of `thread` that a thread of the grid has, and declares the loops;
 * close it with emit_close. */
void writer_open_points(Writer *);
/* Of a kernel whose points have a block of threads each: declares `thread` and the loops of the
 * point; opens the loop over a thread's terms, every 256th, and declares those of their loops that
 * they depend on (close it with emit_close). */
void writer_block_point(Writer *);
void writer_open_terms(Writer *, int threads);
/* Joins loops of `thread` that are one in the view's subscript; the last of them gets their name.
 * Until `joined` and `loop` are set back the text may be about that view only. */
void writer_join(Writer *, const View *);

/* ---- loops.c ---- */

/* const float x0 = in0[...], with the coordinates that it needs; all loops have a value. */
void writer_load(Writer *, int input);
/* At a point, whose free loops have values: what is read once, the folds' beginnings acc0 ..., one
 * term (all loops have values), and what follows the folds: loads and stores. */
void writer_begin_point(Writer *);
void writer_start_folds(Writer *);
void writer_fold_term(Writer *);
void writer_finish(Writer *);
const char *writer_value(Writer *, int out);             /* of an out, instead of storing it */
void writer_store(Writer *, int out, const char *value); /* that text, a number of w->math */
DType writer_fold_dtype(const Writer *, int fold);       /* of the number that it sums in */
/* Does what follows the folds read an input? Does it ask where a loop stands, apart from inputs
 * that are `read` already (NULL: none)? */
bool writer_finishes_with(const Writer *, int input);
bool writer_finishes_at(const Writer *, int loop, const bool *read);

/* Does the function read an input at all? */
bool writer_reads(const Writer *, int input);
void writer_body(Writer *);

/* ---- transform.c ---- */

/* Are its sums products with constant matrices (transform.h) whose lines registers hold? No text
 * reads those. */
bool writer_transforms(const Plan *, const Kernel *);
/* Prints what loads, what stores and the kernel, and to `calls` its launch. */
void writer_transform(Writer *, Emit *calls);

/* ---- generate.c ---- */

/* Shapes and size of what the writer computes: the function's comment. */
const char *writer_title(Writer *);

#endif
