/* interp_contract.c - the interpreter's way through contractions of affine views: sum of in0*in1.
 *
 * One loop, free or reduced, is the row; it is chosen so that both inputs are read with small
 * strides. Offsets split into a part of the free loops and a part of the reduced ones, and the
 * latter is a table over all reduced points. Which part of a row lies inside a tensor depends, per
 * axis, only on the coordinate at the row's beginning: a table again. So a reduced point costs a
 * few additions and then the row runs without tests. Terms outside are products with 0 (fill 0) or
 * left out: the same. */
#include <stdlib.h>
#include <string.h>

#include "interp.h"

typedef struct Check { /* an axis on which a view may leave its tensor */
  const Coord *c;
  int32_t *reduced; /* by reduced point: its part of the coordinate */
  Range *inside;    /* by coordinate at the row's beginning, from `least` on */
  int64_t least;
} Check;

typedef struct Operand {
  const View *view;
  const Array *a;
  int64_t stride;   /* of the row */
  int64_t *reduced; /* by reduced point: its part of the offset */
  int nchecks;
  Check check[MAX_RANK];
} Operand;

typedef struct Sum {
  const Kernel *k;
  const Range *range;
  int64_t n;
  int row;
  int64_t length, points; /* of a row; reduced points apart from the row */
  Operand x, w;
  int64_t index[MAX_LOOPS];
  double *acc, *out;
  int64_t out_stride; /* of the row in `out` */
} Sum;

static int64_t span(const Sum *s, int loop) {
  return s->range[loop].hi - s->range[loop].lo;
}

/* ---- what fits ---- */

static bool mentions(const Kernel *k, const Coord *c, bool reduced) {
  for (int l = 0; l < k->nloop; l++)
    if (c->coef[l] && k->loop[l].reduced == reduced) return true;
  return false;
}

static bool operand_fits(const Kernel *k, const View *view, const Array *a) {
  if (view->outside == FILL && view->fill != 0) return false;
  for (int i = 0; i < view->rank; i++) {
    const Coord *c = &view->at[i];
    if (!coord_affine(c)) return false;
    if (i == a->lane_axis && mentions(k, c, true) && mentions(k, c, false)) return false;
  }
  return true;
}

static bool fits(const Kernel *k, const Array *array, int x, int w) {
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].outside == SKIP && i != x && i != w) return false;
  return operand_fits(k, &k->in[x], &array[k->in[x].tensor]) &&
         operand_fits(k, &k->in[w], &array[k->in[w].tensor]);
}

/* ---- the row ---- */

static int64_t row_stride(const Operand *o, int row) {
  int64_t stride = 0;
  for (int i = 0; i < o->view->rank; i++) stride += o->view->at[i].coef[row] * o->a->stride[i];
  return stride;
}

static double stride_cost(int64_t stride) {
  int64_t size = llabs((long long)stride);
  return size <= 1 ? 0 : size <= 8 ? 0.5 : 3;
}

static bool on_lanes(const Operand *o, int loop) {
  return o->a->lane_axis >= 0 && o->view->at[o->a->lane_axis].coef[loop] != 0;
}

static int choose_row(const Sum *s) {
  int best = -1;
  double least = 0;
  for (int l = 0; l < s->k->nloop; l++) {
    if (on_lanes(&s->x, l) || on_lanes(&s->w, l) || span(s, l) == 0) continue;
    double cost = stride_cost(row_stride(&s->x, l)) + stride_cost(row_stride(&s->w, l)) +
                  (s->k->loop[l].reduced ? 0.5 : 0) + 6.0 / (double)span(s, l);
    if (best < 0 || cost < least) {
      best = l;
      least = cost;
    }
  }
  return best;
}

/* ---- tables ---- */

/* The part of a coordinate that free (reduced) loops make;
 * the constant belongs to the free part. */
static int64_t part(const Sum *s, const Coord *c, bool reduced) {
  int64_t v = reduced ? 0 : c->plus;
  for (int l = 0; l < s->k->nloop; l++)
    if (s->k->loop[l].reduced == reduced) v += c->coef[l] * s->index[l];
  return v;
}

static int64_t offset_part(const Sum *s, const Operand *o, bool reduced) {
  int64_t offset = reduced ? 0 : o->a->origin;
  for (int i = 0; i < o->view->rank; i++) {
    const Coord *c = &o->view->at[i];
    if (i != o->a->lane_axis)
      offset += part(s, c, reduced) * o->a->stride[i];
    else if (mentions(s->k, c, true) == reduced)
      offset += interp_offset(o->a, i, part(s, c, reduced) + (reduced ? c->plus : 0));
  }
  return offset;
}

