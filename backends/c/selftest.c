/* selftest.c - NAME_selftest: every entry once more with probes between its steps. Around it are
 * runtime/c/selftest.h, selftest.c and derivative.c; references are reference.c's. */
#include "selftest.h"
#include "file.h"

#include <inttypes.h>

enum { SAMPLES = 3, PROBES = 8 };
/* Elements that all probes of a kernel may read, and a single one. */
static const double MOST_READS = 2e6, MOST_READS_OF_ONE = 1e8;

static int samples(const Library *l) {
  return l->plan->max_batch < SAMPLES ? (int)l->plan->max_batch : SAMPLES;
}

/* ---- probes of a step ---- */

static void find_kernels(const Step *s, StepKernels *all) {
  for (int i = 0; i < s->body.n; i++) find_kernels(s->body.at[i], all);
  if (s->run && all->n++ < MAX_STEP_KERNELS) all->kernel[all->n - 1] = s->run;
}

/* Does a later kernel of the step go on with what this one writes there? Then memory holds that. */
static bool changed_again(const StepKernels *all, int index, int buffer) {
  for (int i = index + 1; i < all->n; i++)
    if (kernel_writes(all->kernel[i], buffer) && kernel_reads(all->kernel[i], buffer)) return true;
  return false;
}

/* Elements read for one element of a result, those behind it included. */
static double cost_of(const StepKernels *all, int index, const double *before) {
  const Kernel *k = all->kernel[index];
  double points = 1, each = 1;
  for (int l = 0; l < k->nloop; l++) {
    bool runs = k->loop[l].reduced;
    for (int o = 0; o < k->nout; o++) runs |= k->out[o].combine && !view_uses(&k->out[o].to, l);
    if (runs) points *= (double)extent_at(k->loop[l].extent, SAMPLES);
  }
  for (int i = 0; i < k->nin; i++) {
    double most = 1;
    for (int j = 0; j < index; j++)
      if (kernel_writes(all->kernel[j], k->in[i].tensor) && before[j] > most) most = before[j];
    each += most;
  }
  return points * each;
}

static void add_extents(Text *row, const Kernel *k, bool per_n) {
  const int loops = kernel_free_loops(k);
  text_add(row, ", {");
  for (int l = 0; l < loops; l++)
    text_add(row, "%s%" PRId64, l ? ", " : "",
             per_n ? k->loop[l].extent.per_n : k->loop[l].extent.plus);
  text_add(row, "%s}", loops == 0 ? "0" : "");
}

static void add_probe(Text *rows, const Kernel *k, const char *reference, double cost) {
  const int loops = kernel_free_loops(k);
  int count = (int)(MOST_READS / cost);
  count = count < 1 ? 1 : count > PROBES ? PROBES : count;
  text_add(rows, "    {\"%s\", %s, %d, %d", kernel_title(k), reference, loops, count);
  add_extents(rows, k, true);
  add_extents(rows, k, false);
  text_add(rows, "},\n");
}

/* Emits the references of a step; returns the name of its table of probes, NULL: it has none. */
static const char *add_probes(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  const Slots slots = slots_find(p, s);
  const char *key = arena_printf(e->arena, "probes %s", job_key(e, p, entry, NULL, s, &slots));
  const char *name = emitted_function(e, key);
  if (name) return *name ? name : NULL;
  StepKernels all = {.n = 0};
  double cost[MAX_STEP_KERNELS];
  Text rows = {.arena = e->arena};
  find_kernels(s, &all);
  for (int i = 0; i < all.n && all.n <= MAX_STEP_KERNELS; i++) {
    cost[i] = cost_of(&all, i, cost);
    for (int o = 0; o < all.kernel[i]->nout; o++) {
      const int to = all.kernel[i]->out[o].to.tensor;
      const char *f = reference_function(e, p, &all, &slots, i, o);
      all.reference[i][o] = f;
      if (f && p->buffer.at[to].depth == 0 && !changed_again(&all, i, to) &&
          cost[i] < MOST_READS_OF_ONE && p->buffer.at[to].format.dtype == p->graph->real)
        add_probe(&rows, all.kernel[i], f, cost[i]);
    }
  }
  name = rows.n
             ? emit_name(e, arena_printf(e->arena, "%s_%s_probes", e->prefix, all.kernel[0]->name))
             : "";
  emitted_add(e, key, name);
  if (!rows.n) return NULL;
  emit(e, "static const %s_probe %s[] = {", e->prefix, name);
  emit_text(e, rows.at);
  emit(e, "};");
  emit_line(e);
  return name;
}

/* ---- entries with probes ---- */

/* Variables of the arguments' names, from the samples. What else the function declares must be a
 * word that no argument has: library_names.c's entry_words. */
