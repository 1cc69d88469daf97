/* AVX-512: vectors of 16 floats. Every function states its instruction set: no -m flag is needed.
 * Names begin with the instruction set: files for different targets can stand in one program. */
#ifndef CNNC_AVX512
#define CNNC_AVX512
#include <immintrin.h>
#include <stdint.h>

#define CNNC_AVX512_TARGET __attribute__((target("avx512f,fma"), unused))
#define CNNC_AVX512_INLINE static inline CNNC_AVX512_TARGET __attribute__((always_inline))

typedef __m512 avx512_v;
enum { AVX512_LANES = 16 };

/* Keeps loads and stores of one reduction step apart from the next one's: registers suffice. */
#define avx512_fence() __asm__ volatile("" ::: "memory")
/* The line of p[at] comes into the first-level cache; it need not be an element of anything. */
CNNC_AVX512_INLINE void avx512_fetch(const float *p, int at) {
  _mm_prefetch((const char *)((uintptr_t)p + 4 * (uintptr_t)(intptr_t)at), _MM_HINT_T0);
}
/* Or into the second-level cache. */
CNNC_AVX512_INLINE void avx512_fetch_far(const float *p, int at) {
  _mm_prefetch((const char *)((uintptr_t)p + 4 * (uintptr_t)(intptr_t)at), _MM_HINT_T1);
}

/* ---- memory; `count` of 0 to 16 floats are touched, the other lanes are 0 ---- */

CNNC_AVX512_INLINE avx512_v avx512_load(const float *p) {
  return _mm512_loadu_ps(p);
}
CNNC_AVX512_INLINE void avx512_store(float *p, avx512_v v) {
  _mm512_storeu_ps(p, v);
}
CNNC_AVX512_INLINE __mmask16 avx512_first(int count) {
  return (__mmask16)((1U << count) - 1U);
}
CNNC_AVX512_INLINE avx512_v avx512_load_part(const float *p, int count) {
  return _mm512_maskz_loadu_ps(avx512_first(count), p);
}
CNNC_AVX512_INLINE void avx512_store_part(float *p, avx512_v v, int count) {
  _mm512_mask_storeu_ps(p, avx512_first(count), v);
}
/* The first `count` lanes of v, the others of `rest`. */
CNNC_AVX512_INLINE avx512_v avx512_keep(avx512_v v, int count, avx512_v rest) {
  return _mm512_mask_blend_ps(avx512_first(count), rest, v);
}

/* ---- arithmetic ---- */

CNNC_AVX512_INLINE avx512_v avx512_zero(void) {
  return _mm512_setzero_ps();
}
CNNC_AVX512_INLINE avx512_v avx512_set1(float s) {
  return _mm512_set1_ps(s);
}
CNNC_AVX512_INLINE avx512_v avx512_iota(void) { /* 0, 1, 2 ... */
  return _mm512_cvtepi32_ps(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
}
CNNC_AVX512_INLINE avx512_v avx512_add(avx512_v a, avx512_v b) {
  return _mm512_add_ps(a, b);
}
CNNC_AVX512_INLINE avx512_v avx512_sub(avx512_v a, avx512_v b) {
  return _mm512_sub_ps(a, b);
}
CNNC_AVX512_INLINE avx512_v avx512_mul(avx512_v a, avx512_v b) {
  return _mm512_mul_ps(a, b);
}
CNNC_AVX512_INLINE avx512_v avx512_div(avx512_v a, avx512_v b) {
  return _mm512_div_ps(a, b);
}
CNNC_AVX512_INLINE avx512_v avx512_fma(avx512_v a, avx512_v b, avx512_v c) { /* a * b + c */
  return _mm512_fmadd_ps(a, b, c);
}
CNNC_AVX512_INLINE avx512_v avx512_min(avx512_v a, avx512_v b) { /* a < b ? a : b */
  return _mm512_min_ps(a, b);
}
CNNC_AVX512_INLINE avx512_v avx512_max(avx512_v a, avx512_v b) { /* a > b ? a : b */
  return _mm512_max_ps(a, b);
}
CNNC_AVX512_INLINE avx512_v avx512_neg(avx512_v a) {
  return _mm512_castsi512_ps(
      _mm512_xor_si512(_mm512_castps_si512(a), _mm512_set1_epi32((int)0x80000000U)));
}
CNNC_AVX512_INLINE avx512_v avx512_abs(avx512_v a) {
  return _mm512_castsi512_ps(
      _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7fffffff)));
}
CNNC_AVX512_INLINE avx512_v avx512_sqrt(avx512_v a) {
  return _mm512_sqrt_ps(a);
}
CNNC_AVX512_INLINE avx512_v avx512_floor(avx512_v a) {
  return _mm512_floor_ps(a);
}
CNNC_AVX512_INLINE avx512_v avx512_lt(avx512_v a, avx512_v b) { /* 1 or 0 */
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), _mm512_set1_ps(1.0f));
}
CNNC_AVX512_INLINE avx512_v avx512_le(avx512_v a, avx512_v b) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_LE_OQ), _mm512_set1_ps(1.0f));
}
CNNC_AVX512_INLINE avx512_v avx512_eq(avx512_v a, avx512_v b) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ), _mm512_set1_ps(1.0f));
}
CNNC_AVX512_INLINE avx512_v avx512_select(avx512_v c, avx512_v a, avx512_v b) { /* c ? a : b */
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(c, _mm512_setzero_ps(), _CMP_NEQ_UQ), b, a);
}
/* The larger one; a NaN in either stays. */
CNNC_AVX512_INLINE avx512_v avx512_fold_max(avx512_v most, avx512_v x) {
  return _mm512_mask_mov_ps(_mm512_max_ps(most, x), _mm512_cmp_ps_mask(most, most, _CMP_UNORD_Q),
                            most);
}
CNNC_AVX512_INLINE float avx512_sum(avx512_v v) { /* of all lanes, in a fixed order */
  float lane[16], sum = 0.0f;
  _mm512_storeu_ps(lane, v);
  for (int i = 0; i < 16; i++) sum += lane[i];
  return sum;
}

