/* file.c - NAME.c: everything around the kernels. Order of the file: what it is; helpers;
 * constants; kernels and their jobs; parameters; the entries; init. Text that does not depend on
 * the network is in runtime/c/. Also NAME_weights.h and NAME.weights, where weights are baked in:
 * NAME.c itself never changes when only weights change. */
#include "file.h"
#include "generate.h"

#include <inttypes.h>
#include <string.h>

enum { ALIGN = 64, HEADER = 64 };

/* ---- what the generators ask for ---- */

const char *emit_buffer(Emit *e, const Plan *plan, int buffer) {
  const Buffer *b = &plan->buffer.at[buffer];
  const char *member = NULL;
  switch (b->home) {
  case HOME_INPUT:
  case HOME_OUTPUT: return library_argument(e->arena, plan, b->home, b->index);
  case HOME_CONST: return arena_printf(e->arena, "%s_const%d", e->prefix, buffer);
  case HOME_PARAM: member = "params"; break;
  case HOME_DERIVED: member = "derived"; break;
  case HOME_STATE: member = "state"; break;
  case HOME_GRAD: member = "grads"; break;
  case HOME_KEPT: member = "kept"; break;
  case HOME_WORK: member = "work"; break;
  }
  return arena_printf(e->arena, "(ctx->%s + %" PRId64 ")", member, b->offset);
}

static int64_t round_up(int64_t bytes) {
  return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* All entries share one work memory: the largest shared part, then the workers' parts. */
static int64_t shared_work(const Plan *plan) {
  int64_t bytes = ALIGN;
  for (int i = 0; i < PLAN_ENTRIES; i++)
    if (plan->work_bytes[i] > bytes) bytes = plan->work_bytes[i];
  return round_up(bytes);
}

const char *emit_worker_memory(Emit *e, const Plan *plan, PlanEntry entry) {
  (void)entry;
  return arena_printf(e->arena, "(ctx->work + %" PRId64 ")", shared_work(plan));
}

/* ---- parameters ---- */

static void find_params(Library *l) {
  const Plan *plan = l->plan;
  for (int i = 0; i < plan->graph->param.n; i++)
    for (int b = 0; b < plan->buffer.n; b++)
      if (plan->buffer.at[b].home == HOME_PARAM && plan->buffer.at[b].index == i) {
        vec_push(l->arena, &l->param, i);
        vec_push(l->arena, &l->buffer, b);
        break;
      }
}

static bool is_held(const Library *l, int param) {
  for (int i = 0; i < l->param.n; i++)
    if (l->param.at[i] == param) return true;
  return false;
}

static void add_param_tables(Text *out, const Library *l) {
  const Graph *g = l->plan->graph;
  const char *p = l->o->prefix;
  text_add(out, "const %s_param %s_params[] = {\n", p, p);
  for (int i = 0; i < l->param.n; i++) {
    const Param *param = &g->param.at[l->param.at[i]];
    text_add(out, "    {\"%s\", %d, {", param->name, param->type.rank);
    for (int a = 0; a < param->type.rank; a++)
      text_add(out, "%s%" PRId64, a ? ", " : "", extent_at(param->type.dim[a], 1));
    text_add(out, "%s}, %" PRId64 "},\n", param->type.rank ? "" : "0", type_size(&param->type, 1));
  }
  text_add(out, "%s};\n\n", l->param.n ? "" : "    {NULL, 0, {0}, 0}\n");
  text_add(out,
           "/* Where each begins, and its initial values: center + bound * (-1 ... 1). */\n"
           "static const struct {\n  size_t offset;\n  double center, bound;\n} %s_places[] = {\n",
           p);
  for (int i = 0; i < l->param.n; i++) {
    double center, bound;
    param_init(&g->param.at[l->param.at[i]], &center, &bound);
    text_add(out, "    {%" PRId64 ", %s, %s},\n", l->plan->buffer.at[l->buffer.at[i]].offset,
             emit_number(l->arena, center, F64), emit_number(l->arena, bound, F64));
  }
  text_add(out, "%s};\n\n", l->param.n ? "" : "    {0, 0, 0}\n");
  text_add(out,
           "/* Parameters of layers that inference does not need: files may hold them. */\n"
           "static const char *const %s_unused[] = {",
           p);
  for (int i = 0; i < g->param.n; i++)
    if (!is_held(l, i) && !g->param.at[i].fixed) text_add(out, "\"%s\", ", g->param.at[i].name);
  text_add(out, "NULL};\n\n");
}

/* ---- constants ---- */

/* The physical elements of a buffer that holds `value`; what lies outside its box is the fill. */
static double *physical_values(Arena *arena, const Plan *plan, const Buffer *b, int64_t *size) {
  Layout layout = buffer_layout(plan, b, 1);
  double *result = NEW_ARRAY(arena, double, layout.size);
  int64_t at[MAX_RANK] = {0}, n = type_size(&b->type, 1);
  for (int64_t i = 0; i < layout.size; i++) result[i] = b->format.fill;
  for (int64_t i = 0; i < n; i++) {
    int64_t place = layout.origin;
    for (int a = 0; a < b->type.rank; a++)
      place += a == layout.lane_axis
                   ? at[a] / layout.lanes * layout.stride[a] + at[a] % layout.lanes
                   : at[a] * layout.stride[a];
    result[place] = b->value[i];
    for (int a = b->type.rank - 1; a >= 0 && ++at[a] == extent_at(b->type.dim[a], 1); a--)
      at[a] = 0;
  }
  *size = layout.size;
  return result;
}

static void add_values(Text *out, Arena *arena, const double *value, int64_t size, DType dtype) {
  for (int64_t i = 0; i < size; i++)
    text_add(out, "%s%s",
             i == 0       ? "\n    "
             : i % 8 == 0 ? ",\n    "
                          : ", ",
             emit_number(arena, value[i], dtype));
}

static void add_constants(Text *out, const Library *l) {
  for (int b = 0; b < l->plan->buffer.n; b++) {
    const Buffer *buffer = &l->plan->buffer.at[b];
    if (buffer->home != HOME_CONST) continue;
    int64_t size;
    double *value = physical_values(l->arena, l->plan, buffer, &size);
    text_add(out, "/* %s */\nstatic const %s %s_const%d[%" PRId64 "] = {", buffer->name,
             buffer->format.dtype == F64 ? "double" : "float", l->o->prefix, b, size);
    add_values(out, l->arena, value, size, buffer->format.dtype);
    text_add(out, "};\n\n");
  }
}

/* ---- baked weights ---- */

/* NAME_weights.h: the same bits as NAME.weights holds, as decimal numbers that read back exactly.
 */
static void add_embedded(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  const float *value = l->o->derived;
  int64_t size = l->o->derived_bytes / (int64_t)sizeof *value;
  text_add(out, "/* %s_weights.h - parameters of the network \"%s\" as %s.c wants them. */\n",
           l->name, l->plan->graph->name, l->name);
  text_add(out,
           "#if %s_HASH != 0x%016" PRIx64 "\n#error \"these weights belong to another %s.c\"\n"
           "#endif\n",
           p, l->hash, l->name);
  text_add(out, "static const float %s_weights[%" PRId64 "]%s = {", p, size ? size : 1,
           l->plan->target->lanes > 1 ? "\n    __attribute__((aligned(64)))" : "");
  for (int64_t i = 0; i < size; i++)
    text_add(out, "%s%s",
             i == 0       ? "\n    "
             : i % 8 == 0 ? ",\n    "
                          : ", ",
             emit_number(l->arena, value[i], F32));
  text_add(out, "%s};\n", size ? "" : "0");
}

static void add_little(Text *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) {
    char byte = (char)(unsigned char)(value >> 8 * i);
    text_append(out, &byte, 1);
  }
}

