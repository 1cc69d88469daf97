/* matrix_text.c - the instructions of a product with a constant matrix as text: in vectors of a
 * target, or in C's own arithmetic. */
#include "matrix.h"

#include <math.h>
#include <string.h>

typedef struct Printer {
  Emit *e;
  MatrixCode *c;
  const char *isa, *type;
  const char *const *x;
} Printer;

enum { LONG_TEXT = 60 };

static const char *in_vectors(const Printer *w, const MatrixNode *n, const char *a, const char *b) {
  static const char *const names[] = {
      [MATRIX_PLUS] = "add", [MATRIX_MINUS] = "sub", [MATRIX_TIMES] = "mul", [MATRIX_FMA] = "fma"};
  Arena *arena = w->e->arena;
  if (n->op == MATRIX_ZERO) return arena_printf(arena, "%s_zero()", w->isa);
  const char *name = arena_printf(arena, "%s_%s", w->isa, names[n->op]);
  if (n->op == MATRIX_PLUS || n->op == MATRIX_MINUS)
    return arena_printf(arena, "%s(%s, %s)", name, a, b);
  const char *number = emit_number(arena, n->factor, F32);
  number = arena_printf(arena, "%s_set1(%s)", w->isa, number);
  if (n->op == MATRIX_TIMES) return arena_printf(arena, "%s(%s, %s)", name, number, a);
  return arena_printf(arena, "%s(%s, %s, %s)", name, number, a, b);
}

/* Sums are in parentheses where they are factors or are subtracted. */
static const char *in_scalars(const Printer *w, const MatrixNode *n, const char *a, const char *b) {
  Arena *arena = w->e->arena;
  if (n->op == MATRIX_ZERO) return "0.0f";
  if (n->op == MATRIX_PLUS) return arena_printf(arena, "%s + %s", a, b);
  if (n->op == MATRIX_MINUS) return arena_printf(arena, "%s - %s", a, b);
  const bool alone = n->op == MATRIX_TIMES;
  const char *number = emit_number(arena, alone ? n->factor : fabs(n->factor), F32);
  if (alone) return arena_printf(arena, "%s * %s", number, a);
  return arena_printf(arena, "%s %c %s * %s", b, n->factor < 0 ? '-' : '+', number, a);
}

static const char *operand(const Printer *w, int node, bool atom) {
  const MatrixNode *n = &w->c->node.at[node];
  const bool sum = !w->isa && atom && n->uses == 1 && strpbrk(n->text, "+-*");
  return sum ? arena_printf(w->e->arena, "(%s)", n->text) : n->text;
}

static const char *node_text(const Printer *w, const MatrixNode *n) {
  if (n->op == MATRIX_X) return w->x[n->a];
  const char *a = "", *b = "";
  const bool has_b = n->op == MATRIX_PLUS || n->op == MATRIX_MINUS || n->op == MATRIX_FMA;
  if (n->op > MATRIX_X) a = operand(w, n->a, n->op == MATRIX_TIMES || n->op == MATRIX_FMA);
  if (has_b) b = operand(w, n->b, n->op == MATRIX_MINUS || n->op == MATRIX_PLUS);
  return w->isa ? in_vectors(w, n, a, b) : in_scalars(w, n, a, b);
}

void matrix_code(Emit *e, const ConstMatrix *m, const char *isa, const char *type,
                 const char *const *x, const char *const *y) {
  MatrixCode c = matrix_best(e->arena, m);
  const Printer w = {e, &c, isa, type, x};
  int names = 0;
  for (int r = 0; r < m->rows; r++) c.node.at[c.y[r]].uses++; /* results have names */
  for (int i = 0; i < c.node.n; i++) {
    MatrixNode *n = &c.node.at[i];
    if (n->uses == 0) continue;
    n->text = node_text(&w, n);
    if (n->op <= MATRIX_X || (n->uses == 1 && strlen(n->text) < LONG_TEXT)) continue;
    const char *name = NULL;
    for (int r = 0; r < m->rows && !name; r++)
      if (c.y[r] == i) name = y[r];
    if (!name) name = arena_printf(e->arena, "s%d", names++);
    emit(e, "const %s %s = %s;", type, name, n->text);
    n->text = name;
  }
  for (int r = 0; r < m->rows; r++)
    if (strcmp(c.node.at[c.y[r]].text, y[r]) != 0)
      emit(e, "const %s %s = %s;", type, y[r], c.node.at[c.y[r]].text);
}