static void operand_point(const Sum *s, Operand *o, int64_t q) {
  o->reduced[q] = offset_part(s, o, true);
  for (int i = 0; i < o->nchecks; i++)
    o->check[i].reduced[q] = (int32_t)part(s, o->check[i].c, true);
}

/* Calls operand_point for all reduced points, the last loop fastest. */
static int64_t tabulate(Sum *s, int l, int64_t q) {
  while (l < s->k->nloop && (!s->k->loop[l].reduced || l == s->row)) l++;
  if (l == s->k->nloop) {
    operand_point(s, &s->x, q);
    operand_point(s, &s->w, q);
    return q + 1;
  }
  for (int64_t i = s->range[l].lo; i < s->range[l].hi; i++) {
    s->index[l] = i;
    q = tabulate(s, l + 1, q);
  }
  return q;
}

/* Bounds of a coordinate at the beginnings of rows, within the range. */
static Range begin_range(const Sum *s, const Coord *c) {
  Range r = {c->plus, c->plus};
  for (int l = 0; l < s->k->nloop; l++) {
    int64_t a = c->coef[l] * s->range[l].lo;
    int64_t b = l == s->row ? a : c->coef[l] * (s->range[l].hi - 1);
    r.lo += a < b ? a : b;
    r.hi += a < b ? b : a;
  }
  return r;
}

static void add_check(const Sum *s, Operand *o, int axis) {
  const Coord *c = &o->view->at[axis];
  Range box = interp_box(o->a, o->view, axis, s->n), begin = begin_range(s, c);
  int64_t step = c->coef[s->row], far = step * (s->length - 1);
  if (begin.lo + (far < 0 ? far : 0) >= box.lo && begin.hi + (far > 0 ? far : 0) < box.hi) return;
  if (o->view->outside == INSIDE) BUG("%s: an input is read outside", s->k->name);
  Check *check = &o->check[o->nchecks++];
  *check = (Check){.c = c, .least = begin.lo};
  check->reduced = heap_alloc((size_t)s->points * sizeof *check->reduced);
  check->inside = heap_alloc((size_t)(begin.hi - begin.lo + 1) * sizeof *check->inside);
  for (int64_t v = begin.lo; v <= begin.hi; v++)
    check->inside[v - begin.lo] = interp_points(v, step, box, s->length);
}

static void operand_begin(const Sum *s, Operand *o) {
  o->stride = row_stride(o, s->row);
  o->reduced = heap_alloc((size_t)s->points * sizeof *o->reduced);
  for (int i = 0; i < o->view->rank; i++) add_check(s, o, i);
}

static void operand_end(Operand *o) {
  free(o->reduced);
  for (int i = 0; i < o->nchecks; i++) {
    free(o->check[i].reduced);
    free(o->check[i].inside);
  }
}

/* ---- running ---- */

static void row_add(double *acc, const double *x, int64_t xs, const double *w, int64_t ws,
                    int64_t n) {
  if (ws == 0 && xs == 1) {
    double factor = *w;
    for (int64_t r = 0; r < n; r++) acc[r] += x[r] * factor;
  } else if (xs == 0 && ws == 1) {
    double factor = *x;
    for (int64_t r = 0; r < n; r++) acc[r] += w[r] * factor;
  } else {
    for (int64_t r = 0; r < n; r++) acc[r] += x[r * xs] * w[r * ws];
  }
}

/* Adds to four sums, so that additions do not wait for each other. */
static void row_dot(double *acc, const double *x, int64_t xs, const double *w, int64_t ws,
                    int64_t n) {
  double a = acc[0], b = acc[1], c = acc[2], d = acc[3];
  int64_t r = 0;
  for (; r + 4 <= n; r += 4, x += 4 * xs, w += 4 * ws) {
    a += x[0] * w[0];
    b += x[xs] * w[ws];
    c += x[2 * xs] * w[2 * ws];
    d += x[3 * xs] * w[3 * ws];
  }
  for (; r < n; r++, x += xs, w += ws) a += *x * *w;
  acc[0] = a;
  acc[1] = b;
  acc[2] = c;
  acc[3] = d;
}

typedef struct Begin { /* where an operand begins at the current free point */
  int64_t offset;
  const Range *inside[MAX_RANK];
} Begin;

