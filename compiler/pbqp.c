/* pbqp.c - solves PBQP by reduction (Scholz & Eckstein 2002; Hames & Scholz 2006).
 *
 * A node without edges takes its cheapest alternative (R0). A node with one edge is folded into its
 * neighbour's costs (RI), one with two edges into an edge between its neighbours (RII): both keep
 * the optimum. When no such node is left, one of the largest degree is decided heuristically (RN),
 * and what that means for its neighbours is added to their costs. Decisions are then made in the
 * reverse order of reduction. */
#include "pbqp.h"

#include <string.h>

typedef struct Edge {
  int to;
  double *cost; /* [i * size of `to` + j]; the edge from there holds the transpose */
} Edge;

struct Pbqp {
  Arena *arena;
  int n;
  int *size, *degree;
  double **cost; /* per node */
  VEC(Edge) * edge;
  bool *done; /* reduced away */
};

Pbqp *pbqp_new(Arena *arena, int nodes) {
  Pbqp *q = NEW(arena, Pbqp);
  *q = (Pbqp){.arena = arena, .n = nodes};
  q->size = NEW_ARRAY(arena, int, nodes);
  q->degree = NEW_ARRAY(arena, int, nodes);
  q->cost = NEW_ARRAY(arena, double *, nodes);
  q->edge = arena_array(arena, sizeof *q->edge, (size_t)nodes);
  q->done = NEW_ARRAY(arena, bool, nodes);
  return q;
}

void pbqp_node(Pbqp *q, int node, int alternatives, const double *cost) {
  q->size[node] = alternatives;
  q->cost[node] = NEW_ARRAY(q->arena, double, alternatives);
  memcpy(q->cost[node], cost, sizeof *cost * (size_t)alternatives);
}

/* The costs of the edge from a to b; NULL: there is none. */
static double *edge_cost(const Pbqp *q, int a, int b) {
  for (int i = 0; i < q->edge[a].n; i++)
    if (q->edge[a].at[i].to == b) return q->edge[a].at[i].cost;
  return NULL;
}

static double *new_edge(Pbqp *q, int a, int b) {
  const Edge edge = {b, NEW_ARRAY(q->arena, double, q->size[a] * q->size[b])};
  vec_push(q->arena, &q->edge[a], edge);
  q->degree[a]++;
  return edge.cost;
}

void pbqp_edge(Pbqp *q, int a, int b, const double *cost) {
  int na = q->size[a], nb = q->size[b];
  if (a == b) {
    for (int i = 0; i < na; i++) q->cost[a][i] += cost[i * na + i];
    return;
  }
  double *there = edge_cost(q, a, b), *back = edge_cost(q, b, a);
  if (!there) there = new_edge(q, a, b);
  if (!back) back = new_edge(q, b, a);
  for (int i = 0; i < na; i++) {
    for (int j = 0; j < nb; j++) {
      there[i * nb + j] += cost[i * nb + j];
      back[j * na + i] += cost[i * nb + j];
    }
  }
}

/* The first `most` neighbours that are not reduced. */
static int neighbours(const Pbqp *q, int node, const Edge **found, int most) {
  int n = 0;
  for (int e = 0; e < q->edge[node].n && n < most; e++)
    if (!q->done[q->edge[node].at[e].to]) found[n++] = &q->edge[node].at[e];
  return n;
}

static void cut_off(Pbqp *q, int node) {
  q->done[node] = true;
  for (int e = 0; e < q->edge[node].n; e++) {
    const int b = q->edge[node].at[e].to;
    if (!q->done[b]) q->degree[b]--;
  }
}

static void fold_into_node(Pbqp *q, int node) {
  const Edge *edge;
  if (neighbours(q, node, &edge, 1) != 1) BUG("a node of degree 1 has no neighbour");
  const int b = edge->to, nb = q->size[b];
  for (int j = 0; j < nb; j++) {
    double least = PBQP_NEVER;
    for (int i = 0; i < q->size[node]; i++) {
      double cost = q->cost[node][i] + edge->cost[i * nb + j];
      if (cost < least) least = cost;
    }
    q->cost[b][j] += least;
  }
  cut_off(q, node);
}

