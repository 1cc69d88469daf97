/* optim.c - optimisers: what a training step does to a parameter, given its gradient. */
#include "graph.h"

typedef struct SgdAttr {
  double lr, momentum, weight_decay;
  bool nesterov, decay_bias_norm;
} SgdAttr;

static const Field sgd_fields[] = {
    {.name = "lr",
     .kind = FIELD_REAL,
     .offset = offsetof(SgdAttr, lr),
     .otherwise = 1e-3,
     .min = 0,
     .max = 1e30,
     .doc = "learning rate"},
    {.name = "momentum",
     .kind = FIELD_REAL,
     .offset = offsetof(SgdAttr, momentum),
     .min = 0,
     .max = 1,
     .doc = "part of the last step that is taken again"},
    {.name = "weight_decay",
     .kind = FIELD_REAL,
     .offset = offsetof(SgdAttr, weight_decay),
     .min = 0,
     .max = 1e30,
     .doc = "factor of the parameter that is added to its gradient"},
    {.name = "nesterov",
     .kind = FIELD_BOOL,
     .offset = offsetof(SgdAttr, nesterov),
     .doc = "looks ahead along the momentum"},
    {.name = "decay_bias_norm",
     .kind = FIELD_BOOL,
     .offset = offsetof(SgdAttr, decay_bias_norm),
     .otherwise = 1,
     .doc = "biases and normalisations decay too"},
};

static bool optimizer_infer(Graph *g, Node *node) {
  (void)g;
  node->type = (Type){.dtype = F32};
  return true;
}

/* A map over tensors of one type: `in` in the order of IN(i). */
static Id map_node(Graph *g, const Type *type, const Id *in, int n, const Expr *value,
                   const char *name) {
  Kernel k;
  kernel_start(&k, name, -1, type);
  for (int i = 0; i < n; i++) {
    View *view = kernel_in(&k, in[i], type);
    for (int a = 0; a < type->rank; a++) view->at[a] = coord_loop(a, 1, 0);
  }
  k.out[0].value = value;
  return graph_kernel(g, &k, type, (Where){.layer = name});
}

/* g = gradient + decay * p;  v = momentum * v + g;  p -= lr * v  (Nesterov: lr * (g + momentum *
 * v))
 */
static void sgd_update(Graph *g, const void *attributes, int param, Id gradient) {
  const SgdAttr *attr = attributes;
  const Param p = g->param.at[param];
  Unit *u = g->u;
  Entry *step = &g->entry[ENTRY_STEP];
  const Expr *direction = expr_in(u, 1), *momentum = expr_const(u, attr->momentum);
  if (p.decay && (attr->decay_bias_norm || p.role == PARAM_WEIGHT))
    direction = expr2(u, E_add, direction,
                      expr2(u, E_mul, expr_in(u, 0), expr_const(u, attr->weight_decay)));
  Id in[3] = {p.node, gradient, NO_ID};
  int n = 2;
  if (attr->momentum != 0) {
    in[n++] = graph_state(g, arena_printf(u->arena, "%s.momentum", p.name), &p.type);
    const Expr *v = expr2(u, E_add, expr2(u, E_mul, expr_in(u, 2), momentum), direction);
    Id velocity = map_node(g, &p.type, in, n, v, p.name);
    vec_push(u->arena, &step->update, ((Update){in[2], velocity}));
    direction = attr->nesterov ? expr2(u, E_add, direction, expr2(u, E_mul, v, momentum)) : v;
  }
  const Expr *lr = expr2(u, E_mul, expr_scalar(u, SCALAR_LR), expr_const(u, p.lr_scale));
  const Expr *next = expr2(u, E_sub, expr_in(u, 0), expr2(u, E_mul, direction, lr));
  vec_push(u->arena, &step->update, ((Update){p.node, map_node(g, &p.type, in, n, next, p.name)}));
}

const Op op_sgd = {
    .name = "sgd",
    .class = CLASS_OPTIMIZER,
    .in_json = true,
    .doc = "stochastic gradient descent with momentum",
    .source = "Sutskever et al. 2013; PyTorch SGD",
    .field = sgd_fields,
    .nfield = COUNT(sgd_fields),
    .attr_size = sizeof(SgdAttr),
    .infer = optimizer_infer,
    .update = sgd_update,
};
