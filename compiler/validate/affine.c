/* affine.c - linear forms over integer unknowns: what is known of them, and proofs; see affine.h
 * for the idea. */
#include "affine_knowledge.h"

#include <string.h>

enum {
  PROOF_STEPS = 300, /* eliminations tried before a proof is given up */
  CHAIN = 3          /* inequalities that pass on a narrower interval, one to the next */
};

Knowledge *knowledge_new(Arena *arena) {
  Knowledge *k = NEW(arena, Knowledge);
  k->arena = arena;
  return k;
}

Mark know_mark(const Knowledge *k) {
  return (Mark){k->atoms.n, k->inequalities.n, k->changes.n, k->products.n, k->tables.n};
}

void know_release(Knowledge *k, Mark mark) {
  while (k->inequalities.n > mark.inequalities) {
    const Inequality *last = &k->inequalities.at[--k->inequalities.n];
    k->atoms.at[last->form.term[0].atom].first = last->next;
  }
  while (k->changes.n > mark.changes) {
    const Change *last = &k->changes.at[--k->changes.n];
    k->atoms.at[last->atom].is = last->was;
  }
  k->atoms.n = mark.atoms;
  k->products.n = mark.products;
  k->tables.n = mark.tables;
}

Affine know_atom(Knowledge *k, Interval is, bool attained) {
  vec_push(k->arena, &k->atoms, ((Atom){.is = is, .first = -1, .attained = attained}));
  Affine a = {.n = 1, .term = {{k->atoms.n - 1, 1}}};
  return a;
}

/* ---- forms ---- */

Affine affine_constant(Wide value) {
  Affine a = {.constant = value};
  return a;
}

bool affine_is_constant(const Affine *a, Wide *value) {
  *value = a->constant;
  return a->n == 0;
}

void interval_widen(Interval *range, Interval by) {
  if (by.lo < range->lo) range->lo = by.lo;
  if (by.hi > range->hi) range->hi = by.hi;
}

bool affine_equal(const Affine *a, const Affine *b) {
  if (a->constant != b->constant || a->n != b->n) return false;
  for (int i = 0; i < a->n; i++)
    if (a->term[i].atom != b->term[i].atom || a->term[i].factor != b->term[i].factor) return false;
  return true;
}

bool affine_older(const Affine *a, Mark mark) {
  return a->n == 0 || a->term[0].atom < mark.atoms;
}

/* p * a + q * b into *sum; false when it does not fit. */
static bool mix(Wide a, int64_t p, Wide b, int64_t q, Wide *sum) {
  Wide pa, qb;
  return !__builtin_mul_overflow(a, (Wide)p, &pa) && !__builtin_mul_overflow(b, (Wide)q, &qb) &&
         !__builtin_add_overflow(pa, qb, sum) && *sum<NO_BOUND && * sum> - NO_BOUND;
}

bool affine_combine(Affine *r, const Affine *a, int64_t p, const Affine *b, int64_t q) {
  Affine out;
  out.n = 0; /* the terms behind n stay as they are: clearing them takes longer than adding */
  if (!mix(a->constant, p, b->constant, q, &out.constant)) return false;
  for (int i = 0, j = 0; i < a->n || j < b->n;) {
    int left = i < a->n ? a->term[i].atom : -1, right = j < b->n ? b->term[j].atom : -1;
    int64_t fa = left >= right ? a->term[i++].factor : 0,
            fb = right >= left ? b->term[j++].factor : 0;
    Wide factor;
    if (!mix(fa, p, fb, q, &factor) || factor > INT64_MAX || factor < -INT64_MAX) return false;
    if (factor == 0) continue;
    if (out.n == MAX_TERMS) return false;
    out.term[out.n++] = (Term){left > right ? left : right, (int64_t)factor};
  }
  r->constant = out.constant;
  r->n = out.n;
  memcpy(r->term, out.term, sizeof(Term) * (size_t)out.n);
  return true;
}

/* ---- bounds and proofs ---- */

/* What the term is at most, by its atom's interval. */
static Wide term_upper(const Knowledge *k, Term t) {
  const Interval *is = &k->atoms.at[t.atom].is;
  Wide end = t.factor > 0 ? is->hi : is->lo, product;
  if (__builtin_mul_overflow(end, (Wide)t.factor, &product) || product > NO_BOUND) return NO_BOUND;
  return product < -NO_BOUND ? -NO_BOUND : product;
}

/* What the terms of one table row are together at most; they are counted with the first of them. */
static Wide row_upper(const Knowledge *k, const Affine *a, int first) {
  const Atom *atom = &k->atoms.at[a->term[first].atom];
  for (int i = 0; i < first; i++)
    if (k->atoms.at[a->term[i].atom].value && k->atoms.at[a->term[i].atom].group == atom->group)
      return 0;
  Wide best = -NO_BOUND;
  for (int row = atom->from; row <= atom->to; row++) {
    Wide sum = 0;
    for (int i = first; i < a->n; i++) {
      const Atom *other = &k->atoms.at[a->term[i].atom];
      if (other->value && other->group == atom->group)
        sum += (Wide)a->term[i].factor * other->value[row];
    }
    if (sum > best) best = sum;
  }
  return best > -NO_BOUND ? best : 0;
}

static bool has_company(const Knowledge *k, const Affine *a, int term) {
  const Atom *atom = &k->atoms.at[a->term[term].atom];
  for (int i = 0; atom->value && i < a->n; i++) {
    const Atom *other = &k->atoms.at[a->term[i].atom];
    if (i != term && other->value && other->group == atom->group) return true;
  }
  return false;
}

