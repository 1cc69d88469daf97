/* invert.c - view_invert: a gather in place of the scatter that a view's gradient would be.
 *
 *   y[o] = sum over r of x[v(o, r)] * w
 *   dx[i] = sum over the (o, r) with v(o, r) = i of dy[o] * w
 *
 * Every axis of x gives one equation v_a(loops) = i_a. It is solved for one loop, which becomes a
 * coordinate in i and the others (an exact division where its coefficient is not 1), or, where the
 * axis is numbered by its own loops like C*g + c, these loops stay and are the axis. All other
 * loops are summed over. Positions a solved loop cannot take are left out: the view of dy leaves
 * its tensor there, or a condition says so. */
#include <stdlib.h>
#include <string.h>

#include "views.h"

typedef struct Inverse {
  Unit *u;
  Kernel w; /* the kernel that is inverted; its term is over its own inputs and loops */
  const View *view;
  const Type *type;
  Kernel *result;
  Coord inner[MAX_LOOPS]; /* by loop of w: its index in terms of the result's loops */
  enum { SUMMED, KEPT, SOLVED } role[MAX_LOOPS];
  int solved[MAX_RANK];   /* by axis: which loop, or -1 */
  int new_loop[MAX_RANK]; /* by axis: the result's loop, or -1 where loops are kept */
  int rest[MAX_RANK],
      turn[MAX_RANK];    /* by axis: loops over remainders of div, turns of mod; or -1 */
  const Expr *condition; /* which points count; NULL: all that views do not leave out */
} Inverse;

static bool used_elsewhere(const Inverse *v, int loop, int axis) {
  for (int a = 0; a < v->view->rank; a++)
    if (a != axis && coord_uses(&v->view->at[a], loop)) return true;
  return false;
}

/* Do the loops of an axis number it exactly, each coefficient the product of the extents below?
 * Lists them, the most significant first. */
static int numbering(const Inverse *v, int axis, int *loops) {
  const Coord *c = &v->view->at[axis];
  Extent size = fixed(1);
  bool used[MAX_LOOPS] = {false};
  int n = 0;
  if (!coord_affine(c) || c->plus) return 0;
  for (;;) {
    int l = 0;
    while (l < v->w.nloop && (used[l] || c->coef[l] == 0 || size.per_n || c->coef[l] != size.plus))
      l++;
    if (l == v->w.nloop) break;
    if (used_elsewhere(v, l, axis)) return 0;
    Extent e = v->w.loop[l].extent;
    used[l] = true;
    memmove(loops + 1, loops, (size_t)n++ * sizeof *loops);
    loops[0] = l;
    size = (Extent){e.per_n * size.plus, e.plus * size.plus};
  }
  for (int l = 0; l < v->w.nloop; l++)
    if (c->coef[l] && !used[l]) return 0;
  return n && extent_same(size, v->type->dim[axis]) ? n : 0;
}

/* An axis of the output that is this loop alone: leaving it there leaves out the term. */
static bool guarded(const Inverse *v, int loop) {
  const View *to = &v->w.out[0].to;
  for (int a = 0, found; a < to->rank; a++)
    if (coord_is_loop(&to->at[a], &found) && found == loop) return true;
  return false;
}

static int choose_solved(const Inverse *v, int axis) {
  const Coord *c = &v->view->at[axis];
  int best = -1, least = 0;
  for (int l = 0; l < v->w.nloop; l++) {
    if (c->coef[l] == 0 || used_elsewhere(v, l, axis)) continue;
    int cost = (guarded(v, l) ? 0 : 1 << 20) + abs(c->coef[l]);
    if (best < 0 || cost < least) {
      best = l;
      least = cost;
    }
  }
  return best;
}

static const char *free_name(const Inverse *v, const char *name) {
  for (int part = 0;; part++) {
    const char *made = part ? arena_printf(v->u->arena, "%s%d", name, part) : name;
    bool taken = false;
    for (int l = 0; l < v->w.nloop; l++) taken |= strcmp(v->w.loop[l].name, made) == 0;
    for (int l = 0; l < v->result->nloop; l++) taken |= strcmp(v->result->loop[l].name, made) == 0;
    if (!taken) return made;
  }
}

