/* graph.h - the network as a graph: what ops/ may see.
 *
 * The reader (read/) lets the operator of each layer build nodes. A node is its result, one tensor;
 * references are ids; every argument's id is smaller than the node's own. Every node's meaning is a
 * Kernel: interpreter, gradients, counts and code come from one description per operator. */
#ifndef GRAPH_H
#define GRAPH_H

#include "kernel.h"

typedef int32_t Id;
enum { NO_ID = -1 };

typedef enum OpKind {
#define OP(name) OP_##name,
#include "ops.def"
#undef OP
  OP_KINDS
} OpKind;

/* When a value can be computed: the latest of its arguments' phases. */
typedef enum Phase {
  PHASE_CONST, /* in the compiler */
  PHASE_LOAD, /* when parameters arrive or have changed: entry `prepare`, in double, rounded once */
  PHASE_CALL, /* in every call */
  PHASES
} Phase;

typedef struct Where {
  const Path *path;  /* place in the document */
  const char *layer; /* full name of the layer: "layer1.0.conv1" */
} Where;

typedef struct Node {
  OpKind op;
  uint16_t nargs;
  Id *arg;
  Type type;
  const void *attr; /* the operator's own struct, as its field table describes it; NULL: none */
  Where where;
} Node;

/* Attributes of the leaves and of two general operators (ops/leaf.c). */
typedef struct LeafAttr { /* input, param, state: index into the graph's table */
  int64_t index;
} LeafAttr;

typedef struct KernelAttr {
  Kernel kernel; /* in[i].tensor is the position of an argument, out[0].to.tensor -1 */
  Type type;
} KernelAttr;

/* ---- what stands around the nodes ---- */

typedef enum InitKind {
  INIT_DEFAULT,
  INIT_HE,
  INIT_XAVIER,
  INIT_LECUN,
  INIT_CONSTANT,
  INIT_KINDS
} InitKind;

/* What a parameter is for: how it begins, whether it is trained, counted and decays follows. */
typedef enum ParamRole {
  PARAM_WEIGHT, /* the layer's "init" says how it begins */
  PARAM_BIAS,
  PARAM_SCALE,     /* scale and shift of normalisations, slopes: begins with a constant */
  PARAM_STATISTIC, /* written by training, not trained; no parameter in what a user counts */
  PARAM_ROLES
} ParamRole;

typedef struct Param { /* leaf OP_param, attr: index into graph->param */
  const char *name;    /* "conv1.weight": PyTorch's */
  Type type;
  Id node;
  InitKind init;
  double init_value; /* INIT_CONSTANT: the value, norm weights 1, biases 0 ... */
  int64_t fan_in, fan_out;
  ParamRole role;
  int64_t idle;   /* elements that are always masked: connections that a table does not have */
  bool trainable; /* false: statistics, "freeze" */
  bool decay;     /* false: the layer says "decay": false */
  double lr_scale;
} Param;

/* How many numbers training may change: those that a user counts. */
int64_t param_count(const Param *);
/* Element i of a parameter that nothing was loaded into: center + bound * u(i), -1 <= u(i) < 1. */
void param_init(const Param *, double *center, double *bound);
/* Which random numbers u are its own: a hash of its name, so that values do not depend on what else
 * a network contains. */
uint64_t param_stream(const Param *);

typedef enum InputKind { INPUT_DATA, INPUT_TARGET } InputKind;
typedef struct Input { /* leaf OP_input, attr: index into graph->input */
  const char *name;
  Type type; /* as forward expects it, batch first */
  Id node;
  InputKind kind;
  bool hwc;      /* "layout": "hwc" in what is read */
  bool gradient; /* backward returns the gradient of the loss by it */
  /* Applied by train, eval and run to what they read: (x * scale - mean) / std. */
  double scale, mean[4], std[4];
  int nmean;       /* 0: no mean / std */
  const char *doc; /* a target: what its values are; NULL: not known */
} Input;

typedef struct State { /* leaf OP_state: what updates write besides parameters, such as momentum */
  const char *name;
  Type type;
  Id node;
} State;

/* One layer of the document after blocks are expanded: for info, --algo and messages. */
typedef struct Layer {
  const char *name;
  OpKind op;
  const void *attr;
  Id result;                /* inference graph; NO_ID when dropped */
  VEC(Id) arg;              /* results of the layers it reads */
  int first_param, nparams; /* the parameters it owns */
  const Path *path;
} Layer;

typedef struct Update { /* an entry's effect: param or state `to` gets `value` */
  Id to, value;
} Update;

typedef struct LossTerm { /* one of the losses that the document lists */
  OpKind op;
  const void *attr;
} LossTerm;

