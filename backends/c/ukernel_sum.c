/* ukernel_sum.c - the sums of a register tile: loops over the terms, and the step inside them. Of
 * windows, rows that lie outside of the tensor are left out where a tile's points agree on them. */
#include "ukernel.h"

#include <stdlib.h>

/* ---- what will be read soon ---- */

/* Processors follow one long stream by themselves, as a tile of one point is. Tiles of several read
 * short pieces in turns: what lies beyond the first level of the caches would arrive too late. */

enum { AHEAD = 512 }; /* floats, from where weights are fetched to where they are used */

static void print_fetch(const Ukernel *m, const char *pointer, const Linear *at) {
  emit(m->e, "%s_fetch(%s, %s);", m->f->plan->target->name, pointer, leaf_form(m->f, at));
}

/* Weights of which the first level of the caches does not keep what a tile reads. */
static void fetch_weights(const Ukernel *m) {
  const int line = LINE > m->w->lanes ? LINE / m->w->lanes : 1;
  const int turns = m->w->turns; /* of a stream */
  if (!contract_weights_stream(m->f->plan, m->f->k, m->t->vectors / turns)) return;
  const int apart = turns > 1 ? turns : line;
  for (int j = 0; j < m->t->vectors; j += apart) {
    ukernel_stand_at(m, 0, j);
    Linear at = ukernel_place(m, m->w->c.w);
    at.constant += AHEAD;
    print_fetch(m, "pw", &at);
  }
}

/* The next channels of the tile's points, one point in each turn over those of now. */
static void fetch_x(const Ukernel *m) {
  Leaf *f = m->f;
  Linear *channel = &f->value[m->channel], *point = &f->value[m->w->point];
  const Linear now = *channel;
  if (m->block == 0 || m->w->x_lanes) return;
  if ((double)buffer_bytes(leaf_buffer(f, ukernel_view(m, m->w->c.x)), f->plan->max_batch) <=
      f->plan->target->machine.l1)
    return;
  linear_add(channel, &m->turn, -1);
  channel->constant += m->block;
  const int piece = m->w->row > 0 && m->w->row < m->block ? m->w->row : m->block;
  for (int r = 0; r < m->t->points; r += piece) {
    ukernel_stand_at(m, r, 0);
    linear_add(point, &m->turn, 1);
    const Linear at = ukernel_place(m, m->w->c.x);
    print_fetch(m, "px", &at);
  }
  *channel = now;
}

/* ---- the step ---- */

static void print_fma(const Ukernel *m, int r, int j, const char *x) {
  if (m->w->lanes == 1)
    emit(m->e, "acc%d_%d += %s * w_%d;", r, j, x, j);
  else
    emit(m->e, "acc%d_%d = %s_fma(%s, w_%d, acc%d_%d);", r, j, m->f->plan->target->name, x, j, r,
         j);
}

/* Names with _: loops may be called w1. */
static void print_step(Ukernel *m) {
  const Contract *w = m->w;
  const bool rows = m->f->plan->buffer.at[ukernel_view(m, w->c.w)->tensor].format.lanes == 1;
  for (int j = 0; j < m->t->vectors; j++) {
    ukernel_stand_at(m, 0, j);
    emit(m->e, "const %s w_%d = %s;", w->d.type, j,
         ukernel_load(m, "pw", ukernel_distance(m, w->c.w), rows ? ukernel_count(m, j) : 0));
  }
  if (w->lanes > 1 && m->t->points > 1) {
    if (!rows) fetch_weights(m);
    fetch_x(m);
  }
  for (int r = 0; r < m->t->points; r++) {
    ukernel_stand_at(m, r, 0);
    const char *at = ukernel_distance(m, w->c.x), *x = arena_printf(m->arena, "x_%d", r);
    const int count =
        m->f->plan->buffer.at[ukernel_view(m, w->c.x)->tensor].format.lanes == 1 ? m->t->count : 0;
    emit(m->e, "const %s %s = %s;", w->d.type, x,
         w->x_lanes ? ukernel_load(m, "px", at, count) : ukernel_broadcast(m, "px", at));
    for (int j = 0; j < m->t->vectors; j++) print_fma(m, r, j, x);
  }
  if (w->lanes > 1) emit(m->e, "%s_fence();", m->f->plan->target->name);
}

/* ---- the loops ---- */

/* Loop l over all of its samples; or over vectors of them, if they are the lanes. */
static bool open_samples(const Ukernel *m, int l) {
  const bool lanes = m->w->sums && m->f->k->loop[l].extent.per_n;
  return lanes ? leaf_open_images(m->f, l) : leaf_open(m->f, l);
}

static void close_samples(const Ukernel *m, int l, bool opened) {
  if (m->w->sums && m->f->k->loop[l].extent.per_n)
    leaf_close_images(m->f, l, opened);
  else
    leaf_close(m->f, opened);
}

static void reduce(Ukernel *m, int l);

