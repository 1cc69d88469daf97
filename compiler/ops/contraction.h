/* contraction.h - what layers with weights share: fixed weights, biases, groups. */
#ifndef CONTRACTION_H
#define CONTRACTION_H

#include "window.h"

enum { BIAS_AUTO = -1 }; /* a bias per channel, none beside fixed weights */

#define BIAS_FIELD(Attr)                                                                           \
  {                                                                                                \
    .name = "bias", .kind = FIELD_BIAS, .offset = offsetof(Attr, bias), .otherwise = BIAS_AUTO,    \
    .doc = "one number per output channel (true, the default without \"weights\"), one per "       \
           "position too (\"position\"), or none (false)"                                          \
  }
#define WEIGHTS_FIELD(Attr)                                                                        \
  {                                                                                                \
    .name = "weights", .kind = FIELD_TENSOR, .offset = offsetof(Attr, weights),                    \
    .doc = "fixed weights, not trained; missing leading axes are repeated: a 3x3 list serves "     \
           "every pair of channels"                                                                \
  }

/* Fixed weights of a shape: the given trailing axes repeated over the leading ones. NULL after an
 * error. */
double *fixed_weights_of(Build *, const Matrix *given, const Type *);
/* y + the layer's bias, if it has one. */
Id bias_added(Build *, Id y, int32_t bias, bool fixed_weights, int64_t fan_in);
/* Reports and returns false where groups do not divide channels and filters. */
bool groups_divide(Build *, int64_t groups, int64_t channels, int64_t filters);

#endif
