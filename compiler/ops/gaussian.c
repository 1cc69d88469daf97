/* gaussian.c - gaussian_pool: an average over windows, weighted by the distance from the middle.
 *
 * y[n, c, o] = sum over i of x[n, c, stride*o + dilation*i - lo] * g[i]; g is a constant tensor, so
 * that targets may treat the pool as a depthwise convolution. */
#include <math.h>

#include "window.h"

typedef struct GaussianAttr {
  Window window;
  double sigma;
} GaussianAttr;

static const Field gaussian_fields[] = {
    WINDOW_FIELDS(GaussianAttr, 0, "distance between windows; default: the kernel's extents"),
    {.name = "sigma",
     .kind = FIELD_REAL,
     .offset = offsetof(GaussianAttr, sigma),
     .otherwise = 1,
     .min = 1e-3,
     .max = 1e9,
     .doc = "width of the bell, in elements of the window"},
};

/* [c, i...]: exp(-distance^2 / (2 sigma^2)) divided by their sum, the same for every channel. */
static Id gaussian_weights(Build *b, const Window *w, Extent channels, double sigma) {
  Type type = {.dtype = F32, .rank = (int8_t)(1 + w->kernel.n), .dim = {channels}};
  for (int a = 0; a < w->kernel.n; a++) type.dim[1 + a] = fixed(w->kernel.at[a]);
  int64_t size = type_size(&type, 1), window = size / channels.plus;
  if (size > MAX_ELEMENTS / 64) {
    build_error(b, "kernel", "%lld weights are too many", (long long)size);
    return NO_ID;
  }
  double *values = NEW_ARRAY(build_graph(b)->u->arena, double, size), sum = 0;
  for (int64_t i = 0; i < window; i++) {
    double square = 0;
    int64_t rest = i;
    for (int a = w->kernel.n - 1; a >= 0; a--) {
      double distance = (double)(rest % w->kernel.at[a]) - (double)(w->kernel.at[a] - 1) / 2;
      square += distance * distance;
      rest /= w->kernel.at[a];
    }
    sum += values[i] = exp(-square / (2 * sigma * sigma));
  }
  for (int64_t i = 0; i < window; i++) values[i] /= sum;
  for (int64_t i = window; i < size; i++) values[i] = values[i % window];
  return graph_const(build_graph(b), &type, values, build_where(b));
}

static Id gaussian_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const GaussianAttr *attr = attributes;
  const Type in = *build_type(b, arg[0]);
  GaussianAttr node = *attr;
  (void)nargs;
  if (!window_rank(b, &in) || !window_resolve(b, &attr->window, &in, 0, &node.window) ||
      !window_padding_fits(b, &node.window))
    return NO_ID;
  Node probe = {.arg = (Id *)arg, .nargs = 1, .where = build_where(b)};
  int64_t out[MAX_SPATIAL];
  if (!window_extents(build_graph(b), &probe, &node.window, false, out)) return NO_ID;
  Id weights = gaussian_weights(b, &node.window, in.dim[1], attr->sigma);
  return weights == NO_ID ? NO_ID : build_add2(b, OP_gaussian_pool, &node, arg[0], weights);
}

static bool gaussian_infer(Graph *g, Node *node) {
  return window_infer(g, node, &((const GaussianAttr *)node->attr)->window, false);
}

static void gaussian_kernel(const Graph *g, const Node *node, Kernel *k) {
  const Window *w = &((const GaussianAttr *)node->attr)->window;
  window_kernel(g, node, w, k);
  View *weight = kernel_in(k, node->arg[1], &g->node.at[node->arg[1]].type);
  weight->at[0] = coord_loop(1, 1, 0);
  for (int a = 0; a < w->kernel.n; a++) weight->at[1 + a] = coord_loop(node->type.rank + a, 1, 0);
  if (k->in[0].outside == SKIP) k->in[0].outside = FILL;
  k->nfold = 1;
  k->fold[0].term = expr2(g->u, E_mul, expr_in(g->u, 0), expr_in(g->u, 1));
  k->out[0].value = expr_acc(g->u, 0);
}

const Op op_gaussian_pool = {
    .name = "gaussian_pool",
    .class = CLASS_FOLD,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .node_args = 2,
    .doc = "average over windows, weighted by exp(-r^2 / (2 sigma^2)) at the distance r from the "
           "middle; padding counts as zeros",
    .source = "LeCun et al. 2010, ISCAS: Convolutional networks and applications in vision",
    .field = gaussian_fields,
    .nfield = COUNT(gaussian_fields),
    .attr_size = sizeof(GaussianAttr),
    .build = gaussian_build,
    .infer = gaussian_infer,
    .kernel = gaussian_kernel,
};
