/* generate.c - Steps become job functions and calls of them; see generate.h. */
#include "file.h"
#include "function.h"

#include <string.h>

/* ---- job functions ---- */

typedef struct Job {
  Emit *e;
  const Plan *p;
  PlanEntry entry;
  const Slots *slots;
  Step *outer[MAX_NESTING];
  int depth;
  int given;    /* of these the outermost is one sample, that all jobs work on */
  int parallel; /* the next ones are spread over jobs */
  bool worker;  /* uses memory of its own */
  bool uses_block[MAX_NESTING];
} Job;

/* The pointer that a leaf function gets. */
static const char *argument(Job *j, const View *v, bool writes) {
  const Buffer *b = &j->p->buffer.at[v->tensor];
  Arena *arena = j->e->arena;
  if (b->depth > 0) {
    const bool own = b->depth > j->given;
    j->worker |= own;
    return arena_printf(arena, "(%s%s *)(void *)(%s + %lld)", writes ? "" : "const ",
                        c_type(b->format.dtype), own ? "memory" : "a->memory",
                        (long long)b->offset);
  }
  const int in = slots_index(j->slots->in, j->slots->nin, v->tensor);
  if (in >= 0) return arena_printf(arena, "a->in%d", in);
  return arena_printf(arena, "a->out%d", slots_index(j->slots->out, j->slots->nout, v->tensor));
}

static void call_leaf(Job *j, const Step *s, Text *functions) {
  Emit *e = j->e;
  Leaf f;
  Text list = {.arena = e->arena}, *calls = e->out;
  leaf_start(&f, e, j->p, s, j->outer, j->depth);
  const int indent = e->indent;
  e->out = functions;
  e->indent = 0;
  const char *function = leaf_function(&f, j->entry, s);
  e->out = calls;
  e->indent = indent;
  for (int i = 0; i < s->run->nin; i++)
    if (f.uses_in[i])
      text_add(&list, "%s%s", list.n ? ", " : "", argument(j, &s->run->in[i], false));
  for (int o = 0; o < s->run->nout; o++)
    text_add(&list, "%s%s", list.n ? ", " : "", argument(j, &s->run->out[o].to, true));
  for (int i = 0; i < f.nahead; i++)
    if (f.uses_ahead[i]) text_add(&list, ", %s", argument(j, f.ahead[i], false));
  if (f.uses_scalar) text_add(&list, ", a->scalar");
  if (f.uses_batch) text_add(&list, ", a->batch");
  for (int i = 0; i < j->depth; i++)
    if (f.uses_block[i]) {
      text_add(&list, ", %s", f.block[i]);
      j->uses_block[i] = true;
    }
  emit(e, "%s(%s);", function, list.at);
}

/* The number of blocks of a step, over `n`, the variable with the number of samples. */
static Linear block_form(Arena *arena, const Step *s, const char *n) {
  if (s->extent.per_n == 0) return linear_constant(step_block_count(s, 1));
  Linear form = linear_variable(s->extent.per_n, n);
  form.constant = s->extent.plus + s->block - 1;
  if (s->block == 1) return form;
  return linear_variable(1,
                         arena_printf(arena, "((%s) / %d)", linear_text(arena, &form), s->block));
}

/* A form as an operand of a division. */
static const char *operand(Arena *arena, const Linear *form) {
  const bool one = form->n == 0 || (form->n == 1 && form->constant == 0 && form->term[0].coef == 1);
  return arena_printf(arena, one ? "%s" : "(%s)", linear_text(arena, form));
}

static void run_step(Job *j, const Step *s, Text *functions);

static void run_body(Job *j, const Step *s, Text *functions) {
  if (j->depth == MAX_NESTING) BUG("steps nest deeper than %d", MAX_NESTING);
  j->outer[j->depth++] = (Step *)(uintptr_t)s;
  for (int i = 0; i < s->body.n; i++) run_step(j, s->body.at[i], functions);
  j->depth--;
}

/* A step inside a job: its blocks one after another. */
static void run_step(Job *j, const Step *s, Text *functions) {
  if (s->run) {
    call_leaf(j, s, functions);
    return;
  }
  const char *name = step_block_name(j->e->arena, j->outer, j->depth, s);
  const Linear blocks = block_form(j->e->arena, s, "a->batch");
  BLOCK(j->e, "for (int %s = 0; %s < %s; %s++)", name, name, linear_text(j->e->arena, &blocks),
        name) {
    run_body(j, s, functions);
  }
}

