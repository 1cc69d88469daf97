/* threads.c - results do not depend on the number of threads, on n, on who runs the jobs, on the
 * alignment of what the user passes: all are bit-identical to one thread and the largest n. */
#include "program.h"

#include <pthread.h>

enum { WORKERS = 3 };

/* ---- loops over jobs, as a caller may have them ---- */

static void backwards(void *user, int jobs, NAME(_job) *job, void *arg) {
  (void)user;
  for (int i = jobs; i-- > 0;) job(arg, i, WORKERS - 1);
}

typedef struct Part {
  int jobs, worker;
  NAME(_job) *job;
  void *arg;
} Part;

static void *run_part(void *data) {
  const Part *part = data;
  for (int i = part->worker; i < part->jobs; i += WORKERS) part->job(part->arg, i, part->worker);
  return NULL;
}

static void with_threads(void *user, int jobs, NAME(_job) *job, void *arg) {
  pthread_t thread[WORKERS];
  Part part[WORKERS];
  ++*(int *)user;
  for (int w = 0; w < WORKERS; w++) {
    part[w] = (Part){jobs, w, job, arg};
    MUST(pthread_create(&thread[w], NULL, run_part, &part[w]) == 0);
  }
  for (int w = 0; w < WORKERS; w++) MUST(pthread_join(thread[w], NULL) == 0);
}

/* ---- comparisons ---- */

static float *x, *reference;

/* Every run of n consecutive samples, into memory that holds no results. */
static void compare(NET *net, int n) {
  for (int first = 0; first + n <= N; first++) {
    float *y = results(n);
    MUST(NAME(_forward)(net, n, x + (size_t)first * IN, y) == NAME(_OK));
    MUST(same(y, reference + (size_t)first * OUT, n));
    free(y);
  }
}

static void compare_threads(void *params) {
  for (int threads = 1; threads <= WORKERS; threads++) {
    NET net;
    NAME(_memory) memory = memory_for(threads, params);
    MUST(NAME(_init)(&net, &memory, threads) == NAME(_OK));
    for (int n = 1; n <= N; n++) compare(&net, n);
    free(memory.work);
  }
}

static void compare_hooks(void *params) {
  NET net;
  int calls = 0;
  NAME(_memory) memory = memory_for(WORKERS, params);
  MUST(NAME(_init)(&net, &memory, WORKERS) == NAME(_OK));
  net.parallel = backwards;
  for (int n = 1; n <= N; n++) compare(&net, n);
  net.parallel = with_threads;
  net.user = &calls;
  compare(&net, N);
  printf("%d steps ran through the hook\n", calls);
  free(memory.work);
}

/* Inputs and outputs need no more than the alignment of a float. */
static void compare_unaligned(NET *net) {
  float *from = memory_of(((size_t)N * IN + 1) * sizeof(float));
  float *to = memory_of(((size_t)N * OUT + 2) * sizeof(float)), last = to[N * OUT + 1], first = *to;
  memcpy(from + 1, x, (size_t)N * IN * sizeof(float));
  MUST(NAME(_forward)(net, N, from + 1, to + 1) == NAME(_OK));
  MUST(same(to + 1, reference, N));
  MUST(memcmp(to, &first, sizeof first) == 0);
  MUST(memcmp(to + N * OUT + 1, &last, sizeof last) == 0);
  free(from);
  free(to);
}

int main(void) {
  NET net;
  NAME(_memory) memory = memory_for(1, NULL);
  x = samples(N);
  reference = results(N);
  MUST(NAME(_init)(&net, &memory, 1) == NAME(_OK));
  MUST(NAME(_init_params)(&net, SEED) == NAME(_OK));
  MUST(NAME(_forward)(&net, N, x, reference) == NAME(_OK));
  for (int i = 0; i < N * OUT; i++) MUST(reference[i] - reference[i] == 0);
  MUST(N == 1 || !same(reference, reference + OUT, 1));
  compare_threads(memory.params);
  compare_hooks(memory.params);
  compare_unaligned(&net);
  free(memory.params);
  free(memory.work);
  free(x);
  free(reference);
  return 0;
}
