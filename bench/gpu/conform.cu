/* conform.cu - does the device do what tests/cudasim takes it for? Each wrapper of runtime/cuda/
 * around instructions runs on it and on the CPU. Rounding is compared bit by bit, at all numbers of
 * 19 bits and just beside them; products of whole numbers, whose sums are exact in any order, bit
 * by bit too; boxes of tensors, inside and across their borders.
 *
 * Status: 0 all alike, 1 not, 3 there is no device. */
#include <cuda.h>
#include <cuda_runtime.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cuda/loops.cuh"
#include "cuda/gemm.cuh"
#include "cuda/tensor.cuh"
#include "cuda/lines.cuh"
#include "cuda/wgmma.cuh"
#include "cuda/wgmma_lines.cuh"
#include "cuda/map.cuh"
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#include "cuda/tma.cuh"
#define HAS_BOXES
#endif

extern "C" {
unsigned cudasim_tf32(float);
unsigned cudasim_bf16(float, float);
unsigned cudasim_f16(float, float);
float cudasim_from_f16(unsigned short);
void cpu_mma(int kind, float d[][4], unsigned a[][4], unsigned b[][2]);
void cpu_ldmatrix(unsigned word[][4], unsigned rows[][4], const int *row);
void cpu_ldmatrix_trans(unsigned word[][4], unsigned rows[][4], const int *row);
void cpu_products(int kind, int columns, float d[][32][4], const unsigned *rows, int apart,
                  const unsigned *column, int lines);
}

enum { LANES = 32, SHOWN = 5 };

static int failures, checks;

static void check(const char *what, long wrong, long of) {
  checks++;
  failures += wrong != 0;
  printf("%-44s %9ld compared, %s\n", what, of, wrong ? "NOT alike" : "alike");
  if (wrong) printf("  %ld differ\n", wrong);
  fflush(stdout);
}

static void must(cudaError_t error, const char *what) {
  if (error == cudaSuccess) return;
  printf("%s: %s\n", what, cudaGetErrorString(error));
  exit(1);
}

template <class T> static T *on_device(const T *from, size_t count) {
  T *to;
  must(cudaMalloc((void **)&to, count * sizeof *to), "cudaMalloc");
  must(cudaMemcpy(to, from, count * sizeof *to, cudaMemcpyHostToDevice), "cudaMemcpy");
  return to;
}

template <class T> static void fetched(T *to, T *from, size_t count) {
  must(cudaMemcpy(to, from, count * sizeof *to, cudaMemcpyDeviceToHost), "kernel");
  must(cudaFree(from), "cudaFree");
}

/* ---- rounding ---- */

typedef enum Rounding { TF32, TF32_REST, BF16, F16, ROUNDINGS } Rounding;
static const char *const rounding_names[] = {"cnnc_tf32", "cnnc_tf32 of the rest", "cnnc_bf16",
                                             "cnnc_f16"};

static __global__ void round_all(unsigned *to, const float *from, int count, Rounding how) {
  const int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
  if (i + 1 >= count) return;
  switch (how) {
  case TF32: to[i] = cnnc_tf32(from[i]); break;
  case TF32_REST: to[i] = cnnc_tf32(from[i] - __uint_as_float(cnnc_tf32(from[i]))); break;
  case BF16: to[i] = cnnc_bf16(from[i], from[i + 1]); break;
  default: to[i] = cnnc_f16(from[i], from[i + 1]); break;
  }
}

