/* index.c - coordinates and subscripts of a view as text. See writer.h.
 *
 * Affine coordinates go into the subscript, one sum over all loops:  in0[784 * c + 28 * oh + ow].
 * A coordinate that is divided, or that may lie outside, gets a variable; tests name it. */
#include "writer.h"

const char *writer_in(const Writer *w, int i) {
  return arena_printf(w->e->arena, "in%d", i);
}

const char *writer_out(const Writer *w, int o) {
  return arena_printf(w->e->arena, "out%d", o);
}

/* ---- affine text ---- */

const char *writer_extent(Writer *w, Extent e) {
  Arena *arena = w->e->arena;
  if (e.per_n == 0) return arena_printf(arena, "%lld", (long long)e.plus);
  w->batch = true;
  const char *times = w->n;
  if (e.per_n != 1) times = arena_printf(arena, "%lld * %s", (long long)e.per_n, w->n);
  if (e.plus == 0) return times;
  return arena_printf(arena, "%s %c %lld", times, e.plus < 0 ? '-' : '+',
                      (long long)(e.plus < 0 ? -e.plus : e.plus));
}

const char *writer_operand(Writer *w, Extent e) {
  const bool one = e.per_n == 0 || (e.per_n == 1 && e.plus == 0);
  return arena_printf(w->e->arena, one ? "%s" : "(%s)", writer_extent(w, e));
}

void writer_term(Writer *w, Text *sum, Extent coef, const char *name) {
  if (coef.per_n == 0 && coef.plus == 0) return;
  bool minus = coef.per_n == 0 && coef.plus < 0;
  if (minus) coef.plus = -coef.plus;
  if (sum->n > 0 || minus) text_add(sum, sum->n > 0 ? " %c " : "%c", minus ? '-' : '+');
  const char *factor = writer_extent(w, coef);
  if (!name)
    text_add(sum, "%s", factor);
  else if (coef.per_n == 0 && coef.plus == 1)
    text_add(sum, "%s", name);
  else
    text_add(sum, coef.per_n && coef.plus ? "(%s) * %s" : "%s * %s", factor, name);
}

/* The value of a coordinate before its division. */
static const char *numerator_text(Writer *w, const Coord *c, int64_t more) {
  Text sum = {.arena = w->e->arena};
  for (int l = 0; l < w->k->nloop; l++) writer_term(w, &sum, fixed(c->coef[l]), w->loop[l]);
  writer_term(w, &sum, fixed(c->plus + more), NULL);
  return sum.n ? sum.at : "0";
}

/* ---- coordinates ---- */

/* The range of a coordinate over all points and all batches. */
static void range_of(const Writer *w, const Coord *c, int64_t *lo, int64_t *hi) {
  int64_t one_lo, one_hi;
  coord_range(w->k, c, 1, &one_lo, &one_hi);
  coord_range(w->k, c, w->p->max_batch, lo, hi);
  if (one_lo < *lo) *lo = one_lo;
  if (one_hi > *hi) *hi = one_hi;
}

/* Does the coordinate have a variable of its own? Others go into the subscript as they are. */
static bool named(const Writer *w, const View *v, int axis) {
  return !coord_affine(&v->at[axis]) || view_tests(w->p, w->k, v, axis) != 0;
}

/* `in0_2`: input 0's coordinate on axis 2. */
static const char *coordinate_name(const Writer *w, const char *pointer, int axis) {
  return arena_printf(w->e->arena, "%s_%d", pointer, axis);
}

/* C rounds quotients towards zero: what may be negative is first moved up by a multiple of the
 * divisor. */
const char *writer_at(Writer *w, const Coord *c) {
  Arena *arena = w->e->arena;
  const Coord linear = coord_linear(c);
  int64_t lo, hi, turns = 0, unit = c->mod ? (int64_t)c->div * c->mod : c->div;
  if (coord_affine(c)) return numerator_text(w, c, 0);
  range_of(w, &linear, &lo, &hi);
  if (lo < 0) turns = -floor_div(lo, unit);
  const char *text = arena_printf(arena, "(%s)", numerator_text(w, c, turns * unit));
  if (c->div > 1) text = arena_printf(arena, "%s / %d", text, c->div);
  if (c->mod) return arena_printf(arena, "%s %% %d", text, c->mod);
  return turns ? arena_printf(arena, "%s - %lld", text, (long long)turns) : text;
}

/* The innermost reduced loop that a coordinate mentions. */
static int level_of(const Writer *w, const Coord *c) {
  int level = PROLOGUE;
  for (int l = 0; l < w->k->nloop; l++)
    if (w->k->loop[l].reduced && coord_uses(c, l)) level = l;
  return level;
}

int writer_level(const Writer *w, const View *v) {
  int level = PROLOGUE;
  for (int a = 0; a < v->rank; a++) {
    int here = level_of(w, &v->at[a]);
    if (here > level) level = here;
  }
  return level;
}

void writer_coordinates(Writer *w, const View *v, const char *pointer, int level) {
  for (int l = PROLOGUE; level == ALL_LEVELS && l < w->k->nloop; l++)
    writer_coordinates(w, v, pointer, l);
  for (int a = 0; a < v->rank; a++)
    if (named(w, v, a) && level_of(w, &v->at[a]) == level)
      emit(w->e, "const %s %s = %s;", w->index, coordinate_name(w, pointer, a),
           writer_at(w, &v->at[a]));
}

