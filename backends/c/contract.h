/* contract.h - a register-tiled contraction while it is printed: contract.c decides its loops,
 * ukernel.c prints one tile. */
#ifndef CONTRACT_H
#define CONTRACT_H

#include "leaf.h"
#include "algos.h"

/* A tile is summed and stored at once, or in memory: set to 0, added to, finished. */
typedef enum TilePass { TILE_WHOLE, TILE_CLEAR, TILE_ADD, TILE_FINISH } TilePass;

typedef struct Contract {
  Leaf *f;
  Contraction c;
  int lane;                 /* the free loop along the lanes */
  int point;                /* the free loop whose points share weights: R at a time */
  int run[MAX_LOOPS], nrun; /* loops that run as one (contraction_run) */
  int outer;   /* the outermost of these, if there are several; or a loop whose rows a tile takes
                  several of; or -1 */
  int row;     /* points of such a row; 0: they follow each other */
  int lanes;   /* of the target */
  int step;    /* between vectors of a tile, along the lane loop */
  bool sums;   /* the lanes are samples, added up at the end: `lane` is a loop of columns */
  int vectors; /* K: vectors of lanes in a whole tile, */
  int taps;    /* each of them so often: for all turns of this loop, or -1: */
  int turns;   /* its extent, or 1 */
  int points;  /* R */
  int unroll;  /* of the innermost reduced loop */
  TilePass pass;
  Bands bands;    /* of TILE_WHOLE only `samples` is meant */
  Linear band_at; /* where the band begins that a tile sums */
  bool x_lanes;   /* x is loaded in vectors as well (depthwise, sums) */
  Dialect d;
} Contract;

/* One tile: `points` values of the point loop from `at`, or the rows from `at`, `vectors` vectors
 * from lane `lane_at`, those of all taps together; of the last lanes only `count` if not 0. */
typedef struct TileAt {
  int points, vectors, count;
  Linear at, lane_at;
} TileAt;

/* Do the points of tiles come from loop l? */
bool contract_takes(const Contract *, int l);
void ukernel_tile(Contract *, const TileAt *);
/* The loops over the points of tiles, and over those that lie along the lanes of x
 * (contract_points.c). */
void contract_point_loop(Contract *, TileAt);
void contract_point_blocks(Contract *, const TileAt *, int lanes);
/* Is a function at the part of loop l that ends with the loop? Where there are several parts, as a
 * comparison of the block's number if that says it: then it says where the part begins as well. */
const char *contract_reaches_end(Leaf *, int l, int64_t extent, bool several);
/* The loop over rows of points of which a tile may take several, whether or not they follow each
 * other; -1: none. */
int contract_parted(const Plan *, const Contraction *);
/* How many points tiles can take from: of several loops, where those run as one. Does the one over
 * samples, so that their number is known when called? */
int64_t contract_points(const Plan *, const Contraction *);
bool contract_joins_samples(const Plan *, const Contraction *);
/* Are a tile's weights, of so many vectors, more than the first level of the caches keeps? */
bool contract_weights_stream(const Plan *, const Kernel *, int vectors);
/* The points of the tiles that `left` points of a call run in, whose number no tile of `whole`
 * divides. */
int contract_rest(int64_t whole, int64_t left);

#endif
