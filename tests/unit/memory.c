/* memory.c - memory that runs out: whichever allocation fails, a command ends with a message and
 * status 1, and what it would write is there as a whole or not at all.
 *
 * The linker sends the compiler's calls of malloc, calloc and realloc here (--wrap), and the k-th
 * of them fails. Each k runs in a process of its own; under the address sanitizer such a process
 * also fails if it leaks. */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "tensors.h"
#include "unit.h"

static long calls, failing; /* the call that fails; 0: none */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool fails(void) {
  return ++calls == failing;
}
void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t n, size_t size) {
  return fails() ? NULL : __real_calloc(n, size);
}
void *__wrap_realloc(void *memory, size_t size) {
  return fails() ? NULL : __real_realloc(memory, size);
}

/* ---- one command ---- */

static const char network[] =
    "{ \"name\": \"net\", \"input\": { \"shape\": [3, 6, 6] }, \"layers\": [\n"
    "  { \"op\": \"conv\", \"filters\": 20, \"kernel\": 3, \"pad\": 1 }, { \"op\": \"relu\" },\n"
    "  { \"op\": \"pool\", \"kind\": \"max\", \"kernel\": 2 }, { \"op\": \"dense\", \"units\": 4 } "
    "] }\n";

typedef struct Run {
  char folder[32], message[200];
  const char *const *words; /* the command line, run in `folder` */
  int nwords, status;
  Status (*command)(Unit *, const Options *);
} Run;

static Status in_folder(const Run *r) {
  Options o;
  Unit *u = unit_new();
  Status status = STATUS_USAGE;
  if (chdir(r->folder) == 0 && options_parse(u, &o, r->nwords, (char *const *)(uintptr_t)r->words))
    status = r->command(u, &o);
  unit_free(u);
  return status;
}

/* Runs the command while call k fails; false: there are fewer calls. */
static bool run(Run *r, long k) {
  int ends[2], status;
  assert_int_equal(pipe(ends), 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    failing = k;
    calls = 0;
    Status done = in_folder(r);
    _exit(calls < k ? 100 + (int)done : 99);
  }
  close(ends[1]);
  ssize_t n = read(ends[0], r->message, sizeof r->message - 1), more = n;
  char rest[512];
  while (more > 0) more = read(ends[0], rest, sizeof rest);
  r->message[n > 0 ? n : 0] = 0;
  close(ends[0]);
  waitpid(child, &status, 0);
  r->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return r->status != 100;
}

/* ---- what is left in the folder ---- */

static void write_file(const char *folder, const char *name, const void *bytes, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  fclose(file);
}

/* Which of some names are there; files of other names are a failure. The files go away. */
static unsigned take_files(const char *folder, const char *const *names, int n, long k) {
  char path[300];
  unsigned found = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *e; (e = readdir(dir));) {
    int i = 0;
    if (e->d_name[0] == '.' || strcmp(e->d_name, "net.json") == 0 || strstr(e->d_name, ".in."))
      continue;
    while (i < n && strcmp(names[i], e->d_name) != 0) i++;
    if (i == n) fail_msg("call %ld fails: %s is left behind", k, e->d_name);
    found |= 1u << i;
    snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
    unlink(path);
  }
  closedir(dir);
  return found;
}

/* ---- the walk over k: each of the first calls, then ever fewer ---- */

static void walk(Run *r, const char *const *outputs, int n) {
  unsigned all = (1u << n) - 1;
  long k = 1, runs = 0;
  for (; run(r, k); k += 1 + k / 100, runs++) {
    unsigned found = take_files(r->folder, outputs, n, k);
    if (r->status != 1 || !strstr(r->message, "out of memory"))
      fail_msg("call %ld fails: status %d, %s", k, r->status, r->message);
    if (found != 0 && found != all) fail_msg("call %ld fails: outputs %u of %u", k, found, all);
  }
  assert_int_equal(take_files(r->folder, outputs, n, k), all);
  print_message("%ld of %ld calls failed, one at a time\n", runs, k);
}

static Run run_new(Status (*command)(Unit *, const Options *), const char *const *words, int n) {
  Run r = {.folder = "/tmp/cnnc_memory_XXXXXX", .words = words, .nwords = n, .command = command};
  assert_non_null(mkdtemp(r.folder));
  write_file(r.folder, "net.json", network, sizeof network - 1);
  return r;
}

static void run_end(const Run *r) {
  Unit *u = unit_new();
  toolchain_remove(u, r->folder);
  unit_free(u);
}

static void compiling(void **state) {
  static const char *const words[] = {"cnnc",     "net.json", "-o",           "net.c",
                                      "--target", "avx2",     "--no-validate"};
  static const char *const outputs[] = {"net.c", "net.h"};
  Run r = run_new(command_compile, words, COUNT(words));
  (void)state;
  walk(&r, outputs, COUNT(outputs));
  run_end(&r);
}

/* Weights and an input are read, a result is written. */
static void running(void **state) {
  static const char *const words[] = {
      "cnnc",    "run",      "net.json", "--interpret", "--weights", "w.in.safetensors",
      "--input", "x.in.npy", "-o",       "y.npy"};
  static const char *const outputs[] = {"y.npy"};
  Run r = run_new(command_run, words, COUNT(words));
  Unit *u = unit_new();
  float values[20 * 27] = {0};
  Tensor t[] = {{"conv1.weight", ELEMENT_F32, 4, {20, 3, 3, 3}, values},
                {"conv1.bias", ELEMENT_F32, 1, {20}, values},
                {"dense1.weight", ELEMENT_F16, 2, {4, 180}, values},
                {"dense1.bias", ELEMENT_F32, 1, {4}, values}};
  Tensor x = {"x", ELEMENT_F32, 3, {3, 6, 6}, values};
  (void)state;
  assert_true(weights_write(u, arena_printf(u->arena, "%s/w.in.safetensors", r.folder),
                            &(Tensors){t, COUNT(t), 0}));
  assert_true(npy_write(u, arena_printf(u->arena, "%s/x.in.npy", r.folder), &x));
  unit_free(u);
  walk(&r, outputs, COUNT(outputs));
  run_end(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compiling),
      cmocka_unit_test(running),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