static float number(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint32_t expected(Rounding how, float a, float b) {
  switch (how) {
  case TF32: return cudasim_tf32(a);
  case TF32_REST: return cudasim_tf32(a - number(cudasim_tf32(a)));
  case BF16: return cudasim_bf16(a, b);
  default: return cudasim_f16(a, b);
  }
}

/* NaN is NaN, whatever its bits. */
static bool alike_half(uint32_t a, uint32_t b, Rounding how) {
  const uint32_t infinity = how == BF16 ? 0x7f80u : 0x7c00u;
  return a == b || ((a & 0x7fffu) > infinity && (b & 0x7fffu) > infinity);
}

static bool alike(uint32_t a, uint32_t b, Rounding how) {
  if (how <= TF32_REST) return a == b || (isnan(number(a)) && isnan(number(b)));
  return alike_half(a & 0xffffu, b & 0xffffu, how) && alike_half(a >> 16, b >> 16, how);
}

static void check_rounding(Rounding how, const float *from, int count) {
  uint32_t *to = (uint32_t *)calloc((size_t)count, sizeof *to);
  float *device_from = on_device(from, (size_t)count);
  uint32_t *device_to = on_device(to, (size_t)count);
  long wrong = 0;
  must(CNNC_START(round_all, (unsigned)(count + 255) / 256, 256, NULL, device_to, device_from,
                  count, how),
       "launch");
  fetched(to, device_to, (size_t)count);
  for (int i = 0; i + 1 < count; i++) {
    const uint32_t bits = expected(how, from[i], from[i + 1]);
    if (alike(to[i], bits, how)) continue;
    if (wrong++ < SHOWN)
      printf("  %s(%a, %a): %#010x, expected %#010x\n", rounding_names[how], from[i], from[i + 1],
             to[i], bits);
  }
  must(cudaFree(device_from), "cudaFree");
  check(rounding_names[how], wrong, count - 1);
  free(to);
}

/* Numbers whose last bits beyond 19, and beyond 16, are those at which rounding decides; both
 * signs, all exponents. */
static void check_roundings(void) {
  static const uint32_t last[] = {0, 1, 0xfff, 0x1000, 0x1001, 0x1fff};
  enum { HIGH = 1 << 19, LAST = sizeof last / sizeof *last };
  float *from = (float *)malloc(sizeof *from * HIGH * LAST);
  int count = 0;
  for (uint32_t high = 0; high < HIGH; high++)
    for (int i = 0; i < LAST; i++) from[count++] = number(high << 13 | last[i]);
  for (int how = 0; how < ROUNDINGS; how++) check_rounding((Rounding)how, from, count);
  free(from);
}

static __global__ void widen_all(float *to) {
  const unsigned bits = threadIdx.x + blockIdx.x * blockDim.x;
  to[bits] = cnnc_from_f16((unsigned short)bits);
}

static void check_widening(void) {
  enum { ALL = 1 << 16 };
  static float to[ALL];
  float *device_to = on_device(to, ALL);
  long wrong = 0;
  must(CNNC_START(widen_all, ALL / 256, 256, NULL, device_to), "launch");
  fetched(to, device_to, ALL);
  for (int bits = 0; bits < ALL; bits++) {
    const float value = cudasim_from_f16((unsigned short)bits);
    if (memcmp(&to[bits], &value, sizeof value) != 0 && !(isnan(to[bits]) && isnan(value)) &&
        wrong++ < SHOWN)
      printf("  cnnc_from_f16(%#06x): %a, expected %a\n", bits, to[bits], value);
  }
  check("cnnc_from_f16", wrong, ALL);
}

/* ---- products ---- */

typedef enum Form { MMA_TF32, MMA_BF16, MMA_F16, FORMS } Form; /* as CudasimNumber */
static const char *const form_names[] = {"cnnc_mma_tf32", "cnnc_mma_bf16", "cnnc_mma_f16"};

/* What a lane has of the results, of the rows and of the columns. */
typedef struct Sums {
  float at[4];
} Sums;
typedef struct Rows {
  unsigned at[4];
} Rows;
typedef struct Columns {
  unsigned at[2];
} Columns;

static __global__ void multiply(Sums *d, const Rows *a, const Columns *b, Form form) {
  const unsigned i = threadIdx.x + blockIdx.x * LANES;
  Sums sum = d[i];
  if (form == MMA_TF32) cnnc_mma_tf32(sum.at, a[i].at, b[i].at);
  if (form == MMA_BF16) cnnc_mma_bf16(sum.at, a[i].at, b[i].at);
  if (form == MMA_F16) cnnc_mma_f16(sum.at, a[i].at, b[i].at);
  d[i] = sum;
}

static uint32_t random_bits(void) {
  static uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 33);
}

