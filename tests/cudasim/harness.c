/* harness.c - see harness.h. The program reads parameters and inputs from the file `in` and writes
 * the outputs to `out`. */
#include "harness.h"
#include "algos.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "../numeric/rounding.h"
#include "harness_program.h"

/* Watching takes ten times the memory: networks with more parameters than this are only run. */
enum { MOST_SETTINGS = 8, WATCHED_BYTES = 32 << 20 };

static const char *name_of(const Simulated *s) {
  return s->plan->graph->name;
}

const char *simulated_path(const Simulated *s, const char *file) {
  return arena_printf(s->u->arena, "%s/%s", s->folder, file);
}

/* ---- networks ---- */

Simulated simulated_options(Options o, WeightsAs as) {
  Simulated s = {.u = unit_new(), .as = as};
  s.folder = toolchain_folder(s.u);
  s.graph = pipeline_read(s.u, &o);
  if (!s.graph) fail_msg("%s is not read", o.network);
  s.param = params_seeded(s.graph, 1);
  s.plan =
      pipeline_plan(s.u, &o, pipeline_read(s.u, &o), target_find(o.target), as != WEIGHTS_LOADED);
  assert_non_null(s.plan);
  return s;
}

Simulated simulated_network(const char *file, const char *target, const char *shape, int batch,
                            WeightsAs as) {
  Options o = {.network = file, .target = target, .batch = batch};
  if (shape) o.input_shape.at = &shape, o.input_shape.n = 1;
  return simulated_options(o, as);
}

void write_network(char *path, const char *json) {
  FILE *file = fdopen(mkstemp(path), "w");
  assert_non_null(file);
  char *text = requoted(json);
  fputs(text, file);
  free(text);
  fclose(file);
}

Simulated simulated_text_options(const char *json, Options o) {
  char path[] = "/tmp/cnnc-cudasim-XXXXXX";
  write_network(path, json);
  o.network = path;
  Simulated s = simulated_options(o, WEIGHTS_LOADED);
  remove(path);
  return s;
}

Simulated simulated_text(const char *json, const char *target, int batch) {
  return simulated_text_options(json, (Options){.target = target, .batch = batch});
}

void simulated_free(Simulated *s) {
  toolchain_remove(s->u, s->folder);
  unit_free(s->u);
}

/* ---- what it gives ---- */

static const Entry *entries(const Simulated *s) {
  return s->plan->graph->entry;
}

int simulated_results(const Simulated *s) {
  const int outputs = entries(s)[ENTRY_FORWARD].want.n;
  return program_trains(s->plan) ? outputs + 1 + entries(s)[ENTRY_BACKWARD].want.n : outputs;
}

typedef struct Result {
  Id id;
  const char *name;
} Result;

static Result entry_value(const Entry *e, int i) {
  return (Result){e->want.at[i], e->want_name.at[i]};
}

static Result result_of(const Simulated *s, int i) {
  const Entry *e = entries(s);
  const int outputs = e[ENTRY_FORWARD].want.n;
  if (i < outputs) return entry_value(&e[ENTRY_FORWARD], i);
  if (i == outputs) return entry_value(&e[ENTRY_TRAIN_FORWARD], 0);
  return entry_value(&e[ENTRY_BACKWARD], i - outputs - 1);
}

const Type *simulated_type(const Simulated *s, int result) {
  return &s->plan->graph->node.at[result_of(s, result).id].type;
}

/* ---- the program ---- */

void simulated_emit(const Simulated *s) {
  const Options o = {.network = name_of(s), .weights_as = s->as};
  Emitted emitted = {0};
  compile_emit(s->u, &o, s->plan, s->as == WEIGHTS_LOADED ? NULL : s->param, name_of(s), name_of(s),
               &emitted);
  assert_true(compile_write(s->u, &emitted, simulated_path(s, "")));
}

void simulated_replace(const Simulated *s, const char *from, const char *to) {
  const char *path = simulated_path(s, arena_printf(s->u->arena, "%s.cu", name_of(s)));
  size_t size;
  const char *text = file_read(s->u, path, &size), *found = text;
  Text changed = {.arena = s->u->arena};
  assert_non_null(strstr(text, from));
  while ((found = strstr(text, from))) {
    text_append(&changed, text, (size_t)(found - text));
    text_add(&changed, "%s", to);
    text = found + strlen(from);
  }
  text_add(&changed, "%s", text);
  assert_true(file_write(s->u, path, changed.at, changed.n));
}

