/* cost.c - see cost.h. A kernel takes as long as its arithmetic, or as what it moves, whichever is
 * more, and its launch. For products in blocks the arithmetic is that of whole tiles, instruction
 * by instruction, on the multiprocessor that gets the most of them. */
#include "cost.h"
#include "depthwise.h"
#include "gemm.h"
#include "reduce.h"
#include "transform.h"

#include <math.h>
#include <string.h>

enum {
  THREADS = 512,  /* on a multiprocessor, that keep it busy */
  ELEMENT = 10,   /* instructions for an element that a line of a transform reads or writes */
  REGISTERS = 220 /* of a thread, that leave room for what is not counted */
};

/* Bytes that a kernel moves at least: every buffer it names once. */
static double bytes_of(const Plan *p, const Kernel *k) {
  double bytes = 0;
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    bytes += (double)buffer_bytes(&p->buffer.at[v->tensor], p->max_batch);
  }
  return bytes;
}

double cuda_clock(const Target *t) {
  return t->machine.flops / (2.0 * COST_LANES * t->machine.units);
}

/* ---- products in blocks ---- */

typedef struct Shape { /* at the largest batch */
  double groups, rows, columns, terms;
  double row_fetches, column_fetches; /* for each term */
  bool row_lines, column_lines;       /* in chunks of rows, or of columns */
  bool tested; /* do rows come element by element, each inside its tensor or not? */
  const Kernel *k;
  bool boxed; /* may its operands come in boxes? */
  Boxes boxes;
} Shape;

/* Do terms lie beside each other? Channels in lanes do, and packed weights. */
static bool terms_beside(const Buffer *b) {
  return b->format.lane_axis >= 0 || b->home == HOME_DERIVED;
}

/* Fetches for each term of an operand: terms beside each other come a chunk at once, those of
 * weights if they are whole chunks. */
static double fetches(const Plan *p, const Contraction *c, int in) {
  const Arithmetic *as = &gemm_arithmetic[p->precision];
  const Buffer *b = &p->buffer.at[c->k->in[in].tensor];
  const int chunk = GEMM_CHUNK * as->pack;
  const bool ragged =
      b->format.lane_axis < 0 && kernel_points(c->k, true, p->max_batch) % chunk != 0;
  const bool at_once = as->mma && terms_beside(b) && !ragged && b->format.dtype == as->number;
  return at_once ? 1.0 / chunk : 1;
}

/* Do rows of an operand, or columns, lie beside each other? */
static bool comes_in_lines(const Plan *p, const Contraction *c, int in) {
  for (int l = 0; l < kernel_free_loops(c->k); l++)
    if (c->role[l] != 'B' && channels_in_lanes(p, &c->k->in[in], l)) return true;
  return false;
}

static Shape shape_of(const Plan *p, const Contraction *c) {
  Shape s = {1, 1, 1, 1, fetches(p, c, c->x), fetches(p, c, c->w), .k = c->k};
  const View *x = &c->k->in[c->x];
  s.tested = x->outside != INSIDE && !terms_beside(&p->buffer.at[x->tensor]);
  s.boxed = boxes_of(p, c, &s.boxes);
  s.row_lines = comes_in_lines(p, c, c->x);
  s.column_lines = comes_in_lines(p, c, c->w);
  for (int l = 0; l < c->k->nloop; l++) {
    double *of = c->role[l] == 'B'   ? &s.groups
                 : c->role[l] == 'M' ? &s.rows
                 : c->role[l] == 'N' ? &s.columns
                                     : &s.terms;
    *of *= (double)extent_at(c->k->loop[l].extent, p->max_batch);
  }
  return s;
}

/* Words of 16-bit numbers that a multiprocessor multiplies in a cycle. */
static double words_per_cycle(const Target *t, double flops) {
  return flops / (2.0 * t->machine.units * cuda_clock(t)) / 2;
}

/* Cycles for a word where four warps multiply together: all goes on at the same time, products,
 * shared memory (a word to each of its banks), and what brings a stage. */
