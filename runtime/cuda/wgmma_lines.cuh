/* Products of four warps together (cuda/wgmma.cuh) of tiles whose lines are terms: of rows (_x), of
 * columns (_w), or both (_xw). 64 lines of 32 words hold 64 rows of 64 terms, from a multiple of
 * 1024 bytes on; those of the next 64 rows stand behind them. Of line t, the chunk of rows 8 * r ...
 * stands in place r ^ t % 8; a product begins at term 8 * k.
 *
 * A program that runs kernels elsewhere defines CNNC_WGMMA_LINES and these functions in front. */
#ifndef CNNC_WGMMA_LINES
#define CNNC_WGMMA_LINES

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

/* Where term 8 * k begins, how far 64 rows are from the next 64 (64 lines, 8192 bytes), 8 terms from
 * the next 8 (1024 bytes), and how chunks are placed (PTX ISA 8.7, 9.7.15.5.1.2, leading and stride
 * dimension byte offset of operands whose rows are beside each other). */
CNNC_HELPER unsigned long long cnnc_wgmma_lines(const unsigned *line, int k) {
  const unsigned at = CNNC_SHARED(line + 256 * k);
  return (at >> 4 & 0x3fffu) | 512ull << 16 | 64ull << 32 | 1ull << 62;
}

#define CNNC_WGMMA_LINES_FORM(suffix, n, from_rows, from_columns, x, w, rows_at, columns_at)       \
  CNNC_HELPER void cnnc_wgmma_bf16_##n##_##suffix(float d[][4], const unsigned *rows,              \
                                                  const unsigned *columns, int k) {                \
    asm volatile("{ .reg .pred add; setp.eq.b32 add, 0, 0; "                                       \
                 "wgmma.mma_async.sync.aligned.m64n" #n "k16.f32.bf16.bf16 {" CNNC_N##n            \
                 "}, %" #from_rows ", %" #from_columns ", add, 1, 1, " #x ", " #w "; }"            \
                 : CNNC_D##n(0)                                                                    \
                 : "l"(rows_at(rows, k)), "l"(columns_at(columns, k))                              \
                 : "memory");                                                                      \
  }
#define CNNC_WGMMA_LINES_FORMS(n, from_rows, from_columns)                                         \
  CNNC_WGMMA_LINES_FORM(x, n, from_rows, from_columns, 1, 0, cnnc_wgmma_lines, cnnc_wgmma_turned)  \
  CNNC_WGMMA_LINES_FORM(w, n, from_rows, from_columns, 0, 1, cnnc_wgmma_turned, cnnc_wgmma_lines)  \
  CNNC_WGMMA_LINES_FORM(xw, n, from_rows, from_columns, 1, 1, cnnc_wgmma_lines, cnnc_wgmma_lines)
CNNC_WGMMA_LINES_FORM(x, 32, 16, 17, 1, 0, cnnc_wgmma_lines, cnnc_wgmma_turned)
CNNC_WGMMA_LINES_FORMS(64, 32, 33)
CNNC_WGMMA_LINES_FORMS(128, 64, 65)
CNNC_WGMMA_LINES_FORMS(256, 128, 129)

#else

/* The words of 16 rows of the warp, and of 16 columns from 8 * j, as cnnc_wgmma_rows and
 * cnnc_wgmma_columns load them. */
CNNC_HELPER void cnnc_wgmma_row_lines(unsigned a[4], const unsigned *rows, int k) {
  const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32 % 4;
  const int term = 8 * (k + lane / 16) + lane % 8, chunk = 2 * warp + lane / 8 % 2;
  cnnc_ldmatrix_trans_x4(a, &rows[32 * term + 4 * (chunk ^ term % 8)]);
}
CNNC_HELPER void cnnc_wgmma_column_lines(unsigned b[4], const unsigned *columns, int j, int k) {
  const int lane = (int)threadIdx.x % 32;
  const int term = 8 * (k + lane / 8 % 2) + lane % 8, chunk = j % 8 + lane / 16;
  cnnc_ldmatrix_trans_x4(b, &columns[2048 * (j / 8) + 32 * term + 4 * (chunk ^ term % 8)]);
}
/* `x` and `w` are constants. */
CNNC_HELPER void cnnc_wgmma_each_line(float d[][4], int count, const unsigned *rows, int x,
                                      const unsigned *columns, int w, int k) {
  unsigned a[4], b[4];
  if (x)
    cnnc_wgmma_row_lines(a, rows, k);
  else
    cnnc_wgmma_rows(a, rows, k);
  CNNC_UNROLL
  for (int j = 0; j < count; j += 2) {
    if (w)
      cnnc_wgmma_column_lines(b, columns, j, k);
    else
      cnnc_wgmma_columns(b, columns, j, k);
    cnnc_mma_bf16(d[j], a, b);
    cnnc_mma_bf16(d[j + 1], a, &b[2]);
  }
}
#define CNNC_WGMMA_LINES_FORM(suffix, n, count, x, w)                                              \
  CNNC_HELPER void cnnc_wgmma_bf16_##n##_##suffix(float d[][4], const unsigned *rows,              \
                                                  const unsigned *columns, int k) {                \
    cnnc_wgmma_each_line(d, count, rows, x, columns, w, k);                                        \
  }
#define CNNC_WGMMA_LINES_FORMS(n, count)                                                           \
  CNNC_WGMMA_LINES_FORM(x, n, count, 1, 0)                                                         \
  CNNC_WGMMA_LINES_FORM(w, n, count, 0, 1)                                                         \
  CNNC_WGMMA_LINES_FORM(xw, n, count, 1, 1)
CNNC_WGMMA_LINES_FORM(x, 32, 4, 1, 0)
CNNC_WGMMA_LINES_FORMS(64, 8)
CNNC_WGMMA_LINES_FORMS(128, 16)
CNNC_WGMMA_LINES_FORMS(256, 32)

#endif

#endif
