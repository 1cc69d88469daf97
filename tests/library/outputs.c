/* outputs.c - writes what the library computes for the samples into a file.
 *   outputs RESULTS                      baked in as arrays (without PARAMS_IN_MEMORY)
 *   outputs RESULTS PACKED               baked into the file PACKED (BAKED)
 *   outputs RESULTS SAFETENSORS save     seeded parameters, which it saves
 *   outputs RESULTS SAFETENSORS load     loaded parameters */
#include "program.h"

static void write_results(const char *path, const float *y) {
  FILE *file = fopen(path, "wb");
  MUST(file != NULL);
  MUST(fwrite(y, sizeof(float), (size_t)N * OUT, file) == (size_t)N * OUT);
  MUST(fclose(file) == 0);
}

#ifdef BAKED
static void *read_params(const char *path) {
  void *params = memory_of(NAME(_PARAMS_BYTES));
  FILE *file = fopen(path, "rb");
  MUST(file != NULL);
  MUST(fread(params, 1, NAME(_PARAMS_BYTES), file) == NAME(_PARAMS_BYTES));
  MUST(fgetc(file) == EOF);
  fclose(file);
  return params;
}

/* Every byte of the header decides, and so do size and alignment. */
static void damaged_is_refused(const NAME(_memory) *good) {
  enum { FIELDS = 32 }; /* magic, version, state, hash, size */
  NET net;
  NAME(_memory) bad = *good;
  unsigned char *bytes = memory_of(NAME(_PARAMS_BYTES));
  memcpy(bytes, good->params, NAME(_PARAMS_BYTES));
  bad.params = bytes;
  for (int at = 0; at < FIELDS; at++) {
    bytes[at] ^= 0x40;
    MUST(NAME(_init)(&net, &bad, 1) == NAME(_E_WEIGHTS));
    bytes[at] ^= 0x40;
  }
  MUST(NAME(_init)(&net, &bad, 1) == NAME(_OK));
  bad.params_bytes--;
  MUST(NAME(_init)(&net, &bad, 1) < 0);
  bad.params_bytes++;
  bad.params = bytes + sizeof(float);
  MUST(NAME(_init)(&net, &bad, 1) == NAME(_E_ALIGN));
  bad.params = NULL;
  MUST(NAME(_init)(&net, &bad, 1) == NAME(_E_NULL));
  free(bytes);
}
#endif

#if defined(PARAMS_IN_MEMORY) && !defined(BAKED)
/* What was saved is what was loaded, in memory and in files. */
static void round_trip(NET *net, const char *path, int load) {
  size_t size = NAME(_save_size)(net);
  char *first = malloc(size), *second = malloc(size);
  MUST(first && second);
  if (load) {
    MUST(NAME(_load_file)(net, path) == NAME(_OK));
  } else {
    MUST(NAME(_init_params)(net, SEED) == NAME(_OK));
    MUST(NAME(_save_file)(net, path) == NAME(_OK));
  }
  MUST(NAME(_save)(net, first, size) == NAME(_OK));
  MUST(NAME(_init_params)(net, SEED + 1) == NAME(_OK));
  MUST(NAME(_load)(net, first, size) == NAME(_OK));
  MUST(NAME(_save)(net, second, size) == NAME(_OK));
  MUST(memcmp(first, second, size) == 0);
  for (int i = 0; i < NAME(_PARAM_COUNT); i++) {
    float *values = malloc(NAME(_params)[i].size * sizeof(float));
    MUST(values && NAME(_get_param)(net, i, values) == NAME(_OK));
    MUST(NAME(_set_param)(net, i, values) == NAME(_OK));
    free(values);
  }
  MUST(NAME(_save)(net, second, size) == NAME(_OK));
  MUST(memcmp(first, second, size) == 0);
  free(first);
  free(second);
}
#endif

int main(int argc, char **argv) {
  NET net;
  void *params = NULL;
  float *x = samples(N), *y = results(N);
#ifdef BAKED
  MUST(argc == 3);
  params = read_params(argv[2]);
#endif
  NAME(_memory) memory = memory_for(1, params);
  MUST(NAME(_init)(&net, &memory, 1) == NAME(_OK));
#if defined(BAKED)
  damaged_is_refused(&memory);
#elif defined(PARAMS_IN_MEMORY)
  MUST(argc == 4);
  round_trip(&net, argv[2], strcmp(argv[3], "load") == 0);
#endif
  MUST(argc >= 2);
  MUST(NAME(_forward)(&net, N, x, y) == NAME(_OK));
  write_results(argv[1], y);
  return 0;
}
