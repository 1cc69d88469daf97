/* affine_proof.c - bounds of linear forms, by search: the newest atom is replaced by what is known
 * of it until none is left. What looks best is tried first, so a few detours are enough. */
#include "affine_knowledge.h"

#include <string.h>

enum {
  PROOF_STEPS = 3000, /* eliminations tried before a proof is given up */
  MAX_CHOICES = 24    /* ways that are tried for one atom */
};

Wide term_upper(const Knowledge *k, Term t) {
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

Wide plain_upper(const Knowledge *k, const Affine *a) {
  Wide sum = a->constant;
  for (int i = 0; i < a->n; i++) {
    Wide t = has_company(k, a, i) ? row_upper(k, a, i) : term_upper(k, a->term[i]);
    if (t >= NO_BOUND) return NO_BOUND;
    sum += t;
  }
  return sum;
}

typedef struct Search {
  const Knowledge *k;
  int steps;   /* left */
  bool is_cut; /* there was more to try */
} Search;

static Wide upper(Search *, const Affine *a, Wide enough, int detours);

/* constant + divisor * form: integers, so a bound of the form is rounded down. */
static Wide upper_of_multiple(Search *s, const Affine *a, int64_t divisor, Wide enough,
                              int detours) {
  Affine form = {.n = a->n};
  for (int i = 0; i < a->n; i++)
    form.term[i] = (Term){a->term[i].atom, a->term[i].factor / divisor};
  Wide goal = enough > -NO_BOUND ? floor_divide(enough - a->constant, divisor) : enough;
  Wide bound = upper(s, &form, goal, detours);
  return bound < NO_BOUND ? a->constant + divisor * bound : NO_BOUND;
}

/* A way to bound a form: its newest atom is replaced by what an inequality says of it, or by the
 * end of its interval. */
typedef struct Choice {
  int inequality; /* or INTERVAL */
  Wide bound;     /* of the form, by the intervals of the atoms that are left */
} Choice;

enum { INTERVAL = -1 };

/* scale * a <= *form, in which the newest atom is gone. */
static bool eliminate(const Knowledge *k, const Affine *a, int inequality, Affine *form,
                      int64_t *scale) {
  if (inequality == INTERVAL) {
    const Wide end = term_upper(k, a->term[0]);
    *scale = 1;
    form->constant = a->constant + end;
    form->n = a->n - 1;
    memcpy(form->term, a->term + 1, sizeof(Term) * (size_t)form->n);
    return end < NO_BOUND;
  }
  const Affine *g = &k->inequalities.at[inequality].form;
  const int64_t gf = magnitude(g->term[0].factor), tf = magnitude(a->term[0].factor),
                d = common_divisor(gf, tf);
  if ((g->term[0].factor > 0) != (a->term[0].factor > 0)) return false;
  *scale = gf / d; /* gf/d * a <= gf/d * a - tf/d * g */
  return affine_combine(form, a, gf / d, g, -(tf / d));
}

static int insert_choice(Choice choice[MAX_CHOICES], int n, Choice new) {
  int at = n < MAX_CHOICES ? n : MAX_CHOICES;
  for (; at > 0 && new.bound < choice[at - 1].bound; at--)
    if (at < MAX_CHOICES) choice[at] = choice[at - 1];
  if (at < MAX_CHOICES) choice[at] = new;
  return n < MAX_CHOICES ? n + 1 : n;
}

/* The most promising first. */
static int find_choices(const Knowledge *k, const Affine *a, Choice choice[MAX_CHOICES]) {
  int n = 0;
  Affine form;
  int64_t scale;
  for (int i = k->atoms.at[a->term[0].atom].first; i >= 0; i = k->inequalities.at[i].next)
    if (eliminate(k, a, i, &form, &scale))
      n = insert_choice(choice, n, (Choice){i, floor_divide(plain_upper(k, &form), scale)});
  if (a->n > 1 && eliminate(k, a, INTERVAL, &form, &scale))
    n = insert_choice(choice, n, (Choice){INTERVAL, plain_upper(k, &form)});
  return n;
}

/* An upper bound of the form, the best that was found; stops looking once it is at most `enough`.
 * Each choice but the most promising one is a detour. */
static Wide upper(Search *s, const Affine *a, Wide enough, int detours) {
  const Knowledge *k = s->k;
  Wide best = plain_upper(k, a);
  if (a->n == 0 || best <= enough || --s->steps <= 0) return best;
  const int64_t divisor = affine_divisor(a);
  if (divisor > 1) return upper_of_multiple(s, a, divisor, enough, detours);
  Choice choice[MAX_CHOICES];
  const int n = find_choices(k, a, choice);
  s->is_cut |= n > detours + 1;
  for (int i = 0; i < n && i <= detours && best > enough; i++) {
    Affine form;
    int64_t scale;
    eliminate(k, a, choice[i].inequality, &form, &scale);
    const Wide goal = enough > -NO_BOUND ? enough * scale + scale - 1 : enough,
               bound = upper(s, &form, goal, detours - i);
    if (bound < NO_BOUND && floor_divide(bound, scale) < best) best = floor_divide(bound, scale);
  }
  return best;
}

/* Searches with few detours first: what looks best nearly always is. */
static Wide search_upper(const Knowledge *k, const Affine *a, Wide enough) {
  Search s = {k, PROOF_STEPS, true};
  Wide best = plain_upper(k, a);
  for (int detours = 0; best > enough && s.is_cut && s.steps > 0; detours++) {
    s.is_cut = false;
    Wide bound = upper(&s, a, enough, detours);
    if (bound < best) best = bound;
  }
  return best;
}

bool prove_not_positive(Knowledge *k, const Affine *a) {
  return search_upper(k, a, 0) <= 0;
}

bool prove_at_most(Knowledge *k, const Affine *a, const Affine *b) {
  Affine difference;
  return affine_combine(&difference, a, 1, b, -1) && prove_not_positive(k, &difference);
}

Interval affine_bounds(Knowledge *k, const Affine *a) {
  Affine zero = affine_constant(0), negative;
  Interval r = {-NO_BOUND, search_upper(k, a, -NO_BOUND)};
  if (affine_combine(&negative, &zero, 1, a, -1)) r.lo = -search_upper(k, &negative, -NO_BOUND);
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
