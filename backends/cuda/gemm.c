/* gemm.c - a contraction as implicit GEMM: out[row, column] = sum over terms of x[row, term] *
 * w[column, term], where a row counts the points of the M loops, a column those of the N loops, a
 * term those of the K loops, and each point of the B loops is a product of its own.
 *
 * A block of threads computes a tile. Shared memory holds some stages of x and w in slots that are
 * used in turn: while one is multiplied, those behind it are on their way.
 *
 *   for (int term = 0; term < 576 + 32; term += 16) {
 *     const int to = term / 16 % 3, slot = (term / 16 + 1) % 3;
 *     cnnc_cp_async_wait(1);                       the stage of two turns before is there,
 *     __syncthreads();                             and the one before it has been multiplied
 *     if (term < 576)
 *       global memory -> stage `to`                net_conv1_x(in0, row, term, &x[to]...)
 *     if (term >= 32)
 *       shared memory -> products, in registers    acc[i][j] += a[i] * b[j]
 *   }
 *   net_conv1_out(out0, row, column, acc[i][j]);   what follows the sum: bias, residual, activation
 *
 * What is particular to the network stands in three functions of one element each, or of as many as
 * are copied at once; so index maps, borders and epilogues are those of the plain loops. With
 * tensor cores words of shared memory are rounded numbers and a warp multiplies 16 x 8 results at a
 * time.
 *
 * Where four warps multiply together (runtime/cuda/wgmma.cuh), they go on while their products are
 * made: those of the stage before are still on their way when the next ones begin, so that tensor
 * cores never wait, and a slot is free for a new stage one turn later.
 *
 *     cnnc_wgmma_written();                        products may read what this thread brought
 *     __syncthreads();
 *     shared memory -> products, which begin
 *     global memory -> stage `to`
 *     cnnc_wgmma_wait(1);                          those of the turn before are made
 *
 * Operands may come as boxes of their tensors, which one thread asks for and all wait for
 * (boxes.c):
 *
 *     cnnc_barrier_wait(&full[slot], term / 192 % 2);
 *     __syncthreads();
 *     shared memory -> products, which begin
 *     if (thread == 0 && next < 576) net_conv1_stage(...)
 *     cnnc_wgmma_wait(1); */
#include "gemm.h"

#include <string.h>

const Arithmetic gemm_arithmetic[PRECISIONS] = {
    [PRECISION_F32] = {.word = "float", .number = F32, .pack = 1},
    [PRECISION_TF32] = {"unsigned", F32, 1, "cnnc_tf32", "cnnc_mma_tf32", .late = "cnnc_round"},
    [PRECISION_BF16] = {"unsigned", BF16, 2, "cnnc_bf16", "cnnc_mma_bf16", "cnnc_wgmma_bf16"},
    [PRECISION_F16] = {"unsigned", F16, 2, "cnnc_f16", "cnnc_mma_f16", "cnnc_wgmma_f16"},
    [PRECISION_F32X3] = {"unsigned", F32, 1, "__float_as_uint", "cnnc_mma_tf32",
                         .late = "cnnc_split", .split = true},
};

/* ---- tiles ---- */

/* Runs of points are boxes of width 1 in plan files, whose numbers are positive. */
GemmTile gemm_tile(const Kernel *k) {
  const int wide = tile_get(&k->tile, "wide", 1), high = tile_get(&k->tile, "high", 1);
  return (GemmTile){tile_get(&k->tile, "rows", 0),
                    tile_get(&k->tile, "columns", 0),
                    tile_get(&k->tile, "words", 0),
                    tile_get(&k->tile, "i", 0),
                    tile_get(&k->tile, "j", 0),
                    tile_get(&k->tile, "stages", 0),
                    tile_get(&k->tile, "warps", 0),
                    wide > 1 ? wide : 0,
                    wide > 1 ? high : 0};
}

void gemm_set_tile(Kernel *k, const GemmTile *t) {
  tile_set(&k->tile, "rows", t->rows);
  tile_set(&k->tile, "columns", t->columns);
  tile_set(&k->tile, "words", t->words);
  tile_set(&k->tile, "i", t->i);
  tile_set(&k->tile, "j", t->j);
  tile_set(&k->tile, "stages", t->stages);
  if (!t->warps) return;
  tile_set(&k->tile, "warps", t->warps);
  tile_set(&k->tile, "wide", t->wide ? t->wide : 1);
  tile_set(&k->tile, "high", t->wide ? t->high : 1);
}

