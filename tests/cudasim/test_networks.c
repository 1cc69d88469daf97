/* test_networks.c - whole networks, simulated against their graphs in double.
 *
 *   cudasim_networks                    what models/ has little of, and baked weights
 *   cudasim_networks FILE TARGET SHAPE  the network of a file */
#include "harness.h"

#include <stdio.h>

enum { BATCH = 3 };
static const double tolerance = 1e-5;

/* What models/ has little of: three axes and one, odd windows, every way of moving data. */
static const char mixed[] =
    "{ 'name': 'mixed', 'input': { 'shape': [4, 9, 10] }, 'outputs': ['s', 'm', 'p'], 'layers': ["
    "{ 'op': 'conv', 'name': 'c', 'filters': 6, 'kernel': [3, 2], 'stride': 2, 'pad': 2,"
    "  'dilation': [1, 2], 'groups': 2, 'bias': 'position' }, { 'op': 'sigmoid' },"
    "{ 'op': 'slice', 'name': 'a', 'start': 1, 'stop': 6, 'step': 2 },"
    "{ 'op': 'pad', 'from': 'c', 'axis': 0, 'lo': 1, 'hi': 1, 'value': 0.5, 'name': 'b' },"
    "{ 'op': 'concat', 'from': ['a', 'b', 'c'] },"
    "{ 'op': 'lrn', 'size': 5, 'name': 'l' },"
    "{ 'op': 'lrn', 'size': 3, 'across': 'within' },"
    "{ 'op': 'pool', 'kind': 'average', 'kernel': 3, 'stride': 2, 'pad': 1, 'ceil_mode': true,"
    "  'count_include_pad': false, 'name': 'p' },"
    "{ 'op': 'adaptive_pool', 'kind': 'l2', 'output': [2, 3], 'from': 'l' },"
    "{ 'op': 'reshape', 'shape': [-1, 3] }, { 'op': 'softmax', 'axis': 1, 'name': 's' },"
    "{ 'op': 'mean', 'axes': [1, 2], 'from': 'l', 'keep': true },"
    "{ 'op': 'mul', 'from': ['l', 'mean1'] }, { 'op': 'leaky_relu' },"
    "{ 'op': 'dense', 'units': 5 }, { 'op': 'log_softmax', 'name': 'm' } ] }";

static const char volume[] =
    "{ 'name': 'volume', 'input': { 'shape': [2, 5, 6, 7] }, 'layers': ["
    "{ 'op': 'depthwise', 'kernel': 3, 'multiplier': 2, 'pad': 'same' },"
    "{ 'op': 'batch_norm' }, { 'op': 'relu6' },"
    "{ 'op': 'conv', 'filters': 3, 'kernel': 2, 'stride': [1, 2, 3], 'flip': true },"
    "{ 'op': 'pool', 'kind': 'max', 'kernel': 2, 'stride': 1, 'dilation': [1, 1, 1] },"
    "{ 'op': 'global_pool', 'kind': 'max' }, { 'op': 'flatten' },"
    "{ 'op': 'scaled_tanh' } ] }";

static const char sequence[] =
    "{ 'name': 'sequence', 'input': { 'shape': [3, 20] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 4, 'kernel': 5, 'pad': 'full', 'name': 'c' },"
    "{ 'op': 'abs' }, { 'op': 'square' }, { 'op': 'exp' }, { 'op': 'log' },"
    "{ 'op': 'sub', 'from': ['log1', 'c'] }, { 'op': 'clip', 'lo': -0.5, 'hi': 2 },"
    "{ 'op': 'max', 'from': ['clip1', 'c'] },"
    "{ 'op': 'pool', 'kind': 'l2', 'kernel': 3, 'stride': 2, 'pad': 1 } ] }";

static void written(const char *json, const char *target) {
  Simulated s = simulated_text(json, target, BATCH);
  simulated_check(&s, 1, BATCH, tolerance);
  simulated_compile(&s);
  simulated_free(&s);
}

static void mixed_agrees(void **state) {
  (void)state;
  written(mixed, "sm_80");
}

static void volume_agrees(void **state) {
  (void)state;
  written(volume, "sm_90");
}

static void sequence_agrees(void **state) {
  (void)state;
  written(sequence, "sm_80");
}

static void baked_weights_agree(void **state) {
  (void)state;
  static const WeightsAs forms[] = {WEIGHTS_EMBED, WEIGHTS_FILE};
  for (int f = 0; f < COUNT(forms); f++) {
    Simulated s =
        simulated_network("models/resnet20_cifar.json", "sm_80", "3x8x8", BATCH, forms[f]);
    simulated_check(&s, 2, 2, tolerance);
    simulated_free(&s);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mixed_agrees),
      cmocka_unit_test(volume_agrees),
      cmocka_unit_test(sequence_agrees),
      cmocka_unit_test(baked_weights_agree),
  };
  if (argc == 1) return cmocka_run_group_tests(tests, NULL, NULL);
  if (argc != 4) return 2;
  Simulated s = simulated_network(argv[1], argv[2], argv[3], 1, WEIGHTS_LOADED);
  simulated_check(&s, 1, 1, tolerance);
  simulated_compile(&s);
  simulated_free(&s);
  return 0;
}
