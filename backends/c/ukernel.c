/* ukernel.c - one register tile: R points x K vectors.
 *
 *   const float *px = in0 + ..; const float *pw = in1 + ..;
 *   avx512_v acc0_0 = avx512_zero(); ..                  named: the compiler must not spill
 *   for (int kh ..) for (int kw ..) for (int c ..) {     in the kernel's order
 *     const avx512_v w0 = avx512_load(pw + ..), ..        K vectors of one contiguous stream
 *     const avx512_v x0 = avx512_set1(px[..]);            R broadcasts
 *     acc0_0 = avx512_fma(x0, w0, acc0_0); ..            R * K
 *     avx512_fence();                                    or gcc hoists loads and spills
 *   }
 *   avx512_store(py + .., avx512_max(avx512_add(acc0_0, bias0), avx512_zero())); .. */
#include "contract.h"

typedef struct Ukernel {
  Contract *w;
  const TileAt *t;
  Leaf *f;
  Emit *e;
  Arena *arena;
  Linear base[MAX_IN + 1]; /* where the pointers of the inputs and of the result stand */
  int r, j;                /* the accumulator whose value is printed */
} Ukernel;

/* ---- helpers of the target, or plain C where vectors are one float ---- */

static const char *load_text(const Ukernel *m, const char *pointer, const char *at, int count) {
  const char *isa = m->f->plan->target->name;
  if (m->w->lanes == 1) return arena_printf(m->arena, "%s[%s]", pointer, at);
  if (count) return arena_printf(m->arena, "%s_load_part(%s + %s, %d)", isa, pointer, at, count);
  return arena_printf(m->arena, "%s_load(%s + %s)", isa, pointer, at);
}

static const char *broadcast_text(const Ukernel *m, const char *pointer, const char *at) {
  return emit_constant(m->e, &m->w->d, arena_printf(m->arena, "%s[%s]", pointer, at));
}

static void print_fma(const Ukernel *m, int r, int j, const char *x) {
  if (m->w->lanes == 1)
    emit(m->e, "acc%d_%d += %s * w_%d;", r, j, x, j);
  else
    emit(m->e, "acc%d_%d = %s_fma(%s, w_%d, acc%d_%d);", r, j, m->f->plan->target->name, x, j, r,
         j);
}

/* ---- places ---- */

static void stand_at(const Ukernel *m, int r, int j) {
  Contract *w = m->w;
  m->f->value[w->point] = m->t->at;
  m->f->value[w->point].constant += r;
  m->f->value[w->lane] = m->t->lane_at;
  m->f->value[w->lane].constant += (int64_t)j * w->step;
}

static const View *view_of(const Ukernel *m, int i) {
  return kernel_view(m->f->k, i);
}

/* The distance from the view's pointer, where the text stands. */
static const char *distance(const Ukernel *m, int i) {
  Linear place = leaf_place(m->f, view_of(m, i));
  linear_add(&place, &m->base[i], -1);
  return leaf_form(m->f, &place);
}

static const char *pointer_name(const Ukernel *m, int i) {
  if (i == m->w->c.x) return "px";
  if (i == m->w->c.w) return "pw";
  return i < m->f->k->nin ? arena_printf(m->arena, "p%d", i) : "py";
}

static bool in_epilogue(const Ukernel *m, int i) {
  return expr_uses(m->f->k->out[0].value, E_in, i);
}

/* An input of the epilogue that vectors do not line up with is gathered lane by lane. */
static bool gathered(const Ukernel *m, int i) {
  return !m->w->sums && !view_moves_by_one(m->f->plan, m->f->k, &m->f->k->in[i], m->w->lane);
}

/* Does the window leave the tensor along this axis? Then it runs over the coordinate. */
static bool leaves(const Ukernel *m, const View *v, int axis) {
  return v->outside == SKIP && view_tests(m->f->plan, m->f->k, v, axis);
}

/* Where a view begins for the tile: coordinates that loops run over at 0. */
static Linear begin_of(const Ukernel *m, const View *v) {
  Linear at[MAX_RANK];
  if (v->outside != SKIP) return leaf_place(m->f, v);
  for (int a = 0; a < v->rank; a++)
    at[a] = leaves(m, v, a) ? linear_constant(0) : leaf_coordinate(m->f, v, a);
  return leaf_element(m->f, leaf_buffer(m->f, v), at);
}

