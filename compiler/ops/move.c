/* move.c - moving data between places: crop, split, transpose, channel_shuffle, upsample.
 *
 * Like shape.c: one kernel each whose views do the work; interpolation is a sum over two taps per
 * axis, so that its gradient is a gather as well. */
#include "axes.h"
#include "window.h"

/* ---- crop ---- */

typedef struct CropAttr {
  IntList lo, hi;
} CropAttr;

static const Field crop_fields[] = {
    {.name = "lo",
     .kind = FIELD_INTS,
     .offset = offsetof(CropAttr, lo),
     .min = 0,
     .max = 0x7fffffff,
     .example = "1",
     .doc = "positions cut off before the first, one number or one per spatial axis"},
    {.name = "hi",
     .kind = FIELD_INTS,
     .offset = offsetof(CropAttr, hi),
     .min = 0,
     .max = 0x7fffffff,
     .example = "1",
     .doc = "positions cut off after the last"},
};

static Id crop_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const CropAttr *attr = attributes;
  const Type in = *build_type(b, arg[0]);
  int rank = window_rank(b, &in);
  CropAttr node;
  (void)nargs;
  if (!rank || !axes_resolve(b, "lo", &attr->lo, rank, 0, &node.lo) ||
      !axes_resolve(b, "hi", &attr->hi, rank, 0, &node.hi))
    return NO_ID;
  return build_add1(b, OP_crop, &node, arg[0]);
}

static bool crop_infer(Graph *g, Node *node) {
  const CropAttr *attr = node->attr;
  node->type = g->node.at[node->arg[0]].type;
  for (int a = 2; a < node->type.rank; a++) {
    int64_t extent = node->type.dim[a].plus, cut = attr->lo.at[a - 2] + attr->hi.at[a - 2];
    node->type.dim[a] = fixed(extent - cut);
    if (cut < extent) continue;
    diag_error(g->u, node->where.path, "nothing is left of an axis of %lld after cutting %lld",
               (long long)extent, (long long)cut);
    return false;
  }
  return true;
}

static void crop_kernel(const Graph *g, const Node *node, Kernel *k) {
  const CropAttr *attr = node->attr;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in(k, node->arg[0], &g->node.at[node->arg[0]].type);
  for (int a = 0; a < node->type.rank; a++)
    x->at[a] = coord_loop(a, 1, a < 2 ? 0 : attr->lo.at[a - 2]);
  k->out[0].value = expr_in(g->u, 0);
}

const Op op_crop = {
    .name = "crop",
    .class = CLASS_VIEW,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "spatial axes without their first lo and last hi positions",
    .source = "Ronneberger et al. 2015, arXiv 1505.04597",
    .field = crop_fields,
    .nfield = COUNT(crop_fields),
    .attr_size = sizeof(CropAttr),
    .build = crop_build,
    .infer = crop_infer,
    .kernel = crop_kernel,
};

/* ---- split ---- */

typedef struct SplitAttr {
  int64_t axis, parts, part;
} SplitAttr;

static const Field split_fields[] = {
    {.name = "axis",
     .kind = FIELD_INT,
     .offset = offsetof(SplitAttr, axis),
     .min = 0,
     .max = MAX_RANK - 2,
     .doc = "axis that is cut; 0: channels"},
    {.name = "parts",
     .kind = FIELD_INT,
     .offset = offsetof(SplitAttr, parts),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .example = "2",
     .doc = "into how many parts; the first are one longer where they do not divide the axis"},
    {.name = "part",
     .kind = FIELD_INT,
     .offset = offsetof(SplitAttr, part),
     .min = 0,
     .max = 0x7fffffff,
     .doc = "which of them is the result, from 0"},
};

static Id split_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const SplitAttr *attr = attributes;
  const Type in = *build_type(b, arg[0]);
  (void)nargs;
  if (!axis_exists(build_graph(b)->u, build_where(b), "axis", attr->axis, &in)) return NO_ID;
  int64_t extent = in.dim[attr->axis + 1].plus;
  int64_t length = extent / attr->parts, longer = extent % attr->parts;
  int64_t start = attr->part * length + (attr->part < longer ? attr->part : longer);
  SliceAttr slice = {attr->axis, start, start + length + (attr->part < longer), 1};
  if (attr->part < attr->parts && slice.stop > start)
    return build_add1(b, OP_slice, &slice, arg[0]);
  build_error(b, "part", "part %lld of %lld of an axis of %lld does not exist",
              (long long)attr->part, (long long)attr->parts, (long long)extent);
  return NO_ID;
}

