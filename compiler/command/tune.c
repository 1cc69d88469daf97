/* tune.c - --tune: what bench measures decides in place of the estimate, for candidates that the
 * estimate does not find hopeless. */
#include "bench.h"

enum { PATIENCE = 3 }; /* times as long as the best, by the estimate */

Plan *tune_plan(Unit *u, const Options *o, const Graph *g, const Target *target, bool baked) {
  Bench b = {.u = u, .o = o, .target = target, .name = g->name};
  Plan *lowered = pipeline_lowered(u, o, g, target);
  if (!lowered) return NULL;
  b.subjects = measure_subjects(u, lowered);
  return bench_measure(&b, PATIENCE) ? bench_plan(&b, g, baked) : NULL;
}
