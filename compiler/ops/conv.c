/* conv.c - convolution of 1 to 3 dimensions with groups; its depthwise and separable forms; without
 * sharing (local) and with sharing at a distance (tiled).
 *
 * y[n, k, o] = bias + sum over c, i of x[n, c, stride*o + dilation*i - lo] * w[k, c, i]
 *
 * Parameters have PyTorch's shapes. Connection tables and flipped kernels change the weights when
 * they are loaded, not the convolution. Weights that are not the same for all o have axes of o in
 * front, w[o, k, c, i]; shorter ones than the result's are read with o mod their extent. */
#include <string.h>

#include "contraction.h"

typedef struct ConvAttr {
  int64_t filters; /* depthwise: per channel */
  Window window;
  int64_t groups;
  int32_t bias;
  bool flip;
  Matrix connections, weights;
  IntList period; /* tiled: how many positions in a row have weights of their own */
} ConvAttr;

typedef enum Sharing { SHARED, UNSHARED, PERIODIC } Sharing;

#define FLIP_FIELD(Attr)                                                                           \
  {                                                                                                \
    .name = "flip", .kind = FIELD_BOOL, .offset = offsetof(Attr, flip),                            \
    .doc = "true convolution: the kernel is turned around"                                         \
  }

#define MULTIPLIER_FIELD(Attr, member)                                                             \
  {                                                                                                \
    .name = "multiplier", .kind = FIELD_INT, .offset = offsetof(Attr, member), .otherwise = 1,     \
    .min = 1, .max = 0x7fffffff, .doc = "output channels per input channel"                        \
  }
#define UNIT_BIAS_FIELD(Attr)                                                                      \
  {                                                                                                \
    .name = "bias", .kind = FIELD_BIAS, .offset = offsetof(Attr, bias),                            \
    .otherwise = BIAS_POSITION,                                                                    \
    .doc = "one number per output channel and position (\"position\", the default), one per "      \
           "channel (true), or none (false)"                                                       \
  }

static const Field conv_fields[] = {
    FILTERS_FIELD(ConvAttr),
    WINDOW_FIELDS(ConvAttr, 1, "distance between windows"),
    GROUPS_FIELD(ConvAttr),
    BIAS_FIELD(ConvAttr),
    {.name = "connections",
     .kind = FIELD_TABLE,
     .offset = offsetof(ConvAttr, connections),
     .doc = "which input channels (columns) each output channel (rows) reads: 0 or 1"},
    FLIP_FIELD(ConvAttr),
    WEIGHTS_FIELD(ConvAttr),
};

static const Field depthwise_fields[] = {
    MULTIPLIER_FIELD(ConvAttr, filters),
    WINDOW_FIELDS(ConvAttr, 1, "distance between windows"),
    BIAS_FIELD(ConvAttr),
    FLIP_FIELD(ConvAttr),
    WEIGHTS_FIELD(ConvAttr),
};

typedef struct SeparableAttr {
  int64_t filters, multiplier;
  Window window;
  int32_t bias;
} SeparableAttr;

static const Field separable_fields[] = {
    FILTERS_FIELD(SeparableAttr),
    MULTIPLIER_FIELD(SeparableAttr, multiplier),
    WINDOW_FIELDS(SeparableAttr, 1, "distance between windows"),
    BIAS_FIELD(SeparableAttr),
};

static const Field local_fields[] = {
    FILTERS_FIELD(ConvAttr),
    WINDOW_FIELDS(ConvAttr, 1, "distance between windows"),
    UNIT_BIAS_FIELD(ConvAttr),
};

static const Field tiled_fields[] = {
    FILTERS_FIELD(ConvAttr),
    {.name = "period",
     .kind = FIELD_INTS,
     .offset = offsetof(ConvAttr, period),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .example = "2",
     .doc = "positions this far apart share their weights; 1: a convolution"},
    WINDOW_FIELDS(ConvAttr, 1, "distance between windows"),
    UNIT_BIAS_FIELD(ConvAttr),
};