static bool new_loop(Inverse *v, const char *name, Extent extent, bool reduced, int *loop) {
  if (v->result->nloop == MAX_LOOPS) return false;
  *loop = kernel_loop(v->result, free_name(v, name), extent, reduced);
  return true;
}

static bool keep_loop(Inverse *v, int l, bool reduced) {
  if (v->result->nloop == MAX_LOOPS) return false;
  int made = kernel_loop(v->result, v->w.loop[l].name, v->w.loop[l].extent, reduced);
  v->inner[l] = coord_loop(made, 1, 0);
  return true;
}

/* The free loops: one or several per axis of the tensor whose gradient is computed. */
static bool begin_axis(Inverse *v, int axis, const char *name) {
  View *to = &v->result->out[0].to;
  int loops[MAX_LOOPS], n = numbering(v, axis, loops);
  v->solved[axis] = v->new_loop[axis] = v->rest[axis] = v->turn[axis] = -1;
  to->at[axis] = (Coord){.div = 1};
  for (int i = 0; i < n; i++) {
    int l = loops[i];
    if (!keep_loop(v, l, false)) return false;
    v->role[l] = KEPT;
    to->at[axis].coef[v->result->nloop - 1] = v->view->at[axis].coef[l];
  }
  if (n) return true;
  if (!new_loop(v, name, v->type->dim[axis], false, &v->new_loop[axis])) return false;
  to->at[axis].coef[v->new_loop[axis]] = 1;
  v->solved[axis] = choose_solved(v, axis);
  if (v->solved[axis] >= 0) v->role[v->solved[axis]] = SOLVED;
  return true;
}

/* floor(v / div) = i has div solutions, v mod m = i one per turn. */
static bool begin_divisions(Inverse *v, int axis) {
  const Coord *c = &v->view->at[axis];
  if (v->new_loop[axis] < 0) return true;
  if (c->div > 1 && !c->exact && !new_loop(v, "rest", fixed(c->div), true, &v->rest[axis]))
    return false;
  if (c->mod == 0) return true;
  Coord whole = *c;
  int64_t lo, hi;
  whole.mod = 0;
  for (int l = 0; l < v->w.nloop; l++)
    if (c->coef[l] && v->w.loop[l].extent.per_n) return false;
  coord_range(&v->w, &whole, 1, &lo, &hi);
  int64_t turns = floor_div(hi, c->mod) - floor_div(lo, c->mod) + 1;
  if (lo < 0 || !new_loop(v, "turn", fixed(turns), true, &v->turn[axis])) return false;
  return true;
}

/* linear(loops) = div * (i + mod * turn) + rest, as `sum` = 0 over the result's loops without the
 * solved one. */
static bool equation(const Inverse *v, int axis, Coord *sum) {
  const Coord *c = &v->view->at[axis];
  *sum = (Coord){.plus = -c->plus, .div = 1};
  sum->coef[v->new_loop[axis]] = c->div;
  if (v->rest[axis] >= 0) sum->coef[v->rest[axis]] = 1;
  if (v->turn[axis] >= 0) {
    int64_t period = (int64_t)c->div * c->mod, lo, hi;
    Coord whole = *c;
    whole.mod = 0;
    coord_range(&v->w, &whole, 1, &lo, &hi);
    if (period > INT32_MAX) return false;
    sum->coef[v->turn[axis]] = (int32_t)period;
    sum->plus += period * floor_div(lo, c->mod);
  }
  for (int l = 0; l < v->w.nloop; l++) {
    if (c->coef[l] == 0 || l == v->solved[axis]) continue;
    if (v->role[l] == SOLVED) return false;
    for (int r = 0; r < MAX_LOOPS; r++) sum->coef[r] -= c->coef[l] * v->inner[l].coef[r];
  }
  return true;
}

