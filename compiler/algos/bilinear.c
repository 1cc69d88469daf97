/* bilinear.c - convolutions with fewer multiplications: along every axis that slides a bilinear
 * algorithm (Winograd's, a Fourier transform), m results at a time.
 *
 * Along a sliding axis x is read at i + k, i a result, k a tap. The map of results is cut into
 * tiles of m, i = m * t + u; each reads n = m + r - 1 values, and with the algorithm's matrices
 *   V[p, t] = sum over j of bt[p, j] * x[m * t + j]         for every channel of x
 *   U[p]    = sum over k of g[p, k] * w[k]                  when weights arrive
 *   M[p, t] = sum over channels of U[p] * V[p, t]           a matrix product for every p
 *   y[i]    = sum over p of at[i mod m, p] * M[p, i / m]    and the epilogue
 * In 2 and 3 dimensions p, t, j, k are tuples and the matrices Kronecker products. All four are
 * ordinary kernels; bt, g and at are constant tensors. Where U is large and a sample has few tiles,
 * those of all samples lie beside each other, and the products read U once for the whole batch.
 * Taps that run backwards (data gradients) take g from its other end. U is computed in double where
 * weights arrive once, and by vectors where training changes them in every step. A long window is
 * cut into sections of r taps, which meet in one product if tiles are as long or there is only one:
 *   M[p, t] = sum over channels and sections s of U[p, s] * V[p, t + s]
 * A weight gradient has few results and, as taps, a whole map of dy: its sections are the tiles of
 * dy, U is computed in every call as V is, and M sums over samples and tiles. */
#include "bilinear_tiling.h"
#include "backend.h"

#include <string.h>

/* ---- parts of kernels ---- */

/* A loop of slide i, named by its first letter. */
static int slide_loop(const Tiling *t, Kernel *k, int i, const char *first, int64_t extent,
                      bool reduced) {
  const char *name = arena_printf(t->p->u->arena, "%s%c", first, t->slide[i].letter);
  return kernel_loop(k, name, fixed(extent), reduced);
}

static void add_axis(View *v, Type *type, Coord at, Extent extent) {
  type->dim[v->rank] = extent;
  v->at[v->rank++] = at;
  type->rank = v->rank;
}

static int new_buffer(const Tiling *t, const char *suffix, const Type *type, Home home,
                      Phase phase) {
  Buffer b = {.type = *type, .home = home, .phase = phase, .format = format_plain(F32)};
  if (home == HOME_WORK) b.format = format_lanes(t->p, type);
  b.name = arena_printf(t->p->u->arena, "%s.%s", t->k->name, suffix);
  return plan_buffer(t->p, b);
}

/* V or M, whose view has its axes in order from now on. */
static int new_tiles(const Tiling *t, const char *suffix, const Type *type, View *v) {
  const int buffer = new_buffer(t, suffix, type, HOME_WORK, PHASE_CALL);
  Buffer *b = &t->p->buffer.at[buffer];
  for (int a = 0; a < type->rank; a++) b->type.dim[tiling_axis(t, a, type->rank)] = type->dim[a];
  if (b->format.lane_axis >= 0)
    b->format.lane_axis = (int8_t)tiling_axis(t, b->format.lane_axis, type->rank);
  tiling_order_axes(t, v);
  return buffer;
}

/* A constant matrix; equal ones are one. */
static int table(const Tiling *t, const char *name, const Bilinear *w, const double *value,
                 int rows, int columns, DType dtype) {
  Plan *p = t->p;
  Buffer b = {.home = HOME_CONST, .phase = PHASE_CONST, .format = format_plain(dtype)};
  b.name = arena_printf(p->u->arena, "%s.%s_%d_%d", w->name, name, w->m, w->r);
  for (int i = 0; i < p->buffer.n; i++)
    if (p->buffer.at[i].home == HOME_CONST && p->buffer.at[i].format.dtype == dtype &&
        strcmp(p->buffer.at[i].name, b.name) == 0)
      return i;
  b.value = value;
  b.type = (Type){.dtype = dtype, .rank = 2, .dim = {fixed(rows), fixed(columns)}};
  return plan_buffer(p, b);
}

