/* measure.c - one subject by one algorithm: lowered, emitted with timers, built, run, and compared
 * with the interpreter. See measure.h.
 *
 * Tensors that lay between kernels are copied by kernels of their own, in lanes where they fill
 * them, so that the algorithm finds and leaves them as in its network; timers count the steps of
 * the algorithm only. */
#include "measure.h"
#include "library.h"
#include "plan_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The numbers that the program fills its inputs with. */
#include "../runtime/program/noise.h"

enum { MOST_SAMPLES = 4096, LEAST_SAMPLES = 64, MOST_TERMS = 1 << 25 };

/* ---- a plan for one kernel ---- */

typedef struct Alone {
  Unit *u;
  const Graph *g;
  const Kernel *k; /* as pass fuse makes it: tensors are buffers */
  const Algo *algo;
  Plan *plan;
  Decisions decision;
} Alone;

static bool is_kept(const char *name) {
  return strncmp(name, SUBJECT_KEPT, sizeof SUBJECT_KEPT - 1) == 0;
}

static int copy_buffer(Plan *p, int like, const char *name) {
  Buffer b = p->buffer.at[like];
  b.name = name;
  b.home = HOME_WORK;
  b.phase = PHASE_CALL;
  return plan_buffer(p, b);
}

/* A tensor of whole vectors of channels lies in lanes, as who writes it decides; or of images, if
 * the algorithm wants that. */
static void ask_for_lanes(Alone *a, int buffer, const char *writer) {
  const Buffer *b = &a->plan->buffer.at[buffer];
  const bool images = a->algo->wants == LAYOUT_BATCH;
  const Format lanes = images ? format_batch(a->plan, &b->type) : format_lanes(a->plan, &b->type);
  Decision d = {.entry = PLAN_FORWARD, .kernel = writer};
  if (lanes.lane_axis < 0 || (!images && b->type.dim[lanes.lane_axis].plus < lanes.lanes)) return;
  vec_push(a->u->arena, &d.result, images ? LAYOUT_BATCH : LAYOUT_LANES);
  vec_push(a->u->arena, &a->decision, d);
}

/* Copies in front of the kernel and behind it. */
static void add_copies(Alone *a) {
  Plan *p = a->plan;
  Arena *arena = a->u->arena;
  Steps *steps = &p->entry[PLAN_FORWARD].step, all = {0};
  Step *leaf = steps->at[0];
  Kernel *k = leaf->run;
  const int buffers = p->buffer.n;
  for (int b = 0; b < buffers; b++) {
    if (p->buffer.at[b].home != HOME_INPUT || !is_kept(p->buffer.at[b].name)) continue;
    const int copy = copy_buffer(p, b, arena_printf(arena, "%s.in", p->buffer.at[b].name));
    vec_push(arena, &all, plan_copy(p, b, copy, NULL));
    for (int i = 0; i < k->nin; i++)
      if (k->in[i].tensor == b) k->in[i].tensor = copy;
    ask_for_lanes(a, copy, p->buffer.at[copy].name);
  }
  vec_push(arena, &all, leaf);
  const int out = k->out[0].to.tensor;
  if (is_kept(a->g->entry[ENTRY_FORWARD].want_name.at[0])) {
    k->out[0].to.tensor = copy_buffer(p, out, SUBJECT_KEPT ".out");
    vec_push(arena, &all, plan_copy(p, k->out[0].to.tensor, out, NULL));
    ask_for_lanes(a, k->out[0].to.tensor, k->name);
  }
  *steps = all;
}

static bool plan_alone(Alone *a, const Target *target, const Subject *s, const Algo *algo) {
  Unit *u = a->u;
  Graph *g = graph_parse(u, s->graph);
  if (!g) BUG("the network of kernel %s cannot be read", s->layer);
  PlanOptions options = {.target = target,
                         .max_batch = s->batch,
                         .cold = s->cold,
                         .max_error = INFINITY,
                         .decision = &a->decision,
                         .apart = true};
  const char *asked = arena_printf(u->arena, SUBJECT_KERNEL "=%s", algo->name);
  vec_push(u->arena, &options.algo, asked);
  a->g = g;
  a->algo = algo;
  a->plan = pass_fuse(g, &options);
  a->k = plan_leaf(a->plan, a->plan->entry[PLAN_FORWARD].step.at[0]->run)->run;
  add_copies(a);
  pipeline_finish(a->plan, &options);
  for (int i = 0; i < a->plan->choice.n; i++)
    if (a->plan->choice.at[i].taken) return strcmp(a->plan->choice.at[i].algo, algo->name) == 0;
  return false;
}

/* "0110": which top-level steps belong to the algorithm. */
static const char *timers(const Alone *a) {
  const Steps *steps = &a->plan->entry[PLAN_FORWARD].step;
  char *text = arena_alloc(a->u->arena, (size_t)steps->n + 1);
  for (int i = 0; i < steps->n; i++) text[i] = step_algo(steps->at[i]) ? '1' : '0';
  return text;
}