/* ---- weights ---- */

/* w' [k,c,...]: w with the table's missing connections set to 0, turned around if `flip`. */
static Id change_weights(Build *b, Id w, const ConvAttr *attr) {
  Graph *g = build_graph(b);
  const Type type = g->node.at[w].type;
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &type);
  View *in = kernel_in(&k, w, &type);
  for (int a = 0; a < type.rank; a++) {
    bool turn = attr->flip && a >= 2;
    in->at[a] = coord_loop(a, turn ? -1 : 1, turn ? type.dim[a].plus - 1 : 0);
  }
  k.out[0].value = expr_in(g->u, 0);
  if (attr->connections.rank) {
    Type table = {.dtype = F32, .rank = 2, .dim = {type.dim[0], type.dim[1]}};
    Id mask = graph_const(g, &table, attr->connections.at, build_where(b));
    View *view = kernel_in(&k, mask, &table);
    for (int a = 0; a < 2; a++) view->at[a] = coord_loop(a, 1, 0);
    k.out[0].value = expr2(g->u, E_mul, expr_in(g->u, 0), expr_in(g->u, 1));
  }
  return build_kernel(b, &k, &type);
}

/* Multiply-adds and parameters of a connection that the table does not have are not there. */
static int64_t count_connections(const Matrix *table) {
  int64_t count = 0;
  for (int64_t p = 0; p < table->dim[0] * table->dim[1]; p++) count += table->at[p] != 0;
  return count;
}

static Id conv_weights(Build *b, const ConvAttr *attr, const char *suffix, const Type *type) {
  const Extent *dim = type->dim + type->rank - attr->window.kernel.n - 2;
  int64_t taps = 1;
  for (int a = 0; a < attr->window.kernel.n; a++) taps = size_mul(taps, dim[2 + a].plus);
  int64_t fan_in = size_mul(dim[1].plus, taps), fan_out = size_mul(dim[0].plus, taps);
  Id w = weights_of(b, &attr->weights, suffix, type, fan_in, fan_out);
  if (w == NO_ID || (!attr->flip && !attr->connections.rank)) return w;
  if (attr->connections.rank && !attr->weights.rank)
    graph_param_of(build_graph(b), w)->idle =
        (dim[0].plus * dim[1].plus - count_connections(&attr->connections)) * taps;
  return change_weights(b, w, attr);
}

/* ---- convolution ---- */

static bool check_connections(Build *b, const ConvAttr *attr, int64_t channels) {
  const Matrix *table = &attr->connections;
  int64_t columns = channels / attr->groups;
  if (!table->rank || (table->dim[0] == attr->filters && table->dim[1] == columns)) return true;
  build_error(b, "connections", "connections must be %lld rows of %lld, not %lld of %lld",
              (long long)attr->filters, (long long)columns, (long long)table->dim[0],
              (long long)table->dim[1]);
  return false;
}

/* [o..., k, c, i...]: without sharing with axes of the positions in front. False after an error. */
static bool weights_type(Build *b, const ConvAttr *attr, Sharing sharing, int64_t channels, Id x,
                         Type *type) {
  int rank = attr->window.kernel.n;
  int64_t out[MAX_SPATIAL];
  Node probe = {.arg = &x, .nargs = 1, .where = build_where(b)};
  *type = (Type){.dtype = F32};
  if (sharing != SHARED && !window_extents(build_graph(b), &probe, &attr->window, false, out))
    return false;
  for (int a = 0; sharing != SHARED && a < rank; a++) {
    bool repeats = sharing == PERIODIC && attr->period.at[a] < out[a];
    type->dim[type->rank++] = fixed(repeats ? attr->period.at[a] : out[a]);
  }
  type->dim[type->rank++] = fixed(attr->filters);
  type->dim[type->rank++] = fixed(channels);
  for (int a = 0; a < rank; a++) type->dim[type->rank++] = fixed(attr->window.kernel.at[a]);
  return true;
}

