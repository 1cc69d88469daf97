/* NEON of 64-bit Arm: vectors of 4 floats. Every such processor has it: no flag is needed. Names
 * begin with the instruction set: files for different targets can stand in one program. */
#ifndef CNNC_NEON
#define CNNC_NEON
#include <arm_neon.h>
#include <stdint.h>

#define CNNC_NEON_TARGET __attribute__((unused))
#define CNNC_NEON_INLINE static inline CNNC_NEON_TARGET __attribute__((always_inline))

typedef float32x4_t neon_v;
enum { NEON_LANES = 4 };

/* Keeps loads and stores of one reduction step apart from the next one's: registers suffice. */
#define neon_fence() __asm__ volatile("" ::: "memory")
/* The line of p[at] comes into the first-level cache; it need not be an element of anything. */
CNNC_NEON_INLINE void neon_fetch(const float *p, int at) {
  __builtin_prefetch((const void *)((uintptr_t)p + 4 * (uintptr_t)(intptr_t)at));
}
/* Or into the second-level cache. */
CNNC_NEON_INLINE void neon_fetch_far(const float *p, int at) {
  __builtin_prefetch((const void *)((uintptr_t)p + 4 * (uintptr_t)(intptr_t)at), 0, 2);
}

/* ---- memory; `count` of 0 to 4 floats are touched, the other lanes are 0 ---- */

CNNC_NEON_INLINE neon_v neon_load(const float *p) {
  return vld1q_f32(p);
}
CNNC_NEON_INLINE void neon_store(float *p, neon_v v) {
  vst1q_f32(p, v);
}
CNNC_NEON_INLINE uint32x4_t neon_first(int count) {
  static const int32_t lane[4] = {0, 1, 2, 3};
  return vcgtq_s32(vdupq_n_s32(count), vld1q_s32(lane));
}
CNNC_NEON_INLINE neon_v neon_load_part(const float *p, int count) {
  neon_v v = vdupq_n_f32(0.0f);
  if (count > 0) v = vld1q_lane_f32(p, v, 0);
  if (count > 1) v = vld1q_lane_f32(p + 1, v, 1);
  if (count > 2) v = vld1q_lane_f32(p + 2, v, 2);
  if (count > 3) v = vld1q_lane_f32(p + 3, v, 3);
  return v;
}
CNNC_NEON_INLINE void neon_store_part(float *p, neon_v v, int count) {
  if (count > 0) vst1q_lane_f32(p, v, 0);
  if (count > 1) vst1q_lane_f32(p + 1, v, 1);
  if (count > 2) vst1q_lane_f32(p + 2, v, 2);
  if (count > 3) vst1q_lane_f32(p + 3, v, 3);
}
/* The first `count` lanes of v, the others of `rest`. */
CNNC_NEON_INLINE neon_v neon_keep(neon_v v, int count, neon_v rest) {
  return vbslq_f32(neon_first(count), v, rest);
}

/* ---- arithmetic ---- */

CNNC_NEON_INLINE neon_v neon_zero(void) {
  return vdupq_n_f32(0.0f);
}
CNNC_NEON_INLINE neon_v neon_set1(float s) {
  return vdupq_n_f32(s);
}
CNNC_NEON_INLINE neon_v neon_iota(void) { /* 0, 1, 2 ... */
  static const float lane[4] = {0.0f, 1.0f, 2.0f, 3.0f};
  return vld1q_f32(lane);
}
CNNC_NEON_INLINE neon_v neon_add(neon_v a, neon_v b) {
  return vaddq_f32(a, b);
}
CNNC_NEON_INLINE neon_v neon_sub(neon_v a, neon_v b) {
  return vsubq_f32(a, b);
}
CNNC_NEON_INLINE neon_v neon_mul(neon_v a, neon_v b) {
  return vmulq_f32(a, b);
}
CNNC_NEON_INLINE neon_v neon_div(neon_v a, neon_v b) {
  return vdivq_f32(a, b);
}
CNNC_NEON_INLINE neon_v neon_fma(neon_v a, neon_v b, neon_v c) { /* a * b + c */
  return vfmaq_f32(c, a, b);
}
CNNC_NEON_INLINE neon_v neon_min(neon_v a, neon_v b) { /* a < b ? a : b */
  return vbslq_f32(vcltq_f32(a, b), a, b);
}
CNNC_NEON_INLINE neon_v neon_max(neon_v a, neon_v b) { /* a > b ? a : b */
  return vbslq_f32(vcgtq_f32(a, b), a, b);
}
CNNC_NEON_INLINE neon_v neon_neg(neon_v a) {
  return vnegq_f32(a);
}
CNNC_NEON_INLINE neon_v neon_abs(neon_v a) {
  return vabsq_f32(a);
}
CNNC_NEON_INLINE neon_v neon_sqrt(neon_v a) {
  return vsqrtq_f32(a);
}
CNNC_NEON_INLINE neon_v neon_floor(neon_v a) {
  return vrndmq_f32(a);
}
CNNC_NEON_INLINE neon_v neon_truth(uint32x4_t truth) { /* 1 or 0 */
  return vreinterpretq_f32_u32(vandq_u32(truth, vreinterpretq_u32_f32(vdupq_n_f32(1.0f))));
}
CNNC_NEON_INLINE neon_v neon_lt(neon_v a, neon_v b) {
  return neon_truth(vcltq_f32(a, b));
}
CNNC_NEON_INLINE neon_v neon_le(neon_v a, neon_v b) {
  return neon_truth(vcleq_f32(a, b));
}
CNNC_NEON_INLINE neon_v neon_eq(neon_v a, neon_v b) {
  return neon_truth(vceqq_f32(a, b));
}
CNNC_NEON_INLINE neon_v neon_select(neon_v c, neon_v a, neon_v b) { /* c ? a : b */
  return vbslq_f32(vceqq_f32(c, vdupq_n_f32(0.0f)), b, a);
}
/* The larger one; a NaN in either stays. */
CNNC_NEON_INLINE neon_v neon_fold_max(neon_v most, neon_v x) {
  return vbslq_f32(vceqq_f32(most, most), neon_max(most, x), most);
}
CNNC_NEON_INLINE float neon_sum(neon_v v) { /* of all lanes, in a fixed order */
  float lane[4], sum = 0.0f;
  vst1q_f32(lane, v);
  for (int i = 0; i < 4; i++) sum += lane[i];
  return sum;
}

