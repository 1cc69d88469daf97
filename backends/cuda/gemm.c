/* gemm.c - a contraction as implicit GEMM: out[row, column] = sum over terms of x[row, term] *
 * w[column, term], where a row counts the points of the M loops, a column those of the N loops, a
 * term those of the K loops, and each point of the B loops is a product of its own.
 *
 * A block of threads computes a tile. Per turn it brings a stage of x and w into shared memory,
 * which is there twice: while one is multiplied the next is on its way through registers.
 *
 *   for (int term = 0; term < 576; term += 16) {
 *     stage of x, w: registers -> shared memory
 *     __syncthreads();
 *     next stage: global memory -> registers       net_conv1_x(in0, row, term)
 *     shared memory -> products, in registers      acc[i][j] += a[i] * b[j]
 *   }
 *   net_conv1_out(out0, row, column, acc[i][j]);   what follows the sum: bias, residual, activation
 *
 * What is particular to the network stands in three functions of one element each; so index maps,
 * borders and epilogues are those of the plain loops. With tensor cores words of shared memory are
 * rounded numbers and a warp multiplies 16 x 8 results at a time. */
#include "gemm.h"
#include "function.h"

#include <string.h>

const Arithmetic gemm_arithmetic[PRECISIONS] = {
    [PRECISION_F32] = {.word = "float", .pack = 1},
    [PRECISION_TF32] = {"unsigned", 1, "cnnc_tf32", "cnnc_mma_tf32", false},
    [PRECISION_BF16] = {"unsigned", 2, "cnnc_bf16", "cnnc_mma_bf16", false},
    [PRECISION_F16] = {"unsigned", 2, "cnnc_f16", "cnnc_mma_f16", false},
    [PRECISION_F32X3] = {"float", 1, NULL, "cnnc_mma_tf32", true},
};

enum { NEIGHBOURS = 4 /* words along the terms that threads beside each other bring */ };

/* ---- tiles ---- */

GemmTile gemm_tile(const Kernel *k) {
  return (GemmTile){tile_get(&k->tile, "rows", 0), tile_get(&k->tile, "columns", 0),
                    tile_get(&k->tile, "words", 0), tile_get(&k->tile, "i", 0),
                    tile_get(&k->tile, "j", 0)};
}

void gemm_set_tile(Kernel *k, const GemmTile *t) {
  tile_set(&k->tile, "rows", t->rows);
  tile_set(&k->tile, "columns", t->columns);
  tile_set(&k->tile, "words", t->words);
  tile_set(&k->tile, "i", t->i);
  tile_set(&k->tile, "j", t->j);
}

int gemm_threads(const GemmTile *t, const Arithmetic *as) {
  const int parts = t->rows / t->i * t->columns / t->j;
  return as->mma ? parts * GEMM_WARP : parts;
}

bool gemm_serves(const Writer *w) {
  return gemm_tile(w->k).rows > 0;
}

/* ---- a kernel ---- */

/* The loops of a role are those of the thread. */
static void set_role(Gemm *g, char role) {
  for (int l = 0; l < g->w->k->nloop; l++) g->w->thread[l] = g->c.role[l] == role;
}

static int64_t most_points(const Gemm *g, char role) {
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
  set_role(g, role);
  return writer_points(g->w, 0, suffix);
}

static bool is_whole(const Gemm *g, char role, int64_t tile) {
  return is_fixed(g, role) && most_points(g, role) % tile == 0;
}

/* ---- the functions of one element ---- */

/* Declares the loops of a role, from a number that the function is passed if it needs any. */
static void declare_loops(Gemm *g, Function *f, char role, const char *number, const View *only) {
  bool used[MAX_LOOPS], any = false;
  set_role(g, role);
  for (int l = 0; l < g->w->k->nloop; l++) {
    used[l] = g->w->thread[l] && (!only || view_uses(only, l));
    any |= used[l];
  }
  if (!any) return;
  f->number[f->nnumbers++] = (Number){number, most_points(g, role) - 1};
  if (only) writer_join(g->w, only);
  writer_loops(g->w, number, used);
}

/* net_conv1_x: one element of an operand. */
static void print_operand(Gemm *g, Operand *o) {
  Writer *w = g->w;
  const View *v = &w->k->in[o->in];
  const char *loop[MAX_LOOPS];
  Body body;
  memcpy(loop, w->loop, sizeof loop);
  o->f = (Function){.declares = "CNNC_HELPER float"};
  o->f.in[o->in] = true;
  o->f.name = arena_printf(w->e->arena, "%s_%s", w->k->name, o->array);
  o->f.comment = arena_printf(w->e->arena, "%s: an element of in%d.", w->k->name, o->in);
  function_begin(w, &body);
  function_constants(w, o->f.in);
  declare_loops(g, &o->f, 'B', "group", v);
  declare_loops(g, &o->f, o->role, o->index, v);
  declare_loops(g, &o->f, 'K', "term", v);
  writer_load(w, o->in);
  emit(w->e, "return x%d;", o->in);
  o->load = function_print(w, &o->f, &body);
  memcpy(w->loop, loop, sizeof loop);
  memset(w->joined, 0, sizeof w->joined);
}

