/* gemm.h - contractions in blocks of threads: the fast path of the generator. */
#ifndef CUDA_GEMM_H
#define CUDA_GEMM_H

#include "writer.h"

/* What a precision needs of the text: numbers of shared memory are words of one or two. */
typedef struct Arithmetic {
  const char *word;  /* type of shared memory */
  int pack;          /* numbers in a word */
  const char *round; /* makes a word; NULL: as it is */
  const char *mma;   /* product of a warp; NULL: each thread multiplies and adds */
  bool split;        /* numbers become a sum of two where they are multiplied */
} Arithmetic;
extern const Arithmetic gemm_arithmetic[PRECISIONS];

/* The tile of one block of threads (Kernel.tile): of the result, words of a stage along the terms,
 * and what one thread (with mma one warp) computes of it. */
typedef struct GemmTile {
  int rows, columns, words, i, j;
} GemmTile;
GemmTile gemm_tile(const Kernel *);
void gemm_set_tile(Kernel *, const GemmTile *);
int gemm_threads(const GemmTile *, const Arithmetic *);

bool gemm_serves(const Writer *);
/* Prints what loads, what stores and the kernel, and to `calls` its launch. */
void gemm_print(Writer *, Emit *calls);

#endif
