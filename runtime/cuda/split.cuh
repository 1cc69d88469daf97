/* Numbers for tensor cores as they lie in shared memory, each as a sum of two of tf32: one behind the
 * other along rows, `pitch` apart along a row. `at` is the thread's first one. */
#ifndef CNNC_CUDA_SPLIT
#define CNNC_CUDA_SPLIT

/* What rounding to tf32 leaves, rounded to tf32. */
CNNC_HELPER unsigned cnnc_tf32_rest(float a) {
  return cnnc_tf32(a - __uint_as_float(cnnc_tf32(a)));
}

CNNC_HELPER void cnnc_split(unsigned *word, unsigned *rest, float a) {
  *word = cnnc_tf32(a);
  *rest = cnnc_tf32_rest(a);
}
CNNC_HELPER void cnnc_split_rows(unsigned a[4], unsigned rest[4], const float *at, int pitch) {
  cnnc_split(&a[0], &rest[0], at[0]);
  cnnc_split(&a[1], &rest[1], at[8]);
  cnnc_split(&a[2], &rest[2], at[4 * pitch]);
  cnnc_split(&a[3], &rest[3], at[4 * pitch + 8]);
}
CNNC_HELPER void cnnc_split_columns(unsigned b[2], unsigned rest[2], const float *at, int pitch) {
  cnnc_split(&b[0], &rest[0], at[0]);
  cnnc_split(&b[1], &rest[1], at[4 * pitch]);
}

#endif