/* ---- sums in double ---- */

typedef struct avx512_wide {
  __m512d low, high;
} avx512_wide;

CNNC_AVX512_INLINE avx512_wide avx512_wide_zero(void) {
  return (avx512_wide){_mm512_setzero_pd(), _mm512_setzero_pd()};
}
CNNC_AVX512_INLINE avx512_wide avx512_wide_add(avx512_wide sum, avx512_v v) {
  const __m256 high = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(v), 1));
  return (avx512_wide){_mm512_add_pd(sum.low, _mm512_cvtps_pd(_mm512_castps512_ps256(v))),
                       _mm512_add_pd(sum.high, _mm512_cvtps_pd(high))};
}
CNNC_AVX512_INLINE avx512_v avx512_narrow(avx512_wide sum) {
  const __m512d low = _mm512_castpd256_pd512(_mm256_castps_pd(_mm512_cvtpd_ps(sum.low)));
  return _mm512_castpd_ps(_mm512_insertf64x4(low, _mm256_castps_pd(_mm512_cvtpd_ps(sum.high)), 1));
}

CNNC_AVX512_INLINE double avx512_wide_sum(avx512_wide v) { /* of all lanes, in a fixed order */
  double lane[16], sum = 0.0;
  _mm512_storeu_pd(lane, v.low);
  _mm512_storeu_pd(lane + 8, v.high);
  for (int i = 0; i < 16; i++) sum += lane[i];
  return sum;
}

/* ---- what runtime/c/simd_math.h builds on ---- */

CNNC_AVX512_INLINE avx512_v avx512_round(avx512_v a) { /* to the nearest integer, |a| < 2^31 */
  return _mm512_cvtepi32_ps(_mm512_cvtps_epi32(a));
}
CNNC_AVX512_INLINE avx512_v avx512_power2(avx512_v n) { /* 2^n for whole n in -126 .. 127 */
  const __m512i bits = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 23));
}
/* The exponent e of a = m * 2^e, m in [1, 2), of a positive normal number; and that m. */
CNNC_AVX512_INLINE avx512_v avx512_exponent(avx512_v a) {
  const __m512i bits = _mm512_srli_epi32(_mm512_castps_si512(a), 23);
  return _mm512_cvtepi32_ps(_mm512_sub_epi32(bits, _mm512_set1_epi32(127)));
}
CNNC_AVX512_INLINE avx512_v avx512_mantissa(avx512_v a) {
  const __m512i bits = _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x007fffff));
  return _mm512_castsi512_ps(_mm512_or_si512(bits, _mm512_set1_epi32(0x3f800000)));
}

CNNC_AVX512_INLINE avx512_v avx512_zip_low(avx512_v a, avx512_v b) { /* a0, b0, a1, b1 .. */
  return _mm512_permutex2var_ps(
      a, _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0), b);
}
CNNC_AVX512_INLINE avx512_v avx512_zip_high(avx512_v a, avx512_v b) { /* a8, b8, a9, b9 .. */
  return _mm512_permutex2var_ps(
      a, _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8), b);
}

#define vector      avx512_v
#define V_INLINE    CNNC_AVX512_INLINE
#define V_CALL      static CNNC_AVX512_TARGET
#define V_LANES     16
#define v_abs       avx512_abs
#define v_add       avx512_add
#define v_div       avx512_div
#define v_eq        avx512_eq
#define v_erf       avx512_erf
#define v_exp       avx512_exp
#define v_exponent  avx512_exponent
#define v_fma       avx512_fma
#define v_le        avx512_le
#define v_load      avx512_load
#define v_log       avx512_log
#define v_lt        avx512_lt
#define v_mantissa  avx512_mantissa
#define v_max       avx512_max
#define v_min       avx512_min
#define v_mul       avx512_mul
#define v_neg       avx512_neg
#define v_pow       avx512_pow
#define v_power2    avx512_power2
#define v_round     avx512_round
#define v_select    avx512_select
#define v_set1      avx512_set1
#define v_store     avx512_store
#define v_sub       avx512_sub
#define v_tanh      avx512_tanh
#define v_transpose avx512_transpose
#define v_zero      avx512_zero
#define v_zip       avx512_zip
#define v_zip_high  avx512_zip_high
#define v_zip_low   avx512_zip_low
#endif
