/* emit_expr.c - expressions as text of the emitted language, by a Dialect's templates.
 *
 * A template is the text of one primitive with $0, $1, $2 for its arguments: "$0 * $1",
 * "fmaf($0, $1, $2)". Whether an argument needs parentheses follows from the texts: an operator's
 * argument that is itself an operator gets them, a function's argument never does. Parts that are
 * used more than once become constants in front. */
#include "emit.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

typedef struct Printing {
  Emit *e;
  const Dialect *dialect;
  EmitLeaf leaf;
  void *context;
  int *uses;           /* by id */
  unsigned char *made; /* by id: Made bits */
  const char **text;   /* by id: what stands for it */
} Printing;

/* What an expression is made from. */
enum Made { FROM_INDEX = 1, FROM_DATA = 2, BY_DIVISION = 4 };

static void visit(Printing *p, const Expr *x) {
  if (p->uses[x->id]++ > 0) return;
  unsigned made = 0;
  if (x->op == E_index)
    made = FROM_INDEX;
  else if (x->op == E_div || x->op == E_floor)
    made = BY_DIVISION;
  else if (x->op == E_random || (expr_arity(x->op) == 0 && x->op != E_const))
    made = FROM_DATA;
  for (int i = 0; i < expr_arity(x->op); i++) {
    visit(p, x->arg[i]);
    made |= p->made[x->arg[i]->id];
  }
  p->made[x->id] = (unsigned char)made;
}

/* A position between elements, 511 * i / 1022: float would not hold the product. */
static bool is_position(const Printing *p, const Expr *x) {
  return p->dialect->number == F32 && p->made[x->id] == (FROM_INDEX | BY_DIVISION);
}

/* Is the text one operand: a name, a number, a call, something in parentheses or brackets? */
static bool atomic(const char *text) {
  int depth = 0;
  if (*text == '-') return false;
  for (const char *c = text; *c; c++) {
    depth += (*c == '(' || *c == '[') - (*c == ')' || *c == ']');
    if (depth == 0 && *c == ' ') return false;
    if (depth == 0 && c[0] == ')' && c[1] != '\0') return false;
  }
  return true;
}

/* `template` with its arguments put in. */
static const char *fill_in(Emit *e, const char *template, const char *const *arg) {
  Text out = {.arena = e->arena};
  const bool infix = !atomic(template);
  for (const char *c = template; *c; c++) {
    if (*c != '$' || !isdigit((unsigned char)c[1])) {
      text_append(&out, c, 1);
      continue;
    }
    const char *text = arg[*++c - '0'];
    text_add(&out, infix && !atomic(text) ? "(%s)" : "%s", text);
  }
  return out.at;
}

const char *emit_constant(Emit *e, const Dialect *dialect, const char *number) {
  return dialect->constant ? fill_in(e, dialect->constant, &number) : number;
}

static const char *print(Printing *p, const Expr *x);

/* The condition of a selection is a comparison as a rule: written as one, it needs no number. */
static const char *print_parts(Printing *p, const Expr *x) {
  const Dialect *d = p->dialect;
  const Expr *if_ = x->arg[0];
  const bool compares = x->op == E_select && d->test[if_->op];
  const char *arg[4] = {NULL};
  for (int i = compares; i < expr_arity(x->op); i++) arg[i] = print(p, x->arg[i]);
  if (!compares) {
    if (!d->spell[x->op]) BUG("no text for %s", expr_name(x->op));
    return fill_in(p->e, d->spell[x->op], arg);
  }
  const char *side[2] = {print(p, if_->arg[0]), print(p, if_->arg[1])};
  arg[0] = fill_in(p->e, d->test[if_->op], side);
  return fill_in(p->e, d->select, arg);
}

static const char *print(Printing *p, const Expr *x) {
  Emit *e = p->e;
  if (p->text[x->id]) return p->text[x->id];
  const char *text;
  if (x->op == E_const) {
    text = emit_constant(e, p->dialect, emit_number(e->arena, x->value, p->dialect->number));
  } else if (expr_arity(x->op) == 0 || x->op == E_random) {
    text = p->leaf(p->context, x);
  } else {
    text = is_position(p, x) ? p->leaf(p->context, x) : print_parts(p, x);
    if (p->uses[x->id] > 1) {
      const char *name = arena_printf(e->arena, "t%d", e->temporaries++);
      emit(e, "const %s %s = %s;", p->dialect->type, name, text);
      text = name;
    }
  }
  return p->text[x->id] = text;
}

const char *emit_expr(Emit *e, const Dialect *dialect, const Expr *x, EmitLeaf leaf,
                      void *context) {
  Printing p = {.e = e, .dialect = dialect, .leaf = leaf, .context = context};
  p.uses = NEW_ARRAY(e->arena, int, x->id + 1);
  p.made = NEW_ARRAY(e->arena, unsigned char, x->id + 1);
  p.text = NEW_ARRAY(e->arena, const char *, x->id + 1);
  visit(&p, x);
  p.uses[x->id] = 1; /* the whole is the caller's to name */
  return print(&p, x);
}
