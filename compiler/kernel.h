/* kernel.h - the one meaning of all computation, in Graph and Plan alike.
 *
 * A Kernel is a loop nest without an order: free loops, reduced loops, inputs read through index
 * maps, folds, outputs.
 *
 *   For each point of the free loops:
 *   every fold combines its term over the reduced loops; then every out stores its value.
 *
 * Convolution, pooling, normalisation, padding, concatenation, gradients and weight packing are all
 * Kernels. In a Graph the views index tensors by their logical coordinates; in a Plan the tensors
 * have a Format as well, and the meaning is the same. */
#ifndef KERNEL_H
#define KERNEL_H

#include "expr.h"

enum { MAX_RANK = 8, MAX_LOOPS = 12, MAX_IN = 12, MAX_OUT = 4, MAX_FOLD = 2 };

/* The last ones are for memory alone (Format): types of tensors and arithmetic are others. */
typedef enum DType { F32, F64, I32, U8, BF16, F16, DTYPES } DType;
const char *dtype_name(DType);
int dtype_size(DType);

/* Extents are affine in n, the number of samples of a call: per_n * n + plus. */
typedef struct Extent {
  int64_t per_n, plus;
} Extent;
static inline Extent fixed(int64_t extent) {
  return (Extent){0, extent};
}
static inline int64_t extent_at(Extent e, int64_t n) {
  return e.per_n * n + e.plus;
}
static inline bool extent_same(Extent a, Extent b) {
  return a.per_n == b.per_n && a.plus == b.plus;
}

void extent_print(Text *, Extent); /* 64, n, 2n+1 */

typedef struct Type {
  DType dtype;
  int8_t rank;
  Extent dim[MAX_RANK]; /* activations: dim[0] is {1,0}, the batch; then channels; then up to three
                           of d, h, w */
} Type;
int64_t type_size(const Type *, int64_t n); /* elements */
bool type_same(const Type *, const Type *);
void type_print(Text *, const Type *); /* f32[n,64,56,56] */
const char *type_text(Arena *, const Type *);
const char *sample_text(Arena *, const Type *); /* 64x56x56: without the batch; a number: 1 */

typedef struct Loop {
  const char *name; /* n, k, oh, c, kh ...; unique within a kernel */
  Extent extent;
  bool reduced;
} Loop;

/* One coordinate of an index map: v = sum(coef[l] * loop l) + plus; then, if div > 1, v = floor(v /
 * div), and with `exact` the coordinate is outside when div does not divide v; then, if mod > 0, v
 * = v mod mod. */
typedef struct Coord {
  int32_t coef[MAX_LOOPS];
  int64_t plus;
  int32_t div; /* >= 1 */
  int32_t mod; /* 0: none */
  bool exact;
} Coord;

typedef enum Outside {
  INSIDE, /* never outside: verified */
  FILL,   /* reads `fill` */
  SKIP    /* the whole term is left out of every fold */
} Outside;

typedef struct View {
  int tensor; /* Graph: id of a node. Plan: index of a buffer */
  int8_t rank;
  Outside outside;
  double fill;
  Coord at[MAX_RANK];
} View;

/* FOLD_ARGMAX: linear index over the reduced loops, in their order, of the first maximum; NaN wins
 * over numbers; 0 where no term is above -infinity. */
typedef enum Combine { FOLD_SUM, FOLD_MAX, FOLD_ARGMAX, COMBINES } Combine;

typedef struct Fold {
  Combine op;       /* over no term at all: 0, or -infinity */
  const Expr *term; /* over IN, INDEX, SCALAR, CONST */
  DType acc;        /* F32: as wide as the kernel's arithmetic; F64: always double */
} Fold;

typedef struct Out {
  View to; /* mentions free loops only; INSIDE; distinct points write distinct elements, except: */
  const Expr *value; /* over ACC and what a term may use, inputs that mention free loops only */
  bool combine; /* the values of points with one element are summed in loop order, in double. They
                   differ in free loops that `to` misses, and within runs (kernel_runs) */
} Out;

/* How a target is to run a kernel: named integers, chosen by the target, written to and read from
 * plan files. */
enum { MAX_TILE = 9 };
typedef struct Tile {
  struct {
    const char *name;
    int32_t value;
  } at[MAX_TILE];
  int n;
} Tile;
int tile_get(const Tile *, const char *name, int otherwise);
void tile_set(Tile *, const char *name, int value);

