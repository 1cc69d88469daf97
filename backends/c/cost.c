/* cost.c - see cost.h. A kernel takes as long as its arithmetic, cycle by cycle of whole tiles,
 * vectors or points, or as what it moves, whichever is more. */
#include "cost.h"
#include "contract.h"
#include "transform.h"

#include <math.h>

static double view_bytes(const Plan *p, const View *v) {
  return (double)buffer_bytes(&p->buffer.at[v->tensor], p->max_batch);
}

/* Cycles a second. */
static double clock_of(const Target *t) {
  return t->machine.flops / (2 * t->lanes * t->machine.fma_per_cycle);
}

/* ---- register tiles ---- */

enum { MOST_POINTS = 28, MOST_VECTORS = 4, MOST_COLUMNS = 8, MOST_UNROLLED = 16 };
/* Samples lie whole tensors apart, as a rule where L1 has room for so many lines only. */
enum { MOST_SAMPLES = 8 };

/* Turns of the loops that a contraction's tile covers. */
typedef struct Shape {
  int64_t vectors, points, rows;     /* vectors along the lanes; points, and how often they come */
  int64_t most_vectors, most_points; /* of a tile */
  int64_t terms;                     /* of one sum, */
  double parts;                      /* which is made of so many */
  bool shares_x;                     /* all lanes read the same x: several vectors pay */
  int64_t taps;           /* vectors that a tile may take of each, by a turn of a loop; 1: none */
  int64_t row;            /* points of a row, where tiles take whole rows or parts of one; 0: any */
  int64_t block;          /* so many points lie side by side in x's lanes; 1: elsewhere */
  double bytes_per_cycle; /* of operands that every tile reads whole; 0: from L1 */
  double panel;           /* bytes of w that every tile reads again, for each of its vectors */
  double cold;            /* bytes of w that come from memory */
  bool samples; /* how many points there are is known when called: the rest runs in small tiles */
  double store; /* cycles for each vector of a tile that is stored */
} Shape;

/* Does x follow loop l element by element, so that it may run as one with the loop inside it? */
static bool unstrided(const Kernel *k, const View *x, int l) {
  if (x->outside == FILL) return false;
  for (int a = 0; a < x->rank; a++) {
    int only;
    if (coord_uses(&x->at[a], l) && (!coord_is_loop(&x->at[a], &only) || k->loop[l].extent.per_n))
      return false;
  }
  return true;
}

/* Points of loops of x that follow each other without a stride. */
static int64_t points_of_rows(const Plan *p, const Contraction *c) {
  const Kernel *k = c->k;
  int64_t points = 1;
  bool run = false;
  for (int l = k->nloop - 1; l >= 0; l--) {
    if (c->role[l] != 'M' || !view_uses(&k->in[c->x], l)) continue;
    if (points > 1 && !run) break;
    if (points > 1 && !unstrided(k, &k->in[c->x], l)) break;
    points *= extent_at(k->loop[l].extent, p->max_batch);
    run = unstrided(k, &k->in[c->x], l);
  }
  return points;
}

/* Into how many sums one is parted that grows in memory. */
static double parts_of_sum(const Plan *p, const Contraction *c) {
  Bands bands;
  if (!contract_bands(p, c, &bands)) return 1;
  const double each = (double)c->k->loop[bands.loop].extent.plus / (double)bands.rows;
  return bands.samples >= 0 ? each * (double)p->max_batch : each;
}

/* What every tile reads of that many bytes arrives so fast. */
static double bytes_per_cycle(const Target *t, double bytes) {
  const Machine *m = &t->machine;
  return bytes <= m->l1 ? 0 : (bytes > m->l2 ? m->l3_bandwidth : m->l2_bandwidth) / clock_of(t);
}

/* Bytes of view i of k that come from memory in every call. */
static double cold_bytes(const Plan *p, const Kernel *k, int i) {
  const bool weights = p->buffer.at[k->in[i].tensor].phase == PHASE_LOAD;
  return weights && plan_weights_are_cold(p) ? view_bytes(p, &k->in[i]) : 0;
}

/* Of one core while others read as well. */
static double cold_bandwidth(const Target *t) {
  return 0.7 * t->machine.dram_bandwidth;
}

