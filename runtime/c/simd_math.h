/* Elementary functions on vectors, written once over the helpers of the simd file above: within 4
 * units in the last place. They round by conversion to integers and never by adding large numbers,
 * so -ffast-math does no harm. */
#ifdef CNNC_V
#include <math.h>

/* 2^n * p(r), x = n ln 2 + r, |r| <= ln 2 / 2; p is Cephes' polynomial. 2^n in two factors: results
 * may be subnormal. */
CNNC_V_INLINE CNNC_V(v) CNNC_V(exp)(CNNC_V(v) x) {
  x = CNNC_V(min)(CNNC_V(set1)(89.0f), CNNC_V(max)(CNNC_V(set1)(-104.0f), x));
  const CNNC_V(v) n = CNNC_V(round)(CNNC_V(mul)(x, CNNC_V(set1)(1.44269504f)));
  CNNC_V(v) r = CNNC_V(fma)(n, CNNC_V(set1)(-0.693359375f), x);
  r = CNNC_V(fma)(n, CNNC_V(set1)(2.12194440e-4f), r);
  CNNC_V(v) p = CNNC_V(set1)(1.9875691500e-4f);
  p = CNNC_V(fma)(p, r, CNNC_V(set1)(1.3981999507e-3f));
  p = CNNC_V(fma)(p, r, CNNC_V(set1)(8.3334519073e-3f));
  p = CNNC_V(fma)(p, r, CNNC_V(set1)(4.1665795894e-2f));
  p = CNNC_V(fma)(p, r, CNNC_V(set1)(1.6666665459e-1f));
  p = CNNC_V(fma)(p, r, CNNC_V(set1)(5.0000001201e-1f));
  p = CNNC_V(fma)(p, CNNC_V(mul)(r, r), CNNC_V(add)(r, CNNC_V(set1)(1.0f)));
  const CNNC_V(v) half = CNNC_V(round)(CNNC_V(mul)(n, CNNC_V(set1)(0.5f)));
  p = CNNC_V(mul)(p, CNNC_V(power2)(half));
  return CNNC_V(mul)(p, CNNC_V(power2)(CNNC_V(sub)(n, half)));
}

/* e ln 2 + ln m with m in [sqrt(1/2), sqrt(2)); Cephes' polynomial in m - 1. */
CNNC_V_INLINE CNNC_V(v) CNNC_V(log)(CNNC_V(v) x) {
  const CNNC_V(v) one = CNNC_V(set1)(1.0f), zero = CNNC_V(zero)();
  const CNNC_V(v) tiny = CNNC_V(lt)(x, CNNC_V(set1)(1.17549435e-38f)); /* subnormals: scale up */
  const CNNC_V(v) scaled = CNNC_V(select)(tiny, CNNC_V(mul)(x, CNNC_V(set1)(16777216.0f)), x);
  const CNNC_V(v) m0 = CNNC_V(mantissa)(scaled);
  const CNNC_V(v) large = CNNC_V(lt)(CNNC_V(set1)(1.41421356f), m0);
  const CNNC_V(v) m = CNNC_V(select)(large, CNNC_V(mul)(m0, CNNC_V(set1)(0.5f)), m0);
  CNNC_V(v) e = CNNC_V(add)(CNNC_V(exponent)(scaled), large);
  e = CNNC_V(sub)(e, CNNC_V(mul)(tiny, CNNC_V(set1)(24.0f)));
  const CNNC_V(v) f = CNNC_V(sub)(m, one), f2 = CNNC_V(mul)(f, f);
  CNNC_V(v) p = CNNC_V(set1)(7.0376836292e-2f);
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(-1.1514610310e-1f));
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(1.1676998740e-1f));
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(-1.2420140846e-1f));
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(1.4249322787e-1f));
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(-1.6668057665e-1f));
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(2.0000714765e-1f));
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(-2.4999993993e-1f));
  p = CNNC_V(fma)(p, f, CNNC_V(set1)(3.3333331174e-1f));
  p = CNNC_V(mul)(CNNC_V(mul)(p, f), f2);
  p = CNNC_V(fma)(e, CNNC_V(set1)(-2.12194440e-4f), p);
  p = CNNC_V(fma)(f2, CNNC_V(set1)(-0.5f), p);
  p = CNNC_V(fma)(e, CNNC_V(set1)(0.693359375f), CNNC_V(add)(f, p));
  /* infinity, zero, and what has no logarithm */
  p = CNNC_V(select)(CNNC_V(le)(x, CNNC_V(set1)(3.40282347e+38f)), p, CNNC_V(add)(x, x));
  p = CNNC_V(select)(CNNC_V(eq)(x, zero), CNNC_V(div)(CNNC_V(set1)(-1.0f), zero), p);
  return CNNC_V(select)(CNNC_V(lt)(x, zero), CNNC_V(div)(zero, zero), p);
}

/* An odd polynomial near 0, else 1 - 2 / (exp(2 |x|) + 1) with the sign of x. */
CNNC_V_INLINE CNNC_V(v) CNNC_V(tanh)(CNNC_V(v) x) {
  const CNNC_V(v) a = CNNC_V(abs)(x), a2 = CNNC_V(mul)(x, x), one = CNNC_V(set1)(1.0f);
  CNNC_V(v) p = CNNC_V(set1)(-5.70498872745e-3f);
  p = CNNC_V(fma)(p, a2, CNNC_V(set1)(2.06390887954e-2f));
  p = CNNC_V(fma)(p, a2, CNNC_V(set1)(-5.37397155531e-2f));
  p = CNNC_V(fma)(p, a2, CNNC_V(set1)(1.33314422036e-1f));
  p = CNNC_V(fma)(p, a2, CNNC_V(set1)(-3.33332819422e-1f));
  p = CNNC_V(fma)(CNNC_V(mul)(p, a2), x, x);
  const CNNC_V(v) e = CNNC_V(exp)(CNNC_V(add)(a, a));
  const CNNC_V(v) far = CNNC_V(sub)(one, CNNC_V(div)(CNNC_V(set1)(2.0f), CNNC_V(add)(e, one)));
  const CNNC_V(v) with_sign = CNNC_V(select)(CNNC_V(lt)(x, CNNC_V(zero)()), CNNC_V(neg)(far), far);
  return CNNC_V(select)(CNNC_V(lt)(a, CNNC_V(set1)(0.625f)), p, with_sign);
}

/* Rare ones: lane by lane. */
CNNC_V_CALL CNNC_V(v) CNNC_V(erf)(CNNC_V(v) x) {
  float lane[CNNC_V_LANES];
  CNNC_V(store)(lane, x);
  for (int i = 0; i < CNNC_V_LANES; i++) lane[i] = erff(lane[i]);
  return CNNC_V(load)(lane);
}

CNNC_V_CALL CNNC_V(v) CNNC_V(pow)(CNNC_V(v) x, CNNC_V(v) y) {
  float lane[CNNC_V_LANES], exponent[CNNC_V_LANES];
  CNNC_V(store)(lane, x);
  CNNC_V(store)(exponent, y);
  for (int i = 0; i < CNNC_V_LANES; i++) lane[i] = powf(lane[i], exponent[i]);
  return CNNC_V(load)(lane);
}

#undef CNNC_V
#undef CNNC_V_INLINE
#undef CNNC_V_CALL
#undef CNNC_V_LANES
#endif
