/* What kernels need that multiply in blocks of threads. */
#ifndef CNNC_CUDA_GEMM
#define CNNC_CUDA_GEMM

/* The loop that follows is written out. */
#ifdef __CUDACC__
#define CNNC_UNROLL _Pragma("unroll")
#else
#define CNNC_UNROLL
#endif

#endif