static double wgmma_cycles(const Plan *p, const GemmTile *t, double fetched) {
  const double results = (double)t->rows * t->columns;
  const double read = results / t->j + results / (t->warps * t->i), written = t->rows + t->columns;
  const double products = results / words_per_cycle(p->target, p->target->machine.wgmma_flops);
  return fmax(products, fmax((read + written) / DEVICE_BANKS, fetched));
}

/* Boxes come by themselves: it is assumed that a run of memory does in a cycle, which no device has
 * shown. Runs are points beside each other of a chunk, and a stage's terms of a column. */
static double box_cycles(const GemmTile *t) {
  const double chunks = (double)t->words / GEMM_CHUNK;
  return (chunks * t->rows / t->wide + t->columns) / t->words;
}

/* Cycles of a multiprocessor for one word along the terms of a tile. */
static double word_cycles(const Plan *p, const Shape *s, const GemmTile *t, const Arithmetic *as) {
  const double results = (double)t->rows * t->columns;
  const double fetched = (t->rows * s->row_fetches + t->columns * s->column_fetches) * as->pack *
                         COST_FETCH / COST_LANES;
  if (t->warps) return wgmma_cycles(p, t, t->wide ? box_cycles(t) : fetched);
  if (!as->mma) return results * (1 + 0.25 / t->i + 0.25 / t->j) / COST_LANES + fetched;
  const double words = words_per_cycle(p->target, p->target->machine.tensor_flops);
  const double times = as->split ? 3 : 1;
  return results * times / words + results / 16 * (1.0 / t->i + 1.0 / t->j) / DEVICE_BANKS +
         fetched;
}

/* Does one stage hold all terms? None of them is left for later, then. */
static bool fits_a_stage(const Shape *s, const GemmTile *t, const Arithmetic *as) {
  return s->terms <= t->words * as->pack;
}

/* Registers of a thread; by wgmma those of numbers on their way count that are not copied, and
 * the tests of single ones if all fit a stage. */
static double registers_of(const Shape *s, const GemmTile *t, const Arithmetic *as) {
  if (!as->mma) return 1.5 * t->i * t->j + 48;
  const double results = (double)t->i * t->j / DEVICE_WARP;
  if (!t->warps) return 2 * results + 64;
  const double loaded =
      (s->row_fetches < 1 ? 0 : t->rows) + (s->column_fetches < 1 ? 0 : t->columns);
  const double tests = s->tested && fits_a_stage(s, t, as) ? 16 : 0;
  return results + loaded * t->words * as->pack / gemm_threads(t, as) + tests + 80;
}

/* nvcc spills what it finds no register for; where all of both operands comes element by element,
 * some to have two blocks of so many threads on a multiprocessor. */
static bool spills(const Shape *s, const GemmTile *t, const Arithmetic *as) {
  enum { MANY = 256 };
  if (t->warps) return registers_of(s, t, as) > REGISTERS;
  const bool loaded = s->row_fetches >= 1 && s->column_fetches >= 1;
  return as->mma && loaded && fits_a_stage(s, t, as) && gemm_threads(t, as) == MANY;
}

/* Blocks that a multiprocessor works on at a time. */
static double resident(const Plan *p, const Shape *s, const GemmTile *t, const Arithmetic *as) {
  const double by_memory = p->target->machine.l1 * 0.85 / (double)gemm_shared_bytes(t, as);
  const double by_threads = fmin(DEVICE_THREADS, DEVICE_REGISTERS / registers_of(s, t, as));
  return floor(fmin(by_memory, by_threads / gemm_threads(t, as)));
}

/* Four warps that multiply together take lines of terms that are whole. */
static Shape with_tile(const Shape *s, const GemmTile *t) {
  Shape own = *s;
  if (t->warps && s->row_lines && t->rows % GEMM_LINE) own.row_fetches = 1;
  if (t->warps && s->column_lines && t->columns % GEMM_LINE) own.column_fetches = 1;
  return own;
}

