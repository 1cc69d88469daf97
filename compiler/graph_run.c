/* graph_run.c - runs a graph in double, node by node; a value is dropped after its last reader. */
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "interp.h"

typedef struct GraphRun {
  const Graph *g;
  int64_t n;
  Array *array; /* by node */
  bool *owned;  /* by node: to be freed here */
  Id *last;     /* by node: the last reader, NO_ID: not needed, INT32_MAX: wanted */
} GraphRun;

static void find_last(GraphRun *run, const Id *want, int nwant) {
  const Graph *g = run->g;
  for (Id id = 0; id < g->node.n; id++) run->last[id] = NO_ID;
  for (int i = 0; i < nwant; i++) run->last[want[i]] = INT32_MAX;
  for (Id id = g->node.n - 1; id >= 0; id--) {
    const Node *node = &g->node.at[id];
    for (int a = 0; run->last[id] != NO_ID && a < node->nargs; a++)
      if (run->last[node->arg[a]] < id) run->last[node->arg[a]] = id;
  }
}

static void leaf_array(GraphRun *run, Id id, LeafValue leaf, void *context) {
  const Node *node = &run->g->node.at[id];
  union {
    const double *in;
    double *out;
  } value; /* leaves are only read */
  value.in = node->op == OP_constant ? ((const ConstantAttr *)node->attr)->value.at
                                     : leaf(context, run->g, id, run->n);
  if (!value.in) BUG("no value for leaf %s", node->where.layer);
  run->array[id] = array_new(NULL, &node->type, run->n);
  run->array[id].at = value.out;
}

static void node_array(GraphRun *run, Id id) {
  const Node *node = &run->g->node.at[id];
  double scalar[SCALARS];
  Kernel k;
  node_kernel(run->g, id, &k);
  run->array[id] = array_new(NULL, &node->type, run->n);
  run->array[id].at = heap_alloc((size_t)type_size(&node->type, run->n) * sizeof(double));
  run->owned[id] = true;
  graph_scalars(run->g, run->n, scalar);
  kernel_run(&k, run->array, scalar, NULL, run->n);
  for (int a = 0; a < node->nargs; a++) {
    Id arg = node->arg[a];
    if (run->last[arg] != id || !run->owned[arg]) continue;
    free(run->array[arg].at);
    run->owned[arg] = false;
  }
}

/* A wanted value outlives the run: it moves to the graph's arena. */
static Array kept_array(const GraphRun *run, Id id) {
  Array kept = array_new(run->g->u->arena, &run->array[id].type, run->n);
  size_t size = (size_t)type_size(&kept.type, run->n) * sizeof *kept.at;
  memcpy(kept.at, run->array[id].at, size);
  return kept;
}

Array *graph_run(const Graph *g, const Id *want, int nwant, int64_t n, LeafValue leaf,
                 void *context) {
  size_t nodes = (size_t)g->node.n;
  GraphRun run = {.g = g, .n = n};
  run.array = heap_alloc(nodes * sizeof *run.array);
  run.owned = heap_alloc(nodes * sizeof *run.owned);
  run.last = heap_alloc(nodes * sizeof *run.last);
  find_last(&run, want, nwant);
  for (Id id = 0; id < g->node.n; id++) {
    if (run.last[id] == NO_ID) continue;
    if (node_is_leaf(g, id))
      leaf_array(&run, id, leaf, context);
    else
      node_array(&run, id);
  }
  Array *result = NEW_ARRAY(g->u->arena, Array, nwant);
  for (int i = 0; i < nwant; i++) result[i] = kept_array(&run, want[i]);
  for (Id id = 0; id < g->node.n; id++)
    if (run.owned[id]) free(run.array[id].at);
  free(run.array);
  free(run.owned);
  free(run.last);
  return result;
}
