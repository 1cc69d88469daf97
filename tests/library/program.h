/* program.h - what the programs around an emitted library share. The library's header is HEADER, its
 * prefix NET; IN_SIZE and OUT_SIZE are the values of a sample of its one input and one output. All
 * memory that it gets is filled with the byte POISON before. */
#include HEADER

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define NAME(part)  JOIN(NET, part)

enum { SEED = 7, N = NAME(_MAX_BATCH), IN = IN_SIZE, OUT = OUT_SIZE };

#define MUST(condition)                                                        \
  do {                                                                         \
    if (!(condition)) {                                                        \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);  \
      exit(1);                                                                 \
    }                                                                          \
  } while (0)

static inline void *memory_of(size_t bytes) {
  size_t size = (bytes + NAME(_ALIGN) - 1) / NAME(_ALIGN) * NAME(_ALIGN);
  void *memory = aligned_alloc(NAME(_ALIGN), size ? size : NAME(_ALIGN));
  MUST(memory != NULL);
  memset(memory, POISON, size);
  return memory;
}

/* Values in [-1, 1) with eight bits behind the point: any compiler gives the same. */
static inline float *samples(int n) {
  float *x = memory_of((size_t)n * IN * sizeof(float));
  unsigned state = 1;
  for (size_t i = 0; i < (size_t)n * IN; i++) {
    state = state * 1664525u + 1013904223u;
    x[i] = (float)(state >> 24) / 128.0f - 1.0f;
  }
  return x;
}

static inline float *results(int n) {
  return memory_of((size_t)n * OUT * sizeof(float));
}

static inline int same(const float *a, const float *b, int n) {
  return memcmp(a, b, (size_t)n * OUT * sizeof(float)) == 0;
}

/* Memory of a context; params is shared unless NULL. */
static inline NAME(_memory) memory_for(int threads, void *params) {
  NAME(_memory) m = {.hash = NAME(_HASH)};
#ifdef PARAMS_IN_MEMORY
  m.params_bytes = NAME(_PARAMS_BYTES);
  m.params = params ? params : memory_of(m.params_bytes);
#else
  (void)params;
#endif
  m.work_bytes = NAME(_WORK_BYTES)(threads);
  m.work = memory_of(m.work_bytes);
  return m;
}
