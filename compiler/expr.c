/* expr.c - scalar expressions: one pool per Unit in which equal expressions are one pointer.
 *
 * Builders simplify with rules that keep the value (to the sign of a zero): constants fold, neutral
 * elements vanish, constants and then smaller expressions stand on a fixed side, so that the text
 * form of an expression does not depend on the order in which its parts were built. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"

typedef struct Exprs {
  const Expr **slot; /* open addressing; capacity is a power of two */
  int n, capacity;
} Exprs;

typedef struct Prim {
  const char *name;
  int arity;
} Prim;
static const Prim prims[EXPR_OPS] = {
#define PRIM(name, arity, ...) {#name, arity},
#include "exprs.def"
#undef PRIM
};

int expr_arity(ExprOp op) {
  return prims[op].arity;
}

const char *expr_name(ExprOp op) {
  return prims[op].name;
}

double expr_apply(ExprOp op, double a, double b, double c) {
  switch (op) {
#define PRIM(name, arity, ...)                                                                     \
  case E_##name:                                                                                   \
    return __VA_ARGS__;
#include "exprs.def"
#undef PRIM
  default: BUG("expression of kind %d", (int)op);
  }
}

/* ---- the pool ---- */

static uint64_t mix(uint64_t h, uint64_t x) {
  h = (h ^ x) * 0x9e3779b97f4a7c15u;
  return h ^ (h >> 29);
}

static uint64_t hash_of(const Expr *e) {
  uint64_t bits;
  memcpy(&bits, &e->value, sizeof bits);
  uint64_t h = mix(mix(mix(1, (uint64_t)e->op), (uint64_t)e->index), bits);
  for (int i = 0; i < prims[e->op].arity; i++) h = mix(h, (uint64_t)e->arg[i]->id);
  return h;
}

static bool same(const Expr *a, const Expr *b) {
  return a->op == b->op && a->index == b->index && a->arg[0] == b->arg[0] &&
         a->arg[1] == b->arg[1] && a->arg[2] == b->arg[2] &&
         memcmp(&a->value, &b->value, sizeof a->value) == 0;
}

static const Expr **find_slot(const Exprs *pool, const Expr *e) {
  uint64_t mask = (uint64_t)pool->capacity - 1;
  uint64_t i = hash_of(e) & mask;
  while (pool->slot[i] && !same(pool->slot[i], e)) i = (i + 1) & mask;
  return &pool->slot[i];
}

static void grow(Unit *u, Exprs *pool) {
  Exprs old = *pool;
  pool->capacity = old.capacity ? 2 * old.capacity : 256;
  pool->slot = NEW_ARRAY(u->arena, const Expr *, pool->capacity);
  for (int i = 0; i < old.capacity; i++)
    if (old.slot[i]) *find_slot(pool, old.slot[i]) = old.slot[i];
}

/* 1 + the sizes of the arguments; it stops growing long before it would overflow. */
static int tree_size(const Expr *e) {
  enum { ENOUGH = 1 << 28 };
  int size = 1;
  for (int i = 0; i < prims[e->op].arity; i++) size += e->arg[i]->size;
  return size < ENOUGH ? size : ENOUGH;
}

static const Expr *intern(Unit *u, Expr e) {
  if (!u->exprs) u->exprs = NEW(u->arena, Exprs);
  Exprs *pool = u->exprs;
  if (2 * pool->n >= pool->capacity) grow(u, pool);
  const Expr **slot = find_slot(pool, &e);
  if (!*slot) {
    Expr *made = NEW(u->arena, Expr);
    *made = e;
    made->id = pool->n++;
    made->size = tree_size(made);
    *slot = made;
  }
  return *slot;
}

const Expr *expr_const(Unit *u, double value) {
  if (value != value) value = NAN; /* one NaN */
  return intern(u, (Expr){.op = E_const, .value = value});
}

static const Expr *leaf(Unit *u, ExprOp op, int index) {
  return intern(u, (Expr){.op = op, .index = index});
}

const Expr *expr_in(Unit *u, int input) {
  return leaf(u, E_in, input);
}
const Expr *expr_acc(Unit *u, int fold) {
  return leaf(u, E_acc, fold);
}
const Expr *expr_index(Unit *u, int loop) {
  return leaf(u, E_index, loop);
}
const Expr *expr_scalar(Unit *u, int scalar) {
  return leaf(u, E_scalar, scalar);
}

/* ---- simplification ---- */

bool expr_is(const Expr *e, double value) {
  return e->op == E_const && e->value == value;
}

static bool is_const(const Expr *e) {
  return e->op == E_const;
}

/* A total order that does not depend on the order of building: leaves by kind and index, constants
 * last. */