static void also(Inverse *v, const Expr *condition) {
  const Expr *zero = expr_const(v->u, 0);
  v->condition = v->condition ? expr3(v->u, E_select, v->condition, condition, zero) : condition;
}

/* Without a loop to solve for, the equation itself is the condition. */
static void require_zero(Inverse *v, const Coord *sum) {
  const Expr *e = coord_expr(v->u, sum, v->result->nloop);
  also(v, expr2(v->u, E_eq, e, expr_const(v->u, 0)));
}

static bool solve_axis(Inverse *v, int axis) {
  Coord sum;
  int l = v->solved[axis];
  if (v->new_loop[axis] < 0) return true;
  if (!equation(v, axis, &sum)) return false;
  if (l < 0) {
    require_zero(v, &sum);
    return true;
  }
  int32_t coef = v->view->at[axis].coef[l];
  if (coef < 0) {
    for (int r = 0; r < MAX_LOOPS; r++) sum.coef[r] = -sum.coef[r];
    sum.plus = -sum.plus;
  }
  sum.div = abs(coef);
  sum.exact = sum.div > 1;
  v->inner[l] = sum;
  coord_simplify(v->result, &v->inner[l]);
  return true;
}

/* May a solved loop take a value it does not have? */
static bool leaves(const Inverse *v, int l) {
  if (v->role[l] != SOLVED) return false;
  if (v->inner[l].exact) return true;
  for (int64_t n = 1; n <= 1001; n += 1000) {
    int64_t lo, hi;
    coord_range(v->result, &v->inner[l], n, &lo, &hi);
    if (lo < 0 || hi >= extent_at(v->w.loop[l].extent, n)) return true;
  }
  return false;
}

static bool leaves_any(const Inverse *v, const View *view) {
  for (int l = 0; l < v->w.nloop; l++)
    if (view_uses(view, l) && leaves(v, l)) return true;
  return false;
}

/* 0 <= l < extent, and the division is exact: as an expression. */
static bool require_loop(Inverse *v, int l) {
  Unit *u = v->u;
  Extent extent = v->w.loop[l].extent;
  const Coord *c = &v->inner[l];
  if (extent.per_n) return false;
  const Expr *e = coord_expr(u, c, v->result->nloop);
  also(v, expr2(u, E_le, expr_const(u, 0), e));
  also(v, expr2(u, E_lt, e, expr_const(u, (double)extent.plus)));
  if (!c->exact) return true;
  Coord linear = *c;
  linear.div = 1;
  const Expr *whole = coord_expr(u, &linear, v->result->nloop);
  also(v, expr2(u, E_eq, expr2(u, E_mul, e, expr_const(u, c->div)), whole));
  return true;
}

static bool solve(Inverse *v) {
  static const char *const names[3][3] = {{"w"}, {"h", "w"}, {"d", "h", "w"}};
  static const char *const plain[MAX_RANK] = {"i0", "i1", "i2", "i3", "i4", "i5", "i6", "i7"};
  int rank = v->type->rank;
  bool image = rank >= 3 && rank <= 5;
  for (int a = 0; a < rank; a++) {
    const char *name = !image ? plain[a] : a == 0 ? "n" : a == 1 ? "c" : names[rank - 3][a - 2];
    if (!begin_axis(v, a, name)) return false;
  }
  for (int l = 0; l < v->w.nloop; l++)
    if (v->role[l] == SUMMED && !keep_loop(v, l, true)) return false;
  for (int a = 0; a < rank; a++)
    if (!begin_divisions(v, a)) return false;
  for (int a = 0; a < rank; a++)
    if (!solve_axis(v, a)) return false;
  return true;
}

/* ---- composing what the gradient reads ---- */

static const Expr *inverse_leaf(void *context, const Expr *leaf) {
  const Inverse *v = context;
  if (leaf->op != E_index) return leaf;
  return coord_expr(v->u, &v->inner[leaf->index], v->result->nloop);
}

