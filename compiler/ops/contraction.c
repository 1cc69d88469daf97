/* contraction.c - weights, biases, groups and loops, for all layers with weights. */
#include "contraction.h"
#include "axes.h"

/* The given trailing axes repeated over the leading ones; NULL after an error. */
static double *fixed_weights(Build *b, const Matrix *given, const Type *type) {
  Arena *arena = build_graph(b)->u->arena;
  int64_t size = type_size(type, 1), part = 1;
  bool fits = given->rank <= type->rank && size <= MAX_ELEMENTS / 64;
  for (int i = 0; fits && i < given->rank; i++) {
    fits = given->dim[i] == type->dim[type->rank - given->rank + i].plus;
    part *= given->dim[i];
  }
  if (!fits) {
    build_error(b, "weights", "weights do not fit the shape %s or its last axes",
                type_text(arena, type));
    return NULL;
  }
  double *values = NEW_ARRAY(arena, double, size);
  for (int64_t i = 0; i < size; i++) values[i] = given->at[i % part];
  return values;
}

Id weights_of(Build *b, const Matrix *given, const char *suffix, const Type *type, int64_t fan_in,
              int64_t fan_out) {
  int64_t dim[MAX_RANK];
  for (int a = 0; a < type->rank; a++) dim[a] = type->dim[a].plus;
  if (!given->rank)
    return build_param(b, suffix, PARAM_WEIGHT, type->rank, dim, INIT_DEFAULT, 0, fan_in, fan_out);
  double *values = fixed_weights(b, given, type);
  return values ? graph_const(build_graph(b), type, values, build_where(b)) : NO_ID;
}

Id bias_added(Build *b, Id y, int32_t bias, bool fixed_weights, int64_t fan_in) {
  static const int axes[] = {1, 2, 3, 4};
  if (bias == BIAS_AUTO) bias = fixed_weights ? BIAS_NONE : BIAS_CHANNEL;
  if (y == NO_ID || bias == BIAS_NONE) return y;
  const Type type = *build_type(b, y);
  int rank = bias == BIAS_POSITION ? type.rank - 1 : 1;
  int64_t dim[MAX_RANK];
  for (int a = 0; a < rank; a++) dim[a] = type.dim[1 + a].plus;
  Id p = build_param(b, "bias", PARAM_BIAS, rank, dim, INIT_DEFAULT, 0, fan_in, dim[0]);
  if (p == NO_ID) return NO_ID;
  return build_add2(b, OP_add, NULL, y,
                    graph_broadcast(build_graph(b), p, &type, axes, build_where(b)));
}

bool groups_divide(Build *b, int64_t groups, int64_t channels, int64_t filters) {
  Unit *u = build_graph(b)->u;
  return parts_divide(u, build_where(b), "groups", groups, channels, "input channels") &&
         parts_divide(u, build_where(b), "groups", groups, filters, "filters");
}

Sliding sliding_loops(const Graph *g, const Node *node, const IntList *kernel, int64_t groups,
                      int64_t filters, int64_t channels, Kernel *k) {
  const Type *in = &g->node.at[node->arg[0]].type;
  Sliding s = {.group = -1};
  *k = (Kernel){.name = node->where.layer, .nfold = 1, .nout = 1};
  int n = kernel_loop(k, "n", in->dim[0], false);
  if (groups > 1) s.group = kernel_loop(k, "g", fixed(groups), false);
  s.filter = kernel_loop(k, "k", fixed(filters), false);
  for (int a = 0; a < kernel->n; a++)
    s.o[a] = kernel_loop(k, window_output_loop(a, kernel->n), node->type.dim[2 + a], false);
  s.channel = kernel_loop(k, "c", fixed(channels), true);
  for (int a = 0; a < kernel->n; a++)
    s.t[a] = kernel_loop(k, window_kernel_loop(a, kernel->n), fixed(kernel->at[a]), true);
  s.x = kernel_in(k, node->arg[0], in);
  s.w = kernel_in(k, node->arg[1], &g->node.at[node->arg[1]].type);
  View *to = &k->out[0].to;
  *to = (View){.tensor = -1, .rank = node->type.rank};
  to->at[0] = s.x->at[0] = coord_loop(n, 1, 0);
  to->at[1] = coord_loop(s.filter, 1, 0);
  s.x->at[1] = coord_loop(s.channel, 1, 0);
  if (s.group >= 0) {
    to->at[1].coef[s.group] = (int32_t)filters;
    s.x->at[1].coef[s.group] = (int32_t)channels;
  }
  for (int a = 0; a < kernel->n; a++) to->at[2 + a] = coord_loop(s.o[a], 1, 0);
  k->fold[0].term = expr2(g->u, E_mul, expr_in(g->u, 0), expr_in(g->u, 1));
  k->out[0].value = expr_acc(g->u, 0);
  return s;
}
