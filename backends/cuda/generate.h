/* generate.h - from the Kernels of a Plan to CUDA functions: what cuda/file.c calls.
 *
 * Every Kernel becomes one or more functions
 *
 *   static __global__ void PREFIX_conv1_kernel(const float *in0, .., float *out0, int batch)
 *
 * and in the entry function one launch for each:
 *
 *   if (CNNC_LAUNCH(PREFIX_conv1_kernel, 4704LL * n, stream, x, ctx->params + 0, ctx->work + 0, n))
 *     return PREFIX_E_DEVICE;
 *
 * Equal functions stand in the file once. Steps are flattened: a kernel runs over its whole loops,
 * and all buffers are whole. */
#ifndef CUDA_GENERATE_H
#define CUDA_GENERATE_H

#include "emit.h"

/* Tensors that kernels take as maps: a table of cnnc_tensor (runtime/cuda/map.cuh). */
typedef struct Maps {
  Text rows;
  int n;
} Maps;

/* Prints the functions of a kernel to `functions`, unless equal ones stand there, and to `calls`
 * the statements that launch them: part of an entry function with `ctx`, `n` and `stream`. The
 * functions need "cuda/loops.cuh" in front; those with random numbers "c/uniform.h" as well. Calls
 * find map i, of row i of the table, in ctx->map[i]. */
void cuda_kernel(Emit *functions, Emit *calls, Maps *, const Plan *, const Kernel *);

/* A typed pointer expression for where a buffer begins in device memory, valid in entry functions.
 * Provided by file.c. */
const char *cuda_buffer(Emit *, const Plan *, int buffer);
/* The static device array that holds a buffer of HOME_CONST. Provided by file.c. */
const char *cuda_constant(Emit *, int buffer);

#endif
