/* Runs job(arg, i, worker) for all 0 <= i < jobs: by the caller's loop, by OpenMP, or one after
 * another. The only place that starts threads; what a job computes does not depend on its worker.
 */
static void NAME_parallel(const NAME *ctx, int jobs, NAME_job *job, void *arg) {
  if (ctx->parallel) {
    ctx->parallel(ctx->user, jobs, job, arg);
    return;
  }
#ifdef NAME_OPENMP
  int threads = ctx->threads < jobs ? ctx->threads : jobs;
  if (threads > 1) {
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int i = 0; i < jobs; i++) job(arg, i, omp_get_thread_num());
    return;
  }
#endif
  for (int i = 0; i < jobs; i++) job(arg, i, 0);
}
