/* program.c - what numeric.train builds around an emitted library ("net.h", prefix toy): takes
 * steps and writes, per step: loss, gradients, gradients accumulated (first step), parameters. All
 * of it twice, which must be alike.
 *
 *   program SAMPLES THREADS FILE    of samples, then of their targets
 *
 * What it is built with: INPUT and TARGETS, numbers of a sample and of its targets; TARGET, a type;
 * MOST, the largest parameter; SEED. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net.h"

static float x[toy_MAX_BATCH * INPUT], values[MOST], loss;
static TARGET target[toy_MAX_BATCH * TARGETS];

/* Full of what is no number. */
static void *memory(size_t n) {
  void *at = aligned_alloc(64, (n + 63) / 64 * 64);
  return at ? memset(at, 0xff, n) : NULL;
}

static int gradients(toy *ctx) {
  for (int i = 0; i < toy_PARAM_COUNT; i++) {
    int status = toy_get_grad(ctx, i, values);
    if (status == toy_E_RANGE) continue;
    if (status) return status;
    fwrite(values, 4, toy_params[i].size, stdout);
  }
  return 0;
}

static int parameters(toy *ctx) {
  int status = 0;
  for (int i = 0; i < toy_PARAM_COUNT; i++) {
    status |= toy_get_param(ctx, i, values);
    fwrite(values, 4, toy_params[i].size, stdout);
  }
  return status;
}

static int apart(toy *ctx, int n) {
  int status = toy_train_forward(ctx, n, x, target, &loss);
  status |= toy_backward(ctx, n, 0);
  fwrite(&loss, 4, 1, stdout);
  status |= gradients(ctx) | toy_backward(ctx, n, 1) | gradients(ctx);
  status |= toy_backward(ctx, n, 0) | toy_step(ctx) | parameters(ctx);
  return status | (toy_backward(ctx, n, 0) != toy_E_BATCH);
}

/* A step at once and the same one in its parts are equal in every bit. */
static int together(toy *ctx, int n) {
  static unsigned char saved[toy_CHECKPOINT_BYTES], parts[toy_CHECKPOINT_BYTES],
      once[toy_CHECKPOINT_BYTES];
  int status = toy_checkpoint_save(ctx, saved, sizeof saved);
  status |= toy_train_forward(ctx, n, x, target, &loss) | toy_backward(ctx, n, 0);
  fwrite(&loss, 4, 1, stdout);
  status |= gradients(ctx) | toy_step(ctx) | toy_checkpoint_save(ctx, parts, sizeof parts);
  status |= toy_checkpoint_restore(ctx, saved, sizeof saved);
  status |= toy_train_step(ctx, n, x, target, &loss);
  status |= toy_checkpoint_save(ctx, once, sizeof once) | parameters(ctx);
  return status | (memcmp(parts, once, sizeof once) != 0);
}

/* Without a learning rate only statistics change. */
static int frozen(toy *ctx, int n) {
  static float before[toy_PARAMS_BYTES / 4];
  float *at = before;
  int status = toy_set_lr(ctx, 0);
  for (int i = 0; i < toy_PARAM_COUNT; at += toy_params[i++].size)
    status |= toy_get_param(ctx, i, at);
  status |= toy_train_step(ctx, n, x, target, &loss);
  at = before;
  for (int i = 0; i < toy_PARAM_COUNT; at += toy_params[i++].size) {
    if (toy_get_grad(ctx, i, values) == toy_E_RANGE) continue;
    status |= toy_get_param(ctx, i, values);
    status |= memcmp(values, at, 4 * toy_params[i].size) != 0;
  }
  return status;
}

static int read_samples(const char *name, size_t n) {
  FILE *file = fopen(name, "rb");
  if (!file) return 1;
  const int failed = fread(x, 4, n * INPUT, file) != n * INPUT ||
                     fread(target, 4, n * TARGETS, file) != n * TARGETS;
  return fclose(file) | failed;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int n = atoi(argv[1]), threads = atoi(argv[2]);
  toy ctx;
  toy_memory m = {.hash = toy_HASH,
                  .params = memory(toy_PARAMS_BYTES),
                  .params_bytes = toy_PARAMS_BYTES,
                  .work = memory(toy_TRAIN_WORK_BYTES(threads)),
                  .work_bytes = toy_TRAIN_WORK_BYTES(threads),
                  .grads = memory(toy_GRADS_BYTES),
                  .grads_bytes = toy_GRADS_BYTES,
                  .state = memory(toy_STATE_BYTES),
                  .state_bytes = toy_STATE_BYTES};
  int status = read_samples(argv[3], (size_t)n) | toy_init(&ctx, &m, threads);
  for (int again = 0; again < 2 && !status; again++) {
    status = toy_init_params(&ctx, SEED) | apart(&ctx, n) | together(&ctx, n);
    status |= frozen(&ctx, n);
  }
  return status != 0;
}
