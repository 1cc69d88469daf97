/* One piece of parallel work, and a loop over pieces: run job(arg, i, worker) for all 0 <= i <
 * jobs, in any order and in any thread; worker is in 0 ... threads - 1 and no two jobs that run at
 * the same time have the same one. Returns when all are done. */
typedef void NAME_job(void *arg, int index, int worker);
typedef void NAME_parallel_for(void *user, int jobs, NAME_job *job, void *arg);
