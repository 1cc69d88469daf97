/* transform.c - sums over products with constant matrices along one, two or three axes.
 *
 *   V[c, q, p, t] = sum over i, j of a[q, i] * b[p, j] * x[c, 4 * t + i, ..]
 * is computed axis by axis, a row or column of a tile at a time, in vectors of channels:
 *
 *   for (int c_block = 0; c_block < 4; c_block++)
 *     for (int th ..) for (int tw ..) {
 *       avx512_v half0[36];
 *       for (int jw = 0; jw < 6; jw++) {            columns: straight-line code (matrix.c)
 *         const avx512_v x0 = avx512_load(in0 + ..), ..
 *         half0[jw] = y0; half0[6 + jw] = y1; ..
 *       }
 *       for (int qh = 0; qh < 6; qh++) {            rows
 *         const avx512_v x0 = half0[6 * qh], ..
 *         avx512_store(out0 + .., y0); ..
 *       }
 *     }
 * The rows of a matrix are the values of a free loop; or, where the data is read at loop / m, the m
 * results that a tile makes, of which those beyond the loop's end are not stored. */
#include "transform.h"
#include "leaf.h"

#include <string.h>

typedef struct Printer {
  Leaf *f;
  Emit *e;
  Arena *arena;
  Transform t;
  Dialect d;
  const char *isa; /* NULL: scalars */
  int count;       /* lanes in use, 0: all */
  const char *y;   /* the sum whose value is stored */
} Printer;

static const Kernel *kernel(const Printer *w) {
  return w->f->k;
}

static const char *load_text(const Printer *w, const View *v) {
  if (w->isa) return leaf_load(w->f, v, w->t.lane, w->count);
  return arena_printf(w->arena, "%s[%s]", leaf_pointer(w->f, v), leaf_subscript(w->f, v));
}

static bool in_value(const Printer *w, int i) {
  return expr_uses(kernel(w)->out[0].value, E_in, i);
}

/* Is an input of the epilogue the same for all results of a tile? */
static bool is_shared(const Printer *w, int i) {
  for (int d = 0; d < w->t.n; d++)
    if (view_uses(&kernel(w)->in[i], w->t.dim[d].row)) return false;
  return true;
}

static const char *value_leaf(void *context, const Expr *x) {
  const Printer *w = context;
  if (x->op == E_acc) return w->y;
  if (x->op == E_in && is_shared(w, x->index)) return arena_printf(w->arena, "b%d", x->index);
  if (x->op == E_in) return load_text(w, &kernel(w)->in[x->index]);
  return emit_constant(w->e, &w->d,
                       arena_printf(w->arena, "(float)%s", leaf_scalar(w->f, x->index)));
}

static void print_store(Printer *w, const char *y) {
  const View *to = &kernel(w)->out[0].to;
  w->y = y;
  const char *value = emit_expr(w->e, &w->d, kernel(w)->out[0].value, value_leaf, w);
  const char *pointer = leaf_pointer(w->f, to), *at = leaf_subscript(w->f, to);
  if (w->isa)
    leaf_store(w->f, to, pointer, at, value, w->count);
  else
    emit(w->e, "%s[%s] = %s;", pointer, at, value);
}

/* ---- tiles ---- */

static const char *tile_name(const Printer *w, const TransformDim *d) {
  return arena_printf(w->arena, "%s_tile", kernel(w)->loop[d->row].name);
}

/* Does every tile make all its results? */
static bool is_whole(const Printer *w, const TransformDim *d) {
  return !d->tiled || linear_divides(&w->f->to[d->row], d->matrix.rows);
}

/* The value of the row's loop at row `i` of the matrix, a form. */
static void set_row(Printer *w, const TransformDim *d, const Linear *i) {
  Linear value = *i;
  if (d->tiled) {
    const Linear tile = linear_variable(d->matrix.rows, tile_name(w, d));
    linear_add(&value, &tile, 1);
  }
  w->f->value[d->row] = value;
}

/* Where element [rows before dimension d, at, columns behind it] of an intermediate lies, one that
 * has rows in its first `rows` dimensions. */
static const char *half_at(const Printer *w, int rows, int d, const Linear *index, int at) {
  const Linear own = linear_constant(at);
  Linear place = linear_constant(0);
  int64_t stride = 1;
  for (int e = w->t.n - 1; e >= 0; e--) {
    const ConstMatrix *m = &w->t.dim[e].matrix;
    linear_add(&place, e == d ? &own : &index[e], stride);
    stride *= e < rows ? m->rows : m->columns;
  }
  return linear_text(w->arena, &place);
}