/* net_conv1_out: what follows the sum. */
static void print_store(Gemm *g) {
  Writer *w = g->w;
  Function *f = &g->store;
  Body body;
  *f = (Function){.declares = "CNNC_HELPER void", .more = "float acc0"};
  for (int i = 0; i < w->k->nin; i++) f->in[i] = writer_finishes_with(w, i);
  memcpy(f->out, w->out, sizeof f->out);
  f->name = arena_printf(w->e->arena, "%s_out", w->k->name);
  f->comment = arena_printf(w->e->arena, "%s: an element of the result.", w->k->name);
  function_begin(w, &body);
  function_constants(w, f->in);
  declare_loops(g, f, 'B', "group", NULL);
  declare_loops(g, f, 'M', "row", NULL);
  declare_loops(g, f, 'N', "column", NULL);
  writer_finish(w);
  g->store_name = function_print(w, f, &body);
}

/* The call of such a function; a number that it does not take is left out. */
static const char *call(Gemm *g, const Function *f, const char *name, const char *row,
                        const char *column, const char *term, const char *more) {
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
  return arena_printf(g->w->e->arena, "%s(%s)", name,
                      function_arguments(g->w, f, numbers.at, false));
}

/* ---- a stage ---- */

/* Words that each thread brings of an operand's stage. */
static int share(const Gemm *g, const Operand *o) {
  return o->tile * g->tile.words / g->threads;
}

/* Opens the loop over a thread's words of a stage: word k of the row `at` of the tile. */
static void open_share(Gemm *g, const Operand *o) {
  Emit *e = g->w->e;
  emit(e, "CNNC_UNROLL");
  emit_open(e, "for (int i = 0; i < %d; i++)", share(g, o));
  emit(e, "const int e = %d * i + thread;", g->threads);
  if (o->along_terms)
    emit(e, "const int k = e / %d * %d + e %% %d, at = e / %d %% %d;", NEIGHBOURS * o->tile,
         NEIGHBOURS, NEIGHBOURS, NEIGHBOURS, o->tile);
  else
    emit(e, "const int k = e / %d, at = e %% %d;", o->tile, o->tile);
}

static void print_element(Gemm *g, const Operand *o, const char *to, const char *term) {
  Emit *e = g->w->e;
  const char *at = arena_printf(e->arena, "%s0 + at", o->index);
  Text inside = {.arena = e->arena};
  if (!o->whole) text_add(&inside, "%s < %ss", at, o->index);
  if (!g->whole_terms) text_add(&inside, "%s%s < %s", inside.n ? " && " : "", term, g->terms);
  const char *element = call(g, &o->f, o->load, at, at, term, NULL);
  emit_wrapped(e, inside.n ? arena_printf(e->arena, "%s = %s ? %s : 0.0f;", to, inside.at, element)
                           : arena_printf(e->arena, "%s = %s;", to, element));
}

/* Global memory -> registers. */
static void print_fetch(Gemm *g, const Operand *o, const char *from) {
  Arena *arena = g->w->e->arena;
  open_share(g, o);
  for (int n = 0; n < g->as->pack; n++) {
    Text term = {.arena = arena};
    text_add(&term, from ? "%s + " : "%s", from ? from : "");
    text_add(&term, g->as->pack > 1 ? "%d * k" : "k", g->as->pack);
    if (n) text_add(&term, " + %d", n);
    print_element(
        g, o, arena_printf(arena, g->as->pack > 1 ? "next_%s[i][%d]" : "next_%s[i]", o->array, n),
        term.at);
  }
  emit_close(g->w->e);
}

/* Registers -> shared memory. */
static void print_bring(Gemm *g, const Operand *o) {
  Emit *e = g->w->e;
  const char *word = arena_printf(e->arena, "next_%s[i]", o->array);
  if (g->as->pack == 2) word = arena_printf(e->arena, "%s[0], %s[1]", word, word);
  if (g->as->round) word = arena_printf(e->arena, "%s(%s)", g->as->round, word);
  open_share(g, o);
  emit(e, "%s[stage][k][at] = %s;", o->array, word);
  emit_close(e);
}

/* ---- the kernel ---- */

static void print_shared(Gemm *g) {
  Emit *e = g->w->e;
  const char *each = g->as->pack > 1 ? arena_printf(e->arena, "[%d]", g->as->pack) : "";
  emit(e, "__shared__ __align__(16) %s x[2][%d][%d], w[2][%d][%d];", g->as->word, g->tile.words,
       g->x.tile + GEMM_PAD, g->tile.words, g->y.tile + GEMM_PAD);
  emit(e, "float next_x[%d]%s, next_w[%d]%s;", share(g, &g->x), each, share(g, &g->y), each);
}

/* Where the tile of a block lies: tiles of one row stand beside each other in the grid. */
static void print_place(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index;
  const int64_t groups = most_points(g, 'B'),
                columns = (most_points(g, 'N') + g->tile.columns - 1) / g->tile.columns;
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
  emit(e, "const %s row0 = %s * %d;", index, block, g->tile.rows);
  if (!g->x.whole) emit(e, "const %s rows = %s;", index, points_text(g, 'M', ""));
  if (!g->y.whole) emit(e, "const %s columns = %s;", index, points_text(g, 'N', ""));
}

