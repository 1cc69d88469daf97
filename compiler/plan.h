/* plan.h - the network as a program over buffers: what algos/, passes/ and backends may see.
 *
 * A Plan lists Kernels in the order they run, per entry, as a tree of Steps. It exists from pass
 * `fuse` on, first with unformatted buffers; choose picks algorithms and formats, nest builds the
 * tree, memory gives every buffer its place. The Plan has the same meaning after every pass, and
 * the interpreter can run it after each. */
#ifndef PLAN_H
#define PLAN_H

#include "graph.h"

typedef struct Target Target; /* backends/backend.h */
typedef struct Algo Algo;

/* How a tensor lies in memory: axes in row-major order as they come, except that the lane axis is
 * cut into blocks of `lanes` elements that lie innermost. NCHW: lanes 1. NCHW16c: lane_axis 1,
 * lanes 16. NCHW16n: lane_axis 0, images of the batch. Packed weights: axes in the order of
 * reading, lanes = output channels per register tile. The physical box of axis a is [-lo[a], extent
 * + hi[a]), rounded up to whole blocks on the lane axis; whatever lies outside the logical box
 * equals `fill` whenever a kernel reads it: the producer writes it. */
typedef struct Format {
  DType dtype;
  int8_t lane_axis; /* -1: none */
  int16_t lanes;    /* 1: none */
  int16_t lo[MAX_RANK], hi[MAX_RANK];
  double fill;
} Format;
Format format_plain(DType);

typedef enum Home {
  HOME_INPUT,   /* the caller's array: row-major, read only. index: graph->input */
  HOME_OUTPUT,  /* the caller's array: row-major. index: which of the entry's outputs */
  HOME_PARAM,   /* parameter memory as loaded (f32, PyTorch's order). index: graph->param */
  HOME_DERIVED, /* computed from parameters when they change: packed and folded weights */
  HOME_CONST,   /* known to the compiler */
  HOME_STATE,   /* momentum, counters. index: graph->state */
  HOME_GRAD,    /* gradient of a parameter: one contiguous memory. index: graph->param */
  HOME_KEPT,    /* from one entry to a later one: activations that backward reads */
  HOME_WORK,    /* scratch inside one entry */
  HOMES
} Home;
extern const char *const plan_home_names[HOMES], *const plan_phase_names[PHASES];

/* Bytes: where buffers may begin, and memory of emitted libraries; rounded up to there. */
enum { BUFFER_ALIGN = 64 };
#define BUFFER_ALIGNED(bytes) (((bytes) + BUFFER_ALIGN - 1) / BUFFER_ALIGN * BUFFER_ALIGN)

enum { NO_PLACE = -1 };
typedef struct Buffer {
  const char *name; /* the layer's, with a suffix; several may have the same */
  Type type;
  Format format;
  Home home;
  int index;
  Phase phase;
  const double *value; /* HOME_CONST: logical row-major */
  /* Inside a Step: only the part of each axis that the step's block needs exists, one copy per
   * worker. depth 0: whole. */
  int depth; /* number of enclosing steps that own it */
  Bind part[MAX_RANK];
  int64_t span[MAX_RANK]; /* extent of that part at a whole block, where part[a] is bound */
  int64_t offset; /* in bytes, inside its home; set by memory, aligned. NO_PLACE: a parameter
                     that baked weights leave out */
} Buffer;

enum { MAX_NESTING = 8 };       /* of steps */
enum { MAX_STEP_BUFFERS = 64 }; /* whole ones that a step reads; that it writes */
typedef struct Step Step;
typedef VEC(Step *) Steps;
struct Step {
  Kernel *run; /* a leaf, or: */
  /* for the blocks [i * block, (i + 1) * block) of a loop of this extent (the last one cut): run
   * the body. Kernels below take part through their Binds. The blocks of parallel steps may run at
   * the same time; nothing but parallel steps encloses them. */
  const char *loop;
  Extent extent;
  int32_t block;
  bool parallel;
  Steps body;
};

typedef enum PlanEntry {
  PLAN_PREPARE, /* derived weights, from parameters */
  PLAN_FORWARD,
  PLAN_TRAIN_FORWARD,
  PLAN_BACKWARD,
  PLAN_STEP,
  PLAN_TRAIN_STEP, /* instead of backward and step: the same steps, some with updates (pass update)
                    */
  PLAN_ENTRIES
} PlanEntry;
extern const char *const plan_entry_names[PLAN_ENTRIES];

typedef enum Layouts {
  LAYOUT_ANY, /* plain or lanes */
  LAYOUT_PLAIN,
  LAYOUT_LANES, /* target->lanes channels innermost, */
  LAYOUT_BATCH, /* or as many images */
  LAYOUT_END
} Layouts;

