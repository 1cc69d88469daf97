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

/* Behind them, barriers. */
#ifndef CNNC_SHARED_BARRIERS
#define CNNC_SHARED_BARRIERS(stages, barrier, rows)                                                \
  unsigned long long *const barrier = (unsigned long long *)(cnnc_wide + (stages) * (rows)*32)
#endif

#endif