static float whole(int most) {
  return (float)((int)(random_bits() % (unsigned)(2 * most + 1)) - most);
}

static uint32_t word(Form form, float a, float b, uint32_t noise) {
  if (form == MMA_TF32) return cudasim_tf32(a) | (noise & 0x1fffu);
  return form == MMA_BF16 ? cudasim_bf16(a, b) : cudasim_f16(a, b);
}

enum { WARPS = 64, WORDS = WARPS * LANES };

/* Sums of products of whole numbers times `unit`; noise: in bits that a word of tf32 does not
 * count. */
static void check_products(Form form, int most, float unit, bool noise, const char *about) {
  static Sums d[WORDS], on_cpu[WORDS];
  static Rows a[WORDS];
  static Columns b[WORDS];
  char what[80];
  long wrong = 0;
  for (int i = 0; i < WORDS; i++) {
    for (int k = 0; k < 4; k++)
      a[i].at[k] = word(form, whole(most) * unit, whole(most) * unit, noise ? random_bits() : 0);
    for (int k = 0; k < 2; k++)
      b[i].at[k] = word(form, whole(most), whole(most), noise ? random_bits() : 0);
    for (int k = 0; k < 4; k++) d[i].at[k] = whole(1000) * unit;
  }
  memcpy(on_cpu, d, sizeof d);
  for (int w = 0; w < WORDS; w += LANES) cpu_mma(form, &on_cpu[w].at, &a[w].at, &b[w].at);
  Sums *device_d = on_device(d, WORDS);
  Rows *device_a = on_device(a, WORDS);
  Columns *device_b = on_device(b, WORDS);
  must(CNNC_START(multiply, WARPS, LANES, NULL, device_d, device_a, device_b, form), "launch");
  fetched(d, device_d, WORDS);
  for (int i = 0; i < WORDS; i++)
    for (int k = 0; k < 4; k++)
      if (d[i].at[k] != on_cpu[i].at[k] && wrong++ < SHOWN)
        printf("  %s, warp %d, lane %d, result %d: %a, expected %a\n", form_names[form], i / LANES,
               i % LANES, k, d[i].at[k], on_cpu[i].at[k]);
  must(cudaFree(device_a), "cudaFree");
  must(cudaFree(device_b), "cudaFree");
  snprintf(what, sizeof what, "%s, %s", form_names[form], about);
  check(what, wrong, (long)WORDS * 4);
}

/* ---- products of four warps ---- */

enum { THREADS = 128, TILES = 16, ROWS = 64, COLUMNS = 256, ROW = 32, UNITS = COLUMNS / 8 };

/* Of each block: what its threads have of the results, and both operands as they lie in shared
 * memory. */
typedef struct Results {
  float at[THREADS][UNITS][4];
} Results;
typedef struct Operands {
  unsigned rows[ROWS][ROW], columns[COLUMNS][ROW];
} Operands;

