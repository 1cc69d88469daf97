/* AVX2, FMA: vectors of 8 floats. Every function states its instruction set: no -m flag is needed.
 * Names begin with the instruction set: files for different targets can stand in one program. */
#ifndef CNNC_AVX2
#define CNNC_AVX2
#include <immintrin.h>
#include <stdint.h>

#define CNNC_AVX2_TARGET __attribute__((target("avx2,fma"), unused))
#define CNNC_AVX2_INLINE static inline CNNC_AVX2_TARGET __attribute__((always_inline))

typedef __m256 avx2_v;
enum { AVX2_LANES = 8 };

/* Keeps loads and stores of one reduction step apart from the next one's: registers suffice. */
#define avx2_fence() __asm__ volatile("" ::: "memory")
/* The line of p[at] comes into the first-level cache; it need not be an element of anything. */
CNNC_AVX2_INLINE void avx2_fetch(const float *p, int at) {
  _mm_prefetch((const char *)((uintptr_t)p + 4 * (uintptr_t)(intptr_t)at), _MM_HINT_T0);
}
/* Or into the second-level cache. */
CNNC_AVX2_INLINE void avx2_fetch_far(const float *p, int at) {
  _mm_prefetch((const char *)((uintptr_t)p + 4 * (uintptr_t)(intptr_t)at), _MM_HINT_T1);
}

/* ---- memory; `count` of 0 to 8 floats are touched, the other lanes are 0 ---- */

CNNC_AVX2_INLINE avx2_v avx2_load(const float *p) {
  return _mm256_loadu_ps(p);
}
CNNC_AVX2_INLINE void avx2_store(float *p, avx2_v v) {
  _mm256_storeu_ps(p, v);
}
CNNC_AVX2_INLINE __m256i avx2_first(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}
CNNC_AVX2_INLINE avx2_v avx2_load_part(const float *p, int count) {
  return _mm256_maskload_ps(p, avx2_first(count));
}
CNNC_AVX2_INLINE void avx2_store_part(float *p, avx2_v v, int count) {
  _mm256_maskstore_ps(p, avx2_first(count), v);
}
/* The first `count` lanes of v, the others of `rest`. */
CNNC_AVX2_INLINE avx2_v avx2_keep(avx2_v v, int count, avx2_v rest) {
  return _mm256_blendv_ps(rest, v, _mm256_castsi256_ps(avx2_first(count)));
}

/* ---- arithmetic ---- */

CNNC_AVX2_INLINE avx2_v avx2_zero(void) {
  return _mm256_setzero_ps();
}
CNNC_AVX2_INLINE avx2_v avx2_set1(float s) {
  return _mm256_set1_ps(s);
}
CNNC_AVX2_INLINE avx2_v avx2_iota(void) { /* 0, 1, 2 ... */
  return _mm256_set_ps(7.0f, 6.0f, 5.0f, 4.0f, 3.0f, 2.0f, 1.0f, 0.0f);
}
CNNC_AVX2_INLINE avx2_v avx2_add(avx2_v a, avx2_v b) {
  return _mm256_add_ps(a, b);
}
CNNC_AVX2_INLINE avx2_v avx2_sub(avx2_v a, avx2_v b) {
  return _mm256_sub_ps(a, b);
}
CNNC_AVX2_INLINE avx2_v avx2_mul(avx2_v a, avx2_v b) {
  return _mm256_mul_ps(a, b);
}
CNNC_AVX2_INLINE avx2_v avx2_div(avx2_v a, avx2_v b) {
  return _mm256_div_ps(a, b);
}
CNNC_AVX2_INLINE avx2_v avx2_fma(avx2_v a, avx2_v b, avx2_v c) { /* a * b + c */
  return _mm256_fmadd_ps(a, b, c);
}
CNNC_AVX2_INLINE avx2_v avx2_min(avx2_v a, avx2_v b) { /* a < b ? a : b */
  return _mm256_min_ps(a, b);
}
CNNC_AVX2_INLINE avx2_v avx2_max(avx2_v a, avx2_v b) { /* a > b ? a : b */
  return _mm256_max_ps(a, b);
}
CNNC_AVX2_INLINE avx2_v avx2_neg(avx2_v a) {
  return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f));
}
CNNC_AVX2_INLINE avx2_v avx2_abs(avx2_v a) {
  return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a);
}
CNNC_AVX2_INLINE avx2_v avx2_sqrt(avx2_v a) {
  return _mm256_sqrt_ps(a);
}
CNNC_AVX2_INLINE avx2_v avx2_floor(avx2_v a) {
  return _mm256_floor_ps(a);
}
CNNC_AVX2_INLINE avx2_v avx2_lt(avx2_v a, avx2_v b) { /* 1 or 0 */
  return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_LT_OQ), _mm256_set1_ps(1.0f));
}
CNNC_AVX2_INLINE avx2_v avx2_le(avx2_v a, avx2_v b) {
  return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_LE_OQ), _mm256_set1_ps(1.0f));
}
CNNC_AVX2_INLINE avx2_v avx2_eq(avx2_v a, avx2_v b) {
  return _mm256_and_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ), _mm256_set1_ps(1.0f));
}
CNNC_AVX2_INLINE avx2_v avx2_select(avx2_v c, avx2_v a, avx2_v b) { /* c ? a : b */
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(c, _mm256_setzero_ps(), _CMP_NEQ_UQ));
}
/* The larger one; a NaN in either stays. */
CNNC_AVX2_INLINE avx2_v avx2_fold_max(avx2_v most, avx2_v x) {
  return _mm256_blendv_ps(_mm256_max_ps(most, x), most, _mm256_cmp_ps(most, most, _CMP_UNORD_Q));
}
CNNC_AVX2_INLINE float avx2_sum(avx2_v v) { /* of all lanes, in a fixed order */
  float lane[8], sum = 0.0f;
  _mm256_storeu_ps(lane, v);
  for (int i = 0; i < 8; i++) sum += lane[i];
  return sum;
}

