/* bilinear.c - convolutions with fewer multiplications: along every axis that slides a bilinear
 * algorithm (Winograd's, a Fourier transform), m results at a time.
 *
 * Along a sliding axis x is read at i + k, i a result, k a tap. The map of results is cut into
 * tiles of m, i = m * t + u; each reads n = m + r - 1 values, and with the algorithm's matrices
 *   V[p, t] = sum over j of bt[p, j] * x[m * t + j]         for every channel of x
 *   U[p]    = sum over k of g[p, k] * w[k]                  when weights arrive, in double
 *   M[p, t] = sum over channels of U[p] * V[p, t]           a matrix product for every p
 *   y[i]    = sum over p of at[i mod m, p] * M[p, i / m]    and the epilogue
 * In 2 and 3 dimensions p, t, j, k are tuples and the matrices Kronecker products. All four are
 * ordinary kernels; bt, g and at are constant tensors. Taps that run backwards (data gradients)
 * take g from its other end. A long window is cut into sections of r taps, which meet in one
 * product if tiles are as long or there is only one:
 *   M[p, t] = sum over channels and sections s of U[p, s] * V[p, t + s] */
#include "bilinear.h"
#include "backend.h"

#include <math.h>
#include <string.h>

enum { MOST_SLIDES = 3, MOST_POINTS = 2500 };

typedef struct Slide { /* one dimension */
  int axis, to_axis;   /* of x, of the result */
  int result, tap;     /* loops */
  bool backwards;      /* x is read at i - k */
  char letter;         /* of names: d, h, w */
  Bilinear w;
  int64_t tiles, sections, taps;
} Slide;

typedef struct Tiling {
  Plan *p;
  const Contraction *c;
  const Kernel *k;
  const char *algo;
  int n;
  Slide slide[MOST_SLIDES];
} Tiling;

/* ---- errors ---- */

static double squares(const double *a, int n) {
  double sum = 0;
  for (int i = 0; i < n; i++) sum += a[i] * a[i];
  return sum;
}

/* A product at point p has the variance |bt[p]|^2 * |g[p]|^2 and as much rounding error; a result
 * sums them with at[i][p]; its own variance is r. */
double bilinear_growth(const Bilinear *w) {
  double sum = 0;
  for (int i = 0; i < w->m; i++)
    for (int p = 0; p < w->points; p++)
      sum += squares(&w->at[i * w->points + p], 1) * squares(&w->bt[p * w->n], w->n) *
             squares(&w->g[p * w->r], w->r);
  return sqrt(sum / w->m / w->r);
}

/* ---- what fits ---- */

static int uses(const View *v, int loop, int *axis) {
  int n = 0;
  for (int a = 0; a < v->rank; a++)
    if (coord_uses(&v->at[a], loop)) {
      *axis = a;
      n++;
    }
  return n;
}

/* i + k or i - k, each of which x, w and the result mention nowhere else. */
static bool find_slide(const Plan *p, const Contraction *c, int axis, const BilinearRow *row,
                       Slide *s) {
  const Kernel *k = c->k;
  const Coord *at = &k->in[c->x].at[axis];
  int once;
  *s = (Slide){.axis = axis, .result = -1, .tap = -1};
  for (int l = 0; l < k->nloop; l++) {
    if (!coord_uses(at, l)) continue;
    int *found = c->role[l] == 'M' ? &s->result : c->role[l] == 'K' ? &s->tap : NULL;
    if (!found || *found >= 0) return false;
    *found = l;
  }
  if (s->result < 0 || s->tap < 0 || !coord_affine(at) || at->coef[s->result] != 1) return false;
  if (at->coef[s->tap] != 1 && at->coef[s->tap] != -1) return false;
  const Loop *result = &k->loop[s->result], *tap = &k->loop[s->tap];
  if (result->extent.per_n || tap->extent.per_n) return false;
  if (uses(&k->in[c->x], s->result, &once) != 1 || uses(&k->in[c->x], s->tap, &once) != 1 ||
      uses(&k->in[c->w], s->tap, &once) != 1 || uses(&k->out[0].to, s->result, &s->to_axis) != 1)
    return false;
  Coord alone = k->out[0].to.at[s->to_axis];
  alone.plus = 0;
  if (!coord_is_loop(&alone, &once)) return false;
  s->backwards = at->coef[s->tap] < 0;
  s->letter = result->name[strlen(result->name) - 1];
  s->taps = tap->extent.plus;
  if (!row->matrices(p->u->arena, row->size, result->extent.plus, s->taps, &s->w)) return false;
  s->tiles = (result->extent.plus + s->w.m - 1) / s->w.m;
  s->sections = (s->taps + s->w.r - 1) / s->w.r;
  return s->sections == 1 || s->tiles == 1 || s->w.m == s->w.r;
}

