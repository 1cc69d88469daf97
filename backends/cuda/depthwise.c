/* depthwise.c - a contraction whose channels have filters of their own. Nothing is shared between
 * threads: each computes some results beside each other along an axis, whose windows overlap, and
 * reads every line of theirs once. Where channels lie in lanes, it has all of a block, by accesses
 * of 16 bytes.
 *
 *   const int oh_tile = point / 56 % 14 ...               4 results oh from 4 * oh_tile on
 *   float acc[4];
 *   for (int kw = 0; kw < 3; kw++) {                      what else is summed over
 *     float filter[3];                                    filter[kh] = in1[..., kh, kw]
 *     for (int line = 0; line < 6; line++) {
 *       const float x0 = in0[..., 4 * oh_tile + line - 1, ow + kw - 1];
 *       for (int step = 0; step < 4; step++) {
 *         const int tap = line - step;
 *         if (tap >= 0 && tap < 3) acc[step] += x0 * filter[tap];
 *       }
 *     }
 *   }
 *   out0[..., 4 * oh_tile + step, ow] = ...               bias, residual, activation
 *
 * All but the loop over kw is written out, so acc and filter are registers. */
#include "depthwise.h"
#include "function.h"
#include "lanes.h"

#include <stdlib.h>
#include <string.h>

enum { UNROLLED = 5 }; /* turns of other reduced loops that are written out */

int depthwise_points(const Kernel *k) {
  return tile_get(&k->tile, "points", 0);
}

Depthwise depthwise_of(const Plan *p, const Kernel *k) {
  Depthwise d = {.points = depthwise_points(k), .lanes = 1};
  if (!contraction_of(p, k, &d.c) || !contraction_slide(&d.c, &d.slide))
    BUG("%s: no window slides", k->name);
  const int reach = abs(d.slide.dilation) * (slide_taps(&d.c, &d.slide) - 1);
  d.lines = d.slide.stride * (d.points - 1) + reach + 1;
  d.lane = channels_lane(p, &d.c);
  if (d.lane >= 0) d.lanes = plan_lanes(p);
  return d;
}

typedef struct Printer {
  Writer *w;
  Emit *e;
  Arena *arena;
  Depthwise d;
  Kernel blocks; /* k, whose loop of lanes counts blocks of them, */
  Kernel tiled;  /* and then its rows tiles, its taps the lines of one */
  bool ragged;   /* the last tile stands out */
  const char *row, *tile, *taps, *channel, *block;
} Printer;

/* ---- kernels of tiles ---- */

/* Lines begin with the first that a window reads; those of the last tile may not be there. */
static void count_tiles(Kernel *k, const Depthwise *d, bool ragged) {
  const Sliding *s = &d->slide;
  View *x = &k->in[d->c.x];
  Coord *at = &x->at[s->axis];
  Extent *rows = &k->loop[s->row].extent;
  rows->plus = (rows->plus + d->points - 1) / d->points;
  at->coef[s->row] *= d->points;
  if (s->taps >= 0) {
    if (s->dilation < 0) at->plus += s->dilation * (slide_taps(&d->c, s) - 1);
    at->coef[s->taps] = 1;
    k->loop[s->taps].extent = fixed(d->lines);
  } else {
    kernel_loop(k, "line", fixed(d->lines), true);
    at->coef[k->nloop - 1] = 1;
  }
  if (ragged && x->outside == INSIDE) x->outside = FILL;
}

static void begin(Printer *t, Writer *w) {
  const Plan *p = w->p;
  *t = (Printer){.w = w, .e = w->e, .arena = w->e->arena, .d = depthwise_of(p, w->k)};
  const Depthwise *d = &t->d;
  t->ragged = w->k->loop[d->slide.row].extent.plus % d->points != 0;
  t->blocks = *w->k;
  if (d->lane >= 0) lanes_count_blocks(&t->blocks, d->lane, d->lanes);
  t->tiled = t->blocks;
  count_tiles(&t->tiled, d, t->ragged);
  t->row = w->loop[d->slide.row];
  t->tile = arena_printf(t->arena, "%s_tile", t->row);
  if (d->slide.taps >= 0) t->taps = w->loop[d->slide.taps];
  if (d->lane < 0) return;
  t->channel = w->loop[d->lane];
  t->block = arena_printf(t->arena, "%s_block", t->channel);
}

