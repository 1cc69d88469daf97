/* gemm.c - a matrix product: rows are points or samples, columns output channels.
 *
 * For contractions in which no window slides: 1x1 convolutions and dense layers. The same register
 * tiles as direct; a dense layer's result is a row of channels, which vectors write as it lies. */
#include "algos.h"

extern const Algo algo_gemm;

static const char *refuses(const Plan *p, const Contraction *c) {
  const char *reason = tiles_refuses(p, c, 'N');
  if (reason) return reason;
  if (contraction_slides(c)) return "a window slides over its input";
  return NULL;
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  tiles_lower(p, c, 'N', algo_gemm.name, steps);
}

const Algo algo_gemm = {
    .name = "gemm",
    .doc = "matrix product: 1x1 convolutions and dense layers",
    .refuses = refuses,
    .wants = LAYOUT_ANY,
    .gives = LAYOUT_LANES,
    .tolerance = 1,
    .lower = lower,
};
