/* Tensor cores, numbers for them, and how those come into shared memory and out of it: all that
 * needs instructions of PTX stands here, behind functions (sections are those of the PTX ISA 8.7).
 *
 * A warp multiplies 16 rows by 8 columns along 8 words, each a number of 32 bits or two of 16. Of
 * rows, thread `lane` holds the words a: of row lane / 4 and the one 8 below, word lane % 4 and
 * then the one 4 behind it; of columns the words b likewise; of results the numbers d, in those two
 * rows and in columns 2 * (lane % 4) and the next one.
 *
 * A program that runs kernels elsewhere defines CNNC_TENSOR and these functions in front of it. */
#ifndef CNNC_TENSOR
#define CNNC_TENSOR

/* A number rounded to tf32: 11 bits, to nearest, halves away from 0 (9.7.9.21, cvt). */
CNNC_HELPER unsigned cnnc_tf32(float a) {
  unsigned word;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(word) : "f"(a));
  return word;
}

/* Two numbers rounded to nearest bf16, the first one in the low half (9.7.9.21, cvt). */
CNNC_HELPER unsigned cnnc_bf16(float a, float b) {
  unsigned word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(b), "f"(a));
  return word;
}
/* The same in f16 (9.7.9.21, cvt). */
CNNC_HELPER unsigned cnnc_f16(float a, float b) {
  unsigned word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(b), "f"(a));
  return word;
}

/* A number of f16 (9.7.9.21, cvt). */
CNNC_HELPER float cnnc_from_f16(unsigned short bits) {
  float number;
  asm("cvt.f32.f16 %0, %1;" : "=f"(number) : "h"(bits));
  return number;
}

/* d += a * b, by all threads of a warp (9.7.14.5, mma). */
#define CNNC_MMA(name, form)                                                                       \
  CNNC_HELPER void name(float d[4], const unsigned a[4], const unsigned b[2]) {                    \
    asm volatile("mma.sync.aligned." form                                                          \
                 " {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"                \
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));              \
  }
CNNC_MMA(cnnc_mma_tf32, "m16n8k8.row.col.f32.tf32.tf32.f32")
CNNC_MMA(cnnc_mma_bf16, "m16n8k16.row.col.f32.bf16.bf16.f32")
CNNC_MMA(cnnc_mma_f16, "m16n8k16.row.col.f32.f16.f16.f32")
#undef CNNC_MMA

/* What instructions take for an address in shared memory. */
#define CNNC_SHARED(at) ((unsigned)__cvta_generic_to_shared(at))

/* Four blocks of 8 rows by 4 words from shared memory: of each, a thread gets word lane % 4 of row
 * lane / 4; `at` is row lane % 8 of block lane / 8, aligned to 16 bytes (9.7.14.5.15, ldmatrix). */
CNNC_HELPER void cnnc_ldmatrix_x4(unsigned word[4], const unsigned *at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
               : "r"(CNNC_SHARED(at))
               : "memory");
}

/* Four words at once into shared memory, aligned to 16 bytes (9.7.9.11, st). */
CNNC_HELPER void cnnc_store_x4(unsigned *to, const unsigned word[4]) {
  asm volatile("st.shared.v4.b32 [%0], {%1, %2, %3, %4};"
               :
               : "r"(CNNC_SHARED(to)), "r"(word[0]), "r"(word[1]), "r"(word[2]), "r"(word[3])
               : "memory");
}

/* Begins to copy 16 aligned bytes into shared memory, zeros if not `there`; `from` is valid
 * nevertheless (9.7.9.25.3.1, cp.async). */
CNNC_HELPER void cnnc_cp_async_16(void *to, const void *from, bool there) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;"
               :
               : "r"(CNNC_SHARED(to)), "l"(from), "r"(there ? 16 : 0)
               : "memory");
}
/* The same for 4 bytes (9.7.9.25.3.1, cp.async). */
CNNC_HELPER void cnnc_cp_async_4(void *to, const void *from, bool there) {
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
               :
               : "r"(CNNC_SHARED(to)), "l"(from), "r"(there ? 4 : 0)
               : "memory");
}
/* What the thread began to copy since the last time is a group (9.7.9.25.3.2). */
CNNC_HELPER void cnnc_cp_async_commit(void) {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/* Waits for all groups of the thread but the last ones, so many; a constant (9.7.9.25.3.3). */
#define cnnc_cp_async_wait(groups) asm volatile("cp.async.wait_group %0;" ::"n"(groups) : "memory")

#endif