int gemm_threads(const GemmTile *t, const Arithmetic *as) {
  const int parts = t->rows / t->i * t->columns / t->j;
  return as->mma ? parts * DEVICE_WARP : parts;
}

int gemm_stages_ahead(const GemmTile *t) {
  return t->stages - (t->warps ? 2 : 1);
}

int64_t gemm_shared_bytes(const GemmTile *t, const Arithmetic *as) {
  const int pad = as->mma ? 0 : 2 * GEMM_PAD, barrier = t->wide ? 8 : 0;
  return (int64_t)t->stages * (t->words * (t->rows + t->columns + pad) * 4 + barrier);
}

bool gemm_serves(const Writer *w) {
  return gemm_tile(w->k).rows > 0;
}

/* ---- a kernel ---- */

void gemm_set_role(Gemm *g, char role) {
  for (int l = 0; l < g->w->k->nloop; l++) g->w->thread[l] = g->c.role[l] == role;
}

int64_t gemm_most_points(const Gemm *g, char role) {
  int64_t points = 1;
  for (int l = 0; l < g->w->k->nloop; l++)
    if (g->c.role[l] == role) points *= extent_at(g->w->k->loop[l].extent, g->w->p->max_batch);
  return points;
}

static bool is_fixed(const Gemm *g, char role) {
  for (int l = 0; l < g->w->k->nloop; l++)
    if (g->c.role[l] == role && g->w->k->loop[l].extent.per_n) return false;
  return true;
}

static const char *points_text(Gemm *g, char role, const char *suffix) {
  gemm_set_role(g, role);
  return writer_points(g->w, 0, suffix);
}

static bool is_whole(const Gemm *g, char role, int64_t tile) {
  return is_fixed(g, role) && gemm_most_points(g, role) % tile == 0;
}

/* ---- functions ---- */

void gemm_declare_loops(Gemm *g, Function *f, char role, const char *number, const View *only) {
  bool used[MAX_LOOPS], any = false;
  gemm_set_role(g, role);
  for (int l = 0; l < g->w->k->nloop; l++) {
    used[l] = g->w->thread[l] && (!only || view_uses(only, l));
    any |= used[l];
  }
  if (!any) return;
  f->number[f->nnumbers++] = (Number){number, gemm_most_points(g, role) - 1};
  if (only) writer_join(g->w, only);
  writer_loops(g->w, number, used);
}

const char *gemm_call(Gemm *g, const Function *f, const char *row, const char *column,
                      const char *term, const char *more) {
  Text numbers = {.arena = g->w->e->arena};
  for (int i = 0; i < f->nnumbers; i++) {
    const char *number = f->number[i].name;
    const char *value = !strcmp(number, "row")      ? row
                        : !strcmp(number, "column") ? column
                        : !strcmp(number, "term")   ? term
                                                    : number;
    text_add(&numbers, "%s%s", numbers.n ? ", " : "", value);
  }
  if (more) text_add(&numbers, "%s%s", numbers.n ? ", " : "", more);
  return function_call(g->w, f, numbers.at);
}

/* ---- the kernel ---- */

/* Where the tile of a block lies: tiles of one row stand beside each other in the grid. */
static void print_place(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index;
  const int64_t groups = gemm_most_points(g, 'B'),
                columns = (gemm_most_points(g, 'N') + g->tile.columns - 1) / g->tile.columns;
  const char *block = arena_printf(e->arena, "(%s)blockIdx.x", index);
  if (groups > 1) emit(e, "const %s group = %s %% %lld;", index, block, (long long)groups);
  if (groups > 1) block = arena_printf(e->arena, "%s / %lld", block, (long long)groups);
  if (columns > 1)
    emit(e, "const %s column0 = %s %% %lld * %d;", index, block, (long long)columns,
         g->tile.columns);
  else
    emit(e, "const %s column0 = 0;", index);
  if (columns > 1)
    block = arena_printf(e->arena, "(%s)blockIdx.x / %lld", index, (long long)(groups * columns));
  if (g->tile.wide)
    boxes_print_place(g, block);
  else
    emit(e, "const %s row0 = %s * %d;", index, block, g->tile.rows);
  if (!g->x.whole && !g->tile.wide) emit(e, "const %s rows = %s;", index, points_text(g, 'M', ""));
  if (!g->y.whole) emit(e, "const %s columns = %s;", index, points_text(g, 'N', ""));
}

