/* loops.c - the contraction as it stands: one scalar sum per element of the result. It serves every
 * contraction, whatever its index maps, so nothing is ever refused as a whole. */
#include "algos.h"

static const char *refuses(const Plan *p, const Contraction *c) {
  (void)p;
  (void)c;
  return NULL;
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  Step *leaf = plan_leaf(p, c->k);
  leaf->run->algo = "loops";
  algo_pick_shares(p, leaf->run);
  vec_push(p->u->arena, steps, leaf);
}

const Algo algo_loops = {
    .name = "loops",
    .doc = "plain loops over any index maps",
    .refuses = refuses,
    .wants = LAYOUT_ANY,
    .gives = LAYOUT_ANY,
    .tolerance = 1,
    .lower = lower,
};