const Op op_split = {
    .name = "split",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "one of several parts of an axis",
    .source = "PyTorch tensor_split",
    .field = split_fields,
    .nfield = COUNT(split_fields),
    .attr_size = sizeof(SplitAttr),
    .build = split_build,
};

/* ---- transpose ---- */

typedef struct TransposeAttr {
  IntList order;
} TransposeAttr;

static const Field transpose_fields[] = {
    {.name = "order",
     .kind = FIELD_INTS,
     .offset = offsetof(TransposeAttr, order),
     .required = true,
     .min = 0,
     .max = MAX_RANK - 2,
     .example = "[1, 2, 0]",
     .doc = "axis i of the result is axis order[i] of the input; 0: channels"},
};

static bool transpose_infer(Graph *g, Node *node) {
  const IntList *order = &((const TransposeAttr *)node->attr)->order;
  const Type *in = &g->node.at[node->arg[0]].type;
  unsigned seen = 0;
  node->type = *in;
  for (int i = 0; i < order->n; i++) {
    seen |= 1u << order->at[i];
    if (order->n == in->rank - 1 && order->at[i] + 1 < in->rank)
      node->type.dim[1 + i] = in->dim[order->at[i] + 1];
  }
  if (order->n == in->rank - 1 && seen == (1u << order->n) - 1) return true;
  diag_error(g->u, path_key(g->u->arena, node->where.path, "order"),
             "order must hold each of the numbers 0 to %d once", in->rank - 2);
  return false;
}

static void transpose_kernel(const Graph *g, const Node *node, Kernel *k) {
  const IntList *order = &((const TransposeAttr *)node->attr)->order;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in(k, node->arg[0], &g->node.at[node->arg[0]].type);
  x->at[0] = coord_loop(0, 1, 0);
  for (int i = 0; i < order->n; i++) x->at[order->at[i] + 1] = coord_loop(i + 1, 1, 0);
  k->out[0].value = expr_in(g->u, 0);
}

const Op op_transpose = {
    .name = "transpose",
    .class = CLASS_VIEW,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "axes in another order",
    .source = "PyTorch permute",
    .field = transpose_fields,
    .nfield = COUNT(transpose_fields),
    .attr_size = sizeof(TransposeAttr),
    .infer = transpose_infer,
    .kernel = transpose_kernel,
};

/* ---- channel_shuffle: [g * c/g] -> [g, c/g] -> [c/g, g] -> [c] */

typedef struct ShuffleAttr {
  int64_t groups;
} ShuffleAttr;

static const Field channel_shuffle_fields[] = {
    {.name = "groups",
     .kind = FIELD_INT,
     .offset = offsetof(ShuffleAttr, groups),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .example = "2",
     .doc = "neighbours in the result come from different ones of this many groups"},
};

static Id channel_shuffle_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  int64_t groups = ((const ShuffleAttr *)attributes)->groups;
  const Type type = *build_type(b, arg[0]);
  ReshapeAttr apart, together;
  TransposeAttr turn = {.order = {.n = type.rank, .at = {1, 0, 2, 3, 4, 5, 6, 7}}};
  (void)nargs;
  if (!channels_in_groups(b, &type, groups, &apart, &together)) return NO_ID;
  Id x = build_add1(b, OP_transpose, &turn, build_add1(b, OP_reshape, &apart, arg[0]));
  return build_add1(b, OP_reshape, &together, x);
}

const Op op_channel_shuffle = {
    .name = "channel_shuffle",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "channels of several groups in turn: output j * groups + i is input i * c / groups + j",
    .source = "Zhang et al. 2017, arXiv 1707.01083; PyTorch ChannelShuffle",
    .field = channel_shuffle_fields,
    .nfield = COUNT(channel_shuffle_fields),
    .attr_size = sizeof(ShuffleAttr),
    .build = channel_shuffle_build,
};

/* ---- upsample ---- */

typedef enum UpsampleMode { UPSAMPLE_NEAREST, UPSAMPLE_LINEAR } UpsampleMode;
typedef struct UpsampleAttr {
  IntList scale;
  int32_t mode;
  bool align_corners;
} UpsampleAttr;

static const char *const upsample_modes[] = {"nearest", "linear", "bilinear", "trilinear", NULL};

