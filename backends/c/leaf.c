/* leaf.c - where a leaf function stands: the parts of loops that run, and subscripts.
 *
 * A subscript is the sum over a view's axes of coordinate * stride, a linear form over the loops'
 * variables; on the lane axis the part of the coordinate that is a multiple of `lanes` counts
 * blocks. Coordinates that are no linear form, or that a test speaks of, have a variable of their
 * own (Leaf.coordinate). */
#include "leaf.h"

#include <string.h>

const Buffer *leaf_buffer(const Leaf *f, const View *v) {
  return &f->plan->buffer.at[v->tensor];
}

int leaf_view(const Leaf *f, const View *v) {
  for (int i = 0; i < f->k->nin; i++)
    if (v == &f->k->in[i]) return i;
  for (int o = 0; o < f->k->nout; o++)
    if (v == &f->k->out[o].to) return MAX_IN + o;
  BUG("%s: a view of another kernel", f->k->name);
}

/* ---- what the text mentions ---- */

const char *leaf_form(Leaf *f, const Linear *form) {
  for (int i = 0; i < form->n; i++) {
    const char *name = form->term[i].name;
    f->uses_batch |= strcmp(name, "batch") == 0;
    for (int j = 0; j < f->depth; j++) f->uses_block[j] |= strcmp(name, f->block[j]) == 0;
    for (int j = 0; j < f->nbound; j++) f->bound[j].used |= strcmp(name, f->bound[j].name) == 0;
  }
  return linear_text(f->e->arena, form);
}

const char *leaf_scalar(Leaf *f, int index) {
  f->uses_scalar = true;
  return arena_printf(f->e->arena, "scalar[%d]", index);
}

/* ---- parts of loops ---- */

Linear extent_form(Extent extent) {
  if (extent.per_n == 0) return linear_constant(extent.plus);
  Linear l = linear_variable(extent.per_n, "batch");
  l.constant = extent.plus;
  return l;
}

/* The first value of the block that an enclosing step is at. */
static Linear block_lo(Leaf *f, int step) {
  return linear_variable(f->outer[step]->block, f->block[step]);
}

/* `value`, but at most (least) `limit`: a constant of the function, printed if it is used. */
static Linear cut(Leaf *f, const char *name, const Linear *value, const Linear *limit, char less) {
  f->bound[f->nbound++] = (LeafBound){.name = name, .value = *value, .limit = *limit, .less = less};
  return linear_variable(1, name);
}

/* One past the last value of that block. */
static Linear block_hi(Leaf *f, int step) {
  const Step *s = f->outer[step];
  Linear hi = block_lo(f, step);
  hi.constant += s->block;
  if (s->block == 1 || (s->extent.per_n == 0 && s->extent.plus % s->block == 0)) return hi;
  const Linear extent = extent_form(s->extent);
  return cut(f, arena_printf(f->e->arena, "%s_end", f->block[step]), &hi, &extent, '<');
}

static void bound_loop(Leaf *f, int l, Linear *hi /* by step */) {
  const Bind *b = &f->k->bind[l];
  const Step *s = f->outer[b->step];
  const Loop *loop = &f->k->loop[l];
  const Linear zero = linear_constant(0), lo = block_lo(f, b->step);
  Linear from = linear_constant(b->from), to = linear_constant(b->to - b->mul);
  linear_add(&from, &lo, b->mul);
  linear_add(&to, &hi[b->step], b->mul);
  if (b->from < 0)
    from = cut(f, arena_printf(f->e->arena, "%s_from", loop->name), &from, &zero, '>');
  const int64_t n = loop->extent.per_n ? f->plan->max_batch : 1;
  const int64_t last = b->mul * (extent_at(s->extent, n) - 1) + b->to;
  const bool same_n =
      s->extent.per_n == 0 || (b->mul == 1 && loop->extent.per_n == s->extent.per_n);
  if (last > extent_at(loop->extent, n) || !same_n) {
    const Linear extent = extent_form(loop->extent);
    to = cut(f, arena_printf(f->e->arena, "%s_to", loop->name), &to, &extent, '<');
  }
  f->from[l] = from;
  f->to[l] = to;
}

