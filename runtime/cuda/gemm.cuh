/* What kernels need that multiply in blocks of threads. */
#ifndef CNNC_CUDA_GEMM
#define CNNC_CUDA_GEMM

/* Shared memory whose size is said at the launch: stages of rows of 32 words, of two operands. */
#ifndef CNNC_SHARED_TILES
#define CNNC_SHARED_TILES(stages, x, x_rows, w, w_rows)                                            \
  extern __shared__ __align__(1024) unsigned cnnc_wide[];                                          \
  unsigned(*const x)[x_rows][32] = (unsigned(*)[x_rows][32])cnnc_wide;                             \
  unsigned(*const w)[w_rows][32] = (unsigned(*)[w_rows][32])(cnnc_wide + (stages) * (x_rows)*32)
#endif

/* In their place, when they have been multiplied: lines of sums. */
#ifndef CNNC_SHARED_SUMS
#define CNNC_SHARED_SUMS(sums, lines, line)                                                        \
  float(*const sums)[line] = (float(*)[line])cnnc_wide
#endif

/* Two neighbours there at once, aligned to 8 bytes. */
CNNC_HELPER void cnnc_store_x2(float *to, float first, float second) {
  *(unsigned long long *)to =
      __float_as_uint(first) | (unsigned long long)__float_as_uint(second) << 32;
}
CNNC_HELPER void cnnc_load_x2(float to[2], const float *from) {
  const unsigned long long both = *(const unsigned long long *)from;
  to[0] = __uint_as_float((unsigned)both);
  to[1] = __uint_as_float((unsigned)(both >> 32));
}

/* Behind them, barriers. */
#ifndef CNNC_SHARED_BARRIERS
#define CNNC_SHARED_BARRIERS(stages, barrier, rows)                                                \
  unsigned long long *const barrier = (unsigned long long *)(cnnc_wide + (stages) * (rows)*32)
#endif

#endif
