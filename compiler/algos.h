/* algos.h - what an algorithm for contractions is, and what algorithms share: what they ask about a
 * contraction, packed weights, register tiles. An algorithm sees roles of loops, never operators.
 */
#ifndef ALGOS_H
#define ALGOS_H

#include "plan.h"

/* A contraction seen by the roles of its loops: B is in all three of x, w, out; M in x and out; N
 * in w and out; K is reduced. */
typedef struct Contraction {
  const Kernel *k;
  int x, w;             /* which inputs; w is the one of the earlier phase. Of two that both change
                           in every call, the one that lanes run along; once lowered, the second,
                           or the only one with images in its lanes */
  char role[MAX_LOOPS]; /* 'B' 'M' 'N' 'K', per loop */
} Contraction;
bool contraction_of(const Plan *, const Kernel *, Contraction *);

struct Algo {
  const char *name, *doc;
  /* NULL if it serves this contraction on this target; otherwise the reason of refusal. */
  const char *(*refuses)(const Plan *, const Contraction *);
  Layouts wants, gives; /* of x (and epilogue inputs), of out */
  double tolerance;     /* growth of the rounding error over direct summation */
  double doubt;    /* how many times its estimate counts, for what that does not see; 0: once */
  bool transforms; /* what it multiplies are transforms of both operands */
  /* Appends the steps that compute c to `steps`; makes the buffers it needs (packed weights,
   * columns). */
  void (*lower)(Plan *, const Contraction *c, Steps *steps);
};
typedef enum AlgoKind {
#define ALGO(name) ALGO_##name,
#include "algos.def"
#undef ALGO
  ALGO_KINDS
} AlgoKind;
extern const Algo *const algos[ALGO_KINDS];
const Algo *algo_find(const char *name); /* NULL: unknown */
/* Sets serves[a] of each algorithm algos[a] that serves the contraction on the plan's target. */
void algos_serving(const Plan *, const Contraction *, bool serves[ALGO_KINDS]);

/* What algorithms share (algos.c). */
/* The tile of a product, or how threads share what is none: by the plan's TileLog or by the target,
 * which may have no opinion. */
void algo_pick_tile(const Plan *, Kernel *);
void algo_pick_shares(const Plan *, Kernel *);
/* The free loop that runs along the lanes of the result: the one of this role that moves its
 * channel axis by 1; -1: none, or groups of channels that lanes would straddle. */
int contraction_lane(const Plan *, const Contraction *, char role);
/* Why algorithms that make something else of its weights do not serve c, or NULL; then why those
 * that pack weights for register tiles do not. */
const char *contraction_refuses_weights(const Plan *, const Contraction *);
const char *packed_refuses(const Plan *, const Contraction *);
/* How many terms a result of the contraction sums. */
double contraction_terms(const Plan *, const Contraction *);
/* Why an algorithm may not serve k whose sums of so many terms have that many times the rounding
 * error of plain sums, or NULL. */
const char *algo_refuses_error(const Plan *, const Kernel *k, double terms, double growth);
/* Of the loops of x that the weights do not know: the innermost, over points, and the one around
 * it, over rows of them; -1: none. */
int contraction_point(const Contraction *);
int contraction_row(const Contraction *);
/* The loops that may run as one over points, which follow each other in all views: the point's, the
 * one around it .. How many; 0: none. */
int contraction_run(const Plan *, const Contraction *, int loop[MAX_LOOPS]);
/* Do samples, the values of loop l, lie beside each other in x, inside its other axes? */
bool contraction_joins_samples(const Contraction *, int l);
/* Do free and reduced loops meet in one coordinate of x: does a window slide over it? */
bool contraction_slides(const Contraction *);
bool contraction_loop_slides(const Contraction *, int loop);
bool contraction_strides(const Contraction *); /* does one move by more than one? */
/* Adds a kernel to PLAN_PREPARE; where its first input is itself prepared by a map, it reads what
 * that reads. What only moves has no need of double. */
void algo_prepare(Plan *, Kernel *fill);
/* A derived buffer that holds input w of k along the free and reduced loops that read it, that many
 * values of loop `lane` innermost, and the kernel of PLAN_PREPARE that fills it; k reads it from
 * now on. */