static double tile_seconds(const Plan *p, const Shape *shape, const GemmTile *t) {
  const Shape own = with_tile(shape, t), *s = &own;
  const Arithmetic *as = &gemm_arithmetic[p->precision];
  const int units = p->target->machine.units;
  if (spills(s, t, as)) return INFINITY;
  const double rows = t->wide ? boxes_tiles(p, s->k, &s->boxes, t) : ceil(s->rows / t->rows);
  const double tiles = s->groups * rows * ceil(s->columns / t->columns);
  const double rounds = ceil(tiles / units); /* tiles of the busiest multiprocessor */
  const double threads = fmin(rounds * gemm_threads(t, as), THREADS);
  const double busy = t->warps ? 1 : fmin(1, 0.15 + 0.85 * threads / THREADS);
  const double turns = ceil(s->terms / (t->words * as->pack));
  /* What hides a tile's latency. */
  const double beside = fmin(rounds, fmax(1, resident(p, s, t, as)));
  const double turn = fmax(t->words * word_cycles(p, s, t, as) / busy,
                           COST_LATENCY / (gemm_stages_ahead(t) * beside));
  const double edge = 1500; /* cycles: beginning, results */
  return rounds * (turns * turn + edge) / cuda_clock(p->target);
}

#define TILE(ROWS, COLUMNS, WORDS, I, J, STAGES)                                                   \
  { .rows = ROWS, .columns = COLUMNS, .words = WORDS, .i = I, .j = J, .stages = STAGES }
/* Four warps multiply 16 rows of all columns each. */
#define TOGETHER(ROWS, COLUMNS, STAGES)                                                            \
  {                                                                                                \
    .rows = ROWS, .columns = COLUMNS, .words = 32, .i = 16, .j = COLUMNS, .stages = STAGES,        \
    .warps = GEMM_TOGETHER                                                                         \
  }

static const GemmTile plain_tiles[] = {
    TILE(128, 128, 16, 8, 8, 2), TILE(128, 64, 16, 8, 4, 3), TILE(64, 128, 16, 4, 8, 3),
    TILE(64, 64, 16, 4, 4, 4),   TILE(128, 32, 16, 8, 4, 4), TILE(64, 32, 16, 4, 4, 4),
    TILE(32, 64, 16, 4, 4, 4),   TILE(32, 32, 16, 4, 4, 4),  TILE(128, 16, 16, 4, 4, 4),
    TILE(64, 16, 16, 4, 4, 4),   TILE(16, 64, 16, 4, 4, 4),  TILE(16, 128, 16, 4, 4, 4),
};
static const GemmTile mma_tiles[] = {
    TILE(128, 128, 16, 64, 32, 3), TILE(128, 64, 16, 32, 32, 4), TILE(64, 128, 16, 32, 32, 4),
    TILE(64, 64, 16, 32, 32, 5),   TILE(64, 64, 32, 32, 32, 3),  TILE(128, 32, 16, 32, 32, 4),
    TILE(64, 32, 16, 32, 16, 4),   TILE(32, 64, 16, 16, 32, 4),  TILE(32, 32, 16, 16, 16, 4),
    TILE(128, 16, 16, 32, 16, 4),  TILE(64, 16, 16, 16, 16, 4),  TILE(16, 64, 16, 16, 16, 4),
};
/* Numbers in two words need more registers. */
static const GemmTile split_tiles[] = {
    TILE(128, 64, 16, 32, 32, 4), TILE(64, 128, 16, 32, 32, 4), TILE(64, 64, 16, 32, 32, 4),
    TILE(128, 32, 16, 32, 32, 4), TILE(64, 32, 16, 32, 16, 4),  TILE(32, 64, 16, 16, 32, 4),
    TILE(32, 32, 16, 16, 16, 4),  TILE(128, 16, 16, 32, 16, 4), TILE(64, 16, 16, 16, 16, 4),
    TILE(16, 64, 16, 16, 16, 4),
};

