/* batch_norm.c - normalisation over batches: one map over x and four numbers per channel.
 *
 * Inference takes the running statistics. Training takes those of the batch, from each sample's:
 * the mean of the means, and by the law of total variance the mean of the variances and of the
 * squared distances of the means; no difference of large numbers, and each sample is read while
 * caches hold it. There the map is an operator of its own (normalise): its gradient goes through
 * the statistics too, which takes two sums over the batch and one more map (Ioffe and Szegedy 2015,
 * section 3). */
#include "norm.h"

static const Field batch_norm_fields[] = {
    {.name = "eps",
     .kind = FIELD_REAL,
     .offset = offsetof(BatchNormAttr, eps),
     .otherwise = 1e-5,
     .min = 1e-30,
     .max = 1e30,
     .doc = "added to the variance"},
    {.name = "momentum",
     .kind = FIELD_REAL,
     .offset = offsetof(BatchNormAttr, momentum),
     .otherwise = 0.1,
     .max = 1,
     .doc = "part of a batch in the running statistics"},
    {.name = "affine",
     .kind = FIELD_BOOL,
     .offset = offsetof(BatchNormAttr, affine),
     .otherwise = 1,
     .doc = "trained factor and bias per channel"},
};

/* The arguments of the map, in this order. */
enum { ARG_X, ARG_MEAN, ARG_VARIANCE, ARG_WEIGHT, ARG_BIAS, ARGS };

/* sqrt(var + eps), where inputs begin with `first`: the arguments. */
static const Expr *root_of(Unit *u, const BatchNormAttr *attr, int first) {
  const Expr *variance = expr_in(u, first + ARG_VARIANCE);
  return expr1(u, E_sqrt, expr2(u, E_add, variance, expr_const(u, attr->eps)));
}

static const Expr *centred(Unit *u, int first) {
  return expr2(u, E_sub, expr_in(u, first + ARG_X), expr_in(u, first + ARG_MEAN));
}

/* 1 / sqrt(var + eps) */
static const Expr *scale_of(Unit *u, const BatchNormAttr *attr, int first) {
  const Expr *root = root_of(u, attr, first);
  return expr2(u, E_div, expr_const(u, 1), root);
}

/* (x - mean) * (gamma / sqrt(var + eps)) + beta: what each channel has once is one factor. */
static const Expr *batch_norm_expr(Unit *u, const void *attributes) {
  const BatchNormAttr *attr = attributes;
  const Expr *scale = scale_of(u, attr, 0);
  if (!attr->affine) return expr2(u, E_mul, centred(u, 0), scale);
  const Expr *y = expr2(u, E_mul, scale, expr_in(u, ARG_WEIGHT));
  return expr2(u, E_add, expr2(u, E_mul, centred(u, 0), y), expr_in(u, ARG_BIAS));
}

/* ---- training: the map ---- */

/* A kernel over all elements whose input 0 is dout and 1, 2 .. are the node's arguments. */
static void start_gradient(const Graph *g, Id id, Id dout, Kernel *k) {
  const Node *node = &g->node.at[id];
  kernel_start(k, node->where.layer, -1, &node->type);
  k->role = ROLE_DGRAD;
  kernel_in_whole(k, dout, &node->type);
  for (int i = 0; i < node->nargs; i++) kernel_in_whole(k, node->arg[i], &node->type);
}

/* dout times what x is before weight and bias: its sum is the gradient of the weight. */
static Id slope(Graph *g, Id id, Id dout) {
  Unit *u = g->u;
  const Node node = g->node.at[id];
  const Expr *y = expr2(u, E_mul, centred(u, 1), scale_of(u, node.attr, 1));
  Kernel k;
  start_gradient(g, id, dout, &k);
  k.out[0].value = expr2(u, E_mul, expr_in(u, 0), y);
  return graph_kernel(g, &k, &node.type, node.where);
}

/* Its sum over all axes but the channels, as the gradient of an argument that repeats them. */
static Id channel_sum(Graph *g, Id id, int argument, Id of) {
  const Id repeats = g->node.at[id].arg[argument];
  return graph_gradient(g, repeats, g->node.at[repeats].arg[0], of);
}

