/* narrow.c - see narrow.h. */
#include "narrow.h"

#include <math.h>
#include <string.h>

/* Digits; the exponent (of frexp) of the smallest number that has all of them,
 * and of the largest. */
typedef struct Shape {
  int digits, least, most;
} Shape;

static Shape shape_of(DType dtype) {
  return dtype == BF16 ? (Shape){8, -125, 128} : (Shape){11, -13, 16};
}

bool dtype_narrow(DType dtype) {
  return dtype == BF16 || dtype == F16;
}

double narrow_round(DType dtype, double value) {
  const Shape s = shape_of(dtype);
  int exponent;
  value = (double)(float)value;
  if (value == 0 || !isfinite(value)) return value;
  frexp(value, &exponent);
  const int last =
      (exponent < s.least ? s.least : exponent) - s.digits; /* weight of the last bit */
  value = ldexp(nearbyint(ldexp(value, -last)), last);
  frexp(value, &exponent);
  return exponent > s.most ? copysign(INFINITY, value) : value;
}

static uint16_t f16_bits(double value) {
  const Shape s = shape_of(F16);
  const uint16_t sign = signbit(value) ? 0x8000u : 0;
  const double size = fabs(value);
  int exponent;
  if (isnan(value)) return 0x7fffu;
  if (isinf(value)) return (uint16_t)(sign | 0x7c00u);
  frexp(size, &exponent);
  if (size == 0 || exponent < s.least)
    return (uint16_t)(sign | (unsigned)ldexp(size, s.digits - s.least));
  const unsigned digits = (unsigned)ldexp(size, s.digits - exponent); /* 1024 to 2047 */
  return (uint16_t)(sign | (((unsigned)(exponent - s.least) << (s.digits - 1)) + digits));
}

uint16_t narrow_bits(DType dtype, double value) {
  const float number = (float)value;
  uint32_t bits;
  if (dtype == F16) return f16_bits(value);
  memcpy(&bits, &number, sizeof bits);
  return isnan(value) ? 0x7fffu : (uint16_t)(bits >> 16);
}
