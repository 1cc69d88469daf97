/* uniform.c - the primitive `random`: what emitted code does, as it is. */
#include <stdint.h>

#include "expr.h"

#include "../runtime/c/philox.h"
#include "../runtime/c/uniform.h"

/* Texts may say anything. */
static double whole(double x) {
  return x >= 0 && x < 0x1p53 ? x : 0;
}

double expr_random(double key, double high, double low) {
  return (double)cnnc_uniform(whole(key), whole(high), whole(low));
}
