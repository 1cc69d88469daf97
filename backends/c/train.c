/* train.c - the part of NAME.c and NAME.h that trains: the entries train_forward, backward and step
 * of the Plan as functions, around runtime/c/train.c. */
#include "file.h"
#include "generate.h"
#include "function.h"

#include <inttypes.h>

bool c_trains(const Library *l) {
  return l->plan->entry[PLAN_BACKWARD].exists;
}

/* Of a checkpoint: scalars, what the schedule keeps, and passes. */
enum { NUMBERS_BYTES = ((SCALARS + 4) * 8 + LIBRARY_ALIGN - 1) / LIBRARY_ALIGN * LIBRARY_ALIGN };

static int inputs(const Library *l) {
  return l->plan->graph->input.n;
}

static const char *argument(const Library *l, int input) {
  return library_argument(l->arena, l->o->prefix, l->plan, HOME_INPUT, input);
}

static const char *input_type(const Library *l, int input) {
  return c_type(l->plan->graph->input.at[input].type.dtype);
}

/* The inputs and targets as parameters. */
static const char *parameters(const Library *l) {
  Text text = {.arena = l->arena};
  for (int i = 0; i < inputs(l); i++)
    text_add(&text, ", const %s *%s", input_type(l, i), argument(l, i));
  return text.at;
}

/* ---- NAME.h ---- */

static int64_t at_least(int64_t bytes) {
  return bytes > LIBRARY_ALIGN ? bytes : LIBRARY_ALIGN;
}

/* Gradients that a checkpoint must hold: those of a step that is not complete. */
static int64_t sum_bytes(const Plan *plan) {
  return graph_rule(plan->graph)->accumulate > 1 ? at_least(plan->grad_bytes) : 0;
}

static int64_t checkpoint_bytes(const Plan *plan) {
  return LIBRARY_HEADER + NUMBERS_BYTES + plan->param_bytes + at_least(plan->state_bytes) +
         sum_bytes(plan);
}

void c_train_sizes(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  const char *p = l->o->prefix;
  text_add(
      out,
      "\n/* For training: gradients, the optimiser's state, and work that holds activations too. "
      "*/\n#define %s_GRADS_BYTES ((size_t)%" PRId64 ")\n#define %s_STATE_BYTES ((size_t)%" PRId64
      ")\n#define %s_TRAIN_WORK_BYTES(threads) (%s_WORK_BYTES(threads) + (size_t)%" PRId64
      ")\n#define %s_CHECKPOINT_BYTES ((size_t)%" PRId64 ")\n",
      p, at_least(plan->grad_bytes), p, at_least(plan->state_bytes), p, p,
      at_least(plan->kept_bytes) + at_least(plan->grad_bytes), p, checkpoint_bytes(plan));
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
  for (int i = 0; i < inputs(l); i++) text_add(out, "  const %s *input%d;\n", input_type(l, i), i);
}

void c_train_functions(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "\n");
  library_template(out, l, "c/train.h");
  text_add(out,
           "\n/* The loss of n samples, as training sees them; keeps what %s_backward needs. */\n"
           "int %s_train_forward(%s *ctx, int n%s, float *loss);\n"
           "/* All of it: forward, backward, step%s. */\n"
           "int %s_train_step(%s *ctx, int n%s, float *loss);\n",
           p, p, p, parameters(l),
           graph_rule(l->plan->graph)->accumulate > 1
               ? " after as many as the optimiser accumulates"
               : "",
           p, p, parameters(l));
}

/* ---- NAME.c ---- */

/* Where each parameter's gradient begins, in floats; behind all of them if it has none. */
static void add_gradients(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  int64_t all = at_least(plan->grad_bytes) / (int64_t)sizeof(float);
  text_add(out, "enum { %s_GRADS = %" PRId64 " }; /* floats */\n", l->o->prefix, all);
  text_add(out, "static const size_t %s_grad_first[] = {", l->o->prefix);
  for (int i = 0; i < l->param.n; i++) {
    int64_t first = all + 1;
    for (int b = 0; b < plan->buffer.n; b++)
      if (plan->buffer.at[b].home == HOME_GRAD && plan->buffer.at[b].index == l->param.at[i])
        first = plan->buffer.at[b].offset / (int64_t)sizeof(float);
    text_add(out, "%s%" PRId64, i ? ", " : "", first);
  }
  text_add(out, "%s};\n", l->param.n ? "" : "0");
}

