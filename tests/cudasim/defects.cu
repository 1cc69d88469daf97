/* defects.cu - sums in blocks, through shared memory: right as it is, wrong with -DDEFECT_...:
 *
 *   DEFECT_STORED    no barrier between what threads store and what others read
 *   DEFECT_TREE      no barrier between the levels of the tree
 *   DEFECT_LATE      no barrier before the next round overwrites the shared memory
 *   DEFECT_ATOMIC    all blocks add to one number
 *   DEFECT_OUTSIDE   the last block reads beyond the array
 *   DEFECT_UNWRITTEN a place of shared memory is read that nobody wrote
 *   DEFECT_BRANCH    half of the threads wait at another barrier
 *   DEFECT_LEAVES    a thread ends while the others wait */
#include <cuda_runtime.h>
#include <stdio.h>

enum { THREADS = 64, BLOCKS = 6, ROUNDS = 3, SIZE = THREADS * BLOCKS * ROUNDS - 5 };

static __global__ void block_sums(const float *in, float *out) {
  __shared__ float part[THREADS];
  const int thread = (int)threadIdx.x;
  for (int round = 0; round < ROUNDS; round++) {
    const int at = (round * BLOCKS + (int)blockIdx.x) * THREADS + thread;
#if defined(DEFECT_OUTSIDE)
    part[thread] = in[at];
#elif defined(DEFECT_UNWRITTEN)
    if (thread != 3) part[thread] = at < SIZE ? in[at] : 0.0f;
#else
    part[thread] = at < SIZE ? in[at] : 0.0f;
#endif
#if defined(DEFECT_LEAVES)
    if (thread == 5) return;
#endif
#if defined(DEFECT_BRANCH)
    if (thread < THREADS / 2)
      __syncthreads();
    else
      __syncthreads();
#elif !defined(DEFECT_STORED)
    __syncthreads();
#endif
    for (int half = THREADS / 2; half > 0; half /= 2) {
      if (thread < half) part[thread] += part[thread + half];
#ifndef DEFECT_TREE
      __syncthreads();
#endif
    }
#ifdef DEFECT_ATOMIC
    if (thread == 0) out[0] += part[0];
#else
    if (thread == THREADS - 1) out[round * BLOCKS + (int)blockIdx.x] = part[0];
#endif
#ifndef DEFECT_LATE
    __syncthreads();
#endif
  }
}

int main() {
  static float in[SIZE], out[ROUNDS * BLOCKS];
  float *device_in, *device_out;
  double sum = 0;
  for (int i = 0; i < SIZE; i++) in[i] = (float)(i % 7);
  if (cudaMalloc((void **)&device_in, sizeof in) || cudaMalloc((void **)&device_out, sizeof out))
    return 1;
  cudaMemcpy(device_in, in, sizeof in, cudaMemcpyHostToDevice);
#ifdef DEFECT_ATOMIC
  cudaMemcpy(device_out, out, sizeof out, cudaMemcpyHostToDevice);
#endif
  if (CNNC_START(block_sums, BLOCKS, THREADS, (cudaStream_t)0, device_in, device_out)) return 1;
  cudaMemcpy(out, device_out, sizeof out, cudaMemcpyDeviceToHost);
  for (int i = 0; i < ROUNDS * BLOCKS; i++) sum += out[i];
  for (int i = 0; i < SIZE; i++) sum -= i % 7;
  if (sum != 0) printf("sums are wrong by %g\n", sum);
  return sum != 0;
}
