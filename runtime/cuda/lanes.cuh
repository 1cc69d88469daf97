/* Eight channels that lie beside each other in memory, as numbers; aligned to 16 bytes. */
#ifndef CNNC_CUDA_LANES
#define CNNC_CUDA_LANES

typedef struct __align__(16) cnnc_chunk {
  unsigned word[4];
} cnnc_chunk;

CNNC_HELPER void cnnc_load_lanes_f32(float to[8], const float *from) {
  const cnnc_chunk low = *(const cnnc_chunk *)from, high = *(const cnnc_chunk *)(from + 4);
  CNNC_UNROLL
  for (int i = 0; i < 4; i++) {
    to[i] = __uint_as_float(low.word[i]);
    to[4 + i] = __uint_as_float(high.word[i]);
  }
}
CNNC_HELPER void cnnc_store_lanes_f32(float *to, const float from[8]) {
  cnnc_chunk *const low = (cnnc_chunk *)to, *const high = (cnnc_chunk *)(to + 4);
  CNNC_UNROLL
  for (int i = 0; i < 4; i++) {
    low->word[i] = __float_as_uint(from[i]);
    high->word[i] = __float_as_uint(from[4 + i]);
  }
}

#endif
