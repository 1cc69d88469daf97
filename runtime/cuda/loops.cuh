/* What all kernels need: launches, loops written out, and comparisons that keep NaN. */
#ifndef CNNC_CUDA_LOOPS
#define CNNC_CUDA_LOOPS

enum { CNNC_THREADS = 256 };

/* Blocks for so many points; what is beyond a large grid, kernels run in further rounds. */
static inline __attribute__((unused)) unsigned cnnc_blocks(long long points) {
  const long long blocks = (points + CNNC_THREADS - 1) / CNNC_THREADS, most = 1 << 20;
  return (unsigned)(blocks < most ? blocks : most);
}

/* Starts a kernel; its value is cudaSuccess, or what is wrong. A program that wants to see every
 * launch defines its own in front of this file. */
#ifndef CNNC_START
#define CNNC_START(kernel, blocks, threads, stream, ...)                                           \
  (kernel<<<(blocks), (threads), 0, (cudaStream_t)(stream)>>>(__VA_ARGS__), cudaGetLastError())
#endif
/* The same with so many bytes of shared memory, of which a block has little unless it asks. */
#ifndef CNNC_START_WIDE
#define CNNC_START_WIDE(kernel, blocks, threads, bytes, stream, ...)                               \
  (cudaFuncSetAttribute((const void *)(kernel), cudaFuncAttributeMaxDynamicSharedMemorySize,       \
                        (bytes)),                                                                  \
   kernel<<<(blocks), (threads), (bytes), (cudaStream_t)(stream)>>>(__VA_ARGS__),                  \
   cudaGetLastError())
#endif
/* With a thread for every point. */
#define CNNC_LAUNCH(kernel, points, stream, ...)                                                   \
  CNNC_START(kernel, cnnc_blocks(points), CNNC_THREADS, stream, __VA_ARGS__)

#define CNNC_HELPER static __device__ __forceinline__ __attribute__((unused))

/* The loop that follows is written out; or so many turns of it. */
#ifdef __CUDACC__
#define CNNC_PRAGMA(text)     _Pragma(#text)
#define CNNC_UNROLL           CNNC_PRAGMA(unroll)
#define CNNC_UNROLL_BY(turns) CNNC_PRAGMA(unroll turns)
#else
#define CNNC_UNROLL
#define CNNC_UNROLL_BY(turns)
#endif

/* Where both are equal or one is NaN: the second. */
CNNC_HELPER float cnnc_maxf(float a, float b) {
  return a > b ? a : b;
}
CNNC_HELPER float cnnc_minf(float a, float b) {
  return a < b ? a : b;
}
CNNC_HELPER double cnnc_max(double a, double b) {
  return a > b ? a : b;
}
CNNC_HELPER double cnnc_min(double a, double b) {
  return a < b ? a : b;
}

/* Does `next` replace the maximum so far? NaN wins over numbers, the first over its equals. */
CNNC_HELPER bool cnnc_winsf(float next, float best) {
  return next > best || (next != next && best == best);
}
CNNC_HELPER bool cnnc_wins(double next, double best) {
  return next > best || (next != next && best == best);
}

#endif
