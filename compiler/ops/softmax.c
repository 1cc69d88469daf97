/* softmax.c - softmax and its logarithm, as nodes: the maximum, x - max, exp, its sum, the rest.
 *
 * Subtracting the maximum changes no result, only keeps exp in range; so `shift`, the maximum, has
 * no gradient. */
#include "softmax.h"
#include "axes.h"

typedef struct AxisAttr {
  int64_t axis;
} AxisAttr;

static const Field axis_fields[] = {
    {.name = "axis",
     .kind = FIELD_INT,
     .offset = offsetof(AxisAttr, axis),
     .min = 0,
     .max = MAX_RANK - 2,
     .doc = "axis whose values sum to 1; 0: channels"},
};

/* Without an axis (axis 0 is the first behind the batch). */
static Type fold_type(const Type *type, int64_t axis) {
  Type folded = *type;
  folded.rank--;
  for (int a = (int)axis + 1; a < folded.rank; a++) folded.dim[a] = type->dim[a + 1];
  return folded;
}

/* x folded along an axis. */
static void fold_kernel(const Graph *g, Combine op, Id x, int64_t axis, const char *name,
                        Kernel *k) {
  const Type type = g->node.at[x].type, folded = fold_type(&type, axis);
  int at = (int)axis + 1;
  kernel_start(k, name, -1, &folded);
  int loop = kernel_loop(k, "j", type.dim[at], true);
  View *in = kernel_in(k, x, &type);
  for (int a = 0; a < type.rank; a++)
    in->at[a] = coord_loop(a == at ? loop : a > at ? a - 1 : a, 1, 0);
  k->nfold = 1;
  k->fold[0] = (Fold){.op = op, .term = expr_in(g->u, 0)};
  k->out[0].value = expr_acc(g->u, 0);
}

/* A folded tensor, repeated along the axis again. */
static Id repeat_along(Build *b, Id folded, const Type *type, int64_t axis) {
  int axes[MAX_RANK];
  for (int a = 0; a < type->rank - 1; a++) axes[a] = a > axis ? a + 1 : a;
  return graph_broadcast(build_graph(b), folded, type, axes, build_where(b));
}

static bool shift_infer(Graph *g, Node *node) {
  node->type = fold_type(&g->node.at[node->arg[0]].type, ((const AxisAttr *)node->attr)->axis);
  return true;
}

static void shift_kernel(const Graph *g, const Node *node, Kernel *k) {
  fold_kernel(g, FOLD_MAX, node->arg[0], ((const AxisAttr *)node->attr)->axis, node->where.layer,
              k);
}

static Id shift_grad(Graph *g, Id node, int which, Id dout) {
  (void)g, (void)node, (void)which, (void)dout;
  return NO_ID;
}

const Op op_shift = {
    .name = "shift",
    .class = CLASS_FOLD,
    .min_args = 1,
    .max_args = 1,
    .doc = "maximum along an axis, where subtracting it changes nothing: no gradient",
    .field = axis_fields,
    .nfield = COUNT(axis_fields),
    .attr_size = sizeof(AxisAttr),
    .infer = shift_infer,
    .kernel = shift_kernel,
    .grad = shift_grad,
};

/* ---- softmax ---- */

/* x - max, and the sum of its exponentials */
static bool shifted(Build *b, Id x, int64_t axis, Id *difference, Id *exponential, Id *sum) {
  const Type type = *build_type(b, x);
  if (!axis_exists(build_graph(b)->u, build_where(b), "axis", axis, &type)) return false;
  Id max = build_add1(b, OP_shift, &(AxisAttr){axis}, x);
  *difference = build_add2(b, OP_sub, NULL, x, repeat_along(b, max, &type, axis));
  *exponential = build_add1(b, OP_exp, NULL, *difference);
  if (*exponential == NO_ID) return false;
  Kernel k;
  fold_kernel(build_graph(b), FOLD_SUM, *exponential, axis, build_layer(b), &k);
  const Type folded = fold_type(&type, axis);
  *sum = build_kernel(b, &k, &folded);
  return true;
}

Id build_log_softmax(Build *b, Id x, int64_t axis) {
  Id difference, exponential, sum;
  if (!shifted(b, x, axis, &difference, &exponential, &sum)) return NO_ID;
  const Type type = *build_type(b, x);
  Id log = build_add1(b, OP_log, NULL, sum);
  return build_add2(b, OP_sub, NULL, difference, repeat_along(b, log, &type, axis));
}

static Id softmax_build(Build *b, const void *attr, const Id *arg, int nargs) {
  int64_t axis = ((const AxisAttr *)attr)->axis;
  Id difference, exponential, sum;
  (void)nargs;
  if (!shifted(b, arg[0], axis, &difference, &exponential, &sum)) return NO_ID;
  const Type type = *build_type(b, arg[0]);
  return build_add2(b, OP_div, NULL, exponential, repeat_along(b, sum, &type, axis));
}

static Id log_softmax_build(Build *b, const void *attr, const Id *arg, int nargs) {
  (void)nargs;
  return build_log_softmax(b, arg[0], ((const AxisAttr *)attr)->axis);
}

#define SOFTMAX(Name, text)                                                                        \
  const Op op_##Name = {                                                                           \
      .name = #Name,                                                                               \
      .class = CLASS_LAYER,                                                                        \
      .in_json = true,                                                                             \
      .min_args = 1,                                                                               \
      .max_args = 1,                                                                               \
      .doc = text,                                                                                 \
      .source = "Bridle 1990",                                                                     \
      .field = axis_fields,                                                                        \
      .nfield = COUNT(axis_fields),                                                                \
      .attr_size = sizeof(AxisAttr),                                                               \
      .build = Name##_build,                                                                       \
  }

SOFTMAX(softmax, "exp(x) / sum of exp(x) along an axis");
SOFTMAX(log_softmax, "x - log(sum of exp(x)) along an axis");
