/* tune.c - --tune: what bench measures decides in place of the estimate, for candidates that the
 * estimate does not find hopeless. What a plan file has measured before is not measured again. */
#include "bench.h"
#include "plan_file.h"

#include <string.h>

enum { PATIENCE = 3 }; /* times as long as the best, by the estimate */

static bool is_measured(const Bench *b, const PlanFile *known, const Subject *s) {
  const char *name = subject_name(b->u, s);
  for (int i = 0; known && i < known->decision.n; i++) {
    const Decision *d = &known->decision.at[i];
    if (d->seconds > 0 && d->entry == s->entry && strcmp(d->kernel, name) == 0) return true;
  }
  return false;
}

static void leave_out_measured(Bench *b, const PlanFile *known) {
  int left = 0;
  for (int i = 0; i < b->subjects.n; i++)
    if (!is_measured(b, known, &b->subjects.at[i])) b->subjects.at[left++] = b->subjects.at[i];
  b->subjects.n = left;
  measure_number(&b->subjects);
}

Status tune_plan(Unit *u, const Options *o, const Graph *g, const Target *target, Plan **plan) {
  Bench b = {.u = u, .o = o, .target = target, .name = g->name};
  const PlanHead head = pipeline_head(o, g, target);
  const PlanFile *known = o->plan ? plan_file_read(u, o->plan, &head) : NULL;
  const Plan *lowered = o->plan && !known ? NULL : pipeline_lowered(u, o, g, target);
  if (!lowered) return STATUS_INPUT;
  b.subjects = measure_subjects(u, lowered);
  leave_out_measured(&b, known);
  if (!bench_measure(&b, PATIENCE)) return STATUS_TOOL;
  usage_note(u, "%d measurements decide about %d kernels", b.measured, b.subjects.n);
  *plan = bench_plan(&b, g);
  return *plan ? STATUS_DONE : STATUS_USAGE;
}