/* In two groups, of which the first one is waited for while the other is made. */
#define PRODUCT(form, n, CALL)                                                                     \
  static __global__ void __launch_bounds__(THREADS)                                                \
      product_##form(Results *results, const Operands *from, int apart) {                          \
    CNNC_SHARED_TILES(1, x, ROWS, w, COLUMNS);                                                     \
    float d[n / 8][4];                                                                             \
    const int thread = (int)threadIdx.x;                                                           \
    (void)apart;                                                                                   \
    CNNC_UNROLL                                                                                    \
    for (int j = 0; j < n / 8; j++) CNNC_UNROLL                                                    \
    for (int r = 0; r < 4; r++) d[j][r] = results[blockIdx.x].at[thread][j][r];                    \
    for (int i = 0; i < ROW; i++) {                                                                \
      if (thread < ROWS) x[0][thread][i] = from[blockIdx.x].rows[thread][i];                       \
      for (int at = thread; at < COLUMNS; at += THREADS)                                           \
        w[0][at][i] = from[blockIdx.x].columns[at][i];                                             \
    }                                                                                              \
    cnnc_wgmma_written();                                                                          \
    __syncthreads();                                                                               \
    cnnc_wgmma_hold(d, n / 8);                                                                     \
    cnnc_wgmma_fence();                                                                            \
    CALL(form, d, x[0][0], apart, w[0][0], 0);                                                     \
    CALL(form, d, x[0][0], apart, w[0][0], 2);                                                     \
    cnnc_wgmma_commit();                                                                           \
    cnnc_wgmma_fence();                                                                            \
    CALL(form, d, x[0][0], apart, w[0][0], 4);                                                     \
    CALL(form, d, x[0][0], apart, w[0][0], 6);                                                     \
    cnnc_wgmma_commit();                                                                           \
    cnnc_wgmma_wait(1);                                                                            \
    cnnc_wgmma_wait(0);                                                                            \
    cnnc_wgmma_hold(d, n / 8);                                                                     \
    CNNC_UNROLL                                                                                    \
    for (int j = 0; j < n / 8; j++) CNNC_UNROLL                                                    \
    for (int r = 0; r < 4; r++) results[blockIdx.x].at[thread][j][r] = d[j][r];                    \
  }
#define OF_ROWS(form, d, x, apart, w, k)  cnnc_wgmma_##form(d, x, apart, w, k)
#define OF_LINES(form, d, x, apart, w, k) cnnc_wgmma_##form(d, x, w, k)
PRODUCT(bf16_32, 32, OF_ROWS)
PRODUCT(bf16_64, 64, OF_ROWS)
PRODUCT(bf16_128, 128, OF_ROWS)
PRODUCT(bf16_256, 256, OF_ROWS)
PRODUCT(f16_32, 32, OF_ROWS)
PRODUCT(f16_64, 64, OF_ROWS)
PRODUCT(f16_128, 128, OF_ROWS)
PRODUCT(f16_256, 256, OF_ROWS)
PRODUCT(bf16_32_x, 32, OF_LINES)
PRODUCT(bf16_64_x, 64, OF_LINES)
PRODUCT(bf16_64_w, 64, OF_LINES)
PRODUCT(bf16_64_xw, 64, OF_LINES)
PRODUCT(bf16_128_x, 128, OF_LINES)
PRODUCT(bf16_128_w, 128, OF_LINES)
PRODUCT(bf16_128_xw, 128, OF_LINES)
PRODUCT(bf16_256_x, 256, OF_LINES)
PRODUCT(bf16_256_w, 256, OF_LINES)
PRODUCT(bf16_256_xw, 256, OF_LINES)

