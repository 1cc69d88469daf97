/* absorb.c - kernel_absorb: a consumer reads the inputs of a map directly.
 *
 *   pad:  %p[h, w] = in0,  in0 = %x[h - 1, w - 1] fill 0
 *   conv: in0 = %p[oh + kh, ow + kw]                  ->  in0 = %x[oh + kh - 1, ow + kw - 1] fill 0
 *
 * Coordinates are composed; the care is about what lies outside. Where the consumer's view may
 * leave the intermediate tensor along an axis, every input that is read there must leave its own
 * tensor as well (the axis is guarded), and what it reads there must give the consumer's fill, or
 * skip. */
#include <string.h>

#include "views.h"

typedef struct Absorb {
  Unit *u;
  Kernel *k;
  int which;
  const Kernel *from;
  const Type *type;
  Coord zero;
  const Coord *inner[MAX_LOOPS]; /* by loop of `from`: the consumer's coordinate */
  int axis[MAX_LOOPS];           /* by loop of `from`: axis of the intermediate tensor, or -1 */
  bool below[MAX_LOOPS], above[MAX_LOOPS]; /* by loop of `from`: may the consumer's view leave? */
  int first;                               /* index in k of the producer's first input */
} Absorb;

/* ---- the producer's loops in terms of the consumer's ---- */

static bool find_axes(Absorb *a) {
  const View *to = &a->from->out[0].to;
  const View *view = &a->k->in[a->which];
  for (int l = 0; l < a->from->nloop; l++) a->axis[l] = -1;
  for (int i = 0; i < to->rank; i++) {
    int loop;
    if (coord_is_loop(&to->at[i], &loop)) {
      if (a->axis[loop] >= 0) return false;
      a->axis[loop] = i;
    } else if (!coord_same(&to->at[i], &a->zero)) {
      return false;
    }
  }
  for (int l = 0; l < a->from->nloop; l++) {
    if (a->axis[l] < 0) return false;
    a->inner[l] = &view->at[a->axis[l]];
  }
  return true;
}

/* Extents may depend on n: what holds for two values of n holds for all. */
static void find_leaving(Absorb *a) {
  if (a->k->in[a->which].outside == INSIDE) return;
  for (int l = 0; l < a->from->nloop; l++) {
    const Coord *c = a->inner[l];
    for (int64_t n = 1; n <= 1001; n += 1000) {
      int64_t lo, hi;
      coord_range(a->k, c, n, &lo, &hi);
      a->below[l] |= lo < 0 || c->exact;
      a->above[l] |= hi >= extent_at(a->from->loop[l].extent, n) || c->exact;
    }
  }
}

/* An axis of extent 1 whose loop vanished from `from` must not be left either. */
static bool leaves_only_loops(const Absorb *a) {
  const View *view = &a->k->in[a->which], *to = &a->from->out[0].to;
  if (view->outside == INSIDE) return true;
  for (int i = 0; i < to->rank; i++) {
    int loop;
    int64_t lo, hi;
    if (coord_is_loop(&to->at[i], &loop)) continue;
    coord_range(a->k, &view->at[i], 1001, &lo, &hi);
    if (lo != 0 || hi != 0 || view->at[i].exact) return false;
  }
  return true;
}

/* ---- what is read outside ---- */

static int64_t value_at(const Coord *c, int loop, int64_t index) {
  return floor_div(c->coef[loop] * index + c->plus, c->div);
}

/* A monotone coordinate of loop l that is outside one step before the first and behind the last
 * index is outside from there on. */
static bool coord_guards(const Absorb *a, const Coord *c, int l, Extent extent) {
  if (coord_only_loop(c) != l || c->mod) return false;
  for (int64_t n = 1; n <= 1001; n += 1000) {
    int64_t size = extent_at(extent, n);
    int64_t before = value_at(c, l, -1);
    int64_t behind = value_at(c, l, extent_at(a->from->loop[l].extent, n));
    bool up = c->coef[l] > 0;
    if (a->below[l] && (up ? before >= 0 : before < size)) return false;
    if (a->above[l] && (up ? behind < size : behind >= 0)) return false;
  }
  return true;
}

static bool view_guards(const Absorb *a, int input, int l) {
  const View *view = &a->from->in[input];
  for (int i = 0; i < view->rank; i++)
    if (coord_guards(a, &view->at[i], l, a->type[input].dim[i])) return true;
  return false;
}

/* The producer's value where all inputs read the given fills; false where it depends on more. */
static bool value_outside(const Absorb *a, const double *fill, double *value) {
  const Expr *e = a->from->out[0].value;
  ExprEnv env = {.in = fill};
  if (expr_uses(e, E_index, -1) || expr_uses(e, E_scalar, -1)) return false;
  *value = expr_eval(e, &env);
  return true;
}

