/* vectors.c - maps, pools and other kernels without products whose result lies in lanes: a thread
 * computes a block of channels, with accesses of 16 bytes to all that lies so.
 *
 *   const int c_block = point / 196 % 8 ...
 *   float sum0[8];                                        of each fold
 *   for (int kh = 0; kh < 3; kh++) ...                    reduced loops, tests of SKIP views
 *     float lanes0[8];
 *     cnnc_load_lanes_bf16(lanes0, &in0[...]);
 *     for (int lane = 0; lane < 8; lane++) {
 *       const float x0 = lanes0[lane];
 *       float acc0 = sum0[lane];                          the fold, as in loops.c
 *     }
 *   for (int lane = 0; lane < 8; lane++) ... value[lane] = ...
 *   cnnc_store_lanes_bf16(&out0[...], value);
 *
 * Long sums take a block of threads for each block of channels (vectors_print_sum). */
#include "vectors.h"
#include "algos.h"
#include "device.h"
#include "function.h"
#include "lanes.h"
#include "narrow.h"
#include "reduce.h"

#include <string.h>

typedef struct Printer {
  Writer *w;
  Emit *e;
  Arena *arena;
  const Kernel *k;
  Kernel blocks; /* k, whose channels count blocks */
  int loop, lanes;
  const char *channel, *block;
} Printer;

/* ---- which kernels ---- */

static bool is_number(const Plan *p, const View *v) {
  const DType dtype = p->buffer.at[v->tensor].format.dtype;
  return dtype == F32 || dtype_narrow(dtype);
}

/* Is the view read or written by blocks of this loop's channels? */
static bool in_blocks(const Plan *p, const Kernel *k, const View *v, int loop) {
  return channels_in_lanes(p, v, loop) && is_number(p, v) &&
         view_tests(p, k, v, p->buffer.at[v->tensor].format.lane_axis) == 0;
}

/* The free loop along the lanes of a view; -1: none. */
static int lane_loop(const Plan *p, const Kernel *k, const View *v) {
  for (int l = 0; l < kernel_free_loops(k); l++)
    if (k->loop[l].extent.per_n == 0 && k->loop[l].extent.plus % plan_lanes(p) == 0 &&
        in_blocks(p, k, v, l))
      return l;
  return -1;
}

/* May blocks of this loop's channels be read? Tests are about whole blocks, and what lies in others
 * would come one by one. */
static bool reads_blocks(const Plan *p, const Kernel *k, int loop) {
  if (loop < 0 || kernel_uses_index(k, loop)) return false;
  for (int i = 0; i < k->nin; i++) {
    const View *v = &k->in[i];
    const bool lies = p->buffer.at[v->tensor].format.lane_axis >= 0 && view_uses(v, loop);
    if ((lies || v->outside == SKIP) && !in_blocks(p, k, v, loop)) return false;
  }
  return true;
}

bool vectors_serve(const Plan *p, const Kernel *k) {
  if (plan_lanes(p) == 1 || k->tile.n > 0 || k->math != F32) return false;
  if (k->nout != 1 || k->out[0].combine || kernel_kind(k) == KIND_CONTRACT) return false;
  for (int f = 0; f < k->nfold; f++)
    if (k->fold[f].op == FOLD_ARGMAX) return false;
  return reads_blocks(p, k, lane_loop(p, k, &k->out[0].to));
}

static int summed_loop(const Plan *p, const Kernel *k) {
  int loop = -1;
  for (int i = 0; i < k->nin && loop < 0; i++)
    if (kernel_term_needs(k, i)) loop = lane_loop(p, k, &k->in[i]);
  return loop;
}

bool vectors_sum(const Plan *p, const Kernel *k) {
  if (plan_lanes(p) == 1 || k->math != F32 || !reduce_fits(k)) return false;
  for (int f = 0; f < k->nfold; f++)
    if (k->fold[f].op != FOLD_SUM || k->fold[f].acc != F64) return false;
  for (int o = 0; o < k->nout; o++)
    if (p->buffer.at[k->out[o].to.tensor].format.lane_axis >= 0) return false;
  return reads_blocks(p, k, summed_loop(p, k));
}

/* ---- names ---- */

static void name_blocks(Printer *t) {
  t->w->k = &t->blocks;
  t->w->loop[t->loop] = t->block;
}

