/* generate.h - from the Steps of a Plan to C functions: what c/file.c calls.
 *
 * Every top-level Step of an entry becomes
 *   - leaf functions, one per distinct kernel:
 *       static void PREFIX_conv1_kernel(const float *in0, ..)
 *   - one job function that decodes a job's number into blocks of the step's loops and calls them:
 *       static void PREFIX_conv1_jobs(void *arg, int job, int worker)
 *   - in the entry function, a statement that fills a PREFIX_args and runs all jobs:
 *       { PREFIX_args args = { .in = { in0, .. }, .out = { .. }, .batch = n };
 *         PREFIX_parallel(ctx, 4 * n, PREFIX_conv1_jobs, &args); }
 *
 * What file.c provides: the function `PREFIX_parallel(PREFIX *ctx, int jobs, void (*job)(void *,
 * int, int), void *arg)`, declared before any entry function; inside entry functions the names
 * `ctx`, `n`, and what emit_buffer prints. */
#ifndef GENERATE_H
#define GENERATE_H

#include "emit.h"

/* The files of runtime/ that generated code needs: in all cases; for a target's vectors. */
void generate_helpers(Emit *);
void generate_vectors(Emit *, const Target *);

/* typedef struct PREFIX_args, of this plan and those after it: once per file, before the first job
 * function. */
void generate_types(Emit *, const Plan *);
/* Do samples go through several kernels of the step, some of which can be spread over threads? Each
 * of these has a job function as well, for calls with few samples and for timers. */
bool generate_parts(const Step *);
/* The leaf functions and the job function of one top-level step, unless equal ones were emitted. */
void generate_kernel(Emit *, const Plan *, PlanEntry, const Step *);
/* The statement of the entry function that runs the step. */
void generate_call(Emit *, const Plan *, PlanEntry, const Step *);
/* That statement in parts: up to `args`; the run; then emit_close. */
void generate_open_call(Emit *, const Plan *, PlanEntry, const Step *);
void generate_run(Emit *, const Plan *, PlanEntry, const Step *);

/* A C expression (a pointer, of no particular type) for where a whole buffer begins, valid in entry
 * functions: HOME_INPUT in%d  HOME_OUTPUT out%d (parameters of the entry function)   HOME_CONST
 * PREFIX_const%d (the buffer's index; static arrays that file.c writes: physical elements; of
 * several targets PREFIX_TARGET_const%d)
 * HOME_PARAM ctx->params HOME_DERIVED ctx->derived  HOME_STATE ctx->state  HOME_GRAD ctx->grads
 * HOME_KEPT ctx->kept HOME_WORK ctx->work: unsigned char pointers, plus the buffer's offset.
 * Provided by file.c. */
const char *emit_buffer(Emit *, const Plan *, int buffer);
/* PREFIX_MAX_THREADS: init refuses more, so proofs suppose no more workers than this. */
enum { FACT_WORKERS = 1024 };

/* Where the workers' scoped buffers begin: an unsigned char pointer. Worker i's part begins at i *
 * plan->worker_bytes[entry]. Provided by file.c. */
const char *emit_worker_memory(Emit *, const Plan *);

#endif
