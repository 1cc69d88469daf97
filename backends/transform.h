/* transform.h - products with constant matrices along axes (Winograd's transforms): what generators
 * see in a kernel (transform.c), and straight-line code for one such product (matrix.c). */
#ifndef TRANSFORM_H
#define TRANSFORM_H

#include "emit.h"

enum { MAX_DIMS = 3, MAX_LINE = 128 };

/* rows x columns numbers: y[row] = sum of value[row * columns + column] * x[column]. */
typedef struct ConstMatrix {
  const double *value;
  int rows, columns;
  int all_rows; /* more may follow, which nobody wants but which show what rows share */
} ConstMatrix;

/* Prints y = matrix * x; x[] and y[] are names, y become new constants. `isa`: NULL for scalars. */
void matrix_code(Emit *, const ConstMatrix *, const char *isa, const char *type,
                 const char *const *x, const char *const *y);
/* Arithmetic instructions of that code. */
int matrix_count(const ConstMatrix *);

/* One axis of a transform. */
typedef struct TransformDim {
  ConstMatrix matrix;
  int row, column; /* loops: free, reduced */
  bool tiled;      /* row = m * tile + row of the matrix: the data is read at row / m */
  int axis;        /* tiled: which of the data */
} TransformDim;

/* acc = sum over all columns of data * matrix[row, column] * .. */
typedef struct Transform {
  int data; /* input */
  int n;
  TransformDim dim[MAX_DIMS];
  int lane; /* the free loop in vectors, -1: none */
} Transform;
bool transform_of(const Plan *, const Kernel *, Transform *);
/* How many tiles there are at the largest batch, of so many lanes each. */
double transform_tiles(const Plan *, const Kernel *, const Transform *, int lanes);

#endif
