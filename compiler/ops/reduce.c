/* reduce.c - sums and means over axes. An "axis" counts from 0 behind the batch:
 * 0 is the channels. */
#include "axes.h"

typedef struct ReduceAttr {
  IntList axes;
  bool keep;
} ReduceAttr;

static const Field reduce_fields[] = {
    {.name = "axes",
     .kind = FIELD_INTS,
     .offset = offsetof(ReduceAttr, axes),
     .min = 0,
     .max = MAX_RANK - 2,
     .example = "[1, 2]",
     .doc = "axes that are summed; default: all but the batch"},
    {.name = "keep",
     .kind = FIELD_BOOL,
     .offset = offsetof(ReduceAttr, keep),
     .doc = "they stay, with extent 1"},
};

static bool reduced_axis(const ReduceAttr *attr, int axis) {
  if (axis == 0) return false;
  for (int i = 0; i < attr->axes.n; i++)
    if (attr->axes.at[i] + 1 == axis) return true;
  return attr->axes.n == 0;
}

static bool reduce_infer(Graph *g, Node *node) {
  const ReduceAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  if (!axes_exist(g->u, node->where, "axes", &attr->axes, in)) return false;
  node->type = (Type){.dtype = F32};
  for (int a = 0; a < in->rank; a++) {
    bool reduced = reduced_axis(attr, a);
    if (reduced && !attr->keep) continue;
    node->type.dim[node->type.rank++] = reduced ? fixed(1) : in->dim[a];
  }
  return true;
}

/* The sum over the reduced axes; returns how many elements each sum has. */
static double reduce_kernel(const Graph *g, const Node *node, Kernel *k) {
  static const char *const names[MAX_RANK] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"};
  const ReduceAttr *attr = node->attr;
  const Type *in = &g->node.at[node->arg[0]].type;
  double count = 1;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *x = kernel_in(k, node->arg[0], in);
  for (int a = 0, o = 0; a < in->rank; a++) {
    bool reduced = reduced_axis(attr, a);
    x->at[a] = coord_loop(reduced ? kernel_loop(k, names[a], in->dim[a], true) : o, 1, 0);
    if (reduced) count *= (double)in->dim[a].plus;
    if (!reduced || attr->keep) o++;
  }
  k->nfold = 1;
  k->fold[0].term = expr_in(g->u, 0);
  k->out[0].value = expr_acc(g->u, 0);
  return count;
}

static void sum_kernel(const Graph *g, const Node *node, Kernel *k) {
  reduce_kernel(g, node, k);
}

static void mean_kernel(const Graph *g, const Node *node, Kernel *k) {
  double count = reduce_kernel(g, node, k);
  k->out[0].value = expr2(g->u, E_div, expr_acc(g->u, 0), expr_const(g->u, count));
}

#define REDUCTION(Name, text)                                                                      \
  const Op op_##Name = {                                                                           \
      .name = #Name,                                                                               \
      .class = CLASS_FOLD,                                                                         \
      .in_json = true,                                                                             \
      .min_args = 1,                                                                               \
      .max_args = 1,                                                                               \
      .doc = text,                                                                                 \
      .source = "PyTorch " #Name,                                                                  \
      .field = reduce_fields,                                                                      \
      .nfield = COUNT(reduce_fields),                                                              \
      .attr_size = sizeof(ReduceAttr),                                                             \
      .infer = reduce_infer,                                                                       \
      .kernel = Name##_kernel,                                                                     \
  }

REDUCTION(mean, "mean over axes");
REDUCTION(sum, "sum over axes");