/* Fills of inputs that were never outside are free: the wanted value itself or 0. */
static bool find_fills(const Absorb *a, double wanted, double *fill) {
  const double trials[2] = {wanted, 0};
  for (int t = 0; t < 2; t++) {
    double value;
    for (int i = 0; i < a->from->nin; i++)
      fill[i] = a->from->in[i].outside == FILL ? a->from->in[i].fill : trials[t];
    if (value_outside(a, fill, &value) && value == wanted) return true;
  }
  return false;
}

static bool leaves(const Absorb *a) {
  for (int l = 0; l < a->from->nloop; l++)
    if (a->below[l] || a->above[l]) return true;
  return false;
}

/* Sets the modes of the composed views (already in k). */
static bool compose_outside(Absorb *a) {
  View *view = &a->k->in[a->which];
  double fill[MAX_IN];
  if (view->outside == INSIDE || !leaves(a)) return true;
  if (view->outside == FILL && !find_fills(a, view->fill, fill)) return false;
  bool guarded[MAX_LOOPS] = {false};
  for (int i = 0; i < a->from->nin; i++) {
    View *made = &a->k->in[a->first + i];
    bool skips = false;
    if (view->outside == SKIP && a->from->in[i].outside != INSIDE) return false;
    for (int l = 0; l < a->from->nloop; l++) {
      if (!a->below[l] && !a->above[l]) continue;
      bool guards = view_guards(a, i, l);
      if (!guards && (view->outside == FILL || view_uses(&a->from->in[i], l))) return false;
      guarded[l] |= guards;
      skips |= guards;
    }
    if (view->outside == FILL) {
      made->outside = FILL;
      made->fill = fill[i];
    } else if (skips) {
      made->outside = SKIP;
    }
  }
  for (int l = 0; l < a->from->nloop; l++)
    if ((a->below[l] || a->above[l]) && !guarded[l] && view->outside == SKIP) return false;
  return true;
}

/* ---- composing ---- */

static bool compose_views(Absorb *a) {
  Kernel *k = a->k;
  if (k->nin + a->from->nin > MAX_IN) return false;
  a->first = k->nin;
  for (int i = 0; i < a->from->nin; i++) {
    const View *view = &a->from->in[i];
    View *made = &k->in[k->nin++];
    *made = *view;
    if (view->outside == SKIP) return false;
    for (int b = 0; b < view->rank; b++) {
      if (!coord_compose(&view->at[b], a->inner, a->from->nloop, &made->at[b])) return false;
      coord_simplify(k, &made->at[b]);
    }
  }
  return true;
}

static const Expr *producer_leaf(void *context, const Expr *leaf) {
  const Absorb *a = context;
  if (leaf->op == E_in) return expr_in(a->u, a->first + leaf->index);
  if (leaf->op == E_index) return coord_expr(a->u, a->inner[leaf->index], a->k->nloop);
  return leaf;
}

typedef struct Substitute {
  Unit *u;
  int which;
  const Expr *value;
} Substitute;

static const Expr *consumer_leaf(void *context, const Expr *leaf) {
  const Substitute *s = context;
  return leaf->op == E_in && leaf->index == s->which ? s->value : leaf;
}

/* False where an expression would grow too large. */
static bool compose_value(Absorb *a, Substitute *s, const Expr **value) {
  const Expr *before = *value;
  *value = expr_replace(a->u, before, consumer_leaf, s);
  return (*value)->size <= EXPR_MOST || (*value)->size <= before->size;
}

static bool compose_values(Absorb *a) {
  Kernel *k = a->k;
  Substitute s = {a->u, a->which, expr_replace(a->u, a->from->out[0].value, producer_leaf, a)};
  for (int f = 0; f < k->nfold; f++)
    if (!compose_value(a, &s, &k->fold[f].term)) return false;
  for (int o = 0; o < k->nout; o++)
    if (!compose_value(a, &s, &k->out[o].value)) return false;
  return true;
}

static bool try_absorb(Unit *u, Kernel *k, int which, const Kernel *from, const Type *type) {
  Absorb a = {.u = u, .k = k, .which = which, .from = from, .type = type, .zero = {.div = 1}};
  if (!find_axes(&a) || !leaves_only_loops(&a) || !compose_views(&a)) return false;
  find_leaving(&a);
  if (!compose_outside(&a) || !compose_values(&a)) return false;
  for (int i = a.first; i < k->nin; i++) kernel_cut_loops(u, k, i);
  k->in[which].outside = INSIDE; /* no term depends on it any more */
  kernel_simplify(u, k);
  return true;
}

bool kernel_absorb(Unit *u, Kernel *k, int which, const Kernel *from, const Type *type) {
  if (from->nfold || from->nout != 1 || from->out[0].combine) return false;
  Kernel trial = *k;
  if (!try_absorb(u, &trial, which, from, type)) {
    trial = *k;
    kernel_cut_loops(u, &trial, which);
    if (trial.nloop == k->nloop || !try_absorb(u, &trial, which, from, type)) return false;
  }
  *k = trial;
  return true;
}