static Wide plain_upper(const Knowledge *k, const Affine *a) {
  Wide sum = a->constant;
  for (int i = 0; i < a->n; i++) {
    Wide t = has_company(k, a, i) ? row_upper(k, a, i) : term_upper(k, a->term[i]);
    if (t >= NO_BOUND) return NO_BOUND;
    sum += t;
  }
  return sum;
}

/* An upper bound of the form, the best that was found; stops looking once it is at most `enough`.
 */
static Wide upper(const Knowledge *k, const Affine *a, Wide enough, int *steps) {
  Wide best = plain_upper(k, a);
  if (a->n == 0 || best <= enough || --*steps <= 0) return best;
  Term t = a->term[0];
  for (int i = k->atoms.at[t.atom].first; i >= 0; i = k->inequalities.at[i].next) {
    const Affine *g = &k->inequalities.at[i].form;
    if ((g->term[0].factor > 0) != (t.factor > 0)) continue;
    int64_t gf = magnitude(g->term[0].factor), tf = magnitude(t.factor), d = common_divisor(gf, tf);
    Affine without; /* gf/d * a <= gf/d * a - tf/d * g, in which the atom cancels */
    if (!affine_combine(&without, a, gf / d, g, -(tf / d))) continue;
    Wide scale = gf / d, goal = enough > -NO_BOUND ? enough * scale + scale - 1 : enough;
    Wide bound = upper(k, &without, goal, steps);
    if (bound < NO_BOUND && floor_divide(bound, scale) < best) best = floor_divide(bound, scale);
    if (best <= enough) return best;
  }
  Wide end = term_upper(k, t);
  if (a->n == 1 || end >= NO_BOUND) return best;
  Affine rest = {.constant = a->constant + end, .n = a->n - 1};
  memcpy(rest.term, a->term + 1, sizeof(Term) * (size_t)rest.n);
  Wide bound = upper(k, &rest, enough, steps);
  return bound < best ? bound : best;
}

bool prove_not_positive(Knowledge *k, const Affine *a) {
  int steps = PROOF_STEPS;
  return upper(k, a, 0, &steps) <= 0;
}

bool prove_at_most(Knowledge *k, const Affine *a, const Affine *b) {
  Affine difference;
  return affine_combine(&difference, a, 1, b, -1) && prove_not_positive(k, &difference);
}

Interval affine_bounds(Knowledge *k, const Affine *a) {
  Affine zero = affine_constant(0), negative;
  int steps = PROOF_STEPS;
  Interval r = {-NO_BOUND, upper(k, a, -NO_BOUND, &steps)};
  steps = PROOF_STEPS;
  if (affine_combine(&negative, &zero, 1, a, -1)) r.lo = -upper(k, &negative, -NO_BOUND, &steps);
  return r;
}

/* By the atoms' intervals alone: settles most questions. */
static bool is_plainly_within(const Knowledge *k, const Affine *a, Interval range) {
  Interval sum = {a->constant, a->constant};
  for (int i = 0; i < a->n; i++) {
    Wide hi = term_upper(k, a->term[i]),
         lo = term_upper(k, (Term){a->term[i].atom, -a->term[i].factor});
    if (hi >= NO_BOUND || lo >= NO_BOUND) return false;
    sum.lo -= lo;
    sum.hi += hi;
  }
  return sum.lo >= range.lo && sum.hi <= range.hi;
}

bool prove_within(Knowledge *k, const Affine *a, Interval range) {
  if (is_plainly_within(k, a, range)) return true;
  Affine lo = affine_constant(range.lo), hi = affine_constant(range.hi);
  return prove_at_most(k, a, &hi) && prove_at_most(k, &lo, a);
}

/* The end of the atom's interval that makes `a` greatest; an atom that `a` lacks counts at whatever
 * makes `g` least. */
static Wide corner(const Knowledge *k, const Affine *a, Term t) {
  const Interval *is = &k->atoms.at[t.atom].is;
  for (int i = 0; i < a->n; i++)
    if (a->term[i].atom == t.atom) return a->term[i].factor > 0 ? is->hi : is->lo;
  return t.factor > 0 ? is->lo : is->hi;
}

bool affine_attained(const Knowledge *k, const Affine *a) {
  for (int i = 0; i < a->n; i++)
    if (!k->atoms.at[a->term[i].atom].attained) return false;
  for (int i = 0; i < k->inequalities.n; i++) {
    const Affine *g = &k->inequalities.at[i].form;
    Wide least = g->constant, product;
    for (int j = 0; j < g->n; j++)
      if (__builtin_mul_overflow(corner(k, a, g->term[j]), (Wide)g->term[j].factor, &product) ||
          __builtin_add_overflow(least, product, &least))
        return false;
    if (least > 0) return false;
  }
  return true;
}

/* ---- learning ---- */

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
  int64_t divisor = 0;
  for (int i = 0; i < form.n; i++)
    divisor = common_divisor(magnitude(form.term[i].factor), divisor);
  for (int i = 0; i < form.n; i++) form.term[i].factor /= divisor;
  form.constant = -floor_divide(-form.constant, divisor);
  return form;
}

static bool learn(Knowledge *k, const Affine *a) {
  if (a->n == 0) return a->constant <= 0;
  Affine form = reduced(*a);
  if (form.n > 1) { /* of one atom the interval says it all */
    int owner = form.term[0].atom;
    vec_push(k->arena, &k->inequalities, ((Inequality){form, k->atoms.at[owner].first}));
    k->atoms.at[owner].first = k->inequalities.n - 1;
  }
  return tighten(k, &form, CHAIN);
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
  return learn(k, a) && (a->n < 2 || learn_consequences(k, a));
}

bool know_at_most(Knowledge *k, const Affine *a, const Affine *b) {
  Affine difference;
  return !affine_combine(&difference, a, 1, b, -1) || know_not_positive(k, &difference);
}
