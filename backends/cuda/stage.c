/* stage.c - part of gemm.c: how operands come into shared memory, a stage at a time.
 *
 * What lies in memory as it is multiplied is copied (cp.async): single terms, or, for tensor cores,
 * chunks of 16 bytes where so many terms are neighbours. Anything else is loaded into registers
 * while a stage is multiplied, rounded, and stored behind it.
 *
 * For tensor cores a row of shared memory holds the words of a stage. Eight rows are read at once,
 * a chunk of each, so chunks change places from row to row, as wgmma wants it: those eight lie in
 * different banks.
 *
 * Where rows of the operand are neighbours in memory, as channels in lanes are that a weight
 * gradient does not sum over, chunks are of eight rows: a line of shared memory holds a term of up
 * to 64 of them, x[slot][row / 64][term][...], in chunks that change places from term to term, and
 * is turned over on its way to the products (runtime/cuda/lines.cuh). */
#include "gemm.h"

#include <string.h>

enum {
  NEIGHBOURS = 4, /* words along the terms that threads beside each other bring */
  LINE_CHUNKS = DEVICE_BANKS / GEMM_CHUNK, /* chunks in all banks */
  CHUNK_ROWS = GEMM_LINE / LINE_CHUNKS
};

/* Units in a row of a stage. */
static int row_units(const Gemm *g) {
  return g->as->mma ? g->tile.words / GEMM_CHUNK : g->tile.words;
}

static int unit_bytes(const Gemm *g) {
  return g->as->mma ? 16 : 4;
}

/* ---- what may be copied ---- */

typedef struct Run { /* of loops; first == end: none */
  int first, end;
} Run;

/* The last loops of a role that count neighbours in memory. */
static Run run_of(const Gemm *g, const View *v, char role) {
  const Kernel *k = g->w->k;
  int l = k->nloop - 1;
  while (l >= 0 && g->c.role[l] != role) l--;
  const int end = l + 1;
  if (l < 0 || k->loop[l].extent.per_n || writer_step(g->w, v, l) != 1) return (Run){end, end};
  while (l > 0 && g->c.role[l - 1] == role && k->loop[l - 1].extent.per_n == 0 &&
         writer_goes_on(g->w, v, l - 1, l))
    l--;
  return (Run){l, end};
}

/* Does a coordinate move the view by multiples of n elements, but for the loops of the run? */
static bool moves_by_chunks(const Gemm *g, const View *v, int axis, const Layout *at, Run run,
                            int n) {
  const Writer *w = g->w;
  const Coord *c = &v->at[axis];
  const bool lanes = axis == at->lane_axis;
  const bool tested = !coord_affine(c) || view_tests(w->p, w->k, v, axis) != 0;
  const int64_t step = lanes ? 1 : at->stride[axis];
  bool fits = !lanes || (!tested && at->lanes % n == 0 && at->stride[axis] % n == 0);
  for (int l = 0; l < w->k->nloop; l++) {
    const bool own = l >= run.first && l < run.end;
    if (!own || tested) fits &= c->coef[l] == 0 || (!own && step * c->coef[l] % n == 0);
  }
  return fits && step * (tested ? 1 : c->plus) % n == 0;
}

/* Are chunks of n points of a role neighbours in memory that begin at multiples of n elements? */
static bool comes_in_chunks(const Gemm *g, const View *v, char role, int n) {
  const Kernel *k = g->w->k;
  const Layout at = buffer_layout(&g->w->p->buffer.at[v->tensor], g->w->p->max_batch);
  const Run run = run_of(g, v, role);
  int64_t neighbours = 1;
  for (int l = run.first; l < run.end; l++) neighbours *= k->loop[l].extent.plus;
  bool fits = run.first < run.end && neighbours % n == 0 && at.origin % n == 0 && at.size % n == 0;
  for (int a = 0; a < v->rank; a++) fits = fits && moves_by_chunks(g, v, a, &at, run, n);
  return fits;
}

static bool is_aligned(const Buffer *b) {
  return b->home != HOME_INPUT && b->home != HOME_OUTPUT && b->home != HOME_CONST;
}

/* May it be copied at all? */
static bool is_multiplied_so(const Gemm *g, const Operand *o) {
  const View *v = &g->w->k->in[o->in];
  const Buffer *b = &g->w->p->buffer.at[v->tensor];
  return b->format.dtype == g->as->number && (v->outside == INSIDE || v->fill == 0) &&
         (!g->as->mma || is_aligned(b));
}

