/* test_reduce.c - long sums and maxima of few points: a block of threads for each, simulated
 * against the graph in double; variances of numbers far from 0; and a barrier that is missing
 * between halves. */
#include "harness.h"

#include <math.h>

static const char network[] =
    "{ 'name': 'net', 'input': { 'shape': [3, 23, 29] }, 'layers': ["
    "{ 'op': 'global_pool', 'kind': 'max', 'name': 'most', 'from': 'x' },"
    "{ 'op': 'global_pool', 'kind': 'average', 'name': 'mean', 'from': 'x' },"
    "{ 'op': 'instance_norm', 'from': 'x', 'name': 'normal' },"
    "{ 'op': 'dense', 'units': 7, 'from': 'x', 'name': 'fc' },"
    "{ 'op': 'softmax', 'from': 'fc', 'name': 'chances' } ],"
    "'outputs': ['most', 'mean', 'normal', 'chances'] }";

static void count_blocks(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  (void)entry, (void)outer, (void)depth;
  *(int *)context += tile_get(&k->tile, "threads", 0) > 0;
}

static Simulated reductions(void) {
  static const char *forced[] = {"*=loops"};
  const Options o = {.target = "sm_80", .batch = 2, .algo = {.at = forced, .n = 1}};
  Simulated s = simulated_text_options(network, o);
  int blocks = 0;
  plan_leaves(s.plan, count_blocks, &blocks);
  assert_true(blocks >= 4);
  return s;
}

static void blocks_agree(void **state) {
  Simulated s = reductions();
  (void)state;
  simulated_check(&s, 1, 2, 0);
  simulated_compile(&s);
  simulated_free(&s);
}

/* (x - mean) / sqrt(variance + eps) of each channel. */
static void normal(const double *x, double *y, int channels, int size) {
  for (int c = 0; c < channels; c++, x += size, y += size) {
    double mean = 0, squares = 0;
    for (int i = 0; i < size; i++) mean += x[i] / size;
    for (int i = 0; i < size; i++) squares += (x[i] - mean) * (x[i] - mean) / size;
    for (int i = 0; i < size; i++) y[i] = (x[i] - mean) / sqrt(squares + 1e-5);
  }
}

/* A mean of f32 is off by half of what 4096 is rounded to; differences of squares in f32 would be
 * off by more than the variance. */
static void variances_far_from_zero_agree(void **state) {
  enum { CHANNELS = 3, SIZE = 23 * 29, NORMAL = 2, FAR = 4096 };
  Simulated s = reductions();
  SimulatedRun r = simulated_inputs(&s, 1);
  (void)state;
  for (int i = 0; i < CHANNELS * SIZE; i++) r.in[0][i] = (float)(r.in[0][i] + FAR);
  normal(r.in[0], r.expected[NORMAL], CHANNELS, SIZE);
  simulated_emit(&s);
  simulated_build(&s);
  assert_int_equal(simulated_run(&s, &r, NULL), 0);
  assert_true(simulated_error(&s, &r, NORMAL) < FAR * 0x1p-23);
  simulated_free(&s);
}

static void a_missing_barrier_is_found(void **state) {
  Simulated s = reductions();
  (void)state;
  simulated_emit(&s);
  simulated_replace(&s, "  __syncthreads();\n  if (thread < 16)", "  if (thread < 16)");
  simulated_build(&s);
  SimulatedRun r = simulated_inputs(&s, 2);
  const int status = simulated_run(&s, &r, NULL);
  assert_int_equal(status, CUDASIM_FOUND);
  assert_non_null(strstr(r.messages.at, "race in shared memory"));
  simulated_free(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_agree),
      cmocka_unit_test(variances_far_from_zero_agree),
      cmocka_unit_test(a_missing_barrier_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
