/* unit.h - what every unit test needs: CMocka with the headers it wants before it, and a Unit whose
 * messages are kept. */
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

#endif
