/* training.c - a library that trains: what it refuses, that it begins with gradients of zero, that a
 * schedule outlives reports that are no numbers, and that long names are read back. */
#include "training_program.h"

#include <math.h>

static NET net;
static float *x, *target, loss;

/* A context that only infers. */
static void inference_refuses(void) {
  NAME(_memory) memory = memory_for(1, NULL);
  MUST(NAME(_init)(&net, &memory, 1) == NAME(_OK));
  MUST(NAME(_set_seed)(&net, 1) == NAME(_E_MEMORY));
  MUST(NAME(_set_lr)(&net, 1) == NAME(_E_MEMORY));
  MUST(NAME(_report)(&net, 1) == NAME(_E_MEMORY));
  MUST(NAME(_backward)(&net, 1, 0) == NAME(_E_MEMORY));
  MUST(NAME(_step)(&net) == NAME(_E_MEMORY));
}

static float *parameters(void) {
  float *values = memory_of(NAME(_PARAMS_BYTES)), *at = values;
  for (int i = 0; i < NAME(_PARAM_COUNT); at += NAME(_params)[i++].size)
    MUST(NAME(_get_param)(&net, i, at) == NAME(_OK));
  return values;
}

/* A step without a backward pass moves nothing; gradients are added to zeros. */
static void begins_with_zeros(void) {
  float *before = parameters(), *after;
  MUST(NAME(_step)(&net) == NAME(_E_BATCH));
  MUST(NAME(_train_forward)(&net, N, x, target, &loss) == NAME(_OK));
  MUST(NAME(_step)(&net) == NAME(_E_BATCH));
  after = parameters();
  MUST(memcmp(before, after, NAME(_PARAMS_BYTES)) == 0);
  MUST(NAME(_backward)(&net, N, 1) == NAME(_OK) && NAME(_step)(&net) == NAME(_OK));
  MUST(NAME(_step)(&net) == NAME(_E_BATCH));
  after = parameters();
  MUST(memcmp(before, after, NAME(_PARAMS_BYTES)) != 0);
  for (size_t i = 0; i < NAME(_params)[0].size; i++) MUST(isfinite(after[i]));
}

/* lr 0.5, halved at once when nothing falls, floor 0.25 of it. */
static void schedule(void) {
  const float reports[] = {NAN, 1, NAN, 0.5f, 0.5f, 0.5f}, rates[] = {0.25f, 0.25f, 0.125f};
  MUST(NAME(_init_params)(&net, SEED) == NAME(_OK));
  for (int i = 0; i < 3; i++) {
    MUST(NAME(_report)(&net, reports[i]) == NAME(_OK));
    MUST(NAME(_lr)(&net) == rates[i]);
  }
  MUST(NAME(_set_lr)(&net, 0.0625f) == NAME(_OK));
  for (int i = 3; i < 6; i++) MUST(NAME(_report)(&net, reports[i]) == NAME(_OK));
  MUST(NAME(_lr)(&net) == 0.0625f);
}

static void files(void) {
  MUST(NAME(_save_file)(&net, "saved.safetensors") == NAME(_OK));
  MUST(NAME(_load_file)(&net, "saved.safetensors") == NAME(_OK));
  FILE *full = fopen("/dev/full", "wb");
  if (!full) return;
  fclose(full);
  MUST(NAME(_save_file)(&net, "/dev/full") == NAME(_E_FILE));
}

int main(void) {
  x = samples(N);
  target = samples(N);
  inference_refuses();
  NAME(_memory) memory = training_memory(1);
  MUST(NAME(_init)(&net, &memory, 1) == NAME(_OK));
  MUST(NAME(_step)(&net) == NAME(_E_WEIGHTS));
  MUST(NAME(_init_params)(&net, SEED) == NAME(_OK));
  begins_with_zeros();
  schedule();
  files();
  return 0;
}
