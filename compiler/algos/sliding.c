/* sliding.c - where a window slides over the input of a contraction: results beside each other read
 * nearly the same of it. */
#include "algos.h"

/* Is the loop in just this coordinate of the view? */
static bool only_in(const View *v, int loop, int axis) {
  for (int a = 0; a < v->rank; a++)
    if (coord_uses(&v->at[a], loop) != (a == axis)) return false;
  return true;
}

/* The reduced loop that shares the coordinate with free loop l, -1: it is l's alone. False: it is
 * others', too. */
static bool find_taps(const Contraction *c, const Coord *at, int l, int *taps) {
  *taps = -1;
  for (int other = 0; other < c->k->nloop; other++) {
    if (other == l || !coord_uses(at, other)) continue;
    if (*taps >= 0 || c->role[other] != 'K' || c->k->loop[other].extent.per_n) return false;
    *taps = other;
  }
  return true;
}

static bool slides_along(const Contraction *c, int l, int axis, Sliding *s) {
  const View *x = &c->k->in[c->x];
  const Coord *at = &x->at[axis];
  *s = (Sliding){.row = l, .axis = axis, .stride = at->coef[l], .dilation = 1};
  if (s->stride <= 0 || !only_in(x, l, axis) || !find_taps(c, at, l, &s->taps)) return false;
  if (s->taps >= 0) s->dilation = at->coef[s->taps];
  return s->taps < 0 || only_in(x, s->taps, axis);
}

int slide_taps(const Contraction *c, const Sliding *s) {
  return s->taps < 0 ? 1 : (int)c->k->loop[s->taps].extent.plus;
}

/* Threads beside each other have places along the last loop, so that they read neighbours: it
 * slides along the one before, if there is one. */
bool contraction_slide(const Contraction *c, Sliding *s) {
  const View *x = &c->k->in[c->x];
  int found = 0;
  for (int l = kernel_free_loops(c->k) - 1; l >= 0 && found < 2; l--) {
    if (c->role[l] != 'M' || c->k->loop[l].extent.per_n) continue;
    for (int a = 0; a < x->rank; a++) {
      Sliding here;
      if (!slides_along(c, l, a, &here)) continue;
      if (found == 0 || here.taps >= 0) *s = here;
      found++;
    }
  }
  return found > 0;
}