static bool stays_inside(const Plan *p, const Contraction *c, int axis) {
  const View *x = &c->k->in[c->x];
  int64_t lo, hi;
  coord_range(c->k, &x->at[axis], p->max_batch, &lo, &hi);
  return lo >= 0 && hi < extent_at(p->buffer.at[x->tensor].type.dim[axis], p->max_batch);
}

static bool axis_slides(const Contraction *c, int axis) {
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'K' && coord_uses(&c->k->in[c->x].at[axis], l) && loop_slides(c, l))
      return true;
  return false;
}

static int slide_of(const Tiling *t, int loop, bool tap) {
  for (int i = 0; i < t->n; i++)
    if ((tap ? t->slide[i].tap : t->slide[i].result) == loop) return i;
  return -1;
}

static int slide_at(const Tiling *t, int axis, bool to) {
  for (int i = 0; i < t->n; i++)
    if ((to ? t->slide[i].to_axis : t->slide[i].axis) == axis) return i;
  return -1;
}

static bool sums_taps_only(const Tiling *t) {
  for (int l = 0; l < t->k->nloop; l++)
    if (t->c->role[l] == 'K' && slide_of(t, l, true) < 0) return false;
  return true;
}

/* Is there room for the loops, axes and inputs of the kernels that it becomes? */
static bool has_room(const Tiling *t) {
  const Kernel *k = t->k;
  const View *x = &k->in[t->c->x], *w = &k->in[t->c->w], *to = &k->out[0].to;
  int loops = t->n, axes = t->n, inputs = 1 + t->n;
  for (int l = 0; l < k->nloop; l++) {
    const int tap = slide_of(t, l, true);
    if (tap >= 0 && t->slide[tap].sections == 1) continue;
    loops++;
    axes += view_uses(w, l);
  }
  for (int i = 0; i < k->nin; i++) inputs += expr_uses(k->out[0].value, E_in, i);
  return loops <= MAX_LOOPS && axes <= MAX_RANK && inputs <= MAX_IN && x->rank + t->n <= MAX_RANK &&
         to->rank + t->n <= MAX_RANK;
}

static const char *find_slides(const Plan *p, const Contraction *c, const BilinearRow *row,
                               Tiling *t) {
  double error = row->unit_error, points = 1;
  *t = (Tiling){.c = c, .k = c->k};
  for (int a = 0; a < c->k->in[c->x].rank; a++) {
    if (!axis_slides(c, a)) {
      if (!stays_inside(p, c, a)) return "it pads an axis along which no window slides";
      continue;
    }
    if (a < 2 || t->n == MOST_SLIDES || !find_slide(p, c, a, row, &t->slide[t->n]))
      return "a window moves by other steps than one, or has too many taps";
    error *= t->slide[t->n].w.growth;
    points *= t->slide[t->n++].w.points;
  }
  if (t->n == 0) return "no window slides over its input";
  if (points > MOST_POINTS) return "a tile would have more points than caches hold";
  if (sums_taps_only(t)) return "no channels are summed: a product of single numbers";
  if (!has_room(t)) return "its kernels would have too many loops or inputs";
  return error > p->max_error
             ? arena_printf(p->u->arena, "its rounding error would exceed %g", p->max_error)
             : NULL;
}

