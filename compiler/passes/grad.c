/* grad.c - pass grad: the backward pass as ordinary nodes of the same graph (graph_gradients).
 *
 * Needs: ENTRY_TRAIN_FORWARD wants the loss, a scalar, as its first value. Guarantees:
 * ENTRY_BACKWARD wants the gradient of every parameter that is trained and that the loss depends
 * on, under the parameter's name, then of every input that asks for it, under the input's name;
 * ENTRY_STEP updates these parameters by the optimiser's rule. What is frozen has no gradient, and
 * nothing is computed for it. */
#include "passes.h"

/* ---- what a step takes for the gradients: their mean, shortened ---- */

/* The sum of the squares of all elements. */
static Id sum_of_squares(Graph *g, Id tensor) {
  static const char *const names[MAX_RANK] = {"i", "j", "k", "l", "m", "n", "o", "p"};
  const Type type = g->node.at[tensor].type, scalar = {.dtype = F32};
  const Where where = g->node.at[tensor].where;
  const Expr *x = expr_in(g->u, 0);
  Kernel k;
  kernel_start(&k, where.layer, -1, &scalar);
  for (int a = 0; a < type.rank; a++) kernel_loop(&k, names[a], type.dim[a], true);
  kernel_in_whole(&k, tensor, &type);
  k.nfold = 1;
  k.fold[0] = (Fold){.op = FOLD_SUM, .term = expr2(g->u, E_mul, x, x), .acc = F64};
  k.out[0].value = expr_acc(g->u, 0);
  return graph_kernel(g, &k, &scalar, where);
}

/* What all gradients are multiplied by: min(1, clip / (norm of their mean + 1e-6)) / accumulate. */
static Id shortening(Graph *g, const Rule *rule, const Id *gradient, int n) {
  Unit *u = g->u;
  const Type scalar = {.dtype = F32};
  const Where where = g->node.at[g->optimizer].where;
  const Expr *passes = expr_const(u, (double)rule->accumulate);
  Id sum = sum_of_squares(g, gradient[0]);
  for (int i = 1; i < n; i++)
    sum = graph_add(g, OP_add, (Id[]){sum, sum_of_squares(g, gradient[i])}, 2, NULL, where);
  Kernel k;
  kernel_start(&k, where.layer, -1, &scalar);
  kernel_in(&k, sum, &scalar);
  const Expr *norm = expr2(u, E_div, expr1(u, E_sqrt, expr_in(u, 0)), passes);
  const Expr *ratio =
      expr2(u, E_div, expr_const(u, rule->clip_norm), expr2(u, E_add, norm, expr_const(u, 1e-6)));
  k.out[0].value = expr2(u, E_div, expr2(u, E_min, ratio, expr_const(u, 1)), passes);
  return graph_kernel(g, &k, &scalar, where);
}

/* gradient * factor; factor NO_ID: the mean of the passes alone. */
static Id scaled(Graph *g, const Rule *rule, Id gradient, Id factor) {
  if (factor == NO_ID && rule->accumulate == 1) return gradient;
  const Type type = g->node.at[gradient].type, scalar = {.dtype = F32};
  const Where where = g->node.at[gradient].where;
  const Expr *by = expr_const(g->u, 1 / (double)rule->accumulate);
  Kernel k;
  kernel_start(&k, where.layer, -1, &type);
  kernel_in_whole(&k, gradient, &type);
  if (factor != NO_ID) {
    kernel_in(&k, factor, &scalar);
    by = expr_in(g->u, 1);
  }
  k.out[0].value = expr2(g->u, E_mul, expr_in(g->u, 0), by);
  return graph_kernel(g, &k, &type, where);
}

/* ---- the pass ---- */

/* ENTRY_STEP, from the gradients of n parameters. */
static void add_updates(Graph *g, const int *param, const Id *gradient, int n) {
  const Rule *rule = graph_rule(g);
  if (!rule || n == 0) return;
  const OpKind op = g->node.at[g->optimizer].op;
  Id factor = rule->clip_norm > 0 ? shortening(g, rule, gradient, n) : NO_ID;
  for (int i = 0; i < n; i++)
    ops[op]->update(g, rule, param[i], scaled(g, rule, gradient[i], factor));
}

/* What the loss is differentiated by. */
typedef struct By {
  Id node;
  const char *name;
  int param; /* -1: an input */
} By;
typedef VEC(By) Bys;

static Bys find_bys(const Graph *g) {
  Bys bys = {0};
  for (int i = 0; i < g->param.n; i++) {
    const By by = {g->param.at[i].node, g->param.at[i].name, i};
    if (g->param.at[i].trainable) vec_push(g->u->arena, &bys, by);
  }
  for (int i = 0; i < g->input.n; i++) {
    const By by = {g->input.at[i].node, g->input.at[i].name, -1};
    if (g->input.at[i].gradient && by.node != NO_ID) vec_push(g->u->arena, &bys, by);
  }
  return bys;
}

Graph *pass_grad(Graph *g) {
  if (g->entry[ENTRY_TRAIN_FORWARD].want.n == 0) BUG("%s: nothing to differentiate", g->name);
  Arena *arena = g->u->arena;
  const Bys bys = find_bys(g);
  Id *node = NEW_ARRAY(arena, Id, bys.n + 1), *gradient = NEW_ARRAY(arena, Id, bys.n + 1);
  int *param = NEW_ARRAY(arena, int, bys.n + 1), found = 0;
  Id loss = g->entry[ENTRY_TRAIN_FORWARD].want.at[0];
  Entry *backward = &g->entry[ENTRY_BACKWARD];
  const Type scalar = g->node.at[loss].type;
  for (int i = 0; i < bys.n; i++) node[i] = bys.at[i].node;
  Id one = graph_const(g, &scalar, (const double[]){1.0}, g->node.at[loss].where);
  graph_gradients(g, loss, one, node, bys.n, gradient);
  for (int i = 0; i < bys.n; i++) {
    if (gradient[i] == NO_ID) continue;
    vec_push(arena, &backward->want, gradient[i]);
    vec_push(arena, &backward->want_name, bys.at[i].name);
    if (bys.at[i].param < 0) continue;
    param[found] = bys.at[i].param;
    gradient[found++] = gradient[i];
  }
  add_updates(g, param, gradient, found);
  return g;
}
