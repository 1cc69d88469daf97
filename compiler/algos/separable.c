/* separable.c - a fixed window of rank 1 as a pass along each of its axes.
 *
 * Where the numbers of a constant window are products, w[o, kh, kw] = first[o, kh] * rest[o, kw],
 *   t[n, c, oh, w]  = sum over kh of first[c, kh] * x[n, c, oh + kh, w]
 *   y[n, k, oh, ow] = sum over c, kw of rest[k, c, kw] * t[n, c, oh, ow + kw]    and the epilogue
 * take KH + KW products for a point in place of KH * KW. The second is a contraction like the one
 * it came from and is taken apart again (3 dimensions). Blurs, edges, blobs: what is given in the
 * network and not trained. `first` depends on output channels only where it must: then t does. */
#include "algos.h"

#include <math.h>
#include <string.h>

extern const Algo algo_separable;

enum { MOST_WEIGHTS = 1 << 20 };

typedef struct Split {
  const Plan *p;
  const Contraction *c;
  int tap, axis;        /* what is summed first; the axis of x that it moves along */
  int result;           /* the loop of results along this axis */
  bool varies;          /* `first` depends on output channels */
  double *first, *rest; /* over the loops of is_key and the tap; over those of w but the tap */
} Split;

/* ---- numbers of the window ---- */

/* Does `first` depend on loop l? */
static bool is_key(const Split *s, int l) {
  const char role = s->c->role[l];
  return view_uses(&s->c->k->in[s->c->w], l) &&
         (role == 'B' || (role == 'N' && s->varies) ||
          (role == 'K' && !contraction_loop_slides(s->c, l)));
}

static bool is_rest(const Split *s, int l) {
  return l != s->tap && view_uses(&s->c->k->in[s->c->w], l);
}

typedef bool Takes(const Split *, int loop);

/* The number of a point among those of the loops that are taken; their count where `at` is NULL. */
static int64_t point_index(const Split *s, Takes *takes, const int64_t *at) {
  const Kernel *k = s->c->k;
  int64_t index = at ? 0 : 1;
  for (int l = 0; l < k->nloop; l++)
    if (takes(s, l)) index = index * k->loop[l].extent.plus + (at ? at[l] : 0);
  return index;
}

/* The next point of the loops that are taken; false: there is none. */
static bool next_point(const Split *s, Takes *takes, int64_t *at) {
  const Kernel *k = s->c->k;
  for (int l = k->nloop - 1; l >= 0; l--) {
    if (!takes(s, l)) continue;
    if (++at[l] < k->loop[l].extent.plus) return true;
    at[l] = 0;
  }
  return false;
}

static double weight_at(const Split *s, const int64_t *at, int64_t tap) {
  const View *w = &s->c->k->in[s->c->w];
  const Buffer *b = &s->p->buffer.at[w->tensor];
  int64_t index = 0;
  for (int a = 0; a < w->rank; a++) {
    int64_t v = w->at[a].plus;
    for (int l = 0; l < s->c->k->nloop; l++) v += w->at[a].coef[l] * (l == s->tap ? tap : at[l]);
    index = index * b->type.dim[a].plus + v;
  }
  return b->value[index];
}

/* Every row of a matrix of rank 1 is a multiple of the one that has the largest number. */
static bool factor(Split *s) {
  const int64_t taps = s->c->k->loop[s->tap].extent.plus, keys = point_index(s, is_key, NULL);
  Arena *arena = s->p->u->arena;
  double *most = NEW_ARRAY(arena, double, keys), error = 0, scale = 0;
  int64_t *column = NEW_ARRAY(arena, int64_t, keys), at[MAX_LOOPS] = {0};
  s->first = NEW_ARRAY(arena, double, keys *taps);
  s->rest = NEW_ARRAY(arena, double, point_index(s, is_rest, NULL));
  do {
    const int64_t key = point_index(s, is_key, at);
    for (int64_t j = 0; j < taps; j++) {
      const double value = weight_at(s, at, j);
      if (!(fabs(value) > most[key])) continue;
      most[key] = fabs(value);
      column[key] = j;
      for (int64_t i = 0; i < taps; i++) s->first[key * taps + i] = weight_at(s, at, i) / value;
    }
  } while (next_point(s, is_rest, at));
  do {
    const int64_t key = point_index(s, is_key, at);
    const double rest = weight_at(s, at, column[key]);
    s->rest[point_index(s, is_rest, at)] = rest;
    for (int64_t j = 0; j < taps; j++) {
      const double value = weight_at(s, at, j);
      error = fmax(error, fabs(value - rest * s->first[key * taps + j]));
      scale = fmax(scale, fabs(value));
    }
  } while (next_point(s, is_rest, at));
  return error <= 1e-7 * scale;
}

