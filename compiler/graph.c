/* graph.c - nodes: adding (infers the type, shares equal nodes), phases, kernels of nodes. */
#include <string.h>

#include "graph.h"

Graph *graph_new(Unit *u) {
  Graph *g = NEW(u->arena, Graph);
  g->u = u;
  g->optimizer = NO_ID;
  return g;
}

int64_t size_mul(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return 0;
  return a > MAX_ELEMENTS / b ? MAX_ELEMENTS + 1 : a * b;
}

/* ---- equality of attributes: the field table says what counts ---- */

static bool ints_same(const IntList *a, const IntList *b) {
  return a->n == b->n && memcmp(a->at, b->at, (size_t)a->n * sizeof *a->at) == 0;
}

static bool matrix_same(const Matrix *a, const Matrix *b) {
  int64_t size = 1;
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++) {
    if (a->dim[i] != b->dim[i]) return false;
    size *= a->dim[i];
  }
  if (a->at == b->at) return true;
  return a->at && b->at && memcmp(a->at, b->at, (size_t)size * sizeof *a->at) == 0;
}

static bool field_same(const Field *field, const void *a, const void *b) {
  const char *p = (const char *)a + field->offset, *q = (const char *)b + field->offset;
  switch (field->kind) {
  case FIELD_INT: return memcmp(p, q, sizeof(int64_t)) == 0;
  case FIELD_REAL: return memcmp(p, q, sizeof(double)) == 0;
  case FIELD_BOOL: return *(const bool *)p == *(const bool *)q;
  case FIELD_ENUM:
  case FIELD_BIAS: return memcmp(p, q, sizeof(int32_t)) == 0;
  case FIELD_INTS:
  case FIELD_SHAPE:
    return ints_same((const IntList *)(const void *)p, (const IntList *)(const void *)q);
  case FIELD_PAD: {
    const Pad *x = (const Pad *)(const void *)p, *y = (const Pad *)(const void *)q;
    return x->kind == y->kind && ints_same(&x->lo, &y->lo) && ints_same(&x->hi, &y->hi);
  }
  default: return matrix_same((const Matrix *)(const void *)p, (const Matrix *)(const void *)q);
  }
}

static bool attr_same(OpKind op, const void *a, const void *b) {
  if (a == b) return true;
  if (!a || !b) return false;
  if (op == OP_kernel) {
    const KernelAttr *x = a, *y = b;
    return type_same(&x->type, &y->type) && kernel_same(&x->kernel, &y->kernel);
  }
  for (int i = 0; i < ops[op]->nfield; i++)
    if (!field_same(&ops[op]->field[i], a, b)) return false;
  return true;
}

static bool node_same(const Node *a, const Node *b) {
  return a->op == b->op && a->nargs == b->nargs &&
         (a->nargs == 0 || memcmp(a->arg, b->arg, a->nargs * sizeof *a->arg) == 0) &&
         attr_same(a->op, a->attr, b->attr);
}

/* ---- adding ---- */

static void complain_types(Graph *g, const Node *node, const Type *a, const Type *b) {
  diag_error(g->u, node->where.path, "%s needs arguments of one shape, not %s and %s",
             ops[node->op]->name, type_text(g->u->arena, a), type_text(g->u->arena, b));
}

/* The result of a map has the type of its arguments. */
static bool map_infer(Graph *g, Node *node) {
  if (node->nargs == 0) BUG("%s has no arguments and no infer", ops[node->op]->name);
  const Type *first = &g->node.at[node->arg[0]].type;
  for (int i = 1; i < node->nargs; i++) {
    const Type *other = &g->node.at[node->arg[i]].type;
    if (type_same(first, other)) continue;
    complain_types(g, node, first, other);
    return false;
  }
  node->type = *first;
  return true;
}

static bool type_check(Graph *g, const char *what, const Type *type, const Path *where) {
  int64_t size = 1;
  for (int a = 0; a < type->rank; a++) {
    int64_t extent = extent_at(type->dim[a], 1);
    if (type->dim[a].per_n < 0 || extent < 1 || extent > MAX_ELEMENTS) {
      diag_error(g->u, where, "%s has extent %lld on axis %d, which must be from 1 to %lld", what,
                 (long long)extent, a, (long long)MAX_ELEMENTS);
      return false;
    }
    size = size_mul(size, extent);
  }
  if (size <= MAX_ELEMENTS) return true;
  diag_error(g->u, where, "%s has the shape %s, more than %lld elements", what,
             type_text(g->u->arena, type), (long long)MAX_ELEMENTS);
  return false;
}