static Id build_conv(Build *b, const ConvAttr *given, Sharing sharing, const char *suffix, Id x) {
  const Type in = *build_type(b, x);
  ConvAttr attr = *given;
  Type type;
  if (!window_rank(b, &in)) return NO_ID;
  int64_t channels = in.dim[1].plus / attr.groups, taps = 1;
  if (!groups_divide(b, attr.groups, in.dim[1].plus, attr.filters) ||
      !check_connections(b, &attr, in.dim[1].plus) ||
      !window_resolve(b, &given->window, &in, 1, &attr.window) ||
      !axes_resolve(b, "period", &given->period, in.rank - 2, 1, &attr.period) ||
      !weights_type(b, &attr, sharing, channels, x, &type))
    return NO_ID;
  Id w = conv_weights(b, &attr, suffix, &type);
  if (w == NO_ID) return NO_ID;
  for (int a = 0; a < in.rank - 2; a++) taps = size_mul(taps, attr.window.kernel.at[a]);
  ConvAttr node = {.filters = attr.filters,
                   .window = attr.window,
                   .groups = attr.groups,
                   .connections = attr.connections};
  Id y = build_add2(b, OP_conv, &node, x, w);
  return bias_added(b, y, attr.bias, attr.weights.rank > 0, size_mul(channels, taps));
}

static Id conv_build(Build *b, const void *attr, const Id *arg, int nargs) {
  (void)nargs;
  return build_conv(b, attr, SHARED, "weight", arg[0]);
}

static Id depthwise_build(Build *b, const void *attr, const Id *arg, int nargs) {
  const Type *in = build_type(b, arg[0]);
  ConvAttr conv = *(const ConvAttr *)attr;
  (void)nargs;
  if (!window_rank(b, in)) return NO_ID;
  conv.groups = in->dim[1].plus;
  conv.filters = size_mul(conv.filters, conv.groups);
  return build_conv(b, &conv, SHARED, "weight", arg[0]);
}

static Id separable_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const SeparableAttr *attr = attributes;
  const Type *in = build_type(b, arg[0]);
  (void)nargs;
  if (!window_rank(b, in)) return NO_ID;
  int64_t channels = in->dim[1].plus;
  ConvAttr depthwise = {.filters = size_mul(attr->multiplier, channels),
                        .window = attr->window,
                        .groups = channels,
                        .bias = BIAS_NONE};
  ConvAttr pointwise = {.filters = attr->filters,
                        .window.kernel = {.n = 1, .at = {1}},
                        .groups = 1,
                        .bias = attr->bias};
  Id y = build_conv(b, &depthwise, SHARED, "depthwise.weight", arg[0]);
  return y == NO_ID ? NO_ID : build_conv(b, &pointwise, SHARED, "pointwise.weight", y);
}

static Id build_unshared(Build *b, const void *attributes, Sharing sharing, Id x) {
  ConvAttr attr = *(const ConvAttr *)attributes;
  attr.groups = 1;
  return build_conv(b, &attr, sharing, "weight", x);
}

static Id local_build(Build *b, const void *attr, const Id *arg, int nargs) {
  (void)nargs;
  return build_unshared(b, attr, UNSHARED, arg[0]);
}

static Id tiled_build(Build *b, const void *attr, const Id *arg, int nargs) {
  (void)nargs;
  return build_unshared(b, attr, PERIODIC, arg[0]);
}

/* Weights are [filters, channels, kernel], behind the positions that have their own. */
static bool conv_infer(Graph *g, Node *node) {
  const ConvAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  int rank = attr->window.kernel.n, lead = g->node.at[node->arg[1]].type.rank - 2 - rank;
  int64_t out[MAX_SPATIAL];
  if (lead != 0 && lead != rank) return false;
  if (!window_extents(g, node, &attr->window, false, out)) return false;
  node->type = (Type){.dtype = F32, .rank = in->rank, .dim = {in->dim[0], fixed(attr->filters)}};
  for (int a = 2; a < in->rank; a++) node->type.dim[a] = fixed(out[a - 2]);
  return true;
}

