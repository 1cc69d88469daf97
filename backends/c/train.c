/* train.c - the part of NAME.c and NAME.h that trains: the entries train_forward, backward, step
 * and train_step of the Plan as functions, around runtime/c/train.c. */
#include "file.h"
#include "generate.h"
#include "function.h"

#include <inttypes.h>

/* ---- NAME.h ---- */

void c_train_sizes(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  const char *p = l->o->prefix;
  text_add(
      out,
      "\n/* For training: gradients, the optimiser's state, work that holds activations too, a "
      "checkpoint. */\n#define %s_GRADS_BYTES ((size_t)%" PRId64
      ")\n#define %s_STATE_BYTES ((size_t)%" PRId64
      ")\n#define %s_TRAIN_WORK_BYTES(threads) (%s_WORK_BYTES(threads) + (size_t)%" PRId64
      ")\n#define %s_CHECKPOINT_BYTES ((size_t)%" PRId64 ")\n",
      p, library_at_least(plan->grad_bytes), p, library_at_least(plan->state_bytes), p, p,
      library_train_work(plan), p, library_checkpoint_bytes(plan));
}

void c_train_members(Text *out, const Library *l) {
  text_add(out,
           "  unsigned char *grads, *state, *kept, *sum;\n  double scalar[%d];\n"
           "  double lr; /* before its schedule */\n",
           SCALARS);
  library_train_members(out, l);
}

/* ---- NAME.c ---- */

static void call_if(Emit *e, const Plan *p, PlanEntry entry, const Step *s, const char *condition) {
  if (condition) emit_open(e, "if (%s)", condition);
  generate_call(e, p, entry, s);
  if (condition) emit_close(e);
}

/* Of backward and step; inputs are those of the last forward pass. */
static void entry_body(Emit *e, const Library *l, PlanEntry entry) {
  const Steps *steps = &l->plan->entry[entry].step;
  bool step = entry == PLAN_STEP;
  if (step && steps->n) emit(e, "enum { n = 1 };");
  if (!steps->n) emit(e, step ? "(void)ctx;" : "(void)ctx, (void)n;");
  library_kept_inputs(e, l, entry);
  for (int i = 0; i < steps->n; i++) {
    const Step *updating = step ? NULL : plan_own_step(l->plan, PLAN_TRAIN_STEP, i);
    if (updating) call_if(e, l->plan, PLAN_TRAIN_STEP, updating, LIBRARY_UPDATING);
    call_if(e, l->plan, entry, steps->at[i], library_wanted(l, entry, i));
    if (!step) library_hand_over(e, l, i);
  }
}

/* static void NAME_run_backward(NAME *ctx, int n). */
static void add_entry(Emit *e, const Library *l, PlanEntry entry) {
  const char *p = l->o->prefix, *batch = entry == PLAN_STEP ? "" : ", int n";
  const char *more = entry == PLAN_STEP ? "" : library_gradients(l, true);
  const CEntry row = {.entry = entry,
                      .body = entry_body,
                      .parameters = arena_printf(l->arena, "%s *ctx%s%s", p, batch, more),
                      .arguments = entry == PLAN_STEP ? "ctx"
                                                      : arena_printf(l->arena, "ctx, n%s",
                                                                     library_gradients(l, false))};
  c_entry_functions(e, l, &row);
  BLOCK(e, "static void %s_run_%s(%s)", p, plan_entry_names[entry], row.parameters) {
    c_entry_call(e, l, &row);
  }
  emit_line(e);
}

static void add_train_forward(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  const CEntry row = {
      .entry = PLAN_TRAIN_FORWARD,
      .body = c_add_calls,
      .parameters =
          arena_printf(l->arena, "const %s *ctx, int n%s", p, library_train_arguments(l, true)),
      .arguments = arena_printf(l->arena, "ctx, n%s", library_train_arguments(l, false))};
  c_entry_functions(e, l, &row);
  library_open_train_forward(e, l);
  emit(e, "int status = %s_ready(ctx);", p);
  emit(e, "if (status) return status;");
  emit(e, "ctx->scalar[%s_SCALAR_N] = n;", p);
  emit(e, "ctx->scalar[%s_SCALAR_PASS] += 1;", p);
  c_entry_call(e, l, &row);
  library_end_train_forward(e, l);
  if (l->plan->graph->entry[ENTRY_TRAIN_FORWARD].update.n) emit(e, "%s_mark(ctx, %s_STALE);", p, p);
  emit(e, "return %s_OK;", p);
  emit_close(e);
  emit_line(e);
}

/* What kernels with random numbers call. */
static void add_uniform(Emit *e, const Plan *plan) {
  if (!library_draws(plan)) return;
  emit_text(e, runtime_file("c/uniform.h"));
  emit_line(e);
}

static void add_kernels(Emit *e, const Library *l, const void *context) {
  (void)context;
  for (PlanEntry entry = PLAN_TRAIN_FORWARD; entry < PLAN_ENTRIES; entry++)
    c_add_kernels(e, l, entry);
}

void c_train_body(Emit *e, const Library *l) {
  add_uniform(e, l->plan);
  c_parts(e, l, add_kernels, NULL);
  emit(e, "#define %s_KEPT_BYTES ((size_t)%" PRId64 ")", e->prefix, library_kept(l->plan));
  library_train_tables(e->out, l);
  emit_line(e);
  library_train_code(e->out, l);
  library_template(e->out, l, "c/train.c");
  emit_line(e);
  add_entry(e, l, PLAN_BACKWARD);
  add_entry(e, l, PLAN_STEP);
}

void c_train_entries(Emit *e, const Library *l) {
  emit_line(e);
  add_train_forward(e, l);
  library_train_step(e, l);
  emit_line(e);
}

void c_train_facts(Emit *e, const Library *l) {
  library_train_facts(e, l);
  emit_fact(e, NULL, "state", 0, library_at_least(l->plan->state_bytes) - 1);
}
