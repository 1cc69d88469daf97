/* affine_learn.c - adding to what is known: inequalities, and what follows from them for intervals
 * and for older atoms. */
#include "affine_knowledge.h"

#include <string.h>

enum { CHAIN = 3 }; /* inequalities that pass on a narrower interval, one to the next */

/* Narrows an atom's interval. False: nothing is left of it. */
static bool narrow(Knowledge *k, int atom, Interval now, bool *changed) {
  const Interval was = k->atoms.at[atom].is;
  *changed = now.lo != was.lo || now.hi != was.hi;
  if (!*changed) return true;
  vec_push(k->arena, &k->changes, ((Change){atom, was}));
  k->atoms.at[atom].is = now;
  return now.lo <= now.hi;
}

/* form <= 0 bounds each of its atoms by the intervals of the others; what an atom's own
 * inequalities then say about older ones is looked at too, `depth` levels deep. */
static bool tighten(Knowledge *k, const Affine *a, int depth) {
  const Affine zero = affine_constant(0);
  for (int i = 0; i < a->n; i++) {
    const int64_t factor = a->term[i].factor;
    const int atom = a->term[i].atom;
    Affine rest = *a, negative;
    rest.term[i].factor = 0;
    if (!affine_combine(&negative, &zero, 1, &rest, -1)) continue;
    Wide room = plain_upper(k, &negative); /* factor * atom <= -rest <= room */
    if (room >= NO_BOUND) continue;
    Interval now = k->atoms.at[atom].is;
    bool changed;
    if (factor > 0 && floor_divide(room, factor) < now.hi) now.hi = floor_divide(room, factor);
    if (factor < 0 && -floor_divide(room, -factor) > now.lo) now.lo = -floor_divide(room, -factor);
    if (!narrow(k, atom, now, &changed)) return false;
    for (int g = changed && depth > 0 ? k->atoms.at[atom].first : -1; g >= 0;
         g = k->inequalities.at[g].next) {
      const Affine form = k->inequalities.at[g].form;
      if (!tighten(k, &form, depth - 1)) return false;
    }
  }
  return true;
}

/* Integers: what the common divisor of the factors leaves over is lost. */
static Affine reduced(Affine form) {
  const int64_t divisor = affine_divisor(&form);
  for (int i = 0; i < form.n; i++) form.term[i].factor /= divisor;
  form.constant = -floor_divide(-form.constant, divisor);
  return form;
}

static bool learn(Knowledge *k, const Affine *a) {
  if (a->n == 0) return a->constant <= 0;
  Affine form = reduced(*a);
  const bool tells = plain_upper(k, &form) > 0; /* something that the intervals do not */
  if (form.n > 1 && tells) {                    /* of one atom the interval says it all */
    int owner = form.term[0].atom;
    vec_push(k->arena, &k->inequalities, ((Inequality){form, k->atoms.at[owner].first}));
    k->atoms.at[owner].first = k->inequalities.n - 1;
  }
  return !tells || tighten(k, &form, CHAIN);
}

/* What the inequality says about its older atoms once the newest is replaced by what bounds it:
 * later proofs may not speak of the newest at all. */
static bool learn_consequences(Knowledge *k, const Affine *a) {
  Term t = a->term[0];
  Affine rest = {.constant = a->constant, .n = a->n - 1}, without;
  Wide least = term_upper(k, (Term){t.atom, -t.factor}); /* -t <= least */
  memcpy(rest.term, a->term + 1, sizeof(Term) * (size_t)rest.n);
  rest.constant -= least;
  if (least < NO_BOUND && !learn(k, &rest)) return false;
  int last = k->atoms.at[t.atom].first;
  for (int i = last; i >= 0; i = k->inequalities.at[i].next) {
    const Affine g = k->inequalities.at[i].form;
    if ((g.term[0].factor > 0) == (t.factor > 0)) continue;
    int64_t gf = magnitude(g.term[0].factor), tf = magnitude(t.factor), d = common_divisor(gf, tf);
    if (affine_combine(&without, a, gf / d, &g, tf / d) && !learn(k, &without)) return false;
  }
  return true;
}

bool know_not_positive(Knowledge *k, const Affine *a) {
  return learn(k, a) && (a->n == 0 || learn_consequences(k, a));
}

bool know_at_most(Knowledge *k, const Affine *a, const Affine *b) {
  Affine difference;
  if (!affine_combine(&difference, a, 1, b, -1)) return true;
  return know_not_positive(k, &difference) && know_signs(k);
}