/* The largest ones are small enough for sm_80, with 163 KiB, which multiplies in each warp. */
static const GemmTile wgmma_tiles[] = {
    TOGETHER(128, 128, 4), TOGETHER(128, 128, 3), TOGETHER(128, 256, 3), TOGETHER(128, 64, 4),
    TOGETHER(64, 128, 4),  TOGETHER(64, 64, 4),   TOGETHER(128, 32, 4),  TOGETHER(64, 32, 4),
};

static bool multiplies_together(const Plan *p) {
  return gemm_arithmetic[p->precision].wgmma && p->target->machine.wgmma_flops > 0;
}

static const GemmTile *tiles_of(const Plan *p, int *n) {
  const Arithmetic *as = &gemm_arithmetic[p->precision];
  if (multiplies_together(p)) {
    *n = COUNT(wgmma_tiles);
    return wgmma_tiles;
  }
  *n = as->split ? COUNT(split_tiles) : as->mma ? COUNT(mma_tiles) : COUNT(plain_tiles);
  return as->split ? split_tiles : as->mma ? mma_tiles : plain_tiles;
}

/* The fastest way to have a tile's rows in boxes, if it is as fast as `best`; of equal ones that
 * with the longest runs of memory. Few rows may be none. */
static void pick_box(const Plan *p, const Shape *s, GemmTile t, GemmTile *best) {
  const double most = 1.15;
  for (t.wide = t.rows; t.wide > 1; t.wide /= 2)
    for (t.high = t.rows / t.wide; t.high > 0; t.high /= 2) {
      if (!boxes_fit(&t) || boxes_tiles(p, s->k, &s->boxes, &t) * t.rows > most * s->rows) continue;
      const double time = tile_seconds(p, s, &t), least = tile_seconds(p, s, best);
      if (time < least || (time == least && !best->wide)) *best = t;
    }
}

static void pick_gemm_tile(const Plan *p, Kernel *k) {
  Contraction c;
  int n;
  if (!contraction_of(p, k, &c)) return;
  const GemmTile *tiles = tiles_of(p, &n);
  const Shape s = shape_of(p, &c);
  GemmTile best = tiles[0];
  for (int i = 1; i < n; i++)
    if (tile_seconds(p, &s, &tiles[i]) < tile_seconds(p, &s, &best)) best = tiles[i];
  /* Where memory is what takes the time, runs of all points read it best. */
  if (s.boxed && tile_seconds(p, &s, &best) > bytes_of(p, k) / p->target->machine.dram_bandwidth)
    for (int i = 0; i < n; i++) pick_box(p, &s, tiles[i], &best);
  gemm_set_tile(k, &best);
}

/* ---- channels with filters of their own ---- */

static const int thread_points[] = {1, 2, 4, 8};

/* Registers of a thread: sums, the filter of a window's lines, and one of them. */
static double depthwise_registers(const Depthwise *d) {
  return (d->points + slide_taps(&d->c, &d->slide) + 1) * d->lanes + 40.0;
}

/* What all threads load and multiply; or, where they are few, how long one of them takes. */
static double depthwise_seconds(const Plan *p, const Kernel *k) {
  const Depthwise d = depthwise_of(p, k);
  const double lanes = d.lanes, taps = slide_taps(&d.c, &d.slide), units = p->target->machine.units;
  const double rows = (double)k->loop[d.slide.row].extent.plus;
  const double threads =
      (double)kernel_points(k, false, p->max_batch) / rows / lanes * ceil(rows / d.points);
  const double each = (d.lines + taps) * (COST_FETCH + lanes) + d.points * taps * lanes;
  const double turns = (double)kernel_points(k, true, p->max_batch) / taps;
  const double work = turns * each + d.points * (COST_FETCH + 4 * lanes);
  const double resident = units * fmin(DEVICE_THREADS, DEVICE_REGISTERS / depthwise_registers(&d));
  if (depthwise_registers(&d) > REGISTERS) return INFINITY;
  return fmax(threads * work / (units * COST_LANES),
              ceil(threads / resident) * (COST_LATENCY + 2 * work)) /
         cuda_clock(p->target);
}

