/* contract.c - contractions in register tiles: the loops around them.
 *
 * One free loop runs along the lanes (output channels; channels in depthwise), another one over
 * points that share weights (columns of a row, rows and columns as one where memory allows,
 * samples). A tile is R points x K vectors of accumulators, which stay in registers while all
 * reduced loops run; then the epilogue (bias, residual, activation) and one store each. What is
 * left over gets smaller tiles. Every element is summed in the order of the reduced loops, whatever
 * the tile, so results do not depend on the number of samples or on threads. Long sums of operands
 * that no cache holds (weight gradients) grow in memory, by one band of positions after another.
 * Where samples are the lanes, the points are channels; where a sum over samples runs along the
 * lanes, a tile is R x K elements of the result, the lanes of each added up at the end.
 *
 *   for n, groups ..
 *     for (int k_tile = ..)            K vectors of lanes
 *       for oh ..
 *         for (int ow = 0; ow < 56; ow += 14)      R points
 *           the tile (ukernel.c) */
#include "contract.h"

/* ---- what fits ---- */

/* A free loop's remainder: the weights of positions that share them. */
static bool is_shared(const Coord *c) {
  Coord linear = *c;
  int loop;
  linear.mod = 0;
  return coord_is_loop(&linear, &loop);
}

/* Windows that keep inside need no tests. */
static bool view_fits(const Plan *p, const Kernel *k, const View *v, bool weights) {
  const Buffer *b = &p->buffer.at[v->tensor];
  const bool inside =
      weights && v->outside == SKIP && buffer_in_batch(b) && batch_keeps_inside(p, k, v);
  if (b->format.dtype != F32) return false;
  for (int a = 0; a < v->rank; a++) {
    const bool linear = coord_affine(&v->at[a]) || (weights && is_shared(&v->at[a]));
    if (!linear || (!inside && view_tests(p, k, v, a))) return false;
  }
  return true;
}

/* The packed weights: lanes innermost, whole vectors of them. What changes in every call lies as it
 * is. */
static bool weights_fit(const Plan *p, const Contraction *c, int l) {
  const View *w = &c->k->in[c->w];
  const Format *f = &p->buffer.at[w->tensor].format;
  const int lanes = p->target->lanes;
  if (!view_uses(w, l)) return false;
  if (contraction_both_change(p, c)) return view_moves_by_one(p, c->k, w, l);
  for (int a = 0; a < w->rank; a++) {
    if (!coord_uses(&w->at[a], l)) continue;
    int only;
    if (!coord_is_loop(&w->at[a], &only)) return false;
    if (f->lanes > 1 ? f->lane_axis != a || f->lanes % lanes != 0 : lanes > 1) return false;
  }
  return true;
}

static bool lane_fits(const Plan *p, const Contraction *c, int l) {
  const Kernel *k = c->k;
  const int to = k->out[0].to.tensor;
  if (k->loop[l].extent.per_n && !buffer_in_batch(&p->buffer.at[to])) return false;
  if (!view_uses(&k->out[0].to, l) || !view_moves_by_one(p, k, &k->out[0].to, l)) return false;
  if (!view_moves_by_one(p, k, &k->in[c->x], l)) return false;
  return weights_fit(p, c, l);
}

/* The longest of the free loops that only w knows; -1: none. */
static int longest_column(const Contraction *c) {
  int column = -1;
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'N' &&
        (column < 0 || c->k->loop[l].extent.plus > c->k->loop[column].extent.plus))
      column = l;
  return column;
}

int contract_lane(const Plan *p, const Contraction *c) {
  if (batch_is_summed(p, c)) return longest_column(c);
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'N' && lane_fits(p, c, l)) return l;
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'B' && lane_fits(p, c, l)) return l;
  return -1;
}

static bool kernel_fits(const Plan *p, const Kernel *k, int weights) {
  if (k->math != F32 || k->nout != 1 || k->out[0].combine || k->fold[0].acc != F32) return false;
  if (!view_fits(p, k, &k->out[0].to, false)) return false;
  for (int i = 0; i < k->nin; i++)
    if (!view_fits(p, k, &k->in[i], i == weights)) return false;
  for (int l = 0; l < k->nloop; l++)
    if (kernel_uses_index(k, l)) return false;
  return true;
}

bool contract_fits(const Plan *p, const Kernel *k) {
  Contraction c;
  return k->algo && tile_get(&k->tile, "r", 0) > 0 && contraction_of(p, k, &c) &&
         kernel_fits(p, k, c.w) && contract_lane(p, &c) >= 0 && contraction_point(&c) >= 0;
}

/* ---- rows and columns as one loop ---- */

/* Does a step of loop l move all views by whole elements, not along their lanes? */
static bool steps_whole(const Plan *p, const Kernel *k, int l) {
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    if (lanes_of_loop(p, v, l) > 1) return false;
  }
  return true;
}

