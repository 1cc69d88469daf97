/* reference.c - the reference of a kernel for the self-test: its formula at one point, in double,
 * one element at a time, over what the kernel reads.
 *
 *   static double NAME_conv1_reference(NAME_test *t, const NAME_args *a, NAME_point *point)
 *
 * takes the free loops from point->at and says in point->place where the result lies. What an
 * earlier kernel of the same step writes is not in memory yet: it is that kernel's reference, at
 * the point whose result it is. Nothing here is shared with the generators of kernels but the
 * expressions. */
#include "selftest.h"

#include <inttypes.h>
#include <string.h>

typedef struct Reference {
  Emit *e;
  const Plan *plan;
  const StepKernels *all;
  int index; /* of the kernel in all->kernel */
  const Kernel *k;
  const Out *out; /* whose value the function computes */
  const Slots *slots;
} Reference;

/* ---- coordinates ---- */

static const char *extent_text(Arena *arena, Extent e) {
  if (e.per_n == 0) return arena_printf(arena, "%" PRId64, e.plus);
  return arena_printf(arena, "(%" PRId64 " * (long long)a->batch + %" PRId64 ")", e.per_n, e.plus);
}

static const char *loop_text(Arena *arena, int l) {
  return arena_printf(arena, "l%d", l);
}

static const char *affine_text(const Reference *r, const Coord *c) {
  Text text = {.arena = r->e->arena};
  text_add(&text, "%" PRId64, c->plus);
  for (int l = 0; l < r->k->nloop; l++)
    if (c->coef[l]) text_add(&text, " + %d * %s", c->coef[l], loop_text(r->e->arena, l));
  return text.at;
}

/* Prints `const long long NAME = ...;` for each axis; returns when they are inside, or NULL. */
static const char *print_coordinates(const Reference *r, const View *v, const char *name) {
  Text inside = {.arena = r->e->arena};
  const Buffer *b = &r->plan->buffer.at[v->tensor];
  for (int a = 0; a < v->rank; a++) {
    const Coord *c = &v->at[a];
    const char *text = affine_text(r, c);
    if (c->exact && v->outside != INSIDE)
      text_add(&inside, "%s(%s) %% %d == 0", inside.n ? " && " : "", text, c->div);
    if (c->div > 1)
      text = arena_printf(r->e->arena, "%s_quotient(%s, %d)", r->e->prefix, text, c->div);
    if (c->mod)
      text = arena_printf(r->e->arena, "%s - %d * %s_quotient(%s, %d)", text, c->mod, r->e->prefix,
                          text, c->mod);
    emit(r->e, "const long long %s_%d = %s;", name, a, text);
    if (v->outside != INSIDE)
      text_add(&inside, "%s%s_%d >= 0 && %s_%d < %s", inside.n ? " && " : "", name, a, name, a,
               extent_text(r->e->arena, b->type.dim[a]));
  }
  return inside.n ? inside.at : NULL;
}

/* ---- elements ---- */

/* "&((const float *)a->in0)[...]", given variables with the coordinates. */
static const char *element_text(const Reference *r, int buffer, const char *name) {
  const Buffer *b = &r->plan->buffer.at[buffer];
  const Layout layout = buffer_layout(b, r->plan->max_batch);
  const int in = slots_index(r->slots->in, r->slots->nin, buffer);
  Text at = {.arena = r->e->arena};
  text_add(&at, "%" PRId64, layout.origin);
  for (int a = 0; a < b->type.rank; a++)
    if (a == layout.lane_axis)
      text_add(&at, " + %s_%d / %d * %" PRId64 " + %s_%d %% %d", name, a, layout.lanes,
               layout.stride[a], name, a, layout.lanes);
    else
      text_add(&at, " + %s_%d * %" PRId64, name, a, layout.stride[a]);
  return arena_printf(r->e->arena, "((const %s *)a->%s%d)[%s]", c_type(b->format.dtype),
                      in >= 0 ? "in" : "out",
                      in >= 0 ? in : slots_index(r->slots->out, r->slots->nout, buffer), at.at);
}

/* The loops of the kernel that writes these coordinates, digit by digit: conditions are added where
 * a coordinate may be of none of its points. False: not by this rule. */
static bool invert(const Reference *r, const Kernel *k, const View *to, const char *name,
                   Text *condition, const char *value[]) {
  Arena *arena = r->e->arena;
  bool known[MAX_LOOPS] = {false};
  for (int l = 0; l < k->nloop; l++) value[l] = "0";
  for (int a = 0; a < to->rank; a++) {
    const Coord *c = &to->at[a];
    const char *rest = arena_printf(arena, "(%s_%d - %" PRId64 ")", name, a, c->plus);
    if (c->div > 1 || c->mod) return false;
    text_add(condition, "%s%s >= 0", condition->n ? " && " : "", rest);
    for (;;) {
      int most = -1;
      for (int l = 0; l < k->nloop; l++)
        if (c->coef[l] && !known[l] && (most < 0 || c->coef[l] > c->coef[most])) most = l;
      if (most < 0) break;
      if (c->coef[most] < 0) return false;
      known[most] = true;
      value[most] = arena_printf(arena, "%s / %d", rest, c->coef[most]);
      rest = arena_printf(arena, "(%s %% %d)", rest, c->coef[most]);
      text_add(condition, " && %s < %s", value[most], extent_text(arena, k->loop[most].extent));
    }
    text_add(condition, " && %s == 0", rest);
  }
  return true;
}

