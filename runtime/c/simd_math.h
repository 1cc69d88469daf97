/* Elementary functions on vectors, and square blocks of them turned round, written once over the
 * helpers of the simd file above (v_add is avx512_add ...). Functions are within 4 units in the
 * last place. They round by conversion to integers and never by adding large numbers, so
 * -ffast-math does no harm. */
#ifdef V_LANES
#include <math.h>

/* 2^n * p(r), x = n ln 2 + r, |r| <= ln 2 / 2; p is Cephes' polynomial. 2^n in two factors: results
 * may be subnormal. */
V_INLINE vector v_exp(vector x) {
  x = v_min(v_set1(89.0f), v_max(v_set1(-104.0f), x));
  const vector n = v_round(v_mul(x, v_set1(1.44269504f)));
  vector r = v_fma(n, v_set1(-0.693359375f), x);
  r = v_fma(n, v_set1(2.12194440e-4f), r);
  vector p = v_set1(1.9875691500e-4f);
  p = v_fma(p, r, v_set1(1.3981999507e-3f));
  p = v_fma(p, r, v_set1(8.3334519073e-3f));
  p = v_fma(p, r, v_set1(4.1665795894e-2f));
  p = v_fma(p, r, v_set1(1.6666665459e-1f));
  p = v_fma(p, r, v_set1(5.0000001201e-1f));
  p = v_fma(p, v_mul(r, r), v_add(r, v_set1(1.0f)));
  const vector half = v_round(v_mul(n, v_set1(0.5f)));
  p = v_mul(p, v_power2(half));
  return v_mul(p, v_power2(v_sub(n, half)));
}

/* e ln 2 + ln m with m in [sqrt(1/2), sqrt(2)); Cephes' polynomial in m - 1. */
V_INLINE vector v_log(vector x) {
  const vector one = v_set1(1.0f), zero = v_zero();
  const vector tiny = v_lt(x, v_set1(1.17549435e-38f)); /* subnormals: scale up */
  const vector scaled = v_select(tiny, v_mul(x, v_set1(16777216.0f)), x);
  const vector m0 = v_mantissa(scaled);
  const vector large = v_lt(v_set1(1.41421356f), m0);
  const vector m = v_select(large, v_mul(m0, v_set1(0.5f)), m0);
  vector e = v_add(v_exponent(scaled), large);
  e = v_sub(e, v_mul(tiny, v_set1(24.0f)));
  const vector f = v_sub(m, one), f2 = v_mul(f, f);
  vector p = v_set1(7.0376836292e-2f);
  p = v_fma(p, f, v_set1(-1.1514610310e-1f));
  p = v_fma(p, f, v_set1(1.1676998740e-1f));
  p = v_fma(p, f, v_set1(-1.2420140846e-1f));
  p = v_fma(p, f, v_set1(1.4249322787e-1f));
  p = v_fma(p, f, v_set1(-1.6668057665e-1f));
  p = v_fma(p, f, v_set1(2.0000714765e-1f));
  p = v_fma(p, f, v_set1(-2.4999993993e-1f));
  p = v_fma(p, f, v_set1(3.3333331174e-1f));
  p = v_mul(v_mul(p, f), f2);
  p = v_fma(e, v_set1(-2.12194440e-4f), p);
  p = v_fma(f2, v_set1(-0.5f), p);
  p = v_fma(e, v_set1(0.693359375f), v_add(f, p));
  /* infinity, zero, and what has no logarithm */
  p = v_select(v_le(x, v_set1(3.40282347e+38f)), p, v_add(x, x));
  p = v_select(v_eq(x, zero), v_div(v_set1(-1.0f), zero), p);
  return v_select(v_lt(x, zero), v_div(zero, zero), p);
}

/* An odd polynomial near 0, else 1 - 2 / (exp(2 |x|) + 1) with the sign of x. */
V_INLINE vector v_tanh(vector x) {
  const vector a = v_abs(x), a2 = v_mul(x, x), one = v_set1(1.0f);
  vector p = v_set1(-5.70498872745e-3f);
  p = v_fma(p, a2, v_set1(2.06390887954e-2f));
  p = v_fma(p, a2, v_set1(-5.37397155531e-2f));
  p = v_fma(p, a2, v_set1(1.33314422036e-1f));
  p = v_fma(p, a2, v_set1(-3.33332819422e-1f));
  p = v_fma(v_mul(p, a2), x, x);
  const vector e = v_exp(v_add(a, a));
  const vector far = v_sub(one, v_div(v_set1(2.0f), v_add(e, one)));
  const vector with_sign = v_select(v_lt(x, v_zero()), v_neg(far), far);
  return v_select(v_lt(a, v_set1(0.625f)), p, with_sign);
}

/* Rare ones: lane by lane. */
V_CALL vector v_erf(vector x) {
  float lane[V_LANES];
  v_store(lane, x);
  for (int i = 0; i < V_LANES; i++) lane[i] = erff(lane[i]);
  return v_load(lane);
}

V_CALL vector v_pow(vector x, vector y) {
  float lane[V_LANES], exponent[V_LANES];
  v_store(lane, x);
  v_store(exponent, y);
  for (int i = 0; i < V_LANES; i++) lane[i] = powf(lane[i], exponent[i]);
  return v_load(lane);
}

/* Vector i of the first half of `from` and of the second one become vectors 2 * i and 2 * i + 1. */
V_INLINE void v_zip(vector *to, const vector *from) {
#define V_ZIP(i)                                                                                   \
  to[2 * (i)] = v_zip_low(from[i], from[(i) + V_LANES / 2]);                                       \
  to[2 * (i) + 1] = v_zip_high(from[i], from[(i) + V_LANES / 2])
  V_ZIP(0);
  V_ZIP(1);
#if V_LANES > 4
  V_ZIP(2);
  V_ZIP(3);
#endif
#if V_LANES > 8
  V_ZIP(4);
  V_ZIP(5);
  V_ZIP(6);
  V_ZIP(7);
#endif
#undef V_ZIP
}

/* Element j of vector i and element i of vector j change places: log2 of V_LANES rounds. */
V_INLINE void v_transpose(vector *block) {
  vector half[V_LANES];
  v_zip(half, block);
#if V_LANES == 8
  vector last[V_LANES];
  v_zip(last, half);
  v_zip(block, last);
#else
  v_zip(block, half);
#endif
#if V_LANES == 16
  v_zip(half, block);
  v_zip(block, half);
#endif
}

#undef vector
#undef V_INLINE
#undef V_CALL
#undef V_LANES
#undef v_abs
#undef v_add
#undef v_div
#undef v_eq
#undef v_erf
#undef v_exp
#undef v_exponent
#undef v_fma
#undef v_le
#undef v_load
#undef v_log
#undef v_lt
#undef v_mantissa
#undef v_max
#undef v_min
#undef v_mul
#undef v_neg
#undef v_pow
#undef v_power2
#undef v_round
#undef v_select
#undef v_set1
#undef v_store
#undef v_sub
#undef v_tanh
#undef v_transpose
#undef v_zero
#undef v_zip
#undef v_zip_high
#undef v_zip_low
#endif
