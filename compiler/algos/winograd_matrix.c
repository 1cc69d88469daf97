/* winograd_matrix.c - winograd2 to winograd6: F(m, r) by Cook-Toom's matrices, in exact arithmetic.
 *
 * A filter with r taps applied to n = m + r - 1 values is the transpose of multiplying polynomials
 * of degree m - 1 and r - 1, which n - 1 points a_p and infinity determine (Lavin & Gray 2015):
 *   at[i][p] = a_p^i                       infinity: i == m - 1
 *   g[p][k]  = a_p^k / prod (a_p - a_q)    infinity: k == r - 1
 *   bt[p][l] = coefficient of x^l in prod over q != p of (x - a_q)      infinity: over all q
 * Pairs +a, -a make rows that differ in signs only, whose sums generators share.
 * Winograd (1980); Lavin & Gray (2015). */
#include "winograd.h"
#include "bilinear.h"

#include <math.h>
#include <stdlib.h>

typedef struct Fraction {
  int64_t over, under; /* under > 0, no common divisor */
} Fraction;

/* The finite points of n values. In this order each next one adds the least error; those of five
 * and six values are better chosen together: the best among eighths, whose powers f32 holds. */
static const Fraction *points_of(int n) {
  static const Fraction any[WINOGRAD_MOST_N - 1] = {{0, 1}, {1, 1},  {-1, 1}, {2, 1}, {-2, 1},
                                                    {1, 2}, {-1, 2}, {4, 1},  {-1, 4}};
  static const Fraction four[] = {{0, 1}, {3, 4}, {-3, 4}, {2, 1}};
  static const Fraction five[] = {{0, 1}, {3, 2}, {-3, 2}, {5, 8}, {-5, 8}};
  return n == 5 ? four : n == 6 ? five : any;
}

typedef struct Exact {
  Fraction at[WINOGRAD_MOST_M][WINOGRAD_MOST_N], g[WINOGRAD_MOST_N][WINOGRAD_MOST_R],
      bt[WINOGRAD_MOST_N][WINOGRAD_MOST_N];
} Exact;

static Fraction fraction(int64_t over, int64_t under) {
  int64_t a = llabs(over), b = llabs(under);
  while (b) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  if (under < 0) a = -a;
  return (Fraction){over / a, under / a};
}

static Fraction times(Fraction a, Fraction b) {
  return fraction(a.over * b.over, a.under * b.under);
}

static Fraction plus(Fraction a, Fraction b) {
  return fraction(a.over * b.under + b.over * a.under, a.under * b.under);
}

static Fraction negative(Fraction a) {
  return (Fraction){-a.over, a.under};
}

static Fraction power(Fraction a, int exponent) {
  Fraction result = {1, 1};
  for (int i = 0; i < exponent; i++) result = times(result, a);
  return result;
}

/* The coefficients of prod (x - a_q) over the points but `without`; n of them. */
static void polynomial(const Fraction *point, int points, int without, int n, Fraction *c) {
  for (int l = 0; l < n; l++) c[l] = (Fraction){l == 0, 1};
  for (int q = 0; q < points; q++) {
    if (q == without) continue;
    for (int l = n - 1; l >= 0; l--) {
      const Fraction lower = l ? c[l - 1] : (Fraction){0, 1};
      c[l] = plus(lower, times(negative(point[q]), c[l]));
    }
  }
}

static void make_exact(int m, int r, Exact *x) {
  const int n = m + r - 1, points = n - 1;
  const Fraction *point = points_of(n);
  for (int p = 0; p < n; p++) {
    const bool infinity = p == points;
    Fraction scale = {1, 1};
    for (int q = 0; q < points && !infinity; q++)
      if (q != p) scale = times(scale, plus(point[p], negative(point[q])));
    for (int i = 0; i < m; i++)
      x->at[i][p] = infinity ? (Fraction){i == m - 1, 1} : power(point[p], i);
    for (int k = 0; k < r; k++)
      x->g[p][k] = infinity ? (Fraction){k == r - 1, 1}
                            : times(power(point[p], k), fraction(scale.under, scale.over));
    polynomial(point, points, p, n, x->bt[p]);
  }
}

