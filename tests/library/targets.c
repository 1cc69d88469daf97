/* targets.c - trains for a few steps and infers; says what target it runs on, and writes losses and
 * results to a file.
 *   targets RESULTS CHECKPOINT          begins anew, leaves the checkpoint
 *   targets RESULTS CHECKPOINT resume   goes on from it */
#include "training_program.h"

enum { STEPS = 3 };

static void transfer(const char *path, const char *mode, void *bytes, size_t size) {
  FILE *file = fopen(path, mode);
  MUST(file != NULL);
  MUST((*mode == 'r' ? fread(bytes, 1, size, file) : fwrite(bytes, 1, size, file)) == size);
  MUST(fclose(file) == 0);
}

int main(int argc, char **argv) {
  NET net;
  MUST(argc >= 3);
  NAME(_memory) memory = training_memory(2);
  float *x = samples(N), *y = results(N + 1), *wanted = memory_of((size_t)N * OUT * sizeof(float));
  memset(wanted, 0, (size_t)N * OUT * sizeof(float));
  printf("%s\n", NAME(_info)());
  MUST(NAME(_init)(&net, &memory, 2) == NAME(_OK));
  MUST(NAME(_init_params)(&net, SEED) == NAME(_OK));
  const size_t size = NAME(_checkpoint_size)(&net);
  void *checkpoint = memory_of(size);
  if (argc > 3) {
    transfer(argv[2], "rb", checkpoint, size);
    MUST(NAME(_checkpoint_restore)(&net, checkpoint, size) == NAME(_OK));
  }
  for (int i = 0; i < STEPS; i++)
    MUST(NAME(_train_step)(&net, N, x, wanted, y + (size_t)N * OUT) == NAME(_OK));
  if (argc == 3) {
    MUST(NAME(_checkpoint_save)(&net, checkpoint, size) == NAME(_OK));
    transfer(argv[2], "wb", checkpoint, size);
  }
  MUST(NAME(_forward)(&net, N, x, y) == NAME(_OK));
  transfer(argv[1], "wb", y, ((size_t)N * OUT + 1) * sizeof(float));
  return 0;
}