/* Bounds are cut of earlier ones: from the last to the first, it is known which are used. */
void leaf_bounds(Leaf *f) {
  const char *text[MAX_BOUNDS];
  for (int i = f->nbound - 1; i >= 0; i--) {
    const LeafBound *b = &f->bound[i];
    if (!b->used) continue;
    const char *value = leaf_form(f, &b->value), *limit = leaf_form(f, &b->limit);
    text[i] = arena_printf(f->e->arena, "const int %s = %s %c %s ? %s : %s;", b->name, value,
                           b->less, limit, value, limit);
  }
  for (int i = 0; i < f->nbound; i++)
    if (f->bound[i].used) emit(f->e, "%s", text[i]);
}

void leaf_ranges(Leaf *f) {
  Linear hi[MAX_NESTING];
  bool bound[MAX_NESTING] = {false};
  for (int l = 0; l < f->k->nloop; l++) {
    const int step = f->k->bind[l].step;
    if (step < 0 || step >= f->depth) {
      f->from[l] = linear_constant(0);
      f->to[l] = extent_form(f->k->loop[l].extent);
      continue;
    }
    if (!bound[step]) hi[step] = block_hi(f, step);
    bound[step] = true;
    bound_loop(f, l, hi);
  }
}

/* ---- loops that run as one ---- */

/* Is a view the elements of memory, one after another, as loop l moves? */
static bool in_rows(const Plan *p, const Kernel *k, const View *v, int l) {
  for (int a = 0; a < v->rank; a++)
    if (coord_uses(&v->at[a], l) && (!coord_affine(&v->at[a]) || view_tests(p, k, v, a) ||
                                     p->buffer.at[v->tensor].format.lanes > 1))
      return false;
  return true;
}

int loops_run(const Plan *p, const Kernel *k, int inner) {
  int first = inner;
  for (int l = inner - 1; l >= 0 && k->bind[l + 1].step < 0; l--) {
    bool rows =
        !k->loop[l].extent.per_n && loops_follow(p, k, l, l + 1) && !kernel_uses_index(k, l);
    for (int i = 0; i < k->nin && rows; i++)
      rows = in_rows(p, k, &k->in[i], l) && in_rows(p, k, &k->in[i], inner);
    for (int o = 0; o < k->nout && rows; o++)
      rows = in_rows(p, k, &k->out[o].to, l) && in_rows(p, k, &k->out[o].to, inner);
    if (!rows) break;
    first = l;
  }
  return first;
}

bool leaf_open(Leaf *f, int l) {
  const char *name = f->k->loop[l].name;
  Linear count = f->to[l];
  linear_add(&count, &f->from[l], -1);
  const bool one = f->from[l].n > 0 && count.n == 0 && count.constant == 1;
  f->value[l] = one ? f->from[l] : linear_variable(1, name);
  if (one) return false;
  return emit_open(f->e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &f->from[l]), name,
                   leaf_form(f, &f->to[l]), name);
}

void leaf_close(Leaf *f, bool opened) {
  if (opened) emit_close(f->e);
}

bool leaf_one_vector(const Leaf *f, int l) {
  const Bind *b = &f->k->bind[l];
  return b->step >= 0 && b->mul == 1 && b->from == 0 && b->to == 1 &&
         f->outer[b->step]->block == f->plan->target->lanes;
}

/* The text inside is kept until it is known whether it asks how many images there are. */
bool leaf_open_images(Leaf *f, int l) {
  Arena *arena = f->e->arena;
  const int lanes = f->plan->target->lanes;
  const bool one = leaf_one_vector(f, l);
  const char *name = arena_printf(arena, "%s_block", f->k->loop[l].name);
  f->value[l] = one ? f->from[l] : linear_variable(lanes, name);
  if (!one) {
    const Linear from = linear_divided(&f->from[l], lanes);
    const char *first = leaf_form(f, &from), *last = leaf_form(f, &f->to[l]);
    emit_open(f->e, "for (int %s = %s; %s < (%s + %d) / %d; %s++)", name, first, name, last,
              lanes - 1, lanes, name);
  }
  f->images = arena_printf(arena, "%s_used", f->k->loop[l].name);
  f->uses_images = false;
  f->around = f->e->out;
  f->inside = (Text){.arena = arena};
  f->e->out = &f->inside;
  return !one;
}