static void print_turns(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index;
  const int step = g->tile.words * g->as->pack;
  print_fetch(g, &g->x, NULL);
  print_fetch(g, &g->y, NULL);
  BLOCK(e, "for (%s term = 0; term < %s; term += %d)", index, g->terms, step) {
    emit(e, "const %s stage = term / %d %% 2;", index, step);
    print_bring(g, &g->x);
    print_bring(g, &g->y);
    emit(e, "__syncthreads();");
    const char *next = arena_printf(e->arena, "term + %d", step);
    BLOCK(e, "if (%s < %s)", next, g->terms) {
      print_fetch(g, &g->x, next);
      print_fetch(g, &g->y, next);
    }
    products_stage(g);
  }
}

/* One element of the result, if the tile does not stand out there. */
static void print_result(Gemm *g) {
  Emit *e = g->w->e;
  Text inside = {.arena = e->arena};
  if (!g->x.whole) text_add(&inside, "row < rows");
  if (!g->y.whole) text_add(&inside, "%scolumn < columns", inside.n ? " && " : "");
  if (inside.n) emit(e, "if (%s)", inside.at);
  emit_wrapped(e, arena_printf(e->arena, "%s%s;", inside.n ? "  " : "",
                               call(g, &g->store, g->store_name, "row", "column", NULL,
                                    products_result(g))));
}

static void print_kernel_body(Gemm *g) {
  Emit *e = g->w->e;
  g->terms = points_text(g, 'K', "");
  print_shared(g);
  emit(e, "const int thread = (int)threadIdx.x;");
  print_place(g);
  products_begin(g);
  print_turns(g);
  const int opened = products_open_results(g);
  print_result(g);
  for (int i = 0; i < opened; i++) emit_close(e);
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
  return (Operand){.in = in,
                   .role = role,
                   .array = is_x ? "x" : "w",
                   .index = is_x ? "row" : "column",
                   .tile = tile,
                   .extent = points_text(g, role, ""),
                   .whole = is_whole(g, role, tile),
                   .along_terms = nearest_step(g, v, 'K') < nearest_step(g, v, role)};
}

static void start(Gemm *g, Writer *w) {
  *g = (Gemm){.w = w, .tile = gemm_tile(w->k), .as = &gemm_arithmetic[w->p->precision]};
  if (!contraction(w->p, w->k, &g->c)) BUG("%s is not a contraction", w->k->name);
  g->threads = gemm_threads(&g->tile, g->as);
  g->x = operand(g, g->c.x, 'M', g->tile.rows);
  g->y = operand(g, g->c.w, 'N', g->tile.columns);
  g->terms = points_text(g, 'K', "");
  g->whole_terms = is_whole(g, 'K', g->tile.words * g->as->pack);
}

static const char *blocks_text(Gemm *g) {
  Arena *arena = g->w->e->arena;
  const int64_t beside =
      most_points(g, 'B') * ((most_points(g, 'N') + g->tile.columns - 1) / g->tile.columns);
  const char *rows = points_text(g, 'M', "LL");
  const char *tiles = arena_printf(arena, "(%s + %d) / %d", rows, g->tile.rows - 1, g->tile.rows);
  return arena_printf(arena, beside > 1 ? "(unsigned)(%s * %lld)" : "(unsigned)(%s)", tiles,
                      (long long)beside);
}

static const char *kernel_comment(const Gemm *g) {
  return arena_printf(g->w->e->arena,
                      "%s\nImplicit GEMM: %s x %s results of %s terms, a block of threads for each "
                      "%d x %d.",
                      writer_title(g->w), g->x.extent, g->y.extent, g->terms, g->tile.rows,
                      g->tile.columns);
}

void gemm_print(Writer *w, Emit *calls) {
  Arena *arena = w->e->arena;
  Gemm g;
  Body body;
  start(&g, w);
  print_operand(&g, &g.x);
  print_operand(&g, &g.y);
  print_store(&g);
  Function f = {.name = arena_printf(arena, "%s_kernel", w->k->name)};
  f.declares = arena_printf(arena, "static __global__ void __launch_bounds__(%d)", g.threads);
  f.comment = kernel_comment(&g);
  for (int i = 0; i < w->k->nin; i++) f.in[i] = writer_reads(w, i);
  memcpy(f.out, w->out, sizeof f.out);
  function_begin(w, &body);
  print_kernel_body(&g);
  const char *name = function_print(w, &f, &body);
  const char *arguments = function_arguments(w, &f, NULL, true);
  w->n = "n";
  emit_comment(calls, "%s", kernel_title(w->k));
  emit_wrapped(calls, arena_printf(arena, "if (CNNC_START(%s, %s, %d, stream, %s))", name,
                                   blocks_text(&g), g.threads, arguments));
  emit(calls, "  return %s_E_DEVICE;", calls->prefix);
}
