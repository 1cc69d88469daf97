/* library_train.c - what training libraries of every language have in common: arguments, sizes,
 * tables of gradients and run-time scalars, the optimiser's rule. See library.h. */
#include "library.h"

#include <inttypes.h>
#include <string.h>

bool library_trains(const Library *l) {
  return l->plan->entry[PLAN_BACKWARD].exists;
}

/* Of a checkpoint: scalars, what the schedule keeps, and passes. */
enum { NUMBERS_BYTES = BUFFER_ALIGNED((SCALARS + 4) * 8) };

static int inputs(const Library *l) {
  return l->plan->graph->input.n;
}

static const char *type_of(const Library *l, int input) {
  return c_type(l->plan->graph->input.at[input].type.dtype);
}

/* What train_forward writes: the loss and, where `cnnc train` asks for them, outputs. */
static int results(const Library *l) {
  return l->plan->graph->entry[ENTRY_TRAIN_FORWARD].want.n;
}

static const Type *result_type(const Library *l, int i) {
  const Graph *g = l->plan->graph;
  return &g->node.at[g->entry[ENTRY_TRAIN_FORWARD].want.at[i]].type;
}

/* The loss, the first output, each of several losses: named behind the gradients by inputs. */
static const char *result_name(const Graph *g, const char *const *output,
                               const char *const *gradient, int i) {
  return i == 0 ? "loss" : i == 1 ? output[0] : gradient[g->input.n + i - 2];
}

static const char *result_of(const Library *l, int i) {
  return result_name(l->plan->graph, l->output, l->gradient, i);
}

/* Of train_forward and train_step: ", const float *x, const int *y, float *loss". */
static const char *parameters(const Library *l) {
  Text text = {.arena = l->arena};
  for (int i = 0; i < inputs(l); i++) text_add(&text, ", const %s *%s", type_of(l, i), l->input[i]);
  for (int i = 0; i < results(l); i++)
    text_add(&text, ", %s *%s", c_type(result_type(l, i)->dtype), result_of(l, i));
  return text.at;
}

/* Those arguments in a call, with something before each name. */
static const char *names(const Library *l, const char *before) {
  Text text = {.arena = l->arena};
  for (int i = 0; i < inputs(l); i++) text_add(&text, "%s%s", before, l->input[i]);
  for (int i = 0; i < results(l); i++) text_add(&text, "%s%s", before, result_of(l, i));
  return text.at;
}

const char *library_train_arguments(const Library *l, bool types) {
  return types ? parameters(l) : names(l, ", ");
}

/* ---- questions to the plan ---- */

typedef struct Search {
  int buffer;
  PlanEntry entry;
  bool found;
} Search;

static void find_reader(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  Search *s = context;
  (void)outer, (void)depth;
  s->found |= entry == s->entry && kernel_reads(k, s->buffer);
}

bool library_entry_reads(const Plan *plan, PlanEntry entry, int input) {
  Search s = {.entry = entry};
  for (s.buffer = 0; s.buffer < plan->buffer.n; s.buffer++) {
    const Buffer *b = &plan->buffer.at[s.buffer];
    if (b->home == HOME_INPUT && b->index == input) plan_leaves(plan, find_reader, &s);
  }
  return s.found;
}

static void find_writer(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  Search *s = context;
  (void)outer, (void)depth;
  if (kernel_writes(k, s->buffer)) s->entry = entry;
}

const char *library_output(const Emit *e, const Plan *plan, int buffer) {
  Search s = {.buffer = buffer, .entry = PLAN_FORWARD};
  const Buffer *b = &plan->buffer.at[buffer];
  plan_leaves(plan, find_writer, &s);
  if (s.entry == PLAN_FORWARD) return e->output[b->index];
  if (s.entry == PLAN_TRAIN_FORWARD)
    return result_name(plan->graph, e->output, e->gradient, b->index);
  for (int i = 0; i < plan->graph->input.n; i++)
    if (strcmp(plan->graph->input.at[i].name, b->name) == 0) return e->gradient[i];
  BUG("%s: no argument of backward", b->name);
}

static void find_draw(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  bool *draws = context;
  (void)entry, (void)outer, (void)depth;
  *draws |= kernel_uses(k, E_random, -1);
}

bool library_draws(const Plan *plan) {
  bool draws = false;
  plan_leaves(plan, find_draw, &draws);
  return draws;
}

