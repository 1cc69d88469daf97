/* matrix.c - a product with a constant matrix as straight-line code.
 *
 * What signs distinguish is computed once:
 *   two columns whose numbers agree but for signs enter every row as x_a + x_b or x_a - x_b;
 *   two rows whose numbers agree but for signs are e + o and e - o.
 * Both come from the pairs +a, -a of interpolation points. */
#include "transform.h"

#include <math.h>
#include <string.h>

/* ---- sharing ---- */

typedef struct Shared { /* after columns are joined */
  int rows, columns;
  double at[MAX_LINE][MAX_LINE];
  int first[MAX_LINE], second[MAX_LINE]; /* of x; second -1: the column stands for itself */
  double sign[MAX_LINE];                 /* of the second */
  int twin[MAX_LINE];                    /* of rows; -1: none */
} Shared;

/* +1: equal, -1: opposite, 0: both are zero, 2: anything else. */
static int relation(double a, double b) {
  return a == 0 && b == 0 ? 0 : a == b ? 1 : a == -b ? -1 : 2;
}

static bool columns_pair(const ConstMatrix *m, int a, int b) {
  int equal = 0, opposite = 0;
  for (int r = 0; r < m->rows; r++) {
    const int how = relation(m->value[r * m->columns + a], m->value[r * m->columns + b]);
    if (how == 2) return false;
    equal += how == 1;
    opposite += how == -1;
  }
  return equal + opposite > 2 && equal > 0 && opposite > 0;
}

static void add_column(Shared *s, const ConstMatrix *m, int a, int b, int sign) {
  const int c = s->columns++;
  s->first[c] = a;
  s->second[c] = b;
  s->sign[c] = sign;
  for (int r = 0; r < m->rows; r++) {
    const double *row = &m->value[r * m->columns];
    s->at[r][c] = b < 0 || relation(row[a], row[b]) == sign ? row[a] : 0;
  }
}

static bool rows_pair(const Shared *s, int a, int b) {
  int equal = 0, opposite = 0;
  for (int c = 0; c < s->columns; c++) {
    const int how = relation(s->at[a][c], s->at[b][c]);
    if (how == 2) return false;
    equal += how == 1;
    opposite += how == -1;
  }
  return equal > 0 && opposite > 0 && equal + opposite > 2;
}

static Shared share(const ConstMatrix *m) {
  Shared s = {.rows = m->rows};
  bool done[MAX_LINE] = {false};
  for (int a = 0; a < m->columns; a++) {
    int b = a + 1;
    if (done[a]) continue;
    while (b < m->columns && (done[b] || !columns_pair(m, a, b))) b++;
    if (b < m->columns) {
      add_column(&s, m, a, b, 1);
      add_column(&s, m, a, b, -1);
      done[b] = true;
    } else {
      add_column(&s, m, a, -1, 0);
    }
  }
  for (int r = 0; r < s.rows; r++) s.twin[r] = -1;
  for (int a = 0; a < s.rows; a++)
    for (int b = a + 1; b < s.rows && s.twin[a] < 0; b++)
      if (s.twin[b] < 0 && rows_pair(&s, a, b)) {
        s.twin[a] = b;
        s.twin[b] = a;
      }
  return s;
}

/* ---- text ---- */

typedef struct Code {
  Emit *e; /* NULL: only counts */
  const char *isa, *type;
  int count;
} Code;

static const char *operation(Code *c, const char *name, char sign, const char *a, const char *b) {
  c->count++;
  if (!c->e) return "";
  if (c->isa) return arena_printf(c->e->arena, "%s_%s(%s, %s)", c->isa, name, a, b);
  return arena_printf(c->e->arena, "%s %c %s", a, sign, b);
}

static const char *sum_text(Code *c, const char *a, const char *b) {
  return operation(c, "add", '+', a, b);
}

static const char *difference(Code *c, const char *a, const char *b) {
  return operation(c, "sub", '-', a, b);
}

