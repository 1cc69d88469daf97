/* harness_judged.c - see harness_judged.h. */
#include "harness_judged.h"

Simulated judged_text(Unit *u, const char *json, Options o) {
  Simulated s = {.u = u};
  Graph *graph = judge_read(u, json, o.train, SIMULATED_SEED);
  if (o.train) judge_gradients(graph);
  s.graph = graph;
  s.folder = toolchain_folder(u);
  s.plan = pipeline_plan(u, &o, judge_read(u, json, o.train, SIMULATED_SEED), target_find(o.target),
                         false);
  assert_non_null(s.plan);
  double **param = NEW_ARRAY(u->arena, double *, graph->param.n + 1);
  for (int i = 0; i < graph->param.n; i++)
    param[i] = judge_leaf(u->arena, graph, graph->param.at[i].node, 1);
  s.param = param;
  return s;
}

static SimulatedRun inputs(const Simulated *s, int n, const Judged *want) {
  Arena *arena = s->u->arena;
  const Graph *g = s->graph;
  const int results = simulated_results(s);
  SimulatedRun r = {.n = n,
                    .in = NEW_ARRAY(arena, double *, g->input.n + 1),
                    .expected = NEW_ARRAY(arena, double *, results + 1),
                    .out = NEW_ARRAY(arena, float *, results + 1)};
  for (int i = 0; i < g->input.n; i++) r.in[i] = judge_leaf(arena, g, g->input.at[i].node, n);
  for (int i = 0; i < results; i++) {
    r.expected[i] = NEW_ARRAY(arena, double, want[i].size);
    memcpy(r.expected[i], want[i].value, sizeof(double) * (size_t)want[i].size);
  }
  return r;
}

static const double *allowed(const Simulated *s, double times, const Judged *want) {
  double *relative = NEW_ARRAY(s->u->arena, double, simulated_results(s) + 1);
  const double growth = simulated_growth(s);
  for (int i = 0; i < simulated_results(s); i++)
    if (want[i].largest > 0)
      relative[i] = growth * (want[i].noise / want[i].largest + times * F32_ROUNDING);
  return relative;
}

bool judged_check(const Simulated *s, int n, Rounding rounding) {
  Judged *want = NEW_ARRAY(s->u->arena, Judged, judge_values(s->graph));
  assert_int_equal(judge_values(s->graph), simulated_results(s));
  if (!judge(s->u->arena, s->graph, n, rounding, want)) return false;
  simulated_emit(s);
  simulated_build(s);
  const SimulatedRun r = inputs(s, n, want);
  simulated_orders(s, &r, allowed(s, rounding.times, want));
  return true;
}
