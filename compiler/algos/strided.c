/* strided.c - windows that move by s as windows that move by one: what they read is cut into its s
 * phases, which become channels (space to depth), and so is the filter.
 *
 *   y[k, i] = sum over c, j of w[k, c, j] * x[c, s * i + j]                 j = s * t + r
 *           = sum over c', t of w'[k, c', t] * x'[c', i + t]                c' = C * r + c
 *   x'[C * r + c, i] = x[c, s * i + r]      w'[k, C * r + c, t] = w[k, c, s * t + r], or 0
 *
 * In 2 and 3 dimensions r is a tuple. For algorithms whose windows slide by steps of one. */
#include "bilinear_tiling.h"

typedef struct Stride { /* one dimension */
  int axis;             /* of x */
  int result, tap;      /* loops */
  int step;
  int64_t taps; /* of each phase */
} Stride;

typedef struct Strides {
  Plan *p;
  const Contraction *c;
  const char *algo;
  int channel;    /* the loop; -1: x has one channel */
  int64_t phases; /* of all dimensions */
  int n;
  Stride at[MOST_SLIDES];
} Strides;

/* ---- which there are ---- */

/* How many loops of this role move a coordinate; one of them. */
static int loops_of(const Contraction *c, const Coord *at, char role, int *loop) {
  int n = 0;
  *loop = -1;
  for (int l = 0; l < c->k->nloop; l++) {
    if (!coord_uses(at, l) || c->role[l] != role) continue;
    *loop = l;
    n++;
  }
  return n;
}

/* Does a reduced loop move one axis of x, and one of w for itself? */
static bool is_summed_apart(const Contraction *c, int loop) {
  const View *w = &c->k->in[c->w];
  int axis, alone;
  return tiling_axes_of(&c->k->in[c->x], loop, &axis) == 1 && tiling_axes_of(w, loop, &axis) == 1 &&
         coord_is_loop(&w->at[axis], &alone);
}

static bool find_stride(const Contraction *c, int axis, Stride *s) {
  const View *x = &c->k->in[c->x];
  const Coord *at = &x->at[axis];
  int once;
  *s = (Stride){.axis = axis};
  if (loops_of(c, at, 'M', &s->result) != 1 || loops_of(c, at, 'K', &s->tap) != 1) return false;
  if (at->coef[s->result] < 2 || at->coef[s->tap] != 1) return false;
  s->step = at->coef[s->result];
  s->taps = (c->k->loop[s->tap].extent.plus + s->step - 1) / s->step;
  return s->taps > 1 && c->k->loop[s->result].extent.per_n == 0 && is_summed_apart(c, s->tap) &&
         tiling_axes_of(x, s->result, &once) == 1;
}

static bool find_strides(Plan *p, const Contraction *c, Strides *s) {
  const View *x = &c->k->in[c->x];
  *s = (Strides){.p = p, .c = c, .phases = 1};
  if (contraction_both_change(p, c) || x->rank < 3) return false;
  for (int a = 2; a < x->rank && s->n < MOST_SLIDES; a++)
    if (find_stride(c, a, &s->at[s->n])) s->phases *= s->at[s->n++].step;
  const int channels = loops_of(c, &x->at[1], 'K', &s->channel);
  if (channels == 0) return s->n > 0 && c->k->nloop < MAX_LOOPS;
  return s->n > 0 && channels == 1 && x->at[1].coef[s->channel] == 1 &&
         is_summed_apart(c, s->channel);
}

static const Stride *stride_along(const Strides *s, int axis) {
  for (int i = 0; i < s->n; i++)
    if (s->at[i].axis == axis) return &s->at[i];
  return NULL;
}

/* ---- the two copies ---- */

/* Loops over phases and channels of x or w; returns what they are together. */
static Coord phase_channel(const Strides *s, Kernel *copy, int *rest, int *channel) {
  static const char *const names[MOST_SLIDES] = {"r1", "r2", "r3"};
  const Loop one = {.name = "c", .extent = fixed(1)};
  const Loop *channels = s->channel < 0 ? &one : &s->c->k->loop[s->channel];
  int64_t below = channels->extent.plus * s->phases;
  Coord together = {.div = 1};
  for (int i = 0; i < s->n; i++) {
    below /= s->at[i].step;
    rest[i] = kernel_loop(copy, names[i], fixed(s->at[i].step), false);
    together.coef[rest[i]] = (int32_t)below;
  }
  *channel = kernel_loop(copy, channels->name, channels->extent, false);
  together.coef[*channel] = 1;
  return together;
}

/* The channel axis of x: groups, in each of them phases, in each of these channels. `read` is how
 * the new contraction reads it. */
static Coord split_channels(const Strides *s, Kernel *copy, int *rest, Coord *read) {
  const Kernel *k = s->c->k;
  const Coord from = k->in[s->c->x].at[1];
  Coord *in = &copy->in[0].at[1], groups = {.div = 1};
  int channel;
  *in = (Coord){.plus = from.plus, .div = 1};
  read->plus = 0;
  for (int l = 0; l < k->nloop; l++) {
    if (!coord_uses(&from, l) || l == s->channel) continue;
    const int group = kernel_loop(copy, k->loop[l].name, k->loop[l].extent, false);
    in->coef[group] = from.coef[l];
    read->coef[l] = groups.coef[group] = from.coef[l] * (int32_t)s->phases;
  }
  Coord to = phase_channel(s, copy, rest, &channel);
  in->coef[channel] = 1;
  for (int l = 0; l < copy->nloop; l++) to.coef[l] += groups.coef[l];
  return to;
}

