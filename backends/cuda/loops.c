/* loops.c - any Kernel as plain CUDA: one thread per point of the free loops, reduced loops inside.
 *
 *   for (int point = ...; point < points; point += stride) {      a grid of any size serves
 *     const int ow = point % 28, oh = point / 28 % 28 ...         the point's free loops
 *     float acc0 = 0.0f;
 *     for (int kh = 0; kh < 5; kh++) ...                          reduced loops, inside-tests,
 *       acc0 += x0 * x1;                                          loads and folds
 *     out0[...] = cnnc_maxf(0.0f, acc0 + x2);
 *   }
 *
 * Outs that combine (their `to` misses free loops) are functions of their own: one thread per
 * element runs the missing loops in order and sums in double,
 * so results do not depend on the grid. */
#include "narrow.h"
#include "writer.h"

#include <math.h>

/* ---- loads, folds, outs ---- */

/* A run-time scalar as it is: the number of samples, or a double in device memory. */
static const char *scalar_text(Writer *w, int scalar) {
  if (scalar != SCALAR_N) {
    w->scalar = true;
    return arena_printf(w->e->arena, "scalar[%d]", scalar);
  }
  w->batch = true;
  return "batch";
}

/* Arguments of random numbers and positions, in double. */
static const char *exact_text(void *context, const Expr *leaf) {
  Writer *w = context;
  if (leaf->op != E_scalar && leaf->op != E_index) BUG("%s: data is not exact", w->k->name);
  return arena_printf(w->e->arena, "(double)%s",
                      leaf->op == E_index ? w->loop[leaf->index] : scalar_text(w, leaf->index));
}

static const char *random_text(Writer *w, const Expr *x) {
  const char *arg[3];
  for (int i = 0; i < 3; i++) arg[i] = emit_expr(w->e, &scalar_double, x->arg[i], exact_text, w);
  return arena_printf(w->e->arena, "cnnc_uniform(%s, %s, %s)", arg[0], arg[1], arg[2]);
}

/* An element of memory as a number. */
static const char *loaded(Writer *w, DType from, const char *element) {
  if (from == w->math.number) return element;
  if (dtype_narrow(from))
    return arena_printf(w->e->arena, "cnnc_from_%s(%s)", dtype_name(from), element);
  return arena_printf(w->e->arena, "(%s)%s", w->math.type, element);
}

/* Is the input read by terms that first ask for the number of samples? Beyond them nobody may have
 * written what it reads. */
static bool asks_first(const Writer *w, int input) {
  const Kernel *k = w->k;
  int reads = 0, asks = 0;
  for (int f = 0; f < k->nfold; f++) {
    const Expr *e = k->fold[f].term;
    reads += expr_uses(e, E_in, input);
    asks += e->op == E_select && e->arg[1]->op == E_in && e->arg[1]->index == input &&
            expr_uses(e->arg[0], E_scalar, SCALAR_N) && !expr_uses(e->arg[0], E_in, -1) &&
            !expr_uses(e->arg[2], E_in, -1);
  }
  return asks > 0 && asks == reads && !w->loaded[input] && !writer_finishes_with(w, input);
}

static const char *element(Writer *w, int i) {
  const View *v = &w->k->in[i];
  const char *pointer = writer_in(w, i);
  return loaded(w, w->p->buffer.at[v->tensor].format.dtype,
                arena_printf(w->e->arena, "%s[%s]", pointer, writer_subscript(w, v, pointer)));
}

