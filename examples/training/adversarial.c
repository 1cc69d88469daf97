/* adversarial.c - digits that a trained LeNet-5 no longer reads, though they look the same: each
 * pixel moves by epsilon in the direction that makes the loss grow, the sign of the gradient by the
 * input (Goodfellow et al., Explaining and harnessing adversarial examples, 2015).
 *
 *   adversarial DATA WEIGHTS PICTURE.pgm
 *
 * Epsilon grows until fewer than one digit in five is read. The picture shows digits above, and
 * what became of them below. */
#include <math.h>

#include "lenet5g.h"
#include "mnist.h"

enum { BATCH = lenet5g_MAX_BATCH, SHOWN = 10 };

static float clamp(float x) {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* The digits moved by epsilon, and how many of them are still read. */
static int attack(lenet5g *net, const Digits *d, float epsilon, float *moved) {
  static float gradient[BATCH * PIXELS], y[BATCH * 10];
  int right = 0;
  for (int i = 0; i + BATCH <= d->n; i += BATCH) {
    const float *x = d->x + i * PIXELS;
    float loss, *to = moved + i * PIXELS;
    must(lenet5g_train_forward(net, BATCH, x, d->label + i, &loss), "train_forward");
    must(lenet5g_backward(net, BATCH, 0, gradient), "backward");
    for (int p = 0; p < BATCH * PIXELS; p++)
      to[p] = clamp(x[p] + epsilon * (gradient[p] > 0 ? 1.0f : gradient[p] < 0 ? -1.0f : 0.0f));
    must(lenet5g_forward(net, BATCH, to, y), "forward");
    for (int k = 0; k < BATCH; k++) right += largest(y + k * 10, 10) == d->label[i + k];
  }
  return right;
}

static void draw(const char *path, const float *above, const float *below) {
  FILE *file = fopen(path, "wb");
  must(!file, path);
  fprintf(file, "P5\n%d %d\n255\n", SHOWN * 28, 2 * 28);
  for (int row = 0; row < 2 * 28; row++)
    for (int column = 0; column < SHOWN * 28; column++) {
      const float *x = (row < 28 ? above : below) + column / 28 * PIXELS;
      fputc((int)lrintf(255 * (1 - x[row % 28 * 28 + column % 28])), file);
    }
  must(fclose(file), path);
}

int main(int argc, char **argv) {
  lenet5g net;
  must(argc != 4, "adversarial DATA WEIGHTS PICTURE.pgm");
  Digits d = digits_read(argv[1], "t10k", 1000 / BATCH * BATCH);
  float *moved = memory_of((size_t)d.n * PIXELS * sizeof *moved);
  OPEN(lenet5g, &net, 1);
  must(lenet5g_load_file(&net, argv[2]), argv[2]);
  for (int step = 0; step <= 16; step++) {
    float epsilon = (float)step * 0.025f;
    int right = attack(&net, &d, epsilon, moved);
    printf("epsilon %.3f: %.1f %% of %d digits read\n", (double)epsilon, 100.0 * right / d.n, d.n);
    if (5 * right < d.n) break;
  }
  draw(argv[3], d.x, moved);
  return 0;
}
