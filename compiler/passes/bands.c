/* bands.c - part of nest: a contraction between two kernels that prepare its input and finish its
 * result (Winograd's transforms) runs on bands of both, which stay in L2, and so does a pool of the
 * result.
 *
 *   first:   V[n, c, q, t] = ..                parallel n<n by 1
 *   product: M[n, k, q, t] = sum U * V    ->     parallel t<38 by 2          V, M, y: one band of
 *   last:    y[n, k, 4 * t + u] = .. M             first                     them per worker
 *   pool:    z[n, k, o] = .. y[n, k, 2 * o + v]    loop k<64 by 32
 *                                                    product, last, pool
 * Bands are cut along axes that all of them share: the last one may read its axis at loop / m, then
 * its loop moves by m, and the pool's by m / stride, if no window reaches into another band. Small
 * bands read the weights U again and again, so it pays where V and M are large and U is not. */
#include "nest.h"
#include "backend.h"

#include <string.h>

enum { MAX_BANDS = 4, LEAST_POINTS = 10 };

typedef struct Axis {             /* shared by the kernels */
  int first, product, last, pool; /* their loops; first -1: not in V */
  int v, m, y;                    /* axes of the buffers */
  int mul, stride;                /* of the last kernel's loop; of the pool in it */
  int64_t block;
} Axis;

typedef struct Chain {
  Kernel *first, *product, *last, *pool; /* pool NULL: none that fits */
  const View *v_read, *m_read, *y_read;
  int v, m, y, u; /* buffers */
  int n;
  int64_t bands;        /* of one sample */
  Axis axis[MAX_BANDS]; /* in order of V's axes */
  Axis column;          /* output channels */
} Chain;

/* ---- what is a chain ---- */

/* The loop that an axis stands for, or stands for in pieces of `div`; -1: none. */
static int loop_of(const Kernel *k, const View *v, int axis, int *div) {
  Coord c = v->at[axis];
  int loop;
  *div = c.div;
  c.div = 1;
  return !c.exact && coord_is_loop(&c, &loop) && !k->loop[loop].reduced ? loop : -1;
}

/* Images in the lanes of what one of the kernels reads or writes stay together. */
static bool joins_images(const Nest *n, const Chain *c, const Axis *x) {
  return c->product->loop[x->product].extent.per_n &&
         (nest_lanes(n->p, c->product, x->product) > 1 || nest_lanes(n->p, c->last, x->last) > 1 ||
          (x->first >= 0 && nest_lanes(n->p, c->first, x->first) > 1));
}

/* What a block of `m`, an axis of M, needs of the kernels. */
static bool find_axis(const Chain *c, int m, Axis *x) {
  int one = 1;
  *x = (Axis){.m = m, .first = -1, .v = -1};
  x->product = loop_of(c->product, &c->product->out[0].to, m, &one);
  x->last = loop_of(c->last, c->m_read, m, &x->mul);
  if (x->product < 0 || x->last < 0 || one != 1 || !nest_may_cut(c->last, x->last)) return false;
  for (int a = 0; a < c->m_read->rank; a++)
    if (a != m && coord_uses(&c->m_read->at[a], x->last)) return false;
  if (!view_uses(c->v_read, x->product)) return true;
  x->v = nest_own_axis(c->v_read, x->product);
  if (x->v < 0) return false;
  x->first = loop_of(c->first, &c->first->out[0].to, x->v, &one);
  return x->first >= 0 && one == 1;
}

static bool find_chain(const Nest *n, const Steps *left, Chain *c) {
  *c = (Chain){.column = {.product = -1}};
  for (int i = 0; i < 3; i++)
    if (i >= left->n || !left->at[i]->run) return false;
  c->first = left->at[0]->run;
  c->product = left->at[1]->run;
  c->last = left->at[2]->run;
  Contraction k;
  if (!nest_passes_on(n, c->first, c->product, &c->v_read) ||
      !nest_passes_on(n, c->product, c->last, &c->m_read) ||
      tile_get(&c->product->tile, "r", 0) == 0 || !contraction_of(n->p, c->product, &k) ||
      c->v_read != &c->product->in[k.x])
    return false;
  for (int l = 0; l < c->product->nloop; l++)
    if (nest_samples_share(n->p, c->product, l)) return false;
  c->v = c->v_read->tensor;
  c->m = c->m_read->tensor;
  c->u = c->product->in[k.w].tensor;
  for (int m = 0; m < c->m_read->rank; m++) {
    Axis x;
    if (!find_axis(c, m, &x) || joins_images(n, c, &x)) continue;
    if (x.first < 0 && k.role[x.product] == 'N') c->column = x;
    if (x.first >= 0 && k.role[x.product] == 'M' && c->n < MAX_BANDS) c->axis[c->n++] = x;
  }
  return c->n > 1 && c->column.product >= 0;
}

