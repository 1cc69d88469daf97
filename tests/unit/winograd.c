/* winograd.c - Cook-Toom's matrices:
 * the identity they rest on, in exact arithmetic and as numbers. */
#include "unit.h"

#include <math.h>

#include "algos/winograd.h"

static void identity_holds_exactly(void **state) {
  (void)state;
  int pairs = 0;
  for (int m = 1; m <= WINOGRAD_MOST_M; m++)
    for (int r = 1; r <= WINOGRAD_MOST_R; r++) {
      const bool known = m + r - 1 >= 2 && m + r - 1 <= WINOGRAD_MOST_N;
      assert_int_equal(winograd_is_exact(m, r), known);
      pairs += known;
    }
  assert_true(pairs > 40);
}

/* y[i] = sum of w[k] * x[i + k], by the matrices in double. */
static void results_agree(void **state) {
  (void)state;
  for (int m = 1; m <= WINOGRAD_MOST_M; m++)
    for (int r = 1; r <= WINOGRAD_MOST_R; r++) {
      Winograd w;
      if (!winograd_matrices(m, r, &w)) continue;
      assert_int_equal(w.n, m + r - 1);
      double x[WINOGRAD_MOST_N], f[WINOGRAD_MOST_R], product[WINOGRAD_MOST_N];
      for (int l = 0; l < w.n; l++) x[l] = sin(3 * l + m);
      for (int k = 0; k < r; k++) f[k] = cos(5 * k + r);
      for (int p = 0; p < w.n; p++) {
        double u = 0, v = 0;
        for (int k = 0; k < r; k++) u += w.g[p * r + k] * f[k];
        for (int l = 0; l < w.n; l++) v += w.bt[p * w.n + l] * x[l];
        product[p] = u * v;
      }
      for (int i = 0; i < m; i++) {
        double y = 0, want = 0;
        for (int p = 0; p < w.n; p++) y += w.at[i * w.n + p] * product[p];
        for (int k = 0; k < r; k++) want += f[k] * x[i + k];
        assert_true(fabs(y - want) < 1e-9);
      }
    }
}

/* What the transforms compute with is exact in f32, so only sums and products round. */
static void constants_are_exact_in_f32(void **state) {
  (void)state;
  Winograd w;
  for (int m = 1; m <= WINOGRAD_MOST_M; m++)
    for (int r = 1; r <= WINOGRAD_MOST_R; r++) {
      if (!winograd_matrices(m, r, &w)) continue;
      for (int i = 0; i < m * w.n; i++) assert_true(w.at[i] == (double)(float)w.at[i]);
      for (int i = 0; i < w.n * w.n; i++) assert_true(w.bt[i] == (double)(float)w.bt[i]);
    }
}

static void larger_tiles_round_more(void **state) {
  (void)state;
  double before = 1;
  for (int m = 2; m <= 6; m++) {
    Winograd w;
    assert_true(winograd_matrices(m, 3, &w));
    assert_true(w.growth > before && w.growth < 8);
    before = w.growth;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(identity_holds_exactly),
      cmocka_unit_test(results_agree),
      cmocka_unit_test(constants_are_exact_in_f32),
      cmocka_unit_test(larger_tiles_round_more),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
