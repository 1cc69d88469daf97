/* boxes.c - part of gemm.c: operands that come into shared memory as boxes of their tensors (TMA,
 * runtime/cuda/tma.cuh), which one thread asks for and no thread looks after.
 *
 * That goes for channels in lanes of 8 numbers of 16 bits, which a stage has 64 of, and for packed
 * weights. A tile of rows is a box of points then, not a run of them: so many images, high and
 * wide, all powers of two. A stage of x is a box too, shifted by the place in the window; what it
 * has outside of the tensor is 0. It arrives as wgmma takes it: of every chunk of 8 channels, all
 * rows behind each other.
 *
 *   x  [n, c/8, h, w, 8]     axes w h n c/8   box 2 * wide (halves of a chunk), high, images, 8
 *   w  [k, terms]            axes term k      box 64, columns; turned */
#include "gemm.h"

#include <string.h>

enum { STAGE = 64 /* terms */, CHUNKS = STAGE / PLAN_CHUNK, MOST = 256 /* of an axis */ };

/* ---- which contractions ---- */

/* The one loop of a role in a coordinate that moves it by 1, -1: there is none; -2: it is not so.
 */
static int only_loop(const Contraction *c, const Coord *at, char role) {
  int found = -1;
  for (int l = 0; l < c->k->nloop; l++) {
    if (c->role[l] != role || at->coef[l] == 0) continue;
    if (found >= 0 || at->coef[l] != 1) return -2;
    found = l;
  }
  return found;
}

static bool lies_in_lanes(const Plan *p, const View *v) {
  const Buffer *b = &p->buffer.at[v->tensor];
  bool fits = v->rank == 4 && b->format.lane_axis == 1 && b->format.lanes == PLAN_CHUNK &&
              b->home == HOME_WORK && !buffer_has_margin(b) &&
              b->format.dtype == gemm_arithmetic[p->precision].number &&
              (v->outside == INSIDE || (v->outside == FILL && v->fill == 0));
  for (int a = 0; a < v->rank; a++) fits = fits && coord_affine(&v->at[a]) && !v->at[a].exact;
  return fits;
}

/* Is the operand a matrix of columns whose terms lie behind each other, in the order of loops? */
static bool is_packed(const Plan *p, const Contraction *c) {
  const View *v = &c->k->in[c->w];
  const Buffer *b = &p->buffer.at[v->tensor];
  const Layout at = buffer_layout(b, p->max_batch);
  int64_t step = 1;
  bool fits = b->home == HOME_DERIVED && b->format.dtype == gemm_arithmetic[p->precision].number &&
              at.lanes == 1 && at.origin == 0 && v->outside == INSIDE;
  for (int a = 0; a < v->rank; a++) fits = fits && coord_affine(&v->at[a]) && v->at[a].plus == 0;
  for (int l = c->k->nloop - 1; fits && l >= 0; l--) {
    if (c->role[l] == 'M') continue;
    fits = view_step(&at, v, l) == step && c->k->loop[l].extent.per_n == 0;
    step *= c->k->loop[l].extent.plus;
  }
  return fits;
}

static int loops_of(const Contraction *c, char role) {
  int n = 0;
  for (int l = 0; l < c->k->nloop; l++) n += c->role[l] == role;
  return n;
}