/* NAME.weights: NAME_header of runtime/c/header.c, then the bytes. */
static void add_packed(Text *out, const Library *l) {
  static const char zero[32];
  *out = (Text){.arena = l->arena, .cap = (size_t)l->params_bytes + 1};
  out->at = arena_alloc(l->arena, out->cap);
  text_append(out, "CNNCPAR\n", 8);
  add_little(out, 1, 4);
  add_little(out, 1, 4);
  add_little(out, l->hash, 8);
  add_little(out, (uint64_t)l->params_bytes, 8);
  text_append(out, zero, sizeof zero);
  text_append(out, l->o->derived, (size_t)l->o->derived_bytes);
}

/* ---- entries ---- */

static bool any_parallel(const Steps *steps) {
  for (int i = 0; i < steps->n; i++)
    if (steps->at[i]->parallel || any_parallel(&steps->at[i]->body)) return true;
  return false;
}

static void add_kernels(Emit *e, const Library *l, PlanEntry entry) {
  const Steps *steps = &l->plan->entry[entry].step;
  for (int i = 0; i < steps->n; i++) generate_kernel(e, l->plan, entry, steps->at[i]);
}

static void add_calls(Emit *e, const Library *l, PlanEntry entry) {
  const Steps *steps = &l->plan->entry[entry].step;
  for (int i = 0; i < steps->n; i++) generate_call(e, l->plan, entry, steps->at[i]);
}

static void add_prepare(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  emit_comment(e, "Computes the weights that the kernels read from those that were loaded.");
  BLOCK(e, "static void %s_prepare(const %s *ctx)", p, p) {
    if (l->plan->entry[PLAN_PREPARE].step.n == 0) emit(e, "(void)ctx;");
    if (l->plan->entry[PLAN_PREPARE].step.n > 0) emit(e, "enum { n = 1 };");
    add_calls(e, l, PLAN_PREPARE);
  }
  emit_line(e);
}

