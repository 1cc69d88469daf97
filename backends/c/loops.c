/* loops.c - any Kernel as plain loops: free loops outside, reduced loops inside, in the kernel's
 * order.
 *
 *   for (int n = n_block; n < n_block + 1; n++)
 *     for (int c_block = 0; c_block < 4; c_block++)      the lane loop: one vector per turn
 *       for (int oh = 0; oh < 28; oh++)
 *         for (int ow = 0; ow < 28; ow++) {
 *           avx512_v acc0 = avx512_set1(-INFINITY);
 *           for (int ih = ih_from; ih < ih_to; ih++)     windows run over input coordinates
 *             for (int iw = iw_from; iw < iw_to; iw++) {
 *               const avx512_v x0 = avx512_load(in0 + ..);
 *               acc0 = avx512_fold_max(acc0, x0);
 *             }
 *           avx512_store(out0 + .., acc0);
 *         }
 *
 * One free loop runs in vectors where every view that mentions it moves by one element with it;
 * else everything is scalar. Coordinates that may be outside, or have divisions, are named and
 * tested. Arithmetic in double keeps to the interpreter's order, so its bits are the same; sums in
 * double of terms in vectors have one of each half. Outs
 * that combine get loops of their own: the free loops that `to` misses run inside, into a sum. */
#include "leaf.h"

#include <string.h>

typedef struct Loops {
  Leaf *f;
  const Dialect *d;
  DType math;
  bool out[MAX_OUT]; /* which outs these loops compute */
  bool combine;
  int order[MAX_LOOPS], norder; /* free loops of `to`, free loops that combine, reduced loops */
  int nto, nfree;
  const char *terms_if[MAX_LOOPS]; /* by free loop: what SKIP views ask where it stands; or NULL */
  int lane;                        /* the loop that runs in vectors, or -1 */
  int count;                       /* lanes in use, 0: all */
} Loops;

static bool in_value(const Loops *w, int in) {
  for (int o = 0; o < w->f->k->nout; o++)
    if (w->out[o] && expr_uses(w->f->k->out[o].value, E_in, in)) return true;
  return false;
}

static bool in_term(const Kernel *k, int in) {
  if (k->nfold > 0 && k->in[in].outside == SKIP) return true;
  for (int i = 0; i < k->nfold; i++)
    if (expr_uses(k->fold[i].term, E_in, in)) return true;
  return false;
}

/* Arguments of random numbers, in double. */
static const char *exact_text(void *context, const Expr *x) {
  Loops *w = context;
  if (x->op == E_scalar) return leaf_scalar(w->f, x->index);
  if (x->op != E_index) BUG("%s: a random number of data", w->f->k->name);
  return arena_printf(w->f->e->arena, "(double)(%s)", leaf_form(w->f, &w->f->value[x->index]));
}

static const char *random_text(Loops *w, const Expr *x) {
  Emit *e = w->f->e;
  const char *arg[3], *text;
  for (int i = 0; i < 3; i++) arg[i] = emit_expr(e, &scalar_double, x->arg[i], exact_text, w);
  text = arena_printf(e->arena, "cnnc_uniform(%s, %s, %s)", arg[0], arg[1], arg[2]);
  if (w->lane < 0) return text;
  return arena_printf(e->arena, "%s_set1(%s)", w->f->plan->target->name, text);
}

/* Does a sum of vectors run in double? */
static bool wide(const Loops *w, int fold) {
  return w->lane >= 0 && w->f->k->fold[fold].acc == F64;
}

