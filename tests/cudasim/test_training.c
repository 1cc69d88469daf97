/* test_training.c - libraries that train, simulated against the graph in double before any pass:
 * loss, every gradient, accumulated ones, and every parameter after each of five steps; then a
 * checkpoint, a learning rate of 0 and another seed (training.h). All orders give the same bits.
 *
 *   cudasim_training                         what is special in networks, and every optimiser
 *   cudasim_training FILE TARGET TOLERANCE   the network of a file; 0: what rounding of sums may do
 */
#include "harness.h"
#include "passes.h"

#include <math.h>
#include <stdio.h>

#include "../numeric/optimizers.h"
#include "../../runtime/program/noise.h"
#include "../numeric/rounding.h"

enum { SAMPLES = 4, STEPS = 5, SEED = 5 };

static const char small[] =
    "{ 'name': 'small', 'input': { 'shape': [3, 7, 6] }, 'layers': ["
    "{ 'op': 'conv', 'name': 'stem', 'filters': 5, 'kernel': 3, 'pad': 1, 'bias': false },"
    "{ 'op': 'batch_norm' }, { 'op': 'tanh', 'name': 'r' }, { 'op': 'dropout', 'p': 0.3 },"
    "{ 'op': 'conv', 'filters': 5, 'kernel': 3, 'pad': 1, 'groups': 5 },"
    "{ 'op': 'add', 'from': ['conv1', 'r'] },"
    "{ 'op': 'pool', 'kind': 'max', 'kernel': 3, 'stride': 2, 'pad': 1 },"
    "{ 'op': 'dense', 'units': 9 }, { 'op': 'dropout' }, { 'op': 'dense', 'units': 4 }],"
    "'loss': { 'op': 'cross_entropy' }, 'optimizer': { 'op': 'adam', 'lr': 0.01, 'eps': 0.1,"
    "'weight_decay': 0.001, 'clip_norm': 0.5, 'schedule': 'cosine', 'period': 10, 'warm_up': 3 } }";

/* Contractions of every kind: strided, dilated, padded on one side, in groups, in one dimension
 * after the other. */
static const char products[] =
    "{ 'name': 'products', 'input': { 'shape': [3, 11, 10] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 20, 'kernel': 3, 'stride': 2, 'pad': 1 }, { 'op': 'tanh' },"
    "{ 'op': 'conv', 'filters': 18, 'kernel': [1, 3], 'pad': [0, 1], 'groups': 2 },"
    "{ 'op': 'conv', 'name': 'a', 'filters': 7, 'kernel': 1 }, { 'op': 'tanh' },"
    "{ 'op': 'conv', 'filters': 7, 'kernel': 3, 'dilation': 2, 'pad': 2 },"
    "{ 'op': 'add', 'from': ['conv3', 'a'] }, { 'op': 'dense', 'units': 33 }, { 'op': 'tanh' },"
    "{ 'op': 'dense', 'units': 4 }],"
    "'loss': { 'op': 'cross_entropy' }, 'optimizer': { 'op': 'sgd', 'lr': 0.01 } }";

/* Batch norm behind convolutions whose epilogues make its statistics, for fewer samples than there
 * may be; of points that fill no tile. */
static const char norms[] =
    "{ 'name': 'norms', 'input': { 'shape': [3, 7, 9] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 20, 'kernel': 3, 'pad': 1, 'bias': false }, { 'op': 'batch_norm' },"
    "{ 'op': 'tanh' }, { 'op': 'conv', 'filters': 18, 'kernel': 1, 'groups': 2, 'bias': false },"
    "{ 'op': 'batch_norm' }, { 'op': 'dense', 'units': 4 }],"
    "'loss': { 'op': 'cross_entropy' }, 'optimizer': { 'op': 'sgd', 'lr': 0.01 } }";

/* Channels in lanes, of which weight gradients have rows and columns in chunks, with rests of tiles
 * and of chunks; windows with borders, strides, groups, and batch norms' gradients. */