/* Does the loop over samples run outside of the tile? */
static bool is_outside(const Contract *w, int l) {
  return w->pass == TILE_ADD && l == w->bands.samples;
}

/* Does a tile sum a part of the loop? */
static bool is_band(const Contract *w, int l) {
  return w->pass == TILE_ADD && l == w->bands.loop;
}

static bool sums_terms(const Contract *w) {
  return w->pass == TILE_WHOLE || w->pass == TILE_ADD;
}

/* Pointers to where the tile begins in every tensor. */
static void print_pointers(Ukernel *m) {
  const Kernel *k = m->f->k;
  const Contract *w = m->w;
  for (int l = 0; l < k->nloop; l++) {
    if (!k->loop[l].reduced || is_outside(w, l)) continue;
    m->f->value[l] = is_band(w, l) ? w->band_at : linear_constant(0);
  }
  stand_at(m, 0, 0);
  for (int i = 0; i <= k->nin; i++) {
    const bool operand = i == w->c.x || i == w->c.w, sums = sums_terms(w);
    const bool ends = w->pass == TILE_WHOLE || w->pass == TILE_FINISH;
    if (i < k->nin && !(operand && sums) && !(ends && in_epilogue(m, i) && !gathered(m, i)))
      continue;
    m->base[i] = begin_of(m, view_of(m, i));
    emit(m->e, "%sfloat *%s = %s + %s;", i < k->nin ? "const " : "", pointer_name(m, i),
         leaf_pointer(m->f, view_of(m, i)), leaf_form(m->f, &m->base[i]));
  }
}

/* ---- the reduction ---- */

/* Lanes in use of vector j; 0: all. */
static int last_count(const Ukernel *m, int j) {
  return j == m->t->vectors - 1 ? m->t->count : 0;
}

/* Names with _: loops may be called w1. */
static void print_step(Ukernel *m) {
  const Contract *w = m->w;
  const bool rows = m->f->plan->buffer.at[view_of(m, w->c.w)->tensor].format.lanes == 1;
  for (int j = 0; j < m->t->vectors; j++) {
    stand_at(m, 0, j);
    emit(m->e, "const %s w_%d = %s;", w->d.type, j,
         load_text(m, "pw", distance(m, w->c.w), rows ? last_count(m, j) : 0));
  }
  for (int r = 0; r < m->t->points; r++) {
    stand_at(m, r, 0);
    const char *at = distance(m, w->c.x), *x = arena_printf(m->arena, "x_%d", r);
    const int count =
        m->f->plan->buffer.at[view_of(m, w->c.x)->tensor].format.lanes == 1 ? m->t->count : 0;
    emit(m->e, "const %s %s = %s;", w->d.type, x,
         w->x_lanes ? load_text(m, "px", at, count) : broadcast_text(m, "px", at));
    for (int j = 0; j < m->t->vectors; j++) print_fma(m, r, j, x);
  }
  if (w->lanes > 1) emit(m->e, "%s_fence();", m->f->plan->target->name);
}

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

/* Loop l moves an axis of the window that leaves its tensor: it runs over the coordinate there,
 *   for (int ih = ih_from; ih < ih_to; ih++)     kh = ih - (oh - 2) */
static void keep_inside(Ukernel *m, int l, int axis) {
  Leaf *f = m->f;
  const View *v = view_of(m, m->w->c.w);
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
  const char *from = leaf_form(f, &first), *to = leaf_form(f, &last);
  const long long end = leaf_buffer(f, v)->type.dim[axis].plus;
  emit(m->e, "const int %s_from = %s > 0 ? %s : 0;", name, from, from);
  emit(m->e, "const int %s_to = %s < %lld ? %s : %lld;", name, to, end, to, end);
  *coordinate = name;
  BLOCK(m->e, "for (int %s = %s_from; %s < %s_to; %s++)", name, name, name, name, name) {
    f->value[l] = value;
    reduce(m, l + 1);
  }
  *coordinate = NULL;
}

/* The axis that loop l moves out of its tensor; -1: none. */
static int leaving_axis(const Ukernel *m, int l) {
  const View *v = view_of(m, m->w->c.w);
  for (int a = 0; a < v->rank; a++)
    if (coord_uses(&v->at[a], l) && leaves(m, v, a)) return a;
  return -1;
}

