/* products.c - part of gemm.c: what the threads of a block make of a stage in shared memory.
 *
 * Without tensor cores a thread has i rows and j columns, in fours beside each other so that four
 * words are one load, and multiplies and adds. With them a warp has i rows and j columns; an
 * instruction multiplies 16 rows by 8 columns along 8 words, of which each thread holds some
 * (runtime/cuda/tensor.cuh), and of its results four. It loads two chunks of 16 rows at a time.
 *
 * Four warps that multiply together have 16 rows each and the same columns. They load nothing, and
 * their results are where those of single warps would be (runtime/cuda/wgmma.cuh). */
#include "gemm.h"

enum { FOUR = 4, MMA_WORDS = 8 /* along the terms */ };

void products_unrolled(Emit *e, const char *name, int n, int step) {
  emit(e, "CNNC_UNROLL");
  if (step == 1)
    emit_open(e, "for (int %s = 0; %s < %d; %s++)", name, name, n, name);
  else
    emit_open(e, "for (int %s = 0; %s < %d; %s += %d)", name, name, n, name, step);
}

int products_rows(const Gemm *g) {
  return g->as->mma ? g->tile.i / MMA_ROWS : g->tile.i;
}

int products_columns(const Gemm *g) {
  return g->as->mma ? g->tile.j / MMA_COLUMNS : g->tile.j;
}

/* ---- where ---- */

/* Row i of a thread, whose rows are the part-th in the tile. */
static const char *thread_row(Arena *arena, int each, int tile, const char *part, const char *i) {
  if (each <= FOUR) return arena_printf(arena, "%d * %s + %s", each, part, i);
  return arena_printf(arena, "%s / 4 * %d + 4 * %s + %s %% 4", i, FOUR * tile / each, part, i);
}

const char *products_row(const Gemm *g) {
  Arena *arena = g->w->e->arena;
  if (g->as->mma)
    return arena_printf(arena, "%d * across + %d * i + lane / 4", g->tile.i, MMA_ROWS);
  return thread_row(arena, g->tile.i, g->tile.rows, "across", "i");
}

const char *products_column(const Gemm *g) {
  Arena *arena = g->w->e->arena;
  if (g->as->mma) return arena_printf(arena, "%d * down + %d * j", g->tile.j, MMA_COLUMNS);
  return thread_row(arena, g->tile.j, g->tile.columns, "down", "j");
}

void products_begin(Gemm *g) {
  Emit *e = g->w->e;
  const int across = g->tile.rows / g->tile.i;
  const char *own = "thread";
  if (g->as->mma) {
    emit(e, "const int lane = thread %% %d, warp = thread / %d;", DEVICE_WARP, DEVICE_WARP);
    own = "warp";
  }
  emit(e, "const int across = %s %% %d, down = %s / %d;", own, across, own, across);
  const char *results = g->as->mma ? arena_printf(e->arena, "[%d]", MMA_RESULTS) : "";
  emit(e, "float acc[%d][%d]%s;", products_rows(g), products_columns(g), results);
  products_unrolled(e, "i", products_rows(g), 1);
  products_unrolled(e, "j", products_columns(g), 1);
  if (g->as->mma)
    emit(e, "acc[i][j][0] = acc[i][j][1] = acc[i][j][2] = acc[i][j][3] = 0.0f;");
  else
    emit(e, "acc[i][j] = 0.0f;");
  emit_close(e);
  emit_close(e);
  if (g->tile.warps) emit(e, "cnnc_wgmma_hold(acc[0], %d);", products_columns(g));
}

/* ---- multiply and add ---- */

static void stage_by_threads(Gemm *g) {
  Emit *e = g->w->e;
  products_unrolled(e, "k", g->tile.words, 1);
  emit(e, "float a[%d], b[%d];", g->tile.i, g->tile.j);
  emit(e, "CNNC_UNROLL");
  emit(e, "for (int i = 0; i < %d; i++) a[i] = x[slot][k][%s];", g->tile.i, products_row(g));
  emit(e, "CNNC_UNROLL");
  emit(e, "for (int j = 0; j < %d; j++) b[j] = w[slot][k][%s];", g->tile.j, products_column(g));
  products_unrolled(e, "i", g->tile.i, 1);
  emit(e, "CNNC_UNROLL");
  emit(e, "for (int j = 0; j < %d; j++) acc[i][j] += a[i] * b[j];", g->tile.j);
  emit_close(e);
  emit_close(e);
}

/* ---- tensor cores ---- */

/* name[loop]: a thread's words of 16 rows of an operand in lines of terms. Threads point at terms
 * from 8 * k on and at chunks of 8 rows. */