static const char lanes[] =
    "{ 'name': 'lanes', 'input': { 'shape': [3, 5, 6] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 64, 'kernel': 3, 'pad': 1 }, { 'op': 'tanh' },"
    "{ 'op': 'conv', 'filters': 72, 'kernel': 3, 'pad': 1, 'stride': 2, 'bias': false },"
    "{ 'op': 'batch_norm' }, { 'op': 'tanh', 'name': 'a' },"
    "{ 'op': 'conv', 'filters': 48, 'kernel': [1, 3], 'pad': [0, 1], 'groups': 3 },"
    "{ 'op': 'tanh' }, { 'op': 'conv', 'filters': 72, 'kernel': 1 },"
    "{ 'op': 'add', 'from': ['conv4', 'a'] }, { 'op': 'tanh' },"
    "{ 'op': 'pool', 'kind': 'average', 'kernel': 2 }, { 'op': 'dense', 'units': 4 }],"
    "'loss': { 'op': 'cross_entropy' }, 'optimizer': { 'op': 'sgd', 'lr': 0.01 } }";

/* Kernels that get boxes of a tensor, forwards and for a data gradient. */
static const char boxes[] =
    "{ 'name': 'boxes', 'input': { 'shape': [8, 8, 8] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 64, 'kernel': 1, 'bias': false }, { 'op': 'batch_norm' },"
    "{ 'op': 'tanh' }, { 'op': 'conv', 'filters': 64, 'kernel': 3, 'pad': 1, 'bias': false },"
    "{ 'op': 'batch_norm' }, { 'op': 'tanh' },"
    "{ 'op': 'global_pool', 'kind': 'average' }, { 'op': 'dense', 'units': 4 }],"
    "'loss': { 'op': 'cross_entropy' }, 'optimizer': { 'op': 'sgd', 'lr': 0.01 } }";

/* All labels are 0. */
static const char ignored[] =
    "{ 'name': 'ignored', 'input': { 'shape': [2, 3] }, 'layers': [{ 'op': 'dense', 'units': 3 }],"
    "'loss': { 'op': 'cross_entropy', 'ignore_index': 0 }, 'optimizer': { 'op': 'sgd', 'lr': 0.1 "
    "} }";

#define OPTIMIZED(title, keys)                                                                     \
  "{\"name\": \"optimized\", \"input\": {\"shape\": [2, 6, 5]}, \"layers\": ["                     \
  "{\"op\": \"conv\", \"filters\": 5, \"kernel\": 3, \"bias\": false}, {\"op\": \"batch_norm\"},"  \
  "{\"op\": \"tanh\"}, {\"op\": \"dense\", \"units\": 3, \"lr_scale\": 0.5}],"                     \
  "\"loss\": {\"op\": \"cross_entropy\"}, \"optimizer\": {" keys "}}",
static const char *const optimized[] = {OPTIMIZERS(OPTIMIZED)};

/* A network, and where training is at. */
typedef struct Training {
  Simulated s;
  int64_t input_size, classes;
  double tolerance; /* 0: what rounding of sums may do */
  double **param, **state, *x, *target;
} Training;

static Training training_options(Options o) {
  Training t = {.s = {.u = unit_new()}};
  Unit *u = t.s.u;
  if (o.batch == 0) o.batch = SAMPLES;
  o.train = true;
  t.s.folder = toolchain_folder(u);
  Graph *g = pipeline_read(u, &o);
  if (!g) fail_msg("%s is not read", o.network);
  pass_grad(g);
  t.s.graph = g;
  t.s.plan = pipeline_plan(u, &o, pipeline_read(u, &o), target_find(o.target), false);
  t.input_size = type_size(&g->input.at[0].type, 1);
  t.classes = type_size(&g->node.at[g->entry[ENTRY_FORWARD].want.at[0]].type, 1);
  return t;
}

/* A network's text, with ' for ". */
static Training training_text(const char *json, Options o) {
  char path[] = "/tmp/cnnc-training-XXXXXX";
  write_network(path, json);
  o.network = path;
  Training t = training_options(o);
  remove(path);
  return t;
}

