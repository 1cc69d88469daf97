/* expr.h - scalar expressions: the formulas inside every computation.
 *
 * An expression is an immutable, hash-consed DAG: equal expressions are the same pointer. Building
 * one simplifies it (constants fold, x + 0 and x * 1 vanish, constants move to the right). Every
 * primitive is one row of exprs.def: its arity, its value in double, its derivative; targets print
 * it by their own table of templates, indexed by ExprOp. */
#ifndef EXPR_H
#define EXPR_H

#include "cnnc.h"

typedef enum ExprOp {
#define PRIM(name, ...) E_##name,
#include "exprs.def"
#undef PRIM
  EXPR_OPS
} ExprOp;

typedef struct Expr Expr;
struct Expr {
  ExprOp op;
  int id;       /* dense within a Unit, arguments before users: order for printing temporaries */
  int size;     /* as a tree, shared parts counted as often as they are used: the length of its text
                   and the time of a walk without memory; saturates */
  int index;    /* IN: which input; ACC: which fold; INDEX: which loop; SCALAR: which Scalar */
  double value; /* CONST */
  const Expr *arg[3];
};

/* Run-time scalars, by index: what a call knows besides its tensors. */
typedef enum Scalar {
  SCALAR_N,       /* number of samples of this call */
  SCALAR_LR,      /* learning rate of this step */
  SCALAR_STEP,    /* which step it is: 1, 2 ... */
  SCALAR_UNBIAS1, /* adam's corrections: 1 - beta1^step, */
  SCALAR_UNBIAS2, /* and the root of 1 - beta2^step */
  SCALAR_SEED,    /* of random numbers: below 2^53 */
  SCALAR_PASS, /* forward passes of training so far, this one included: its random numbers' own */
  SCALARS
} Scalar;

/* Builders. `u` owns the pool. All of them simplify. */
const Expr *expr_const(Unit *u, double value);
const Expr *expr_in(Unit *u, int input);
const Expr *expr_acc(Unit *u, int fold);
const Expr *expr_index(Unit *u, int loop);
const Expr *expr_scalar(Unit *u, int scalar);
const Expr *expr1(Unit *u, ExprOp op, const Expr *a);
const Expr *expr2(Unit *u, ExprOp op, const Expr *a, const Expr *b);
const Expr *expr3(Unit *u, ExprOp op, const Expr *a, const Expr *b, const Expr *c);

bool expr_is(const Expr *e, double value); /* is it this constant? */
int expr_arity(ExprOp op);
const char *expr_name(ExprOp op); /* "add", "max": the function-call spelling of the text form */
double expr_apply(ExprOp op, double a, double b, double c); /* the value of one primitive */
double expr_random(double key, double high, double low);    /* of E_random (uniform.c) */

/* Kernels join only where no expression grows beyond this tree size: it bounds text, recursion and
 * the time of the C compiler. */
enum { EXPR_MOST = 128 };

/* What stands in the place of a part of an expression. */
typedef const Expr *(*ExprRule)(void *context, const Expr *part);
/* Replaces leaves: `leaf` gets each IN / ACC / INDEX / SCALAR / CONST. */
const Expr *expr_replace(Unit *u, const Expr *e, ExprRule leaf, void *context);
/* Replaces operations, innermost first: `inner` gets each one with its arguments replaced. */
const Expr *expr_rewrite(Unit *u, const Expr *e, ExprRule inner, void *context);
/* IN(i) becomes IN(input[i]). */
const Expr *expr_rename_inputs(Unit *u, const Expr *e, const int *input);

/* Replaces every occurrence of a subexpression. */
const Expr *expr_substitute(Unit *u, const Expr *e, const Expr *part, const Expr *by);

/* d e / d leaf, for a leaf IN(i) or ACC(i); comparisons have derivative 0. */
const Expr *expr_derivative(Unit *u, const Expr *e, const Expr *leaf);

/* Values of the leaves for evaluation in double. */
typedef struct ExprEnv {
  const double *in, *acc, *scalar;
  const int64_t *index;
} ExprEnv;
double expr_eval(const Expr *e, const ExprEnv *env);

bool expr_uses(const Expr *e, ExprOp leaf, int index); /* does e contain leaf (index -1: any)? */
int expr_count(const Expr *e); /* distinct arithmetic nodes: the cost of one evaluation */

/* e = a * leaf + b with a and b free of leaf? Then true. (Batch norm, bias and scaling are affine
 * in what they follow.) */
bool expr_affine(Unit *u, const Expr *e, const Expr *leaf, const Expr **a, const Expr **b);

/* Text form: infix + - * /, function calls for the rest; leaves by the names the caller gives. */
typedef void (*ExprLeafName)(void *context, const Expr *leaf, Text *out);
void number_print(Text *out, double value); /* the shortest form that reads back exactly */
void expr_print(Text *out, const Expr *e, ExprLeafName name, void *context);

#endif
