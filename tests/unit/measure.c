/* Kernels alone: every contraction of a network, cut out and lowered by every algorithm that serves
 * it, becomes a plan that holds together; equal ones are found. */
#include "unit.h"
#include "algos.h"

#include <stdlib.h>

#include "bench.h"

static Subjects subjects_of(Captured *c, const Options *o, const Target *target) {
  Graph *g = pipeline_read(c->u, o);
  if (!g) fail_msg("%s", messages(c));
  Plan *lowered = pipeline_lowered(c->u, o, g, target);
  assert_non_null(lowered);
  return measure_subjects(c->u, lowered);
}

static void each_algorithm_alone(const char *network, const char *target_name, bool train) {
  Captured *c = captured_new(NULL, NULL);
  const Target *target = target_find(target_name);
  const Options o = {.network = network, .target = target_name, .train = train, .batch = 2};
  const Subjects all = subjects_of(c, &o, target);
  assert_true(all.n > 0);
  for (int i = 0; i < all.n; i++) {
    const Subject *s = &all.at[i];
    assert_true(s->first <= i && all.at[s->first].first == s->first);
    assert_true(s->operations > 0 || s->role != ROLE_FWD);
    for (int a = 0; a < ALGO_KINDS && s->first == i; a++) {
      assert_true(s->serves[a] || !s->allowed[a]);
      if (s->serves[a]) assert_true(measure_estimate(c->u, target, s, algos[a]) > 0);
    }
  }
  captured_free(c);
}

static void inference(void **state) {
  (void)state;
  each_algorithm_alone("models/lenet5_1998.json", "avx512", false);
  each_algorithm_alone("models/googlenet_caffe.json", "avx512", false);
  each_algorithm_alone("models/mobilenet_v1.json", "avx2", false);
  each_algorithm_alone("models/tiled_cifar10.json", "neon", false);
  each_algorithm_alone("models/voxnet.json", "avx512", false);
  each_algorithm_alone("models/m5_waveform.json", "avx2", false);
  each_algorithm_alone("models/unet.json", "generic", false);
}

static void training(void **state) {
  (void)state;
  each_algorithm_alone("models/lenet5.json", "avx512", true);
  each_algorithm_alone("models/resnet20_cifar.json", "avx512", true);
  each_algorithm_alone("models/cifar10_local.json", "avx2", true);
  each_algorithm_alone("models/recurrent_labels.json", "avx512", true);
}

static void equal_layers_are_one(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  const Options o = {.network = "models/resnet50.json", .target = "avx512"};
  const Subjects all = subjects_of(c, &o, target_find("avx512"));
  int different = 0;
  for (int i = 0; i < all.n; i++) different += all.at[i].first == i;
  assert_int_equal(all.n, 54);
  assert_true(different < 30); /* of 54: shapes, and whether a shortcut is added */
  captured_free(c);
}

/* Tables of convolutions that benchmarks publish:
 * every row becomes a subject, as the table says. */
static void published_shapes(void **state) {
  (void)state;
  static const struct {
    const char *table;
    int rows;
  } tables[] = {{"deepbench_conv", 160},
                {"onednn_conv", 715}, /* of 719: tensors of the others have too many elements */
                {"onednn_deconv", 113},
                {"convnet_benchmarks_layers", 80}};
  const char *data = getenv("CNNC_DATA");
  if (!data) {
    printf("skipped: CNNC_DATA is not set\n");
    skip();
  }
  for (int i = 0; i < COUNT(tables); i++) {
    Captured *c = captured_new(NULL, NULL);
    const Options o = {.batch = 1};
    Bench b = {.u = c->u, .o = &o, .target = target_find("avx512")};
    if (!shapes_read(&b, arena_printf(c->u->arena, "%s/workloads/%s.csv", data, tables[i].table)))
      fail_msg("%s: %s", tables[i].table, messages(c));
    assert_int_equal(b.subjects.n, tables[i].rows);
    captured_free(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inference),
      cmocka_unit_test(training),
      cmocka_unit_test(equal_layers_are_one),
      cmocka_unit_test(published_shapes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
