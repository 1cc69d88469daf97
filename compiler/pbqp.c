/* pbqp.c - solves PBQP by reduction (Scholz & Eckstein 2002; Hames & Scholz 2006).
 *
 * A node without edges takes its cheapest alternative (R0). A node with one edge is folded into its
 * neighbour's costs (RI), one with two edges into an edge between its neighbours (RII): both keep
 * the optimum. When no such node is left, one of the largest degree is decided heuristically (RN),
 * and what that means for its neighbours is added to their costs. Decisions are then made in the
 * reverse order of reduction. */
#include "pbqp.h"

#include <string.h>

struct Pbqp {
  Arena *arena;
  int n;
  int *size, *degree;
  double **cost;  /* per node */
  double ***edge; /* edge[a][b][i * size[b] + j]; NULL: none. edge[b][a] is its transpose */
  bool *done;     /* reduced away */
};

Pbqp *pbqp_new(Arena *arena, int nodes) {
  Pbqp *q = NEW(arena, Pbqp);
  *q = (Pbqp){.arena = arena, .n = nodes};
  q->size = NEW_ARRAY(arena, int, nodes);
  q->degree = NEW_ARRAY(arena, int, nodes);
  q->cost = NEW_ARRAY(arena, double *, nodes);
  q->edge = NEW_ARRAY(arena, double **, nodes);
  q->done = NEW_ARRAY(arena, bool, nodes);
  for (int i = 0; i < nodes; i++) q->edge[i] = NEW_ARRAY(arena, double *, nodes);
  return q;
}

void pbqp_node(Pbqp *q, int node, int alternatives, const double *cost) {
  q->size[node] = alternatives;
  q->cost[node] = NEW_ARRAY(q->arena, double, alternatives);
  memcpy(q->cost[node], cost, sizeof *cost * (size_t)alternatives);
}

void pbqp_edge(Pbqp *q, int a, int b, const double *cost) {
  int na = q->size[a], nb = q->size[b];
  if (a == b) {
    for (int i = 0; i < na; i++) q->cost[a][i] += cost[i * na + i];
    return;
  }
  if (!q->edge[a][b]) {
    q->edge[a][b] = NEW_ARRAY(q->arena, double, na *nb);
    q->edge[b][a] = NEW_ARRAY(q->arena, double, na *nb);
    q->degree[a]++;
    q->degree[b]++;
  }
  for (int i = 0; i < na; i++) {
    for (int j = 0; j < nb; j++) {
      q->edge[a][b][i * nb + j] += cost[i * nb + j];
      q->edge[b][a][j * na + i] += cost[i * nb + j];
    }
  }
}

/* The cost of alternative i of a, plus its edge's to alternative j of b. */
static double joint(const Pbqp *q, int a, int i, int b, int j) {
  return q->edge[a][b][i * q->size[b] + j];
}

static int neighbours(const Pbqp *q, int node, int *found, int most) {
  int n = 0;
  for (int b = 0; b < q->n && n < most; b++)
    if (q->edge[node][b] && !q->done[b]) found[n++] = b;
  return n;
}

static void cut_off(Pbqp *q, int node) {
  q->done[node] = true;
  for (int b = 0; b < q->n; b++)
    if (q->edge[node][b] && !q->done[b]) q->degree[b]--;
}

static void fold_into_node(Pbqp *q, int node) {
  int b;
  if (neighbours(q, node, &b, 1) != 1) BUG("a node of degree 1 has no neighbour");
  for (int j = 0; j < q->size[b]; j++) {
    double least = PBQP_NEVER;
    for (int i = 0; i < q->size[node]; i++) {
      double cost = q->cost[node][i] + joint(q, node, i, b, j);
      if (cost < least) least = cost;
    }
    q->cost[b][j] += least;
  }
  cut_off(q, node);
}

static void fold_into_edge(Pbqp *q, int node) {
  int at[2];
  if (neighbours(q, node, at, 2) != 2) BUG("a node of degree 2 lacks neighbours");
  int na = q->size[at[0]], nb = q->size[at[1]];
  double *cost = NEW_ARRAY(q->arena, double, na *nb);
  for (int a = 0; a < na; a++) {
    for (int b = 0; b < nb; b++) {
      double least = PBQP_NEVER;
      for (int i = 0; i < q->size[node]; i++) {
        double sum = q->cost[node][i] + joint(q, node, i, at[0], a) + joint(q, node, i, at[1], b);
        if (sum < least) least = sum;
      }
      cost[a * nb + b] = least;
    }
  }
  cut_off(q, node);
  pbqp_edge(q, at[0], at[1], cost);
}

/* The alternative whose cost, with the best that each neighbour can answer, is least. */
static int best_alternative(const Pbqp *q, int node, const int *fixed) {
  int best = 0;
  double least = 0;
  for (int i = 0; i < q->size[node]; i++) {
    double sum = q->cost[node][i];
    for (int b = 0; b < q->n; b++) {
      if (!q->edge[node][b] || (q->done[b] && fixed[b] < 0)) continue;
      double answer = PBQP_NEVER;
      for (int j = 0; j < q->size[b]; j++) {
        double cost = joint(q, node, i, b, j) + (fixed[b] < 0 ? q->cost[b][j] : 0);
        if ((fixed[b] < 0 || fixed[b] == j) && cost < answer) answer = cost;
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

/* RN: decides a node now; its neighbours pay their edge to that alternative. */
static void decide(Pbqp *q, int node, int *choice) {
  int alternative = best_alternative(q, node, choice);
  for (int b = 0; b < q->n; b++) {
    if (!q->edge[node][b] || q->done[b]) continue;
    for (int j = 0; j < q->size[b]; j++) q->cost[b][j] += joint(q, node, alternative, b, j);
  }
  cut_off(q, node);
  for (int b = 0; b < q->n; b++) q->edge[b][node] = NULL; /* paid */
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