static const char *leaf_text(void *context, const Expr *x) {
  Loops *w = context;
  Arena *arena = w->f->e->arena;
  if (x->op == E_random) return random_text(w, x);
  if (x->op == E_in) return arena_printf(arena, "x%d", x->index);
  if (x->op == E_acc && wide(w, x->index))
    return arena_printf(arena, "%s_narrow(acc%d)", w->f->plan->target->name, x->index);
  if (x->op == E_acc) return arena_printf(arena, "acc%d", x->index);
  if (x->op == E_scalar) {
    const char *text = leaf_scalar(w->f, x->index);
    if (w->lane >= 0)
      return arena_printf(arena, "%s_set1((float)%s)", w->f->plan->target->name, text);
    return c_convert(w->f->e, text, F64, w->math);
  }
  const char *text =
      arena_printf(arena, "(%s)(%s)", c_type(w->math), leaf_form(w->f, &w->f->value[x->index]));
  return w->lane >= 0 ? arena_printf(arena, "%s_set1(%s)", w->f->plan->target->name, text) : text;
}

static const char *expression(Loops *w, const Expr *x) {
  return emit_expr(w->f->e, w->d, x, leaf_text, w);
}

/* ---- coordinates ---- */

/* The level of the innermost loop that a coordinate mentions. */
static int level_of(const Loops *w, const Coord *c) {
  int level = 0;
  for (int i = 0; i < w->norder; i++)
    if (coord_uses(c, w->order[i])) level = i;
  return level;
}

static bool needs_name(const Loops *w, const View *v, int axis) {
  return !coord_affine(&v->at[axis]) || view_tests(w->f->plan, w->f->k, v, axis) != 0;
}

static const char *axis_name(const Leaf *f, const View *v, int axis) {
  const Type *type = &leaf_buffer(f, v)->type;
  const int view = leaf_view(f, v);
  const char *side = view < MAX_IN ? "in" : "out";
  const int number = view < MAX_IN ? view : view - MAX_IN;
  if (type->rank < 3 || type->rank > 5 || type->dim[0].per_n == 0)
    return arena_printf(f->e->arena, "%s%d_%d", side, number, axis);
  const char letter = "ncdhw"[axis < 2 ? axis : 5 - type->rank + axis];
  return arena_printf(f->e->arena, "%s%d_%c", side, number, letter);
}

/* Whole periods that a remainder's numerator is moved up, so that it is never negative: C's % would
 * be negative as well. */
static int64_t periods_up(const Loops *w, const Coord *c) {
  const int64_t period = (int64_t)c->div * c->mod;
  Coord whole = *c;
  int64_t lo, hi;
  whole.div = 1;
  whole.mod = 0;
  coord_range(w->f->k, &whole, w->f->plan->max_batch, &lo, &hi);
  return c->mod > 0 && lo < 0 ? -floor_div(lo, period) * period : 0;
}

/* `const int in0_h = 2 * oh + kh - 3;`, with divisions where the coordinate has them. */
static void name_coordinate(Loops *w, const View *v, int axis) {
  Leaf *f = w->f;
  Arena *arena = f->e->arena;
  const Coord *c = &v->at[axis];
  Linear form = leaf_coordinate(f, v, axis);
  form.constant += periods_up(w, c);
  const char *name = axis_name(f, v, axis), *text = leaf_form(f, &form);
  if (!coord_affine(c)) {
    emit(f->e, "const int %s_at = %s;", name, text);
    text = arena_printf(arena, "%s_at", name);
    if (c->div > 1) text = arena_printf(arena, "%s / %d", text, c->div);
    if (c->mod > 0) text = arena_printf(arena, "%s %% %d", text, c->mod);
  }
  emit(f->e, "const int %s = %s;", name, text);
  f->coordinate[leaf_view(f, v)][axis] = name;
}

/* The condition that an axis is inside, added to `out` with " && ". */
static void add_tests(Loops *w, const View *v, int axis, Text *out) {
  Leaf *f = w->f;
  const int tests = view_tests(f->plan, f->k, v, axis);
  const char *name = f->coordinate[leaf_view(f, v)][axis];
  const char *at = coord_affine(&v->at[axis]) ? name : arena_printf(f->e->arena, "%s_at", name);
  const Linear extent = extent_form(leaf_buffer(f, v)->type.dim[axis]);
  if (tests & TEST_BELOW) text_add(out, "%s%s >= 0", out->n ? " && " : "", at);
  if (tests & TEST_EXACT)
    text_add(out, "%s%s %% %d == 0", out->n ? " && " : "", at, v->at[axis].div);
  if (tests & TEST_ABOVE)
    text_add(out, "%s%s < %s", out->n ? " && " : "", name, leaf_form(f, &extent));
}

