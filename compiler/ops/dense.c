/* dense.c - every output from every input: dense (y = W x + b), rbf (distances to centres).
 *
 * Both read [n,c,h,w] as it lies, against weights over the flattened input. */
#include "contraction.h"

typedef struct DenseAttr {
  int64_t units;
  int32_t bias;
  Matrix weights;
} DenseAttr;

#define UNITS_FIELD(text)                                                                          \
  {                                                                                                \
    .name = "units", .kind = FIELD_INT, .offset = offsetof(DenseAttr, units), .required = true,    \
    .min = 1, .max = 0x7fffffff, .example = "10", .doc = text                                      \
  }

static const Field dense_fields[] = {
    UNITS_FIELD("number of outputs"),
    BIAS_FIELD(DenseAttr),
    WEIGHTS_FIELD(DenseAttr),
};

static Id dense_weights(Build *b, const DenseAttr *attr, int64_t features) {
  Type type = {.dtype = F32, .rank = 2, .dim = {fixed(attr->units), fixed(features)}};
  return weights_of(b, &attr->weights, "weight", &type, features, attr->units);
}

static Id dense_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const DenseAttr *attr = attributes;
  DenseAttr node = {.units = attr->units};
  int64_t features = type_size(build_type(b, arg[0]), 1);
  (void)nargs;
  Id w = dense_weights(b, attr, features);
  if (w == NO_ID) return NO_ID;
  return bias_added(b, build_add2(b, OP_dense, &node, arg[0], w), attr->bias,
                    attr->weights.rank > 0, features);
}

static bool dense_infer(Graph *g, Node *node) {
  const DenseAttr *attr = node->attr;
  node->type = (Type){.dtype = F32, .rank = 2};
  node->type.dim[0] = g->node.at[node->arg[0]].type.dim[0];
  node->type.dim[1] = fixed(attr->units);
  return true;
}

/* n<n k<units | c h w: reads [n,c,h,w] as it lies, so that no flatten is needed. */
static void dense_kernel(const Graph *g, const Node *node, Kernel *k) {
  static const char *const names[] = {"c", "d", "h", "w"};
  const Type *in = &g->node.at[node->arg[0]].type, *wt = &g->node.at[node->arg[1]].type;
  kernel_start(k, node->where.layer, -1, &node->type);
  k->loop[1].name = "k";
  View *x = kernel_in(k, node->arg[0], in), *w = kernel_in(k, node->arg[1], wt);
  x->at[0] = coord_loop(0, 1, 0);
  w->at[0] = coord_loop(1, 1, 0);
  int64_t step = wt->dim[1].plus;
  for (int a = 1; a < in->rank; a++) {
    const char *name = a == 1 ? names[0] : names[4 - in->rank + a];
    int loop = kernel_loop(k, name, in->dim[a], true);
    step /= in->dim[a].plus;
    x->at[a] = coord_loop(loop, 1, 0);
    w->at[1].coef[loop] = (int32_t)step;
  }
  k->nfold = 1;
  k->macs = wt->dim[0].plus * wt->dim[1].plus;
  k->fold[0].term = expr2(g->u, E_mul, expr_in(g->u, 0), expr_in(g->u, 1));
  k->out[0].value = expr_acc(g->u, 0);
}

const Op op_dense = {
    .name = "dense",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .node_args = 2,
    .doc = "every output from every input: y = W x + b; reads any shape, flattened",
    .source = "PyTorch Linear",
    .field = dense_fields,
    .nfield = COUNT(dense_fields),
    .attr_size = sizeof(DenseAttr),
    .build = dense_build,
    .infer = dense_infer,
    .kernel = dense_kernel,
};

/* ---- rbf: squared distances to centres, read like dense ---- */

static Id rbf_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const DenseAttr *attr = attributes;
  (void)nargs;
  Id w = dense_weights(b, attr, type_size(build_type(b, arg[0]), 1));
  return w == NO_ID ? NO_ID : build_add2(b, OP_rbf, &(DenseAttr){.units = attr->units}, arg[0], w);
}

static void rbf_kernel(const Graph *g, const Node *node, Kernel *k) {
  const Expr *difference = expr2(g->u, E_sub, expr_in(g->u, 0), expr_in(g->u, 1));
  dense_kernel(g, node, k);
  k->fold[0].term = expr2(g->u, E_mul, difference, difference);
}

static const Field rbf_fields[] = {
    UNITS_FIELD("number of centres"),
    WEIGHTS_FIELD(DenseAttr),
};

const Op op_rbf = {
    .name = "rbf",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .node_args = 2,
    .doc = "squared distance to each centre: sum of (x_i - weight_ui)^2",
    .source = "LeCun et al. 1998, Proc. IEEE 86(11)",
    .field = rbf_fields,
    .nfield = COUNT(rbf_fields),
    .attr_size = sizeof(DenseAttr),
    .build = rbf_build,
    .infer = dense_infer,
    .kernel = rbf_kernel,
};