void leaf_close_images(Leaf *f, int l, bool opened) {
  f->e->out = f->around;
  if (f->uses_images) {
    Linear left = f->to[l];
    linear_add(&left, &f->value[l], -1);
    const char *text = leaf_form(f, &left);
    const int lanes = f->plan->target->lanes;
    if (opened)
      emit(f->e, "const int %s = %s < %d ? %s : %d;", f->images, text, lanes, text, lanes);
    else
      emit(f->e, "const int %s = %s;", f->images, text);
  }
  emit_text(f->e, f->inside.at ? f->inside.at : "");
  f->images = NULL;
  leaf_close(f, opened);
}

void leaf_open_rest(Leaf *f, const char *test, int count) {
  if (test) {
    emit_open(f->e, "if (%s)", test);
    return;
  }
  emit(f->e, "{ /* the last %d */", count);
  f->e->indent++;
}

/* ---- coordinates ---- */

Linear leaf_coordinate(Leaf *f, const View *v, int axis) {
  const Coord *c = &v->at[axis];
  Linear sum = linear_constant(c->plus);
  for (int l = 0; l < f->k->nloop; l++)
    if (c->coef[l]) linear_add(&sum, &f->value[l], c->coef[l]);
  return sum;
}

/* ---- subscripts ---- */

const char *leaf_pointer(Leaf *f, const View *v) {
  const int i = leaf_view(f, v);
  if (i >= MAX_IN) return arena_printf(f->e->arena, "out%d", i - MAX_IN);
  f->uses_in[i] = true;
  return arena_printf(f->e->arena, "in%d", i);
}

/* Adds the lane axis: block * stride + lane. Where the form does not split, by division in C. */
static void add_lane_axis(Leaf *f, Linear *sum, const Linear *c, int64_t stride, int lanes) {
  Arena *arena = f->e->arena;
  Linear blocks = linear_constant(c->constant / lanes * lanes), rest = linear_constant(0);
  rest.constant = c->constant - blocks.constant;
  bool splits = rest.constant >= 0;
  int64_t most = rest.constant; /* of `rest` */
  for (int i = 0; i < c->n; i++) {
    Linear term = {.n = 1};
    term.term[0] = c->term[i];
    const bool whole = c->term[i].coef % lanes == 0;
    linear_add(whole ? &blocks : &rest, &term, 1);
    if (whole) continue;
    splits &= c->term[i].coef > 0 && c->term[i].below > 0;
    most += c->term[i].coef * (c->term[i].below - 1);
  }
  if (splits && most < lanes) {
    blocks = linear_divided(&blocks, lanes);
    linear_add(sum, &blocks, stride);
    linear_add(sum, &rest, 1);
    return;
  }
  const char *text = leaf_form(f, c);
  const bool name = c->n == 1 && c->constant == 0 && c->term[0].coef == 1;
  const char *form = name ? "%s / %d" : "(%s) / %d", *modulo = name ? "%s %% %d" : "((%s) %% %d)";
  Linear block = linear_variable(1, arena_printf(arena, form, text, lanes));
  Linear lane = linear_variable(1, arena_printf(arena, modulo, text, lanes));
  block.term[0].name = arena_printf(arena, "(%s)", block.term[0].name);
  linear_add(sum, &block, stride);
  linear_add(sum, &lane, 1);
}

