/* pool.c - pooling: sliding, global and adaptive windows; maximum, average, root of squares; with
 * trained factors; across channels.
 *
 * Windows read nothing outside the input (SKIP). An average divides by a count that is a formula of
 * the output position where windows overlap the padding, and a constant elsewhere. */
#include "axes.h"
#include "window.h"

#include <math.h>

typedef enum PoolKind { POOL_MAX, POOL_AVERAGE, POOL_L2 } PoolKind;
static const char *const pool_kinds[] = {"max", "average", "l2", NULL};

typedef struct PoolAttr {
  int32_t kind;
  Window window;
  bool ceil_mode, count_include_pad;
} PoolAttr;

typedef struct AdaptiveAttr {
  int32_t kind;
  IntList output;
} AdaptiveAttr;

#define KIND_FIELD(Attr)                                                                           \
  {                                                                                                \
    .name = "kind", .kind = FIELD_ENUM, .offset = offsetof(Attr, kind), .required = true,          \
    .names = pool_kinds, .example = "\"max\"",                                                     \
    .doc = "max, average, or l2: the root of the sum of squares"                                   \
  }

static const Field pool_fields[] = {
    KIND_FIELD(PoolAttr),
    WINDOW_FIELDS(PoolAttr, 0, "distance between windows; default: the kernel's extents"),
    {.name = "ceil_mode",
     .kind = FIELD_BOOL,
     .offset = offsetof(PoolAttr, ceil_mode),
     .doc = "a last window may reach beyond the padding, unless it would begin there"},
    {.name = "count_include_pad",
     .kind = FIELD_BOOL,
     .offset = offsetof(PoolAttr, count_include_pad),
     .otherwise = 1,
     .doc = "averages count padding as zeros"},
};

static const Field global_fields[] = {KIND_FIELD(AdaptiveAttr)};

static const Field adaptive_fields[] = {
    KIND_FIELD(AdaptiveAttr),
    {.name = "output",
     .kind = FIELD_INTS,
     .offset = offsetof(AdaptiveAttr, output),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .example = "6",
     .doc = "extents of the result"},
};

/* ---- formulas of the output position ---- */

static const Expr *scaled_index(Unit *u, int loop, int64_t factor, int64_t plus) {
  const Expr *e = expr2(u, E_mul, expr_index(u, loop), expr_const(u, (double)factor));
  return expr2(u, E_add, e, expr_const(u, (double)plus));
}

static const Expr *floor_quotient(Unit *u, const Expr *e, int64_t by) {
  return by == 1 ? e : expr1(u, E_floor, expr2(u, E_div, e, expr_const(u, (double)by)));
}

/* How many positions of a window count: those in [begin, end), with start = stride*o - lo. */
static const Expr *count_inside(Unit *u, const Window *w, int axis, int o, int64_t begin,
                                int64_t end) {
  int64_t stride = w->stride.at[axis], lo = w->pad.lo.at[axis], step = w->dilation.at[axis];
  const Expr *zero = expr_const(u, 0), *one = expr_const(u, 1);
  const Expr *last_tap = expr_const(u, (double)(w->kernel.at[axis] - 1));
  const Expr *last = floor_quotient(u, scaled_index(u, o, -stride, end - 1 + lo), step);
  const Expr *first =
      expr1(u, E_neg, floor_quotient(u, scaled_index(u, o, stride, -lo - begin), step));
  last = expr2(u, E_min, last, last_tap);
  first = expr2(u, E_max, first, zero);
  const Expr *count = expr2(u, E_add, expr2(u, E_sub, last, first), one);
  return expr2(u, E_max, count, one);
}

