/* fft.c - fft8 to fft64: convolutions of large windows by Fourier transforms, overlap-save.
 *
 * A tile of n values gives the n - r + 1 results whose windows of r taps do not wrap around. With
 * c(p, j) = cos(2 pi p j / n), s(p, j) = sin(2 pi p j / n), for every frequency 0 < p < n / 2
 *   a = sum c(p, j) x[j],  b = sum s(p, j) x[j],  c = sum c(p, k) w[k],  d = sum s(p, k) w[k]
 *   y[i] += 2 / n * (c(p, i) * (a c + b d) + s(p, i) * (b c - a d))
 * and the complex product takes three real ones, of which U holds what depends on weights:
 *   k0 = a * -(c + d)    k1 = b * (c - d)    k2 = (a + b) * c
 *   a c + b d = k2 - k1    b c - a d = k0 + k2
 * Frequencies 0 and n / 2 are one real product each, so there are 3 n / 2 - 1 products, which are
 * a bilinear algorithm like Winograd's, whose numbers stay below 1 however large the window is. The
 * generator finds the fast transform in the symmetries of the matrices (matrix.c), for which equal
 * angles must give equal numbers. at has n rows, of which the first m are results. */
#include "bilinear.h"

#include <math.h>

/* The cosine of i / n of a turn; n is a multiple of 8. */
static double cosine(int i, int n) {
  i %= n;
  if (2 * i > n) i = n - i;
  if (4 * i > n) return -cosine(n / 2 - i, n);
  if (4 * i == n) return 0;
  return 8 * i == n ? sqrt(0.5) : cos(2 * acos(-1) * i / n);
}

static double sine(int i, int n) {
  return cosine(i + 3 * n / 4, n);
}

/* Frequency f: one point, or three from p on. */
static void set_frequency(const Bilinear *b, int f, int p, double *at, double *g, double *bt) {
  const int n = b->n, real = f == 0 || 2 * f == n;
  const double scale = (real ? 1.0 : 2.0) / n;
  for (int j = 0; j < n; j++) {
    const double c = cosine(f * j, n), s = sine(f * j, n);
    const double data[] = {c, s, c + s}, result[] = {s, -c, s + c};
    for (int i = 0; i < (real ? 1 : 3); i++) {
      bt[(p + i) * n + j] = data[i];
      at[j * b->points + p + i] = real ? c : result[i];
    }
  }
  for (int k = 0; k < b->r; k++) {
    const double c = cosine(f * k, n), s = sine(f * k, n);
    const double weight[] = {real ? c : -(c + s), c - s, c};
    for (int i = 0; i < (real ? 1 : 3); i++) g[(p + i) * b->r + k] = scale * weight[i];
  }
}

/* All taps if they leave a quarter of a tile to results, or all results if they leave it to taps;
 * of many of both half a tile of each. */
static int section(int n, int64_t results, int64_t taps) {
  if (4 * taps <= 3 * n) return (int)taps;
  return 4 * results <= 3 * n ? n - (int)results + 1 : n / 2;
}

bool fft_matrices(Arena *arena, int n, int64_t results, int64_t taps, Bilinear *b) {
  const int points = 3 * n / 2 - 1, r = section(n, results, taps);
  double *at = NEW_ARRAY(arena, double, n *points);
  double *g = NEW_ARRAY(arena, double, points *r);
  double *bt = NEW_ARRAY(arena, double, points *n);
  *b = (Bilinear){.name = arena_printf(arena, "fft%d", n),
                  .m = r == n / 2 ? r : n - r + 1,
                  .r = r,
                  .n = n,
                  .points = points,
                  .results = n,
                  .at = at,
                  .g = g,
                  .bt = bt};
  for (int f = 0, p = 0; 2 * f <= n; f++) {
    set_frequency(b, f, p, at, g, bt);
    p += f == 0 ? 1 : 3;
  }
  b->growth = bilinear_growth(b);
  return true;
}

#define FFT(N)                                                                                     \
  static const BilinearRow row##N = {"fft" #N, N, fft_matrices, 1.1};                              \
  static const char *refuses##N(const Plan *p, const Contraction *c) {                             \
    return bilinear_refuses(p, c, &row##N);                                                        \
  }                                                                                                \
  static void lower##N(Plan *p, const Contraction *c, Steps *steps) {                              \
    bilinear_lower(p, c, &row##N, steps);                                                          \
  }                                                                                                \
  const Algo algo_fft##N = {                                                                       \
      .name = "fft" #N,                                                                            \
      .doc = "Fourier transforms of " #N " values along every axis: large windows",                \
      .refuses = refuses##N,                                                                       \
      .wants = LAYOUT_LANES,                                                                       \
      .gives = LAYOUT_LANES,                                                                       \
      .tolerance = 8,                                                                              \
      .transforms = true,                                                                          \
      .lower = lower##N,                                                                           \
  };

FFT(8)
FFT(16)
FFT(32)
FFT(64)