Linear leaf_element(Leaf *f, const Buffer *b, const Linear *coordinate) {
  const Layout layout = buffer_layout(b, f->plan->max_batch);
  Linear sum = linear_constant(layout.origin);
  sum.wide = layout.size > INT32_MAX;
  for (int a = 0; a < b->type.rank; a++) {
    Linear c = coordinate[a];
    if (b->depth > 0 && b->part[a].step >= 0) {
      const Linear lo = block_lo(f, b->part[a].step);
      linear_add(&c, &lo, -b->part[a].mul);
      c.constant -= b->part[a].from;
      sum.wide |= layout.stride[a] * extent_at(b->type.dim[a], f->plan->max_batch) > INT32_MAX;
    }
    if (a == layout.lane_axis)
      add_lane_axis(f, &sum, &c, layout.stride[a], layout.lanes);
    else
      linear_add(&sum, &c, layout.stride[a]);
  }
  return sum;
}

/* The coordinate with its remainder, as a loop over positions reads what some of them share. */
static Linear remainder_of(Leaf *f, const Linear *c, int mod) {
  if (mod == 0) return *c;
  const bool name = c->n == 1 && c->constant == 0 && c->term[0].coef == 1;
  const char *text = leaf_form(f, c), *form = name ? "(%s %% %d)" : "((%s) %% %d)";
  return linear_variable(1, arena_printf(f->e->arena, form, text, mod));
}

Linear leaf_place(Leaf *f, const View *v) {
  const int view = leaf_view(f, v);
  Linear coordinate[MAX_RANK];
  for (int a = 0; a < v->rank; a++) {
    const char *name = f->coordinate[view][a];
    const Linear c = name ? linear_variable(1, name) : leaf_coordinate(f, v, a);
    coordinate[a] = name ? c : remainder_of(f, &c, v->at[a].mod);
  }
  return leaf_element(f, leaf_buffer(f, v), coordinate);
}

const char *leaf_subscript(Leaf *f, const View *v) {
  const Linear place = leaf_place(f, v);
  return leaf_form(f, &place);
}

/* ---- vectors ---- */

const char *leaf_load(Leaf *f, const View *v, int lane, int count) {
  Arena *arena = f->e->arena;
  const char *from = leaf_pointer(f, v), *at = leaf_subscript(f, v), *isa = f->plan->target->name;
  if (!view_uses(v, lane)) return arena_printf(arena, "%s_set1(%s[%s])", isa, from, at);
  if (count && leaf_buffer(f, v)->format.lanes == 1)
    return arena_printf(arena, "%s_load_part(%s + %s, %d)", isa, from, at, count);
  return arena_printf(arena, "%s_load(%s + %s)", isa, from, at);
}

/* Is what lies behind the last element that an out writes along the lanes not its own to write:
 * another kernel's part of the block, or memory without blocks? */
static bool stores_part(const Leaf *f, const View *to) {
  const Buffer *b = leaf_buffer(f, to);
  const int axis = b->format.lane_axis;
  int64_t lo, hi;
  if (axis < 0 || b->format.lanes == 1) return true;
  coord_range(f->k, &to->at[axis], f->plan->max_batch, &lo, &hi);
  return hi + 1 < b->type.dim[axis].plus;
}

/* The first lanes of a vector, as many as there are images, and behind them what fills the buffer.
 */
static const char *only_images(Leaf *f, const View *to, const char *value) {
  const char *isa = f->plan->target->name;
  f->uses_images = true;
  return arena_printf(f->e->arena, "%s_keep(%s, %s, %s_set1(%s))", isa, value, f->images, isa,
                      emit_number(f->e->arena, leaf_buffer(f, to)->format.fill, F32));
}

void leaf_store(Leaf *f, const View *to, const char *pointer, const char *at, const char *value,
                int count) {
  const char *isa = f->plan->target->name;
  if (f->images) value = only_images(f, to, value);
  if (!count)
    emit(f->e, "%s_store(%s + %s, %s);", isa, pointer, at, value);
  else if (stores_part(f, to))
    emit(f->e, "%s_store_part(%s + %s, %s, %d);", isa, pointer, at, value, count);
  else
    emit(f->e, "%s_store(%s + %s, %s_keep(%s, %d, %s_set1(%s)));", isa, pointer, at, isa, value,
         count, isa, emit_number(f->e->arena, leaf_buffer(f, to)->format.fill, F32));
}
