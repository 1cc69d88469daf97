/* Scalar helpers of generated code, and functions that round every operation once. */
#ifndef CNNC_SCALAR
#define CNNC_SCALAR
#include <math.h>

#if defined(__GNUC__)
#define CNNC_SCALAR_INLINE static inline __attribute__((unused))
#else
#define CNNC_SCALAR_INLINE static inline
#endif

/* Functions marked CNNC_EXACT are compiled without contraction and reordering, whatever the flags:
 * what they compute from weights is bit-identical to what the network compiler computes. */
#if defined(__clang__)
#define CNNC_EXACT
#define CNNC_EXACT_BODY _Pragma("STDC FP_CONTRACT OFF")
#elif defined(__GNUC__)
#define CNNC_EXACT __attribute__((optimize("fp-contract=off", "no-fast-math")))
#define CNNC_EXACT_BODY
#else
#define CNNC_EXACT
#define CNNC_EXACT_BODY
#endif

/* Of two equal or unordered numbers the second. */
CNNC_SCALAR_INLINE float cnnc_maxf(float a, float b) {
  return a > b ? a : b;
}
CNNC_SCALAR_INLINE float cnnc_minf(float a, float b) {
  return a < b ? a : b;
}
CNNC_SCALAR_INLINE double cnnc_max(double a, double b) {
  return a > b ? a : b;
}
CNNC_SCALAR_INLINE double cnnc_min(double a, double b) {
  return a < b ? a : b;
}
/* Is x to replace the largest number so far? A NaN does, and nothing replaces it. */
CNNC_SCALAR_INLINE int cnnc_larger(double x, double most) {
  return most == most && !(x <= most);
}
#endif
