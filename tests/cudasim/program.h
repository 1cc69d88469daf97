/* program.h - what the programs around emitted libraries begin with: memory, and numbers from the
 * file `in` and to the file `out`. Their status is the library's, or one from 100 on. */
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *in, *out;

/* Poisoned, as device memory is. */
static void *host(size_t bytes) {
  return memset(aligned_alloc(64, (bytes + 64) / 64 * 64), 255, bytes);
}

static void *device(size_t bytes) {
  void *at;
  if (cudaMalloc(&at, bytes) != cudaSuccess) exit(100);
  return at;
}

static float *from_file(size_t bytes) {
  void *at = host(bytes);
  if (fread(at, 1, bytes, in) != bytes) exit(101);
  return static_cast<float *>(at);
}

/* From the file to device memory. */
template <class T> static void sent(T **to, size_t size) {
  void *from = from_file(size * sizeof(T));
  *to = static_cast<T *>(device(size * sizeof(T)));
  if (cudaMemcpy(*to, from, size * sizeof(T), cudaMemcpyHostToDevice) != cudaSuccess) exit(102);
  free(from);
}

static void to_file(const float *values, size_t size) {
  if (fwrite(values, sizeof *values, size, out) != size) exit(104);
}

/* From device memory to the file. */
static void received(const float *from, size_t size) {
  float *to = static_cast<float *>(host(size * sizeof *to));
  if (cudaMemcpy(to, from, size * sizeof *to, cudaMemcpyDeviceToHost) != cudaSuccess) exit(103);
  to_file(to, size);
  free(to);
}

/* Arguments: samples, in, out. */
static int arguments(int argc, char **argv) {
  if (argc != 4 || !(in = fopen(argv[2], "rb")) || !(out = fopen(argv[3], "wb"))) exit(105);
  return atoi(argv[1]);
}