static bool compose_view(const Inverse *v, const View *view, View *made) {
  const Coord *inner[MAX_LOOPS];
  for (int l = 0; l < MAX_LOOPS; l++) inner[l] = &v->inner[l];
  *made = *view;
  for (int a = 0; a < view->rank; a++) {
    if (!coord_compose(&view->at[a], inner, v->w.nloop, &made->at[a])) return false;
    coord_simplify(v->result, &made->at[a]);
  }
  return true;
}

static bool plain_product(const Expr *term) {
  const Expr *a = term->op == E_mul ? term->arg[0] : term;
  const Expr *b = term->op == E_mul ? term->arg[1] : term;
  return (a->op == E_in || a->op == E_const) && (b->op == E_in || b->op == E_const);
}

/* Is a view where out 0's view is, on an axis of the same extent? It leaves with it. */
static bool like_out(const Inverse *v, const View *view) {
  const View *to = &v->w.out[0].to;
  bool same = view->rank == to->rank;
  for (int a = 0; same && a < to->rank; a++) same = coord_same(&view->at[a], &to->at[a]);
  return same;
}

/* The gradient by IN(which) of w where each point contributes w's term; tensor `dout` is the
 * gradient that flows in, read through out 0's view. A point where that view is outside is left
 * out: whatever is read at the same place (the result, a maximum's place) need not be tested
 * again. */
static bool compose_inputs(Inverse *v, int which, int dout, const Expr *term) {
  Kernel *k = v->result;
  bool skips = !plain_product(term) && kernel_reduces(k);
  for (int i = 0; i < v->w.nin; i++) {
    const View *view = &v->w.in[i];
    View *made = kernel_in(k, view->tensor, v->type);
    if (i == which) {
      *made = k->out[0].to;
      made->tensor = view->tensor;
      continue;
    }
    if (view->outside != SKIP && !expr_uses(term, E_in, i)) {
      made->rank = 0;
      continue;
    }
    if (!compose_view(v, view, made)) return false;
    if (view->outside != INSIDE || !leaves_any(v, view)) continue;
    made->outside = skips && (view->tensor == dout || like_out(v, view)) ? SKIP : FILL;
  }
  return true;
}

/* Loops that may leave their range without the view of dout noticing. */
static bool find_condition(Inverse *v, const Expr *term) {
  bool left_out = plain_product(term) || kernel_reduces(v->result);
  for (int l = 0; l < v->w.nloop; l++)
    if (leaves(v, l) && !(left_out && guarded(v, l)) && !require_loop(v, l)) return false;
  return true;
}

static bool sums_samples(const Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced && k->loop[l].extent.per_n) return true;
  return false;
}

/* Sums over the batch that are no contraction (bias, batch statistics) are in double. */
static void finish(Inverse *v, const Expr *term) {
  Kernel *k = v->result;
  term = expr_replace(v->u, term, inverse_leaf, v);
  if (v->condition) term = expr3(v->u, E_select, v->condition, term, expr_const(v->u, 0));
  k->out[0].value = term;
  if (kernel_reduces(k)) {
    k->nfold = 1;
    k->fold[0] = (Fold){FOLD_SUM, term, F32};
    k->out[0].value = expr_acc(v->u, 0);
  }
  kernel_simplify(v->u, k);
  if (kernel_kind(k) == KIND_REDUCE && sums_samples(k)) k->fold[0].acc = F64;
}

bool view_invert(Unit *u, const Kernel *k, int which, int dout, const Type *type, const Expr *term,
                 Kernel *result) {
  Inverse v = {.u = u, .w = *k, .type = type, .result = result};
  /* cutting loops renumbers those that the term mentions: it travels as a fold */
  v.w.nfold = 1;
  v.w.fold[0].term = term;
  kernel_cut_loops(u, &v.w, which);
  term = v.w.fold[0].term;
  v.view = &v.w.in[which];
  *result = (Kernel){.name = k->name, .nout = 1, .out[0].to = {.tensor = -1, .rank = type->rank}};
  if (!solve(&v) || !find_condition(&v, term) || !compose_inputs(&v, which, dout, term))
    return false;
  finish(&v, term);
  return true;
}
