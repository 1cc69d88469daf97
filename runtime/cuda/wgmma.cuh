/* Products of four warps together (wgmma, which only sm_90a has); other devices multiply in each of
 * the warps, so that one text serves all. Sections are those of the PTX ISA 8.7.
 *
 * Four warps multiply 64 rows by n columns along 8 words, each two numbers of 16 bits. Both lie in
 * shared memory: 32 words of each row from a multiple of 1024 bytes on, in chunks of four, of which
 * chunk k of row r stands in place k ^ r % 8; a product begins at an even chunk k. Or, if `apart`
 * is not 0, chunks k of all rows stand behind each other, so many chunks before those that follow
 * them. The results d of a warp, of 16 of the rows, are those of n / 8 products by cnnc_mma_..
 * (tensor.cuh).
 *
 * They are made while their threads go on: products between a fence and a commit are a group, whose
 * words may be changed, and whose results be used, when the group has been waited for.
 *
 * A program that runs kernels elsewhere defines CNNC_WGMMA and these functions in front of it. */
#ifndef CNNC_WGMMA
#define CNNC_WGMMA

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

/* Where chunk k of the rows begins, how far 8 rows are from the next 8 (1024 bytes), and how chunks
 * are placed (9.7.15.5.1.2.2, matrix descriptors). */
CNNC_HELPER unsigned long long cnnc_wgmma_turned(const unsigned *row, int k) {
  const unsigned at = CNNC_SHARED(row + 4 * k);
  return (at >> 4 & 0x3fffu) | 1ull << 16 | 64ull << 32 | 1ull << 62;
}
/* The same of rows that may stand so many chunks apart: how far chunk k is from chunk k + 1, and 8
 * rows from the next 8 (128 bytes; 9.7.15.5.1.2.1, leading and stride dimension byte offset). */
CNNC_HELPER unsigned long long cnnc_wgmma_at(const unsigned *row, int apart, int k) {
  const unsigned at = CNNC_SHARED(row + 4 * apart * k);
  if (apart == 0) return cnnc_wgmma_turned(row, k);
  return (at >> 4 & 0x3fffu) | (unsigned long long)apart << 16 | 8ull << 32;
}

/* What the thread has written into shared memory, products may read that come after a barrier
 * (9.7.13.4, fence). */