static void add_arguments(Emit *e, const Library *l, PlanEntry entry) {
  const Plan *plan = l->plan;
  const char *real = c_type(plan->graph->real);
  if (entry == PLAN_PREPARE || entry == PLAN_STEP) {
    emit(e, "enum { n = 1 };");
    return;
  }
  emit(e, "const int n = state->samples->n;");
  emit(e, "(void)n;");
  for (int i = 0; i < plan->graph->input.n; i++)
    emit(e, "const %s *%s = state->samples->%s;", c_type(plan->graph->input.at[i].type.dtype),
         l->input[i], l->input[i]);
  for (int i = 0; i < plan->graph->input.n; i++) emit(e, "(void)%s;", l->input[i]);
  for (int i = 0; i < plan->graph->entry[ENTRY_FORWARD].want.n && entry == PLAN_FORWARD; i++)
    emit(e, "%s *%s = state->samples->%s;", real, l->output[i], l->output[i]);
  for (int i = 0; i < plan->graph->input.n && entry == PLAN_BACKWARD; i++)
    if (library_returns(plan, i))
      emit(e, "%s *%s = state->samples->%s;", real, l->gradient[i], l->gradient[i]);
  if (entry == PLAN_TRAIN_FORWARD) emit(e, "%s *loss = state->samples->loss;", real);
}

static void add_checked_entry(Emit *e, const Library *l, PlanEntry entry) {
  const Steps *steps = &l->plan->entry[entry].step;
  const char *p = e->prefix, **probes = NEW_ARRAY(e->arena, const char *, steps->n + 1);
  for (int i = 0; i < steps->n; i++) {
    const Step *own = plan_own_step(l->plan, entry, i);
    if (own) probes[i] = add_probes(e, l->plan, entry, own);
  }
  emit_open(e, "static void %s_check_%s(%s *ctx, %s_test *state)", p, plan_entry_names[entry], p,
            p);
  emit(e, "(void)ctx, (void)state;");
  add_arguments(e, l, entry);
  for (int i = 0; i < steps->n; i++) {
    if (!plan_own_step(l->plan, entry, i)) continue;
    generate_open_call(e, l->plan, entry, steps->at[i]);
    if (probes[i])
      emit(e, "%s_expect(state, %s, (int)(sizeof %s / sizeof *%s), &args);", p, probes[i],
           probes[i], probes[i]);
    generate_run(e, l->plan, entry, steps->at[i]);
    if (probes[i]) emit(e, "%s_compare(state);", p);
    emit_close(e);
  }
  emit_close(e);
  emit_line(e);
}

/* ---- samples ---- */

typedef struct Member {
  const char *type, *name;
  int64_t count; /* elements */
  DType dtype;
  bool drawn, target;
} Member;
typedef VEC(Member) Members;

static Members find_members(const Library *l) {
  const Graph *g = l->plan->graph;
  Members members = {0};
  const int n = samples(l);
  for (int i = 0; i < g->input.n; i++) {
    const Type *type = &g->input.at[i].type;
    const Member m = {c_type(type->dtype), l->input[i], type_size(type, n),
                      type->dtype,         true,        g->input.at[i].kind == INPUT_TARGET};
    vec_push(l->arena, &members, m);
    if (!library_returns(l->plan, i)) continue;
    const Member by = {c_type(type->dtype), l->gradient[i], m.count, type->dtype, false, false};
    vec_push(l->arena, &members, by);
  }
  for (int i = 0; i < g->entry[ENTRY_FORWARD].want.n; i++) {
    const Type *type = graph_output_type(g, i);
    const Member m = {c_type(type->dtype), l->output[i], type_size(type, n),
                      type->dtype,         false,        false};
    vec_push(l->arena, &members, m);
  }
  const Member loss = {c_type(g->real), "loss", 1, g->real, false, false};
  vec_push(l->arena, &members, loss);
  return members;
}

int64_t c_selftest_bytes(const Library *l) {
  const Members members = find_members(l);
  int64_t bytes = BUFFER_ALIGNED(l->plan->param_bytes);
  for (int i = 0; i < members.n; i++)
    bytes += BUFFER_ALIGNED(members.at[i].count * dtype_size(members.at[i].dtype));
  return bytes;
}

static void add_samples(Emit *e, const Library *l) {
  const Members members = find_members(l);
  emit(e, "struct %s_samples {", e->prefix);
  emit(e, "  int n;");
  for (int i = 0; i < members.n; i++) emit(e, "  %s *%s;", members.at[i].type, members.at[i].name);
  emit(e, "};");
  emit_line(e);
}