/* Operands that lie as they are: each tile reads all of both, or what a part of its sum takes. */
static void shape_of_streams(const Plan *p, const Contraction *c, Shape *s) {
  const View *x = &c->k->in[c->x];
  const double bytes = (view_bytes(p, x) + view_bytes(p, &c->k->in[c->w])) / s->parts;
  const int point = contraction_point(c);
  s->points = point < 0 ? 1 : extent_at(c->k->loop[point].extent, p->max_batch);
  if (point >= 0) s->block = lanes_of_loop(p, x, point);
  s->bytes_per_cycle = bytes_per_cycle(p->target, bytes);
  const int taps = correlation_taps(p, c);
  if (taps >= 0 && s->shares_x) s->taps = c->k->loop[taps].extent.plus;
}

/* The part of a window's taps along an axis that do not leave its tensor. */
static double part_inside(const Plan *p, const Kernel *k, const View *v, int axis) {
  const Coord *c = &v->at[axis];
  int64_t inside = 0, all = 0;
  int tap = -1, point = -1;
  for (int l = 0; l < k->nloop; l++)
    if (coord_uses(c, l)) *(k->loop[l].reduced ? &tap : &point) = l;
  if (tap < 0 || point < 0 || !view_tests(p, k, v, axis)) return 1;
  for (int64_t i = 0; i < k->loop[point].extent.plus; i++)
    for (int64_t j = 0; j < k->loop[tap].extent.plus; j++, all++) {
      const int64_t at = c->plus + c->coef[point] * i + c->coef[tap] * j;
      inside += at >= 0 && at < p->buffer.at[v->tensor].type.dim[axis].plus;
    }
  return (double)inside / (double)all;
}

/* Images in the lanes: tiles of channels read one block of them. Their sums are of both operands'
 * vectors, R x K of them in a tile, whose lanes are added up. */
static void shape_of_batch(const Plan *p, const Contraction *c, int lane, Shape *s) {
  const int lanes = p->target->lanes;
  const double blocks = (double)((p->max_batch + lanes - 1) / lanes);
  const View *w = &c->k->in[c->w];
  double bytes = view_bytes(p, w) / blocks, part = 1;
  for (int a = 0; a < w->rank && w->outside == SKIP; a++) part *= part_inside(p, c->k, w, a);
  s->terms = (int64_t)ceil((double)s->terms * part);
  s->points = contract_points(p, c);
  s->most_vectors = 1;
  if (batch_is_summed(p, c)) {
    bytes += view_bytes(p, &c->k->in[c->x]) / blocks;
    s->vectors = c->k->loop[lane].extent.plus;
    s->most_vectors = MOST_COLUMNS;
    s->terms = (s->terms + lanes - 1) / lanes;
    s->block = lanes;
    s->store = lanes;
  }
  s->bytes_per_cycle = bytes_per_cycle(p->target, bytes);
}

/* Points that share weights. In dense layers they are samples, and every tile reads weights. */
static void shape_of_rows(const Plan *p, const Contraction *c, Shape *s) {
  const int point = contraction_point(c), outer = contract_parted(p, c);
  s->points = points_of_rows(p, c);
  const int64_t row = point < 0 ? 0 : c->k->loop[point].extent.plus;
  if (outer >= 0 && (s->points == row || contract_points(p, c) == row)) {
    s->row = row;
    s->points = row * c->k->loop[outer].extent.plus;
  }
  const bool dense = point >= 0 && c->k->loop[point].extent.per_n && p->max_batch > 1;
  s->samples = dense || contract_joins_samples(p, c);
  if (s->samples) s->points = contract_points(p, c);
  if (!dense) {
    if (s->points > 1) s->panel = 4 * (double)(s->terms * p->target->lanes) / s->parts;
    return;
  }
  s->most_points = MOST_SAMPLES;
  s->bytes_per_cycle = bytes_per_cycle(p->target, view_bytes(p, &c->k->in[c->w]));
}

