/* interp.c - runs kernels in double: the oracle of all tests.
 *
 * A kernel runs row by row: one free loop is the row; for each point of the other free loops every
 * reduced point loads a row of each input, evaluates the terms row-wise and combines them into rows
 * of accumulators; then the outs store a row. Loading resolves an affine view to base, stride and
 * the range of points inside once per row. Contractions of affine views take interp_contract.c's
 * shorter way to the accumulators; everything else about them is the same. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interp.h"

enum { ROW = 512 };

#define OUTSIDE INT64_MIN

typedef struct Instr { /* one expression node; its value is row `slot` */
  const Expr *e;
  int arg[3];
} Instr;

typedef struct Run {
  const Kernel *k;
  const Array *array;
  const double *scalar;
  int64_t n;
  Range range[MAX_LOOPS];
  int64_t index[MAX_LOOPS]; /* of the row loop: where the row begins */
  int row;                  /* the row loop, or -1: rows of one point */
  int length;               /* of the current row */
  int ncode;
  Instr *code; /* terms and values, arguments before users */
  bool *in_term, *in_value;
  double *slot; /* [ncode][ROW] */
  uint8_t live[ROW];
  bool all_live;
  double acc[MAX_FOLD][ROW], best[MAX_FOLD][ROW];
  double *folded; /* accumulators of fold 0 over all free loops, when they are known already */
} Run;

/* ---- rows of inputs ---- */

static bool row_is_linear(const Run *run, const View *view, const Array *a) {
  for (int i = 0; i < view->rank; i++) {
    bool moves = run->row >= 0 && view->at[i].coef[run->row] != 0;
    if (moves && (!coord_affine(&view->at[i]) || i == a->lane_axis)) return false;
  }
  return true;
}

/* The offsets of the points of a row in a view, OUTSIDE beyond its box. */
static void row_offsets(const Run *run, const View *view, const Array *a, int64_t *offset) {
  for (int r = 0; r < run->length; r++) offset[r] = a->origin;
  for (int i = 0; i < view->rank; i++) {
    const Coord *c = &view->at[i];
    const Range box = interp_box(a, view, i, run->n);
    const int64_t first = interp_linear(c, run->index, run->k->nloop);
    const int64_t step = run->row < 0 ? 0 : c->coef[run->row];
    int64_t more = 0;
    bool there = false;
    for (int r = 0; r < run->length; r++) {
      int64_t v = first + step * r;
      if (r == 0 || step != 0) {
        there = interp_divided(c, &v) && v >= box.lo && v < box.hi;
        more = there ? interp_offset(a, i, v) : 0;
      }
      if (!there)
        offset[r] = OUTSIDE;
      else if (offset[r] != OUTSIDE)
        offset[r] += more;
    }
  }
}

/* The row of a view as base + stride * r for r in the returned range. */
static Range row_line(const Run *run, const View *view, const Array *a, int64_t *base,
                      int64_t *stride) {
  Range inside = {0, run->length};
  *base = a->origin;
  *stride = 0;
  for (int i = 0; i < view->rank; i++) {
    const Coord *c = &view->at[i];
    int64_t step = run->row < 0 ? 0 : c->coef[run->row];
    int64_t v = interp_linear(c, run->index, run->k->nloop);
    bool there = interp_divided(c, &v);
    Range r = interp_points(v, step, interp_box(a, view, i, run->n), run->length);
    if (!there) r.hi = r.lo = 0;
    if (r.lo > inside.lo) inside.lo = r.lo;
    if (r.hi < inside.hi) inside.hi = r.hi;
    *base += step == 0 ? interp_offset(a, i, v) : v * a->stride[i];
    *stride += step * a->stride[i];
  }
  if (inside.hi < inside.lo) inside.hi = inside.lo;
  return inside;
}