static const Field upsample_fields[] = {
    {.name = "scale",
     .kind = FIELD_INTS,
     .offset = offsetof(UpsampleAttr, scale),
     .required = true,
     .min = 1,
     .max = 1 << 15,
     .example = "2",
     .doc = "how many times larger, one number or one per spatial axis"},
    {.name = "mode",
     .kind = FIELD_ENUM,
     .offset = offsetof(UpsampleAttr, mode),
     .names = upsample_modes,
     .doc = "the nearest element, or lines between the two nearest of each axis: linear, bilinear "
            "and trilinear mean the same"},
    {.name = "align_corners",
     .kind = FIELD_BOOL,
     .offset = offsetof(UpsampleAttr, align_corners),
     .doc = "lines: first and last elements keep their places; otherwise elements are areas"},
};

static Id upsample_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const UpsampleAttr *attr = attributes;
  UpsampleAttr node = *attr;
  const Type in = *build_type(b, arg[0]);
  (void)nargs;
  if (!window_rank(b, &in)) return NO_ID;
  if (!axes_resolve(b, "scale", &attr->scale, in.rank - 2, 1, &node.scale)) return NO_ID;
  return build_add1(b, OP_upsample, &node, arg[0]);
}

static bool upsample_infer(Graph *g, Node *node) {
  const UpsampleAttr *attr = node->attr;
  node->type = g->node.at[node->arg[0]].type;
  for (int a = 2; a < node->type.rank; a++)
    node->type.dim[a] = fixed(size_mul(node->type.dim[a].plus, attr->scale.at[a - 2]));
  return true;
}

/* Output o lies at (step * o + plus) / unit of the input. */
typedef struct Place {
  int64_t step, plus, unit;
} Place;

static Place place_of(const UpsampleAttr *attr, int64_t in, int64_t out, int axis) {
  int64_t scale = attr->scale.at[axis];
  if (!attr->align_corners) return (Place){2, 1 - scale, 2 * scale};
  return out == 1 ? (Place){0, 0, 1} : (Place){in - 1, 0, out - 1};
}

/* The weight of tap t (0: the element before, 1: the one after) of output o. */
static const Expr *tap_weight(Unit *u, const Place *p, int o, int t, int64_t extent) {
  const Expr *at = expr2(u, E_mul, expr_index(u, o), expr_const(u, (double)p->step));
  at = expr2(u, E_add, at, expr_const(u, (double)p->plus));
  at = expr2(u, E_div, at, expr_const(u, (double)p->unit));
  /* Beyond the first and the last element the nearest one counts alone. */
  at = expr2(u, E_min, expr_const(u, (double)(extent - 1)), at);
  const Expr *after = expr2(u, E_sub, at, expr1(u, E_floor, at));
  after = expr3(u, E_select, expr2(u, E_lt, at, expr_const(u, 0)), expr_const(u, 1), after);
  const Expr *first = expr2(u, E_eq, expr_index(u, t), expr_const(u, 0));
  return expr3(u, E_select, first, expr2(u, E_sub, expr_const(u, 1), after), after);
}

static void upsample_kernel(const Graph *g, const Node *node, Kernel *k) {
  static const char *const names[MAX_SPATIAL] = {"td", "th", "tw"};
  const UpsampleAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  Unit *u = g->u;
  const Expr *term = expr_in(u, 0);
  int rank = in->rank - 2;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in_whole(k, node->arg[0], in);
  for (int a = 0; a < rank; a++) {
    Coord *c = &x->at[2 + a];
    c->div = (int32_t)attr->scale.at[a];
    if (attr->mode == UPSAMPLE_NEAREST || attr->scale.at[a] == 1) continue;
    int64_t extent = in->dim[2 + a].plus;
    Place p = place_of(attr, extent, node->type.dim[2 + a].plus, a);
    int t = kernel_loop(k, names[MAX_SPATIAL - rank + a], fixed(2), true);
    *c = coord_loop(2 + a, (int)p.step, p.plus);
    c->coef[t] = (int32_t)p.unit;
    c->div = (int32_t)p.unit;
    term = expr2(u, E_mul, term, tap_weight(u, &p, 2 + a, t, extent));
    x->outside = SKIP;
  }
  k->out[0].value = term;
  if (x->outside != SKIP) return;
  k->nfold = 1;
  k->fold[0].term = term;
  k->out[0].value = expr_acc(u, 0);
}

const Op op_upsample = {
    .name = "upsample",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "spatial axes made larger: the nearest element, or lines between neighbours",
    .source = "PyTorch Upsample",
    .field = upsample_fields,
    .nfield = COUNT(upsample_fields),
    .attr_size = sizeof(UpsampleAttr),
    .build = upsample_build,
    .infer = upsample_infer,
    .kernel = upsample_kernel,
};
