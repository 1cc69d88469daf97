/* affine.c - linear forms over integer unknowns, and the stack of what is known about these; see
 * affine.h for the idea. */
#include "affine_knowledge.h"

#include <string.h>

Knowledge *knowledge_new(Arena *arena) {
  Knowledge *k = NEW(arena, Knowledge);
  k->arena = arena;
  return k;
}

Mark know_mark(const Knowledge *k) {
  return (Mark){k->atoms.n,    k->inequalities.n, k->changes.n,
                k->products.n, k->closed.n,       k->tables.n};
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
  products_release(k, mark);
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

int64_t affine_divisor(const Affine *a) {
  int64_t divisor = 0;
  for (int i = 0; i < a->n && divisor != 1; i++)
    divisor = common_divisor(magnitude(a->term[i].factor), divisor);
  return divisor;
}