static Shape shape_of(const Plan *p, const Contraction *c, int lane) {
  const Kernel *k = c->k;
  Shape s = {.block = 1,
             .taps = 1,
             .terms = kernel_points(k, true, p->max_batch),
             .parts = parts_of_sum(p, c),
             .store = 1,
             .cold = cold_bytes(p, k, c->w),
             .most_points = MOST_POINTS};
  const int64_t channels = lane < 0 ? 1 : extent_at(k->loop[lane].extent, p->max_batch);
  s.vectors = (channels + p->target->lanes - 1) / p->target->lanes;
  s.shares_x = lane >= 0 && c->role[lane] == 'N';
  s.most_vectors = s.shares_x ? MOST_VECTORS : 1;
  if (buffer_in_batch(&p->buffer.at[k->in[c->w].tensor]))
    shape_of_batch(p, c, lane, &s);
  else if (contraction_both_change(p, c))
    shape_of_streams(p, c, &s);
  else
    shape_of_rows(p, c, &s);
  s.rows = kernel_points(k, false, p->max_batch) / (channels * s.points);
  if (s.rows < 1) s.rows = 1;
  return s;
}

/* R points x K vectors, each of them for so many taps. */
typedef struct Size {
  int64_t r, k, taps;
} Size;

static Size size_of(const Kernel *k) {
  return (Size){.r = tile_get(&k->tile, "r", 1),
                .k = tile_get(&k->tile, "k", 1),
                .taps = tile_get(&k->tile, "taps", 1)};
}

/* Cycles of one reduction step of a tile: multiply-adds, their latency, loads, of which as many
 * can be made as multiply-adds, what arrives. */
static double step_cycles(const Target *t, const Shape *s, Size z) {
  const int64_t r = z.r, k = z.k, vectors = k * z.taps;
  const double panel = bytes_per_cycle(t, s->panel * (double)k);
  const int64_t fetched = panel > 0 ? 1 + k : 1; /* ahead: ukernel_sum.c */
  const double loads = (double)(s->shares_x ? r + vectors + fetched : r * k + k);
  double cycles = fmax((double)(r * vectors) / t->machine.fma_per_cycle, 4);
  if (s->bytes_per_cycle > 0)
    cycles = fmax(cycles, 4 * (double)(s->block + k * t->lanes) / s->bytes_per_cycle);
  if (panel > 0) cycles = fmax(cycles, 4 * (double)(k * t->lanes) / panel);
  return fmax(cycles, loads / t->machine.fma_per_cycle) + 0.4;
}

/* Cycles of a whole contraction of that shape in tiles of that size. */
static double tile_cycles(const Target *t, const Shape *s, Size z) {
  const int64_t r = z.r, k = z.k;
  const double store = (double)(r * k * z.taps) * s->store;
  const double edge = (12 + store) * s->parts; /* starting and storing a tile */
  const double terms = (double)s->terms;
  const int64_t span = s->row && r <= s->row ? s->row : s->points; /* that tiles divide */
  double cycles = 0;
  for (int part = 0; part < 2; part++) {
    const int64_t vectors = part ? s->vectors % k : k, times = part ? 1 : s->vectors / k;
    if (vectors == 0 || times == 0) continue;
    double one = 0;
    for (int64_t left = span, tile; left > 0; left %= tile) {
      tile = left >= r ? r : s->samples ? contract_rest(r, left) : left;
      const Size size = {tile, vectors, z.taps};
      one += (double)(left / tile) * (terms * step_cycles(t, s, size) + edge);
    }
    cycles += one * (double)(times * (s->points / span));
  }
  const double uneven = s->vectors % k ? 1.04 : 1; /* blocks of channels are the jobs as a rule */
  return cycles * (double)s->rows / (double)z.taps * uneven;
}

/* Cycles that the first tile of each panel of weights waits for them beyond its own. Measured: one
 * vector a step does not come faster than two. */
static double cold_cycles(const Target *t, const Shape *s, Size z) {
  const double vector = 4 * (double)t->lanes, terms = s->cold / (vector * (double)z.k);
  const double arrives = vector * fmax((double)z.k, 2) * clock_of(t) / cold_bandwidth(t);
  return s->points > 1 ? terms * fmax(0, arrives - step_cycles(t, s, z)) : 0;
}

static int lane_of(const Plan *p, const Contraction *c) {
  if (contraction_both_change(p, c)) return contract_lane(p, c);
  const int lane = contraction_lane(p, c, 'N');
  return lane >= 0 ? lane : contraction_lane(p, c, 'B');
}

