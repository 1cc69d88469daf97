/* loops_coordinates.c - coordinates of views by name: those that may lie outside, or have
 * divisions, and the tests of where they are. */
#include "loops.h"

/* The level of the innermost loop that a coordinate mentions. */
int loops_level(const Loops *w, const Coord *c) {
  int level = 0;
  for (int i = 0; i < w->norder; i++)
    if (coord_uses(c, w->order[i])) level = i;
  return level;
}

bool loops_needs_name(const Loops *w, const View *v, int axis) {
  return !coord_affine(&v->at[axis]) || view_tests(w->f->plan, w->f->k, v, axis) != 0;
}

const char *loops_axis_name(const Leaf *f, const View *v, int axis) {
  const Type *type = &leaf_buffer(f, v)->type;
  const int view = leaf_view(f, v);
  const char *side = view < MAX_IN ? "in" : "out";
  const int number = view < MAX_IN ? view : view - MAX_IN;
  if (type->rank < 3 || type->rank > 5 || type->dim[0].per_n == 0)
    return arena_printf(f->e->arena, "%s%d_%d", side, number, axis);
  const char letter = "ncdhw"[axis < 2 ? axis : 5 - type->rank + axis];
  return arena_printf(f->e->arena, "%s%d_%c", side, number, letter);
}

/* `const int in0_h_at = 2 * oh + kh + 3;`: the numerator of a coordinate that is divided. C's % of
 * a negative one would be negative as well: it is moved up by whole periods. True: it is wide. */
static bool name_numerator(Loops *w, const View *v, int axis, const char *name) {
  Leaf *f = w->f;
  const Coord *c = &v->at[axis];
  const int64_t period = (int64_t)c->div * c->mod;
  Linear form = leaf_coordinate(f, v, axis);
  const Coord linear = coord_linear(c);
  int64_t lo, hi;
  coord_range(f->k, &linear, f->plan->max_batch, &lo, &hi);
  const int64_t up = c->mod > 0 && lo < 0 ? -floor_div(lo, period) * period : 0;
  form.constant += up;
  form.wide = lo < INT32_MIN || hi + up > INT32_MAX;
  emit(f->e, "const %s %s_at = %s;", form.wide ? "long long" : "int", name, leaf_form(f, &form));
  return form.wide;
}

/* `const int in0_h = 2 * oh + kh - 3;`, with divisions where the coordinate has them. */
static void name_coordinate(Loops *w, const View *v, int axis) {
  Leaf *f = w->f;
  Arena *arena = f->e->arena;
  const Coord *c = &v->at[axis];
  const char *name = loops_axis_name(f, v, axis), *text;
  if (coord_affine(c)) {
    const Linear form = leaf_coordinate(f, v, axis);
    text = leaf_form(f, &form);
  } else {
    const bool wide = name_numerator(w, v, axis, name);
    text = arena_printf(arena, "%s_at", name);
    if (c->div > 1) text = arena_printf(arena, "%s / %d", text, c->div);
    if (c->mod > 0) text = arena_printf(arena, "%s %% %d", text, c->mod);
    if (wide) text = arena_printf(arena, "(int)(%s)", text);
  }
  emit(f->e, "const int %s = %s;", name, text);
  f->coordinate[leaf_view(f, v)][axis] = name;
}

/* The condition that an axis is inside, added to `out` with " && ". */
void loops_add_tests(Loops *w, const View *v, int axis, Text *out) {
  Leaf *f = w->f;
  const int tests = view_tests(f->plan, f->k, v, axis);
  const char *name = f->coordinate[leaf_view(f, v)][axis];
  const char *at = coord_affine(&v->at[axis]) ? name : arena_printf(f->e->arena, "%s_at", name);
  const Linear extent = extent_form(leaf_buffer(f, v)->type.dim[axis]);
  if (tests & TEST_BELOW) text_add(out, "%s%s >= 0", out->n ? " && " : "", at);
  if (tests & TEST_EXACT)
    text_add(out, "%s%s %% %d == 0", out->n ? " && " : "", at, v->at[axis].div);
  if (tests & TEST_ABOVE)
    text_add(out, "%s%s < %s", out->n ? " && " : "", name, leaf_form(f, &extent));
}

/* A view before view i that has the same coordinate under a name already, and its axis. */
static const View *named_before(const Loops *w, int i, const Coord *c, int *axis) {
  for (int j = 0; j < i; j++)
    for (int a = 0; a < w->f->k->in[j].rank; a++) {
      if (!w->f->coordinate[j][a] || !coord_same(&w->f->k->in[j].at[a], c)) continue;
      *axis = a;
      return &w->f->k->in[j];
    }
  return NULL;
}

/* Has an axis been tested with an equal one of another view? */
static bool tested_there(const Loops *w, const View *v, int axis, const View *there, int other) {
  return there && there->outside == SKIP &&
         extent_same(leaf_buffer(w->f, v)->type.dim[axis],
                     leaf_buffer(w->f, there)->type.dim[other]);
}

/* Names what can be named at this level; returns the tests of SKIP views, or NULL. */
const char *loops_name_coordinates(Loops *w, int level) {
  Leaf *f = w->f;
  const Kernel *k = f->k;
  Text skip = {.arena = f->e->arena};
  for (int i = 0; i < k->nin; i++) {
    const View *v = &k->in[i];
    if (!loops_in_value(w, i) && !kernel_term_needs(k, i)) continue;
    for (int a = 0; a < v->rank; a++) {
      if (f->coordinate[i][a] || !loops_needs_name(w, v, a) || loops_level(w, &v->at[a]) != level)
        continue;
      int other = 0;
      const View *there = named_before(w, i, &v->at[a], &other);
      if (there)
        f->coordinate[i][a] = f->coordinate[there - k->in][other];
      else
        name_coordinate(w, v, a);
      if (v->outside == SKIP && !tested_there(w, v, a, there, other))
        loops_add_tests(w, v, a, &skip);
    }
  }
  for (int o = 0; o < k->nout; o++)
    for (int a = 0; a < k->out[o].to.rank && w->out[o]; a++)
      if (!coord_affine(&k->out[o].to.at[a]) && loops_level(w, &k->out[o].to.at[a]) == level)
        name_coordinate(w, &k->out[o].to, a);
  return skip.n ? skip.at : NULL;
}

void loops_forget_coordinates(Loops *w, int level) {
  const Kernel *k = w->f->k;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++)
      if (loops_level(w, &k->in[i].at[a]) == level) w->f->coordinate[i][a] = NULL;
  for (int o = 0; o < k->nout; o++)
    for (int a = 0; a < k->out[o].to.rank; a++)
      if (loops_level(w, &k->out[o].to.at[a]) == level) w->f->coordinate[MAX_IN + o][a] = NULL;
}
