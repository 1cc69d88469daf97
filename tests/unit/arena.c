/* The arena: zeroed and aligned memory, growth, texts, and allocation failure that ends in a
 * message. */
#include "unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void memory_is_zeroed_and_aligned(void **state) {
  (void)state;
  Arena *arena = arena_new();
  size_t sizes[] = {1, 15, 16, 17, 4096, 1 << 15, 1 << 16, 1 << 20, 3, 0};
  for (int round = 0; round < 50; round++)
    for (int i = 0; i < COUNT(sizes); i++) {
      unsigned char *bytes = arena_alloc(arena, sizes[i]);
      assert_non_null(bytes);
      assert_int_equal((uintptr_t)bytes % 16, 0);
      for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(bytes[k], 0);
      memset(bytes, 0xa5, sizes[i]);
    }
  arena_free(arena);
  arena_free(NULL);
}

static void arrays_grow(void **state) {
  (void)state;
  Arena *arena = arena_new();
  VEC(double) v = {0};
  for (int i = 0; i < 10000; i++) vec_push(arena, &v, i * 0.5);
  assert_int_equal(v.n, 10000);
  for (int i = 0; i < v.n; i++) assert_true(v.at[i] == i * 0.5);
  arena_free(arena);
}

static void texts_grow(void **state) {
  (void)state;
  Arena *arena = arena_new();
  Text text = {.arena = arena};
  for (int i = 0; i < 1000; i++) text_add(&text, "%d,", i);
  text_append(&text, "a\0b", 3);
  assert_int_equal(text.n, 10 * 2 + 90 * 3 + 900 * 4 + 3);
  assert_memory_equal(text.at, "0,1,2,", 6);
  assert_memory_equal(text.at + text.n - 7, "999,a\0b", 7);
  assert_string_equal(arena_printf(arena, "%s %d", "x", 7), "x 7");
  assert_string_equal(arena_copy(arena, "abcdef", 3), "abc");
  arena_free(arena);
}

/* Runs `work` in a child with its stderr read; true when it ended with status 1 and "out of
 * memory". */
static int runs_out_of_memory(void (*work)(Arena *)) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    Arena *arena = arena_new();
    work(arena);
    arena_free(arena);
    _exit(0);
  }
  close(ends[1]);
  char said[256] = {0};
  ssize_t n = read(ends[0], said, sizeof said - 1);
  close(ends[0]);
  int status;
  waitpid(child, &status, 0);
  return n > 0 && strstr(said, "out of memory") && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void third_fails(Arena *arena) {
  arena_fail_after(arena, 3);
  for (int i = 0; i < 3; i++) arena_alloc(arena, 8);
}

static void switched_off(Arena *arena) {
  arena_fail_after(arena, 2);
  arena_alloc(arena, 8);
  arena_fail_after(arena, 0);
  for (int i = 0; i < 9; i++) arena_alloc(arena, 8);
}

static void too_large(Arena *arena) {
  arena_alloc(arena, SIZE_MAX - 8);
}
static void negative_count(Arena *arena) {
  volatile int n = -1;
  NEW_ARRAY(arena, double, n);
}

static void failure_ends_in_a_message(void **state) {
  (void)state;
  assert_true(runs_out_of_memory(third_fails));
  assert_true(runs_out_of_memory(too_large));
  assert_true(runs_out_of_memory(negative_count));
  assert_false(runs_out_of_memory(switched_off));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_is_zeroed_and_aligned),
      cmocka_unit_test(arrays_grow),
      cmocka_unit_test(texts_grow),
      cmocka_unit_test(failure_ends_in_a_message),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