static void split_input(const Strides *s, Kernel *k, Steps *steps) {
  Plan *p = s->p;
  const View *from = &s->c->k->in[s->c->x];
  const Type *type = &p->buffer.at[from->tensor].type;
  View *read = &k->in[s->c->x], to = {.rank = from->rank};
  Buffer b = {.home = HOME_WORK, .phase = PHASE_CALL, .type = *type};
  Kernel copy = {.name = k->name, .role = k->role, .algo = s->algo, .nin = 1, .nout = 1};
  View *in = &copy.in[0];
  int rest[MOST_SLIDES];
  int64_t lo, hi;
  *in = *from;
  if (in->outside == INSIDE)
    *in = (View){.tensor = from->tensor, .rank = from->rank, .outside = FILL};
  for (int a = 0; a < from->rank; a++) {
    const Stride *stride = stride_along(s, a);
    if (a == 1) {
      coord_range(s->c->k, &from->at[a], p->max_batch, &lo, &hi);
      b.type.dim[a] = fixed((hi - lo + 1) * s->phases);
      to.at[a] = split_channels(s, &copy, rest, &read->at[a]);
      continue;
    }
    if (stride) b.type.dim[a] = fixed(k->loop[stride->result].extent.plus + stride->taps - 1);
    const char *name = stride ? k->loop[stride->result].name : arena_printf(p->u->arena, "a%d", a);
    const int loop = kernel_loop(&copy, name, b.type.dim[a], false);
    to.at[a] = in->at[a] = coord_loop(loop, 1, 0);
    if (!stride) continue;
    in->at[a] = coord_loop(loop, stride->step, from->at[a].plus);
    in->at[a].coef[rest[stride - s->at]] = 1;
    read->at[a] = coord_loop(stride->result, 1, 0);
    read->at[a].coef[stride->tap] = 1;
  }
  b.name = arena_printf(p->u->arena, "%s.phases", k->name);
  b.format = format_lanes(p, &b.type);
  read->tensor = to.tensor = plan_buffer(p, b);
  copy.out[0] = (Out){.to = to, .value = expr_in(p->u, 0)};
  kernel_simplify(p->u, &copy);
  vec_push(p->u->arena, steps, plan_leaf(p, &copy));
}

/* Weights by the loops of the new contraction. */
static void split_filter(const Strides *s, Kernel *k, int channel) {
  Plan *p = s->p;
  const View *from = &s->c->k->in[s->c->w];
  View *read = &k->in[s->c->w], to = {.rank = 0};
  Buffer b = {.home = HOME_WORK, .phase = PHASE_LOAD, .format = format_plain(F32)};
  Kernel copy = {.name = k->name, .math = F64, .nin = 1, .in = {*from}, .nout = 1};
  int at[MAX_LOOPS] = {0}, rest[MOST_SLIDES], axis;
  read->rank = 0;
  for (int l = 0; l < k->nloop; l++) {
    if (l != channel && !view_uses(from, l)) continue;
    b.type.dim[to.rank] = k->loop[l].extent;
    read->at[read->rank++] = coord_loop(l, 1, 0);
    if (l != channel) at[l] = kernel_loop(&copy, k->loop[l].name, k->loop[l].extent, false);
    to.at[to.rank++] =
        l == channel ? phase_channel(s, &copy, rest, &at[l]) : coord_loop(at[l], 1, 0);
  }
  view_move(&copy.in[0], at, k->nloop);
  for (int i = 0; i < s->n; i++) {
    const Stride *stride = &s->at[i];
    tiling_axes_of(from, stride->tap, &axis);
    Coord *tap = &copy.in[0].at[axis];
    *tap = coord_loop(at[stride->tap], stride->step, 0);
    tap->coef[rest[i]] = 1;
    if (stride->taps * stride->step > s->c->k->loop[stride->tap].extent.plus)
      copy.in[0].outside = FILL;
  }
  b.type.rank = to.rank;
  b.name = arena_printf(p->u->arena, "%s.filter_phases", k->name);
  read->tensor = to.tensor = plan_buffer(p, b);
  copy.out[0] = (Out){.to = to, .value = expr_in(p->u, 0)};
  kernel_simplify(p->u, &copy);
  algo_prepare(p, &copy);
}

bool strided_split(Plan *p, const Contraction *c, const char *algo, Kernel *k, Steps *steps) {
  Strides s;
  if (!find_strides(p, c, &s)) return false;
  s.algo = algo;
  *k = *c->k;
  const int channel = s.channel < 0 ? kernel_loop(k, "phase", fixed(1), true) : s.channel;
  k->loop[channel].extent.plus *= s.phases;
  for (int i = 0; i < s.n; i++) k->loop[s.at[i].tap].extent = fixed(s.at[i].taps);
  k->in[c->x].at[1].coef[channel] = 1;
  split_input(&s, k, steps);
  split_filter(&s, k, channel);
  return true;
}
