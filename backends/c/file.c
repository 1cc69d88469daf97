/* file.c - NAME.c: everything around the kernels. Order of the file: what it is; helpers;
 * constants; kernels and their jobs; parameters; the entries; init. Text that does not depend on
 * the network is in runtime/c/. Also NAME_weights.h and NAME.weights, where weights are baked in:
 * NAME.c itself never changes when only weights change. */
#include "file.h"
#include "generate.h"

#include <inttypes.h>
#include <string.h>

/* ---- what the generators ask for ---- */

/* Where weights that are baked in for several targets lie one behind the other, a plan knows its
 * place behind params only. */
static const char *derived(Emit *e, const Plan *plan, const Buffer *b) {
  const int64_t before = e->several ? plan->param_bytes : 0;
  return arena_printf(e->arena, "ctx->%s + %" PRId64, e->several ? "params" : "derived",
                      before + b->offset);
}

const char *emit_buffer(Emit *e, const Plan *plan, int buffer) {
  const Buffer *b = &plan->buffer.at[buffer];
  const char *member = NULL;
  switch (b->home) {
  case HOME_INPUT: return e->input[b->index];
  case HOME_OUTPUT: return library_output(e, plan, buffer);
  case HOME_CONST: return arena_printf(e->arena, "%s_const%d", emit_part(e, plan), buffer);
  case HOME_PARAM: member = "params"; break;
  case HOME_DERIVED: return derived(e, plan, b);
  case HOME_STATE: member = "state"; break;
  case HOME_GRAD: member = "grads"; break;
  case HOME_KEPT: member = "kept"; break;
  case HOME_WORK: member = "work"; break;
  case HOMES: BUG("buffer %s has no home", b->name);
  }
  return arena_printf(e->arena, "ctx->%s + %" PRId64, member, b->offset);
}

const char *emit_worker_memory(Emit *e, const Plan *plan) {
  return arena_printf(e->arena, "ctx->work + %" PRId64, library_shared_work(plan));
}

/* ---- entries ---- */

static bool any_parallel(const Steps *steps) {
  for (int i = 0; i < steps->n; i++)
    if (steps->at[i]->parallel || any_parallel(&steps->at[i]->body)) return true;
  return false;
}

void c_add_kernels(Emit *e, const Library *l, PlanEntry entry) {
  const Plan *p = l->plan;
  for (int i = 0; i < p->entry[entry].step.n; i++) {
    const Step *own = plan_own_step(p, entry, i);
    if (own) generate_kernel(e, p, entry, own);
  }
}

void c_add_calls(Emit *e, const Library *l, PlanEntry entry) {
  const Steps *steps = &l->plan->entry[entry].step;
  for (int i = 0; i < steps->n; i++) generate_call(e, l->plan, entry, steps->at[i]);
}

static void prepare_body(Emit *e, const Library *l, PlanEntry entry) {
  if (l->plan->entry[entry].step.n == 0) emit(e, "(void)ctx;");
  if (l->plan->entry[entry].step.n > 0) emit(e, "enum { n = 1 };");
  c_add_calls(e, l, entry);
}

static void add_prepare(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  const CEntry row = {.entry = PLAN_PREPARE,
                      .body = prepare_body,
                      .parameters = arena_printf(l->arena, "const %s *ctx", p),
                      .arguments = "ctx"};
  c_entry_functions(e, l, &row);
  emit_comment(e, "Computes the weights that the kernels read from those that were loaded.");
  BLOCK(e, "static void %s_prepare(%s)", p, row.parameters) {
    c_entry_call(e, l, &row);
  }
  emit_line(e);
}

static void add_forward(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  const CEntry row = {
      .entry = PLAN_FORWARD,
      .body = c_add_calls,
      .parameters = arena_printf(l->arena, "const %s *ctx, int n%s", p, library_arguments(l, true)),
      .arguments = arena_printf(l->arena, "ctx, n%s", library_arguments(l, false))};
  c_entry_functions(e, l, &row);
  BLOCK(e, "int %s_forward(%s *ctx, int n%s)", p, p, library_arguments(l, true)) {
    emit(e, "if (!ctx%s) return %s_E_NULL;", library_null_tests(l), p);
    emit(e, "if (n < 1 || n > %s_MAX_BATCH) return %s_E_BATCH;", p, p);
    if (l->o->weights_as == WEIGHTS_LOADED) {
      emit(e, "int status = %s_ready(ctx);", p);
      emit(e, "if (status) return status;");
    }
    c_entry_call(e, l, &row);
    emit(e, "return %s_OK;", p);
  }
}

static void add_facts(Emit *e, const Library *l) {
  library_facts(e, l, l->stored_bytes, l->work_bytes + FACT_WORKERS * l->worker_bytes);
  emit_fact(e, NULL, "derived", 0, l->stored_bytes - l->plan->param_bytes - 1);
  if (l->o->weights_as == WEIGHTS_EXTERN)
    emit_fact(e, NULL, arena_printf(e->arena, "%s_weights", e->prefix), 0, l->params_bytes - 1);
  if (library_trains(l)) c_train_facts(e, l);
}

/* ---- NAME.c ---- */

