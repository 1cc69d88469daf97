/* inference.h - runs a network on samples: in the interpreter, or as a program around the emitted
 * library. */
#ifndef INFERENCE_H
#define INFERENCE_H

#include "driver.h"
#include "tensors.h"

typedef struct Inference {
  Unit *u;
  const Options *o;
  const Graph *g;
  double **param;
  int64_t n;        /* samples */
  float **input;    /* by index of Graph.input: row-major, all samples. NULL: not read */
  float **output;   /* by output: filled, in the arena */
  int repeat;       /* how often, for the time */
  bool progress;    /* to stderr */
  double seconds;   /* the least time for all samples */
  double memory_kb; /* peak of the program; 0: not known */
  int64_t library_bytes;
  const Target *target; /* NULL: interpreted */
} Inference;

/* Finds the target and reads the network and its parameters, which come from --weights or --seed:
 * each may be NULL after a message. */
Inference inference_new(Unit *, const Options *);
/* STATUS_DONE, or a message, also of somebody else: then it is looked for more of them. */
Status inference_run(Inference *);

int64_t inference_input_size(const Graph *, int input); /* elements of a sample */
int64_t inference_output_size(const Graph *, int output);
/* The first of the largest of values[0], values[stride] ... */
int64_t inference_class(const float *values, int64_t classes, int64_t stride);
/* How pictures are prepared; bytes stay as they are where the network takes bytes. */
Scaling inference_scaling(const Input *);

#endif
