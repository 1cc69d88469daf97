/* targets.c - the list of targets. */
#include "backend.h"

#include <string.h>

#define TARGET(name) extern const Target target_##name;
#include "targets.def"
#undef TARGET

const Target *const targets[] = {
#define TARGET(name) &target_##name,
#include "targets.def"
#undef TARGET
    NULL};

const Target *target_find(const char *name) {
  for (int i = 0; targets[i]; i++)
    if (strcmp(targets[i]->name, name) == 0) return targets[i];
  return NULL;
}

/* This machine as a Target's row would name it; NULL: none of them is for it. */
static const char *const here =
#if defined(__x86_64__)
    "x86_64-linux-gnu";
#elif defined(__aarch64__)
    "aarch64-linux-gnu";
#else
    NULL;
#endif

bool target_is_foreign(const Target *t) {
  return t->triple && (!here || strcmp(t->triple, here) != 0);
}

/* The CPU's answer to the question that the emitted library asks as well (Target.cpu). */
static bool cpu_runs(const Target *t) {
  if (target_is_foreign(t)) return false;
  if (!t->cpu) return true;
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__i386__))
  __builtin_cpu_init();
  if (strcmp(t->name, "avx512") == 0) return __builtin_cpu_supports("avx512f");
  if (strcmp(t->name, "avx2") == 0)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return false;
}

const Target *target_native(void) {
  for (int i = 0; targets[i]; i++)
    if (strcmp(targets[i]->language, "c") == 0 && cpu_runs(targets[i])) return targets[i];
  BUG("no target runs here");
}