static void leave_out(Run *run, const View *view, int64_t from, int64_t to) {
  if (from >= to || view->outside == FILL) return;
  if (view->outside == INSIDE) BUG("%s: an input is read outside", run->k->name);
  memset(run->live + from, 0, (size_t)(to - from));
  run->all_live = false;
}

static void load_line(Run *run, const View *view, const Array *a, double *to) {
  int64_t base, stride;
  Range inside = row_line(run, view, a, &base, &stride);
  leave_out(run, view, 0, inside.lo);
  leave_out(run, view, inside.hi, run->length);
  for (int64_t r = 0; r < inside.lo; r++) to[r] = view->fill;
  for (int64_t r = inside.lo; r < inside.hi; r++) to[r] = a->at[base + stride * r];
  for (int64_t r = inside.hi; r < run->length; r++) to[r] = view->fill;
}

static void load_points(Run *run, const View *view, const Array *a, double *to) {
  int64_t offset[ROW];
  row_offsets(run, view, a, offset);
  for (int r = 0; r < run->length; r++) {
    if (offset[r] == OUTSIDE) leave_out(run, view, r, r + 1);
    to[r] = offset[r] == OUTSIDE ? view->fill : a->at[offset[r]];
  }
}

static void load(Run *run, int input, double *to) {
  const View *view = &run->k->in[input];
  const Array *a = &run->array[view->tensor];
  (row_is_linear(run, view, a) ? load_line : load_points)(run, view, a, to);
}

/* ---- expressions over rows ---- */

static double *slot_of(const Run *run, int i) {
  return run->slot + (size_t)i * ROW;
}

static void apply(const Run *run, const Instr *in, double *to) {
  const double *x = slot_of(run, in->arg[0]), *y = slot_of(run, in->arg[1]),
               *z = slot_of(run, in->arg[2]);
  switch (in->e->op) {
#define PRIM(name, arity, ...)                                                                     \
  case E_##name:                                                                                   \
    for (int r = 0; r < run->length; r++) {                                                        \
      double a = x[r], b = y[r], c = z[r];                                                         \
      (void)a, (void)b, (void)c;                                                                   \
      to[r] = __VA_ARGS__;                                                                         \
    }                                                                                              \
    break;
#include "exprs.def"
#undef PRIM
  default: BUG("expression of kind %d", (int)in->e->op);
  }
}

static void fill_row(const Run *run, double *to, double value) {
  for (int r = 0; r < run->length; r++) to[r] = value;
}

static void load_index(const Run *run, int loop, double *to) {
  int64_t first = run->index[loop];
  for (int r = 0; r < run->length; r++) to[r] = (double)(loop == run->row ? first + r : first);
}

static void evaluate(Run *run, const bool *wanted) {
  for (int i = 0; i < run->ncode; i++) {
    const Instr *in = &run->code[i];
    double *to = slot_of(run, i);
    if (!wanted[i]) continue;
    if (in->e->op == E_in)
      load(run, in->e->index, to);
    else if (in->e->op == E_acc)
      memcpy(to, run->acc[in->e->index], (size_t)run->length * sizeof *to);
    else if (in->e->op == E_index)
      load_index(run, in->e->index, to);
    else if (in->e->op == E_const)
      fill_row(run, to, in->e->value);
    else if (in->e->op == E_scalar)
      fill_row(run, to, run->scalar[in->e->index]);
    else
      apply(run, in, to);
  }
}

static int place_of(const Run *run, const Expr *e) {
  int place = 0;
  while (place < run->ncode && run->code[place].e != e) place++;
  return place;
}

/* Appends the nodes of e that are not there yet and marks them. */
static void compile(Run *run, const Expr *e, bool *wanted) {
  int place = place_of(run, e);
  if (place < run->ncode && wanted[place]) return;
  for (int i = 0; i < expr_arity(e->op); i++) compile(run, e->arg[i], wanted);
  place = place_of(run, e);
  if (place == run->ncode) {
    Instr *in = &run->code[run->ncode++];
    in->e = e;
    for (int i = 0; i < expr_arity(e->op); i++) in->arg[i] = place_of(run, e->arg[i]);
  }
  wanted[place] = true;
}