static void add_includes(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "\n%s#include <math.h>\n#include <string.h>\n",
           library_trains(l) ? "#include <float.h>\n" : "");
  if (l->o->weights_as == WEIGHTS_LOADED || l->o->profile)
    text_add(out, "#ifndef %s_NO_STDIO\n#include <stdio.h>\n#endif\n", p);
  if (l->o->openmp)
    text_add(out, "#ifdef _OPENMP\n#include <omp.h>\n#define %s_OPENMP\n#endif\n", p);
  text_add(out, "\n");
}

static void add_params(Emit *e, const Library *l) {
  if (l->o->weights_as == WEIGHTS_LOADED) {
    library_param_tables(e->out, l);
    add_prepare(e, l);
  }
  library_param_code(e->out, l);
}

static bool needs_parallel(const Library *l) {
  bool parallel = false;
  for (const Plan *p = l->plans; p; p = p->next)
    for (int i = 0; i < PLAN_ENTRIES; i++)
      parallel |= (i != PLAN_PREPARE || l->o->weights_as == WEIGHTS_LOADED) &&
                  any_parallel(&p->entry[i].step);
  return parallel;
}

static void add_vectors(Emit *e, const Library *l, const void *context) {
  (void)context;
  generate_vectors(e, l->plan->target);
}

static void add_constants(Emit *e, const Library *l, const void *context) {
  (void)context;
  library_constants(e, l, "static const", NULL);
}

static void add_kernels(Emit *e, const Library *l, const void *context) {
  (void)context;
  if (l->o->weights_as == WEIGHTS_LOADED) c_add_kernels(e, l, PLAN_PREPARE);
  c_add_kernels(e, l, PLAN_FORWARD);
}

/* Everything of NAME.c that the hash covers. */
static void add_body(Emit *e, const Library *l) {
  add_includes(e->out, l);
  generate_helpers(e);
  c_parts(e, l, add_vectors, NULL);
  if (l->o->weights_as == WEIGHTS_EMBED) emit(e, "#include \"%s_weights.h\"", l->name);
  emit_line(e);
  library_error_texts(e->out, l);
  library_template(e->out, l, "c/about.c");
  emit_line(e);
  if (needs_parallel(l)) {
    library_template(e->out, l, "c/parallel.c");
    emit_line(e);
  }
  c_parts(e, l, add_constants, NULL);
  generate_types(e, l->plan);
  c_parts(e, l, add_kernels, NULL);
  if (library_several(l)) c_cpu(e, l);
  add_params(e, l);
  if (l->o->profile) c_profile_body(e, l);
  if (library_trains(l)) c_train_body(e, l);
  if (!library_several(l)) c_cpu(e, l);
  library_template(e->out, l, "c/init.c");
  emit_line(e);
  add_forward(e, l);
  if (library_trains(l)) c_train_entries(e, l);
  if (l->o->selftest) c_selftest(e, l);
}

/* "Target avx2: x86-64 with ..."; of several, in the order in which they are wanted. */
static const char *targets_text(const Library *l) {
  Text text = {.arena = l->arena};
  const bool several = library_several(l);
  text_add(&text, several ? "For the first of these targets that the processor has:" : "Target");
  for (const Plan *p = l->plans; p; p = p->next)
    text_add(&text, several ? "%s %s (%s)" : "%s %s: %s", p == l->plans || !several ? "" : ",",
             p->target->name, p->target->doc);
  return text.at;
}

static const char *head(const Library *l) {
  return arena_printf(
      l->arena,
      "%s.c - %s of the network \"%s\", emitted by cnnc %s:\n%s\n%s. No compiler "
      "flags are needed: cc -std=c11 -O2 -c %s.c. The interface is explained in %s.h. This file "
      "belongs to whoever had it emitted.",
      l->name, library_trains(l) ? "training and inference" : "inference", l->plan->graph->name,
      CNNC_VERSION, l->o->command, targets_text(l), l->name, l->name);
}

static void c_emit(const Plan *plan, const EmitOptions *o, Emitted *emitted) {
  Library l = library_new(plan, o);
  Text body = {.arena = l.arena};
  Emit e = emit_start(l.arena, &body, o->prefix, emitted);
  e.input = l.input;
  e.output = l.output;
  e.gradient = l.gradient;
  e.profile = o->profile;
  e.several = library_several(&l);
  add_body(&e, &l);
  add_facts(&e, &l);
  library_files(&l, emitted, head(&l), &body, c_header);
}

const Language language_c = {
    .name = "c",
    .title = "C",
    .suffix = ".c",
    .target = "native",
    .times = true,
    .selftests = true,
    .chooses = true,
    .doubles = true,
    .nests = true,
    /* Measured: estimates do not see what few channels cost; by half of it LeNet-5 takes a Fourier
     * transform of 6 channels, which costs it a tenth. */
    .training_doubt = 2,
    /* Errors of activations and of their gradients add up over layers and turn masks like relu's
     * gradient over, so they are at most twice those of direct sums, like F(4, 3)'s; those of
     * weight gradients end there, like F(3, 4)'s. */
    .training_growth = {[ROLE_FWD] = 6.6, [ROLE_DGRAD] = 6.6, [ROLE_WGRAD] = 13},
    .margins = true,
    .weights = {true, true, true, true, true},
    .compiler = "cc",
    .compile = "-std=c11 -O2 -fPIC",
    .link = "-shared",
    .libraries = "-lm",
    .openmp = "-fopenmp",
    .emit = c_emit,
};