/* ---- what fits ---- */

/* The first loop of taps, of at least two. */
static int first_tap(const Contraction *c) {
  int first = -1, taps = 0;
  for (int l = c->k->nloop - 1; l >= 0; l--) {
    if (c->role[l] != 'K' || !contraction_loop_slides(c, l)) continue;
    first = l;
    taps++;
  }
  return taps > 1 ? first : -1;
}

/* The one axis of x that the tap moves along, with a result and nothing else. */
static bool find_axis(Split *s) {
  const Kernel *k = s->c->k;
  const View *x = &k->in[s->c->x];
  s->axis = s->result = -1;
  for (int a = 0; a < x->rank; a++) {
    if (!coord_uses(&x->at[a], s->tap)) continue;
    if (s->axis >= 0) return false;
    s->axis = a;
  }
  for (int l = 0; l < k->nloop; l++) {
    if (l == s->tap || !coord_uses(&x->at[s->axis], l)) continue;
    if (s->result >= 0 || s->c->role[l] != 'M') return false;
    s->result = l;
  }
  for (int a = 0; a < x->rank; a++)
    if (a != s->axis && s->result >= 0 && coord_uses(&x->at[a], s->result)) return false;
  return s->result >= 0;
}

static const char *find_split(const Plan *p, const Contraction *c, Split *s) {
  const View *x = &c->k->in[c->x], *w = &c->k->in[c->w];
  const Buffer *b = &p->buffer.at[w->tensor];
  *s = (Split){.p = p, .c = c, .tap = first_tap(c)};
  if (b->home != HOME_CONST || !b->value) return "its weights are not constants";
  if (s->tap < 0) return "its window has less than two axes";
  if (type_size(&b->type, 1) > MOST_WEIGHTS) return "its window has too many numbers";
  if (x->outside == FILL && x->fill != 0) return "what lies outside of its input is not 0";
  for (int a = 0; a < w->rank; a++)
    if (!coord_affine(&w->at[a])) return "its weights are read at remainders";
  if (!find_axis(s)) return "its window moves along several loops at once";
  if (factor(s)) return NULL;
  s->varies = true;
  return factor(s) ? NULL : "its window is of a higher rank than 1";
}

static const char *refuses(const Plan *p, const Contraction *c) {
  Split s;
  const char *reason = packed_refuses(p, c);
  return reason ? reason : find_split(p, c, &s);
}

/* ---- two contractions ---- */

static int new_constant(Plan *p, const char *name, const Type *type, const double *value) {
  return plan_buffer(p, (Buffer){.name = name,
                                 .type = *type,
                                 .home = HOME_CONST,
                                 .phase = PHASE_CONST,
                                 .format = format_plain(F32),
                                 .value = value});
}

/* The numbers of the loops that are taken, and behind them of the tap if `with_tap`. */
static View new_weights(Plan *p, const Split *s, Takes *takes, bool with_tap, const char *suffix,
                        const double *value) {
  const Kernel *k = s->c->k;
  View v = {.rank = 0};
  Type type = {.dtype = F32};
  for (int l = 0; l <= k->nloop; l++) {
    const int loop = l < k->nloop ? l : s->tap;
    if (l < k->nloop ? !takes(s, l) : !with_tap) continue;
    type.dim[v.rank] = k->loop[loop].extent;
    v.at[v.rank++] = coord_loop(loop, 1, 0);
  }
  type.rank = v.rank;
  v.tensor = new_constant(p, arena_printf(p->u->arena, "%s.%s", k->name, suffix), &type, value);
  return v;
}

/* Is it a loop of t as it is: a sample, a channel or the result of the first pass? */
static bool is_kept(const Split *s, int l) {
  const View *x = &s->c->k->in[s->c->x];
  if (l == s->tap || (!view_uses(x, l) && !is_key(s, l))) return false;
  return l == s->result || !contraction_loop_slides(s->c, l);
}

static bool is_whole(const Split *s, int axis) {
  const View *x = &s->c->k->in[s->c->x];
  bool moves = false;
  for (int l = 0; l < s->c->k->nloop; l++)
    moves |= axis != s->axis && coord_uses(&x->at[axis], l) && !is_kept(s, l);
  return moves;
}

typedef struct Between { /* t: its type, and how each of the two passes sees it */
  Buffer b;
  View to, from;
} Between;