/* A function of the emitted library. */
typedef enum EntryKind {
  ENTRY_FORWARD,
  ENTRY_TRAIN_FORWARD,
  ENTRY_BACKWARD,
  ENTRY_STEP,
  ENTRIES
} EntryKind;
typedef struct Entry {
  VEC(Id) want;
  /* Of outputs: layer names; "loss"; of gradients what they are by: "conv1.weight", an input. */
  VEC(const char *) want_name;
  VEC(Update) update;
} Entry;

typedef struct Graph {
  Unit *u;
  const char *name; /* of the network */
  VEC(Node) node;
  VEC(uint8_t) phase; /* Phase of each node */
  VEC(Param) param;
  VEC(Input) input;
  VEC(State) state;
  VEC(Layer) layer;
  VEC(const char *) dropped; /* parameters of layers that nothing needs: files may hold them */
  Entry entry[ENTRIES];
  const char *loss; /* in words: how it is computed; NULL: none, or not known */
  VEC(LossTerm) term;
  /* Each term of the loss from what forward returns (its data inputs have the names of outputs) and
   * targets, as ENTRY_TRAIN_FORWARD of a graph of its own; NULL: not asked for. */
  struct Graph *validation;
  Id optimizer;       /* OP_sgd ... attributes as a node without arguments; NO_ID: none */
  DType real;         /* F32, or F64 for --dtype f64: what F32 means in the types of this graph */
  int64_t seed, pass; /* SCALAR_SEED, SCALAR_PASS where the graph or its plan is interpreted */
  int64_t steps;      /* taken before the one that is interpreted: SCALAR_STEP is one more */
} Graph;

/* ---- operators ---- */

/* One key of a layer in JSON. The same table drives parsing, checks, schema, docs, dumps and
 * equality of attributes. */
typedef enum FieldKind {
  FIELD_INT,   /* int64_t */
  FIELD_REAL,  /* double */
  FIELD_BOOL,  /* bool */
  FIELD_ENUM,  /* int32_t, index into `names` */
  FIELD_INTS,  /* IntList: a number for all axes or one per spatial axis */
  FIELD_PAD,   /* Pad */
  FIELD_SHAPE, /* IntList: extents; -1, where `min` allows it, for what follows from the rest */
  FIELD_BIAS,  /* int32_t enum BiasKind: true false "channel" "position" "none" */
  FIELD_TABLE, /* Matrix of 0/1: connections between channels; rows = outputs */
  FIELD_TENSOR /* Matrix of any rank: fixed weights, class weights */
} FieldKind;

typedef struct IntList {
  int32_t n; /* 0: not given. 1 given for all axes */
  int64_t at[MAX_RANK];
} IntList;
typedef struct Pad {
  enum { PAD_NUMBER, PAD_SIDES, PAD_VALID, PAD_SAME, PAD_FULL } kind;
  IntList lo, hi; /* NUMBER: lo only. SIDES: {"lo": [...], "hi": [...]} */
} Pad;
typedef struct Matrix {
  int32_t rank; /* 0: not given */
  int64_t dim[MAX_RANK];
  const double *at;
} Matrix;
typedef enum BiasKind { BIAS_NONE, BIAS_CHANNEL, BIAS_POSITION } BiasKind;

typedef struct Field {
  const char *name;
  FieldKind kind;
  uint16_t offset;
  bool required;
  double otherwise;         /* default of INT, REAL, BOOL, ENUM, BIAS; of every element of INTS */
  double min, max;          /* inclusive; min == max == 0: unlimited */
  bool below_max;           /* REAL: max itself is too much */
  const char *const *names; /* ENUM: NULL-terminated */
  const char *doc;
  const char *example; /* its value in the operator's example, in JSON; NULL: not there */
} Field;

/* How the learning rate moves, as runtime/c/schedule.c numbers it. */
enum { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_COSINE, SCHEDULE_PLATEAU };

/* How every optimiser's attributes begin. */
typedef struct Rule {
  double lr, weight_decay, clip_norm, gamma, floor;
  int64_t accumulate, warm_up, period, patience;
  int32_t schedule; /* SCHEDULE_ */
  bool decay_bias_norm;
} Rule;
/* Of the graph's optimiser (graph_rule.c); NULL: none. */
const Rule *graph_rule(const Graph *);
/* A number that only some optimisers have, 0 for the others: "beta1". */
double graph_rule_real(const Graph *, const char *field);

typedef enum OpClass {
  CLASS_LEAF,  /* input, param, const, state, scalar */
  CLASS_MAP,   /* one value per element, all arguments of one shape */
  CLASS_VIEW,  /* moves data: slice, pad, transpose, broadcast */
  CLASS_FOLD,  /* sums or maxima over windows, channels, everything: conv, pools, reductions */
  CLASS_LAYER, /* in documents only; `build` makes other nodes (batch_norm, depthwise, softmax) */
  CLASS_LOSS,
  CLASS_OPTIMIZER
} OpClass;