static const char *leaf_text(void *context, const Expr *leaf) {
  Writer *w = context;
  Arena *arena = w->e->arena;
  switch (leaf->op) {
  case E_random: return random_text(w, leaf);
  case E_in:
    return asks_first(w, leaf->index) ? element(w, leaf->index)
                                      : arena_printf(arena, "x%d", leaf->index);
  case E_acc:
    if (w->k->fold[leaf->index].op == FOLD_ARGMAX)
      return arena_printf(arena, "(%s)first%d", w->math.type, leaf->index);
    return arena_printf(arena,
                        w->k->fold[leaf->index].acc == F64 && w->math.number != F64 ? "(float)acc%d"
                                                                                    : "acc%d",
                        leaf->index);
  case E_scalar: return arena_printf(arena, "(%s)%s", w->math.type, scalar_text(w, leaf->index));
  case E_index: return arena_printf(arena, "(%s)%s", w->math.type, w->loop[leaf->index]);
  default: /* a position */
    return arena_printf(arena, "(%s)(%s)", w->math.type,
                        emit_expr(w->e, &scalar_double, leaf, exact_text, w));
  }
}

static const char *value_text(Writer *w, const Expr *x) {
  return emit_expr(w->e, &w->math, x, leaf_text, w);
}

/* Is a fold needed by what the function computes? */
static bool folds(const Writer *w, int f) {
  for (int o = 0; o < w->k->nout; o++)
    if (w->out[o] && expr_uses(w->k->out[o].value, E_acc, f)) return true;
  return false;
}

static bool in_terms(const Writer *w, int input) {
  if (w->k->in[input].outside == SKIP && w->k->nfold > 0) return true;
  for (int f = 0; f < w->k->nfold; f++)
    if (folds(w, f) && expr_uses(w->k->fold[f].term, E_in, input)) return true;
  return false;
}

bool writer_finishes_with(const Writer *w, int input) {
  for (int o = 0; o < w->k->nout; o++)
    if (w->out[o] && expr_uses(w->k->out[o].value, E_in, input)) return true;
  return false;
}

bool writer_finishes_at(const Writer *w, int loop, const bool *read) {
  bool asks = false;
  for (int o = 0; o < w->k->nout; o++)
    asks |= w->out[o] && expr_uses(w->k->out[o].value, E_index, loop);
  for (int i = 0; i < w->k->nin; i++)
    asks |= writer_finishes_with(w, i) && !(read && read[i]) && view_uses(&w->k->in[i], loop);
  return asks;
}

bool writer_reads(const Writer *w, int input) {
  return in_terms(w, input) || writer_finishes_with(w, input);
}

/* A number as memory holds it. */
static const char *stored(Writer *w, DType number, DType to, const char *text) {
  if (to == number) return text;
  if (!dtype_narrow(to)) return arena_printf(w->e->arena, "(%s)(%s)", c_type(to), text);
  return arena_printf(w->e->arena, number == F64 ? "cnnc_to_%s((float)(%s))" : "cnnc_to_%s(%s)",
                      dtype_name(to), text);
}

/* const float x0 = in0[...]; a SKIP view is read under its test only. */
static void print_load(Writer *w, int i) {
  const View *v = &w->k->in[i];
  const char *pointer = writer_in(w, i), *type = w->math.type;
  const char *inside = v->outside == FILL ? writer_inside(w, v, pointer, ALL_LEVELS) : NULL;
  const char *number = element(w, i);
  if (!inside) {
    emit(w->e, "const %s x%d = %s;", type, i, number);
    return;
  }
  emit(w->e, "const bool inside%d = %s;", i, inside);
  emit(w->e, "const %s x%d = inside%d ? %s : %s;", type, i, i, number,
       emit_number(w->e->arena, v->fill, w->math.number));
}

void writer_load(Writer *w, int input) {
  writer_coordinates(w, &w->k->in[input], writer_in(w, input), ALL_LEVELS);
  print_load(w, input);
}

void writer_begin_point(Writer *w) {
  for (int i = 0; i < w->k->nin; i++) {
    const View *v = &w->k->in[i];
    if (!writer_reads(w, i)) continue;
    writer_coordinates(w, v, writer_in(w, i), PROLOGUE);
    w->loaded[i] = writer_level(w, v) == PROLOGUE && v->outside != SKIP;
    if (w->loaded[i]) print_load(w, i);
  }
}