/* The divisor of an average. */
static const Expr *divisor(const Graph *g, const Node *node, const int *o) {
  const PoolAttr *attr = node->attr;
  const Window *w = &attr->window;
  const Type *in = &g->node.at[node->arg[0]].type;
  const Expr *product = expr_const(g->u, 1);
  for (int a = 0; a < w->kernel.n; a++) {
    int64_t extent = in->dim[2 + a].plus, lo = w->pad.lo.at[a], hi = w->pad.hi.at[a];
    int64_t begin = attr->count_include_pad ? -lo : 0;
    int64_t end = attr->count_include_pad ? extent + hi : extent;
    int64_t last = (node->type.dim[2 + a].plus - 1) * w->stride.at[a] - lo +
                   (w->kernel.at[a] - 1) * w->dilation.at[a];
    bool whole = -lo >= begin && last < end;
    const Expr *count = whole ? expr_const(g->u, (double)w->kernel.at[a])
                              : count_inside(g->u, w, a, o[a], begin, end);
    product = expr2(g->u, E_mul, product, count);
  }
  return product;
}

/* ---- sliding windows ---- */

static Id pool_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const PoolAttr *attr = attributes;
  const Type in = *build_type(b, arg[0]);
  PoolAttr node = *attr;
  (void)nargs;
  if (!window_rank(b, &in)) return NO_ID;
  if (!window_resolve(b, &attr->window, &in, 0, &node.window)) return NO_ID;
  if (!window_padding_fits(b, &node.window)) return NO_ID;
  return build_add1(b, OP_pool, &node, arg[0]);
}

static bool pool_infer(Graph *g, Node *node) {
  const PoolAttr *attr = node->attr;
  return window_infer(g, node, &attr->window, attr->ceil_mode);
}

/* One fold over IN(0), and what becomes of it. */
static void pool_fold(Unit *u, PoolKind kind, const Expr *count, Kernel *k) {
  const Expr *x = expr_in(u, 0), *acc = expr_acc(u, 0);
  k->nfold = 1;
  k->fold[0].op = kind == POOL_MAX ? FOLD_MAX : FOLD_SUM;
  k->fold[0].term = kind == POOL_L2 ? expr2(u, E_mul, x, x) : x;
  k->out[0].value = kind == POOL_MAX  ? acc
                    : kind == POOL_L2 ? expr1(u, E_sqrt, acc)
                                      : expr2(u, E_div, acc, count);
}

static void pool_kernel(const Graph *g, const Node *node, Kernel *k) {
  const PoolAttr *attr = node->attr;
  static const int o[MAX_SPATIAL] = {2, 3, 4};
  window_kernel(g, node, &attr->window, k);
  pool_fold(g->u, (PoolKind)attr->kind, divisor(g, node, o), k);
}

const Op op_pool = {
    .name = "pool",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "over windows that slide along each channel: maximum, average, or root of the sum of "
           "squares",
    .source = "PyTorch MaxPool, AvgPool, LPPool",
    .field = pool_fields,
    .nfield = COUNT(pool_fields),
    .attr_size = sizeof(PoolAttr),
    .build = pool_build,
    .infer = pool_infer,
    .kernel = pool_kernel,
};

/* ---- the whole input ---- */

/* A pool whose windows tile the input: one window per output, every one of the same size. */
static Id tile_input(Build *b, int32_t kind, const Type *in, const int64_t *output, Id x) {
  PoolAttr node = {.kind = kind, .count_include_pad = true};
  Window *w = &node.window;
  int rank = in->rank - 2;
  bool same = kind != POOL_L2;
  w->kernel.n = w->stride.n = w->dilation.n = w->pad.lo.n = w->pad.hi.n = rank;
  w->pad.kind = PAD_SIDES;
  for (int a = 0; a < rank; a++) {
    w->kernel.at[a] = w->stride.at[a] = in->dim[2 + a].plus / output[a];
    w->dilation.at[a] = 1;
    same &= w->kernel.at[a] == 1;
  }
  return same ? x : build_add1(b, OP_pool, &node, x);
}

static Id global_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const AdaptiveAttr *attr = attributes;
  const Type in = *build_type(b, arg[0]);
  int64_t output[MAX_SPATIAL] = {1, 1, 1};
  (void)nargs;
  return window_rank(b, &in) ? tile_input(b, attr->kind, &in, output, arg[0]) : NO_ID;
}