/* scale * gamma * (dout - mean of dout - y * mean of dout * y), y before weight and bias */
static Id gradient_of_x(Graph *g, Id id, Id dout) {
  Unit *u = g->u;
  const Node node = g->node.at[id];
  const BatchNormAttr *attr = node.attr;
  const Type channel = {.dtype = F32, .rank = 1, .dim = {node.type.dim[1]}};
  const Id sum = channel_sum(g, id, attr->affine ? ARG_BIAS : ARG_MEAN, dout);
  const Id product =
      channel_sum(g, id, attr->affine ? ARG_WEIGHT : ARG_VARIANCE, slope(g, id, dout));
  Kernel k;
  start_gradient(g, id, dout, &k);
  const int first = k.nin;
  kernel_in(&k, sum, &channel)->at[0] = coord_loop(1, 1, 0);
  kernel_in(&k, product, &channel)->at[0] = coord_loop(1, 1, 0);
  const double positions = (double)(type_size(&node.type, 1) / node.type.dim[1].plus);
  const Expr *count = expr2(u, E_mul, expr_scalar(u, SCALAR_N), expr_const(u, positions));
  const Expr *mean = expr2(u, E_div, expr_in(u, first), count);
  const Expr *mean_product = expr2(u, E_div, expr_in(u, first + 1), count);
  const Expr *scale = scale_of(u, attr, 1), *factor = scale;
  if (attr->affine) factor = expr2(u, E_mul, scale, expr_in(u, 1 + ARG_WEIGHT));
  const Expr *back = expr2(u, E_mul, centred(u, 1), expr2(u, E_mul, scale, mean_product));
  const Expr *rest = expr2(u, E_sub, expr2(u, E_sub, expr_in(u, 0), mean), back);
  k.out[0].value = expr2(u, E_mul, factor, rest);
  return graph_kernel(g, &k, &node.type, node.where);
}

/* What flows through mean and variance is part of the gradient of x. */
static Id normalise_grad(Graph *g, Id id, int which, Id dout) {
  switch (which) {
  case ARG_X: return gradient_of_x(g, id, dout);
  case ARG_WEIGHT: return slope(g, id, dout);
  case ARG_BIAS: return dout;
  default: return NO_ID;
  }
}

/* ---- training: the statistics ---- */

/* The mean over the batch of x[n,c]; given it, of (x - mean)^2, and of `more` if there is more. */
static Id batch_mean(Build *b, Id x, Id mean, Id more) {
  Unit *u = build_graph(b)->u;
  const Type type = *build_type(b, x);
  const Type result = {.dtype = F32, .rank = 1, .dim = {type.dim[1]}};
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &result);
  View in = {.tensor = x, .rank = 2, .at = {[1] = coord_loop(0, 1, 0)}};
  in.at[0] = coord_loop(kernel_loop(&k, "n", type.dim[0], true), 1, 0);
  *kernel_in(&k, x, &type) = in;
  const Expr *term = expr_in(u, 0);
  if (mean != NO_ID) {
    kernel_in(&k, mean, &result)->at[0] = coord_loop(0, 1, 0);
    term = expr2(u, E_sub, term, expr_in(u, 1));
    term = expr2(u, E_mul, term, term);
  }
  if (more != NO_ID) {
    in.tensor = more;
    *kernel_in(&k, more, &type) = in;
    term = expr2(u, E_add, term, expr_in(u, 2));
  }
  k.nfold = 1;
  k.fold[0] = (Fold){.op = FOLD_SUM, .term = term, .acc = F64};
  k.out[0].value = expr2(u, E_div, expr_acc(u, 0), expr_scalar(u, SCALAR_N));
  return build_kernel(b, &k, &result);
}

/* Mean and variance of each channel. */
static void batch_statistics(Build *b, Id x, Id statistic[2]) {
  Id variance = NO_ID;
  if (build_type(b, x)->rank > 2) {
    const Id mean = trailing_mean(b, x, NO_ID, 2);
    variance = trailing_mean(b, x, mean, 2);
    x = mean;
  }
  statistic[0] = batch_mean(b, x, NO_ID, NO_ID);
  statistic[1] = batch_mean(b, x, statistic[0], variance);
}

