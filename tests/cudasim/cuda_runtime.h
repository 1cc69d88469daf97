/* cuda_runtime.h - stands in for the CUDA toolkit's: emitted .cu files run on the CPU, built by
 *
 *   g++ -x c++ -I tests/cudasim -fsanitize=thread -c NET.cu
 *   g++ NET.o DRIVER.o libcudasim.a                              not the sanitizer's own library
 *
 * See cudasim.h. What emitted files may use is declared in runtime/validate/cuda_runtime.h; here it
 * does something, and there is a little more for the drivers of tests. */
#ifndef CUDASIM_CUDA_RUNTIME_H
#define CUDASIM_CUDA_RUNTIME_H

#include <math.h>
#include <string.h>
#include <tuple>
#include <utility>

#include "cuda.h"
#include "cudasim.h"

#define __global__
#define __host__
#define __device__
#define __forceinline__      inline
#define __launch_bounds__(...) /* the compiler's business */
#define __grid_constant__
#define __align__(n)         __attribute__((aligned(n)))
/* The section is the shared memory of the block that runs. */
#define __shared__ static __attribute__((section("cudasim_shared")))

/* ---- host ---- */

typedef int cudaError_t;
enum { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorNotSupported = 801 };
typedef struct CUstream_st *cudaStream_t;
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3
};

static inline cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind,
                                          cudaStream_t) {
  return cudasim_copy(to, from, bytes);
}
static inline cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t) {
  return cudasim_fill(to, byte, bytes);
}
static inline cudaError_t cudaGetLastError(void) {
  return cudasim_last_error();
}

/* The driver makes maps, and has nothing else. */
enum { cudaEnableDefault = 0 };
enum cudaDriverEntryPointQueryResult {
  cudaDriverEntryPointSuccess = 0,
  cudaDriverEntryPointSymbolNotFound = 1
};
static inline cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **at, unsigned,
                                                           unsigned long long,
                                                           cudaDriverEntryPointQueryResult *found) {
  *found = strcmp(name, "cuTensorMapEncodeTiled") ? cudaDriverEntryPointSymbolNotFound
                                                  : cudaDriverEntryPointSuccess;
  *at = (void *)cuTensorMapEncodeTiled;
  return cudaSuccess;
}

/* Graphs are instantiated as they are. */
typedef CudasimGraph *cudaGraph_t, *cudaGraphExec_t;
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
static inline cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode) {
  return cudasim_capture();
}
static inline cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t *graph) {
  return cudasim_captured(graph);
}
static inline cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable,
                                                        cudaGraph_t graph, unsigned long long) {
  *executable = graph;
  return cudaSuccess;
}
static inline cudaError_t cudaGraphDestroy(cudaGraph_t) {
  return cudaSuccess;
}
static inline cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t) {
  return cudasim_graph(executable);
}
static inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  cudasim_graph_release(executable);
  return cudaSuccess;
}

/* For drivers. */
static inline cudaError_t cudaGetDeviceCount(int *count) {
  *count = 1;
  return cudaSuccess;
}
enum cudaDeviceAttr { cudaDevAttrComputeCapabilityMajor = 75 };
static inline cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr, int) {
  *value = 9;
  return cudaSuccess;
}
static inline const char *cudaGetErrorString(cudaError_t) {
  return "an error of CUDA";
}
static inline cudaError_t cudaMalloc(void **at, size_t bytes) {
  *at = cudasim_allocate(bytes);
  return *at ? cudaSuccess : 2;
}
static inline cudaError_t cudaFree(void *at) {
  cudasim_wait();
  cudasim_release(at);
  return cudaSuccess;
}
static inline cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind) {
  const cudaError_t error = cudasim_copy(to, from, bytes);
  cudasim_wait();
  return error;
}
static inline cudaError_t cudaDeviceSynchronize(void) {
  cudasim_wait();
  return cudaSuccess;
}

/* ---- launches ---- */

template <class... P> struct cudasim_call {
  void (*kernel)(P...);
  std::tuple<P...> arguments;
};

template <class... P, size_t... I>
static void cudasim_apply(const cudasim_call<P...> *call, std::index_sequence<I...>) {
  call->kernel(std::get<I>(call->arguments)...);
}