static const struct Product {
  const char *name;
  void (*kernel)(Results *, const Operands *, int apart);
  Form form;
  int columns;
  int lines; /* of terms: 1 of rows, 2 of columns */
} product_table[] = {
    {"cnnc_wgmma_bf16_32", product_bf16_32, MMA_BF16, 32, 0},
    {"cnnc_wgmma_bf16_64", product_bf16_64, MMA_BF16, 64, 0},
    {"cnnc_wgmma_bf16_128", product_bf16_128, MMA_BF16, 128, 0},
    {"cnnc_wgmma_bf16_256", product_bf16_256, MMA_BF16, 256, 0},
    {"cnnc_wgmma_f16_32", product_f16_32, MMA_F16, 32, 0},
    {"cnnc_wgmma_f16_64", product_f16_64, MMA_F16, 64, 0},
    {"cnnc_wgmma_f16_128", product_f16_128, MMA_F16, 128, 0},
    {"cnnc_wgmma_f16_256", product_f16_256, MMA_F16, 256, 0},
    {"cnnc_wgmma_bf16_32_x", product_bf16_32_x, MMA_BF16, 32, 1},
    {"cnnc_wgmma_bf16_64_x", product_bf16_64_x, MMA_BF16, 64, 1},
    {"cnnc_wgmma_bf16_64_w", product_bf16_64_w, MMA_BF16, 64, 2},
    {"cnnc_wgmma_bf16_64_xw", product_bf16_64_xw, MMA_BF16, 64, 3},
    {"cnnc_wgmma_bf16_128_x", product_bf16_128_x, MMA_BF16, 128, 1},
    {"cnnc_wgmma_bf16_128_w", product_bf16_128_w, MMA_BF16, 128, 2},
    {"cnnc_wgmma_bf16_128_xw", product_bf16_128_xw, MMA_BF16, 128, 3},
    {"cnnc_wgmma_bf16_256_x", product_bf16_256_x, MMA_BF16, 256, 1},
    {"cnnc_wgmma_bf16_256_w", product_bf16_256_w, MMA_BF16, 256, 2},
    {"cnnc_wgmma_bf16_256_xw", product_bf16_256_xw, MMA_BF16, 256, 3},
};

/* Rows as they are turned, or so many of their chunks apart. */
static void check_product(const struct Product *p, int apart) {
  static Results d[TILES], on_cpu[TILES];
  static Operands of[TILES];
  char what[64];
  long wrong = 0, compared = 0;
  unsigned *word_at = &of[0].rows[0][0];
  for (size_t i = 0; i < sizeof of / sizeof(unsigned); i++)
    word_at[i] = word(p->form, whole(100), whole(100), 0);
  for (int t = 0; t < TILES * THREADS * UNITS * 4; t++) (&d[0].at[0][0][0])[t] = whole(1000);
  memcpy(on_cpu, d, sizeof d);
  for (int t = 0; t < TILES; t++)
    cpu_products(p->form, p->columns, on_cpu[t].at, of[t].rows[0], apart, of[t].columns[0],
                 p->lines);
  Results *device_d = on_device(d, TILES);
  Operands *device_of = on_device(of, TILES);
  must(
      CNNC_START_WIDE(p->kernel, TILES, THREADS, (int)sizeof *of, NULL, device_d, device_of, apart),
      "launch");
  fetched(d, device_d, TILES);
  for (int t = 0; t < TILES * THREADS; t++)
    for (int i = 0; i < p->columns / 2; i++, compared++) {
      const float got = d[t / THREADS].at[t % THREADS][i / 4][i % 4],
                  expected = on_cpu[t / THREADS].at[t % THREADS][i / 4][i % 4];
      if (got != expected && wrong++ < SHOWN)
        printf("  %s, block %d, thread %d, result %d: %a, expected %a\n", p->name, t / THREADS,
               t % THREADS, i, got, expected);
    }
  must(cudaFree(device_of), "cudaFree");
  snprintf(what, sizeof what, "%s, %s", p->name,
           p->lines ? "lines of terms"
           : apart  ? "chunks apart"
                    : "turned");
  check(what, wrong, compared);
}

/* ---- shared memory ---- */

static __global__ void load_rows(Rows *to, const Rows *from, const int *row) {
  __shared__ __align__(16) unsigned words[LANES][4];
  const unsigned i = threadIdx.x + blockIdx.x * LANES;
  Rows got;
  cnnc_store_x4(words[threadIdx.x], from[i].at);
  __syncthreads();
  cnnc_ldmatrix_x4(got.at, words[row[i]]);
  to[2 * i] = got;
  cnnc_ldmatrix_trans_x4(got.at, words[row[i]]);
  to[2 * i + 1] = got;
}

