/* counts.h - what each layer computes and costs, for one sample, counted on the layers' kernels.
 *
 * operations: multiplications, divisions, additions and subtractions; a sum of t products is t
 * multiplications and t - 1 additions. Receptive field: how much of the network's input one element
 * depends on, per spatial axis; what lies in the padding counts. Saved: what a backward pass reads
 * of a layer's results. */
#ifndef COUNTS_H
#define COUNTS_H

#include "graph.h"

enum { COUNTED_AXES = 3 };

/* Of a node, per spatial axis of the network's input: the extent that an element sees, by how much
 * that moves from one element to the next, and along which of the node's axes; -1: along none. */
typedef struct Reach {
  double field[COUNTED_AXES], jump[COUNTED_AXES];
  int axis[COUNTED_AXES];
} Reach;

typedef struct LayerCounts {
  const Layer *layer;
  int64_t parameters, macs, operations, saved; /* saved: bytes */
  Reach reach;
} LayerCounts;

typedef struct Counts {
  Unit *u;
  const Graph *g;
  bool *needed, *saved; /* by node */
  Reach *reach;
  VEC(LayerCounts) row;
  LayerCounts total;
} Counts;

Counts count_layers(Unit *, const Graph *, bool training);
int spatial_axes(const Type *);

#endif
