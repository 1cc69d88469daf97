/* depthwise.c - every channel has its own filter: lanes run over channels of input, weights and
 * result alike, so nothing is broadcast. */
#include "algos.h"

/* Do x and the result move along their channels together? */
static bool same_channel(const Plan *p, const Contraction *c, int lane) {
  const View *x = &c->k->in[c->x];
  if (x->rank < 3) return false;
  for (int l = 0; l < c->k->nloop; l++)
    if (x->at[1].coef[l] % plan_lanes(p) != 0 && l != lane) return false;
  return x->at[1].coef[lane] == 1 && x->at[1].plus % plan_lanes(p) == 0;
}

extern const Algo algo_depthwise;

static const char *refuses(const Plan *p, const Contraction *c) {
  const char *reason = tiles_refuses(p, c, 'B');
  if (reason) return reason;
  if (contraction_both_change(p, c)) return NULL;
  const int lane = contraction_lane(p, c, 'B');
  if (c->k->out[0].to.rank < 3) return "its result has no points beside channels";
  if (lane < 0 || !same_channel(p, c, lane)) return "output channels share input channels";
  return NULL;
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  tiles_lower(p, c, 'B', algo_depthwise.name, steps);
}

const Algo algo_depthwise = {
    .name = "depthwise",
    .doc = "one filter per channel: lanes over channels of input, weights and result",
    .refuses = refuses,
    .wants = LAYOUT_LANES,
    .gives = LAYOUT_LANES,
    .tolerance = 1,
    .lower = lower,
};
