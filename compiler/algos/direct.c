/* direct.c - convolution as it is written, in register tiles: points of a row x output channels.
 *
 * Every tap of every input channel is broadcast to the lanes of the output channels and multiplied
 * with packed weights; borders need no tests because the input has a physical margin. Serves
 * windows of any stride, dilation and group whose channels fill lanes; where none slides, the same
 * steps are a matrix product (gemm.c). */
#include "algos.h"

extern const Algo algo_direct;

static const char *refuses(const Plan *p, const Contraction *c) {
  const char *reason = tiles_refuses(p, c, 'N');
  if (reason) return reason;
  if (!contraction_slides(c)) return "no window slides over its input: gemm";
  return NULL;
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  tiles_lower(p, c, 'N', algo_direct.name, steps);
}

const Algo algo_direct = {
    .name = "direct",
    .doc = "register tiles of points x output channels, inputs broadcast",
    .refuses = refuses,
    .wants = LAYOUT_ANY,
    .gives = LAYOUT_LANES,
    .tolerance = 1,
    .lower = lower,
};
