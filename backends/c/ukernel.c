/* ukernel.c - one register tile: R points x K vectors.
 *
 *   const float *px = in0 + ..; const float *pw = in1 + ..;
 *   avx512_v acc0_0 = avx512_zero(); ..                  named: the compiler must not spill
 *   for (int kh ..) for (int kw ..) for (int c ..) {     in the kernel's order
 *     const avx512_v w0 = avx512_load(pw + ..), ..        K vectors of one contiguous stream
 *     avx512_fetch(pw, ..), avx512_fetch(px, ..)          what later turns read
 *     const avx512_v x0 = avx512_set1(px[..]);            R broadcasts
 *     acc0_0 = avx512_fma(x0, w0, acc0_0); ..            R * K
 *     avx512_fence();                                    or gcc hoists loads and spills
 *   }
 *   avx512_store(py + .., avx512_max(avx512_add(acc0_0, bias0), avx512_zero())); .. */
#include "ukernel.h"

/* ---- helpers of the target, or plain C where vectors are one float ---- */

const char *ukernel_load(const Ukernel *m, const char *pointer, const char *at, int count) {
  const char *isa = m->f->plan->target->name;
  if (m->w->lanes == 1) return arena_printf(m->arena, "%s[%s]", pointer, at);
  if (count) return arena_printf(m->arena, "%s_load_part(%s + %s, %d)", isa, pointer, at, count);
  return arena_printf(m->arena, "%s_load(%s + %s)", isa, pointer, at);
}

const char *ukernel_broadcast(const Ukernel *m, const char *pointer, const char *at) {
  return emit_constant(m->e, &m->w->d, arena_printf(m->arena, "%s[%s]", pointer, at));
}

/* ---- places ---- */

void ukernel_stand_at(const Ukernel *m, int r, int j) {
  Contract *w = m->w;
  if (w->row > 0) {
    m->f->value[w->outer] = m->t->at;
    m->f->value[w->outer].constant += r / w->row;
    m->f->value[w->point] = linear_constant(r % w->row);
  } else {
    m->f->value[w->point] = m->t->at;
    m->f->value[w->point].constant += r;
  }
  m->f->value[w->lane] = m->t->lane_at;
  m->f->value[w->lane].constant += (int64_t)(j / w->turns) * w->step;
  if (w->taps >= 0) m->f->value[w->taps] = linear_constant(j % w->turns);
}

const View *ukernel_view(const Ukernel *m, int i) {
  return kernel_view(m->f->k, i);
}

Linear ukernel_place(const Ukernel *m, int i) {
  Linear place = leaf_place(m->f, ukernel_view(m, i));
  linear_add(&place, &m->base[i], -1);
  return place;
}

const char *ukernel_distance(const Ukernel *m, int i) {
  const Linear place = ukernel_place(m, i);
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

bool ukernel_leaves(const Ukernel *m, const View *v, int axis) {
  return v->outside == SKIP && view_tests(m->f->plan, m->f->k, v, axis);
}

/* Where a view begins for the tile: coordinates that loops run over at 0. */
static Linear begin_of(const Ukernel *m, const View *v) {
  Linear at[MAX_RANK];
  if (v->outside != SKIP) return leaf_place(m->f, v);
  for (int a = 0; a < v->rank; a++)
    at[a] = ukernel_leaves(m, v, a) ? linear_constant(0) : leaf_coordinate(m->f, v, a);
  return leaf_element(m->f, leaf_buffer(m->f, v), at);
}

bool ukernel_is_outside(const Contract *w, int l) {
  return w->pass == TILE_ADD && l == w->bands.samples;
}

bool ukernel_is_band(const Contract *w, int l) {
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
    if (!k->loop[l].reduced || ukernel_is_outside(w, l)) continue;
    m->f->value[l] = ukernel_is_band(w, l) ? w->band_at : linear_constant(0);
  }
  ukernel_stand_at(m, 0, 0);
  for (int i = 0; i <= k->nin; i++) {
    const bool operand = i == w->c.x || i == w->c.w, sums = sums_terms(w);
    const bool ends = w->pass == TILE_WHOLE || w->pass == TILE_FINISH;
    if (i < k->nin && !(operand && sums) && !(ends && in_epilogue(m, i) && !gathered(m, i)))
      continue;
    m->base[i] = begin_of(m, ukernel_view(m, i));
    emit(m->e, "%sfloat *%s = %s + %s;", i < k->nin ? "const " : "", pointer_name(m, i),
         leaf_pointer(m->f, ukernel_view(m, i)), leaf_form(m->f, &m->base[i]));
  }
}

bool ukernel_sums_samples(const Ukernel *m) {
  return m->w->pass == TILE_WHOLE && m->w->bands.samples >= 0;
}

int ukernel_count(const Ukernel *m, int j) {
  return j >= m->t->vectors - m->w->turns ? m->t->count : 0;
}

/* ---- the epilogue ---- */

static const char *gather_name(const Ukernel *m, int i) {
  return arena_printf(m->arena, "lanes%d_%d_%d", i, m->r, m->j);
}

/* float lanes2_0_0[16] = {0}; for (int lane ..) lanes2_0_0[lane] = in2[..]; */
static void print_gather(const Ukernel *m, int i) {
  Contract *w = m->w;
  const int count = ukernel_count(m, m->j) ? ukernel_count(m, m->j) : w->lanes;
  Linear lane = linear_variable(1, "lane");
  lane.term[0].below = count;
  ukernel_stand_at(m, m->r, m->j);
  linear_add(&m->f->value[w->lane], &lane, 1);
  emit(m->e, "float %s[%d] = {0};", gather_name(m, i), w->lanes);
  FOR(m->e, "lane", 0, count, 1) {
    emit(m->e, "%s[lane] = %s[%s];", gather_name(m, i), leaf_pointer(m->f, ukernel_view(m, i)),
         leaf_subscript(m->f, ukernel_view(m, i)));
  }
  ukernel_stand_at(m, m->r, m->j);
}

