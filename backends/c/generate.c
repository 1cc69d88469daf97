/* generate.c - Steps become leaf functions, job functions, and calls; see generate.h.
 *
 * A function's key is all that its text depends on: the kernel with its tensors replaced by how
 * they lie in memory, tile, binds and enclosing steps. Functions with equal keys are emitted once,
 * so the blocks of a deep network share theirs. */
#include "leaf.h"

#include <string.h>

enum { MAX_SLOTS = 64 };

/* ---- the buffers of a top-level step ---- */

/* What a job gets: whole buffers that the step's kernels read, and those that they write. Scoped
 * ones lie in the worker's memory. */
typedef struct Slots {
  int in[MAX_SLOTS], nin, out[MAX_SLOTS], nout;
} Slots;

static int find_slot(const int *slot, int n, int buffer) {
  for (int i = 0; i < n; i++)
    if (slot[i] == buffer) return i;
  return -1;
}

static void add_slot(const Plan *p, int *slot, int *n, int buffer) {
  if (p->buffer.at[buffer].depth > 0 || find_slot(slot, *n, buffer) >= 0) return;
  if (*n == MAX_SLOTS) BUG("a step of more than %d buffers", MAX_SLOTS);
  slot[(*n)++] = buffer;
}

static void visit_outs(const Plan *p, const Step *s, Slots *slots) {
  for (int i = 0; i < s->body.n; i++) visit_outs(p, s->body.at[i], slots);
  for (int o = 0; s->run && o < s->run->nout; o++)
    add_slot(p, slots->out, &slots->nout, s->run->out[o].to.tensor);
}

static void visit_ins(const Plan *p, const Step *s, Slots *slots) {
  for (int i = 0; i < s->body.n; i++) visit_ins(p, s->body.at[i], slots);
  for (int i = 0; s->run && i < s->run->nin; i++)
    if (find_slot(slots->out, slots->nout, s->run->in[i].tensor) < 0)
      add_slot(p, slots->in, &slots->nin, s->run->in[i].tensor);
}

static Slots find_slots(const Plan *p, const Step *s) {
  Slots slots = {.nin = 0};
  visit_outs(p, s, &slots);
  visit_ins(p, s, &slots);
  return slots;
}

/* ---- keys ---- */

typedef struct Naming {
  const Plan *p;
  const Slots *slots; /* NULL: every buffer by its form only */
} Naming;

static void print_bind(Text *out, Bind b) {
  if (b.step >= 0) text_add(out, "{%d:%d,%d,%d}", b.step, b.mul, b.from, b.to);
}

/* How a buffer lies in memory, and which of the step's buffers it is. */
static void form_name(const void *context, int tensor, Text *out) {
  const Naming *n = context;
  const Buffer *b = &n->p->buffer.at[tensor];
  const Format *f = &b->format;
  if (n->slots) {
    const int in = find_slot(n->slots->in, n->slots->nin, tensor);
    const int to = find_slot(n->slots->out, n->slots->nout, tensor);
    text_add(out, "%s%d", in >= 0 ? "i" : "o", in >= 0 ? in : to);
    if (b->depth > 0) text_add(out, "@%lld", (long long)b->offset);
  }
  type_print(out, &b->type);
  text_add(out, "%s/%d:%d:%.17g", dtype_name(f->dtype), f->lane_axis, f->lanes, f->fill);
  for (int a = 0; a < b->type.rank; a++) {
    if (f->lo[a] || f->hi[a]) text_add(out, "<%d:%d,%d>", a, f->lo[a], f->hi[a]);
    if (b->depth == 0 || b->part[a].step < 0) continue;
    print_bind(out, b->part[a]);
    text_add(out, "%lld", (long long)b->span[a]);
  }
}

