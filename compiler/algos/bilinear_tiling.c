/* bilinear_tiling.c - which contractions bilinear algorithms serve: those whose windows slide by
 * steps of one, or become such (strided.c), along axes that have room for tiles, with an error that
 * is allowed; and where their tiles lie. */
#include "bilinear_tiling.h"
#include "backend.h"

#include <math.h>
#include <string.h>

enum { MOST_POINTS = 2500 };

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

int tiling_axes_of(const View *v, int loop, int *axis) {
  int n = 0;
  for (int a = 0; a < v->rank; a++)
    if (coord_uses(&v->at[a], loop)) {
      *axis = a;
      n++;
    }
  return n;
}

/* Does one loop read all of the axis? Then zeros lie behind it. */
static bool is_whole(const Plan *p, const Kernel *k, const View *v, int axis) {
  int loop;
  return coord_is_loop(&v->at[axis], &loop) &&
         k->loop[loop].extent.plus == p->buffer.at[v->tensor].type.dim[axis].plus;
}

/* i + k or i - k, each of which x, w and the result mention nowhere else. */
static bool find_slide(const Plan *p, const Contraction *c, int axis, const BilinearRow *row,
                       Slide *s) {
  const Kernel *k = c->k;
  const Coord *at = &k->in[c->x].at[axis];
  int once;
  *s = (Slide){.axis = {[SIDE_X] = axis}, .result = -1, .tap = -1};
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
  if (tiling_axes_of(&k->in[c->x], s->result, &once) != 1 ||
      tiling_axes_of(&k->in[c->x], s->tap, &once) != 1 ||
      tiling_axes_of(&k->in[c->w], s->tap, &s->axis[SIDE_W]) != 1 ||
      tiling_axes_of(&k->out[0].to, s->result, &s->axis[SIDE_RESULT]) != 1)
    return false;
  Coord alone = k->out[0].to.at[s->axis[SIDE_RESULT]];
  alone.plus = 0;
  if (!coord_is_loop(&alone, &once)) return false;
  s->backwards = at->coef[s->tap] < 0;
  if (contraction_both_change(p, c) &&
      (s->backwards || !is_whole(p, k, &k->in[c->w], s->axis[SIDE_W])))
    return false;
  s->letter = result->name[strlen(result->name) - 1];
  s->taps = tap->extent.plus;
  if (!row->matrices(p->u->arena, row->size, result->extent.plus, s->taps, &s->w)) return false;
  s->tiles = (result->extent.plus + s->w.m - 1) / s->w.m;
  s->sections = (s->taps + s->w.r - 1) / s->w.r;
  return s->sections == 1 || s->tiles == 1 || s->w.m == s->w.r;
}

static bool axis_slides(const Contraction *c, int axis) {
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'K' && coord_uses(&c->k->in[c->x].at[axis], l) &&
        contraction_loop_slides(c, l))
      return true;
  return false;
}

int tiling_slide_of(const Tiling *t, int loop, bool tap) {
  for (int i = 0; i < t->n; i++)
    if ((tap ? t->slide[i].tap : t->slide[i].result) == loop) return i;
  return -1;
}

int tiling_slide_at(const Tiling *t, int axis, Side side) {
  for (int i = 0; i < t->n; i++)
    if (t->slide[i].axis[side] == axis) return i;
  return -1;
}

/* Does the view leave its tensor along an axis that does not slide? */
static bool pads_elsewhere(const Plan *p, const Tiling *t, const View *v, Side side) {
  for (int a = 0; a < v->rank; a++) {
    int64_t lo, hi;
    coord_range(t->k, &v->at[a], p->max_batch, &lo, &hi);
    const int64_t extent = extent_at(p->buffer.at[v->tensor].type.dim[a], p->max_batch);
    if (tiling_slide_at(t, a, side) < 0 && (lo < 0 || hi >= extent)) return true;
  }
  return false;
}

static bool sums_taps_only(const Tiling *t) {
  for (int l = 0; l < t->k->nloop; l++)
    if (t->c->role[l] == 'K' && tiling_slide_of(t, l, true) < 0) return false;
  return true;
}

/* Is there room for the loops, axes and inputs of the kernels that it becomes? Where both operands
 * change, the result is made along all free loops. */
static bool has_room(const Tiling *t) {
  const Kernel *k = t->k;
  const View *x = &k->in[t->c->x], *w = &k->in[t->c->w];
  int loops = t->n, axes = t->n, inputs = 1 + t->n, results = 0;
  for (int l = 0; l < k->nloop; l++) {
    results += !k->loop[l].reduced;
    const int tap = tiling_slide_of(t, l, true);
    if (tap >= 0 && t->slide[tap].sections == 1) continue;
    loops++;
    axes += view_uses(w, l);
  }
  if (!t->changing) results = k->out[0].to.rank;
  for (int i = 0; i < k->nin; i++) inputs += expr_uses(k->out[0].value, E_in, i);
  return loops <= MAX_LOOPS && axes <= MAX_RANK && inputs <= MAX_IN && x->rank + t->n <= MAX_RANK &&
         w->rank + t->n <= MAX_RANK && results + t->n <= MAX_RANK;
}

/* ---- samples side by side ---- */

/* Do the products of all samples read U once, rather than those of each sample all of it? V and M
 * go through memory then, which otherwise hand on a sample. */
