/* move.c - maps that only move data, between tensors whose elements follow each other along
 * different loops: packing weights, putting sums where they belong. Square blocks of lanes x lanes
 * elements are loaded along the one, turned round in registers and stored along the other.
 *
 *   for (int k_block = 0; k_block < 8; k_block++)
 *     for (int k_at = 0; k_at < 64; k_at += 16)          lanes of the result
 *       for (int c_block = 0; c_block < 9; c_block++) {  16 elements that lie together in the input
 *         avx512_v block[16];
 *         for (int row = 0; row < 16; row++)
 *           block[row] = avx512_load(in0 + ..);          k = .. + row
 *         avx512_transpose(block);
 *         for (int row = 0; row < 16; row++) {
 *           const int at = 16 * c_block + row;
 *           const int c = at / 9, kh = at / 3 % 3, kw = at % 3;
 *           avx512_store(out0 + .., block[row]);
 *         }
 *       }
 * What is moved may be worked into tensors that lie like the result: an update of a parameter.
 * Several loops whose elements follow each other are one run. Where both tensors lie along the same
 * loop, but one in wider blocks, vectors are copied. Samples that are lanes are a run as well; of
 * the last block only those that there are have rows. */
#include "leaf.h"

/* Loops along which the elements of a tensor follow each other, the innermost first. */
typedef struct Run {
  int n, loop[MAX_LOOPS];
  int64_t extent; /* of all of them */
  int block;      /* so many elements lie together for sure */
  bool samples;   /* their number is known when the code runs */
} Run;

typedef struct Move {
  Leaf *f;
  Emit *e;
  Arena *arena;
  const char *isa;
  int lanes;
  int in;      /* the input that is moved; any other one is where it is written */
  bool turned; /* the tensors lie along different loops */
  Run to, from;
} Move;

/* ---- what fits ---- */

/* Do elements of the view follow each other along loop l: in lanes, if there are any? */
static bool is_first(const Plan *p, const Kernel *k, const Layout *layout, const View *v, int l) {
  const int lanes = p->target->lanes;
  const bool samples = k->loop[l].extent.per_n > 0;
  if (samples && layout->lane_axis != 0) return false;
  for (int a = 0; a < v->rank; a++) {
    int only;
    if (!coord_uses(&v->at[a], l)) continue;
    if (layout->lane_axis >= 0)
      return a == layout->lane_axis && layout->lanes % lanes == 0 &&
             coord_is_loop(&v->at[a], &only);
    return layout->stride[a] == 1 && view_step(layout, v, l) == 1;
  }
  return false;
}

static bool find_first(const Plan *p, const Kernel *k, const View *v, Run *run) {
  const Layout layout = buffer_layout(&p->buffer.at[v->tensor], p->max_batch);
  for (int l = 0; l < k->nloop; l++) {
    if (!is_first(p, k, &layout, v, l)) continue;
    *run = (Run){.n = 1, .loop = {l}, .extent = extent_at(k->loop[l].extent, p->max_batch)};
    run->samples = k->loop[l].extent.per_n > 0;
    run->block = layout.lane_axis >= 0 ? layout.lanes : p->target->lanes;
    return true;
  }
  return false;
}

/* Adds the loops whose steps continue the run, but the other run's first and what is cut. */
static void extend(const Plan *p, const Kernel *k, const View *v, int other, Run *run) {
  const Layout layout = buffer_layout(&p->buffer.at[v->tensor], p->max_batch);
  if (layout.lane_axis >= 0 || k->bind[run->loop[0]].step >= 0) return;
  for (bool found = true; found;) {
    found = false;
    for (int l = 0; l < k->nloop && !found; l++) {
      if (l == other || k->loop[l].extent.per_n || k->bind[l].step >= 0) continue;
      if (view_step(&layout, v, l) != run->extent) continue;
      run->loop[run->n++] = l;
      run->extent *= k->loop[l].extent.plus;
      found = true;
    }
  }
}

static bool view_fits(const Plan *p, const Kernel *k, const View *v) {
  if (p->buffer.at[v->tensor].format.dtype != F32) return false;
  for (int a = 0; a < v->rank; a++)
    if (!coord_affine(&v->at[a]) || view_tests(p, k, v, a)) return false;
  return true;
}

