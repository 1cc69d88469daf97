/* Philox 4x32-10 (Salmon et al. 2011): four random words from a key and a counter. */
#ifndef CNNC_PHILOX
#define CNNC_PHILOX
#include <stdint.h>

#if defined(__CUDACC__)
#define CNNC_PHILOX_INLINE static __host__ __device__ __attribute__((unused))
#elif defined(__GNUC__)
#define CNNC_PHILOX_INLINE static __attribute__((unused))
#else
#define CNNC_PHILOX_INLINE static
#endif

CNNC_PHILOX_INLINE void cnnc_philox(uint32_t key0, uint32_t key1, uint32_t word[4]) {
  for (int round = 0; round < 10; round++) {
    uint64_t product0 = (uint64_t)0xD2511F53u * word[0], product1 = (uint64_t)0xCD9E8D57u * word[2];
    uint32_t next0 = (uint32_t)(product1 >> 32) ^ word[1] ^ key0;
    uint32_t next2 = (uint32_t)(product0 >> 32) ^ word[3] ^ key1;
    word[1] = (uint32_t)product1;
    word[3] = (uint32_t)product0;
    word[0] = next0;
    word[2] = next2;
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
}
#endif
