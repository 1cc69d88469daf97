/* margins.c - what lies in a buffer's physical box outside its logical one.
 *
 * Whoever writes an element also writes the margin elements whose clamped coordinates it has. For
 * each axis and side: the axes before run over what the function wrote, the axis itself over its
 * margin, the axes behind over what the function wrote and their margins where it reaches them. So
 * every margin element is written once.
 *
 *   if (oh_from == 0)
 *     for n .. for blocks of k ..
 *       for (int oh = -1; oh < 0; oh++)
 *         for (int ow = -1; ow < 29; ow++)
 *           avx512_store(out0 + .., avx512_set1(0.0f)); */
#include "leaf.h"

typedef struct Axis {
  const char *name;
  Linear from, to, extent; /* coordinates that the function writes; on the lane axis, blocks */
  int64_t lo, hi;          /* margins */
} Axis;

typedef struct Margins {
  Leaf *f;
  const Out *out;
  const Buffer *b;
  int lane_axis, lanes, rank;
  Axis axis[MAX_RANK];
  Linear at[MAX_RANK]; /* coordinates where the text stands */
} Margins;

static Linear to_blocks(Leaf *f, const Linear *l, int lanes) {
  if (linear_divides(l, lanes)) return linear_divided(l, lanes);
  if (l->n == 0) return linear_constant((l->constant + lanes - 1) / lanes);
  return linear_variable(
      1, arena_printf(f->e->arena, "((%s + %d) / %d)", leaf_form(f, l), lanes - 1, lanes));
}

static void find_axis(Margins *m, int a) {
  Leaf *f = m->f;
  Axis *x = &m->axis[a];
  const Coord *c = &m->out->to.at[a];
  const int l = coord_forward_loop(c);
  if (l >= 0) { /* with what lies between, where it moves by more than 1 */
    *x = (Axis){.name = f->k->loop[l].name};
    x->from = linear_constant(c->plus);
    x->to = linear_constant(c->plus + 1 - c->coef[l]);
    linear_add(&x->from, &f->from[l], c->coef[l]);
    linear_add(&x->to, &f->to[l], c->coef[l]);
  } else { /* a mixed coordinate: all of its range */
    int64_t lo, hi;
    coord_range(f->k, c, f->plan->max_batch, &lo, &hi);
    *x = (Axis){.name = arena_printf(f->e->arena, "i%d", a)};
    x->from = linear_constant(lo);
    x->to = linear_constant(hi + 1);
  }
  x->extent = extent_form(m->b->type.dim[a]);
  x->lo = m->b->format.lo[a];
  x->hi = m->b->format.hi[a];
  if (a != m->lane_axis) return;
  x->name = arena_printf(f->e->arena, "%s_block", x->name);
  x->from = to_blocks(f, &x->from, m->lanes);
  x->to = to_blocks(f, &x->to, m->lanes);
  x->extent = to_blocks(f, &x->extent, m->lanes);
}

/* Are two forms equal: 1 always, 0 never, -1 sometimes? */
static int equal(const Linear *a, const Linear *b) {
  Linear difference = *a;
  linear_add(&difference, b, -1);
  return difference.n > 0 ? -1 : difference.constant == 0;
}

static int reaches(const Axis *x, bool high) {
  const Linear zero = linear_constant(0);
  return high ? equal(&x->to, &x->extent) : equal(&x->from, &zero);
}

static const char *reaches_text(const Margins *m, const Axis *x, bool high) {
  Arena *arena = m->f->e->arena;
  return high
             ? arena_printf(arena, "%s == %s", leaf_form(m->f, &x->to), leaf_form(m->f, &x->extent))
             : arena_printf(arena, "%s == 0", leaf_form(m->f, &x->from));
}

/* The end of the written part of an axis together with its margin. */
static const char *outer_end(const Margins *m, const Axis *x, bool high) {
  Arena *arena = m->f->e->arena;
  const Linear *inner = high ? &x->to : &x->from;
  const int64_t margin = high ? x->hi : -x->lo;
  const int reached = reaches(x, high);
  Linear end = *inner;
  if (margin == 0 || reached == 0) return leaf_form(m->f, inner);
  end.constant += margin;
  if (reached == 1) return leaf_form(m->f, &end);
  return arena_printf(arena, "(%s ? %s : %s)", reaches_text(m, x, high), leaf_form(m->f, &end),
                      leaf_form(m->f, inner));
}

static void store_fill(Margins *m) {
  Leaf *f = m->f;
  Emit *e = f->e;
  const Target *t = f->plan->target;
  const char *fill = emit_number(e->arena, m->b->format.fill, m->b->format.dtype);
  const Linear place = leaf_element(f, m->b, m->at);
  const char *to = leaf_pointer(f, &m->out->to), *at = leaf_form(m->f, &place);
  if (m->lanes == 1) {
    emit(e, "%s[%s] = %s;", to, at, fill);
    return;
  }
  if (f->k->math == F32 && m->b->format.dtype == F32 && t->lanes == m->lanes) {
    emit(e, "%s_store(%s + %s, %s_set1(%s));", t->name, to, at, t->name, fill);
    return;
  }
  FOR(e, "lane", 0, m->lanes, 1) {
    emit(e, "%s[%s + lane] = %s;", to, at, fill);
  }
}

