/* transform.c - sums over products with constant matrices along one, two or three axes, as
 * Winograd's and Fourier's transforms are.
 *
 *   V[c, q, p, t] = sum over i, j of a[q, i] * b[p, j] * x[c, 4 * t + i, ..]
 *
 * is computed axis by axis, and a thread computes a line at a time: a row or column of a tile
 * through the matrix of that axis, straight-line code in registers (matrix.c). A block has some
 * tiles beside each other, and between axes they lie in shared memory.
 *
 *   __shared__ float half0[36][32];
 *   if (point < points) {                                 a column jw of tile `at`
 *     const float x0 = net_c1_x(in0, point, 0, jw), ..
 *     half0[jw][at] = y0; half0[6 + jw][at] = y1; ..
 *   }
 *   __syncthreads();
 *   if (point < points) {                                 a row qh
 *     const float x0 = half0[6 * qh][at], ..
 *     net_c1_out(out0, point, qh, 0, y0); ..
 *   }
 *
 * What is particular to the network stands in two functions of one element each, as in gemm.c. A
 * point is a tile of a channel. The rows of a matrix are the values of a free loop; or, where the
 * data is read at loop / m, the m results that a tile makes, of which those beyond the loop's end
 * are not stored. */
#include "transform.h"
#include "device.h"
#include "function.h"

#include <string.h>

enum {
  MOST_NUMBERS = 160, /* of a line and its results, that registers hold */
  MOST_THREADS = 256,
  LONE_ITEMS = 128,     /* where lines are whole tiles */
  MOST_BYTES = 32 << 10 /* of shared memory */
};

typedef struct Printer {
  Writer *w;
  Emit *e;
  Arena *arena;
  const Kernel *k;
  Transform t;
  Kernel tiled;         /* k, whose tiled rows count tiles */
  bool item[MAX_LOOPS]; /* the loops of a point */
  int items, threads;   /* of a block */
  Function load, store;
} Printer;

static int64_t line_count(const Transform *t, int d) {
  int64_t lines = 1;
  for (int e = 0; e < t->n; e++)
    if (e != d) lines *= e < d ? t->dim[e].matrix.rows : t->dim[e].matrix.columns;
  return lines;
}

/* What lies between the matrices of dimensions d and d + 1. */
static int64_t half_size(const Transform *t, int d) {
  return line_count(t, d) * t->dim[d].matrix.rows;
}

static int64_t item_bytes(const Transform *t) {
  int64_t bytes = 0;
  for (int d = 0; d + 1 < t->n; d++) bytes += half_size(t, d) * (int64_t)sizeof(float);
  return bytes;
}

bool writer_transforms(const Plan *p, const Kernel *k) {
  Transform t;
  if (k->tile.n > 0 || !transform_of(p, k, &t)) return false;
  for (int d = 0; d < t.n; d++)
    if (t.dim[d].matrix.rows + t.dim[d].matrix.columns > MOST_NUMBERS) return false;
  return item_bytes(&t) <= MOST_BYTES;
}

/* ---- names ---- */

static const char *tile_name(const Printer *t, const TransformDim *d) {
  return arena_printf(t->arena, "%s_tile", t->w->loop[d->row]);
}

static const char *row_name(const Printer *t, const TransformDim *d) {
  return d->tiled ? arena_printf(t->arena, "%s_row", t->w->loop[d->row]) : t->w->loop[d->row];
}

static const char *column_name(const Printer *t, const TransformDim *d) {
  return t->w->loop[d->column];
}

/* ---- the functions of one element ---- */

/* Declares the loops of a point, tiles in place of tiled rows; `only` (or NULL): those that this
 * view of them mentions. */
