/* choose_margins.c - part of choose: how far beyond a tensor's box its memory reaches.
 *
 * A contraction whose input map leaves the tensor reads `fill` there. When the buffer's physical
 * box has a margin that holds it, no test is left in the loops. The margin is the largest overhang
 * of all readers; whoever writes the buffer writes the margin. The caller's memory has none: a copy
 * with a margin takes its place. */
#include "choose.h"
#include "backend.h"

typedef struct Margins {
  Plan *p;
  int buffers; /* before copies were made */
  int *copy;   /* per buffer; -1: none yet */
} Margins;

/* How far the view leaves axis a of its tensor. */
static void overhang(const Plan *p, const Kernel *k, const View *v, int a, int64_t *lo,
                     int64_t *hi) {
  const Type *type = &p->buffer.at[v->tensor].type;
  int64_t first, last, extent = extent_at(type->dim[a], p->max_batch);
  coord_range(k, &v->at[a], p->max_batch, &first, &last);
  *lo = first < 0 ? -first : 0;
  *hi = last >= extent ? last - extent + 1 : 0;
}

static bool leaves_box(const Plan *p, const Kernel *k, const View *v) {
  for (int a = 0; a < v->rank; a++) {
    int64_t lo, hi;
    overhang(p, k, v, a, &lo, &hi);
    if (lo || hi || v->at[a].exact) return true;
  }
  return false;
}

/* A margin serves affine maps that leave the box along axes without lanes. What lies behind the
 * last image in lanes is 0, and so is its margin. */
static bool margin_serves(const Plan *p, const Kernel *k, const View *v) {
  if (v->fill != 0 && buffer_in_batch(&p->buffer.at[v->tensor])) return false;
  for (int a = 0; a < v->rank; a++) {
    int64_t lo, hi;
    overhang(p, k, v, a, &lo, &hi);
    bool lanes = a == p->buffer.at[v->tensor].format.lane_axis;
    if (!coord_affine(&v->at[a]) || ((lo || hi) && lanes) || lo > INT16_MAX || hi > INT16_MAX)
      return false;
  }
  return true;
}

static void widen(Plan *p, const Kernel *k, const View *v, Buffer *b) {
  if (buffer_has_margin(b) && b->format.fill != v->fill) return; /* the reader has to test */
  b->format.fill = v->fill;
  for (int a = 0; a < v->rank; a++) {
    int64_t lo, hi;
    overhang(p, k, v, a, &lo, &hi);
    if (lo > b->format.lo[a]) b->format.lo[a] = (int16_t)lo;
    if (hi > b->format.hi[a]) b->format.hi[a] = (int16_t)hi;
  }
}

static int copy_of(Margins *m, int buffer, Steps *steps) {
  if (buffer >= m->buffers) return buffer;
  if (m->copy[buffer] >= 0) return m->copy[buffer];
  Buffer b = m->p->buffer.at[buffer];
  b.name = arena_printf(m->p->u->arena, "%s.moved", b.name);
  b.home = HOME_WORK;
  m->copy[buffer] = plan_buffer(m->p, b);
  vec_push(m->p->u->arena, steps, plan_copy(m->p, buffer, m->copy[buffer], NULL));
  return m->copy[buffer];
}

static void give_margin(Margins *m, Kernel *k, View *v, Steps *steps) {
  Plan *p = m->p;
  if (v->outside != FILL) return;
  if (!leaves_box(p, k, v)) {
    v->outside = INSIDE;
    v->fill = 0;
    return;
  }
  if (!margin_serves(p, k, v)) return;
  Home home = p->buffer.at[v->tensor].home;
  if (home != HOME_WORK && home != HOME_KEPT) v->tensor = copy_of(m, v->tensor, steps);
  widen(p, k, v, &p->buffer.at[v->tensor]);
}

static void fit_tiles(Plan *p) {
  for (PlanEntry e = PLAN_FORWARD; e < PLAN_ENTRIES; e++)
    for (int i = 0; i < p->entry[e].step.n; i++)
      if (p->target->fit_tile) p->target->fit_tile(p, p->entry[e].step.at[i]->run);
}

void choose_margins(Plan *p) {
  for (PlanEntry e = PLAN_FORWARD; e < PLAN_ENTRIES; e++) {
    Margins m = {.p = p, .buffers = p->buffer.n, .copy = NEW_ARRAY(p->u->arena, int, p->buffer.n)};
    Steps steps = {0}, *old = &p->entry[e].step;
    for (int b = 0; b < m.buffers; b++) m.copy[b] = -1;
    for (int i = 0; i < old->n; i++) {
      Kernel *k = old->at[i]->run;
      const bool any = k->algo || kernel_kind(k) == KIND_CONTRACT;
      for (int j = 0; j < k->nin && any; j++) give_margin(&m, k, &k->in[j], &steps);
      vec_push(p->u->arena, &steps, old->at[i]);
    }
    *old = steps;
  }
  fit_tiles(p);
}
