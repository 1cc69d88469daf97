/* random.c - SplitMix64 (Steele, Lea, Flood 2014). See random.h. */
#include "random.h"

#include <math.h>

uint64_t random_bits(Random *r) {
  uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

Random random_start(int64_t seed, RandomUse use, int64_t epoch, int64_t sample) {
  Random r = {(uint64_t)seed};
  r.state = random_bits(&r) ^ (uint64_t)use;
  r.state = random_bits(&r) ^ (uint64_t)epoch;
  r.state = random_bits(&r) ^ (uint64_t)sample;
  return r;
}

/* Bits of the last, incomplete round of n are drawn again. */
int64_t random_below(Random *r, int64_t n) {
  uint64_t range = (uint64_t)n, bits, from = (0 - range) % range;
  do bits = random_bits(r);
  while (bits < from);
  return (int64_t)(bits % range);
}

double random_unit(Random *r) {
  return (double)(random_bits(r) >> 11) * 0x1p-53;
}

double random_between(Random *r, double a, double b) {
  return a + (b - a) * random_unit(r);
}

/* Box and Muller 1958. */
double random_normal(Random *r) {
  double u = 1 - random_unit(r), angle = 6.283185307179586 * random_unit(r);
  return sqrt(-2 * log(u)) * cos(angle);
}
