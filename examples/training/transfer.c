/* transfer.c - what was learnt from the digits 0 to 4 serves for 5 to 9: digits04.json learns the
 * first; digits59.json has the same convolutions, frozen, and new layers behind them. It loads what
 * fits and learns only the rest. Then tuned59.json goes on with all of it: its convolutions learn as
 * well, at a tenth of the rate.
 *
 *   transfer DATA */
#include "digits04.h"
#include "digits59.h"
#include "mnist.h"
#include "tuned59.h"

enum { BATCH = digits04_MAX_BATCH, CLASSES = 5 };

/* An epoch in another order, and the accuracy after it: the same for all libraries. */
#define EPOCH(net, context, train, test, epoch)                                                    \
  do {                                                                                             \
    float loss, y[BATCH * CLASSES];                                                                \
    int right = 0;                                                                                 \
    digits_shuffle(&train, (uint64_t)(epoch));                                                     \
    for (int i = 0; i + BATCH <= train.n; i += BATCH)                                              \
      must(net##_train_step(&context, BATCH, train.x + i * PIXELS, train.label + i, &loss),        \
           "train_step");                                                                          \
    for (int i = 0; i < test.n; i += BATCH) {                                                      \
      int n = test.n - i < BATCH ? test.n - i : BATCH;                                             \
      must(net##_forward(&context, n, test.x + i * PIXELS, y), "forward");                         \
      for (int k = 0; k < n; k++) right += largest(y + k * CLASSES, CLASSES) == test.label[i + k]; \
    }                                                                                              \
    printf("%s, epoch %d: %.2f %% right\n", #net, (epoch) + 1, 100.0 * right / test.n);            \
  } while (0)

static void report(const unsigned char *found) {
  static const char *const what[] = {[digits59_ABSENT] = "is new",
                                     [digits59_TAKEN] = "is taken",
                                     [digits59_MISSHAPEN] = "has another shape there"};
  for (int i = 0; i < digits59_PARAM_COUNT; i++)
    printf("%s %s\n", digits59_params[i].name, what[found[i]]);
}

int main(int argc, char **argv) {
  digits04 old;
  digits59 new;
  tuned59 tuned;
  unsigned char found[digits59_PARAM_COUNT];
  must(argc != 2, "transfer DATA");
  Digits train = digits_read(argv[1], "train", 60000), test = digits_read(argv[1], "t10k", 10000);
  Digits to4 = digits_between(&train, 0, 5), to4_test = digits_between(&test, 0, 5);
  Digits to9 = digits_between(&train, 5, 10), to9_test = digits_between(&test, 5, 10);
  OPEN(digits04, &old, 1);
  OPEN(digits59, &new, 1);
  OPEN(tuned59, &tuned, 1);
  must(digits04_init_params(&old, 1) | digits59_init_params(&new, 2), "init_params");
  for (int epoch = 0; epoch < 2; epoch++) EPOCH(digits04, old, to4, to4_test, epoch);
  size_t size = digits04_save_size(&old);
  void *weights = memory_of(size);
  must(digits04_save(&old, weights, size), "save");
  must(digits59_load_part(&new, weights, size, found), "load_part");
  report(found);
  for (int epoch = 0; epoch < 3; epoch++) EPOCH(digits59, new, to9, to9_test, epoch);
  size = digits59_save_size(&new);
  weights = memory_of(size);
  must(digits59_save(&new, weights, size), "save");
  must(tuned59_init_params(&tuned, 3) | tuned59_load(&tuned, weights, size), "load");
  for (int epoch = 0; epoch < 2; epoch++) EPOCH(tuned59, tuned, to9, to9_test, epoch);
  return 0;
}
