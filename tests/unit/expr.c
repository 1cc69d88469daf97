/* expr.c - expressions: simplification keeps the value, derivatives agree with differences, equal
 * expressions are one pointer, text forms. */
#include "kernels.h"

enum { INPUTS = 3 };

/* A random tree as a function of its inputs, built with and without simplification: the plain value
 * is computed beside the expression. */
typedef struct Made {
  const Expr *e;
  double value;
} Made;

static Made random_expr(Unit *u, Random *r, const double *in, int depth) {
  static const ExprOp ops[] = {E_add, E_sub,  E_mul, E_div, E_neg,    E_min, E_max,  E_abs,
                               E_exp, E_tanh, E_erf, E_pow, E_select, E_lt,  E_floor};
  if (depth == 0 || random_int(r, 0, 5) == 0) {
    static const double constants[] = {0, 1, -1, 2, 0.5, -3, 0.1};
    int leaf = random_int(r, 0, INPUTS + 1);
    if (leaf < INPUTS) return (Made){expr_in(u, leaf), in[leaf]};
    double value = constants[random_int(r, 0, COUNT(constants) - 1)];
    return (Made){expr_const(u, value), value};
  }
  ExprOp op = ops[random_int(r, 0, COUNT(ops) - 1)];
  Made a[3] = {{0}};
  int arity = expr_arity(op);
  for (int i = 0; i < arity; i++) a[i] = random_expr(u, r, in, depth - 1);
  if (op == E_pow) { /* of what is not negative, so that no NaN hides in a minimum */
    a[0].e = expr1(u, E_abs, a[0].e);
    a[0].value = fabs(a[0].value);
  }
  if (op == E_div) { /* by what is positive: the sign of a zero is not kept */
    a[1].e = expr2(u, E_add, expr1(u, E_abs, a[1].e), expr_const(u, 0.5));
    a[1].value = fabs(a[1].value) + 0.5;
  }
  double value = expr_apply(op, a[0].value, a[1].value, a[2].value);
  if (arity == 1) return (Made){expr1(u, op, a[0].e), value};
  if (arity == 2) return (Made){expr2(u, op, a[0].e, a[1].e), value};
  return (Made){expr3(u, op, a[0].e, a[1].e, a[2].e), value};
}

static double eval(const Expr *e, const double *in) {
  return expr_eval(e, &(ExprEnv){.in = in});
}

static bool near(double a, double b, double tolerance) {
  if (a != a || b != b || fabs(a) > 1e12 || fabs(b) > 1e12) return true;
  return fabs(a - b) <= tolerance * (1 + fabs(a) + fabs(b));
}

static void name_leaf(void *context, const Expr *leaf, Text *out) {
  (void)context;
  text_add(out, "%s%d", expr_name(leaf->op), leaf->index);
}

static const char *text_of(Unit *u, const Expr *e) {
  Text text = {.arena = u->arena};
  expr_print(&text, e, name_leaf, NULL);
  return text.at;
}

static void simplification_keeps_values(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {1};
  for (int i = 0; i < 20000; i++) {
    double in[INPUTS];
    for (int j = 0; j < INPUTS; j++) in[j] = 2 * random_real(&r);
    Made made = random_expr(u, &r, in, 5);
    double got = eval(made.e, in);
    if (!near(got, made.value, 1e-12))
      fail_msg("%.17g became %.17g: %s", made.value, got, text_of(u, made.e));
  }
  unit_free(u);
}

static void derivatives_are_slopes(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {2};
  for (int i = 0; i < 20000; i++) {
    double in[INPUTS], h = 1e-6;
    for (int j = 0; j < INPUTS; j++) in[j] = 2 * random_real(&r);
    const Expr *e = random_expr(u, &r, in, 4).e, *x = expr_in(u, 0);
    double slope = eval(expr_derivative(u, e, x), in), old = in[0];
    double at[5]; /* kinks and poles nearby: the one-sided slopes differ */
    for (int j = 0; j < 5; j++) {
      in[0] = old + (j - 2) * h;
      at[j] = eval(e, in);
    }
    double left = (at[2] - at[0]) / (2 * h), right = (at[4] - at[2]) / (2 * h);
    if (!near(left, right, 1e-3) || fabs(slope) > 1e3 || slope != slope) continue;
    if (!near((left + right) / 2, slope, 1e-3))
      fail_msg("%s by in0 at %g: %g, by differences %g", text_of(u, e), old, slope,
               (left + right) / 2);
  }
  unit_free(u);
}