/* The parallel steps that enclose all of a top-level step: their blocks are the jobs. */
static int parallel_steps(const Step *s, const Step **level) {
  int n = 0;
  while (!s->run && s->parallel) {
    level[n++] = s;
    if (s->body.n != 1 || n == MAX_NESTING) break;
    s = s->body.at[0];
  }
  return n;
}

/* Prints the numbers of blocks that calls mention; the inner steps turn fastest. */
static void decode_job(Job *j) {
  Arena *arena = j->e->arena;
  const char *rest = "job", *value[MAX_NESTING];
  bool decoded = false;
  for (int i = j->given + j->parallel - 1; i >= j->given; i--) {
    const Linear count = block_form(arena, j->outer[i], "a->batch");
    const bool one = count.n == 0 && count.constant == 1;
    const char *divisor = operand(arena, &count);
    value[i] = one ? "0" : i == j->given ? rest : arena_printf(arena, "%s %% %s", rest, divisor);
    if (!one) rest = arena_printf(arena, "%s / %s", rest, divisor);
    decoded |= j->uses_block[i] && !one;
  }
  if (j->given) value[0] = "a->sample";
  for (int i = 0; i < j->given + j->parallel; i++)
    if (j->uses_block[i])
      emit(j->e, "const int %s = %s;", step_block_name(arena, j->outer, i, j->outer[i]), value[i]);
  if (!decoded) emit(j->e, "(void)job;");
}

static const char *first_name(const Step *s) {
  while (!s->run) s = s->body.at[0];
  return s->run->name;
}

static int64_t max_jobs(const Step *s, int64_t n) {
  const Step *level[MAX_NESTING];
  int64_t jobs = 1;
  for (int i = parallel_steps(s, level) - 1; i >= 0; i--) jobs *= step_block_count(level[i], n);
  return jobs;
}

static void slot_facts(Job *j, const Step *s, const char *name, const char *member, const int *slot,
                       int n) {
  for (int i = 0; i < n; i++) {
    const Buffer *b = &j->p->buffer.at[slot[i]];
    if (!step_reads(s, slot[i]) && !step_writes(s, slot[i])) continue;
    emit_fact(j->e, name, arena_printf(j->e->arena, "%s%d", member, i), 0,
              buffer_layout(b, j->p->max_batch).size * dtype_size(b->format.dtype) - 1);
  }
}

/* What is known about a job's parameters and about the members of PREFIX_args that it reads. */
static void job_facts(Job *j, const Step *s, const char *name) {
  emit_fact(j->e, name, "job", 0, max_jobs(s, j->p->max_batch) - 1);
  emit_fact(j->e, name, "batch", 1, j->p->max_batch);
  if (j->given) emit_fact(j->e, name, "sample", 0, j->p->max_batch - 1);
  if (j->entry > PLAN_FORWARD) emit_fact(j->e, name, "scalar", 0, SCALARS - 1);
  slot_facts(j, s, name, "in", j->slots->in, j->slots->nin);
  slot_facts(j, s, name, "out", j->slots->out, j->slots->nout);
  if (!j->worker && !j->given) return;
  emit_fact(j->e, name, "worker", 0, FACT_WORKERS - 1);
  emit_fact(j->e, name, "memory", 0, FACT_WORKERS * j->p->worker_bytes[j->entry] - 1);
}

/* The calls that make up a job; the functions they need go to `functions`. */
static void print_calls(Job *j, const Step *s, Text *functions, Text *calls) {
  Emit *e = j->e;
  const Step *level[MAX_NESTING];
  Text *file = e->out;
  e->out = calls;
  e->indent = 1;
  j->parallel = parallel_steps(s, level);
  for (int i = 0; i < j->parallel; i++) j->outer[j->depth++] = (Step *)(uintptr_t)level[i];
  const Step *inner = j->parallel ? level[j->parallel - 1] : NULL;
  for (int i = 0; inner && i < inner->body.n; i++) run_step(j, inner->body.at[i], functions);
  if (!inner) run_step(j, s, functions);
  e->indent = 0;
  e->out = file;
}

