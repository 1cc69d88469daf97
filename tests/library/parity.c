/* parity.c - trains for STEPS steps with a library in double (exact.h), starting from value(NAME, i); each step is also
 * computed by the same network's library in float (rough.h), from the same parameters rounded to float. Prints a line
 * of both losses for each step; then for each trained parameter its name and the median over the steps of
 * |g32 - g64|. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rough.h"
#include "exact.h"

static double wide_x[BATCH * IN_SIZE], wide_values[LARGEST], wide_grad[LARGEST], error[exact_PARAM_COUNT + 1][STEPS];
static float rounded_x[BATCH * IN_SIZE], rounded_values[LARGEST];
static int labels[BATCH];

static void must(int status, const char *what) {
  if (status == 0) return;
  fprintf(stderr, "%s: %s\n", what, exact_strerror(status));
  exit(1);
}

static void *memory(size_t size) {
  void *at = aligned_alloc(64, (size + 63) / 64 * 64);
  if (!at) must(exact_E_MEMORY, "memory");
  return memset(at, POISON, size);
}

/* ---- what everything begins with ---- */

/* In [-1, 1), as a float; the same in make_reference.py. */
static float value(const char *name, uint32_t i) {
  uint32_t h = 2166136261u;
  for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
  uint32_t z = h ^ i * 0x9E3779B9u;
  z = (z ^ z >> 16) * 0x85EBCA6Bu;
  z = (z ^ z >> 13) * 0xC2B2AE35u;
  return (float)((z ^ z >> 16) / 2147483648.0 - 1);
}

static int ends(const char *name, const char *end) {
  size_t n = strlen(name), m = strlen(end);
  return n >= m && strcmp(name + n - m, end) == 0;
}

static float initial(const exact_param *p, uint32_t i) {
  double v = (double)value(p->name, i);
  if (ends(p->name, "running_mean")) return 0;
  if (ends(p->name, "running_var")) return 1;
  if (p->rank > 1) return (float)(v * sqrt(6.0 / (double)(p->size / p->dim[0])));
  return (float)(v * 0.1 + (ends(p->name, "weight") ? 1 : 0));
}

static void start(exact *e, rough *r) {
  static exact_memory memory_e = {.hash = exact_HASH};
  static rough_memory memory_r = {.hash = rough_HASH};
  memory_e.params = memory(memory_e.params_bytes = exact_PARAMS_BYTES);
  memory_e.work = memory(memory_e.work_bytes = exact_TRAIN_WORK_BYTES(1));
  memory_e.grads = memory(memory_e.grads_bytes = exact_GRADS_BYTES);
  memory_e.state = memory(memory_e.state_bytes = exact_STATE_BYTES);
  memory_r.params = memory(memory_r.params_bytes = rough_PARAMS_BYTES);
  memory_r.work = memory(memory_r.work_bytes = rough_TRAIN_WORK_BYTES(1));
  memory_r.grads = memory(memory_r.grads_bytes = rough_GRADS_BYTES);
  memory_r.state = memory(memory_r.state_bytes = rough_STATE_BYTES);
  must(exact_init(e, &memory_e, 1), "init");
  must(rough_init(r, &memory_r, 1), "init");
  must(exact_init_params(e, 1) | rough_init_params(r, 1), "init_params");
  for (int p = 0; p < exact_PARAM_COUNT; p++) {
    for (uint32_t i = 0; i < exact_params[p].size; i++) wide_values[i] = (double)initial(&exact_params[p], i);
    must(exact_set_param(e, p, wide_values), "set_param");
  }
}

static void take_batch(int step) {
  char name[16];
  snprintf(name, sizeof name, "x%d", step);
  for (uint32_t i = 0; i < BATCH * IN_SIZE; i++) wide_x[i] = (double)(rounded_x[i] = value(name, i));
  snprintf(name, sizeof name, "y%d", step);
  for (uint32_t i = 0; i < BATCH; i++) labels[i] = (int)floor(((double)value(name, i) + 1) / 2 * OUT_SIZE);
}

/* ---- a step ---- */

static void round_params(const exact *e, rough *r) {
  for (int p = 0; p < exact_PARAM_COUNT; p++) {
    must(exact_get_param(e, p, wide_values), "get_param");
    for (size_t i = 0; i < exact_params[p].size; i++) rounded_values[i] = (float)wide_values[i];
    must(rough_set_param(r, p, rounded_values), "set_param");
  }
}

static void compare_gradients(const exact *e, const rough *r, int step) {
  for (int p = 0; p < exact_PARAM_COUNT; p++) {
    double sum = 0;
    if (exact_get_grad(e, p, wide_grad) == exact_E_RANGE) {
      error[p][step] = -1;
      continue;
    }
    must(rough_get_grad(r, p, rounded_values), "get_grad");
    for (size_t i = 0; i < exact_params[p].size; i++) {
      double d = (double)rounded_values[i] - wide_grad[i];
      sum += d * d;
    }
    error[p][step] = sqrt(sum);
  }
}

static int by_size(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values) {
  qsort(values, STEPS, sizeof *values, by_size);
  return (values[(STEPS - 1) / 2] + values[STEPS / 2]) / 2;
}

static void get_params(const exact *e, double *to) {
  for (int p = 0; p < exact_PARAM_COUNT; to += exact_params[p++].size) must(exact_get_param(e, p, to), "get_param");
}

/* Parameters in double keep every bit through a file. */
static void save_and_load(exact *e) {
  size_t size = exact_save_size(e);
  unsigned char *file = memory(size);
  double *before = memory(exact_PARAMS_BYTES), *after = memory(exact_PARAMS_BYTES);
  get_params(e, before);
  must(exact_save(e, file, size), "save");
  must(exact_load(e, file, size), "load");
  get_params(e, after);
  if (memcmp(before, after, exact_PARAMS_BYTES)) must(exact_E_FILE, "parameters through a file");
}

/* Told of gradients, train_step leaves them. */
static void keep(void *user, size_t first, size_t count) {
  (void)user, (void)first, (void)count;
}

int main(void) {
  static exact e;
  static rough r;
  start(&e, &r);
  e.bucket = keep;
  for (int step = 0; step < STEPS; step++) {
    double wide_loss;
    float rounded_loss;
    take_batch(step);
    round_params(&e, &r);
    must(rough_train_forward(&r, BATCH, rounded_x, labels, &rounded_loss), "train_forward");
    must(rough_backward(&r, BATCH, 0), "backward");
    must(exact_train_step(&e, BATCH, wide_x, labels, &wide_loss), "train_step");
    compare_gradients(&e, &r, step);
    printf("%.17g %.9g\n", wide_loss, (double)rounded_loss);
  }
  for (int p = 0; p < exact_PARAM_COUNT; p++)
    if (error[p][0] >= 0) printf("%s %.6g\n", exact_params[p].name, median(error[p]));
  save_and_load(&e);
  return 0;
}