/* The axis of y that the last kernel's blocks move, and the pool's loop along it. */
static bool find_pooled(const Nest *n, const Chain *c, Axis *x) {
  Bind window;
  x->y = nest_own_axis(&c->last->out[0].to, x->last);
  if (x->y < 0 || !nest_part(c->pool, c->y_read, x->y, &window)) return false;
  x->pool = nest_using_loop(c->pool, c->y_read, x->y);
  x->stride = window.mul;
  return window.from >= 0 && window.to <= window.mul && x->mul % x->stride == 0 &&
         nest_lanes(n->p, c->pool, x->pool) <= nest_lanes(n->p, c->last, x->last);
}

/* A pool that alone reads what the chain computes, window by window within every band. */
static void find_pool(const Nest *n, const Steps *left, Chain *c) {
  if (left->n < 4 || !left->at[3]->run) return;
  c->pool = left->at[3]->run;
  c->y = c->last->out[0].to.tensor;
  bool fits = nest_pools(n, c->last, c->pool, &c->y_read);
  for (int i = 0; i < c->n; i++) fits = fits && find_pooled(n, c, &c->axis[i]);
  fits = fits && find_pooled(n, c, &c->column);
  if (!fits) c->pool = NULL;
}

/* ---- sizes ---- */

static int64_t extent_of(const Chain *c, const Axis *x) {
  return c->product->loop[x->product].extent.plus;
}

static bool is_batch(const Chain *c, const Axis *x) {
  return c->product->loop[x->product].extent.per_n != 0;
}

/* Bytes of a buffer for one sample. */
static double bytes_of(const Nest *n, int buffer) {
  return (double)buffer_bytes(&n->p->buffer.at[buffer], 1);
}

/* How much longer the jobs of so many bands of each sample take if they do not divide evenly among
 * the cores. */
static double imbalance(const Nest *n, const Chain *c, int64_t bands) {
  int64_t jobs = bands;
  for (int i = 0; i < c->n; i++)
    if (is_batch(c, &c->axis[i])) jobs *= n->p->max_batch;
  const int64_t cores = n->p->target->machine.cores, turns = (jobs + cores - 1) / cores;
  return (double)(turns * cores) / (double)jobs;
}

/* The most points per block whose V leaves a third of L2 free; whole rows, or parts of one. Blocks
 * divide their loops: tiles of points are known. */
static bool choose_blocks(const Nest *n, Chain *c) {
  const Machine *machine = &n->p->target->machine;
  Axis *inner = &c->axis[c->n - 1], *outer = &c->axis[c->n - 2];
  int64_t tiles = 1, deep = 1; /* of all axes; of those that are never cut */
  double best = 0;
  for (int i = 0; i < c->n; i++) {
    c->axis[i].block = is_batch(c, &c->axis[i]) ? 1 : 0;
    if (is_batch(c, &c->axis[i])) continue;
    tiles *= extent_of(c, &c->axis[i]);
    if (i < c->n - 2) deep *= extent_of(c, &c->axis[i]);
  }
  const double point = bytes_of(n, c->v) / (double)tiles;
  if (is_batch(c, outer)) outer = inner;
  for (int64_t columns = 1; columns <= extent_of(c, inner); columns++) {
    if (extent_of(c, inner) % columns) continue;
    const bool whole = columns == extent_of(c, inner);
    for (int64_t rows = 1; rows == 1 || (whole && outer != inner && rows <= extent_of(c, outer));
         rows++) {
      const int64_t points = deep * rows * columns;
      if ((outer != inner && extent_of(c, outer) % rows) || points < LEAST_POINTS ||
          (double)points * point > 0.65 * machine->l2)
        continue;
      const double good = (double)points / (double)(points + 8) / imbalance(n, c, tiles / points);
      if (good <= best) continue;
      best = good;
      c->bands = tiles / points;
      inner->block = whole ? 0 : columns;
      if (outer != inner) outer->block = rows;
    }
  }
  return best > 0;
}

