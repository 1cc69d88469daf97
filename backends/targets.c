/* targets.c - the list of targets. */
#include "backend.h"

#include <ctype.h>
#include <string.h>

#define TARGET(language, name) extern const Target target_##name;
#include "targets.def"
#undef TARGET

const Target *const targets[] = {
#define TARGET(language, name) &target_##name,
#include "targets.def"
#undef TARGET
    NULL};

const Target *target_find(const char *name) {
  for (int i = 0; targets[i]; i++)
    if (strcmp(targets[i]->name, name) == 0) return targets[i];
  return NULL;
}

const char *target_capitals(Arena *arena, const Target *t) {
  char *name = arena_copy(arena, t->name, strlen(t->name));
  for (char *c = name; *c; c++) *c = (char)toupper((unsigned char)*c);
  return name;
}

bool target_same_machine(const Target *a, const Target *b) {
  return !a->triple || !b->triple || strcmp(a->triple, b->triple) == 0;
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

bool target_runs(const Target *t) {
  return !target_is_foreign(t) && t->runs && t->runs();
}

const Target *target_native(void) {
  for (int i = 0; targets[i]; i++)
    if (target_runs(targets[i])) return targets[i];
  BUG("no target runs here");
}

const Language *language_of(const char *suffix) {
  for (int i = 0; targets[i]; i++)
    if (strcmp(targets[i]->language->suffix, suffix) == 0) return targets[i]->language;
  return NULL;
}
