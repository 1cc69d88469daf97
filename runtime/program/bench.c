/* A program around the library NAME, one kernel with timers, that measures it:
 *   PROGRAM THREADS SECONDS TIMERS REPORT OUTPUT
 * TIMERS: a 1 for each timer that counts, else 0. Inputs are noise: NAME_middle[i] + NAME_reach[i]
 * * noise. Where NAME_COLD, weights come from memory. Calls are repeated for so many seconds, at
 * least MIN_CALLS times after the first, which does not count; REPORT gets the least and the median
 * time, OUTPUT the last result. */
enum { NAME_MIN_CALLS = 5, NAME_MAX_CALLS = 4000 };

static int NAME_compare(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

static double NAME_counted(const NAME_profile *profile, const char *timers) {
  double sum = 0;
  for (int i = 0; timers[i]; i++)
    if (timers[i] == '1') sum += profile->timer[i].end - profile->timer[i].begin;
  return sum;
}

/* Parameters leave all caches, where the processor lets a program say so. */
static void NAME_evict(const NAME *ctx) {
#if defined(__x86_64__) && defined(__GNUC__)
  for (size_t at = 0; at < NAME_PARAMS_BYTES; at += NAME_ALIGN)
    __builtin_ia32_clflush(ctx->header + at);
  __builtin_ia32_mfence();
#endif
  (void)ctx;
}

/* Times of calls, sorted; how many. */
static int NAME_measure(NAME *ctx, char **in, char **out, double seconds, const char *timers,
                        double *time) {
  const double begin = NAME_now();
  int n = 0;
  NAME_must(NAME_call(ctx, NAME_MAX_BATCH, in, out));
  while (n < NAME_MAX_CALLS && (n < NAME_MIN_CALLS || NAME_now() - begin < seconds)) {
    if (NAME_COLD) NAME_evict(ctx);
    NAME_must(NAME_call(ctx, NAME_MAX_BATCH, in, out));
    time[n++] = NAME_counted(ctx->profile, timers);
  }
  qsort(time, (size_t)n, sizeof *time, NAME_compare);
  return n;
}

int main(int argc, char **argv) {
  if (argc != 6) NAME_fail(argv[0], "wrong number of arguments");
  const int threads = (int)strtol(argv[1], NULL, 10);
  static double time[NAME_MAX_CALLS];
  NAME ctx;
  NAME_profile profile = {.clock = NAME_now};
  NAME_open_library(&ctx, threads);
  NAME_must(NAME_init_params(&ctx, 1));
  ctx.profile = &profile;
  char *in[NAME_INPUTS + 1], *out = NAME_memory_of(NAME_out_size * sizeof(float));
  for (int i = 0; i < NAME_INPUTS; i++) {
    float *at = NAME_memory_of(NAME_in_size[i] * sizeof(float));
    for (size_t k = 0; k < NAME_in_size[i]; k++)
      at[k] = NAME_middle[i] + NAME_reach[i] * NAME_noise((uint64_t)i, k);
    in[i] = (char *)at;
  }
  const int n = NAME_measure(&ctx, in, &out, strtod(argv[2], NULL), argv[3], time);
  NAME_transfer(argv[5], "wb", out, NAME_out_size * sizeof(float));
  FILE *report = fopen(argv[4], "w");
  if (!report) NAME_fail("cannot open", argv[4]);
  fprintf(report, "%.9e %.9e\n", time[0], time[n / 2]);
  return fclose(report) == 0 ? 0 : 1;
}