/* Every band reads U: near L2, or V and M of the batch would go through memory. Otherwise every
 * block of output channels reads V, if its part of M fits, and blocks of channels divide among
 * cores as they like. */
static bool pays(const Nest *n, const Chain *c) {
  const double most_uneven = 1.25, most_near = 0.6;
  const Machine *machine = &n->p->target->machine;
  const double v = bytes_of(n, c->v), m = bytes_of(n, c->m), u = bytes_of(n, c->u);
  const bool far = (v + m) * (double)n->p->max_batch > most_near * machine->l3;
  if (v + m < machine->l2 || u > (far ? machine->l3 / 3 : 2 * machine->l2) ||
      imbalance(n, c, c->bands) > most_uneven)
    return false;
  const double blocks = (double)extent_of(c, &c->column) /
                        (double)(tile_get(&c->product->tile, "k", 1) * n->p->target->lanes);
  return m / blocks > nest_room(n) || (double)c->bands * u < 2 * blocks * v;
}

/* ---- building ---- */

static Step *add_step(Plan *p, Step **outer, Step *s) {
  if (*outer) vec_push(p->u->arena, &(*outer)->body, s);
  return *outer = s;
}

static Bind moves_by(int mul, int step) {
  return (Bind){.step = (int8_t)step, .mul = mul, .from = 0, .to = mul};
}

static void bind_buffer(Plan *p, int buffer, int axis, int step, int mul, int64_t block) {
  Buffer *b = &p->buffer.at[buffer];
  b->part[axis] = moves_by(mul, step);
  b->span[axis] = mul * block;
}

/* The kernels behind the first, and what lies between them, take blocks of the step. */
static void bind_axis(Plan *p, const Chain *c, const Axis *x, int step, int64_t block) {
  c->product->bind[x->product] = moves_by(1, step);
  c->last->bind[x->last] = moves_by(x->mul, step);
  bind_buffer(p, c->m, x->m, step, 1, block);
  if (!c->pool) return;
  c->pool->bind[x->pool] = moves_by(x->mul / x->stride, step);
  bind_buffer(p, c->y, x->y, step, x->mul, block);
}

/* As many equal tiles as the points of a band make. */
static void fit_tile(const Plan *p, const Chain *c) {
  int64_t points = 1;
  for (int i = 0; i < c->n; i++) {
    const Axis *x = &c->axis[i];
    if (!is_batch(c, x)) points *= x->block ? x->block : extent_of(c, x);
  }
  const int vectors = tile_get(&c->product->tile, "k", 1);
  const int64_t most = (p->target->registers - vectors - 1) / vectors;
  const int64_t tiles = (points + most - 1) / most;
  tile_set(&c->product->tile, "r", (int)((points + tiles - 1) / tiles));
}

static Step *build(Nest *n, Chain *c, Steps *left) {
  Plan *p = n->p;
  Step *top = NULL, *last = NULL;
  int depth = 0;
  for (int i = 0; i < c->n; i++) {
    const Axis *x = &c->axis[i];
    if (x->block == 0) continue;
    add_step(p, &last, nest_new_step(p, &c->product->loop[x->product], x->block, true));
    if (!top) top = last;
    c->first->bind[x->first] = moves_by(1, depth);
    bind_buffer(p, c->v, x->v, depth, 1, x->block);
    bind_axis(p, c, x, depth, x->block);
    depth++;
  }
  vec_push(p->u->arena, &last->body, left->at[0]);
  const Axis *k = &c->column;
  const int64_t columns = tile_get(&c->product->tile, "k", 1) * p->target->lanes;
  Step *inner = nest_new_step(p, &c->product->loop[k->product], columns, false);
  add_step(p, &last, inner);
  bind_axis(p, c, k, depth, columns);
  p->buffer.at[c->v].depth = depth;
  p->buffer.at[c->m].depth = depth + 1;
  if (c->pool) p->buffer.at[c->y].depth = depth + 1;
  const int taken = c->pool ? 4 : 3;
  for (int i = 1; i < taken; i++) vec_push(p->u->arena, &inner->body, left->at[i]);
  left->at += taken;
  left->n -= taken;
  fit_tile(p, c);
  return top;
}

Step *nest_bands(Nest *n, Steps *left) {
  Chain c;
  if (!find_chain(n, left, &c) || !choose_blocks(n, &c) || !pays(n, &c)) return NULL;
  find_pool(n, left, &c);
  return build(n, &c, left);
}