/* `count` turns of the innermost loop l, unrolled. */
static void innermost(Ukernel *m, int l, const char *name, const Linear *start, int64_t count) {
  int unroll = m->w->unroll;
  while (count % unroll) unroll--;
  emit_open(m->e, "for (int %s = 0; %s < %lld; %s += %d)", name, name, (long long)count, name,
            unroll);
  for (int u = 0; u < unroll; u++) {
    Linear value = linear_variable(1, name);
    value.term[0].below = (int)(count - unroll + 1);
    value.constant = u;
    m->turn = value;
    m->channel = l;
    linear_add(&value, start, 1);
    m->f->value[l] = value;
    if (unroll > 1) emit_open_block(m->e);
    print_step(m);
    if (unroll > 1) emit_close(m->e);
  }
  emit_close(m->e);
}

static bool last_reduced(const Kernel *k, int l) {
  for (int i = l + 1; i < k->nloop; i++)
    if (k->loop[i].reduced) return false;
  return true;
}

/* `count` turns of loop l, whose value is `start` and the turn. */
static void turns(Ukernel *m, int l, const char *name, const Linear *start, int64_t count) {
  if (last_reduced(m->f->k, l)) {
    innermost(m, l, name, start, count);
    return;
  }
  FOR(m->e, name, 0, count, 1) {
    m->f->value[l] = linear_variable(1, name);
    m->f->value[l].term[0].below = (int)count;
    linear_add(&m->f->value[l], start, 1);
    reduce(m, l + 1);
  }
}

/* The larger of `form` and 0, or the smaller of it and `end`, which is not 0. */
static const char *bound(const Ukernel *m, const char *name, const Linear *form, int64_t end) {
  const bool from = end == 0;
  const long long most = end;
  if (form->n == 0)
    return arena_printf(m->arena, "%lld",
                        (form->constant > most) == from ? (long long)form->constant : most);
  const char *text = leaf_form(m->f, form);
  emit(m->e, "const int %s = %s %c %lld ? %s : %lld;", name, text, from ? '>' : '<', most, text,
       most);
  return name;
}

/* Loop l moves an axis of the window that leaves its tensor: it runs over the coordinate there,
 *   for (int ih = ih_from; ih < ih_to; ih++)     kh = ih - (oh - 2) */
static void keep_inside(Ukernel *m, int l, int axis) {
  Leaf *f = m->f;
  const View *v = ukernel_view(m, m->w->c.w);
  const Coord *c = &v->at[axis];
  const Loop *loop = &f->k->loop[l];
  const bool tap_name = loop->name[0] == 'k' && loop->name[1];
  const char *name = arena_printf(m->arena, "i%s", loop->name + tap_name);
  const char **coordinate = &f->coordinate[leaf_view(f, v)][axis];
  f->value[l] = linear_constant(0);
  const Linear tap = leaf_coordinate(f, v, axis), at = linear_variable(1, name); /* 0's place */
  Linear first = tap, last = tap, value = linear_constant(0);
  first.constant -= c->coef[l] < 0 ? loop->extent.plus - 1 : 0;
  last.constant += c->coef[l] < 0 ? 1 : loop->extent.plus;
  linear_add(&value, &at, c->coef[l]);
  linear_add(&value, &tap, -c->coef[l]);
  const int64_t end = leaf_buffer(f, v)->type.dim[axis].plus;
  const char *from = bound(m, arena_printf(m->arena, "%s_from", name), &first, 0);
  const char *to = bound(m, arena_printf(m->arena, "%s_to", name), &last, end);
  *coordinate = name;
  BLOCK(m->e, "for (int %s = %s; %s < %s; %s++)", name, from, name, to, name) {
    f->value[l] = value;
    reduce(m, l + 1);
  }
  *coordinate = NULL;
}

/* The axis that loop l moves out of its tensor; -1: none. */
static int leaving_axis(const Ukernel *m, int l) {
  const View *v = ukernel_view(m, m->w->c.w);
  for (int a = 0; a < v->rank; a++)
    if (coord_uses(&v->at[a], l) && ukernel_leaves(m, v, a)) return a;
  return -1;
}

/* ---- taps in margins ---- */

/* Do the points of the tile differ in a coordinate of x? */
static bool moves_with_points(const Ukernel *m, const Coord *c) {
  const Contract *w = m->w;
  const bool rows = w->row == 0 || m->t->points > w->row;
  bool moves = false;
  for (int l = 0; l < m->f->k->nloop; l++)
    moves |= coord_uses(c, l) && contract_takes(w, l) && (l == w->point || rows);
  return moves;
}

/* The axis of x along which loop l moves beyond the tensor, all points of the tile alike: what lies
 * there is 0. -1: none. */
static int axis_of_margin(const Ukernel *m, int l) {
  const Contract *w = m->w;
  const Kernel *k = m->f->k;
  const View *v = ukernel_view(m, w->c.x);
  if (v->outside != FILL || v->fill != 0 || last_reduced(k, l)) return -1;
  for (int a = 0; a < v->rank; a++) {
    const Coord *c = &v->at[a];
    int64_t lo, hi;
    if (abs(c->coef[l]) != 1 || !coord_affine(c) || moves_with_points(m, c)) continue;
    coord_range(k, c, m->f->plan->max_batch, &lo, &hi);
    if (lo < 0 || hi >= leaf_buffer(m->f, v)->type.dim[a].plus) return a;
  }
  return -1;
}

