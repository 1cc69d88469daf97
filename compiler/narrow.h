/* narrow.h - numbers of 16 bits: BF16 has the range of f32 and 8 bits, F16 11 bits up to 65504. */
#ifndef NARROW_H
#define NARROW_H

#include "kernel.h"

bool dtype_narrow(DType);
/* A number as memory of this type holds it, which comes by way of f32:
 * to nearest, halves to even. */
double narrow_round(DType, double);
uint16_t narrow_bits(DType, double); /* of a number that is rounded */

#endif
