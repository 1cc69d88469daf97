/* train.c - the part of NAME.c and NAME.h that trains: the entries train_forward, backward and step
 * of the Plan as functions, around runtime/c/train.c. */
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
      "\n/* For training: gradients, the optimiser's state, and work that holds activations too. "
      "*/\n#define %s_GRADS_BYTES ((size_t)%" PRId64 ")\n#define %s_STATE_BYTES ((size_t)%" PRId64
      ")\n#define %s_TRAIN_WORK_BYTES(threads) (%s_WORK_BYTES(threads) + (size_t)%" PRId64
      ")\n#define %s_CHECKPOINT_BYTES ((size_t)%" PRId64 ")\n",
      p, library_at_least(plan->grad_bytes), p, library_at_least(plan->state_bytes), p, p,
      library_train_work(plan), p, library_checkpoint_bytes(plan));
}

void c_train_memory(Text *out, const Library *l) {
  text_add(out,
           "  /* For training (all three or, for a context that only infers, none): */\n"
           "  void *grads;\n  size_t grads_bytes; /* at least %s_GRADS_BYTES */\n"
           "  void *state;\n  size_t state_bytes; /* at least %s_STATE_BYTES */\n",
           l->o->prefix, l->o->prefix);
}

void c_train_members(Text *out, const Library *l) {
  text_add(out,
           "  unsigned char *grads, *state, *kept, *sum;\n  double scalar[%d];\n"
           "  double lr, least, waited; /* before its schedule; of what was reported */\n"
           "  int samples; /* of the last forward pass for training */\n"
           "  int passes;  /* backward, since the last step */\n",
           SCALARS);
  library_train_members(out, l);
}

void c_train_functions(Text *out, const Library *l) {
  const char *p = l->o->prefix, *number = c_type(l->plan->graph->real);
  text_add(out, "\n");
  library_template(out, l, "c/train.h");
  library_train_note(out, l);
  text_add(out,
           "\n/* The loss of n samples, as training sees them; keeps what %s_backward needs. */\n"
           "int %s_train_forward(%s *ctx, int n%s, %s *loss);\n"
           "/* All of it: forward, backward, step%s. */\n"
           "int %s_train_step(%s *ctx, int n%s, %s *loss);\n",
           p, p, p, library_train_parameters(l), number,
           graph_rule(l->plan->graph)->accumulate > 1
               ? " after as many as the optimiser accumulates"
               : "",
           p, p, library_train_parameters(l), number);
}

/* ---- NAME.c ---- */

/* static void NAME_run_backward(NAME *ctx, int n): inputs are those of the last forward pass. */
static void add_entry(Emit *e, const Library *l, PlanEntry entry, const char *name) {
  const char *p = l->o->prefix;
  const Steps *steps = &l->plan->entry[entry].step;
  bool step = entry == PLAN_STEP;
  BLOCK(e, "static void %s_run_%s(%s *ctx%s)", p, name, p, step ? "" : ", int n") {
    if (step && steps->n) emit(e, "enum { n = 1 };");
    if (!steps->n) emit(e, step ? "(void)ctx;" : "(void)ctx, (void)n;");
    library_kept_inputs(e, l, entry);
    for (int i = 0; i < steps->n; i++) generate_call(e, l->plan, entry, steps->at[i]);
  }
  emit_line(e);
}

static void add_train_forward(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  const Steps *steps = &l->plan->entry[PLAN_TRAIN_FORWARD].step;
  BLOCK(e, "int %s_train_forward(%s *ctx, int n%s, %s *loss)", p, p, library_train_parameters(l),
        c_type(l->plan->graph->real)) {
    emit(e, "if (!ctx%s || !loss) return %s_E_NULL;", library_train_null_tests(l), p);
    emit(e, "if (!ctx->grads) return %s_E_MEMORY;", p);
    emit(e, "if (n < 1 || n > %s_MAX_BATCH) return %s_E_BATCH;", p, p);
    emit(e, "int status = %s_ready(ctx);", p);
    emit(e, "if (status) return status;");
    emit(e, "ctx->scalar[%s_SCALAR_N] = n;", p);
    emit(e, "ctx->scalar[%s_SCALAR_PASS] += 1;", p);
    for (int i = 0; i < steps->n; i++) generate_call(e, l->plan, PLAN_TRAIN_FORWARD, steps->at[i]);
    library_keep_inputs(e, l);
    emit(e, "ctx->samples = n;");
    if (l->plan->graph->entry[ENTRY_TRAIN_FORWARD].update.n)
      emit(e, "%s_mark(ctx, %s_STALE);", p, p);
    emit(e, "return %s_OK;", p);
  }
  emit_line(e);
}

static void add_train_step(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  BLOCK(e, "int %s_train_step(%s *ctx, int n%s, %s *loss)", p, p, library_train_parameters(l),
        c_type(l->plan->graph->real)) {
    emit(e, "int status = %s_train_forward(ctx, n%s, loss);", p, library_train_names(l));
    bool several = graph_rule(l->plan->graph)->accumulate > 1;
    emit(e, "if (!status) status = %s_backward(ctx, n, %s);", p, several ? "ctx->passes > 0" : "0");
    if (several) emit(e, "if (!status && ctx->passes < %s_ACCUMULATE) return %s_OK;", p, p);
    emit(e, "return status ? status : %s_step(ctx);", p);
  }
  emit_line(e);
}

/* What kernels with random numbers call. */
static void add_uniform(Emit *e, const Plan *plan) {
  if (!library_draws(plan)) return;
  emit_text(e, runtime_file("c/uniform.h"));
  emit_line(e);
}

void c_train_body(Emit *e, const Library *l) {
  add_uniform(e, l->plan);
  const PlanEntry entries[] = {PLAN_TRAIN_FORWARD, PLAN_BACKWARD, PLAN_STEP};
  for (int i = 0; i < COUNT(entries); i++) {
    const Steps *steps = &l->plan->entry[entries[i]].step;
    for (int s = 0; s < steps->n; s++) generate_kernel(e, l->plan, entries[i], steps->at[s]);
  }
  emit(e, "#define %s_KEPT_BYTES ((size_t)%" PRId64 ")", e->prefix,
       library_at_least(l->plan->kept_bytes));
  library_train_tables(e->out, l);
  emit_line(e);
  add_entry(e, l, PLAN_BACKWARD, "backward");
  add_entry(e, l, PLAN_STEP, "step");
  library_template(e->out, l, "c/train.c");
  emit_line(e);
}

void c_train_entries(Emit *e, const Library *l) {
  emit_line(e);
  add_train_forward(e, l);
  add_train_step(e, l);
}

void c_train_facts(Emit *e, const Library *l) {
  library_train_facts(e, l);
  emit_fact(e, NULL, "state", 0, library_at_least(l->plan->state_bytes) - 1);
}