static bool known(int m, int r) {
  return m >= 1 && r >= 1 && m <= WINOGRAD_MOST_M && r <= WINOGRAD_MOST_R && m + r - 1 >= 2 &&
         m + r - 1 <= WINOGRAD_MOST_N;
}

bool winograd_is_exact(int m, int r) {
  Exact x;
  if (!known(m, r)) return false;
  make_exact(m, r, &x);
  for (int i = 0; i < m; i++)
    for (int k = 0; k < r; k++)
      for (int l = 0; l < m + r - 1; l++) {
        Fraction sum = {0, 1};
        for (int p = 0; p < m + r - 1; p++)
          sum = plus(sum, times(times(x.at[i][p], x.g[p][k]), x.bt[p][l]));
        if (sum.over != (l == i + k) || sum.under != 1) return false;
      }
  return true;
}

static double value(Fraction a) {
  return (double)a.over / (double)a.under;
}

bool winograd_matrices(int m, int r, Winograd *w) {
  Exact x;
  if (!known(m, r)) return false;
  make_exact(m, r, &x);
  *w = (Winograd){.m = m, .r = r, .n = m + r - 1};
  for (int p = 0; p < w->n; p++) {
    for (int i = 0; i < m; i++) w->at[i * w->n + p] = value(x.at[i][p]);
    for (int k = 0; k < r; k++) w->g[p * r + k] = value(x.g[p][k]);
    for (int l = 0; l < w->n; l++) w->bt[p * w->n + l] = value(x.bt[p][l]);
  }
  w->growth = bilinear_growth(&(Bilinear){
      .m = w->m, .r = w->r, .n = w->n, .points = w->n, .at = w->at, .g = w->g, .bt = w->bt});
  return true;
}

/* ---- rows ---- */

/* F(size, taps); of few results from many taps F(results, size), section by section. */
static bool matrices(Arena *arena, int size, int64_t results, int64_t taps, Bilinear *b) {
  const bool few = taps > WINOGRAD_MOST_R || (taps > size && taps >= 2 * results);
  if (few && (results < 2 || results > WINOGRAD_MOST_M)) return false;
  Winograd *w = NEW(arena, Winograd);
  if (!winograd_matrices(few ? (int)results : size, few ? size : (int)taps, w)) return false;
  *b = (Bilinear){.name = "winograd",
                  .m = w->m,
                  .r = w->r,
                  .n = w->n,
                  .points = w->n,
                  .results = w->m,
                  .at = w->at,
                  .g = w->g,
                  .bt = w->bt,
                  .growth = w->growth};
  return true;
}

static const char *refuses(const Plan *p, const Contraction *c, const BilinearRow *row) {
  const char *reason = bilinear_refuses(p, c, row);
  if (!reason && row->size > p->max_tile)
    reason = arena_printf(p->u->arena, "its tiles would have more than %d results", p->max_tile);
  return reason;
}

#define WINOGRAD(M, TOLERANCE, DOUBT)                                                              \
  static const BilinearRow row##M = {"winograd" #M, M, matrices, 1};                               \
  static const char *refuses##M(const Plan *p, const Contraction *c) {                             \
    return refuses(p, c, &row##M);                                                                 \
  }                                                                                                \
  static void lower##M(Plan *p, const Contraction *c, Steps *steps) {                              \
    bilinear_lower(p, c, &row##M, steps);                                                          \
  }                                                                                                \
  const Algo algo_winograd##M = {                                                                  \
      .name = "winograd" #M,                                                                       \
      .doc = "tiles of " #M " results along every axis from fewer products: F(" #M ", r)",         \
      .refuses = refuses##M,                                                                       \
      .wants = LAYOUT_LANES,                                                                       \
      .gives = LAYOUT_LANES,                                                                       \
      .tolerance = TOLERANCE,                                                                      \
      .transforms = true,                                                                          \
      .doubt = DOUBT,                                                                              \
      .lower = lower##M,                                                                           \
  };

/* Weights of large tiles are read by all cores at once, from where their sum has no more speed. */
WINOGRAD(2, 8, 1)
WINOGRAD(3, 32, 1)
WINOGRAD(4, 64, 1)
WINOGRAD(5, 64, 1.03)
WINOGRAD(6, 64, 1.03)
