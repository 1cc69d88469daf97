/* function.h - one emitted function of device code around a body that is already text. */
#ifndef CUDA_FUNCTION_H
#define CUDA_FUNCTION_H

#include "writer.h"

/* An integer that a function is passed behind its pointers. */
typedef struct Number {
  const char *name;
  int64_t most; /* it is between 0 and this */
} Number;

enum { MAX_NUMBERS = 5 };
typedef struct Function {
  const char *declares; /* "static __global__ void" */
  const char *name;     /* without the prefix */
  const char *comment;
  bool in[MAX_IN], out[MAX_OUT]; /* the pointers that it takes */
  bool map[MAX_IN];              /* instead of them, maps of the tensors, */
  int maps;                      /* from that one of ctx on */
  int nnumbers;
  Number number[MAX_NUMBERS];
  const char *more; /* a parameter behind them: "float acc0" */
  /* Set by function_print: its name in the file, and run-time scalars that the body mentions. */
  const char *printed;
  bool scalar, batch;
} Function;

/* Is input i an argument of functions that read it? Constants are arrays of the file. */
bool function_takes(const Writer *, int input);
/* Declares the inputs of `in` that are constants: const float *const in1 = net_const3; */
void function_constants(Writer *, const bool *in);
/* Lines go into the body, a level deeper, until the function is printed. */
typedef struct Body {
  Text text, *file;
  bool scalar, batch; /* what the writer had mentioned before */
} Body;
void function_begin(Writer *, Body *);
/* Prints the function unless an equal one stands there. */
void function_print(Writer *, Function *, Body *);
/* The call of a printed function: pointers as they are called there, then these numbers (or NULL),
 * then scalars. */
const char *function_call(Writer *, const Function *, const char *numbers);

/* ---- kernels ---- */

/* Begins NAME_kernel, which takes all that the writer reads and stores, by the maps that *f names
 * already or by pointers; `bounds` of its launch: "256", NULL: none. */
void function_begin_kernel(Writer *, Function *f, const char *bounds, const char *comment, Body *);
/* Prints it. What the writer writes then is about its launch, on the host. */
void function_end_kernel(Writer *, Function *, Body *);
/* Prints that to `calls`: CNNC_START(NAME_kernel, size, stream, ...), or how else it starts. */
void function_launch(Writer *, const Function *, const char *start, const char *size, Emit *calls);

/* Begins a kernel whose threads share out the points of the grid (writer_open_points). */
void function_begin_points(Writer *, Function *, const char *comment, Body *);
/* Prints it, and to `calls` its launch for the points of a kernel: the writer's, or one whose loops
 * count several of those at once. */
void function_launch_points(Writer *, Function *, Body *, const Kernel *points, Emit *calls);

/* Begins and prints a kernel whose points have a block of so many threads each
 * (writer_block_point). */
void function_begin_shared(Writer *, Function *, int threads, const char *comment, Body *);
void function_launch_shared(Writer *, Function *, Body *, const Kernel *points, int threads,
                            Emit *calls);

#endif
