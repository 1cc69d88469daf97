/* Words for tensor cores as they lie in shared memory: one behind the other along rows, `pitch`
 * apart along the words of a row. `at` is the thread's first one. */
#ifndef CNNC_CUDA_WORDS
#define CNNC_CUDA_WORDS

/* The thread's words of 16 rows and of 8 columns. */
CNNC_HELPER void cnnc_rows(unsigned a[4], const unsigned *at, int pitch) {
  a[0] = at[0];
  a[1] = at[8];
  a[2] = at[4 * pitch];
  a[3] = at[4 * pitch + 8];
}
CNNC_HELPER void cnnc_columns(unsigned b[2], const unsigned *at, int pitch) {
  b[0] = at[0];
  b[1] = at[4 * pitch];
}

#endif