static int order(const Expr *a, const Expr *b) {
  if (a == b) return 0;
  if (is_const(a) != is_const(b)) return is_const(a) ? 1 : -1;
  if (a->op != b->op) return a->op < b->op ? -1 : 1;
  if (a->index != b->index) return a->index < b->index ? -1 : 1;
  if (is_const(a)) return a->value < b->value ? -1 : 1;
  for (int i = 0; i < prims[a->op].arity; i++) {
    int o = order(a->arg[i], b->arg[i]);
    if (o) return o;
  }
  return 0;
}

static const Expr *node(Unit *u, ExprOp op, const Expr *a, const Expr *b, const Expr *c) {
  return intern(u, (Expr){.op = op, .arg = {a, b, c}});
}

static const Expr *negate(Unit *u, const Expr *a) {
  if (a->op == E_neg) return a->arg[0];
  if (a->op == E_sub) return expr2(u, E_sub, a->arg[1], a->arg[0]);
  if (a->op == E_mul && is_const(a->arg[1]))
    return expr2(u, E_mul, a->arg[0], expr_const(u, -a->arg[1]->value));
  return node(u, E_neg, a, NULL, NULL);
}

static const Expr *add(Unit *u, const Expr *a, const Expr *b) {
  if (expr_is(b, 0)) return a;
  if (b->op == E_neg) return expr2(u, E_sub, a, b->arg[0]);
  if (a->op == E_neg) return expr2(u, E_sub, b, a->arg[0]);
  return node(u, E_add, a, b, NULL);
}

static const Expr *subtract(Unit *u, const Expr *a, const Expr *b) {
  if (expr_is(a, 0)) return negate(u, b);
  if (is_const(b)) return expr2(u, E_add, a, expr_const(u, -b->value));
  if (b->op == E_neg) return expr2(u, E_add, a, b->arg[0]);
  return node(u, E_sub, a, b, NULL);
}

static const Expr *multiply(Unit *u, const Expr *a, const Expr *b) {
  if (expr_is(b, 1)) return a;
  if (expr_is(b, -1)) return negate(u, a);
  if (a->op == E_neg && is_const(b)) return multiply(u, a->arg[0], expr_const(u, -b->value));
  return node(u, E_mul, a, b, NULL);
}

static const Expr *divide(Unit *u, const Expr *a, const Expr *b) {
  int exponent;
  if (expr_is(b, 1)) return a;
  if (expr_is(b, -1)) return negate(u, a);
  if (is_const(b) && fabs(frexp(b->value, &exponent)) == 0.5 && abs(exponent) < 900)
    return expr2(u, E_mul, a, expr_const(u, 1 / b->value));
  return node(u, E_div, a, b, NULL);
}

/* max(c, max(d, x)) is max(max(c, d), x) for constants c and d. */
static const Expr *extremum(Unit *u, ExprOp op, const Expr *a, const Expr *b) {
  if (a == b) return a;
  if (is_const(a) && b->op == op && is_const(b->arg[0]))
    return node(u, op, expr2(u, op, a, b->arg[0]), b->arg[1], NULL);
  return node(u, op, a, b, NULL);
}

static const Expr *power(Unit *u, const Expr *a, const Expr *b) {
  if (expr_is(b, 0)) return expr_const(u, 1);
  if (expr_is(b, 1)) return a;
  if (expr_is(b, 2)) return expr2(u, E_mul, a, a);
  return node(u, E_pow, a, b, NULL);
}

const Expr *expr1(Unit *u, ExprOp op, const Expr *a) {
  if (is_const(a)) return expr_const(u, expr_apply(op, a->value, 0, 0));
  if (op == E_neg) return negate(u, a);
  return node(u, op, a, NULL, NULL);
}

const Expr *expr2(Unit *u, ExprOp op, const Expr *a, const Expr *b) {
  if (is_const(a) && is_const(b)) return expr_const(u, expr_apply(op, a->value, b->value, 0));
  if ((op == E_add || op == E_mul) && order(a, b) > 0) {
    const Expr *swap = a;
    a = b;
    b = swap;
  }
  switch (op) {
  case E_add: return add(u, a, b);
  case E_sub: return subtract(u, a, b);
  case E_mul: return multiply(u, a, b);
  case E_div: return divide(u, a, b);
  case E_min:
  case E_max: return extremum(u, op, a, b);
  case E_pow: return power(u, a, b);
  default: return node(u, op, a, b, NULL);
  }
}

const Expr *expr3(Unit *u, ExprOp op, const Expr *a, const Expr *b, const Expr *c) {
  if (op == E_random) return node(u, op, a, b, c);
  if (op != E_select) BUG("no expression of three arguments is called %s", expr_name(op));
  if (is_const(a)) return a->value != 0 ? b : c;
  if (b == c) return b;
  return node(u, op, a, b, c);
}
