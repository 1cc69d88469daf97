/* boxes.c - boxes of tensors that come into shared memory by themselves (TMA), the maps of those
 * tensors, and the barriers at which threads wait for boxes (runtime/cuda/tma.cuh). A device may
 * bring a box at once, or as late as every thread waits: CUDASIM_ASYNC says which. Either way only
 * threads that have waited since may use it. */
#include <stdint.h>
#include <string.h>

#include "../../runtime/validate/cuda.h"
#include "cudasim.h"
#include "pending.h"

enum { BARRIERS = 16, AXES = 5, POISON = 0xff, CHUNK = 16, ROW = 128 };

/* ---- maps ---- */

/* What a CUtensorMap holds: sizes in elements, strides in bytes. */
typedef struct Map {
  const unsigned char *at;
  uint64_t size[AXES], stride[AXES];
  uint16_t box[AXES];
  uint8_t axes, element, turned;
} Map;
_Static_assert(sizeof(Map) <= sizeof(CUtensorMap), "a map has room for it");

/* What the driver asks of its arguments. */
static bool is_right(const Map *m, CUtensorMapInterleave interleave, const cuuint32_t *step) {
  bool right = m->axes >= 1 && m->axes <= AXES && (uintptr_t)m->at % 16 == 0 && !interleave;
  for (int a = 0; right && a < m->axes; a++) {
    right = m->size[a] >= 1 && m->size[a] <= 1ull << 32 && m->box[a] >= 1 && m->box[a] <= 256;
    if (a > 0) right = right && m->stride[a] % 16 == 0 && m->stride[a] < 1ull << 40;
    right = right && step[a] == 1;
  }
  const unsigned inner = m->box[0] * m->element;
  return right && inner % 16 == 0 && (!m->turned || inner <= ROW);
}

CUresult cuTensorMapEncodeTiled(CUtensorMap *map, CUtensorMapDataType type, cuuint32_t axes,
                                void *at, const cuuint64_t *size, const cuuint64_t *stride,
                                const cuuint32_t *box, const cuuint32_t *step,
                                CUtensorMapInterleave interleave, CUtensorMapSwizzle swizzle,
                                CUtensorMapL2promotion promotion, CUtensorMapFloatOOBfill fill) {
  Map m = {.at = at, .axes = (uint8_t)axes};
  (void)promotion, (void)fill;
  m.element = type == CU_TENSOR_MAP_DATA_TYPE_INT64 ? 8 : 2;
  m.turned = swizzle == CU_TENSOR_MAP_SWIZZLE_128B;
  for (unsigned a = 0; a < axes && a < AXES; a++) {
    m.size[a] = size[a];
    m.stride[a] = a ? stride[a - 1] : m.element;
    m.box[a] = (uint16_t)(box[a] < 257 ? box[a] : 257);
  }
  if (axes > AXES || (uintptr_t)map % 64 || !is_right(&m, interleave, step))
    return CUDA_ERROR_INVALID_VALUE;
  memset(map, POISON, sizeof *map);
  memcpy(map, &m, sizeof m);
  return CUDA_SUCCESS;
}

/* ---- barriers ---- */

typedef struct Barrier {
  const void *at;
  bool announced; /* of the present phase, and how many bytes are still to come: */
  long long bytes;
  uint32_t phases; /* that are over */
} Barrier;

/* Of the block that runs; how many phases each thread has waited for. */
static Barrier barriers[BARRIERS];
static int nbarriers;
static uint32_t waited[CUDASIM_THREADS][BARRIERS];

static Barrier *find(const void *at) {
  for (int i = 0; i < nbarriers; i++)
    if (barriers[i].at == at) return &barriers[i];
  return NULL;
}

/* A barrier is used by reading it: whoever has begun it must have let the others know. */
static Barrier *use(const void *code, const void *at) {
  Barrier *b = find(at);
  cudasim_memory_access(code, at, sizeof(uint64_t), false);
  if (!b) cudasim_found(code, "no barrier was begun here");
  return b;
}

static void end_phase(Barrier *b) {
  if (!b->announced || b->bytes != 0) return;
  b->announced = false;
  b->phases++;
}

void cudasim_barrier_begin(void *at) {
  const void *code = __builtin_return_address(0);
  Barrier *b = find(at);
  cudasim_memory_access(code, at, sizeof(uint64_t), true);
  if (!b && nbarriers == BARRIERS) cudasim_found(code, "more than %d barriers", BARRIERS);
  if (!b) b = &barriers[nbarriers++];
  *b = (Barrier){.at = at};
}

void cudasim_barrier_expect(void *at, int bytes) {
  const void *code = __builtin_return_address(0);
  Barrier *b = use(code, at);
  if (b->announced) cudasim_found(code, "a phase of a barrier is announced twice");
  b->announced = true;
  b->bytes += bytes;
  end_phase(b);
}

typedef struct Wait {
  const Barrier *barrier;
  uint32_t odd;
} Wait;

