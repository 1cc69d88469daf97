/* cuda_runtime.h - stands in for the CUDA toolkit's: emitted .cu files run on the CPU, built by
 *
 *   g++ -x c++ -I tests/cudasim NET.cu
 *
 * Plain kernels have no barriers, so threads simply run one after another; CUDASIM_ORDER=reverse
 * runs them backwards, and no result may change by that. Device memory is host memory. */
#ifndef CUDASIM_H
#define CUDASIM_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define __global__
#define __device__
#define __forceinline__ inline

typedef int cudaError_t;
enum { cudaSuccess = 0, cudaErrorInvalidConfiguration = 9 };
typedef struct CUstream_st *cudaStream_t;
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };

static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                                          cudaStream_t) {
  memcpy(to, from, bytes);
  return cudaSuccess;
}

struct cudasim_dim {
  unsigned x;
};
static cudasim_dim threadIdx, blockIdx, blockDim, gridDim;

/* Calls `thread` once for each thread of the grid. */
template <class Thread>
static inline cudaError_t cudasim_launch(unsigned blocks, unsigned threads, Thread thread) {
  const char *order = getenv("CUDASIM_ORDER");
  const bool reverse = order && strcmp(order, "reverse") == 0;
  const unsigned long long all = (unsigned long long)blocks * threads;
  if (blocks == 0 || threads == 0 || threads > 1024) return cudaErrorInvalidConfiguration;
  gridDim.x = blocks;
  blockDim.x = threads;
  for (unsigned long long i = 0; i < all; i++) {
    const unsigned long long at = reverse ? all - 1 - i : i;
    blockIdx.x = (unsigned)(at / threads);
    threadIdx.x = (unsigned)(at % threads);
    thread();
  }
  return cudaSuccess;
}
#define CUDASIM_LAUNCH(kernel, blocks, threads, stream, ...)                                       \
  ((void)(stream), cudasim_launch((blocks), (threads), [&] { kernel(__VA_ARGS__); }))

static inline double __dadd_rn(double a, double b) {
  return a + b;
}
static inline double __dsub_rn(double a, double b) {
  return a - b;
}
static inline double __dmul_rn(double a, double b) {
  return a * b;
}

#endif