const Op op_global_pool = {
    .name = "global_pool",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "pool over all positions: [c,h,w] -> [c,1,1]",
    .source = "Lin et al. 2013, arXiv 1312.4400",
    .field = global_fields,
    .nfield = COUNT(global_fields),
    .attr_size = sizeof(AdaptiveAttr),
    .build = global_build,
};

/* ---- adaptive windows: output o reads [floor(o*H/O), ceil((o+1)*H/O)) ---- */

static Id adaptive_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const AdaptiveAttr *attr = attributes;
  const Type in = *build_type(b, arg[0]);
  AdaptiveAttr node = *attr;
  bool tiles = true;
  (void)nargs;
  if (!window_rank(b, &in)) return NO_ID;
  if (!axes_resolve(b, "output", &attr->output, in.rank - 2, 1, &node.output)) return NO_ID;
  for (int a = 0; a < node.output.n; a++) tiles &= in.dim[2 + a].plus % node.output.at[a] == 0;
  if (tiles) return tile_input(b, attr->kind, &in, node.output.at, arg[0]);
  return build_add1(b, OP_adaptive_pool, &node, arg[0]);
}

static bool adaptive_infer(Graph *g, Node *node) {
  const AdaptiveAttr *attr = node->attr;
  node->type = g->node.at[node->arg[0]].type;
  for (int a = 2; a < node->type.rank; a++) node->type.dim[a] = fixed(attr->output.at[a - 2]);
  return true;
}

/* Extent of the window of output o: ceil((o+1)*H/O) - floor(o*H/O). */
static const Expr *adaptive_extent(Unit *u, int o, int64_t in, int64_t out) {
  const Expr *start = floor_quotient(u, scaled_index(u, o, in, 0), out);
  const Expr *end = floor_quotient(u, scaled_index(u, o, in, in + out - 1), out);
  return expr2(u, E_sub, end, start);
}

static int64_t adaptive_largest(int64_t in, int64_t out) {
  int64_t largest = 1;
  for (int64_t o = 0; o < out && o < in; o++) {
    int64_t extent = ((o + 1) * in + out - 1) / out - o * in / out;
    if (extent > largest) largest = extent;
  }
  return largest;
}

/* Position floor(o*H/O) + i = floor((o*H + i*O) / O); windows that are smaller than the largest
 * leave their last terms out by a select. */
static void adaptive_kernel(const Graph *g, const Node *node, Kernel *k) {
  const AdaptiveAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  Unit *u = g->u;
  const Expr *count = expr_const(u, 1), *inside = NULL;
  int rank = in->rank - 2;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in(k, node->arg[0], in);
  for (int a = 0; a < 2; a++) x->at[a] = coord_loop(a, 1, 0);
  for (int a = 0; a < rank; a++) {
    int64_t from = in->dim[2 + a].plus, to = attr->output.at[a];
    int o = 2 + a,
        t = kernel_loop(k, window_kernel_loop(a, rank), fixed(adaptive_largest(from, to)), true);
    const Expr *extent = adaptive_extent(u, o, from, to);
    const Expr *here = expr2(u, E_lt, expr_index(u, t), extent);
    k->loop[o].name = window_output_loop(a, rank);
    x->at[2 + a] = coord_loop(o, (int)from, 0);
    x->at[2 + a].coef[t] = (int32_t)to;
    x->at[2 + a].div = (int32_t)to;
    count = expr2(u, E_mul, count, extent);
    inside = inside ? expr2(u, E_mul, inside, here) : here;
  }
  x->outside = SKIP;
  pool_fold(u, (PoolKind)attr->kind, count, k);
  double neutral = attr->kind == POOL_MAX ? -INFINITY : 0;
  k->fold[0].term = expr3(u, E_select, inside, k->fold[0].term, expr_const(u, neutral));
}