/* Runs a command of words; fails with what it said. */
static void tool(const Simulated *s, const char *const *words) {
  Text output = {.arena = s->u->arena};
  if (toolchain_run(s->u, words, &output) == 0) return;
  for (int i = 0; words[i]; i++) print_error("%s ", words[i]);
  fail_msg("\n%s", output.n ? output.at : "");
}

void simulated_build(const Simulated *s) {
  const char *source = simulated_path(s, arena_printf(s->u->arena, "%s.cu", name_of(s)));
  const char *object = simulated_path(s, "net.o"), *driver = simulated_path(s, "program.cc");
  if (s->program)
    assert_true(file_write(s->u, driver, s->program, strlen(s->program)));
  else
    program_write(s, driver);
  tool(s, (const char *const[]){"g++",
                                "-std=c++14",
                                "-O1",
                                "-g1",
                                "-ffp-contract=off",
                                "-fsanitize=thread",
                                "-Wall",
                                "-Wextra",
                                "-Wshadow",
                                "-Werror",
                                "-Wno-missing-field-initializers",
                                "-Wno-psabi",
                                "-I",
                                CUDASIM,
                                "-x",
                                "c++",
                                "-c",
                                source,
                                "-o",
                                object,
                                s->old ? "-DCUDASIM_NO_WGMMA" : NULL,
                                NULL});
  tool(s, (const char *const[]){"g++", "-std=c++14", "-I", CUDASIM, driver, object, CUDASIM_LIBRARY,
                                "-o", simulated_path(s, "program"), NULL});
}

void simulated_compile(const Simulated *s) {
  const char *source = simulated_path(s, arena_printf(s->u->arena, "%s.cu", name_of(s))),
             *header = simulated_path(s, arena_printf(s->u->arena, "%s.h", name_of(s)));
  tool(s, (const char *const[]){"gcc", "-std=c11", "-Wall", "-Wextra", "-pedantic", "-Werror",
                                "-fsyntax-only", "-x", "c", header, NULL});
  if (system("command -v nvcc > /dev/null") != 0) {
    print_message("nvcc is not installed: %s is not compiled with it\n", name_of(s));
    return;
  }
  tool(s,
       (const char *const[]){"nvcc", arena_printf(s->u->arena, "-arch=%s", s->plan->target->name),
                             "-Werror", "all-warnings", "-Xptxas", "-warn-spills,-Werror", "-cubin",
                             "-o", simulated_path(s, "net.cubin"), source, NULL});
}

/* ---- running ---- */

static double random_value(uint32_t *seed, DType dtype) {
  *seed = *seed * 1664525u + 1013904223u;
  const double unit = (double)(*seed >> 8) / (1 << 24);
  if (dtype == I32) return floor(unit * 4);
  if (dtype == U8) return floor(unit * 256);
  return (float)(2 * unit - 1);
}

void simulated_values(Text *bytes, const double *value, DType dtype, int64_t size) {
  for (int64_t i = 0; i < size; i++) {
    const float real = (float)value[i];
    const int32_t integer = (int32_t)value[i];
    const unsigned char byte = (unsigned char)value[i];
    if (dtype == F32) text_append(bytes, (const char *)&real, sizeof real);
    if (dtype == I32) text_append(bytes, (const char *)&integer, sizeof integer);
    if (dtype == U8) text_append(bytes, (const char *)&byte, sizeof byte);
  }
}

typedef struct Leaves {
  const Simulated *s;
  const SimulatedRun *run;
} Leaves;

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Leaves *l = context;
  const Node *node = &g->node.at[leaf];
  const int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  return node->op == OP_param ? l->s->param[index] : l->run->in[index];
}

