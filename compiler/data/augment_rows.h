/* augment_rows.h - the rows of changes, and what they share: a sample that is being changed. */
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

typedef struct AugmentRow {
  const char *name;
  const char *argument;          /* "N", or two of them: "A:S"; NULL: none */
  double otherwise[2], min, max; /* `otherwise`: of what is not given; min, max: of the first */
  bool whole;                    /* the first is a whole number */
  bool coloured;                 /* for three channels only */
  bool margin;                   /* samples of a folder are read that much larger: augment_margin */
  void (*prepare)(Change *, const Dataset *); /* what it must know of a data set; NULL: nothing */
  void (*change)(Change *, const double *value);
  const char *doc, *source;
} AugmentRow;

typedef struct AugmentRows {
  const AugmentRow *at;
  int n;
} AugmentRows;

enum { AUGMENT_MOST = 1 << 14 }; /* of numbers of places */

/* ---- augment_places.c ---- */

extern const AugmentRows augment_places;
void change_start(Arena *, Change *, const Dataset *);
void change_begin(Change *);
void change_move(Change *, const float *sample); /* fills `at` */

/* ---- augment_values.c ---- */

extern const AugmentRows augment_values;
void change_end(Change *); /* bytes stay within their range */

#endif
