/* Every vector helper of runtime/c against its scalar meaning, lane by lane, on special and random
 * values; elementary functions within 4 units in the last place of the result in double. */
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#if defined(__x86_64__)
#include "../../runtime/c/simd_avx512.h"
#include "../../runtime/c/simd_math.h"
#include "../../runtime/c/simd_avx2.h"
#include "../../runtime/c/simd_math.h"
#elif defined(__aarch64__)
#include "../../runtime/c/simd_neon.h"
#include "../../runtime/c/simd_math.h"
#endif

enum { VALUES = 4096 };

/* Special values first, then random ones of all sizes. */
static void fill_values(float *a, float *b) {
  static const float special[] = {0.0f,   -0.0f,   1.0f,        -1.0f,     0.5f,  2.5f,   1e-40f,
                                  88.0f,  -87.5f,  -100.0f,     INFINITY,  -0.3f, 0.625f, FLT_MAX,
                                  -1e30f, FLT_MIN, 16777216.0f, -INFINITY, NAN,   3.0f};
  srand(1);
  for (int i = 0; i < VALUES; i++) {
    const int n = (int)(sizeof special / sizeof *special);
    a[i] = i < n * n ? special[i % n]
                     : ldexpf((float)rand() / (float)RAND_MAX - 0.5f, rand() % 12 - 3);
    b[i] = i < n * n ? special[i / n] : ldexpf((float)rand() / (float)RAND_MAX - 0.5f, rand() % 5);
  }
}

/* Distance in units in the last place of the exact value; 0 where both are the same special one. */
static double ulps(float got, double exact) {
  const float nearest = (float)exact;
  if (isnan(exact)) return isnan(got) ? 0 : 1e9;
  if (got == nearest) return 0;
  if (isinf(nearest) || isinf(got) || isnan(got)) return 1e9;
  const float size = fmaxf(fabsf(nearest), FLT_MIN);
  return fabs((double)got - exact) / ((double)nextafterf(size, INFINITY) - (double)size);
}

static void check(const char *name, float a, float b, float got, double exact, double allowed) {
  const double off = ulps(got, exact);
  if (off > allowed) {
    printf("%s(%.9g, %.9g) = %.9g, exact %.17g: %.2f ulp\n", name, (double)a, (double)b,
           (double)got, exact, off);
    fail();
  }
}

static float scalar_max(float a, float b) {
  return a > b ? a : b;
}
static float scalar_fold_max(float most, float x) {
  return isnan(most) ? most : isnan(x) || x > most ? x : most;
}

/* name, ulps allowed, value from float a, b as in C */
#define ONE(X)                                                                                     \
  X(neg, 0, -a)                                                                                    \
  X(abs, 0, fabsf(a))                                                                              \
  X(sqrt, 0, sqrtf(a))                                                                             \
  X(floor, 0, floorf(a))                                                                           \
  X(exp, 4, exp((double)a))                                                                        \
  X(log, 4, log((double)a))                                                                        \
  X(tanh, 4, tanh((double)a))                                                                      \
  X(erf, 4, erf((double)a))
#define TWO(X)                                                                                     \
  X(add, 0, a + b)                                                                                 \
  X(sub, 0, a - b)                                                                                 \
  X(mul, 0, a *b)                                                                                  \
  X(div, 0, a / b)                                                                                 \
  X(min, 0, a < b ? a : b)                                                                         \
  X(max, 0, scalar_max(a, b))                                                                      \
  X(lt, 0, a < b ? 1.0f : 0.0f)                                                                    \
  X(le, 0, a <= b ? 1.0f : 0.0f)                                                                   \
  X(eq, 0, a == b ? 1.0f : 0.0f)                                                                   \
  X(fold_max, 0, scalar_fold_max(a, b))                                                            \
  X(pow, 4, pow((double)a, (double)b))