static void step_key(Text *out, const Naming *naming, const Step *s) {
  text_add(out, "for %s ", s->loop ? s->loop : "");
  extent_print(out, s->extent);
  text_add(out, "/%d%s", s->block, s->parallel ? "p" : "");
  if (!s->run) {
    text_add(out, "(");
    for (int i = 0; i < s->body.n; i++) step_key(out, naming, s->body.at[i]);
    text_add(out, ")");
    return;
  }
  Kernel k = *s->run;
  k.name = "k";
  kernel_print(out, &k, form_name, naming);
  for (int l = 0; l < k.nloop; l++) print_bind(out, k.bind[l]);
  for (int i = 0; i < k.tile.n; i++) text_add(out, " %s=%d", k.tile.at[i].name, k.tile.at[i].value);
  text_add(out, " math %d %s", k.math, k.algo ? k.algo : "");
  for (int o = 0; o < k.nout; o++) text_add(out, " %d", k.out[o].combine);
  for (int a = 0; a < k.nfold; a++) text_add(out, " %d", k.fold[a].acc);
}

static const char *job_key(Emit *e, const Plan *p, PlanEntry entry, const Step *s,
                           const Slots *slots) {
  Text key = {.arena = e->arena};
  const Naming naming = {p, slots};
  text_add(&key, "job %lld ", (long long)p->worker_bytes[entry]);
  step_key(&key, &naming, s);
  return key.at;
}

static const char *leaf_key(const Leaf *f, const Step *s) {
  Text key = {.arena = f->e->arena};
  const Naming naming = {f->plan, NULL};
  text_add(&key, "leaf ");
  for (int i = 0; i < f->depth; i++) {
    text_add(&key, "%s ", f->outer[i]->loop);
    extent_print(&key, f->outer[i]->extent);
    text_add(&key, "/%d ", f->outer[i]->block);
  }
  step_key(&key, &naming, s);
  return key.at;
}

/* ---- the comment over a leaf function ---- */

static void input_name(void *context, const Expr *leaf, Text *out) {
  (void)context;
  static const char *const name[] = {
      [E_in] = "in", [E_acc] = "acc", [E_index] = "index", [E_scalar] = "scalar"};
  text_add(out, "%s%d", name[leaf->op], leaf->index);
}

static void print_choices(const Leaf *f, Text *out) {
  const Choice *best = NULL, *next = NULL;
  for (int i = 0; i < f->plan->choice.n; i++) {
    const Choice *c = &f->plan->choice.at[i];
    if (!c->layer || strcmp(c->layer, f->k->name) != 0 || c->predicted < 0) continue;
    if (c->taken)
      best = c;
    else if (!next || c->predicted < next->predicted)
      next = c;
  }
  if (best && next && best->predicted > 0)
    text_add(out, "; next best %s, %+.0f %% estimated", next->algo,
             100 * (next->predicted / best->predicted - 1));
}

static void print_tile(const Leaf *f, Text *out) {
  const Kernel *k = f->k;
  text_add(out, "%s", k->algo);
  const int r = tile_get(&k->tile, "r", 0), vectors = tile_get(&k->tile, "k", 0);
  if (r && vectors && contract_fits(f->plan, k)) text_add(out, ", tile %dx%d vectors", r, vectors);
  if (k->macs > 0) text_add(out, ", %.3g MFLOP a sample", 2e-6 * (double)k->macs);
  print_choices(f, out);
}

/* conv2 + bias + relu  in0 [n,64,56,56], in1 [128,64,3,3] -> [n,128,28,28] */
static void describe(const Leaf *f) {
  const Kernel *k = f->k;
  Text text = {.arena = f->e->arena};
  text_add(&text, "%s ", k->name);
  for (int i = 0; i < k->nin; i++) {
    text_add(&text, "%s in%d ", i ? "," : "", i);
    type_print(&text, &leaf_buffer(f, &k->in[i])->type);
  }
  text_add(&text, " -> ");
  for (int o = 0; o < k->nout; o++) {
    text_add(&text, o ? ", " : "");
    type_print(&text, &leaf_buffer(f, &k->out[o].to)->type);
  }
  static const char *const fold[COMBINES] = {"sum of", "maximum of", "first largest of"};
  for (int a = 0; a < k->nfold; a++) {
    text_add(&text, "\n  acc%d = %s ", a, fold[k->fold[a].op]);
    expr_print(&text, k->fold[a].term, input_name, NULL);
  }
  for (int o = 0; o < k->nout; o++) {
    text_add(&text, "\n  out%d = %s", o, k->out[o].combine ? "sum of " : "");
    expr_print(&text, k->out[o].value, input_name, NULL);
  }
  if (k->algo) {
    text_add(&text, "\n  ");
    print_tile(f, &text);
  }
  emit_comment(f->e, "%s", text.at);
}

