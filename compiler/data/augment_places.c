/* augment_places.c - random changes of places: shifts, mirrors, affine maps, elastic distortions.
 *
 * The rows make one map together, so that values are moved once. Where the map only shifts and
 * mirrors, each row and column has one place to read, found beforehand; otherwise four neighbours
 * are mixed (bilinear interpolation, Simard et al. 2003). */
#include "augment_rows.h"

#include <math.h>
#include <string.h>

/* Numbers that are smoothed at once: a loop that compilers turn into vectors. */
enum { BLOCK = 16 };

/* ---- the map ---- */

void change_start(Arena *arena, Change *c, const Dataset *d) {
  int64_t extent[3] = {1, 1, 1};
  c->axes = d->rank - 1 > 3 ? 3 : d->rank - 1;
  c->c = 1;
  c->margin = d->margin;
  for (int a = 0; a < d->rank - c->axes; a++) c->c *= d->dim[a];
  for (int a = 0; a < c->axes; a++)
    extent[3 - c->axes + a] = d->dim[d->rank - c->axes + a] - 2 * c->margin;
  c->d = extent[0], c->h = extent[1], c->w = extent[2];
  c->bytes = d->element == ELEMENT_U8;
  for (int a = 0; a < 3; a++) c->from[a] = NEW_ARRAY(arena, int64_t, extent[a]);
  for (int i = 0; i < 2; i++) c->room[i] = NEW_ARRAY(arena, float, c->h * c->w);
  c->weight = NEW_ARRAY(arena, float, c->h + c->w);
  c->around = NEW_ARRAY(arena, float, 3 * (c->h + 1) * c->w + BLOCK);
}

void change_begin(Change *c) {
  c->row[0] = c->column[1] = 1;
  c->row[1] = c->column[0] = 0;
  memset(c->move, 0, sizeof c->move);
  c->warped = c->mirrored[0] = c->mirrored[1] = false;
  c->field[0] = c->field[1] = NULL;
}

static void shift(Change *c, const double *value) {
  int64_t reach = (int64_t)value[0];
  for (int a = 3 - c->axes; a < 3; a++)
    c->move[a] += (double)(random_below(&c->random, 2 * reach + 1) - reach);
}

static void flip(Change *c, const double *value) {
  (void)value;
  c->mirrored[1] = random_below(&c->random, 2);
}

static void vflip(Change *c, const double *value) {
  (void)value;
  c->mirrored[0] = random_below(&c->random, 2);
}

/* The map after [a b; c d] of the place in the result. */
static void compose(Change *c, double yy, double yx, double xy, double xx) {
  double row[2] = {c->row[0], c->row[1]}, column[2] = {c->column[0], c->column[1]};
  c->row[0] = row[0] * yy + row[1] * xy;
  c->row[1] = row[0] * yx + row[1] * xx;
  c->column[0] = column[0] * yy + column[1] * xy;
  c->column[1] = column[0] * yx + column[1] * xx;
  c->warped = true;
}

static void scale(Change *c, const double *value) {
  double factor = 1 / random_between(&c->random, 1 - value[0], 1 + value[0]);
  compose(c, c->h > 1 ? factor : 1, 0, 0, factor);
}

static void stretch(Change *c, const double *value) {
  double y = 1 / random_between(&c->random, 1 - value[0], 1 + value[0]);
  double x = 1 / random_between(&c->random, 1 - value[0], 1 + value[0]);
  compose(c, c->h > 1 ? y : 1, 0, 0, x);
}

static void rotate(Change *c, const double *value) {
  double angle = random_between(&c->random, -value[0], value[0]) * 0.017453292519943295;
  if (c->h > 1) compose(c, cos(angle), sin(angle), -sin(angle), cos(angle));
}

static void shear(Change *c, const double *value) {
  double slant = random_between(&c->random, -value[0], value[0]);
  if (c->h > 1) compose(c, 1, 0, slant, 1);
}

/* ---- elastic distortion ---- */

/* A Gaussian's weights, up to the extent of an axis; their sum is 1. Returns its reach. */
static int64_t gaussian(float *weight, double deviation, int64_t extent) {
  int64_t reach = (int64_t)(3 * deviation + 0.5);
  double sum = 1;
  if (reach > extent - 1) reach = extent - 1;
  for (int64_t k = 1; k <= reach; k++)
    sum += 2 * exp(-0.5 * (double)(k * k) / (deviation * deviation));
  for (int64_t k = 0; k <= reach; k++)
    weight[k] = (float)(exp(-0.5 * (double)(k * k) / (deviation * deviation)) / sum);
  return reach;
}

/* to[i] = the sum over k of weight |k| times from[i + k * step]; `from` is readable wherever a
 * rounded-up block of numbers reaches. */
