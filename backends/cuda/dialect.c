/* dialect.c - how CUDA writes expressions in double: as C does, but in sums, differences and
 * products of intrinsics that are never contracted, so that derived weights have the bits that the
 * interpreter gives them. */
#include "writer.h"

Dialect cuda_double(void) {
  Dialect d = scalar_double;
  d.spell[E_add] = "__dadd_rn($0, $1)";
  d.spell[E_sub] = "__dsub_rn($0, $1)";
  d.spell[E_mul] = "__dmul_rn($0, $1)";
  return d;
}
