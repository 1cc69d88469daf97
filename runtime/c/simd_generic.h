/* Plain C99: vectors of one float. */
#ifndef CNNC_GENERIC
#define CNNC_GENERIC
#include <math.h>

#define CNNC_GENERIC_TARGET
#if defined(__GNUC__)
#define CNNC_GENERIC_INLINE static inline __attribute__((unused))
#else
#define CNNC_GENERIC_INLINE static inline
#endif

typedef float generic_v;
enum { GENERIC_LANES = 1 };
#define generic_fence() ((void)0)

CNNC_GENERIC_INLINE float generic_load(const float *p) {
  return *p;
}
CNNC_GENERIC_INLINE void generic_store(float *p, float v) {
  *p = v;
}
CNNC_GENERIC_INLINE float generic_load_part(const float *p, int count) {
  return count > 0 ? *p : 0.0f;
}
CNNC_GENERIC_INLINE void generic_store_part(float *p, float v, int count) {
  if (count > 0) *p = v;
}
CNNC_GENERIC_INLINE float generic_keep(float v, int count, float rest) {
  return count > 0 ? v : rest;
}
CNNC_GENERIC_INLINE float generic_zero(void) {
  return 0.0f;
}
CNNC_GENERIC_INLINE float generic_set1(float s) {
  return s;
}
CNNC_GENERIC_INLINE float generic_iota(void) {
  return 0.0f;
}
CNNC_GENERIC_INLINE float generic_add(float a, float b) {
  return a + b;
}
CNNC_GENERIC_INLINE float generic_sub(float a, float b) {
  return a - b;
}
CNNC_GENERIC_INLINE float generic_mul(float a, float b) {
  return a * b;
}
CNNC_GENERIC_INLINE float generic_div(float a, float b) {
  return a / b;
}
CNNC_GENERIC_INLINE float generic_fma(float a, float b, float c) { /* the compiler may fuse it */
  return a * b + c;
}
CNNC_GENERIC_INLINE float generic_min(float a, float b) {
  return a < b ? a : b;
}
CNNC_GENERIC_INLINE float generic_max(float a, float b) {
  return a > b ? a : b;
}
CNNC_GENERIC_INLINE float generic_neg(float a) {
  return -a;
}
CNNC_GENERIC_INLINE float generic_abs(float a) {
  return fabsf(a);
}
CNNC_GENERIC_INLINE float generic_sqrt(float a) {
  return sqrtf(a);
}
CNNC_GENERIC_INLINE float generic_floor(float a) {
  return floorf(a);
}
CNNC_GENERIC_INLINE float generic_lt(float a, float b) { /* 1 or 0 */
  return a < b ? 1.0f : 0.0f;
}
CNNC_GENERIC_INLINE float generic_le(float a, float b) {
  return a <= b ? 1.0f : 0.0f;
}
CNNC_GENERIC_INLINE float generic_eq(float a, float b) {
  return a == b ? 1.0f : 0.0f;
}
CNNC_GENERIC_INLINE float generic_select(float c, float a, float b) { /* c ? a : b */
  return c != 0.0f ? a : b;
}
/* The larger one; a NaN in either stays. */
CNNC_GENERIC_INLINE float generic_fold_max(float most, float x) {
  return most > x || most != most ? most : x;
}
CNNC_GENERIC_INLINE float generic_sum(float v) {
  return v;
}
CNNC_GENERIC_INLINE float generic_exp(float a) {
  return expf(a);
}
CNNC_GENERIC_INLINE float generic_log(float a) {
  return logf(a);
}
CNNC_GENERIC_INLINE float generic_tanh(float a) {
  return tanhf(a);
}
CNNC_GENERIC_INLINE float generic_erf(float a) {
  return erff(a);
}
CNNC_GENERIC_INLINE float generic_pow(float a, float b) {
  return powf(a, b);
}
#endif
