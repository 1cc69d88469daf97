/* affine.h - linear forms over integer unknowns, what is known about the unknowns, and proofs.
 *
 * An unknown (atom) is a number that does not change: a parameter, the count of a loop's turns, a
 * quotient. Known are its interval and any number of inequalities "form <= 0" over several atoms.
 * Every inequality belongs to its newest atom, so a proof eliminates atoms from the newest to the
 * oldest and ends (Fourier and Motzkin, one path at a time). Knowledge is a stack: a mark is taken
 * at a branch, and what the branch assumed is forgotten when it is released. */
#ifndef AFFINE_H
#define AFFINE_H

#include "cnnc.h"

__extension__ typedef __int128
    Wide; /* holds sums and products of all 64-bit numbers, signed or not */

enum { MAX_TERMS = 14 }; /* windows along three axes: where each begins, its turn and its point */

typedef struct Term {
  int atom;
  int64_t factor;
} Term;

typedef struct Affine {
  Wide constant;
  int n;
  Term term[MAX_TERMS]; /* newest atom first, no factor is 0 */
} Affine;

typedef struct Interval {
  Wide lo, hi;
} Interval;

typedef struct Knowledge Knowledge;
typedef struct Mark {
  int atoms, inequalities, changes, products, closed, tables;
} Mark;

Knowledge *knowledge_new(Arena *);
Mark know_mark(const Knowledge *);
void know_release(Knowledge *, Mark);

/* A new unknown. `attained`: the ends of the interval are values that really occur (a fact, a
 * loop's count). */
Affine know_atom(Knowledge *, Interval, bool attained);
/* An unknown that is value[index], of which only the index's range is known: several with equal
 * indices are bounded together, row by row. */
Affine know_table(Knowledge *, const Affine *index, const int64_t *value, int count);
/* A form as one of older atoms and elements of tables at older indices: it can be made again after
 * a release. False: it has other new atoms. */
enum { RECIPE_ELEMENTS = 2 };
typedef struct Recipe {
  Affine rest;
  int n;
  struct {
    Affine index;
    const int64_t *value;
    int count;
    int64_t factor;
  } element[RECIPE_ELEMENTS];
} Recipe;
bool affine_recipe(const Knowledge *, const Affine *, Mark, Recipe *);
Affine affine_from_recipe(Knowledge *, const Recipe *);
/* From here on form <= 0. False if that contradicts what is known: the code in question is never
 * reached. */
bool know_not_positive(Knowledge *, const Affine *);
bool know_at_most(Knowledge *, const Affine *a, const Affine *b); /* a <= b */

bool prove_not_positive(Knowledge *, const Affine *);
bool prove_at_most(Knowledge *, const Affine *a, const Affine *b);
bool prove_within(Knowledge *, const Affine *, Interval);
Interval affine_bounds(Knowledge *, const Affine *);
/* True if the form's greatest value by the intervals of its atoms is a value that really occurs. */
bool affine_attained(const Knowledge *, const Affine *);
/* True if the form speaks only of atoms older than the mark. */
bool affine_older(const Affine *, Mark);

Affine affine_constant(Wide);
void interval_widen(Interval *, Interval by);
bool affine_is_constant(const Affine *, Wide *);
bool affine_equal(const Affine *, const Affine *);
/* p * a + q * b; false if the result has too many terms or too large numbers. */
bool affine_combine(Affine *, const Affine *a, int64_t p, const Affine *b, int64_t q);
/* Where the exact result is no linear form these make an atom with an interval and inequalities. */
Affine affine_sum(Knowledge *, const Affine *a, const Affine *b, int sign);
Affine affine_product(Knowledge *, const Affine *a, const Affine *b);
/* C's division, rounding towards zero; the divisor must not be able to be 0. */
Affine affine_quotient(Knowledge *, const Affine *a, const Affine *b, Affine *remainder);

#endif
