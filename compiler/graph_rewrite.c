/* graph_rewrite.c - a new graph from another one: what the entries need, node by node. */
#include <string.h>

#include "graph.h"

static void mark_entry(const Entry *entry, bool *live) {
  for (int i = 0; i < entry->want.n; i++) live[entry->want.at[i]] = true;
  for (int i = 0; i < entry->update.n; i++) live[entry->update.at[i].value] = true;
}

static bool *find_live(const Graph *g) {
  bool *live = NEW_ARRAY(g->u->arena, bool, g->node.n);
  for (int e = 0; e < ENTRIES; e++) mark_entry(&g->entry[e], live);
  if (g->optimizer != NO_ID) live[g->optimizer] = true;
  graph_need(g, live);
  return live;
}

/* Inputs, parameters and states keep their places in the tables, needed or not. */
static void copy_leaves(const Graph *from, Graph *to, Id *map) {
  for (int i = 0; i < from->input.n; i++)
    map[from->input.at[i].node] = graph_input(to, from->input.at[i]);
  for (int i = 0; i < from->param.n; i++)
    map[from->param.at[i].node] = graph_param(to, from->param.at[i]);
  for (int i = 0; i < from->state.n; i++) {
    const State *state = &from->state.at[i];
    map[state->node] = graph_state(to, state->name, &state->type);
  }
}

Id graph_copy_node(const Graph *from, Id id, Graph *to, const Id *map) {
  const Node *node = &from->node.at[id];
  Id *arg = NEW_ARRAY(to->u->arena, Id, node->nargs);
  for (int i = 0; i < node->nargs; i++) arg[i] = map[node->arg[i]];
  return graph_add(to, node->op, arg, node->nargs, node->attr, node->where);
}

static void replace_node(const Graph *from, Id id, Graph *to, Id *map, Rewrite rewrite,
                         void *context) {
  const Node *node = &from->node.at[id];
  map[id] = rewrite ? rewrite(context, from, id, to, map) : graph_copy_node(from, id, to, map);
  if (map[id] < 0 || map[id] >= to->node.n)
    BUG("rewriting %s (%s) gave no node", ops[node->op]->name, node->where.layer);
}

static void copy_layers(const Graph *from, Graph *to, const Id *map) {
  Arena *arena = to->u->arena;
  for (int i = 0; i < from->layer.n; i++) {
    Layer layer = from->layer.at[i], *made;
    vec_push(arena, &to->layer, layer);
    made = &to->layer.at[i];
    made->result = layer.result == NO_ID ? NO_ID : map[layer.result];
    memset(&made->arg, 0, sizeof made->arg);
    for (int a = 0; a < layer.arg.n; a++)
      vec_push(arena, &made->arg, layer.arg.at[a] == NO_ID ? NO_ID : map[layer.arg.at[a]]);
  }
}

static void copy_entry(Arena *arena, const Entry *from, Entry *to, const Id *map) {
  for (int i = 0; i < from->want.n; i++) {
    vec_push(arena, &to->want, map[from->want.at[i]]);
    vec_push(arena, &to->want_name, from->want_name.at[i]);
  }
  for (int i = 0; i < from->update.n; i++) {
    Update update = from->update.at[i];
    vec_push(arena, &to->update, ((Update){map[update.to], map[update.value]}));
  }
}

static bool is_table_leaf(OpKind op) {
  return op == OP_input || op == OP_param || op == OP_state;
}

Graph *graph_rewrite(const Graph *from, Rewrite rewrite, void *context) {
  Graph *to = graph_new(from->u);
  bool *live = find_live(from);
  Id *map = NEW_ARRAY(to->u->arena, Id, from->node.n);
  to->name = from->name;
  to->real = from->real;
  to->loss = from->loss;
  to->term = from->term;
  to->dropped = from->dropped;
  to->validation = from->validation;
  to->seed = from->seed;
  to->pass = from->pass;
  to->steps = from->steps;
  for (Id id = 0; id < from->node.n; id++) map[id] = NO_ID;
  copy_leaves(from, to, map);
  for (Id id = 0; id < from->node.n; id++)
    if (live[id] && !is_table_leaf(from->node.at[id].op))
      replace_node(from, id, to, map, rewrite, context);
  copy_layers(from, to, map);
  for (int e = 0; e < ENTRIES; e++) copy_entry(to->u->arena, &from->entry[e], &to->entry[e], map);
  if (from->optimizer != NO_ID) to->optimizer = map[from->optimizer];
  return to;
}

Graph *graph_in(const Graph *g, DType real) {
  Graph other = *g;
  other.real = real;
  return graph_rewrite(&other, NULL, NULL);
}