static bool exact(const Step *s) {
  return s->run ? s->run->math == F64 : exact(s->body.at[0]);
}

/* The job function of a step, or of one inside `sample`, whose tensors it gets; its name. */
static const char *generate_jobs(Emit *e, const Plan *p, PlanEntry entry, const Step *sample,
                                 const Step *s) {
  const Slots slots = slots_find(p, sample ? sample : s);
  const char *key = job_key(e, p, entry, sample, s, &slots);
  const char *known = emitted_function(e, key);
  if (known) return known;
  const char *kind = entry == PLAN_PREPARE ? "weights_jobs" : "jobs";
  const char *name =
      emit_name(e, arena_printf(e->arena, "%s_%s_%s", emit_part(e, p), first_name(s), kind));
  emitted_add(e, key, name);
  Job j = {.e = e, .p = p, .entry = entry, .slots = &slots, .given = sample != NULL};
  if (sample) j.outer[j.depth++] = (Step *)(uintptr_t)sample;
  Text functions = {.arena = e->arena}, calls = {.arena = e->arena};
  print_calls(&j, s, &functions, &calls);
  job_facts(&j, s, name);
  if (functions.at) emit_text(e, functions.at);
  const char *attribute = exact(s) ? "" : function_attribute(p, e->arena);
  BLOCK(e, "static %svoid %s(void *arg, int job, int worker)", attribute, name) {
    emit(e, "const %s_args *a = arg;", e->prefix);
    if (j.worker)
      emit(e, "unsigned char *memory = a->memory + (ptrdiff_t)worker * %lld;",
           (long long)p->worker_bytes[entry]);
    else
      emit(e, "(void)worker;");
    decode_job(&j);
    emit_text(e, calls.at);
  }
  emit_line(e);
  return name;
}

bool generate_parts(const Step *s) {
  bool parallel = false;
  for (int i = 0; i < s->body.n && s->parallel; i++) parallel |= s->body.at[i]->parallel;
  return parallel && s->body.n > 1;
}

void generate_kernel(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  generate_jobs(e, p, entry, NULL, s);
  for (int i = 0; i < s->body.n && generate_parts(s); i++)
    generate_jobs(e, p, entry, s, s->body.at[i]);
}

/* ---- calls ---- */

static Linear product(Arena *arena, const Linear *a, const Linear *b) {
  Linear result = linear_constant(0);
  if (a->n > 0 && b->n > 0)
    return linear_variable(1, arena_printf(arena, "%s * %s", operand(arena, a), operand(arena, b)));
  linear_add(&result, a->n > 0 ? a : b, a->n > 0 ? b->constant : a->constant);
  return result;
}

static const char *jobs_text(Arena *arena, const Step *s) {
  const Step *level[MAX_NESTING];
  const int n = parallel_steps(s, level);
  Linear jobs = linear_constant(1);
  for (int i = 0; i < n; i++) {
    const Linear blocks = block_form(arena, level[i], "n");
    jobs = product(arena, &jobs, &blocks);
  }
  return linear_text(arena, &jobs);
}

void generate_open_call(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  const Slots slots = slots_find(p, s);
  Text titles = {.arena = e->arena};
  step_titles(&titles, s);
  emit_comment(e, "%s", titles.at);
  emit_open_block(e);
  emit(e, "%s_args args = {", e->prefix);
  for (int i = 0; i < slots.nin; i++) emit(e, "    .in%d = %s,", i, emit_buffer(e, p, slots.in[i]));
  for (int i = 0; i < slots.nout; i++)
    emit(e, "    .out%d = %s,", i, emit_buffer(e, p, slots.out[i]));
  emit(e, "    .memory = %s,", emit_worker_memory(e, p));
  if (entry > PLAN_FORWARD) emit(e, "    .scalar = ctx->scalar,");
  emit(e, "    .batch = %s};", entry == PLAN_PREPARE ? "1" : "n");
}

