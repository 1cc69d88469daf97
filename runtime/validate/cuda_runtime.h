/* cuda_runtime.h - what the validator reads in place of the CUDA toolkit's: only what emitted files
 * may use, so that no toolkit is needed and any other name is an error. clang knows the launch
 * syntax, the attributes and which side may call what. */
#ifndef CNNC_VALIDATE_CUDA_RUNTIME_H
#define CNNC_VALIDATE_CUDA_RUNTIME_H

#include <stddef.h>

#ifndef __CUDACC__
#define __CUDACC__ 1
#endif

#define __host__        __attribute__((host))
#define __device__      __attribute__((device))
#define __global__      __attribute__((global))
#define __shared__      __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __align__(n)    __attribute__((aligned(n)))
#define __forceinline__ inline __attribute__((always_inline))
/* What is declared without a size otherwise. */
#define CNNC_SHARED_TILES(stages, x, x_rows, w, w_rows) \
  __shared__ unsigned x[stages][x_rows][32], w[stages][w_rows][32]

#define CNNC_SHARED_SUMS(sums, lines, line) __shared__ float sums[lines][line]

#define CNNC_SHARED_BARRIERS(stages, barrier, rows) __shared__ unsigned long long barrier[stages]
#define __grid_constant__

/* ---- launches ---- */

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x, y, z;
  __host__ __device__ dim3(unsigned x_) : x(x_), y(1), z(1) {}
  __host__ __device__ dim3(unsigned x_, unsigned y_) : x(x_), y(y_), z(1) {}
  __host__ __device__ dim3(unsigned x_, unsigned y_, unsigned z_) : x(x_), y(y_), z(z_) {}
};

extern const __device__ uint3 threadIdx, blockIdx;
extern const __device__ dim3 blockDim, gridDim;

/* ---- host ---- */

typedef int cudaError_t;
enum { cudaSuccess = 0, cudaErrorInvalidValue = 1, cudaErrorNotSupported = 801, cudaEnableDefault = 0 };
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
typedef struct CUstream_st *cudaStream_t;
typedef struct CUgraph_st *cudaGraph_t;
typedef struct CUgraphExec_st *cudaGraphExec_t;
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };

extern "C" {
cudaError_t cudaGetLastError(void);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *to, int byte, size_t bytes, cudaStream_t stream);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *executable, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable);

enum cudaDriverEntryPointQueryResult { cudaDriverEntryPointSuccess = 0, cudaDriverEntryPointSymbolNotFound = 1 };
cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **at, unsigned version, unsigned long long flags,
                                             enum cudaDriverEntryPointQueryResult *found);

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
cudaError_t cudaFuncSetAttribute(const void *kernel, enum cudaFuncAttribute attribute, int value);

/* What clang makes of a launch, on the host and on the device. */
unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared = 0, cudaStream_t stream = 0);
cudaError_t cudaConfigureCall(dim3 grid, dim3 block, size_t shared = 0, cudaStream_t stream = 0);
cudaError_t cudaLaunchKernel(const void *kernel, dim3 grid, dim3 block, void **arguments, size_t shared,
                             cudaStream_t stream);
}

/* ---- device ---- */

__device__ void __syncthreads(void);
__device__ float __uint_as_float(unsigned);
__device__ unsigned __float_as_uint(float);
__device__ size_t __cvta_generic_to_shared(const void *);
__device__ double __dadd_rn(double, double);
__device__ double __dsub_rn(double, double);
__device__ double __dmul_rn(double, double);
__device__ double __shfl_xor_sync(unsigned mask, double number, int bits);

#define CNNC_DEVICE_1(name)  \
  __device__ double name(double); \
  __device__ float name##f(float)
#define CNNC_DEVICE_2(name)  \
  __device__ double name(double, double); \
  __device__ float name##f(float, float)
CNNC_DEVICE_1(sqrt);
CNNC_DEVICE_1(exp);
CNNC_DEVICE_1(log);
CNNC_DEVICE_1(tanh);
CNNC_DEVICE_1(erf);
CNNC_DEVICE_1(fabs);
CNNC_DEVICE_1(floor);
CNNC_DEVICE_1(cos);
CNNC_DEVICE_2(pow);
#undef CNNC_DEVICE_1
#undef CNNC_DEVICE_2

#endif
