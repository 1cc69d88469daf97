/* random.h - random numbers for the order of samples and their augmentation: each stream is found
 * from what it is for, so that nothing depends on what was drawn before. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

typedef enum RandomUse { RANDOM_ORDER, RANDOM_AUGMENT, RANDOM_SPLIT } RandomUse;

typedef struct Random {
  uint64_t state;
} Random;

Random random_start(int64_t seed, RandomUse, int64_t epoch, int64_t sample);
uint64_t random_bits(Random *);
int64_t random_below(Random *, int64_t n);           /* 0 ... n - 1 */
double random_unit(Random *);                        /* [0, 1) */
double random_between(Random *, double a, double b); /* [a, b) */
double random_normal(Random *);                      /* mean 0, variance 1 */

#endif
