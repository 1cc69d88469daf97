/* input_grad.c - a library in double: backward returns the gradient of the loss by its inputs, equal
 * to central differences; asked for or not, gradients of parameters are the same. */
#include "training_program.h"

#include <math.h>

enum { IN_B = 6, VALUES = NAME(_GRADS_BYTES) / sizeof(double) };

static double x[N * IN], b[N * IN_B], target[N * OUT], by_x[N * IN], by_b[N * IN_B];
static NET net;

static double loss_now(void) {
  double loss;
  MUST(NAME(_train_forward)(&net, N, x, b, target, &loss) == NAME(_OK));
  return loss;
}

static double difference(double *at) {
  const double step = 1e-5, value = *at;
  *at = value + step;
  const double above = loss_now();
  *at = value - step;
  const double below = loss_now();
  *at = value;
  return (above - below) / (2 * step);
}

static void check(double *at, const double *gradient, int n) {
  for (int i = 0; i < n; i++) MUST(fabs(gradient[i] - difference(&at[i])) < 1e-9);
}

static void fill(double *at, int n, double factor) {
  for (int i = 0; i < n; i++) at[i] = sin(factor * (i + 1));
}

int main(void) {
  NAME(_memory) m = training_memory(1);
  MUST(NAME(_init)(&net, &m, 1) == NAME(_OK) && NAME(_init_params)(&net, SEED) == NAME(_OK));
  fill(x, N * IN, 1.3);
  fill(b, N * IN_B, 0.7);
  fill(target, N * OUT, 2.1);
  static double grads[VALUES];
  loss_now();
  MUST(NAME(_backward)(&net, N, 0, NULL, by_b) == NAME(_OK));
  memcpy(grads, m.grads, sizeof grads);
  loss_now();
  MUST(NAME(_backward)(&net, N, 0, by_x, NULL) == NAME(_OK));
  MUST(memcmp(grads, m.grads, sizeof grads) == 0);
  check(x, by_x, N * IN);
  check(b, by_b, N * IN_B);
  return 0;
}
