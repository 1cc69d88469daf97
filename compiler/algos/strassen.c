/* strassen.c - matrix products of halves: seven where eight are needed.
 *
 * y = w x is cut into 2 x 2 blocks: w by output and input channels, x by input channels and points,
 * y by output channels and points (Strassen 1969, in Winograd's form, which takes 15 additions):
 *   P0 = w11 x11                        M0 = P0
 *   P1 = w12 x21                        y11 = P1 + M0
 *   P2 = (w21 + w22 - w11) T2           M1 = P2 + M0       T2 = x11 - x12 + x22
 *   P3 = (w21 + w22) T3                 M2 = P3            T3 = x12 - x11
 *   P4 = (w11 + w12 - w21 - w22) x22    y12 = P4 + M1 + M2
 *   P5 = (w11 - w21) T5                 M3 = P5 + M1       T5 = x22 - x12
 *   P6 = w22 T6                         y21 = M3 - P6      T6 = x11 - x12 - x21 + x22
 *                                       y22 = M3 + M2
 * Sums of weights are made when these arrive, sums of products where a product is stored: what
 * follows the contraction follows there. Blocks are halves of loops, so an offset in a view. */
#include "algos.h"

#include <math.h>
#include <string.h>

extern const Algo algo_strassen;

enum { PRODUCTS = 7, STORES = 4, BLOCKS = 4 };

typedef struct Product {
  int w[BLOCKS], x[BLOCKS]; /* signs of 11 12 21 22 */
  int sign;                 /* of the product itself; 0: there is none */
  int more[2];              /* what is added, numbers of stores; -1: nothing */
  int store, y;             /* a store or a block of y that it becomes; -1: not */
} Product;

static const Product scheme[PRODUCTS + 1] = {
    {{1, 0, 0, 0}, {1, 0, 0, 0}, 1, {-1, -1}, 0, -1},
    {{0, 1, 0, 0}, {0, 0, 1, 0}, 1, {0, -1}, -1, 0},
    {{-1, 0, 1, 1}, {1, -1, 0, 1}, 1, {0, -1}, 1, -1},
    {{0, 0, 1, 1}, {-1, 1, 0, 0}, 1, {-1, -1}, 2, -1},
    {{1, 1, -1, -1}, {0, 0, 0, 1}, 1, {1, 2}, -1, 1},
    {{1, 0, -1, 0}, {0, -1, 0, 1}, 1, {1, -1}, 3, -1},
    {{0, 0, 0, 1}, {1, -1, -1, 1}, -1, {3, -1}, -1, 2},
    {{0}, {0}, 0, {3, 2}, -1, 3},
};

typedef struct Halves {
  Plan *p;
  const Contraction *c;
  int rows, sums, points; /* loops that are halved: output channels, input channels, points */
  View store[STORES];     /* by the loops of c */
} Halves;

/* ---- what fits ---- */

static bool may_halve(const Kernel *k, int loop, int unit) {
  const Extent *e = &k->loop[loop].extent;
  return e->per_n == 0 && e->plus % (2 * unit) == 0;
}

/* The loops that are halved; NULL or what is missing. */
static const char *find_halves(const Plan *p, const Contraction *c, Halves *h) {
  const Kernel *k = c->k;
  const int unit = plan_lanes(p) > 1 ? plan_lanes(p) : 2; /* halves are sums, too */
  *h = (Halves){.c = c, .rows = contraction_lane(p, c, 'N'), .sums = -1, .points = -1};
  for (int l = 0; l < k->nloop; l++) {
    const char role = c->role[l];
    if (role == 'B' || (role == 'N' && l != h->rows) || (role == 'K' && h->sums >= 0))
      return "it is more than one matrix product";
    if (role == 'K') h->sums = l;
    if (role == 'M' && h->points < 0 && view_uses(&k->in[c->x], l) && may_halve(k, l, 1))
      h->points = l;
  }
  if (h->points < 0) return "no extent of its points is even";
  if (!may_halve(k, h->rows, unit) || !may_halve(k, h->sums, unit))
    return "halves of its channels do not fill lanes";
  if (k->nin + 2 > MAX_IN) return "it has too many inputs";
  if (kernel_uses_index(k, h->rows) || kernel_uses_index(k, h->points))
    return "what follows the sum depends on the position";
  return NULL;
}

/* A product of sums has the variance of one product of blocks times its terms, and as much rounding
 * error; directly a block of y sums two products. */
