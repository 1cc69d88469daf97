/* matrix.h - a product with a constant matrix as instructions: matrix.c finds few, matrix_text.c
 * prints them. */
#ifndef MATRIX_H
#define MATRIX_H

#include "transform.h"

typedef enum MatrixOp {
  MATRIX_ZERO,
  MATRIX_X,
  MATRIX_PLUS,
  MATRIX_MINUS,
  MATRIX_TIMES,
  MATRIX_FMA
} MatrixOp;

typedef struct MatrixNode {
  MatrixOp op;
  int a, b;      /* nodes; MATRIX_X: a is its number */
  double factor; /* MATRIX_TIMES: factor * a; MATRIX_FMA: factor * a + b */
  int uses;
  const char *text; /* while it is printed */
} MatrixNode;

typedef struct MatrixCode {
  Arena *arena;
  VEC(MatrixNode) node;
  int *y; /* nodes, by row: the result */
} MatrixCode;

/* The way with the fewest instructions. */
MatrixCode matrix_best(Arena *, const ConstMatrix *);

#endif