/* e = a * in0 + b on random trees of sums and products. */
static void affine_forms(void **state) {
  (void)state;
  Unit *u = unit_new();
  Random r = {3};
  int found = 0;
  for (int i = 0; i < 5000; i++) {
    double in[INPUTS];
    for (int j = 0; j < INPUTS; j++) in[j] = random_real(&r);
    const Expr *e = random_expr(u, &r, in, 3).e, *x = expr_in(u, 0), *a, *b;
    if (!expr_affine(u, e, x, &a, &b)) continue;
    found++;
    assert_false(expr_uses(a, E_in, 0));
    assert_false(expr_uses(b, E_in, 0));
    if (!near(eval(e, in), eval(a, in) * in[0] + eval(b, in), 1e-9)) fail_msg("%s", text_of(u, e));
  }
  assert_true(found > 1000);
  const Expr *x = expr_acc(u, 0), *a, *b;
  assert_true(
      expr_affine(u, expr2(u, E_add, expr2(u, E_mul, x, expr_in(u, 0)), expr_in(u, 1)), x, &a, &b));
  assert_ptr_equal(a, expr_in(u, 0));
  assert_ptr_equal(b, expr_in(u, 1));
  assert_false(expr_affine(u, expr2(u, E_max, expr_const(u, 0), x), x, &a, &b));
  assert_false(expr_affine(u, expr2(u, E_mul, x, x), x, &a, &b));
  unit_free(u);
}

static void equal_is_identical(void **state) {
  (void)state;
  Unit *u = unit_new();
  const Expr *a = expr_in(u, 0), *b = expr_in(u, 1), *one = expr_const(u, 1);
  assert_ptr_equal(expr2(u, E_mul, a, b), expr2(u, E_mul, b, a));
  assert_ptr_equal(expr2(u, E_add, a, expr_const(u, 0)), a);
  assert_ptr_equal(expr2(u, E_mul, one, a), a);
  assert_ptr_equal(expr1(u, E_neg, expr1(u, E_neg, a)), a);
  assert_ptr_equal(expr2(u, E_sub, a, expr1(u, E_neg, b)), expr2(u, E_add, b, a));
  const Expr *relu = expr2(u, E_max, expr_const(u, 0), a);
  assert_ptr_equal(expr2(u, E_max, expr_const(u, 0), relu), relu);
  /* a derivative that contains the value is that node: tanh and relu need no input */
  const Expr *t = expr1(u, E_tanh, a);
  const Expr *y = expr_in(u, 2);
  assert_false(expr_uses(expr_substitute(u, expr_derivative(u, t, a), t, y), E_in, 0));
  assert_false(expr_uses(expr_substitute(u, expr_derivative(u, relu, a), relu, y), E_in, 0));
  assert_int_equal(expr_count(expr_derivative(u, t, a)), 3);
  unit_free(u);
}

/* d/dx of ((x*x)*(x*x))*...: linear in the number of nodes, not of paths. */
static void shared_nodes_are_visited_once(void **state) {
  (void)state;
  Unit *u = unit_new();
  const Expr *e = expr_in(u, 0);
  for (int i = 0; i < 60; i++) e = expr2(u, E_mul, e, expr2(u, E_add, e, expr_const(u, 1)));
  assert_true(expr_count(expr_derivative(u, e, expr_in(u, 0))) < 1000);
  assert_false(expr_uses(e, E_in, 1));
  assert_true(eval(e, (double[]){0}) == 0);
  unit_free(u);
}

static void text_forms(void **state) {
  (void)state;
  Unit *u = unit_new();
  const Expr *a = expr_in(u, 0), *b = expr_in(u, 1), *acc = expr_acc(u, 0);
  const Expr *sum = expr2(u, E_add, acc, b), *three = expr_const(u, 3);
  assert_string_equal(text_of(u, expr2(u, E_max, expr_const(u, 0), sum)), "max(0, in1 + acc0)");
  assert_string_equal(text_of(u, expr2(u, E_mul, sum, three)), "(in1 + acc0)*3");
  assert_string_equal(text_of(u, expr2(u, E_sub, a, three)), "in0 - 3");
  assert_string_equal(text_of(u, expr2(u, E_sub, a, sum)), "in0 - (in1 + acc0)");
  assert_string_equal(text_of(u, expr2(u, E_div, three, expr2(u, E_mul, a, b))), "3/(in0*in1)");
  assert_string_equal(text_of(u, expr1(u, E_neg, expr2(u, E_mul, a, b))), "-(in0*in1)");
  assert_string_equal(text_of(u, expr2(u, E_pow, a, expr_const(u, -0.75))), "pow(in0, -0.75)");
  assert_string_equal(text_of(u, expr_const(u, 0.1)), "0.1");
  assert_string_equal(text_of(u, expr_const(u, 1.0 / 3)), "0.3333333333333333");
  assert_string_equal(text_of(u, expr_const(u, -INFINITY)), "-inf");
  unit_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(simplification_keeps_values),
      cmocka_unit_test(derivatives_are_slopes),
      cmocka_unit_test(affine_forms),
      cmocka_unit_test(equal_is_identical),
      cmocka_unit_test(shared_nodes_are_visited_once),
      cmocka_unit_test(text_forms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