/* The number of a point of the reduced loops, in their order. */
static const char *reduced_index(Writer *w) {
  Text sum = {.arena = w->e->arena};
  Extent size = fixed(1);
  for (int l = w->k->nloop - 1; l >= 0; l--) {
    if (!w->k->loop[l].reduced) continue;
    writer_term(w, &sum, size, w->loop[l]);
    const Extent e = w->k->loop[l].extent;
    if (e.per_n && size.per_n) BUG("kernel %s reduces over n twice", w->k->name);
    size = e.per_n ? writer_scaled(e, size.plus) : writer_scaled(size, e.plus);
  }
  return sum.n ? sum.at : "0";
}

DType writer_fold_dtype(const Writer *w, int f) {
  return w->k->fold[f].acc == F64 ? F64 : w->math.number;
}

static void print_start(Writer *w, int f) {
  const Fold *fold = &w->k->fold[f];
  const DType dtype = writer_fold_dtype(w, f);
  const double start = fold->op == FOLD_SUM ? 0 : -INFINITY;
  emit(w->e, "%s acc%d = %s;", c_type(dtype), f, emit_number(w->e->arena, start, dtype));
  if (fold->op == FOLD_ARGMAX) emit(w->e, "%s first%d = 0;", w->index, f);
}

/* What is exact must not be contracted with the product that it adds. */
static void print_add(Writer *w, const char *sum, const char *term) {
  if (w->math.number == F64)
    emit(w->e, "%s = __dadd_rn(%s, %s);", sum, sum, term);
  else
    emit(w->e, "%s += %s;", sum, term);
}

static void print_fold(Writer *w, int f) {
  const Fold *fold = &w->k->fold[f];
  const char *term = value_text(w, fold->term);
  if (fold->op == FOLD_SUM) {
    print_add(w, arena_printf(w->e->arena, "acc%d", f), term);
  } else {
    emit(w->e, "const %s term%d = %s;", w->math.type, f, term);
    const char *wins = writer_fold_dtype(w, f) == F64 ? "cnnc_wins" : "cnnc_winsf";
    BLOCK(w->e, "if (%s(term%d, acc%d))", wins, f, f) {
      emit(w->e, "acc%d = term%d;", f, f);
      if (fold->op == FOLD_ARGMAX) emit(w->e, "first%d = %s;", f, reduced_index(w));
    }
  }
}

/* Opens what surrounds the terms at one level: coordinates, and tests of SKIP views. Returns how
 * many blocks are open now. */
static int open_level(Writer *w, int level) {
  int opened = 0;
  for (int i = 0; i < w->k->nin; i++) {
    const View *v = &w->k->in[i];
    if (!in_terms(w, i)) continue;
    if (level != PROLOGUE) writer_coordinates(w, v, writer_in(w, i), level);
    if (v->outside != SKIP) continue;
    const char *inside = writer_inside(w, v, writer_in(w, i), level);
    if (inside) opened += emit_open(w->e, "if (%s)", inside);
  }
  return opened;
}

void writer_start_folds(Writer *w) {
  for (int f = 0; f < w->k->nfold; f++)
    if (folds(w, f)) print_start(w, f);
}

/* Reads what terms need and adds them. */
static void print_terms(Writer *w) {
  for (int i = 0; i < w->k->nin; i++)
    if (in_terms(w, i) && !w->loaded[i] && !asks_first(w, i)) print_load(w, i);
  for (int f = 0; f < w->k->nfold; f++)
    if (folds(w, f)) print_fold(w, f);
}