static void add_forward(Emit *e, const Library *l) {
  const char *p = l->o->prefix;
  Text null = {.arena = l->arena};
  for (int i = 0; i < l->plan->graph->input.n; i++)
    if (library_reads(l->plan, i))
      text_add(&null, " || !%s", library_argument(l->arena, l->plan, HOME_INPUT, i));
  for (int i = 0; i < l->plan->graph->entry[ENTRY_FORWARD].want.n; i++)
    text_add(&null, " || !%s", library_argument(l->arena, l->plan, HOME_OUTPUT, i));
  BLOCK(e, "int %s_forward(%s *ctx, int n%s)", p, p, library_arguments(l)) {
    emit(e, "if (!ctx%s) return %s_E_NULL;", null.n ? null.at : "", p);
    emit(e, "if (n < 1 || n > %s_MAX_BATCH) return %s_E_BATCH;", p, p);
    if (l->o->weights_as == WEIGHTS_LOADED) {
      emit(e, "int status = %s_ready(ctx);", p);
      emit(e, "if (status) return status;");
    }
    add_calls(e, l, PLAN_FORWARD);
    emit(e, "return %s_OK;", p);
  }
}

static void add_facts(Emit *e, const Library *l) {
  const Plan *plan = l->plan;
  const char *forward = arena_printf(l->arena, "%s_forward", l->o->prefix);
  for (int i = 0; i < plan->graph->input.n; i++)
    if (library_reads(plan, i))
      emit_fact(e, forward, library_argument(l->arena, plan, HOME_INPUT, i), 0,
                type_size(&plan->graph->input.at[i].type, plan->max_batch) - 1);
  const Entry *entry = &plan->graph->entry[ENTRY_FORWARD];
  for (int i = 0; i < entry->want.n; i++)
    emit_fact(e, forward, library_argument(l->arena, plan, HOME_OUTPUT, i), 0,
              type_size(&plan->graph->node.at[entry->want.at[i]].type, plan->max_batch) - 1);
  emit_fact(e, NULL, "params", 0, plan->param_bytes + plan->derived_bytes - 1);
  emit_fact(e, NULL, "derived", 0, plan->derived_bytes - 1);
  emit_fact(e, NULL, "header", 0, HEADER + plan->param_bytes + plan->derived_bytes - 1);
  emit_fact(e, NULL, "work", 0, l->work_bytes + l->worker_bytes - 1);
}

/* ---- NAME.c ---- */

static void add_includes(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "#include \"%s.h\"\n\n#include <math.h>\n#include <string.h>\n", l->name);
  if (l->o->weights_as == WEIGHTS_LOADED)
    text_add(out, "#ifndef %s_NO_STDIO\n#include <stdio.h>\n#endif\n", p);
  if (l->o->openmp)
    text_add(out, "#ifdef _OPENMP\n#include <omp.h>\n#define %s_OPENMP\n#endif\n", p);
  text_add(out, "\n");
}

static void add_params(Emit *e, const Library *l) {
  static const char *const loaded[] = {"c/random.c", "c/header.c", "c/safetensors.c", "c/params.c"};
  static const char *const packed[] = {"c/header.c", "c/packed.c"};
  static const char *const embedded[] = {"c/embedded.c"};
  const char *const *files[] = {
      [WEIGHTS_LOADED] = loaded, [WEIGHTS_FILE] = packed, [WEIGHTS_EMBED] = embedded};
  static const int count[] = {[WEIGHTS_LOADED] = 4, [WEIGHTS_FILE] = 2, [WEIGHTS_EMBED] = 1};
  emit(e, "enum { %s_RAW_BYTES = %" PRId64 " };", e->prefix, l->plan->param_bytes);
  emit_line(e);
  if (l->o->weights_as == WEIGHTS_LOADED) {
    add_param_tables(e->out, l);
    add_prepare(e, l);
  }
  for (int i = 0; i < count[l->o->weights_as]; i++) {
    library_template(e->out, l, files[l->o->weights_as][i]);
    emit_line(e);
  }
}

static void add_cpu(Emit *e, const Target *target) {
  emit_comment(e, "Has this processor what the kernels need?");
  BLOCK(e, "static int %s_cpu(void)", e->prefix)
  emit(e, "return %s;", target->cpu ? target->cpu : "1");
  emit_line(e);
}