static void conv_kernel(const Graph *g, const Node *node, Kernel *k) {
  const ConvAttr *attr = node->attr;
  const Window *w = &attr->window;
  const Type *wt = &g->node.at[node->arg[1]].type;
  int rank = w->kernel.n, lead = wt->rank - 2 - rank;
  int64_t channels = wt->dim[lead + 1].plus, filters = attr->filters / attr->groups;
  Sliding s = sliding_loops(g, node, &w->kernel, attr->groups, filters, channels, k);
  s.w->at[lead] = k->out[0].to.at[1];
  s.w->at[lead + 1] = coord_loop(s.channel, 1, 0);
  k->macs =
      attr->connections.rank ? count_connections(&attr->connections) : attr->filters * channels;
  for (int a = 0; a < rank; a++) {
    int64_t extent = node->type.dim[2 + a].plus;
    s.x->at[2 + a] = window_coord(w, a, s.o[a], s.t[a]);
    if (w->pad.lo.at[a] || w->pad.hi.at[a]) s.x->outside = FILL;
    s.w->at[lead + 2 + a] = coord_loop(s.t[a], 1, 0);
    if (lead) s.w->at[a] = coord_loop(s.o[a], 1, 0);
    if (lead && wt->dim[a].plus < extent) s.w->at[a].mod = (int32_t)wt->dim[a].plus;
    k->macs *= extent * w->kernel.at[a];
  }
}

const Op op_conv = {
    .name = "conv",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .node_args = 2,
    .doc = "convolution (cross-correlation) over 1 to 3 axes: y[k,o] = bias[k] + sum over c, i of "
           "x[c, stride*o + dilation*i - pad] * weight[k,c,i]",
    .source = "PyTorch Conv1d, Conv2d, Conv3d",
    .field = conv_fields,
    .nfield = COUNT(conv_fields),
    .attr_size = sizeof(ConvAttr),
    .build = conv_build,
    .infer = conv_infer,
    .kernel = conv_kernel,
};

const Op op_depthwise = {
    .name = "depthwise",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "convolution of each channel by itself, conv with as many groups as channels: "
           "y[c*multiplier + j, o] = bias + sum over i of x[c, stride*o + dilation*i - pad] * "
           "weight[c*multiplier + j, 0, i]",
    .source = "Howard et al. 2017, arXiv 1704.04861",
    .field = depthwise_fields,
    .nfield = COUNT(depthwise_fields),
    .attr_size = sizeof(ConvAttr),
    .build = depthwise_build,
};

const Op op_separable = {
    .name = "separable",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "a depthwise convolution, then a 1x1 convolution across its channels",
    .source = "Sifre 2014; Chollet 2016, arXiv 1610.02357",
    .field = separable_fields,
    .nfield = COUNT(separable_fields),
    .attr_size = sizeof(SeparableAttr),
    .build = separable_build,
};

const Op op_local = {
    .name = "local",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "windows like a convolution's, each position with weights of its own: weight[o,k,c,i]",
    .source = "Gregor and LeCun 2010, arXiv 1006.0448; Torch7 SpatialConvolutionLocal",
    .field = local_fields,
    .nfield = COUNT(local_fields),
    .attr_size = sizeof(ConvAttr),
    .build = local_build,
};

const Op op_tiled = {
    .name = "tiled",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "convolution whose weights repeat with a period, positions a period apart share them: "
           "weight[o mod period, k,c,i]",
    .source = "Le et al. 2010, NIPS: Tiled convolutional neural networks",
    .field = tiled_fields,
    .nfield = COUNT(tiled_fields),
    .attr_size = sizeof(ConvAttr),
    .build = tiled_build,
};
