/* Element i of tensor t: in [-1, 1), a multiple of 2^-23; the same wherever it is computed. */
static float NAME_noise(uint64_t t, uint64_t i) {
  uint64_t z = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) + t * UINT64_C(0xd1b54a32d192ed03);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return (float)((z ^ z >> 31) >> 40) * (1.0f / 8388608) - 1;
}