static void declare_items(Printer *t, Function *f, const View *only) {
  Writer *w = t->w;
  const char *loop[MAX_LOOPS];
  bool used[MAX_LOOPS], any = false;
  int64_t points = 1;
  w->k = &t->tiled;
  memcpy(w->thread, t->item, sizeof t->item);
  memcpy(loop, w->loop, sizeof loop);
  for (int d = 0; d < t->t.n; d++)
    if (t->t.dim[d].tiled) w->loop[t->t.dim[d].row] = tile_name(t, &t->t.dim[d]);
  for (int l = 0; l < w->k->nloop; l++) {
    used[l] = t->item[l] && (!only || view_uses(only, l));
    if (t->item[l]) points *= extent_at(w->k->loop[l].extent, w->p->max_batch);
    any |= used[l];
  }
  if (any) f->number[f->nnumbers++] = (Number){"point", points - 1};
  if (any) writer_loops(w, "point", used);
  if (only) return; /* which is read by these names */
  memcpy(w->loop, loop, sizeof loop);
  w->k = t->k;
}

/* net_c1_x: the element of the data in these columns of a tile. */
static void print_load_function(Printer *t) {
  Writer *w = t->w;
  Function *f = &t->load;
  const char *loop[MAX_LOOPS];
  const int data = t->t.data;
  Body body;
  memcpy(loop, w->loop, sizeof loop);
  *f = (Function){.declares = "CNNC_HELPER float"};
  f->name = arena_printf(t->arena, "%s_x", t->k->name);
  f->comment = arena_printf(t->arena, "%s: an element of in%d.", t->k->name, data);
  f->in[data] = true;
  function_begin(w, &body);
  function_constants(w, f->in);
  declare_items(t, f, &t->tiled.in[data]);
  for (int d = 0; d < t->t.n; d++)
    f->number[f->nnumbers++] =
        (Number){column_name(t, &t->t.dim[d]), t->t.dim[d].matrix.columns - 1};
  writer_load(w, data);
  emit(t->e, "return x%d;", data);
  function_print(w, f, &body);
  memcpy(w->loop, loop, sizeof loop);
  w->k = t->k;
}

/* Declares the rows' loops where tiles make them; returns the condition under which there are such
 * results, NULL: always. */
static const char *declare_rows(Printer *t) {
  Text inside = {.arena = t->arena};
  for (int d = 0; d < t->t.n; d++) {
    const TransformDim *dim = &t->t.dim[d];
    const char *name = t->w->loop[dim->row];
    const int64_t extent = t->k->loop[dim->row].extent.plus;
    if (!dim->tiled) continue;
    emit(t->e, "const %s %s = %d * %s + %s;", t->w->index, name, dim->matrix.rows,
         tile_name(t, dim), row_name(t, dim));
    if (extent % dim->matrix.rows)
      text_add(&inside, "%s%s < %lld", inside.n ? " && " : "", name, (long long)extent);
  }
  return inside.at;
}

/* net_c1_out: finishes and stores the result in these rows of a tile. */
static void print_store_function(Printer *t) {
  Writer *w = t->w;
  Function *f = &t->store;
  Body body;
  *f = (Function){.declares = "CNNC_HELPER void", .more = "float acc0"};
  f->name = arena_printf(t->arena, "%s_out", t->k->name);
  f->comment = arena_printf(t->arena, "%s: an element of the result.", t->k->name);
  for (int i = 0; i < t->k->nin; i++) f->in[i] = writer_finishes_with(w, i);
  memcpy(f->out, w->out, sizeof f->out);
  function_begin(w, &body);
  function_constants(w, f->in);
  declare_items(t, f, NULL);
  for (int d = 0; d < t->t.n; d++)
    f->number[f->nnumbers++] = (Number){row_name(t, &t->t.dim[d]), t->t.dim[d].matrix.rows - 1};
  const char *inside = declare_rows(t);
  if (inside) emit_open(t->e, "if (%s)", inside);
  writer_finish(w);
  if (inside) emit_close(t->e);
  function_print(w, f, &body);
}

/* The call of one: for its point, and these values of its other numbers. */
static const char *call_text(Printer *t, const Function *f, const char *const *value,
                             const char *more) {
  Text numbers = {.arena = t->arena};
  const int points = f->nnumbers - t->t.n; /* 1; 0: all points are alike */
  if (points) text_add(&numbers, "point, ");
  for (int d = 0; d < t->t.n; d++) text_add(&numbers, "%s%s", d ? ", " : "", value[d]);
  if (more) text_add(&numbers, ", %s", more);
  return function_call(t->w, f, numbers.at);
}

