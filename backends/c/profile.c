/* profile.c - timers around the kernels, where --profile asks for them: the table that says what is
 * timed; the functions are runtime/c/profile.c. */
#include "file.h"
#include "generate.h"

static const PlanEntry timed_entries[] = {PLAN_FORWARD, PLAN_TRAIN_FORWARD, PLAN_BACKWARD,
                                          PLAN_STEP};

static int count_timed(const Plan *p) {
  int n = 0;
  for (int i = 0; i < COUNT(timed_entries); i++) n += p->entry[timed_entries[i]].step.n;
  return n;
}

int profile_index(const Plan *p, PlanEntry entry, const Step *s) {
  int index = 0;
  for (int i = 0; i < COUNT(timed_entries); i++) {
    const Steps *steps = &p->entry[timed_entries[i]].step;
    for (int k = 0; k < steps->n; k++, index++)
      if (timed_entries[i] == entry && steps->at[k] == s) return index;
  }
  return -1;
}

static double operations(const Step *s) {
  double sum = s->run ? 2 * (double)s->run->macs : 0;
  for (int i = 0; i < s->body.n; i++) sum += operations(s->body.at[i]);
  return sum;
}

void c_profile_declarations(Text *out, const Library *l) {
  const int n = count_timed(l->plan);
  text_add(out, "\n#define %s_KERNELS %d\n\n", l->o->prefix, n > 0 ? n : 1);
  library_template(out, l, "c/profile.h");
}

static void add_row(Emit *e, PlanEntry entry, const Step *s) {
  Text layers = {.arena = e->arena};
  step_titles(&layers, s);
  const char *name = step_algo(s);
  emit(e, "    {\"%s\", \"%s\", \"%s\", %.0f},", plan_entry_names[entry], layers.at,
       name ? name : "", operations(s));
}

void c_profile_body(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  emit(e, "const %s_timed %s_kernels[%s_KERNELS] = {", p, p, p);
  for (int i = 0; i < COUNT(timed_entries); i++) {
    const Steps *steps = &l->plan->entry[timed_entries[i]].step;
    for (int k = 0; k < steps->n; k++) add_row(e, timed_entries[i], steps->at[k]);
  }
  if (count_timed(l->plan) == 0) emit(e, "    {\"forward\", \"\", \"\", 0},");
  emit(e, "};");
  emit_line(e);
  library_template(e->out, l, "c/profile.c");
  emit_line(e);
  emit_fact(e, NULL, "profile", 0, 0);
  emit_fact(e, arena_printf(e->arena, "%s_leave", p), "kernel", 0, count_timed(l->plan) - 1);
  emit_fact(e, arena_printf(e->arena, "%s_profile_table", p), "profile", 0, 0);
  emit_fact(e, arena_printf(e->arena, "%s_profile_trace", p), "profile", 0, 0);
}
