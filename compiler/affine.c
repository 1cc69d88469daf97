/* affine.c - linear forms over integer unknowns; see affine.h for the idea. */
#include "affine.h"

#include <stdlib.h>
#include <string.h>

#define NO_BOUND ((Wide)1 << 120)

enum {
  PROOF_STEPS = 300, /* eliminations tried before a proof is given up */
  CHAIN = 3          /* inequalities that pass on a narrower interval, one to the next */
};

typedef struct Atom {
  Interval is;
  int first; /* newest inequality that belongs to this atom; -1: none */
  bool attained;
  const int64_t *value; /* of a table's element: value[row], row in from..to; NULL: none */
  int from, to, group;  /* atoms of one group have the same row */
} Atom;

typedef struct Inequality {
  Affine form; /* form <= 0; form.term[0].atom is the owner */
  int next;
} Inequality;

typedef struct Change {
  int atom;
  Interval was;
} Change;

/* Results that are no linear form, remembered so that equal expressions are equal atoms. */
typedef struct Product {
  Affine a, b, result, remainder;
  bool division;
} Product;

typedef struct Table { /* an element that was asked for */
  Affine index, result;
  const int64_t *value;
  int count;
} Table;

struct Knowledge {
  Arena *arena;
  int groups;
  VEC(Atom) atoms;
  VEC(Inequality) inequalities;
  VEC(Change) changes;
  VEC(Product) products;
  VEC(Table) tables;
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

static Wide floor_divide(Wide a, Wide b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t common_divisor(int64_t a, int64_t b) {
  while (b) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

static int64_t magnitude(int64_t a) {
  return a < 0 ? -a : a;
}

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

/* ---- arithmetic ---- */

Affine affine_sum(Knowledge *k, const Affine *a, const Affine *b, int sign) {
  Affine sum;
  if (affine_combine(&sum, a, 1, b, sign)) return sum;
  Interval x = affine_bounds(k, a), y = affine_bounds(k, b);
  Interval is = {x.lo + (sign > 0 ? y.lo : -y.hi), x.hi + (sign > 0 ? y.hi : -y.lo)};
  return know_atom(k, is, false);
}

static const Product *remembered(const Knowledge *k, const Affine *a, const Affine *b,
                                 bool division) {
  for (int i = k->products.n - 1; i >= 0; i--) {
    const Product *p = &k->products.at[i];
    bool same = affine_equal(&p->a, a) && affine_equal(&p->b, b);
    bool swapped = !division && affine_equal(&p->a, b) && affine_equal(&p->b, a);
    if (p->division == division && (same || swapped)) return p;
  }
  return NULL;
}

Affine know_table(Knowledge *k, const Affine *index, const int64_t *value, int count) {
  int group = -1;
  for (int i = k->tables.n - 1; i >= 0; i--)
    if (affine_equal(&k->tables.at[i].index, index)) {
      if (k->tables.at[i].value == value) return k->tables.at[i].result;
      group = k->atoms.at[k->tables.at[i].result.term[0].atom].group;
    }
  Interval row = affine_bounds(k, index);
  int from = row.lo > 0 ? (int)(row.lo < count ? row.lo : count - 1) : 0;
  int to = row.hi < count - 1 ? (int)(row.hi > from ? row.hi : from) : count - 1;
  Interval is = {value[from], value[from]};
  for (int i = from; i <= to; i++) {
    if (value[i] < is.lo) is.lo = value[i];
    if (value[i] > is.hi) is.hi = value[i];
  }
  Affine result = know_atom(k, is, true);
  Atom *atom = &k->atoms.at[k->atoms.n - 1];
  atom->value = value;
  atom->from = from;
  atom->to = to;
  atom->group = group >= 0 ? group : k->groups++;
  vec_push(k->arena, &k->tables, ((Table){*index, result, value, count}));
  return result;
}

static const Table *table_of(const Knowledge *k, int atom) {
  for (int i = k->tables.n - 1; i >= 0; i--)
    if (k->tables.at[i].result.term[0].atom == atom) return &k->tables.at[i];
  return NULL;
}

bool affine_recipe(const Knowledge *k, const Affine *a, Mark mark, Recipe *r) {
  *r = (Recipe){.rest = {.constant = a->constant}};
  for (int i = 0; i < a->n; i++) {
    const Term t = a->term[i];
    const Table *table = t.atom < mark.atoms ? NULL : table_of(k, t.atom);
    if (t.atom < mark.atoms) {
      r->rest.term[r->rest.n++] = t;
      continue;
    }
    if (!table || !affine_older(&table->index, mark) || r->n == RECIPE_ELEMENTS) return false;
    r->element[r->n].index = table->index;
    r->element[r->n].value = table->value;
    r->element[r->n].count = table->count;
    r->element[r->n++].factor = t.factor;
  }
  return true;
}

Affine affine_from_recipe(Knowledge *k, const Recipe *r) {
  Affine sum = r->rest;
  for (int i = 0; i < r->n; i++) {
    Affine factor = affine_constant(r->element[i].factor);
    Affine element = know_table(k, &r->element[i].index, r->element[i].value, r->element[i].count);
    element = affine_product(k, &element, &factor);
    sum = affine_sum(k, &sum, &element, 1);
  }
  return sum;
}

static Wide least4(const Wide v[4], int sign) {
  Wide best = v[0];
  for (int i = 1; i < 4; i++)
    if ((v[i] < best) == (sign > 0)) best = v[i];
  return best;
}

static Wide multiply_clamped(Wide a, Wide b) {
  Wide product;
  if (__builtin_mul_overflow(a, b, &product)) return (a < 0) == (b < 0) ? NO_BOUND : -NO_BOUND;
  return product > NO_BOUND ? NO_BOUND : product < -NO_BOUND ? -NO_BOUND : product;
}

/* a * b against what is known with the same b >= 0: for c * b that is c, for x / b the quotient. a
 * <= c gives a * b <= c * b (or x), and a < c leaves room for one more b. */
static void bound_by_products(Knowledge *k, const Affine *a, const Affine *b,
                              const Affine *product) {
  Affine zero = affine_constant(0), next = *a, more;
  next.constant += 1;
  if (!prove_at_most(k, &zero, b) || !affine_combine(&more, product, 1, b, 1)) return;
  for (int i = 0; i < k->products.n; i++) {
    const Product p = k->products.at[i];
    bool first = affine_equal(&p.b, b), second = !p.division && affine_equal(&p.a, b);
    if (!first && !second) continue;
    const Affine *factor = p.division ? &p.result : first ? &p.a : &p.b;
    const Affine *limit = p.division ? &p.a : &p.result;
    if (p.division && !prove_at_most(k, &zero, &p.a)) continue;
    if (prove_at_most(k, &next, factor))
      know_at_most(k, &more, limit);
    else if (prove_at_most(k, a, factor))
      know_at_most(k, product, limit);
  }
}

Affine affine_product(Knowledge *k, const Affine *a, const Affine *b) {
  Affine zero = affine_constant(0), result;
  Wide factor;
  if (affine_is_constant(b, &factor) &&
      magnitude((int64_t)factor) == (factor < 0 ? -factor : factor) &&
      affine_combine(&result, a, (int64_t)factor, &zero, 0))
    return result;
  if (affine_is_constant(a, &factor) && b->n > 0) return affine_product(k, b, a);
  const Product *known = remembered(k, a, b, false);
  if (known) return known->result;
  Interval x = affine_bounds(k, a), y = affine_bounds(k, b);
  if (y.lo == y.hi && b->n > 0) {
    Affine value = affine_constant(y.lo);
    return affine_product(k, a, &value);
  }
  if (x.lo == x.hi && a->n > 0) {
    Affine value = affine_constant(x.lo);
    return affine_product(k, b, &value);
  }
  Wide corners[4] = {multiply_clamped(x.lo, y.lo), multiply_clamped(x.lo, y.hi),
                     multiply_clamped(x.hi, y.lo), multiply_clamped(x.hi, y.hi)};
  result = know_atom(k, (Interval){least4(corners, 1), least4(corners, -1)}, false);
  bound_by_products(k, a, b, &result);
  bound_by_products(k, b, a, &result);
  vec_push(k->arena, &k->products, ((Product){*a, *b, result, result, false}));
  return result;
}

/* a = c * whole + rest with 0 <= rest < c and a >= 0: then a / c is `whole`, exactly. */
static bool divide_exactly(Knowledge *k, const Affine *a, int64_t c, Affine *whole, Affine *rest) {
  *whole = affine_constant(floor_divide(a->constant, c));
  *rest = affine_constant(a->constant - whole->constant * c);
  for (int i = 0; i < a->n; i++) {
    Affine *to = a->term[i].factor % c == 0 ? whole : rest;
    to->term[to->n++] =
        (Term){a->term[i].atom, to == whole ? a->term[i].factor / c : a->term[i].factor};
  }
  Affine zero = affine_constant(0);
  if (rest->n == 0 && rest->constant == 0) return true;
  return prove_at_most(k, &zero, a) && prove_within(k, rest, (Interval){0, c - 1});
}

static Affine divide_by_constant(Knowledge *k, const Affine *a, int64_t c, Affine *remainder) {
  Affine q, slack, zero = affine_constant(0);
  if (divide_exactly(k, a, c, &q, remainder)) return q;
  Interval x = affine_bounds(k, a);
  bool positive = prove_at_most(k, &zero, a);
  q = know_atom(k, (Interval){x.lo / c, x.hi / c}, false);
  *remainder = know_atom(k, (Interval){x.lo >= 0 ? 0 : 1 - c, x.hi <= 0 ? 0 : c - 1}, false);
  if (affine_combine(&slack, &q, c, a, -1)) { /* c q - a */
    slack.constant -= positive ? 0 : c - 1;
    know_not_positive(k, &slack);
    slack.constant += positive ? 0 : c - 1;
    affine_combine(&slack, &zero, 1, &slack, -1); /* a - c q */
    Affine lower = slack;
    lower.constant -= c - 1;
    know_not_positive(k, &lower);
    know_at_most(k, &slack, remainder);
    know_at_most(k, remainder, &slack);
  }
  return q;
}

static Affine divide_by_any(Knowledge *k, const Affine *a, const Affine *b, Affine *remainder) {
  Interval x = affine_bounds(k, a), y = affine_bounds(k, b);
  Wide least = y.lo > 0 ? y.lo : y.hi < 0 ? -y.hi : 1, most = y.hi > -y.lo ? y.hi : -y.lo;
  Wide most_a = x.hi > -x.lo ? x.hi : -x.lo, q = most_a / least;
  bool positive = x.lo >= 0 && y.lo > 0;
  Affine result = know_atom(k, (Interval){positive ? x.lo / y.hi : -q, q}, false);
  *remainder = know_atom(k, (Interval){x.lo >= 0 ? 0 : 1 - most, x.hi <= 0 ? 0 : most - 1}, false);
  if (positive) {
    Affine less = *b;
    less.constant -= 1;
    know_at_most(k, remainder, &less);
    know_at_most(k, remainder, a);
    know_at_most(k, &result, a);
  }
  return result;
}

Affine affine_quotient(Knowledge *k, const Affine *a, const Affine *b, Affine *remainder) {
  const Product *known = remembered(k, a, b, true);
  if (known) {
    *remainder = known->remainder;
    return known->result;
  }
  Wide c;
  bool constant = affine_is_constant(b, &c) && c > 0 && c <= INT64_MAX / 4;
  Affine q = constant ? divide_by_constant(k, a, (int64_t)c, remainder)
                      : divide_by_any(k, a, b, remainder);
  vec_push(k->arena, &k->products, ((Product){*a, *b, q, *remainder, true}));
  return q;
}
