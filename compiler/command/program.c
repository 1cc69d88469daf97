/* program.c - programs built in a temporary folder, as a rule around the emitted library: what run,
 * eval, train and measuring have in common. */
#include "driver.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

bool program_compile(Unit *u, const Options *o, const char *folder, const char *text,
                     const char *more) {
  const char *program = arena_printf(u->arena, "%s/program", folder);
  const char *source = arena_printf(u->arena, "%s.c", program);
  if (!file_write(u, source, text, strlen(text))) return false;
  const char *openmp = toolchain_openmp(u, o) ? "-fopenmp" : "-O2";
  const char *const words[] = {"-std=c11", "-O2", openmp, source, more, "-o", program, "-lm", NULL};
  return toolchain_cc(u, o, words);
}

bool program_build(Unit *u, const Options *o, Plan *plan, const char *folder, const char *text) {
  const char *base = arena_printf(u->arena, "%s/net", folder);
  Emitted emitted = {0};
  compile_emit(u, o, plan, NULL, base, "net", &emitted);
  if (!o->no_validate && !compile_validate(u, plan->target, &emitted))
    BUG("net.c is not fit to be run");
  return compile_write(u, &emitted, arena_printf(u->arena, "%s/", folder)) &&
         program_compile(u, o, folder, text, arena_printf(u->arena, "%s.c", base));
}

const Language *program_language(void) {
  return language_of(".c");
}

/* Weights that no cache holds come faster from pages of 2 MiB, where the system lends them. */
TextList program_words(Unit *u, const Options *o, const char *folder) {
  TextList words = {0};
  setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0);
  if (o->runner) toolchain_words(u, &words, o->runner);
  vec_push(u->arena, &words, arena_printf(u->arena, "%s/program", folder));
  return words;
}

int program_threads(const Options *o) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return o->threads ? (int)o->threads : n > 0 && n < 1024 ? (int)n : 1;
}

double program_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
