/* loops.c - any Kernel as plain loops: free loops outside, reduced loops inside, in the kernel's
 * order.
 *
 *   for (int n = n_block; n < n_block + 1; n++)
 *     for (int c_block = 0; c_block < 4; c_block++)      the lane loop: one vector per turn
 *       for (int oh = 0; oh < 28; oh++)
 *         for (int ow = 0; ow < 28; ow++) {
 *           avx512_v acc0 = avx512_set1(-INFINITY);
 *           for (int ih = ih_from; ih < ih_to; ih++)     windows run over input coordinates
 *             for (int iw = iw_from; iw < iw_to; iw++) {
 *               const avx512_v x0 = avx512_load(in0 + ..);
 *               acc0 = avx512_fold_max(acc0, x0);
 *             }
 *           avx512_store(out0 + .., acc0);
 *         }
 *
 * One free loop runs in vectors where every view that mentions it moves by one element with it;
 * else everything is scalar. Samples run in vectors where they are lanes of all tensors; sums over
 * them add up the lanes at the end. Loops around it that only continue its rows run as one with it.
 * Coordinates that may be outside, or have divisions, are named and tested. Arithmetic in double
 * keeps to the interpreter's order, so its bits are the same; sums in double of terms in vectors
 * have one of each half. Outs that combine get loops of their own: the free loops that `to` misses
 * run inside, into a sum. */
#include "loops.h"

#include <string.h>

/* ---- loops ---- */

static void run_level(Loops *w, int level);

/* What a free loop decides leaves out terms, but not the point: that is for run_point. */
static void loop_body(Loops *w, int level) {
  const char *skip = loops_name_coordinates(w, level);
  if (level < w->nfree) {
    w->terms_if[level] = skip;
    run_level(w, level + 1);
  } else if (skip) {
    BLOCK(w->f->e, "if (%s)", skip) {
      run_level(w, level + 1);
    }
  } else {
    run_level(w, level + 1);
  }
  loops_forget_coordinates(w, level);
}

static void window_loop(Loops *w, int level, const Coord *c, Extent extent) {
  Leaf *f = w->f;
  Emit *e = f->e;
  Arena *arena = e->arena;
  const int l = w->order[level];
  const char *loop = f->k->loop[l].name;
  const char *name = arena_printf(arena, "i%s", loop[0] == 'k' && loop[1] ? loop + 1 : loop);
  const Linear first = loops_window_begin(w, l, c);
  Linear last = first;
  const Linear all = extent_form(f->k->loop[l].extent), end = extent_form(extent);
  linear_add(&last, &all, 1);
  const char *from = leaf_form(f, &first), *to = leaf_form(f, &last), *limit = leaf_form(f, &end);
  emit(e, "const int %s_from = %s > 0 ? %s : 0;", name, from, from);
  emit(e, "const int %s_to = %s < %s ? %s : %s;", name, to, limit, to, limit);
  for (int i = 0; i < f->k->nin; i++)
    for (int a = 0; a < f->k->in[i].rank; a++)
      if (coord_uses(&f->k->in[i].at[a], l)) f->coordinate[i][a] = name;
  BLOCK(e, "for (int %s = %s_from; %s < %s_to; %s++)", name, name, name, name, name) {
    loop_body(w, level);
  }
}

/* Reduced loop l moves a coordinate (p - l) / s where s must divide: a gradient's window. Can it
 * run over the coordinate instead? Where skipping views have equal such coordinates, one in each,
 * and all others that mention l need no test. Returns one of the views, and its axis. */
