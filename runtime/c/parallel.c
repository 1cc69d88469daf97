#ifdef NAME_OPENMP
enum { NAME_RANGES = 32 };

/* Jobs side by side that are left to do, in a cache line of their own. */
typedef struct NAME_range {
  int next, end;
  char line[56];
} NAME_range;

static int NAME_next_job(NAME_range *range) {
  int job;
#pragma omp atomic capture
  job = range->next++;
  return job;
}

/* Neighbouring jobs work on neighbouring data, and most kernels are cut as the one before: each
 * worker begins with a range of its own, the same part of every kernel, so that what it reads is
 * what it wrote, in its own cache. Then it helps with the ranges of others. */
static void NAME_share(int jobs, NAME_job *job, void *arg, int threads) {
  NAME_range range[NAME_RANGES];
  const int ranges = threads < NAME_RANGES ? threads : NAME_RANGES;
  for (int r = 0; r < ranges; r++) {
    range[r].next = (int)((long long)jobs * r / ranges);
    range[r].end = (int)((long long)jobs * (r + 1) / ranges);
  }
#pragma omp parallel num_threads(threads)
  {
    const int worker = omp_get_thread_num();
    for (int r = 0; r < ranges; r++) {
      NAME_range *const from = &range[(worker + r) % ranges];
      for (int i = NAME_next_job(from); i < from->end; i = NAME_next_job(from)) job(arg, i, worker);
    }
  }
}
#endif

/* Runs job(arg, i, worker) for all 0 <= i < jobs: by the caller's loop, by OpenMP, or one after
 * another. The only place that starts threads; what a job computes does not depend on its worker.
 */
static void NAME_parallel(const NAME *ctx, int jobs, NAME_job *job, void *arg) {
  if (ctx->parallel) {
    ctx->parallel(ctx->user, jobs, job, arg);
    return;
  }
#ifdef NAME_OPENMP
  const int threads = ctx->threads < jobs ? ctx->threads : jobs;
  if (threads > 1) {
    NAME_share(jobs, job, arg, threads);
    return;
  }
#endif
  for (int i = 0; i < jobs; i++) job(arg, i, 0);
}
