/* banks.c - bank conflicts: shared memory gives the threads of a warp one word from each of 32
 * banks at a time. Accesses of 16 bytes go by 8 threads at a time, of 8 bytes by 16, others by the
 * whole warp; if two of those want different words of a bank, the access takes longer.
 *
 * What the threads of a warp access together is what their instruction accesses for the same time
 * since the last barrier: right for kernels in which all threads take the same way. */
#include <stdint.h>
#include <stdlib.h>

#include "cudasim.h"

enum { BANKS = 32, WORD = 4, WARPS = CUDASIM_THREADS / CUDASIM_LANES };

typedef struct Together {
  const void *code;
  uint32_t lanes; /* that have come */
  size_t bytes;
  uintptr_t at[CUDASIM_LANES];
} Together;

/* Of each warp, since the last barrier. */
static struct {
  Together *at;
  unsigned n, room;
} warps[WARPS];
static bool counts;

void cudasim_count_banks(bool yes) {
  counts = yes;
}

static Together *place_for(unsigned warp, unsigned lane, const void *code) {
  for (unsigned i = 0; i < warps[warp].n; i++) {
    Together *t = &warps[warp].at[i];
    if (t->code == code && !(t->lanes >> lane & 1)) return t;
  }
  if (warps[warp].n == warps[warp].room) {
    warps[warp].room = 2 * warps[warp].room + 64;
    warps[warp].at = realloc(warps[warp].at, warps[warp].room * sizeof(Together));
    if (!warps[warp].at) abort();
  }
  Together *t = &warps[warp].at[warps[warp].n++];
  t->code = code;
  t->lanes = 0;
  return t;
}

void cudasim_banks_access(const void *code, const void *at, size_t bytes) {
  if (!counts) return;
  const unsigned thread = cudasim_thread->number, lane = thread % CUDASIM_LANES;
  Together *t = place_for(thread / CUDASIM_LANES, lane, code);
  t->lanes |= 1u << lane;
  t->bytes = bytes;
  t->at[lane] = (uintptr_t)at;
}

/* The lanes from `first` on that are served at a time. */
static void check_lanes(const Together *t, unsigned warp, unsigned first, unsigned lanes) {
  uintptr_t wanted[BANKS] = {0}; /* by its address */
  for (unsigned lane = first; lane < first + lanes; lane++) {
    if (!(t->lanes >> lane & 1)) continue;
    for (uintptr_t at = t->at[lane] / WORD * WORD; at < t->at[lane] + t->bytes; at += WORD) {
      uintptr_t *bank = &wanted[at / WORD % BANKS];
      if (*bank && *bank != at)
        cudasim_found(t->code, "bank conflict: lane %u of warp %u accesses %zu bytes", lane, warp,
                      t->bytes);
      *bank = at;
    }
  }
}

void cudasim_banks_check(void) {
  for (unsigned warp = 0; warp < WARPS && counts; warp++) {
    for (unsigned i = 0; i < warps[warp].n; i++) {
      const Together *t = &warps[warp].at[i];
      const unsigned lanes = t->bytes >= 16 ? 8 : t->bytes == 8 ? 16 : 32;
      for (unsigned first = 0; first < CUDASIM_LANES; first += lanes)
        check_lanes(t, warp, first, lanes);
    }
    warps[warp].n = 0;
  }
}