template <class... P> static void cudasim_run(const void *call) {
  cudasim_apply(static_cast<const cudasim_call<P...> *>(call), std::index_sequence_for<P...>());
}

template <class... P, class... A>
static cudaError_t cudasim_start(const char *name, void (*kernel)(P...), unsigned blocks,
                                 unsigned threads, size_t shared, A... arguments) {
  const cudasim_call<P...> call = {kernel, std::tuple<P...>(arguments...)};
  const CudasimLaunch launch = {name,   {blocks, 1, 1},    {threads, 1, 1},
                                shared, cudasim_run<P...>, &call,
                                sizeof call};
  return cudasim_launch(&launch);
}
#define CNNC_START(kernel, blocks, threads, stream, ...)                                           \
  CNNC_START_WIDE(kernel, blocks, threads, 0, stream, __VA_ARGS__)
#define CNNC_START_WIDE(kernel, blocks, threads, bytes, stream, ...)                               \
  ((void)(stream), cudasim_start(#kernel, kernel, (blocks), (threads), (bytes), __VA_ARGS__))

/* ---- device ---- */

#define __syncthreads() cudasim_barrier(__FILE__, __LINE__)

static inline float __uint_as_float(unsigned bits) {
  float number;
  __builtin_memcpy(&number, &bits, sizeof number);
  return number;
}

static inline unsigned __float_as_uint(float number) {
  unsigned bits;
  __builtin_memcpy(&bits, &number, sizeof bits);
  return bits;
}

#define __shfl_xor_sync(mask, number, bits) cudasim_exchange(mask, number, bits, __FILE__, __LINE__)

#define CNNC_TENSOR
#define cnnc_tf32                         cudasim_tf32
#define cnnc_bf16                         cudasim_bf16
#define cnnc_f16                          cudasim_f16
#define cnnc_from_f16          cudasim_from_f16
#define cnnc_mma_tf32(d, a, b)            cudasim_mma(CUDASIM_TF32, d, a, b, __FILE__, __LINE__)
#define cnnc_mma_bf16(d, a, b)            cudasim_mma(CUDASIM_BF16, d, a, b, __FILE__, __LINE__)
#define cnnc_mma_f16(d, a, b)             cudasim_mma(CUDASIM_F16, d, a, b, __FILE__, __LINE__)
#define cnnc_ldmatrix_x4(word, at)        cudasim_ldmatrix_x4(word, at, __FILE__, __LINE__)
#define CNNC_LINES
#define cnnc_ldmatrix_trans_x4(word, at)  cudasim_ldmatrix_trans_x4(word, at, __FILE__, __LINE__)
#define cnnc_store_x4                     cudasim_store_x4
#define cnnc_cp_async_16(to, from, there) cudasim_cp_async(to, from, 16, there)
#define cnnc_cp_async_4(to, from, there)  cudasim_cp_async(to, from, 4, there)
#define cnnc_cp_async_commit              cudasim_cp_async_commit
#define cnnc_cp_async_wait                cudasim_cp_async_wait

#define CNNC_SHARED_TILES(stages, x, x_rows, w, w_rows)                                            \
  unsigned(*const x)[x_rows][32] = (unsigned(*)[x_rows][32])cudasim_wide;                          \
  unsigned(*const w)[w_rows][32] =                                                                 \
      (unsigned(*)[w_rows][32])(cudasim_wide + (stages) * (x_rows)*32 * sizeof(unsigned))

#define CNNC_SHARED_SUMS(sums, lines, line)                                                        \
  float(*const sums)[line] = (float(*)[line])cudasim_wide

#define CNNC_TMA
#define cnnc_barrier_begin           cudasim_barrier_begin
#define cnnc_barrier_expect          cudasim_barrier_expect
#define cnnc_barrier_wait(at, odd)   cudasim_barrier_wait(at, odd, __FILE__, __LINE__)
#define cnnc_box_2(to, map, at, ...)                                                               \
  ({                                                                                               \
    const int first[] = {__VA_ARGS__};                                                             \
    cudasim_box(to, map, at, first);                                                               \
  })
#define cnnc_box_4 cnnc_box_2

#define CNNC_SHARED_BARRIERS(stages, barrier, rows)                                                \
  unsigned long long *const barrier =                                                              \
      (unsigned long long *)(cudasim_wide + (stages) * (rows)*32 * sizeof(unsigned))

/* Without: as on devices that lack it. */
#ifndef CUDASIM_NO_WGMMA
#define CNNC_WGMMA
#define CUDASIM_TILE(at, apart, lines) (CudasimTile{at, apart, lines})
#define CUDASIM_WGMMA(number, columns, d, rows, apart, column, k)                                  \
  cudasim_wgmma(number, columns, d, CUDASIM_TILE(rows, apart, 0), CUDASIM_TILE(column, 0, 0), k,   \
                __FILE__, __LINE__)
#define cnnc_wgmma_bf16_32(d, x, a, w, k)    CUDASIM_WGMMA(CUDASIM_BF16, 32, d, x, a, w, k)
#define cnnc_wgmma_bf16_64(d, x, a, w, k)    CUDASIM_WGMMA(CUDASIM_BF16, 64, d, x, a, w, k)
#define cnnc_wgmma_bf16_128(d, x, a, w, k)   CUDASIM_WGMMA(CUDASIM_BF16, 128, d, x, a, w, k)
#define cnnc_wgmma_bf16_256(d, x, a, w, k)   CUDASIM_WGMMA(CUDASIM_BF16, 256, d, x, a, w, k)
#define cnnc_wgmma_f16_32(d, x, a, w, k)     CUDASIM_WGMMA(CUDASIM_F16, 32, d, x, a, w, k)
#define cnnc_wgmma_f16_64(d, x, a, w, k)     CUDASIM_WGMMA(CUDASIM_F16, 64, d, x, a, w, k)
#define cnnc_wgmma_f16_128(d, x, a, w, k)    CUDASIM_WGMMA(CUDASIM_F16, 128, d, x, a, w, k)
#define cnnc_wgmma_f16_256(d, x, a, w, k)    CUDASIM_WGMMA(CUDASIM_F16, 256, d, x, a, w, k)
#define CNNC_WGMMA_LINES
#define CUDASIM_LINES(columns, d, rows, rows_lines, column, column_lines, k)                       \
  cudasim_wgmma(CUDASIM_BF16, columns, d, CUDASIM_TILE(rows, 0, rows_lines),                       \
                CUDASIM_TILE(column, 0, column_lines), k, __FILE__, __LINE__)
#define cnnc_wgmma_bf16_32_x(d, x, w, k)     CUDASIM_LINES(32, d, x, 1, w, 0, k)
#define cnnc_wgmma_bf16_64_x(d, x, w, k)     CUDASIM_LINES(64, d, x, 1, w, 0, k)
#define cnnc_wgmma_bf16_64_w(d, x, w, k)     CUDASIM_LINES(64, d, x, 0, w, 1, k)
#define cnnc_wgmma_bf16_64_xw(d, x, w, k)    CUDASIM_LINES(64, d, x, 1, w, 1, k)
#define cnnc_wgmma_bf16_128_x(d, x, w, k)    CUDASIM_LINES(128, d, x, 1, w, 0, k)
#define cnnc_wgmma_bf16_128_w(d, x, w, k)    CUDASIM_LINES(128, d, x, 0, w, 1, k)
#define cnnc_wgmma_bf16_128_xw(d, x, w, k)   CUDASIM_LINES(128, d, x, 1, w, 1, k)
#define cnnc_wgmma_bf16_256_x(d, x, w, k)    CUDASIM_LINES(256, d, x, 1, w, 0, k)
#define cnnc_wgmma_bf16_256_w(d, x, w, k)    CUDASIM_LINES(256, d, x, 0, w, 1, k)
#define cnnc_wgmma_bf16_256_xw(d, x, w, k)   CUDASIM_LINES(256, d, x, 1, w, 1, k)
#define cnnc_wgmma_written              cudasim_wgmma_written
#define cnnc_wgmma_fence                cudasim_wgmma_fence
#define cnnc_wgmma_commit               cudasim_wgmma_commit
#define cnnc_wgmma_wait                 cudasim_wgmma_wait
#define cnnc_wgmma_hold(d, count)       ((void)0)
#endif

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
