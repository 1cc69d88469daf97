/* fuzz.h - what the fuzz targets share: a Unit per input, whose messages are printed and thrown
 * away. A user's error is a normal result; a crash, a leak, a hang or a BUG is a finding. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "cnnc.h"

static inline Unit *fuzz_unit(void) {
  static FILE *nowhere;
  if (!nowhere) nowhere = fopen("/dev/null", "w");
  Unit *u = unit_new();
  u->messages = nowhere;
  return u;
}

/* The input as text: readers end at a NUL. */
static inline const char *fuzz_text(Unit *u, const uint8_t *bytes, size_t size) {
  return arena_copy(u->arena, (const char *)bytes, size);
}

/* Two print-outs of what is the same. */
static inline void fuzz_expect_same(const char *a, const char *b) {
  if (strcmp(a, b) == 0) return;
  fprintf(stderr, "---- printed\n%s\n---- read again and printed\n%s\n", a, b);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