/* The one input that is not replaced; -1: there are several. */
static int moved_input(const Kernel *k) {
  int moved = -1;
  for (int i = 0; i < k->nin; i++) {
    if (kernel_writes(k, k->in[i].tensor)) continue;
    if (moved >= 0) return -1;
    moved = i;
  }
  return moved;
}

/* Do the elements of a view lie like those of the first result? */
static bool lies_like_result(const Plan *p, const Kernel *k, const View *v) {
  const View *to = &k->out[0].to;
  const Buffer *a = &p->buffer.at[to->tensor], *b = &p->buffer.at[v->tensor];
  if (!type_same(&a->type, &b->type) || b->format.dtype != F32) return false;
  if (a->format.lanes > 1 || b->format.lanes > 1) return false;
  for (int i = 0; i < to->rank; i++)
    if (!coord_same(&to->at[i], &v->at[i])) return false;
  return true;
}

/* One input that becomes the result, or part of everything that lies like it. */
static bool values_fit(const Plan *p, const Kernel *k, int in) {
  if (k->nin == 1) return k->nout == 1 && !k->out[0].combine && k->out[0].value->op == E_in;
  for (int i = 0; i < k->nin; i++)
    if (i != in && !lies_like_result(p, k, &k->in[i])) return false;
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].combine || !lies_like_result(p, k, &k->out[o].to)) return false;
  return !kernel_uses(k, E_index, -1) && !kernel_uses(k, E_random, -1);
}

/* Copies of whole vectors along one loop are left to plain loops, which take more than one input;
 * so are runs too short for blocks. */
static bool find_runs(const Plan *p, const Kernel *k, Move *m) {
  const int lanes = p->target->lanes, in = moved_input(k);
  if (lanes == 1 || k->math != F32 || k->nfold || in < 0 || !values_fit(p, k, in)) return false;
  const View *to = &k->out[0].to, *from = &k->in[in];
  if (!view_fits(p, k, to) || !view_fits(p, k, from) || !find_first(p, k, to, &m->to) ||
      !find_first(p, k, from, &m->from))
    return false;
  m->in = in;
  m->turned = m->to.loop[0] != m->from.loop[0];
  if (!m->turned) {
    if (m->to.samples || k->nin > 1) return false;
    if (m->from.block > m->to.block) m->to.block = m->from.block;
    return m->to.block > lanes;
  }
  const int first = m->to.loop[0];
  extend(p, k, to, m->from.loop[0], &m->to);
  extend(p, k, from, first, &m->from);
  for (int i = 1; i < m->to.n; i++) /* a loop of both runs is the result's */
    for (int j = 1; j < m->from.n; j++)
      if (m->to.loop[i] == m->from.loop[j]) {
        m->from.n = j;
        m->from.extent = 1;
        for (int l = 0; l < j; l++) m->from.extent *= k->loop[m->from.loop[l]].extent.plus;
      }
  return 4 * m->to.extent >= lanes && 4 * m->from.extent >= lanes;
}

bool move_fits(const Leaf *f) {
  Move m;
  return find_runs(f->plan, f->k, &m) && linear_divides(&f->from[m.to.loop[0]], m.to.block) &&
         linear_divides(&f->from[m.from.loop[0]], m.from.block);
}

double move_cycles(const Plan *p, const Kernel *k) {
  Move m;
  double points = 1;
  if (!find_runs(p, k, &m)) return -1;
  for (int l = 0; l < k->nloop; l++) points *= (double)extent_at(k->loop[l].extent, p->max_batch);
  return points * 10 / p->target->lanes;
}

/* ---- places ---- */

/* Stands at element `at` of a run, and with it behind: later loops of the run stay at 0. */
static void stand_at(Move *m, const Run *run, const Linear *at) {
  for (int i = 1; i < run->n; i++) m->f->value[run->loop[i]] = linear_constant(0);
  m->f->value[run->loop[0]] = *at;
}

/* Stands at element `at` + row, each loop of the run that the view uses at its own value. Samples
 * are asked for: then what follows has to be closed. */