const char *refuses_bilinear(const Plan *p, const Contraction *c, const BilinearRow *row) {
  Tiling t;
  const char *reason = refuses_packing(p, c);
  if (reason) return reason;
  if (p->entry[PLAN_TRAIN_FORWARD].exists) return "weights that change in every step";
  if (c->k->out[0].to.rank < 3) return "its result has no points beside channels";
  if (lane_loop(p, c, 'N') < 0) return "output channels that share inputs do not fill lanes";
  return find_slides(p, c, row, &t);
}

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

/* A constant matrix; equal ones are one. */
static int table(const Tiling *t, const char *name, const Bilinear *w, const double *value,
                 int rows, int columns, DType dtype) {
  Plan *p = t->p;
  Buffer b = {.home = HOME_CONST, .phase = PHASE_CONST, .format = format_plain(dtype)};
  b.name = arena_printf(p->u->arena, "%s.%s_%d_%d", w->name, name, w->m, w->r);
  for (int i = 0; i < p->buffer.n; i++)
    if (p->buffer.at[i].home == HOME_CONST && strcmp(p->buffer.at[i].name, b.name) == 0) return i;
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

/* ---- x -> V ---- */

/* How many tiles are read: those of results, and for later sections some behind them. */
static int64_t input_tiles(const Slide *s) {
  return s->tiles + s->sections - 1;
}

/* Reads x in tiles; where the last one leaves x, its results are not used. */
static Coord tile_coordinate(const Slide *s, const Coord *x, int tile, int value) {
  Coord c = {.plus = x->plus - (s->backwards ? s->taps - 1 : 0), .div = 1};
  c.coef[tile] = s->tiles == 1 ? s->w.r : s->w.m;
  c.coef[value] = 1;
  return c;
}

/* Returns V; its axes: those of x along which nothing slides, points, tiles. */
static int lower_input(const Tiling *t, Steps *steps) {
  const View *x = &t->k->in[t->c->x];
  const Type *type = &t->p->buffer.at[x->tensor].type;
  Kernel k = sum_kernel(t, *x, F32);
  Type made = {.dtype = F32};
  View *to = &k.out[0].to, *in = &k.in[0];
  int point[MOST_SLIDES], tile[MOST_SLIDES];
  if (in->outside == INSIDE) *in = (View){.tensor = x->tensor, .rank = x->rank, .outside = FILL};
  for (int a = 0; a < x->rank; a++) {
    if (slide_at(t, a, false) >= 0) continue;
    const char *name = a == 0 ? "n" : a == 1 ? "c" : arena_printf(t->p->u->arena, "a%d", a);
    in->at[a] = coord_loop(kernel_loop(&k, name, type->dim[a], false), 1, 0);
    add_axis(to, &made, in->at[a], type->dim[a]);
  }
  for (int i = 0; i < t->n; i++) {
    point[i] = slide_loop(t, &k, i, "q", t->slide[i].w.points, false);
    add_axis(to, &made, coord_loop(point[i], 1, 0), fixed(t->slide[i].w.points));
  }
  for (int i = 0; i < t->n; i++) {
    tile[i] = slide_loop(t, &k, i, "t", input_tiles(&t->slide[i]), false);
    add_axis(to, &made, coord_loop(tile[i], 1, 0), fixed(input_tiles(&t->slide[i])));
  }
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    const int value = slide_loop(t, &k, i, "j", s->w.n, true);
    in->at[s->axis] = tile_coordinate(s, &x->at[s->axis], tile[i], value);
    add_factor(t, &k, table(t, "bt", &s->w, s->w.bt, s->w.points, s->w.n, F32),
               coord_loop(point[i], 1, 0), coord_loop(value, 1, 0));
  }
  to->tensor = new_buffer(t, "input_tiles", &made, HOME_WORK, PHASE_CALL);
  push(t, &k, steps);
  return to->tensor;
}