static double growth(void) {
  double store[STORES] = {0}, sum = 0;
  for (const Product *p = scheme; p < scheme + COUNT(scheme); p++) {
    int of_w = 0, of_x = 0;
    for (int i = 0; i < BLOCKS; i++) {
      of_w += p->w[i] != 0;
      of_x += p->x[i] != 0;
    }
    double variance = of_w * of_x;
    for (int i = 0; i < 2; i++)
      if (p->more[i] >= 0) variance += store[p->more[i]];
    if (p->store >= 0)
      store[p->store] = variance;
    else
      sum += variance;
  }
  return sqrt(sum / (2 * BLOCKS));
}

static const char *refuses(const Plan *p, const Contraction *c) {
  Halves h;
  const char *reason = packed_refuses(p, c);
  if (reason) return reason;
  if (contraction_slides(c)) return "a window slides over its input";
  if (c->k->out[0].to.rank < 3) return "its result has no points beside channels";
  if (contraction_lane(p, c, 'N') < 0) return "output channels that share inputs do not fill lanes";
  reason = find_halves(p, c, &h);
  return reason ? reason : algo_refuses_error(p, c->k, contraction_terms(p, c), growth());
}

/* ---- blocks ---- */

/* The second half of a loop is the first one, further on. */
static void move_view(const Halves *h, View *v, int loop, int half) {
  const int64_t by = half * h->c->k->loop[loop].extent.plus / 2;
  for (int a = 0; a < v->rank; a++) v->at[a].plus += v->at[a].coef[loop] * by;
}

static View block_of(const Halves *h, const View *v, int outer, int inner, int block) {
  View moved = *v;
  move_view(h, &moved, outer, block / 2);
  move_view(h, &moved, inner, block % 2);
  return moved;
}

static Kernel half_kernel(const Halves *h) {
  const int loops[] = {h->rows, h->sums, h->points};
  Kernel k = *h->c->k;
  for (int i = 0; i < COUNT(loops); i++) k.loop[loops[i]].extent.plus /= 2;
  k.algo = algo_strassen.name;
  k.macs = 0;
  return k;
}

/* A tensor of a half's points and channels: first points (samples), channels, other points. */
static View new_tensor(const Halves *h, const char *suffix, int channels, const View *like) {
  const Kernel k = half_kernel(h);
  Plan *p = h->p;
  View v = {.rank = 0};
  Buffer b = {.home = HOME_WORK, .phase = PHASE_CALL, .type = {.dtype = F32}};
  b.name = arena_printf(p->u->arena, "%s.%s", k.name, suffix);
  for (int l = 0; l < k.nloop; l++) {
    if (h->c->role[l] != 'M' || !view_uses(like, l)) continue;
    b.type.dim[v.rank] = k.loop[l].extent;
    v.at[v.rank++] = coord_loop(l, 1, 0);
    if (v.rank != 1) continue;
    b.type.dim[v.rank] = k.loop[channels].extent;
    v.at[v.rank++] = coord_loop(channels, 1, 0);
  }
  b.type.rank = v.rank;
  b.format = format_lanes(p, &b.type);
  v.tensor = plan_buffer(p, b);
  return v;
}

/* ---- sums of blocks ---- */

static int only_block(const int *sign) {
  int found = -1;
  for (int i = 0; i < BLOCKS; i++) {
    if (sign[i] == 0) continue;
    if (found >= 0 || sign[i] < 0) return -1;
    found = i;
  }
  return found;
}

/* A map over the loops of `to`: blocks of an operand, added up. Positive ones come first. */
static Kernel sum_of_blocks(const Halves *h, const View *from, int outer, const int *sign,
                            const View *to, DType math) {
  const Kernel half = half_kernel(h);
  Unit *u = h->p->u;
  Kernel k = {.name = half.name, .role = half.role, .math = math, .algo = half.algo, .nout = 1};
  int loop[MAX_LOOPS] = {0};
  const Expr *sum = NULL;
  for (int a = 0; a < to->rank; a++)
    for (int l = 0; l < half.nloop; l++)
      if (coord_uses(&to->at[a], l))
        loop[l] = kernel_loop(&k, half.loop[l].name, half.loop[l].extent, false);
  for (int pass = 1; pass >= -1; pass -= 2)
    for (int i = 0; i < BLOCKS; i++) {
      if (sign[i] != pass) continue;
      const int inner = outer == h->rows ? h->sums : h->points;
      k.in[k.nin] = block_of(h, from, outer, inner, i);
      view_move(&k.in[k.nin], loop, half.nloop);
      const Expr *term = expr_in(u, k.nin++);
      sum = sum ? expr2(u, pass > 0 ? E_add : E_sub, sum, term) : term;
    }
  k.out[0] = (Out){.to = *to, .value = sum};
  view_move(&k.out[0].to, loop, half.nloop);
  return k;
}

