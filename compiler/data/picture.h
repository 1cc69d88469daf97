/* picture.h - pictures as their files hold them. */
#ifndef PICTURE_H
#define PICTURE_H

#include "tensors.h"

typedef struct Picture {
  int64_t c, h, w;
  float *at; /* [c,h,w], 0 to 255 */
} Picture;

enum { MAX_EXTENT = 1 << 15, MAX_PIXELS = 1 << 26 };

/* One or three channels; false after a message (picture_png.c, picture_jpeg.c). */
bool picture_parse_png(Unit *, const char *file, const char *bytes, size_t size, Picture *);
bool picture_parse_jpeg(Unit *, const char *file, const char *bytes, size_t size, Picture *);

#endif