static void smooth_line(float *to, const float *from, int64_t n, int64_t step, const float *weight,
                        int64_t reach) {
  for (int64_t i = 0; i < n; i += BLOCK) {
    float sum[BLOCK];
    for (int b = 0; b < BLOCK; b++) sum[b] = weight[0] * from[i + b];
    for (int64_t k = 1; k <= reach; k++) {
      const float *in = from + i + k * step, *opposite = from + i - k * step;
      for (int b = 0; b < BLOCK; b++) sum[b] += weight[k] * (in[b] + opposite[b]);
    }
    memcpy(to + i, sum, (size_t)(n - i < BLOCK ? n - i : BLOCK) * sizeof *to);
  }
}

/* The field smoothed along its rows, then along its columns; beyond it there are zeros. */
static void smooth(Change *c, float *field, double deviation) {
  int64_t reach = gaussian(c->weight, deviation, c->w);
  float *line = c->around + reach;
  memset(c->around, 0, (size_t)(c->w + 2 * reach + BLOCK) * sizeof *line);
  for (int64_t y = 0; y < c->h; y++) {
    memcpy(line, field + y * c->w, (size_t)c->w * sizeof *line);
    smooth_line(field + y * c->w, line, c->w, 1, c->weight, reach);
  }
  if (c->h == 1) return;
  reach = gaussian(c->weight, deviation, c->h);
  line = c->around + reach * c->w;
  memset(c->around, 0, (size_t)((c->h + 2 * reach) * c->w + BLOCK) * sizeof *line);
  memcpy(line, field, (size_t)(c->h * c->w) * sizeof *line);
  for (int64_t y = 0; y < c->h; y++)
    smooth_line(field + y * c->w, line + y * c->w, c->w, c->w, c->weight, reach);
}

/* Uniform numbers of -scale to scale, four from each draw. */
static void fill_uniform(Change *c, float *to, float scale) {
  int64_t n = c->h * c->w;
  for (int64_t i = 0; i < n;) {
    uint64_t bits = random_bits(&c->random);
    for (int k = 0; k < 4 && i < n; k++, bits >>= 16)
      to[i++] = scale * ((float)(bits & 0xffff) * (1 / 32767.5f) - 1);
  }
}

static void elastic(Change *c, const double *value) {
  for (int i = c->h > 1 ? 0 : 1; i < 2; i++) { /* a line has no rows to move to */
    c->field[i] = c->room[i];
    fill_uniform(c, c->field[i], (float)value[0]);
    smooth(c, c->field[i], value[1]);
  }
  c->warped = true;
}

/* ---- moving values ---- */

/* Where place i of an axis of n places lies; -1: nowhere. */
static int64_t at_border(Border border, int64_t i, int64_t n) {
  int64_t period = border == BORDER_WRAP ? n : border == BORDER_SYMMETRIC ? 2 * n : 2 * (n - 1);
  if (i >= 0 && i < n) return i;
  if (border == BORDER_CONSTANT) return -1;
  if (border == BORDER_EDGE) return i < 0 ? 0 : n - 1;
  if (period == 0) return 0;
  i = (i % period + period) % period;
  if (i < n) return i;
  return border == BORDER_SYMMETRIC ? period - 1 - i : period - i;
}

/* from[i]: the place in the sample, along one axis of n places, that place i of the result
 * reads. */
static void find_places(const Change *c, int axis, int64_t n, bool mirrored) {
  int64_t margin = axis >= 3 - c->axes ? c->margin : 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t place = (mirrored ? n - 1 - i : i) + (int64_t)c->move[axis] + margin;
    c->from[axis][i] = at_border(c->border, place, n + 2 * margin);
  }
}

static void copy_row(const Change *c, float *to, const float *row) {
  for (int64_t x = 0; x < c->w; x++) to[x] = c->from[2][x] < 0 ? c->fill : row[c->from[2][x]];
}

static void fill_row(const Change *c, float *to) {
  for (int64_t x = 0; x < c->w; x++) to[x] = c->fill;
}

/* One slice of a channel, by whole places. */
static void move_slice(const Change *c, const float *slice, int64_t width, float *to) {
  for (int64_t y = 0; y < c->h; y++, to += c->w) {
    if (!slice || c->from[1][y] < 0)
      fill_row(c, to);
    else
      copy_row(c, to, slice + c->from[1][y] * width);
  }
}

typedef struct Slice { /* what is read from: [h,w] of a sample with its margin */
  const float *at;
  int64_t h, w;
} Slice;

static float value_at(const Change *c, const Slice *s, int64_t y, int64_t x) {
  y = at_border(c->border, y, s->h);
  x = at_border(c->border, x, s->w);
  return y < 0 || x < 0 ? c->fill : s->at[y * s->w + x];
}

