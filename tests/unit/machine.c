/* machine.c - what is known of this machine, beside what the C library says of it; copies of
 * targets. */
#include "unit.h"
#include "backend.h"

#include <unistd.h>

static void numbers_of_here(void **state) {
  (void)state;
  for (int i = 0; targets[i]; i++) {
    if (!target_runs(targets[i])) continue;
    const Machine m = machine_here(targets[i]), again = machine_here(targets[i]);
    assert_memory_equal(&m, &again, sizeof m);
    assert_non_null(m.name);
    assert_true(m.flops > 0 && m.fma_per_cycle > 0 && m.launch > 0);
    assert_true(m.l1 < m.l2 && m.l2 < m.l3);
    assert_true(m.l2_bandwidth > m.l3_bandwidth && m.l3_bandwidth > m.dram_bandwidth);
    assert_int_equal(m.cores, targets[i]->machine.cores);
  }
}

/* L3 apart, of which processors of several parts have many. */
static void sizes_of_caches(void **state) {
  (void)state;
#ifdef _SC_LEVEL2_CACHE_SIZE
  const Machine m = machine_here(target_native());
  const long l1 = sysconf(_SC_LEVEL1_DCACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (access("/sys/devices/system/cpu/cpu0/cache/index0/size", R_OK) != 0 || l1 <= 0 || l2 <= 0)
    skip();
  assert_true(m.l1 == (double)l1 && m.l2 == (double)l2);
#else
  skip();
#endif
}

static void a_copy_has_its_own(void **state) {
  (void)state;
  Arena *arena = arena_new();
  const Target *row = target_find("avx2");
  Machine m = row->machine;
  m.l3 = 1e6;
  const Target *t = target_on(arena, row, &m);
  assert_string_equal(t->name, "avx2");
  assert_true(t->lanes == row->lanes && t->time == row->time && t->machine.l3 == 1e6 &&
              row->machine.l3 == 32e6);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_of_here),
      cmocka_unit_test(sizes_of_caches),
      cmocka_unit_test(a_copy_has_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