static bool stand_at_row(Move *m, const Run *run, const Linear *at, const View *v) {
  Linear here = *at, row = linear_variable(1, "row");
  row.term[0].below = m->lanes;
  linear_add(&here, &row, 1);
  m->f->value[run->loop[0]] = here;
  bool used = false;
  for (int i = 0; i < run->n; i++) used |= view_uses(v, run->loop[i]);
  if (run->samples) {
    const Loop *loop = &m->f->k->loop[run->loop[0]];
    const Linear end = extent_form(loop->extent);
    emit(m->e, "const int %s = %s;", loop->name, leaf_form(m->f, &here));
    m->f->value[run->loop[0]] = linear_variable(1, loop->name);
    return emit_open(m->e, "if (%s < %s)", loop->name, leaf_form(m->f, &end));
  }
  if (run->n == 1 || !used) return false;
  emit(m->e, "const int at = %s;", leaf_form(m->f, &here));
  int64_t step = 1;
  for (int i = 0; i < run->n; i++) {
    const Loop *loop = &m->f->k->loop[run->loop[i]];
    Text value = {.arena = m->arena};
    text_add(&value, "at");
    if (step > 1) text_add(&value, " / %lld", (long long)step);
    if (i + 1 < run->n) text_add(&value, " %% %lld", (long long)loop->extent.plus);
    step *= loop->extent.plus;
    if (!view_uses(v, run->loop[i])) continue;
    emit(m->e, "const int %s = %s;", loop->name, value.at);
    m->f->value[run->loop[i]] = linear_variable(1, loop->name);
  }
  return false;
}

/* ---- blocks ---- */

typedef struct Part { /* elements of a run: a vector of them, or the first `count` */
  Linear at;
  int count; /* 0: all lanes */
} Part;

static void store_vector(Move *m, const View *to, const char *value, int count) {
  leaf_store(m->f, to, leaf_pointer(m->f, to), leaf_subscript(m->f, to), value, count);
}

static void print_copy(Move *m, const Part *to) {
  const Kernel *k = m->f->k;
  stand_at(m, &m->to, &to->at);
  const char *value = leaf_load(m->f, &k->in[0], m->from.loop[0], to->count);
  store_vector(m, &k->out[0].to, value, to->count);
}

static const char *update_leaf(void *context, const Expr *x) {
  const Move *m = context;
  if (x->op == E_in) return arena_printf(m->arena, "x%d", x->index);
  return arena_printf(m->arena, "%s_set1((float)%s)", m->isa, leaf_scalar(m->f, x->index));
}

/* Stores block[row], or works it into what lies where it would. */
static void store_row(Move *m, int count) {
  const Kernel *k = m->f->k;
  const Dialect d = vector_dialect(m->e, m->f->plan->target);
  if (k->nin == 1) {
    store_vector(m, &k->out[0].to, "block[row]", count);
    return;
  }
  for (int i = 0; i < k->nin; i++)
    emit(m->e, "const %s x%d = %s;", d.type, i,
         i == m->in ? "block[row]" : leaf_load(m->f, &k->in[i], m->to.loop[0], count));
  for (int o = 0; o < k->nout; o++)
    store_vector(m, &k->out[o].to, emit_expr(m->e, &d, k->out[o].value, update_leaf, m), count);
}

static void print_block(Move *m, const Part *to, const Part *from) {
  const View *in = &m->f->k->in[m->in], *out = &m->f->k->out[0].to;
  const int rows = to->count ? to->count : m->lanes;
  emit(m->e, "%s_v block[%d];", m->isa, m->lanes);
  FOR(m->e, "row", 0, rows, 1) {
    if (m->to.samples) emit(m->e, "block[row] = %s_zero();", m->isa);
    const bool asked = stand_at_row(m, &m->to, &to->at, in);
    stand_at(m, &m->from, &from->at);
    emit(m->e, "block[row] = %s;", leaf_load(m->f, in, m->from.loop[0], from->count));
    leaf_close(m->f, asked);
  }
  if (to->count) FOR(m->e, "row", rows, m->lanes, 1) {
      emit(m->e, "block[row] = %s_zero();", m->isa);
    }
  emit(m->e, "%s_transpose(block);", m->isa);
  FOR(m->e, "row", 0, from->count ? from->count : m->lanes, 1) {
    const bool asked = stand_at_row(m, &m->from, &from->at, out);
    stand_at(m, &m->to, &to->at);
    store_row(m, to->count);
    leaf_close(m->f, asked);
  }
}