/* running + momentum * (factor * batch - running) with factor = count / (count - 1) for variances.
 */
static void update_running(Build *b, Id param, Id batch, double momentum, int64_t positions) {
  Unit *u = build_graph(b)->u;
  const Type type = *build_type(b, param);
  const Id running = build_updated(b, param);
  const Expr *now = expr_in(u, 0), *value = expr_in(u, 1);
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &type);
  kernel_in(&k, running, &type)->at[0] = coord_loop(0, 1, 0);
  kernel_in(&k, batch, &type)->at[0] = coord_loop(0, 1, 0);
  if (positions) {
    const Expr *count = expr2(u, E_mul, expr_scalar(u, SCALAR_N), expr_const(u, (double)positions));
    const Expr *less = expr2(u, E_max, expr2(u, E_sub, count, expr_const(u, 1)), expr_const(u, 1));
    value = expr2(u, E_mul, value, expr2(u, E_div, count, less));
  }
  value = expr2(u, E_mul, expr2(u, E_sub, value, now), expr_const(u, momentum));
  k.out[0].value = expr2(u, E_add, now, value);
  build_update(b, param, build_kernel(b, &k, &type));
}

/* ---- the layer ---- */

static Id batch_norm_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  static const int channel[] = {1};
  const BatchNormAttr *attr = attributes;
  Graph *g = build_graph(b);
  const Type type = *build_type(b, arg[0]);
  (void)nargs;
  if (type.rank < 2) return build_error(b, NULL, "batch_norm needs channels"), NO_ID;
  int64_t c = type.dim[1].plus, positions = type_size(&type, 1) / c;
  Id statistic[4], in[ARGS] = {arg[0]};
  int n = attr->affine ? 4 : 2;
  statistic[2] =
      attr->affine ? build_param(b, "weight", PARAM_SCALE, 1, &c, INIT_CONSTANT, 1, c, c) : NO_ID;
  statistic[3] =
      attr->affine ? build_param(b, "bias", PARAM_SCALE, 1, &c, INIT_CONSTANT, 0, c, c) : NO_ID;
  Id mean = build_param(b, "running_mean", PARAM_STATISTIC, 1, &c, INIT_CONSTANT, 0, c, c);
  Id var = build_param(b, "running_var", PARAM_STATISTIC, 1, &c, INIT_CONSTANT, 1, c, c);
  if (mean == NO_ID || var == NO_ID) return NO_ID;
  statistic[0] = mean;
  statistic[1] = var;
  if (build_training(b)) {
    batch_statistics(b, arg[0], statistic);
    update_running(b, mean, statistic[0], attr->momentum, 0);
    update_running(b, var, statistic[1], attr->momentum, positions);
  }
  for (int i = 0; i < n; i++)
    in[1 + i] = graph_broadcast(g, statistic[i], &type, channel, build_where(b));
  return build_add(b, build_training(b) ? OP_normalise : OP_batch_norm, attr, 1 + n, in);
}

const Op op_batch_norm = {
    .name = "batch_norm",
    .class = CLASS_MAP,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "(x - mean) / sqrt(var + eps) * weight + bias, per channel",
    .source = "Ioffe and Szegedy 2015, arXiv 1502.03167; PyTorch BatchNorm",
    .field = batch_norm_fields,
    .nfield = COUNT(batch_norm_fields),
    .attr_size = sizeof(BatchNormAttr),
    .build = batch_norm_build,
    .expr = batch_norm_expr,
};

const Op op_normalise = {
    .name = "normalise",
    .class = CLASS_MAP,
    .min_args = 1,
    .max_args = 1,
    .doc = "batch_norm by the statistics of x itself, through which gradients flow",
    .field = batch_norm_fields,
    .nfield = COUNT(batch_norm_fields),
    .attr_size = sizeof(BatchNormAttr),
    .expr = batch_norm_expr,
    .grad = normalise_grad,
};