typedef struct Build Build; /* the reader's state while a layer is being built (read/read.h) */

typedef struct ConstantAttr {
  Matrix value;
  int32_t dtype;
} ConstantAttr;

typedef struct BroadcastAttr {
  IntList axis;        /* of the result, by axis of the argument */
  IntList per_n, plus; /* extents of the result */
} BroadcastAttr;

typedef struct ReshapeAttr { /* extents without the batch */
  IntList shape;
} ReshapeAttr;

typedef struct SliceAttr {
  int64_t axis, start, stop, step;
} SliceAttr;

typedef struct Op {
  const char *name; /* in documents and dumps */
  OpClass class;
  bool in_json;           /* may be written in a document */
  int min_args, max_args; /* of a layer in a document; max -1: any */
  int node_args;          /* of a node, where it is not max_args: conv has its weights as well */
  const char *doc;        /* one line: formula */
  const char *source;     /* paper or standard */
  const Field *field;
  int nfield;
  size_t attr_size;
  /* A layer of a document -> nodes; returns the result, NO_ID after diag_error. NULL: one node of
   * this op with the layer's arguments and attributes. */
  Id (*build)(Build *, const void *attr, const Id *arg, int nargs);
  /* Type of the result; false after diag_error at node->where. MAP: NULL, the arguments' type. */
  bool (*infer)(Graph *, Node *);
  /* The meaning: loops, views, folds, outs; in[i].tensor = node->arg[...], out[0].to.tensor = the
   * node's id (-1 while it is being added). MAP: NULL, from expr. */
  void (*kernel)(const Graph *, const Node *, Kernel *);
  const Expr *(*expr)(Unit *, const void *attr); /* MAP: the scalar formula over IN(i) */
  /* Gradient by argument `which`, given the gradient of the result: nodes of the same graph; NO_ID:
   * none, it is 0. NULL: graph_gradient, from `kernel`. */
  Id (*grad)(Graph *, Id node, int which, Id dout);
  /* LOSS: type of a target that no input of the document stands for; NULL: the prediction's. */
  Type (*target)(const Type *prediction);
  /* LOSS of labels: is it left out? How much does it count in the mean? NULL: samples count 1. */
  bool (*ignores)(const void *attr, int64_t label);
  double (*counts)(const void *attr, int64_t label);
  /* LOSS: what the values of a target are, in a few words. */
  const char *(*target_doc)(Arena *, const void *attr, const Type *prediction);
  /* OPTIMIZER: adds to ENTRY_STEP what a step does to a parameter, given its gradient. */
  void (*update)(Graph *, const void *attr, int param, Id gradient);
} Op;

extern const Op *const ops[OP_KINDS];   /* ops.c, from ops.def */
const Op *op_find(const char *name);    /* NULL: unknown */
void *op_defaults(Arena *, const Op *); /* attributes of which none is given */
typedef enum OpPart { PART_LAYER, PART_LOSS, PART_OPTIMIZER, PARTS } OpPart; /* in a document */
bool op_plays(const Op *, OpPart);
bool node_is_leaf(const Graph *, Id);

/* ---- nodes (graph.c) ---- */

Graph *graph_new(Unit *);
/* Adds a node: infers its type, shares an equal node, returns its id; NO_ID if infer reported an
 * error or an argument is NO_ID. A type without elements or with more than MAX_ELEMENTS for one
 * sample is an error of the user. `attr` is copied, what it points to is not. */
#define MAX_ELEMENTS INT64_C(0x7fffffff)
Id graph_add(Graph *, OpKind, const Id *arg, int nargs, const void *attr, Where);
Id graph_param(Graph *, Param); /* an equal name is a BUG; fills .node */
Id graph_input(Graph *, Input);
Param *graph_param_of(Graph *, Id); /* of an OP_param node */
Id graph_state(Graph *, const char *name, const Type *);
Id graph_const(Graph *, const Type *, const double *values, Where); /* values are copied */
Id graph_kernel(Graph *, const Kernel *, const Type *, Where); /* OP_kernel: inputs = arguments */
/* Repeats a tensor along new axes: axis i becomes axis[i] of `like`. A bias on [n,k,h,w]: {1}. */
Id graph_broadcast(Graph *, Id, const Type *like, const int *axis, Where);
Phase graph_phase(const Graph *, Id);
void graph_need(const Graph *, bool *needed); /* marks what marked nodes are made from as well */
const Type *graph_output_type(const Graph *, int output); /* of what forward returns */
void node_kernel(const Graph *, Id, Kernel *); /* the kernel of any node that is not a leaf */
int64_t size_mul(int64_t a, int64_t b);        /* a * b, or MAX_ELEMENTS + 1 where that is less */