static void pick_points(const Plan *p, Kernel *k) {
  double least = INFINITY;
  int best = 1;
  for (int i = 0; i < COUNT(thread_points); i++) {
    tile_set(&k->tile, "points", thread_points[i]);
    const double time = depthwise_seconds(p, k);
    if (time < least) least = time, best = thread_points[i];
  }
  tile_set(&k->tile, "points", best);
}

static bool refuses_points(const Plan *p, const Kernel *k) {
  for (int i = 0; i < COUNT(thread_points); i++)
    if (depthwise_points(k) == thread_points[i]) return isinf(depthwise_seconds(p, k));
  return true;
}

void cuda_pick_tile(const Plan *p, Kernel *k) {
  if (depthwise_points(k) > 0)
    pick_points(p, k);
  else
    pick_gemm_tile(p, k);
}

/* ---- transforms ---- */

/* Instructions of all lines: what comes and goes, and the arithmetic of the matrices; or, where
 * there are few, waiting for one line's elements after the other's. */
static double transform_seconds(const Plan *p, const Kernel *k, const Transform *t) {
  const double lanes = p->target->machine.units * (double)COST_LANES;
  const double tiles = transform_tiles(p, k, t, 1);
  double lines = 1, all = 0;
  for (int d = 0; d < t->n; d++) lines *= t->dim[d].matrix.columns;
  for (int d = 0; d < t->n; d++) {
    const ConstMatrix *m = &t->dim[d].matrix;
    const double load = d == 0 ? ELEMENT : 2, store = d == t->n - 1 ? ELEMENT : 2;
    lines /= m->columns; /* columns behind it, rows before it */
    all += lines * (matrix_count(m) + load * m->columns + store * m->rows);
    lines *= m->rows;
  }
  const double rounds = ceil(tiles * lines / t->dim[t->n - 1].matrix.rows / (lanes * 16));
  return fmax(tiles * all / lanes, rounds * t->n * COST_LATENCY) / cuda_clock(p->target);
}

/* ---- any kernel ---- */

const char *cuda_refuses_tile(const Plan *p, const Kernel *k) {
  int n;
  Boxes boxes;
  Contraction c;
  const GemmTile *tiles = tiles_of(p, &n);
  GemmTile asked = gemm_tile(k);
  const bool boxed = asked.wide > 0;
  if (tile_get(&k->tile, "points", 0) != 0)
    return refuses_points(p, k) ? "there is no kernel with this tile" : NULL;
  if (boxed && !(contraction_of(p, k, &c) && boxes_of(p, &c, &boxes)))
    return "its operands cannot come in boxes";
  if (boxed && !boxes_fit(&asked)) return "rows are no box of so wide and high images";
  asked.wide = asked.high = 0;
  if (cuda_may_share(reduce_threads(k)) && asked.rows == 0) return NULL;
  for (int i = 0; i < n; i++)
    if (memcmp(&tiles[i], &asked, sizeof asked) == 0) return NULL;
  return "there is no kernel with this tile";
}

double cuda_time(const Plan *p, const Kernel *k) {
  const Machine *m = &p->target->machine;
  const double memory = bytes_of(p, k) / m->dram_bandwidth;
  const GemmTile tile = gemm_tile(k);
  double compute;
  Contraction c;
  Transform t;
  if (tile.rows > 0 && contraction_of(p, k, &c)) {
    const Shape s = shape_of(p, &c);
    compute = tile_seconds(p, &s, &tile);
  } else if (depthwise_points(k) > 0) {
    compute = depthwise_seconds(p, k);
  } else if (writer_transforms(p, k) && transform_of(p, k, &t)) {
    compute = transform_seconds(p, k, &t);
  } else {
    compute = cuda_loops_time(p, k);
  }
  return (compute > memory ? compute : memory) + m->launch;
}