/* A view before view i that has the same coordinate under a name already, and its axis. */
static const View *named_before(const Loops *w, int i, const Coord *c, int *axis) {
  for (int j = 0; j < i; j++)
    for (int a = 0; a < w->f->k->in[j].rank; a++) {
      if (!w->f->coordinate[j][a] || !coord_same(&w->f->k->in[j].at[a], c)) continue;
      *axis = a;
      return &w->f->k->in[j];
    }
  return NULL;
}

/* Has an axis been tested with an equal one of another view? */
static bool tested_there(const Loops *w, const View *v, int axis, const View *there, int other) {
  return there && there->outside == SKIP &&
         extent_same(leaf_buffer(w->f, v)->type.dim[axis],
                     leaf_buffer(w->f, there)->type.dim[other]);
}

/* Names what can be named at this level; returns the tests of SKIP views, or NULL. */
static const char *name_coordinates(Loops *w, int level) {
  Leaf *f = w->f;
  const Kernel *k = f->k;
  Text skip = {.arena = f->e->arena};
  for (int i = 0; i < k->nin; i++) {
    const View *v = &k->in[i];
    if (!in_value(w, i) && !in_term(k, i)) continue;
    for (int a = 0; a < v->rank; a++) {
      if (f->coordinate[i][a] || !needs_name(w, v, a) || level_of(w, &v->at[a]) != level) continue;
      int other = 0;
      const View *there = named_before(w, i, &v->at[a], &other);
      if (there)
        f->coordinate[i][a] = f->coordinate[there - k->in][other];
      else
        name_coordinate(w, v, a);
      if (v->outside == SKIP && !tested_there(w, v, a, there, other)) add_tests(w, v, a, &skip);
    }
  }
  for (int o = 0; o < k->nout; o++)
    for (int a = 0; a < k->out[o].to.rank && w->out[o]; a++)
      if (!coord_affine(&k->out[o].to.at[a]) && level_of(w, &k->out[o].to.at[a]) == level)
        name_coordinate(w, &k->out[o].to, a);
  return skip.n ? skip.at : NULL;
}

static void forget_coordinates(Loops *w, int level) {
  const Kernel *k = w->f->k;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++)
      if (level_of(w, &k->in[i].at[a]) == level) w->f->coordinate[i][a] = NULL;
  for (int o = 0; o < k->nout; o++)
    for (int a = 0; a < k->out[o].to.rank; a++)
      if (level_of(w, &k->out[o].to.at[a]) == level) w->f->coordinate[MAX_IN + o][a] = NULL;
}

/* ---- loads, folds, stores ---- */

static const char *load_text(Loops *w, int in) {
  Leaf *f = w->f;
  Arena *arena = f->e->arena;
  const View *v = &f->k->in[in];
  const char *at = leaf_subscript(f, v), *from = leaf_pointer(f, v);
  const char *isa = f->plan->target->name;
  if (w->lane < 0)
    return c_convert(f->e, arena_printf(arena, "%s[%s]", from, at), leaf_buffer(f, v)->format.dtype,
                     w->math);
  if (!view_uses(v, w->lane)) return arena_printf(arena, "%s_set1(%s[%s])", isa, from, at);
  if (w->count && leaf_buffer(f, v)->format.lanes == 1)
    return arena_printf(arena, "%s_load_part(%s + %s, %d)", isa, from, at, w->count);
  return arena_printf(arena, "%s_load(%s + %s)", isa, from, at);
}

