/* augment_values.c - random changes of values: light, colour, noise. */
#include "augment_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t places(const Change *c) {
  return c->d * c->h * c->w;
}

/* Every value becomes centre + factor * (value - centre). */
static void scale_around(float *at, int64_t n, float centre, float factor) {
  for (int64_t i = 0; i < n; i++) at[i] = centre + factor * (at[i] - centre);
}

static float factor_near_one(Change *c, double reach) {
  return (float)random_between(&c->random, 1 - reach, 1 + reach);
}

static void brightness(Change *c, const double *value) {
  scale_around(c->at, c->c * places(c), 0, factor_near_one(c, value[0]));
}

static void contrast(Change *c, const double *value) {
  int64_t n = c->c * places(c);
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (double)c->at[i];
  scale_around(c->at, n, (float)(sum / (double)n), factor_near_one(c, value[0]));
}

/* Grey by the eye's weights (ITU-R 601). */
static void saturation(Change *c, const double *value) {
  int64_t n = places(c);
  float factor = factor_near_one(c, value[0]);
  for (int64_t i = 0; i < n; i++) {
    float *r = c->at + i, *g = r + n, *b = g + n;
    float grey = 0.299f * *r + 0.587f * *g + 0.114f * *b;
    *r = grey + factor * (*r - grey);
    *g = grey + factor * (*g - grey);
    *b = grey + factor * (*b - grey);
  }
}

static void noise(Change *c, const double *value) {
  int64_t n = c->c * places(c);
  for (int64_t i = 0; i < n; i++) c->at[i] += (float)(value[0] * random_normal(&c->random));
}

/* The square's middle lies in the sample; its edges may lie outside. */
static void erase(Change *c, const double *value) {
  int64_t side = (int64_t)value[0];
  int64_t x = random_below(&c->random, c->w) - side / 2;
  int64_t y = c->h > 1 ? random_below(&c->random, c->h) - side / 2 : 0;
  int64_t x1 = x + side < c->w ? x + side : c->w, y1 = y + side < c->h ? y + side : c->h;
  if (x < 0) x = 0;
  if (y < 0) y = 0;
  for (int64_t plane = 0; plane < c->c * c->d; plane++)
    for (int64_t row = y; row < y1; row++)
      memset(c->at + (plane * c->h + row) * c->w + x, 0, (size_t)(x1 - x) * sizeof *c->at);
}

void change_end(Change *c) {
  int64_t n = c->bytes ? c->c * places(c) : 0;
  float *at = c->at;
  for (int64_t i = 0; i < n; i++) {
    const float least = at[i] < 0 ? 0 : at[i];
    at[i] = least > 255 ? 255 : least;
  }
}

/* ---- colours ---- */

/* Krizhevsky et al. 2012, section 4.1: all pixels of a sample get the same amount. */
static void pca(Change *c, const double *value) {
  double unit = c->bytes ? 255 : 1, amount[3];
  int64_t n = places(c);
  for (int k = 0; k < 3; k++)
    amount[k] = unit * value[0] * c->variance[k] * random_normal(&c->random);
  for (int channel = 0; channel < 3; channel++) {
    float add = 0;
    for (int k = 0; k < 3; k++) add += (float)(c->component[k][channel] * amount[k]);
    for (int64_t i = 0; i < n; i++) c->at[channel * n + i] += add;
  }
}

/* The covariance of the colours of up to MOST samples that lie evenly in the data. */
static void covariance(const Change *c, const Dataset *d, double matrix[3][3]) {
  enum { MOST = 4096 };
  int64_t size = d->sample_size / 3, step = (d->n + MOST - 1) / MOST, count = 0;
  double sum[3] = {0}, unit = c->bytes ? 255 : 1;
  float *sample = heap_alloc((size_t)d->sample_size * sizeof *sample);
  memset(matrix, 0, 9 * sizeof(double));
  for (int64_t k = 0; k < d->n; k += step, count += size) {
    dataset_values(d, k, sample);
    for (int64_t i = 0; i < size; i++) {
      double x[3];
      for (int a = 0; a < 3; a++) sum[a] += x[a] = (double)sample[a * size + i] / unit;
      for (int a = 0; a < 3; a++)
        for (int b = 0; b <= a; b++) matrix[a][b] += x[a] * x[b];
    }
  }
  for (int a = 0; a < 3; a++)
    for (int b = 0; b <= a; b++)
      matrix[b][a] = matrix[a][b] =
          matrix[a][b] / (double)count - sum[a] / (double)count * (sum[b] / (double)count);
  free(sample);
}

/* One rotation in the plane of a and b that makes m[a][b] zero (Jacobi 1846); rows of v turn with
 * it. */
static void turn(double m[3][3], double v[3][3], int a, int b) {
  double angle = 0.5 * atan2(2 * m[a][b], m[a][a] - m[b][b]), s = sin(angle), c = cos(angle);
  for (int k = 0; k < 3; k++) {
    double x = m[k][a], y = m[k][b];
    m[k][a] = c * x + s * y;
    m[k][b] = c * y - s * x;
  }
  for (int k = 0; k < 3; k++) {
    double x = m[a][k], y = m[b][k], p = v[a][k], q = v[b][k];
    m[a][k] = c * x + s * y;
    m[b][k] = c * y - s * x;
    v[a][k] = c * p + s * q;
    v[b][k] = c * q - s * p;
  }
}

static void find_components(Change *c, const Dataset *d) {
  enum { SWEEPS = 12 };
  double m[3][3];
  covariance(c, d, m);
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) c->component[a][b] = a == b;
  for (int i = 0; i < SWEEPS; i++)
    for (int a = 0; a < 2; a++)
      for (int b = a + 1; b < 3; b++) turn(m, c->component, a, b);
  for (int a = 0; a < 3; a++) c->variance[a] = m[a][a];
}

/* ---- the rows ---- */

static const AugmentRow rows[] = {
    {.name = "brightness",
     .argument = "F",
     .max = 1,
     .change = brightness,
     .doc = "multiplies by 1 - F to 1 + F",
     .source = "Howard 2013, arXiv 1312.5402"},
    {.name = "contrast",
     .argument = "F",
     .max = 1,
     .change = contrast,
     .doc = "scales the distance to the sample's mean by 1 - F to 1 + F",
     .source = "Howard 2013"},
    {.name = "saturation",
     .argument = "F",
     .max = 1,
     .coloured = true,
     .change = saturation,
     .doc = "scales the distance of colours to grey by 1 - F to 1 + F",
     .source = "Howard 2013"},
    {.name = "pca",
     .argument = "S",
     .otherwise = {0.1},
     .max = 10,
     .coloured = true,
     .prepare = find_components,
     .change = pca,
     .doc = "adds the principal components of the data's colours, times their variances and normal "
            "numbers of deviation S (default 0.1)",
     .source = "Krizhevsky et al. 2012"},
    {.name = "noise",
     .argument = "S",
     .max = 1e9,
     .change = noise,
     .doc = "adds normal numbers of deviation S, in the data's units",
     .source = "Bishop 1995"},
    {.name = "erase",
     .argument = "N",
     .min = 1,
     .max = AUGMENT_MOST,
     .whole = true,
     .change = erase,
     .doc = "a square of N places becomes 0",
     .source = "DeVries, Taylor 2017, arXiv 1708.04552"},
};

const AugmentRows augment_values = {rows, COUNT(rows)};
