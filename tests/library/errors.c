/* errors.c - every error that a library in C can answer, each provoked; on an error nothing is
 * touched: not the context, not the parameters, not the work memory, not the output. */
#include "program.h"

/* ---- memory as it was ---- */

typedef struct Copy {
  void *of, *bytes;
  size_t size;
} Copy;

static Copy copy_of(void *memory, size_t size) {
  Copy copy = {memory, malloc(size), size};
  MUST(copy.bytes != NULL);
  memcpy(copy.bytes, memory, size);
  return copy;
}

static void must_be(const Copy *copy) {
  MUST(memcmp(copy->of, copy->bytes, copy->size) == 0);
}

static NET net;
static NAME(_memory) memory;
static Copy watched[4]; /* context, parameters, work, output */

static void watch(float *y) {
  watched[0] = copy_of(&net, sizeof net);
  watched[1] = copy_of(memory.params, memory.params_bytes);
  watched[2] = copy_of(memory.work, memory.work_bytes);
  watched[3] = copy_of(y, (size_t)N * OUT * sizeof(float));
}

static void unwatch(void) {
  for (int i = 0; i < 4; i++) free(watched[i].bytes);
}

/* `call` answers `code` and leaves everything as it was. */
#define REFUSED(code, call)                           \
  do {                                                \
    MUST((call) == NAME(code));                       \
    for (int i = 0; i < 4; i++) must_be(&watched[i]); \
  } while (0)

/* ---- init ---- */

typedef void Spoil(NAME(_memory) *m);
static void no_work(NAME(_memory) *m) { m->work = NULL; }
static void no_params(NAME(_memory) *m) { m->params = NULL; }
static void other_hash(NAME(_memory) *m) { m->hash++; }
static void odd_work(NAME(_memory) *m) { m->work = (char *)m->work + sizeof(float); }
static void odd_params(NAME(_memory) *m) { m->params = (char *)m->params + sizeof(float); }
static void short_work(NAME(_memory) *m) { m->work_bytes = NAME(_WORK_BYTES)(2) - 1; }
static void short_params(NAME(_memory) *m) { m->params_bytes = NAME(_PARAMS_BYTES) - 1; }

static const struct {
  Spoil *spoil;
  int code;
} spoiled[] = {{no_work, NAME(_E_NULL)},       {no_params, NAME(_E_NULL)},
               {other_hash, NAME(_E_HASH)},    {odd_work, NAME(_E_ALIGN)},
               {odd_params, NAME(_E_ALIGN)},   {short_work, NAME(_E_MEMORY)},
               {short_params, NAME(_E_MEMORY)}};

static void init_refuses(void) {
  for (size_t i = 0; i < sizeof spoiled / sizeof *spoiled; i++) {
    NAME(_memory) m = memory;
    spoiled[i].spoil(&m);
    MUST(NAME(_init)(&net, &m, 2) == spoiled[i].code);
    for (int k = 0; k < 4; k++) must_be(&watched[k]);
  }
  REFUSED(_E_NULL, NAME(_init)(NULL, &memory, 2));
  REFUSED(_E_NULL, NAME(_init)(&net, NULL, 2));
  REFUSED(_E_RANGE, NAME(_init)(&net, &memory, 0));
  REFUSED(_E_RANGE, NAME(_init)(&net, &memory, -1));
  if (NAME(_WORK_BYTES)(3) > memory.work_bytes)
    REFUSED(_E_MEMORY, NAME(_init)(&net, &memory, 3));
}

/* ---- calls ---- */

static void unloaded_refuses(const float *x, float *y) {
  float values[1];
  REFUSED(_E_WEIGHTS, NAME(_forward)(&net, 1, x, y));
  REFUSED(_E_WEIGHTS, NAME(_get_param)(&net, 0, values));
  REFUSED(_E_WEIGHTS, NAME(_set_param)(&net, 0, values));
  REFUSED(_E_WEIGHTS, NAME(_save)(&net, values, (size_t)-1));
  REFUSED(_E_WEIGHTS, NAME(_save_file)(&net, "never.safetensors"));
}

static void forward_refuses(const float *x, float *y) {
  REFUSED(_E_NULL, NAME(_forward)(NULL, 1, x, y));
  REFUSED(_E_NULL, NAME(_forward)(&net, 1, NULL, y));
  REFUSED(_E_NULL, NAME(_forward)(&net, 1, x, NULL));
  REFUSED(_E_BATCH, NAME(_forward)(&net, 0, x, y));
  REFUSED(_E_BATCH, NAME(_forward)(&net, -1, x, y));
  REFUSED(_E_BATCH, NAME(_forward)(&net, N + 1, x, y));
}

