/* softmax.h - the logarithm of softmax as nodes, which cross entropy is made of as well. */
#ifndef SOFTMAX_H
#define SOFTMAX_H

#include "graph.h"

/* x [n,c,...] -> log softmax along an axis; axis 0 is the first behind the batch. */
Id build_log_softmax(Build *, Id x, int64_t axis);

#endif