/* What the runtime calls scalar i: NAME_SCALAR_LR. */
static const char *const scalar_names[SCALARS] = {
    [SCALAR_N] = "N",
    [SCALAR_LR] = "LR",
    [SCALAR_STEP] = "STEP",
    [SCALAR_UNBIAS1] = "UNBIAS1",
    [SCALAR_UNBIAS2] = "UNBIAS2",
    [SCALAR_SEED] = "SEED",
    [SCALAR_PASS] = "PASS",
};

static void add_scalars(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  double scalar[SCALARS];
  graph_scalars(l->plan->graph, 1, scalar);
  scalar[SCALAR_STEP] = 0;
  text_add(out, "/* What every call is told besides tensors, and how it begins. */\nenum {");
  for (int i = 0; i < SCALARS; i++)
    text_add(out, "%s%s_SCALAR_%s", i ? ", " : " ", p, scalar_names[i]);
  text_add(out, " };\nstatic const double %s_scalars[] = {", p);
  for (int i = 0; i < SCALARS; i++)
    text_add(out, "%s%s", i ? ", " : "", emit_number(l->arena, scalar[i], F64));
  text_add(out, "};\n");
}

/* The optimiser's learning rate and schedule, for runtime/c/schedule.c. */
static void add_rule(Text *out, const Library *l) {
  const Rule *rule = graph_rule(l->plan->graph);
  const char *p = l->o->prefix;
  const double number[] = {(double)rule->warm_up,
                           (double)rule->period,
                           rule->gamma,
                           rule->floor,
                           (double)rule->patience,
                           graph_rule_real(l->plan->graph, "beta1"),
                           graph_rule_real(l->plan->graph, "beta2")};
  library_template(out, l, "c/schedule.c");
  text_add(out, "\nstatic const %s_rule %s_optimizer = {%d", p, p, (int)rule->schedule);
  for (int i = 0; i < COUNT(number); i++)
    text_add(out, ", %s", emit_number(l->arena, number[i], F64));
  text_add(out, "};\n#define %s_LR %s\nenum { %s_ACCUMULATE = %d };\n", p,
           emit_number(l->arena, rule->lr, F64), p, (int)rule->accumulate);
}

/* Where the parts of a checkpoint begin. */
static void add_checkpoint(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  const char *p = l->o->prefix;
  int64_t raw = LIBRARY_HEADER + NUMBERS_BYTES, state = raw + plan->param_bytes;
  const struct {
    const char *name;
    int64_t value;
  } row[] = {{"NUMBERS_AT", LIBRARY_HEADER},
             {"NUMBERS_BYTES", NUMBERS_BYTES},
             {"RAW_AT", raw},
             {"STATE_AT", state},
             {"SUM_AT", state + at_least(plan->state_bytes)},
             {"SUM_BYTES", sum_bytes(plan)}};
  for (int i = 0; i < COUNT(row); i++)
    text_add(out, "#define %s_%s ((size_t)%" PRId64 ")\n", p, row[i].name, row[i].value);
}

/* Do the kernels of an entry read this input? */
static bool reads_input(const Plan *p, PlanEntry entry, int input) {
  const Steps *steps = &p->entry[entry].step;
  for (int s = 0; s < steps->n; s++) {
    const Slots slots = find_slots(p, steps->at[s]);
    for (int i = 0; i < slots.nin; i++) {
      const Buffer *b = &p->buffer.at[slots.in[i]];
      if (b->home == HOME_INPUT && b->index == input) return true;
    }
  }
  return false;
}

/* static void NAME_run_backward(NAME *ctx, int n): inputs are those of the last forward pass. */
static void add_entry(Emit *e, const Library *l, PlanEntry entry, const char *name) {
  const char *p = l->o->prefix;
  const Steps *steps = &l->plan->entry[entry].step;
  bool step = entry == PLAN_STEP;
  BLOCK(e, "static void %s_run_%s(%s *ctx%s)", p, name, p, step ? "" : ", int n") {
    if (step && steps->n) emit(e, "enum { n = 1 };");
    if (!steps->n) emit(e, step ? "(void)ctx;" : "(void)ctx, (void)n;");
    for (int i = 0; i < inputs(l); i++)
      if (reads_input(l->plan, entry, i))
        emit(e, "const %s *%s = ctx->input%d;", input_type(l, i), argument(l, i), i);
    for (int i = 0; i < steps->n; i++) generate_call(e, l->plan, entry, steps->at[i]);
  }
  emit_line(e);
}

