/* leaf.c - leaves of the graph, and the two operators that other code makes rather than users: any
 * kernel as a node, and repeating a tensor along new axes. */
#include "graph.h"

static const Field index_fields[] = {
    {.name = "index", .kind = FIELD_INT, .offset = offsetof(LeafAttr, index)},
};

static bool input_infer(Graph *g, Node *node) {
  node->type = g->input.at[((const LeafAttr *)node->attr)->index].type;
  return true;
}

static bool param_infer(Graph *g, Node *node) {
  node->type = g->param.at[((const LeafAttr *)node->attr)->index].type;
  return true;
}

static bool state_infer(Graph *g, Node *node) {
  node->type = g->state.at[((const LeafAttr *)node->attr)->index].type;
  return true;
}

const Op op_input = {
    .name = "input",
    .class = CLASS_LEAF,
    .doc = "what the caller passes",
    .field = index_fields,
    .nfield = COUNT(index_fields),
    .attr_size = sizeof(LeafAttr),
    .infer = input_infer,
};

const Op op_param = {
    .name = "param",
    .class = CLASS_LEAF,
    .doc = "a parameter of the network",
    .field = index_fields,
    .nfield = COUNT(index_fields),
    .attr_size = sizeof(LeafAttr),
    .infer = param_infer,
};

const Op op_state = {
    .name = "state",
    .class = CLASS_LEAF,
    .doc = "what training keeps from step to step besides parameters",
    .field = index_fields,
    .nfield = COUNT(index_fields),
    .attr_size = sizeof(LeafAttr),
    .infer = state_infer,
};

/* ---- constants ---- */

static const char *const dtype_names[] = {"f32", "f64", "i32", "u8", NULL};

static const Field constant_fields[] = {
    {.name = "value", .kind = FIELD_TENSOR, .offset = offsetof(ConstantAttr, value)},
    {.name = "dtype",
     .kind = FIELD_ENUM,
     .offset = offsetof(ConstantAttr, dtype),
     .names = dtype_names},
};

static bool constant_infer(Graph *g, Node *node) {
  const ConstantAttr *attr = node->attr;
  (void)g;
  node->type = (Type){.dtype = (DType)attr->dtype, .rank = (int8_t)attr->value.rank};
  for (int a = 0; a < attr->value.rank; a++) node->type.dim[a] = fixed(attr->value.dim[a]);
  return true;
}

const Op op_constant = {
    .name = "constant",
    .class = CLASS_LEAF,
    .doc = "values that the compiler knows",
    .field = constant_fields,
    .nfield = COUNT(constant_fields),
    .attr_size = sizeof(ConstantAttr),
    .infer = constant_infer,
};

/* ---- any kernel: its attributes are compared, printed and parsed as a kernel ---- */

static bool kernel_infer(Graph *g, Node *node) {
  (void)g;
  node->type = ((const KernelAttr *)node->attr)->type;
  return true;
}

static void kernel_kernel(const Graph *g, const Node *node, Kernel *k) {
  (void)g;
  *k = ((const KernelAttr *)node->attr)->kernel;
  k->name = node->where.layer;
  for (int i = 0; i < k->nin; i++) k->in[i].tensor = node->arg[k->in[i].tensor];
}

const Op op_kernel = {
    .name = "kernel",
    .class = CLASS_FOLD,
    .max_args = -1,
    .doc = "any computation, written as its kernel",
    .attr_size = sizeof(KernelAttr),
    .infer = kernel_infer,
    .kernel = kernel_kernel,
};

/* ---- broadcast ---- */

static const Field broadcast_fields[] = {
    {.name = "axis", .kind = FIELD_INTS, .offset = offsetof(BroadcastAttr, axis)},
    {.name = "per_n", .kind = FIELD_INTS, .offset = offsetof(BroadcastAttr, per_n)},
    {.name = "plus", .kind = FIELD_INTS, .offset = offsetof(BroadcastAttr, plus)},
};

static bool broadcast_infer(Graph *g, Node *node) {
  const BroadcastAttr *attr = node->attr;
  const Type *from = &g->node.at[node->arg[0]].type;
  if (attr->axis.n != from->rank || attr->per_n.n != attr->plus.n) return false;
  node->type = (Type){.dtype = from->dtype, .rank = (int8_t)attr->plus.n};
  for (int a = 0; a < attr->plus.n; a++)
    node->type.dim[a] = (Extent){attr->per_n.at[a], attr->plus.at[a]};
  for (int a = 0; a < from->rank; a++) {
    int64_t axis = attr->axis.at[a];
    if (axis < 0 || axis >= node->type.rank) return false;
    if (!extent_same(from->dim[a], node->type.dim[axis])) return false;
  }
  return true;
}

static void broadcast_kernel(const Graph *g, const Node *node, Kernel *k) {
  const BroadcastAttr *attr = node->attr;
  const Type *from = &g->node.at[node->arg[0]].type;
  kernel_start(k, node->where.layer, -1, &node->type);
  View *in = kernel_in(k, node->arg[0], from);
  for (int a = 0; a < from->rank; a++) in->at[a] = coord_loop((int)attr->axis.at[a], 1, 0);
  k->out[0].value = expr_in(g->u, 0);
}

const Op op_broadcast = {
    .name = "broadcast",
    .class = CLASS_VIEW,
    .min_args = 1,
    .max_args = 1,
    .doc = "repeats a tensor along new axes",
    .field = broadcast_fields,
    .nfield = COUNT(broadcast_fields),
    .attr_size = sizeof(BroadcastAttr),
    .infer = broadcast_infer,
    .kernel = broadcast_kernel,
};
