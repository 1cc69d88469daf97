/* Selection by PBQP: exact on trees, cycles and series-parallel graphs, sane on dense ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "pbqp.h"

enum { NODES = 7, MOST = 3 };

typedef struct Problem {
  int nodes, size[NODES];
  double node[NODES][MOST], edge[NODES][NODES][MOST * MOST];
  bool has_edge[NODES][NODES];
} Problem;

static double random_cost(void) {
  return (double)(rand() % 1000);
}

static Problem random_problem(int nodes, double density) {
  Problem p = {.nodes = nodes};
  for (int a = 0; a < nodes; a++) {
    p.size[a] = 1 + rand() % MOST;
    for (int i = 0; i < MOST; i++) p.node[a][i] = random_cost();
  }
  for (int a = 0; a < nodes; a++) {
    for (int b = a + 1; b < nodes; b++) {
      p.has_edge[a][b] = b == a + 1 || rand() < density * RAND_MAX;
      for (int i = 0; i < MOST * MOST; i++) p.edge[a][b][i] = random_cost();
    }
  }
  return p;
}

static double value(const Problem *p, const int *choice) {
  double sum = 0;
  for (int a = 0; a < p->nodes; a++) {
    sum += p->node[a][choice[a]];
    for (int b = a + 1; b < p->nodes; b++)
      if (p->has_edge[a][b]) sum += p->edge[a][b][choice[a] * p->size[b] + choice[b]];
  }
  return sum;
}

static double least_value(const Problem *p, int *choice, int node) {
  double least = PBQP_NEVER;
  if (node == p->nodes) return value(p, choice);
  for (choice[node] = 0; choice[node] < p->size[node]; choice[node]++) {
    double sum = least_value(p, choice, node + 1);
    if (sum < least) least = sum;
  }
  return least;
}

static double solve(const Problem *p) {
  int choice[NODES];
  Arena *arena = arena_new();
  Pbqp *q = pbqp_new(arena, p->nodes);
  for (int a = 0; a < p->nodes; a++) pbqp_node(q, a, p->size[a], p->node[a]);
  for (int a = 0; a < p->nodes; a++)
    for (int b = a + 1; b < p->nodes; b++)
      if (p->has_edge[a][b]) pbqp_edge(q, a, b, p->edge[a][b]);
  pbqp_solve(q, choice);
  for (int a = 0; a < p->nodes; a++) assert_in_range(choice[a], 0, p->size[a] - 1);
  arena_free(arena);
  return value(p, choice);
}

static void chains_and_small_graphs_are_exact(void **state) {
  int choice[NODES];
  (void)state;
  for (int round = 0; round < 200; round++) {
    Problem p = random_problem(round % 2 ? NODES : 3, round % 2 ? 0 : 1);
    assert_true(solve(&p) == least_value(&p, choice, 0));
  }
}

static void dense_graphs_are_near(void **state) {
  int choice[NODES];
  double sum = 0, best = 0;
  (void)state;
  for (int round = 0; round < 200; round++) {
    Problem p = random_problem(NODES, 0.6);
    sum += solve(&p);
    best += least_value(&p, choice, 0);
  }
  assert_true(sum >= best && sum < 1.1 * best);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chains_and_small_graphs_are_exact),
      cmocka_unit_test(dense_graphs_are_near),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
