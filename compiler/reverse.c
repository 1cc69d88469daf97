/* reverse.c - graph_gradients: reverse accumulation from one node to any others, as nodes of the
 * same graph.
 *
 * Nodes are visited from the result down; the gradient of a node is complete when it is visited,
 * because all its readers have larger ids. What a gradient is comes from the operator's row, or
 * from its kernel by inverting the index maps (graph_gradient); several readers' contributions are
 * added. Only what lies on a path to a wanted node is visited: nothing else is computed. */
#include "graph.h"

typedef struct Reverse {
  Graph *g;
  bool *needed; /* by node: is it wanted, or does it depend on what is? */
  Id *gradient; /* by node; NO_ID: none */
} Reverse;

static void find_needed(Reverse *r, Id last) {
  for (Id id = 0; id <= last; id++) {
    const Node *node = &r->g->node.at[id];
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

void graph_gradients(Graph *g, Id result, Id dout, const Id *by, int n, Id *gradient) {
  Reverse r = {.g = g,
               .needed = NEW_ARRAY(g->u->arena, bool, g->node.n),
               .gradient = NEW_ARRAY(g->u->arena, Id, g->node.n)};
  for (Id id = 0; id < g->node.n; id++) r.gradient[id] = NO_ID;
  for (int i = 0; i < n; i++) r.needed[by[i]] = true;
  find_needed(&r, result);
  r.gradient[result] = dout;
  for (Id id = result; id >= 0; id--)
    if (r.needed[id] && r.gradient[id] != NO_ID) propagate(&r, id);
  for (int i = 0; i < n; i++) gradient[i] = r.gradient[by[i]];
}