/* Scalars are numbers of a call: how many samples it has, the learning rate. */
static bool reads_scalar(const Node *node) {
  if (node->op != OP_kernel) return false;
  return kernel_uses(&((const KernelAttr *)node->attr)->kernel, E_scalar, -1);
}

static Phase leaf_phase(OpKind op) {
  switch (op) {
  case OP_param: return PHASE_LOAD;
  case OP_input:
  case OP_state: return PHASE_CALL;
  default: return PHASE_CONST;
  }
}

static Phase find_phase(const Graph *g, const Node *node) {
  Phase phase = reads_scalar(node) ? PHASE_CALL : leaf_phase(node->op);
  for (int i = 0; i < node->nargs; i++)
    if (graph_phase(g, node->arg[i]) > phase) phase = graph_phase(g, node->arg[i]);
  return phase;
}

Phase graph_phase(const Graph *g, Id id) {
  return (Phase)g->phase.at[id];
}

void graph_need(const Graph *g, bool *needed) {
  for (Id id = g->node.n - 1; id >= 0; id--)
    for (int i = 0; i < g->node.at[id].nargs && needed[id]; i++)
      needed[g->node.at[id].arg[i]] = true;
}

const Type *graph_output_type(const Graph *g, int output) {
  return &g->node.at[g->entry[ENTRY_FORWARD].want.at[output]].type;
}

/* The newest id among the arguments: an equal node can only come later. */
static Id last_arg(const Node *node) {
  Id last = NO_ID;
  for (int i = 0; i < node->nargs; i++)
    if (node->arg[i] > last) last = node->arg[i];
  return last;
}

static void widen(const Graph *g, Type *type) {
  if (type->dtype == F32) type->dtype = g->real;
}

static Id add_node(Graph *g, Node node) {
  Arena *arena = g->u->arena;
  bool unique = node.op == OP_param || node.op == OP_input || node.op == OP_state;
  for (Id id = last_arg(&node) + 1; !unique && id < g->node.n; id++)
    if (node_same(&g->node.at[id], &node)) return id;
  if (!(ops[node.op]->infer ? ops[node.op]->infer : map_infer)(g, &node)) return NO_ID;
  if (!type_check(g, ops[node.op]->name, &node.type, node.where.path)) return NO_ID;
  widen(g, &node.type);
  Id *arg = NEW_ARRAY(arena, Id, node.nargs);
  if (node.nargs) memcpy(arg, node.arg, node.nargs * sizeof *arg);
  node.arg = arg;
  if (node.attr && ops[node.op]->attr_size) {
    void *attr = arena_alloc(arena, ops[node.op]->attr_size);
    node.attr = memcpy(attr, node.attr, ops[node.op]->attr_size);
  }
  vec_push(arena, &g->phase, (uint8_t)find_phase(g, &node));
  vec_push(arena, &g->node, node);
  return g->node.n - 1;
}

Id graph_add(Graph *g, OpKind op, const Id *arg, int nargs, const void *attr, Where where) {
  if (nargs > UINT16_MAX) BUG("%s with %d arguments", ops[op]->name, nargs);
  for (int i = 0; i < nargs; i++) {
    if (arg[i] == NO_ID) return NO_ID;
    if (arg[i] < 0 || arg[i] >= g->node.n) BUG("%s: argument %d", ops[op]->name, (int)arg[i]);
  }
  union {
    const Id *in;
    Id *out;
  } args = {arg}; /* add_node copies them before the node is kept */
  return add_node(
      g, (Node){.op = op, .nargs = (uint16_t)nargs, .arg = args.out, .attr = attr, .where = where});
}

/* ---- leaves ---- */

Id graph_param(Graph *g, Param param) {
  LeafAttr attr = {g->param.n};
  param.node = NO_ID;
  widen(g, &param.type);
  vec_push(g->u->arena, &g->param, param);
  Id id = graph_add(g, OP_param, NULL, 0, &attr, (Where){.layer = param.name});
  return g->param.at[attr.index].node = id;
}