/* Of two groups of copies, by 16 and by 4 bytes, the first one is there when one may be left. */
static __global__ void copy_rows(Rows *to, const Rows *from, const int *there) {
  __shared__ __align__(16) Rows words[2][LANES];
  const unsigned lane = threadIdx.x, i = lane + blockIdx.x * LANES;
  for (int k = 0; k < 4; k++) words[0][lane].at[k] = words[1][lane].at[k] = 0xffffffffu;
  __syncthreads();
  cnnc_cp_async_16(words[0][lane].at, from[i].at, there[i] & 1);
  cnnc_cp_async_commit();
  for (int k = 0; k < 4; k++) cnnc_cp_async_4(&words[1][lane].at[k], &from[i].at[k], there[i] & 2);
  cnnc_cp_async_commit();
  cnnc_cp_async_wait(1);
  to[2 * i] = words[0][lane];
  cnnc_cp_async_wait(0);
  to[2 * i + 1] = words[1][lane];
}

static void check_shared_memory(void) {
  static Rows from[WORDS], to[2 * WORDS], expected[2 * WORDS];
  static int row[WORDS];
  long wrong = 0;
  for (int i = 0; i < WORDS; i++) {
    for (int k = 0; k < 4; k++) from[i].at[k] = random_bits();
    row[i] = (int)(random_bits() % LANES);
  }
  Rows *device_from = on_device(from, WORDS), *device_to = on_device(to, 2 * WORDS);
  int *device_row = on_device(row, WORDS);
  must(CNNC_START(load_rows, WARPS, LANES, NULL, device_to, device_from, device_row), "launch");
  fetched(to, device_to, 2 * WORDS);
  for (int w = 0; w < WORDS; w += LANES) cpu_ldmatrix(&expected[w].at, &from[w].at, &row[w]);
  for (int i = 0; i < WORDS; i++) wrong += memcmp(&to[2 * i], &expected[i], sizeof *to) != 0;
  check("cnnc_store_x4, cnnc_ldmatrix_x4", wrong, WORDS);
  wrong = 0;
  for (int w = 0; w < WORDS; w += LANES) cpu_ldmatrix_trans(&expected[w].at, &from[w].at, &row[w]);
  for (int i = 0; i < WORDS; i++) wrong += memcmp(&to[2 * i + 1], &expected[i], sizeof *to) != 0;
  check("cnnc_ldmatrix_trans_x4", wrong, WORDS);

  device_to = on_device(to, 2 * WORDS);
  must(CNNC_START(copy_rows, WARPS, LANES, NULL, device_to, device_from, device_row), "launch");
  fetched(to, device_to, 2 * WORDS);
  wrong = 0;
  for (int i = 0; i < 2 * WORDS; i++) {
    static const Rows zeros = {{0, 0, 0, 0}};
    const Rows *there = row[i / 2] & (i % 2 ? 2 : 1) ? &from[i / 2] : &zeros;
    wrong += memcmp(&to[i], there, sizeof *to) != 0;
  }
  check("cnnc_cp_async_16, _4, _commit, _wait", wrong, 2 * WORDS);
  must(cudaFree(device_from), "cudaFree");
  must(cudaFree(device_row), "cudaFree");
}

/* ---- boxes ---- */

/* A tensor of points of 16 bytes, and another one of rows that come turned. */
enum { WIDE = 10, HIGH = 7, IMAGES = 5, CHUNKS = 4, LINES = 40, LINE = 24 * 4 };
enum { BOX_WIDE = 8, BOX_HIGH = 4, BOX_IMAGES = 2, BOX_CHUNKS = 2, BOX_LINES = 16, BOXES = 24 };
typedef struct Point {
  unsigned at[4];
} Point;
/* What a block brings, as it lies in shared memory. */
typedef struct Boxes {
  Point point[BOX_CHUNKS][BOX_IMAGES][BOX_HIGH][BOX_WIDE], row[BOX_LINES][8];
} Boxes;
/* Where both begin; x in elements: halves of a point, 16 bits of a row. */
typedef struct Begin {
  int x, y, n, c, across, line;
} Begin;

