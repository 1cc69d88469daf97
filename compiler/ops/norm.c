/* norm.c - normalisation over parts of samples and neighbourhoods (local response); over batches it
 * is batch_norm.c. */
#include "norm.h"

/* ---- layer_norm, group_norm, instance_norm: statistics of each sample over its last axes ---- */

typedef struct SampleNormAttr {
  int64_t axis, groups;
  double eps;
  bool affine;
} SampleNormAttr;

#define EPS_FIELD                                                                                  \
  {                                                                                                \
    .name = "eps", .kind = FIELD_REAL, .offset = offsetof(SampleNormAttr, eps), .otherwise = 1e-5, \
    .min = 1e-30, .max = 1e30, .doc = "added to the variance"                                      \
  }
#define AFFINE_FIELD(value, text)                                                                  \
  {                                                                                                \
    .name = "affine", .kind = FIELD_BOOL, .offset = offsetof(SampleNormAttr, affine),              \
    .otherwise = value, .doc = text                                                                \
  }

static const Field layer_norm_fields[] = {
    {.name = "axis",
     .kind = FIELD_INT,
     .offset = offsetof(SampleNormAttr, axis),
     .min = 0,
     .max = MAX_RANK - 2,
     .doc = "first of the axes that are normalised together, up to the last; 0: channels"},
    EPS_FIELD,
    AFFINE_FIELD(1, "trained factor and bias per element of these axes"),
};
static const Field group_norm_fields[] = {
    {.name = "groups",
     .kind = FIELD_INT,
     .offset = offsetof(SampleNormAttr, groups),
     .required = true,
     .min = 1,
     .max = 0x7fffffff,
     .example = "4",
     .doc = "channels are cut into this many groups, each normalised by itself"},
    EPS_FIELD,
    AFFINE_FIELD(1, "trained factor and bias per channel"),
};
static const Field instance_norm_fields[] = {
    EPS_FIELD,
    AFFINE_FIELD(0, "trained factor and bias per channel"),
};

Id trailing_mean(Build *b, Id x, Id mean, int kept) {
  static const char *const names[MAX_RANK] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"};
  Unit *u = build_graph(b)->u;
  const Type type = *build_type(b, x);
  Type result = type;
  Kernel k;
  double count = 1;
  result.rank = (int8_t)kept;
  kernel_start(&k, build_layer(b), -1, &result);
  View *in = kernel_in(&k, x, &type);
  for (int a = 0; a < type.rank; a++) {
    in->at[a] = coord_loop(a < kept ? a : kernel_loop(&k, names[a], type.dim[a], true), 1, 0);
    if (a >= kept) count *= (double)type.dim[a].plus;
  }
  const Expr *term = expr_in(u, 0);
  if (mean != NO_ID) {
    View *view = kernel_in(&k, mean, &result);
    for (int a = 0; a < kept; a++) view->at[a] = coord_loop(a, 1, 0);
    term = expr2(u, E_sub, term, expr_in(u, 1));
    term = expr2(u, E_mul, term, term);
  }
  k.nfold = 1;
  k.fold[0] = (Fold){.op = FOLD_SUM, .term = term, .acc = F64};
  k.out[0].value = expr2(u, E_div, expr_acc(u, 0), expr_const(u, count));
  return build_kernel(b, &k, &result);
}

static Id normalise(Build *b, Id x, int kept, double eps) {
  static const int axes[MAX_RANK] = {0, 1, 2, 3, 4, 5, 6, 7};
  const Type type = *build_type(b, x);
  Graph *g = build_graph(b);
  Id mean = trailing_mean(b, x, NO_ID, kept), variance = trailing_mean(b, x, mean, kept);
  Id in[3] = {x, graph_broadcast(g, mean, &type, axes, build_where(b)),
              graph_broadcast(g, variance, &type, axes, build_where(b))};
  return build_add(b, OP_batch_norm, &(BatchNormAttr){.eps = eps}, 3, in);
}

/* y * weight + bias, whose axes are those of y from `from` to `to`. */
static Id scale_and_shift(Build *b, Id y, int from, int to) {
  const Type type = *build_type(b, y);
  Graph *g = build_graph(b);
  int64_t dim[MAX_RANK];
  int axes[MAX_RANK];
  for (int a = from; a < to; a++) {
    axes[a - from] = a;
    dim[a - from] = type.dim[a].plus;
  }
  Id weight =
      build_param(b, "weight", PARAM_SCALE, to - from, dim, INIT_CONSTANT, 1, dim[0], dim[0]);
  Id bias = build_param(b, "bias", PARAM_SCALE, to - from, dim, INIT_CONSTANT, 0, dim[0], dim[0]);
  if (weight == NO_ID || bias == NO_ID) return NO_ID;
  y = build_add2(b, OP_mul, NULL, y, graph_broadcast(g, weight, &type, axes, build_where(b)));
  return build_add2(b, OP_add, NULL, y, graph_broadcast(g, bias, &type, axes, build_where(b)));
}

static Id layer_norm_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const SampleNormAttr *attr = attributes;
  const Type type = *build_type(b, arg[0]);
  const int rank = type.rank, kept = (int)attr->axis + 1;
  (void)nargs;
  if (!axis_exists(build_graph(b)->u, build_where(b), "axis", attr->axis, &type)) return NO_ID;
  Id y = normalise(b, arg[0], kept, attr->eps);
  return attr->affine ? scale_and_shift(b, y, kept, rank) : y;
}

