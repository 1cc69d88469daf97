/* window.h - what convolution and pooling share: windows that slide over up to three axes. */
#ifndef WINDOW_H
#define WINDOW_H

#include "graph.h"

enum { MAX_SPATIAL = 3 };

/* Part of the operators' attributes. In a node everything is resolved: one number per axis, the
 * padding as PAD_SIDES. */
typedef struct Window {
  IntList kernel, stride, dilation;
  Pad pad;
} Window;

#define WINDOW_FIELDS(Attr, stride_default, stride_doc)                                            \
  {.name = "kernel",                                                                               \
   .kind = FIELD_INTS,                                                                             \
   .offset = offsetof(Attr, window.kernel),                                                        \
   .required = true,                                                                               \
   .min = 1,                                                                                       \
   .max = 0x7fffffff,                                                                              \
   .example = "3",                                                                                 \
   .doc = "extents of the window"},                                                                \
      {.name = "stride",                                                                           \
       .kind = FIELD_INTS,                                                                         \
       .offset = offsetof(Attr, window.stride),                                                    \
       .otherwise = stride_default,                                                                \
       .min = 1,                                                                                   \
       .max = 0x7fffffff,                                                                          \
       .doc = stride_doc},                                                                         \
      {.name = "dilation",                                                                         \
       .kind = FIELD_INTS,                                                                         \
       .offset = offsetof(Attr, window.dilation),                                                  \
       .otherwise = 1,                                                                             \
       .min = 1,                                                                                   \
       .max = 0x7fffffff,                                                                          \
       .doc = "distance between the window's elements"},                                           \
  {                                                                                                \
    .name = "pad", .kind = FIELD_PAD, .offset = offsetof(Attr, window.pad), .max = 0x7fffffff,     \
    .doc = "padding of each side: a number, one per axis, {\"lo\": ..., \"hi\": ...}, \"valid\" "  \
           "(none), \"same\" (output = input / stride), \"full\" (every overlap)"                  \
  }

/* The number of spatial axes of the input; 0 after an error. */
int window_rank(Build *, const Type *in);
/* `list` with one number per axis: given once or per axis, or not at all. Reports and returns
 * false. */
bool axes_resolve(Build *, const char *key, const IntList *given, int rank, int64_t otherwise,
                  IntList *list);
/* `stride` is what an axis gets that has none: 0 means the kernel's extent. */
bool window_resolve(Build *, const Window *given, const Type *in, int64_t stride, Window *);
/* The extents of the result; false after an error. With `ceil` a last window may begin inside and
 * end outside the padded input. */
bool window_extents(Graph *, const Node *, const Window *, bool ceil, int64_t out[MAX_SPATIAL]);
/* Coordinate of spatial axis `axis` for output position `o` and window position `k` (loops). */
Coord window_coord(const Window *, int axis, int o, int k);
/* Reports and returns false where windows lie in the padding alone. */
bool window_padding_fits(Build *, const Window *);
/* The type of a pool's result: the input's with the extents of window_extents. */
bool window_infer(Graph *, Node *, const Window *, bool ceil);
/* The loops of a pool: the result's, then one reduced loop per axis of the window; in 0 reads the
 * input there, SKIP where windows leave it. */
void window_kernel(const Graph *, const Node *, const Window *, Kernel *);
/* Loop names of spatial axes: "oh", "kh" ... */
const char *window_output_loop(int axis, int rank);
const char *window_kernel_loop(int axis, int rank);

#endif
