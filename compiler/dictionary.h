/* dictionary.h - numbers by names, found without looking at every name. */
#ifndef DICTIONARY_H
#define DICTIONARY_H

#include "cnnc.h"

typedef struct DictionaryEntry {
  const char *name; /* NULL: free */
  int number;
} DictionaryEntry;

typedef struct Dictionary { /* begins as {0} */
  DictionaryEntry *at;
  int n, size; /* size: a power of 2, or 0 */
} Dictionary;

/* The number of a name, or -1. */
int dictionary_find(const Dictionary *, const char *name);
/* Gives a name a number >= 0, perhaps in place of another one. The name is not copied. */
void dictionary_set(Arena *, Dictionary *, const char *name, int number);
/* A name that no other call with this dictionary has given:
 * the wish, or wish, joint and a number. */
const char *dictionary_name(Arena *, Dictionary *, const char *wish, const char *joint);

#endif