static void print_load_lines(Gemm *g, const char *name, const char *loop, int units,
                             const Operand *o, const char *term, const char *chunk) {
  Emit *e = g->w->e;
  products_unrolled(e, loop, units, 1);
  emit(e, "const int line = 8 * (%s) + lane %% 8, at = %s;", term, chunk);
  emit(e, "cnnc_ldmatrix_trans_x4(%s[%s], %s);", name, loop,
       stage_line(g, o, "slot", "line", "at"));
  emit_close(e);
}

/* name[loop] and, of split numbers, name_rest[loop]: a thread's words of 16 rows of an operand,
 * from two chunks on behind chunk k. Threads point at rows and chunks in the order of those
 * words. */
static void print_load(Gemm *g, const char *name, const char *loop, int units, const Operand *o,
                       const char *row, const char *chunk) {
  Emit *e = g->w->e;
  products_unrolled(e, loop, units, 1);
  emit(e, "const int at = %s;", row);
  emit(e, "cnnc_ldmatrix_x4(%s[%s], %s);", name, loop, stage_chunk(g, o, "slot", chunk, "at"));
  if (g->as->split)
    emit(e, "%s(%s[%s], %s_rest[%s]);", g->as->late, name, loop, name, loop);
  else if (g->as->late && o->copied)
    emit(e, "%s(%s[%s]);", g->as->late, name, loop);
  emit_close(e);
}

/* Columns come in pairs of units. */
static void stage_by_warps(Gemm *g) {
  Emit *e = g->w->e;
  const int rows = products_rows(g), columns = products_columns(g), pairs = columns / 2;
  const char *mma = g->as->mma;
  products_unrolled(e, "k", g->tile.words / GEMM_CHUNK, MMA_WORDS / GEMM_CHUNK);
  emit(e, "unsigned a[%d][4], b[%d][4];", rows, pairs);
  if (g->as->split) emit(e, "unsigned a_rest[%d][4], b_rest[%d][4];", rows, pairs);
  if (g->x.lines)
    print_load_lines(g, "a", "i", rows, &g->x, "k + lane / 16",
                     arena_printf(e->arena, "%d * across + %d * i + lane / 8 %% 2", g->tile.i / 8,
                                  MMA_ROWS / 8));
  else
    print_load(g, "a", "i", rows, &g->x,
               arena_printf(e->arena, "%d * across + %d * i + lane %% 16", g->tile.i, MMA_ROWS),
               "k + lane / 16");
  if (g->y.lines)
    print_load_lines(g, "b", "j", pairs, &g->y, "k + lane / 8 % 2",
                     arena_printf(e->arena, "%d * down + %d * j + lane / 16", g->tile.j / 8,
                                  2 * MMA_COLUMNS / 8));
  else
    print_load(g, "b", "j", pairs, &g->y,
               arena_printf(e->arena, "%d * down + %d * j + lane / 16 * 8 + lane %% 8", g->tile.j,
                            2 * MMA_COLUMNS),
               "k + lane / 8 % 2");
  products_unrolled(e, "i", rows, 1);
  products_unrolled(e, "j", columns, 1);
  if (g->as->split) {
    emit(e, "%s(acc[i][j], a_rest[i], &b[j / 2][j %% 2 * 2]);", mma);
    emit(e, "%s(acc[i][j], a[i], &b_rest[j / 2][j %% 2 * 2]);", mma);
  }
  emit(e, "%s(acc[i][j], a[i], &b[j / 2][j %% 2 * 2]);", mma);
  emit_close(e);
  emit_close(e);
  emit_close(e);
}

/* Four warps have rows beside each other. In boxes a chunk of all rows stands before the next. */
static void stage_by_four_warps(Gemm *g) {
  Emit *e = g->w->e;
  const int own = g->tile.warps * g->tile.i, apart = g->tile.wide ? g->tile.rows : 0;
  emit(e, "cnnc_wgmma_fence();");
  products_unrolled(e, "k", g->tile.words / GEMM_CHUNK, MMA_WORDS / GEMM_CHUNK);
  if (g->x.lines || g->y.lines)
    emit(e, "%s_%d_%s%s(acc[0], x[slot][across / %d * %d], w[slot][down * %d], k);", g->as->wgmma,
         g->tile.j, g->x.lines ? "x" : "", g->y.lines ? "w" : "", g->tile.warps, own, g->tile.j);
  else
    emit(e, "%s_%d(acc[0], x[slot][across / %d * %d], %d, w[slot][down * %d], k);", g->as->wgmma,
         g->tile.j, g->tile.warps, apart ? own * GEMM_CHUNK / GEMM_TURNED : own, apart, g->tile.j);
  emit_close(e);
  emit(e, "cnnc_wgmma_commit();");
}

void products_stage(Gemm *g) {
  if (g->tile.warps)
    stage_by_four_warps(g);
  else if (g->as->mma)
    stage_by_warps(g);
  else
    stage_by_threads(g);
}
