/* grad.c - pass grad: the backward pass as ordinary nodes of the same graph.
 *
 * Needs: ENTRY_TRAIN_FORWARD wants the loss, a scalar, as its first value. Guarantees:
 * ENTRY_BACKWARD wants the gradient of every trainable parameter under the parameter's name,
 * ENTRY_STEP updates the parameters by the optimiser's rule.
 *
 * Reverse accumulation: nodes are visited from the loss to the leaves; the gradient of a node is
 * complete when it is visited, because all its readers have larger ids. What a gradient is comes
 * from the operator's row, or from its kernel by inverting the index maps (graph_gradient);
 * several readers' contributions are added. */
#include <string.h>

#include "plan.h"

typedef struct Reverse {
  Graph *g;
  bool *needed; /* by node: does a trainable parameter (or an input whose gradient is wanted) lie
                   below? */
  Id *gradient; /* by node, of the loss; NO_ID: none */
  int nodes;    /* nodes of the forward pass */
} Reverse;

static bool leaf_needed(const Graph *g, Id id) {
  for (int i = 0; i < g->param.n; i++)
    if (g->param.at[i].node == id) return g->param.at[i].trainable && !g->param.at[i].fixed;
  return false;
}

static void find_needed(Reverse *r) {
  for (Id id = 0; id < r->nodes; id++) {
    const Node *node = &r->g->node.at[id];
    r->needed[id] = node->nargs == 0 && leaf_needed(r->g, id);
    for (int a = 0; a < node->nargs; a++) r->needed[id] |= r->needed[node->arg[a]];
  }
}

static void propagate(Reverse *r, Id id) {
  Graph *g = r->g;
  for (int a = 0; a < g->node.at[id].nargs; a++) {
    const Node *node = &g->node.at[id];
    Id arg = node->arg[a];
    bool seen = false; /* an argument given twice is handled with its first position */
    for (int b = 0; b < a; b++) seen |= node->arg[b] == arg;
    if (seen || !r->needed[arg]) continue;
    Id (*grad)(Graph *, Id, int, Id) = ops[node->op]->grad;
    Id part = grad ? grad(g, id, a, r->gradient[id]) : graph_gradient(g, id, arg, r->gradient[id]);
    if (part == NO_ID) continue;
    r->gradient[arg] =
        r->gradient[arg] == NO_ID
            ? part
            : graph_add(g, OP_add, (Id[]){r->gradient[arg], part}, 2, NULL, g->node.at[arg].where);
  }
}

static void want_gradients(Reverse *r) {
  Graph *g = r->g;
  Entry *backward = &g->entry[ENTRY_BACKWARD];
  const Node *rule = g->optimizer == NO_ID ? NULL : &g->node.at[g->optimizer];
  for (int i = 0; i < g->param.n; i++) {
    const Param *param = &g->param.at[i];
    if (!r->needed[param->node] || r->gradient[param->node] == NO_ID) continue;
    Id gradient = r->gradient[param->node];
    vec_push(g->u->arena, &backward->want, gradient);
    vec_push(g->u->arena, &backward->want_name, param->name);
    if (rule) {
      ops[rule->op]->update(g, rule->attr, i, gradient);
      rule = &g->node.at[g->optimizer];
    }
  }
}

Graph *pass_grad(Graph *g) {
  if (g->entry[ENTRY_TRAIN_FORWARD].want.n == 0) BUG("%s: nothing to differentiate", g->name);
  Reverse r = {.g = g, .nodes = g->node.n};
  r.needed = NEW_ARRAY(g->u->arena, bool, r.nodes);
  r.gradient = NEW_ARRAY(g->u->arena, Id, r.nodes);
  for (int i = 0; i < r.nodes; i++) r.gradient[i] = NO_ID;
  find_needed(&r);
  Id loss = g->entry[ENTRY_TRAIN_FORWARD].want.at[0];
  const Type scalar = g->node.at[loss].type;
  r.gradient[loss] = graph_const(g, &scalar, (const double[]){1.0}, g->node.at[loss].where);
  for (Id id = loss; id >= 0; id--)
    if (r.needed[id] && r.gradient[id] != NO_ID) propagate(&r, id);
  want_gradients(&r);
  return g;
}