static bool is_over(const void *what) {
  const Wait *w = what;
  return (w->barrier->phases & 1) != w->odd;
}

void cudasim_barrier_wait(void *at, int odd, const char *file, int line) {
  const Wait w = {use(__builtin_return_address(0), at), (uint32_t)odd & 1};
  if (!is_over(&w)) cudasim_until(is_over, &w, file, line);
  waited[cudasim_thread->number][w.barrier - barriers] = w.barrier->phases;
}

bool cudasim_box_waited(unsigned thread, int barrier, unsigned phase) {
  return waited[thread][barrier] > phase;
}

/* ---- boxes ---- */

typedef struct Box {
  Pending pending;
  Map map;
  int first[AXES];
  unsigned char *to;
  size_t bytes;
  Barrier *barrier;
} Box;

static PendingList begun; /* by any thread of the block */
static bool late;

void cudasim_box_late(bool yes) {
  late = yes;
}

/* 16 bytes of the box, from byte `from` on: NULL outside of the tensor. A part that is outside has
 * whole chunks, which is all that is asked for here. */
static const unsigned char *chunk_of(const Box *b, size_t from) {
  const Map *m = &b->map;
  size_t rest = from / m->element;
  const unsigned char *at = m->at;
  for (int a = 0; a < m->axes; a++) {
    const long long place = (long long)b->first[a] + (long long)(rest % m->box[a]);
    if (place < 0 || (uint64_t)place >= m->size[a]) return NULL;
    at += place * (long long)m->stride[a];
    rest /= m->box[a];
  }
  return at;
}

/* Where byte `from` of the box lies; rows of 128 bytes turn. */
static size_t place_of(const Box *b, size_t from) {
  const size_t row = from / ROW, chunk = from % ROW / CHUNK;
  return b->map.turned ? row * ROW + (chunk ^ row % 8) * CHUNK : from;
}

static void bring(const Box *b) {
  for (size_t from = 0; from < b->bytes; from += CHUNK) {
    const unsigned char *chunk = chunk_of(b, from);
    if (chunk)
      memcpy(b->to + place_of(b, from), chunk, CHUNK);
    else
      memset(b->to + place_of(b, from), 0, CHUNK);
  }
}

static void end(Box *b) {
  cudasim_memory_await(b->to, b->bytes, false);
  b->barrier->bytes -= (long long)b->bytes;
  end_phase(b->barrier);
}

/* What lies in both halves of a chunk is inside, or nothing is. */
static void check_box(const void *code, const Box *b) {
  const Map *m = &b->map;
  const unsigned inner = m->box[0] * m->element;
  if ((uintptr_t)b->to % (m->turned ? 1024 : 128))
    cudasim_found(code, "a box comes to an address that is not a multiple of %d",
                  m->turned ? 1024 : 128);
  if (m->turned && inner != ROW) cudasim_found(code, "rows of a turned box have %u bytes", inner);
  if (b->first[0] * m->element % CHUNK || m->size[0] * m->element % CHUNK)
    cudasim_found(code, "the simulator brings whole chunks of %d bytes", CHUNK);
}

void cudasim_box(void *to, const void *map, void *barrier, const int *first) {
  const void *code = __builtin_return_address(0);
  Box *b = pending_add(&begun, sizeof *b, code);
  memcpy(&b->map, map, sizeof b->map);
  b->to = to;
  b->barrier = use(code, barrier);
  cudasim_memory_said(code, barrier);
  b->bytes = b->map.element;
  for (int a = 0; a < b->map.axes; a++) {
    b->first[a] = first[a];
    b->bytes *= b->map.box[a];
  }
  check_box(code, b);
  for (size_t from = 0; from < b->bytes; from += CHUNK) {
    const unsigned char *chunk = chunk_of(b, from);
    if (chunk) cudasim_memory_glance(code, chunk, CHUNK);
  }
  cudasim_memory_box(code, to, b->bytes, (int)(b->barrier - barriers), b->barrier->phases);
  if (late)
    memset(to, POISON, b->bytes);
  else
    cudasim_boxes_come();
}

bool cudasim_boxes_come(void) {
  Box *b = (Box *)begun.first;
  if (!b) return false;
  begun.first = b->pending.next;
  bring(b);
  end(b);
  free(b);
  return true;
}

void cudasim_boxes_begin(void) {
  nbarriers = 0;
  memset(waited, 0, sizeof waited);
}

/* Did no thread wait for the last boxes? Then they may still be on their way. */
static bool is_left(int barrier) {
  const uint32_t phases = barriers[barrier].phases;
  bool left = phases > 0;
  for (int i = 0; i < CUDASIM_THREADS; i++) left = left && waited[i][barrier] < phases;
  return left;
}

void cudasim_boxes_end(void) {
  bool left = begun.first != NULL;
  for (int i = 0; i < nbarriers; i++) left = left || is_left(i);
  if (left) cudasim_found(NULL, "a block ends while a box is on its way");
}
