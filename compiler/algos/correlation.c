/* correlation.c - contractions of two operands that both change in every call: weight gradients.
 *
 *   dw[k, c, kh, kw] = sum over n oh ow of x[n, c, oh + kh, ow + kw] * dy[n, k, oh, ow]
 *
 * Nothing is packed: lanes run along the channels of one operand as it lies in memory, which is
 * the w of the Contraction; elements of the other one are broadcast, R of its channels or taps to
 * a tile. The window slides along w where it can, so that a tile takes all taps of a row:
 *
 *   dw[k, c, kh, kw] = sum over n oh iw of x[n, c, oh + kh, iw] * dy[n, k, oh, iw - kw]
 *
 * which multiplies each x by vectors of dy that the turns before have read. A result that lies in
 * rows along the same loop (a dense layer's) is stored at once. Any other is summed into a buffer
 * with these lanes innermost, and a kernel of its own puts it where it belongs. Sums stay in the
 * kernel's order, so they depend on neither tiles nor threads. */
#include "algos.h"
#include "backend.h"

bool contraction_both_change(const Plan *p, const Contraction *c) {
  return p->buffer.at[c->k->in[c->w].tensor].phase == PHASE_CALL;
}

/* ---- lanes ---- */

/* The loop of the result that runs along the channels of input `in`, and of input `other` if that
 * is `shared`; -1: none, or groups that lanes would straddle. */
static int channel_loop(const Plan *p, const Kernel *k, int in, int other, bool shared) {
  const View *v = &k->in[in];
  const int axis = v->rank > 2 ? 1 : v->rank - 1, lanes = v->rank > 2 ? plan_lanes(p) : 1;
  for (int l = 0; l < k->nloop && v->rank > 0; l++)
    if (!k->loop[l].reduced && view_uses(&k->out[0].to, l) &&
        view_uses(&k->in[other], l) == shared && coord_lines_up(&v->at[axis], l, lanes))
      return l;
  return -1;
}

int correlation_lane(const Plan *p, const Contraction *c, char role) {
  const int lane = channel_loop(p, c->k, c->w, c->x, role == 'B');
  if (role == 'B' && lane >= 0 && channel_loop(p, c->k, c->x, c->w, true) != lane) return -1;
  return lane;
}

/* How much of its vectors a loop fills. */
static double filled(const Plan *p, const Loop *loop) {
  const int64_t lanes = plan_lanes(p), extent = loop->extent.plus;
  return (double)extent / (double)((extent + lanes - 1) / lanes * lanes);
}

bool correlation_lanes_along_first(const Plan *p, const Kernel *k, int a, int b) {
  const int first = channel_loop(p, k, a, b, false), second = channel_loop(p, k, b, a, false);
  const View *to = &k->out[0].to;
  int rows;
  if (first < 0 || second < 0) return first >= 0;
  if (to->rank == 2 && coord_is_loop(&to->at[1], &rows) && (rows == first || rows == second))
    return rows == first;
  return filled(p, &k->loop[first]) > 1.2 * filled(p, &k->loop[second]);
}

/* The loop that tiles take points of: the longest of those that only x knows. */
static int point_loop(const Contraction *c) {
  int point = -1;
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'M' && view_uses(&c->k->in[c->x], l) &&
        (point < 0 || c->k->loop[l].extent.plus >= c->k->loop[point].extent.plus))
      point = l;
  return point;
}

int correlation_taps(const Plan *p, const Contraction *c) {
  if (!contraction_both_change(p, c)) return -1;
  const int lane = correlation_lane(p, c, 'N');
  int taps = -1;
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'N' && l != lane && !c->k->loop[l].extent.per_n) taps = l;
  return taps;
}

const char *correlation_refuses_sums(const Plan *p, const Contraction *c, char role) {
  const Kernel *k = c->k;
  if (k->math != F32 || k->fold[0].acc != F32) return "its sum is in double";
  if (k->nout != 1 || k->out[0].combine) return "it has more than one result";
  for (int i = 0; i < 2; i++) {
    const View *v = &k->in[i ? c->w : c->x];
    if (v->outside == SKIP) return "its sum leaves terms out";
    for (int a = 0; a < v->rank; a++)
      if (!coord_affine(&v->at[a]) || v->at[a].exact) return "its index maps divide";
  }
  if (correlation_lane(p, c, role) < 0)
    return role == 'B' ? "output channels share input channels"
                       : "channels of neither operand fill lanes";
  if (point_loop(c) < 0) return "its operands share all loops of the result";
  return NULL;
}

const char *correlation_refuses(const Plan *p, const Contraction *c, char role) {
  if (p->target->language->blocks) return "threads of this target work in blocks";
  return correlation_refuses_sums(p, c, role);
}

/* ---- lowering ---- */

/* The axis of a view that loop l moves, alone of all its axes; -1: none. */
static int axis_of(const View *v, int l) {
  int axis = -1;
  for (int a = 0; a < v->rank; a++) {
    if (!coord_uses(&v->at[a], l)) continue;
    if (axis >= 0) return -1;
    axis = a;
  }
  return axis;
}

/* A window of x in one dimension: a reduced loop and free loop `tap` move its axis together. */
typedef struct Window {
  int tap, x_axis, w_axis;
} Window;