bool stage_copies(const Gemm *g, const Operand *o) {
  return is_multiplied_so(g, o) &&
         (!g->as->mma || comes_in_chunks(g, &g->w->k->in[o->in], 'K', g->unit));
}

/* Weight gradients have them; inference has hardly any, and its files do without the helpers. */
bool stage_has_lines(const Plan *p) {
  return plan_trains_narrow(p);
}

bool stage_copies_lines(const Gemm *g, const Operand *o) {
  return stage_has_lines(g->w->p) && g->unit == CHUNK_ROWS &&
         (!g->tile.warps || o->tile % GEMM_LINE == 0) && is_multiplied_so(g, o) &&
         comes_in_chunks(g, &g->w->k->in[o->in], o->role, g->unit);
}

/* ---- the functions of one element or unit ---- */

/* May rows or terms of a tile be none of the operand? */
static bool stands_out(const Gemm *g, const Operand *o) {
  return !o->whole || !g->whole_terms;
}

/* What is not there is not read: the copy is told so, and given another address. */
static void print_copy(Gemm *g, const Operand *o) {
  Writer *w = g->w;
  const View *v = &w->k->in[o->in];
  const char *pointer = writer_in(w, o->in), *there = stands_out(g, o) ? "there" : NULL;
  writer_coordinates(w, v, pointer, ALL_LEVELS);
  const char *inside = v->outside == FILL ? writer_inside(w, v, pointer, ALL_LEVELS) : NULL;
  if (inside) {
    emit(w->e, "const bool inside%d = %s%s;", o->in, there ? "there && " : "", inside);
    there = arena_printf(w->e->arena, "inside%d", o->in);
  }
  const char *at = writer_subscript(w, v, pointer);
  if (g->unit > 1) at = arena_printf(w->e->arena, "(%s) / %d * %d", at, g->unit, g->unit);
  if (there)
    emit(w->e, "const %s at = %s ? %s : 0;", w->index, there, at);
  else
    emit(w->e, "const %s at = %s;", w->index, at);
  emit(w->e, "cnnc_cp_async_%d(to, %s + at, %s);", unit_bytes(g), pointer, there ? there : "true");
}

/* net_conv1_x: loads an element of an operand, or begins to copy some. */
void stage_print_function(Gemm *g, Operand *o) {
  Writer *w = g->w;
  Arena *arena = w->e->arena;
  const View *v = &w->k->in[o->in];
  const char *loop[MAX_LOOPS];
  Body body;
  memcpy(loop, w->loop, sizeof loop);
  o->f = (Function){.declares = o->copied ? "CNNC_HELPER void" : "CNNC_HELPER float"};
  if (o->copied) o->f.more = stands_out(g, o) ? "void *to, bool there" : "void *to";
  o->f.in[o->in] = true;
  o->f.name = arena_printf(arena, "%s_%s", w->k->name, o->array);
  const char *what = o->copied ? arena_printf(arena, "copies %d of", g->unit) : "an element of";
  o->f.comment = arena_printf(arena, "%s: %s in%d.", w->k->name, what, o->in);
  function_begin(w, &body);
  function_constants(w, o->f.in);
  gemm_declare_loops(g, &o->f, 'B', "group", v);
  gemm_declare_loops(g, &o->f, o->role, o->index, v);
  gemm_declare_loops(g, &o->f, 'K', "term", v);
  if (o->copied) {
    print_copy(g, o);
  } else {
    writer_load(w, o->in);
    emit(w->e, "return x%d;", o->in);
  }
  function_print(w, &o->f, &body);
  if (o->copied) emit_fact(w->e, o->f.printed, "to", 0, unit_bytes(g) - 1);
  memcpy(w->loop, loop, sizeof loop);
  memset(w->joined, 0, sizeof w->joined);
}

/* ---- shared memory ---- */

/* Units that a thread brings of an operand's stage. */
static int share(const Gemm *g, const Operand *o) {
  return (o->tile * row_units(g) + g->threads - 1) / g->threads;
}

/* Terms of a stage. */
static int stage_terms(const Gemm *g) {
  return g->tile.words * g->as->pack;
}

/* Chunks of a line of terms. */
static int line_chunks(const Operand *o) {
  return o->tile < GEMM_LINE ? o->tile / CHUNK_ROWS : LINE_CHUNKS;
}

