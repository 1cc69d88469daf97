/* unit.h - what every unit test needs: CMocka with the headers it wants before it, a Unit whose
 * messages are kept, and turns, which sample what the long form of the tests does in full. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cnnc.h"

/* A Unit that collects its messages: `messages(c)` is what was printed so far. */
typedef struct Captured {
  Unit *u;
  char *text;
  size_t size;
} Captured;

static inline Captured *captured_new(const char *name, const char *text) {
  Captured *c = calloc(1, sizeof *c);
  c->u = unit_new();
  c->u->messages = open_memstream(&c->text, &c->size);
  if (text) c->u->source = (Source){name, text, strlen(text)};
  return c;
}

static inline const char *messages(Captured *c) {
  fflush(c->u->messages);
  return c->text;
}

static inline void captured_free(Captured *c) {
  fclose(c->u->messages);
  free(c->text);
  unit_free(c->u);
  free(c);
}

/* A copy with double quotes in place of single ones, in which networks stand here; the caller frees
 * it. */
static inline char *requoted(const char *text) {
  char *copy = strdup(text);
  for (char *c = copy; *c; c++)
    if (*c == '\'') *c = '"';
  return copy;
}

/* The long form: `./scripts/test --all`. */
static inline bool is_long(void) {
  const char *asked = getenv("CNNC_TEST_LONG");
  return asked && strcmp(asked, "1") == 0;
}

/* Is case `i` tried on the `t`-th of `n` targets? Usually on one of them, else on all. */
static inline bool has_turn(int i, int t, int n) {
  return is_long() || i % n == t;
}

#endif
