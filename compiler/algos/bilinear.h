/* bilinear.h - convolutions through bilinear algorithms of one dimension: what those are, and the
 * kernels that a contraction becomes by them (bilinear.c). */
#ifndef BILINEAR_H
#define BILINEAR_H

#include "algos.h"

/* m results of a filter with r taps from n = m + r - 1 values by `points` products:
 *   y = at * ((g * w) . (bt * x)), element by element between the parentheses. Row-major. */
typedef struct Bilinear {
  const char *name; /* of its constants */
  int m, r, n, points;
  int results;      /* that `at` has rows for: m, or more than are used */
  const double *at; /* [results][points] */
  const double *g;  /* [points][r] */
  const double *bt; /* [points][n] */
  /* How much larger the rounding error of a random sum becomes than by direct summation, per
   * dimension. */
  double growth;
} Bilinear;

/* For random inputs and weights of variance 1. */
double bilinear_growth(const Bilinear *);

/* An algorithm's row. Matrices of one size for so many results and taps; false where there are
 * none. Of more taps than r the rest are further sections: then all results are one tile, or m is
 * r. */
typedef struct BilinearRow {
  const char *algo;
  int size;
  bool (*matrices)(Arena *, int size, int64_t results, int64_t taps, Bilinear *);
  double growth; /* beside that of its matrices, of rounding errors: measured */
} BilinearRow;

const char *bilinear_refuses(const Plan *, const Contraction *, const BilinearRow *);
void bilinear_lower(Plan *, const Contraction *, const BilinearRow *, Steps *);

/* The matrices of fft.c; here for tests. */
bool fft_matrices(Arena *, int n, int64_t results, int64_t taps, Bilinear *);

#endif
