/* features.c - a trained network as a source of features: LeNet-5 emitted with --outputs f6 returns
 * 84 numbers for each digit. With the mean of each class over some training digits as its only
 * knowledge, the nearest mean reads test digits, from pixels and from features.
 *
 *   features DATA WEIGHTS */
#include "lenet5f.h"
#include "mnist.h"

enum { BATCH = lenet5f_MAX_BATCH, FEATURES = 84, MOST = PIXELS };

static float *features_of(lenet5f *net, const Digits *d) {
  float *to = memory_of((size_t)d->n * FEATURES * sizeof *to);
  for (int i = 0; i < d->n; i += BATCH) {
    int n = d->n - i < BATCH ? d->n - i : BATCH;
    must(lenet5f_forward(net, n, d->x + i * PIXELS, to + i * FEATURES), "forward");
  }
  return to;
}

static double distance(const float *a, const float *b, int width) {
  double sum = 0;
  for (int i = 0; i < width; i++) sum += (double)(a[i] - b[i]) * (double)(a[i] - b[i]);
  return sum;
}

/* Percent of test digits that are nearest to the mean of their class. */
static double nearest_mean(const float *train, const int *label, int n, const float *test,
                           const int *wanted, int tests, int width) {
  float mean[10][MOST] = {{0}};
  int count[10] = {0}, right = 0;
  for (int i = 0; i < n; i++) count[label[i]]++;
  for (int i = 0; i < n; i++)
    for (int k = 0; k < width; k++)
      mean[label[i]][k] += train[i * width + k] / (float)count[label[i]];
  for (int i = 0; i < tests; i++) {
    int best = 0;
    for (int c = 1; c < 10; c++)
      if (distance(test + i * width, mean[c], width) <
          distance(test + i * width, mean[best], width))
        best = c;
    right += best == wanted[i];
  }
  return 100.0 * right / tests;
}

int main(int argc, char **argv) {
  lenet5f net;
  unsigned char found[lenet5f_PARAM_COUNT];
  must(argc != 3, "features DATA WEIGHTS");
  Digits train = digits_read(argv[1], "train", 2000), test = digits_read(argv[1], "t10k", 1000);
  lenet5f_memory memory = {.hash = lenet5f_HASH,
                           .params = memory_of(lenet5f_PARAMS_BYTES),
                           .params_bytes = lenet5f_PARAMS_BYTES,
                           .work = memory_of(lenet5f_WORK_BYTES(1)),
                           .work_bytes = lenet5f_WORK_BYTES(1)};
  must(lenet5f_init(&net, &memory, 1), "init");
  must(lenet5f_init_params(&net, 1), "init_params");
  must(lenet5f_load_part_file(&net, argv[2], found), argv[2]); /* without the layer after f6 */
  for (int i = 0; i < lenet5f_PARAM_COUNT; i++)
    must(found[i] != lenet5f_TAKEN, lenet5f_params[i].name);
  const float *known = features_of(&net, &train), *asked = features_of(&net, &test);
  printf("pixels, nearest mean: %.1f %% right\n",
         nearest_mean(train.x, train.label, train.n, test.x, test.label, test.n, PIXELS));
  printf("features of f6, nearest mean: %.1f %% right\n",
         nearest_mean(known, train.label, train.n, asked, test.label, test.n, FEATURES));
  return 0;
}