/* The axes from b on; `a` is the one whose margin is written. */
static void fill_axes(Margins *m, int a, bool high, int b) {
  if (b == m->rank) {
    store_fill(m);
    return;
  }
  Emit *e = m->f->e;
  const Axis *x = &m->axis[b];
  Linear from = b == a ? (high ? x->extent : linear_constant(-x->lo)) : x->from;
  Linear to = b == a ? (high ? x->extent : linear_constant(0)) : x->to;
  if (b == a && high) to.constant += x->hi;
  const char *first = b > a ? outer_end(m, x, false) : leaf_form(m->f, &from);
  const char *last = b > a ? outer_end(m, x, true) : leaf_form(m->f, &to);
  m->at[b] = linear_variable(b == m->lane_axis ? m->lanes : 1, x->name);
  BLOCK(e, "for (int %s = %s; %s < %s; %s++)", x->name, first, x->name, last, x->name) {
    fill_axes(m, a, high, b + 1);
  }
}

static void fill_side(Margins *m, int a, bool high) {
  const Axis *x = &m->axis[a];
  const int reached = reaches(x, high);
  if ((high ? x->hi : x->lo) == 0 || reached == 0) return;
  if (reached == 1) {
    fill_axes(m, a, high, 0);
    return;
  }
  BLOCK(m->f->e, "if (%s)", reaches_text(m, x, high)) {
    fill_axes(m, a, high, 0);
  }
}

/* The lanes from `used` on of the block that begins at `first`. */
static void fill_lanes(Margins *m, int b, const Linear *first, const char *used) {
  Emit *e = m->f->e;
  if (b < m->rank) {
    const Axis *x = &m->axis[b];
    const char *from = leaf_form(m->f, &x->from), *to = leaf_form(m->f, &x->to);
    m->at[b] = linear_variable(1, x->name);
    if (b == m->lane_axis) {
      m->at[b] = *first;
      fill_lanes(m, b + 1, first, used);
      return;
    }
    BLOCK(e, "for (int %s = %s; %s < %s; %s++)", x->name, from, x->name, to, x->name) {
      fill_lanes(m, b + 1, first, used);
    }
    return;
  }
  const Linear place = leaf_element(m->f, m->b, m->at);
  BLOCK(e, "for (int lane = %s; lane < %d; lane++)", used, m->lanes) {
    emit(e, "%s[%s + lane] = %s;", leaf_pointer(m->f, &m->out->to), leaf_form(m->f, &place),
         emit_number(e->arena, m->b->format.fill, m->b->format.dtype));
  }
}

/* The lanes of the last block that hold no element. */
static void fill_last_block(Margins *m) {
  const Axis *x = &m->axis[m->lane_axis];
  const int64_t extent = m->b->type.dim[m->lane_axis].plus, rest = extent % m->lanes;
  const int reached = reaches(x, true);
  if (rest == 0 || reached == 0) return;
  const Linear first = linear_constant(extent - rest);
  const char *used = arena_printf(m->f->e->arena, "%lld", (long long)rest);
  if (reached == 1) {
    fill_lanes(m, 0, &first, used);
    return;
  }
  BLOCK(m->f->e, "if (%s)", reaches_text(m, x, true)) {
    fill_lanes(m, 0, &first, used);
  }
}

/* The lanes behind the last image that the function wrote: whole blocks have none. */
static void fill_last_images(Margins *m) {
  Leaf *f = m->f;
  const int l = coord_forward_loop(&m->out->to.at[m->lane_axis]);
  Linear last = f->to[l], first = f->from[l];
  last.constant -= 1;
  const char *text = leaf_form(f, &last);
  if (!leaf_one_vector(f, l))
    first = linear_variable(m->lanes, arena_printf(f->e->arena, "((%s) / %d)", text, m->lanes));
  fill_lanes(m, 0, &first, arena_printf(f->e->arena, "(%s) %% %d + 1", text, m->lanes));
}

void leaf_margins(Leaf *f, const Out *out, bool lanes) {
  const Buffer *b = leaf_buffer(f, &out->to);
  const Layout layout = buffer_layout(b, f->plan->max_batch);
  Margins m = {.f = f,
               .out = out,
               .b = b,
               .lane_axis = layout.lane_axis,
               .lanes = layout.lanes,
               .rank = b->type.rank};
  lanes &= layout.lane_axis >= 0;
  if (!lanes && !buffer_has_margin(b)) return;
  for (int a = 0; a < m.rank; a++) find_axis(&m, a);
  for (int a = 0; a < m.rank; a++) {
    fill_side(&m, a, false);
    fill_side(&m, a, true);
  }
  if (!lanes) return;
  if (buffer_in_batch(b))
    fill_last_images(&m);
  else
    fill_last_block(&m);
}
