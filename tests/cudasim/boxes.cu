/* boxes.cu - sums of a tensor that comes into shared memory in boxes, a box ahead of the one that is
 * read: right as it is, wrong with -DDEFECT_...:
 *
 *   DEFECT_SAID    nobody says that barriers were begun
 *   DEFECT_BEGUN   others use barriers without having waited for that
 *   DEFECT_WAIT    threads do not wait for a box
 *   DEFECT_PHASE   they wait for the same phase again
 *   DEFECT_EXPECT  nothing announces a box
 *   DEFECT_TWICE   it is announced twice
 *   DEFECT_BYTES   fewer bytes are announced than come
 *   DEFECT_SLOT    a box comes while its place is still read
 *   DEFECT_PLACE   a box comes where none may
 *   DEFECT_ENDS    the block ends while a box is on its way */
#include <cuda.h>
#include <cuda_runtime.h>
#include <stdio.h>
#include <string.h>

#include "loops.cuh"
#include "map.cuh"
#include "tma.cuh"

enum { THREADS = 32, BOXES = 7, SLOTS = 2, LINES = 2 * BOXES, LINE = 2 * THREADS };

/* Lines of doubles, of which a box has two. */
static __global__ void box_sums(const __grid_constant__ CUtensorMap map, double *out) {
  __shared__ __align__(128) double slot[SLOTS][2][LINE];
  __shared__ __align__(8) unsigned long long full[SLOTS];
  const int thread = (int)threadIdx.x;
  double sum = 0;
  if (thread == 0) {
    for (int i = 0; i < SLOTS; i++) cnnc_barrier_begin(&full[i]);
#ifndef DEFECT_SAID
    cudasim_wgmma_written();
#endif
  }
#ifndef DEFECT_BEGUN
  __syncthreads();
#endif
  for (int box = -1; box < BOXES; box++) {
    const int next = box + 1, to = next % SLOTS;
#ifdef DEFECT_ENDS
    const bool brings = thread == 0;
#else
    const bool brings = thread == 0 && next < BOXES;
#endif
    if (brings) {
#if defined(DEFECT_BYTES)
      cnnc_barrier_expect(&full[to], sizeof slot[0] - 16);
#elif !defined(DEFECT_EXPECT)
      cnnc_barrier_expect(&full[to], sizeof slot[0]);
#endif
#ifdef DEFECT_TWICE
      cnnc_barrier_expect(&full[to], 0);
#endif
#ifdef DEFECT_PLACE
      cnnc_box_2(&slot[to][0][2], &map, &full[to], 0, 2 * next);
#else
      cnnc_box_2(slot[to], &map, &full[to], 0, 2 * next);
#endif
    }
    if (box < 0) continue;
#if defined(DEFECT_PHASE)
    cnnc_barrier_wait(&full[box % SLOTS], 0);
#elif !defined(DEFECT_WAIT)
    cnnc_barrier_wait(&full[box % SLOTS], box / SLOTS % 2);
#endif
    for (int line = 0; line < 2; line++)
      sum += slot[box % SLOTS][line][thread] + slot[box % SLOTS][line][THREADS + thread];
#ifndef DEFECT_SLOT
    __syncthreads();
#endif
  }
  out[thread] = sum;
}

int main() {
  static double in[LINES][LINE], out[THREADS];
  double *device_in, *device_out, sum = 0;
  CUtensorMap map;
  for (int i = 0; i < LINES * LINE; i++) in[i / LINE][i % LINE] = i % 7;
  if (cudaMalloc((void **)&device_in, sizeof in) || cudaMalloc((void **)&device_out, sizeof out))
    return 1;
  cudaMemcpy(device_in, in, sizeof in, cudaMemcpyHostToDevice);
  const cnnc_tensor tensor = {device_in, 2, 0, {LINE, LINES}, {sizeof in[0]}, {LINE, 2}};
  if (cnnc_encode(&map, &tensor)) return 1;
  if (CNNC_START(box_sums, 1, THREADS, (cudaStream_t)0, map, device_out)) return 1;
  cudaMemcpy(out, device_out, sizeof out, cudaMemcpyDeviceToHost);
  for (int i = 0; i < THREADS; i++) sum += out[i];
  for (int i = 0; i < LINES * LINE; i++) sum -= i % 7;
  if (sum != 0) printf("sums are wrong by %g\n", sum);
  return sum != 0;
}