/* ---- sums in double ---- */

typedef struct avx2_wide {
  __m256d low, high;
} avx2_wide;

CNNC_AVX2_INLINE avx2_wide avx2_wide_zero(void) {
  return (avx2_wide){_mm256_setzero_pd(), _mm256_setzero_pd()};
}
CNNC_AVX2_INLINE avx2_wide avx2_wide_add(avx2_wide sum, avx2_v v) {
  return (avx2_wide){_mm256_add_pd(sum.low, _mm256_cvtps_pd(_mm256_castps256_ps128(v))),
                     _mm256_add_pd(sum.high, _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)))};
}
CNNC_AVX2_INLINE avx2_v avx2_narrow(avx2_wide sum) {
  const __m256 low = _mm256_castps128_ps256(_mm256_cvtpd_ps(sum.low));
  return _mm256_insertf128_ps(low, _mm256_cvtpd_ps(sum.high), 1);
}

CNNC_AVX2_INLINE double avx2_wide_sum(avx2_wide v) { /* of all lanes, in a fixed order */
  double lane[8], sum = 0.0;
  _mm256_storeu_pd(lane, v.low);
  _mm256_storeu_pd(lane + 4, v.high);
  for (int i = 0; i < 8; i++) sum += lane[i];
  return sum;
}

/* ---- what runtime/c/simd_math.h builds on ---- */

CNNC_AVX2_INLINE avx2_v avx2_round(avx2_v a) { /* to the nearest integer, |a| < 2^31 */
  return _mm256_cvtepi32_ps(_mm256_cvtps_epi32(a));
}
CNNC_AVX2_INLINE avx2_v avx2_power2(avx2_v n) { /* 2^n for whole n in -126 .. 127 */
  const __m256i bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 23));
}
/* The exponent e of a = m * 2^e, m in [1, 2), of a positive normal number; and that m. */
CNNC_AVX2_INLINE avx2_v avx2_exponent(avx2_v a) {
  const __m256i bits = _mm256_srli_epi32(_mm256_castps_si256(a), 23);
  return _mm256_cvtepi32_ps(_mm256_sub_epi32(bits, _mm256_set1_epi32(127)));
}
CNNC_AVX2_INLINE avx2_v avx2_mantissa(avx2_v a) {
  const __m256i bits = _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0x007fffff));
  return _mm256_castsi256_ps(_mm256_or_si256(bits, _mm256_set1_epi32(0x3f800000)));
}

CNNC_AVX2_INLINE avx2_v avx2_zip_low(avx2_v a, avx2_v b) { /* a0, b0, a1, b1 .. */
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
CNNC_AVX2_INLINE avx2_v avx2_zip_high(avx2_v a, avx2_v b) { /* a4, b4, a5, b5 .. */
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}

#define vector      avx2_v
#define V_INLINE    CNNC_AVX2_INLINE
#define V_CALL      static CNNC_AVX2_TARGET
#define V_LANES     8
#define v_abs       avx2_abs
#define v_add       avx2_add
#define v_div       avx2_div
#define v_eq        avx2_eq
#define v_erf       avx2_erf
#define v_exp       avx2_exp
#define v_exponent  avx2_exponent
#define v_fma       avx2_fma
#define v_le        avx2_le
#define v_load      avx2_load
#define v_log       avx2_log
#define v_lt        avx2_lt
#define v_mantissa  avx2_mantissa
#define v_max       avx2_max
#define v_min       avx2_min
#define v_mul       avx2_mul
#define v_neg       avx2_neg
#define v_pow       avx2_pow
#define v_power2    avx2_power2
#define v_round     avx2_round
#define v_select    avx2_select
#define v_set1      avx2_set1
#define v_store     avx2_store
#define v_sub       avx2_sub
#define v_tanh      avx2_tanh
#define v_transpose avx2_transpose
#define v_zero      avx2_zero
#define v_zip       avx2_zip
#define v_zip_high  avx2_zip_high
#define v_zip_low   avx2_zip_low
#endif