/* Buffers of the algorithm's own. */
static int64_t workspace(const Alone *a, int threads) {
  const Plan *p = a->plan;
  int64_t bytes = threads * p->worker_bytes[PLAN_FORWARD];
  for (int b = 0; b < p->buffer.n; b++) {
    const Buffer *buffer = &p->buffer.at[b];
    if (buffer->home == HOME_WORK && buffer->depth == 0 &&
        strncmp(buffer->name, SUBJECT_KERNEL, sizeof SUBJECT_KERNEL - 1) == 0)
      bytes += buffer_bytes(buffer, p->max_batch);
  }
  return bytes;
}

/* ---- the program ---- */

/* Operands are noise around 0; what an epilogue reads is around 1, so that it may be divided by. */
static void noise_of_input(const Alone *a, int input, double *middle, double *reach) {
  *middle = 1;
  *reach = 0.5;
  for (int i = 0; i < a->k->nin; i++) {
    const Buffer *b = &a->plan->buffer.at[a->k->in[i].tensor];
    if (b->home != HOME_INPUT || b->index != input || !kernel_is_operand(a->k, i)) continue;
    *middle = 0;
    *reach = 1;
  }
}

static const char *program_text(const Alone *a) {
  Arena *arena = a->u->arena;
  const Graph *g = a->g;
  const int64_t n = a->plan->max_batch;
  Text out = {.arena = arena}, call = {.arena = arena}, sizes = {.arena = arena},
       middles = {.arena = arena}, reaches = {.arena = arena};
  for (int i = 0; i < g->input.n; i++) {
    double middle, reach;
    noise_of_input(a, i, &middle, &reach);
    text_add(&sizes, "%" PRId64 ", ", type_size(&g->input.at[i].type, n));
    text_add(&middles, "%.1ff, ", middle);
    text_add(&reaches, "%.1ff, ", reach);
    text_add(&call, ", (const void *)in[%d]", i);
  }
  text_add(&out,
           "#define _XOPEN_SOURCE 700\n#include \"net.h\"\n#include <stdio.h>\n"
           "#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n"
           "enum { net_INPUTS = %d, net_COLD = %d };\n"
           "static const size_t net_in_size[] = {%s0}, net_out_size = %" PRId64 ";\n"
           "static const float net_middle[] = {%s0}, net_reach[] = {%s0};\n"
           "static int net_call(net *ctx, int n, char **in, char **out) {\n  (void)in;\n"
           "  return net_forward(ctx, n%s, (void *)out[0]);\n}\n",
           g->input.n, a->plan->cold, sizes.n ? sizes.at : "",
           type_size(graph_output_type(a->g, 0), n), middles.n ? middles.at : "",
           reaches.n ? reaches.at : "", call.n ? call.at : "");
  library_program(&out, "net", "program/host.c");
  library_program(&out, "net", "program/once.c");
  library_program(&out, "net", "program/noise.h");
  library_program(&out, "net", "program/bench.c");
  return out.at;
}

/* ---- the error ---- */

static double **operands(const Alone *a) {
  Arena *arena = a->u->arena;
  const Graph *g = a->g;
  double **value = NEW_ARRAY(arena, double *, a->plan->buffer.n);
  double **param = params_seeded(g, 1);
  for (int b = 0; b < a->plan->buffer.n; b++) {
    const Buffer *buffer = &a->plan->buffer.at[b];
    if (buffer->home == HOME_PARAM) value[b] = param[buffer->index];
    if (buffer->home == HOME_CONST) value[b] = (double *)(uintptr_t)buffer->value;
    if (buffer->home != HOME_INPUT) continue;
    const int64_t size = type_size(&buffer->type, a->plan->max_batch);
    double middle, reach;
    noise_of_input(a, buffer->index, &middle, &reach);
    value[b] = NEW_ARRAY(arena, double, size);
    for (int64_t i = 0; i < size; i++)
      value[b][i] = (float)middle + (float)reach * NAME_noise((uint64_t)buffer->index, (uint64_t)i);
  }
  return value;
}

/* One point of the free loops, drawn by its number. */
static void draw_point(const Alone *a, int sample, Range *range) {
  const Kernel *k = a->k;
  for (int l = 0; l < k->nloop; l++) {
    const int64_t extent = extent_at(k->loop[l].extent, a->plan->max_batch);
    const double unit = (NAME_noise(77 + (uint64_t)l, (uint64_t)sample) + 1.0) / 2;
    const int64_t at = (int64_t)(unit * (double)extent);
    range[l] = k->loop[l].reduced ? (Range){0, extent} : (Range){at, at + 1};
  }
}

/* As many as do not sum too many terms. */
static int count_samples(const Alone *a) {
  const int64_t samples = MOST_TERMS / kernel_points(a->k, true, a->plan->max_batch);
  return samples > MOST_SAMPLES    ? MOST_SAMPLES
         : samples < LEAST_SAMPLES ? LEAST_SAMPLES
                                   : (int)samples;
}