static void params_refuse(void) {
  float *values = calloc(NAME(_params)[0].size, sizeof(float));
  MUST(values != NULL);
  REFUSED(_E_NULL, NAME(_init_params)(NULL, SEED));
  REFUSED(_E_NULL, NAME(_get_param)(NULL, 0, values));
  REFUSED(_E_NULL, NAME(_get_param)(&net, 0, NULL));
  REFUSED(_E_NULL, NAME(_set_param)(NULL, 0, values));
  REFUSED(_E_NULL, NAME(_set_param)(&net, 0, NULL));
  REFUSED(_E_RANGE, NAME(_get_param)(&net, -1, values));
  REFUSED(_E_RANGE, NAME(_get_param)(&net, NAME(_PARAM_COUNT), values));
  REFUSED(_E_RANGE, NAME(_set_param)(&net, -1, values));
  REFUSED(_E_RANGE, NAME(_set_param)(&net, NAME(_PARAM_COUNT), values));
  free(values);
}

/* A file that is cut off, has a wrong byte, is empty. */
static void load_refuses(void) {
  size_t size = NAME(_save_size)(&net);
  char *bytes = malloc(size);
  MUST(bytes && NAME(_save)(&net, bytes, size) == NAME(_OK));
  REFUSED(_E_MEMORY, NAME(_save)(&net, bytes, size - 1));
  REFUSED(_E_NULL, NAME(_save)(&net, NULL, size));
  REFUSED(_E_NULL, NAME(_save)(NULL, bytes, size));
  REFUSED(_E_NULL, NAME(_load)(&net, NULL, size));
  REFUSED(_E_NULL, NAME(_load)(NULL, bytes, size));
  REFUSED(_E_WEIGHTS, NAME(_load)(&net, bytes, 0));
  REFUSED(_E_WEIGHTS, NAME(_load)(&net, bytes, 7));
  REFUSED(_E_WEIGHTS, NAME(_load)(&net, bytes, size / 2));
  REFUSED(_E_WEIGHTS, NAME(_load)(&net, bytes, size - 1));
  for (int at = 0; at < 40; at++) {
    if (bytes[at] == ' ') continue;
    bytes[at] = (char)(bytes[at] ^ 0x15);
    REFUSED(_E_WEIGHTS, NAME(_load)(&net, bytes, size));
    bytes[at] = (char)(bytes[at] ^ 0x15);
  }
  REFUSED(_E_NULL, NAME(_load_file)(&net, NULL));
  REFUSED(_E_NULL, NAME(_load_file)(NULL, "x"));
  REFUSED(_E_NULL, NAME(_save_file)(&net, NULL));
  REFUSED(_E_NULL, NAME(_save_file)(NULL, "x"));
  REFUSED(_E_FILE, NAME(_load_file)(&net, "no folder/x.safetensors"));
  REFUSED(_E_FILE, NAME(_save_file)(&net, "no folder/x.safetensors"));
  free(bytes);
}

/* Codes have sentences of their own: all but that of devices, and of processors where any will do. */
static void words(void) {
  const char *unknown = NAME(_strerror)(12345);
  for (int a = 0; a >= NAME(_E_FILE); a--) {
    const int has_none = strcmp(NAME(_strerror)(a), unknown) == 0;
    MUST(has_none == (a == NAME(_E_DEVICE)) || a == NAME(_E_CPU));
    for (int b = 0; b > a && !has_none; b--) MUST(strcmp(NAME(_strerror)(a), NAME(_strerror)(b)) != 0);
  }
  MUST(strlen(NAME(_info)()) > 4);
}

int main(void) {
  const float *x = samples(N);
  float *y = results(N);
  words();
  memory = memory_for(2, NULL);
#ifdef NO_CPU
  watch(y);
  REFUSED(_E_CPU, NAME(_init)(&net, &memory, 2));
  return 0;
#endif
  watch(y);
  init_refuses();
  MUST(NAME(_init)(&net, &memory, 2) == NAME(_OK));
  unwatch();
  watch(y);
  unloaded_refuses(x, y);
  MUST(NAME(_init_params)(&net, SEED) == NAME(_OK));
  unwatch();
  watch(y);
  init_refuses();
  forward_refuses(x, y);
  params_refuse();
  load_refuses();
  MUST(NAME(_forward)(&net, N, x, y) == NAME(_OK));
  return 0;
}
