/* memory.c - device memory and the shared memory of a block, watched: -fsanitize=thread makes the
 * compiler call a function for every load and store, and those functions are here.
 *
 * Every four bytes (or one or two, once so few have been written to a region) have a cell that
 * knows who wrote them and who read them last. Two accesses race
 * if they belong to one launch, one of them writes, and they are made by different blocks, or by
 * different threads of a block with no barrier between them. As all threads of a block meet at its
 * barriers, their number is all that is to be known about time. */
#define _XOPEN_SOURCE 700
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cudasim.h"

enum { GRANULE = 4, REGIONS = 1024, POISON = 0xff };

typedef struct Access {
  uint32_t launch;   /* 0: none */
  uint32_t block;    /* of the grid */
  uint32_t interval; /* barriers of the block so far */
  uint32_t said;     /* how often the thread had said that it has written */
  uint16_t thread;
  bool threads, blocks; /* reads: several threads in this interval, several blocks in this launch */
} Access;

typedef struct Cell {
  Access write, read;
  bool awaited;  /* a copy into it is on its way */
  uint16_t held; /* by so many products that read it */
  uint16_t box;  /* what was written came by barrier box - 1 of the block, in that phase; 0: not */
  uint32_t phase;
} Cell;

typedef struct Region {
  unsigned char *at;
  size_t size;
  size_t granule; /* bytes of a cell */
  Cell *cell;
  bool shared;
  size_t from, to; /* shared: cells that the block has used */
} Region;

static Region region[REGIONS];
static int nregion;
static Access now;
static bool watches = true;
static uint32_t said[CUDASIM_THREADS]; /* by each thread of the block: that it has written */
static const unsigned char *arguments;
static size_t arguments_size;

void cudasim_watch(bool yes) {
  watches = yes;
}

/* ---- regions ---- */

static size_t cells(const Region *r) {
  return (r->size + r->granule - 1) / r->granule;
}

/* From now on each half of a cell is one. */
static void split_cells(Region *r) {
  Cell *half = calloc(2 * cells(r) + 1, sizeof *half);
  if (!half) abort();
  for (size_t i = 0; i < cells(r); i++) half[2 * i] = half[2 * i + 1] = r->cell[i];
  free(r->cell);
  r->cell = half;
  r->granule /= 2;
  r->from *= 2;
  r->to *= 2;
}

static void add_region(unsigned char *at, size_t size, bool shared) {
  if (nregion == REGIONS) cudasim_found(NULL, "more than %d allocations", REGIONS);
  Region *r = &region[nregion++];
  *r = (Region){.at = at, .size = size, .granule = GRANULE, .shared = shared};
  r->cell = calloc(cells(r) + 1, sizeof(Cell));
  if (!r->cell) abort();
}

static Region *region_of(uintptr_t at) {
  static int last;
  if (last < nregion && at - (uintptr_t)region[last].at < region[last].size) return &region[last];
  for (int i = 0; i < nregion; i++)
    if (at - (uintptr_t)region[i].at < region[i].size) return &region[last = i];
  return NULL;
}

void *cudasim_allocate(size_t bytes) {
  unsigned char *at = aligned_alloc(256, (bytes + 511) / 256 * 256);
  if (!at) return NULL;
  memset(at, POISON, bytes);
  add_region(at, bytes, false);
  return at;
}

void cudasim_release(void *at) {
  for (int i = 0; i < nregion; i++) {
    if (region[i].at != at) continue;
    free(region[i].cell);
    free(at);
    region[i] = region[--nregion];
    return;
  }
  if (at) cudasim_found(NULL, "cudaFree of what cudaMalloc did not give");
}

/* ---- time ---- */

void cudasim_memory_next(const void *its_arguments, size_t size) {
  arguments = its_arguments;
  arguments_size = size;
  now = (Access){.launch = now.launch + 1};
}

extern unsigned char __start_cudasim_shared[] __attribute__((weak));
extern unsigned char __stop_cudasim_shared[] __attribute__((weak));
unsigned char cudasim_wide[CUDASIM_WIDE] __attribute__((aligned(1024)));

/* The region of so many bytes from there on, which nobody has used;
 * of another size it is another. */
static void renew(unsigned char *at, size_t size) {
  Region *r = region_of((uintptr_t)at);
  if (r && r->size != size) {
    free(r->cell);
    *r = region[--nregion];
    r = NULL;
  }
  if (size == 0) return;
  memset(at, POISON, size);
  if (!r) {
    add_region(at, size, true);
    return;
  }
  memset(r->cell + r->from, 0, (r->to - r->from) * sizeof(Cell));
  r->from = r->to = 0;
}

/* The section holds the shared memory of all kernels, of which a block uses little. */
void cudasim_memory_block(unsigned block, size_t wide) {
  now.block = block;
  now.interval = 0;
  memset(said, 0, sizeof said);
  renew(__start_cudasim_shared, (size_t)(__stop_cudasim_shared - __start_cudasim_shared));
  renew(cudasim_wide, wide);
}

