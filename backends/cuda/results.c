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
 * A line of sums has neighbours in memory, rows or columns, and is so long that the threads of a
 * warp meet all banks: two of a thread's columns are neighbours, and stored at once. */
#include "gemm.h"

enum { ROWS_PAD = 4, COLUMNS_PAD = 8, AT_ONCE = 4 };

/* One or two results, if the tile does not stand out there. */
static void print_result(Gemm *g, const char *sums) {
  Emit *e = g->w->e;
  Text inside = {.arena = e->arena};
  if (g->tile.wide)
    text_add(&inside, "%s", boxes_print_row(g));
  else if (!g->x.whole)
    text_add(&inside, "row < rows");
  if (!g->y.whole) text_add(&inside, "%scolumn < columns", inside.n ? " && " : "");
  if (inside.n) emit(e, "if (%s)", inside.at);
  emit_wrapped(e,
               arena_printf(e->arena, "%s%s;", inside.n ? "  " : "",
                            gemm_call(g, &g->store, g->store_name, "row", "column", NULL, sums)));
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
  print_result(g, pairs ? "acc[i][j][r], acc[i][j][r + 1]" : mma ? "acc[i][j][r]" : "acc[i][j]");
  for (int i = 0; i < (mma ? 3 : 2); i++) emit_close(e);
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

static void print_shared(Gemm *g) {
  Emit *e = g->w->e;
  const GemmTile *t = &g->tile;
  const char *index = g->w->index, *row = g->tile.wide ? "at = " : "row = row0 + ";
  const bool pairs = g->pairs >= 0;
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
    print_result(g, pairs ? "sum[0], sum[1]"
                          : arena_printf(e->arena, "sums[e / %d][e %% %d]", line, line));
  }
}

void results_print(Gemm *g) {
  if (g->tile.warps)
    print_shared(g);
  else
    print_own(g);
}