/* ---- w -> U ---- */

/* Where tap `tap` of a section lies in w; backwards the last section comes first. */
static void section_coordinate(const Slide *s, View *w, int section, int tap) {
  const int sign = s->backwards ? -1 : 1;
  int axis = 0;
  uses(w, tap, &axis);
  Coord *c = &w->at[axis];
  const int coef = c->coef[tap];
  if (s->sections > 1) c->coef[section] = sign * coef * s->w.r;
  if (s->backwards) c->plus += coef * (s->taps - s->w.r);
  if (s->taps % s->w.r) w->outside = FILL;
}

/* The kernel of PLAN_PREPARE that computes the weights of the products; loop l of k is theirs
 * to[l]. */
static void lower_weights(const Tiling *t, const Kernel *product, const int *to) {
  const Kernel *k = t->k;
  const View *view = &product->in[1];
  Kernel fill = sum_kernel(t, k->in[t->c->w], F64);
  int from[MAX_LOOPS], loop[MAX_LOOPS] = {0}; /* of the products' loops, of k's: loops of `fill` */
  int tap[MOST_SLIDES];
  for (int l = 0; l < product->nloop; l++)
    if (view_uses(view, l))
      from[l] = kernel_loop(&fill, product->loop[l].name, product->loop[l].extent, false);
  for (int l = 0; l < k->nloop; l++)
    if (to[l] >= 0 && view_uses(&k->in[t->c->w], l)) loop[l] = from[to[l]];
  fill.out[0].to = *view;
  view_move(&fill.out[0].to, from, product->nloop);
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    loop[s->tap] = tap[i] = slide_loop(t, &fill, i, "r", s->w.r, true);
    add_factor(t, &fill, table(t, "g", &s->w, s->w.g, s->w.points, s->w.r, F64),
               coord_loop(from[i], 1, 0),
               s->backwards ? coord_loop(tap[i], -1, s->w.r - 1) : coord_loop(tap[i], 1, 0));
  }
  view_move(&fill.in[0], loop, k->nloop);
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    section_coordinate(s, &fill.in[0], s->sections > 1 ? from[to[s->tap]] : -1, tap[i]);
  }
  push_prepare(t->p, &fill);
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
      const int result = slide_of(t, l, false), tap = slide_of(t, l, true);
      to[l] = -1;
      if (result >= 0)
        to[l] = slide_loop(t, k, result, "t", t->slide[result].tiles, false);
      else if (tap < 0)
        to[l] = kernel_loop(k, loop->name, loop->extent, loop->reduced);
      else if (t->slide[tap].sections > 1)
        to[l] = slide_loop(t, k, tap, "s", t->slide[tap].sections, true);
    }
}

/* The axes of a view of k along which nothing slides, by the products' loops; then points, tiles.
 */
static View product_view(const Tiling *t, const View *from, bool result, const int *to,
                         Type *type) {
  View v = {.rank = 0};
  *type = (Type){.dtype = F32};
  for (int a = 0; a < from->rank; a++) {
    if (slide_at(t, a, result) >= 0) continue;
    Coord c = from->at[a];
    Extent extent = t->p->buffer.at[from->tensor].type.dim[a];
    int64_t lo, hi;
    coord_range(t->k, &c, t->p->max_batch, &lo, &hi);
    if (result && extent.per_n == 0) { /* of a larger tensor only what k writes */
      c.plus -= lo;
      extent = fixed(hi - lo + 1);
    }
    add_axis(&v, type, c, extent);
  }
  view_move(&v, to, t->k->nloop);
  for (int i = 0; i < t->n; i++)
    add_axis(&v, type, coord_loop(i, 1, 0), fixed(t->slide[i].w.points));
  for (int i = 0; i < t->n; i++) {
    const Slide *s = &t->slide[i];
    Coord tile = coord_loop(to[s->result], 1, 0);
    if (!result && s->sections > 1) tile.coef[to[s->tap]] = 1;
    add_axis(&v, type, tile, fixed(result ? s->tiles : input_tiles(s)));
  }
  return v;
}