static void expect(const Simulated *s, SimulatedRun *r) {
  if (!s->graph) {
    PlanRun run = {
        .input = r->in, .output = r->expected, .param = (double **)(uintptr_t)s->param, .n = r->n};
    plan_run(s->plan, PLAN_FORWARD, &run);
    return;
  }
  Leaves leaves = {s, r};
  const Entry *forward = &s->graph->entry[ENTRY_FORWARD];
  Array *value = graph_run(s->graph, forward->want.at, forward->want.n, r->n, leaf_value, &leaves);
  for (int o = 0; o < forward->want.n; o++) r->expected[o] = value[o].at;
}

SimulatedRun simulated_inputs(const Simulated *s, int n) {
  Arena *arena = s->u->arena;
  const Graph *g = s->plan->graph;
  uint32_t seed = (uint32_t)n;
  SimulatedRun r = {.n = n,
                    .in = NEW_ARRAY(arena, double *, g->input.n + 1),
                    .expected = NEW_ARRAY(arena, double *, simulated_results(s) + 1),
                    .out = NEW_ARRAY(arena, float *, simulated_results(s) + 1)};
  for (int i = 0; i < g->input.n; i++) {
    const Type *type = &g->input.at[i].type;
    const int64_t size = type_size(type, n);
    r.in[i] = NEW_ARRAY(arena, double, size);
    for (int64_t k = 0; k < size; k++) r.in[i][k] = random_value(&seed, type->dtype);
  }
  for (int o = 0; o < simulated_results(s); o++)
    r.expected[o] = NEW_ARRAY(arena, double, type_size(simulated_type(s, o), n));
  expect(s, &r);
  return r;
}

static void write_input(const Simulated *s, const SimulatedRun *r) {
  const Graph *g = s->plan->graph;
  Text bytes = {.arena = s->u->arena};
  for (int i = 0; s->as == WEIGHTS_LOADED && i < g->param.n; i++)
    if (program_holds(s->plan, i))
      simulated_values(&bytes, s->param[i], F32, type_size(&g->param.at[i].type, 1));
  for (int i = 0; i < g->input.n; i++)
    if (program_sends(s->plan, i))
      simulated_values(&bytes, r->in[i], g->input.at[i].type.dtype,
                       type_size(&g->input.at[i].type, r->n));
  assert_true(file_write(s->u, simulated_path(s, "in"), bytes.at, bytes.n));
}

int simulated_start(const Simulated *s, int n, const char *const *settings, Text *messages) {
  const char *words[MOST_SETTINGS + 6] = {"env"};
  int nwords = 1;
  for (int i = 0; settings && settings[i]; i++) words[nwords++] = settings[i];
  words[nwords++] = simulated_path(s, "program");
  words[nwords++] = arena_printf(s->u->arena, "%d", n);
  words[nwords++] = simulated_path(s, "in");
  words[nwords++] = simulated_path(s, "out");
  *messages = (Text){.arena = s->u->arena};
  return toolchain_run(s->u, words, messages);
}

int simulated_run(const Simulated *s, SimulatedRun *r, const char *const *settings) {
  size_t size, at = 0;
  write_input(s, r);
  const int status = simulated_start(s, r->n, settings, &r->messages);
  if (status != 0) return status;
  const char *bytes = file_read(s->u, simulated_path(s, "out"), &size);
  assert_non_null(bytes);
  for (int o = 0; o < simulated_results(s); o++) {
    const int64_t elements = type_size(simulated_type(s, o), r->n);
    r->out[o] = NEW_ARRAY(s->u->arena, float, elements);
    assert_true(at + (size_t)elements * sizeof(float) <= size);
    memcpy(r->out[o], bytes + at, (size_t)elements * sizeof(float));
    at += (size_t)elements * sizeof(float);
  }
  return 0;
}

double simulated_error(const Simulated *s, const SimulatedRun *r, int result) {
  const int64_t size = type_size(simulated_type(s, result), r->n);
  double error = 0, largest = 0;
  for (int64_t i = 0; i < size; i++) {
    const double difference = fabs((double)r->out[result][i] - r->expected[result][i]);
    if (!(difference <= error)) error = difference; /* NaN stays */
    largest = fmax(largest, fabs(r->expected[result][i]));
  }
  return error == 0 ? 0 : error / largest;
}

/* ---- checking ---- */