/* Multiplies the kernel's term by table[row, column]. */
static void add_factor(const Tiling *t, Kernel *k, int tensor, Coord row, Coord column) {
  Unit *u = t->p->u;
  k->in[k->nin] = (View){.tensor = tensor, .rank = 2, .at = {row, column}};
  k->fold[0].term = expr2(u, E_mul, k->fold[0].term, expr_in(u, k->nin++));
}

static Kernel sum_kernel(const Tiling *t, View in, DType math) {
  Kernel k = {
      .name = t->k->name, .role = t->k->role, .math = math, .nin = 1, .nfold = 1, .nout = 1};
  k.in[0] = in;
  k.fold[0] = (Fold){.op = FOLD_SUM, .term = expr_in(t->p->u, 0), .acc = math};
  k.out[0].value = expr_acc(t->p->u, 0);
  return k;
}

static void push(const Tiling *t, Kernel *k, Steps *steps) {
  k->algo = t->algo;
  vec_push(t->p->u->arena, steps, plan_leaf(t->p, k));
}

/* ---- x -> V, and w that changes in every call -> U ---- */

/* Returns what it becomes; its axes: those along which nothing slides, points, tiles. */
static int lower_operand(const Tiling *t, Side side, Steps *steps) {
  const bool is_x = side == SIDE_X;
  const View *from = &t->k->in[is_x ? t->c->x : t->c->w];
  const Type *type = &t->p->buffer.at[from->tensor].type;
  Kernel k = sum_kernel(t, *from, F32);
  Type made = {.dtype = F32};
  View *to = &k.out[0].to, *in = &k.in[0];
  int point[MOST_SLIDES], tile[MOST_SLIDES];
  if (in->outside == INSIDE)
    *in = (View){.tensor = from->tensor, .rank = from->rank, .outside = FILL};
  for (int a = 0; a < from->rank; a++) {
    if (tiling_slide_at(t, a, side) >= 0) continue;
    const char *name = a == 0 ? "n" : a == 1 ? "c" : arena_printf(t->p->u->arena, "a%d", a);
    in->at[a] = coord_loop(kernel_loop(&k, name, type->dim[a], false), 1, 0);
    add_axis(to, &made, in->at[a], type->dim[a]);
  }
  for (int i = 0; i < t->n; i++) {
    point[i] = slide_loop(t, &k, i, "q", t->slide[i].w.points, false);
    add_axis(to, &made, coord_loop(point[i], 1, 0), fixed(t->slide[i].w.points));
  }
  for (int i = 0; i < t->n; i++) {
    const int64_t tiles = tiling_tiles(&t->slide[i], side);
    tile[i] = slide_loop(t, &k, i, "t", tiles, false);
    add_axis(to, &made, coord_loop(tile[i], 1, 0), fixed(tiles));
  }
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    const int columns = is_x ? s->w.n : s->w.r, axis = s->axis[side];
    const int value = slide_loop(t, &k, i, "j", columns, true);
    in->at[axis] = tiling_coordinate(s, side, &from->at[axis], tile[i], value);
    add_factor(
        t, &k,
        table(t, is_x ? "bt" : "g", &s->w, is_x ? s->w.bt : s->w.g, s->w.points, columns, F32),
        coord_loop(point[i], 1, 0), coord_loop(value, 1, 0));
  }
  to->tensor = new_tiles(t, is_x ? "input_tiles" : "gradient_tiles", &made, to);
  push(t, &k, steps);
  return to->tensor;
}

/* ---- w that arrives -> U ---- */

/* Does training change weights in every step? Then vectors make U of them. */
static bool in_vectors(const Plan *p) {
  return p->entry[PLAN_TRAIN_FORWARD].exists;
}

/* g, from its other end where the window moves backwards. */
static int filter_table(const Tiling *t, const Bilinear *w, bool backwards, DType dtype) {
  if (!backwards) return table(t, "g", w, w->g, w->points, w->r, dtype);
  double *g = NEW_ARRAY(t->p->u->arena, double, w->points * w->r);
  for (int p = 0; p < w->points; p++)
    for (int k = 0; k < w->r; k++) g[p * w->r + k] = w->g[p * w->r + w->r - 1 - k];
  return table(t, "g_backwards", w, g, w->points, w->r, dtype);
}

