/* The same of 16 bits each (cuda/lanes.cuh). */
#ifndef CNNC_CUDA_LANES_NARROW
#define CNNC_CUDA_LANES_NARROW

CNNC_HELPER void cnnc_load_lanes_bf16(float to[8], const unsigned short *from) {
  const cnnc_chunk chunk = *(const cnnc_chunk *)from;
  CNNC_UNROLL
  for (int i = 0; i < 4; i++) {
    to[2 * i] = __uint_as_float(chunk.word[i] << 16);
    to[2 * i + 1] = __uint_as_float(chunk.word[i] & 0xffff0000u);
  }
}
CNNC_HELPER void cnnc_load_lanes_f16(float to[8], const unsigned short *from) {
  const cnnc_chunk chunk = *(const cnnc_chunk *)from;
  CNNC_UNROLL
  for (int i = 0; i < 4; i++) {
    to[2 * i] = cnnc_from_f16((unsigned short)(chunk.word[i] & 65535u));
    to[2 * i + 1] = cnnc_from_f16((unsigned short)(chunk.word[i] >> 16));
  }
}
CNNC_HELPER void cnnc_store_lanes_bf16(unsigned short *to, const float from[8]) {
  cnnc_chunk *const chunk = (cnnc_chunk *)to;
  CNNC_UNROLL
  for (int i = 0; i < 4; i++) chunk->word[i] = cnnc_bf16(from[2 * i], from[2 * i + 1]);
}
CNNC_HELPER void cnnc_store_lanes_f16(unsigned short *to, const float from[8]) {
  cnnc_chunk *const chunk = (cnnc_chunk *)to;
  CNNC_UNROLL
  for (int i = 0; i < 4; i++) chunk->word[i] = cnnc_f16(from[2 * i], from[2 * i + 1]);
}

#endif