/* Loop l over the taps that are inside:
 *   const int kh_from = -oh + 1 > 0 ? -oh + 1 : 0, kh_to = ..
 *   for (int kh = kh_from; kh < kh_to; kh++) */
static void leave_out_margin(Ukernel *m, int l, int axis) {
  Leaf *f = m->f;
  const View *v = ukernel_view(m, m->w->c.x);
  const int sign = v->at[axis].coef[l];
  const char *name = f->k->loop[l].name;
  const int64_t taps = f->k->loop[l].extent.plus, extent = leaf_buffer(f, v)->type.dim[axis].plus;
  f->value[l] = linear_constant(0);
  const Linear tap = leaf_coordinate(f, v, axis); /* of tap 0 */
  Linear first = linear_constant(sign > 0 ? 0 : 1 - extent);
  Linear last = linear_constant(sign > 0 ? extent : 1);
  linear_add(&first, &tap, -sign);
  linear_add(&last, &tap, -sign);
  const char *from = bound(m, arena_printf(m->arena, "%s_from", name), &first, 0);
  const char *to = bound(m, arena_printf(m->arena, "%s_to", name), &last, taps);
  BLOCK(m->e, "for (int %s = %s; %s < %s; %s++)", name, from, name, to, name) {
    f->value[l] = linear_variable(1, name);
    f->value[l].term[0].below = (int)taps;
    reduce(m, l + 1);
  }
}

/* A reduced loop on the lane axis of x, block by block: subscripts stay linear. */
static void blocks(Ukernel *m, int l, int lanes) {
  const Loop *loop = &m->f->k->loop[l];
  const int64_t extent = loop->extent.plus, whole = extent / lanes;
  const char *block = arena_printf(m->arena, "%s_block", loop->name);
  if (whole > 1) {
    m->block = last_reduced(m->f->k, l) ? lanes : 0;
    FOR(m->e, block, 0, whole, 1) {
      const Linear start = linear_variable(lanes, block);
      turns(m, l, loop->name, &start, lanes);
    }
    m->block = 0;
  } else if (whole == 1) {
    const Linear start = linear_constant(0);
    turns(m, l, loop->name, &start, lanes);
  }
  const Linear rest = linear_constant(whole * lanes);
  if (extent % lanes) turns(m, l, loop->name, &rest, extent % lanes);
}

static void start_accumulators(const Ukernel *m, const char *name) {
  const Contract *w = m->w;
  const char *zero =
      w->lanes == 1 ? "0.0f" : arena_printf(m->arena, "%s_zero()", m->f->plan->target->name);
  for (int r = 0; r < m->t->points; r++)
    for (int j = 0; j < m->t->vectors; j++)
      emit(m->e, "%s %s%d_%d = %s;", w->d.type, name, r, j, zero);
}

static void reduce_samples(Ukernel *m, int l) {
  const char *isa = m->f->plan->target->name;
  start_accumulators(m, "sum");
  const bool opened = open_samples(m, l);
  start_accumulators(m, "acc");
  reduce(m, l + 1);
  for (int r = 0; r < m->t->points; r++)
    for (int j = 0; j < m->t->vectors; j++)
      if (m->w->lanes == 1)
        emit(m->e, "sum%d_%d += acc%d_%d;", r, j, r, j);
      else
        emit(m->e, "sum%d_%d = %s_add(sum%d_%d, acc%d_%d);", r, j, isa, r, j, r, j);
  close_samples(m, l, opened);
}

static void reduce(Ukernel *m, int l) {
  const Kernel *k = m->f->k;
  while (l < k->nloop && (!k->loop[l].reduced || ukernel_is_outside(m->w, l))) l++;
  if (l == k->nloop) {
    print_step(m);
    return;
  }
  ahead_print(m, l);
  const int lanes = lanes_of_loop(m->f->plan, ukernel_view(m, m->w->c.x), l);
  const int leaving = leaving_axis(m, l), margin = axis_of_margin(m, l);
  const Linear zero = linear_constant(0);
  if (ukernel_is_band(m->w, l)) {
    turns(m, l, k->loop[l].name, &m->w->band_at, m->w->bands.rows);
  } else if (k->loop[l].extent.per_n || k->bind[l].step >= 0) {
    const bool opened = open_samples(m, l);
    reduce(m, l + 1);
    close_samples(m, l, opened);
  } else if (leaving >= 0) {
    keep_inside(m, l, leaving);
  } else if (margin >= 0) {
    leave_out_margin(m, l, margin);
  } else if (lanes > 1) {
    blocks(m, l, lanes);
  } else {
    turns(m, l, k->loop[l].name, &zero, k->loop[l].extent.plus);
  }
}

void ukernel_sum(Ukernel *m) {
  if (ukernel_sums_samples(m)) {
    reduce_samples(m, m->w->bands.samples);
    return;
  }
  start_accumulators(m, "acc");
  reduce(m, 0);
}