/* ---- gradients (gradient.c, reverse.c) ---- */

/* d(loss)/d(arg) as nodes of the same graph, given dout = d(loss)/d(node): gathers, made from the
 * node's kernel by inverting its index maps. NO_ID: the node does not depend on arg. */
Id graph_gradient(Graph *, Id node, Id arg, Id dout);
/* d(loss)/d(by[i]) for any nodes, given dout = d(loss)/d(result) and through all that lies between
 * (reverse.c); NO_ID: the result does not depend on by[i]. Nothing that no by[i] needs is added. */
void graph_gradients(Graph *, Id result, Id dout, const Id *by, int n, Id *gradient);
/* d(out 0) / d(leaf) as graph_gradient computes it: over IN, ACC, and IN(IN_RESULT), the kernel's
 * own result, where reading that spares reading something else. */
enum { IN_RESULT = MAX_IN };
const Expr *gradient_slope(Unit *, const Kernel *, const Expr *leaf);

/* ---- other graphs (graph_rewrite.c), invariants (graph_verify.c) ---- */

/* A new graph with the same inputs, params, states, layers and entries, of what the entries need.
 * `rewrite` (NULL: graph_copy_node) gets each live node in order -> the new id; map[id] is that of
 * each leaf and of what came before. */
typedef Id (*Rewrite)(void *context, const Graph *from, Id id, Graph *to, const Id *map);
Graph *graph_rewrite(const Graph *, Rewrite, void *context);
Id graph_copy_node(const Graph *from, Id id, Graph *to, const Id *map);
/* A copy of the graph with numbers of another width. */
Graph *graph_in(const Graph *, DType real);
/* What is wrong with the kernel of a node that is no leaf, or NULL. */
const char *node_fault(const Graph *, Id);
void graph_verify(const Graph *); /* BUG on any broken invariant */

/* ---- what `build` functions call (read/ask.c) ---- */

Graph *build_graph(Build *);
bool build_training(Build *); /* building what training computes: batch statistics, dropout */
Where build_where(Build *);
const char *build_layer(Build *);    /* full name of the layer */
const Type *build_type(Build *, Id); /* valid until the next node is added */
/* A parameter of this layer: "LAYER.suffix"; reads freeze, lr_scale, decay, init, share and fixed
 * weights from the layer. Its second build (training after inference) gets the same node. */
Id build_param(Build *, const char *suffix, ParamRole, int rank, const int64_t *dim, InitKind init,
               double value, int64_t fan_in, int64_t fan_out);
Id build_add(Build *, OpKind, const void *attr, int nargs, const Id *arg);
Id build_add1(Build *, OpKind, const void *attr, Id a);
Id build_add2(Build *, OpKind, const void *attr, Id a, Id b);
Id build_kernel(Build *, const Kernel *, const Type *); /* node OP_kernel */
/* "LAYER.suffix" gets `value` at the end of a training step (running statistics). Layers that share
 * it change it in turn: build_updated is what the layers so far have made of it. */
void build_update(Build *, Id param, Id value);
Id build_updated(Build *, Id param);
/* At the layer's key (NULL: the layer). */
void build_error(Build *, const char *key, const char *format, ...) PRINTF_LIKE(3, 4);

/* ---- running (graph_run.c) ---- */

/* Run-time scalars of a call with n samples; of a step: the optimiser's (no graph or none: 0). */
void graph_scalars(const Graph *, int64_t n, double scalar[SCALARS]);
/* Values of all nodes that `want` needs, in double. Leaves come from `leaf`: logical values. */
typedef const double *(*LeafValue)(void *context, const Graph *, Id leaf, int64_t n);
Array *graph_run(const Graph *, const Id *want, int nwant, int64_t n, LeafValue leaf,
                 void *context);

/* ---- text form (graph_text.c, graph_parse.c), documents (read/read.c) ---- */

void graph_print(Text *, const Graph *);
/* NULL after a diagnostic; `text` is u->source.text or becomes it. */
Graph *graph_parse(Unit *, const char *text);

/* A network document of a file, or of a text that messages call `name`; NULL after diagnostics. */
typedef struct ReadOptions {
  bool training;
  /* returns what losses compare, the first output, each of several losses; makes .validation */
  bool validation;
  VEC(const char *) outputs;     /* --outputs */
  VEC(const char *) input_shape; /* --input-shape arguments */
} ReadOptions;
Graph *read_network(Unit *, const char *file, const ReadOptions *);
Graph *read_text(Unit *, const char *name, const char *text, size_t size, const ReadOptions *);

#endif