/* Which part of a loop (or of a tensor's axis) runs inside an enclosing Step of a Plan: while that
 * step is at the block [lo, hi) of its own loop, the part is [mul * lo + from, mul * (hi - 1) +
 * to), cut to the extent. step -1: all of it. */
typedef struct Bind {
  int8_t step; /* 0: the outermost enclosing step, 1: the next ... */
  int32_t mul, from, to;
} Bind;

/* What a kernel computes of its layer: forward, or the gradient of its data or of its weights. */
typedef enum Role { ROLE_FWD, ROLE_DGRAD, ROLE_WGRAD, ROLES } Role;
extern const char *const role_names[ROLES];
/* "conv1", "conv1:dgrad": the kernel of a layer in a role, as --algo and plan files name it. */
const char *role_kernel(Arena *, const char *layer, Role);

typedef struct Kernel {
  const char *name; /* the layer it computes, for names and comments */
  Role role;
  int nloop, nin, nfold, nout;
  Loop loop[MAX_LOOPS]; /* free loops first, in the order of out[0]'s axes; then reduced ones, in
                           summation order */
  View in[MAX_IN];
  Fold fold[MAX_FOLD];
  Out out[MAX_OUT];
  DType math;   /* arithmetic: F32, or F64 for what is computed when weights are loaded */
  int64_t macs; /* multiply-adds a user counts, padded taps included; 0 for all but contractions */
  /* Plan only: */
  const char *algo; /* "direct", "winograd4", ... of each step of it; NULL outside of algorithms */
  const char *covers; /* what fuse joined: "conv1 + bn1 + relu"; NULL: the layer alone */
  Bind bind[MAX_LOOPS];
  Tile tile;
} Kernel;

/* Its name in comments. */
static inline const char *kernel_title(const Kernel *k) {
  return k->covers ? k->covers : k->name;
}

/* What a kernel is, computed from it: contract = one SUM fold of a product of two inputs with at
 * least one reduced loop; reduce = any other fold; map = none. */
typedef enum Kind { KIND_MAP, KIND_REDUCE, KIND_CONTRACT } Kind;
Kind kernel_kind(const Kernel *);
/* The inputs whose products a contraction sums. */
void kernel_operands(const Kernel *, int *a, int *b);
bool kernel_is_operand(const Kernel *, int in);
bool kernel_reduces(const Kernel *);   /* does it have a reduced loop? */
bool kernel_only_sums(const Kernel *); /* are all of its folds sums? */
/* Does one of its expressions contain such a leaf or operation (index -1: any)? */
bool kernel_uses(const Kernel *, ExprOp, int index);
/* Does what it computes depend on where loop l stands, apart from what views read and write? */
bool kernel_uses_index(const Kernel *, int l);
int kernel_free_loops(const Kernel *); /* how many of its loops are free: the first ones */
int kernel_outer_loop(const Kernel *); /* the loop that the outermost step cuts; -1: none */
/* How many points its free (reduced) loops have, for n samples. */
int64_t kernel_points(const Kernel *, bool reduced, int64_t n);
/* Does the term of a fold read an input? Does it need it: for its value, or because a SKIP view
 * says which terms there are? */
bool kernel_term_reads(const Kernel *, int in);
bool kernel_term_needs(const Kernel *, int in);
/* A view by its number: inputs, then outs. */
const View *kernel_view(const Kernel *, int i);
bool kernel_reads(const Kernel *, int tensor);
bool kernel_writes(const Kernel *, int tensor);
/* Is it the next step of the algorithm that `before` is a step of? What a user counts as a kernel
 * may run in several. */
bool kernel_continues(const Kernel *before, const Kernel *);
/* Are the divided coordinates of a combining out runs of points: does each count the points of its
 * loops, which no other coordinate mentions, the last loop fastest? Of (9*n + 3*h + w)/8 with h < 3
 * and w < 3, eight points beside each other have one element, and an element begins where 8 divides
 * the number of the point. */
bool kernel_runs(const Kernel *, const Out *);

/* Building (kernel.c). */
int kernel_loop(Kernel *, const char *name, Extent, bool reduced); /* index of the new loop */
/* Starts a kernel that computes `tensor`: one free loop per axis of its type, named n c d h w, and
 * out 0 = tensor[those loops] with no value yet. */
