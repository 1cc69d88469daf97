/* test_gemm.c - contractions in blocks of threads: every shape of contraction (numeric/cases.h),
 * simulated against the graph in double. Without arguments some of the cases; with "all" every
 * one. */
#include "harness.h"

#include "../numeric/cases.h"

enum { SAMPLES = 2, QUICK = 9 };

static const char *forced[] = {"*=implicit_gemm"};

static void check_cases(const Case *c, int n) {
  Options o = {.target = "sm_80", .batch = SAMPLES, .algo = {.at = forced, .n = COUNT(forced)}};
  char *text = network_text(c, n);
  Simulated s = simulated_text_options(text, o);
  free(text);
  simulated_check(&s, SAMPLES, SAMPLES, 0);
  simulated_free(&s);
}

static void check_each(const Cases *all, int step) {
  Cases some = {.arena = all->arena};
  for (int i = 0; i < all->list.n; i += step) vec_push(some.arena, &some.list, all->list.at[i]);
  for (int from = 0; from < some.list.n; from += AT_ONCE) {
    const int left = some.list.n - from;
    check_cases(some.list.at + from, left < AT_ONCE ? left : AT_ONCE);
  }
  print_message("%d cases\n", some.list.n);
}

static Cases every_case(Arena *arena) {
  Cases cases = {.arena = arena};
  add_windows(&cases, contractions, COUNT(contractions));
  return cases;
}

static void some_agree(void **state) {
  const Cases cases = every_case(*state);
  check_each(&cases, QUICK);
}

static void all_agree(void **state) {
  const Cases cases = every_case(*state);
  check_each(&cases, 1);
}

static int set_up(void **state) {
  *state = unit_new()->arena;
  return 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest quick[] = {cmocka_unit_test_setup(some_agree, set_up)};
  const struct CMUnitTest all[] = {cmocka_unit_test_setup(all_agree, set_up)};
  if (argc > 1 && strcmp(argv[1], "all") == 0) return cmocka_run_group_tests(all, NULL, NULL);
  return cmocka_run_group_tests(quick, NULL, NULL);
}
