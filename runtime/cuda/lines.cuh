/* Tiles whose rows lie beside each other in memory, rather than the terms along which they are
 * multiplied: a line of shared memory holds rows of one term, numbers of 16 bits (see
 * cuda/tensor.cuh). */
#ifndef CNNC_LINES
#define CNNC_LINES

/* As cnnc_ldmatrix_x4, of blocks that are turned over: 8 lines of terms by 8 rows. A thread gets
 * terms 2 * (lane % 4) and the next one of row lane / 4 (PTX ISA 8.7, 9.7.14.5.15, .trans). */
CNNC_HELPER void cnnc_ldmatrix_trans_x4(unsigned word[4], const unsigned *at) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(word[0]), "=r"(word[1]), "=r"(word[2]), "=r"(word[3])
               : "r"(CNNC_SHARED(at))
               : "memory");
}

#endif