static void load(Loops *w, int in) {
  Leaf *f = w->f;
  const View *v = &f->k->in[in];
  Text tests = {.arena = f->e->arena};
  for (int a = 0; a < v->rank && v->outside == FILL; a++)
    if (view_tests(f->plan, f->k, v, a)) add_tests(w, v, a, &tests);
  const char *text = load_text(w, in);
  if (!tests.n) {
    emit(f->e, "const %s x%d = %s;", w->d->type, in, text);
    return;
  }
  const char *fill = emit_number(f->e->arena, v->fill, w->math);
  if (w->lane >= 0) fill = arena_printf(f->e->arena, "%s_set1(%s)", f->plan->target->name, fill);
  emit(f->e, "%s x%d = %s;", w->d->type, in, fill);
  emit(f->e, "if (%s) x%d = %s;", tests.at, in, text);
}

static void start_fold(Loops *w, int fold) {
  Emit *e = w->f->e;
  const Fold *a = &w->f->k->fold[fold];
  const char *zero = emit_number(e->arena, 0, w->math), *isa = w->f->plan->target->name;
  if (wide(w, fold)) {
    emit(e, "%s_wide acc%d = %s_wide_zero();", isa, fold, isa);
    return;
  }
  if (w->lane >= 0) {
    if (a->op == FOLD_ARGMAX) emit(e, "%s most%d = %s_set1(-INFINITY);", w->d->type, fold, isa);
    emit(e, "%s acc%d = %s_set1(%s);", w->d->type, fold, isa,
         a->op == FOLD_MAX ? "-INFINITY" : zero);
    return;
  }
  if (a->op == FOLD_ARGMAX) emit(e, "%s most%d = -INFINITY;", w->d->type, fold);
  emit(e, "%s acc%d = %s;", w->d->type, fold, a->op == FOLD_MAX ? "-INFINITY" : zero);
}

/* The position among all points of the reduced loops. */
static const char *reduced_index(Loops *w) {
  const Kernel *k = w->f->k;
  Linear sum = linear_constant(0);
  int64_t stride = 1;
  for (int l = k->nloop - 1; l >= 0; l--) {
    if (!k->loop[l].reduced) continue;
    linear_add(&sum, &w->f->value[l], stride);
    stride *= k->loop[l].extent.plus;
  }
  return leaf_form(w->f, &sum);
}

/* cnnc_larger lane by lane: the first of the largest, or the first NaN, stays. */
static void add_place(Loops *w, int fold, const char *term) {
  Emit *e = w->f->e;
  const char *isa = w->f->plan->target->name;
  emit(e, "const %s term%d = %s;", w->d->type, fold, term);
  emit(e,
       "acc%d = %s_select(%s_le(term%d, most%d), acc%d, %s_select(%s_eq(most%d, most%d), "
       "%s_set1((float)(%s)), acc%d));",
       fold, isa, isa, fold, fold, fold, isa, isa, fold, fold, isa, reduced_index(w), fold);
  emit(e, "most%d = %s_fold_max(most%d, term%d);", fold, isa, fold, fold);
}

static void add_to_fold(Loops *w, int fold) {
  Emit *e = w->f->e;
  const Fold *a = &w->f->k->fold[fold];
  const char *isa = w->f->plan->target->name;
  if (wide(w, fold)) {
    emit(e, "acc%d = %s_wide_add(acc%d, %s);", fold, isa, fold, expression(w, a->term));
    return;
  }
  if (w->lane >= 0 && a->op == FOLD_SUM && a->term->op == E_mul) {
    const char *left = expression(w, a->term->arg[0]), *right = expression(w, a->term->arg[1]);
    emit(e, "acc%d = %s_fma(%s, %s, acc%d);", fold, isa, left, right, fold);
    return;
  }
  const char *term = expression(w, a->term);
  if (w->lane >= 0 && a->op == FOLD_ARGMAX) {
    add_place(w, fold, term);
  } else if (w->lane >= 0) {
    emit(e, "acc%d = %s_%s(acc%d, %s);", fold, isa, a->op == FOLD_SUM ? "add" : "fold_max", fold,
         term);
  } else if (a->op == FOLD_SUM) {
    emit(e, "acc%d += %s;", fold, term);
  } else {
    const char *most = a->op == FOLD_MAX ? "acc" : "most";
    emit(e, "const %s term%d = %s;", w->d->type, fold, term);
    BLOCK(e, "if (cnnc_larger(term%d, %s%d))", fold, most, fold) {
      emit(e, "%s%d = term%d;", most, fold, fold);
      if (a->op == FOLD_ARGMAX)
        emit(e, "acc%d = (%s)(%s);", fold, c_type(w->math), reduced_index(w));
    }
  }
}