bool boxes_of(const Plan *p, const Contraction *c, Boxes *b) {
  const Kernel *k = c->k;
  const View *x = &k->in[c->x];
  const int last = k->nloop - 1;
  if (!p->target->boxes || !gemm_arithmetic[p->precision].wgmma || !lies_in_lanes(p, x))
    return false;
  *b = (Boxes){only_loop(c, &x->at[0], 'M'), only_loop(c, &x->at[2], 'M'),
               only_loop(c, &x->at[3], 'M')};
  const int found = (b->image >= 0) + (b->high >= 0) + (b->wide >= 0);
  if (b->image < 0 || b->high < -1 || b->wide < -1 || found != loops_of(c, 'M')) return false;
  if (loops_of(c, 'B') || loops_of(c, 'N') != 1 || k->nout != 1 || k->out[0].combine) return false;
  if (expr_uses(k->out[0].value, E_in, c->x) || expr_uses(k->out[0].value, E_in, c->w))
    return false;
  for (int l = 0; l < k->nloop; l++)
    if (l != last && c->role[l] == 'K' && (x->at[0].coef[l] || x->at[1].coef[l])) return false;
  return c->role[last] == 'K' && k->loop[last].extent.per_n == 0 &&
         k->loop[last].extent.plus % STAGE == 0 && x->at[1].coef[last] == 1 &&
         x->at[1].plus % PLAN_CHUNK == 0 && !x->at[0].coef[last] && !x->at[2].coef[last] &&
         !x->at[3].coef[last] && x->at[0].plus == 0 && is_packed(p, c);
}

/* ---- tiles ---- */

static int64_t extent_of(const Plan *p, const Kernel *k, int loop) {
  return loop < 0 ? 1 : extent_at(k->loop[loop].extent, p->max_batch);
}

int boxes_images(const GemmTile *t) {
  return t->rows / (t->wide * t->high);
}

bool boxes_fit(const GemmTile *t) {
  return t->wide >= 2 && t->high >= 1 && boxes_images(t) * t->wide * t->high == t->rows &&
         2 * t->wide <= MOST && t->high <= MOST && (t->wide & (t->wide - 1)) == 0 &&
         (t->high & (t->high - 1)) == 0;
}

