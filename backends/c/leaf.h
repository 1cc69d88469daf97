/* leaf.h - what the generators of leaf functions share: the state of the function that is being
 * printed, linear forms over its variables, subscripts, dialects. */
#ifndef LEAF_H
#define LEAF_H

#include "generate.h"
#include "algos.h"

/* A linear form over C variables: constant + sum of coef * name. */
enum { LINEAR_TERMS = 24 };
typedef struct LinearTerm {
  int64_t coef;
  const char *name;
  int below; /* the variable is in [0, below); 0: not known */
} LinearTerm;
typedef struct Linear {
  int64_t constant;
  bool wide; /* print factors as long long */
  int n;
  LinearTerm term[LINEAR_TERMS];
} Linear;
Linear linear_constant(int64_t);
Linear linear_variable(int64_t coef, const char *name);
void linear_add(Linear *sum, const Linear *more, int64_t times);
bool linear_divides(const Linear *, int64_t divisor);
Linear linear_divided(const Linear *, int64_t divisor);
const char *linear_text(Arena *, const Linear *); /* "784 * c + 28 * h + w - 3" */

/* A leaf function in the making. Its body is printed first; what the body mentions becomes
 * parameters: in0 .. out0 .., `batch` (samples in this call), `scalar`, and K_block, the number of
 * the block that an enclosing step over loop K is at. */
enum { MAX_BOUNDS = 2 * MAX_LOOPS + MAX_NESTING, MAX_AHEAD = 8 };
/* A constant with the bound of a loop: the less (greater) of two forms. */
typedef struct LeafBound {
  const char *name;
  Linear value, limit;
  char less;
  bool used;
} LeafBound;
typedef struct Leaf {
  Emit *e;
  const Plan *plan;
  const Kernel *k;
  Step *const *outer; /* enclosing steps, outermost first */
  int depth;
  const char *block[MAX_NESTING]; /* names of their parameters */

  LeafBound bound[MAX_BOUNDS];
  int nbound;
  Linear value[MAX_LOOPS];               /* the value of each loop where the text stands now */
  Linear from[MAX_LOOPS], to[MAX_LOOPS]; /* the part of each loop that runs */
  const char *coordinate[MAX_IN + MAX_OUT][MAX_RANK]; /* variable that holds a view's coordinate */

  const char *images; /* inside a loop over samples in vectors: how many lanes hold some */
  bool uses_images;
  Text *around, inside; /* where the text of that loop goes, and its text */

  /* Which parameters the text mentions: set where they are printed. */
  bool uses_batch, uses_scalar, uses_block[MAX_NESTING], uses_in[MAX_IN], uses_ahead[MAX_AHEAD];

  const View *ahead[MAX_AHEAD]; /* of other kernels: whose next sample is fetched (ahead.c) */
  int nahead;
} Leaf;

/* Finds what `own`, its kernel, is to fetch of the next sample. */
void ahead_find(Leaf *, const Kernel *own);
/* The parameter that points to the i-th of these tensors. */
const char *ahead_pointer(const Leaf *, int i);
const Buffer *leaf_buffer(const Leaf *, const View *);
/* A form as text of the function: what it mentions counts as used. */
const char *leaf_form(Leaf *, const Linear *);
/* "scalar[i]" */
const char *leaf_scalar(Leaf *, int index);
/* Fills from, to, bound. Called once, before the body is printed; leaf_bounds afterwards prints
 * those bounds that the body mentions. */
void leaf_ranges(Leaf *);
void leaf_bounds(Leaf *);
/* Opens loop l over its part, named after it; a part of one value needs no loop. Close it with
 * leaf_close. */
bool leaf_open(Leaf *, int l);
void leaf_close(Leaf *, bool opened);
/* Opens loop l over samples, a vector of them a turn: those of a buffer with images in its lanes.
 * What is stored there of lanes behind the last image is `fill`. */
bool leaf_one_vector(const Leaf *, int l); /* is the part of it that runs one vector? */
bool leaf_open_images(Leaf *, int l);
void leaf_close_images(Leaf *, int l, bool opened);
/* Opens the block of the last `count` turns of a loop, which run
 * where `test` says (NULL: always). */
void leaf_open_rest(Leaf *, const char *test, int count);
Linear extent_form(Extent); /* of `batch` */
/* The loop that plain loops run in vectors, or -1. `from`: where the parts of loops that run begin;
 * NULL: with whole vectors. */
int loops_lane(const Plan *, const Kernel *, DType math, const Linear *from);
/* The first of the loops before `inner` that run as one with it, or `inner`: all tensors lie in
 * rows along them. All but the first are whole. */
int loops_run(const Plan *, const Kernel *, int inner);
int leaf_view(const Leaf *, const View *); /* its number: inputs, then outs */

/* The element that a view names where the text stands: its distance from the buffer's begin, and
 * that as text. */
Linear leaf_place(Leaf *, const View *);
const char *leaf_subscript(Leaf *, const View *);
/* The place of an element that is given by its coordinates. */
Linear leaf_element(Leaf *, const Buffer *, const Linear *coordinate);
/* "in0", "out0". */
const char *leaf_pointer(Leaf *, const View *);
/* A coordinate before divisions; and after, as C text. */
Linear leaf_coordinate(Leaf *, const View *, int axis);

/* The vector of an input along the lane loop,
 * all lanes or the first `count`, or one value for all. */
const char *leaf_load(Leaf *, const View *, int lane, int count);
/* Prints the store of a vector at pointer + at: all lanes (count 0), or the first `count`, and
 * behind them the fill where it is this function's to write. */
void leaf_store(Leaf *, const View *to, const char *pointer, const char *at, const char *value,
                int count);

/* Writes `fill` around the part of an out's buffer that the function wrote: margins, and with
 * `lanes` the unused lanes of the last block. */
void leaf_margins(Leaf *, const Out *, bool lanes);

/* ---- dialects (dialect.c) ---- */

/* Names like avx512_add; where vectors are one float, C's own. */
Dialect vector_dialect(Emit *, const Target *);
/* The kernel with powers by multiples of 1/4 as square roots, which vectors have. */
const Kernel *kernel_with_roots(Unit *, const Kernel *);
/* A value of `to`, from text of `from`: with a cast where C would warn. */
const char *c_convert(Emit *, const char *text, DType from, DType to);

/* ---- generators: print the body of a leaf function ---- */

void loops_body(Leaf *);
/* The register-tiled contraction, where it fits the kernel; loops_body always does. */
bool contract_fits(const Plan *, const Kernel *);
void contract_body(Leaf *);
/* Its lane loop; -1: none fits. */
int contract_lane(const Plan *, const Contraction *);
/* Tiles that are summed in memory, by one band of positions after another: where there are several,
 * of operands that both change in every call, or several samples. */
typedef struct Bands {
  int samples;  /* the reduced loop over samples; -1: none */
  int loop;     /* the reduced loop of the bands, of */
  int64_t rows; /* so many turns */
} Bands;
bool contract_bands(const Plan *, const Contraction *, Bands *);
/* Maps that only move data between different orders: blocks turned round in registers. */
bool move_fits(const Leaf *);
void move_body(Leaf *);
double move_cycles(const Plan *, const Kernel *); /* < 0: it does not fit */
/* Sums of products with constant matrices: Winograd's transforms. */
bool transform_fits(const Leaf *);
void transform_body(Leaf *);

#endif