/* Earlier kernels of the step whose result this is: they are asked, last first. */
static bool print_producers(const Reference *r, int buffer, const char *name, const char *result) {
  bool any = false;
  for (int i = r->index - 1; i >= 0; i--) {
    const Kernel *k = r->all->kernel[i];
    for (int o = 0; o < k->nout; o++) {
      if (k->out[o].to.tensor != buffer) continue;
      Text condition = {.arena = r->e->arena}, at = {.arena = r->e->arena};
      const char *value[MAX_LOOPS];
      if (!r->all->reference[i][o] || !invert(r, k, &k->out[o].to, name, &condition, value))
        return false;
      for (int l = 0; l < k->nloop && !k->loop[l].reduced; l++)
        text_add(&at, "%s%s", l ? ", " : "", value[l]);
      emit(r->e, "%sif (%s) {", any ? "else " : "", condition.n ? condition.at : "1");
      emit(r->e, "  %s_point p = {{%s}, NULL};", r->e->prefix, at.at);
      emit(r->e, "  %s = %s(t, a, &p);", result, r->all->reference[i][o]);
      emit(r->e, "}");
      any = true;
    }
  }
  return any;
}

/* double x0 = what the view reads; the coordinates have names. False: there is no reference. */
static bool print_load(const Reference *r, int in, const char *inside) {
  const View *v = &r->k->in[in];
  const Buffer *b = &r->plan->buffer.at[v->tensor];
  const char *name = arena_printf(r->e->arena, "c%d", in),
             *x = arena_printf(r->e->arena, "x%d", in);
  emit(r->e, "double %s = %s;", x, emit_number(r->e->arena, v->outside == FILL ? v->fill : 0, F64));
  const bool tested = inside && v->outside == FILL;
  if (tested) emit_open(r->e, "if (%s)", inside);
  bool made = false;
  for (int i = 0; i < r->index; i++) made |= kernel_writes(r->all->kernel[i], v->tensor);
  bool fine = !made || print_producers(r, v->tensor, name, x);
  if (b->depth == 0) {
    if (made) emit(r->e, "else");
    const char *element = element_text(r, v->tensor, name);
    if (b->home == HOME_CONST || b->format.dtype == I32 || b->format.dtype == U8)
      emit(r->e, "%s%s = (double)%s;", made ? "  " : "", x, element);
    else
      emit(r->e, "%s%s = %s_moved(t, (double)%s);", made ? "  " : "", x, r->e->prefix, element);
  }
  if (tested) emit_close(r->e);
  return fine;
}

/* ---- expressions ---- */

static const char *leaf_text(void *context, const Expr *x) {
  const Reference *r = context;
  Arena *arena = r->e->arena;
  if (x->op == E_in) return arena_printf(arena, "x%d", x->index);
  if (x->op == E_acc) return arena_printf(arena, "acc%d", x->index);
  if (x->op == E_scalar) return arena_printf(arena, "a->scalar[%d]", x->index);
  if (x->op == E_index) return arena_printf(arena, "(double)%s", loop_text(arena, x->index));
  const char *arg[3];
  for (int i = 0; i < 3; i++)
    arg[i] = emit_expr(r->e, &scalar_double, x->arg[i], leaf_text, context);
  return arena_printf(arena, "(double)cnnc_uniform(%s, %s, %s)", arg[0], arg[1], arg[2]);
}

static const char *expression(Reference *r, const Expr *x) {
  return emit_expr(r->e, &scalar_double, x, leaf_text, r);
}

/* ---- folds ---- */

static const char *position(const Reference *r) {
  const char *text = "0";
  for (int l = 0; l < r->k->nloop; l++)
    if (r->k->loop[l].reduced)
      text =
          arena_printf(r->e->arena, "(%s * %s + %s)", text,
                       extent_text(r->e->arena, r->k->loop[l].extent), loop_text(r->e->arena, l));
  return text;
}

static void print_term(Reference *r, int f) {
  const Fold *fold = &r->k->fold[f];
  const char *term = expression(r, fold->term);
  if (fold->op == FOLD_SUM) {
    emit(r->e, "acc%d += %s;", f, term);
    return;
  }
  emit(r->e, "const double term%d = %s;", f, term);
  emit(r->e, "if (cnnc_larger(term%d, most%d)) {", f, f);
  if (fold->op == FOLD_ARGMAX) emit(r->e, "  acc%d = (double)%s;", f, position(r));
  if (fold->op == FOLD_MAX) emit(r->e, "  acc%d = term%d;", f, f);
  emit(r->e, "  most%d = term%d;", f, f);
  emit(r->e, "}");
}

/* Does the result depend on this fold? Others are left out. */
static bool has_fold(const Reference *r, int f) {
  return expr_uses(r->out->value, E_acc, f);
}