/* [n,c,...] -> [n,groups,c/groups,...] -> [n,c,...] */
static Id group_norm_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const SampleNormAttr *attr = attributes;
  const Type type = *build_type(b, arg[0]);
  ReshapeAttr apart, together;
  (void)nargs;
  if (!channels_in_groups(b, &type, attr->groups, &apart, &together)) return NO_ID;
  Id y = normalise(b, build_add1(b, OP_reshape, &apart, arg[0]), 2, attr->eps);
  y = build_add1(b, OP_reshape, &together, y);
  return attr->affine ? scale_and_shift(b, y, 1, 2) : y;
}

static Id instance_norm_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const SampleNormAttr *attr = attributes;
  (void)nargs;
  if (build_type(b, arg[0])->rank < 3) {
    build_error(b, NULL, "instance_norm needs channels with positions, [c,w] to [c,d,h,w]");
    return NO_ID;
  }
  Id y = normalise(b, arg[0], 2, attr->eps);
  return attr->affine ? scale_and_shift(b, y, 1, 2) : y;
}

#define SAMPLE_NORM(Name, text, where)                                                             \
  const Op op_##Name = {                                                                           \
      .name = #Name,                                                                               \
      .class = CLASS_LAYER,                                                                        \
      .in_json = true,                                                                             \
      .min_args = 1,                                                                               \
      .max_args = 1,                                                                               \
      .doc = text,                                                                                 \
      .source = where,                                                                             \
      .field = Name##_fields,                                                                      \
      .nfield = COUNT(Name##_fields),                                                              \
      .attr_size = sizeof(SampleNormAttr),                                                         \
      .build = Name##_build,                                                                       \
  }

SAMPLE_NORM(layer_norm, "(x - mean) / sqrt(var + eps) over the last axes of each sample",
            "Ba et al. 2016, arXiv 1607.06450; PyTorch LayerNorm");
SAMPLE_NORM(group_norm, "(x - mean) / sqrt(var + eps) over each group of channels of each sample",
            "Wu and He 2018, arXiv 1803.08494; PyTorch GroupNorm");
SAMPLE_NORM(instance_norm, "(x - mean) / sqrt(var + eps) over each channel of each sample",
            "Ulyanov et al. 2016, arXiv 1607.08022; PyTorch InstanceNorm");

/* ---- lrn: x / (k + alpha/size * sum of squares in a window)^beta ---- */

typedef struct LrnAttr {
  int64_t size;
  double alpha, beta, k;
  int32_t across;
} LrnAttr;

enum { ACROSS_CHANNELS, ACROSS_WITHIN };
static const char *const lrn_across[] = {"channels", "within", NULL};

static const Field lrn_fields[] = {
    {.name = "size",
     .kind = FIELD_INT,
     .offset = offsetof(LrnAttr, size),
     .required = true,
     .min = 1,
     .max = 1 << 20,
     .example = "5",
     .doc = "extent of the window"},
    {.name = "alpha",
     .kind = FIELD_REAL,
     .offset = offsetof(LrnAttr, alpha),
     .otherwise = 1e-4,
     .doc = "factor of the mean of squares"},
    {.name = "beta",
     .kind = FIELD_REAL,
     .offset = offsetof(LrnAttr, beta),
     .otherwise = 0.75,
     .doc = "exponent"},
    {.name = "k",
     .kind = FIELD_REAL,
     .offset = offsetof(LrnAttr, k),
     .otherwise = 1,
     .doc = "added to the mean of squares"},
    {.name = "across",
     .kind = FIELD_ENUM,
     .offset = offsetof(LrnAttr, across),
     .names = lrn_across,
     .doc = "window over neighbouring channels, or over neighbouring positions within a channel"},
};

static bool lrn_infer(Graph *g, Node *node) {
  const LrnAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  node->type = *in;
  if (in->rank >= (attr->across == ACROSS_WITHIN ? 3 : 2)) return true;
  diag_error(g->u, node->where.path, "lrn needs channels%s",
             attr->across == ACROSS_WITHIN ? " with positions" : "");
  return false;
}

static void lrn_kernel(const Graph *g, const Node *node, Kernel *k) {
  static const char *const names[] = {"j", "i", "l"};
  const LrnAttr *attr = node->attr;
  Unit *u = g->u;
  const Type *type = &node->type;
  bool within = attr->across == ACROSS_WITHIN;
  double count = 1;
  kernel_start(k, node->where.layer, -1, type);
  View *x = kernel_in(k, node->arg[0], type), *centre = kernel_in(k, node->arg[0], type);
  x->outside = SKIP;
  for (int a = 0; a < type->rank; a++) {
    x->at[a] = centre->at[a] = coord_loop(a, 1, 0);
    if (within ? a < 2 : a != 1) continue;
    int loop = kernel_loop(k, names[within ? a - 2 : 0], fixed(attr->size), true);
    x->at[a].coef[loop] = 1;
    x->at[a].plus = -(within ? (attr->size - 1) / 2 : attr->size / 2);
    count *= (double)attr->size;
  }
  k->nfold = 1;
  k->fold[0].term = expr2(u, E_mul, expr_in(u, 0), expr_in(u, 0));
  const Expr *sum = expr2(u, E_mul, expr_acc(u, 0), expr_const(u, attr->alpha / count));
  const Expr *base = expr2(u, E_add, sum, expr_const(u, attr->k));
  k->out[0].value =
      expr2(u, E_mul, expr_in(u, 1), expr2(u, E_pow, base, expr_const(u, -attr->beta)));
}

const Op op_lrn = {
    .name = "lrn",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "x / (k + alpha * mean of squares in the window)^beta",
    .source = "Krizhevsky et al. 2012; PyTorch LocalResponseNorm; Caffe LRN within channels",
    .field = lrn_fields,
    .nfield = COUNT(lrn_fields),
    .attr_size = sizeof(LrnAttr),
    .infer = lrn_infer,
    .kernel = lrn_kernel,
};
