/* Runs jobs 0 .. jobs - 1, by the caller's hook, by OpenMP, or one after another. A job's result
 * depends on its number only, so the outcome is the same for any number of threads. Bodies stand in
 * functions of their own: compilers do not carry instruction sets into outlined parallel regions.
 */
#ifndef CNNC_PARALLEL
#define CNNC_PARALLEL
#ifdef _OPENMP
#include <omp.h>
#endif

typedef void cnnc_job(void *arg, int job, int worker);
typedef void cnnc_hook(void *user, int jobs, cnnc_job *job, void *arg);

static void cnnc_run_jobs(cnnc_hook *hook, void *user, int threads, int jobs, cnnc_job *job,
                          void *arg) {
  if (hook) {
    hook(user, jobs, job, arg);
    return;
  }
#ifdef _OPENMP
  if (threads > 1 && jobs > 1) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (int i = 0; i < jobs; i++) job(arg, i, omp_get_thread_num());
    return;
  }
#endif
  (void)threads;
  for (int i = 0; i < jobs; i++) job(arg, i, 0);
}
#endif
