/* affine_arithmetic.c - sums, products, quotients and elements of tables. What is no linear form
 * becomes an unknown with an interval and the inequalities that hold for it. */
#include "affine_knowledge.h"

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
  vec_push(k->arena, &k->products,
           ((Product){.a = *a, .b = *b, .result = result, .remainder = result}));
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

/* ---- quotients by constants ----
 * Rounded towards zero: 0 <= a - c q <= c - 1 where a >= 0, and 0 <= c q - a <= c - 1 where a <= 0.
 * Of an open one only what both have in common is known: -(c - 1) <= a - c q <= c - 1. */

/* sign * (a - c q) >= 0 and the like, for the sign that a turned out to have. */
static bool know_sign(Knowledge *k, const Product *p, int sign) {
  const Affine zero = affine_constant(0);
  const int64_t c = (int64_t)p->b.constant;
  Affine beyond, negative; /* sign * (c q - a), -sign * r */
  if (!affine_combine(&beyond, &p->result, sign * c, &p->a, -sign)) return true;
  affine_combine(&negative, &zero, 1, &p->remainder, -sign);
  return know_not_positive(k, &beyond) && know_not_positive(k, &negative) &&
         (affine_combine(&negative, &zero, 1, &p->result, -sign), know_not_positive(k, &negative));
}

bool know_signs(Knowledge *k) {
  const Affine zero = affine_constant(0);
  for (int i = k->products.n - 1; i >= 0 && k->nopen > 0; i--) {
    const Product p = k->products.at[i];
    if (!p.is_open) continue;
    const bool positive = prove_at_most(k, &zero, &p.a);
    if (!positive && !prove_not_positive(k, &p.a)) continue;
    k->products.at[i].is_open = false;
    k->nopen--;
    vec_push(k->arena, &k->closed, i);
    if (!know_sign(k, &p, positive ? 1 : -1)) return false;
  }
  return true;
}

void products_release(Knowledge *k, Mark mark) {
  while (k->closed.n > mark.closed) {
    k->products.at[k->closed.at[--k->closed.n]].is_open = true;
    k->nopen++;
  }
  while (k->products.n > mark.products) k->nopen -= k->products.at[--k->products.n].is_open;
}

static Product divide_by_constant(Knowledge *k, const Affine *a, const Affine *b) {
  const int64_t c = (int64_t)b->constant;
  Product p = {.a = *a, .b = *b, .division = true};
  if (divide_exactly(k, a, c, &p.result, &p.remainder)) return p;
  Interval x = affine_bounds(k, a);
  p.result = know_atom(k, (Interval){x.lo / c, x.hi / c}, false);
  p.remainder = know_atom(k, (Interval){1 - c, c - 1}, false);
  Affine over; /* a - c q */
  if (!affine_combine(&over, a, 1, &p.result, -c)) return p;
  know_at_most(k, &over, &p.remainder);
  know_at_most(k, &p.remainder, &over);
  p.is_open = true;
  return p;
}

static Product divide_by_any(Knowledge *k, const Affine *a, const Affine *b) {
  Product p = {.a = *a, .b = *b, .division = true};
  Interval x = affine_bounds(k, a), y = affine_bounds(k, b);
  Wide least = y.lo > 0 ? y.lo : y.hi < 0 ? -y.hi : 1, most = y.hi > -y.lo ? y.hi : -y.lo;
  Wide most_a = x.hi > -x.lo ? x.hi : -x.lo, q = most_a / least;
  bool positive = x.lo >= 0 && y.lo > 0;
  p.result = know_atom(k, (Interval){positive ? x.lo / y.hi : -q, q}, false);
  p.remainder = know_atom(k, (Interval){x.lo >= 0 ? 0 : 1 - most, x.hi <= 0 ? 0 : most - 1}, false);
  if (positive) {
    Affine less = *b;
    less.constant -= 1;
    know_at_most(k, &p.remainder, &less);
    know_at_most(k, &p.remainder, a);
    know_at_most(k, &p.result, a);
  }
  return p;
}

Affine affine_quotient(Knowledge *k, const Affine *a, const Affine *b, Affine *remainder) {
  const Product *known = remembered(k, a, b, true);
  Wide c;
  if (!known) {
    const bool constant = affine_is_constant(b, &c) && c > 0 && c <= INT64_MAX / 4;
    const Product p = constant ? divide_by_constant(k, a, b) : divide_by_any(k, a, b);
    vec_push(k->arena, &k->products, p);
    k->nopen += p.is_open;
    know_signs(k);
    known = &k->products.at[k->products.n - 1];
  }
  *remainder = known->remainder;
  return known->result;
}