void library_kept_inputs(Emit *e, const Library *l, PlanEntry entry) {
  for (int i = 0; i < inputs(l); i++)
    if (library_entry_reads(l->plan, entry, i))
      emit(e, "const %s *%s = ctx->input%d;", type_of(l, i), l->input[i], i);
}

/* ---- entries ---- */

/* Backward passes that the optimiser takes for a step. */
static int64_t passes(const Library *l) {
  return graph_rule(l->plan->graph)->accumulate;
}

/* int NAME_train_step(NAME *ctx, int n, const float *x, const int *y, float *loss */
static const char *head_of(const Library *l, const char *function) {
  const char *p = l->o->prefix;
  return arena_printf(l->arena, "int %s_%s(%s *ctx, int n%s%s)", p, function, p,
                      library_train_arguments(l, true), library_stream(l));
}

/* Gradients by inputs that train_step does not ask for: ", NULL". */
static const char *no_gradients(const Library *l) {
  Text text = {.arena = l->arena};
  for (int i = 0; i < inputs(l); i++)
    if (library_returns(l->plan, i)) text_add(&text, ", NULL");
  return text.n ? text.at : "";
}

static void open_function(Emit *e, const Library *l, const char *function) {
  emit_wrapped(e, arena_printf(l->arena, "%s {", head_of(l, function)));
  e->indent++;
}

void library_open_train_forward(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  open_function(e, l, "train_forward");
  emit(e, "if (!ctx%s) return %s_E_NULL;", names(l, " || !"), p);
  emit(e, "if (!ctx->grads) return %s_E_MEMORY;", p);
  emit(e, "if (n < 1 || n > %s_MAX_BATCH) return %s_E_BATCH;", p, p);
}

void library_end_train_forward(Emit *e, const Library *l) {
  for (int i = 0; i < inputs(l); i++) emit(e, "ctx->input%d = %s;", i, l->input[i]);
  emit(e, "ctx->samples = n;");
}

void library_train_step(Emit *e, const Library *l) {
  const char *p = l->o->prefix, *more = *library_stream(l) ? ", stream" : "";
  const bool several = passes(l) > 1, updates = library_updates(l);
  open_function(e, l, "train_step");
  emit(e, "int status = %s_train_forward(ctx, n%s%s);", p, library_train_arguments(l, false), more);
  if (updates) {
    emit(e, "if (status) return status;");
    emit(e, LIBRARY_UPDATING " = !ctx->bucket;");
    emit(e, "if (" LIBRARY_UPDATING ") status = %s_begin_step(ctx%s);", p, more);
  }
  emit(e, "if (!status) status = %s_backward(ctx, n, %s%s%s);", p,
       several ? "ctx->passes > 0" : "0", no_gradients(l), more);
  if (several) emit(e, "if (!status && ctx->passes < %s_ACCUMULATE) return %s_OK;", p, p);
  emit(e, "if (!status) status = %s_step(ctx%s);", p, more);
  if (updates) emit(e, LIBRARY_UPDATING " = 0;");
  emit(e, "return status;");
  emit_close(e);
}

/* ---- sizes ---- */

int64_t library_at_least(int64_t bytes) {
  return bytes > BUFFER_ALIGN ? bytes : BUFFER_ALIGN;
}

/* Gradients that a checkpoint must hold: those of a step that is not complete. */
static int64_t sum_bytes(const Plan *plan) {
  return graph_rule(plan->graph)->accumulate > 1 ? library_at_least(plan->grad_bytes) : 0;
}

int64_t library_kept(const Plan *plan) {
  int64_t bytes = 0;
  for (; plan; plan = plan->next)
    if (plan->kept_bytes > bytes) bytes = plan->kept_bytes;
  return library_at_least(bytes);
}

int64_t library_train_work(const Plan *plan) {
  return library_kept(plan) + library_at_least(plan->grad_bytes);
}

/* NAME_PARAMS_BYTES, NAME_GRADS_BYTES, NAME_STATE_BYTES and NAME_TRAIN_WORK_BYTES(1). */
int64_t library_training_bytes(const Plan *plan) {
  EmitOptions options = {.base = "net", .prefix = "net"};
  const Library l = library_new(plan, &options);
  return l.params_bytes + library_at_least(plan->grad_bytes) + library_at_least(plan->state_bytes) +
         library_work(&l) + l.worker_bytes;
}