static void print_parts(Move *m, const Run *run, const Part *to);

static void print_at(Move *m, const Run *run, const Part *to, const Linear *at, int count) {
  const Part part = {*at, count};
  if (run == &m->to && m->turned)
    print_parts(m, &m->from, &part);
  else if (m->turned)
    print_block(m, to, &part);
  else
    print_copy(m, &part);
}

/* Parts of the elements [begin, begin + count) of a run, `begin` a whole block. */
static void parts_of_block(Move *m, const Run *run, const Part *to, Linear begin, int count) {
  const int whole = count / m->lanes, rest = count % m->lanes;
  if (whole > 1) {
    const char *name = arena_printf(m->arena, "%s_at", m->f->k->loop[run->loop[0]].name);
    Linear at = linear_variable(1, name), here = begin;
    at.term[0].below = (whole - 1) * m->lanes + 1;
    linear_add(&here, &at, 1);
    FOR(m->e, name, 0, whole * m->lanes, m->lanes) {
      print_at(m, run, to, &here, 0);
    }
  } else if (whole == 1) {
    emit_open_block(m->e);
    print_at(m, run, to, &begin, 0);
    emit_close(m->e);
  }
  begin.constant += count - rest;
  if (rest == 0) return;
  leaf_open_rest(m->f, NULL, rest);
  print_at(m, run, to, &begin, rest);
  emit_close(m->e);
}

/* Samples, a vector of them a turn. */
static void print_samples(Move *m, const Run *run, const Part *to) {
  const int l = run->loop[0];
  const bool opened = leaf_open_images(m->f, l);
  const Linear at = m->f->value[l];
  m->f->images = NULL; /* rows ask */
  print_at(m, run, to, &at, 0);
  leaf_close_images(m->f, l, opened);
}

/* A run part by part: whole blocks, then what is left. */
static void print_parts(Move *m, const Run *run, const Part *to) {
  Leaf *f = m->f;
  const int l = run->loop[0];
  if (run->samples) {
    print_samples(m, run, to);
    return;
  }
  const int64_t rest = run->extent % run->block;
  const char *name = arena_printf(m->arena, "%s_block", f->k->loop[l].name);
  Linear from = f->from[l], end = f->to[l];
  if (run->n > 1) end = linear_constant(run->extent);
  from = linear_divided(&from, run->block);
  Linear last = linear_divided(&end, run->block);
  if (end.n > 0 && !linear_divides(&end, run->block))
    last = linear_variable(1, arena_printf(m->arena, "(%s) / %d", leaf_form(f, &end), run->block));
  if (run->extent >= run->block)
    BLOCK(m->e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &from), name,
          leaf_form(f, &last), name) {
      parts_of_block(m, run, to, linear_variable(run->block, name), run->block);
    }
  if (rest == 0) return;
  const bool tested = end.n > 0;
  if (tested) emit_open(m->e, "if (%s == %lld)", leaf_form(f, &end), (long long)run->extent);
  parts_of_block(m, run, to, linear_constant(run->extent - rest), (int)rest);
  if (tested) emit_close(m->e);
}

static bool in_run(const Run *run, int l) {
  for (int i = 0; i < run->n; i++)
    if (run->loop[i] == l) return true;
  return false;
}

static void other_loops(Move *m, int l) {
  while (l < m->f->k->nloop && (in_run(&m->to, l) || (m->turned && in_run(&m->from, l)))) l++;
  if (l == m->f->k->nloop) {
    print_parts(m, &m->to, NULL);
    return;
  }
  const bool opened = leaf_open(m->f, l);
  other_loops(m, l + 1);
  leaf_close(m->f, opened);
}

void move_body(Leaf *f) {
  Move m = {.f = f, .e = f->e, .arena = f->e->arena};
  if (!find_runs(f->plan, f->k, &m)) BUG("%s does not move data", f->k->name);
  m.isa = f->plan->target->name;
  m.lanes = f->plan->target->lanes;
  other_loops(&m, 0);
  leaf_margins(f, &f->k->out[0], !m.to.samples);
}
