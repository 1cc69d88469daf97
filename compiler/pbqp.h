/* pbqp.h - partitioned Boolean quadratic programming: one alternative per node, so that the sum of
 * node costs and of edge costs is small. */
#ifndef PBQP_H
#define PBQP_H

#include "cnnc.h"

#define PBQP_NEVER 1e30 /* the cost of what must not be */

typedef struct Pbqp Pbqp;

Pbqp *pbqp_new(Arena *, int nodes);
void pbqp_node(Pbqp *, int node, int alternatives, const double *cost);
/* Adds cost[i * alternatives(b) + j] for alternative i of a together with j of b. */
void pbqp_edge(Pbqp *, int a, int b, const double *cost);
/* choice[node] = its alternative. Exact where the graph reduces to nothing by nodes of degree 0, 1
 * and 2; else a node of the largest degree takes what looks best locally. Destroys the problem. */
void pbqp_solve(Pbqp *, int *choice);

#endif