/* w as the kernel of U reads it: as it is, or in lanes, which vectors need. */
static View filter_view(const Tiling *t) {
  Kernel packed = *t->k;
  if (!in_vectors(t->p) || plan_lanes(t->p) == 1) return packed.in[t->c->w];
  const int buffer = packed_weights(t->p, &packed, t->c->w, t->lane, plan_lanes(t->p));
  t->p->buffer.at[buffer].home = HOME_WORK;
  return packed.in[t->c->w];
}

/* The kernel of PLAN_PREPARE that computes the weights of the products; loop l of k is theirs
 * to[l]. */
static void lower_weights(const Tiling *t, const Kernel *product, const int *to) {
  const Kernel *k = t->k;
  const View *view = &product->in[1];
  Kernel fill = sum_kernel(t, filter_view(t), in_vectors(t->p) ? F32 : F64);
  int from[MAX_LOOPS], loop[MAX_LOOPS] = {0}; /* of the products' loops, of k's: loops of `fill` */
  int tap[MOST_SLIDES];
  for (int l = 0; l < product->nloop; l++)
    if (view_uses(view, l))
      from[l] = kernel_loop(&fill, product->loop[l].name, product->loop[l].extent, false);
  for (int l = 0; l < k->nloop; l++)
    if (to[l] >= 0 && view_uses(&fill.in[0], l)) loop[l] = from[to[l]];
  fill.out[0].to = *view;
  view_move(&fill.out[0].to, from, product->nloop);
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    loop[s->tap] = tap[i] = slide_loop(t, &fill, i, "r", s->w.r, true);
    add_factor(t, &fill, filter_table(t, &s->w, s->backwards, fill.math), coord_loop(from[i], 1, 0),
               coord_loop(tap[i], 1, 0));
  }
  view_move(&fill.in[0], loop, k->nloop);
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    tiling_section(s, &fill.in[0], s->sections > 1 ? from[to[s->tap]] : -1, tap[i]);
  }
  algo_prepare(t->p, &fill);
}

/* ---- V, U -> M ---- */

/* Points, then what shares no weights, then what does: to[l] is where loop l of k went, a tap's to
 * its sections; -1: there is only one. */
static void product_loops(const Tiling *t, Kernel *k, int *to) {
  static const char *const order[] = {"BN", "M", "K"};
  for (int i = 0; i < t->n; i++) slide_loop(t, k, i, "q", t->slide[i].w.points, false);
  for (int group = 0; group < COUNT(order); group++)
    for (int l = 0; l < t->k->nloop; l++) {
      const Loop *loop = &t->k->loop[l];
      if (!strchr(order[group], t->c->role[l])) continue;
      const int result = tiling_slide_of(t, l, false), tap = tiling_slide_of(t, l, true);
      to[l] = -1;
      if (result >= 0)
        to[l] = slide_loop(t, k, result, "t", t->slide[result].tiles, false);
      else if (tap < 0)
        to[l] = kernel_loop(k, loop->name, loop->extent, loop->reduced);
      else if (t->slide[tap].sections > 1)
        to[l] = slide_loop(t, k, tap, "s", t->slide[tap].sections, true);
    }
}

static void add_points(const Tiling *t, View *v, Type *type) {
  for (int i = 0; i < t->n; i++)
    add_axis(v, type, coord_loop(i, 1, 0), fixed(t->slide[i].w.points));
}

/* The axes of a view of k along which nothing slides, by the products' loops; then points, tiles.
 */