/* ---- what is expected ---- */

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Training *t = context;
  const Node *node = &g->node.at[leaf];
  const int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  if (node->op == OP_param) return t->param[index];
  if (node->op == OP_state) return t->state[index];
  return g->input.at[index].kind == INPUT_TARGET ? t->target : t->x;
}

static void start(Training *t) {
  const Graph *g = t->s.graph;
  Arena *arena = t->s.u->arena;
  t->param = params_seeded(g, SEED);
  t->state = NEW_ARRAY(arena, double *, g->state.n + 1);
  for (int i = 0; i < g->state.n; i++)
    t->state[i] = NEW_ARRAY(arena, double, type_size(&g->state.at[i].type, 1));
  t->x = NEW_ARRAY(arena, double, SAMPLES * t->input_size);
  t->target = NEW_ARRAY(arena, double, SAMPLES);
  for (int64_t i = 0; i < SAMPLES * t->input_size; i++)
    t->x[i] = (double)NAME_noise(0, (uint64_t)i);
  for (int64_t i = 0; i < SAMPLES; i++) t->target[i] = (double)(i * 3 % t->classes);
}

/* All updates of an entry are computed from what was before it. */
static void update(Training *t, EntryKind kind) {
  const Graph *g = t->s.graph;
  const Entry *entry = &g->entry[kind];
  Id *want = NEW_ARRAY(t->s.u->arena, Id, entry->update.n + 1);
  for (int i = 0; i < entry->update.n; i++) want[i] = entry->update.at[i].value;
  const Array *value = graph_run(g, want, entry->update.n, SAMPLES, leaf_value, t);
  for (int i = 0; i < entry->update.n; i++) {
    const Node *to = &g->node.at[entry->update.at[i].to];
    const int64_t index = ((const LeafAttr *)to->attr)->index;
    memcpy(to->op == OP_state ? t->state[index] : t->param[index], value[i].at,
           sizeof(double) * (size_t)type_size(&to->type, 1));
  }
}

/* ---- comparing ---- */

/* Smaller ones are 0: a sum that cancels, as the gradient of a bias in front of a batch norm. */
#define RESIDUE 1e-12

typedef struct Printed {
  const Training *t;
  const float *at, *end;
  double tolerance;
} Printed;

static void compare(Printed *p, const double *expected, int64_t n, double factor,
                    const char *what) {
  const char *name = p->t->s.plan->graph->name;
  double error = 0, largest = 0;
  if (p->end - p->at < n) fail_msg("%s: %s is not there", name, what);
  for (int64_t i = 0; i < n; i++) {
    const double difference = fabs((double)p->at[i] - factor * expected[i]);
    if (!(difference <= error)) error = difference;
    largest = fmax(largest, fabs(factor * expected[i]));
  }
  const double of = largest < RESIDUE ? 1 : largest;
  if (!(error <= p->tolerance * of))
    fail_msg("%s: %s: error %g, largest %g, allowed %g", name, what, error, largest,
             p->tolerance * of);
  p->at += n;
}

static void compare_gradients(Printed *p, const Array *gradient, double factor) {
  const Graph *g = p->t->s.graph;
  const Entry *backward = &g->entry[ENTRY_BACKWARD];
  for (int i = 0; i < g->param.n; i++)
    for (int w = 0; w < backward->want.n; w++)
      if (strcmp(backward->want_name.at[w], g->param.at[i].name) == 0)
        compare(p, gradient[w].at, type_size(&g->param.at[i].type, 1), factor, g->param.at[i].name);
}

/* How far rounding may be from what is exact: of the loss and of any gradient. */
static double tolerance(const Training *t) {
  const Graph *g = t->s.graph;
  double *known = NEW_ARRAY(t->s.u->arena, double, g->node.n), most = 0;
  if (t->tolerance > 0) return t->tolerance;
  for (int w = 0; w < g->entry[ENTRY_BACKWARD].want.n; w++)
    most = fmax(most, rounding_error(g, g->entry[ENTRY_BACKWARD].want.at[w], SAMPLES, known));
  return most;
}