static void compile_all(Run *run) {
  const Kernel *k = run->k;
  int most = 0;
  for (int f = 0; f < k->nfold; f++) most += k->fold[f].term->id + 1;
  for (int o = 0; o < k->nout; o++) most += k->out[o].value->id + 1;
  run->code = heap_alloc((size_t)most * sizeof *run->code);
  run->in_term = heap_alloc((size_t)most);
  run->in_value = heap_alloc((size_t)most);
  for (int f = 0; f < k->nfold; f++) compile(run, k->fold[f].term, run->in_term);
  for (int o = 0; o < k->nout; o++) compile(run, k->out[o].value, run->in_value);
  run->slot = heap_alloc((size_t)run->ncode * ROW * sizeof *run->slot);
}

/* ---- folds ---- */

static void fold_begin(Run *run) {
  for (int f = 0; f < run->k->nfold; f++) {
    static const double start[COMBINES] = {[FOLD_MAX] = -INFINITY};
    fill_row(run, run->acc[f], start[run->k->fold[f].op]);
    fill_row(run, run->best[f], -INFINITY);
  }
}

/* The place of the current reduced point among all, in loop order. */
static double reduced_place(const Run *run) {
  int64_t place = 0;
  for (int l = 0; l < run->k->nloop; l++)
    if (run->k->loop[l].reduced)
      place = place * extent_at(run->k->loop[l].extent, run->n) + run->index[l];
  return (double)place;
}

/* NaN wins over numbers, the first one over others. */
static bool greater(double a, double b) {
  return a > b || (a != a && b == b);
}

static void fold_row(Run *run, int f) {
  const double *term = slot_of(run, place_of(run, run->k->fold[f].term));
  double *acc = run->acc[f], *best = run->best[f];
  Combine op = run->k->fold[f].op;
  double place = op == FOLD_ARGMAX ? reduced_place(run) : 0;
  for (int r = 0; r < run->length; r++) {
    if (!run->all_live && !run->live[r]) continue;
    if (op == FOLD_SUM) {
      acc[r] += term[r];
    } else if (op == FOLD_MAX) {
      if (greater(term[r], acc[r])) acc[r] = term[r];
    } else if (greater(term[r], best[r])) {
      best[r] = term[r];
      acc[r] = place;
    }
  }
}

static void fold_point(Run *run) {
  run->all_live = true;
  memset(run->live, 1, (size_t)run->length);
  for (int i = 0; i < run->k->nin; i++)
    if (run->k->in[i].outside == SKIP) load(run, i, run->slot); /* marks what is left out */
  evaluate(run, run->in_term);
  for (int f = 0; f < run->k->nfold; f++) fold_row(run, f);
}

/* All points of the reduced loops from loop l on, the last one fastest. */
static void fold_loops(Run *run, int l) {
  while (l < run->k->nloop && !run->k->loop[l].reduced) l++;
  if (l == run->k->nloop) {
    fold_point(run);
    return;
  }
  for (int64_t i = run->range[l].lo; i < run->range[l].hi; i++) {
    run->index[l] = i;
    fold_loops(run, l + 1);
  }
  run->index[l] = 0;
}

static void fold_known(Run *run) {
  int64_t at = 0, stride = 0;
  for (int l = 0; l < run->k->nloop; l++) {
    if (run->k->loop[l].reduced) continue;
    int64_t span = run->range[l].hi - run->range[l].lo;
    at = at * span + run->index[l] - run->range[l].lo;
    stride = l == run->row ? 1 : stride * span;
  }
  for (int r = 0; r < run->length; r++) run->acc[0][r] = run->folded[at + r * stride];
}

/* ---- outs ---- */