/* Labels are 0 and 1, which every network of classes has; numbers in [-1, 1), of targets [0, 1). */
static void add_draws(Emit *e, const Library *l) {
  const Members members = find_members(l);
  const char *p = e->prefix;
  emit_open(e, "static void %s_draw_samples(%s_test *t, %s_samples *s, unsigned char **at)", p, p,
            p);
  emit(e, "s->n = %d;", samples(l));
  for (int i = 0; i < members.n; i++) {
    const Member *m = &members.at[i];
    const char *chance = arena_printf(e->arena, "%s_chance(t)", p), *value = "i % 2";
    if (m->dtype == U8)
      value = arena_printf(e->arena, "(unsigned char)(128 + 127 * %s)", chance);
    else if (m->dtype != I32)
      value = arena_printf(e->arena, m->target ? "(%s)((1 + %s) / 2)" : "(%s)%s", m->type, chance);
    emit(e, "s->%s = (%s *)%s_carve(at, (size_t)%" PRId64 " * sizeof(%s));", m->name, m->type, p,
         m->count, m->type);
    if (m->drawn)
      emit(e, "for (int i = 0; i < %" PRId64 "; i++) s->%s[i] = %s;", m->count, m->name, value);
  }
  if (l->plan->graph->input.n == 0) emit(e, "(void)t;");
  emit_close(e);
  emit_line(e);
}

static void add_measure(Emit *e, const Library *l) {
  const char *p = e->prefix;
  Text names = {.arena = e->arena};
  for (int i = 0; i < l->plan->graph->input.n; i++) text_add(&names, ", s->%s", l->input[i]);
  emit(e, "static int %s_measure(%s *ctx, const %s_samples *s, %s *loss) {", p, p, p,
       c_type(l->plan->graph->real));
  emit(e, "  return %s_train_forward(ctx, s->n%s, loss);", p, names.n ? names.at : "");
  emit(e, "}");
  emit_line(e);
}

/* ---- NAME_selftest ---- */

static void add_training(Emit *e, const Library *l) {
  const char *p = e->prefix;
  emit_open(e, "if (ctx->grads)");
  emit(e, "ctx->scalar[%s_SCALAR_N] = s.n;", p);
  emit(e, "ctx->scalar[%s_SCALAR_PASS] += 1;", p);
  emit(e, "%s_check_train_forward(ctx, &t);", p);
  for (int i = 0; i < l->plan->graph->input.n; i++) emit(e, "ctx->input%d = s.%s;", i, l->input[i]);
  emit(e, "ctx->samples = s.n;");
  emit(e, "%s_check_backward(ctx, &t);", p);
  emit(e, "%s_check_gradients(ctx, &t, &s, was, (double)*s.loss);", p);
  emit(e, "ctx->scalar[%s_SCALAR_STEP] = ctx->scalar[%s_SCALAR_UNBIAS1] = 1;", p, p);
  emit(e, "ctx->scalar[%s_SCALAR_UNBIAS2] = 1;", p);
  emit(e, "%s_check_step(ctx, &t);", p);
  if (l->plan->entry[PLAN_TRAIN_STEP].exists) emit(e, "%s_check_train_step(ctx, &t);", p);
  emit(e, "memcpy(ctx->params, was, %s_RAW_BYTES);", p);
  emit(e, "%s_restart(ctx, 0);", p);
  emit_close(e);
}

static void add_selftest(Emit *e, const Library *l) {
  const char *p = e->prefix;
  emit_open(e, "int %s_selftest(%s *ctx, void *memory, size_t bytes, %s_tell *tell, void *user)", p,
            p, p);
  emit(e, "%s_samples s;", p);
  emit(e, "%s_test t = {.tell = tell, .user = user, .samples = &s, .random = 1};", p);
  emit(e, "unsigned char *at = (unsigned char *)memory;");
  emit(e, "if (!ctx || !memory) return %s_E_NULL;", p);
  emit(e, "if (!%s_aligned(memory)) return %s_E_ALIGN;", p, p);
  emit(e, "if (bytes < %s_SELFTEST_BYTES) return %s_E_MEMORY;", p, p);
  emit(e, "if (!%s_is_loaded(ctx->header)) return %s_E_WEIGHTS;", p, p);
  emit(e, "%s *was = (%s *)%s_carve(&at, %s_RAW_BYTES);", c_type(l->plan->graph->real),
       c_type(l->plan->graph->real), p, p);
  emit(e, "memcpy(was, ctx->params, %s_RAW_BYTES);", p);
  emit(e, "%s_draw_samples(&t, &s, &at);", p);
  emit(e, "%s_check_prepare(ctx, &t);", p);
  emit(e, "%s_mark(ctx, %s_READY);", p, p);
  emit(e, "%s_check_forward(ctx, &t);", p);
  if (library_trains(l)) add_training(e, l);
  emit(e, "%s_mark(ctx, %s_STALE);", p, p);
  emit(e, "return t.failed;");
  emit_close(e);
}

void c_selftest(Emit *e, const Library *l) {
  emit_line(e);
  emit(e, "#ifdef %s_SELFTEST", e->prefix);
  library_template(e->out, l, "c/selftest.c");
  emit_line(e);
  add_samples(e, l);
  for (int i = 0; i < PLAN_ENTRIES; i++)
    if (l->plan->entry[i].exists) add_checked_entry(e, l, (PlanEntry)i);
  add_draws(e, l);
  if (library_trains(l)) {
    add_measure(e, l);
    library_template(e->out, l, "c/derivative.c");
    emit_line(e);
  }
  add_selftest(e, l);
  emit(e, "#endif");
}