/* ---- lines ---- */

/* Where element [rows before dimension d, at, columns behind it] of an intermediate lies, one that
 * has rows in its first `rows` dimensions. */
static const char *half_at(const Printer *t, int rows, int d, int at) {
  Text sum = {.arena = t->arena};
  int64_t stride = 1, strides[MAX_DIMS];
  for (int e = t->t.n - 1; e >= 0; e--) {
    const ConstMatrix *m = &t->t.dim[e].matrix;
    strides[e] = stride;
    stride *= e < rows ? m->rows : m->columns;
  }
  for (int e = 0; e < t->t.n; e++) {
    const TransformDim *dim = &t->t.dim[e];
    if (e == d) continue;
    writer_term(t->w, &sum, fixed(strides[e]), e < d ? row_name(t, dim) : column_name(t, dim));
  }
  writer_term(t->w, &sum, fixed(at * strides[d]), NULL);
  return sum.n ? sum.at : "0";
}

/* Element `at` of a line that dimension d is applied to. */
static const char *source_text(Printer *t, int d, int at) {
  const char *value[MAX_DIMS];
  if (d > 0) return arena_printf(t->arena, "half%d[%s][at]", d - 1, half_at(t, d, d, at));
  for (int e = 0; e < t->t.n; e++)
    value[e] = e ? column_name(t, &t->t.dim[e]) : arena_printf(t->arena, "%d", at);
  return call_text(t, &t->load, value, NULL);
}

/* Where result `at` of a line goes. */
static void print_result(Printer *t, int d, int at, const char *y) {
  const char *value[MAX_DIMS];
  if (d < t->t.n - 1) {
    emit(t->e, "half%d[%s][at] = %s;", d, half_at(t, d + 1, d, at), y);
    return;
  }
  for (int e = 0; e < t->t.n; e++)
    value[e] = e < d ? row_name(t, &t->t.dim[e]) : arena_printf(t->arena, "%d", at);
  emit_wrapped(t->e, arena_printf(t->arena, "%s;", call_text(t, &t->store, value, y)));
}

static void print_line(Printer *t, int d) {
  const ConstMatrix *m = &t->t.dim[d].matrix;
  const char *x[MAX_LINE], *y[MAX_LINE];
  for (int i = 0; i < m->columns; i++) {
    x[i] = arena_printf(t->arena, "x%d", i);
    emit_wrapped(t->e, arena_printf(t->arena, "const float %s = %s;", x[i], source_text(t, d, i)));
  }
  for (int i = 0; i < m->rows; i++) y[i] = arena_printf(t->arena, "y%d", i);
  matrix_code(t->e, m, NULL, "float", x, y);
  for (int i = 0; i < m->rows; i++) print_result(t, d, i, y[i]);
}

/* A thread's lines of dimension d: of tile `at` of the block, and the other dimensions' indices. */
static void print_lines(Printer *t, int d) {
  Emit *e = t->e;
  const int64_t lines = line_count(&t->t, d), all = lines * t->items;
  const char *line = all > t->threads ? "line" : "thread";
  if (all > t->threads)
    emit_open(e, "for (int line = thread; line < %lld; line += %d)", (long long)all, t->threads);
  else if (all < t->threads)
    emit_open(e, "if (thread < %lld)", (long long)all);
  else
    emit_open_block(e);
  emit(e, "const int at = %s%s;", line,
       lines > 1 ? arena_printf(t->arena, " %% %d", t->items) : "");
  int64_t below = t->items;
  for (int other = t->t.n - 1; other >= 0; other--) {
    const TransformDim *dim = &t->t.dim[other];
    const int extent = other < d ? dim->matrix.rows : dim->matrix.columns;
    if (other == d) continue;
    const bool outermost = below * extent == all;
    emit(e, "const int %s = %s / %lld%s;", other < d ? row_name(t, dim) : column_name(t, dim), line,
         (long long)below, outermost ? "" : arena_printf(t->arena, " %% %d", extent));
    below *= extent;
  }
  emit(e, "const %s point = point0 + at;", t->w->index);
  BLOCK(e, "if (point < points)")
  print_line(t, d);
  emit_close(e);
}

