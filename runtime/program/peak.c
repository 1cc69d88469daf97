/* A program that measures the machine: PROGRAM THREADS BYTES... Prints multiply-adds by vectors of
 * LANES numbers in registers, as floating-point operations a second; then for each number of bytes
 * how many of them are read a second where they are read again and again, each thread its part. All
 * are sums over the threads. */
enum { CHAINS = 12, ROUNDS = 1 << 20, RUNS = 12, LEAST = 1 << 27 /* bytes of a run */ };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#define EACH(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)

ATTRIBUTE static void multiply(float *result) {
  const VECTOR scale = SET(0.999999f), add = SET(1e-6f);
#define START(i) VECTOR chain##i = SET((float)i);
  EACH(START)
  for (int round = 0; round < ROUNDS; round++) {
#define STEP(i) chain##i = FMA(chain##i, scale, add);
    EACH(STEP)
  }
  VECTOR sum = SET(0);
#define SUM(i) sum = FMA(chain##i, scale, sum);
  EACH(SUM)
  STORE(result, sum);
}

/* Reads n floats, a multiple of CHAINS * LANES, so often. */
ATTRIBUTE static void read_all(const float *at, size_t n, size_t times, float *result) {
  static volatile size_t zero; /* so that nothing is read but once */
  const VECTOR scale = SET(0.5f);
  EACH(START)
  for (size_t time = 0; time < times; time++)
    for (size_t i = zero; i < n; i += CHAINS * LANES) {
#define READ(c) chain##c = FMA(chain##c, scale, LOAD(at + i + c * LANES));
      EACH(READ)
    }
  VECTOR sum = SET(0);
  EACH(SUM)
  STORE(result, sum);
}

static double measure_operations(int threads, double *kept) {
  double most = 0;
  for (int run = 0; run < RUNS; run++) {
    const double begin = now();
    double sum = 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) reduction(+ : sum)
#endif
    for (int t = 0; t < threads; t++) {
      float result[LANES];
      multiply(result);
      sum += result[0];
    }
    const double speed = 2.0 * CHAINS * LANES * ROUNDS * threads / (now() - begin);
    *kept += sum;
    if (speed > most) most = speed;
  }
  return most;
}

static double measure_reading(const float *memory, size_t bytes, int threads, double *kept) {
  const size_t unit = CHAINS * LANES, part = bytes / sizeof(float) / (size_t)threads / unit * unit,
               read = part * sizeof(float) * (size_t)threads, times = read ? LEAST / read + 1 : 0;
  double most = 0;
  for (int run = 0; run < RUNS; run++) {
    const double begin = now();
    double sum = 0;
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) reduction(+ : sum)
#endif
    for (int t = 0; t < threads; t++) {
      float result[LANES];
      read_all(memory + (size_t)t * part, part, times, result);
      sum += result[0];
    }
    const double speed = (double)(read * times) / (now() - begin);
    *kept += sum;
    if (speed > most) most = speed;
  }
  return most;
}

int main(int argc, char **argv) {
  const int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
  size_t most = 0;
  double kept = 0;
  for (int i = 2; i < argc; i++)
    if (strtoul(argv[i], NULL, 10) > most) most = strtoul(argv[i], NULL, 10);
  float *memory = aligned_alloc(64, (most + 63) / 64 * 64);
  if (!memory) return 1;
  for (size_t i = 0; i < most / sizeof(float); i++) memory[i] = (float)(i % 3);
  printf("%.6e", measure_operations(threads, &kept));
  for (int i = 2; i < argc; i++)
    printf(" %.6e", measure_reading(memory, strtoul(argv[i], NULL, 10), threads, &kept));
  printf(" %g\n", kept);
  free(memory);
  return 0;
}