/* Everything of NAME.c that the hash covers. */
static void add_body(Emit *e, const Library *l) {
  bool loaded = l->o->weights_as == WEIGHTS_LOADED;
  add_includes(e->out, l);
  generate_helpers(e, l->plan->target);
  if (l->o->weights_as == WEIGHTS_EMBED) emit(e, "#include \"%s_weights.h\"", l->name);
  emit_line(e);
  library_template(e->out, l, "c/errors.c");
  emit_line(e);
  if (any_parallel(&l->plan->entry[PLAN_FORWARD].step) ||
      (loaded && any_parallel(&l->plan->entry[PLAN_PREPARE].step))) {
    library_template(e->out, l, "c/parallel.c");
    emit_line(e);
  }
  add_constants(e->out, l);
  generate_types(e, l->plan);
  if (loaded) add_kernels(e, l, PLAN_PREPARE);
  add_kernels(e, l, PLAN_FORWARD);
  add_params(e, l);
  add_cpu(e, l->plan->target);
  library_template(e->out, l, "c/init.c");
  emit_line(e);
  add_forward(e, l);
}

static void add_head(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  Emit e = emit_start(l->arena, out, p, NULL);
  emit_comment(&e,
               "%s.c - inference of the network \"%s\", emitted by cnnc %s:\n%s\nTarget %s: %s. "
               "No compiler flags are needed: cc -std=c11 -O2 -c %s.c. The interface is explained "
               "in %s.h. This file belongs to whoever had it emitted.",
               l->name, l->plan->graph->name, CNNC_VERSION, l->o->command, l->plan->target->name,
               l->plan->target->doc, l->name, l->name);
}

static void add_hash_check(Text *out, const Library *l) {
  text_add(out,
           "\n#if %s_HASH != 0x%016" PRIx64
           "\n#error \"%s.h and %s.c come from different runs of cnnc\"\n#endif\n",
           l->o->prefix, l->hash, l->name, l->name);
}

static uint64_t fnv1a(uint64_t hash, const Text *text) {
  for (size_t i = 0; i < text->n; i++)
    hash = (hash ^ (unsigned char)text->at[i]) * UINT64_C(0x100000001b3);
  return hash;
}

static void add_info(Text *out, const Library *l) {
  Text graph = {.arena = l->arena};
  graph_print(&graph, l->plan->graph);
  text_add(out,
           "\nconst char *%s_info(void) {\n  return \"cnnc %s, network %s (%016" PRIx64
           "), target %s, plan %016" PRIx64 "\";\n}\n",
           l->o->prefix, CNNC_VERSION, l->plan->graph->name,
           fnv1a(UINT64_C(0xcbf29ce484222325), &graph), l->plan->target->name, l->hash);
}

static Text *add_file(Library *l, Emitted *emitted, const char *suffix) {
  EmittedFile file = {.name = arena_printf(l->arena, "%s%s", l->name, suffix),
                      .text = {.arena = l->arena}};
  vec_push(l->arena, &emitted->file, file);
  return &emitted->file.at[emitted->file.n - 1].text;
}

static Library library_new(const Plan *plan, const EmitOptions *o) {
  const char *slash = strrchr(o->base, '/');
  Library l = {.plan = plan, .o = o, .arena = plan->u->arena, .name = slash ? slash + 1 : o->base};
  find_params(&l);
  l.params_bytes = HEADER + plan->param_bytes + plan->derived_bytes;
  if (o->weights_as == WEIGHTS_EMBED) l.params_bytes = 0;
  l.work_bytes = shared_work(plan);
  for (int i = 0; i < PLAN_ENTRIES; i++)
    if (plan->worker_bytes[i] > l.worker_bytes) l.worker_bytes = round_up(plan->worker_bytes[i]);
  return l;
}

void c_emit(const Plan *plan, const EmitOptions *o, Emitted *emitted) {
  Library l = library_new(plan, o);
  Text body = {.arena = l.arena}, header = {.arena = l.arena};
  emitted->prefix = o->prefix;
  Emit e = emit_start(l.arena, &body, o->prefix, emitted);
  add_body(&e, &l);
  add_facts(&e, &l);
  library_header(&header, &l);
  l.hash = fnv1a(fnv1a(UINT64_C(0xcbf29ce484222325), &body), &header);
  Text *source = add_file(&l, emitted, ".c");
  add_head(source, &l);
  const char *include = strstr(body.at, "\n\n"); /* behind the line that includes the header */
  text_append(source, body.at, (size_t)(include - body.at) + 1);
  add_hash_check(source, &l);
  text_append(source, include + 1, body.n - (size_t)(include + 1 - body.at));
  add_info(source, &l);
  library_header(add_file(&l, emitted, ".h"), &l);
  if (o->weights_as == WEIGHTS_EMBED) add_embedded(add_file(&l, emitted, "_weights.h"), &l);
  if (o->weights_as == WEIGHTS_FILE) add_packed(add_file(&l, emitted, ".weights"), &l);
}