static void fail_run(const Simulated *s, const SimulatedRun *r, const char *const *settings,
                     const char *what) {
  for (int i = 0; settings[i]; i++) print_error("%s ", settings[i]);
  fail_msg("%s, %s, %d samples: %s\n%s", name_of(s), s->plan->target->name, r->n, what,
           r->messages.n ? r->messages.at : "");
}

double simulated_growth(const Simulated *s) {
  double most = 1;
  for (int i = 0; i < s->plan->choice.n; i++)
    if (s->plan->choice.at[i].taken)
      most = fmax(most, algo_find(s->plan->choice.at[i].algo)->tolerance);
  return most;
}

static const double *tolerances(const Simulated *s, int n, double tolerance) {
  double *result = NEW_ARRAY(s->u->arena, double, simulated_results(s) + 1);
  const double growth = simulated_growth(s);
  double *known = tolerance > 0 ? NULL : NEW_ARRAY(s->u->arena, double, s->graph->node.n);
  for (int o = 0; o < simulated_results(s); o++)
    result[o] = tolerance > 0
                    ? tolerance
                    : growth * rounding_error(s->graph, s->graph->entry[ENTRY_FORWARD].want.at[o],
                                              n, known);
  return result;
}

static void check_run(const Simulated *s, SimulatedRun *r, const char *const *settings,
                      const double *tolerance) {
  Arena *arena = s->u->arena;
  const int status = simulated_run(s, r, settings);
  if (status != 0) fail_run(s, r, settings, arena_printf(arena, "status %d", status));
  for (int o = 0; o < simulated_results(s); o++) {
    const double error = simulated_error(s, r, o);
    if (!(error <= tolerance[o]))
      fail_run(s, r, settings,
               arena_printf(arena, "%s has error %.3g, allowed %.3g", result_of(s, o).name, error,
                            tolerance[o]));
  }
}

static void same_bits(const Simulated *s, const SimulatedRun *a, const SimulatedRun *b) {
  for (int o = 0; o < simulated_results(s); o++)
    assert_memory_equal(a->out[o], b->out[o],
                        (size_t)type_size(simulated_type(s, o), a->n) * sizeof(float));
}

/* ---- orders ---- */

static const char *const orders[] = {"natural", "reverse", "random:7"};
static const char *const delays[] = {"early", "late"};
enum { ALL_WAYS = COUNT(orders) * COUNT(delays), SOME_WAYS = 2 };

int simulated_ways(void) {
  return is_long() ? ALL_WAYS : SOME_WAYS;
}

/* Neighbours differ both in the order and in the delay. */
const char *const *simulated_way(const Simulated *s, int i) {
  static int turn;
  Arena *arena = s->u->arena;
  const char **words = NEW_ARRAY(arena, const char *, MOST_SETTINGS);
  if (!is_long()) i = turn++;
  words[0] = arena_printf(arena, "CUDASIM_ORDER=%s", orders[i % COUNT(orders)]);
  words[1] = arena_printf(arena, "CUDASIM_ASYNC=%s", delays[i % COUNT(delays)]);
  words[2] = s->plan->param_bytes < WATCHED_BYTES ? "CUDASIM_CHECK=1" : "CUDASIM_CHECK=0";
  words[3] = s->plan->precision == PRECISION_F32 ? "CUDASIM_BANKS=0" : "CUDASIM_BANKS=1";
  return words;
}

void simulated_orders(const Simulated *s, const SimulatedRun *inputs, const double *allowed) {
  SimulatedRun first = *inputs, other = *inputs;
  other.out = NEW_ARRAY(s->u->arena, float *, simulated_results(s) + 1);
  check_run(s, &first, simulated_way(s, 0), allowed);
  for (int i = 1; i < simulated_ways(); i++) {
    check_run(s, &other, simulated_way(s, i), allowed);
    same_bits(s, &first, &other);
  }
}

void simulated_check(const Simulated *s, int from, int to, double tolerance) {
  simulated_emit(s);
  simulated_build(s);
  for (int n = from; n <= to; n++) {
    const SimulatedRun inputs = simulated_inputs(s, n);
    simulated_orders(s, &inputs, tolerances(s, n, tolerance));
  }
}
