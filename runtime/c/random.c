/* Philox 4x32-10 (Salmon et al. 2011): four random words from a key and a counter. */
static void NAME_philox(uint32_t key0, uint32_t key1, uint32_t word[4]) {
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

/* Fills a parameter: uniform in [center - bound, center + bound), by seed, stream and element. */
static void NAME_fill(float *at, size_t size, uint64_t seed, uint64_t stream, double center,
                      double bound) {
  uint32_t word[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < size; i++) {
    if (i % 4 == 0) {
      uint64_t block = i / 4;
      word[0] = (uint32_t)block;
      word[1] = (uint32_t)(block >> 32);
      word[2] = (uint32_t)stream;
      word[3] = (uint32_t)(stream >> 32);
      NAME_philox((uint32_t)seed, (uint32_t)(seed >> 32), word);
    }
    double unit = (double)(word[i % 4] >> 8) / 8388608.0 - 1.0; /* 24 bits in [-1, 1) */
    at[i] = (float)(center + bound * unit);
  }
}
