/* together.c - products of four warps, which go on while their threads do (wgmma). A device may
 * make them at once, or as late as they are waited for: CUDASIM_ASYNC says which. Either way nobody
 * may write what they read before their threads have waited. Of the rows that are read, each thread
 * looks after some. */
#include <stdint.h>
#include <string.h>

#include "cudasim.h"
#include "pending.h"

enum { TOGETHER = 128 /* threads */, ROWS = 64, STEP = 8, CHUNK = 4 /* words */ };

typedef struct Operands {
  const unsigned *rows, *column; /* where their first rows begin */
  int columns;
  short apart, k; /* no gap is compared */
} Operands;

typedef struct Product {
  Pending pending;
  Operands of;
  CudasimNumber kind;
  float (*d)[4];
} Product;

/* Of each thread of the block: products that it has not waited for; are registers in order? */
static PendingList begun[CUDASIM_THREADS];
static bool fenced[CUDASIM_THREADS];
static bool late;

void cudasim_product_late(bool yes) {
  late = yes;
}

static void make(const Product *p) {
  cudasim_product(p->kind, p->of.columns, cudasim_thread->number % TOGETHER, p->d, p->of.rows,
                  p->of.apart, p->of.column, p->of.k);
}

/* ---- what is read ---- */

/* Both chunks of a row that a product begins at lie in 16 bytes each. */
static void each_chunk(const void *code, const unsigned *rows, unsigned row, int apart, int k,
                       bool yes) {
  for (unsigned chunk = (unsigned)k; chunk < (unsigned)k + STEP / CHUNK; chunk++) {
    const unsigned *at = rows + cudasim_chunk(row, chunk, apart);
    if (yes)
      cudasim_memory_hold(code, at, CHUNK * sizeof *at);
    else
      cudasim_memory_release(at, CHUNK * sizeof *at);
  }
}

static void each_row(const void *code, const Operands *of, bool yes) {
  const unsigned thread = cudasim_thread->number % TOGETHER;
  if (thread < ROWS) each_chunk(code, of->rows, thread, of->apart, of->k, yes);
  for (unsigned row = thread; row < (unsigned)of->columns; row += TOGETHER)
    each_chunk(code, of->column, row, 0, of->k, yes);
}

/* ---- the functions ---- */

/* What all lanes must name alike, as an instruction has it once. */
static void agree(const Operands *of, const void *code, const char *file, int line) {
  const unsigned char(*all)[CUDASIM_BYTES] = cudasim_meet(of, sizeof *of, file, line);
  for (int lane = 0; lane < CUDASIM_LANES; lane++)
    if (memcmp(all[lane], of, sizeof *of) != 0)
      cudasim_found(code, "lanes of a warp multiply different tiles");
  if ((uintptr_t)of->rows % (of->apart ? 16 : 1024) || (uintptr_t)of->column % 1024)
    cudasim_found(code, "a tile does not begin at a multiple of 1024 bytes");
  if (!fenced[cudasim_thread->number]) cudasim_found(code, "products without a fence before them");
}

void cudasim_wgmma(CudasimNumber kind, int columns, float d[][4], const unsigned *rows, int apart,
                   const unsigned *column, int k, const char *file, int line) {
  const void *code = __builtin_return_address(0);
  const Operands of = {rows, column, columns, (short)apart, (short)k};
  agree(&of, code, file, line);
  Product *p = pending_add(&begun[cudasim_thread->number], sizeof *p, code);
  p->of = of;
  p->kind = kind;
  p->d = d;
  each_row(code, &of, true);
  if (!late) make(p);
}

void cudasim_wgmma_written(void) {
  cudasim_memory_written();
}

void cudasim_wgmma_fence(void) {
  fenced[cudasim_thread->number] = true;
}

void cudasim_wgmma_commit(void) {
  begun[cudasim_thread->number].groups++;
}

void cudasim_wgmma_wait(unsigned groups) {
  const unsigned thread = cudasim_thread->number;
  fenced[thread] = false;
  for (Product *p; (p = pending_take(&begun[thread], groups)); free(p)) {
    if (late) make(p);
    each_row(p->pending.code, &p->of, false);
  }
}

void cudasim_products_end(void) {
  const unsigned thread = cudasim_thread->number;
  PendingList *list = &begun[thread];
  if (list->first)
    cudasim_found(list->first->code, "a thread ends while products of its are on their way");
  list->groups = 0;
  fenced[thread] = false;
}