static const char *shared_array(const Gemm *g, const Operand *o) {
  Arena *arena = g->w->e->arena;
  const int line = line_chunks(o);
  if (o->lines)
    return arena_printf(arena, "%s[%d][%d][%d][%d]", o->array, g->tile.stages,
                        o->tile / (line * CHUNK_ROWS), stage_terms(g), line * GEMM_CHUNK);
  if (g->as->mma)
    return arena_printf(arena, "%s[%d][%d][%d]", o->array, g->tile.stages, o->tile, g->tile.words);
  return arena_printf(arena, "%s[%d][%d][%d]", o->array, g->tile.stages, g->tile.words,
                      o->tile + GEMM_PAD);
}

static void declare_registers(Gemm *g, const Operand *o) {
  Emit *e = g->w->e;
  const char *each = g->unit > 1 ? arena_printf(e->arena, "[%d]", g->unit) : "";
  if (!o->copied) emit(e, "float next_%s[%d]%s;", o->array, share(g, o), each);
}

void stage_declare(Gemm *g) {
  if (g->tile.warps)
    emit(g->w->e, "CNNC_SHARED_TILES(%d, x, %d, w, %d);", g->tile.stages, g->tile.rows,
         g->tile.columns);
  else
    emit(g->w->e, "__shared__ __align__(16) %s %s, %s;", g->as->word, shared_array(g, &g->x),
         shared_array(g, &g->y));
  if (g->tile.wide) {
    emit(g->w->e, "CNNC_SHARED_BARRIERS(%d, full, %d + %d);", g->tile.stages, g->tile.rows,
         g->tile.columns);
    return;
  }
  declare_registers(g, &g->x);
  declare_registers(g, &g->y);
}

const char *stage_chunk(const Gemm *g, const Operand *o, const char *slot, const char *k,
                        const char *row) {
  const int chunks = row_units(g), rows = LINE_CHUNKS / chunks; /* that all banks hold */
  const char *turns = rows > 1 ? arena_printf(g->w->e->arena, "%s / %d", row, rows) : row;
  const char *form =
      strchr(k, ' ') ? "&%s[%s][%s][((%s) ^ %s %% %d) * %d]" : "&%s[%s][%s][(%s ^ %s %% %d) * %d]";
  return arena_printf(g->w->e->arena, form, o->array, slot, row, k, turns, chunks, GEMM_CHUNK);
}

const char *stage_line(const Gemm *g, const Operand *o, const char *slot, const char *term,
                       const char *chunk) {
  Arena *arena = g->w->e->arena;
  const int line = line_chunks(o), lines = LINE_CHUNKS / line; /* that all banks hold */
  const char *turns = lines > 1 ? arena_printf(arena, "%s / %d", term, lines) : term;
  const char *place =
      arena_printf(arena, "[(%s %% %d ^ %s %% %d) * %d]", chunk, line, turns, line, GEMM_CHUNK);
  if (g->tile.warps)
    return arena_printf(arena, "&%s[%s][%s / %d * %d + %s]%s", o->array, slot, chunk, line,
                        stage_terms(g), term, place);
  return arena_printf(arena, "&%s[%s][%s / %d][%s]%s", o->array, slot, chunk, line, term, place);
}

/* ---- a stage ---- */

/* Opens loops over a thread's units of a stage: unit k of the row `at` of the tile, or term k of
 * the chunk of rows `at`. Threads beside each other have neighbours in memory. Returns how many. */
static int open_share(Gemm *g, const Operand *o) {
  Emit *e = g->w->e;
  const int units = row_units(g), all = o->tile * units;
  emit(e, "CNNC_UNROLL");
  emit_open(e, "for (int i = 0; i < %d; i++)", share(g, o));
  emit(e, "const int e = %d * i + thread;", g->threads);
  if (o->lines)
    emit(e, "const int k = e %% %d, at = e / %d;", stage_terms(g), stage_terms(g));
  else if (!o->along_terms)
    emit(e, "const int k = e / %d, at = e %% %d;", o->tile, o->tile);
  else if (g->as->mma)
    emit(e, "const int k = e %% %d, at = e / %d;", units, units);
  else
    emit(e, "const int k = e / %d * %d + e %% %d, at = e / %d %% %d;", NEIGHBOURS * o->tile,
         NEIGHBOURS, NEIGHBOURS, NEIGHBOURS, o->tile);
  if (all % g->threads == 0) return 1;
  emit_open(e, "if (e < %d)", all);
  return 2;
}

