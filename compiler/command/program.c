/* program.c - programs around the emitted library, built in a temporary folder: what run, eval and
 * train have in common. */
#include "driver.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

bool program_build(Unit *u, const Options *o, Plan *plan, const char *folder, const char *text) {
  Options options = *o;
  const char *base = arena_printf(u->arena, "%s/net", folder);
  const char *program = arena_printf(u->arena, "%s/program.c", folder);
  Emitted emitted = {0};
  options.weights_as = WEIGHTS_AS_DEFAULT;
  compile_emit(u, &options, plan, NULL, base, "net", &emitted);
  if (!options.no_validate && !compile_validate(u, plan->target, &emitted))
    BUG("net.c is not fit to be run");
  if (!compile_write(u, &emitted, arena_printf(u->arena, "%s/", folder)) ||
      !file_write(u, program, text, strlen(text)))
    return false;
  const char *openmp = toolchain_openmp(u, o) ? "-fopenmp" : "-O2";
  return toolchain_cc(u, o,
                      (const char *const[]){
                          "-std=c11", "-O2", openmp, program, arena_printf(u->arena, "%s.c", base),
                          "-o", arena_printf(u->arena, "%s/program", folder), "-lm", NULL});
}

TextList program_words(Unit *u, const Options *o, const char *folder) {
  TextList words = {0};
  const char *runner = o->runner ? o->runner : "";
  for (const char *end; *runner; runner = *end ? end + 1 : end) {
    end = runner + strcspn(runner, " ");
    if (end > runner)
      vec_push(u->arena, &words, arena_copy(u->arena, runner, (size_t)(end - runner)));
  }
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
