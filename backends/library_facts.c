/* library_facts.c - what the Plan knows about the functions and members that emitted libraries of
 * every language have; the validator proves with it. */
#include "library.h"

void library_sized_fact(Emit *e, const char *function, const char *name, const char *count) {
  Fact fact = {.name = name, .lo = 0, .hi = -1, .size_of = count};
  if (function) fact.function = arena_printf(e->arena, "%s_%s", e->prefix, function);
  vec_push(e->arena, &e->emitted->fact, fact);
}

static void add_param_facts(Emit *e, const Library *l) {
  int64_t last = l->plan->param_bytes / dtype_size(l->plan->graph->real) - 1;
  library_sized_fact(e, NULL, "bytes", "size");
  library_sized_fact(e, "load", "bytes", "size");
  library_sized_fact(e, "load_part", "bytes", "size");
  static const char *const part[] = {"load_part", "load_part_file"};
  for (int i = 0; i < 2; i++)
    emit_fact(e, arena_printf(e->arena, "%s_%s", e->prefix, part[i]), "found", 0, l->param.n - 1);
  library_sized_fact(e, "save", "bytes", "size");
  library_sized_fact(e, "fill", "at", "size");
  library_sized_fact(e, "copy", "to", "size");
  emit_fact(e, arena_printf(e->arena, "%s_get_param", e->prefix), "values", 0, last);
  emit_fact(e, arena_printf(e->arena, "%s_set_param", e->prefix), "values", 0, last);
}

void library_facts(Emit *e, const Library *l, int64_t params_bytes, int64_t work_bytes) {
  const Plan *plan = l->plan;
  const char *forward = arena_printf(l->arena, "%s_forward", l->o->prefix);
  for (int i = 0; i < plan->graph->input.n; i++)
    if (library_reads(plan, i))
      emit_fact(e, forward, l->input[i], 0,
                type_size(&plan->graph->input.at[i].type, plan->max_batch) - 1);
  const Entry *entry = &plan->graph->entry[ENTRY_FORWARD];
  for (int i = 0; i < entry->want.n; i++)
    emit_fact(e, forward, l->output[i], 0,
              type_size(&plan->graph->node.at[entry->want.at[i]].type, plan->max_batch) - 1);
  emit_fact(e, NULL, "params", 0, params_bytes - 1);
  emit_fact(e, NULL, "header", 0, LIBRARY_HEADER + params_bytes - 1);
  emit_fact(e, NULL, "work", 0, work_bytes - 1);
  if (l->o->weights_as == WEIGHTS_LOADED) add_param_facts(e, l);
}