static void compare_steps(Training *t, const char *bytes, size_t size) {
  Printed p = {.t = t, .at = (const float *)(const void *)bytes};
  Graph *g = (Graph *)(uintptr_t)t->s.graph;
  const Entry *backward = &g->entry[ENTRY_BACKWARD];
  p.end = p.at + size / sizeof(float);
  for (int i = 0; i < STEPS; i++) {
    p.tolerance = (i + 1) * tolerance(t);
    g->seed = SEED;
    g->pass = i + 1;
    g->steps = i;
    compare(&p, graph_run(g, g->entry[ENTRY_TRAIN_FORWARD].want.at, 1, SAMPLES, leaf_value, t)->at,
            1, 1, "the loss");
    const Array *gradient =
        graph_run(g, backward->want.at, backward->want.n, SAMPLES, leaf_value, t);
    compare_gradients(&p, gradient, 1);
    if (i == 0) compare_gradients(&p, gradient, 2);
    update(t, ENTRY_TRAIN_FORWARD);
    update(t, ENTRY_STEP);
    for (int k = 0; k < g->param.n; k++)
      compare(&p, t->param[k], type_size(&g->param.at[k].type, 1), 1, g->param.at[k].name);
  }
  assert_ptr_equal(p.at, p.end);
}

/* ---- running ---- */

static const char *program(const Training *t) {
  const Graph *g = t->s.plan->graph;
  int64_t most = 1;
  for (int i = 0; i < g->param.n; i++)
    if (type_size(&g->param.at[i].type, 1) > most) most = type_size(&g->param.at[i].type, 1);
  return arena_printf(t->s.u->arena,
                      "#include \"%s.h\"\n#define NET %s\nenum { INPUT = %d, MOST = %d };\n"
                      "#include \"training.h\"\n",
                      g->name, g->name, (int)t->input_size, (int)most);
}

static const char *run(const Training *t, const char *const *settings, size_t *size) {
  Text messages;
  const int status = simulated_start(&t->s, SAMPLES, settings, &messages);
  if (status != 0)
    fail_msg("%s, %s: status %d\n%s", t->s.plan->graph->name, settings[0], status,
             messages.n ? messages.at : "");
  return file_read(t->s.u, simulated_path(&t->s, "out"), size);
}

static void check_steps(Training *t) {
  Text in = {.arena = t->s.u->arena};
  size_t size, same;
  start(t);
  t->s.program = program(t);
  simulated_emit(&t->s);
  simulated_build(&t->s);
  simulated_compile(&t->s);
  simulated_values(&in, t->x, F32, SAMPLES * t->input_size);
  simulated_values(&in, t->target, I32, SAMPLES);
  assert_true(file_write(t->s.u, simulated_path(&t->s, "in"), in.at, in.n));
  const char *bytes = run(t, simulated_way(&t->s, 0), &size);
  compare_steps(t, bytes, size);
  for (int i = 1; i < simulated_ways(); i++) {
    const char *other = run(t, simulated_way(&t->s, i), &same);
    assert_int_equal(same, size);
    assert_memory_equal(other, bytes, size);
  }
}

static void check(Training *t) {
  check_steps(t);
  simulated_free(&t->s);
}

static void small_network_takes_steps(void **state) {
  (void)state;
  Training t = training_text(small, (Options){.target = "sm_80"});
  check(&t);
}

static void products_in_blocks_take_steps(void **state) {
  enum { IN_A_ROW = 14 }; /* products, forward and back */
  static const struct {
    Precision precision;
    double error; /* of a product */
  } as[] = {{PRECISION_F32, 0}, {PRECISION_BF16, 0x1p-8}, {PRECISION_F32X3, 0x1p-19}};
  static const char *forced[] = {"*=implicit_gemm"};
  (void)state;
  for (int i = 0; i < COUNT(as); i++) {
    Options o = {.target = "sm_80", .algo = {.at = forced, .n = 1}};
    if (as[i].precision) o.dtype = DTYPE_F64 + (int)as[i].precision;
    Training t = training_text(products, o);
    t.tolerance = IN_A_ROW * as[i].error;
    check(&t);
  }
}

