/* graph_verify.c - the invariants of a Graph that hold between passes. */
#include "dictionary.h"
#include "graph.h"
#include "text.h"

typedef struct Own {
  const Graph *g;
  Id id;
} Own;

static const Type *argument_type(const void *context, int tensor) {
  const Own *own = context;
  const Node *node = &own->g->node.at[own->id];
  bool found = tensor == own->id;
  for (int i = 0; i < node->nargs; i++) found |= node->arg[i] == tensor;
  return found ? &own->g->node.at[tensor].type : NULL;
}

const char *node_fault(const Graph *g, Id id) {
  Kernel k;
  Own own = {g, id};
  node_kernel(g, id, &k);
  return kernel_fault(g->u, &k, argument_type, &own);
}

static void verify_node(const Graph *g, Id id) {
  const Node *node = &g->node.at[id];
  for (int i = 0; i < node->nargs; i++)
    if (node->arg[i] < 0 || node->arg[i] >= id)
      BUG("%%%d (%s) has argument %%%d", (int)id, ops[node->op]->name, (int)node->arg[i]);
  OpClass class = ops[node->op]->class;
  if (class == CLASS_LEAF || class == CLASS_OPTIMIZER) return;
  const char *fault = node_fault(g, id);
  if (fault) BUG("%%%d (%s %s): %s", (int)id, ops[node->op]->name, node->where.layer, fault);
}

static void verify_entry(const Graph *g, const Entry *entry) {
  for (int i = 0; i < entry->want.n; i++)
    if (entry->want.at[i] < 0 || entry->want.at[i] >= g->node.n) BUG("a missing node is wanted");
  if (entry->want_name.n != entry->want.n) BUG("wanted values and their names differ in number");
  for (int i = 0; i < entry->update.n; i++) {
    Update update = entry->update.at[i];
    if (update.to < 0 || update.to >= g->node.n || update.value < 0 || update.value >= g->node.n ||
        !type_same(&g->node.at[update.to].type, &g->node.at[update.value].type))
      BUG("an update changes the type of %%%d", (int)update.to);
    for (int k = 0; k < i; k++)
      if (entry->update.at[k].to == update.to) BUG("%%%d is updated twice", (int)update.to);
  }
}

void graph_verify(const Graph *g) {
  for (Id id = 0; id < g->node.n; id++) verify_node(g, id);
  for (int e = 0; e < ENTRIES; e++) verify_entry(g, &g->entry[e]);
  Dictionary names = {0};
  for (int i = 0; i < g->param.n; i++) {
    const char *name = g->param.at[i].name;
    if (g->node.at[g->param.at[i].node].op != OP_param) BUG("%s is no leaf", name);
    if (dictionary_find(&names, name) >= 0) BUG("there are two parameters %s", name);
    dictionary_set(g->u->arena, &names, name, i);
  }
}