static void name_channels(Printer *t) {
  t->w->k = t->k;
  t->w->loop[t->loop] = t->channel;
}

/* ---- a block of numbers ---- */

static bool reads(const Printer *t, int input, bool terms) {
  return terms ? kernel_term_needs(t->k, input) : writer_finishes_with(t->w, input);
}

/* Blocks that terms, or what follows the folds, read: lanes0[8] ... */
static void read_blocks(Printer *t, bool terms) {
  name_blocks(t);
  for (int i = 0; i < t->k->nin; i++)
    if (reads(t, i, terms) && in_blocks(t->w->p, t->k, &t->k->in[i], t->loop))
      lanes_read(t->w, arena_printf(t->arena, "lanes%d", i), t->lanes, i);
}

/* Opens a loop over the channels of a block, with the numbers of what was read of it. */
static void open_channels(Printer *t, bool terms) {
  Writer *w = t->w;
  bool asks = false;
  name_channels(t);
  lanes_open(t->e, t->lanes);
  for (int i = 0; i < t->k->nin; i++) {
    const bool read = reads(t, i, terms);
    w->loaded[i] = read && in_blocks(w->p, t->k, &t->k->in[i], t->loop);
    asks |= read && !w->loaded[i] && view_uses(&t->k->in[i], t->loop);
    if (w->loaded[i]) emit(t->e, "const float x%d = lanes%d[lane];", i, i);
  }
  if (asks) emit(t->e, "const %s %s = %d * %s + lane;", w->index, t->channel, t->lanes, t->block);
}

static void close_channels(Printer *t) {
  memset(t->w->loaded, 0, sizeof t->w->loaded);
  emit_close(t->e);
}

static bool has_fold(const Printer *t, int f) {
  bool has = false;
  for (int o = 0; o < t->k->nout; o++) has |= expr_uses(t->k->out[o].value, E_acc, f);
  return has;
}

/* ---- folds ---- */

static const char *sum_type(const Printer *t, int f) {
  return c_type(writer_fold_dtype(t->w, f));
}

static void print_start(Printer *t) {
  for (int f = 0; f < t->k->nfold; f++)
    if (has_fold(t, f)) emit(t->e, "%s sum%d[%d];", sum_type(t, f), f, t->lanes);
  lanes_open(t->e, t->lanes);
  writer_start_folds(t->w);
  for (int f = 0; f < t->k->nfold; f++)
    if (has_fold(t, f)) emit(t->e, "sum%d[lane] = acc%d;", f, f);
  emit_close(t->e);
}

static void print_term(Printer *t) {
  open_channels(t, true);
  for (int f = 0; f < t->k->nfold; f++)
    if (has_fold(t, f)) emit(t->e, "%s acc%d = sum%d[lane];", sum_type(t, f), f, f);
  writer_fold_term(t->w);
  for (int f = 0; f < t->k->nfold; f++)
    if (has_fold(t, f)) emit(t->e, "sum%d[lane] = acc%d;", f, f);
  close_channels(t);
}

/* Tests of SKIP views, in front of what is read. */
static int open_tests(Printer *t) {
  Writer *w = t->w;
  int opened = 0;
  for (int i = 0; i < t->k->nin; i++) {
    const View *v = &t->blocks.in[i];
    if (v->outside != SKIP) continue;
    writer_coordinates(w, v, writer_in(w, i), ALL_LEVELS);
    const char *inside = writer_inside(w, v, writer_in(w, i), ALL_LEVELS);
    if (inside) opened += emit_open(t->e, "if (%s)", inside);
  }
  return opened;
}

/* The terms at a point of the reduced loops. */
static void print_block_terms(Printer *t) {
  name_blocks(t);
  int opened = open_tests(t);
  read_blocks(t, true);
  print_term(t);
  name_blocks(t);
  while (opened-- > 0) emit_close(t->e);
}

static void print_folds(Printer *t) {
  Writer *w = t->w;
  int opened = 0;
  print_start(t);
  for (int l = 0; l < t->k->nloop; l++) {
    if (!t->k->loop[l].reduced) continue;
    opened += emit_open(t->e, "for (%s %s = 0; %s < %s; %s++)", w->index, w->loop[l], w->loop[l],
                        writer_extent(w, t->k->loop[l].extent), w->loop[l]);
  }
  print_block_terms(t);
  while (opened-- > 0) emit_close(t->e);
}

/* ---- results ---- */