/* Rows in the first phase of a barrier, twice, points in the second one, which begins when all
 * threads have waited for the first. */
static __global__ void bring_boxes(const __grid_constant__ CUtensorMap points,
                                   const __grid_constant__ CUtensorMap rows, Boxes *to,
                                   const Begin *begin) {
#ifdef HAS_BOXES
  __shared__ __align__(1024) Point row[2][BOX_LINES][8];
  __shared__ __align__(128) Point point[sizeof to->point / sizeof(Point)];
  __shared__ __align__(8) unsigned long long barrier[1];
  const int thread = (int)threadIdx.x;
  const Begin b = begin[blockIdx.x];
  Point *const out = &to[blockIdx.x].point[0][0][0][0];
  if (thread == 0) {
    cnnc_barrier_begin(barrier);
    cnnc_wgmma_written();
  }
  __syncthreads();
  if (thread == 0) {
    cnnc_barrier_expect(barrier, sizeof row);
    cnnc_box_2(row[0], &rows, barrier, b.across, b.line);
    cnnc_box_2(row[1], &rows, barrier, b.across, b.line);
  }
  cnnc_barrier_wait(barrier, 0);
  for (int i = thread; i < BOX_LINES * 8; i += LANES) {
    Point both = row[0][i / 8][i % 8];
    for (int k = 0; k < 4; k++) both.at[k] |= row[1][i / 8][i % 8].at[k];
    to[blockIdx.x].row[i / 8][i % 8] = both;
  }
  __syncthreads();
  if (thread == 0) {
    cnnc_barrier_expect(barrier, sizeof point);
    cnnc_box_4(point, &points, barrier, b.x, b.y, b.n, b.c);
  }
  cnnc_barrier_wait(barrier, 1);
  for (int i = thread; i < (int)(sizeof point / sizeof *point); i += LANES) out[i] = point[i];
#else
  (void)to, (void)begin;
#endif
}

static Point points_of[IMAGES][CHUNKS][HIGH][WIDE], lines_of[LINES][LINE / 8];

static bool point_differs(const Begin *b, const Boxes *got, int c, int n, int y, int x) {
  const int at_c = b->c + c, at_n = b->n + n, at_y = b->y + y, at_x = b->x / 2 + x;
  const bool inside = at_c >= 0 && at_c < CHUNKS && at_n >= 0 && at_n < IMAGES && at_y >= 0 &&
                      at_y < HIGH && at_x >= 0 && at_x < WIDE;
  const Point zeros = {{0, 0, 0, 0}},
              *expected = inside ? &points_of[at_n][at_c][at_y][at_x] : &zeros;
  return memcmp(expected, &got->point[c][n][y][x], sizeof(Point)) != 0;
}

static bool row_differs(const Begin *b, const Boxes *got, int line, int chunk) {
  const int at = b->line + line, at_chunk = b->across / 8 + chunk;
  const bool inside = at >= 0 && at < LINES && at_chunk >= 0 && at_chunk < LINE / 8;
  const Point zeros = {{0, 0, 0, 0}}, *expected = inside ? &lines_of[at][at_chunk] : &zeros;
  return memcmp(expected, &got->row[line][chunk ^ line % 8], sizeof(Point)) != 0;
}

static void compare_boxes(const Begin *begin, const Boxes *got) {
  long wrong = 0;
  for (int i = 0; i < BOXES * BOX_CHUNKS * BOX_IMAGES * BOX_HIGH * BOX_WIDE; i++)
    wrong += point_differs(&begin[i % BOXES], &got[i % BOXES], i / BOXES % BOX_CHUNKS,
                           i / BOXES / BOX_CHUNKS % BOX_IMAGES,
                           i / BOXES / BOX_CHUNKS / BOX_IMAGES % BOX_HIGH,
                           i / BOXES / BOX_CHUNKS / BOX_IMAGES / BOX_HIGH);
  check("cnnc_box_4, cnnc_barrier_..", wrong, (long)(BOXES * sizeof got->point / sizeof(Point)));
  wrong = 0;
  for (int i = 0; i < BOXES * BOX_LINES * 8; i++)
    wrong += row_differs(&begin[i % BOXES], &got[i % BOXES], i / BOXES % BOX_LINES,
                         i / BOXES / BOX_LINES);
  check("cnnc_box_2, turned", wrong, (long)(BOXES * sizeof got->row / sizeof(Point)));
}