/* A reduced loop on the lane axis of x, block by block: subscripts stay linear. */
static void blocks(Ukernel *m, int l, int lanes) {
  const Loop *loop = &m->f->k->loop[l];
  const int64_t extent = loop->extent.plus, whole = extent / lanes;
  const char *block = arena_printf(m->arena, "%s_block", loop->name);
  if (whole > 1) {
    FOR(m->e, block, 0, whole, 1) {
      const Linear start = linear_variable(lanes, block);
      turns(m, l, loop->name, &start, lanes);
    }
  } else if (whole == 1) {
    const Linear start = linear_constant(0);
    turns(m, l, loop->name, &start, lanes);
  }
  const Linear rest = linear_constant(whole * lanes);
  if (extent % lanes) turns(m, l, loop->name, &rest, extent % lanes);
}

/* Does the reduction begin with the samples of a batch? Then each is summed by itself: long sums of
 * few bits stay apart. */
static bool sums_samples(const Ukernel *m) {
  return m->w->pass == TILE_WHOLE && m->w->bands.samples >= 0;
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
  while (l < k->nloop && (!k->loop[l].reduced || is_outside(m->w, l))) l++;
  if (l == k->nloop) {
    print_step(m);
    return;
  }
  const int lanes = lanes_of_loop(m->f->plan, view_of(m, m->w->c.x), l);
  const int leaving = leaving_axis(m, l);
  const Linear zero = linear_constant(0);
  if (is_band(m->w, l)) {
    turns(m, l, k->loop[l].name, &m->w->band_at, m->w->bands.rows);
  } else if (k->loop[l].extent.per_n || k->bind[l].step >= 0) {
    const bool opened = open_samples(m, l);
    reduce(m, l + 1);
    close_samples(m, l, opened);
  } else if (leaving >= 0) {
    keep_inside(m, l, leaving);
  } else if (lanes > 1) {
    blocks(m, l, lanes);
  } else {
    turns(m, l, k->loop[l].name, &zero, k->loop[l].extent.plus);
  }
}

/* ---- the epilogue ---- */

static const char *gather_name(const Ukernel *m, int i) {
  return arena_printf(m->arena, "lanes%d_%d_%d", i, m->r, m->j);
}

/* float lanes2_0_0[16] = {0}; for (int lane ..) lanes2_0_0[lane] = in2[..]; */
static void print_gather(const Ukernel *m, int i) {
  Contract *w = m->w;
  const int count = last_count(m, m->j) ? last_count(m, m->j) : w->lanes;
  Linear lane = linear_variable(1, "lane");
  lane.term[0].below = count;
  stand_at(m, m->r, m->j);
  linear_add(&m->f->value[w->lane], &lane, 1);
  emit(m->e, "float %s[%d] = {0};", gather_name(m, i), w->lanes);
  FOR(m->e, "lane", 0, count, 1) {
    emit(m->e, "%s[lane] = %s[%s];", gather_name(m, i), leaf_pointer(m->f, view_of(m, i)),
         leaf_subscript(m->f, view_of(m, i)));
  }
  stand_at(m, m->r, m->j);
}

static const char *input_text(const Ukernel *m, int i) {
  const View *v = view_of(m, i);
  if (gathered(m, i)) return load_text(m, gather_name(m, i), "0", 0);
  const char *pointer = pointer_name(m, i), *at = distance(m, i);
  if (!view_uses(v, m->w->lane)) return broadcast_text(m, pointer, at);
  const bool plain = m->f->plan->buffer.at[v->tensor].format.lanes == 1;
  return load_text(m, pointer, at, plain ? last_count(m, m->j) : 0);
}

/* Is an input the same for all points of the tile? */
static bool shared(const Ukernel *m, int i) {
  return !gathered(m, i) && !view_uses(view_of(m, i), m->w->point) &&
         (m->w->outer < 0 || !view_uses(view_of(m, i), m->w->outer));
}

/* The accumulator whose value is printed. */
static const char *accumulator(const Ukernel *m) {
  return arena_printf(m->arena, "%s%d_%d", sums_samples(m) ? "sum" : "acc", m->r, m->j);
}

static const char *epilogue_leaf(void *context, const Expr *x) {
  const Ukernel *m = context;
  if (x->op == E_acc) return accumulator(m);
  if (x->op == E_in && shared(m, x->index)) return arena_printf(m->arena, "b%d_%d", x->index, m->j);
  if (x->op == E_in) return input_text(m, x->index);
  return emit_constant(m->e, &m->w->d,
                       arena_printf(m->arena, "(float)%s", leaf_scalar(m->f, x->index)));
}