static void print_products(Gemm *g, int first) {
  BLOCK(g->w->e, "if (term >= %d)", first)
  products_stage(g);
}

/* Turns: the stage `to` begins to come, and the one that came so many turns before is multiplied.
 * In the first ones there is none yet. */
static void print_turns(Gemm *g) {
  Emit *e = g->w->e;
  const int step = g->tile.words * g->as->pack, stages = g->tile.stages,
            ahead = gemm_stages_ahead(&g->tile);
  const bool copies = g->x.copied || g->y.copied, loads = !g->x.copied || !g->y.copied;
  BLOCK(e, "for (%s term = 0; term < %s + %d; term += %d)", g->w->index, g->terms, step * ahead,
        step) {
    emit(e, "const %s to = term / %d %% %d, slot = (term / %d + %d) %% %d;", g->w->index, step,
         stages, step, stages - ahead, stages);
    if (copies) emit(e, "cnnc_cp_async_wait(%d);", ahead - 1);
    if (g->tile.warps) emit(e, "cnnc_wgmma_written();");
    emit(e, "__syncthreads();");
    if (g->tile.warps) print_products(g, step * ahead);
    BLOCK(e, "if (term < %s)", g->terms)
    stage_begin(g, "to", "term");
    if (copies) emit(e, "cnnc_cp_async_commit();");
    if (g->tile.warps)
      emit(e, "cnnc_wgmma_wait(1);");
    else
      print_products(g, step * ahead);
    if (loads) {
      BLOCK(e, "if (term < %s)", g->terms)
      stage_end(g, "to");
    }
  }
}

static void print_kernel_body(Gemm *g) {
  Emit *e = g->w->e;
  g->terms = points_text(g, 'K', "");
  stage_declare(g);
  emit(e, "const int thread = (int)threadIdx.x;");
  print_place(g);
  products_begin(g);
  if (g->tile.wide)
    boxes_print_turns(g);
  else
    print_turns(g);
  results_print(g);
}

/* ---- all of it ---- */

/* Which loop of a role moves the view least but moves it: neighbours in memory follow it. */
static int64_t nearest_step(const Gemm *g, const View *v, char role) {
  int64_t nearest = INT64_MAX;
  for (int l = 0; l < g->w->k->nloop; l++) {
    const int64_t step = writer_step(g->w, v, l), size = step < 0 ? -step : step;
    if (g->c.role[l] == role && size > 0 && size < nearest) nearest = size;
  }
  return nearest;
}

static Operand operand(Gemm *g, int in, char role, int tile) {
  const View *v = &g->w->k->in[in];
  const bool is_x = role == 'M';
  Operand o = {.in = in,
               .role = role,
               .array = is_x ? "x" : "w",
               .index = is_x ? "row" : "column",
               .tile = tile,
               .extent = points_text(g, role, ""),
               .whole = is_whole(g, role, tile),
               .along_terms = nearest_step(g, v, 'K') < nearest_step(g, v, role)};
  o.copied = stage_copies(g, &o);
  o.lines = !o.copied && stage_copies_lines(g, &o);
  o.copied |= o.lines;
  return o;
}