static void fold_into_edge(Pbqp *q, int node) {
  const Edge *edge[2];
  if (neighbours(q, node, edge, 2) != 2) BUG("a node of degree 2 lacks neighbours");
  const int na = q->size[edge[0]->to], nb = q->size[edge[1]->to];
  double *cost = NEW_ARRAY(q->arena, double, na *nb);
  for (int a = 0; a < na; a++) {
    for (int b = 0; b < nb; b++) {
      double least = PBQP_NEVER;
      for (int i = 0; i < q->size[node]; i++) {
        double sum = q->cost[node][i] + edge[0]->cost[i * na + a] + edge[1]->cost[i * nb + b];
        if (sum < least) least = sum;
      }
      cost[a * nb + b] = least;
    }
  }
  cut_off(q, node);
  pbqp_edge(q, edge[0]->to, edge[1]->to, cost);
}

/* The alternative whose cost, with the best that each neighbour can answer, is least. */
static int best_alternative(const Pbqp *q, int node, const int *fixed) {
  int best = 0;
  double least = 0;
  for (int i = 0; i < q->size[node]; i++) {
    double sum = q->cost[node][i];
    for (int e = 0; e < q->edge[node].n; e++) {
      const int b = q->edge[node].at[e].to;
      const double *cost = q->edge[node].at[e].cost + i * q->size[b];
      if (q->done[b] && fixed[b] < 0) continue;
      double answer = PBQP_NEVER;
      for (int j = 0; j < q->size[b]; j++) {
        double both = cost[j] + (fixed[b] < 0 ? q->cost[b][j] : 0);
        if ((fixed[b] < 0 || fixed[b] == j) && both < answer) answer = both;
      }
      sum += answer;
    }
    if (i == 0 || sum < least) {
      least = sum;
      best = i;
    }
  }
  return best;
}

static void remove_edge(Pbqp *q, int from, int to) {
  for (int e = q->edge[from].n - 1; e >= 0; e--)
    if (q->edge[from].at[e].to == to) q->edge[from].at[e] = q->edge[from].at[--q->edge[from].n];
}

/* RN: decides a node now; its neighbours pay their edge to that alternative. */
static void decide(Pbqp *q, int node, int *choice) {
  int alternative = best_alternative(q, node, choice);
  cut_off(q, node);
  for (int e = 0; e < q->edge[node].n; e++) {
    const Edge *edge = &q->edge[node].at[e];
    const double *cost = edge->cost + alternative * q->size[edge->to];
    if (q->done[edge->to]) continue;
    for (int j = 0; j < q->size[edge->to]; j++) q->cost[edge->to][j] += cost[j];
    remove_edge(q, edge->to, node);
  }
  choice[node] = alternative;
}

/* The next node to reduce: of degree 0, 1, 2 if there is one, else of the largest. */
static int next_node(const Pbqp *q) {
  int largest = -1;
  for (int i = 0; i < q->n; i++) {
    if (q->done[i]) continue;
    if (q->degree[i] <= 2) return i;
    if (largest < 0 || q->degree[i] > q->degree[largest]) largest = i;
  }
  return largest;
}

void pbqp_solve(Pbqp *q, int *choice) {
  int *order = NEW_ARRAY(q->arena, int, q->n), n = 0;
  for (int i = 0; i < q->n; i++) choice[i] = -1;
  for (int node; (node = next_node(q)) >= 0;) {
    if (q->degree[node] > 2) {
      decide(q, node, choice);
      continue;
    }
    order[n++] = node;
    if (q->degree[node] == 0)
      q->done[node] = true;
    else if (q->degree[node] == 1)
      fold_into_node(q, node);
    else
      fold_into_edge(q, node);
  }
  /* A folded node's costs hold what was folded into it; its other neighbours are decided by now. */
  while (n-- > 0) choice[order[n]] = best_alternative(q, order[n], choice);
}
