/* columns.c - part of gemm.c: sums of the results of a column and of their squares, in runs of
 * rows, made while results are stored (pass statistics).
 *
 * A run is what few threads have of a column: with tensor cores the rows of a warp, or, of four
 * warps that multiply together, those of the tile; otherwise all rows of the tile. Threads add up
 * their own rows in f64, then lanes of a warp exchange what they have, so that which numbers are
 * added in which order depends on the tile alone.
 *
 *   double sum1 = 0.0, sum2 = 0.0;
 *   for (int i = 0; i < 4; i++) {                       rows of this thread
 *     const double value = net_conv1_out(out0, row, column, acc[i][j][r]);
 *     sum1 += value;
 *     sum2 += value * value;                            exact, so it may be contracted
 *   }
 *   sum1 = cnnc_sum_lanes(sum1, 4, 32);                 lanes that have other rows of it
 *   sum2 = cnnc_sum_lanes(sum2, 4, 32);
 *   if (lane < 4) net_conv1_sums(out1, out2, first row, column, sum1, sum2); */
#include "gemm.h"

#include <string.h>

bool columns_summed(const Gemm *g) {
  return g->w->k->nout > 1;
}

static int run_rows(const GemmTile *t, const Arithmetic *as) {
  return as->mma && !t->warps ? t->i : t->rows;
}

/* Rows count the points of the M loops, the last one fastest; only the first may be samples. Boxes
 * are no runs. */
bool columns_runs(const Plan *p, const Kernel *k, Coord *run) {
  const GemmTile t = gemm_tile(k);
  Contraction c;
  int64_t points = 1;
  if (t.rows == 0 || t.wide || !contraction_of(p, k, &c)) return false;
  *run = (Coord){.div = run_rows(&t, &gemm_arithmetic[p->precision])};
  for (int l = kernel_free_loops(k) - 1; l >= 0; l--) {
    if (c.role[l] != 'M') continue;
    if (points < 0) return false;
    run->coef[l] = (int32_t)points;
    points *= k->loop[l].extent.per_n ? -1 : k->loop[l].extent.plus;
  }
  return true;
}

/* What an out sums, of the result `value`. */
static const char *term(const Gemm *g, int o) {
  const Kernel *k = g->w->k;
  const Expr *value = k->out[0].value, *e = k->out[o].value;
  if (e == value) return "value";
  if (e != expr2(g->w->p->u, E_mul, value, value)) BUG("%s sums what is not its result", k->name);
  return "value * value";
}

/* net_conv1_sums */
void columns_print_function(Gemm *g) {
  Writer *w = g->w;
  Arena *arena = w->e->arena;
  Function *f = &g->sums;
  const Dialect math = w->math;
  Text more = {.arena = arena};
  Body body;
  for (int o = 0; o < w->k->nout; o++) {
    w->out[o] = o > 0;
    if (o > 0) text_add(&more, "%sdouble sum%d", o > 1 ? ", " : "", o);
  }
  w->math = cuda_double();
  *f = (Function){.declares = "CNNC_HELPER void", .more = more.at};
  memcpy(f->out, w->out, sizeof f->out);
  f->name = arena_printf(arena, "%s_sums", w->k->name);
  f->comment =
      arena_printf(arena, "%s: sums of a run of results, which begins at the row.", w->k->name);
  function_begin(w, &body);
  gemm_declare_loops(g, f, 'B', "group", NULL);
  gemm_declare_loops(g, f, 'M', "row", NULL);
  gemm_declare_loops(g, f, 'N', "column", NULL);
  for (int o = 1; o < w->k->nout; o++) writer_store(w, o, arena_printf(arena, "sum%d", o));
  function_print(w, f, &body);
  w->math = math;
  for (int o = 0; o < w->k->nout; o++) w->out[o] = true;
}

void columns_begin(Gemm *g) {
  for (int o = 1; o < g->w->k->nout; o++) emit(g->w->e, "double sum%d = 0.0;", o);
}

void columns_add(Gemm *g) {
  for (int o = 1; o < g->w->k->nout; o++) emit(g->w->e, "sum%d += %s;", o, term(g, o));
}

void columns_join(Gemm *g, int first, int end) {
  for (int o = 1; o < g->w->k->nout; o++)
    emit(g->w->e, "sum%d = cnnc_sum_lanes(sum%d, %d, %d);", o, o, first, end);
}

void columns_store(Gemm *g, const char *condition, const char *row) {
  Emit *e = g->w->e;
  Text more = {.arena = e->arena};
  for (int o = 1; o < g->w->k->nout; o++) text_add(&more, "%ssum%d", o > 1 ? ", " : "", o);
  emit(e, "if (%s)", condition);
  emit_wrapped(
      e, arena_printf(e->arena, "  %s;", gemm_call(g, &g->sums, row, "column", NULL, more.at)));
}