CNNC_HELPER void cnnc_wgmma_written(void) {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}
/* In front of products: the thread has done what it does with registers of d (9.7.15.7.1). */
CNNC_HELPER void cnnc_wgmma_fence(void) {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
/* The products since the last time are a group (9.7.15.7.2). */
CNNC_HELPER void cnnc_wgmma_commit(void) {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/* Waits for all groups but the last ones, so many; a constant (9.7.15.7.3). */
#define cnnc_wgmma_wait(groups)                                                                    \
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(groups) : "memory")
/* The compiler leaves results where they are before this and after it. */
CNNC_HELPER void cnnc_wgmma_hold(float d[][4], int count) {
  CNNC_UNROLL
  for (int j = 0; j < count; j++)
    asm volatile("" : "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])::"memory");
}

#define CNNC_N32 "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15"
#define CNNC_N64                                                                                   \
  CNNC_N32                                                                                         \
  ", %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31"
#define CNNC_N128                                                                                  \
  CNNC_N64                                                                                         \
  ", %32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47"               \
  ", %48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63"
#define CNNC_N256                                                                                  \
  CNNC_N128                                                                                        \
  ", %64, %65, %66, %67, %68, %69, %70, %71, %72, %73, %74, %75, %76, %77, %78, %79"               \
  ", %80, %81, %82, %83, %84, %85, %86, %87, %88, %89, %90, %91, %92, %93, %94, %95"               \
  ", %96, %97, %98, %99, %100, %101, %102, %103, %104, %105, %106, %107, %108, %109, %110, %111"   \
  ", %112, %113, %114, %115, %116, %117, %118, %119, %120, %121, %122, %123, %124, %125, %126, "   \
  "%127"
#define CNNC_D8(j)   "+f"(d[j][0]), "+f"(d[j][1]), "+f"(d[j][2]), "+f"(d[j][3])
#define CNNC_D32(j)  CNNC_D8(j), CNNC_D8(j + 1), CNNC_D8(j + 2), CNNC_D8(j + 3)
#define CNNC_D64(j)  CNNC_D32(j), CNNC_D32(j + 4)
#define CNNC_D128(j) CNNC_D64(j), CNNC_D64(j + 8)
#define CNNC_D256(j) CNNC_D128(j), CNNC_D128(j + 16)

/* d += rows * columns, by four warps (9.7.15.5.2, wgmma.mma_async). */
#define CNNC_WGMMA_FORM(type, n, from_rows, from_columns)                                          \
  CNNC_HELPER void cnnc_wgmma_##type##_##n(float d[][4], const unsigned *rows, int apart,          \
                                           const unsigned *columns, int k) {                       \
    asm volatile("{ .reg .pred add; setp.eq.b32 add, 0, 0; "                                       \
                 "wgmma.mma_async.sync.aligned.m64n" #n "k16.f32." #type "." #type " {" CNNC_N##n  \
                 "}, %" #from_rows ", %" #from_columns ", add, 1, 1, 0, 0; }"                      \
                 : CNNC_D##n(0)                                                                    \
                 : "l"(cnnc_wgmma_at(rows, apart, k)), "l"(cnnc_wgmma_turned(columns, k))          \
                 : "memory");                                                                      \
  }
#define CNNC_WGMMA_FORMS(type)                                                                     \
  CNNC_WGMMA_FORM(type, 32, 16, 17)                                                                \
  CNNC_WGMMA_FORM(type, 64, 32, 33)                                                                \
  CNNC_WGMMA_FORM(type, 128, 64, 65)                                                               \
  CNNC_WGMMA_FORM(type, 256, 128, 129)

#else

CNNC_HELPER void cnnc_wgmma_written(void) {}
CNNC_HELPER void cnnc_wgmma_fence(void) {}
CNNC_HELPER void cnnc_wgmma_commit(void) {}
#define cnnc_wgmma_wait(groups) ((void)0)
CNNC_HELPER void cnnc_wgmma_hold(float d[][4], int count) {
  (void)d, (void)count;
}

/* Each warp multiplies its own rows, at once: the words of 16 rows, and of 16 columns from 8 * j.
 * Chunks that are apart came in boxes, which no other device has. */
CNNC_HELPER void cnnc_wgmma_rows(unsigned a[4], const unsigned *rows, int k) {
  const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32 % 4;
  const int row = 16 * warp + lane % 16, chunk = (k + lane / 16) ^ row % 8;
  cnnc_ldmatrix_x4(a, &rows[32 * row + 4 * chunk]);
}
CNNC_HELPER void cnnc_wgmma_columns(unsigned b[4], const unsigned *columns, int j, int k) {
  const int lane = (int)threadIdx.x % 32;
  const int column = 8 * (j + lane / 16) + lane % 8, chunk = (k + lane / 8 % 2) ^ column % 8;
  cnnc_ldmatrix_x4(b, &columns[32 * column + 4 * chunk]);
}
CNNC_HELPER void cnnc_wgmma_each_bf16(float d[][4], int count, const unsigned *rows,
                                      const unsigned *columns, int k) {
  unsigned a[4], b[4];
  cnnc_wgmma_rows(a, rows, k);
  CNNC_UNROLL
  for (int j = 0; j < count; j += 2) {
    cnnc_wgmma_columns(b, columns, j, k);
    cnnc_mma_bf16(d[j], a, b);
    cnnc_mma_bf16(d[j + 1], a, &b[2]);
  }
}
CNNC_HELPER void cnnc_wgmma_each_f16(float d[][4], int count, const unsigned *rows,
                                     const unsigned *columns, int k) {
  unsigned a[4], b[4];
  cnnc_wgmma_rows(a, rows, k);
  CNNC_UNROLL
  for (int j = 0; j < count; j += 2) {
    cnnc_wgmma_columns(b, columns, j, k);
    cnnc_mma_f16(d[j], a, b);
    cnnc_mma_f16(d[j + 1], a, &b[2]);
  }
}
#define CNNC_WGMMA_FORM(type, n, count)                                                            \
  CNNC_HELPER void cnnc_wgmma_##type##_##n(float d[][4], const unsigned *rows, int apart,          \
                                           const unsigned *columns, int k) {                       \
    (void)apart;                                                                                   \
    cnnc_wgmma_each_##type(d, count, rows, columns, k);                                            \
  }
#define CNNC_WGMMA_FORMS(type)                                                                     \
  CNNC_WGMMA_FORM(type, 32, 4)                                                                     \
  CNNC_WGMMA_FORM(type, 64, 8)                                                                     \
  CNNC_WGMMA_FORM(type, 128, 16)                                                                   \
  CNNC_WGMMA_FORM(type, 256, 32)

#endif

CNNC_WGMMA_FORMS(bf16)
CNNC_WGMMA_FORMS(f16)

#endif