static int64_t half_size(const Printer *w, int d) {
  int64_t size = 1;
  for (int e = 0; e < w->t.n; e++) {
    const ConstMatrix *m = &w->t.dim[e].matrix;
    size *= e <= d ? m->rows : m->columns;
  }
  return size;
}

/* Element `column` of what dimension d is applied to. */
static const char *source_text(Printer *w, int d, Linear *index, int column) {
  if (d > 0) return arena_printf(w->arena, "half%d[%s]", d - 1, half_at(w, d, d, index, column));
  for (int e = 0; e < w->t.n; e++) w->f->value[w->t.dim[e].column] = index[e];
  w->f->value[w->t.dim[d].column] = linear_constant(column);
  return load_text(w, &kernel(w)->in[w->t.data]);
}

/* One row or column of a tile through the matrix of dimension d. */
static void print_line(Printer *w, int d, Linear *index) {
  const TransformDim *dim = &w->t.dim[d];
  const bool last = d == w->t.n - 1;
  const char *x[MAX_LINE], *y[MAX_LINE];
  for (int i = 0; i < dim->matrix.columns; i++) {
    x[i] = arena_printf(w->arena, "x%d", i);
    emit(w->e, "const %s %s = %s;", w->d.type, x[i], source_text(w, d, index, i));
  }
  for (int i = 0; i < dim->matrix.rows; i++) y[i] = arena_printf(w->arena, "y%d", i);
  matrix_code(w->e, &dim->matrix, w->isa, w->d.type, x, y);
  for (int e = 0; e < d && last; e++) set_row(w, &w->t.dim[e], &index[e]);
  for (int i = 0; i < dim->matrix.rows; i++) {
    if (!last) {
      emit(w->e, "half%d[%s] = %s;", d, half_at(w, d + 1, d, index, i), y[i]);
      continue;
    }
    const Linear row = linear_constant(i);
    set_row(w, dim, &row);
    const bool tested = i > 0 && !is_whole(w, dim);
    if (tested)
      emit_open(w->e, "if (%s < %s)", leaf_form(w->f, &w->f->value[dim->row]),
                leaf_form(w->f, &w->f->to[dim->row]));
    print_store(w, y[i]);
    if (tested) emit_close(w->e);
  }
}

/* Loops over rows of the dimensions before d and columns of those behind it, from e on. */
static void print_lines(Printer *w, int d, int e, Linear *index) {
  if (e == d) e++;
  if (e >= w->t.n) {
    print_line(w, d, index);
    return;
  }
  const TransformDim *dim = &w->t.dim[e];
  const bool rows = e < d;
  const char *name = kernel(w)->loop[dim->column].name;
  if (rows) name = arena_printf(w->arena, "%s_row", kernel(w)->loop[dim->row].name);
  index[e] = linear_variable(1, name);
  if (rows && d == w->t.n - 1 && !is_whole(w, dim)) {
    Linear rest = w->f->to[dim->row];
    const Linear tile = linear_variable(-dim->matrix.rows, tile_name(w, dim));
    linear_add(&rest, &tile, 1);
    const char *left = leaf_form(w->f, &rest);
    emit(w->e, "const int %ss = %s < %d ? %s : %d;", name, left, dim->matrix.rows, left,
         dim->matrix.rows);
    BLOCK(w->e, "for (int %s = 0; %s < %ss; %s++)", name, name, name, name)
    print_lines(w, d, e + 1, index);
  } else {
    FOR(w->e, name, 0, rows ? dim->matrix.rows : dim->matrix.columns, 1)
    print_lines(w, d, e + 1, index);
  }
}

static void print_tile(Printer *w) {
  const Kernel *k = kernel(w);
  for (int i = 0; i < k->nin; i++)
    if (in_value(w, i) && is_shared(w, i))
      emit(w->e, "const %s b%d = %s;", w->d.type, i, load_text(w, &k->in[i]));
  for (int d = 0; d + 1 < w->t.n; d++)
    emit(w->e, "%s half%d[%lld];", w->d.type, d, (long long)half_size(w, d));
  for (int d = 0; d < w->t.n; d++) {
    Linear index[MAX_DIMS];
    const bool lone = w->t.n == 1;
    if (lone) emit_open_block(w->e);
    print_lines(w, d, 0, index);
    if (lone) emit_close(w->e);
  }
}

