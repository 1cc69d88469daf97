/* Tensor cores, and numbers for them. A warp multiplies 16 rows by 8 columns along 8 words, each a
 * number of 32 bits or two of 16. Thread `lane` holds of the rows the words a: row lane / 4 and the
 * one 8 below, of each the words lane % 4 and 4 behind it; of the columns the words b likewise; of
 * the results d those of its rows and of columns 2 * (lane % 4) and the next one.
 *
 * This file alone has instructions of PTX. A program that runs kernels elsewhere defines
 * CNNC_TENSOR and these functions in front of it. */
#ifndef CNNC_TENSOR
#define CNNC_TENSOR

/* A number rounded to tf32: 11 bits, to nearest, halves away from 0. */
CNNC_HELPER unsigned cnnc_tf32(float a) {
  unsigned word;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(word) : "f"(a));
  return word;
}

/* Two numbers rounded to nearest, the first one in the low half. */
CNNC_HELPER unsigned cnnc_bf16(float a, float b) {
  unsigned word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(b), "f"(a));
  return word;
}
CNNC_HELPER unsigned cnnc_f16(float a, float b) {
  unsigned word;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(b), "f"(a));
  return word;
}

/* d += a * b, by all threads of a warp. */
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

#endif