/* Is the window that of loop `at`, without strides, and does w end where it does? */
static bool window_of(const Plan *p, const Contraction *c, int at, Window *window) {
  const Kernel *k = c->k;
  const View *x = &k->in[c->x], *w = &k->in[c->w];
  int only;
  *window = (Window){-1, axis_of(x, at), axis_of(w, at)};
  if (!k->loop[at].reduced || window->x_axis < 0 || window->w_axis < 0) return false;
  const Coord *coord = &x->at[window->x_axis];
  if (coord->coef[at] != 1 || !coord_is_loop(&w->at[window->w_axis], &only)) return false;
  if (!extent_same(p->buffer.at[w->tensor].type.dim[window->w_axis], k->loop[at].extent))
    return false;
  for (int l = 0; l < k->nloop; l++) {
    if (l == at || !coord_uses(coord, l)) continue;
    if (window->tap >= 0 || c->role[l] != 'M' || axis_of(x, l) < 0) return false;
    window->tap = l;
  }
  return window->tap >= 0;
}

/* The innermost window of x becomes one of w: a term's place is that in x. What x's margin would
 * add is left out, what w's margin adds is 0. */
static void slide_along_w(const Plan *p, Kernel *k, Contraction *c) {
  Window window;
  int l = k->nloop - 1;
  while (l >= 0 && !window_of(p, c, l, &window)) l--;
  if (l < 0 || plan_lanes(p) == 1 || c->k->in[c->x].fill != 0) return;
  Contraction slid = *c;
  slid.role[window.tap] = 'N';
  if (point_loop(&slid) < 0) return;
  Coord *x = &k->in[c->x].at[window.x_axis], *w = &k->in[c->w].at[window.w_axis];
  *w = coord_loop(l, 1, -x->plus);
  w->coef[window.tap] = -x->coef[window.tap];
  *x = coord_loop(l, 1, 0);
  k->loop[l].extent = p->buffer.at[k->in[c->x].tensor].type.dim[window.x_axis];
  k->in[c->w].outside = FILL;
  *c = slid;
}

/* In lowered kernels the second factor is w. */
static void put_w_second(Unit *u, Kernel *k, const Contraction *c) {
  int place[MAX_IN];
  if (k->fold[0].term->arg[1]->index == c->w) return;
  for (int i = 0; i < k->nin; i++) place[i] = i == c->x ? c->w : i == c->w ? c->x : i;
  const View x = k->in[c->x];
  k->in[c->x] = k->in[c->w];
  k->in[c->w] = x;
  k->out[0].value = expr_rename_inputs(u, k->out[0].value, place);
}

/* Loops that both operands know, the lane loop, those of x with the points last, reduced ones. */
static void order_loops(Unit *u, Kernel *k, const Contraction *c, int lane, int *to) {
  const int point = point_loop(c);
  int next = 0;
  for (int group = 0; group < 5; group++)
    for (int l = 0; l < k->nloop; l++) {
      const int own = k->loop[l].reduced  ? 4
                      : l == point        ? 3
                      : l == lane         ? 1
                      : c->role[l] == 'B' ? 0
                                          : 2;
      if (own == group) to[l] = next++;
    }
  kernel_move_loops(u, k, to);
}

View correlation_sums(Plan *p, const Kernel *k, int lane) {
  Buffer b = {.home = HOME_WORK, .phase = PHASE_CALL, .format = format_plain(F32)};
  View v = {.rank = 0};
  b.name = arena_printf(p->u->arena, "%s.sums", k->name);
  for (int l = 0; l < k->nloop && !k->loop[l].reduced; l++) {
    if (v.rank == MAX_RANK) BUG("%s: a result of more than %d loops", k->name, MAX_RANK);
    b.type.dim[v.rank] = k->loop[l].extent;
    v.at[v.rank++] = coord_loop(l, 1, 0);
  }
  b.type.rank = v.rank;
  if (plan_lanes(p) > 1) {
    b.format.lane_axis = (int8_t)lane;
    b.format.lanes = (int16_t)plan_lanes(p);
  }
  v.tensor = plan_buffer(p, b);
  return v;
}

typedef struct Settle {
  Unit *u;
  int sums; /* the input that holds them */
} Settle;

static const Expr *settled_leaf(void *context, const Expr *leaf) {
  const Settle *s = context;
  return leaf->op == E_acc ? expr_in(s->u, s->sums) : leaf;
}

/* x and w give way to the sums. */
Kernel correlation_settle(Plan *p, const Contraction *c, const View *sums, const int *to) {
  Kernel k = *c->k;
  Settle s = {p->u, c->x};
  View view = {.rank = sums->rank, .tensor = sums->tensor};
  while (k.nloop && k.loop[k.nloop - 1].reduced) k.nloop--;
  for (int l = 0; l < k.nloop; l++) view.at[to[l]] = coord_loop(l, 1, 0);
  k.in[c->x] = k.in[c->w] = view;
  k.nfold = 0;
  k.macs = 0;
  k.out[0].value = expr_replace(p->u, k.out[0].value, settled_leaf, &s);
  kernel_simplify(p->u, &k);
  return k;
}

void correlation_lower(Plan *p, const Contraction *given, char role, const char *algo,
                       Steps *steps) {
  Arena *arena = p->u->arena;
  Contraction slid = *given, *c = &slid;
  const int lane = correlation_lane(p, c, role);
  Step *leaf = plan_leaf(p, c->k);
  Kernel *k = leaf->run;
  k->algo = algo;
  if (role == 'N') slide_along_w(p, k, c);
  put_w_second(p->u, k, c);
  vec_push(arena, steps, leaf);
  if (!view_moves_by_one(p, k, &k->out[0].to, lane)) {
    int to[MAX_LOOPS];
    order_loops(p->u, k, c, lane, to);
    View sums = correlation_sums(p, k, to[lane]);
    Kernel last = correlation_settle(p, c, &sums, to);
    k->out[0].to = sums;
    k->out[0].value = expr_acc(p->u, 0);
    kernel_simplify(p->u, k);
    vec_push(arena, steps, plan_leaf(p, &last));
  }
  algo_pick_tile(p, k);
}
