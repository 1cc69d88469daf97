/* im2col.c - the window of every output point is copied into a row; then a matrix product.
 *
 *   col[n, (g,) P, Q] = x[n, c, oh + kh, ow + kw],  P = oh * OW + ow,  Q = (c * KH + kh) * KW + kw
 *   out[n, k, oh, ow] = sum over Q of w[k, Q] * col[n, P, Q]
 * Chellapilla, Puri & Simard (2006). Costs memory, but serves inputs whose margins or lanes suit
 * nobody: the copy may read them in any way. */
#include "algos.h"

extern const Algo algo_im2col;

static const char *refuses(const Plan *p, const Contraction *c) {
  const char *reason = packed_refuses(p, c);
  if (reason) return reason;
  if (!contraction_slides(c)) return "no window slides over its input: gemm without copies";
  if (c->k->out[0].to.rank < 3) return "its result has no points beside channels";
  if (contraction_lane(p, c, 'N') < 0) return "output channels that share inputs do not fill lanes";
  return NULL;
}

/* Appends loop l to the mixed-radix number of a coordinate. */
static void append_digit(Coord *c, Extent *size, const Loop *loop, int l) {
  for (int i = 0; i < MAX_LOOPS; i++) c->coef[i] *= (int32_t)loop->extent.plus;
  c->coef[l] = 1;
  *size = fixed(size->plus * loop->extent.plus);
}

/* Where the element that x reads at each point lies in the columns, and their type. */
static View columns(const Contraction *c, Type *type) {
  const Kernel *k = c->k;
  View col = {.outside = INSIDE};
  Coord point = {.div = 1}, tap = {.div = 1};
  Extent points = fixed(1), taps = fixed(1);
  *type = (Type){.dtype = F32};
  for (int l = 0; l < k->nloop; l++) {
    if (!view_uses(&k->in[c->x], l)) continue;
    if (k->loop[l].reduced) {
      append_digit(&tap, &taps, &k->loop[l], l);
    } else if (contraction_loop_slides(c, l)) {
      append_digit(&point, &points, &k->loop[l], l);
    } else {
      type->dim[col.rank] = k->loop[l].extent;
      col.at[col.rank++] = coord_loop(l, 1, 0);
    }
  }
  type->dim[col.rank] = points;
  col.at[col.rank++] = point;
  type->dim[col.rank] = taps;
  col.at[col.rank++] = tap;
  type->rank = col.rank;
  return col;
}

/* x -> col: the loops of k that x mentions, all free. */
static Kernel copy_kernel(Unit *u, const Contraction *c, const View *col) {
  const Kernel *k = c->k;
  Kernel copy = {.name = k->name, .nin = 1, .nout = 1, .in = {k->in[c->x]}};
  int to[MAX_LOOPS] = {0};
  for (int l = 0; l < k->nloop; l++)
    if (view_uses(&k->in[c->x], l))
      to[l] = kernel_loop(&copy, k->loop[l].name, k->loop[l].extent, false);
  copy.out[0] = (Out){.to = *col, .value = expr_in(u, 0)};
  view_move(&copy.in[0], to, k->nloop);
  view_move(&copy.out[0].to, to, k->nloop);
  return copy;
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  Buffer b = {.home = HOME_WORK, .phase = PHASE_CALL, .format = format_plain(F32)};
  View col = columns(c, &b.type);
  b.name = arena_printf(p->u->arena, "%s.columns", c->k->name);
  col.tensor = plan_buffer(p, b);
  Kernel copy = copy_kernel(p->u, c, &col), product = *c->k;
  product.in[c->x] = col;
  vec_push(p->u->arena, steps, plan_leaf(p, &copy));
  Contraction matrix;
  if (!contraction_of(p, &product, &matrix)) BUG("%s: no product left", product.name);
  vec_push(p->u->arena, steps,
           packed_lower(p, &matrix, contraction_lane(p, c, 'N'), algo_im2col.name));
}

const Algo algo_im2col = {
    .name = "im2col",
    .doc = "windows copied into rows, then a matrix product",
    .refuses = refuses,
    .wants = LAYOUT_ANY,
    .gives = LAYOUT_LANES,
    .tolerance = 1,
    .lower = lower,
};