static bool joins_samples(const Plan *p, const Tiling *t) {
  const Kernel *k = t->k;
  const double n = (double)p->max_batch;
  double tiles = 1, points = 1, inputs = 1, outputs = 1;
  bool samples = false;
  if (t->changing || p->target->language->blocks || p->entry[PLAN_BACKWARD].exists) return false;
  for (int i = 0; i < t->n; i++) {
    tiles *= (double)t->slide[i].tiles;
    points *= t->slide[i].w.points * (double)t->slide[i].sections;
  }
  for (int l = 0; l < k->nloop; l++) {
    if (t->c->role[l] == 'B') return false;
    samples |= k->loop[l].extent.per_n && coord_uses(&k->in[t->c->x].at[0], l);
    if (t->c->role[l] == 'N') outputs *= (double)k->loop[l].extent.plus;
    if (t->c->role[l] == 'K' && tiling_slide_of(t, l, true) < 0)
      inputs *= (double)k->loop[l].extent.plus;
  }
  const double u = sizeof(float) * points * inputs * outputs;
  const double moved = 2 * sizeof(float) * points * tiles * (inputs + outputs);
  return samples && u > p->target->machine.l2 && (n - 1) * u > n * moved;
}

int tiling_axis(const Tiling *t, int axis, int rank) {
  const int points = rank - 2 * t->n;
  if (!t->joined || axis >= points + t->n) return axis;
  return axis == 0 ? points + t->n - 1 : axis < points ? axis + t->n - 1 : axis - points;
}

void tiling_order_axes(const Tiling *t, View *v) {
  const View old = *v;
  for (int a = 0; a < v->rank; a++) v->at[tiling_axis(t, a, v->rank)] = old.at[a];
}

/* ---- where tiles lie ---- */

int64_t tiling_tiles(const Slide *s, Side side) {
  if (side == SIDE_W) return s->sections;
  return s->tiles + (side == SIDE_X ? s->sections - 1 : 0);
}

Coord tiling_coordinate(const Slide *s, Side side, const Coord *at, int tile, int value) {
  const bool rest = side == SIDE_X && s->backwards;
  Coord c = {.plus = at->plus - (rest ? s->taps - 1 : 0), .div = 1};
  c.coef[tile] = side == SIDE_W || s->tiles == 1 ? s->w.r : s->w.m;
  c.coef[value] = 1;
  return c;
}

void tiling_section(const Slide *s, View *w, int section, int tap) {
  const int sign = s->backwards ? -1 : 1;
  int axis = 0;
  tiling_axes_of(w, tap, &axis);
  Coord *c = &w->at[axis];
  const int coef = c->coef[tap];
  if (s->sections > 1) c->coef[section] = sign * coef * s->w.r;
  if (s->backwards) c->plus += coef * (s->taps - s->w.r);
  if (s->taps % s->w.r) w->outside = FILL;
}

/* ---- what is found ---- */

const char *tiling_find(const Plan *p, const Contraction *c, const BilinearRow *row, Tiling *t) {
  double growth = row->growth, points = 1, terms = contraction_terms(p, c);
  *t = (Tiling){.c = c, .k = c->k, .changing = contraction_both_change(p, c)};
  for (int a = 0; a < c->k->in[c->x].rank; a++) {
    if (!axis_slides(c, a)) continue;
    if (a < 2 || t->n == MOST_SLIDES || !find_slide(p, c, a, row, &t->slide[t->n]))
      return "windows do not overlap, are dilated or have too many taps";
    const Slide *s = &t->slide[t->n++];
    growth *= s->w.growth;
    points *= s->w.points;
    terms *= (double)s->sections / (double)s->taps;
  }
  if (t->n == 0) return "no window slides over its input";
  if (pads_elsewhere(p, t, &c->k->in[c->x], SIDE_X) ||
      (t->changing && pads_elsewhere(p, t, &c->k->in[c->w], SIDE_W)))
    return "it pads an axis along which no window slides";
  if (points > MOST_POINTS) return "a tile would have more points than caches hold";
  if (sums_taps_only(t)) return "no channels are summed: a product of single numbers";
  if (!has_room(t)) return "its kernels would have too many loops or inputs";
  t->joined = joins_samples(p, t);
  return algo_refuses_error(p, c->k, terms, growth);
}

/* Tiles of registers, or blocks of threads, can do the products. */
static const char *refuses_products(const Plan *p, const Contraction *c) {
  if (!p->target->language->blocks) return affine_refuses(p, c, 'N');
  if (p->precision != PRECISION_F32) return "rounded products of transforms would be far off";
  if (contraction_both_change(p, c)) return correlation_refuses_sums(p, c, 'N');
  const char *reason = contraction_refuses_weights(p, c);
  return reason || contraction_lane(p, c, 'N') >= 0 ? reason : "output channels share no inputs";
}

const char *bilinear_refuses(const Plan *p, const Contraction *c, const BilinearRow *row) {
  Tiling t;
  Plan trial = *p; /* forgets the buffers that are made */
  Kernel apart;
  Contraction by_one;
  Steps copies = {0};
  const char *reason = refuses_products(p, c);
  if (reason) return reason;
  if (!contraction_both_change(p, c) && c->k->out[0].to.rank < 3)
    return "its result has no points beside channels";
  if (!strided_split(&trial, c, row->algo, &apart, &copies)) return tiling_find(p, c, row, &t);
  if (!contraction_of(&trial, &apart, &by_one)) BUG("%s: no product left", apart.name);
  return tiling_find(&trial, &by_one, row, &t);
}
