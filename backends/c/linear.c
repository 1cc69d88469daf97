/* linear.c - linear forms over C variables: subscripts and bounds before they become text. */
#include "leaf.h"

#include <string.h>

Linear linear_constant(int64_t constant) {
  return (Linear){.constant = constant};
}

Linear linear_variable(int64_t coef, const char *name) {
  Linear l = {.n = 1};
  l.term[0].coef = coef;
  l.term[0].name = name;
  return l;
}

static void add_term(Linear *sum, int64_t coef, const char *name, int below) {
  int i = 0;
  while (i < sum->n && strcmp(sum->term[i].name, name) != 0) i++;
  if (i == LINEAR_TERMS) BUG("a linear form of more than %d terms", LINEAR_TERMS);
  if (i == sum->n) {
    sum->term[sum->n].coef = 0;
    sum->term[sum->n].below = below;
    sum->term[sum->n++].name = name;
  }
  sum->term[i].coef += coef;
  if (sum->term[i].coef == 0) sum->term[i] = sum->term[--sum->n];
}

void linear_add(Linear *sum, const Linear *more, int64_t times) {
  sum->constant += times * more->constant;
  for (int i = 0; i < more->n && times != 0; i++)
    add_term(sum, times * more->term[i].coef, more->term[i].name, more->term[i].below);
}

bool linear_divides(const Linear *l, int64_t divisor) {
  bool divides = l->constant % divisor == 0;
  for (int i = 0; i < l->n; i++) divides &= l->term[i].coef % divisor == 0;
  return divides;
}

Linear linear_divided(const Linear *l, int64_t divisor) {
  Linear q = *l;
  q.constant /= divisor;
  for (int i = 0; i < q.n; i++) q.term[i].coef /= divisor;
  return q;
}

static void number_text(Text *out, int64_t value, bool wide) {
  text_add(out, wide || value > INT32_MAX ? "%lldLL" : "%lld", (long long)value);
}

/* Large steps first, as subscripts of row-major arrays are read. */
static void sort_terms(Linear *l) {
  for (int i = 1; i < l->n; i++)
    for (int j = i; j > 0 && l->term[j].coef > l->term[j - 1].coef; j--) {
      const LinearTerm swap = l->term[j];
      l->term[j] = l->term[j - 1];
      l->term[j - 1] = swap;
    }
}

const char *linear_text(Arena *arena, const Linear *form) {
  Linear l = *form;
  Text out = {.arena = arena};
  sort_terms(&l);
  for (int i = 0; i < l.n; i++) {
    const int64_t coef = l.term[i].coef, size = coef < 0 ? -coef : coef;
    text_add(&out, "%s", coef < 0 ? (i ? " - " : "-") : (i ? " + " : ""));
    if (size != 1) {
      number_text(&out, size, l.wide);
      text_add(&out, " * ");
    }
    text_add(&out, "%s", l.term[i].name);
  }
  if (l.constant == 0 && l.n > 0) return out.at;
  text_add(&out, "%s", l.n == 0 ? (l.constant < 0 ? "-" : "") : l.constant < 0 ? " - " : " + ");
  number_text(&out, l.constant < 0 ? -l.constant : l.constant, false);
  return out.at;
}