static void store(Loops *w, int out) {
  Leaf *f = w->f;
  Emit *e = f->e;
  const Out *o = &f->k->out[out];
  const Buffer *b = leaf_buffer(f, &o->to);
  const char *value = expression(w, o->value);
  if (w->combine) {
    emit(e, "sum%d += %s;", out, value);
    return;
  }
  const char *to = leaf_pointer(f, &o->to), *at = leaf_subscript(f, &o->to);
  const char *isa = f->plan->target->name;
  if (w->lane < 0)
    emit(e, "%s[%s] = %s;", to, at, c_convert(e, value, w->math, b->format.dtype));
  else if (!w->count)
    emit(e, "%s_store(%s + %s, %s);", isa, to, at, value);
  else if (leaf_stores_part(f, &o->to))
    emit(e, "%s_store_part(%s + %s, %s, %d);", isa, to, at, value, w->count);
  else
    emit(e, "%s_store(%s + %s, %s_keep(%s, %d, %s_set1(%s)));", isa, to, at, isa, value, w->count,
         isa, emit_number(e->arena, b->format.fill, F32));
}

/* ---- loops ---- */

static void run_level(Loops *w, int level);

/* What a free loop decides leaves out terms, but not the point: that is for run_point. */
static void loop_body(Loops *w, int level) {
  const char *skip = name_coordinates(w, level);
  if (level < w->nfree) {
    w->terms_if[level] = skip;
    run_level(w, level + 1);
  } else if (skip) {
    BLOCK(w->f->e, "if (%s)", skip) {
      run_level(w, level + 1);
    }
  } else {
    run_level(w, level + 1);
  }
  forget_coordinates(w, level);
}

static bool index_used(const Kernel *k, int l) {
  for (int i = 0; i < k->nfold; i++)
    if (expr_uses(k->fold[i].term, E_index, l) ||
        (k->fold[i].op == FOLD_ARGMAX && k->loop[l].reduced))
      return true;
  for (int o = 0; o < k->nout; o++)
    if (expr_uses(k->out[o].value, E_index, l)) return true;
  return false;
}

/* Can reduced loop l run over the input coordinate that it moves instead? Where all that mention l
 * are equal coordinates c = ... + l of skipping views. Returns one of them. */
static const Coord *window_coordinate(const Loops *w, int l, Extent *extent) {
  const Kernel *k = w->f->k;
  const Coord *found = NULL;
  if (!k->loop[l].reduced || k->bind[l].step >= 0 || index_used(k, l)) return NULL;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++) {
      const Coord *c = &k->in[i].at[a];
      if (!coord_uses(c, l)) continue;
      const Extent dim = leaf_buffer(w->f, &k->in[i])->type.dim[a];
      const bool tested = k->in[i].outside == SKIP && view_tests(w->f->plan, w->f->k, &k->in[i], a);
      if (!tested || !coord_affine(c) || c->coef[l] != 1) return NULL;
      if (found && (!coord_same(found, c) || !extent_same(*extent, dim))) return NULL;
      found = c;
      *extent = dim;
    }
  return found;
}

