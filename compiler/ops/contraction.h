/* contraction.h - what layers with weights share: weights, biases, groups, the loops of
 * convolutions. */
#ifndef CONTRACTION_H
#define CONTRACTION_H

#include "window.h"

enum { BIAS_AUTO = -1 }; /* a bias per channel, none beside fixed weights */

#define FILTERS_FIELD(Attr)                                                                        \
  {                                                                                                \
    .name = "filters", .kind = FIELD_INT, .offset = offsetof(Attr, filters), .required = true,     \
    .min = 1, .max = 0x7fffffff, .example = "16", .doc = "number of output channels"               \
  }
#define GROUPS_FIELD(Attr)                                                                         \
  {                                                                                                \
    .name = "groups", .kind = FIELD_INT, .offset = offsetof(Attr, groups), .otherwise = 1,         \
    .min = 1, .max = 0x7fffffff, .doc = "channels are cut into this many groups that do not mix"   \
  }
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

/* y + the layer's bias, if it has one. */
Id bias_added(Build *, Id y, int32_t bias, bool fixed_weights, int64_t fan_in);
/* The layer's weights of a shape: a constant if they are `given`, otherwise a parameter. */
Id weights_of(Build *, const Matrix *given, const char *suffix, const Type *, int64_t fan_in,
              int64_t fan_out);
/* Reports and returns false where groups do not divide channels and filters. */
bool groups_divide(Build *, int64_t groups, int64_t channels, int64_t filters);

/* What the kernel of a convolution consists of, by loop and by view; groups of one have no loop. */
typedef struct Sliding {
  int group, filter, channel; /* group -1: there is one */
  int o[MAX_SPATIAL], t[MAX_SPATIAL];
  View *x, *w;
} Sliding;
/* n<n g<G k<filters oh ow | c<channels kh kw; out 0 = [n, k + filters*g, oh, ow]. The caller says
 * where x is read along its spatial axes and all of where w is; x = [n, c + channels*g, ...]. */
Sliding sliding_loops(const Graph *, const Node *, const IntList *kernel, int64_t groups,
                      int64_t filters, int64_t channels, Kernel *);

#endif