#define CHECK_ONE(name, allowed, exact)                                                            \
  V(store)(out, V(name)(V(load)(p)));                                                              \
  for (int l = 0; l < LANES; l++) {                                                                \
    const float a = p[l];                                                                          \
    check(ISA #name, a, 0.0f, out[l], (double)(exact), allowed);                                   \
  }
#define CHECK_TWO(name, allowed, exact)                                                            \
  V(store)(out, V(name)(V(load)(p), V(load)(q)));                                                  \
  for (int l = 0; l < LANES; l++) {                                                                \
    const float a = p[l], b = q[l];                                                                \
    check(ISA #name, a, b, out[l], (double)(exact), allowed);                                      \
  }

/* Reads and writes exactly `count` floats; the rest as promised. */
#define CHECK_PARTS                                                                                \
  for (int count = 0; count <= LANES; count++) {                                                   \
    float part[LANES], kept[LANES], stored[LANES];                                                 \
    for (int l = 0; l < LANES; l++) stored[l] = -7.0f;                                             \
    V(store)(part, V(load_part)(p, count));                                                        \
    V(store)(kept, V(keep)(V(load)(p), count, V(set1)(3.0f)));                                     \
    V(store_part)(stored, V(load)(p), count);                                                      \
    for (int l = 0; l < LANES; l++) {                                                              \
      assert_memory_equal(&part[l], l < count ? &p[l] : &(float){0.0f}, sizeof *p);                \
      assert_memory_equal(&kept[l], l < count ? &p[l] : &(float){3.0f}, sizeof *p);                \
      assert_memory_equal(&stored[l], l < count ? &p[l] : &(float){-7.0f}, sizeof *p);             \
    }                                                                                              \
  }

#define CHECK_REST                                                                                 \
  V(store)(out, V(select)(V(load)(p), V(set1)(1.0f), V(set1)(2.0f)));                              \
  for (int l = 0; l < LANES; l++)                                                                  \
    check(ISA "select", p[l], 0.0f, out[l], p[l] != 0.0f ? 1.0 : 2.0, 0);                          \
  V(store)(out, V(fma)(V(load)(p), V(load)(q), V(set1)(1.0f)));                                    \
  for (int l = 0; l < LANES; l++)                                                                  \
    check(ISA "fma", p[l], q[l], out[l], (double)p[l] * (double)q[l] + 1.0, 1);                    \
  V(store)(out, V(narrow)(V(wide_add)(V(wide_add)(V(wide_zero)(), V(load)(p)), V(load)(q))));      \
  for (int l = 0; l < LANES; l++)                                                                  \
    check(ISA "wide_add", p[l], q[l], out[l], (double)p[l] + (double)q[l], 0);                     \
  V(store)(out, V(iota)());                                                                        \
  for (int l = 0; l < LANES; l++) assert_true(out[l] == (float)l);                                 \
  assert_true(V(sum)(V(iota)()) == (float)(LANES * (LANES - 1) / 2));                              \
  V(store)(out, V(zero)());                                                                        \
  for (int l = 0; l < LANES; l++) assert_true(out[l] == 0.0f);

/* A block of vectors turned round. */
#define CHECK_BLOCK                                                                                \
  {                                                                                                \
    V(v) block[LANES];                                                                             \
    for (int l = 0; l < LANES; l++) block[l] = V(load)(p + l * LANES);                             \
    V(transpose)(block);                                                                           \
    for (int l = 0; l < LANES; l++) {                                                              \
      V(store)(out, block[l]);                                                                     \
      for (int m = 0; m < LANES; m++) assert_memory_equal(&out[m], &p[m * LANES + l], sizeof *p);  \
    }                                                                                              \
  }

#define CHECK_ALL(function, attribute)                                                             \
  attribute static void function(void) {                                                           \
    float first[VALUES], second[VALUES], out[16];                                                  \
    fill_values(first, second);                                                                    \
    for (int i = 0; i + LANES <= VALUES; i += LANES) {                                             \
      const float *p = first + i, *q = second + i;                                                 \
      ONE(CHECK_ONE)                                                                               \
      TWO(CHECK_TWO)                                                                               \
      CHECK_REST                                                                                   \
      if (i < 64) CHECK_PARTS                                                                      \
      if (i == 0) CHECK_BLOCK                                                                      \
    }                                                                                              \
  }

#if defined(__x86_64__)
#define V(name) avx512_##name
#define ISA     "avx512_"
#define LANES   16
CHECK_ALL(check_avx512, CNNC_AVX512_TARGET)
#undef V
#undef ISA
#undef LANES

#define V(name) avx2_##name
#define ISA     "avx2_"
#define LANES   8
CHECK_ALL(check_avx2, CNNC_AVX2_TARGET)
#undef V
#undef ISA
#undef LANES

static void avx512(void **state) {
  (void)state;
  if (!__builtin_cpu_supports("avx512f")) skip();
  check_avx512();
}

static void avx2(void **state) {
  (void)state;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) skip();
  check_avx2();
}
#elif defined(__aarch64__)
#define V(name) neon_##name
#define ISA     "neon_"
#define LANES   4
CHECK_ALL(check_neon, CNNC_NEON_TARGET)
#undef V
#undef ISA
#undef LANES

static void neon(void **state) {
  (void)state;
  check_neon();
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
#if defined(__x86_64__)
    cmocka_unit_test(avx512),
    cmocka_unit_test(avx2),
#elif defined(__aarch64__)
    cmocka_unit_test(neon),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
