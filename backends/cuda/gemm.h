/* gemm.h - contractions in blocks of threads: the fast path of the generator. */
#ifndef CUDA_GEMM_H
#define CUDA_GEMM_H

#include "function.h"

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

enum {
  GEMM_PAD = 8, /* words behind a row of shared memory, so that a warp meets all its banks */
  GEMM_WARP = 32
};

bool gemm_serves(const Writer *);
/* Prints what loads, what stores and the kernel, and to `calls` its launch. */
void gemm_print(Writer *, Emit *calls);

/* ---- a kernel while it is printed ---- */

/* An operand: a tile of it lies in shared memory. */
typedef struct Operand {
  int in;
  char role;          /* of the loops along which it has rows in the tile */
  const char *array;  /* "x", "w" */
  const char *index;  /* "row", "column" */
  int tile;           /* how many of them */
  const char *extent; /* how many there are: "784 * batch" */
  bool whole;         /* tiles cover them without a rest */
  bool along_terms;   /* neighbours in memory are terms */
  const char *load;   /* the function for one element */
  Function f;
} Operand;

typedef struct Gemm {
  Writer *w;
  Contraction c;
  const Arithmetic *as;
  GemmTile tile;
  int threads;
  const char *terms; /* how many there are */
  bool whole_terms;
  Operand x, y; /* y: w of the contraction */
  Function store;
  const char *store_name;
} Gemm;

/* ---- products.c: what the threads of a block make of a stage ---- */

/* Which part of the tile is whose, and sums of nothing. */
void products_begin(Gemm *);
/* Adds the products of a stage. */
void products_stage(Gemm *);
/* Opens loops over a thread's results, with their `row` and `column`; returns how many. */
int products_open_results(Gemm *);
/* The sum that belongs there. */
const char *products_result(const Gemm *);

#endif
