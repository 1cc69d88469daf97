/* A random number in [0, 1), a multiple of 2^-24: Philox with this key at the counter whose words
 * are, from the lowest, those of `low` and of `high`. All are whole numbers below 2^53. */
#ifndef CNNC_UNIFORM
#define CNNC_UNIFORM
CNNC_PHILOX_INLINE float cnnc_uniform(double key, double high, double low) {
  const uint64_t k = (uint64_t)key, h = (uint64_t)high, l = (uint64_t)low;
  uint32_t word[4] = {(uint32_t)l, (uint32_t)(l >> 32), (uint32_t)h, (uint32_t)(h >> 32)};
  cnnc_philox((uint32_t)k, (uint32_t)(k >> 32), word);
  return (float)(word[0] >> 8) * 5.9604644775390625e-08f;
}
#endif