static bool has_squares(const Plan *p) {
  bool has = false;
  for (int b = 0; b < p->buffer.n; b++) has |= strstr(p->buffer.at[b].name, ".squares") != NULL;
  return has;
}

static void statistics_of_epilogues_take_steps(void **state) {
  static const struct {
    const char *target;
    Precision precision;
    double tolerance;
  } as[] = {{"sm_80", PRECISION_F32, 0}, {"sm_90a", PRECISION_BF16, 0x1p-4}};
  static const char *forced[] = {"*=implicit_gemm"};
  (void)state;
  for (int i = 0; i < COUNT(as); i++) {
    Options o = {.target = as[i].target, .batch = SAMPLES + 3, .algo = {.at = forced, .n = 1}};
    if (as[i].precision) o.dtype = DTYPE_F64 + (int)as[i].precision;
    Training t = training_text(norms, o);
    t.tolerance = as[i].tolerance;
    assert_true(has_squares(t.s.plan));
    check(&t);
  }
}

/* ---- memory of 16 bits ---- */

static int occurrences(const Training *t, const char *what) {
  const char *file = arena_printf(t->s.u->arena, "%s.cu", t->s.graph->name);
  size_t size;
  int n = 0;
  for (const char *at = file_read(t->s.u, simulated_path(&t->s, file), &size);
       (at = strstr(at, what)); at += strlen(what))
    n++;
  return n;
}

/* Products of rounded numbers one after the other, forward and back, of which memory rounds each
 * once more. */
static void check_narrow(const char *json, const char *target, const char *what, int times) {
  enum { IN_A_ROW = 8 };
  static const char *forced[] = {"*=implicit_gemm"};
  Options o = {.target = target, .batch = SAMPLES + 1, .algo = {.at = forced, .n = 1}};
  o.dtype = DTYPE_F64 + (int)PRECISION_BF16;
  Training t = training_text(json, o);
  t.tolerance = IN_A_ROW * 0x1p-8;
  check_steps(&t);
  assert_true(occurrences(&t, what) >= times);
  simulated_free(&t.s);
}

static void lanes_of_sixteen_bits_take_steps(void **state) {
  (void)state;
  check_narrow(lanes, "sm_80", "cnnc_ldmatrix_trans_x4(a", 1);
  check_narrow(lanes, "sm_90a", "_xw(acc", 1);
}

static void boxes_take_steps(void **state) {
  (void)state;
  check_narrow(boxes, "sm_90a", "cnnc_box_4(x", 2);
}

static void optimizers_take_steps(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(optimized); i++) {
    Training t = training_text(optimized[i], (Options){.target = "sm_80"});
    check(&t);
  }
}

static void labels_that_do_not_count_take_steps(void **state) {
  (void)state;
  Training t = training_text(ignored, (Options){.target = "sm_80"});
  check(&t);
}

static void file_takes_steps(void **state) {
  char **words = *state;
  Training t = training_options((Options){.network = words[1], .target = words[2]});
  t.tolerance = atof(words[3]);
  check(&t);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(small_network_takes_steps),
                                     cmocka_unit_test(products_in_blocks_take_steps),
                                     cmocka_unit_test(statistics_of_epilogues_take_steps),
                                     cmocka_unit_test(lanes_of_sixteen_bits_take_steps),
                                     cmocka_unit_test(boxes_take_steps),
                                     cmocka_unit_test(optimizers_take_steps),
                                     cmocka_unit_test(labels_that_do_not_count_take_steps)};
  const struct CMUnitTest file[] = {cmocka_unit_test_prestate(file_takes_steps, argv)};
  if (argc == 1) return cmocka_run_group_tests(tests, NULL, NULL);
  return argc == 4 ? cmocka_run_group_tests(file, NULL, NULL) : 2;
}