static const View *stride_coordinate(const Loops *w, int level, int *axis) {
  const Kernel *k = w->f->k;
  const int l = w->order[level];
  const View *found = NULL;
  if (!k->loop[l].reduced || k->loop[l].extent.per_n || k->bind[l].step >= 0) return NULL;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++) {
      const Coord *c = &k->in[i].at[a];
      if (!coord_uses(c, l) || (coord_affine(c) && !loops_needs_name(w, &k->in[i], a))) continue;
      if (!c->exact || c->mod || c->coef[l] != -1 || k->in[i].outside != SKIP) return NULL;
      if (loops_level(w, c) != level) return NULL;
      const Extent dim = leaf_buffer(w->f, &k->in[i])->type.dim[a];
      if (dim.per_n || (found && !coord_same(&found->at[*axis], c))) return NULL;
      if (found && !extent_same(leaf_buffer(w->f, found)->type.dim[*axis], dim)) return NULL;
      found = &k->in[i];
      *axis = a;
    }
  if (!found) return NULL;
  Coord p = coord_linear(&found->at[*axis]);
  int64_t lo, hi;
  p.coef[l] = 0;
  coord_range(k, &p, w->f->plan->max_batch, &lo, &hi);
  return lo >= 0 ? found : NULL;
}

/* for (o = (p - l's last value) / s rounded up, at least 0; o <= p / s; o++): l = p - s * o */
static void stride_loop(Loops *w, int level, const View *v, int axis) {
  Leaf *f = w->f;
  Emit *e = f->e;
  const int l = w->order[level];
  const Coord c = v->at[axis];
  const char *name = loops_axis_name(f, v, axis);
  const long long extent = leaf_buffer(f, v)->type.dim[axis].plus;
  Linear p = linear_constant(c.plus);
  for (int i = 0; i < f->k->nloop; i++)
    if (c.coef[i] && i != l) linear_add(&p, &f->value[i], c.coef[i]);
  Linear first = p;
  first.constant += c.div - f->k->loop[l].extent.plus;
  const char *from = leaf_form(f, &first), *to = leaf_form(f, &p);
  emit(e, "const int %s_from = %s > 0 ? (%s) / %d : 0;", name, from, from, c.div);
  emit(e, "const int %s_last = (%s) / %d;", name, to, c.div);
  emit(e, "const int %s_to = %s_last < %lld ? %s_last + 1 : %lld;", name, name, extent - 1, name,
       extent);
  for (int i = 0; i < f->k->nin; i++)
    for (int a = 0; a < f->k->in[i].rank; a++)
      if (coord_same(&f->k->in[i].at[a], &c)) f->coordinate[i][a] = name;
  f->value[l] = p;
  const Linear back = linear_variable(1, name);
  linear_add(&f->value[l], &back, -c.div);
  BLOCK(e, "for (int %s = %s_from; %s < %s_to; %s++)", name, name, name, name, name) {
    loop_body(w, level);
  }
}

/* The lane loop: whole vectors, then the lanes that are left. */
static void vector_loop(Loops *w, int level) {
  Leaf *f = w->f;
  Emit *e = f->e;
  Arena *arena = e->arena;
  const int l = w->order[level], lanes = f->plan->target->lanes;
  const int64_t extent = w->extent;
  const Linear first = linear_divided(&w->from, lanes), *to = &w->to;
  const char *name = arena_printf(arena, "%s_block", f->k->loop[w->run].name);
  const char *last;
  if (linear_divides(to, lanes) || to->n == 0) {
    const Linear blocks = linear_divided(to, lanes);
    last = leaf_form(f, &blocks);
  } else {
    last = arena_printf(arena, "(%s) / %d", leaf_form(f, to), lanes);
  }
  f->value[l] = linear_variable(lanes, name);
  if (extent >= lanes)
    BLOCK(e, "for (int %s = %s; %s < %s; %s++)", name, leaf_form(f, &first), name, last, name) {
      loop_body(w, level);
    }
  if (extent % lanes == 0) return;
  f->value[l] = linear_constant(extent / lanes * lanes);
  w->count = (int)(extent % lanes);
  const char *end = leaf_form(f, to);
  leaf_open_rest(f, to->n ? arena_printf(arena, "%s == %lld", end, (long long)extent) : NULL,
                 w->count);
  loop_body(w, level);
  emit_close(e);
  w->count = 0;
}

