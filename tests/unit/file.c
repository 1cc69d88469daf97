/* Whole files: what is written is read again,
 * links and modes stay, failures leave nothing behind. */
#include "unit.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/cnnc-file-XXXXXX";

static int entries(void) {
  DIR *dir = opendir(folder);
  int n = 0;
  while (readdir(dir)) n++;
  closedir(dir);
  return n - 2;
}

static void files_round_trip(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  assert_non_null(mkdtemp(folder));
  const char *file = arena_printf(c->u->arena, "%s/a", folder),
             *link = arena_printf(c->u->arena, "%s/b", folder);
  size_t size;
  assert_true(file_write(c->u, file, "one\0two", 7));
  assert_memory_equal(file_read(c->u, file, &size), "one\0two", 8);
  assert_int_equal(size, 7);

  assert_int_equal(symlink("a", link), 0);
  assert_int_equal(chmod(file, 0640), 0);
  assert_true(file_write(c->u, link, "", 0));
  assert_string_equal(file_read(c->u, file, &size), "");
  assert_int_equal(size, 0);
  struct stat status;
  assert_int_equal(lstat(link, &status), 0);
  assert_true(S_ISLNK(status.st_mode));
  assert_int_equal(stat(file, &status), 0);
  assert_int_equal(status.st_mode & 0777, 0640);
  assert_int_equal(entries(), 2);
  assert_int_equal(c->u->errors, 0);

  assert_int_equal(unlink(file), 0);
  assert_int_equal(unlink(link), 0);
  assert_int_equal(rmdir(folder), 0);
  captured_free(c);
}

static void failures_have_messages(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  size_t size;
  assert_null(file_read(c->u, "/nonexistent/a", &size));
  assert_null(file_read(c->u, "/tmp", &size));
  assert_false(file_write(c->u, "/nonexistent/a", "x", 1));
  assert_false(file_write(c->u, "/tmp", "x", 1));
  assert_string_equal(messages(c),
                      "/nonexistent/a: error: cannot read the file: No such file or directory\n"
                      "/tmp: error: cannot read the file: Is a directory\n"
                      "/nonexistent/a: error: cannot write the file: No such file or directory\n"
                      "/tmp: error: cannot write the file: Is a directory\n");
  captured_free(c);
}

static void devices_are_written_not_replaced(void **state) {
  (void)state;
  Captured *c = captured_new("", NULL);
  size_t size;
  struct stat status;
  assert_true(file_write(c->u, "/dev/null", "x", 1));
  assert_int_equal(stat("/dev/null", &status), 0);
  assert_true(S_ISCHR(status.st_mode));
  assert_string_equal(file_read(c->u, "/dev/null", &size), "");
  if (access("/dev/full", W_OK) == 0) assert_false(file_write(c->u, "/dev/full", "x", 1));
  captured_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_round_trip),
      cmocka_unit_test(failures_have_messages),
      cmocka_unit_test(devices_are_written_not_replaced),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
