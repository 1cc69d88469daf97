/* Words for tensor cores that are numbers of f32 as they come out of shared memory. */
#ifndef CNNC_CUDA_SPLIT
#define CNNC_CUDA_SPLIT

/* What rounding to tf32 leaves, rounded to tf32. */
CNNC_HELPER unsigned cnnc_tf32_rest(float a) {
  return cnnc_tf32(a - __uint_as_float(cnnc_tf32(a)));
}

/* Rounds words to tf32. */
CNNC_HELPER void cnnc_round(unsigned word[4]) {
  for (int i = 0; i < 4; i++) word[i] = cnnc_tf32(__uint_as_float(word[i]));
}
/* Makes of each a sum of two of tf32: what it is rounded to, and what that leaves. */
CNNC_HELPER void cnnc_split(unsigned word[4], unsigned rest[4]) {
  for (int i = 0; i < 4; i++) {
    const float number = __uint_as_float(word[i]);
    word[i] = cnnc_tf32(number);
    rest[i] = cnnc_tf32_rest(number);
  }
}

#endif