static void open_loop(Loops *w, int level) {
  Leaf *f = w->f;
  const int l = w->order[level];
  Extent extent;
  int axis = 0;
  const Coord *window = loops_window(w, l, &extent);
  const View *strided = window ? NULL : stride_coordinate(w, level, &axis);
  if (window) {
    window_loop(w, level, window, extent);
  } else if (strided) {
    stride_loop(w, level, strided, axis);
  } else if (l == w->lane && f->k->loop[l].extent.per_n) {
    const bool opened = leaf_open_images(f, l);
    loop_body(w, level);
    leaf_close_images(f, l, opened);
  } else if (l == w->lane) {
    vector_loop(w, level);
  } else {
    const bool opened = leaf_open(f, l);
    loop_body(w, level);
    leaf_close(f, opened);
  }
}

/* The terms of one point; of a window that is not unrolled there, or leaves its tensor. */
static void run_terms(Loops *w) {
  Emit *e = w->f->e;
  Text all = {.arena = e->arena};
  for (int level = 0; level < w->nfree; level++)
    if (w->terms_if[level]) text_add(&all, "%s%s", all.n ? " && " : "", w->terms_if[level]);
  const bool loops = w->nfree < w->norder;
  bool leaves = false;
  if (!all.n && loops_unroll_window(w, &leaves)) {
    if (!leaves) return;
    emit_open(e, "else");
    open_loop(w, w->nfree);
    emit_close(e);
    return;
  }
  if (all.n)
    emit_open(e, "if (%s)", all.at);
  else if (!loops) { /* folds over a single term */
    emit_open_block(e);
  }
  if (loops)
    open_loop(w, w->nfree);
  else
    loops_add_terms(w);
  if (all.n || !loops) emit_close(e);
}

bool loops_sum_lanes(const Loops *w) {
  return w->lane >= 0 && w->f->k->loop[w->lane].reduced;
}

static void run_point(Loops *w) {
  const Kernel *k = w->f->k;
  const Dialect vector = vector_dialect(w->f->e, w->f->plan->target), *const scalar = w->d;
  if (loops_sum_lanes(w)) {
    w->d = &vector;
    w->vectors = true;
  }
  for (int a = 0; a < k->nfold; a++) loops_start_fold(w, a);
  if (k->nfold > 0) run_terms(w);
  if (loops_sum_lanes(w)) {
    for (int a = 0; a < k->nfold; a++) loops_total(w, a);
    w->d = scalar;
    w->vectors = false;
  }
  for (int i = 0; i < k->nin; i++)
    if (loops_in_value(w, i) && !w->early[i]) loops_load(w, i);
  for (int o = 0; o < k->nout; o++)
    if (w->out[o]) loops_store(w, o);
}

static void run_level(Loops *w, int level) {
  if (level == w->early_level) loops_add_early(w);
  if (w->combine && level == w->nto) {
    for (int o = 0; o < w->f->k->nout; o++)
      if (w->out[o]) emit(w->f->e, "double sum%d = 0.0;", o);
    if (w->nto < w->nfree)
      open_loop(w, level);
    else
      run_point(w);
    loops_finish_sums(w);
  } else if (level == w->nfree) {
    run_point(w);
  } else if (level == w->norder) {
    loops_add_terms(w);
  } else {
    open_loop(w, level);
  }
}

/* ---- choosing the lane loop ---- */

/* Where loop l runs in vectors, the view's element is one of a vector, or the same for all. Samples
 * are in lanes: behind the last one plain memory ends. */
static bool view_in_vectors(const Plan *p, const Kernel *k, const View *v, int l) {
  const bool samples = k->loop[l].extent.per_n && view_uses(v, l);
  return view_moves_by_one(p, k, v, l) && (!samples || buffer_in_batch(&p->buffer.at[v->tensor]));
}

static bool runs_in_vectors(const Plan *p, const Kernel *k, int l) {
  const bool sums = k->loop[l].reduced;
  if ((sums && !k->loop[l].extent.per_n) || kernel_uses_index(k, l)) return false;
  for (int a = 0; a < k->nfold && sums; a++)
    if (k->fold[a].op != FOLD_SUM) return false;
  for (int i = 0; i < k->nin; i++)
    if (!view_in_vectors(p, k, &k->in[i], l)) return false;
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].combine || view_uses(&k->out[o].to, l) == sums ||
        !view_in_vectors(p, k, &k->out[o].to, l))
      return false;
  return true;
}