const Op op_adaptive_pool = {
    .name = "adaptive_pool",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "pool to a given size: output o reads [floor(o*in/out), ceil((o+1)*in/out))",
    .source = "PyTorch AdaptiveAvgPool, AdaptiveMaxPool",
    .field = adaptive_fields,
    .nfield = COUNT(adaptive_fields),
    .attr_size = sizeof(AdaptiveAttr),
    .build = adaptive_build,
    .infer = adaptive_infer,
    .kernel = adaptive_kernel,
};

/* ---- subsample: an average pool with a trained factor and bias per channel ---- */

typedef struct SubsampleAttr {
  Window window;
} SubsampleAttr;

static const Field subsample_fields[] = {
    WINDOW_FIELDS(SubsampleAttr, 0, "distance between windows; default: the kernel's extents"),
};

static Id subsample_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  static const int channel[] = {1};
  const SubsampleAttr *attr = attributes;
  PoolAttr pool = {.kind = POOL_AVERAGE, .window = attr->window, .count_include_pad = true};
  Graph *g = build_graph(b);
  Id y = pool_build(b, &pool, arg, nargs);
  if (y == NO_ID) return NO_ID;
  const Type type = *build_type(b, y);
  int64_t c = type.dim[1].plus;
  Id weight = build_param(b, "weight", PARAM_SCALE, 1, &c, INIT_CONSTANT, 1, c, c);
  Id bias = build_param(b, "bias", PARAM_SCALE, 1, &c, INIT_CONSTANT, 0, c, c);
  if (weight == NO_ID || bias == NO_ID) return NO_ID;
  y = build_add2(b, OP_mul, NULL, y, graph_broadcast(g, weight, &type, channel, build_where(b)));
  return build_add2(b, OP_add, NULL, y, graph_broadcast(g, bias, &type, channel, build_where(b)));
}

const Op op_subsample = {
    .name = "subsample",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "average over windows * weight + bias, one trained weight and bias per channel",
    .source = "LeCun et al. 1998, Proc. IEEE 86(11)",
    .field = subsample_fields,
    .nfield = COUNT(subsample_fields),
    .attr_size = sizeof(SubsampleAttr),
    .build = subsample_build,
};

/* ---- maxout: the maximum of neighbouring channels ---- */

typedef struct MaxoutAttr {
  int64_t pieces;
} MaxoutAttr;

static const Field maxout_fields[] = {
    {.name = "pieces",
     .kind = FIELD_INT,
     .offset = offsetof(MaxoutAttr, pieces),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .example = "2",
     .doc = "how many channels in a row make one"},
};

static bool maxout_infer(Graph *g, Node *node) {
  int64_t pieces = ((const MaxoutAttr *)node->attr)->pieces;
  node->type = g->node.at[node->arg[0]].type;
  int64_t channels = channels_of(&node->type);
  node->type.dim[1] = fixed(channels / pieces);
  return parts_divide(g->u, node->where, "pieces", pieces, channels, "channels");
}

static void maxout_kernel(const Graph *g, const Node *node, Kernel *k) {
  int64_t pieces = ((const MaxoutAttr *)node->attr)->pieces;
  kernel_start(k, node->where.layer, -1, &node->type);
  int piece = kernel_loop(k, "piece", fixed(pieces), true);
  View *x = kernel_in_whole(k, node->arg[0], &g->node.at[node->arg[0]].type);
  x->at[1].coef[1] = (int32_t)pieces;
  x->at[1].coef[piece] = 1;
  pool_fold(g->u, POOL_MAX, NULL, k);
}

const Op op_maxout = {
    .name = "maxout",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "maximum of neighbouring channels: output c is the largest of c * pieces + i",
    .source = "Goodfellow et al. 2013, arXiv 1302.4389",
    .field = maxout_fields,
    .nfield = COUNT(maxout_fields),
    .attr_size = sizeof(MaxoutAttr),
    .infer = maxout_infer,
    .kernel = maxout_kernel,
};
