/* dictionary.c - a hash table with open addressing, at most half full; see dictionary.h. */
#include "dictionary.h"

#include <string.h>

/* Where a name stands, or the free place where it would. */
static DictionaryEntry *place_of(const Dictionary *d, const char *name) {
  uint32_t hash = 2166136261u; /* FNV-1a */
  for (const char *c = name; *c; c++) hash = (hash ^ (unsigned char)*c) * 16777619u;
  const uint32_t mask = (uint32_t)d->size - 1;
  uint32_t i = hash & mask;
  while (d->at[i].name && strcmp(d->at[i].name, name) != 0) i = (i + 1) & mask;
  return &d->at[i];
}

int dictionary_find(const Dictionary *d, const char *name) {
  if (d->n == 0) return -1;
  const DictionaryEntry *entry = place_of(d, name);
  return entry->name ? entry->number : -1;
}

static void grow(Arena *arena, Dictionary *d) {
  Dictionary wider = {.n = d->n, .size = d->size ? 2 * d->size : 64};
  wider.at = NEW_ARRAY(arena, DictionaryEntry, wider.size);
  for (int i = 0; i < d->size; i++)
    if (d->at[i].name) *place_of(&wider, d->at[i].name) = d->at[i];
  *d = wider;
}

void dictionary_set(Arena *arena, Dictionary *d, const char *name, int number) {
  if (2 * d->n >= d->size) grow(arena, d);
  DictionaryEntry *entry = place_of(d, name);
  if (!entry->name) d->n++;
  *entry = (DictionaryEntry){name, number};
}

/* The number of a wish is the last one that was tried for it. */
const char *dictionary_name(Arena *arena, Dictionary *d, const char *wish, const char *joint) {
  const char *name = wish;
  int number = dictionary_find(d, wish);
  if (number < 1) number = 1;
  while (dictionary_find(d, name) >= 0) name = arena_printf(arena, "%s%s%d", wish, joint, ++number);
  dictionary_set(arena, d, name, 1);
  dictionary_set(arena, d, wish, number);
  return name;
}
