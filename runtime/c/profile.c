/* Around every kernel: when it begins, and what it took. */
static double NAME_enter(const NAME *ctx) {
  return ctx->profile ? ctx->profile->clock() : 0;
}

static void NAME_leave(const NAME *ctx, int kernel, double begin) {
  if (!ctx->profile) return;
  NAME_timer *timer = &ctx->profile->timer[kernel];
  timer->begin = begin;
  timer->end = ctx->profile->clock();
  const double seconds = timer->end - begin;
  if (timer->calls == 0 || seconds < timer->least) timer->least = seconds;
  timer->total += seconds;
  timer->calls += 1;
}

#ifndef NAME_NO_STDIO
int NAME_profile_table(const NAME_profile *profile, const char *path) {
  if (!profile || !path) return NAME_E_NULL;
  FILE *file = fopen(path, "w");
  if (!file) return NAME_E_FILE;
  double all = 0;
  for (int i = 0; i < NAME_KERNELS; i++) all += profile->timer[i].total;
  int failed = fprintf(file, "%-14s %-40s %-10s %8s %12s %12s %7s\n", "entry", "layers",
                       "algorithm", "calls", "mean us", "least us", "share") < 0;
  for (int i = 0; i < NAME_KERNELS; i++) {
    const NAME_timer *t = &profile->timer[i];
    const double mean = t->calls > 0 ? t->total / t->calls : 0;
    failed |=
        fprintf(file, "%-14s %-40s %-10s %8.0f %12.3f %12.3f %6.1f%%\n", NAME_kernels[i].entry,
                NAME_kernels[i].layers, NAME_kernels[i].algorithm, t->calls, 1e6 * mean,
                1e6 * t->least, all > 0 ? 100 * t->total / all : 0.0) < 0;
  }
  return fclose(file) != 0 || failed ? NAME_E_FILE : NAME_OK;
}

int NAME_profile_trace(const NAME_profile *profile, const char *path) {
  if (!profile || !path) return NAME_E_NULL;
  FILE *file = fopen(path, "w");
  if (!file) return NAME_E_FILE;
  double first = 0;
  for (int i = 0; i < NAME_KERNELS; i++) {
    const NAME_timer *t = &profile->timer[i];
    if (t->calls > 0 && (first == 0 || t->begin < first)) first = t->begin;
  }
  int failed = fprintf(file, "{\"displayTimeUnit\": \"ms\", \"traceEvents\": [") < 0;
  const char *comma = "";
  for (int i = 0; i < NAME_KERNELS; i++) {
    const NAME_timer *t = &profile->timer[i];
    if (t->calls == 0) continue;
    failed |=
        fprintf(
            file,
            "%s\n  {\"name\": \"%s\", \"cat\": \"%s\", \"ph\": \"X\", \"pid\": 1, \"tid\": 1, "
            "\"ts\": %.3f, \"dur\": %.3f, \"args\": {\"algorithm\": \"%s\", \"operations\": %.0f}}",
            comma, NAME_kernels[i].layers, NAME_kernels[i].entry, 1e6 * (t->begin - first),
            1e6 * (t->end - t->begin), NAME_kernels[i].algorithm, NAME_kernels[i].operations) < 0;
    comma = ",";
  }
  failed |= fprintf(file, "\n]}\n") < 0;
  return fclose(file) != 0 || failed ? NAME_E_FILE : NAME_OK;
}
#endif
