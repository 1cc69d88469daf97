/* harness.c - one emitted network with one input and one output behind plain functions, to be called from Python;
 * with -DTRAIN one that trains.
 *
 *   cc -O2 -fopenmp -shared -fPIC -DNET=resnet50 -DHEADER='"resnet50.h"' harness.c resnet50.c -lm -o harness.so */
#include <stdio.h>
#include <stdlib.h>
#include HEADER

#define JOIN_(a, b) a##b
#define JOIN(a, b)  JOIN_(a, b)
#define NAME(part)  JOIN(NET, part)

static NET context;

static void *memory(size_t bytes) {
  size_t align = NAME(_ALIGN), rounded = (bytes + align - 1) / align * align;
  return aligned_alloc(align, rounded ? rounded : align);
}

/* Makes the context with seeded parameters; 0 or the library's error. */
int bench_open(int threads, unsigned seed) {
  NAME(_memory) m = {.hash = NAME(_HASH)};
  m.params_bytes = NAME(_PARAMS_BYTES);
  m.params = memory(m.params_bytes);
#ifdef TRAIN
  m.work_bytes = NAME(_TRAIN_WORK_BYTES)(threads);
  m.grads = memory(m.grads_bytes = NAME(_GRADS_BYTES));
  m.state = memory(m.state_bytes = NAME(_STATE_BYTES));
#else
  m.work_bytes = NAME(_WORK_BYTES)(threads);
#endif
  m.work = memory(m.work_bytes);
  if (!m.params || !m.work) return NAME(_E_MEMORY);
  int status = NAME(_init)(&context, &m, threads);
  return status ? status : NAME(_init_params)(&context, seed);
}

int bench_save(const char *path) { return NAME(_save_file)(&context, path); }

int bench_load(const char *path) { return NAME(_load_file)(&context, path); }

int bench_forward(int n, const float *x, float *y) { return NAME(_forward)(&context, n, x, y); }

#ifdef TRAIN
int bench_train_step(int n, const float *x, const int *target, float *loss) {
  return NAME(_train_step)(&context, n, x, target, loss);
}
#endif
