/* operators.c - every operator in many shapes, for every target of C that this CPU runs, with every
 * algorithm: the emitted library against the Graph interpreted in double before any pass.
 *
 * The cases are those of reference.json (whose figures PyTorch made) and the shape classes of the
 * tables below. Each is an output of a network that holds many of them, so that few compilations
 * are needed. The tolerance of an output follows from the lengths of the sums it is made of. */
#include "../unit/unit.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "inference.h"
#include "plan.h"

enum { AT_ONCE = 40, SAMPLES = 2, CHANNEL_CLASSES = 3, RANKS = 3 };

/* ---- shape classes: every variant over 1, 2 and 3 axes, on odd numbers of channels; `only`: how
 * many axes it is about, 0: any */

static const struct {
  int only;
  const char *fields;
} windows[] = {
    {0, "'kernel': 3"},
    {0, "'kernel': 1"},
    {0, "'kernel': 3, 'pad': 1"},
    {0, "'kernel': 2, 'stride': 2"},
    {0, "'kernel': 3, 'stride': 2, 'pad': 'same'"},
    {0, "'kernel': 4, 'pad': 'same', 'dilation': 2"},
    {0, "'kernel': 3, 'pad': {'lo': 0, 'hi': 2}, 'stride': 3"},
    {1, "'kernel': 5, 'stride': 2, 'pad': 3, 'dilation': 2"},
    {2, "'kernel': [1, 3], 'stride': [2, 1], 'pad': [0, 1], 'dilation': [1, 2]"},
    {3, "'kernel': [2, 1, 3], 'stride': [1, 2, 1], 'pad': {'lo': [1, 0, 2], 'hi': 0}"},
};

static const char *const contractions[] = {
    "'op': 'conv', 'filters': 5",
    "'op': 'conv', 'filters': 33",
    "'op': 'conv', 'filters': 16, 'bias': false",
    "'op': 'conv', 'filters': 18, 'groups': 3",
    "'op': 'conv', 'filters': 96, 'groups': 3, 'flip': true",
    "'op': 'depthwise'",
    "'op': 'depthwise', 'multiplier': 2, 'bias': 'position'",
    "'op': 'separable', 'filters': 20",
    "'op': 'local', 'filters': 17",
    "'op': 'tiled', 'filters': 16, 'period': 2",
};

static const char *const pools[] = {
    "'op': 'pool', 'kind': 'max'",
    "'op': 'pool', 'kind': 'max', 'ceil_mode': true",
    "'op': 'pool', 'kind': 'average'",
    "'op': 'pool', 'kind': 'average', 'ceil_mode': true, 'count_include_pad': false",
    "'op': 'pool', 'kind': 'l2'",
    "'op': 'gaussian_pool', 'sigma': 1.5",
};

/* Divisible by 3, by nothing, by 3 and 11. */
static const int channels[CHANNEL_CLASSES] = {3, 15, 33};
static const char *const extents[RANKS] = {"13", "9, 7", "5, 6, 7"};

/* ---- the list of cases */

typedef struct Case {
  const char *title;
  json_t *shape, *layers;
} Case;

typedef struct Cases {
  Arena *arena;
  VEC(Case) list;
} Cases;

/* JSON with single quotes. */
static json_t *quoted(const char *text) {
  char *copy = strdup(text);
  json_error_t error;
  for (char *c = copy; *c; c++)
    if (*c == '\'') *c = '"';
  json_t *json = json_loads(copy, 0, &error);
  if (!json) fail_msg("%s: %s", text, error.text);
  free(copy);
  return json;
}

static void add_case(Cases *cases, int rank, int channel, const char *layers) {
  Arena *arena = cases->arena;
  const char *shape = arena_printf(arena, "[%d, %s]", channels[channel], extents[rank - 1]);
  Case c = {.title = arena_printf(arena, "%s on %s", layers, shape),
            .shape = quoted(shape),
            .layers = quoted(arena_printf(arena, "[%s]", layers))};
  vec_push(arena, &cases->list, c);
}

