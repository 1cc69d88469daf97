/* selftest.c - runs the self-test of a library and prints what it found; exits with how much that
 * was, at most 99. */
#ifdef TRAIN
#include "training_program.h"
#else
#include "program.h"
#endif

static void tell(void *user, const char *what, double got, double expected, double allowed) {
  int *told = user;
  if ((*told)++ < 20) printf("%s: %g, expected %g, at most %g apart\n", what, got, expected, allowed);
}

int main(void) {
  static NET net;
  int told = 0;
#ifdef TRAIN
  NAME(_memory) m = training_memory(2);
#else
  NAME(_memory) m = memory_for(2, NULL);
#endif
  void *memory = memory_of(NAME(_SELFTEST_BYTES));
  MUST(NAME(_init)(&net, &m, 2) == NAME(_OK));
  MUST(NAME(_selftest)(&net, memory, NAME(_SELFTEST_BYTES), tell, &told) == NAME(_E_WEIGHTS));
  MUST(NAME(_init_params)(&net, SEED) == NAME(_OK));
  MUST(NAME(_selftest)(&net, memory, 0, tell, &told) == NAME(_E_MEMORY));
  float *first = memory_of(NAME(_PARAMS_BYTES)), *then = memory_of(NAME(_PARAMS_BYTES));
  memcpy(first, m.params, NAME(_PARAMS_BYTES));
  int failed = NAME(_selftest)(&net, memory, NAME(_SELFTEST_BYTES), tell, &told);
  memcpy(then, m.params, NAME(_PARAMS_BYTES));
  MUST(failed == told);
  MUST(NAME(_params)[0].size * sizeof(float) < NAME(_PARAMS_BYTES));
  MUST(memcmp(first + 16, then + 16, NAME(_params)[0].size * sizeof(float)) == 0);
  return failed < 99 ? failed : 99;
}