static Begin begin_at(const Sum *s, const Operand *o) {
  Begin b = {.offset = offset_part(s, o, false)};
  for (int i = 0; i < o->nchecks; i++)
    b.inside[i] = o->check[i].inside + (part(s, o->check[i].c, false) - o->check[i].least);
  return b;
}

static void limit(const Operand *o, const Begin *b, int64_t q, Range *r) {
  for (int i = 0; i < o->nchecks; i++) {
    Range inside = b->inside[i][o->check[i].reduced[q]];
    if (inside.lo > r->lo) r->lo = inside.lo;
    if (inside.hi < r->hi) r->hi = inside.hi;
  }
}

static void sum_row(Sum *s, int64_t at) {
  bool reduced = s->k->loop[s->row].reduced;
  s->index[s->row] = s->range[s->row].lo;
  const Operand *x = &s->x, *w = &s->w;
  Begin bx = begin_at(s, x), bw = begin_at(s, w);
  memset(s->acc, 0, (size_t)(reduced ? 4 : s->length) * sizeof *s->acc);
  for (int64_t q = 0; q < s->points; q++) {
    Range r = {0, s->length};
    limit(x, &bx, q, &r);
    limit(w, &bw, q, &r);
    if (r.lo >= r.hi) continue;
    const double *px = x->a->at + bx.offset + x->reduced[q] + r.lo * x->stride;
    const double *pw = w->a->at + bw.offset + w->reduced[q] + r.lo * w->stride;
    if (reduced)
      row_dot(s->acc, px, x->stride, pw, w->stride, r.hi - r.lo);
    else
      row_add(s->acc + r.lo, px, x->stride, pw, w->stride, r.hi - r.lo);
  }
  if (reduced) s->out[at] = (s->acc[0] + s->acc[1]) + (s->acc[2] + s->acc[3]);
  for (int64_t r = 0; !reduced && r < s->length; r++) s->out[at + r * s->out_stride] = s->acc[r];
}

static void sum_loops(Sum *s, int l, int64_t at) {
  while (l < s->k->nloop && (s->k->loop[l].reduced || l == s->row)) {
    if (l == s->row && !s->k->loop[l].reduced) at *= s->length;
    l++;
  }
  if (l == s->k->nloop) {
    sum_row(s, at);
    return;
  }
  for (int64_t i = s->range[l].lo; i < s->range[l].hi; i++) {
    s->index[l] = i;
    sum_loops(s, l + 1, at * span(s, l) + i - s->range[l].lo);
  }
}

static int64_t count_points(const Sum *s, bool reduced) {
  int64_t points = 1;
  for (int l = 0; l < s->k->nloop; l++)
    if (s->k->loop[l].reduced == reduced && !(reduced && l == s->row)) points *= span(s, l);
  return points;
}

static void set_row(Sum *s, int row) {
  s->row = row;
  s->length = span(s, row);
  s->points = count_points(s, true);
  s->out_stride = 1;
  for (int l = row + 1; l < s->k->nloop; l++)
    if (!s->k->loop[l].reduced) s->out_stride *= span(s, l);
}

double *interp_contract(const Kernel *k, const Array *array, const Range *range, int64_t n) {
  enum { MOST_POINTS = 1 << 24 };
  if (kernel_kind(k) != KIND_CONTRACT) return NULL;
  int x, w;
  kernel_operands(k, &x, &w);
  if (!fits(k, array, x, w)) return NULL;
  Sum s = {.k = k,
           .range = range,
           .n = n,
           .x = {.view = &k->in[x], .a = &array[k->in[x].tensor]},
           .w = {.view = &k->in[w], .a = &array[k->in[w].tensor]}};
  int row = choose_row(&s);
  if (row < 0) return NULL;
  set_row(&s, row);
  int64_t results = count_points(&s, false);
  if (s.points > MOST_POINTS || s.points * results == 0) return NULL;
  s.out = heap_alloc((size_t)results * sizeof *s.out);
  s.acc = heap_alloc((size_t)(s.length < 4 ? 4 : s.length) * sizeof *s.acc);
  operand_begin(&s, &s.x);
  operand_begin(&s, &s.w);
  s.index[row] = range[row].lo;
  tabulate(&s, 0, 0);
  sum_loops(&s, 0, 0);
  operand_end(&s.x);
  operand_end(&s.w);
  free(s.acc);
  return s.out;
}