int contract_parted(const Plan *p, const Contraction *c) {
  const Kernel *k = c->k;
  const int point = contraction_point(c), outer = contraction_row(c);
  if (contraction_both_change(p, c) || buffer_in_batch(&p->buffer.at[k->in[c->w].tensor]))
    return -1;
  if (outer < 0 || k->loop[outer].extent.per_n) return -1;
  if (k->loop[point].extent.per_n || k->bind[point].step >= 0) return -1;
  return steps_whole(p, k, outer) && steps_whole(p, k, point) ? outer : -1;
}

int64_t contract_points(const Plan *p, const Contraction *c) {
  int run[MAX_LOOPS];
  const int n = contraction_run(p, c, run), point = contraction_point(c);
  int64_t points = n || point < 0 ? 1 : extent_at(c->k->loop[point].extent, p->max_batch);
  for (int i = 0; i < n; i++) points *= extent_at(c->k->loop[run[i]].extent, p->max_batch);
  return points;
}

bool contract_weights_stream(const Plan *p, const Kernel *k, int vectors) {
  const double terms = (double)kernel_points(k, true, p->max_batch);
  return 4 * terms * p->target->lanes * vectors > p->target->machine.l1 / 2;
}

bool contract_joins_samples(const Plan *p, const Contraction *c) {
  int run[MAX_LOOPS];
  const int n = contraction_run(p, c, run);
  return n > 1 && p->max_batch > 1 && c->k->loop[run[n - 1]].extent.per_n;
}

/* ---- loops ---- */

bool contract_takes(const Contract *w, int l) {
  bool takes = l == w->point || l == w->outer || l == w->taps;
  for (int i = 0; i < w->nrun; i++) takes |= l == w->run[i];
  return takes;
}

static void free_loops(Contract *w, int l, const TileAt *t);

/* The loop along the lanes: whole tiles, then one of the vectors that are left. */
static void lane_tiles(Contract *w, TileAt t) {
  Leaf *f = w->f;
  Emit *e = f->e;
  Arena *arena = e->arena;
  const int l = w->lane, wide = w->step * w->vectors;
  const int64_t extent = f->k->loop[l].extent.plus;
  const char *name = arena_printf(arena, "%s_tile", f->k->loop[l].name);
  const Linear first = linear_divided(&f->from[l], wide), *to = &f->to[l];
  Linear last = linear_divided(to, wide);
  if (!linear_divides(to, wide) && to->n > 0)
    last = linear_variable(1, arena_printf(arena, "%s / %d", leaf_form(f, to), wide));
  t.vectors = w->vectors * w->turns;
  Linear count = last;
  linear_add(&count, &first, -1);
  if (first.n > 0 && count.n == 0 && count.constant == 1) { /* a block is one tile */
    t.lane_at = f->from[l];
    free_loops(w, l + 1, &t);
  } else if (extent >= wide) {
    t.lane_at = linear_variable(wide, name);
    BLOCK(e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &first), name,
          leaf_form(f, &last), name)
    free_loops(w, l + 1, &t);
  }
  const int rest = (int)(extent % wide);
  if (rest == 0) return;
  t.vectors = (rest + w->step - 1) / w->step * w->turns;
  t.count = rest % w->step;
  t.lane_at = linear_constant(extent - rest);
  leaf_open_rest(f, to->n ? contract_reaches_end(f, l, extent, extent >= wide) : NULL, rest);
  free_loops(w, l + 1, &t);
  emit_close(e);
}

/* Samples in the lanes: one vector of them a turn. */
static void sample_tiles(Contract *w, TileAt t) {
  const bool opened = leaf_open_images(w->f, w->lane);
  t.vectors = 1;
  t.lane_at = w->f->value[w->lane];
  free_loops(w, w->lane + 1, &t);
  leaf_close_images(w->f, w->lane, opened);
}

static void free_loops(Contract *w, int l, const TileAt *t) {
  Leaf *f = w->f;
  const Kernel *k = f->k;
  while (l < k->nloop && (k->loop[l].reduced || contract_takes(w, l))) l++;
  if (l == k->nloop) {
    const int lanes = lanes_of_loop(f->plan, &k->in[w->c.x], w->point);
    if (lanes > 1 && coord_lines_up(&k->in[w->c.x].at[1], w->point, lanes))
      contract_point_blocks(w, t, lanes);
    else
      contract_point_loop(w, *t);
  } else if (l == w->lane && k->loop[l].extent.per_n) {
    sample_tiles(w, *t);
  } else if (l == w->lane) {
    lane_tiles(w, *t);
  } else {
    const bool opened = leaf_open(f, l);
    free_loops(w, l + 1, t);
    leaf_close(f, opened);
  }
}

