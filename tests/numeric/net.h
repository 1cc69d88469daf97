/* net.h - networks of one input in the interpreter, with weights that are multiples of 1/256: sums
 * of products are exact in whatever order they are taken. */
#ifndef NET_H
#define NET_H

#include "../unit/unit.h"

#include "graph.h"

enum { AXES = 3 };

typedef struct Net {
  Captured *captured;
  Graph *g;
  Id input, result;
  const double *x; /* of the one input leaf that is read */
} Net;

static inline double grid_number(unsigned *seed) {
  *seed = *seed * 1103515245u + 12345u;
  return ((double)(*seed >> 16 & 0x1ff) - 255.5) / 128; /* never 0 */
}

static inline void fill(double *at, int64_t n, unsigned seed) {
  for (int64_t i = 0; i < n; i++) at[i] = grid_number(&seed);
}

/* `text` with single quotes. */
static inline Net net_open(const char *text) {
  Net net = {.captured = captured_new(NULL, NULL)};
  char *copy = requoted(text), *json = arena_copy(net.captured->u->arena, copy, strlen(copy));
  free(copy);
  net.g = read_text(net.captured->u, "meaning.json", json, strlen(json), &(ReadOptions){0});
  if (!net.g) fail_msg("%s\n%s", json, messages(net.captured));
  net.input = net.g->input.at[0].node;
  net.result = net.g->entry[ENTRY_FORWARD].want.at[0];
  return net;
}

static inline void net_close(Net *net) {
  captured_free(net->captured);
}

static inline const double *leaf_value(void *context, const Graph *g, Id id, int64_t n) {
  const Net *net = context;
  const Node *node = &g->node.at[id];
  if (node->op == OP_input) return net->x;
  int64_t size = type_size(&node->type, n);
  double *at = NEW_ARRAY(g->u->arena, double, size);
  fill(at, size, 7 + (unsigned)id);
  return at;
}

static inline const double *net_run(Net *net, Id wanted, const double *x, int64_t n) {
  net->x = x;
  return graph_run(net->g, &wanted, 1, n, leaf_value, net)[0].at;
}

static inline int64_t sample_size(const Net *net, Id id) {
  return type_size(&net->g->node.at[id].type, 1);
}

#endif