static float between(const Change *c, const Slice *s, double y, double x) {
  double y0 = floor(y), x0 = floor(x);
  float fy = (float)(y - y0), fx = (float)(x - x0), corner[4];
  int64_t iy = (int64_t)y0, ix = (int64_t)x0;
  if (iy >= 0 && ix >= 0 && iy + 1 < s->h && ix + 1 < s->w) {
    const float *at = s->at + iy * s->w + ix;
    memcpy(corner, at, 2 * sizeof *corner);
    memcpy(corner + 2, at + s->w, 2 * sizeof *corner);
  } else {
    for (int k = 0; k < 4; k++) corner[k] = value_at(c, s, iy + k / 2, ix + k % 2);
  }
  float top = corner[0] + fx * (corner[1] - corner[0]);
  float bottom = corner[2] + fx * (corner[3] - corner[2]);
  return top + fy * (bottom - top);
}

/* One slice of a channel, between places. */
static void warp_slice(const Change *c, const Slice *s, float *to) {
  double my = 0.5 * (double)(c->h - 1), mx = 0.5 * (double)(c->w - 1);
  double sy = 0.5 * (double)(s->h - 1) + c->move[1], sx = 0.5 * (double)(s->w - 1) + c->move[2];
  for (int64_t y = 0; y < c->h; y++)
    for (int64_t x = 0; x < c->w; x++) {
      double py = (c->mirrored[0] ? -1 : 1) * ((double)y - my);
      double px = (c->mirrored[1] ? -1 : 1) * ((double)x - mx);
      int64_t i = y * c->w + x;
      double ry = c->row[0] * py + c->row[1] * px + sy,
             rx = c->column[0] * py + c->column[1] * px + sx;
      if (c->field[0]) ry += (double)c->field[0][i];
      if (c->field[1]) rx += (double)c->field[1][i];
      to[i] = between(c, s, ry, rx);
    }
}

void change_move(Change *c, const float *sample) {
  int64_t around = 2 * c->margin, depth = c->d + (c->axes > 2 ? around : 0);
  Slice slice = {NULL, c->h + (c->axes > 1 ? around : 0), c->w + around};
  float *to = c->at;
  find_places(c, 0, c->d, false);
  find_places(c, 1, c->h, c->mirrored[0]);
  find_places(c, 2, c->w, c->mirrored[1]);
  for (int64_t channel = 0; channel < c->c; channel++)
    for (int64_t z = 0; z < c->d; z++, to += c->h * c->w) {
      int64_t from = c->from[0][z];
      slice.at = from < 0 ? NULL : sample + (channel * depth + from) * slice.h * slice.w;
      if (c->warped && slice.at)
        warp_slice(c, &slice, to);
      else
        move_slice(c, slice.at, slice.w, to);
    }
}

/* ---- the rows ---- */

static const AugmentRow rows[] = {
    {.name = "shift",
     .argument = "N",
     .min = 1,
     .max = AUGMENT_MOST,
     .whole = true,
     .change = shift,
     .doc = "moves by -N to N places along each axis, other numbers each time",
     .source = "Simard, Steinkraus, Platt 2003"},
    {.name = "crop",
     .argument = "N",
     .min = 1,
     .max = AUGMENT_MOST,
     .whole = true,
     .change = shift,
     .margin = true,
     .doc =
         "cuts a window out of the sample and N places around it; pictures and sounds of a folder "
         "are read that much larger, other samples are continued by the border",
     .source = "Krizhevsky, Sutskever, Hinton 2012"},
    {.name = "flip",
     .change = flip,
     .doc = "half of the samples mirrored left to right",
     .source = "Krizhevsky et al. 2012"},
    {.name = "vflip", .change = vflip, .doc = "half of the samples mirrored top to bottom"},
    {.name = "scale",
     .argument = "F",
     .max = 0.9,
     .change = scale,
     .doc = "enlarges by 1 - F to 1 + F",
     .source = "Ciresan et al. 2011"},
    {.name = "stretch",
     .argument = "F",
     .max = 0.9,
     .change = stretch,
     .doc = "the same, with another factor for each axis",
     .source = "Ciresan et al. 2011"},
    {.name = "rotate",
     .argument = "DEGREES",
     .max = 180,
     .change = rotate,
     .doc = "turns by -DEGREES to DEGREES",
     .source = "Simard et al. 2003"},
    {.name = "shear",
     .argument = "F",
     .max = 2,
     .change = shear,
     .doc = "slants by -F to F columns each row",
     .source = "Simard et al. 2003"},
    {.name = "elastic",
     .argument = "A:S",
     .otherwise = {34, 4},
     .max = 1000,
     .change = elastic,
     .doc = "moves each place by A times random numbers of -1 to 1 that a Gaussian of S places has "
            "smoothed (default 34:4)",
     .source = "Simard et al. 2003"},
};

const AugmentRows augment_places = {rows, COUNT(rows)};
