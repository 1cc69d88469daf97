/* lenet5.c - the shipped LeNet-5 on real digits, for every target of C that this CPU runs: the
 * class of each test image, and the logits of the first 256, as they were computed in double
 * elsewhere. Data comes from the folder CNNC_DATA. */
#include "../unit/unit.h"
#include "inference.h"

#include <math.h>
#include <unistd.h>

enum { IMAGES = 10000, FIRST = 256, CLASSES = 10 };

static const char *data_file(Arena *arena, const char *name) {
  return arena_printf(arena, "%s/%s", getenv("CNNC_DATA"), name);
}

static Options options_of(Unit *u, const char *target, const char *predictions) {
  const char *const words[] = {"cnnc",
                               "eval",
                               "models/lenet5.json",
                               "--weights",
                               "models/lenet5.safetensors",
                               "--target",
                               target,
                               "--data",
                               data_file(u->arena, "mnist"),
                               "--threads",
                               "2",
                               "--predictions",
                               predictions};
  Options o;
  assert_true(options_parse(u, &o, COUNT(words), (char *const *)words));
  return o;
}

/* `cnnc eval`: its predictions are the published ones, 9952 of them right. */
static void check_classes(const char *target) {
  Unit *u = unit_new();
  char path[] = "/tmp/cnnc_predictions_XXXXXX";
  close(mkstemp(path));
  Options o = options_of(u, target, path);
  assert_int_equal(command_eval(u, &o), STATUS_DONE);
  size_t n, expected_n;
  const char *is = file_read(u, path, &n);
  const char *expected =
      file_read(u, data_file(u->arena, "nets/lenet5.mnist_t10k.predictions.u8"), &expected_n);
  assert_int_equal(n, IMAGES);
  assert_int_equal(expected_n, IMAGES);
  assert_memory_equal(is, expected, IMAGES);
  remove(path);
  unit_free(u);
}

/* The logits differ by at most 1e-5 of the largest of their image. */
static void check_logits(const char *target) {
  Unit *u = unit_new();
  Options o = options_of(u, target, "none");
  Graph *g = pipeline_read(u, &o);
  Dataset data = {0};
  assert_non_null(g);
  assert_true(dataset_read(u, &(DataRequest){.folder = o.data, .part = DATA_TEST}, &data));
  Scaling scaling = inference_scaling(&g->input.at[0]);
  float *x = NEW_ARRAY(u->arena, float, FIRST *data.sample_size), *input[] = {x};
  for (int64_t i = 0; i < FIRST; i++) {
    dataset_values(&data, i, x + i * data.sample_size);
    scale_values(&scaling, data.sample_size, x + i * data.sample_size);
  }
  Inference f = {.u = u, .o = &o, .g = g, .n = FIRST, .input = input, .repeat = 1};
  f.target = target ? target_find(target) : NULL;
  f.param = params_read(u, g, o.weights);
  assert_int_equal(inference_run(&f), STATUS_DONE);
  size_t size;
  const char *file = data_file(u->arena, "nets/lenet5.mnist_t10k_first256.logits.f32");
  const float *expected = (const float *)(const void *)file_read(u, file, &size);
  assert_int_equal(size, FIRST * CLASSES * sizeof(float));
  for (int i = 0; i < FIRST; i++) {
    double error = 0, largest = 0;
    for (int k = i * CLASSES; k < (i + 1) * CLASSES; k++) {
      error = fmax(error, fabs((double)f.output[0][k] - expected[k]));
      largest = fmax(largest, fabs((double)expected[k]));
    }
    assert_true(error <= 1e-5 * largest);
  }
  unit_free(u);
}

static void digits_are_read(void **state) {
  (void)state;
  if (!getenv("CNNC_DATA")) {
    print_message("skipped: CNNC_DATA names no folder with data\n");
    skip();
  }
  for (int i = 0; targets[i]; i++) {
    if (!target_runs(targets[i])) {
      print_message("skipped: this CPU does not run %s\n", targets[i]->name);
      continue;
    }
    check_classes(targets[i]->name);
    check_logits(targets[i]->name);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(digits_are_read)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
