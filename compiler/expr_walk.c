/* expr_walk.c - walks over expressions: parts replaced, counted, evaluated; derivatives and affine
 * forms. A memo keeps them linear in the number of distinct nodes. */
#include <math.h>
#include <stdlib.h>

#include "expr.h"

/* ---- what is known of each node ---- */

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

/* ---- replacing ---- */

static const Expr *rebuild(Unit *u, const Expr *e, const Expr *const *arg) {
  switch (expr_arity(e->op)) {
  case 1: return expr1(u, e->op, arg[0]);
  case 2: return expr2(u, e->op, arg[0], arg[1]);
  default: return expr3(u, e->op, arg[0], arg[1], arg[2]);
  }
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
  int arity = expr_arity(e->op);
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
  int n = expr_arity(e->op) > 0;
  for (int i = 0; i < expr_arity(e->op); i++) n += count(e->arg[i], seen);
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
  for (int i = 0; i < expr_arity(e->op); i++)
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
  int arity = expr_arity(e->op);
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

/* ---- derivative ---- */

/* Products and quotients with a factor 0 are 0: a derivative that is not there. */
static const Expr *times(Unit *u, const Expr *a, const Expr *b) {
  return expr_is(a, 0) || expr_is(b, 0) ? expr_const(u, 0) : expr2(u, E_mul, a, b);
}

static const Expr *over(Unit *u, const Expr *a, const Expr *b) {
  return expr_is(a, 0) ? a : expr2(u, E_div, a, b);
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
  const Expr *a = y->arg[0], *b = a->op == E_const ? y : y->arg[1];
  const Expr *second = y->op == E_max ? expr2(u, E_lt, a, b) : expr2(u, E_lt, b, a);
  return expr3(u, E_select, second, db, da);
}

static const Expr *derivative(Walk *w, const Expr *y) {
  Unit *u = w->u;
  Known *at = known(&w->memo, y);
  if (at->made) return at->made;
  const Expr *d[3] = {NULL}, *made;
  for (int i = 0; i < expr_arity(y->op); i++) d[i] = derivative(w, y->arg[i]);
  if (y == w->by)
    made = expr_const(u, 1);
  else if (expr_arity(y->op) == 0)
    made = expr_const(u, 0);
  else if (expr_arity(y->op) == 1)
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

/* ---- affine forms ---- */

bool expr_affine(Unit *u, const Expr *e, const Expr *x, const Expr **a, const Expr **b) {
  *a = expr_const(u, e == x);
  *b = e == x ? expr_const(u, 0) : e;
  if (e == x || !expr_uses(e, x->op, x->index)) return true;
  const Expr *a0, *b0, *a1, *b1;
  if (!expr_arity(e->op) || e->op == E_select || !expr_affine(u, e->arg[0], x, &a0, &b0))
    return false;
  if (e->op == E_neg) {
    *a = expr1(u, E_neg, a0);
    *b = expr1(u, E_neg, b0);
    return true;
  }
  if (expr_arity(e->op) != 2 || !expr_affine(u, e->arg[1], x, &a1, &b1)) return false;
  if (e->op == E_add || e->op == E_sub) {
    *a = expr2(u, e->op, a0, a1);
    *b = expr2(u, e->op, b0, b1);
  } else if (e->op == E_mul && (expr_is(a0, 0) || expr_is(a1, 0))) {
    *a = expr_is(a1, 0) ? times(u, a0, b1) : times(u, a1, b0);
    *b = times(u, b0, b1);
  } else if (e->op == E_div && expr_is(a1, 0)) {
    *a = over(u, a0, b1);
    *b = over(u, b0, b1);
  } else {
    return false;
  }
  return true;
}
