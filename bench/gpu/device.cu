/* device.cu - the CUDA runtime for Python, where PyTorch may be missing: memory, events, facts; and
 * what the device can do at most, measured: bytes of its memory, multiply-adds, products of tensor
 * cores by mma.sync, per second. */
#include <cuda_runtime.h>
#include <stdio.h>
#include "cuda/loops.cuh"
#include "cuda/tensor.cuh"

enum { STEPS = 4096, CHAINS = 8 };

/* ---- the runtime ---- */

static cudaEvent_t event[2];

extern "C" int device_open(void) {
  for (int i = 0; i < 2; i++)
    if (cudaEventCreate(&event[i]) != cudaSuccess) return 1;
  return 0;
}

/* Its name, and capability * 10, processors, bytes. */
extern "C" int device_facts(char *name, int size, long long facts[3]) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return 1;
  snprintf(name, (size_t)size, "%s", properties.name);
  facts[0] = properties.major * 10 + properties.minor;
  facts[1] = properties.multiProcessorCount;
  facts[2] = (long long)properties.totalGlobalMem;
  return 0;
}

extern "C" void *device_allocate(size_t bytes) {
  void *at;
  if (cudaMalloc(&at, bytes ? bytes : 1) != cudaSuccess) return NULL;
  return cudaMemset(at, 0, bytes) == cudaSuccess ? at : NULL;
}

extern "C" int device_free(void *at) {
  return cudaFree(at) != cudaSuccess;
}

extern "C" void *device_stream(void) {
  cudaStream_t stream;
  return cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess ? stream : NULL;
}

extern "C" int device_wait(void) {
  return cudaDeviceSynchronize();
}

/* Milliseconds between the two; negative: an error. */
extern "C" int device_begin(void *stream) {
  return cudaEventRecord(event[0], (cudaStream_t)stream);
}

extern "C" float device_end(void *stream) {
  float ms = -1;
  if (cudaEventRecord(event[1], (cudaStream_t)stream) != cudaSuccess) return -1;
  if (cudaEventSynchronize(event[1]) != cudaSuccess) return -1;
  return cudaEventElapsedTime(&ms, event[0], event[1]) == cudaSuccess ? ms : -1;
}

/* ---- what the device can do ---- */

static __global__ void copies(float4 *to, const float4 *from, size_t count) {
  for (size_t i = blockIdx.x * (size_t)blockDim.x + threadIdx.x; i < count;
       i += (size_t)gridDim.x * blockDim.x)
    to[i] = from[i];
}

static __global__ void adds(float *to, float a, float b) {
  float sum[CHAINS];
  for (int c = 0; c < CHAINS; c++) sum[c] = (float)(threadIdx.x + c);
  for (int i = 0; i < STEPS; i++)
#pragma unroll
    for (int c = 0; c < CHAINS; c++) sum[c] = fmaf(sum[c], a, b);
  for (int c = 1; c < CHAINS; c++) sum[0] += sum[c];
  to[blockIdx.x * blockDim.x + threadIdx.x] = sum[0];
}

#define PRODUCTS(name, product)                                                                    \
  static __global__ void name(float *to, float a, float b) {                                       \
    const unsigned rows[4] = {__float_as_uint(a), __float_as_uint(b), __float_as_uint(a), 0};      \
    const unsigned columns[2] = {__float_as_uint(b), __float_as_uint(a)};                          \
    float sum[CHAINS][4] = {};                                                                     \
    for (int i = 0; i < STEPS; i++)                                                                \
      _Pragma("unroll") for (int c = 0; c < CHAINS; c++) product(sum[c], rows, columns);           \
    for (int c = 1; c < CHAINS; c++) sum[0][0] += sum[c][0] + sum[c][1] + sum[c][2] + sum[c][3];   \
    to[blockIdx.x * blockDim.x + threadIdx.x] = sum[0][0];                                         \
  }
PRODUCTS(products_tf32, cnnc_mma_tf32)
PRODUCTS(products_bf16, cnnc_mma_bf16)
PRODUCTS(products_f16, cnnc_mma_f16)

typedef void Kernel(float *to, float a, float b);

/* Multiplications and additions per second: each thread makes so many in a step of a chain. */
static double rate(Kernel *kernel, float *to, int blocks, double each) {
  enum { THREADS = 256 };
  float best = 1e30f;
  for (int i = 0; i < 5; i++) {
    device_begin(NULL);
    kernel<<<(unsigned)blocks, THREADS>>>(to, 0.5f, 0.25f);
    const float ms = device_end(NULL);
    if (ms < 0) return 0;
    best = ms < best ? ms : best;
  }
  return each * STEPS * CHAINS * THREADS * blocks / (best * 1e-3);
}

static double bandwidth(void) {
  const size_t bytes = (size_t)1 << 30;
  float4 *from = (float4 *)device_allocate(bytes), *to = (float4 *)device_allocate(bytes);
  float best = 1e30f;
  for (int i = 0; i < 10 && from && to; i++) {
    device_begin(NULL);
    copies<<<4096, 512>>>(to, from, bytes / sizeof *to);
    const float ms = device_end(NULL);
    best = ms > 0 && ms < best ? ms : best;
  }
  device_free(from);
  device_free(to);
  return 2.0 * (double)bytes / (best * 1e-3);
}

/* Bytes per second, then operations per second of f32, tf32, bf16, f16. A warp's product of 16 by 8
 * by 8 words of 32 bits is 2 * 16 * 8 * 8 / 32 operations a thread, of 16 bits twice that. */
extern "C" int device_peaks(double peaks[5]) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, 0) != cudaSuccess) return 1;
  const int blocks = properties.multiProcessorCount * 8;
  float *to = (float *)device_allocate((size_t)blocks * 256 * sizeof *to);
  if (!to) return 1;
  peaks[0] = bandwidth();
  peaks[1] = rate(adds, to, blocks, 2);
  peaks[2] = rate(products_tf32, to, blocks, 64);
  peaks[3] = rate(products_bf16, to, blocks, 128);
  peaks[4] = rate(products_f16, to, blocks, 128);
  return device_free(to);
}
