/* train.c - LeNet-5 learns MNIST through the emitted library.
 *
 *   train DATA EPOCHS
 *
 * After each epoch all that training is at goes to train.checkpoint; a run that finds that file
 * goes on from there, with the same bits as if it had never stopped. The weights:
 * lenet5.safetensors. */
#include "lenet5.h"
#include "mnist.h"

enum { BATCH = lenet5_MAX_BATCH };
static const char checkpoint[] = "train.checkpoint";

typedef struct Progress { /* in front of the library's checkpoint */
  int32_t epochs;
} Progress;

static int resume(lenet5 *net) {
  Progress progress = {0};
  FILE *file = fopen(checkpoint, "rb");
  if (!file) return 0;
  unsigned char *bytes = memory_of(lenet5_CHECKPOINT_BYTES);
  must(fread(&progress, sizeof progress, 1, file) != 1, checkpoint);
  must(fread(bytes, 1, lenet5_CHECKPOINT_BYTES, file) != lenet5_CHECKPOINT_BYTES, checkpoint);
  fclose(file);
  must(lenet5_checkpoint_restore(net, bytes, lenet5_CHECKPOINT_BYTES), "not of this network");
  free(bytes);
  return progress.epochs;
}

/* Appears under its name only when it is complete. */
static void keep(const lenet5 *net, int epochs) {
  const Progress progress = {epochs};
  unsigned char *bytes = memory_of(lenet5_CHECKPOINT_BYTES);
  FILE *file = fopen("train.checkpoint.new", "wb");
  must(!file || lenet5_checkpoint_save(net, bytes, lenet5_CHECKPOINT_BYTES), checkpoint);
  must(fwrite(&progress, sizeof progress, 1, file) != 1, checkpoint);
  must(fwrite(bytes, 1, lenet5_CHECKPOINT_BYTES, file) != lenet5_CHECKPOINT_BYTES, checkpoint);
  must(fclose(file) || rename("train.checkpoint.new", checkpoint), checkpoint);
  free(bytes);
}

static double epoch(lenet5 *net, const Digits *d) {
  double sum = 0;
  int steps = 0;
  for (int i = 0; i + BATCH <= d->n; i += BATCH, steps++) {
    float loss;
    must(lenet5_train_step(net, BATCH, d->x + i * PIXELS, d->label + i, &loss), "train_step");
    sum += (double)loss;
  }
  return sum / steps;
}

static double accuracy(lenet5 *net, const Digits *d) {
  float y[BATCH * 10];
  int right = 0;
  for (int i = 0; i < d->n; i += BATCH) {
    int n = d->n - i < BATCH ? d->n - i : BATCH;
    must(lenet5_forward(net, n, d->x + i * PIXELS, y), "forward");
    for (int k = 0; k < n; k++) right += largest(y + k * 10, 10) == d->label[i + k];
  }
  return 100.0 * right / d->n;
}

int main(int argc, char **argv) {
  lenet5 net;
  must(argc != 3, "train DATA EPOCHS");
  Digits test = digits_read(argv[1], "t10k", 10000);
  OPEN(lenet5, &net, 1);
  must(lenet5_init_params(&net, 1), "init_params");
  int first = resume(&net), epochs = atoi(argv[2]);
  for (int e = first; e < epochs; e++) {
    Digits train = digits_read(argv[1], "train", 60000);
    digits_shuffle(&train, (uint64_t)e); /* the order depends on the epoch alone */
    must(lenet5_set_lr(&net, e < 2 ? 0.02f : 0.004f), "set_lr");
    double loss = epoch(&net, &train);
    printf("epoch %d of %d: loss %.4f, %.2f %% of the test digits right\n", e + 1, epochs, loss,
           accuracy(&net, &test));
    keep(&net, e + 1);
    free(train.x);
    free(train.label);
  }
  must(lenet5_save_file(&net, "lenet5.safetensors"), "lenet5.safetensors");
  printf("%.2f %% of %d test digits right\n", accuracy(&net, &test), test.n);
  return 0;
}