/* Points and all loops that read weights, in the order in which the products run. */
static View weights_view(const Tiling *t, const Kernel *product, const int *to, Type *type) {
  View v = {.rank = 0};
  *type = (Type){.dtype = F32};
  for (int i = 0; i < t->n; i++)
    add_axis(&v, type, coord_loop(i, 1, 0), fixed(t->slide[i].w.points));
  for (int l = t->n; l < product->nloop; l++)
    for (int old = 0; old < t->k->nloop; old++)
      if (to[old] == l && view_uses(&t->k->in[t->c->w], old))
        add_axis(&v, type, coord_loop(l, 1, 0), product->loop[l].extent);
  return v;
}

/* Columns of weights lie in blocks as wide as a register tile. */
static void format_weights(const Tiling *t, const Kernel *product, int lane) {
  const View *w = &product->in[1];
  const int columns = t->p->target->lanes * tile_get(&product->tile, "k", 1);
  Format *f = &t->p->buffer.at[w->tensor].format;
  for (int a = 0; a < w->rank && columns > 1; a++)
    if (coord_uses(&w->at[a], lane)) f->lane_axis = (int8_t)a;
  f->lanes = (int16_t)columns;
}

/* Returns M. */
static int lower_product(const Tiling *t, int tiles, Steps *steps) {
  Kernel k = {.name = t->k->name, .role = t->k->role, .math = F32, .nin = 2, .nfold = 1, .nout = 1};
  Unit *u = t->p->u;
  Type type;
  Contraction c;
  int to[MAX_LOOPS];
  product_loops(t, &k, to);
  k.macs = t->k->macs;
  k.fold[0] = (Fold){FOLD_SUM, expr2(u, E_mul, expr_in(u, 0), expr_in(u, 1)), F32};
  k.in[0] = product_view(t, &t->k->in[t->c->x], false, to, &type);
  k.in[0].tensor = tiles;
  k.out[0] =
      (Out){.to = product_view(t, &t->k->out[0].to, true, to, &type), .value = expr_acc(u, 0)};
  const int made = k.out[0].to.tensor = new_buffer(t, "output_tiles", &type, HOME_WORK, PHASE_CALL);
  k.in[1] = weights_view(t, &k, to, &type);
  k.in[1].tensor = new_buffer(t, "weights", &type, HOME_DERIVED, PHASE_LOAD);
  push(t, &k, steps);
  Kernel *product = steps->at[steps->n - 1]->run;
  if (!contraction(t->p, product, &c)) BUG("%s: no product left", k.name);
  pick_tile(t->p, product);
  format_weights(t, product, lane_loop(t->p, &c, 'N'));
  lower_weights(t, product, to);
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
  *in = product_view(t, &k.out[0].to, true, same, &type);
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
  for (int i = 0; i < t->k->nin; i++) {
    if (!expr_uses(t->k->out[0].value, E_in, i)) continue;
    input[i] = k.nin;
    k.in[k.nin++] = t->k->in[i];
  }
  k.out[0].value = expr_rename_inputs(u, k.out[0].value, input);
  push(t, &k, steps);
}

void lower_bilinear(Plan *p, const Contraction *c, const BilinearRow *row, Steps *steps) {
  Tiling t;
  const char *reason = find_slides(p, c, row, &t);
  if (reason) BUG("%s: %s", c->k->name, reason);
  t.p = p;
  t.algo = row->algo;
  lower_output(&t, lower_product(&t, lower_input(&t, steps), steps), steps);
}
