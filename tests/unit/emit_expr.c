/* Expressions as text: parentheses where operators need them, shared parts once, selections by a
 * comparison. */
#include "unit.h"

#include "emit.h"

static const Dialect plain = {
    .type = "float",
    .number = F32,
    .spell = {[E_add] = "$0 + $1",
              [E_sub] = "$0 - $1",
              [E_mul] = "$0 * $1",
              [E_neg] = "-$0",
              [E_max] = "fmaxf($0, $1)",
              [E_lt] = "$0 < $1 ? 1.0f : 0.0f",
              [E_select] = "$0 != 0.0f ? $1 : $2"},
    .test = {[E_lt] = "$0 < $1"},
    .select = "$0 ? $1 : $2",
};

static const char *leaf_text(void *context, const Expr *leaf) {
  return arena_printf(context, leaf->op == E_in ? "x%d" : "acc%d", leaf->index);
}

static const char *printed(Unit *u, const Expr *x) {
  Text out = {.arena = u->arena};
  Emit e = emit_start(u->arena, &out, "net", NULL);
  const char *text = emit_expr(&e, &plain, x, leaf_text, u->arena);
  text_add(&out, "%s", text);
  return out.at;
}

static void operators_and_calls(void **state) {
  (void)state;
  Unit *u = unit_new();
  const Expr *a = expr_in(u, 0), *b = expr_in(u, 1), *half = expr_const(u, 0.5);
  assert_string_equal(printed(u, expr2(u, E_mul, expr2(u, E_sub, a, b), half)), "(x0 - x1) * 0.5f");
  assert_string_equal(printed(u, expr2(u, E_max, expr2(u, E_sub, a, b), expr_acc(u, 0))),
                      "fmaxf(x0 - x1, acc0)");
  assert_string_equal(printed(u, expr2(u, E_sub, expr2(u, E_max, a, b), expr2(u, E_sub, a, b))),
                      "fmaxf(x0, x1) - (x0 - x1)");
  assert_string_equal(printed(u, expr1(u, E_neg, expr2(u, E_mul, a, b))), "-(x0 * x1)");
  assert_string_equal(printed(u, expr2(u, E_mul, a, expr_const(u, -2))), "x0 * (-2.0f)");
  unit_free(u);
}

static void selections(void **state) {
  (void)state;
  Unit *u = unit_new();
  const Expr *a = expr_in(u, 0), *b = expr_in(u, 1), *less = expr2(u, E_lt, a, b);
  assert_string_equal(printed(u, less), "x0 < x1 ? 1.0f : 0.0f");
  assert_string_equal(printed(u, expr3(u, E_select, less, b, a)), "(x0 < x1) ? x1 : x0");
  assert_string_equal(printed(u, expr3(u, E_select, a, b, expr_acc(u, 1))),
                      "x0 != 0.0f ? x1 : acc1");
  unit_free(u);
}

static void shared_parts_stand_in_front(void **state) {
  (void)state;
  Unit *u = unit_new();
  const Expr *sum = expr2(u, E_add, expr_in(u, 0), expr_in(u, 1));
  assert_string_equal(printed(u, expr2(u, E_mul, sum, sum)), "const float t0 = x0 + x1;\nt0 * t0");
  unit_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(operators_and_calls),
      cmocka_unit_test(selections),
      cmocka_unit_test(shared_parts_stand_in_front),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
