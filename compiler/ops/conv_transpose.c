/* conv_transpose.c - transposed convolution: the data gradient of a convolution, as a layer.
 *
 * y[n, k, o] = bias + sum over c, t of x[n, c, (o + lo - dilation*t) / stride] * w[c, k, t], over
 * the t for which the stride divides. */
#include "contraction.h"

typedef struct TransposedAttr {
  int64_t filters;
  Window window;
  IntList output_padding;
  int64_t groups;
  int32_t bias;
  Matrix weights;
} TransposedAttr;

static const Field conv_transpose_fields[] = {
    FILTERS_FIELD(TransposedAttr),
    {.name = "kernel",
     .kind = FIELD_INTS,
     .offset = offsetof(TransposedAttr, window.kernel),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .example = "3",
     .doc = "extents of the kernel"},
    {.name = "stride",
     .kind = FIELD_INTS,
     .offset = offsetof(TransposedAttr, window.stride),
     .otherwise = 1,
     .min = 1,
     .max = 0x7fffffff,
     .example = "2",
     .doc = "distance in the result between the kernels of neighbouring inputs"},
    {.name = "dilation",
     .kind = FIELD_INTS,
     .offset = offsetof(TransposedAttr, window.dilation),
     .otherwise = 1,
     .min = 1,
     .max = 0x7fffffff,
     .doc = "distance between the kernel's elements"},
    {.name = "pad",
     .kind = FIELD_PAD,
     .offset = offsetof(TransposedAttr, window.pad),
     .max = 0x7fffffff,
     .doc = "what is cut off each side of the result: a number, one per axis, {\"lo\": ..., "
            "\"hi\": ...}, \"valid\" (none), \"same\" (result = input * stride), \"full\" (where "
            "kernels do not lie whole)"},
    {.name = "output_padding",
     .kind = FIELD_INTS,
     .offset = offsetof(TransposedAttr, output_padding),
     .min = 0,
     .max = 0x7fffffff,
     .doc = "positions added behind the last"},
    GROUPS_FIELD(TransposedAttr),
    BIAS_FIELD(TransposedAttr),
    WEIGHTS_FIELD(TransposedAttr),
};

/* Cuts so that the result has input * stride positions. */
static void same_cuts(Window *w) {
  for (int a = 0; a < w->kernel.n; a++) {
    int64_t cut = (w->kernel.at[a] - 1) * w->dilation.at[a] + 1 - w->stride.at[a];
    w->pad.lo.at[a] = cut > 0 ? cut / 2 : 0;
    w->pad.hi.at[a] = cut - w->pad.lo.at[a];
  }
}

static Id conv_transpose_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const TransposedAttr *attr = attributes;
  const Type in = *build_type(b, arg[0]);
  int rank = window_rank(b, &in);
  TransposedAttr node = {.filters = attr->filters, .groups = attr->groups};
  Window *w = &node.window;
  (void)nargs;
  if (!rank || !groups_divide(b, attr->groups, in.dim[1].plus, attr->filters) ||
      !window_resolve(b, &attr->window, &in, 1, w) ||
      !axes_resolve(b, "output_padding", &attr->output_padding, rank, 0, &node.output_padding))
    return NO_ID;
  if (attr->window.pad.kind == PAD_SAME) same_cuts(w);
  int64_t filters = attr->filters / attr->groups, taps = 1;
  Type type = {.dtype = F32, .rank = (int8_t)(2 + rank), .dim = {in.dim[1], fixed(filters)}};
  for (int a = 0; a < rank; a++) {
    type.dim[2 + a] = fixed(w->kernel.at[a]);
    taps = size_mul(taps, w->kernel.at[a]);
  }
  int64_t fan_in = size_mul(filters, taps), fan_out = size_mul(in.dim[1].plus, taps);
  Id weights = weights_of(b, &attr->weights, "weight", &type, fan_in, fan_out);
  if (weights == NO_ID) return NO_ID;
  return bias_added(b, build_add2(b, OP_conv_transpose, &node, arg[0], weights), attr->bias,
                    attr->weights.rank > 0, fan_in);
}

static bool conv_transpose_infer(Graph *g, Node *node) {
  const TransposedAttr *attr = node->attr;
  const Window *w = &attr->window;
  const Type *in = &g->node.at[node->arg[0]].type;
  node->type = (Type){.dtype = F32, .rank = in->rank, .dim = {in->dim[0], fixed(attr->filters)}};
  for (int a = 0; a < w->kernel.n; a++) {
    int64_t extent = size_mul(in->dim[2 + a].plus - 1, w->stride.at[a]) + 1;
    extent += size_mul(w->kernel.at[a] - 1, w->dilation.at[a]) + attr->output_padding.at[a];
    extent -= w->pad.lo.at[a] + w->pad.hi.at[a];
    node->type.dim[2 + a] = fixed(extent);
    if (extent > 0) continue;
    diag_error(g->u, path_key(g->u->arena, node->where.path, "pad"),
               "pad cuts off everything: %lld positions are left", (long long)extent);
    return false;
  }
  return true;
}

static void conv_transpose_kernel(const Graph *g, const Node *node, Kernel *k) {
  const TransposedAttr *attr = node->attr;
  const Window *w = &attr->window;
  const Type *in = &g->node.at[node->arg[0]].type, *wt = &g->node.at[node->arg[1]].type;
  int64_t filters = wt->dim[1].plus, channels = wt->dim[0].plus / attr->groups;
  Sliding s = sliding_loops(g, node, &w->kernel, attr->groups, filters, channels, k);
  s.w->at[0] = s.x->at[1];
  s.w->at[1] = coord_loop(s.filter, 1, 0);
  s.x->outside = FILL;
  k->macs = wt->dim[0].plus * filters;
  for (int a = 0; a < w->kernel.n; a++) {
    Coord *x = &s.x->at[2 + a];
    *x = coord_loop(s.o[a], 1, w->pad.lo.at[a]);
    x->coef[s.t[a]] = (int32_t)-w->dilation.at[a];
    x->div = (int32_t)w->stride.at[a];
    x->exact = w->stride.at[a] > 1;
    s.w->at[2 + a] = coord_loop(s.t[a], 1, 0);
    k->macs *= in->dim[2 + a].plus * w->kernel.at[a];
  }
}

const Op op_conv_transpose = {
    .name = "conv_transpose",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .node_args = 2,
    .doc = "transposed convolution, every input adds its multiple of the kernel to the result: "
           "x[c,i] * weight[c,k,t] to y[k, stride*i + dilation*t - pad]",
    .source = "PyTorch ConvTranspose1d, ConvTranspose2d, ConvTranspose3d",
    .field = conv_transpose_fields,
    .nfield = COUNT(conv_transpose_fields),
    .attr_size = sizeof(TransposedAttr),
    .build = conv_transpose_build,
    .infer = conv_transpose_infer,
    .kernel = conv_transpose_kernel,
};