static void add_test(Text *all, const char *test) {
  text_add(all, "%s%s", all->n ? " && " : "", test);
}

const char *writer_inside(Writer *w, const View *v, const char *pointer, int level) {
  Arena *arena = w->e->arena;
  Text all = {.arena = arena};
  for (int a = 0; a < v->rank; a++) {
    const Coord *c = &v->at[a];
    if (level != ALL_LEVELS && level_of(w, c) != level) continue;
    const int needed = view_tests(w->p, w->k, v, a);
    const Extent dim = w->p->buffer.at[v->tensor].type.dim[a];
    const char *name = coordinate_name(w, pointer, a);
    if (needed & TEST_EXACT)
      add_test(&all, arena_printf(arena, "(%s) %% %d == 0", numerator_text(w, c, 0), c->div));
    if (needed & TEST_BELOW) add_test(&all, arena_printf(arena, "%s >= 0", name));
    if (needed & TEST_ABOVE)
      add_test(&all, arena_printf(arena, "%s < %s", name, writer_extent(w, dim)));
  }
  return all.at;
}

/* ---- subscripts ---- */

Extent writer_scaled(Extent e, int64_t by) {
  return (Extent){e.per_n * by, e.plus * by};
}

/* Does every loop move the coordinate by whole blocks of lanes? */
static bool in_blocks(const Coord *c, int lanes) {
  for (int l = 0; l < MAX_LOOPS; l++)
    if (c->coef[l] % lanes != 0) return false;
  return c->plus % lanes == 0;
}

/* A coordinate on the lane axis: whole blocks, then the place inside the block. */
static void add_lane(Writer *w, Text *sum, const Layout *s, const View *v, const char *pointer) {
  const int a = s->lane_axis;
  Arena *arena = w->e->arena;
  Coord blocks = v->at[a];
  const bool whole = !named(w, v, a) && in_blocks(&blocks, s->lanes);
  for (int l = 0; l < MAX_LOOPS && whole; l++) blocks.coef[l] /= s->lanes;
  blocks.plus /= s->lanes;
  if (whole) {
    for (int l = 0; l < w->k->nloop; l++)
      writer_term(w, sum, fixed(s->stride[a] * blocks.coef[l]), w->loop[l]);
    writer_term(w, sum, fixed(s->stride[a] * blocks.plus), NULL);
    return;
  }
  const char *c = named(w, v, a) ? coordinate_name(w, pointer, a)
                                 : arena_printf(arena, "(%s)", numerator_text(w, &v->at[a], 0));
  writer_term(w, sum, fixed(s->stride[a]), arena_printf(arena, "(%s / %d)", c, s->lanes));
  writer_term(w, sum, fixed(1), arena_printf(arena, "%s %% %d", c, s->lanes));
}

/* By how many elements a loop moves the subscript apart from its named coordinates. */
static int64_t step_of(const Writer *w, const View *v, const Layout *layout, int loop) {
  int64_t step = 0;
  for (int a = 0; a < v->rank; a++)
    if (a != layout->lane_axis && !named(w, v, a)) step += layout->stride[a] * v->at[a].coef[loop];
  return step;
}

static Layout layout_of(const Writer *w, const View *v) {
  const Buffer *b = &w->p->buffer.at[v->tensor];
  if (b->depth > 0) BUG("buffer %s is not whole", b->name);
  return buffer_layout(b, w->p->max_batch);
}

int64_t writer_step(const Writer *w, const View *v, int loop) {
  const Layout layout = layout_of(w, v);
  return view_step(&layout, v, loop);
}

bool writer_goes_on(const Writer *w, const View *v, int outer, int inner) {
  const Layout layout = layout_of(w, v);
  for (int a = 0; a < v->rank; a++)
    if ((a == layout.lane_axis || named(w, v, a)) &&
        (coord_uses(&v->at[a], outer) || coord_uses(&v->at[a], inner)))
      return false;
  const int64_t step = step_of(w, v, &layout, inner);
  return step_of(w, v, &layout, outer) == step * w->k->loop[inner].extent.plus;
}

/* The element that a view reads or writes: one sum over loops and named coordinates. Only the first
 * axis of a buffer depends on n, so strides do not. */
const char *writer_subscript(Writer *w, const View *v, const char *pointer) {
  const Layout layout = layout_of(w, v);
  Text sum = {.arena = w->e->arena};
  int64_t base = layout.origin;
  for (int a = 0; a < v->rank; a++)
    if (a != layout.lane_axis && !named(w, v, a)) base += layout.stride[a] * v->at[a].plus;
  for (int l = 0; l < w->k->nloop; l++)
    if (!w->joined[l]) writer_term(w, &sum, fixed(step_of(w, v, &layout, l)), w->loop[l]);
  for (int a = 0; a < v->rank; a++)
    if (a != layout.lane_axis && named(w, v, a))
      writer_term(w, &sum, fixed(layout.stride[a]), coordinate_name(w, pointer, a));
  if (layout.lane_axis >= 0) add_lane(w, &sum, &layout, v, pointer);
  writer_term(w, &sum, fixed(base), NULL);
  return sum.n ? sum.at : "0";
}