typedef VEC(Tile) Tiles; /* of the steps of one kernel, in the order of making them */

/* A line of a plan file: what pass choose decided about one kernel, or is asked to. */
typedef struct Decision {
  PlanEntry entry;
  const char *kernel;  /* its name in the entry: "conv1", "conv1:dgrad", "add1#2" */
  const Algo *algo;    /* of a contraction; NULL: the pass decides */
  Layouts layout;      /* that any other kernel works in; ANY: the pass decides, or has no choice */
  VEC(Layouts) result; /* of the open buffers that it is the first to write */
  Tiles tile;
  double seconds, error; /* as measured; 0: not known */
  /* Asked for, what came of it: */
  bool found;              /* there is such a kernel */
  const char *key, *wrong; /* the member that cannot be, and why; NULL: it is as it says */
} Decision;
typedef VEC(Decision) Decisions;

/* While a kernel is lowered: the tiles to take, and those taken. */
typedef struct TileLog {
  const Tiles *asked;       /* NULL: what the target picks */
  VEC(const Kernel *) made; /* the kernels that have them */
  const char *wrong;        /* why one that is asked for was not taken */
} TileLog;

typedef struct Choice { /* what --explain prints: one candidate for one kernel */
  const char *layer;
  PlanEntry entry; /* PLAN_FORWARD, or one of training */
  Role role;
  const char *algo;
  double predicted; /* seconds; < 0: refused */
  const char *reason;
  bool taken;
} Choice;

/* How products of contractions are rounded: --dtype.
 * Sums are in f32, or in f64 where a kernel is. */
typedef enum Precision {
  PRECISION_F32,   /* honest f32, or f64 throughout */
  PRECISION_TF32,  /* operands rounded to 11 bits, */
  PRECISION_BF16,  /* to 8 bits, */
  PRECISION_F16,   /* to 11 bits and a small range; */
  PRECISION_F32X3, /* operands as sums of two tf32 numbers, without the smallest product */
  PRECISIONS
} Precision;
extern const char *const precision_names[PRECISIONS];

typedef struct Again { /* an activation that backward computes again instead of finding it */
  const char *name;
  int64_t bytes; /* that are not kept, of a plain tensor */
} Again;

/* What pass recompute did, with the largest batch;
 * times are rough, bytes those of plain tensors. */
typedef struct Recompute {
  VEC(Again) again;
  int activations;              /* so many backward could compute, or find */
  int64_t estimate;             /* bytes of activations and work */
  double macs, seconds;         /* of what is computed again */
  double all_macs, all_seconds; /* of forward and backward without that */
} Recompute;

typedef struct Plan {
  Unit *u;
  const Graph *graph; /* inputs, params, names */
  const Target *target;
  int64_t max_batch;
  Precision precision;
  bool cold;                /* one of the kernels of a network whose weights are cold */
  double max_error;         /* relative rms against double that algorithms may have, */
  double max_growth[ROLES]; /* in relation to that of plain sums */
  int max_tile;             /* largest m of Winograd's F(m, r) */
  VEC(Buffer) buffer;
  struct {
    Steps step;
    bool exists;
  } entry[PLAN_ENTRIES];
  VEC(Choice) choice;
  Decisions decision; /* what a plan file says of it */
  TileLog *tiles;     /* of the kernel that is being lowered; NULL: nobody asks */
  Recompute recompute;
  /* set by memory, in bytes: */
  int64_t param_bytes, derived_bytes, state_bytes, grad_bytes, kept_bytes;
  int64_t work_bytes[PLAN_ENTRIES];   /* shared part */
  int64_t worker_bytes[PLAN_ENTRIES]; /* times the number of threads, after the shared part */
  int64_t live_bytes[PLAN_ENTRIES]; /* largest sum of live buffers: the lower bound of work_bytes */
  const struct Plan *next; /* the same network for another target of the library; NULL: none */
} Plan;

/* ---- building and looking (plan.c) ---- */

Plan *plan_new(Unit *, const Graph *, const Target *, int64_t max_batch);
#define PLAN_MAX_ERROR 1e-5 /* without --max-error, and not in training */
/* Algorithms may have such errors, however many times those of plain sums, with tiles of any size.
 */
