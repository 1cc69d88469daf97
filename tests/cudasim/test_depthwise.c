/* test_depthwise.c - channels with filters of their own, some results of a thread beside each
 * other: windows, strides, dilation and borders in one, two and three dimensions, forwards and
 * backwards, simulated against the graph in double; and blocks of channels in every precision that
 * has them. */
#include "harness_judged.h"

#include "../numeric/cases.h"

enum { SAMPLES = 2 };

static const char *forced[] = {"*=depthwise"};

/* ---- kernels of a plan ---- */

static int taken(const Simulated *s) {
  int n = 0;
  for (int i = 0; i < s->plan->choice.n; i++)
    n += s->plan->choice.at[i].taken && strcmp(s->plan->choice.at[i].algo, "depthwise") == 0;
  return n;
}

static void set_points(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  (void)entry, (void)outer, (void)depth;
  if (tile_get(&k->tile, "points", 0) > 0) tile_set(&k->tile, "points", *(const int *)context);
}

static int occurrences(const char *text, const char *what) {
  int n = 0;
  while ((text = strstr(text, what))) text += strlen(what), n++;
  return n;
}

/* ---- forwards and backwards ---- */

/* The first layer needs no gradient of its data, the others do. */
#define NETWORK(shape, layers)                                                                     \
  "{ 'name': 'net', 'input': { 'shape': [" shape "] }, 'layers': [" layers                         \
  " ], 'loss': { 'op': 'mse' }, 'optimizer': { 'op': 'sgd', 'lr': 0.1 } }"
#define TANH ", { 'op': 'tanh' }, "
static const struct {
  const char *network;
  int layers, points; /* kernels in all, results of a thread */
} trained[] = {
    {NETWORK("5, 11, 9", "{ 'op': 'depthwise', 'kernel': 3, 'pad': 1 }" TANH
                         "{ 'op': 'depthwise', 'kernel': [3, 2], 'stride': 2, 'pad': 1 }" TANH
                         "{ 'op': 'depthwise', 'kernel': 3, 'dilation': 2, 'pad': 2, "
                         "'bias': 'position' }"),
     7, 4},
    {NETWORK("3, 10, 13",
             "{ 'op': 'depthwise', 'kernel': 5, 'multiplier': 2, 'pad': 'same' }" TANH
             "{ 'op': 'depthwise', 'kernel': [2, 3], 'stride': [1, 2], 'multiplier': 2 }" TANH
             "{ 'op': 'depthwise', 'kernel': 3, 'flip': true, 'pad': 1, 'name': 'd' },"
             "{ 'op': 'conv', 'filters': 12, 'kernel': 1, 'name': 'c' },"
             "{ 'op': 'add', 'from': ['c', 'd'] }"),
     7, 8}, /* by nvcc, too */
    {NETWORK("4, 29", "{ 'op': 'depthwise', 'kernel': 5, 'pad': 2 }" TANH
                      "{ 'op': 'depthwise', 'kernel': 4, 'stride': 3, 'pad': 1 }"),
     4, 2},
    {NETWORK("2, 5, 6, 7", "{ 'op': 'depthwise', 'kernel': 3, 'pad': 1 }" TANH
                           "{ 'op': 'depthwise', 'kernel': [2, 3, 3], 'stride': [1, 2, 1] }"),
     4, 1},
};

static void check_trained(int i) {
  Unit *u = unit_new();
  char *json = requoted(trained[i].network);
  const Options o = {.target = i % 2 ? "sm_90a" : "sm_80",
                     .batch = SAMPLES,
                     .train = true,
                     .algo = {.at = forced, .n = 1}};
  int points = trained[i].points;
  Simulated s = judged_text(u, json, o);
  free(json);
  if (taken(&s) < trained[i].layers) fail_msg("%d kernels of network %d", taken(&s), i);
  plan_leaves(s.plan, set_points, &points);
  assert_true(judged_check(&s, SAMPLES, (Rounding){F32_ROUNDING, 12}));
  if (i == 1) simulated_compile(&s);
  simulated_free(&s);
}

static void gradients_agree(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(trained); i++) check_trained(i);
}

/* ---- channels in lanes ---- */

/* A residual and a bias of each position follow sums; of several channels of a result for one of
 * the input, and of 12, lanes have none. */
static const char lanes_network[] =
    "{ 'name': 'net', 'input': { 'shape': [3, 13, 10] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 16, 'kernel': 1, 'name': 'a' },"
    "{ 'op': 'depthwise', 'kernel': 3, 'pad': 1, 'name': 'b' }, { 'op': 'batch_norm' },"
    "{ 'op': 'add', 'from': ['batch_norm1', 'a'] }, { 'op': 'relu6', 'name': 'r' },"
    "{ 'op': 'depthwise', 'kernel': 3, 'stride': 2, 'pad': 1, 'bias': 'position', 'name': 's' },"
    "{ 'op': 'depthwise', 'kernel': [1, 3], 'dilation': [1, 2], 'pad': [0, 2], 'from': 'r',"
    "  'flip': true, 'name': 'd' },"
    "{ 'op': 'depthwise', 'kernel': 3, 'multiplier': 2, 'from': 'r', 'name': 'm' },"
    "{ 'op': 'conv', 'filters': 12, 'kernel': 1, 'from': 'r' },"
    "{ 'op': 'depthwise', 'kernel': [3, 1], 'name': 't' },"
    "{ 'op': 'depthwise', 'kernel': 2, 'bias': false, 'from': 'r', 'name': 'u' } ],"
    "'outputs': ['s', 'd', 'm', 't', 'u'] }";

/* Four of the layers come in blocks of channels. */
static void check_lanes(const char *target, Precision precision, double error, int points) {
  Options o = {.target = target, .batch = 3, .algo = {.at = forced, .n = 1}};
  size_t size;
  o.dtype = DTYPE_F64 + (int)precision;
  Simulated s = simulated_text_options(lanes_network, o);
  assert_int_equal(taken(&s), 6);
  plan_leaves(s.plan, set_points, &points);
  simulated_check(&s, 2, 3, error);
  const char *text = file_read(s.u, simulated_path(&s, "net.cu"), &size);
  assert_int_equal(occurrences(text, "Depthwise: "), 6);
  assert_int_equal(occurrences(text, " of 8 channels."), 4);
  simulated_compile(&s);
  simulated_free(&s);
}

static void blocks_of_channels_agree(void **state) {
  (void)state;
  check_lanes("sm_80", PRECISION_BF16, 0x1p-5, 8);
  check_lanes("sm_90a", PRECISION_F16, 0x1p-8, 1);
  check_lanes("sm_80", PRECISION_F32X3, 0x1p-16, 4);
}

/* ---- refusals ---- */

static void others_refuse(void **state) {
  (void)state;
  const Options o = {.target = "sm_80", .batch = 2, .algo = {.at = forced, .n = 1}};
  Simulated s =
      simulated_text_options("{ 'name': 'net', 'input': { 'shape': [32, 9, 9] }, 'layers': ["
                             "{ 'op': 'conv', 'filters': 32, 'kernel': 3 },"
                             "{ 'op': 'conv', 'filters': 32, 'kernel': 3, 'groups': 2 } ] }",
                             o);
  assert_int_equal(taken(&s), 0);
  simulated_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_agree),
                                     cmocka_unit_test(blocks_of_channels_agree),
                                     cmocka_unit_test(others_refuse)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
