/* block.c - the threads of a block as fibers. A fiber runs one thread after the other until one
 * waits at a barrier; then another fiber goes on with those that have not begun. So kernels without
 * barriers need one fiber and no switch. When every thread waits or has ended, warps that meet go
 * on first, and threads that wait for boxes (boxes.c); then either all threads wait at one barrier,
 * or the kernel is wrong. */
#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cudasim.h"
#include "fiber.h"

enum { STACK = 64 << 10 };

typedef enum State { WAITS, MEETS, UNTIL, ENDED } State;

typedef struct Fiber {
  FiberContext context;
  unsigned char *stack;
  CudasimThread thread; /* that it runs */
} Fiber;

/* One per thread of the block. */
typedef struct Place {
  State state;
  Fiber *fiber; /* while it waits */
  const char *file;
  int line;
  bool (*is_so)(const void *); /* UNTIL */
  const void *what;
} Place;

cudasim_index threadIdx, blockIdx, blockDim, gridDim;
CudasimOrder cudasim_order;
const CudasimThread *cudasim_thread;

static Fiber fibers[CUDASIM_THREADS], *current;
static Fiber *idle[CUDASIM_THREADS];
static unsigned nidle, nfibers;
static FiberContext scheduler;
static Fiber *beginning; /* the fiber that a new context is for */

static Place place[CUDASIM_THREADS];
static unsigned order[CUDASIM_THREADS], begun, count;
static const CudasimLaunch *launch;

/* What the lanes of a warp bring, this time and the last time. */
static struct {
  unsigned char bytes[2][CUDASIM_LANES][CUDASIM_BYTES];
  unsigned times;
} meeting[CUDASIM_THREADS / CUDASIM_LANES];

static unsigned long long random_state;

static unsigned random_below(unsigned n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)((random_state >> 33) % n);
}

void cudasim_seed(unsigned long long seed) {
  random_state = seed;
}

void cudasim_permute(unsigned *at, unsigned n) {
  for (unsigned i = 0; i < n; i++) at[i] = cudasim_order == ORDER_REVERSE ? n - 1 - i : i;
  for (unsigned i = n; cudasim_order == ORDER_RANDOM && i > 1; i--) {
    const unsigned other = random_below(i), kept = at[i - 1];
    at[i - 1] = at[other];
    at[other] = kept;
  }
}

/* ---- fibers ---- */

static void become(Fiber *f, unsigned number) {
  f->thread.number = number;
  current = f;
  cudasim_thread = &f->thread;
  threadIdx.x = number % blockDim.x;
  threadIdx.y = number / blockDim.x % blockDim.y;
  threadIdx.z = number / blockDim.x / blockDim.y;
}

/* What a fiber does: threads that have not begun, until there are none. */
static void run_threads(void) {
  Fiber *f = beginning;
  while (begun < count) {
    become(f, order[begun++]);
    launch->run(launch->arguments);
    cudasim_copies_end();
    cudasim_products_end();
    place[f->thread.number].state = ENDED;
  }
  idle[nidle++] = f;
  fiber_switch(&f->context, &scheduler);
}

static void start_fiber(void) {
  if (nidle == 0) {
    Fiber *made = &fibers[nfibers++];
    made->stack = malloc(STACK);
    if (!made->stack) abort();
    made->thread = (CudasimThread){.stack = made->stack, .stack_bytes = STACK};
    idle[nidle++] = made;
  }
  Fiber *f = idle[--nidle];
  beginning = f;
  fiber_make(&f->context, f->stack, STACK, run_threads);
  fiber_switch(&scheduler, &f->context);
}

static void wait_here(State state, const char *file, int line) {
  Fiber *f = current;
  const unsigned number = f->thread.number;
  place[number].state = state;
  place[number].fiber = f;
  place[number].file = file;
  place[number].line = line;
  fiber_switch(&f->context, &scheduler);
  become(f, number);
}

void cudasim_barrier(const char *file, int line) {
  wait_here(WAITS, file, line);
}

void cudasim_until(bool (*is_so)(const void *), const void *what, const char *file, int line) {
  Place *p = &place[current->thread.number];
  p->is_so = is_so;
  p->what = what;
  wait_here(UNTIL, file, line);
}

const unsigned char (*cudasim_meet(const void *brought, size_t bytes, const char *file,
                                   int line))[CUDASIM_BYTES] {
  const unsigned number = current->thread.number, warp = number / CUDASIM_LANES,
                 turn = meeting[warp].times % 2;
  if (bytes > CUDASIM_BYTES) cudasim_found(NULL, "%s: threads bring too much", launch->kernel);
  memcpy(meeting[warp].bytes[turn][number % CUDASIM_LANES], brought, bytes);
  wait_here(MEETS, file, line);
  return (const unsigned char(*)[CUDASIM_BYTES])meeting[warp].bytes[turn];
}