void plan_allow_error(Plan *, double most);
/* Do weights come from memory in every call, for parameters fill all caches anew? */
bool plan_weights_are_cold(const Plan *);
int plan_buffer(Plan *, Buffer); /* returns its index */
Step *plan_leaf(Plan *, const Kernel *);
/* Every leaf in order with its enclosing steps, outermost first. */
typedef void (*LeafVisit)(void *context, PlanEntry, Kernel *, Step *const *outer, int depth);
void plan_leaves(const Plan *, LeafVisit, void *context);
/* The part of loop l that a kernel runs on n samples while its enclosing steps are at `block`. */
Range bind_range(const Kernel *, int l, const Range *block, int64_t n);
/* Step i of an entry; NULL: it is another entry's as well, which only train_step's are. */
Step *plan_own_step(const Plan *, PlanEntry, int i);
/* Does train_step do with a gradient's kernel what step i of PLAN_STEP does? */
bool plan_updates_early(const Plan *, int i);
/* Does one of the step's kernels read, or write, the buffer? */
bool step_reads(const Step *, int buffer);
bool step_writes(const Step *, int buffer);
/* The algorithm that its kernels are steps of: of the first that has one; NULL: none. */
const char *step_algo(const Step *);
/* The layers that it computes, or whose gradients: "c1 + bias + relu1; s2", "c1 (wgrad)". */
void step_titles(Text *, const Step *);
/* Does the choice speak of this kernel? */
bool choice_is_of(const Choice *, const Kernel *);
/* What plan files say of the kernel that the choice is about; NULL: nothing. */
const Decision *plan_decision(const Plan *, const Choice *);

/* ---- changes that several passes make (plan_edit.c) ---- */

/* A kernel that copies buffer `from` into `to`, beginning at coordinates at[] there (NULL: 0). */
Step *plan_copy(Plan *, int from, int to, const int64_t *at);
/* What PLAN_PREPARE computes alike is computed once: entries pack the same weights. */
void plan_share_prepared(Plan *);
/* Kernels that compute what nobody reads vanish, then buffers that no kernel names. */
void plan_drop_unused(Plan *);

/* ---- invariants (plan_verify.c), text form (plan_text.c, plan_parse.c) ---- */

/* BUG on any broken invariant: views inside their boxes, one writer, no use before definition ...
 */
void plan_verify(const Plan *);
void plan_print(Text *, const Plan *);
Plan *plan_parse(Unit *, const Graph *, const Target *, const char *text);

/* ---- lanes (plan.c) ---- */

/* Channels that tensor cores read at once: 16 bytes of 16-bit numbers, twice as many of others. */
enum { PLAN_CHUNK = 8 };
int plan_lanes(const Plan *);    /* floats per vector of the target, or a chunk for tensor cores */
DType plan_stored(const Plan *); /* how memory holds activations and weights between calls */
bool plan_trains_narrow(const Plan *); /* is it for training, with such memory of 16 bits? */
Format format_lanes(const Plan *, const Type *); /* channels (axis 1) in the target's lanes; plain
                                                    where there is no space beside them */
Format format_batch(const Plan *, const Type *); /* images in the target's lanes; plain where calls
                                                    have too few */

/* ---- places (plan.c) ---- */

/* Physical places. Element c[] of a buffer lies at origin + sum of c[a] * stride[a], on the lane
 * axis (c / lanes) * stride + c % lanes. */
typedef struct Layout {
  int64_t size; /* elements, for n samples */
  int64_t origin, stride[MAX_RANK];
  int lane_axis, lanes;
} Layout;
Layout buffer_layout(const Buffer *, int64_t n);
int64_t buffer_bytes(const Buffer *, int64_t n);
bool buffer_has_margin(const Buffer *);
bool buffer_in_batch(const Buffer *); /* images lie in its lanes */

/* Which tests tell whether an axis of a view is inside; 0 where it always is, or where margins hold
 * the fill. */
enum { TEST_BELOW = 1, TEST_ABOVE = 2, TEST_EXACT = 4 };
int view_tests(const Plan *, const Kernel *, const View *, int axis);
/* Does the view stay in place, or move by exactly one element with loop l, in step with lanes? */
bool view_moves_by_one(const Plan *, const Kernel *, const View *, int l);
/* Lanes of the axis that loop l moves the view along; 1: none. */
int lanes_of_loop(const Plan *, const View *, int l);
/* By how many elements loop l moves an affine view, inside a block of lanes. */
int64_t view_step(const Layout *, const View *, int l);
/* Does every view move by a whole run of the inner loop when the outer one moves? */
bool loops_follow(const Plan *, const Kernel *, int outer, int inner);

/* ---- running (interp_plan.c) ---- */

typedef struct PlanRun {
  double **input, **output; /* logical row-major, by Input / output index */
  double **param, **state, **grad;
  int64_t n;
} PlanRun;
/* Runs an entry in double; memory margins are poisoned first. */
void plan_run(const Plan *, PlanEntry, const PlanRun *);
/* The memory of a library with baked weights: parameters that have a place, then the derived
 * section that prepare makes of all parameters, f64 rounded once to f32. What lies in front of a
 * plan's own is zero. */
void *plan_bake(const Plan *, double *const *param, int64_t *bytes);

#endif
