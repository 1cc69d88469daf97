/* tensor.c - tensor cores: numbers of 16 bits and tf32, and the product of a warp, thread by
 * thread: each works out its four results from the words that the others bring. Which thread has
 * which words stands in runtime/cuda/tensor.cuh. So are rows of words that a warp loads for all of
 * its threads (ldmatrix), and the products of four warps (runtime/cuda/wgmma.cuh). */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "cudasim.h"

enum { WORDS = 8, ROWS_WORDS = 4, COLUMNS_WORDS = 2 };

static uint32_t bits_of(float number) {
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

static float float_of(uint32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

/* ---- rounding ---- */

unsigned cudasim_tf32(float number) {
  if (number != number || isinf(number)) return bits_of(number);
  return (bits_of(number) + 0x1000u) & ~0x1fffu;
}

static uint32_t bf16(float number) {
  const uint32_t bits = bits_of(number);
  if (number != number) return 0x7fffu;
  return (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

static uint32_t f16(float number) {
  const uint32_t sign = bits_of(number) >> 16 & 0x8000u, bits = bits_of(fabsf(number));
  if (number != number) return 0x7fffu;
  if (fabsf(number) >= 65520.0f) return sign | 0x7c00u;
  if (fabsf(number) < 0x1p-14f) return sign | (uint32_t)lrintf(fabsf(number) * 0x1p24f);
  return sign | (((bits + 0xfffu + (bits >> 13 & 1)) >> 13) - (112u << 10));
}

unsigned cudasim_bf16(float low, float high) {
  return bf16(low) | bf16(high) << 16;
}

unsigned cudasim_f16(float low, float high) {
  return f16(low) | f16(high) << 16;
}

/* The exponents of f16 begin 112 later than those of float; what has none is a multiple of 2^-24.
 */
static float of_f16(uint32_t bits) {
  const float size = float_of((bits & 0x7fffu) << 13) * 0x1p112f;
  const float number = size < 0x1p16f ? size : size > 0x1p16f ? NAN : INFINITY;
  return bits & 0x8000u ? -number : number;
}

float cudasim_from_f16(unsigned short bits) {
  return of_f16(bits);
}

/* ---- products ---- */

/* The numbers of a row or column: each word has two, of tf32 one. */
typedef struct Numbers {
  double low[WORDS], high[WORDS];
} Numbers;

static void set_word(Numbers *n, CudasimNumber kind, unsigned i, uint32_t word) {
  n->high[i] = 0;
  switch (kind) {
  case CUDASIM_TF32: n->low[i] = float_of(word & ~0x1fffu); break;
  case CUDASIM_BF16:
    n->low[i] = float_of(word << 16);
    n->high[i] = float_of(word & ~0xffffu);
    break;
  default: n->low[i] = of_f16(word & 0xffffu), n->high[i] = of_f16(word >> 16);
  }
}

/* A thread's four results: of two rows and two columns. */
static void add_products(float d[4], const Numbers row[2], const Numbers column[2]) {
  for (unsigned r = 0; r < 4; r++) {
    const Numbers *x = &row[r / 2], *y = &column[r % 2];
    double sum = d[r];
    for (unsigned i = 0; i < WORDS; i++) sum += x->low[i] * y->low[i] + x->high[i] * y->high[i];
    d[r] = (float)sum;
  }
}

void cudasim_mma(CudasimNumber kind, float d[4], const unsigned a[4], const unsigned b[2],
                 const char *file, int line) {
  uint32_t own[ROWS_WORDS + COLUMNS_WORDS] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const unsigned lane = cudasim_thread->number % CUDASIM_LANES;
  const unsigned char(*all)[CUDASIM_BYTES] = cudasim_meet(own, sizeof own, file, line);
  Numbers row[2], column[2];
  for (unsigned i = 0; i < WORDS; i++) {
    uint32_t x[ROWS_WORDS + COLUMNS_WORDS];
    memcpy(x, all[lane / 4 * 4 + i % 4], sizeof x);
    for (unsigned r = 0; r < 2; r++) {
      uint32_t y[ROWS_WORDS + COLUMNS_WORDS];
      memcpy(y, all[(lane % 4 * 2 + r) * 4 + i % 4], sizeof y);
      set_word(&row[r], kind, i, x[r + i / 4 * 2]);
      set_word(&column[r], kind, i, y[ROWS_WORDS + i / 4]);
    }
  }
  add_products(d, row, column);
}

/* Of a tile in lines, the number of a row and term. */
static uint32_t number_of(const unsigned *lines, unsigned row, unsigned term) {
  return lines[cudasim_line_chunk(term, row / 8) + row % 8 / 2] >> row % 2 * 16 & 0xffffu;
}

/* Word `at` of a row, counted from chunk k on. */
static uint32_t word_of(const CudasimTile *t, unsigned row, int k, unsigned at) {
  enum { CHUNK = 4, CHUNK_TERMS = 8 };
  const unsigned term = (unsigned)k * CHUNK_TERMS + 2 * at;
  if (t->lines) return number_of(t->at, row, term) | number_of(t->at, row, term + 1) << 16;
  return t->at[cudasim_chunk(row, (unsigned)k + at / CHUNK, t->apart) + at % CHUNK];
}

static void set_row(Numbers *n, CudasimNumber kind, const CudasimTile *t, unsigned row, int k) {
  for (unsigned i = 0; i < WORDS; i++) set_word(n, kind, i, word_of(t, row, k, i));
}

void cudasim_product(CudasimNumber kind, int columns, unsigned thread, float d[][4],
                     const CudasimTile *rows, const CudasimTile *column, int k) {
  const unsigned lane = thread % CUDASIM_LANES, first = thread / CUDASIM_LANES * 16 + lane / 4;
  Numbers x[2], y[2];
  for (unsigned r = 0; r < 2; r++) set_row(&x[r], kind, rows, first + 8 * r, k);
  for (unsigned j = 0; j < (unsigned)columns / 8; j++) {
    for (unsigned r = 0; r < 2; r++) set_row(&y[r], kind, column, 8 * j + lane % 4 * 2 + r, k);
    add_products(d[j], x, y);
  }
}

/* ---- words of a warp ---- */

void cudasim_ldmatrix_x4(unsigned word[4], const unsigned *at, const char *file, int line) {
  enum { BLOCKS = 4, ROWS = 8, ROW_WORDS = 4, ROW_BYTES = 16 };
  const unsigned lane = cudasim_thread->number % CUDASIM_LANES;
  cudasim_memory_access(__builtin_return_address(0), at, ROW_BYTES, false);
  const unsigned char(*row)[CUDASIM_BYTES] = cudasim_meet(at, ROW_BYTES, file, line);
  for (unsigned b = 0; b < BLOCKS; b++)
    memcpy(&word[b], row[ROWS * b + lane / ROW_WORDS] + lane % ROW_WORDS * sizeof *word,
           sizeof *word);
}

/* Blocks of 8 by 8 numbers of 16 bits, turned over. */
void cudasim_ldmatrix_trans_x4(unsigned word[4], const unsigned *at, const char *file, int line) {
  enum { BLOCKS = 4, LINES = 8, LINE_BYTES = 16 };
  const unsigned lane = cudasim_thread->number % CUDASIM_LANES;
  cudasim_memory_access(__builtin_return_address(0), at, LINE_BYTES, false);
  const unsigned char(*row)[CUDASIM_BYTES] = cudasim_meet(at, LINE_BYTES, file, line);
  for (unsigned b = 0; b < BLOCKS; b++) {
    uint16_t number[2];
    for (unsigned i = 0; i < 2; i++)
      memcpy(&number[i], row[LINES * b + lane % 4 * 2 + i] + lane / 4 * sizeof *number,
             sizeof *number);
    word[b] = number[0] | (uint32_t)number[1] << 16;
  }
}

void cudasim_store_x4(unsigned *to, const unsigned word[4]) {
  cudasim_memory_access(__builtin_return_address(0), to, 4 * sizeof *word, true);
  memcpy(to, word, 4 * sizeof *word);
}
