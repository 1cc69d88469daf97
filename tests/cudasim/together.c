/* together.c - products of four warps, which go on while their threads do (wgmma). A device may
 * make them at once, or as late as they are waited for: CUDASIM_ASYNC says which. Either way nobody
 * may write what they read before their threads have waited. Of the rows that are read, each thread
 * looks after some. */
#include <stdint.h>
#include <string.h>

#include "cudasim.h"
#include "pending.h"

enum {
  TOGETHER = 128 /* threads */,
  ROWS = 64,
  STEP = 8,
  CHUNK = 4 /* words */,
  TERMS = 16,
  LINE_ROWS = 8
};

typedef struct Operands {
  CudasimTile rows, column;
  int columns, k; /* no gap is compared */
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
  cudasim_product(p->kind, p->of.columns, cudasim_thread->number % TOGETHER, p->d, &p->of.rows,
                  &p->of.column, p->of.k);
}

/* ---- what is read ---- */

static void hold_chunk(const void *code, const unsigned *at, bool yes) {
  if (yes)
    cudasim_memory_hold(code, at, CHUNK * sizeof *at);
  else
    cudasim_memory_release(at, CHUNK * sizeof *at);
}

/* Both chunks of a row that a product begins at lie in 16 bytes each; so do 8 rows of each of its
 * terms. */
static void each_chunk(const void *code, const CudasimTile *t, unsigned rows, int k, bool yes) {
  const unsigned thread = cudasim_thread->number % TOGETHER, first = (unsigned)k;
  for (unsigned i = thread; t->lines && i < rows / LINE_ROWS * TERMS; i += TOGETHER)
    hold_chunk(code, t->at + cudasim_line_chunk(first * LINE_ROWS + i % TERMS, i / TERMS), yes);
  for (unsigned row = thread; !t->lines && row < rows; row += TOGETHER)
    for (unsigned chunk = first; chunk < first + STEP / CHUNK; chunk++)
      hold_chunk(code, t->at + cudasim_chunk(row, chunk, t->apart), yes);
}

static void each_row(const void *code, const Operands *of, bool yes) {
  each_chunk(code, &of->rows, ROWS, of->k, yes);
  each_chunk(code, &of->column, (unsigned)of->columns, of->k, yes);
}

/* ---- the functions ---- */

/* What all lanes must name alike, as an instruction has it once. */
static void agree(const Operands *of, const void *code, const char *file, int line) {
  const unsigned char(*all)[CUDASIM_BYTES] = cudasim_meet(of, sizeof *of, file, line);
  for (int lane = 0; lane < CUDASIM_LANES; lane++)
    if (memcmp(all[lane], of, sizeof *of) != 0)
      cudasim_found(code, "lanes of a warp multiply different tiles");
  if ((uintptr_t)of->rows.at % (of->rows.apart ? 16 : 1024) || (uintptr_t)of->column.at % 1024)
    cudasim_found(code, "a tile does not begin at a multiple of 1024 bytes");
  if (!fenced[cudasim_thread->number]) cudasim_found(code, "products without a fence before them");
}

void cudasim_wgmma(CudasimNumber kind, int columns, float d[][4], CudasimTile rows,
                   CudasimTile column, int k, const char *file, int line) {
  const void *code = __builtin_return_address(0);
  const Operands of = {rows, column, columns, k};
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
