/* Sums over the threads of a warp. */
#ifndef CNNC_CUDA_SUMS
#define CNNC_CUDA_SUMS

/* Each lane gets the sum of those whose numbers differ from its own in the bits from `first` to
 * below `end`, powers of two; all of them the same one. */
CNNC_HELPER double cnnc_sum_lanes(double sum, int first, int end) {
  CNNC_UNROLL
  for (int bit = first; bit < end; bit *= 2) sum += __shfl_xor_sync(0xffffffffu, sum, bit);
  return sum;
}

#endif
