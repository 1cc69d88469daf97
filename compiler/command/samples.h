/* samples.h - a data set beside the network that it is for: what eval and train both ask. */
#ifndef SAMPLES_H
#define SAMPLES_H

#include "inference.h"

typedef struct Samples {
  Dataset data;
  const Graph *g;
  int input; /* of the network, where samples go */
  Scaling scaling;
  int64_t classes; /* of its first output; labels are below */
  float *whole;    /* room for a sample with its margin */
} Samples;

/* Reads a part of --data, with a margin around pictures and sounds, and checks that samples and
 * labels fit the network; false after a message. */
bool samples_read(Unit *, const Options *, const Graph *, DataPart, int64_t margin, Samples *);
int64_t samples_size(const Samples *); /* numbers of a sample that the network reads */
/* Sample i as the network's input takes it. */
void samples_get(const Samples *, int64_t i, float *out);
int64_t samples_labels(const Samples *); /* how many there are: one or more for each sample */
/* Is it below 0, or left out by all losses that read labels? */
bool samples_ignored(const Samples *, int32_t label);
/* The class that a result names at place p of the label_size places of a sample. */
int64_t samples_class(const Samples *, const float *result, int64_t p);

#endif