int loops_lane(const Plan *p, const Kernel *k, DType math, const Linear *from) {
  const int lanes = p->target->lanes;
  if (lanes == 1 || math != F32) return -1;
  for (int l = k->nloop - 1; l >= 0; l--)
    if ((!from || linear_divides(&from[l], lanes)) && runs_in_vectors(p, k, l)) return l;
  return -1;
}

/* The loops around the lane loop that run as one with it, as far as the part that runs begins with
 * whole vectors. */
static void find_run(Loops *w) {
  Leaf *f = w->f;
  const Kernel *k = f->k;
  w->run = loops_run(f->plan, k, w->lane);
  for (;; w->run++) {
    w->extent = 1;
    for (int l = w->run; l <= w->lane; l++) w->extent *= k->loop[l].extent.plus;
    const int64_t row = w->extent / k->loop[w->run].extent.plus;
    w->from = w->to = linear_constant(0);
    linear_add(&w->from, &f->from[w->run], row);
    linear_add(&w->to, &f->to[w->run], row);
    if (w->run == w->lane || linear_divides(&w->from, f->plan->target->lanes)) break;
  }
  for (int l = w->run; l < w->lane; l++) f->value[l] = linear_constant(0);
}

/* ---- the function ---- */

static void order_loops(Loops *w) {
  const Kernel *k = w->f->k;
  const Out *out = NULL;
  for (int o = 0; o < k->nout && w->combine; o++)
    if (w->out[o]) out = &k->out[o];
  for (int pass = 0; pass < 3; pass++) {
    for (int l = 0; l < k->nloop; l++) {
      const int group = k->loop[l].reduced ? 2 : out && !view_uses(&out->to, l) ? 1 : 0;
      if (l >= w->run && l < w->lane) continue;
      if (group == pass) w->order[w->norder++] = l;
    }
    if (pass == 0) w->nto = w->norder;
    if (pass == 1) w->nfree = w->norder;
  }
}

static void run_outs(Leaf *f, const bool *out, bool combine, DType math) {
  Loops w = {.f = f, .math = math, .combine = combine, .lane = -1};
  if (!combine) w.lane = loops_lane(f->plan, f->k, math, f->from);
  const Dialect vector = vector_dialect(f->e, f->plan->target);
  w.vectors = w.lane >= 0 && !loops_sum_lanes(&w);
  w.d = w.vectors ? &vector : math == F64 ? &scalar_double : &scalar_float;
  memcpy(w.out, out, sizeof w.out);
  w.run = w.lane;
  if (w.lane >= 0 && !f->k->loop[w.lane].extent.per_n) find_run(&w);
  order_loops(&w);
  loops_find_early(&w);
  run_level(&w, 0);
  for (int o = 0; o < f->k->nout; o++)
    if (out[o]) leaf_margins(f, &f->k->out[o], !w.vectors);
}

/* Sums in double take all arithmetic with them, unless they run in vectors. */
static DType loops_math(const Leaf *f) {
  const Kernel *k = f->k;
  const bool in_vectors = kernel_only_sums(k) && loops_lane(f->plan, k, k->math, f->from) >= 0;
  bool wide = false;
  for (int i = 0; i < k->nfold; i++) wide |= k->fold[i].acc == F64;
  return wide && !in_vectors ? F64 : k->math;
}

void loops_body(Leaf *f) {
  const Kernel *k = f->k;
  const DType math = loops_math(f);
  bool plain[MAX_OUT] = {false}, any = false;
  for (int o = 0; o < k->nout; o++) any |= plain[o] = !k->out[o].combine;
  if (any) run_outs(f, plain, false, math);
  for (int o = 0; o < k->nout; o++) {
    bool one[MAX_OUT] = {false};
    one[o] = true;
    if (k->out[o].combine) run_outs(f, one, true, F64);
  }
}