static void fill(void *at, size_t bytes) {
  for (size_t i = 0; i < bytes / sizeof(unsigned); i++) ((unsigned *)at)[i] = random_bits();
}

/* Boxes begin inside of their tensors and outside, on all sides. */
static void check_boxes(void) {
  static Begin begin[BOXES];
  static Boxes got[BOXES];
  CUtensorMap points, rows;
  fill(points_of, sizeof points_of);
  fill(lines_of, sizeof lines_of);
  Point *device_points = on_device(&points_of[0][0][0][0], sizeof points_of / sizeof(Point)),
        *device_lines = on_device(&lines_of[0][0], sizeof lines_of / sizeof(Point));
  /* Images lie farther apart than chunks, as in NCHW8c: axes have any order. */
  const cnnc_tensor of_points = {device_points,
                                 4,
                                 0,
                                 {2 * WIDE, HIGH, IMAGES, CHUNKS},
                                 {WIDE * 16, CHUNKS * HIGH * WIDE * 16, HIGH * WIDE * 16},
                                 {2 * BOX_WIDE, BOX_HIGH, BOX_IMAGES, BOX_CHUNKS}};
  const cnnc_tensor of_lines = {device_lines, 2, 1, {LINE, LINES}, {LINE * 2}, {64, BOX_LINES}};
  must(cnnc_encode(&points, &of_points), "cuTensorMapEncodeTiled");
  must(cnnc_encode(&rows, &of_lines), "cuTensorMapEncodeTiled");
  for (int i = 0; i < BOXES; i++)
    begin[i] = (Begin){2 * ((int)(random_bits() % 20) - 9), (int)(random_bits() % 12) - 4,
                       (int)(random_bits() % 7) - 1,        (int)(random_bits() % 6) - 1,
                       8 * ((int)(random_bits() % 18) - 6), (int)(random_bits() % 60) - 18};
  Begin *device_begin = on_device(begin, BOXES);
  Boxes *device_got = on_device(got, BOXES);
  must(CNNC_START(bring_boxes, BOXES, LANES, NULL, points, rows, device_got, device_begin),
       "launch");
  fetched(got, device_got, BOXES);
  compare_boxes(begin, got);
  must(cudaFree(device_begin), "cudaFree");
  must(cudaFree(device_points), "cudaFree");
  must(cudaFree(device_lines), "cudaFree");
}

int main(void) {
  int devices = 0, capability = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess || devices == 0) {
    fprintf(stderr, "no CUDA device: %s\n", cudaGetErrorString(error));
    return 3;
  }
  check_roundings();
  check_widening();
  check_shared_memory();
  must(cudaDeviceGetAttribute(&capability, cudaDevAttrComputeCapabilityMajor, 0), "device");
  if (capability == 9) check_boxes();
  for (int form = 0; form < FORMS; form++)
    check_products((Form)form, 100, 1, false, "whole numbers");
  check_products(MMA_F16, 100, 0x1p-24f, false, "numbers below 2^-14");
  check_products(MMA_TF32, 100, 1, true, "bits that do not count");
  for (size_t i = 0; i < sizeof product_table / sizeof *product_table; i++)
    for (int apart = 0; apart <= (capability == 9 && !product_table[i].lines ? ROWS : 0);
         apart += ROWS)
      check_product(&product_table[i], apart);
  printf("conformance: %d of %d checks are alike\n", checks - failures, checks);
  return failures != 0;
}