/* ---- loops ---- */

static void run_loops(Printer *w, int l);

static void tile_loop(Printer *w, int l, const TransformDim *d) {
  Leaf *f = w->f;
  const int m = d->matrix.rows;
  const char *name = tile_name(w, d);
  const Bind *b = &kernel(w)->bind[l];
  const Step *s = b->step >= 0 ? f->outer[b->step] : NULL;
  const Linear first = linear_divided(&f->from[l], m), *to = &f->to[l];
  Linear last = linear_divided(to, m);
  if (s && b->mul == m && b->to == m && s->extent.plus % s->block == 0) {
    last = first; /* a block is whole tiles, though the last one may not be used up */
    last.constant += s->block;
  } else if (to->n == 0)
    last = linear_constant((to->constant + m - 1) / m);
  else if (!linear_divides(to, m))
    last = linear_variable(1, arena_printf(w->arena, "(%s + %d) / %d", leaf_form(f, to), m - 1, m));
  f->coordinate[leaf_view(f, &kernel(w)->in[w->t.data])][d->axis] = name;
  BLOCK(w->e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &first), name,
        leaf_form(f, &last), name)
  run_loops(w, l + 1);
}

/* Whole vectors, then the lanes that are left. */
static void vector_loop(Printer *w, int l) {
  Leaf *f = w->f;
  const int lanes = f->plan->target->lanes;
  const int64_t extent = kernel(w)->loop[l].extent.plus;
  const char *name = arena_printf(w->arena, "%s_block", kernel(w)->loop[l].name);
  const Linear first = linear_divided(&f->from[l], lanes), *to = &f->to[l];
  Linear last = linear_divided(to, lanes);
  if (to->n > 0 && !linear_divides(to, lanes))
    last = linear_variable(1, arena_printf(w->arena, "%s / %d", leaf_form(f, to), lanes));
  f->value[l] = linear_variable(lanes, name);
  if (extent >= lanes)
    BLOCK(w->e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &first), name,
          leaf_form(f, &last), name)
  run_loops(w, l + 1);
  if (extent % lanes == 0) return;
  f->value[l] = linear_constant(extent / lanes * lanes);
  w->count = (int)(extent % lanes);
  const char *end = leaf_form(f, to);
  leaf_open_rest(f, to->n ? arena_printf(w->arena, "%s == %lld", end, (long long)extent) : NULL,
                 w->count);
  run_loops(w, l + 1);
  emit_close(w->e);
  w->count = 0;
}

static void run_loops(Printer *w, int l) {
  const Kernel *k = kernel(w);
  if (l == k->nloop || k->loop[l].reduced) {
    print_tile(w);
    return;
  }
  for (int d = 0; d < w->t.n; d++) {
    if (w->t.dim[d].row != l) continue;
    if (w->t.dim[d].tiled)
      tile_loop(w, l, &w->t.dim[d]);
    else
      run_loops(w, l + 1);
    return;
  }
  if (l == w->t.lane) {
    vector_loop(w, l);
    return;
  }
  const bool opened = leaf_open(w->f, l);
  run_loops(w, l + 1);
  leaf_close(w->f, opened);
}

bool transform_fits(const Leaf *f) {
  const Plan *p = f->plan;
  const Kernel *k = f->k;
  Transform t;
  if (!transform_of(p, k, &t)) return false;
  for (int d = 0; d < t.n; d++)
    if (t.dim[d].tiled && !linear_divides(&f->from[t.dim[d].row], t.dim[d].matrix.rows))
      return false;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++)
      if (view_tests(p, k, &k->in[i], a)) return false;
  return t.lane < 0 || view_moves_by_one(p, k, &k->in[t.data], t.lane);
}

void transform_body(Leaf *f) {
  Printer w = {.f = f, .e = f->e, .arena = f->e->arena};
  if (!transform_of(f->plan, f->k, &w.t)) BUG("%s is no transform", f->k->name);
  if (w.t.lane >= 0 && !linear_divides(&f->from[w.t.lane], f->plan->target->lanes))
    BUG("%s: a block splits lanes", f->k->name);
  w.isa = f->plan->target->lanes > 1 ? f->plan->target->name : NULL;
  w.d = vector_dialect(f->e, f->plan->target);
  run_loops(&w, 0);
  memset(f->coordinate, 0, sizeof f->coordinate);
  leaf_margins(f, &f->k->out[0], false);
}
