/* graph_rule.c - the optimiser's rule, and the run-time scalars that follow from it where the
 * compiler runs a graph or a plan itself. */
#include <math.h>
#include <string.h>

#include "graph.h"

/* The library's own formulas. */
#include "../runtime/c/schedule.c"

const Rule *graph_rule(const Graph *g) {
  bool none = !g || g->optimizer == NO_ID || g->node.n == 0; /* plans from text: no nodes */
  return none ? NULL : g->node.at[g->optimizer].attr;
}

double graph_rule_real(const Graph *g, const char *field) {
  const Rule *rule = graph_rule(g);
  const Op *op = rule ? ops[g->node.at[g->optimizer].op] : NULL;
  double value = 0;
  for (int i = 0; op && i < op->nfield; i++)
    if (op->field[i].kind == FIELD_REAL && strcmp(op->field[i].name, field) == 0)
      memcpy(&value, (const char *)rule + op->field[i].offset, sizeof value);
  return value;
}

void graph_scalars(const Graph *g, int64_t n, double scalar[SCALARS]) {
  const Rule *rule = graph_rule(g);
  for (int i = 0; i < SCALARS; i++) scalar[i] = 0;
  scalar[SCALAR_N] = (double)n;
  scalar[SCALAR_SEED] = g ? (double)g->seed : 0;
  scalar[SCALAR_PASS] = g ? (double)g->pass : 0;
  if (!rule) return;
  const NAME_rule r = {.schedule = rule->schedule,
                       .warm_up = (double)rule->warm_up,
                       .period = (double)rule->period,
                       .gamma = rule->gamma,
                       .floor = rule->floor};
  double step = (double)g->steps + 1;
  scalar[SCALAR_STEP] = step;
  scalar[SCALAR_LR] = rule->lr * NAME_factor(&r, step);
  scalar[SCALAR_UNBIAS1] = NAME_unbias(graph_rule_real(g, "beta1"), step);
  scalar[SCALAR_UNBIAS2] = sqrt(NAME_unbias(graph_rule_real(g, "beta2"), step));
}
