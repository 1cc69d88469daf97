/* test_lenet5.c - the shipped LeNet-5 on real digits, simulated: the class of test images is the
 * published one. The first of them; in the long form each of the 10 000. Data comes from the folder
 * CNNC_DATA. */
#include "harness.h"

#include <stdio.h>

#include "inference.h"

enum { AT_ONCE = 250, IMAGES = 10000, CLASSES = 10 };

static const char *data_file(Arena *arena, const char *name) {
  return arena_printf(arena, "%s/%s", getenv("CNNC_DATA"), name);
}

/* Images from `first` on, as the network takes them. */
static void set_images(const Simulated *s, const Dataset *data, int64_t first, SimulatedRun *r) {
  const Scaling scaling = inference_scaling(&s->graph->input.at[0]);
  float *x = NEW_ARRAY(s->u->arena, float, data->sample_size);
  for (int64_t i = 0; i < AT_ONCE; i++) {
    dataset_values(data, first + i, x);
    scale_values(&scaling, data->sample_size, x);
    for (int64_t k = 0; k < data->sample_size; k++) r->in[0][i * data->sample_size + k] = x[k];
  }
}

static void compare_classes(const SimulatedRun *r, const unsigned char *expected, int64_t first) {
  for (int64_t i = 0; i < AT_ONCE; i++) {
    const float *logit = &r->out[0][i * CLASSES];
    int class = 0;
    for (int k = 1; k < CLASSES; k++)
      if (logit[k] > logit[class]) class = k;
    if (class != expected[first + i])
      fail_msg("image %d: class %d, not %d", (int)(first + i), class, expected[first + i]);
  }
}

static void check_classes(int64_t images) {
  static const char *const settings[] = {"CUDASIM_CHECK=0", NULL};
  const Options o = {.network = "models/lenet5.json", .target = "sm_80", .batch = AT_ONCE};
  Simulated s = simulated_options(o, WEIGHTS_LOADED);
  Dataset data = {0};
  size_t n;
  s.param = params_read(s.u, s.graph, "models/lenet5.safetensors");
  assert_non_null(s.param);
  assert_true(dataset_read(
      s.u, &(DataRequest){.folder = data_file(s.u->arena, "mnist"), .part = DATA_TEST}, &data));
  const char *expected =
      file_read(s.u, data_file(s.u->arena, "nets/lenet5.mnist_t10k.predictions.u8"), &n);
  assert_int_equal(n, IMAGES);
  simulated_emit(&s);
  simulated_build(&s);
  SimulatedRun r = simulated_inputs(&s, AT_ONCE);
  for (int64_t first = 0; first < images; first += AT_ONCE) {
    set_images(&s, &data, first, &r);
    if (simulated_run(&s, &r, settings) != 0) fail_msg("%s", r.messages.n ? r.messages.at : "");
    compare_classes(&r, (const unsigned char *)expected, first);
  }
  simulated_free(&s);
}

static void digits_are_read(void **state) {
  (void)state;
  if (!getenv("CNNC_DATA")) {
    print_message("skipped: CNNC_DATA names no folder with data\n");
    skip();
  }
  check_classes(is_long() ? IMAGES : AT_ONCE);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(digits_are_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