/* ---- leaf functions ---- */

static void add_parameter(Leaf *f, Text *list, const char *type, const char *name, int64_t lo,
                          int64_t hi, const char *function) {
  text_add(list, "%s%s%s", list->n ? ", " : "", type, name);
  if (hi >= lo) emit_fact(f->e, function, name, lo, hi);
}

static int64_t block_count(const Step *s, int64_t n) {
  const int64_t extent = extent_at(s->extent, n);
  return (extent + s->block - 1) / s->block;
}

static void buffer_parameter(Leaf *f, Text *list, const View *v, const char *qualifier,
                             const char *function) {
  const Buffer *b = leaf_buffer(f, v);
  const int64_t size = buffer_layout(f->plan, b, f->plan->max_batch).size;
  const char *type = arena_printf(f->e->arena, "%s%s *", qualifier, c_type(b->format.dtype));
  add_parameter(f, list, type, leaf_pointer(f, v), 0, size - 1, function);
}

/* The parameters that the body mentions, with what is known about them. */
static const char *parameters(Leaf *f, const char *function) {
  const int64_t n = f->plan->max_batch;
  Text list = {.arena = f->e->arena};
  for (int i = 0; i < f->k->nin; i++)
    if (f->uses_in[i]) buffer_parameter(f, &list, &f->k->in[i], "const ", function);
  for (int o = 0; o < f->k->nout; o++) buffer_parameter(f, &list, &f->k->out[o].to, "", function);
  if (f->uses_scalar) add_parameter(f, &list, "const double *", "scalar", 0, -1, function);
  if (f->uses_batch) add_parameter(f, &list, "int ", "batch", 1, n, function);
  for (int i = 0; i < f->depth; i++)
    if (f->uses_block[i])
      add_parameter(f, &list, "int ", f->block[i], 0, block_count(f->outer[i], n) - 1, function);
  return list.at;
}

static void leaf_start(Leaf *f, Emit *e, const Plan *p, const Step *s, Step *const *outer,
                       int depth) {
  *f = (Leaf){
      .e = e, .plan = p, .k = kernel_with_roots(p->u, s->run), .outer = outer, .depth = depth};
  for (int i = 0; i < depth; i++) {
    bool again = false;
    for (int j = 0; j < i; j++) again |= strcmp(outer[j]->loop, outer[i]->loop) == 0;
    f->block[i] = again ? arena_printf(e->arena, "%s_part%d", outer[i]->loop, i)
                        : arena_printf(e->arena, "%s_part", outer[i]->loop);
  }
}

static void print_body(Leaf *f, Text *body) {
  Text *file = f->e->out, loops = {.arena = f->e->arena};
  *body = (Text){.arena = f->e->arena};
  f->e->out = &loops;
  f->e->indent = 1;
  f->e->temporaries = 0;
  leaf_ranges(f);
  if (contract_fits(f->plan, f->k))
    contract_body(f);
  else
    loops_body(f);
  f->e->out = body;
  if (f->k->math == F64) emit(f->e, "CNNC_EXACT_BODY");
  leaf_bounds(f, loops.at);
  emit_text(f->e, loops.at);
  leaf_uses(f, body->at);
  f->e->indent = 0;
  f->e->out = file;
}

