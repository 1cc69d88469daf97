/* copies.c - copies into shared memory that go on while their thread does (cp.async). A device may
 * copy at once, or as late as the thread waits: CUDASIM_ASYNC says which. Either way nobody may use
 * the place before the thread has waited, and to others it is written then. */
#include <stdlib.h>
#include <string.h>

#include "cudasim.h"

enum { POISON = 0xff };

typedef struct Copy {
  struct Copy *next;
  const void *code;
  unsigned char *to;
  const void *from; /* NULL: zeros */
  size_t bytes;
  unsigned group;
} Copy;

/* Of each thread of the block: copies that it has not waited for, in their order. */
static struct {
  Copy *first, *last;
  unsigned groups; /* that are complete */
} begun[CUDASIM_THREADS];
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

static void begin(const Copy *now) {
  const unsigned thread = cudasim_thread->number;
  Copy *c = malloc(sizeof *c);
  if (!c) abort();
  *c = *now;
  c->group = begun[thread].groups;
  if (begun[thread].first)
    begun[thread].last->next = c;
  else
    begun[thread].first = c;
  begun[thread].last = c;
  if (c->from) cudasim_memory_access(c->code, c->from, c->bytes, false);
  cudasim_memory_access(c->code, c->to, c->bytes, true);
  cudasim_memory_await(c->to, c->bytes, true);
  if (late)
    memset(c->to, POISON, c->bytes);
  else
    copy(c);
}

static void end(Copy *c) {
  cudasim_memory_await(c->to, c->bytes, false);
  cudasim_memory_access(c->code, c->to, c->bytes, true);
  if (late) copy(c);
  free(c);
}

void cudasim_cp_async(void *to, const void *from, size_t bytes, bool there) {
  const Copy c = {
      .code = __builtin_return_address(0), .to = to, .from = there ? from : NULL, .bytes = bytes};
  begin(&c);
}

void cudasim_cp_async_commit(void) {
  begun[cudasim_thread->number].groups++;
}

void cudasim_cp_async_wait(unsigned groups) {
  const unsigned thread = cudasim_thread->number;
  while (begun[thread].first && begun[thread].first->group + groups < begun[thread].groups) {
    Copy *c = begun[thread].first;
    begun[thread].first = c->next;
    end(c);
  }
}

void cudasim_copies_end(void) {
  const unsigned thread = cudasim_thread->number;
  if (begun[thread].first)
    cudasim_found(begun[thread].first->code, "a thread ends while a copy of its is on its way");
  begun[thread].groups = 0;
}
