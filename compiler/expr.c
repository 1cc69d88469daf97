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

/* ---- the pool */

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

/* ---- simplification */

static bool is(const Expr *e, double value) {
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
  if (is(b, 0)) return a;
  if (b->op == E_neg) return expr2(u, E_sub, a, b->arg[0]);
  if (a->op == E_neg) return expr2(u, E_sub, b, a->arg[0]);
  return node(u, E_add, a, b, NULL);
}

static const Expr *subtract(Unit *u, const Expr *a, const Expr *b) {
  if (is(a, 0)) return negate(u, b);
  if (is_const(b)) return expr2(u, E_add, a, expr_const(u, -b->value));
  if (b->op == E_neg) return expr2(u, E_add, a, b->arg[0]);
  return node(u, E_sub, a, b, NULL);
}

static const Expr *multiply(Unit *u, const Expr *a, const Expr *b) {
  if (is(b, 1)) return a;
  if (is(b, -1)) return negate(u, a);
  if (a->op == E_neg && is_const(b)) return multiply(u, a->arg[0], expr_const(u, -b->value));
  return node(u, E_mul, a, b, NULL);
}

static const Expr *divide(Unit *u, const Expr *a, const Expr *b) {
  int exponent;
  if (is(b, 1)) return a;
  if (is(b, -1)) return negate(u, a);
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
  if (is(b, 0)) return expr_const(u, 1);
  if (is(b, 1)) return a;
  if (is(b, 2)) return expr2(u, E_mul, a, a);
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

static const Expr *rebuild(Unit *u, const Expr *e, const Expr *const *arg) {
  switch (prims[e->op].arity) {
  case 1: return expr1(u, e->op, arg[0]);
  case 2: return expr2(u, e->op, arg[0], arg[1]);
  default: return expr3(u, e->op, arg[0], arg[1], arg[2]);
  }
}

/* ---- walks: a memo keeps them linear in the number of distinct nodes */

typedef struct Known { /* what a walk found out about one node */
  const Expr *of;
  const Expr *made; /* NULL: not visited yet */
  double value;
} Known;

typedef struct Memo { /* open addressing by id; never more than half full */
  Known *at;
  int mask;
} Memo;

/* For every node of e and one more. */
static Memo memo_new(const Expr *e) {
  int most = 1 + (e->size <= e->id ? e->size : e->id + 1), capacity = 4;
  while (capacity < 2 * most) capacity *= 2;
  return (Memo){heap_alloc((size_t)capacity * sizeof(Known)), capacity - 1};
}

static Known *known(const Memo *memo, const Expr *e) {
  int i = e->id & memo->mask;
  while (memo->at[i].of && memo->at[i].of != e) i = (i + 1) & memo->mask;
  memo->at[i].of = e;
  return &memo->at[i];
}

typedef struct Walk {
  Unit *u;
  Memo memo;
  ExprRule leaf, inner; /* rewrite; NULL: stays */
  void *context;
  const Expr *by; /* derivative */
} Walk;

static const Expr *apply(const Walk *w, ExprRule rule, const Expr *e) {
  return rule ? rule(w->context, e) : e;
}

static const Expr *rewrite(Walk *w, const Expr *e) {
  Known *at = known(&w->memo, e);
  if (at->made) return at->made;
  const Expr *arg[3] = {NULL};
  int arity = prims[e->op].arity;
  for (int i = 0; i < arity; i++) arg[i] = rewrite(w, e->arg[i]);
  return at->made = arity ? apply(w, w->inner, rebuild(w->u, e, arg)) : apply(w, w->leaf, e);
}

static const Expr *rewrite_all(Walk w, const Expr *e) {
  w.memo = memo_new(e);
  const Expr *made = rewrite(&w, e);
  free(w.memo.at);
  return made;
}

const Expr *expr_replace(Unit *u, const Expr *e, ExprRule leaf_of, void *context) {
  return rewrite_all((Walk){.u = u, .leaf = leaf_of, .context = context}, e);
}

const Expr *expr_rewrite(Unit *u, const Expr *e, ExprRule inner, void *context) {
  return rewrite_all((Walk){.u = u, .inner = inner, .context = context}, e);
}

const Expr *expr_substitute(Unit *u, const Expr *e, const Expr *part, const Expr *by) {
  if (part->id > e->id) return e;
  Walk w = {.u = u, .memo = memo_new(e)};
  known(&w.memo, part)->made = by;
  const Expr *made = rewrite(&w, e);
  free(w.memo.at);
  return made;
}

typedef struct Rename {
  Unit *u;
  const int *input;
} Rename;

static const Expr *renamed(void *context, const Expr *e) {
  const Rename *r = context;
  return e->op == E_in ? expr_in(r->u, r->input[e->index]) : e;
}

const Expr *expr_rename_inputs(Unit *u, const Expr *e, const int *input) {
  return expr_replace(u, e, renamed, &(Rename){u, input});
}

static int count(const Expr *e, const Memo *seen) {
  Known *at = known(seen, e);
  if (at->made) return 0;
  at->made = e;
  int n = prims[e->op].arity > 0;
  for (int i = 0; i < prims[e->op].arity; i++) n += count(e->arg[i], seen);
  return n;
}

int expr_count(const Expr *e) {
  Memo seen = memo_new(e);
  int n = count(e, &seen);
  free(seen.at);
  return n;
}

static bool uses(const Expr *e, ExprOp op, int index, const Memo *seen) {
  Known *at = known(seen, e);
  if (at->made) return false;
  at->made = e;
  if (e->op == op && (index < 0 || e->index == index)) return true;
  for (int i = 0; i < prims[e->op].arity; i++)
    if (uses(e->arg[i], op, index, seen)) return true;
  return false;
}

bool expr_uses(const Expr *e, ExprOp op, int index) {
  Memo seen = memo_new(e);
  bool found = uses(e, op, index, &seen);
  free(seen.at);
  return found;
}

static double leaf_value(const Expr *e, const ExprEnv *env) {
  switch (e->op) {
  case E_in: return env->in[e->index];
  case E_acc: return env->acc[e->index];
  case E_scalar: return env->scalar[e->index];
  case E_index: return (double)env->index[e->index];
  default: return e->value;
  }
}

static double eval(const Expr *e, const ExprEnv *env, const Memo *memo) {
  Known *at = known(memo, e);
  if (at->made) return at->value;
  double arg[3] = {0, 0, 0};
  int arity = prims[e->op].arity;
  for (int i = 0; i < arity; i++) arg[i] = eval(e->arg[i], env, memo);
  at->made = e;
  return at->value = arity ? expr_apply(e->op, arg[0], arg[1], arg[2]) : leaf_value(e, env);
}

double expr_eval(const Expr *e, const ExprEnv *env) {
  Memo memo = memo_new(e);
  double value = eval(e, env, &memo);
  free(memo.at);
  return value;
}

/* ---- derivative */

/* Products and quotients with a factor 0 are 0: a derivative that is not there. */
static const Expr *times(Unit *u, const Expr *a, const Expr *b) {
  return is(a, 0) || is(b, 0) ? expr_const(u, 0) : expr2(u, E_mul, a, b);
}

static const Expr *over(Unit *u, const Expr *a, const Expr *b) {
  return is(a, 0) ? a : expr2(u, E_div, a, b);
}

/* The factor of da for a primitive with one argument; y is its value. */
static const Expr *slope(Unit *u, const Expr *y) {
  const Expr *a = y->arg[0], *zero = expr_const(u, 0), *one = expr_const(u, 1);
  switch (y->op) {
  case E_neg: return expr_const(u, -1);
  case E_abs:
    return expr3(u, E_select, expr2(u, E_lt, zero, a), one,
                 expr3(u, E_select, expr2(u, E_lt, a, zero), expr_const(u, -1), zero));
  case E_sqrt: return expr2(u, E_div, expr_const(u, 0.5), y);
  case E_exp: return y;
  case E_log: return expr2(u, E_div, one, a);
  case E_tanh: return expr2(u, E_sub, one, expr2(u, E_mul, y, y));
  case E_erf:
    return expr2(u, E_mul, expr1(u, E_exp, expr1(u, E_neg, expr2(u, E_mul, a, a))),
                 expr_const(u, 2 / sqrt(acos(-1))));
  default: return zero; /* floor */
  }
}

/* a^b. A constant exponent leaves out the logarithm, so negative a are fine. */
static const Expr *power_derivative(Unit *u, const Expr *y, const Expr *da, const Expr *db) {
  const Expr *a = y->arg[0], *b = y->arg[1];
  const Expr *less = expr2(u, E_pow, a, expr2(u, E_sub, b, expr_const(u, 1)));
  return expr2(u, E_add, times(u, da, expr2(u, E_mul, less, b)),
               times(u, db, expr2(u, E_mul, y, expr1(u, E_log, a))));
}

/* Where both are equal the first argument counts: max(0, x) has derivative 0 at 0. With a constant
 * first argument y tells which one it was, and x need not be kept. */
static const Expr *extremum_derivative(Unit *u, const Expr *y, const Expr *da, const Expr *db) {
  const Expr *a = y->arg[0], *b = is_const(a) ? y : y->arg[1];
  const Expr *second = y->op == E_max ? expr2(u, E_lt, a, b) : expr2(u, E_lt, b, a);
  return expr3(u, E_select, second, db, da);
}

static const Expr *derivative(Walk *w, const Expr *y) {
  Unit *u = w->u;
  Known *at = known(&w->memo, y);
  if (at->made) return at->made;
  const Expr *d[3] = {NULL}, *made;
  for (int i = 0; i < prims[y->op].arity; i++) d[i] = derivative(w, y->arg[i]);
  if (y == w->by)
    made = expr_const(u, 1);
  else if (prims[y->op].arity == 0)
    made = expr_const(u, 0);
  else if (prims[y->op].arity == 1)
    made = times(u, d[0], slope(u, y));
  else if (y->op == E_add || y->op == E_sub)
    made = expr2(u, y->op, d[0], d[1]);
  else if (y->op == E_mul)
    made = expr2(u, E_add, times(u, d[0], y->arg[1]), times(u, d[1], y->arg[0]));
  else if (y->op == E_div)
    made = expr2(u, E_sub, over(u, d[0], y->arg[1]), times(u, y, over(u, d[1], y->arg[1])));
  else if (y->op == E_min || y->op == E_max)
    made = extremum_derivative(u, y, d[0], d[1]);
  else if (y->op == E_pow)
    made = power_derivative(u, y, d[0], d[1]);
  else if (y->op == E_select)
    made = expr3(u, E_select, y->arg[0], d[1], d[2]);
  else
    made = expr_const(u, 0); /* comparisons, random numbers */
  return at->made = made;
}

const Expr *expr_derivative(Unit *u, const Expr *e, const Expr *by) {
  Walk w = {.u = u, .memo = memo_new(e), .by = by};
  const Expr *made = derivative(&w, e);
  free(w.memo.at);
  return made;
}

/* ---- affine forms */

bool expr_affine(Unit *u, const Expr *e, const Expr *x, const Expr **a, const Expr **b) {
  *a = expr_const(u, e == x);
  *b = e == x ? expr_const(u, 0) : e;
  if (e == x || !expr_uses(e, x->op, x->index)) return true;
  const Expr *a0, *b0, *a1, *b1;
  if (!prims[e->op].arity || e->op == E_select || !expr_affine(u, e->arg[0], x, &a0, &b0))
    return false;
  if (e->op == E_neg) {
    *a = expr1(u, E_neg, a0);
    *b = expr1(u, E_neg, b0);
    return true;
  }
  if (prims[e->op].arity != 2 || !expr_affine(u, e->arg[1], x, &a1, &b1)) return false;
  if (e->op == E_add || e->op == E_sub) {
    *a = expr2(u, e->op, a0, a1);
    *b = expr2(u, e->op, b0, b1);
  } else if (e->op == E_mul && (is(a0, 0) || is(a1, 0))) {
    *a = is(a1, 0) ? times(u, a0, b1) : times(u, a1, b0);
    *b = times(u, b0, b1);
  } else if (e->op == E_div && is(a1, 0)) {
    *a = over(u, a0, b1);
    *b = over(u, b0, b1);
  } else {
    return false;
  }
  return true;
}