static View product_view(const Tiling *t, const View *from, Side side, const int *to, Type *type) {
  View v = {.rank = 0};
  *type = (Type){.dtype = F32};
  for (int a = 0; a < from->rank; a++) {
    if (tiling_slide_at(t, a, side) >= 0) continue;
    Coord c = from->at[a];
    Extent extent = t->p->buffer.at[from->tensor].type.dim[a];
    int64_t lo, hi;
    coord_range(t->k, &c, t->p->max_batch, &lo, &hi);
    if (side == SIDE_RESULT && extent.per_n == 0) { /* of a larger tensor only what k writes */
      c.plus -= lo;
      extent = fixed(hi - lo + 1);
    }
    add_axis(&v, type, c, extent);
  }
  view_move(&v, to, t->k->nloop);
  add_points(t, &v, type);
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    Coord tile = {.div = 1};
    if (side != SIDE_W) tile.coef[to[s->result]] = 1;
    if (side != SIDE_RESULT && s->sections > 1) tile.coef[to[s->tap]] = 1;
    add_axis(&v, type, tile, fixed(tiling_tiles(s, side)));
  }
  return v;
}

/* The loops of the products that read weights, in their order: those of results or of terms. */
static void add_loops(const Tiling *t, const Kernel *product, const int *to, bool reduced, View *v,
                      Type *type) {
  for (int l = t->n; l < product->nloop; l++)
    for (int old = 0; old < t->k->nloop; old++)
      if (product->loop[l].reduced == reduced && to[old] == l && view_uses(&t->k->in[t->c->w], old))
        add_axis(v, type, coord_loop(l, 1, 0), product->loop[l].extent);
}

/* U in the order in which it is read. Threads in blocks begin with a point, all others with a block
 * of columns, of which they take all points: one stream from memory. */
static View weights_view(const Tiling *t, const Kernel *product, const int *to, Type *type) {
  const bool blocks = t->p->target->language->blocks;
  View v = {.rank = 0};
  *type = (Type){.dtype = F32};
  if (blocks) add_points(t, &v, type);
  add_loops(t, product, to, false, &v, type);
  if (!blocks) add_points(t, &v, type);
  add_loops(t, product, to, true, &v, type);
  return v;
}

/* That many elements along the lane loop lie together in the buffer of a view. */
static void format_along(const Tiling *t, const View *v, int lane, int lanes) {
  Format *f = &t->p->buffer.at[v->tensor].format;
  for (int a = 0; a < v->rank && lanes > 1; a++)
    if (coord_uses(&v->at[a], lane)) f->lane_axis = (int8_t)a;
  f->lanes = (int16_t)lanes;
}

/* Columns of weights lie in blocks as wide as a register tile, or as the vectors that make them. */
static void add_weights(const Tiling *t, Kernel *product, const int *to) {
  const int vectors = in_vectors(t->p) ? 1 : tile_get(&product->tile, "k", 1);
  format_along(t, &product->in[1], to[t->lane], plan_lanes(t->p) * vectors);
  lower_weights(t, product, to);
}

/* Returns M. `weights`: U, -1: to be made when weights arrive. */
static int lower_product(const Tiling *t, int tiles, int weights, Steps *steps) {
  Kernel k = {.name = t->k->name, .role = t->k->role, .math = F32, .nin = 2, .nfold = 1, .nout = 1};
  Unit *u = t->p->u;
  Type type;
  Contraction c;
  int to[MAX_LOOPS];
  product_loops(t, &k, to);
  k.macs = t->k->macs;
  k.fold[0] = (Fold){FOLD_SUM, expr2(u, E_mul, expr_in(u, 0), expr_in(u, 1)), F32};
  k.in[0] = product_view(t, &t->k->in[t->c->x], SIDE_X, to, &type);
  k.in[0].tensor = tiles;
  tiling_order_axes(t, &k.in[0]);
  k.out[0] = (Out){.to = product_view(t, &t->k->out[0].to, SIDE_RESULT, to, &type),
                   .value = expr_acc(u, 0)};
  const int made = new_tiles(t, "output_tiles", &type, &k.out[0].to);
  k.out[0].to.tensor = made;
  format_along(t, &k.out[0].to, to[t->lane], plan_lanes(t->p));
  if (t->changing) {
    k.in[1] = product_view(t, &t->k->in[t->c->w], SIDE_W, to, &type);
    k.in[1].tensor = weights;
  } else {
    k.in[1] = weights_view(t, &k, to, &type);
    k.in[1].tensor = new_buffer(t, "weights", &type, HOME_DERIVED, PHASE_LOAD);
  }
  if (t->changing) kernel_simplify(u, &k);
  if (!contraction_of(t->p, &k, &c)) BUG("%s: no product left", k.name);
  if (t->p->target->language->blocks) {
    if (!t->changing) add_weights(t, &k, to);
    blocks_lower(t->p, &c, t->algo, steps);
    return made;
  }
  push(t, &k, steps);
  Kernel *product = steps->at[steps->n - 1]->run;
  algo_pick_tile(t->p, product);
  if (!t->changing) add_weights(t, product, to);
  return made;
}

