/* Fills a parameter: uniform in [center - bound, center + bound), by seed, stream and element. */
static void NAME_fill(NAME_real *at, size_t size, uint64_t seed, uint64_t stream, double center,
                      double bound) {
  uint32_t word[4] = {0, 0, 0, 0};
  for (size_t i = 0; i < size; i++) {
    if (i % 4 == 0) {
      uint64_t block = i / 4;
      word[0] = (uint32_t)block;
      word[1] = (uint32_t)(block >> 32);
      word[2] = (uint32_t)stream;
      word[3] = (uint32_t)(stream >> 32);
      cnnc_philox((uint32_t)seed, (uint32_t)(seed >> 32), word);
    }
    double unit = (double)(word[i % 4] >> 8) / 8388608.0 - 1.0; /* 24 bits in [-1, 1) */
    at[i] = (NAME_real)(float)(center + bound * unit);
  }
}
