/* conform_cpu.c - what wrappers of instructions have to compute: the simulator's tensor.c, one lane
 * of a warp after the other. So the program says whether a device is what tests/cudasim takes it
 * for. */
#include <string.h>

#include "cudasim/cudasim.h"

static unsigned char bytes[CUDASIM_LANES][CUDASIM_BYTES];
static CudasimThread thread;
const CudasimThread *cudasim_thread = &thread;

/* Every lane has been here before, with the same bytes. */
const unsigned char (*cudasim_meet(const void *brought, size_t size, const char *file,
                                   int line))[CUDASIM_BYTES] {
  (void)file, (void)line;
  memcpy(bytes[thread.number], brought, size);
  return (const unsigned char(*)[CUDASIM_BYTES])bytes;
}

/* Nothing is watched here. */
void cudasim_memory_access(const void *code, const void *at, size_t size, bool write) {
  (void)code, (void)at, (void)size, (void)write;
}

static void all_lanes(int kind, float d[][4], unsigned a[][4], unsigned b[][2]) {
  for (thread.number = 0; thread.number < CUDASIM_LANES; thread.number++)
    cudasim_mma((CudasimNumber)kind, d[thread.number], a[thread.number], b[thread.number], __FILE__,
                __LINE__);
}

/* What each lane of a warp gets of the rows that all of them name; turned over. */
void cpu_ldmatrix(unsigned word[][4], unsigned rows[][4], const int *row) {
  for (int again = 0; again < 2; again++)
    for (thread.number = 0; thread.number < CUDASIM_LANES; thread.number++)
      cudasim_ldmatrix_x4(word[thread.number], rows[row[thread.number]], __FILE__, __LINE__);
}
void cpu_ldmatrix_trans(unsigned word[][4], unsigned rows[][4], const int *row) {
  for (int again = 0; again < 2; again++)
    for (thread.number = 0; thread.number < CUDASIM_LANES; thread.number++)
      cudasim_ldmatrix_trans_x4(word[thread.number], rows[row[thread.number]], __FILE__, __LINE__);
}

/* d += rows * columns of four warps, along all chunks of a row, or all lines: 1 of rows, 2 of
 * columns. */
void cpu_products(int kind, int columns, float d[][32][4], const unsigned *rows, int apart,
                  const unsigned *column, int lines) {
  const CudasimTile x = {rows, apart, lines & 1}, w = {column, 0, lines >> 1};
  for (int k = 0; k < 8; k += 2)
    for (unsigned i = 0; i < 4 * CUDASIM_LANES; i++)
      cudasim_product((CudasimNumber)kind, columns, i, d[i], &x, &w, k);
}

/* d += a * b of a whole warp. */
void cpu_mma(int kind, float d[][4], unsigned a[][4], unsigned b[][2]) {
  float before[CUDASIM_LANES][4];
  memcpy(before, d, sizeof before);
  all_lanes(kind, before, a, b);
  all_lanes(kind, d, a, b);
}