/* ---- the kernel ---- */

static const char *points_text(Printer *t, const char *suffix) {
  t->w->k = &t->tiled;
  memcpy(t->w->thread, t->item, sizeof t->item);
  const char *points = writer_points(t->w, 0, suffix);
  t->w->k = t->k;
  return points;
}

static void print_body(Printer *t) {
  Emit *e = t->e;
  const char *index = t->w->index;
  for (int d = 0; d + 1 < t->t.n; d++)
    emit(e, "__shared__ float half%d[%lld][%d];", d, (long long)half_size(&t->t, d), t->items);
  emit(e, "const int thread = (int)threadIdx.x;");
  emit(e, "const %s point0 = (%s)blockIdx.x * %d, points = %s;", index, index, t->items,
       points_text(t, ""));
  for (int d = 0; d < t->t.n; d++) {
    if (d > 0) emit(e, "__syncthreads();");
    print_lines(t, d);
  }
}

static void set_block(Printer *t) {
  int64_t most = DEVICE_WARP;
  t->items = t->t.n > 1 ? DEVICE_WARP : LONE_ITEMS;
  while (item_bytes(&t->t) * t->items > MOST_BYTES) t->items /= 2;
  for (int d = 0; d < t->t.n; d++) {
    const int64_t all = line_count(&t->t, d) * t->items;
    if (all > most) most = all;
  }
  t->threads = most > MOST_THREADS ? MOST_THREADS
                                   : (int)(most + DEVICE_WARP - 1) / DEVICE_WARP * DEVICE_WARP;
}

static void start(Printer *t, Writer *w) {
  *t = (Printer){.w = w, .e = w->e, .arena = w->e->arena, .k = w->k, .tiled = *w->k};
  if (!transform_of(w->p, w->k, &t->t)) BUG("%s is no transform", w->k->name);
  for (int l = 0; l < w->k->nloop; l++) t->item[l] = !w->k->loop[l].reduced;
  for (int d = 0; d < t->t.n; d++) {
    const TransformDim *dim = &t->t.dim[d];
    Extent *extent = &t->tiled.loop[dim->row].extent;
    t->item[dim->row] = dim->tiled;
    if (!dim->tiled) continue;
    *extent = fixed((extent->plus + dim->matrix.rows - 1) / dim->matrix.rows);
    t->tiled.in[t->t.data].at[dim->axis] = coord_loop(dim->row, 1, 0);
  }
  set_block(t);
}

static const char *kernel_comment(const Printer *t) {
  Text sizes = {.arena = t->arena};
  for (int d = 0; d < t->t.n; d++)
    text_add(&sizes, "%s%d x %d", d ? ", " : "", t->t.dim[d].matrix.rows,
             t->t.dim[d].matrix.columns);
  return arena_printf(t->arena,
                      "%s\nTiles through constant matrices of %s, %d to a block of threads.",
                      writer_title(t->w), sizes.at, t->items);
}

/* Of the launch: blocks, and threads of one. */
static const char *size_text(Printer *t) {
  return arena_printf(t->arena, "(unsigned)((%s + %d) / %d), %d", points_text(t, "LL"),
                      t->items - 1, t->items, t->threads);
}

void writer_transform(Writer *w, Emit *calls) {
  Printer t;
  Function f = {0};
  Body body;
  start(&t, w);
  print_load_function(&t);
  print_store_function(&t);
  const char *threads = arena_printf(t.arena, "%d", t.threads);
  function_begin_kernel(w, &f, threads, kernel_comment(&t), &body);
  print_body(&t);
  function_end_kernel(w, &f, &body);
  function_launch(w, &f, "CNNC_START", size_text(&t), calls);
}
