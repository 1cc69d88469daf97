/* augment_rows.h - what the rows of augment.c's table share: a sample that is being changed. */
#ifndef AUGMENT_ROWS_H
#define AUGMENT_ROWS_H

#include "augment.h"

typedef enum Border {
  BORDER_CONSTANT,
  BORDER_EDGE,      /* aaa|abcd|ddd */
  BORDER_REFLECT,   /* dcb|abcd|cba */
  BORDER_SYMMETRIC, /* cba|abcd|dcb */
  BORDER_WRAP,      /* bcd|abcd|abc */
  BORDERS
} Border;

/* The place [z,y,x] of the result, counted from its middle, reads the sample's place
 *     z + move[0], row[0] y + row[1] x + move[1], column[0] y + column[1] x + move[2],
 * moved by field[0] rows and field[1] columns, where there is a field. Samples of one axis have one
 * row, those of two axes one slice. */
typedef struct Change {
  Random random;
  Border border;
  float fill;
  int axes;           /* along which samples move: 1 to 3 */
  int64_t c, d, h, w; /* of the result; */
  int64_t margin;     /* the sample reaches so much beyond it, along each of its axes */
  double row[2], column[2], move[3];
  bool warped, mirrored[2];         /* warped: values lie between places; mirrored: rows, columns */
  float *field[2];                  /* NULL: none, in this sample */
  float *room[2], *weight, *around; /* for fields */
  int64_t *from[3];                 /* of each slice, row, column; -1: outside */
  float *at;                        /* the result [c,d,h,w] */
  bool bytes;                       /* values are 0 to 255 */
  double component[3][3], variance[3]; /* of colours in 0 to 1 */
} Change;

/* ---- augment_places.c ---- */

void change_start(Arena *, Change *, const Dataset *);
void change_begin(Change *);
void change_move(Change *, const float *sample); /* fills `at` */

void change_shift(Change *, const double *);
void change_flip(Change *, const double *);
void change_vflip(Change *, const double *);
void change_scale(Change *, const double *);
void change_stretch(Change *, const double *);
void change_rotate(Change *, const double *);
void change_shear(Change *, const double *);
void change_elastic(Change *, const double *);

/* ---- augment_values.c ---- */

void change_find_components(Change *, const Dataset *);
void change_end(Change *); /* bytes stay within their range */

void change_brightness(Change *, const double *);
void change_contrast(Change *, const double *);
void change_saturation(Change *, const double *);
void change_pca(Change *, const double *);
void change_noise(Change *, const double *);
void change_erase(Change *, const double *);

#endif