void cudasim_memory_barrier(void) {
  now.interval++;
}

/* ---- accesses ---- */

/* Does what was done before race with what is done now? */
static bool concurrent(const Access *before) {
  if (before->launch != now.launch) return false;
  if (before->block != now.block) return true;
  return before->interval == now.interval && before->thread != now.thread;
}

static bool read_concurrently(const Access *reads) {
  if (reads->launch != now.launch) return false;
  return reads->blocks || concurrent(reads) || (reads->interval == now.interval && reads->threads);
}

static void race(const void *code, const Region *r, const unsigned char *at, const Access *before,
                 const char *then, const char *what) {
  cudasim_found(code,
                "race in %s memory, byte %zu of %zu: this %s and the %s of block %u, thread %u",
                r->shared ? "shared" : "device", (size_t)(at - r->at), r->size, what, then,
                before->block, before->thread);
}

static void note_read(Cell *c) {
  Access *reads = &c->read;
  const bool launch = reads->launch == now.launch;
  const bool blocks = launch && (reads->blocks || reads->block != now.block);
  const bool interval = launch && reads->block == now.block && reads->interval == now.interval;
  const bool threads = interval && (reads->threads || reads->thread != now.thread);
  *reads = now;
  reads->blocks = blocks;
  reads->threads = threads;
}

static void note_use(Region *r, size_t granule) {
  if (r->from == r->to) r->from = r->to = granule;
  if (granule < r->from) r->from = granule;
  if (granule >= r->to) r->to = granule + 1;
}

/* Boxes are there for those who have waited for them. */
static void check_box(const void *code, const Region *r, const Cell *c, const unsigned char *at) {
  if (!cudasim_box_waited(now.thread, c->box - 1, c->phase))
    cudasim_found(code,
                  "use of byte %zu of %zu of shared memory, into which a box came that the "
                  "thread has not waited for",
                  (size_t)(at - r->at), r->size);
}

static void on_cell(const void *code, const Region *r, size_t granule, bool write) {
  Cell *c = &r->cell[granule];
  const unsigned char *at = r->at + granule * r->granule;
  const char *what = write ? "write" : "read";
  if (c->awaited)
    cudasim_found(code, "%s of byte %zu of %zu of shared memory, into which a copy is on its way",
                  what, (size_t)(at - r->at), r->size);
  if (write && c->held)
    cudasim_found(code,
                  "write of byte %zu of %zu of shared memory, which products on their way read",
                  (size_t)(at - r->at), r->size);
  if (c->box && c->write.launch == now.launch)
    check_box(code, r, c, at);
  else if (concurrent(&c->write))
    race(code, r, at, &c->write, "write", what);
  if (write && read_concurrently(&c->read)) race(code, r, at, &c->read, "read", what);
  if (!write && c->write.launch == 0)
    cudasim_found(code, "byte %zu of %zu of %s memory is read, but nothing wrote it",
                  (size_t)(at - r->at), r->size, r->shared ? "shared" : "device");
  if (write) {
    c->write = now;
    c->write.said = said[now.thread];
    c->box = 0;
  } else {
    note_read(c);
  }
}

static void on_region(const void *code, Region *r, uintptr_t at, size_t bytes, bool write) {
  const size_t from = at - (uintptr_t)r->at;
  if (bytes > r->size - from)
    cudasim_found(code, "%s of %zu bytes at byte %zu of %zu", write ? "write" : "read", bytes, from,
                  r->size);
  while (write && bytes < r->granule) split_cells(r);
  for (size_t g = from / r->granule; g * r->granule < from + bytes; g++) {
    if (r->shared) note_use(r, g);
    on_cell(code, r, g, write);
  }
  if (r->shared) cudasim_banks_access(code, (const void *)at, bytes);
}

/* What a thread may access that is nobody's device memory, nor its stack: to read, what was passed
 * to it, and the program's constants. */
static bool is_own(uintptr_t at, bool write) {
  extern const char __executable_start[], _end[];
  if (write) return false;
  return at - (uintptr_t)arguments < arguments_size ||
         at - (uintptr_t)__executable_start < (uintptr_t)(_end - __executable_start);
}

static void on_access(const void *code, uintptr_t at, size_t bytes, bool write) {
  if (!cudasim_thread) return; /* the host's own */
  if (!watches) return;
  if (at % bytes != 0 && bytes <= 16)
    cudasim_found(code, "%s of %zu bytes at an address that is not a multiple of it",
                  write ? "write" : "read", bytes);
  if (at - (uintptr_t)cudasim_thread->stack < cudasim_thread->stack_bytes) return;
  Region *r = region_of(at);
  now.thread = (uint16_t)cudasim_thread->number;
  if (r)
    on_region(code, r, at, bytes, write);
  else if (!is_own(at, write))
    cudasim_found(code, "%s of %zu bytes outside of device memory", write ? "write" : "read",
                  bytes);
}

void cudasim_memory_host(const void *at, size_t bytes, bool write) {
  Region *r = watches && bytes ? region_of((uintptr_t)at) : NULL;
  if (r) on_region(NULL, r, (uintptr_t)at, bytes, write);
}