static const char *target_macro(const Plan *p, Arena *arena) {
  if (!p->target->attribute) return "";
  char *name = arena_copy(arena, p->target->name, strlen(p->target->name));
  for (char *c = name; *c; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  return arena_printf(arena, "CNNC_%s_TARGET ", name);
}

/* Emits the function of a leaf step unless it exists; the call's arguments follow its parameters.
 */
static const char *leaf_function(Leaf *f, PlanEntry entry, const Step *s, Text *body) {
  Emit *e = f->e;
  print_body(f, body);
  const char *key = leaf_key(f, s), *name = emitted_function(e, key);
  if (name) return name;
  const char *kind = entry == PLAN_PREPARE ? "prepare" : "layer";
  name = emit_name(e, arena_printf(e->arena, "%s_%s_%s", e->prefix, kind, f->k->name));
  emitted_add(e, key, name);
  describe(f);
  const char *attribute = f->k->math == F64 ? "CNNC_EXACT " : target_macro(f->plan, e->arena);
  emit(e, "static %svoid %s(%s) {", attribute, name, parameters(f, name));
  emit_text(e, body->at);
  emit(e, "}");
  emit_line(e);
  return name;
}

/* ---- job functions ---- */

typedef struct Job {
  Emit *e;
  const Plan *p;
  PlanEntry entry;
  const Slots *slots;
  Step *outer[MAX_OUTER];
  int depth;
  const char *block[MAX_OUTER];
  bool worker; /* uses memory of its own */
  bool number; /* depends on `job` */
} Job;

/* The pointer that a leaf function gets. */
static const char *argument(Job *j, const View *v, bool writes) {
  const Buffer *b = &j->p->buffer.at[v->tensor];
  Arena *arena = j->e->arena;
  if (b->depth > 0) {
    j->worker = true;
    return arena_printf(arena, "(%s%s *)(void *)(memory + %lld)", writes ? "" : "const ",
                        c_type(b->format.dtype), (long long)b->offset);
  }
  const int in = find_slot(j->slots->in, j->slots->nin, v->tensor);
  if (in >= 0) return arena_printf(arena, "a->in%d", in);
  return arena_printf(arena, "a->out%d", find_slot(j->slots->out, j->slots->nout, v->tensor));
}

static void call_leaf(Job *j, const Step *s, Text *functions) {
  Emit *e = j->e;
  Leaf f;
  Text body, list = {.arena = e->arena}, *calls = e->out;
  leaf_start(&f, e, j->p, s, j->outer, j->depth);
  const int indent = e->indent;
  e->out = functions;
  e->indent = 0;
  const char *function = leaf_function(&f, j->entry, s, &body);
  e->out = calls;
  e->indent = indent;
  for (int i = 0; i < s->run->nin; i++)
    if (f.uses_in[i])
      text_add(&list, "%s%s", list.n ? ", " : "", argument(j, &s->run->in[i], false));
  for (int o = 0; o < s->run->nout; o++)
    text_add(&list, "%s%s", list.n ? ", " : "", argument(j, &s->run->out[o].to, true));
  if (f.uses_scalar) text_add(&list, ", a->scalar");
  if (f.uses_batch) text_add(&list, ", a->batch");
  for (int i = 0; i < j->depth; i++)
    if (f.uses_block[i]) text_add(&list, ", %s", f.block[i]);
  emit(e, "%s(%s);", function, list.at);
}

static const char *block_name(Job *j, const Step *s) {
  bool again = false;
  for (int i = 0; i < j->depth; i++) again |= strcmp(j->outer[i]->loop, s->loop) == 0;
  return again ? arena_printf(j->e->arena, "%s_part%d", s->loop, j->depth)
               : arena_printf(j->e->arena, "%s_part", s->loop);
}

/* The number of blocks of a step, as C text of `n` samples. */
static const char *blocks_text(Arena *arena, const Step *s, const char *n) {
  if (s->extent.per_n == 0) return arena_printf(arena, "%lld", (long long)block_count(s, 1));
  const char *times =
      s->extent.per_n == 1 ? n : arena_printf(arena, "%lld * %s", (long long)s->extent.per_n, n);
  const int64_t more = s->extent.plus + s->block - 1;
  if (s->block == 1 && more == 0) return times;
  return arena_printf(arena, "(%s + %lld) / %d", times, (long long)more, s->block);
}

static void run_step(Job *j, const Step *s, Text *functions);

static void run_body(Job *j, const Step *s, Text *functions) {
  if (j->depth == MAX_OUTER) BUG("steps nest deeper than %d", MAX_OUTER);
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
  const char *name = block_name(j, s);
  BLOCK(j->e, "for (int %s = 0; %s < %s; %s++)", name, name,
        blocks_text(j->e->arena, s, "a->batch"), name) {
    run_body(j, s, functions);
  }
}

/* The parallel steps that enclose all of a top-level step: their blocks are the jobs. */
static int parallel_steps(const Step *s, const Step **level) {
  int n = 0;
  while (!s->run && s->parallel) {
    level[n++] = s;
    if (s->body.n != 1 || n == MAX_OUTER) break;
    s = s->body.at[0];
  }
  return n;
}

/* The inner ones turn fastest. */
static void decode_job(Job *j, const Step *const *level, int n) {
  Arena *arena = j->e->arena;
  const char *rest = "job";
  const char *value[MAX_OUTER];
  for (int i = n - 1; i >= 0; i--) {
    const char *count = blocks_text(arena, level[i], "a->batch");
    const char *divisor = strchr(count, ' ') ? arena_printf(arena, "(%s)", count) : count;
    value[i] = i == 0 ? rest : arena_printf(arena, "%s %% %s", rest, divisor);
    rest = arena_printf(arena, "%s / %s", rest, divisor);
  }
  for (int i = 0; i < n; i++) {
    emit(j->e, "const int %s = %s;", block_name(j, level[i]), value[i]);
    j->outer[j->depth++] = (Step *)(uintptr_t)level[i];
  }
}

static const char *first_name(const Step *s) {
  while (!s->run) s = s->body.at[0];
  return s->run->name;
}

static int64_t max_jobs(const Step *s, int64_t n) {
  const Step *level[MAX_OUTER];
  int64_t jobs = 1;
  for (int i = parallel_steps(s, level) - 1; i >= 0; i--) jobs *= block_count(level[i], n);
  return jobs;
}

static void slot_facts(Job *j, const char *name, const char *member, const int *slot, int n) {
  for (int i = 0; i < n; i++) {
    const Buffer *b = &j->p->buffer.at[slot[i]];
    emit_fact(j->e, name, arena_printf(j->e->arena, "%s%d", member, i), 0,
              buffer_layout(j->p, b, j->p->max_batch).size * dtype_size(b->format.dtype) - 1);
  }
}

/* What is known about a job's parameters and about the members of PREFIX_args that it reads. */
static void job_facts(Job *j, const Step *s, const char *name) {
  emit_fact(j->e, name, "job", 0, max_jobs(s, j->p->max_batch) - 1);
  emit_fact(j->e, name, "batch", 1, j->p->max_batch);
  slot_facts(j, name, "in", j->slots->in, j->slots->nin);
  slot_facts(j, name, "out", j->slots->out, j->slots->nout);
  if (!j->worker) return;
  emit_fact(j->e, name, "worker", 0, FACT_WORKERS - 1);
  emit_fact(j->e, name, "memory", 0, FACT_WORKERS * j->p->worker_bytes[j->entry] - 1);
}

static void print_job(Job *j, const Step *s, const char *name, Text *functions, Text *body) {
  Emit *e = j->e;
  const Step *level[MAX_OUTER];
  const int n = parallel_steps(s, level);
  Text *file = e->out;
  e->out = body;
  e->indent = 1;
  decode_job(j, level, n);
  if (n == 0) {
    run_step(j, s, functions);
  } else {
    const Step *inner = level[n - 1];
    for (int i = 0; i < inner->body.n; i++) run_step(j, inner->body.at[i], functions);
  }
  e->indent = 0;
  e->out = file;
  job_facts(j, s, name);
}

static bool exact(const Step *s) {
  return s->run ? s->run->math == F64 : exact(s->body.at[0]);
}

void generate_kernel(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  const Slots slots = find_slots(p, s);
  const char *key = job_key(e, p, entry, s, &slots);
  if (emitted_function(e, key)) return;
  const char *kind = entry == PLAN_PREPARE ? "prepare_job" : "job";
  const char *name =
      emit_name(e, arena_printf(e->arena, "%s_%s_%s", e->prefix, kind, first_name(s)));
  emitted_add(e, key, name);
  Job j = {.e = e, .p = p, .entry = entry, .slots = &slots};
  Text functions = {.arena = e->arena}, body = {.arena = e->arena};
  print_job(&j, s, name, &functions, &body);
  if (functions.at) emit_text(e, functions.at);
  const char *attribute = exact(s) ? "" : target_macro(p, e->arena);
  BLOCK(e, "static %svoid %s(void *arg, int job, int worker)", attribute, name) {
    emit(e, "const %s_args *a = arg;", e->prefix);
    if (j.worker)
      emit(e, "unsigned char *memory = a->memory + (ptrdiff_t)worker * %lld;",
           (long long)p->worker_bytes[entry]);
    else
      emit(e, "(void)worker;");
    const Step *level[MAX_OUTER];
    if (parallel_steps(s, level) == 0) emit(e, "(void)job;");
    emit_text(e, body.at);
  }
  emit_line(e);
}

/* ---- calls ---- */

static const char *jobs_text(Arena *arena, const Step *s) {
  const Step *level[MAX_OUTER];
  const int n = parallel_steps(s, level);
  const char *jobs = n ? blocks_text(arena, level[0], "n") : "1";
  for (int i = 1; i < n; i++)
    jobs = arena_printf(arena, strchr(jobs, '+') ? "(%s) * (%s)" : "%s * (%s)", jobs,
                        blocks_text(arena, level[i], "n"));
  return jobs;
}

void generate_call(Emit *e, const Plan *p, PlanEntry entry, const Step *s) {
  const Slots slots = find_slots(p, s);
  const char *function = emitted_function(e, job_key(e, p, entry, s, &slots));
  emit(e, "{");
  e->indent++;
  {
    emit(e, "%s_args args = {", e->prefix);
    for (int i = 0; i < slots.nin; i++)
      emit(e, "    .in%d = %s,", i, emit_buffer(e, p, slots.in[i]));
    for (int i = 0; i < slots.nout; i++)
      emit(e, "    .out%d = %s,", i, emit_buffer(e, p, slots.out[i]));
    emit(e, "    .memory = %s,", emit_worker_memory(e, p, entry));
    emit(e, "    .batch = %s};", entry == PLAN_PREPARE ? "1" : "n");
    if (s->parallel)
      emit(e, "%s_parallel(ctx, %s, %s, &args);", e->prefix, jobs_text(e->arena, s), function);
    else
      emit(e, "%s(&args, 0, 0);", function);
  }
  emit_close(e);
}

void generate_helpers(Emit *e, const Target *target) {
  const char *const name[] = {"c/scalar.h", target->simd,
                              target->lanes > 1 ? "c/simd_math.h" : NULL};
  for (int i = 0; i < COUNT(name); i++)
    if (name[i]) {
      emit_text(e, runtime_file(name[i]));
      emit_line(e);
    }
}

void generate_types(Emit *e, const Plan *p) {
  int nin = 1, nout = 1;
  for (int entry = 0; entry < PLAN_ENTRIES; entry++)
    for (int i = 0; p->entry[entry].exists && i < p->entry[entry].step.n; i++) {
      const Slots slots = find_slots(p, p->entry[entry].step.at[i]);
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
  emit(e, "} %s_args;", e->prefix);
  emit_line(e);
}