Param *graph_param_of(Graph *g, Id id) {
  const Node *node = &g->node.at[id];
  if (node->op != OP_param) BUG("node %d is no parameter", (int)id);
  return &g->param.at[((const LeafAttr *)node->attr)->index];
}

int64_t param_count(const Param *p) {
  return p->role == PARAM_STATISTIC ? 0 : type_size(&p->type, 1) - p->idle;
}

Id graph_input(Graph *g, Input input) {
  LeafAttr attr = {g->input.n};
  input.node = NO_ID;
  widen(g, &input.type);
  vec_push(g->u->arena, &g->input, input);
  Id id = graph_add(g, OP_input, NULL, 0, &attr, (Where){.layer = input.name});
  return g->input.at[attr.index].node = id;
}

Id graph_state(Graph *g, const char *name, const Type *type) {
  LeafAttr attr = {g->state.n};
  State state = {.name = name, .type = *type, .node = NO_ID};
  widen(g, &state.type);
  vec_push(g->u->arena, &g->state, state);
  Id id = graph_add(g, OP_state, NULL, 0, &attr, (Where){.layer = name});
  return g->state.at[attr.index].node = id;
}

Id graph_const(Graph *g, const Type *type, const double *values, Where where) {
  int64_t size = type_size(type, 1);
  double *copy = NEW_ARRAY(g->u->arena, double, size);
  memcpy(copy, values, (size_t)size * sizeof *copy);
  ConstantAttr attr = {.value = {.rank = type->rank, .at = copy}, .dtype = (int32_t)type->dtype};
  for (int a = 0; a < type->rank; a++) {
    if (type->dim[a].per_n) BUG("a constant whose extent depends on n");
    attr.value.dim[a] = type->dim[a].plus;
  }
  return graph_add(g, OP_constant, NULL, 0, &attr, where);
}

/* ---- kernels ---- */

Id graph_kernel(Graph *g, const Kernel *k, const Type *type, Where where) {
  KernelAttr attr = {*k, *type};
  Id arg[MAX_IN];
  int nargs = 0;
  kernel_simplify(g->u, &attr.kernel);
  for (int i = 0; i < attr.kernel.nin; i++) {
    int a = 0;
    while (a < nargs && arg[a] != attr.kernel.in[i].tensor) a++;
    if (a == nargs) arg[nargs++] = attr.kernel.in[i].tensor;
    attr.kernel.in[i].tensor = a;
  }
  attr.kernel.name = NULL;
  attr.kernel.out[0].to.tensor = -1;
  return graph_add(g, OP_kernel, arg, nargs, &attr, where);
}

Id graph_broadcast(Graph *g, Id id, const Type *like, const int *axis, Where where) {
  if (id == NO_ID) return NO_ID;
  const Type *from = &g->node.at[id].type;
  BroadcastAttr attr = {.axis.n = from->rank, .per_n.n = like->rank, .plus.n = like->rank};
  bool identity = from->rank == like->rank;
  for (int a = 0; a < from->rank; a++) {
    if (!extent_same(from->dim[a], like->dim[axis[a]])) BUG("broadcast of axis %d", a);
    attr.axis.at[a] = axis[a];
    identity &= axis[a] == a;
  }
  if (identity) return id;
  for (int a = 0; a < like->rank; a++) {
    attr.per_n.at[a] = like->dim[a].per_n;
    attr.plus.at[a] = like->dim[a].plus;
  }
  return graph_add(g, OP_broadcast, &id, 1, &attr, where);
}

static void map_kernel(const Graph *g, const Node *node, Kernel *k) {
  kernel_start(k, node->where.layer, -1, &node->type);
  for (int i = 0; i < node->nargs; i++) kernel_in_whole(k, node->arg[i], &node->type);
  k->out[0].value = ops[node->op]->expr(g->u, node->attr);
}

void node_kernel(const Graph *g, Id id, Kernel *k) {
  const Node *node = &g->node.at[id];
  const Op *op = ops[node->op];
  if (op->kernel)
    op->kernel(g, node, k);
  else if (op->expr)
    map_kernel(g, node, k);
  else
    BUG("%s has no kernel", op->name);
  k->out[0].to.tensor = id;
}