/* Every layer with every window, once on the input, which lies row by row, and once between
 * convolutions, where data lies as the target likes it. */
static void add_windows(Cases *cases, const char *const *layer, int n) {
  int turn = 0;
  for (int rank = 1; rank <= RANKS; rank++)
    for (int i = 0; i < n; i++)
      for (int w = 0; w < COUNT(windows); w++) {
        if (windows[w].only && windows[w].only != rank) continue;
        const char *text = arena_printf(cases->arena, "{%s, %s}", layer[i], windows[w].fields);
        bool between = turn % 2;
        if (between)
          text = arena_printf(cases->arena,
                              "{'op': 'conv', 'filters': %d, 'kernel': 1}, {'op': 'relu'}, %s",
                              turn % 4 == 1 ? 48 : 21, text);
        add_case(cases, rank, turn % CHANNEL_CLASSES, text);
        turn++;
      }
}

static void add_reference(Cases *cases) {
  json_error_t error;
  json_t *all = json_load_file("tests/numeric/reference.json", 0, &error), *each;
  size_t i;
  if (!all) fail_msg("reference.json:%d: %s", error.line, error.text);
  json_array_foreach(all, i, each) {
    json_t *network = json_object_get(each, "network");
    if (json_object_get(each, "loss")) continue;
    Case c = {.title = json_string_value(json_object_get(each, "title")),
              .shape = json_object_get(json_object_get(network, "input"), "shape"),
              .layers = json_object_get(network, "layers")};
    vec_push(cases->arena, &cases->list, c);
  }
}

/* ---- one network of many cases */

static json_t *renamed(const char *prefix, json_t *name) {
  return json_sprintf("%s%s", prefix, json_string_value(name));
}

static void add_layer(json_t *layers, const char *prefix, json_t *original, bool first, bool last) {
  json_t *layer = json_deep_copy(original), *from = json_object_get(layer, "from");
  json_t *name = json_object_get(layer, "name"), *each;
  size_t i;
  if (name) json_object_set_new(layer, "name", renamed(prefix, name));
  if (!name && last) json_object_set_new(layer, "name", json_sprintf("%slast", prefix));
  if (json_is_string(from)) json_object_set_new(layer, "from", renamed(prefix, from));
  json_array_foreach(from, i, each) json_array_set_new(from, i, renamed(prefix, each));
  if (!from && first) json_object_set_new(layer, "from", json_sprintf("%sx", prefix));
  json_array_append_new(layers, layer);
}

/* Case i has the input "ci_x", and its layers' names begin with "ci_". */
static char *network_text(const Case *c, int n) {
  json_t *inputs = json_object(), *layers = json_array(), *outputs = json_array();
  for (int i = 0; i < n; i++) {
    char prefix[16], input[24];
    size_t count = json_array_size(c[i].layers);
    snprintf(prefix, sizeof prefix, "c%d_", i);
    snprintf(input, sizeof input, "%sx", prefix);
    json_object_set_new(inputs, input, json_pack("{s:O}", "shape", c[i].shape));
    for (size_t l = 0; l < count; l++)
      add_layer(layers, prefix, json_array_get(c[i].layers, l), l == 0, l + 1 == count);
    json_t *last = json_array_get(layers, json_array_size(layers) - 1);
    json_array_append(outputs, json_object_get(last, "name"));
  }
  json_t *network = json_pack("{s:s, s:o, s:o, s:o}", "name", "net", "inputs", inputs, "layers",
                              layers, "outputs", outputs);
  char *text = json_dumps(network, 0);
  json_decref(network);
  return text;
}

/* ---- numbers */

/* In [-1, 1). */
static float value(uint32_t stream, uint32_t i) {
  uint32_t z = stream * 0x632BE5ABu ^ i * 0x9E3779B9u;
  z = (z ^ z >> 16) * 0x85EBCA6Bu;
  z = (z ^ z >> 13) * 0xC2B2AE35u;
  return (float)((z ^ z >> 16) / 2147483648.0 - 1);
}