static void window_loop(Loops *w, int level, const Coord *c, Extent extent) {
  Leaf *f = w->f;
  Emit *e = f->e;
  Arena *arena = e->arena;
  const int l = w->order[level];
  const char *loop = f->k->loop[l].name;
  const char *name = arena_printf(arena, "i%s", loop[0] == 'k' && loop[1] ? loop + 1 : loop);
  Linear first = linear_constant(c->plus);
  for (int i = 0; i < f->k->nloop; i++)
    if (c->coef[i] && i != l) linear_add(&first, &f->value[i], c->coef[i]);
  Linear last = first;
  const Linear all = extent_form(f->k->loop[l].extent), end = extent_form(extent);
  linear_add(&last, &all, 1);
  const char *from = leaf_form(f, &first), *to = leaf_form(f, &last), *limit = leaf_form(f, &end);
  emit(e, "const int %s_from = %s > 0 ? %s : 0;", name, from, from);
  emit(e, "const int %s_to = %s < %s ? %s : %s;", name, to, limit, to, limit);
  for (int i = 0; i < f->k->nin; i++)
    for (int a = 0; a < f->k->in[i].rank; a++)
      if (coord_uses(&f->k->in[i].at[a], l)) f->coordinate[i][a] = name;
  BLOCK(e, "for (int %s = %s_from; %s < %s_to; %s++)", name, name, name, name, name) {
    loop_body(w, level);
  }
}

/* Reduced loop l moves a coordinate (p - l) / s where s must divide: a gradient's window. Can it
 * run over the coordinate instead? Where skipping views have equal such coordinates, one in each,
 * and all others that mention l need no test. Returns one of the views, and its axis. */
static const View *stride_coordinate(const Loops *w, int level, int *axis) {
  const Kernel *k = w->f->k;
  const int l = w->order[level];
  const View *found = NULL;
  if (!k->loop[l].reduced || k->loop[l].extent.per_n || k->bind[l].step >= 0) return NULL;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++) {
      const Coord *c = &k->in[i].at[a];
      if (!coord_uses(c, l) || (coord_affine(c) && !needs_name(w, &k->in[i], a))) continue;
      if (!c->exact || c->mod || c->coef[l] != -1 || k->in[i].outside != SKIP) return NULL;
      if (level_of(w, c) != level) return NULL;
      const Extent dim = leaf_buffer(w->f, &k->in[i])->type.dim[a];
      if (dim.per_n || (found && !coord_same(&found->at[*axis], c))) return NULL;
      if (found && !extent_same(leaf_buffer(w->f, found)->type.dim[*axis], dim)) return NULL;
      found = &k->in[i];
      *axis = a;
    }
  if (!found) return NULL;
  Coord p = found->at[*axis];
  int64_t lo, hi;
  p.coef[l] = 0;
  p.div = 1;
  p.exact = false;
  coord_range(k, &p, w->f->plan->max_batch, &lo, &hi);
  return lo >= 0 ? found : NULL;
}

/* for (o = (p - l's last value) / s rounded up, at least 0; o <= p / s; o++): l = p - s * o */
static void stride_loop(Loops *w, int level, const View *v, int axis) {
  Leaf *f = w->f;
  Emit *e = f->e;
  const int l = w->order[level];
  const Coord c = v->at[axis];
  const char *name = axis_name(f, v, axis);
  const long long extent = leaf_buffer(f, v)->type.dim[axis].plus;
  Linear p = linear_constant(c.plus);
  for (int i = 0; i < f->k->nloop; i++)
    if (c.coef[i] && i != l) linear_add(&p, &f->value[i], c.coef[i]);
  Linear first = p;
  first.constant += c.div - f->k->loop[l].extent.plus;
  const char *from = leaf_form(f, &first), *to = leaf_form(f, &p);
  emit(e, "const int %s_from = %s > 0 ? (%s) / %d : 0;", name, from, from, c.div);
  emit(e, "const int %s_last = (%s) / %d;", name, to, c.div);
  emit(e, "const int %s_to = %s_last < %lld ? %s_last + 1 : %lld;", name, name, extent - 1, name,
       extent);
  for (int i = 0; i < f->k->nin; i++)
    for (int a = 0; a < f->k->in[i].rank; a++)
      if (coord_same(&f->k->in[i].at[a], &c)) f->coordinate[i][a] = name;
  f->value[l] = p;
  const Linear back = linear_variable(1, name);
  linear_add(&f->value[l], &back, -c.div);
  BLOCK(e, "for (int %s = %s_from; %s < %s_to; %s++)", name, name, name, name, name) {
    loop_body(w, level);
  }
}

