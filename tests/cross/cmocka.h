/* cmocka.h - as much of CMocka as tests/unit/simd.c uses, for machines that CMocka is not installed
 * for. The first failure ends the program. */
#ifndef CMOCKA_H
#define CMOCKA_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
  const char *name;
  void (*run)(void **state);
};
#define cmocka_unit_test(function)                                                                 \
  { #function, function }

#define fail()                                                                                     \
  do {                                                                                             \
    printf("%s:%d: failed\n", __FILE__, __LINE__);                                                 \
    exit(1);                                                                                       \
  } while (0)
#define assert_true(is)                                                                            \
  do {                                                                                             \
    if (!(is)) fail();                                                                             \
  } while (0)
#define assert_memory_equal(a, b, size) assert_true(memcmp(a, b, size) == 0)

#define cmocka_run_group_tests(tests, setup, teardown)                                             \
  run_all(tests, (int)(sizeof(tests) / sizeof *(tests)))
static inline int run_all(const struct CMUnitTest *test, int n) {
  for (int i = 0; i < n; i++) {
    test[i].run(NULL);
    printf("%s: passed\n", test[i].name);
  }
  return n == 0;
}
#endif