static void add_train_forward(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  const Steps *steps = &l->plan->entry[PLAN_TRAIN_FORWARD].step;
  Text null = {.arena = l->arena};
  for (int i = 0; i < inputs(l); i++) text_add(&null, " || !%s", argument(l, i));
  BLOCK(e, "int %s_train_forward(%s *ctx, int n%s, float *loss)", p, p, parameters(l)) {
    emit(e, "if (!ctx%s || !loss) return %s_E_NULL;", null.n ? null.at : "", p);
    emit(e, "if (!ctx->grads) return %s_E_MEMORY;", p);
    emit(e, "if (n < 1 || n > %s_MAX_BATCH) return %s_E_BATCH;", p, p);
    emit(e, "int status = %s_ready(ctx);", p);
    emit(e, "if (status) return status;");
    emit(e, "ctx->scalar[%s_SCALAR_N] = n;", p);
    emit(e, "ctx->scalar[%s_SCALAR_PASS] += 1;", p);
    for (int i = 0; i < steps->n; i++) generate_call(e, l->plan, PLAN_TRAIN_FORWARD, steps->at[i]);
    for (int i = 0; i < inputs(l); i++) emit(e, "ctx->input%d = %s;", i, argument(l, i));
    emit(e, "ctx->samples = n;");
    if (l->plan->graph->entry[ENTRY_TRAIN_FORWARD].update.n)
      emit(e, "%s_mark(ctx, %s_STALE);", p, p);
    emit(e, "return %s_OK;", p);
  }
  emit_line(e);
}

static void add_train_step(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  Text names = {.arena = l->arena};
  for (int i = 0; i < inputs(l); i++) text_add(&names, ", %s", argument(l, i));
  BLOCK(e, "int %s_train_step(%s *ctx, int n%s, float *loss)", p, p, parameters(l)) {
    emit(e, "int status = %s_train_forward(ctx, n%s, loss);", p, names.n ? names.at : "");
    bool several = graph_rule(l->plan->graph)->accumulate > 1;
    emit(e, "if (!status) status = %s_backward(ctx, n, %s);", p, several ? "ctx->passes > 0" : "0");
    if (several) emit(e, "if (!status && ctx->passes < %s_ACCUMULATE) return %s_OK;", p, p);
    emit(e, "return status ? status : %s_step(ctx);", p);
  }
  emit_line(e);
}

typedef struct Draws {
  bool any;
} Draws;

static void find_draw(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  Draws *draws = context;
  (void)entry, (void)outer, (void)depth;
  for (int i = 0; i < k->nfold; i++) draws->any |= expr_uses(k->fold[i].term, E_random, -1);
  for (int o = 0; o < k->nout; o++) draws->any |= expr_uses(k->out[o].value, E_random, -1);
}

/* What kernels with random numbers call. */
static void add_uniform(Emit *e, const Plan *plan) {
  Draws draws = {.any = false};
  plan_leaves(plan, find_draw, &draws);
  if (!draws.any) return;
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
  emit(e, "#define %s_KEPT_BYTES ((size_t)%" PRId64 ")", e->prefix, at_least(l->plan->kept_bytes));
  add_gradients(e->out, l);
  add_scalars(e->out, l);
  add_rule(e->out, l);
  add_checkpoint(e->out, l);
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
  const Plan *plan = l->plan;
  const char *const calls[] = {arena_printf(l->arena, "%s_train_forward", l->o->prefix),
                               arena_printf(l->arena, "%s_train_step", l->o->prefix)};
  const char *get_grad = arena_printf(l->arena, "%s_get_grad", l->o->prefix);
  for (int i = 0; i < inputs(l); i++) {
    int64_t last = type_size(&plan->graph->input.at[i].type, plan->max_batch) - 1;
    for (int c = 0; c < COUNT(calls); c++) emit_fact(e, calls[c], argument(l, i), 0, last);
    emit_fact(e, NULL, arena_printf(l->arena, "input%d", i), 0, last);
  }
  for (int c = 0; c < COUNT(calls); c++) emit_fact(e, calls[c], "loss", 0, 0);
  emit_fact(e, get_grad, "values", 0, at_least(plan->grad_bytes) / (int64_t)sizeof(float) - 1);
  emit_fact(e, arena_printf(l->arena, "%s_checkpoint_save", l->o->prefix), "bytes", 0,
            checkpoint_bytes(plan) - 1);
  emit_fact(e, arena_printf(l->arena, "%s_checkpoint_restore", l->o->prefix), "bytes", 0,
            checkpoint_bytes(plan) - 1);
  emit_fact(e, NULL, "grads", 0, at_least(plan->grad_bytes) - 1);
  emit_fact(e, NULL, "sum", 0, at_least(plan->grad_bytes) - 1);
  emit_fact(e, NULL, "state", 0, at_least(plan->state_bytes) - 1);
  emit_fact(e, NULL, "kept", 0, at_least(plan->kept_bytes) - 1);
}
