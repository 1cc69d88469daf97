/* Numbers of 16 bits as they lie in memory. */
#ifndef CNNC_CUDA_NARROW
#define CNNC_CUDA_NARROW

CNNC_HELPER float cnnc_from_bf16(unsigned short bits) {
  return __uint_as_float((unsigned)bits << 16);
}
CNNC_HELPER unsigned short cnnc_to_bf16(float a) {
  return (unsigned short)(cnnc_bf16(a, 0.0f) & 65535u);
}
CNNC_HELPER unsigned short cnnc_to_f16(float a) {
  return (unsigned short)(cnnc_f16(a, 0.0f) & 65535u);
}

#endif