/* Do their terms read it? */
static bool folds_read(const Reference *r, int in) {
  for (int f = 0; f < r->k->nfold; f++)
    if (has_fold(r, f) && expr_uses(r->k->fold[f].term, E_in, in)) return true;
  return false;
}

/* The terms of one point, in the order of the loops. */
static bool print_folds(Reference *r) {
  const Kernel *k = r->k;
  if (!expr_uses(r->out->value, E_acc, -1)) return true;
  bool fine = true;
  int depth = 0;
  Text skip = {.arena = r->e->arena};
  for (int f = 0; f < k->nfold; f++) {
    if (!has_fold(r, f)) continue;
    emit(r->e, "double acc%d = %s;", f, k->fold[f].op == FOLD_MAX ? "-INFINITY" : "0");
    if (k->fold[f].op != FOLD_SUM) emit(r->e, "double most%d = -INFINITY;", f);
  }
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced) {
      const char *name = loop_text(r->e->arena, l);
      depth += emit_open(r->e, "for (long long %s = 0; %s < %s; %s++)", name, name,
                         extent_text(r->e->arena, k->loop[l].extent), name);
    }
  depth += emit_open(r->e, "do");
  const char *inside[MAX_IN] = {NULL};
  for (int i = 0; i < k->nin; i++) {
    if (k->in[i].outside != SKIP && !folds_read(r, i)) continue;
    inside[i] = print_coordinates(r, &k->in[i], arena_printf(r->e->arena, "c%d", i));
    if (inside[i] && k->in[i].outside == SKIP)
      text_add(&skip, "%s%s", skip.n ? " && " : "", inside[i]);
  }
  if (skip.n) emit(r->e, "if (!(%s)) break;", skip.at);
  for (int i = 0; i < k->nin; i++)
    if (folds_read(r, i)) fine &= print_load(r, i, inside[i]);
  for (int f = 0; f < k->nfold; f++)
    if (has_fold(r, f)) print_term(r, f);
  r->e->indent--;
  emit(r->e, "} while (0);");
  for (depth--; depth > 0; depth--) emit_close(r->e);
  return fine;
}

/* ---- the function ---- */

/* What the out's value reads outside of folds. */
static bool print_value_loads(Reference *r, const Expr *value) {
  bool fine = true;
  for (int i = 0; i < r->k->nin; i++) {
    if (!expr_uses(value, E_in, i)) continue;
    const char *name = arena_printf(r->e->arena, "c%d", i);
    fine &= print_load(r, i, print_coordinates(r, &r->k->in[i], name));
  }
  return fine;
}

static void print_place(Reference *r, const Out *out) {
  const Buffer *b = &r->plan->buffer.at[out->to.tensor];
  if (b->depth > 0) return;
  emit_open_block(r->e);
  print_coordinates(r, &out->to, "o");
  emit(r->e, "point->place = &%s;", element_text(r, out->to.tensor, "o"));
  emit_close(r->e);
}

/* Loops whose values an out sums. */
static bool is_summed(const Kernel *k, const Out *out, int l) {
  return !k->loop[l].reduced && out->combine && !view_uses(&out->to, l);
}

static bool print_body(Reference *r) {
  const Kernel *k = r->k;
  const Out *out = r->out;
  int depth = 0;
  r->e->temporaries = 0;
  for (int l = 0; l < k->nloop; l++)
    if (!k->loop[l].reduced && !is_summed(k, out, l))
      emit(r->e, "const long long l%d = point->at[%d];", l, l);
  print_place(r, out);
  emit(r->e, "double result = 0;");
  for (int l = 0; l < k->nloop; l++)
    if (is_summed(k, out, l))
      depth += emit_open(r->e, "for (long long l%d = 0; l%d < %s; l%d++)", l, l,
                         extent_text(r->e->arena, k->loop[l].extent), l);
  bool fine = print_folds(r) & print_value_loads(r, out->value);
  emit(r->e, "result += %s;", expression(r, out->value));
  for (; depth > 0; depth--) emit_close(r->e);
  emit(r->e, "return result;");
  return fine;
}

const char *reference_function(Emit *e, const Plan *plan, const StepKernels *all,
                               const Slots *slots, int index, int out) {
  Reference r = {e, plan, all, index, all->kernel[index], &all->kernel[index]->out[out], slots};
  Text *file = e->out, body = {.arena = e->arena};
  e->out = &body;
  e->indent = 1;
  const bool fine = print_body(&r);
  e->out = file;
  e->indent = 0;
  if (!fine) return NULL;
  const char *name = emit_name(e, arena_printf(e->arena, "%s_%s_reference", e->prefix, r.k->name));
  emit_wrapped(
      e,
      arena_printf(e->arena,
                   "CNNC_SCALAR_INLINE double %s(%s_test *t, const %s_args *a, %s_point *point) {",
                   name, e->prefix, e->prefix, e->prefix));
  emit(e, "  (void)t, (void)a;");
  emit_text(e, body.at);
  emit(e, "}");
  emit_line(e);
  return name;
}