static void all_tiles(Contract *w, TilePass pass) {
  const TileAt start = {.points = 0};
  w->pass = pass;
  free_loops(w, 0, &start);
}

/* ---- sums in memory ---- */

/* Turns of loop l, a divisor of all, whose part of both operands fills half of L2. */
static int64_t rows_of_band(const Plan *p, const Contraction *c, int l) {
  const int64_t extent = c->k->loop[l].extent.plus;
  double bytes = 0;
  for (int i = 0; i < 2; i++) {
    const View *v = &c->k->in[i ? c->w : c->x];
    bytes += (double)buffer_bytes(&p->buffer.at[v->tensor], 1) / (double)extent;
  }
  int64_t rows = extent;
  while (rows > 1 && (extent % rows || (double)rows * bytes > p->target->machine.l2 / 2)) rows--;
  return rows;
}

/* Scalars stay in registers: compilers that make vectors of them may store what lies between, which
 * is another job's. So do sums of images in lanes, which are added up once, at the end. */
bool contract_bands(const Plan *p, const Contraction *c, Bands *b) {
  const Kernel *k = c->k;
  const int first = kernel_free_loops(k);
  const bool samples = first + 1 < k->nloop && k->loop[first].extent.per_n;
  *b = (Bands){.samples = samples ? first : -1, .loop = samples ? first + 1 : first};
  if (p->target->lanes == 1 || buffer_in_batch(&p->buffer.at[k->in[c->w].tensor])) return false;
  if (b->loop == k->nloop || k->loop[b->loop].extent.per_n || k->bind[b->loop].step >= 0)
    return false;
  b->rows =
      contraction_both_change(p, c) ? rows_of_band(p, c, b->loop) : k->loop[b->loop].extent.plus;
  return samples || b->rows < k->loop[b->loop].extent.plus;
}

/* All tiles take in one band of one sample after another, while caches hold it; long sums of few
 * bits stay apart. */
static void sum_bands(Contract *w) {
  Leaf *f = w->f;
  const Loop *loop = &f->k->loop[w->bands.loop];
  const int64_t bands = loop->extent.plus / w->bands.rows;
  const char *name = arena_printf(f->e->arena, "%s_band", loop->name);
  all_tiles(w, TILE_CLEAR);
  const bool opened = w->bands.samples >= 0 && leaf_open(f, w->bands.samples);
  w->band_at = bands > 1 ? linear_variable(w->bands.rows, name) : linear_constant(0);
  if (bands > 1)
    emit_open(f->e, "for (int %s = 0; %s < %lld; %s++)", name, name, (long long)bands, name);
  all_tiles(w, TILE_ADD);
  if (bands > 1) emit_close(f->e);
  leaf_close(f, opened);
  if (f->k->out[0].value->op != E_acc) all_tiles(w, TILE_FINISH);
}

/* Tiles of several rows, where their points do not follow each other. */
static void take_rows(Contract *w) {
  const Kernel *k = w->f->k;
  const int64_t row = k->loop[w->point].extent.plus;
  const int parted = contract_parted(w->f->plan, &w->c);
  if (w->outer >= 0 || parted < 0 || w->points <= row || w->points % row != 0) return;
  w->outer = parted;
  w->row = (int)row;
}

void contract_body(Leaf *f) {
  const Plan *p = f->plan;
  const Kernel *k = f->k;
  Contract w = {.f = f, .lanes = p->target->lanes, .outer = -1};
  contraction_of(p, k, &w.c);
  w.c.k = k;
  w.lane = contract_lane(p, &w.c);
  w.point = contraction_point(&w.c);
  w.nrun = contraction_run(p, &w.c, w.run);
  if (w.nrun > 1) w.outer = w.run[w.nrun - 1];
  w.sums = batch_is_summed(p, &w.c);
  w.step = w.sums ? 1 : w.lanes;
  w.x_lanes = w.sums || view_uses(&k->in[w.c.x], w.lane);
  w.points = tile_get(&k->tile, "r", 1);
  w.vectors = w.x_lanes && !w.sums ? 1 : tile_get(&k->tile, "k", 1);
  w.turns = tile_get(&k->tile, "taps", 1);
  w.taps = w.turns > 1 ? correlation_taps(p, &w.c) : -1;
  w.unroll = tile_get(&k->tile, "unroll", 1);
  while (!linear_divides(&f->from[w.lane], w.step * w.vectors)) w.vectors--;
  take_rows(&w);
  w.d = vector_dialect(f->e, p->target);
  for (int l = 0; l < k->nloop; l++)
    if (l != w.point && contract_takes(&w, l)) f->value[l] = linear_constant(0);
  if (contract_bands(p, &w.c, &w.bands))
    sum_bands(&w);
  else
    all_tiles(&w, TILE_WHOLE);
  leaf_margins(f, &k->out[0], w.sums);
}
