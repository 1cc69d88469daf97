/* parts.c - a library for several targets: what is made for one of them stands in the file for
 * each, its names with the target's in them, and entries choose by a switch over what the processor
 * has. Nothing remembers the choice: the processor is the same at every call. With one target all
 * this vanishes: what would be called stands in place of the switch. */
#include "file.h"

#include <string.h>

/* ---- text for some machines ---- */

static bool same_macro(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

/* The macro of the machine that alone has a use for the plan's text; NULL: all have, or there is no
 * plan, or the library is for one machine. */
static const char *guard_of(const Library *l, const Plan *plan) {
  bool differ = false;
  for (const Plan *p = l->plans; p && plan; p = p->next)
    differ |= !same_macro(p->target->macro, plan->target->macro);
  return differ ? plan->target->macro : NULL;
}

/* Lines between the text of two plans, before the first one and behind the last one. */
static void change_machine(Emit *e, const Library *l, const Plan *from, const Plan *to) {
  const char *old = guard_of(l, from), *new = guard_of(l, to);
  if (same_macro(old, new)) return;
  if (old) text_add(e->out, "#endif\n");
  if (new) text_add(e->out, "#ifdef %s\n", new);
}

/* What a part adds to the facts is said of functions that other machines have not. */
void c_parts(Emit *e, const Library *l, CPart *print, const void *context) {
  const Plan *before = NULL;
  for (const Plan *p = l->plans; p; before = p, p = p->next) {
    const Library part = library_part(l, p);
    const int first = e->emitted->fact.n;
    change_machine(e, l, before, p);
    print(e, &part, context);
    for (int i = first; i < e->emitted->fact.n; i++) e->emitted->fact.at[i].target = p->target;
  }
  change_machine(e, l, before, NULL);
}

/* ---- entries ---- */

static const char *function_of(const Emit *e, const Plan *p, PlanEntry entry) {
  return arena_printf(e->arena, "%s_%s", emit_part(e, p), plan_entry_names[entry]);
}

/* Parameters of all targets, which this one may have no use for. */
static void add_unread(Emit *e, const Library *part, PlanEntry entry) {
  const Plan *p = part->plan;
  for (int i = 0; i < p->graph->input.n; i++) {
    const bool passed =
        entry == PLAN_TRAIN_FORWARD || (entry == PLAN_FORWARD && library_reads(p, i));
    if (passed && !library_entry_reads(p, entry, i)) emit(e, "(void)%s;", part->input[i]);
  }
}

static void add_entry(Emit *e, const Library *part, const void *context) {
  const CEntry *row = context;
  emit_wrapped(e, arena_printf(e->arena, "static void %s(%s) {",
                               function_of(e, part->plan, row->entry), row->parameters));
  e->indent++;
  add_unread(e, part, row->entry);
  row->body(e, part, row->entry);
  emit_close(e);
  emit_line(e);
}

void c_entry_functions(Emit *e, const Library *l, const CEntry *row) {
  if (library_several(l)) c_parts(e, l, add_entry, row);
}

void c_entry_call(Emit *e, const Library *l, const CEntry *row) {
  if (!library_several(l)) {
    row->body(e, l, row->entry);
    return;
  }
  const Plan *before = NULL;
  emit(e, "switch (%s_cpu()) {", e->prefix);
  for (const Plan *p = l->plans; p; before = p, p = p->next) {
    change_machine(e, l, before, p);
    emit(e, "case %s: %s(%s); break;", library_target(l, p->target), function_of(e, p, row->entry),
         row->arguments);
  }
  change_machine(e, l, before, NULL);
  emit(e, "}");
}

/* ---- the processor ---- */

static void add_question(Emit *e, const Library *l) {
  emit_comment(e, "Does this processor have what the kernels need?");
  BLOCK(e, "static int %s_cpu(void)", e->prefix)
  emit(e, "return %s;", l->plan->target->cpu ? l->plan->target->cpu : "1");
}

static void add_constants(Emit *e, const Library *l) {
  Text names = {.arena = e->arena};
  for (const Plan *p = l->plans; p; p = p->next)
    text_add(&names, "%s%s%s", names.n ? ", " : "", library_target(l, p->target),
             p == l->plans ? " = 1" : "");
  emit(e, "enum { %s };", names.at);
  emit_line(e);
}

static void add_choice(Emit *e, const Library *l) {
  const Plan *before = NULL;
  emit_comment(e, "The first target that this processor has; 0: it has none of them.");
  BLOCK(e, "static int %s_cpu(void)", e->prefix) {
    for (const Plan *p = l->plans; p; before = p, p = p->next) {
      const char *asked = p->target->cpu ? arena_printf(e->arena, "if (%s) ", p->target->cpu) : "";
      change_machine(e, l, before, p);
      emit(e, "%sreturn %s;", asked, library_target(l, p->target));
    }
    change_machine(e, l, before, NULL);
    if (before->target->cpu || guard_of(l, before)) emit(e, "return 0;");
  }
}

void c_cpu(Emit *e, const Library *l) {
  if (library_several(l)) {
    add_constants(e, l);
    add_choice(e, l);
  } else
    add_question(e, l);
  emit_line(e);
}