/* What follows is about the lines of a tile. */
static void name_tiles(Printer *t) {
  Writer *w = t->w;
  const Sliding *s = &t->d.slide;
  w->k = &t->tiled;
  w->loop[s->row] = t->tile;
  w->loop[s->taps >= 0 ? s->taps : t->tiled.nloop - 1] = "line";
  if (t->block) w->loop[t->d.lane] = t->block;
}

/* About one result, of a channel or of a block of them. */
static void name_results(Printer *t, const Kernel *k) {
  Writer *w = t->w;
  w->k = k;
  w->loop[t->d.slide.row] = t->row;
  if (t->block) w->loop[t->d.lane] = k == &t->blocks ? t->block : t->channel;
}

/* ---- sums ---- */

static void print_start(Printer *t) {
  Emit *e = t->e;
  const char *lanes = t->block ? arena_printf(t->arena, "[%d]", t->d.lanes) : "";
  emit(e, "float acc[%d]%s;", t->d.points, lanes);
  emit(e, "CNNC_UNROLL");
  if (t->block) {
    BLOCK(e, "for (int step = 0; step < %d; step++)", t->d.points)
    lanes_each(e, t->d.lanes, "acc[step][lane] = 0.0f;");
  } else {
    emit(e, "for (int step = 0; step < %d; step++) acc[step] = 0.0f;", t->d.points);
  }
}

/* filter[tap]: the weights of all lines of a window. */
static void print_filter(Printer *t) {
  Writer *w = t->w;
  Emit *e = t->e;
  const int weights = t->d.c.w, taps = slide_taps(&t->d.c, &t->d.slide);
  const char *index = "0", *lanes = t->block ? arena_printf(t->arena, "[%d]", t->d.lanes) : "";
  emit(e, "float filter[%d]%s;", taps, lanes);
  if (t->taps) {
    w->loop[t->d.slide.taps] = index = t->taps;
    emit(e, "CNNC_UNROLL");
    emit_open(e, "for (int %s = 0; %s < %d; %s++)", index, index, taps, index);
  }
  if (t->block) {
    lanes_load(w, arena_printf(t->arena, "filter[%s]", index), weights);
  } else {
    writer_load(w, weights);
    emit(e, "filter[%s] = x%d;", index, weights);
  }
  if (t->taps) emit_close(e);
  name_tiles(t);
}

/* Adds what one line gives to every result whose window it is in. */
static void print_products(Printer *t) {
  Emit *e = t->e;
  const Sliding *s = &t->d.slide;
  const int taps = slide_taps(&t->d.c, s), width = abs(s->dilation);
  const char *from = s->stride > 1 ? arena_printf(t->arena, "%d * step", s->stride) : "step";
  emit(e, "CNNC_UNROLL");
  BLOCK(e, "for (int step = 0; step < %d; step++)", t->d.points) {
    emit(e, "const int place = line - %s;", from);
    const char *exact = width > 1 ? arena_printf(t->arena, " && place %% %d == 0", width) : "";
    BLOCK(e, "if (place >= 0 && place < %d%s)", width * (taps - 1) + 1, exact) {
      const char *tap = width > 1 ? arena_printf(t->arena, "place / %d", width) : "place";
      if (s->dilation < 0) tap = arena_printf(t->arena, "%d - %s", taps - 1, tap);
      if (t->block) {
        emit(e, "CNNC_UNROLL");
        emit(e, "for (int lane = 0; lane < %d; lane++)", t->d.lanes);
        emit(e, "  acc[step][lane] += x[lane] * filter[%s][lane];", tap);
      } else {
        emit(e, "acc[step] += x%d * filter[%s];", t->d.c.x, tap);
      }
    }
  }
}

static void print_sums(Printer *t) {
  Writer *w = t->w;
  Emit *e = t->e;
  int opened = 0;
  print_start(t);
  for (int l = 0; l < t->d.c.k->nloop; l++) {
    if (t->d.c.role[l] != 'K' || l == t->d.slide.taps) continue;
    const Extent extent = w->k->loop[l].extent;
    if (!extent.per_n && extent.plus <= UNROLLED) emit(e, "CNNC_UNROLL");
    opened += emit_open(e, "for (%s %s = 0; %s < %s; %s++)", w->index, w->loop[l], w->loop[l],
                        writer_extent(w, extent), w->loop[l]);
  }
  print_filter(t);
  emit(e, "CNNC_UNROLL");
  BLOCK(e, "for (int line = 0; line < %d; line++)", t->d.lines) {
    if (t->block)
      lanes_read(w, "x", t->d.lanes, t->d.c.x);
    else
      writer_load(w, t->d.c.x);
    print_products(t);
  }
  while (opened-- > 0) emit_close(e);
}