/* A summed out begins anew where all loops that `to` lacks are at 0, and a run of points begins. */
static bool begins(const Run *run, const View *to, int r) {
  for (int l = 0; l < run->k->nloop; l++)
    if (!run->k->loop[l].reduced && !view_uses(to, l) &&
        run->index[l] + (l == run->row ? r : 0) != 0)
      return false;
  for (int a = 0; a < to->rank; a++) {
    const int64_t along_row = run->row < 0 ? 0 : (int64_t)to->at[a].coef[run->row] * r;
    if ((interp_linear(&to->at[a], run->index, run->k->nloop) + along_row) % to->at[a].div != 0)
      return false;
  }
  return true;
}

static void store_points(Run *run, const Out *out, const Array *a, const double *value) {
  int64_t offset[ROW];
  row_offsets(run, &out->to, a, offset);
  for (int r = 0; r < run->length; r++) {
    if (offset[r] == OUTSIDE) BUG("%s: a result lies outside", run->k->name);
    const bool set = !out->combine || begins(run, &out->to, r);
    a->at[offset[r]] = set ? value[r] : a->at[offset[r]] + value[r];
  }
}

static void store(Run *run, const Out *out, const double *value) {
  const Array *a = &run->array[out->to.tensor];
  if (out->combine || !row_is_linear(run, &out->to, a)) {
    store_points(run, out, a, value);
    return;
  }
  int64_t base, stride;
  Range inside = row_line(run, &out->to, a, &base, &stride);
  if (inside.hi - inside.lo != run->length) BUG("%s: a result lies outside", run->k->name);
  for (int r = 0; r < run->length; r++) a->at[base + stride * r] = value[r];
}

static void run_row(Run *run) {
  if (run->folded) {
    fold_known(run);
  } else if (run->k->nfold) {
    fold_begin(run);
    fold_loops(run, 0);
  }
  run->all_live = true;
  evaluate(run, run->in_value);
  for (int o = 0; o < run->k->nout; o++) {
    const Out *out = &run->k->out[o];
    store(run, out, slot_of(run, place_of(run, out->value)));
  }
}

static void run_loops(Run *run, int l) {
  while (l < run->k->nloop && (run->k->loop[l].reduced || l == run->row)) l++;
  if (l < run->k->nloop) {
    for (int64_t i = run->range[l].lo; i < run->range[l].hi; i++) {
      run->index[l] = i;
      run_loops(run, l + 1);
    }
    return;
  }
  if (run->row < 0) {
    run_row(run);
    return;
  }
  Range all = run->range[run->row];
  for (int64_t i = all.lo; i < all.hi; i += ROW) {
    run->index[run->row] = i;
    run->length = (int)(all.hi - i < ROW ? all.hi - i : ROW);
    run_row(run);
  }
}

/* The last free loop of some length; always the last one where values are summed in loop order. */
static int choose_row(const Run *run) {
  int row = -1;
  bool ordered = false;
  for (int o = 0; o < run->k->nout; o++) ordered |= run->k->out[o].combine;
  for (int l = 0; l < run->k->nloop; l++) {
    if (run->k->loop[l].reduced) continue;
    int64_t span = run->range[l].hi - run->range[l].lo;
    int64_t best = row < 0 ? 0 : run->range[row].hi - run->range[row].lo;
    if (ordered || span >= 16 || span >= best) row = l;
  }
  return row;
}

void kernel_run(const Kernel *k, const Array *array, const double *scalar, const Range *range,
                int64_t n) {
  Run *run = heap_alloc(sizeof *run);
  run->k = k;
  run->array = array;
  run->scalar = scalar;
  run->n = n;
  run->length = 1;
  for (int l = 0; l < k->nloop; l++)
    run->range[l] = range ? range[l] : (Range){0, extent_at(k->loop[l].extent, n)};
  run->row = choose_row(run);
  compile_all(run);
  run->folded = interp_contract(k, array, run->range, n);
  run_loops(run, 0);
  free(run->folded);
  free(run->code);
  free(run->in_term);
  free(run->in_value);
  free(run->slot);
  free(run);
}