void cudasim_memory_access(const void *code, const void *at, size_t bytes, bool write) {
  on_access(code, (uintptr_t)at, bytes, write);
}

void cudasim_memory_await(const void *at, size_t bytes, bool yes) {
  Region *r = watches ? region_of((uintptr_t)at) : NULL;
  if (!r) return;
  const size_t from = (size_t)((const unsigned char *)at - r->at);
  for (size_t g = from / r->granule; g * r->granule < from + bytes; g++) r->cell[g].awaited = yes;
}

/* Has the thread that wrote the cell said so since? */
static bool is_said(const Cell *c) {
  const Access *write = &c->write;
  return write->launch != now.launch || c->box || write->said != said[write->thread];
}

void cudasim_memory_hold(const void *code, const void *at, size_t bytes) {
  Region *r = watches ? region_of((uintptr_t)at) : NULL;
  on_access(code, (uintptr_t)at, bytes, false);
  if (!r) return;
  const size_t from = (size_t)((const unsigned char *)at - r->at);
  for (size_t g = from / r->granule; g * r->granule < from + bytes; g++) {
    if (!is_said(&r->cell[g]))
      cudasim_found(code,
                    "products read byte %zu of %zu of shared memory, but thread %u has not "
                    "said that it wrote it",
                    g * r->granule, r->size, r->cell[g].write.thread);
    r->cell[g].held++;
  }
}

void cudasim_memory_release(const void *at, size_t bytes) {
  Region *r = watches ? region_of((uintptr_t)at) : NULL;
  if (!r) return;
  const size_t from = (size_t)((const unsigned char *)at - r->at);
  for (size_t g = from / r->granule; g * r->granule < from + bytes; g++) r->cell[g].held--;
}

void cudasim_memory_box(const void *code, const void *at, size_t bytes, int barrier,
                        unsigned phase) {
  Region *r = watches ? region_of((uintptr_t)at) : NULL;
  if (watches && (!r || !r->shared)) cudasim_found(code, "a box comes outside of shared memory");
  if (!r) return;
  const size_t from = (size_t)((const unsigned char *)at - r->at);
  if (bytes > r->size - from)
    cudasim_found(code, "a box of %zu bytes comes to byte %zu of %zu", bytes, from, r->size);
  now.thread = (uint16_t)cudasim_thread->number;
  for (size_t g = from / r->granule; g * r->granule < from + bytes; g++) {
    note_use(r, g);
    on_cell(code, r, g, true);
    r->cell[g].awaited = true;
    r->cell[g].box = (uint16_t)(barrier + 1);
    r->cell[g].phase = phase;
  }
}

void cudasim_memory_glance(const void *code, const void *at, size_t bytes) {
  Region *r = watches ? region_of((uintptr_t)at) : NULL;
  const size_t from = r ? (size_t)((const unsigned char *)at - r->at) : 0;
  if (watches && (!r || bytes > r->size - from))
    cudasim_found(code, "a box is outside of device memory");
  if (!r) return;
  now.thread = (uint16_t)cudasim_thread->number;
  for (size_t g = from / r->granule; g * r->granule < from + bytes; g++)
    if (r->cell[g].write.launch) on_cell(code, r, g, false);
}

void cudasim_memory_said(const void *code, const void *at) {
  Region *r = watches ? region_of((uintptr_t)at) : NULL;
  if (r && !is_said(&r->cell[(size_t)((const unsigned char *)at - r->at) / r->granule]))
    cudasim_found(code, "a barrier is used that nobody has said to have begun");
}

void cudasim_memory_written(void) {
  said[cudasim_thread->number]++;
}

/* ---- what the compiler calls ---- */

#define CALLED __builtin_return_address(0)
#define ON_ACCESS(name, bytes, write)                                                              \
  void __tsan_##name(void *at);                                                                    \
  void __tsan_##name(void *at) {                                                                   \
    on_access(CALLED, (uintptr_t)at, bytes, write);                                                \
  }
#define ON_BOTH(bytes)                                                                             \
  ON_ACCESS(read##bytes, bytes, false)                                                             \
  ON_ACCESS(write##bytes, bytes, true)                                                             \
  ON_ACCESS(unaligned_read##bytes, bytes, false)                                                   \
  ON_ACCESS(unaligned_write##bytes, bytes, true)
ON_BOTH(1)
ON_BOTH(2)
ON_BOTH(4)
ON_BOTH(8)
ON_BOTH(16)

void __tsan_read_range(void *at, unsigned long bytes);
void __tsan_write_range(void *at, unsigned long bytes);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_init(void);

void __tsan_read_range(void *at, unsigned long bytes) {
  on_access(CALLED, (uintptr_t)at, bytes, false);
}
void __tsan_write_range(void *at, unsigned long bytes) {
  on_access(CALLED, (uintptr_t)at, bytes, true);
}
void __tsan_func_entry(void *caller) {
  (void)caller;
}
void __tsan_func_exit(void) {}
void __tsan_init(void) {}