static void add_axis(Between *t, Coord to, Coord from, Extent extent) {
  t->to.at[t->to.rank++] = to;
  t->from.at[t->from.rank++] = from;
  t->b.type.dim[t->b.type.rank++] = extent;
}

static bool in_lanes(const Plan *p, const View *v) {
  return plan_lanes(p) == 1 || p->buffer.at[v->tensor].format.lane_axis >= 0;
}

/* In register tiles where tensors lie in lanes as these want it. */
static void push(Plan *p, const Kernel *k, Steps *steps) {
  Contraction c;
  char role = 0;
  if (contraction_of(p, k, &c) && in_lanes(p, &k->out[0].to)) {
    if (!tiles_refuses(p, &c, 'N')) role = 'N';
    if (!tiles_refuses(p, &c, 'B') && in_lanes(p, &k->in[c.x])) role = 'B';
  }
  if (role) {
    tiles_lower(p, &c, role, algo_separable.name, steps);
    return;
  }
  Step *leaf = plan_leaf(p, k);
  leaf->run->algo = algo_separable.name;
  vec_push(p->u->arena, steps, leaf);
}

/* The first pass; returns t as the second reads it. Where other taps move along an axis t is as
 * long as x. */
static View lower_first(Plan *p, const Split *s, Steps *steps) {
  const Kernel *k = s->c->k;
  const View *x = &k->in[s->c->x];
  const Buffer *of_x = &p->buffer.at[x->tensor];
  Kernel first = {.name = k->name, .role = k->role, .math = F32, .nfold = 1, .nin = 2, .nout = 1};
  Between t = {.b = {.home = HOME_WORK, .phase = PHASE_CALL}, .from = {.outside = x->outside}};
  int loop[MAX_LOOPS] = {0}, whole[MAX_RANK];
  for (int pass = 0; pass < 2; pass++) /* rows lie behind samples and channels */
    for (int l = 0; l < k->nloop; l++) {
      if (!is_kept(s, l) || (l == s->result) != pass) continue;
      loop[l] = kernel_loop(&first, k->loop[l].name, k->loop[l].extent, false);
      add_axis(&t, coord_loop(loop[l], 1, 0), coord_loop(l, 1, 0), k->loop[l].extent);
    }
  for (int a = 0; a < x->rank; a++) {
    if (!is_whole(s, a)) continue;
    const Extent extent = of_x->type.dim[a];
    whole[a] = kernel_loop(&first, arena_printf(p->u->arena, "i%d", a), extent, false);
    add_axis(&t, coord_loop(whole[a], 1, 0), x->at[a], extent);
  }
  loop[s->tap] = kernel_loop(&first, k->loop[s->tap].name, k->loop[s->tap].extent, true);
  first.in[0] = *x;
  first.in[1] = new_weights(p, s, is_key, true, "first", s->first);
  for (int i = 0; i < 2; i++) view_move(&first.in[i], loop, k->nloop);
  for (int a = 0; a < x->rank; a++)
    if (is_whole(s, a)) first.in[0].at[a] = coord_loop(whole[a], 1, 0);
  t.b.name = arena_printf(p->u->arena, "%s.pass", k->name);
  t.b.format = of_x->format.lane_axis < 0 ? format_plain(F32) : format_lanes(p, &t.b.type);
  t.from.tensor = t.to.tensor = plan_buffer(p, t.b);
  first.fold[0] = (Fold){FOLD_SUM, expr2(p->u, E_mul, expr_in(p->u, 0), expr_in(p->u, 1)), F32};
  first.out[0] = (Out){.to = t.to, .value = expr_acc(p->u, 0)};
  push(p, &first, steps);
  return t.from;
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  Split s;
  const char *reason = find_split(p, c, &s);
  if (reason) BUG("%s: %s", c->k->name, reason);
  Kernel rest = *c->k;
  Contraction further;
  rest.in[c->x] = lower_first(p, &s, steps);
  rest.in[c->w] = new_weights(p, &s, is_rest, false, "rest", s.rest);
  rest.loop[s.tap].extent = fixed(1);
  kernel_simplify(p->u, &rest);
  if (contraction_of(p, &rest, &further) && !refuses(p, &further))
    lower(p, &further, steps);
  else
    push(p, &rest, steps);
}

const Algo algo_separable = {
    .name = "separable",
    .doc = "a constant window of rank 1 as one pass along each of its axes",
    .refuses = refuses,
    .wants = LAYOUT_ANY,
    .gives = LAYOUT_ANY,
    .tolerance = 2,
    .lower = lower,
};