double cudasim_exchange(unsigned mask, double number, int bits, const char *file, int line) {
  const unsigned lane = current->thread.number % CUDASIM_LANES;
  double other;
  if (~mask) cudasim_found(NULL, "%s: some lanes of a warp exchange numbers", launch->kernel);
  const unsigned char(*all)[CUDASIM_BYTES] = cudasim_meet(&number, sizeof number, file, line);
  memcpy(&other, all[(lane ^ (unsigned)bits) % CUDASIM_LANES], sizeof other);
  return other;
}

/* ---- warps ---- */

/* Do the threads of a warp meet? If one is there, all of them must be, or be on their way. */
static bool meets(unsigned warp) {
  const unsigned first = warp * CUDASIM_LANES;
  unsigned there = 0, missing = 0;
  for (unsigned i = 0; i < CUDASIM_LANES; i++) {
    const Place *p = &place[first + i];
    const bool is_there = first + i < count && p->state == MEETS;
    if (first + i < count && p->state == UNTIL) return false;
    if (is_there) there = first + i;
    if (!is_there) missing++;
  }
  if (missing == CUDASIM_LANES) return false;
  for (unsigned i = 0; i < CUDASIM_LANES; i++)
    if (missing || place[first + i].line != place[there].line)
      cudasim_found(NULL, "%s: not all lanes of warp %u meet at %s:%d", launch->kernel, warp,
                    place[there].file, place[there].line);
  return true;
}

/* Warps that meet go on to where they wait next; false: none does. */
static bool run_meetings(void) {
  bool any = false;
  for (unsigned warp = 0; warp * CUDASIM_LANES < count; warp++)
    while (meets(warp)) {
      any = true;
      meeting[warp].times++;
      for (unsigned i = 0; i < CUDASIM_LANES; i++)
        fiber_switch(&scheduler, &place[warp * CUDASIM_LANES + i].fiber->context);
    }
  return any;
}

/* ---- threads that wait for boxes ---- */

/* Those whose boxes are there go on; false: none does. */
static bool run_waiting(void) {
  bool any = false;
  for (unsigned i = 0; i < count; i++) {
    Place *p = &place[order[i]];
    if (p->state != UNTIL || !p->is_so(p->what)) continue;
    any = true;
    fiber_switch(&scheduler, &p->fiber->context);
  }
  return any;
}

/* All threads go on as far as they can: boxes come when nothing else is left. */
static void run_on(void) {
  for (bool any = true; any;) {
    any = run_meetings();
    any |= run_waiting();
    for (unsigned i = 0; i < count && !any; i++) {
      if (place[i].state != UNTIL) continue;
      any = cudasim_boxes_come();
      cudasim_thread = NULL;
      if (!any)
        cudasim_found(NULL, "%s: thread %u waits at %s:%d for what never comes", launch->kernel, i,
                      place[i].file, place[i].line);
    }
  }
}

/* ---- a block ---- */

/* Do all threads wait at one barrier? */
static bool all_wait(void) {
  unsigned waiting = 0, first = 0;
  for (unsigned i = 0; i < count; i++) {
    if (place[i].state == ENDED) continue;
    if (waiting++ == 0) first = i;
    if (place[i].line != place[first].line || place[i].file != place[first].file)
      cudasim_found(NULL, "%s: thread %u waits at %s:%d, but thread %u at %s:%d", launch->kernel,
                    first, place[first].file, place[first].line, i, place[i].file, place[i].line);
  }
  if (waiting > 0 && waiting < count)
    cudasim_found(NULL, "%s: %u threads of %u wait at %s:%d for others that have ended",
                  launch->kernel, waiting, count, place[first].file, place[first].line);
  return waiting > 0;
}

void cudasim_block(const CudasimLaunch *l) {
  launch = l;
  count = l->threads.x * l->threads.y * l->threads.z;
  begun = 0;
  cudasim_permute(order, count);
  memset(meeting, 0, sizeof meeting);
  cudasim_boxes_begin();
  while (begun < count) start_fiber();
  run_on();
  while (all_wait()) {
    cudasim_thread = NULL;
    cudasim_banks_check();
    cudasim_memory_barrier();
    cudasim_permute(order, count);
    for (unsigned i = 0; i < count; i++) fiber_switch(&scheduler, &place[order[i]].fiber->context);
    run_on();
  }
  cudasim_thread = NULL;
  cudasim_boxes_end();
  cudasim_banks_check();
}
