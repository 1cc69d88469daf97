/* norm.h - what normalisations share. */
#ifndef NORM_H
#define NORM_H

#include "axes.h"

typedef struct BatchNormAttr {
  double eps, momentum;
  bool affine;
} BatchNormAttr;

/* The mean over all axes behind the first `kept`, of x or, given their mean, of (x - mean)^2. */
Id trailing_mean(Build *, Id x, Id mean, int kept);

#endif