/* The lane loop: whole vectors, then the lanes that are left. */
static void vector_loop(Loops *w, int level) {
  Leaf *f = w->f;
  Emit *e = f->e;
  Arena *arena = e->arena;
  const int l = w->order[level], lanes = f->plan->target->lanes;
  const int64_t extent = f->k->loop[l].extent.plus;
  const Linear first = linear_divided(&f->from[l], lanes), *to = &f->to[l];
  const char *name = arena_printf(arena, "%s_block", f->k->loop[l].name);
  const char *last;
  if (linear_divides(to, lanes) || to->n == 0) {
    const Linear blocks = linear_divided(to, lanes);
    last = leaf_form(f, &blocks);
  } else {
    last = arena_printf(arena, "(%s) / %d", leaf_form(f, to), lanes);
  }
  f->value[l] = linear_variable(lanes, name);
  if (extent >= lanes)
    BLOCK(e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &first), name, last, name) {
      loop_body(w, level);
    }
  if (extent % lanes == 0) return;
  f->value[l] = linear_constant(extent / lanes * lanes);
  w->count = (int)(extent % lanes);
  if (to->n)
    emit(e, "if (%s == %lld) {", leaf_form(f, to), (long long)extent);
  else
    emit(e, "{ /* the last %d */", w->count);
  e->indent++;
  loop_body(w, level);
  emit_close(e);
  w->count = 0;
}

static void open_loop(Loops *w, int level) {
  Leaf *f = w->f;
  const int l = w->order[level];
  Extent extent;
  int axis = 0;
  const Coord *window = window_coordinate(w, l, &extent);
  const View *strided = window ? NULL : stride_coordinate(w, level, &axis);
  if (window) {
    window_loop(w, level, window, extent);
  } else if (strided) {
    stride_loop(w, level, strided, axis);
  } else if (l == w->lane) {
    vector_loop(w, level);
  } else {
    const bool opened = leaf_open(f, l);
    loop_body(w, level);
    leaf_close(f, opened);
  }
}

static void run_folds(Loops *w) {
  const Kernel *k = w->f->k;
  for (int i = 0; i < k->nin; i++) {
    bool used = false;
    for (int a = 0; a < k->nfold; a++) used |= expr_uses(k->fold[a].term, E_in, i);
    if (used) load(w, i);
  }
  for (int a = 0; a < k->nfold; a++) add_to_fold(w, a);
}

/* The terms of one point. */
static void run_terms(Loops *w) {
  Emit *e = w->f->e;
  Text all = {.arena = e->arena};
  for (int level = 0; level < w->nfree; level++)
    if (w->terms_if[level]) text_add(&all, "%s%s", all.n ? " && " : "", w->terms_if[level]);
  const bool loops = w->nfree < w->norder;
  if (all.n)
    emit_open(e, "if (%s)", all.at);
  else if (!loops) { /* folds over a single term */
    emit(e, "{");
    e->indent++;
  }
  if (loops)
    open_loop(w, w->nfree);
  else
    run_folds(w);
  if (all.n || !loops) emit_close(e);
}

static void run_point(Loops *w) {
  const Kernel *k = w->f->k;
  for (int a = 0; a < k->nfold; a++) start_fold(w, a);
  if (k->nfold > 0) run_terms(w);
  for (int i = 0; i < k->nin; i++)
    if (in_value(w, i)) load(w, i);
  for (int o = 0; o < k->nout; o++)
    if (w->out[o]) store(w, o);
}

static void finish_sums(Loops *w) {
  Leaf *f = w->f;
  for (int o = 0; o < f->k->nout; o++)
    if (w->out[o]) {
      const View *to = &f->k->out[o].to;
      char sum[16];
      snprintf(sum, sizeof sum, "sum%d", o);
      emit(f->e, "%s[%s] = %s;", leaf_pointer(f, to), leaf_subscript(f, to),
           c_convert(f->e, sum, F64, leaf_buffer(f, to)->format.dtype));
    }
}