static bool ends_in(const char *name, const char *suffix) {
  size_t n = strlen(name), m = strlen(suffix);
  return n > m && strcmp(name + n - m, suffix) == 0;
}

static void write_weights(Unit *u, const Graph *g, const char *file) {
  Tensors all = {0};
  for (int p = 0; p < g->param.n; p++) {
    const Param *param = &g->param.at[p];
    int64_t size = type_size(&param->type, 1);
    float *values = NEW_ARRAY(u->arena, float, size);
    Tensor t = {.name = param->name, .rank = param->type.rank, .data = values};
    for (int a = 0; a < t.rank; a++) t.dim[a] = param->type.dim[a].plus;
    for (int64_t i = 0; i < size; i++) {
      values[i] = value((uint32_t)p + 1000, (uint32_t)i);
      if (ends_in(param->name, "running_var")) values[i] = fabsf(values[i]) + 0.5f;
    }
    vec_push(u->arena, &all, t);
  }
  assert_true(weights_write(u, file, &all));
}

static float **input_values(Unit *u, const Graph *g) {
  float **input = NEW_ARRAY(u->arena, float *, g->input.n + 1);
  for (int i = 0; i < g->input.n; i++) {
    int64_t size = SAMPLES * inference_input_size(g, i);
    input[i] = NEW_ARRAY(u->arena, float, size);
    for (int64_t k = 0; k < size; k++) input[i][k] = value((uint32_t)i, (uint32_t)k);
  }
  return input;
}

/* ---- tolerance */

/* How many roundings an element of a node has gone through at most: the terms of its sums and of
 * those before it. */
static double roundings(const Graph *g, Id id, double *known) {
  const Node *node = &g->node.at[id];
  double before = 0, terms = 2;
  if (known[id] > 0 || node->nargs == 0 || g->phase.at[id] != PHASE_CALL) return known[id];
  Kernel k;
  node_kernel(g, id, &k);
  for (int l = 0; k.nfold && l < k.nloop; l++)
    if (k.loop[l].reduced) terms *= (double)extent_at(k.loop[l].extent, SAMPLES);
  for (int i = 0; i < node->nargs; i++) before = fmax(before, roundings(g, node->arg[i], known));
  return known[id] = before + terms;
}

/* Rounding errors of a sum grow with the root of its length on average; 8 allows for the largest
 * of many elements. */
static double tolerance(const Graph *g, Id id, const Algo *algo, double *known) {
  return (algo ? algo->tolerance : 1) * ldexp(8 * sqrt(roundings(g, id, known)), -24);
}

/* ---- running */

typedef struct Batch {
  Unit *u;
  const Case *c;
  int n;
  Graph *g;
  const char *weights; /* a file */
  float **input, **expected;
  int failures;
} Batch;

static float **infer(Batch *b, const char *target, const Algo *algo) {
  const char *choice = arena_printf(b->u->arena, "*=%s", algo ? algo->name : "loops");
  const char *const words[] = {"cnnc",
                               "run",
                               "net.json",
                               "--no-validate",
                               "--weights",
                               b->weights,
                               target ? "--target" : "--interpret",
                               target,
                               "--algo",
                               choice};
  int nwords = !target ? 7 : algo ? COUNT(words) : 8;
  Options *o = NEW(b->u->arena, Options);
  assert_true(options_parse(b->u, o, nwords, (char *const *)words));
  Inference f = {.u = b->u, .o = o, .g = b->g, .n = SAMPLES, .input = b->input, .repeat = 1};
  if (inference_run(&f) != STATUS_DONE) fail_msg("%s cannot be run", b->c[0].title);
  return f.output;
}

