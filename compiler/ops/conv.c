/* conv.c - convolution of 1 to 3 dimensions with groups, and its depthwise form.
 *
 * y[n, k, o] = bias + sum over c, i of x[n, c, stride*o + dilation*i - lo] * w[k, c, i]
 *
 * Parameters have PyTorch's shapes. Connection tables and flipped kernels change the weights when
 * they are loaded, not the convolution. */
#include <string.h>

#include "contraction.h"

typedef struct ConvAttr {
  int64_t filters; /* depthwise: per channel */
  Window window;
  int64_t groups;
  int32_t bias;
  bool flip;
  Matrix connections, weights;
} ConvAttr;

#define FLIP_FIELD(Attr)                                                                           \
  {                                                                                                \
    .name = "flip", .kind = FIELD_BOOL, .offset = offsetof(Attr, flip),                            \
    .doc = "true convolution: the kernel is turned around"                                         \
  }

static const Field conv_fields[] = {
    {.name = "filters",
     .kind = FIELD_INT,
     .offset = offsetof(ConvAttr, filters),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .doc = "number of output channels"},
    WINDOW_FIELDS(ConvAttr, 1, "distance between windows"),
    {.name = "groups",
     .kind = FIELD_INT,
     .offset = offsetof(ConvAttr, groups),
     .otherwise = 1,
     .min = 1,
     .max = 0x7fffffff,
     .doc = "channels are cut into this many groups that do not mix"},
    BIAS_FIELD(ConvAttr),
    {.name = "connections",
     .kind = FIELD_TABLE,
     .offset = offsetof(ConvAttr, connections),
     .doc = "which input channels (columns) each output channel (rows) reads: 0 or 1"},
    FLIP_FIELD(ConvAttr),
    WEIGHTS_FIELD(ConvAttr),
};

static const Field depthwise_fields[] = {
    {.name = "multiplier",
     .kind = FIELD_INT,
     .offset = offsetof(ConvAttr, filters),
     .otherwise = 1,
     .min = 1,
     .max = 0x7fffffff,
     .doc = "output channels per input channel"},
    WINDOW_FIELDS(ConvAttr, 1, "distance between windows"),
    BIAS_FIELD(ConvAttr),
    FLIP_FIELD(ConvAttr),
    WEIGHTS_FIELD(ConvAttr),
};

/* ---- weights */

