/* copies.c - copies into shared memory that go on while their thread does (cp.async). A device may
 * copy at once, or as late as the thread waits: CUDASIM_ASYNC says which. Either way nobody may use
 * the place before the thread has waited, and to others it is written then. */
#include <string.h>

#include "cudasim.h"
#include "pending.h"

enum { POISON = 0xff };

typedef struct Copy {
  Pending pending;
  unsigned char *to;
  const void *from; /* NULL: zeros */
  size_t bytes;
} Copy;

/* Of each thread of the block: copies that it has not waited for. */
static PendingList begun[CUDASIM_THREADS];
static bool late;

void cudasim_copy_late(bool yes) {
  late = yes;
}

static void copy(const Copy *c) {
  if (c->from)
    memcpy(c->to, c->from, c->bytes);
  else
    memset(c->to, 0, c->bytes);
}

static void end(Copy *c) {
  cudasim_memory_await(c->to, c->bytes, false);
  cudasim_memory_access(c->pending.code, c->to, c->bytes, true);
  if (late) copy(c);
  free(c);
}

void cudasim_cp_async(void *to, const void *from, size_t bytes, bool there) {
  const void *code = __builtin_return_address(0);
  Copy *c = pending_add(&begun[cudasim_thread->number], sizeof *c, code);
  c->to = to;
  c->from = there ? from : NULL;
  c->bytes = bytes;
  if (there) cudasim_memory_access(code, from, bytes, false);
  cudasim_memory_access(code, to, bytes, true);
  cudasim_memory_await(to, bytes, true);
  if (late)
    memset(to, POISON, bytes);
  else
    copy(c);
}

void cudasim_cp_async_commit(void) {
  begun[cudasim_thread->number].groups++;
}

void cudasim_cp_async_wait(unsigned groups) {
  for (Copy *c; (c = pending_take(&begun[cudasim_thread->number], groups));) end(c);
}

void cudasim_copies_end(void) {
  PendingList *list = &begun[cudasim_thread->number];
  if (list->first)
    cudasim_found(list->first->code, "a thread ends while a copy of its is on its way");
  list->groups = 0;
}
