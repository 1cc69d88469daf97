/* rounding.h - how much rounding in f32 may change a value of a graph: the tolerance of tests. */
#ifndef ROUNDING_H
#define ROUNDING_H

#include <math.h>

#include "graph.h"

/* How many roundings an element of a node has gone through at most: the terms of its sums and of
 * those before it. */
static inline double roundings(const Graph *g, Id id, int64_t n, double *known) {
  const Node *node = &g->node.at[id];
  double before = 0, terms = 2;
  if (known[id] > 0 || node->nargs == 0 || g->phase.at[id] != PHASE_CALL) return known[id];
  Kernel k;
  node_kernel(g, id, &k);
  for (int l = 0; k.nfold && l < k.nloop; l++)
    if (k.loop[l].reduced) terms *= (double)extent_at(k.loop[l].extent, n);
  for (int i = 0; i < node->nargs; i++) before = fmax(before, roundings(g, node->arg[i], n, known));
  return known[id] = before + terms;
}

/* Rounding errors of a sum grow with the root of its length on average; 8 allows for the largest
 * of many elements. */
static inline double rounding_error(const Graph *g, Id id, int64_t n, double *known) {
  return ldexp(8 * sqrt(roundings(g, id, n, known)), -24);
}

#endif