/* so_far + factor * x; so_far NULL: nothing yet. */
static const char *add_term(Code *c, const char *so_far, double factor, const char *x) {
  if (so_far && factor == 1) return sum_text(c, so_far, x);
  if (so_far && factor == -1) return difference(c, so_far, x);
  if (factor == 1) return x;
  c->count++;
  if (!c->e) return "";
  Arena *arena = c->e->arena;
  const char *number = emit_number(arena, c->isa || !so_far ? factor : fabs(factor), F32);
  if (!c->isa && so_far)
    return arena_printf(arena, "%s %c %s * %s", so_far, factor < 0 ? '-' : '+', number, x);
  if (!c->isa) return arena_printf(arena, "%s * %s", number, x);
  number = arena_printf(arena, "%s_set1(%s)", c->isa, number);
  if (so_far) return arena_printf(arena, "%s_fma(%s, %s, %s)", c->isa, number, x, so_far);
  return arena_printf(arena, "%s_mul(%s, %s)", c->isa, number, x);
}

/* The terms of a row whose relation to its twin is `how` (0: all); ones first, they start a chain
 * for nothing. */
static const char *row_text(Code *c, const Shared *s, int row, int how, const char *const *x) {
  const char *text = NULL;
  for (int pass = 0; pass < 3; pass++)
    for (int i = 0; i < s->columns; i++) {
      const double factor = s->at[row][i];
      const int rank = factor == 1 ? 0 : factor == -1 ? 1 : 2;
      if (factor == 0 || rank != pass) continue;
      if (how && relation(factor, s->at[s->twin[row]][i]) != how) continue;
      text = add_term(c, text, factor, x[i]);
    }
  if (text) return text;
  if (!c->e) return "";
  return c->isa ? arena_printf(c->e->arena, "%s_zero()", c->isa) : "0.0f";
}

static void define(Code *c, const char *name, const char *text) {
  if (c->e) emit(c->e, "const %s %s = %s;", c->type, name, text);
}

static const char *numbered(Code *c, const char *stem, int i) {
  return c->e ? arena_printf(c->e->arena, "%s%d", stem, i) : "";
}

static void print_matrix(Code *c, const ConstMatrix *m, const char *const *x,
                         const char *const *y) {
  const Shared s = share(m);
  const char *column[MAX_LINE];
  for (int i = 0; i < s.columns; i++) {
    const char *a = x[s.first[i]];
    column[i] = a;
    if (s.second[i] < 0) continue;
    column[i] = numbered(c, s.sign[i] > 0 ? "plus" : "minus", s.first[i]);
    const char *b = x[s.second[i]];
    define(c, column[i], s.sign[i] > 0 ? sum_text(c, a, b) : difference(c, a, b));
  }
  for (int r = 0; r < s.rows; r++) {
    if (s.twin[r] >= 0 && s.twin[r] < r) continue;
    if (s.twin[r] < 0) {
      define(c, y[r], row_text(c, &s, r, 0, column));
      continue;
    }
    const char *even = numbered(c, "even", r), *odd = numbered(c, "odd", r);
    define(c, even, row_text(c, &s, r, 1, column));
    define(c, odd, row_text(c, &s, r, -1, column));
    define(c, y[r], sum_text(c, even, odd));
    define(c, y[s.twin[r]], difference(c, even, odd));
  }
}

void matrix_code(Emit *e, const ConstMatrix *m, const char *isa, const char *type,
                 const char *const *x, const char *const *y) {
  Code c = {.e = e, .isa = isa, .type = type};
  print_matrix(&c, m, x, y);
}

int matrix_count(const ConstMatrix *m) {
  static const char *const none[MAX_LINE] = {"", "", "", "", "", "", "", "",
                                             "", "", "", "", "", "", "", ""};
  Code c = {.e = NULL, .isa = ""};
  print_matrix(&c, m, none, none);
  return c.count;
}
