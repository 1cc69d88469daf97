/* affine_knowledge.h - what Knowledge consists of; for the files affine*.c only. */
#ifndef AFFINE_KNOWLEDGE_H
#define AFFINE_KNOWLEDGE_H

#include "affine.h"

#define NO_BOUND ((Wide)1 << 120)

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
  bool is_open; /* a division by a constant that may round either way: the sign is not known */
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
  VEC(int) closed; /* products whose sign became known, in the order in which it did */
  int nopen;       /* products that are open */
  VEC(Table) tables;
};

/* What the term, the form is at most, by the intervals of atoms alone. */
Wide term_upper(const Knowledge *, Term);
Wide plain_upper(const Knowledge *, const Affine *);
/* Greatest common divisor of the factors. */
int64_t affine_divisor(const Affine *);

/* Divisions whose dividend's sign is known by now are told what follows from it; false: it
 * contradicts. */
bool know_signs(Knowledge *);
/* Forgets what products came after the mark and what became known of older ones. */
void products_release(Knowledge *, Mark);

static inline Wide floor_divide(Wide a, Wide b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

static inline int64_t common_divisor(int64_t a, int64_t b) {
  while (b) {
    int64_t r = a % b;
    a = b;
    b = r;
  }
  return a;
}

static inline int64_t magnitude(int64_t a) {
  return a < 0 ? -a : a;
}

#endif