static void start(Gemm *g, Writer *w) {
  *g = (Gemm){.w = w, .tile = gemm_tile(w->k), .as = &gemm_arithmetic[w->p->precision]};
  if (!contraction_of(w->p, w->k, &g->c)) BUG("%s is not a contraction", w->k->name);
  g->threads = gemm_threads(&g->tile, g->as);
  g->unit = g->as->mma ? GEMM_CHUNK * g->as->pack : 1;
  g->x = operand(g, g->c.x, 'M', g->tile.rows);
  g->y = operand(g, g->c.w, 'N', g->tile.columns);
  g->terms = points_text(g, 'K', "");
  g->whole_terms = is_whole(g, 'K', g->tile.words * g->as->pack);
  const View *to = &w->k->out[0].to;
  g->along_columns = nearest_step(g, to, 'N') < nearest_step(g, to, 'M');
  g->pairs = store_pairs(g);
  if (g->tile.wide && !boxes_of(w->p, &g->c, &g->boxes)) BUG("%s has no boxes", w->k->name);
  if (!g->x.copied && !g->y.copied)
    g->tile.stages = g->tile.warps ? 3 : 2; /* registers hold one, and no more */
}

static const char *blocks_text(Gemm *g) {
  Arena *arena = g->w->e->arena;
  const int64_t beside = gemm_most_points(g, 'B') *
                         ((gemm_most_points(g, 'N') + g->tile.columns - 1) / g->tile.columns);
  if (g->tile.wide) return boxes_count_text(g);
  const char *rows = points_text(g, 'M', "LL");
  const char *tiles = arena_printf(arena, "(%s + %d) / %d", rows, g->tile.rows - 1, g->tile.rows);
  return arena_printf(arena, beside > 1 ? "(unsigned)(%s * %lld)" : "(unsigned)(%s)", tiles,
                      (long long)beside);
}

static const char *kernel_comment(const Gemm *g) {
  Arena *arena = g->w->e->arena;
  const GemmTile *t = &g->tile;
  const char *boxes = !t->wide ? ""
                               : arena_printf(arena, ", in boxes of %d x %d points of %d images",
                                              t->high, t->wide, boxes_images(t));
  return arena_printf(arena,
                      "%s\nImplicit GEMM: %s x %s results of %s terms, a block of threads for each "
                      "%d x %d, %d stages of %d terms%s.",
                      writer_title(g->w), g->x.extent, g->y.extent, g->terms, t->rows, t->columns,
                      t->stages, t->words * g->as->pack, boxes);
}

/* Blocks that multiply and add may have more registers than nvcc is sparing with, up to 255 of a
 * thread: it spills some to have three blocks on a multiprocessor. */
static const char *bounds_text(const Gemm *g) {
  enum { THREADS = 256 };
  if (g->as->mma) return arena_printf(g->w->e->arena, "%d", g->threads);
  const int blocks = g->threads < THREADS ? THREADS / g->threads : 1;
  return arena_printf(g->w->e->arena, "%d, %d", g->threads, blocks);
}

/* Of the launch: blocks, threads of one, and bytes of shared memory where those are said then. */
static const char *size_text(Gemm *g) {
  Arena *arena = g->w->e->arena;
  const char *size = arena_printf(arena, "%s, %d", blocks_text(g), g->threads);
  return g->tile.warps
             ? arena_printf(arena, "%s, %lld", size, (long long)gemm_shared_bytes(&g->tile, g->as))
             : size;
}

/* The functions that bring operands; the kernel gets maps of their tensors, or pointers. */
static void print_bringing(Gemm *g, Function *kernel, Maps *maps) {
  if (!g->tile.wide) {
    stage_print_function(g, &g->x);
    stage_print_function(g, &g->y);
    return;
  }
  const char *x = boxes_map_x(g->w->e, g), *w = boxes_map_w(g->w->e, g);
  const bool x_first = g->c.x < g->c.w;
  boxes_print_function(g);
  kernel->map[g->c.x] = kernel->map[g->c.w] = true;
  kernel->maps = maps->n;
  maps->n += 2;
  text_add(&maps->rows, "      %s\n      %s\n", x_first ? x : w, x_first ? w : x);
}

void gemm_print(Writer *w, Emit *calls, Maps *maps) {
  Gemm g;
  Function f = {0};
  Body body;
  start(&g, w);
  print_bringing(&g, &f, maps);
  store_print_function(&g);
  if (columns_summed(&g)) columns_print_function(&g);
  function_begin_kernel(w, &f, bounds_text(&g), kernel_comment(&g), &body);
  print_kernel_body(&g);
  function_end_kernel(w, &f, &body);
  function_launch(w, &f, g.tile.warps ? "CNNC_START_WIDE" : "CNNC_START", size_text(&g), calls);
}