/* Why a tile of that size cannot be, or NULL. */
static const char *refuses_size(const Target *t, const Shape *s, Size z) {
  const int64_t r = z.r, k = z.k, vectors = k * z.taps;
  if (r < 1 || k < 1) return "a tile has at least one point and one vector";
  if (k > s->most_vectors || k > s->vectors) return "it has too many vectors";
  if (r > s->points || r > s->most_points) return "it has too many points";
  if (z.taps != 1 && z.taps != s->taps) return "it takes one tap or all of a row";
  if (r * vectors + vectors + 1 > t->registers) return "it needs more registers than there are";
  if (s->row && r > s->row && r % s->row != 0) return "its points are not whole rows";
  if (s->block > 1 && s->store == 1 && r != s->points && s->block % r != 0)
    return "its points do not divide the blocks that they lie in";
  return NULL;
}

const char *c_refuses_tile(const Plan *p, const Kernel *k) {
  Contraction c;
  const int unroll = tile_get(&k->tile, "unroll", 1);
  if (!contraction_of(p, k, &c)) return "it is no contraction";
  if (unroll < 1 || unroll > MOST_UNROLLED) return "it unrolls by 1 to 16";
  const Shape s = shape_of(p, &c, lane_of(p, &c));
  return refuses_size(p->target, &s, size_of(k));
}

static void set_size(Kernel *k, Size z) {
  tile_set(&k->tile, "r", (int)z.r);
  tile_set(&k->tile, "k", (int)z.k);
  if (z.taps > 1) tile_set(&k->tile, "taps", (int)z.taps);
}

/* The tile with the fewest cycles of those with `least` to `most` vectors, and all taps if any can
 * take them; of equal ones the larger one. */
static void pick_tile(const Target *t, const Shape *s, int64_t least, int64_t most, Kernel *k) {
  double best = INFINITY;
  Size z = {.taps = s->taps};
  if (refuses_size(t, s, (Size){1, 1, z.taps})) z.taps = 1;
  for (z.k = least; z.k <= most; z.k++)
    for (z.r = 1; z.r <= s->most_points; z.r++) {
      if (refuses_size(t, s, z)) continue;
      const double cycles = tile_cycles(t, s, z) + cold_cycles(t, s, z);
      if (cycles > best * 1.001) continue;
      best = cycles;
      set_size(k, z);
    }
}

void c_pick_tile(const Plan *p, Kernel *k) {
  Contraction c;
  if (!contraction_of(p, k, &c)) return;
  const int lane = lane_of(p, &c);
  if (lane < 0 && contraction_both_change(p, &c)) return;
  const Shape s = shape_of(p, &c, lane);
  pick_tile(p->target, &s, 1, s.most_vectors, k);
  const int size = tile_get(&k->tile, "r", 1) * tile_get(&k->tile, "k", 1);
  tile_set(&k->tile, "unroll", size >= 8 ? 1 : 2);
}

/* Rows that margins part are taken whole or in equal parts. Weights are packed for the vectors. */
void c_fit_tile(const Plan *p, Kernel *k) {
  Contraction c;
  const int vectors = tile_get(&k->tile, "k", 0), r = tile_get(&k->tile, "r", 1);
  if (!vectors || !contraction_of(p, k, &c)) return;
  const Shape s = shape_of(p, &c, lane_of(p, &c));
  if (!s.row || points_of_rows(p, &c) == s.row) return;
  if (r > s.row ? r % s.row : s.row % r) pick_tile(p->target, &s, vectors, vectors, k);
}

/* ---- time ---- */

/* How many times a nest reads all of a view: for each block of the loops that the view does not
 * follow, whose parts of other buffers live inside the nest. */
static double repeats(const Plan *p, const Kernel *k, const View *view) {
  double times = 1;
  bool counted[MAX_LOOPS] = {false};
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    const Buffer *b = &p->buffer.at[v->tensor];
    for (int a = 0; a < v->rank && b->depth > 0; a++) {
      const int loop = coord_only_loop(&v->at[a]);
      if (b->part[a].step < 0 || loop < 0 || counted[loop] || view_uses(view, loop)) continue;
      counted[loop] = true;
      times *= ceil((double)extent_at(b->type.dim[a], p->max_batch) / (double)b->span[a]);
    }
  }
  return times;
}

