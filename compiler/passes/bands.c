/* bands.c - part of nest: a contraction between two kernels that prepare its input and finish its
 * result (Winograd's transforms) runs on bands of both, which stay in L2.
 *
 *   first:   V[n, c, q, t] = ..                parallel n<n by 1
 *   product: M[n, k, q, t] = sum U * V    ->     parallel t<38 by 2          V, M: one band of them
 *   last:    y[n, k, 4 * t + u] = .. M             first                     per worker
 *                                                  loop k<64 by 32
 *                                                    product, last
 * Bands are cut along axes that all three share: the last one may read its axis at loop / m, then
 * its loop moves by m. Small bands read the weights U again and again, so it pays where V and M are
 * large and U is not. */
#include "nest.h"
#include "backend.h"

#include <string.h>

enum { MAX_BANDS = 4, LEAST_POINTS = 10 };

typedef struct Axis {       /* shared by the three kernels */
  int first, product, last; /* their loops; first -1: not in V */
  int v, m;                 /* axes of the buffers */
  int mul;                  /* of the last kernel's loop */
  int64_t block;
} Axis;

typedef struct Chain {
  Kernel *first, *product, *last;
  const View *v_read, *m_read;
  int v, m, u; /* buffers */
  int n;
  int64_t bands;        /* of one sample */
  Axis axis[MAX_BANDS]; /* in order of V's axes */
  Axis column;          /* output channels */
} Chain;

/* ---- what is a chain ---- */

/* The only view of a buffer among a kernel's inputs. */
static const View *only_view(const Kernel *k, int buffer) {
  const View *found = NULL;
  for (int i = 0; i < k->nin; i++) {
    if (k->in[i].tensor != buffer) continue;
    if (found) return NULL;
    found = &k->in[i];
  }
  return found;
}

static bool passes_on(const Nest *n, const Kernel *from, const Kernel *to, const View **read) {
  const int buffer = from->out[0].to.tensor;
  const Buffer *b = &n->p->buffer.at[buffer];
  *read = only_view(to, buffer);
  return *read && from->nout == 1 && !from->out[0].combine && b->home == HOME_WORK &&
         n->readers[buffer] == 1 && n->writers[buffer] == 1;
}

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

static bool find_chain(const Nest *n, Step *const *three, Chain *c) {
  *c = (Chain){.column = {.product = -1}};
  for (int i = 0; i < 3; i++)
    if (!three[i]->run) return false;
  c->first = three[0]->run;
  c->product = three[1]->run;
  c->last = three[2]->run;
  Contraction k;
  if (!passes_on(n, c->first, c->product, &c->v_read) ||
      !passes_on(n, c->product, c->last, &c->m_read) || tile_get(&c->product->tile, "r", 0) == 0 ||
      !contraction_of(n->p, c->product, &k) || c->v_read != &c->product->in[k.x])
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

/* Every band reads U. Otherwise every block of output channels reads V, if its part of M fits, and
 * blocks of channels divide among cores as they like. */
static bool pays(const Nest *n, const Chain *c) {
  const double most_uneven = 1.25;
  const Machine *machine = &n->p->target->machine;
  const double v = bytes_of(n, c->v), m = bytes_of(n, c->m), u = bytes_of(n, c->u);
  if (v + m < machine->l2 || u > machine->l3 / 3 || imbalance(n, c, c->bands) > most_uneven)
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

static void bind_buffer(Plan *p, int buffer, int axis, int step, int64_t block) {
  Buffer *b = &p->buffer.at[buffer];
  b->part[axis] = (Bind){.step = (int8_t)step, .mul = 1, .from = 0, .to = 1};
  b->span[axis] = block;
}

static void bind_loop(Kernel *k, int loop, int step, int mul) {
  k->bind[loop] = (Bind){.step = (int8_t)step, .mul = mul, .from = 0, .to = mul};
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

static Step *build(Nest *n, Chain *c, Step *const *three) {
  Plan *p = n->p;
  Step *top = NULL, *last = NULL;
  int depth = 0;
  for (int i = 0; i < c->n; i++) {
    const Axis *x = &c->axis[i];
    if (x->block == 0) continue;
    add_step(p, &last, nest_new_step(p, &c->product->loop[x->product], x->block, true));
    if (!top) top = last;
    bind_loop(c->first, x->first, depth, 1);
    bind_loop(c->product, x->product, depth, 1);
    bind_loop(c->last, x->last, depth, x->mul);
    bind_buffer(p, c->v, x->v, depth, x->block);
    bind_buffer(p, c->m, x->m, depth, x->block);
    depth++;
  }
  vec_push(p->u->arena, &last->body, three[0]);
  const Axis *k = &c->column;
  const int64_t columns = tile_get(&c->product->tile, "k", 1) * p->target->lanes;
  Step *inner = nest_new_step(p, &c->product->loop[k->product], columns, false);
  add_step(p, &last, inner);
  bind_loop(c->product, k->product, depth, 1);
  bind_loop(c->last, k->last, depth, 1);
  bind_buffer(p, c->m, k->m, depth, columns);
  p->buffer.at[c->v].depth = depth;
  p->buffer.at[c->m].depth = depth + 1;
  vec_push(p->u->arena, &inner->body, three[1]);
  vec_push(p->u->arena, &inner->body, three[2]);
  fit_tile(p, c);
  return top;
}

Step *nest_bands(Nest *n, Step *const *three) {
  Chain c;
  if (!find_chain(n, three, &c) || !choose_blocks(n, &c) || !pays(n, &c)) return NULL;
  return build(n, &c, three);
}
