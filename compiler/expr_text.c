/* expr_text.c - the text form of expressions: infix + - * /, calls for the rest, as few parentheses
 * as reading back needs. */
#include <stdlib.h>

#include "expr.h"

void number_print(Text *out, double value) {
  char digits[40];
  if (value != value || value - value != 0) {
    text_add(out, "%s", value != value ? "nan" : value < 0 ? "-inf" : "inf");
    return;
  }
  for (int precision = 6; precision <= 17; precision++) {
    snprintf(digits, sizeof digits, "%.*g", precision, value);
    if (strtod(digits, NULL) == value) break;
  }
  text_add(out, "%s", digits);
}

typedef struct Printer {
  Text *out;
  ExprLeafName name;
  void *context;
} Printer;

static int precedence(const Expr *e) {
  switch (e->op) {
  case E_add:
  case E_sub: return 1;
  case E_mul:
  case E_div: return 2;
  case E_neg: return 3;
  case E_const: return e->value < 0 ? 3 : 4;
  default: return 4;
  }
}

static void print(const Printer *p, const Expr *e, int least);

static void print_infix(const Printer *p, const Expr *e) {
  int level = precedence(e);
  print(p, e->arg[0], level);
  if (e->op == E_add && e->arg[1]->op == E_const && e->arg[1]->value < 0) {
    text_add(p->out, " - ");
    number_print(p->out, -e->arg[1]->value);
    return;
  }
  text_add(p->out, "%s",
           e->op == E_add   ? " + "
           : e->op == E_sub ? " - "
           : e->op == E_mul ? "*"
                            : "/");
  print(p, e->arg[1], level + 1);
}

static void print_call(const Printer *p, const Expr *e) {
  text_add(p->out, "%s(", expr_name(e->op));
  for (int i = 0; i < expr_arity(e->op); i++) {
    if (i) text_add(p->out, ", ");
    print(p, e->arg[i], 0);
  }
  text_add(p->out, ")");
}

/* `least`: the lowest precedence that needs no parentheses here. */
static void print(const Printer *p, const Expr *e, int least) {
  bool enclose = precedence(e) < least;
  if (enclose) text_add(p->out, "(");
  if (e->op == E_const) {
    number_print(p->out, e->value);
  } else if (expr_arity(e->op) == 0) {
    p->name(p->context, e, p->out);
  } else if (e->op == E_neg) {
    text_add(p->out, "-");
    print(p, e->arg[0], 3);
  } else if (precedence(e) < 3) {
    print_infix(p, e);
  } else {
    print_call(p, e);
  }
  if (enclose) text_add(p->out, ")");
}

void expr_print(Text *out, const Expr *e, ExprLeafName name, void *context) {
  Printer p = {out, name, context};
  print(&p, e, 0);
}