static const char *input_text(const Ukernel *m, int i) {
  const View *v = ukernel_view(m, i);
  if (gathered(m, i)) return ukernel_load(m, gather_name(m, i), "0", 0);
  const char *pointer = pointer_name(m, i), *at = ukernel_distance(m, i);
  if (!view_uses(v, m->w->lane)) return ukernel_broadcast(m, pointer, at);
  const bool plain = m->f->plan->buffer.at[v->tensor].format.lanes == 1;
  return ukernel_load(m, pointer, at, plain ? ukernel_count(m, m->j) : 0);
}

/* Is an input the same for all points of the tile? */
static bool shared(const Ukernel *m, int i) {
  return !gathered(m, i) && !view_uses(ukernel_view(m, i), m->w->point) &&
         (m->w->outer < 0 || !view_uses(ukernel_view(m, i), m->w->outer));
}

/* The accumulator whose value is printed. */
static const char *accumulator(const Ukernel *m) {
  return arena_printf(m->arena, "%s%d_%d", ukernel_sums_samples(m) ? "sum" : "acc", m->r, m->j);
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
  const char *at = ukernel_distance(m, m->f->k->nin);
  if (m->w->lanes == 1)
    emit(m->e, "py[%s] = %s;", at, value);
  else
    leaf_store(m->f, ukernel_view(m, m->f->k->nin), "py", at, value, ukernel_count(m, m->j));
}

static void epilogue(Ukernel *m) {
  const Kernel *k = m->f->k;
  for (m->j = 0; m->j < m->t->vectors; m->j++) {
    ukernel_stand_at(m, 0, m->j);
    for (int i = 0; i < k->nin; i++)
      if (in_epilogue(m, i) && shared(m, i))
        emit(m->e, "const %s b%d_%d = %s;", m->w->d.type, i, m->j, input_text(m, i));
    for (m->r = 0; m->r < m->t->points; m->r++) {
      for (int i = 0; i < k->nin; i++)
        if (in_epilogue(m, i) && gathered(m, i)) print_gather(m, i);
      ukernel_stand_at(m, m->r, m->j);
      print_store(m, emit_expr(m->e, &m->w->d, k->out[0].value, epilogue_leaf, m));
    }
  }
}

static const char *sum_leaf(void *context, const Expr *x) {
  const Ukernel *m = context;
  if (x->op == E_acc)
    return arena_printf(m->arena, "%s_sum(%s)", m->f->plan->target->name, accumulator(m));
  if (x->op == E_in)
    return arena_printf(m->arena, "%s[%s]", pointer_name(m, x->index),
                        ukernel_distance(m, x->index));
  return arena_printf(m->arena, "(float)%s", leaf_scalar(m->f, x->index));
}

/* An element of the result for each accumulator: its lanes added up. */
static void epilogue_of_sums(Ukernel *m) {
  for (m->j = 0; m->j < m->t->vectors; m->j++)
    for (m->r = 0; m->r < m->t->points; m->r++) {
      ukernel_stand_at(m, m->r, m->j);
      const char *at = ukernel_distance(m, m->f->k->nin);
      emit(m->e, "py[%s] = %s;", at,
           emit_expr(m->e, &scalar_float, m->f->k->out[0].value, sum_leaf, m));
    }
}

/* ---- tiles that are summed in memory ---- */

/* What the tile holds so far. */
static const char *sum_text(const Ukernel *m) {
  const bool rows = leaf_buffer(m->f, ukernel_view(m, m->f->k->nin))->format.lanes == 1;
  return ukernel_load(m, "py", ukernel_distance(m, m->f->k->nin),
                      rows ? ukernel_count(m, m->j) : 0);
}

/* acc0_0 = what the tile holds. */
static void read_sums(Ukernel *m) {
  for (m->r = 0; m->r < m->t->points; m->r++)
    for (m->j = 0; m->j < m->t->vectors; m->j++) {
      ukernel_stand_at(m, m->r, m->j);
      emit(m->e, "const %s acc%d_%d = %s;", m->w->d.type, m->r, m->j, sum_text(m));
    }
}

/* The tile becomes 0, or takes in the accumulators. */
static void write_sums(Ukernel *m) {
  const char *isa = m->f->plan->target->name;
  for (m->r = 0; m->r < m->t->points; m->r++)
    for (m->j = 0; m->j < m->t->vectors; m->j++) {
      ukernel_stand_at(m, m->r, m->j);
      const char *sum = emit_constant(m->e, &m->w->d, "0.0f");
      if (m->w->pass == TILE_ADD)
        sum = arena_printf(m->arena, "%s_add(%s, acc%d_%d)", isa, sum_text(m), m->r, m->j);
      print_store(m, sum);
    }
}

void ukernel_tile(Contract *w, const TileAt *t) {
  Ukernel m = {.w = w, .t = t, .f = w->f, .e = w->f->e, .arena = w->f->e->arena};
  print_pointers(&m);
  if (sums_terms(w)) ukernel_sum(&m);
  if (w->pass == TILE_FINISH) read_sums(&m);
  if (w->pass == TILE_CLEAR || w->pass == TILE_ADD)
    write_sums(&m);
  else if (w->sums)
    epilogue_of_sums(&m);
  else
    epilogue(&m);
}
