/* What programs around the library NAME share: messages, memory, a context. */
static void NAME_fail(const char *what, const char *about) {
  fprintf(stderr, "%s: %s\n", what, about);
  exit(1);
}

static void *NAME_memory_of(size_t bytes) {
  void *memory;
  if (posix_memalign(&memory, NAME_ALIGN, bytes + 1) == 0) return memory;
  fprintf(stderr, "out of memory: %zu bytes are needed; a smaller batch takes less\n", bytes);
  exit(1);
}

static void NAME_must(int status) {
  if (status) NAME_fail("the library refused", NAME_strerror(status));
}

/* A context with memory of its own, for training where the library trains. */
static void NAME_open_library(NAME *ctx, int threads) {
#ifdef NAME_TRAIN_WORK_BYTES
  const size_t work = NAME_TRAIN_WORK_BYTES(threads);
#else
  const size_t work = NAME_WORK_BYTES(threads);
#endif
  NAME_memory memory = {.hash = NAME_HASH,
                        .params = NAME_memory_of(NAME_PARAMS_BYTES),
                        .params_bytes = NAME_PARAMS_BYTES,
                        .work = NAME_memory_of(work),
                        .work_bytes = work};
#ifdef NAME_TRAIN_WORK_BYTES
  memory.grads = NAME_memory_of(memory.grads_bytes = NAME_GRADS_BYTES);
  memory.state = NAME_memory_of(memory.state_bytes = NAME_STATE_BYTES);
#endif
  NAME_must(NAME_init(ctx, &memory, threads));
}