static int64_t over(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

double boxes_tiles(const Plan *p, const Kernel *k, const Boxes *b, const GemmTile *t) {
  return (double)(over(extent_of(p, k, b->wide), t->wide) *
                  over(extent_of(p, k, b->high), t->high) *
                  over(extent_of(p, k, b->image), boxes_images(t)));
}

/* ---- a kernel ---- */

/* Where the box of a block begins: its number among those of the same columns. */
void boxes_print_place(Gemm *g, const char *block) {
  Emit *e = g->w->e;
  const Plan *p = g->w->p;
  const Kernel *k = g->w->k;
  const char *index = g->w->index;
  const int64_t wide = over(extent_of(p, k, g->boxes.wide), g->tile.wide),
                high = over(extent_of(p, k, g->boxes.high), g->tile.high);
  emit(e, "const %s box = %s;", index, block);
  emit(e, "const %s wide0 = box %% %lld * %d, high0 = box / %lld %% %lld * %d;", index,
       (long long)wide, g->tile.wide, (long long)wide, (long long)high, g->tile.high);
  emit(e, "const %s image0 = box / %lld * %d;", index, (long long)(wide * high),
       boxes_images(&g->tile));
}

const char *boxes_count_text(Gemm *g) {
  const Plan *p = g->w->p;
  const Kernel *k = g->w->k;
  const int images = boxes_images(&g->tile);
  const int64_t beside = over(extent_of(p, k, g->boxes.wide), g->tile.wide) *
                         over(extent_of(p, k, g->boxes.high), g->tile.high) *
                         over(gemm_most_points(g, 'N'), g->tile.columns);
  const char *n = writer_extent(g->w, k->loop[g->boxes.image].extent);
  return arena_printf(g->w->e->arena, "(unsigned)((%s + %dLL) / %d * %lld)", n, images - 1, images,
                      (long long)beside);
}

static const char *operand_text(Arena *arena, const char *text) {
  return strchr(text, ' ') ? arena_printf(arena, "(%s)", text) : text;
}

/* const int row = ...: the point of a row of the tile, `at`, if it is one. */
const char *boxes_print_row(Gemm *g) {
  Emit *e = g->w->e;
  const char *index = g->w->index;
  const GemmTile *t = &g->tile;
  const int loop[] = {g->boxes.image, g->boxes.high, g->boxes.wide};
  const char *const name[] = {"image", "high", "wide"};
  Text inside = {.arena = e->arena};
  const char *row = NULL;
  emit(e,
       "const %s image = image0 + at / %d, high = high0 + at / %d %% %d, wide = wide0 + at %% %d;",
       index, t->wide * t->high, t->wide, t->high, t->wide);
  for (int i = 0; i < COUNT(loop); i++) {
    const char *extent = loop[i] < 0 ? "1" : writer_operand(g->w, g->w->k->loop[loop[i]].extent);
    text_add(&inside, "%s%s < %s", i ? " && " : "", name[i], extent);
  }
  for (int l = 0; l < g->w->k->nloop; l++)
    for (int i = 0; i < COUNT(loop); i++) {
      if (loop[i] != l) continue;
      const char *extent = writer_operand(g->w, g->w->k->loop[l].extent);
      row = !row ? name[i]
                 : arena_printf(e->arena, "%s * %s + %s", operand_text(e->arena, row), extent,
                                name[i]);
    }
  emit(e, "const %s row = %s;", index, row);
  return inside.at;
}

/* ---- a stage ---- */

static void print_boxes(Gemm *g) {
  Writer *w = g->w;
  const View *x = &w->k->in[g->c.x];
  const int bytes = (g->tile.rows + g->tile.columns) * GEMM_TURNED * 4;
  emit(w->e, "cnnc_barrier_expect(full, %d);", bytes);
  const char *place[4]; /* of the first point, along the axes of x */
  for (int a = 0; a < 4; a++) place[a] = writer_at(w, &x->at[a]);
  emit_wrapped(w->e,
               arena_printf(w->e->arena, "cnnc_box_4(x, in%d, full, 2 * %s, %s, %s, %s / %d);",
                            g->c.x, operand_text(w->e->arena, place[3]), place[2], place[0],
                            operand_text(w->e->arena, place[1]), PLAN_CHUNK));
  emit(w->e, "cnnc_box_2(w, in%d, full, term, column0);", g->c.w);
}

/* net_conv1_stage */
void boxes_print_function(Gemm *g) {
  Writer *w = g->w;
  Arena *arena = w->e->arena;
  Function *f = &g->stage;
  const char *const name[] = {"image0", "high0", "wide0"};
  const int loop[] = {g->boxes.image, g->boxes.high, g->boxes.wide};
  const char *kept[MAX_LOOPS];
  Body body;
  memcpy(kept, w->loop, sizeof kept);
  *f = (Function){.declares = "CNNC_HELPER void"};
  f->name = arena_printf(arena, "%s_stage", w->k->name);
  f->comment = arena_printf(arena, "%s: begins to copy a stage of both operands.", w->k->name);
  f->more = arena_printf(arena,
                         "const CUtensorMap *in%d, const CUtensorMap *in%d, unsigned *x, "
                         "unsigned *w, unsigned long long *full",
                         g->c.x, g->c.w);
  function_begin(w, &body);
  gemm_declare_loops(g, f, 'K', "term", NULL);
  for (int i = 0; i < COUNT(loop); i++) {
    if (loop[i] < 0) continue;
    w->loop[loop[i]] = name[i];
    f->number[f->nnumbers++] = (Number){name[i], extent_of(w->p, w->k, loop[i]) - 1};
  }
  f->number[f->nnumbers++] = (Number){"column0", gemm_most_points(g, 'N') - 1};
  print_boxes(g);
  function_print(w, f, &body);
  memcpy(w->loop, kept, sizeof kept);
}

/* Asks for the stage that begins at a term. */
static void begin(Gemm *g, const char *slot, const char *term) {
  Arena *arena = g->w->e->arena;
  const char *to = arena_printf(arena, "&in%d, &in%d, x[%s][0], w[%s][0], &full[%s]", g->c.x,
                                g->c.w, slot, slot, slot);
  emit_wrapped(g->w->e, arena_printf(arena, "%s;", gemm_call(g, &g->stage, NULL, NULL, term, to)));
}

/* Barriers, and the stages that are on their way before the first is multiplied. */
static void print_first(Gemm *g, int step) {
  Emit *e = g->w->e;
  const int64_t turns = over(gemm_most_points(g, 'K'), step), ahead = gemm_stages_ahead(&g->tile);
  BLOCK(e, "if (thread == 0)") {
    emit(e, "for (int slot = 0; slot < %d; slot++) cnnc_barrier_begin(&full[slot]);",
         g->tile.stages);
    emit(e, "cnnc_wgmma_written();");
    BLOCK(e, "for (int slot = 0; slot < %d; slot++)", (int)(turns < ahead ? turns : ahead))
    begin(g, "slot", arena_printf(e->arena, "%d * slot", step));
  }
  emit(e, "__syncthreads();");
}

void boxes_print_turns(Gemm *g) {
  Emit *e = g->w->e;
  const int step = g->tile.words * g->as->pack, stages = g->tile.stages,
            ahead = gemm_stages_ahead(&g->tile);
  print_first(g, step);
  BLOCK(e, "for (%s term = 0; term < %s; term += %d)", g->w->index, g->terms, step) {
    emit(e, "const %s slot = term / %d %% %d, next = term + %d, to = next / %d %% %d;", g->w->index,
         step, stages, step * ahead, step, stages);
    emit(e, "cnnc_barrier_wait(&full[slot], term / %d %% 2);", step * stages);
    emit(e, "__syncthreads();");
    products_stage(g);
    BLOCK(e, "if (thread == 0 && next < %s)", g->terms)
    begin(g, "to", "next");
    emit(e, "cnnc_wgmma_wait(1);");
  }
}

/* ---- maps ---- */

static void add_numbers(Text *out, const int64_t *number, int n) {
  for (int i = 0; i < n; i++) text_add(out, "%s%lld", i ? ", " : "{", (long long)number[i]);
  text_add(out, "}, ");
}

static const char *map_text(Emit *e, const Plan *p, int buffer, bool turned, int axes,
                            const int64_t *size, const int64_t *stride, const int64_t *box) {
  Text row = {.arena = e->arena};
  text_add(&row, "{%s, %d, %d, ", cuda_buffer(e, p, buffer), axes, turned);
  add_numbers(&row, size, axes);
  add_numbers(&row, stride, axes - 1);
  add_numbers(&row, box, axes);
  return arena_printf(e->arena, "%.*s},", (int)row.n - 2, row.at);
}

const char *boxes_map_x(Emit *e, const Gemm *g) {
  const Plan *p = g->w->p;
  const int tensor = g->w->k->in[g->c.x].tensor;
  const Buffer *b = &p->buffer.at[tensor];
  const Layout at = buffer_layout(b, p->max_batch);
  const Extent *dim = b->type.dim;
  const int64_t size[] = {2 * dim[3].plus, dim[2].plus, extent_at(dim[0], p->max_batch),
                          over(dim[1].plus, PLAN_CHUNK)},
                stride[] = {2 * at.stride[2], 2 * at.stride[0], 2 * at.stride[1]},
                box[] = {2 * g->tile.wide, g->tile.high, boxes_images(&g->tile), CHUNKS};
  return map_text(e, p, tensor, false, COUNT(size), size, stride, box);
}

const char *boxes_map_w(Emit *e, const Gemm *g) {
  const int64_t terms = gemm_most_points(g, 'K'), size[] = {terms, gemm_most_points(g, 'N')},
                stride[] = {2 * terms}, box[] = {STAGE, g->tile.columns};
  return map_text(e, g->w->p, g->w->k->in[g->c.w].tensor, true, COUNT(size), size, stride, box);
}
