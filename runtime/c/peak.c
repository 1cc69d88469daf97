/* A program that measures the machine: PROGRAM THREADS. Prints multiply-adds by vectors of LANES
 * numbers in registers, as floating-point operations a second, and bytes a second that are read
 * from memory, both of all threads together. */
enum { CHAINS = 12, ROUNDS = 1 << 20, RUNS = 12, STREAM = 1 << 25 };

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

static float sum_of(const float *at, size_t n) {
  float sum[16] = {0};
  for (size_t i = 0; i < n; i += 16)
    for (int lane = 0; lane < 16; lane++) sum[lane] += at[i + (size_t)lane];
  for (int lane = 1; lane < 16; lane++) sum[0] += sum[lane];
  return sum[0];
}

int main(int argc, char **argv) {
  const int threads = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
  double operations = 0, bytes = 0;
  float *memory = malloc((size_t)STREAM * sizeof(float)), kept = 0;
  if (!memory) return 1;
  for (size_t i = 0; i < STREAM; i++) memory[i] = (float)(i % 3);
  for (int run = 0; run < RUNS; run++) {
    double begin = now();
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) reduction(+ : kept)
#endif
    for (int t = 0; t < threads; t++) {
      float result[LANES];
      multiply(result);
      kept += result[0];
    }
    double speed = 2.0 * CHAINS * LANES * ROUNDS * threads / (now() - begin);
    if (speed > operations) operations = speed;
    begin = now();
#ifdef _OPENMP
#pragma omp parallel for num_threads(threads) reduction(+ : kept)
#endif
    for (int t = 0; t < threads; t++) {
      const size_t part = STREAM / 16 / (size_t)threads * 16;
      kept += sum_of(memory + (size_t)t * part, part);
    }
    speed = (double)sizeof(float) * STREAM / (now() - begin);
    if (speed > bytes) bytes = speed;
  }
  printf("%.6e %.6e %g\n", operations, bytes, (double)kept);
  free(memory);
  return 0;
}
