/* gradient.c - graph_gradient: the gradient of any kernel as a gather, by inverting its index maps.
 *
 *   y[o] = f(sum over r of t(x[v(o, r)], ...))
 *   dx[i] = sum over the (o, r) with v(o, r) = i of dy[o] * f' * t'
 *
 * Every axis of x gives one equation v_a(loops) = i_a. It is solved for one loop, which becomes a
 * coordinate in i and the others (an exact division where its coefficient is not 1), or, where the
 * axis is numbered by its own loops like C*g + c, these loops stay and are the axis. All other
 * loops are summed over. Positions a solved loop cannot take are left out: the view of dy leaves
 * its tensor there, or a condition says so.
 *
 * f' may need sums again; then dy * f' is a node of its own first. A maximum's gradient goes to the
 * first of its places, found by a node with the same loops (FOLD_ARGMAX). */
#include <stdlib.h>
#include <string.h>

#include "graph.h"
#include "views.h"

/* ---- inverting a view */

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

/* ---- composing what the gradient reads */

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

static bool has_reduced(const Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced) return true;
  return false;
}

/* The gradient by IN(which) of w where each point contributes w's term; tensor `dout` is the
 * gradient that flows in, read through out 0's view. */
static bool compose_inputs(Inverse *v, int which, int dout, const Expr *term) {
  Kernel *k = v->result;
  bool product = plain_product(term);
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
    made->outside = view->tensor == dout && !product && has_reduced(k) ? SKIP : FILL;
  }
  return true;
}

/* Loops that may leave their range without the view of dout noticing. */
static bool find_condition(Inverse *v, const Expr *term) {
  bool left_out = plain_product(term) || has_reduced(v->result);
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
  if (has_reduced(k)) {
    k->nfold = 1;
    k->fold[0] = (Fold){FOLD_SUM, term, F32};
    k->out[0].value = expr_acc(v->u, 0);
    if (kernel_kind(k) != KIND_CONTRACT && sums_samples(k)) k->fold[0].acc = F64;
  }
  kernel_simplify(v->u, k);
}

