/* results.c - part of gemm.c: sums on their way from registers to what follows them (store.c).
 *
 * A thread finishes its own sums, written out. Four warps that multiply together put theirs into
 * shared memory first, where the stages were: neighbours in memory are finished by threads beside
 * each other then, and the text of it is a loop, however many sums a thread has.
 *
 *   sums[column][row] = acc[i][j][r];              each thread its own
 *   __syncthreads();
 *   for (int e = thread; e < 16384; e += 256)      row e % 128, column e / 128
 *     net_conv1_out(out0, row, column, sums[e / 128][e % 128]);
 *
 * Where columns are summed (columns.c), what became of a sum takes its place; where the tile stands
 * out there are sums of nothing, 0. Then each thread adds up a part of a column.
 *
 * A line of sums has neighbours in memory, rows or columns, and is so long that the threads of a
 * warp meet all banks: two of a thread's columns are neighbours, and stored at once. */
#include "gemm.h"

enum { ROWS_PAD = 4, COLUMNS_PAD = 8, AT_ONCE = 4 };

/* if (row < rows && column < columns): where the tile does not stand out. True if it can. */
static bool print_inside(Gemm *g) {
  Text inside = {.arena = g->w->e->arena};
  if (g->tile.wide)
    text_add(&inside, "%s", boxes_print_row(g));
  else if (!g->x.whole)
    text_add(&inside, "row < rows");
  if (!g->y.whole) text_add(&inside, "%scolumn < columns", inside.n ? " && " : "");
  if (inside.n) emit(g->w->e, "if (%s)", inside.at);
  return inside.n > 0;
}

/* One or two results; their value goes where `to` says. */
static void print_result(Gemm *g, const char *to, const char *sums) {
  Emit *e = g->w->e;
  const char *indent = print_inside(g) ? "  " : "";
  emit_wrapped(e, arena_printf(e->arena, "%s%s%s;", indent, to,
                               gemm_call(g, &g->store, "row", "column", NULL, sums)));
}

/* ---- by the threads that have them ---- */

static void print_own(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index, *mma = g->as->mma;
  const bool pairs = g->pairs >= 0;
  products_unrolled(e, "i", products_rows(g), 1);
  products_unrolled(e, "j", products_columns(g), 1);
  if (mma) products_unrolled(e, "r", MMA_RESULTS, pairs ? 2 : 1);
  emit(e, "const %s row = row0 + %s%s;", index, products_row(g), mma ? " + r / 2 * 8" : "");
  emit(e, "const %s column = column0 + %s%s;", index, products_column(g),
       !mma    ? ""
       : pairs ? " + lane % 4 * 2"
               : " + lane % 4 * 2 + r % 2");
  print_result(g, "",
               pairs ? "acc[i][j][r], acc[i][j][r + 1]"
               : mma ? "acc[i][j][r]"
                     : "acc[i][j]");
  for (int i = 0; i < (mma ? 3 : 2); i++) emit_close(e);
}

/* ---- by the threads that have them, column by column, with sums of columns ---- */

/* A result, or 0 where there is none, is added. */
static void print_added(Gemm *g, const char *sum) {
  emit(g->w->e, "double value = 0.0;");
  print_result(g, "value = ", sum);
  columns_add(g);
}

/* The first row of a run, which threads have where `condition` holds; in the tensor. */
static void print_sums(Gemm *g, const char *row, const char *condition) {
  Emit *e = g->w->e;
  Text where = {.arena = e->arena};
  text_add(&where, "%s", condition);
  if (!g->x.whole && g->as->mma && !g->tile.warps) text_add(&where, " && %s < rows", row);
  if (!g->y.whole) text_add(&where, " && column < columns");
  columns_store(g, where.at, row);
}

static void print_columns_of_threads(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index;
  products_unrolled(e, "j", products_columns(g), 1);
  emit(e, "const %s column = column0 + %s;", index, products_column(g));
  columns_begin(g);
  products_unrolled(e, "i", products_rows(g), 1);
  emit(e, "const %s row = row0 + %s;", index, products_row(g));
  print_added(g, "acc[i][j]");
  emit_close(e);
  columns_join(g, 1, g->tile.rows / g->tile.i);
  print_sums(g, "row0", "across == 0");
  emit_close(e);
}

/* Two results, in place of their sums. */
static void print_stored_pairs(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index;
  products_unrolled(e, "i", products_rows(g), 1);
  products_unrolled(e, "r", MMA_RESULTS, 2);
  emit(e, "const %s row = row0 + %s + r / 2 * 8;", index, products_row(g));
  emit(e, "const %s column = column0 + %s + lane %% 4 * 2;", index, products_column(g));
  print_result(g, "", "&acc[i][j][r]");
  emit_close(e);
  emit_close(e);
}

static void print_columns_of_warps(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index;
  const bool pairs = g->pairs >= 0;
  emit(e, "const %s run = row0 + %d * across;", index, g->tile.i);
  products_unrolled(e, "j", products_columns(g), 1);
  if (pairs) print_stored_pairs(g);
  products_unrolled(e, "side", 2, 1);
  emit(e, "const %s column = column0 + %s + lane %% 4 * 2 + side;", index, products_column(g));
  columns_begin(g);
  products_unrolled(e, "i", products_rows(g), 1);
  products_unrolled(e, "half", 2, 1);
  if (pairs) {
    emit(e, "const double value = acc[i][j][2 * half + side];");
    columns_add(g);
  } else {
    emit(e, "const %s row = row0 + %s + half * 8;", index, products_row(g));
    print_added(g, "acc[i][j][2 * half + side]");
  }
  emit_close(e);
  emit_close(e);
  columns_join(g, 4, DEVICE_WARP);
  print_sums(g, "run", "lane < 4");
  emit_close(e);
  emit_close(e);
}

