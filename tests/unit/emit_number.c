/* emit_number.c - constants in emitted code read back exactly, in the precision of their type. */
#include "unit.h"
#include "emit.h"

#include <math.h>

static void numbers_read_back(void **state) {
  (void)state;
  Arena *arena = arena_new();
  assert_string_equal(emit_number(arena, 0.5, F32), "0.5f");
  assert_string_equal(emit_number(arena, 0.1, F32), "0.1f");
  assert_string_equal(emit_number(arena, 3, F64), "3.0");
  assert_string_equal(emit_number(arena, -7, I32), "-7");
  assert_string_equal(emit_number(arena, NAN, F32), "NAN");
  arena_free(arena);
}

static void what_overflows_is_infinite(void **state) {
  (void)state;
  Arena *arena = arena_new();
  assert_string_equal(emit_number(arena, 1e39, F32), "INFINITY");
  assert_string_equal(emit_number(arena, -1e300, F32), "-INFINITY");
  assert_string_equal(emit_number(arena, 1e300, F64), "1e+300");
  assert_string_equal(emit_number(arena, 1e-300, F32), "0.0f");
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_read_back),
      cmocka_unit_test(what_overflows_is_infinite),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