/* w' [k,c,...]: w with the table's missing connections set to 0, turned around if `flip`. */
static Id change_weights(Build *b, Id w, const ConvAttr *attr) {
  Graph *g = build_graph(b);
  if (w == NO_ID || (!attr->flip && !attr->connections.rank)) return w;
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

/* The same on values that are known already. */
static void change_values(double *values, const Type *type, const ConvAttr *attr) {
  int64_t kernel = 1, pairs = type->dim[0].plus * type->dim[1].plus;
  for (int a = 2; a < type->rank; a++) kernel *= type->dim[a].plus;
  for (int64_t p = 0; p < pairs; p++) {
    double *at = values + p * kernel;
    for (int64_t i = 0; attr->flip && i < kernel / 2; i++) {
      double other = at[kernel - 1 - i];
      at[kernel - 1 - i] = at[i];
      at[i] = other;
    }
    if (attr->connections.rank && attr->connections.at[p] == 0)
      memset(at, 0, sizeof *at * (size_t)kernel);
  }
}

static Id conv_weights(Build *b, const ConvAttr *attr, int64_t channels, const Window *window) {
  int rank = window->kernel.n;
  int64_t dim[2 + MAX_SPATIAL] = {attr->filters, channels}, taps = 1;
  Type type = {.dtype = F32, .rank = (int8_t)(2 + rank), .dim = {fixed(dim[0]), fixed(dim[1])}};
  for (int a = 0; a < rank; a++) {
    dim[2 + a] = window->kernel.at[a];
    type.dim[2 + a] = fixed(dim[2 + a]);
    taps = size_mul(taps, dim[2 + a]);
  }
  if (!attr->weights.rank) {
    int64_t fan_in = size_mul(channels, taps), fan_out = size_mul(attr->filters, taps);
    Id w = build_param(b, "weight", PARAM_WEIGHT, 2 + rank, dim, INIT_DEFAULT, 0, fan_in, fan_out);
    return change_weights(b, w, attr);
  }
  double *values = fixed_weights_of(b, &attr->weights, &type);
  if (!values) return NO_ID;
  change_values(values, &type, attr);
  return graph_const(build_graph(b), &type, values, build_where(b));
}

/* ---- convolution */

static bool check_connections(Build *b, const ConvAttr *attr, int64_t channels) {
  const Matrix *table = &attr->connections;
  int64_t columns = channels / attr->groups;
  if (!table->rank || (table->dim[0] == attr->filters && table->dim[1] == columns)) return true;
  build_error(b, "connections", "connections must be %lld rows of %lld, not %lld of %lld",
              (long long)attr->filters, (long long)columns, (long long)table->dim[0],
              (long long)table->dim[1]);
  return false;
}

static Id build_conv(Build *b, const ConvAttr *attr, Id x) {
  const Type in = *build_type(b, x);
  if (!window_rank(b, &in)) return NO_ID;
  int64_t channels = in.dim[1].plus, taps = 1;
  ConvAttr node = {.filters = attr->filters, .groups = attr->groups};
  if (!groups_divide(b, attr->groups, channels, attr->filters) ||
      !check_connections(b, attr, channels))
    return NO_ID;
  if (!window_resolve(b, &attr->window, &in, 1, &node.window)) return NO_ID;
  for (int a = 0; a < node.window.kernel.n; a++) taps = size_mul(taps, node.window.kernel.at[a]);
  Id w = conv_weights(b, attr, channels / attr->groups, &node.window);
  if (w == NO_ID) return NO_ID;
  Id y = build_add2(b, OP_conv, &node, x, w);
  return bias_added(b, y, attr->bias, attr->weights.rank > 0,
                    size_mul(channels / attr->groups, taps));
}

static Id conv_build(Build *b, const void *attr, const Id *arg, int nargs) {
  (void)nargs;
  return build_conv(b, attr, arg[0]);
}

static Id depthwise_build(Build *b, const void *attr, const Id *arg, int nargs) {
  const Type *in = build_type(b, arg[0]);
  ConvAttr conv = *(const ConvAttr *)attr;
  (void)nargs;
  if (!window_rank(b, in)) return NO_ID;
  conv.groups = in->dim[1].plus;
  conv.filters = size_mul(conv.filters, conv.groups);
  return build_conv(b, &conv, arg[0]);
}

static bool conv_infer(Graph *g, Node *node) {
  const ConvAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  int64_t out[MAX_SPATIAL];
  if (!window_extents(g, node, &attr->window, false, out)) return false;
  node->type = (Type){.dtype = F32, .rank = in->rank, .dim = {in->dim[0], fixed(attr->filters)}};
  for (int a = 2; a < in->rank; a++) node->type.dim[a] = fixed(out[a - 2]);
  return true;
}

/* n<n g<G k<K/G oh<OH ow<OW | c<C/G kh<R kw<S; without g when there is one group. */
static void conv_kernel(const Graph *g, const Node *node, Kernel *k) {
  const ConvAttr *attr = node->attr;
  const Window *w = &attr->window;
  const Type *in = &g->node.at[node->arg[0]].type, *wt = &g->node.at[node->arg[1]].type;
  int rank = w->kernel.n, group = -1, o[MAX_SPATIAL], t[MAX_SPATIAL];
  int64_t channels = wt->dim[1].plus, filters = attr->filters / attr->groups;
  *k = (Kernel){.name = node->where.layer, .nfold = 1, .nout = 1};
  int n = kernel_loop(k, "n", in->dim[0], false);
  if (attr->groups > 1) group = kernel_loop(k, "g", fixed(attr->groups), false);
  int f = kernel_loop(k, "k", fixed(filters), false);
  for (int a = 0; a < rank; a++)
    o[a] = kernel_loop(k, output_name(a, rank), node->type.dim[2 + a], false);
  int c = kernel_loop(k, "c", fixed(channels), true);
  for (int a = 0; a < rank; a++)
    t[a] = kernel_loop(k, kernel_name(a, rank), fixed(w->kernel.at[a]), true);
  View *x = kernel_in(k, node->arg[0], in), *weights = kernel_in(k, node->arg[1], wt);
  View *to = &k->out[0].to;
  *to = (View){.tensor = -1, .rank = node->type.rank};
  to->at[0] = x->at[0] = coord_loop(n, 1, 0);
  to->at[1] = weights->at[0] = coord_loop(f, 1, 0);
  x->at[1] = weights->at[1] = coord_loop(c, 1, 0);
  if (group >= 0) {
    to->at[1].coef[group] = weights->at[0].coef[group] = (int32_t)filters;
    x->at[1].coef[group] = (int32_t)channels;
  }
  k->macs = filters * attr->groups * channels;
  for (int a = 0; a < rank; a++) {
    to->at[2 + a] = coord_loop(o[a], 1, 0);
    x->at[2 + a] = window_coord(w, a, o[a], t[a]);
    weights->at[2 + a] = coord_loop(t[a], 1, 0);
    k->macs *= node->type.dim[2 + a].plus * w->kernel.at[a];
    if (w->pad.lo.at[a] || w->pad.hi.at[a]) x->outside = FILL;
  }
  k->fold[0].term = expr2(g->u, E_mul, expr_in(g->u, 0), expr_in(g->u, 1));
  k->out[0].value = expr_acc(g->u, 0);
}

const Op op_conv = {
    .name = "conv",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .node_args = 2,
    .doc = "convolution (cross-correlation) over 1 to 3 axes",
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
    .doc = "convolution of each channel by itself: conv with as many groups as channels",
    .source = "Howard et al. 2017, arXiv 1704.04861",
    .field = depthwise_fields,
    .nfield = COUNT(depthwise_fields),
    .attr_size = sizeof(ConvAttr),
    .build = depthwise_build,
};