/* ---- sums in double ---- */

typedef struct neon_wide {
  float64x2_t low, high;
} neon_wide;

CNNC_NEON_INLINE neon_wide neon_wide_zero(void) {
  return (neon_wide){vdupq_n_f64(0.0), vdupq_n_f64(0.0)};
}
CNNC_NEON_INLINE neon_wide neon_wide_add(neon_wide sum, neon_v v) {
  return (neon_wide){vaddq_f64(sum.low, vcvt_f64_f32(vget_low_f32(v))),
                     vaddq_f64(sum.high, vcvt_high_f64_f32(v))};
}
CNNC_NEON_INLINE neon_v neon_narrow(neon_wide sum) {
  return vcvt_high_f32_f64(vcvt_f32_f64(sum.low), sum.high);
}

CNNC_NEON_INLINE double neon_wide_sum(neon_wide v) { /* of all lanes, in a fixed order */
  double lane[4], sum = 0.0;
  vst1q_f64(lane, v.low);
  vst1q_f64(lane + 2, v.high);
  for (int i = 0; i < 4; i++) sum += lane[i];
  return sum;
}

/* ---- what runtime/c/simd_math.h builds on ---- */

CNNC_NEON_INLINE neon_v neon_round(neon_v a) { /* to the nearest integer, |a| < 2^31 */
  return vcvtq_f32_s32(vcvtnq_s32_f32(a));
}
CNNC_NEON_INLINE neon_v neon_power2(neon_v n) { /* 2^n for whole n in -126 .. 127 */
  const int32x4_t bits = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
  return vreinterpretq_f32_s32(vshlq_n_s32(bits, 23));
}
/* The exponent e of a = m * 2^e, m in [1, 2), of a positive normal number; and that m. */
CNNC_NEON_INLINE neon_v neon_exponent(neon_v a) {
  const uint32x4_t bits = vshrq_n_u32(vreinterpretq_u32_f32(a), 23);
  return vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(bits), vdupq_n_s32(127)));
}
CNNC_NEON_INLINE neon_v neon_mantissa(neon_v a) {
  const uint32x4_t bits = vandq_u32(vreinterpretq_u32_f32(a), vdupq_n_u32(0x007fffffU));
  return vreinterpretq_f32_u32(vorrq_u32(bits, vdupq_n_u32(0x3f800000U)));
}

CNNC_NEON_INLINE neon_v neon_zip_low(neon_v a, neon_v b) { /* a0, b0, a1, b1 */
  return vzip1q_f32(a, b);
}
CNNC_NEON_INLINE neon_v neon_zip_high(neon_v a, neon_v b) { /* a2, b2, a3, b3 */
  return vzip2q_f32(a, b);
}

#define vector      neon_v
#define V_INLINE    CNNC_NEON_INLINE
#define V_CALL      static CNNC_NEON_TARGET
#define V_LANES     4
#define v_abs       neon_abs
#define v_add       neon_add
#define v_div       neon_div
#define v_eq        neon_eq
#define v_erf       neon_erf
#define v_exp       neon_exp
#define v_exponent  neon_exponent
#define v_fma       neon_fma
#define v_le        neon_le
#define v_load      neon_load
#define v_log       neon_log
#define v_lt        neon_lt
#define v_mantissa  neon_mantissa
#define v_max       neon_max
#define v_min       neon_min
#define v_mul       neon_mul
#define v_neg       neon_neg
#define v_pow       neon_pow
#define v_power2    neon_power2
#define v_round     neon_round
#define v_select    neon_select
#define v_set1      neon_set1
#define v_store     neon_store
#define v_sub       neon_sub
#define v_tanh      neon_tanh
#define v_transpose neon_transpose
#define v_zero      neon_zero
#define v_zip       neon_zip
#define v_zip_high  neon_zip_high
#define v_zip_low   neon_zip_low
#endif