static void run_level(Loops *w, int level) {
  if (w->combine && level == w->nto) {
    for (int o = 0; o < w->f->k->nout; o++)
      if (w->out[o]) emit(w->f->e, "double sum%d = 0.0;", o);
    if (w->nto < w->nfree)
      open_loop(w, level);
    else
      run_point(w);
    finish_sums(w);
  } else if (level == w->nfree) {
    run_point(w);
  } else if (level == w->norder) {
    run_folds(w);
  } else {
    open_loop(w, level);
  }
}

/* ---- choosing the lane loop ---- */

static bool runs_in_vectors(const Leaf *f, int l) {
  const Kernel *k = f->k;
  const int lanes = f->plan->target->lanes;
  if (k->loop[l].reduced || k->loop[l].extent.per_n != 0 || index_used(k, l)) return false;
  if (!linear_divides(&f->from[l], lanes)) return false;
  for (int i = 0; i < k->nin; i++)
    if (!view_moves_by_one(f->plan, k, &k->in[i], l)) return false;
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].combine || !view_uses(&k->out[o].to, l) ||
        !view_moves_by_one(f->plan, k, &k->out[o].to, l))
      return false;
  return true;
}

static int choose_lane(const Leaf *f, DType math) {
  const Kernel *k = f->k;
  if (f->plan->target->lanes == 1 || math != F32) return -1;
  for (int l = k->nloop - 1; l >= 0; l--)
    if (runs_in_vectors(f, l)) return l;
  return -1;
}

/* ---- the function ---- */

static void order_loops(Loops *w) {
  const Kernel *k = w->f->k;
  const Out *out = NULL;
  for (int o = 0; o < k->nout && w->combine; o++)
    if (w->out[o]) out = &k->out[o];
  for (int pass = 0; pass < 3; pass++) {
    for (int l = 0; l < k->nloop; l++) {
      const int group = k->loop[l].reduced ? 2 : out && !view_uses(&out->to, l) ? 1 : 0;
      if (group == pass) w->order[w->norder++] = l;
    }
    if (pass == 0) w->nto = w->norder;
    if (pass == 1) w->nfree = w->norder;
  }
}

static void run_outs(Leaf *f, const bool *out, bool combine, DType math) {
  Loops w = {.f = f, .math = math, .combine = combine, .lane = combine ? -1 : choose_lane(f, math)};
  const Dialect vector = vector_dialect(f->e, f->plan->target);
  w.d = w.lane >= 0 ? &vector : math == F64 ? &scalar_double : &scalar_float;
  memcpy(w.out, out, sizeof w.out);
  order_loops(&w);
  run_level(&w, 0);
  for (int o = 0; o < f->k->nout; o++)
    if (out[o]) leaf_margins(f, &f->k->out[o], w.lane < 0);
}

/* Sums in double take all arithmetic with them, unless they run in vectors. */
static DType loops_math(const Leaf *f) {
  const Kernel *k = f->k;
  bool sums = true, wide = false;
  for (int i = 0; i < k->nfold; i++) {
    sums &= k->fold[i].op == FOLD_SUM;
    wide |= k->fold[i].acc == F64;
  }
  return wide && !(sums && choose_lane(f, k->math) >= 0) ? F64 : k->math;
}

void loops_body(Leaf *f) {
  const Kernel *k = f->k;
  const DType math = loops_math(f);
  bool plain[MAX_OUT] = {false}, any = false;
  for (int o = 0; o < k->nout; o++) any |= plain[o] = !k->out[o].combine;
  if (any) run_outs(f, plain, false, math);
  for (int o = 0; o < k->nout; o++) {
    bool one[MAX_OUT] = {false};
    one[o] = true;
    if (k->out[o].combine) run_outs(f, one, true, F64);
  }
}