/* What a product reads of x: a block, or a sum of blocks that is made first. */
static View operand(const Halves *h, const Product *product, Steps *steps) {
  const View *x = &h->c->k->in[h->c->x];
  const int only = only_block(product->x);
  if (only >= 0) return block_of(h, x, h->sums, h->points, only);
  const View to = new_tensor(h, "input_sum", h->sums, x);
  Kernel sum = sum_of_blocks(h, x, h->sums, product->x, &to, F32);
  vec_push(h->p->u->arena, steps, plan_leaf(h->p, &sum));
  return to;
}

/* And of w. */
static View weights(const Halves *h, const Product *product) {
  const Kernel half = half_kernel(h);
  const View *w = &half.in[h->c->w];
  const int only = only_block(product->w);
  if (only >= 0) return block_of(h, w, h->rows, h->sums, only);
  Buffer b = {.home = HOME_DERIVED, .phase = PHASE_LOAD, .format = format_plain(F32)};
  b.name = arena_printf(h->p->u->arena, "%s.weights_sum", half.name);
  b.type = (Type){.rank = 2, .dim = {half.loop[h->rows].extent, half.loop[h->sums].extent}};
  View to = {.rank = 2, .at = {coord_loop(h->rows, 1, 0), coord_loop(h->sums, 1, 0)}};
  to.tensor = plan_buffer(h->p, b);
  Kernel sum = sum_of_blocks(h, w, h->rows, product->w, &to, F64);
  sum.algo = NULL;
  algo_prepare(h->p, &sum);
  return to;
}

/* ---- products ---- */

typedef struct Whole {
  Unit *u;
  const Expr *sum; /* what a block of y is, in place of the product */
} Whole;

static const Expr *whole_leaf(void *context, const Expr *leaf) {
  const Whole *w = context;
  return leaf->op == E_acc ? w->sum : leaf;
}

/* The product and what is added to it; reads stores by new inputs of k. */
static const Expr *whole_sum(const Halves *h, const Product *product, Kernel *k) {
  Unit *u = h->p->u;
  const Expr *sum = product->sign > 0 ? expr_acc(u, 0) : NULL;
  for (int i = 0; i < 2; i++) {
    if (product->more[i] < 0) continue;
    k->in[k->nin] = h->store[product->more[i]];
    const Expr *more = expr_in(u, k->nin++);
    sum = sum ? expr2(u, E_add, sum, more) : more;
  }
  return product->sign < 0 ? expr2(u, E_sub, sum, expr_acc(u, 0)) : sum;
}

/* Where it goes: into a store, or into y with all that follows. */
static void finish(Halves *h, const Product *product, Kernel *k) {
  Whole whole = {h->p->u, whole_sum(h, product, k)};
  if (product->store >= 0) {
    k->out[0].to = h->store[product->store] = new_tensor(h, "product", h->rows, &k->out[0].to);
    k->out[0].value = whole.sum;
    return;
  }
  const Kernel *all = h->c->k;
  for (int i = 0; i < all->nin; i++)
    if (i != h->c->x && i != h->c->w)
      k->in[i] = block_of(h, &all->in[i], h->rows, h->points, product->y);
  k->out[0].to = block_of(h, &all->out[0].to, h->rows, h->points, product->y);
  k->out[0].value = expr_replace(whole.u, k->out[0].value, whole_leaf, &whole);
}

static void lower_product(Halves *h, const Product *product, Steps *steps) {
  Plan *p = h->p;
  Kernel k = half_kernel(h);
  Contraction c;
  if (product == scheme) k.macs = h->c->k->macs;
  if (product->sign) {
    k.in[h->c->x] = operand(h, product, steps);
    k.in[h->c->w] = weights(h, product);
  } else {
    k.nfold = 0;
    while (k.loop[k.nloop - 1].reduced) k.nloop--;
  }
  finish(h, product, &k);
  kernel_simplify(p->u, &k);
  if (product->sign == 0)
    vec_push(p->u->arena, steps, plan_leaf(p, &k));
  else if (contraction_of(p, &k, &c))
    vec_push(p->u->arena, steps, packed_lower(p, &c, contraction_lane(p, &c, 'N'), k.algo));
  else
    BUG("%s: no product left", k.name);
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  Halves h;
  const char *reason = find_halves(p, c, &h);
  if (reason) BUG("%s: %s", c->k->name, reason);
  h.p = p;
  for (int i = 0; i < COUNT(scheme); i++) lower_product(&h, &scheme[i], steps);
}

const Algo algo_strassen = {
    .name = "strassen",
    .doc = "matrix product of halves by seven products: 1x1 convolutions of many channels",
    .refuses = refuses,
    .wants = LAYOUT_LANES,
    .gives = LAYOUT_LANES,
    .tolerance = 4,
    .doubt = 1.3, /* what cores that share a sample exchange: on two, ResNet-50 gained nothing */
    .transforms = true,
    .lower = lower,
};
