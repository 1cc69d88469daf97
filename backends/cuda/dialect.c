/* dialect.c - how CUDA writes types, and expressions in double: of intrinsics that are never
 * contracted, so that derived weights have the bits that the interpreter gives them. */
#include "writer.h"

const Dialect cuda_double = {
    .type = "double",
    .number = F64,
    .spell = {[E_add] = "__dadd_rn($0, $1)",
              [E_sub] = "__dsub_rn($0, $1)",
              [E_mul] = "__dmul_rn($0, $1)",
              [E_div] = "$0 / $1",
              [E_neg] = "-$0",
              [E_min] = "cnnc_min($0, $1)",
              [E_max] = "cnnc_max($0, $1)",
              [E_abs] = "fabs($0)",
              [E_sqrt] = "sqrt($0)",
              [E_exp] = "exp($0)",
              [E_log] = "log($0)",
              [E_tanh] = "tanh($0)",
              [E_erf] = "erf($0)",
              [E_pow] = "pow($0, $1)",
              [E_floor] = "floor($0)",
              [E_lt] = "$0 < $1 ? 1.0 : 0.0",
              [E_le] = "$0 <= $1 ? 1.0 : 0.0",
              [E_eq] = "$0 == $1 ? 1.0 : 0.0",
              [E_select] = "$0 != 0.0 ? $1 : $2"},
    .test = {[E_lt] = "$0 < $1", [E_le] = "$0 <= $1", [E_eq] = "$0 == $1"},
    .select = "$0 ? $1 : $2",
};

const char *cuda_type(DType dtype) {
  static const char *const type[DTYPES] = {"float", "double", "int", "unsigned char"};
  return type[dtype];
}
