/* picture.c - a picture as the input of a network: PNG, JPEG, or binary PGM or PPM (P5, P6).
 *
 * The picture is resized so that it just covers the wanted h x w, keeping its proportions, and the
 * middle is cut out. Resizing is separable, with a triangle as wide as one pixel of the coarser
 * grid: bilinear where it enlarges, averaging where it reduces. A picture of the wanted size passes
 * unchanged. */
#include "picture.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* A number of the header; blanks and comments before it are skipped. -1: none. */
static int64_t header_number(const char **at, const char *end) {
  while (*at < end && (isspace((unsigned char)**at) || **at == '#')) {
    if (**at == '#')
      while (*at < end && **at != '\n') ++*at;
    else
      ++*at;
  }
  if (*at == end || !isdigit((unsigned char)**at)) return -1;
  int64_t number = 0;
  for (; *at < end && isdigit((unsigned char)**at); ++*at)
    if (number <= MAX_EXTENT * 4) number = 10 * number + (**at - '0');
  return number;
}

/* Pixels lie as [h,w,c] in the file, one byte each, or two (high byte first) when max > 255. */
static void read_pixels(Picture *p, const unsigned char *bytes, int64_t max) {
  int64_t area = p->h * p->w;
  for (int64_t i = 0; i < area; i++)
    for (int64_t c = 0; c < p->c; c++) {
      int64_t k = i * p->c + c, value = max > 255 ? bytes[2 * k] << 8 | bytes[2 * k + 1] : bytes[k];
      p->at[c * area + i] = max == 255 ? (float)value : (float)((double)value * 255 / (double)max);
    }
}

static bool pnm_parse(Unit *u, const char *file, const char *bytes, size_t size, Picture *p) {
  const char *at = bytes + 2, *end = bytes + size;
  p->c = bytes[1] == '6' ? 3 : 1;
  p->w = header_number(&at, end);
  p->h = header_number(&at, end);
  int64_t max = header_number(&at, end);
  if (p->w < 1 || p->w > MAX_EXTENT || p->h < 1 || p->h > MAX_EXTENT || max < 1 || max > 65535) {
    diag_error_in(u, file, "the picture's header is damaged, or it is larger than %d x %d",
                  MAX_EXTENT, MAX_EXTENT);
    return false;
  }
  int64_t needed = p->c * p->h * p->w * (max > 255 ? 2 : 1);
  if (end - at < needed + 1) { /* one blank, then the pixels */
    diag_error_in(u, file, "the picture is cut off: %lld x %lld pixels need %lld bytes",
                  (long long)p->w, (long long)p->h, (long long)needed);
    return false;
  }
  p->at = NEW_ARRAY(u->arena, float, p->c * p->h * p->w);
  read_pixels(p, (const unsigned char *)at + 1, max);
  return true;
}

/* The first bytes tell the format. */
static const struct {
  const char *begin;
  bool (*parse)(Unit *, const char *file, const char *bytes, size_t size, Picture *);
} formats[] = {{"\x89PNG", picture_parse_png},
               {"\xff\xd8\xff", picture_parse_jpeg},
               {"P5", pnm_parse},
               {"P6", pnm_parse}};

static bool parse(Unit *u, const char *file, const char *bytes, size_t size, Picture *p) {
  for (int i = 0; i < COUNT(formats); i++)
    if (size >= strlen(formats[i].begin) &&
        memcmp(bytes, formats[i].begin, strlen(formats[i].begin)) == 0)
      return formats[i].parse(u, file, bytes, size, p);
  diag_error_in(u, file, "not a picture: PNG, JPEG, or binary PGM or PPM (P5, P6)");
  return false;
}

/* One axis: `out` pixels cover the middle of `in` pixels at `scale` input pixels
 * per output pixel. */
typedef struct Axis {
  int64_t in, out;
  double scale;
} Axis;

/* The weighted mean of the input pixels around output pixel i; `stride`: between input pixels. */
static float resample(const float *line, int64_t stride, const Axis *axis, int64_t i) {
  double centre = (double)axis->in / 2 + ((double)i + 0.5 - (double)axis->out / 2) * axis->scale;
  double reach = axis->scale > 1 ? axis->scale : 1, sum = 0, total = 0;
  int64_t first = (int64_t)floor(centre - reach), last = (int64_t)ceil(centre + reach);
  if (first < 0) first = 0;
  if (last > axis->in - 1) last = axis->in - 1;
  for (int64_t k = first; k <= last; k++) {
    double weight = 1 - fabs((double)k + 0.5 - centre) / reach;
    if (weight <= 0) continue;
    sum += weight * (double)line[k * stride];
    total += weight;
  }
  return (float)(sum / total);
}

static Picture resize(Arena *arena, const Picture *p, int64_t h, int64_t w) {
  double scale = fmin((double)p->h / (double)h, (double)p->w / (double)w);
  Axis rows = {p->h, h, scale}, columns = {p->w, w, scale};
  Picture wide = {p->c, p->h, w, NEW_ARRAY(arena, float, p->c * p->h * w)};
  for (int64_t line = 0; line < p->c * p->h; line++)
    for (int64_t x = 0; x < w; x++)
      wide.at[line * w + x] = resample(p->at + line * p->w, 1, &columns, x);
  Picture out = {p->c, h, w, NEW_ARRAY(arena, float, p->c *h *w)};
  for (int64_t c = 0; c < p->c; c++)
    for (int64_t y = 0; y < h; y++)
      for (int64_t x = 0; x < w; x++)
        out.at[(c * h + y) * w + x] = resample(wide.at + c * p->h * w + x, w, &rows, y);
  return out;
}

/* Grey from colour by the eye's weights (ITU-R 601), several channels from grey by repetition. */
static float *with_channels(Arena *arena, const Picture *p, int64_t c) {
  int64_t area = p->h * p->w;
  if (p->c == c) return p->at;
  float *out = NEW_ARRAY(arena, float, c *area);
  for (int64_t i = 0; i < area; i++) {
    double grey = p->c == 1 ? (double)p->at[i]
                            : 0.299 * (double)p->at[i] + 0.587 * (double)p->at[area + i] +
                                  0.114 * (double)p->at[2 * area + i];
    for (int64_t k = 0; k < c; k++) out[k * area + i] = (float)grey;
  }
  return out;
}

bool picture_read(Unit *u, const char *file, int64_t c, int64_t h, int64_t w, Tensor *t) {
  size_t size;
  const char *bytes = file_read(u, file, &size);
  Picture picture;
  if (!bytes || !parse(u, file, bytes, size, &picture)) return false;
  if (c < 1 || c > 4 || h < 1 || h > MAX_EXTENT || w < 1 || w > MAX_EXTENT) {
    diag_error_in(u, file, "a picture cannot serve as an input of %lld x %lld x %lld", (long long)c,
                  (long long)h, (long long)w);
    return false;
  }
  Picture fitted = resize(u->arena, &picture, h, w);
  *t = (Tensor){.name = file, .element = ELEMENT_F32, .rank = 3, .dim = {c, h, w}};
  t->data = with_channels(u->arena, &fitted, c);
  return true;
}