int64_t library_checkpoint_bytes(const Plan *plan) {
  return LIBRARY_HEADER + NUMBERS_BYTES + plan->param_bytes + library_at_least(plan->state_bytes) +
         sum_bytes(plan);
}

/* ---- tables ---- */

/* Where each parameter's gradient begins, in values; behind all of them if it has none. */
static void add_gradients(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  int64_t all = library_at_least(plan->grad_bytes) / dtype_size(plan->graph->real);
  text_add(out, "#define %s_BUCKETS %d /* how often backward hands gradients over */\n",
           l->o->prefix, l->bucket.n);
  text_add(out, "enum { %s_GRADS = %" PRId64 " }; /* values */\n", l->o->prefix, all);
  text_add(out, "static const size_t %s_grad_first[] = {", l->o->prefix);
  for (int i = 0; i < l->param.n; i++) {
    int64_t first = all + 1;
    for (int b = 0; b < plan->buffer.n; b++)
      if (plan->buffer.at[b].home == HOME_GRAD && plan->buffer.at[b].index == l->param.at[i])
        first = plan->buffer.at[b].offset / dtype_size(plan->graph->real);
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
             {"SUM_AT", state + library_at_least(plan->state_bytes)},
             {"SUM_BYTES", sum_bytes(plan)}};
  for (int i = 0; i < COUNT(row); i++)
    text_add(out, "#define %s_%s ((size_t)%" PRId64 ")\n", p, row[i].name, row[i].value);
}

void library_train_tables(Text *out, const Library *l) {
  add_gradients(out, l);
  add_scalars(out, l);
  add_rule(out, l);
  add_checkpoint(out, l);
}

void library_train_code(Text *out, const Library *l) {
  library_template(out, l, "c/training.c");
  text_add(out, "\n");
}

/* ---- facts ---- */

static void add_gradient_fact(Emit *e, const Library *l, int input, int64_t last) {
  const Fact fact = {.function = arena_printf(l->arena, "%s_backward", l->o->prefix),
                     .name = l->gradient[input],
                     .hi = last,
                     .optional = true};
  vec_push(e->arena, &e->emitted->fact, fact);
}

void library_train_facts(Emit *e, const Library *l) {
  const Plan *plan = l->plan;
  const char *const calls[] = {arena_printf(l->arena, "%s_train_forward", l->o->prefix),
                               arena_printf(l->arena, "%s_train_step", l->o->prefix)};
  const char *const checkpoints[] = {arena_printf(l->arena, "%s_checkpoint_save", l->o->prefix),
                                     arena_printf(l->arena, "%s_checkpoint_restore", l->o->prefix)};
  const char *const headers[] = {arena_printf(l->arena, "%s_checkpoint_begin", l->o->prefix),
                                 arena_printf(l->arena, "%s_is_checkpoint", l->o->prefix)};
  const char *get_grad = arena_printf(l->arena, "%s_get_grad", l->o->prefix);
  const int64_t grads = library_at_least(plan->grad_bytes);
  for (int i = 0; i < inputs(l); i++) {
    int64_t last = type_size(&plan->graph->input.at[i].type, plan->max_batch) - 1;
    for (int c = 0; c < COUNT(calls); c++) emit_fact(e, calls[c], l->input[i], 0, last);
    emit_fact(e, NULL, arena_printf(l->arena, "input%d", i), 0, last);
    if (library_returns(plan, i)) add_gradient_fact(e, l, i, last);
  }
  for (int i = 0; i < results(l); i++)
    for (int c = 0; c < COUNT(calls); c++)
      emit_fact(e, calls[c], result_of(l, i), 0, type_size(result_type(l, i), plan->max_batch) - 1);
  for (int c = 0; c < COUNT(checkpoints); c++)
    emit_fact(e, checkpoints[c], "bytes", 0, library_checkpoint_bytes(plan) - 1);
  for (int c = 0; c < COUNT(headers); c++)
    emit_fact(e, headers[c], "at", 0, library_checkpoint_bytes(plan) - 1);
  emit_fact(e, get_grad, "values", 0, grads / dtype_size(plan->graph->real) - 1);
  emit_fact(e, NULL, "grads", 0, grads - 1);
  emit_fact(e, NULL, "sum", 0, grads - 1);
  emit_fact(e, NULL, "kept", 0, library_kept(plan) - 1);
}