int packed_weights(Plan *, Kernel *k, int w, int lane, int lanes);
/* The register-tile contraction: lanes run over the result's channels (loop `lane`), x is broadcast
 * or, if lanes run over its channels too, loaded. Reduces taps first, channels last; weights are
 * packed by a kernel of PLAN_PREPARE in the order of reading. */
Step *packed_lower(Plan *, const Contraction *, int lane, const char *algo);
/* The kernel of a contraction with its weights in the order of reading, lanes of x last. */
Kernel packed_kernel(Plan *, const Contraction *);

/* Register tiles of contractions of two operands that both change in every call (correlation.c), by
 * role of the loop that lanes run along. */
bool contraction_both_change(const Plan *, const Contraction *);
int correlation_lane(const Plan *, const Contraction *, char role);
/* The loop over taps of w's window: a free one beside the lanes that x does not know; -1: none. */
int correlation_taps(const Plan *, const Contraction *);
bool correlation_lanes_along_first(const Plan *, const Kernel *, int a, int b);
const char *correlation_refuses(const Plan *, const Contraction *, char role);
void correlation_lower(Plan *, const Contraction *, char role, const char *algo, Steps *);
/* Why neither tiles nor blocks of threads can sum their products, or NULL. */
const char *correlation_refuses_sums(const Plan *, const Contraction *, char role);
/* A buffer for the sums of k, `lane` innermost in lanes, k's own loops along its axes: where the
 * result does not lie so. Then what follows the sums, a map of the result; loop l of c->k is loop
 * to[l] of k. */
View correlation_sums(Plan *, const Kernel *k, int lane);
Kernel correlation_settle(Plan *, const Contraction *, const View *sums, const int *to);
/* Contractions in blocks of threads (implicit_gemm.c). */
const char *blocks_refuses(const Plan *, const Contraction *);
void blocks_lower(Plan *, const Contraction *, const char *algo, Steps *);
/* Where a window slides (sliding.c): free loop `row` and the reduced loop of its taps (-1: there is
 * one) are all that moves this axis of x, the first by `stride`, the other by `dilation`, which may
 * be negative. */
typedef struct Sliding {
  int row, taps, axis, stride, dilation;
} Sliding;
bool contraction_slide(const Contraction *, Sliding *);
int slide_taps(const Contraction *, const Sliding *); /* how many */
/* Channels with filters of their own where threads work in blocks (depthwise.c). */
const char *channels_refuses(const Plan *, const Contraction *);
void channels_lower(Plan *, const Contraction *, const char *algo, Steps *);
/* The loop that the lanes of x, weights and result all run along, -1: none. Do those of a view? */
int channels_lane(const Plan *, const Contraction *);
bool channels_in_lanes(const Plan *, const View *, int loop);
/* Register tiles with images of the batch in the lanes (batch.c). */
const char *batch_refuses(const Plan *, const Contraction *);
void batch_lower(Plan *, const Contraction *, const char *algo, Steps *);
/* Does one reduced loop move each coordinate that leaves the tensor, by one element: can it keep
 * inside? */
bool batch_keeps_inside(const Plan *, const Kernel *, const View *);
/* Do the images of a lowered contraction meet in its sum: are both operands vectors of them? */
bool batch_is_summed(const Plan *, const Contraction *);

/* The `role` of tiles: that of the loop that lanes run along, 'N' or 'B', or one of these. */
enum {
  TILES_BLOCKS = 'M', /* in blocks of threads */
  TILES_BATCH = 'n'   /* of images in the lanes */
};
/* Tiles of a contraction whose index maps do not divide: why not, and their steps. */
const char *affine_refuses(const Plan *, const Contraction *, char role);
void affine_lower(Plan *, const Contraction *, char role, const char *algo, Steps *);
/* Tiles of any contraction, cut into such ones where its index maps divide (polyphase.c). */
const char *tiles_refuses(const Plan *, const Contraction *, char role);
void tiles_lower(Plan *, const Contraction *, char role, const char *algo, Steps *);

#endif