/* Everything is written and read once, or by every block of a nest what L2 does not hold; what fits
 * no cache comes from memory, what lives inside a step from L2; loads from L1 are counted as
 * instructions. */
static double traffic_seconds(const Plan *p, const Kernel *k) {
  const Machine *m = &p->target->machine;
  double bytes = 0, again = 0, scoped = 0;
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    const double size = view_bytes(p, v);
    *(p->buffer.at[v->tensor].depth > 0 ? &scoped : &bytes) += size;
    if (p->buffer.at[v->tensor].depth == 0 && size > m->l2) again += size * (repeats(p, k, v) - 1);
  }
  if (bytes <= m->l1) bytes = 0;
  const double speed = bytes > m->l3   ? m->dram_bandwidth
                       : bytes > m->l2 ? m->l3_bandwidth
                                       : m->l2_bandwidth;
  return (bytes + again) / speed + scoped / m->l2_bandwidth;
}

/* Cycles of plain loops: terms of a sum wait for each other, positions are compared and kept. */
static double loop_cycles(const Plan *p, const Kernel *k) {
  const int lane = loops_lane(p, k, k->math, NULL), lanes = plan_lanes(p);
  double points = (double)kernel_points(k, false, p->max_batch),
         terms = (double)kernel_points(k, true, p->max_batch);
  double extent = 1;
  for (int l = lane < 0 ? 0 : loops_run(p, k, lane); l <= lane; l++)
    extent *= (double)extent_at(k->loop[l].extent, p->max_batch);
  if (lane >= 0) points *= ceil(extent / lanes) / extent;
  double each = k->nfold ? 4 : 0;
  for (int i = 0; i < k->nfold; i++)
    if (k->fold[i].op == FOLD_ARGMAX) each = 7;
  return points * (terms * each + 1.5);
}

/* Cycles of a transform: loads, stores and arithmetic of its lines, for every tile and vector. */
static double transform_cycles(const Plan *p, const Kernel *k, const Transform *t) {
  double lines = 1, all = 0;
  for (int d = 0; d < t->n; d++) lines *= t->dim[d].matrix.columns;
  for (int d = 0; d < t->n; d++) {
    const ConstMatrix *m = &t->dim[d].matrix;
    lines /= m->columns; /* columns behind it, rows before it */
    all += lines * (matrix_count(m) + m->columns + m->rows);
    lines *= m->rows;
  }
  all += lines * expr_count(k->out[0].value);
  return transform_tiles(p, k, t, p->target->lanes) * all * p->target->transform;
}

static double weights_seconds(const Plan *p, const Kernel *k) {
  double bytes = 0;
  for (int i = 0; i < k->nin; i++) bytes += cold_bytes(p, k, i);
  return bytes / cold_bandwidth(p->target);
}

/* Work that hides most of what it waits for. */
static double overlapped(double a, double b) {
  return a > b ? a + 0.3 * b : b + 0.3 * a;
}

/* Seconds on one core: arithmetic or traffic, whichever is more. */
double c_time(const Plan *p, const Kernel *k) {
  const Target *t = p->target;
  const double clock = clock_of(t);
  const double traffic = traffic_seconds(p, k);
  Transform transform;
  if (transform_of(p, k, &transform))
    return overlapped(transform_cycles(p, k, &transform) / clock, traffic);
  const double moved = move_cycles(p, k);
  double seconds = (moved >= 0 ? moved : loop_cycles(p, k)) / clock;
  Contraction c;
  if (k->algo && tile_get(&k->tile, "r", 0) > 0 && contraction_of(p, k, &c)) {
    const Shape s = shape_of(p, &c, lane_of(p, &c));
    seconds = tile_cycles(t, &s, size_of(k)) / clock;
  }
  seconds = overlapped(seconds, weights_seconds(p, k));
  return seconds > traffic ? seconds : traffic;
}

/* In vectors, as updates run apart, where there are any. */
bool c_updates(const Plan *p, const Kernel *k) {
  return p->target->lanes == 1 || k->math != F32 || move_cycles(p, k) >= 0 ||
         loops_lane(p, k, k->math, NULL) >= 0;
}