/* ---- through shared memory ---- */

/* A thread's sums go to sums[row][column], or the other way round. */
static void print_sharing(Gemm *g) {
  Emit *e = g->w->e;
  const GemmTile *t = &g->tile;
  if (g->along_columns)
    emit(e, "CNNC_SHARED_SUMS(sums, %d, %d);", t->rows, t->columns + COLUMNS_PAD);
  else
    emit(e, "CNNC_SHARED_SUMS(sums, %d, %d);", t->columns, t->rows + ROWS_PAD);
  emit(e, "cnnc_wgmma_wait(0);");
  emit(e, "cnnc_wgmma_hold(acc[0], %d);", products_columns(g));
  emit(e, "__syncthreads();");
  products_unrolled(e, "i", products_rows(g), 1);
  products_unrolled(e, "j", products_columns(g), 1);
  products_unrolled(e, "r", MMA_RESULTS, g->along_columns ? 2 : 1);
  emit(e, "const int row = %s + r / 2 * 8;", products_row(g));
  emit(e, "const int column = %s + lane %% 4 * 2%s;", products_column(g),
       g->along_columns ? "" : " + r % 2");
  if (g->along_columns)
    emit(e, "cnnc_store_x2(&sums[row][column], acc[i][j][r], acc[i][j][r + 1]);");
  else
    emit(e, "sums[column][row] = acc[i][j][r];");
  for (int i = 0; i < 3; i++) emit_close(e);
  emit(e, "__syncthreads();");
}

/* A warp has columns beside each other, several times if there are threads enough: each time other
 * rows of them. Lanes begin with other rows than those that would meet the same banks: neighbours
 * among eights of them, or, where a line holds a row, those with other rows of its columns. */
static void print_columns_of_tile(Gemm *g) {
  enum { MOST_PARTS = 4, EIGHT = 8 };
  Emit *e = g->w->e;
  const GemmTile *t = &g->tile;
  const int parts = g->threads / t->columns < MOST_PARTS ? g->threads / t->columns : MOST_PARTS;
  if (parts < 1) BUG("%s: columns that no thread has", g->w->k->name);
  const int columns = DEVICE_WARP / parts, rows = t->rows / parts;
  emit(e, "__syncthreads();");
  if (t->columns / columns * DEVICE_WARP < g->threads)
    emit_open(e, "if (warp < %d)", t->columns / columns);
  else
    emit_open_block(e);
  emit(e, "const int own = warp * %d + lane %% %d;", columns, columns);
  emit(e, "const %s column = column0 + own;", g->w->index);
  columns_begin(g);
  emit(e, "CNNC_UNROLL_BY(%d)", AT_ONCE);
  BLOCK(e, "for (int r = 0; r < %d; r++)", rows) {
    if (!g->along_columns)
      emit(e, "const double value = sums[own][lane / %d * %d + (r ^ lane / %d)];", columns, rows,
           EIGHT);
    else if (parts > 1)
      emit(e, "const double value = sums[lane / %d * %d + (r ^ lane / %d * %d)][own];", columns,
           rows, columns, columns / EIGHT);
    else
      emit(e, "const double value = sums[r][own];");
    columns_add(g);
  }
  if (parts > 1) columns_join(g, columns, DEVICE_WARP);
  print_sums(g, "row0", arena_printf(e->arena, "lane < %d", columns));
  emit_close(e);
}

static void print_shared(Gemm *g) {
  Emit *e = g->w->e;
  const GemmTile *t = &g->tile;
  const char *index = g->w->index, *row = g->tile.wide ? "at = " : "row = row0 + ";
  const bool pairs = g->pairs >= 0, summed = columns_summed(g);
  const int line = !g->along_columns ? t->rows : pairs ? t->columns / 2 : t->columns;
  print_sharing(g);
  emit(e, "CNNC_UNROLL_BY(%d)", AT_ONCE);
  BLOCK(e, "for (int e = thread; e < %d; e += %d)", t->rows * t->columns / (pairs ? 2 : 1),
        g->threads) {
    if (g->along_columns) {
      emit(e, "const %s %se / %d;", index, row, line);
      emit(e, "const %s column = column0 + e %% %d%s;", index, line, pairs ? " * 2" : "");
    } else {
      emit(e, "const %s %se %% %d;", index, row, line);
      emit(e, "const %s column = column0 + e / %d;", index, line);
    }
    if (pairs) emit(e, "float sum[2];\ncnnc_load_x2(sum, &sums[e / %d][e %% %d * 2]);", line, line);
    const char *sum = arena_printf(e->arena, "sums[e / %d][e %% %d]", line, line);
    const char *to = summed && !pairs ? arena_printf(e->arena, "%s = ", sum) : "";
    print_result(g, to, !pairs ? sum : summed ? "sum" : "sum[0], sum[1]");
    if (pairs && summed)
      emit(e, "cnnc_store_x2(&sums[e / %d][e %% %d * 2], sum[0], sum[1]);", line, line);
  }
  if (summed) print_columns_of_tile(g);
}

void results_print(Gemm *g) {
  if (g->tile.warps)
    print_shared(g);
  else if (!columns_summed(g))
    print_own(g);
  else if (g->as->mma)
    print_columns_of_warps(g);
  else
    print_columns_of_threads(g);
}
