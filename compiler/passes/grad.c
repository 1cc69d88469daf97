/* grad.c - pass grad: the backward pass as ordinary nodes of the same graph (graph_gradients).
 *
 * Needs: ENTRY_TRAIN_FORWARD wants the loss, a scalar, as its first value. Guarantees:
 * ENTRY_BACKWARD wants the gradient of every parameter that is trained and that the loss depends
 * on, under the parameter's name; ENTRY_STEP updates these parameters by the optimiser's rule. What
 * is frozen has no gradient, and nothing is computed for it. */
#include "plan.h"

static void want_gradient(Graph *g, int param, Id gradient) {
  Entry *backward = &g->entry[ENTRY_BACKWARD];
  vec_push(g->u->arena, &backward->want, gradient);
  vec_push(g->u->arena, &backward->want_name, g->param.at[param].name);
  if (g->optimizer == NO_ID) return;
  const Node rule = g->node.at[g->optimizer];
  ops[rule.op]->update(g, rule.attr, param, gradient);
}

Graph *pass_grad(Graph *g) {
  if (g->entry[ENTRY_TRAIN_FORWARD].want.n == 0) BUG("%s: nothing to differentiate", g->name);
  Id *node = NEW_ARRAY(g->u->arena, Id, g->param.n),
     loss = g->entry[ENTRY_TRAIN_FORWARD].want.at[0];
  Id *gradient = NEW_ARRAY(g->u->arena, Id, g->param.n);
  const Type scalar = g->node.at[loss].type;
  int n = 0;
  for (int i = 0; i < g->param.n; i++)
    if (g->param.at[i].trainable) node[n++] = g->param.at[i].node;
  Id one = graph_const(g, &scalar, (const double[]){1.0}, g->node.at[loss].where);
  graph_gradients(g, loss, one, node, n, gradient);
  for (int i = 0, next = 0; i < g->param.n; i++) {
    if (!g->param.at[i].trainable) continue;
    Id found = gradient[next++];
    if (found != NO_ID) want_gradient(g, i, found);
  }
  return g;
}