/* ---- M -> y ---- */

/* k itself, its sum taken over points; its free loops stay what they are. */
static void lower_output(const Tiling *t, int tiles, Steps *steps) {
  Unit *u = t->p->u;
  Kernel k = *t->k;
  View *in = &k.in[0];
  int input[MAX_IN] = {0}, free = 0, same[MAX_LOOPS];
  while (free < k.nloop && !k.loop[free].reduced) free++;
  k.macs = 0;
  k.nloop = free;
  k.nin = 1;
  k.fold[0].term = expr_in(u, 0);
  for (int l = 0; l < MAX_LOOPS; l++) same[l] = l;
  Type type;
  *in = product_view(t, &k.out[0].to, SIDE_RESULT, same, &type);
  in->tensor = tiles;
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    const int point = slide_loop(t, &k, i, "q", s->w.points, true);
    Coord tile = coord_loop(s->result, 1, 0), row = tile;
    tile.div = row.mod = s->w.m;
    in->at[in->rank - 2 * t->n + i] = coord_loop(point, 1, 0);
    in->at[in->rank - t->n + i] = tile;
    add_factor(t, &k, table(t, "at", &s->w, s->w.at, s->w.results, s->w.points, F32), row,
               coord_loop(point, 1, 0));
  }
  tiling_order_axes(t, in);
  for (int i = 0; i < t->k->nin; i++) {
    if (!expr_uses(t->k->out[0].value, E_in, i)) continue;
    input[i] = k.nin;
    k.in[k.nin++] = t->k->in[i];
  }
  k.out[0].value = expr_rename_inputs(u, k.out[0].value, input);
  push(t, &k, steps);
}

static void lower(Plan *p, const Contraction *c, const BilinearRow *row, int lane, Steps *steps) {
  Tiling t;
  const char *reason = tiling_find(p, c, row, &t);
  if (reason) BUG("%s: %s", c->k->name, reason);
  t.p = p;
  t.algo = row->algo;
  t.lane = lane;
  const int tiles = lower_operand(&t, SIDE_X, steps);
  const int weights = t.changing ? lower_operand(&t, SIDE_W, steps) : -1;
  lower_output(&t, lower_product(&t, tiles, weights, steps), steps);
}

/* The result of two operands that change is made in lanes, then put where it belongs. */
void bilinear_lower(Plan *p, const Contraction *c, const BilinearRow *row, Steps *steps) {
  Kernel apart;
  Contraction by_one;
  if (strided_split(p, c, row->algo, &apart, steps)) {
    if (!contraction_of(p, &apart, &by_one)) BUG("%s: no product left", apart.name);
    c = &by_one;
  }
  if (!contraction_both_change(p, c)) {
    lower(p, c, row, contraction_lane(p, c, 'N'), steps);
    return;
  }
  const int lane = correlation_lane(p, c, 'N');
  Kernel sum = *c->k;
  Contraction own = *c;
  int same[MAX_LOOPS];
  for (int l = 0; l < MAX_LOOPS; l++) same[l] = l;
  const View sums = correlation_sums(p, &sum, lane);
  sum.out[0] = (Out){.to = sums, .value = expr_acc(p->u, 0)};
  own.k = &sum;
  lower(p, &own, row, lane, steps);
  const Kernel last = correlation_settle(p, c, &sums, same);
  vec_push(p->u->arena, steps, plan_leaf(p, &last));
}
