/* What programs around the library NAME that run once share: time and files. */
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