static void print_store(const Ukernel *m, const char *value) {
  const char *at = distance(m, m->f->k->nin);
  if (m->w->lanes == 1)
    emit(m->e, "py[%s] = %s;", at, value);
  else
    leaf_store(m->f, view_of(m, m->f->k->nin), "py", at, value, last_count(m, m->j));
}

static void epilogue(Ukernel *m) {
  const Kernel *k = m->f->k;
  for (m->j = 0; m->j < m->t->vectors; m->j++) {
    stand_at(m, 0, m->j);
    for (int i = 0; i < k->nin; i++)
      if (in_epilogue(m, i) && shared(m, i))
        emit(m->e, "const %s b%d_%d = %s;", m->w->d.type, i, m->j, input_text(m, i));
    for (m->r = 0; m->r < m->t->points; m->r++) {
      for (int i = 0; i < k->nin; i++)
        if (in_epilogue(m, i) && gathered(m, i)) print_gather(m, i);
      stand_at(m, m->r, m->j);
      print_store(m, emit_expr(m->e, &m->w->d, k->out[0].value, epilogue_leaf, m));
    }
  }
}

static const char *sum_leaf(void *context, const Expr *x) {
  const Ukernel *m = context;
  if (x->op == E_acc)
    return arena_printf(m->arena, "%s_sum(%s)", m->f->plan->target->name, accumulator(m));
  if (x->op == E_in)
    return arena_printf(m->arena, "%s[%s]", pointer_name(m, x->index), distance(m, x->index));
  return arena_printf(m->arena, "(float)%s", leaf_scalar(m->f, x->index));
}

/* An element of the result for each accumulator: its lanes added up. */
static void epilogue_of_sums(Ukernel *m) {
  for (m->j = 0; m->j < m->t->vectors; m->j++)
    for (m->r = 0; m->r < m->t->points; m->r++) {
      stand_at(m, m->r, m->j);
      const char *at = distance(m, m->f->k->nin);
      emit(m->e, "py[%s] = %s;", at,
           emit_expr(m->e, &scalar_float, m->f->k->out[0].value, sum_leaf, m));
    }
}

/* ---- tiles that are summed in memory ---- */

/* What the tile holds so far. */
static const char *sum_text(const Ukernel *m) {
  const bool rows = leaf_buffer(m->f, view_of(m, m->f->k->nin))->format.lanes == 1;
  return load_text(m, "py", distance(m, m->f->k->nin), rows ? last_count(m, m->j) : 0);
}

/* acc0_0 = what the tile holds. */
static void read_sums(Ukernel *m) {
  for (m->r = 0; m->r < m->t->points; m->r++)
    for (m->j = 0; m->j < m->t->vectors; m->j++) {
      stand_at(m, m->r, m->j);
      emit(m->e, "const %s acc%d_%d = %s;", m->w->d.type, m->r, m->j, sum_text(m));
    }
}

/* The tile becomes 0, or takes in the accumulators. */
static void write_sums(Ukernel *m) {
  const char *isa = m->f->plan->target->name;
  for (m->r = 0; m->r < m->t->points; m->r++)
    for (m->j = 0; m->j < m->t->vectors; m->j++) {
      stand_at(m, m->r, m->j);
      const char *sum = emit_constant(m->e, &m->w->d, "0.0f");
      if (m->w->pass == TILE_ADD)
        sum = arena_printf(m->arena, "%s_add(%s, acc%d_%d)", isa, sum_text(m), m->r, m->j);
      print_store(m, sum);
    }
}

void ukernel_tile(Contract *w, const TileAt *t) {
  Ukernel m = {.w = w, .t = t, .f = w->f, .e = w->f->e, .arena = w->f->e->arena};
  print_pointers(&m);
  if (sums_samples(&m)) {
    reduce_samples(&m, w->bands.samples);
  } else if (sums_terms(w)) {
    start_accumulators(&m, "acc");
    reduce(&m, 0);
  }
  if (w->pass == TILE_FINISH) read_sums(&m);
  if (w->pass == TILE_CLEAR || w->pass == TILE_ADD)
    write_sums(&m);
  else if (w->sums)
    epilogue_of_sums(&m);
  else
    epilogue(&m);
}
