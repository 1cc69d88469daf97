/* pending.h - what a thread has begun and not waited for, in its order: what it begins belongs to
 * a group, which is complete when the thread says so; it waits for all groups but the last ones. */
#ifndef CUDASIM_PENDING_H
#define CUDASIM_PENDING_H

#include <stdlib.h>

typedef struct Pending {
  struct Pending *next;
  const void *code; /* where it was begun */
  unsigned group;
} Pending;

typedef struct PendingList {
  Pending *first, *last;
  unsigned groups; /* that are complete */
} PendingList;

/* Room for something that begins with a Pending, the last of the list. */
static inline void *pending_add(PendingList *list, size_t size, const void *code) {
  Pending *p = calloc(1, size);
  if (!p) abort();
  p->code = code;
  p->group = list->groups;
  if (list->first)
    list->last->next = p;
  else
    list->first = p;
  return list->last = p;
}

/* Takes the first one out, for the caller to free; NULL: it belongs to one of the last groups. */
static inline void *pending_take(PendingList *list, unsigned groups) {
  Pending *p = list->first;
  if (!p || p->group + groups >= list->groups) return NULL;
  list->first = p->next;
  return p;
}

#endif
