/* buckets.c - two contexts in two threads train on half a batch each and exchange gradients as they
 * become complete; a third one takes the whole batch alone. Their parameters stay the same. Every
 * gradient is handed over once in a pass, and only of the pass that completes a step. */
#include "training_program.h"

#include <math.h>
#include <pthread.h>

enum { HALF = N / 2, STEPS = 3, VALUES = NAME(_GRADS_BYTES) / sizeof(float) };

typedef struct Worker {
  NET net;
  NAME(_memory) memory;
  const float *x, *target;
  struct Worker *other; /* that gradients are exchanged with */
  pthread_barrier_t *both;
  size_t handed, calls;
  unsigned char seen[VALUES];
} Worker;

static void start(Worker *w, const float *x, const float *target) {
  NAME(_memory) m = training_memory(1);
  w->memory = m;
  w->x = x;
  w->target = target;
  MUST(NAME(_init)(&w->net, &m, 1) == NAME(_OK));
  MUST(w->net.bucket == NULL);
  MUST(NAME(_init_params)(&w->net, SEED) == NAME(_OK));
}

static void note(Worker *w, size_t first, size_t count) {
  MUST(first <= VALUES && count <= VALUES - first);
  for (size_t i = first; i < first + count; i++) MUST(w->seen[i]++ == 0);
  w->handed += count;
  w->calls++;
}

/* The mean of both, each half of it computed by one of them. */
static void exchange(void *user, size_t first, size_t count) {
  Worker *w = user;
  float *mine = w->memory.grads, *theirs = w->other->memory.grads;
  const size_t middle = first + count / 2;
  note(w, first, count);
  pthread_barrier_wait(w->both);
  const size_t from = w < w->other ? first : middle, to = w < w->other ? middle : first + count;
  for (size_t i = from; i < to; i++) mine[i] = theirs[i] = (mine[i] + theirs[i]) / 2;
  pthread_barrier_wait(w->both);
}

static void *train(void *data) {
  Worker *w = data;
  float loss;
  for (int step = 0; step < STEPS; step++) {
    memset(w->seen, 0, sizeof w->seen);
    w->handed = 0;
    MUST(NAME(_train_step)(&w->net, HALF, w->x, w->target, &loss) == NAME(_OK));
    MUST(w->handed == VALUES);
  }
  return NULL;
}

static void together(Worker *half) {
  pthread_barrier_t both;
  pthread_t thread[2];
  MUST(pthread_barrier_init(&both, NULL, 2) == 0);
  for (int i = 0; i < 2; i++) {
    half[i].other = &half[1 - i];
    half[i].both = &both;
    half[i].net.bucket = exchange;
    half[i].net.user = &half[i];
    MUST(pthread_create(&thread[i], NULL, train, &half[i]) == 0);
  }
  for (int i = 0; i < 2; i++) MUST(pthread_join(thread[i], NULL) == 0);
  MUST(half[0].calls > STEPS && half[0].calls == half[1].calls);
}

static double apart(const NET *a, const NET *b) {
  double worst = 0;
  float *x = memory_of(NAME(_PARAMS_BYTES)), *y = memory_of(NAME(_PARAMS_BYTES));
  for (int p = 0; p < NAME(_PARAM_COUNT); p++) {
    MUST(NAME(_get_param)(a, p, x) == NAME(_OK) && NAME(_get_param)(b, p, y) == NAME(_OK));
    for (size_t i = 0; i < NAME(_params)[p].size; i++) worst = fmax(worst, fabs((double)x[i] - (double)y[i]));
  }
  return worst;
}

static void count_calls(void *user, size_t first, size_t count) {
  note(user, first, count);
}

/* Of two passes that accumulate the second tells of the sum. */
static void accumulated(Worker *w) {
  float loss, *grads = w->memory.grads, *once = memory_of(NAME(_GRADS_BYTES));
  w->net.bucket = NULL;
  MUST(NAME(_train_forward)(&w->net, HALF, w->x, w->target, &loss) == NAME(_OK));
  MUST(NAME(_backward)(&w->net, HALF, 0) == NAME(_OK));
  memcpy(once, grads, NAME(_GRADS_BYTES));
  memset(w->seen, 0, sizeof w->seen);
  w->handed = 0;
  w->net.bucket = count_calls;
  w->net.user = w;
  MUST(NAME(_backward)(&w->net, HALF, 1) == NAME(_OK) && w->handed == VALUES);
  for (size_t i = 0; i < VALUES; i++) MUST(grads[i] == 2 * once[i]);
}

int main(void) {
  static Worker half[2], whole;
  const float *x = samples(N), *target = results(N);
  float *wanted = (float *)(size_t)target, loss;
  for (int i = 0; i < N * OUT; i++) wanted[i] = (float)(i % 7) / 8.0f;
  start(&whole, x, target);
  for (int i = 0; i < 2; i++) start(&half[i], x + (size_t)i * HALF * IN, target + (size_t)i * HALF * OUT);
  together(half);
  for (int step = 0; step < STEPS; step++)
    MUST(NAME(_train_step)(&whole.net, N, x, target, &loss) == NAME(_OK));
  MUST(apart(&half[0].net, &half[1].net) <= 0);
  printf("%.3g\n", apart(&half[0].net, &whole.net));
  accumulated(&half[0]);
  return 0;
}