static int64_t place_of(const Kernel *k, const Array *result, const Range *range) {
  int64_t at[MAX_RANK];
  for (int d = 0; d < k->out[0].to.rank; d++) {
    at[d] = k->out[0].to.at[d].plus;
    for (int l = 0; l < k->nloop; l++) at[d] += k->out[0].to.at[d].coef[l] * range[l].lo;
  }
  return array_offset(result, at);
}

double measure_relative(double wrong, double right) {
  return right > 0 ? sqrt(wrong / right) : sqrt(wrong);
}

/* Sampled elements of the result, beside the same kernel in double. */
static double error_of(const Alone *a, const float *result) {
  Arena *arena = a->u->arena;
  const Plan *p = a->plan;
  const int64_t n = p->max_batch;
  double **value = operands(a), scalar[SCALARS] = {0}, wrong = 0, right = 0;
  Array *array = NEW_ARRAY(arena, Array, p->buffer.n);
  for (int i = 0; i < a->k->nin; i++) {
    const int b = a->k->in[i].tensor;
    array[b] = array_new(NULL, &p->buffer.at[b].type, n);
    array[b].at = value[b];
  }
  const int to = a->k->out[0].to.tensor;
  array[to] = array_new(arena, graph_output_type(a->g, 0), n);
  const int samples = count_samples(a);
  for (int s = 0; s < samples; s++) {
    Range range[MAX_LOOPS];
    draw_point(a, s, range);
    kernel_run(a->k, array, scalar, range, n);
    const int64_t at = place_of(a->k, &array[to], range);
    const double want = array[to].at[at], miss = result[at] - want;
    wrong += miss * miss;
    right += want * want;
  }
  return measure_relative(wrong, right);
}

/* ---- running ---- */

static bool run_program(Alone *a, const Options *o, const char *folder, Measurement *m) {
  Unit *u = a->u;
  const char *report = arena_printf(u->arena, "%s/report", folder),
             *output = arena_printf(u->arena, "%s/out", folder);
  TextList words = program_words(u, o, folder);
  const char *const arguments[] = {arena_printf(u->arena, "%d", program_threads(o)),
                                   arena_printf(u->arena, "%g", o->seconds ? o->seconds : 0.2),
                                   timers(a),
                                   report,
                                   output,
                                   NULL};
  for (int i = 0; i < COUNT(arguments); i++) vec_push(u->arena, &words, arguments[i]);
  const int errors = u->errors, status = toolchain_run(u, words.at, NULL);
  if (status && u->errors == errors)
    usage_error(u, "the program that measures %s", toolchain_ending(u, status));
  if (u->errors > errors) return false;
  size_t size;
  char *text = file_read(u, report, &size), *end, *result = file_read(u, output, &size);
  if (!text || !result) return false;
  if (size != (size_t)type_size(graph_output_type(a->g, 0), a->plan->max_batch) * sizeof(float))
    BUG("%zu bytes of a result", size);
  m->least = strtod(text, &end);
  m->median = strtod(end, NULL);
  m->error = error_of(a, (const float *)(const void *)result);
  return true;
}

static bool measure_alone(Alone *a, const Options *o, Measurement *m) {
  Options options = *o;
  options.profile = options.no_validate = true;
  const char *folder = toolchain_folder(a->u);
  if (!folder) return false;
  const bool done = program_build(a->u, &options, a->plan, folder, program_text(a)) &&
                    run_program(a, o, folder, m);
  toolchain_remove(a->u, folder);
  return done;
}

static Alone alone_new(Unit *u, const Target *target, const Subject *s, const Algo *algo) {
  Alone a = {.u = unit_new()};
  a.u->messages = u->messages;
  a.u->json_diagnostics = u->json_diagnostics;
  if (!plan_alone(&a, target, s, algo)) BUG("%s does not serve %s alone", algo->name, s->layer);
  return a;
}

static double predicted(const Alone *a) {
  for (int i = 0; i < a->plan->choice.n; i++)
    if (a->plan->choice.at[i].taken) return a->plan->choice.at[i].predicted;
  return 0;
}

double measure_estimate(Unit *u, const Target *target, const Subject *s, const Algo *algo) {
  Alone a = alone_new(u, target, s, algo);
  const double seconds = predicted(&a);
  unit_free(a.u);
  return seconds;
}

bool measure(Unit *u, const Options *o, const Target *target, const Subject *s, const Algo *algo,
             Measurement *m) {
  Alone a = alone_new(u, target, s, algo);
  *m = (Measurement){
      .algo = algo, .predicted = predicted(&a), .workspace = workspace(&a, program_threads(o))};
  const bool done = measure_alone(&a, o, m);
  u->errors += a.u->errors;
  u->usage_errors += a.u->usage_errors;
  unit_free(a.u);
  return done;
}
