/* test_operators.c - every operator in many shapes (numeric/cases.h), simulated against the graph
 * in double. Without arguments each eighth case for one target; with "all" every case for all. */
#include "harness.h"

#include "../numeric/cases.h"

enum { SAMPLES = 2, QUICK = 8 };

static const char *const machines[] = {"sm_80", "sm_90"};

static void check_cases(const Case *c, int n, const char *target) {
  char *text = network_text(c, n);
  Simulated s = simulated_text(text, target, SAMPLES);
  free(text);
  simulated_check(&s, SAMPLES, SAMPLES, 0);
  simulated_free(&s);
}

static void check_all(const Cases *cases, const char *target) {
  for (int from = 0; from < cases->list.n; from += AT_ONCE) {
    const int left = cases->list.n - from;
    check_cases(cases->list.at + from, left < AT_ONCE ? left : AT_ONCE, target);
  }
  print_message("%s: %d cases\n", target, cases->list.n);
}

static Cases every_case(Arena *arena) {
  Cases cases = {.arena = arena};
  add_reference(&cases);
  add_windows(&cases, pools, COUNT(pools));
  add_windows(&cases, contractions, COUNT(contractions));
  return cases;
}

static void some_agree(void **state) {
  const Cases cases = every_case(*state);
  Cases some = {.arena = *state};
  for (int i = 0; i < cases.list.n; i += QUICK) vec_push(some.arena, &some.list, cases.list.at[i]);
  check_all(&some, machines[0]);
}

static void all_agree(void **state) {
  const Cases cases = every_case(*state);
  for (int i = 0; i < COUNT(machines); i++) check_all(&cases, machines[i]);
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