void writer_fold_term(Writer *w) {
  const Kernel *k = w->k;
  int opened = 0;
  for (int i = 0; i < k->nin; i++) {
    const View *v = &k->in[i];
    if (!in_terms(w, i) || w->loaded[i]) continue;
    for (int l = 0; l < k->nloop; l++)
      if (k->loop[l].reduced) writer_coordinates(w, v, writer_in(w, i), l);
    const char *inside =
        v->outside == SKIP ? writer_inside(w, v, writer_in(w, i), ALL_LEVELS) : NULL;
    if (inside) opened += emit_open(w->e, "if (%s)", inside);
  }
  print_terms(w);
  while (opened-- > 0) emit_close(w->e);
}

static void print_folds(Writer *w) {
  const Kernel *k = w->k;
  writer_start_folds(w);
  int opened = open_level(w, PROLOGUE);
  for (int l = 0; l < k->nloop; l++) {
    if (!k->loop[l].reduced) continue;
    opened += emit_open(w->e, "for (%s %s = 0; %s < %s; %s++)", w->index, w->loop[l], w->loop[l],
                        writer_extent(w, k->loop[l].extent), w->loop[l]);
    opened += open_level(w, l);
  }
  print_terms(w);
  while (opened-- > 0) emit_close(w->e);
}

void writer_store(Writer *w, int o, const char *value) {
  const View *to = &w->k->out[o].to;
  const char *pointer = writer_out(w, o);
  const DType dtype = w->p->buffer.at[to->tensor].format.dtype;
  writer_coordinates(w, to, pointer, PROLOGUE);
  emit_wrapped(w->e,
               arena_printf(w->e->arena, "%s[%s] = %s;", pointer, writer_subscript(w, to, pointer),
                            stored(w, w->math.number, dtype, value)));
}

static void print_out(Writer *w, int o) {
  const char *value = value_text(w, w->k->out[o].value);
  if (w->combine)
    print_add(w, arena_printf(w->e->arena, "sum%d", o), value);
  else
    writer_store(w, o, value);
}

static void load_for_outs(Writer *w) {
  for (int i = 0; i < w->k->nin; i++)
    if (writer_finishes_with(w, i) && !w->loaded[i]) writer_load(w, i);
}

const char *writer_value(Writer *w, int o) {
  load_for_outs(w);
  return value_text(w, w->k->out[o].value);
}

void writer_finish(Writer *w) {
  load_for_outs(w);
  for (int o = 0; o < w->k->nout; o++)
    if (w->out[o]) print_out(w, o);
}

/* Folds and outs of one point; all free loops have a value. */
static void print_point(Writer *w) {
  bool any = false;
  for (int f = 0; f < w->k->nfold; f++) any |= folds(w, f);
  writer_begin_point(w);
  if (any) print_folds(w);
  writer_finish(w);
}

/* Sums over the free loops that are not the thread's, in their order. */
static void print_sums(Writer *w) {
  const Kernel *k = w->k;
  int opened = 0;
  for (int o = 0; o < k->nout; o++)
    if (w->out[o]) emit(w->e, "double sum%d = 0.0;", o);
  for (int l = 0; l < k->nloop; l++)
    if (!k->loop[l].reduced && !w->thread[l])
      opened += emit_open(w->e, "for (%s %s = 0; %s < %s; %s++)", w->index, w->loop[l], w->loop[l],
                          writer_extent(w, k->loop[l].extent), w->loop[l]);
  print_point(w);
  while (opened-- > 0) emit_close(w->e);
  for (int o = 0; o < k->nout; o++) {
    if (!w->out[o]) continue;
    const View *to = &k->out[o].to;
    const char *pointer = writer_out(w, o);
    const DType dtype = w->p->buffer.at[to->tensor].format.dtype;
    writer_coordinates(w, to, pointer, PROLOGUE);
    emit(w->e, "%s[%s] = %s;", pointer, writer_subscript(w, to, pointer),
         stored(w, F64, dtype, arena_printf(w->e->arena, "sum%d", o)));
  }
}

/* ---- the function ---- */

void writer_body(Writer *w) {
  writer_open_points(w);
  if (w->combine)
    print_sums(w);
  else
    print_point(w);
  emit_close(w->e);
}
