/* matrix.c - Fourier transforms as bilinear algorithms: they compute convolutions, and as
 * straight-line code they are fast. */
#include "unit.h"
#include "algos/bilinear.h"
#include "transform.h"

#include <math.h>

enum { MOST_N = 64, MOST_P = 3 * MOST_N / 2 - 1 };

static double row_times(const double *row, const double *x, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += row[i] * x[i];
  return sum;
}

static void check_results(const Bilinear *b) {
  double x[MOST_N], w[MOST_N], product[MOST_P];
  for (int j = 0; j < b->n; j++) x[j] = sin(3 * j + b->n);
  for (int k = 0; k < b->r; k++) w[k] = cos(5 * k + b->r);
  for (int p = 0; p < b->points; p++)
    product[p] = row_times(&b->g[p * b->r], w, b->r) * row_times(&b->bt[p * b->n], x, b->n);
  for (int i = 0; i < b->m; i++) {
    double want = 0;
    for (int k = 0; k < b->r; k++) want += w[k] * x[i + k];
    assert_true(fabs(row_times(&b->at[i * b->points], product, b->points) - want) < 1e-9);
  }
}

static void transforms_convolve(void **state) {
  (void)state;
  Arena *arena = arena_new();
  for (int n = 8; n <= MOST_N; n *= 2)
    for (int taps = 1; taps < n; taps++) {
      Bilinear b;
      assert_true(fft_matrices(arena, n, 100, taps, &b));
      assert_true(b.m + b.r - 1 <= n && (b.r == taps || b.r == b.m));
      check_results(&b);
      assert_true(b.growth < 2);
    }
  arena_free(arena);
}

/* Instructions of a split-radix transform of n real numbers. */
static double split_radix(int n) {
  return 2 * n * log2(n) - 3 * n + 4;
}

static void symmetries_make_them_fast(void **state) {
  (void)state;
  Arena *arena = arena_new();
  for (int n = 8; n <= MOST_N; n *= 2) {
    Bilinear b;
    assert_true(fft_matrices(arena, n, 100, n / 2, &b));
    const ConstMatrix bt = {b.bt, b.points, n, b.points}, some = {b.at, b.m, b.points, n},
                      all = {b.at, n, b.points, n};
    assert_true(matrix_count(&bt) < split_radix(n));
    assert_true(matrix_count(&all) < split_radix(n));
    assert_true(matrix_count(&some) < matrix_count(&all));
  }
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transforms_convolve),
      cmocka_unit_test(symmetries_make_them_fast),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