static bool invert(Unit *u, const Kernel *k, int which, int dout, const Type *type,
                   const Expr *term, Kernel *result) {
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

/* ---- what flows in and by which factor */

/* Inputs of gradients that the node's kernel does not have: its result, what flows in, the places
 * of a maximum. All are read like the result. */
enum { IN_Y = MAX_IN, IN_DOUT, IN_PLACE, IN_ALL };

typedef struct Gradient {
  Graph *g;
  Id id, arg;
  Kernel k;                  /* of the node */
  Id extra[IN_ALL - MAX_IN]; /* which nodes the additional inputs are */
  Where where;
  Id sum;
} Gradient;

typedef struct Places {
  Unit *u;
  int at[IN_ALL];
} Places;

static const Expr *place_leaf(void *context, const Expr *leaf) {
  const Places *p = context;
  return leaf->op == E_in ? expr_in(p->u, p->at[leaf->index]) : leaf;
}

static bool reads(const Kernel *k, const Expr *term, int input) {
  bool used = expr_uses(term, E_in, input);
  for (int f = 0; f < k->nfold; f++) used |= expr_uses(k->fold[f].term, E_in, input);
  return used;
}

/* Gives k the inputs that `term` and its folds read, and those it is about (SKIP; which), in place
 * of its own; returns the term over them. */
static const Expr *settle_inputs(const Gradient *r, Kernel *k, const Expr *term, int *which) {
  Places p = {.u = r->g->u};
  View in[MAX_IN];
  int nin = 0;
  for (int i = 0; i < IN_ALL; i++) {
    bool own = i < k->nin, needed = reads(k, term, i);
    needed |= own && (i == *which || (k->in[i].outside == SKIP && has_reduced(k)));
    if (!needed) continue;
    if (nin == MAX_IN) BUG("%s: a gradient of more than %d inputs", k->name, MAX_IN);
    in[nin] = own ? k->in[i] : k->out[0].to;
    if (!own) in[nin].tensor = r->extra[i - MAX_IN];
    p.at[i] = nin++;
  }
  for (int f = 0; f < k->nfold; f++)
    k->fold[f].term = expr_replace(p.u, k->fold[f].term, place_leaf, &p);
  memcpy(k->in, in, sizeof in);
  k->nin = nin;
  if (*which >= 0) *which = p.at[*which];
  return expr_replace(p.u, term, place_leaf, &p);
}

/* The node's own result stands for its formula, and for what it is a scaled and shifted form of. */
static const Expr *use_result(const Gradient *r, const Expr *e) {
  Unit *u = r->g->u;
  const Expr *part = r->k.out[0].value, *by = expr_in(u, IN_Y);
  e = expr_substitute(u, e, part, by);
  for (;;) {
    const Expr *a = part->arg[0], *b = part->arg[1];
    bool binary = part->op == E_add || part->op == E_sub || part->op == E_mul;
    if (part->op == E_neg) {
      by = expr1(u, E_neg, by);
      part = a;
    } else if (binary && b->op == E_const && b->value != 0) {
      by = expr2(u, part->op == E_mul ? E_div : E_sub, by, b);
      part = a;
    } else if (part->op == E_sub && a->op == E_const) {
      by = expr2(u, E_sub, a, by);
      part = b;
    } else {
      return e;
    }
    if (expr_count(part)) e = expr_substitute(u, e, part, by);
  }
}

/* Reading the result is worth it where something else need not be read or summed again. */
static const Expr *slope(const Gradient *r, const Expr *leaf) {
  const Expr *plain = expr_derivative(r->g->u, r->k.out[0].value, leaf);
  if (r->k.out[0].combine) return plain;
  const Expr *with = use_result(r, plain);
  bool helps = expr_uses(plain, E_acc, -1) && !expr_uses(with, E_acc, -1);
  for (int i = 0; i < r->k.nin; i++)
    helps |= expr_uses(plain, E_in, i) && !expr_uses(with, E_in, i);
  return helps ? with : plain;
}

static bool is_zero(const Expr *e) {
  return e->op == E_const && e->value == 0;
}

static void contribute(Gradient *r, Id part) {
  if (part == NO_ID) BUG("no gradient of %s by %%%d", r->k.name, (int)r->arg);
  r->sum =
      r->sum == NO_ID ? part : graph_add(r->g, OP_add, (Id[]){r->sum, part}, 2, NULL, r->where);
}

static Id same_type_node(Gradient *r, Kernel *k, const Expr *value) {
  int none = -1;
  const Type type = r->g->node.at[r->id].type;
  k->out[0].value = settle_inputs(r, k, value, &none);
  return graph_kernel(r->g, k, &type, r->where);
}

/* What flows in times a factor that needs k's sums: a node with the loops of k. Then the factor is
 * 1. */
static const Expr *scale_dout(Gradient *r, const Expr *factor) {
  Kernel k = r->k;
  if (!expr_uses(factor, E_acc, -1)) return factor;
  Id scaled = same_type_node(r, &k, expr2(r->g->u, E_mul, expr_in(r->g->u, IN_DOUT), factor));
  r->extra[IN_DOUT - MAX_IN] = scaled;
  return expr_const(r->g->u, 1);
}

/* The expression that says whether a point of the reduced loops is the place of the maximum. */
static const Expr *is_place(Gradient *r, int fold) {
  Unit *u = r->g->u;
  Kernel k = r->k;
  k.nfold = 1;
  k.fold[0] = r->k.fold[fold];
  k.fold[0].op = FOLD_ARGMAX;
  k.out[0].combine = false;
  r->extra[IN_PLACE - MAX_IN] = same_type_node(r, &k, expr_acc(u, 0));
  const Expr *place = expr_const(u, 0);
  for (int l = 0; l < k.nloop; l++) {
    if (!k.loop[l].reduced) continue;
    const Expr *extent = expr_const(u, (double)k.loop[l].extent.plus);
    if (k.loop[l].extent.per_n) BUG("%s: a maximum over the batch", k.name);
    place = expr2(u, E_add, expr2(u, E_mul, place, extent), expr_index(u, l));
  }
  return expr2(u, E_eq, expr_in(u, IN_PLACE), place);
}

static void gather(Gradient *r, Kernel *k, int which, const Expr *term) {
  Kernel result;
  const Type type = r->g->node.at[r->arg].type;
  k->nfold = 0;
  term = settle_inputs(r, k, term, &which);
  if (!invert(r->g->u, k, which, r->extra[IN_DOUT - MAX_IN], &type, term, &result))
    BUG("%s: a view of %%%d cannot be inverted", k->name, (int)r->arg);
  contribute(r, graph_kernel(r->g, &result, &type, r->where));
}

/* Through fold f: dy * d value / d acc * d term / d in. */
static void through_fold(Gradient *r, int f, int which) {
  Unit *u = r->g->u;
  const Fold *fold = &r->k.fold[f];
  const Expr *inner = expr_derivative(u, fold->term, expr_in(u, which));
  const Expr *outer = slope(r, expr_acc(u, f));
  if (is_zero(inner) || is_zero(outer) || fold->op == FOLD_ARGMAX) return;
  Id dout = r->extra[IN_DOUT - MAX_IN];
  Kernel k = r->k;
  outer = scale_dout(r, outer);
  const Expr *term = expr2(u, E_mul, expr_in(u, IN_DOUT), expr2(u, E_mul, outer, inner));
  if (fold->op == FOLD_MAX) term = expr3(u, E_select, is_place(r, f), term, expr_const(u, 0));
  gather(r, &k, which, term);
  r->extra[IN_DOUT - MAX_IN] = dout;
}

/* Directly: dy * d value / d in, without the reduced loops. */
static void direct(Gradient *r, int which) {
  Unit *u = r->g->u;
  const Expr *factor = slope(r, expr_in(u, which));
  if (is_zero(factor)) return;
  Id dout = r->extra[IN_DOUT - MAX_IN];
  Kernel k = r->k;
  while (k.nloop && k.loop[k.nloop - 1].reduced) k.nloop--;
  factor = scale_dout(r, factor);
  gather(r, &k, which, expr2(u, E_mul, expr_in(u, IN_DOUT), factor));
  r->extra[IN_DOUT - MAX_IN] = dout;
}

Id graph_gradient(Graph *g, Id id, Id arg, Id dout) {
  Gradient r = {.g = g,
                .id = id,
                .arg = arg,
                .extra = {id, dout, NO_ID},
                .where = g->node.at[id].where,
                .sum = NO_ID};
  node_kernel(g, id, &r.k);
  kernel_simplify(g->u, &r.k);
  for (int i = 0; i < r.k.nin; i++) {
    if (r.k.in[i].tensor != arg) continue;
    for (int f = 0; f < r.k.nfold; f++) through_fold(&r, f, i);
    direct(&r, i);
  }
  return r.sum;
}