/* ---- results ---- */

/* Results whose row there is; `named`: the text asks which it is. */
static int open_result(Printer *t, bool named) {
  const int64_t rows = t->d.c.k->loop[t->d.slide.row].extent.plus;
  const char *first = arena_printf(t->arena, "%d * %s", t->d.points, t->tile);
  emit(t->e, "CNNC_UNROLL");
  emit_open(t->e, "for (int step = 0; step < %d; step++)", t->d.points);
  if (named || t->ragged)
    emit(t->e, "const %s %s = %s + step;", t->w->index, t->row, t->d.points > 1 ? first : t->tile);
  return t->ragged ? 1 + emit_open(t->e, "if (%s < %lld)", t->row, (long long)rows) : 1;
}

static void close(Emit *e, int opened) {
  while (opened-- > 0) emit_close(e);
}

/* What follows the sum reads at once, as the result lies: is it a block of channels? */
static bool reads_lanes(const Printer *t, int input) {
  const Writer *w = t->w;
  const View *v = &t->d.c.k->in[input];
  return writer_finishes_with(w, input) && v->outside == INSIDE &&
         channels_in_lanes(w->p, v, t->d.lane);
}

static void finish_lanes(Printer *t, const Kernel *k) {
  Writer *w = t->w;
  bool read[MAX_IN];
  name_results(t, &t->blocks);
  for (int i = 0; i < k->nin; i++) {
    read[i] = reads_lanes(t, i);
    if (!read[i]) continue;
    lanes_read(w, arena_printf(t->arena, "lanes%d", i), t->d.lanes, i);
  }
  name_results(t, k);
  lanes_open(t->e, t->d.lanes);
  if (writer_finishes_at(w, t->d.lane, read))
    emit(t->e, "const %s %s = %d * %s + lane;", w->index, t->channel, t->d.lanes, t->block);
  emit(t->e, "const float acc0 = acc[step][lane];");
  for (int i = 0; i < k->nin; i++) {
    w->loaded[i] = read[i];
    if (read[i]) emit(t->e, "const float x%d = lanes%d[lane];", i, i);
  }
  emit_wrapped(t->e, arena_printf(t->arena, "acc[step][lane] = %s;", writer_value(w, 0)));
  memset(w->loaded, 0, sizeof w->loaded);
  emit_close(t->e);
}

/* All is read before anything is written. */
static void print_blocks(Printer *t, const Kernel *k) {
  Writer *w = t->w;
  int opened = open_result(t, writer_finishes_at(w, t->d.slide.row, NULL));
  finish_lanes(t, k);
  close(t->e, opened);
  opened = open_result(t, true);
  name_results(t, &t->blocks);
  lanes_store(w, "acc[step]");
  close(t->e, opened);
}

static void print_results(Printer *t, const Kernel *k) {
  Writer *w = t->w;
  name_results(t, k);
  for (int i = 0; i < k->nin; i++) {
    w->loaded[i] = writer_finishes_with(w, i) && !view_uses(&k->in[i], t->d.slide.row);
    if (w->loaded[i]) writer_load(w, i);
  }
  const int opened = open_result(t, true);
  emit(t->e, "const float acc0 = acc[step];");
  writer_finish(w);
  close(t->e, opened);
}

/* ---- the kernel ---- */

static void print_body(Printer *t, const Kernel *k) {
  Writer *w = t->w;
  name_tiles(t);
  writer_take_loops(w, false);
  writer_open_points(w);
  print_sums(t);
  if (t->block)
    print_blocks(t, k);
  else
    print_results(t, k);
  emit_close(t->e);
}

static const char *comment_of(const Printer *t) {
  const char *channels = t->block ? arena_printf(t->arena, " of %d channels", t->d.lanes) : "";
  return arena_printf(t->arena, "%s\nDepthwise: a thread computes %d along %s%s.",
                      writer_title(t->w), t->d.points, t->row, channels);
}

void depthwise_print(Writer *w, Emit *calls) {
  const Kernel *k = w->k;
  Function f = {0};
  Printer t;
  Body body;
  begin(&t, w);
  function_begin_points(w, &f, comment_of(&t), &body);
  print_body(&t, k);
  w->k = k;
  function_launch_points(w, &f, &body, &t.tiled, calls);
}