static void compare(Batch *b, int output, const float *have, const char *target, const Algo *algo,
                    double allowed) {
  const float *want = b->expected[output];
  int64_t size = SAMPLES * inference_output_size(b->g, output);
  double error = 0, largest = 0;
  for (int64_t i = 0; i < size; i++) {
    double difference = fabs((double)have[i] - (double)want[i]);
    if (!(difference <= error)) error = difference;
    largest = fmax(largest, fabs((double)want[i]));
  }
  if (error <= allowed * largest) return;
  b->failures++;
  print_error("%s, %s: %s: error %.3g of %.3g, allowed %.3g\n", target,
              algo ? algo->name : "chosen", b->c[output].title, error, largest, allowed * largest);
}

static void check_built(Batch *b, const char *target, const Algo *algo) {
  double *known = NEW_ARRAY(b->u->arena, double, b->g->node.n);
  float **have = infer(b, target, algo);
  for (int i = 0; i < b->n; i++) {
    Id id = b->g->entry[ENTRY_FORWARD].want.at[i];
    compare(b, i, have[i], target, algo, tolerance(b->g, id, algo, known));
  }
}

static void read_batch(Batch *b) {
  char *text = network_text(b->c, b->n);
  const char *kept = arena_copy(b->u->arena, text, strlen(text));
  free(text);
  b->g = read_text(b->u, "net.json", kept, strlen(kept), &(ReadOptions){0});
  if (!b->g) fail_msg("%s is not read", b->c[0].title);
  write_weights(b->u, b->g, b->weights);
  b->input = input_values(b->u, b->g);
  b->expected = infer(b, NULL, NULL);
}

/* Cases [from, from + n) on every target: with the algorithms that cnnc chooses, and with each of
 * them forced wherever it fits. */
static int check_cases(const Case *c, int n, bool force) {
  char path[] = "/tmp/cnnc_operators_XXXXXX";
  close(mkstemp(path));
  Batch b = {.u = unit_new(), .c = c, .n = n, .weights = path};
  read_batch(&b);
  for (int t = 0; targets[t]; t++) {
    if (!target_runs(targets[t])) continue;
    if (!force) check_built(&b, targets[t]->name, NULL);
    for (int a = 0; force && a < ALGO_KINDS; a++) check_built(&b, targets[t]->name, algos[a]);
  }
  remove(path);
  unit_free(b.u);
  return b.failures;
}

static void check_all(const Cases *cases, bool force) {
  int failures = 0;
  for (int i = 0; targets[i]; i++)
    if (!target_runs(targets[i]))
      print_message("skipped: this CPU does not run %s\n", targets[i]->name);
  for (int from = 0; from < cases->list.n; from += AT_ONCE) {
    int n = cases->list.n - from < AT_ONCE ? cases->list.n - from : AT_ONCE;
    failures += check_cases(cases->list.at + from, n, force);
  }
  print_message("%d cases\n", cases->list.n);
  assert_int_equal(failures, 0);
}

static void operators_agree(void **state) {
  Cases cases = {.arena = *state};
  add_reference(&cases);
  check_all(&cases, false);
}

static void pools_agree(void **state) {
  Cases cases = {.arena = *state};
  add_windows(&cases, pools, COUNT(pools));
  check_all(&cases, false);
}

static void contractions_agree(void **state) {
  Cases cases = {.arena = *state};
  add_windows(&cases, contractions, COUNT(contractions));
  check_all(&cases, false);
}

/* Minutes: only when the program is started with the word "algorithms". */
static void algorithms_agree(void **state) {
  Cases cases = {.arena = *state};
  add_windows(&cases, contractions, COUNT(contractions));
  check_all(&cases, true);
}

static int set_up(void **state) {
  Unit *u = unit_new();
  *state = u->arena;
  return 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest usual[] = {
      cmocka_unit_test_setup(operators_agree, set_up),
      cmocka_unit_test_setup(pools_agree, set_up),
      cmocka_unit_test_setup(contractions_agree, set_up),
  };
  const struct CMUnitTest forced[] = {cmocka_unit_test_setup(algorithms_agree, set_up)};
  if (argc > 1 && strcmp(argv[1], "algorithms") == 0)
    return cmocka_run_group_tests(forced, NULL, NULL);
  return cmocka_run_group_tests(usual, NULL, NULL);
}
