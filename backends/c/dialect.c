/* dialect.c - how C writes expressions: in float, in double, and in vectors of a target. */
#include "leaf.h"

#include <math.h>

/* Functions and constants of float end in f, which F is. */
#define SCALAR(F)                                                                                  \
  .spell = {[E_add] = "$0 + $1",                                                                   \
            [E_sub] = "$0 - $1",                                                                   \
            [E_mul] = "$0 * $1",                                                                   \
            [E_div] = "$0 / $1",                                                                   \
            [E_neg] = "-$0",                                                                       \
            [E_min] = "cnnc_min" F "($0, $1)",                                                     \
            [E_max] = "cnnc_max" F "($0, $1)",                                                     \
            [E_abs] = "fabs" F "($0)",                                                             \
            [E_sqrt] = "sqrt" F "($0)",                                                            \
            [E_exp] = "exp" F "($0)",                                                              \
            [E_log] = "log" F "($0)",                                                              \
            [E_tanh] = "tanh" F "($0)",                                                            \
            [E_erf] = "erf" F "($0)",                                                              \
            [E_pow] = "pow" F "($0, $1)",                                                          \
            [E_floor] = "floor" F "($0)",                                                          \
            [E_lt] = "$0 < $1 ? 1.0" F " : 0.0" F,                                                 \
            [E_le] = "$0 <= $1 ? 1.0" F " : 0.0" F,                                                \
            [E_eq] = "$0 == $1 ? 1.0" F " : 0.0" F,                                                \
            [E_select] = "$0 != 0.0" F " ? $1 : $2"},                                              \
  .test = {[E_lt] = "$0 < $1", [E_le] = "$0 <= $1", [E_eq] = "$0 == $1"}, .select = "$0 ? $1 : $2"

const Dialect scalar_float = {.type = "float", .number = F32, SCALAR("f")};
const Dialect scalar_double = {.type = "double", .number = F64, SCALAR("")};

/* The vector helpers of runtime/c/simd_*.h bear the primitives' names. */
Dialect vector_dialect(Emit *e, const Target *target) {
  static const char *const arguments[] = {"()", "($0)", "($0, $1)", "($0, $1, $2)"};
  if (target->lanes == 1) return scalar_float;
  const char *isa = target->name;
  Dialect d = {.type = arena_printf(e->arena, "%s_v", isa),
               .number = F32,
               .constant = arena_printf(e->arena, "%s_set1($0)", isa)};
  for (int op = 0; op < EXPR_OPS; op++)
    if (expr_arity((ExprOp)op) > 0)
      d.spell[op] = arena_printf(e->arena, "%s_%s%s", isa, expr_name((ExprOp)op),
                                 arguments[expr_arity((ExprOp)op)]);
  return d;
}

/* ---- roots ---- */

/* x^e for e = 1/4 .. 1 in quarters. */
static const Expr *root_power(Unit *u, const Expr *x, int quarters) {
  const Expr *root = expr1(u, E_sqrt, x), *result = NULL;
  if (quarters == 4) return x;
  if (quarters & 2) result = root;
  if (quarters & 1) {
    const Expr *fourth = expr1(u, E_sqrt, root);
    result = result ? expr2(u, E_mul, result, fourth) : fourth;
  }
  return result;
}

static const Expr *with_root(void *context, const Expr *x) {
  Unit *u = context;
  if (x->op != E_pow || x->arg[1]->op != E_const) return x;
  const double exponent = x->arg[1]->value, quarters = 4 * fabs(exponent);
  if (quarters < 1 || quarters > 4 || quarters != floor(quarters)) return x;
  const Expr *power = root_power(u, x->arg[0], (int)quarters);
  return exponent < 0 ? expr2(u, E_div, expr_const(u, 1), power) : power;
}

const Kernel *kernel_with_roots(Unit *u, const Kernel *k) {
  if (k->math != F32) return k; /* doubles keep the interpreter's bits */
  Kernel *copy = NEW(u->arena, Kernel);
  *copy = *k;
  for (int i = 0; i < k->nfold; i++)
    copy->fold[i].term = expr_rewrite(u, k->fold[i].term, with_root, u);
  for (int o = 0; o < k->nout; o++)
    copy->out[o].value = expr_rewrite(u, k->out[o].value, with_root, u);
  return copy;
}

/* ---- types ---- */

const char *c_type(DType dtype) {
  static const char *const type[DTYPES] = {"float",         "double",         "int",
                                           "unsigned char", "unsigned short", "unsigned short"};
  return type[dtype];
}

const char *c_convert(Emit *e, const char *text, DType from, DType to) {
  if (from == to) return text;
  return arena_printf(e->arena, "(%s)(%s)", c_type(to), text);
}
