/* A program around the library NAME: reads samples from files, infers, writes the results.
 *   PROGRAM PARAMETERS SAMPLES REPEAT THREADS PROGRESS REPORT INPUT... OUTPUT...
 * PARAMETERS: a safetensors file, or seed:N. Inputs and outputs are raw arrays of all samples. The
 * whole is inferred REPEAT times, or for a second; REPORT gets the least time in seconds, the peak
 * memory in kilobytes and the library's own memory in bytes. */
/* Peak of resident memory in kilobytes: of this program, not of who started it. 0: not known. */
static long NAME_peak(void) {
  char line[256];
  long peak = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (strncmp(line, "VmHWM:", 6) == 0) peak = strtol(line + 6, NULL, 10);
  if (file) fclose(file);
  return peak;
}

/* All samples once, batch by batch. */
static void NAME_infer(NAME *ctx, long samples, char **in, char **out, int progress) {
  char *in_at[NAME_INPUTS + 1], *out_at[NAME_OUTPUTS + 1];
  for (long done = 0; done < samples;) {
    int n = samples - done < NAME_MAX_BATCH ? (int)(samples - done) : NAME_MAX_BATCH;
    for (int i = 0; i < NAME_INPUTS; i++) in_at[i] = in[i] + (size_t)done * NAME_in_bytes[i];
    for (int i = 0; i < NAME_OUTPUTS; i++) out_at[i] = out[i] + (size_t)done * NAME_out_bytes[i];
    NAME_must(NAME_call(ctx, n, in_at, out_at));
    done += n;
    if (progress && (done == samples || done % 256 < n))
      fprintf(stderr, "\r%ld of %ld%s", done, samples, done == samples ? "\n" : "");
  }
}

int main(int argc, char **argv) {
  if (argc != 7 + NAME_INPUTS + NAME_OUTPUTS) NAME_fail(argv[0], "wrong number of arguments");
  long samples = strtol(argv[2], NULL, 10);
  int threads = (int)strtol(argv[4], NULL, 10), progress = argv[5][0] == '1';
  NAME ctx;
  NAME_open_library(&ctx, threads);
  NAME_must(strncmp(argv[1], "seed:", 5) == 0
                ? NAME_init_params(&ctx, strtoull(argv[1] + 5, NULL, 10))
                : NAME_load_file(&ctx, argv[1]));
  char *in[NAME_INPUTS + 1], *out[NAME_OUTPUTS + 1];
  for (int i = 0; i < NAME_INPUTS; i++) {
    in[i] = NAME_memory_of((size_t)samples * NAME_in_bytes[i]);
    NAME_transfer(argv[7 + i], "rb", in[i], (size_t)samples * NAME_in_bytes[i]);
  }
  for (int i = 0; i < NAME_OUTPUTS; i++)
    out[i] = NAME_memory_of((size_t)samples * NAME_out_bytes[i]);
  double least = 1e30, spent = 0;
  for (long repeat = strtol(argv[3], NULL, 10); repeat > 0; repeat--) {
    double begin = NAME_now();
    NAME_infer(&ctx, samples, in, out, progress);
    double seconds = NAME_now() - begin;
    if (seconds < least) least = seconds;
    spent += seconds;
    if (spent > 1) break;
  }
  for (int i = 0; i < NAME_OUTPUTS; i++)
    NAME_transfer(argv[7 + NAME_INPUTS + i], "wb", out[i], (size_t)samples * NAME_out_bytes[i]);
  FILE *report = fopen(argv[6], "w");
  if (!report) NAME_fail("cannot open", argv[6]);
  fprintf(report, "%.9f %ld %zu\n", least, NAME_peak(),
          NAME_PARAMS_BYTES + NAME_WORK_BYTES(threads));
  return fclose(report) == 0 ? 0 : 1;
}
