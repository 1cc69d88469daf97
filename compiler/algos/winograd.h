/* winograd.h - the matrices of F(m, r), which winograd_matrix.c makes for its rows and for tests.
 */
#ifndef WINOGRAD_H
#define WINOGRAD_H

#include <stdbool.h>

/* Most results, filter taps and points of one dimension that there are matrices for. */
enum { WINOGRAD_MOST_M = 8, WINOGRAD_MOST_R = 8, WINOGRAD_MOST_N = 10 };

/* F(m, r): m results of a filter with r taps from n = m + r - 1 inputs by n products:
 *   y = at * ((g * w) . (bt * x)), element by element between the parentheses.
 * Row-major; every number of at and bt is exact in f32. */
typedef struct Winograd {
  int m, r, n;
  double at[WINOGRAD_MOST_M * WINOGRAD_MOST_N]; /* [m][n] */
  double g[WINOGRAD_MOST_N * WINOGRAD_MOST_R];  /* [n][r] */
  double bt[WINOGRAD_MOST_N * WINOGRAD_MOST_N]; /* [n][n] */
  /* How much larger the rounding error of a random sum becomes than by direct summation, per
   * dimension. */
  double growth;
} Winograd;

/* False where n is beyond the points that are known. */
bool winograd_matrices(int m, int r, Winograd *);
/* Is sum over p of at[i][p] * g[p][k] * bt[p][l] = (l == i + k)? In exact arithmetic. */
bool winograd_is_exact(int m, int r);

#endif
