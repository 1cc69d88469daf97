/* What programs around the library NAME share: messages, memory, time, files. */
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

static double NAME_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void NAME_transfer(const char *path, const char *mode, char *bytes, size_t size) {
  FILE *file = fopen(path, mode);
  if (!file) NAME_fail("cannot open", path);
  size_t n = *mode == 'r' ? fread(bytes, 1, size, file) : fwrite(bytes, 1, size, file);
  if (fclose(file) != 0 || n != size) NAME_fail("cannot read or write", path);
}
