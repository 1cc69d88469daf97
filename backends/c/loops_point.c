/* loops_point.c - what plain loops do at a point: read inputs, add terms to folds, store outs; in
 * scalars, or in vectors along the lane loop. */
#include "loops.h"

bool loops_in_value(const Loops *w, int in) {
  for (int o = 0; o < w->f->k->nout; o++)
    if (w->out[o] && expr_uses(w->f->k->out[o].value, E_in, in)) return true;
  return false;
}

/* Arguments of random numbers and positions, in double. */
static const char *exact_text(void *context, const Expr *x) {
  Loops *w = context;
  if (x->op == E_scalar) return leaf_scalar(w->f, x->index);
  if (x->op != E_index) BUG("%s: data is not exact", w->f->k->name);
  return arena_printf(w->f->e->arena, "(double)(%s)", leaf_form(w->f, &w->f->value[x->index]));
}

static const char *random_text(Loops *w, const Expr *x) {
  Emit *e = w->f->e;
  const char *arg[3];
  for (int i = 0; i < 3; i++) arg[i] = emit_expr(e, &scalar_double, x->arg[i], exact_text, w);
  return emit_constant(e, w->d,
                       arena_printf(e->arena, "cnnc_uniform(%s, %s, %s)", arg[0], arg[1], arg[2]));
}

/* Does a sum of vectors run in double? */
static bool wide(const Loops *w, int fold) {
  return w->vectors && w->f->k->fold[fold].acc == F64;
}

/* An index, or a position made from indices. */
static const char *position_text(Loops *w, const Expr *x) {
  Emit *e = w->f->e;
  const char *text = x->op == E_index ? leaf_form(w->f, &w->f->value[x->index])
                                      : emit_expr(e, &scalar_double, x, exact_text, w);
  return emit_constant(e, w->d, arena_printf(e->arena, "(%s)(%s)", c_type(w->math), text));
}

static const char *leaf_text(void *context, const Expr *x) {
  Loops *w = context;
  Arena *arena = w->f->e->arena;
  if (x->op == E_random) return random_text(w, x);
  if (x->op == E_in) return arena_printf(arena, "x%d", x->index);
  if (x->op == E_acc && loops_sum_lanes(w)) return arena_printf(arena, "total%d", x->index);
  if (x->op == E_acc && wide(w, x->index))
    return arena_printf(arena, "%s_narrow(acc%d)", w->f->plan->target->name, x->index);
  if (x->op == E_acc) return arena_printf(arena, "acc%d", x->index);
  if (x->op == E_scalar) {
    const char *text = leaf_scalar(w->f, x->index);
    if (w->vectors)
      return arena_printf(arena, "%s_set1((float)%s)", w->f->plan->target->name, text);
    return c_convert(w->f->e, text, F64, w->math);
  }
  return position_text(w, x);
}

const char *loops_expression(Loops *w, const Expr *x) {
  return emit_expr(w->f->e, w->d, x, leaf_text, w);
}

static const char *load_text(Loops *w, int in) {
  Leaf *f = w->f;
  const View *v = &f->k->in[in];
  if (w->vectors) return leaf_load(f, v, w->lane, w->count);
  const char *at = leaf_subscript(f, v), *from = leaf_pointer(f, v);
  return c_convert(f->e, arena_printf(f->e->arena, "%s[%s]", from, at),
                   leaf_buffer(f, v)->format.dtype, w->math);
}

void loops_load(Loops *w, int in) {
  Leaf *f = w->f;
  const View *v = &f->k->in[in];
  Text tests = {.arena = f->e->arena};
  for (int a = 0; a < v->rank && v->outside == FILL; a++)
    if (view_tests(f->plan, f->k, v, a)) loops_add_tests(w, v, a, &tests);
  const char *text = load_text(w, in);
  if (!tests.n) {
    emit(f->e, "const %s x%d = %s;", w->d->type, in, text);
    return;
  }
  emit(f->e, "%s x%d = %s;", w->d->type, in,
       emit_constant(f->e, w->d, emit_number(f->e->arena, v->fill, w->math)));
  emit(f->e, "if (%s) x%d = %s;", tests.at, in, text);
}

void loops_start_fold(Loops *w, int fold) {
  Emit *e = w->f->e;
  const Fold *a = &w->f->k->fold[fold];
  const char *zero = emit_constant(e, w->d, emit_number(e->arena, 0, w->math)),
             *least = emit_constant(e, w->d, "-INFINITY"), *isa = w->f->plan->target->name;
  if (wide(w, fold)) {
    emit(e, "%s_wide acc%d = %s_wide_zero();", isa, fold, isa);
    return;
  }
  if (a->op == FOLD_ARGMAX) emit(e, "%s most%d = %s;", w->d->type, fold, least);
  emit(e, "%s acc%d = %s;", w->d->type, fold, a->op == FOLD_MAX ? least : zero);
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

/* A term; of lanes that hold no sample, nothing. */
static const char *term_text(Loops *w, const Expr *term) {
  const char *text = loops_expression(w, term), *isa = w->f->plan->target->name;
  if (!loops_sum_lanes(w)) return text;
  w->f->uses_images = true;
  return arena_printf(w->f->e->arena, "%s_keep(%s, %s, %s_zero())", isa, text, w->f->images, isa);
}

static void add_to_fold(Loops *w, int fold) {
  Emit *e = w->f->e;
  const Fold *a = &w->f->k->fold[fold];
  const Expr *x = w->term[fold];
  const char *isa = w->f->plan->target->name;
  if (wide(w, fold)) {
    emit(e, "acc%d = %s_wide_add(acc%d, %s);", fold, isa, fold, term_text(w, x));
    return;
  }
  if (w->vectors && a->op == FOLD_SUM && x->op == E_mul && !loops_sum_lanes(w)) {
    const char *left = loops_expression(w, x->arg[0]), *right = loops_expression(w, x->arg[1]);
    emit(e, "acc%d = %s_fma(%s, %s, acc%d);", fold, isa, left, right, fold);
    return;
  }
  const char *term = term_text(w, x);
  if (w->vectors && a->op == FOLD_ARGMAX) {
    add_place(w, fold, term);
  } else if (w->vectors) {
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

void loops_total(Loops *w, int fold) {
  const char *isa = w->f->plan->target->name,
             *sum = w->f->k->fold[fold].acc == F64 ? "(float)%s_wide_sum(acc%d)" : "%s_sum(acc%d)";
  emit(w->f->e, "const float total%d = %s;", fold, arena_printf(w->f->e->arena, sum, isa, fold));
}

void loops_store(Loops *w, int out) {
  Leaf *f = w->f;
  Emit *e = f->e;
  const Out *o = &f->k->out[out];
  const char *value = loops_expression(w, w->value[out]);
  if (w->combine) {
    emit(e, "sum%d += %s;", out, value);
    return;
  }
  const char *to = leaf_pointer(f, &o->to), *at = leaf_subscript(f, &o->to);
  if (w->vectors)
    leaf_store(f, &o->to, to, at, value, w->count);
  else
    emit(e, "%s[%s] = %s;", to, at,
         c_convert(e, value, w->math, leaf_buffer(f, &o->to)->format.dtype));
}

void loops_add_terms(Loops *w) {
  const Kernel *k = w->f->k;
  for (int i = 0; i < k->nin; i++)
    if (kernel_term_reads(k, i) && !w->early[i]) loops_load(w, i);
  for (int a = 0; a < k->nfold; a++) add_to_fold(w, a);
}

void loops_finish_sums(Loops *w) {
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
