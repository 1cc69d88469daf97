/* bilinear_tiling.h - the axes of a contraction along which a bilinear algorithm works: what
 * bilinear_tiling.c finds and bilinear.c makes kernels of. */
#ifndef BILINEAR_TILING_H
#define BILINEAR_TILING_H

#include "bilinear.h"

enum { MOST_SLIDES = 3 };

typedef enum Side { SIDE_X, SIDE_W, SIDE_RESULT, SIDES } Side;

typedef struct Slide { /* one dimension */
  int axis[SIDES];
  int result, tap; /* loops */
  bool backwards;  /* x is read at i - k */
  char letter;     /* of names: d, h, w */
  Bilinear w;
  int64_t tiles, sections, taps;
} Slide;

typedef struct Tiling {
  Plan *p;
  const Contraction *c;
  const Kernel *k;
  const char *algo;
  bool changing; /* w changes in every call */
  bool joined;   /* tiles of all samples lie beside each other */
  int lane;      /* the loop of k that lanes of weights and results run along */
  int n;
  Slide slide[MOST_SLIDES];
} Tiling;

/* NULL, or why the row cannot serve c. */
const char *tiling_find(const Plan *, const Contraction *c, const BilinearRow *, Tiling *);
/* The slide whose tap, or result, a loop of k is; at which an axis of an operand lies; -1: none. */
int tiling_slide_of(const Tiling *, int loop, bool tap);
int tiling_slide_at(const Tiling *, int axis, Side);
/* How many axes of the view the loop moves; the last of them. */
int tiling_axes_of(const View *, int loop, int *axis);

/* How many tiles there are along a slide: of x those of results, and for later sections some behind
 * them; of w its sections. */
int64_t tiling_tiles(const Slide *, Side);
/* Where an operand that is read in tiles lies; where the last one leaves it, results are not used,
 * or 0. */
Coord tiling_coordinate(const Slide *, Side, const Coord *at, int tile, int value);
/* Where tap `tap` of a section lies in w; backwards the last section comes first. */
void tiling_section(const Slide *, View *w, int section, int tap);
/* Where axis `axis` of V or M comes, of n, channels .., points, tiles: behind points and channels
 * come the tiles of all samples, if they are joined. So for the axes of a view. */
int tiling_axis(const Tiling *, int axis, int rank);
void tiling_order_axes(const Tiling *, View *);

/* Where windows slide by steps of more than one (strided.c), for forward: appends the copies to
 * phases and makes `k` of c, whose windows slide by one over them. False: there are none. */
bool strided_split(Plan *, const Contraction *c, const char *algo, Kernel *k, Steps *);

#endif