static void print_results(Printer *t) {
  emit(t->e, "float value[%d];", t->lanes);
  read_blocks(t, false);
  open_channels(t, false);
  for (int f = 0; f < t->k->nfold; f++)
    if (has_fold(t, f)) emit(t->e, "const %s acc%d = sum%d[lane];", sum_type(t, f), f, f);
  emit_wrapped(t->e, arena_printf(t->arena, "value[lane] = %s;", writer_value(t->w, 0)));
  close_channels(t);
  name_blocks(t);
  lanes_store(t->w, "value");
}

/* ---- the kernel ---- */

static void print_body(Printer *t) {
  Writer *w = t->w;
  bool folds = false;
  name_blocks(t);
  for (int f = 0; f < t->k->nfold; f++) folds |= has_fold(t, f);
  writer_open_points(w);
  if (folds) print_folds(t);
  print_results(t);
  emit_close(t->e);
}

static Printer printer_of(Writer *w, int loop) {
  Printer t = {.w = w, .e = w->e, .arena = w->e->arena, .k = w->k, .blocks = *w->k};
  t.loop = loop;
  t.lanes = plan_lanes(w->p);
  t.channel = w->loop[loop];
  t.block = arena_printf(t.arena, "%s_block", t.channel);
  lanes_count_blocks(&t.blocks, loop, t.lanes);
  return t;
}

void vectors_print(Writer *w, Emit *calls) {
  Function f = {0};
  Body body;
  Printer t = printer_of(w, lane_loop(w->p, w->k, &w->k->out[0].to));
  const char *comment =
      arena_printf(t.arena, "%s\nA thread has %d channels.", writer_title(w), t.lanes);
  function_begin_points(w, &f, comment, &body);
  print_body(&t);
  w->k = t.k;
  function_launch_points(w, &f, &body, &t.blocks, calls);
}

/* ---- sums that the threads of a block share ---- */

/* Each thread's terms: double sum0[8] ... */
static void print_own_sums(Printer *t, int threads) {
  print_start(t);
  name_blocks(t);
  writer_open_terms(t->w, threads);
  print_block_terms(t);
  emit_close(t->e);
}

/* Sums of a warp's threads are added up, then the warps' sums of each channel. */
static void print_joined_sums(Printer *t, int warps) {
  Emit *e = t->e;
  for (int f = 0; f < t->k->nfold; f++)
    if (has_fold(t, f)) {
      lanes_open(e, t->lanes);
      emit(e, "sum%d[lane] = cnnc_sum_lanes(sum%d[lane], 1, %d);", f, f, DEVICE_WARP);
      emit(e, "if (thread %% %d == 0) part%d[thread / %d][lane] = sum%d[lane];", DEVICE_WARP, f,
           DEVICE_WARP, f);
      emit_close(e);
    }
  emit(e, "__syncthreads();");
  BLOCK(e, "if (thread < %d)", t->lanes) {
    emit(e, "const %s %s = %d * %s + thread;", t->w->index, t->channel, t->lanes, t->block);
    for (int f = 0; f < t->k->nfold; f++) {
      if (!has_fold(t, f)) continue;
      emit(e, "double acc%d = 0.0;", f);
      emit(e, "for (int warp = 0; warp < %d; warp++) acc%d += part%d[warp][thread];", warps, f, f);
    }
    name_channels(t);
    writer_finish(t->w);
  }
}

static void print_sums_body(Printer *t, int threads) {
  for (int f = 0; f < t->k->nfold; f++)
    if (has_fold(t, f))
      emit(t->e, "__shared__ double part%d[%d][%d];", f, threads / DEVICE_WARP, t->lanes);
  name_blocks(t);
  writer_block_point(t->w);
  print_own_sums(t, threads);
  print_joined_sums(t, threads / DEVICE_WARP);
}

void vectors_print_sum(Writer *w, Emit *calls) {
  const int threads = reduce_threads(w->k);
  Function f = {0};
  Body body;
  Printer t = printer_of(w, summed_loop(w->p, w->k));
  const char *comment = arena_printf(t.arena, "%s\nA block of %d threads for %d channels.",
                                     writer_title(w), threads, t.lanes);
  function_begin_shared(w, &f, threads, comment, &body);
  print_sums_body(&t, threads);
  w->k = t.k;
  function_launch_shared(w, &f, &body, &t.blocks, threads, calls);
}
