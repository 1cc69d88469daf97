/* Boxes of a tensor that come into shared memory by themselves (TMA, which only sm_90 and later
 * have): one thread asks for a box by a map of its tensor (map.cuh); what a box has outside of the
 * tensor is 0. Sections are those of the PTX ISA 8.7.
 *
 * A barrier in shared memory tells all threads that boxes are there. It has phases: one is over
 * when a thread has announced the bytes that come by it, once, and all of them have come.
 *
 * A program that runs kernels elsewhere defines CNNC_TMA and these functions in front of it. */
#ifndef CNNC_TMA
#define CNNC_TMA

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#error "this file was emitted for sm_90a: nvcc -arch=sm_90a"
#endif

/* Begins a barrier whose phases one thread announces (9.7.13.15.9, mbarrier.init). Others may use
 * it behind a fence (cnnc_wgmma_written) and __syncthreads. */
CNNC_HELPER void cnnc_barrier_begin(unsigned long long *barrier) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(CNNC_SHARED(barrier)) : "memory");
}
/* So many bytes come by its phase (9.7.13.15.13, mbarrier.arrive). */
CNNC_HELPER void cnnc_barrier_expect(unsigned long long *barrier, int bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(CNNC_SHARED(barrier)),
               "r"(bytes)
               : "memory");
}
/* Waits until phase 0, 2, 4 ... (even) or 1, 3, 5 ... (odd) is over, the present one or the one
 * before it (9.7.13.15.16, mbarrier.try_wait). */
CNNC_HELPER void cnnc_barrier_wait(unsigned long long *barrier, int odd) {
  int over;
  do {
    asm volatile("{ .reg .pred over; "
                 "mbarrier.try_wait.parity.shared::cta.b64 over, [%1], %2; "
                 "selp.b32 %0, 1, 0, over; }"
                 : "=r"(over)
                 : "r"(CNNC_SHARED(barrier)), "r"(odd)
                 : "memory");
  } while (!over);
}

/* Begins to copy the box that begins at these places of the tensor's axes, the nearest one first,
 * to a multiple of 128 bytes, of 1024 if it is turned (9.7.9.25.5.2, cp.async.bulk.tensor). */
#define CNNC_BOX "shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {"
CNNC_HELPER void cnnc_box_2(void *to, const CUtensorMap *map, unsigned long long *barrier, int a,
                            int b) {
  asm volatile("cp.async.bulk.tensor.2d." CNNC_BOX "%3, %4}], [%2];" ::"r"(CNNC_SHARED(to)),
               "l"(map), "r"(CNNC_SHARED(barrier)), "r"(a), "r"(b)
               : "memory");
}
CNNC_HELPER void cnnc_box_4(void *to, const CUtensorMap *map, unsigned long long *barrier, int a,
                            int b, int c, int d) {
  asm volatile("cp.async.bulk.tensor.4d." CNNC_BOX "%3, %4, %5, %6}], [%2];" ::"r"(CNNC_SHARED(to)),
               "l"(map), "r"(CNNC_SHARED(barrier)), "r"(a), "r"(b), "r"(c), "r"(d)
               : "memory");
}
#undef CNNC_BOX

#endif