void kernel_start(Kernel *, const char *name, int tensor, const Type *);
View *kernel_in(Kernel *, int tensor, const Type *); /* a new input, all coordinates 0, INSIDE */
View *kernel_in_whole(Kernel *, int tensor, const Type *); /* one whose axis a moves by loop a */
Coord coord_loop(int loop, int coef, int64_t plus);
bool coord_is_loop(const Coord *, int *loop); /* just one loop, coefficient 1, nothing else */
bool coord_affine(const Coord *);             /* no div, no mod */
/* Is the coordinate `loop` beside whole blocks of lanes, so that vectors of them can be loaded? */
bool coord_lines_up(const Coord *, int loop, int lanes);
Coord coord_linear(const Coord *);     /* what is divided: without div, mod, exact */
int coord_only_loop(const Coord *);    /* the loop that alone moves it; -1: none, or several */
int coord_forward_loop(const Coord *); /* that of an affine coordinate, if forwards; or -1 */
bool coord_uses(const Coord *, int loop);
bool view_uses(const View *, int loop);
bool coord_same(const Coord *, const Coord *);
bool view_same(const View *, const View *);
bool kernel_same(const Kernel *, const Kernel *); /* but for names */
bool kernel_same_loops(const Kernel *, const Kernel *);
/* Rounded down; b > 0. */
static inline int64_t floor_div(int64_t a, int64_t b) {
  const int64_t q = a / b;
  return a % b < 0 ? q - 1 : q;
}
/* Smallest and largest value of a coordinate over all points (n at its largest is given). */
void coord_range(const Kernel *, const Coord *, int64_t n, int64_t *lo, int64_t *hi);

/* Substitutes a producer's map into a consumer: IN(which) of k reads a tensor that `from` (no
 * folds, one out, to = identity) computes; afterwards k reads the producer's inputs itself.
 * type[i] is the type of what input i of `from` reads. Cuts loops of k where that removes a
 * division (flatten). False, and k unchanged, where index maps do not compose exactly: what a view
 * reads outside must stay the same, or where an expression would grow beyond EXPR_MOST. */
bool kernel_absorb(Unit *, Kernel *k, int which, const Kernel *from, const Type *type);

/* Loop l becomes loop to[l]; in a view -1 drops it. */
void view_move(View *, const int *to, int nloop);
void kernel_move_loops(Unit *, Kernel *, const int *to);

/* Canonical form: extent-1 loops vanish, unused inputs vanish, equal inputs merge. */
void kernel_simplify(Unit *, Kernel *);

/* Text form (kernel_text.c; kernel_parse reads it back); tensors by the names the caller gives:
 *   conv1: n<n k<64 oh<112 ow<112 | c<3 kh<7 kw<7
 *     in0 = %x[n, c, 2*oh + kh - 3, 2*ow + kw - 3] fill 0
 *     in1 = %w[k, c, kh, kw]
 *     acc0 = sum in0*in1
 *     %y[n, k, oh, ow] = max(0, acc0) */
typedef void (*TensorName)(const void *context, int tensor, Text *out);
void kernel_print(Text *, const Kernel *, TensorName, const void *context);

/* Interpretation in double (interp.c). A tensor as the interpreter sees it; element c[] lies at
 * at[origin + sum over axes of c[a] * stride[a]], where on the lane axis c / lanes is multiplied
 * and c % lanes added. Logical row-major arrays have no margins and lanes 1. A FILL view that
 * leaves [0, dim) but stays inside the margins reads what memory holds there, so a margin nobody
 * wrote is noticed. */
typedef struct Array {
  double *at;
  Type type;
  int64_t origin, stride[MAX_RANK];
  int64_t lo[MAX_RANK], hi[MAX_RANK]; /* margins in elements */
  int lane_axis, lanes;               /* -1, 1: none */
} Array;
Array array_new(Arena *, const Type *, int64_t n); /* logical row-major, zeroed */
int64_t array_offset(const Array *, const int64_t *coordinate);

typedef struct Range {
  int64_t lo, hi; /* [lo, hi) */
} Range;
/* Runs k on array[view.tensor]; `range` (NULL: all) limits each loop;
 * n is the number of samples. */
void kernel_run(const Kernel *k, const Array *array, const double *scalar, const Range *range,
                int64_t n);

#endif
