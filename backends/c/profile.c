/* profile.c - timers around the kernels, where --profile asks for them: the table that says what is
 * timed; the functions are runtime/c/profile.c. */
#include "file.h"
#include "generate.h"

static const PlanEntry timed_entries[] = {PLAN_FORWARD, PLAN_TRAIN_FORWARD, PLAN_BACKWARD,
                                          PLAN_STEP};

typedef struct Timed {
  PlanEntry entry;
  const Step *step;
} Timed;
typedef VEC(Timed) TimedSteps;

static void add_timed(const Plan *p, TimedSteps *all, PlanEntry entry, const Step *s) {
  if (!generate_parts(s)) {
    vec_push(p->u->arena, all, ((Timed){entry, s}));
    return;
  }
  for (int i = 0; i < s->body.n; i++) vec_push(p->u->arena, all, ((Timed){entry, s->body.at[i]}));
}

/* In the order of running: a step of train_step's own beside the one of backward that it replaces.
 */
static TimedSteps find_timed(const Plan *p) {
  TimedSteps all = {0};
  for (int i = 0; i < COUNT(timed_entries); i++) {
    const PlanEntry entry = timed_entries[i];
    for (int k = 0; k < p->entry[entry].step.n; k++) {
      const Step *own = plan_own_step(p, PLAN_TRAIN_STEP, k);
      if (entry == PLAN_BACKWARD && own) add_timed(p, &all, PLAN_TRAIN_STEP, own);
      add_timed(p, &all, entry, p->entry[entry].step.at[k]);
    }
  }
  return all;
}

int profile_index(const Plan *p, PlanEntry entry, const Step *s) {
  const TimedSteps all = find_timed(p);
  for (int i = 0; i < all.n; i++)
    if (all.at[i].entry == entry && all.at[i].step == s) return i;
  return -1;
}

static double operations(const Step *s) {
  double sum = s->run ? 2 * (double)s->run->macs : 0;
  for (int i = 0; i < s->body.n; i++) sum += operations(s->body.at[i]);
  return sum;
}

void c_profile_declarations(Text *out, const Library *l) {
  const int n = find_timed(l->plan).n;
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
  const TimedSteps all = find_timed(l->plan);
  emit(e, "const %s_timed %s_kernels[%s_KERNELS] = {", p, p, p);
  for (int i = 0; i < all.n; i++) add_row(e, all.at[i].entry, all.at[i].step);
  if (all.n == 0) emit(e, "    {\"forward\", \"\", \"\", 0},");
  emit(e, "};");
  emit_line(e);
  library_template(e->out, l, "c/profile.c");
  emit_line(e);
  emit_fact(e, NULL, "profile", 0, 0);
  emit_fact(e, arena_printf(e->arena, "%s_leave", p), "kernel", 0, all.n - 1);
  emit_fact(e, arena_printf(e->arena, "%s_profile_table", p), "profile", 0, 0);
  emit_fact(e, arena_printf(e->arena, "%s_profile_trace", p), "profile", 0, 0);
}