/* Runs all jobs of a step, or of one inside `sample`. */
static void run_jobs(Emit *e, const Plan *p, PlanEntry entry, const Step *sample, const Step *s) {
  const Slots slots = slots_find(p, sample ? sample : s);
  const char *function = emitted_function(e, job_key(e, p, entry, sample, s, &slots));
  if (s->parallel)
    emit(e, "%s_parallel(ctx, %s, %s, &args);", e->prefix, jobs_text(e->arena, s), function);
  else
    emit(e, "%s(&args, 0, 0);", function);
}

static void open_timer(Emit *e, int timer) {
  if (timer >= 0) emit(e, "const double begin = %s_enter(ctx);", e->prefix);
}

static void close_timer(Emit *e, int timer) {
  if (timer >= 0) emit(e, "%s_leave(ctx, %d, begin);", e->prefix, timer);
}

static void run_part(Emit *e, const Plan *p, PlanEntry entry, const Step *sample, const Step *s) {
  const int timer = e->profile ? profile_index(p, entry, s) : -1;
  if (timer >= 0) emit_open_block(e);
  open_timer(e, timer);
  run_jobs(e, p, entry, sample, s);
  close_timer(e, timer);
  if (timer >= 0) emit_close(e);
}

/* Samples beside each other where threads then wait for a fifth of the time at most; else one after
 * another, and each kernel is spread over the threads. Timers tell of kernels, so they want the
 * latter. */
static void run_samples(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  const char *beside = "(n + ctx->threads - 1) / ctx->threads * ctx->threads <= n + n / 4";
  if (e->profile) beside = arena_printf(e->arena, "!ctx->profile && (%s)", beside);
  BLOCK(e, "if (%s)", beside) {
    run_jobs(e, p, entry, NULL, s);
  }
  BLOCK(e, "else")
  BLOCK(e, "for (int sample = 0; sample < n; sample++)") {
    emit(e, "args.sample = sample;");
    for (int i = 0; i < s->body.n; i++) run_part(e, p, entry, s, s->body.at[i]);
  }
}

void generate_run(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  if (generate_parts(s))
    run_samples(e, p, entry, s);
  else
    run_jobs(e, p, entry, NULL, s);
}

void generate_call(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  const int timer = e->profile && !generate_parts(s) ? profile_index(p, entry, s) : -1;
  generate_open_call(e, p, entry, s);
  open_timer(e, timer);
  generate_run(e, p, entry, s);
  close_timer(e, timer);
  emit_close(e);
}

/* What helpers in vectors may touch. */
static void helper_facts(Emit *e, const Target *target) {
  const char *const row[][2] = {{"zip", "to"}, {"zip", "from"}, {"transpose", "block"}};
  for (int i = 0; i < COUNT(row); i++)
    emit_fact(e, arena_printf(e->arena, "%s_%s", target->name, row[i][0]), row[i][1], 0,
              target->lanes - 1);
}

static void add_runtime(Emit *e, const char *name) {
  emit_text(e, runtime_file(name));
  emit_line(e);
}

void generate_helpers(Emit *e) {
  add_runtime(e, "c/scalar.h");
}

void generate_vectors(Emit *e, const Target *target) {
  if (target->lanes == 1) return;
  add_runtime(e, target->simd);
  add_runtime(e, "c/simd_math.h");
  helper_facts(e, target);
}

void generate_types(Emit *e, const Plan *p) {
  int nin = 1, nout = 1;
  for (; p; p = p->next)
    for (int entry = 0; entry < PLAN_ENTRIES; entry++)
      for (int i = 0; p->entry[entry].exists && i < p->entry[entry].step.n; i++) {
        const Slots slots = slots_find(p, p->entry[entry].step.at[i]);
        if (slots.nin > nin) nin = slots.nin;
        if (slots.nout > nout) nout = slots.nout;
      }
  emit_comment(e, "What the jobs of a step share: the tensors that they read and write.");
  emit(e, "typedef struct %s_args {", e->prefix);
  for (int i = 0; i < nin; i++) emit(e, "  const void *in%d;", i);
  for (int i = 0; i < nout; i++) emit(e, "  void *out%d;", i);
  emit(e, "  unsigned char *memory; /* of all workers */");
  emit(e, "  const double *scalar;");
  emit(e, "  int batch; /* samples in this call */");
  emit(e, "  int sample; /* the one at hand, where they follow one another */");
  emit(e, "} %s_args;", e->prefix);
  emit_line(e);
}
