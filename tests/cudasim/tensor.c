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

/* To a multiple of the last digit that a number of its size has. */
static uint32_t f16(float number) {
  const uint32_t sign = bits_of(number) >> 16 & 0x8000u;
  const float size = fabsf(number);
  int exponent;
  if (number != number) return 0x7fffu;
  if (size >= 65520.0f) return sign | 0x7c00u;
  if (size < 0x1p-14f) return sign | (uint32_t)lrintf(ldexpf(size, 24));
  frexpf(size, &exponent);
  const uint32_t digits = (uint32_t)lrintf(ldexpf(size, 11 - exponent)); /* 1024 to 2048 */
  return sign | (((uint32_t)(exponent + 13) << 10) + digits);
}

unsigned cudasim_bf16(float low, float high) {
  return bf16(low) | bf16(high) << 16;
}

unsigned cudasim_f16(float low, float high) {
  return f16(low) | f16(high) << 16;
}

static float of_f16(uint32_t bits) {
  const float sign = bits & 0x8000u ? -1 : 1;
  const int exponent = bits >> 10 & 31;
  const float digits = (float)(bits & 1023u);
  if (exponent == 31) return digits == 0 ? sign * INFINITY : NAN;
  return sign * (exponent ? ldexpf(1024 + digits, exponent - 25) : ldexpf(digits, -24));
}

float cudasim_from_f16(unsigned short bits) {
  return of_f16(bits);
}

/* ---- products ---- */

/* The sum of the products of two words' numbers. */
static double product(CudasimNumber kind, uint32_t a, uint32_t b) {
  switch (kind) {
  case CUDASIM_TF32: return (double)float_of(a & ~0x1fffu) * float_of(b & ~0x1fffu);
  case CUDASIM_BF16:
    return (double)float_of(a << 16) * float_of(b << 16) +
           (double)float_of(a & ~0xffffu) * float_of(b & ~0xffffu);
  default:
    return (double)of_f16(a & 0xffffu) * of_f16(b & 0xffffu) +
           (double)of_f16(a >> 16) * of_f16(b >> 16);
  }
}

void cudasim_mma(CudasimNumber kind, float d[4], const unsigned a[4], const unsigned b[2],
                 const char *file, int line) {
  uint32_t own[ROWS_WORDS + COLUMNS_WORDS] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const unsigned lane = cudasim_thread->number % CUDASIM_LANES;
  const unsigned char(*all)[CUDASIM_BYTES] = cudasim_meet(own, sizeof own, file, line);
  for (unsigned r = 0; r < 4; r++) {
    const unsigned row = lane / 4 + r / 2 * 8, column = lane % 4 * 2 + r % 2;
    double sum = d[r];
    for (unsigned k = 0; k < WORDS; k++) {
      uint32_t x[ROWS_WORDS + COLUMNS_WORDS], y[ROWS_WORDS + COLUMNS_WORDS];
      memcpy(x, all[row % 8 * 4 + k % 4], sizeof x);
      memcpy(y, all[column * 4 + k % 4], sizeof y);
      sum += product(kind, x[row / 8 + k / 4 * 2], y[ROWS_WORDS + k / 4]);
    }
    d[r] = (float)sum;
  }
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

void cudasim_product(CudasimNumber kind, int columns, unsigned thread, float d[][4],
                     const CudasimTile *rows, const CudasimTile *column, int k) {
  const unsigned lane = thread % CUDASIM_LANES, first = thread / CUDASIM_LANES * 16 + lane / 4;
  for (unsigned j = 0; j < (unsigned)columns / 8; j++)
    for (unsigned r = 0; r < 4; r++) {
      double sum = d[j][r];
      for (unsigned i = 0; i < WORDS; i++)
        sum += product(kind, word_of(rows, first + r / 2 * 8, k, i),
                       word_of(column, 8 * j + lane % 4 * 2 + r % 2, k, i));
      d[j][r] = (float)sum;
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