static void close_share(Gemm *g, int opened) {
  for (int i = 0; i < opened; i++) emit_close(g->w->e);
}

/* The condition under which a term of a row is one of the operand; NULL: always. */
static const char *is_there(const Gemm *g, const Operand *o, const char *at, const char *term) {
  Text inside = {.arena = g->w->e->arena};
  if (!o->whole) text_add(&inside, "%s < %ss", at, o->index);
  if (!g->whole_terms) text_add(&inside, "%s%s < %s", inside.n ? " && " : "", term, g->terms);
  return inside.at;
}

/* Global memory -> shared memory. */
static void print_copying(Gemm *g, const Operand *o, const char *slot, const char *at,
                          const char *term) {
  Emit *e = g->w->e;
  const char *there = is_there(g, o, at, term);
  const char *to = o->lines     ? stage_line(g, o, slot, "k", "at")
                   : g->as->mma ? stage_chunk(g, o, slot, "k", "at")
                                : arena_printf(e->arena, "&%s[%s][k][at]", o->array, slot);
  if (there) {
    emit(e, "const bool there = %s;", there);
    to = arena_printf(e->arena, "%s, there", to);
    if (!o->whole) at = arena_printf(e->arena, "there ? %s : 0", at);
    if (!g->whole_terms) term = arena_printf(e->arena, "there ? %s : 0", term);
  }
  emit_wrapped(e, arena_printf(e->arena, "%s;", gemm_call(g, &o->f, at, at, term, to)));
}

/* Global memory -> registers. */
static void print_loading(Gemm *g, const Operand *o, const char *at, const char *term) {
  Emit *e = g->w->e;
  const char *to = arena_printf(e->arena, "next_%s[i]", o->array);
  if (g->unit > 1) {
    emit(e, "CNNC_UNROLL");
    emit_open(e, "for (int n = 0; n < %d; n++)", g->unit);
    to = arena_printf(e->arena, "%s[n]", to);
    term = arena_printf(e->arena, "%s + n", term);
  }
  const char *there = is_there(g, o, at, term);
  const char *element = gemm_call(g, &o->f, at, at, term, NULL);
  emit_wrapped(e, there ? arena_printf(e->arena, "%s = %s ? %s : 0.0f;", to, there, element)
                        : arena_printf(e->arena, "%s = %s;", to, element));
  if (g->unit > 1) emit_close(e);
}

static void begin(Gemm *g, const Operand *o, const char *slot, const char *from) {
  Arena *arena = g->w->e->arena;
  const bool units = g->unit > 1;
  const char *at = units && o->lines ? arena_printf(arena, "%s0 + %d * at", o->index, g->unit)
                                     : arena_printf(arena, "%s0 + at", o->index);
  const char *term = units && !o->lines ? arena_printf(arena, "%s + %d * k", from, g->unit)
                                        : arena_printf(arena, "%s + k", from);
  const int opened = open_share(g, o);
  if (o->copied)
    print_copying(g, o, slot, at, term);
  else
    print_loading(g, o, at, term);
  close_share(g, opened);
}

void stage_begin(Gemm *g, const char *slot, const char *term) {
  begin(g, &g->x, slot, term);
  begin(g, &g->y, slot, term);
}

/* The words of a chunk, from registers. */
static const char *words_text(const Gemm *g, const Operand *o) {
  Text words = {.arena = g->w->e->arena};
  for (int n = 0; n < g->unit; n += g->as->pack) {
    text_add(&words, "%s%s(next_%s[i][%d]", n ? ", " : "", g->as->round, o->array, n);
    text_add(&words, g->as->pack > 1 ? ", next_%s[i][%d])" : ")", o->array, n + 1);
  }
  return words.at;
}

/* Registers -> shared memory. */
static void end(Gemm *g, const Operand *o, const char *slot) {
  Emit *e = g->w->e;
  if (o->copied) return;
  const int opened = open_share(g, o);
  if (g->as->mma) {
    emit_wrapped(
        e, arena_printf(e->arena, "const unsigned word[%d] = {%s};", GEMM_CHUNK, words_text(g, o)));
    emit(e, "cnnc_store_x4(%s, word);", stage_chunk(g, o, slot, "k", "at"));
  } else {
    emit(e, "%s[%s][k][at] = next_%s[i];", o->array, slot, o->array);
  }
  close_share(g, opened);
}

void stage_end(Gemm *g, const char *slot) {
  end(g, &g->x, slot);
  end(g, &g->y, slot);
}
