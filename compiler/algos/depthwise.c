/* depthwise.c - every channel has its own filter: lanes run over channels of input, weights and
 * result alike, so nothing is broadcast.
 *
 * Where threads work in blocks, a thread computes some results beside each other, and reads what
 * their windows share once; of as many channels as lie in lanes, if they do. */
#include "algos.h"
#include "backend.h"

extern const Algo algo_depthwise;

/* Do x and the result move along their channels together? */
static bool same_channel(const Plan *p, const Contraction *c, int lane) {
  const View *x = &c->k->in[c->x];
  if (x->rank < 3) return false;
  for (int l = 0; l < c->k->nloop; l++)
    if (x->at[1].coef[l] % plan_lanes(p) != 0 && l != lane) return false;
  return x->at[1].coef[lane] == 1 && x->at[1].plus % plan_lanes(p) == 0;
}

/* ---- threads in blocks ---- */

enum {
  MOST_CHANNELS = 8, /* that meet in a sum */
  MOST_FILTER = 96   /* numbers of a filter, in all lanes, that registers hold */
};

/* What the sum runs over besides windows. */
static int64_t channels_in_sum(const Contraction *c) {
  int64_t channels = 1;
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'K' && !contraction_loop_slides(c, l))
      channels *= extent_at(c->k->loop[l].extent, 1);
  return channels;
}

static bool has_channels(const Contraction *c) {
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'B') return true;
  return false;
}

const char *channels_refuses(const Plan *p, const Contraction *c) {
  const char *reason = contraction_refuses_weights(p, c);
  const View *w = &c->k->in[c->w];
  Sliding s;
  if (reason) return reason;
  if (c->k->fold[0].acc != F32) return "its sum is in double";
  for (int a = 0; a < w->rank; a++)
    if (!coord_affine(&w->at[a])) return "its index maps divide";
  if (!has_channels(c) || channels_in_sum(c) > MOST_CHANNELS)
    return "output channels share input channels";
  if (!contraction_slide(c, &s)) return "no window slides over its input";
  if (slide_taps(c, &s) * plan_lanes(p) > MOST_FILTER) return "its filters exceed registers";
  return NULL;
}

bool channels_in_lanes(const Plan *p, const View *v, int lane) {
  const Format *f = &p->buffer.at[v->tensor].format;
  if (f->lane_axis < 0 || f->lanes != plan_lanes(p)) return false;
  for (int a = 0; a < v->rank; a++)
    if (coord_uses(&v->at[a], lane) != (a == f->lane_axis)) return false;
  return coord_lines_up(&v->at[f->lane_axis], lane, f->lanes);
}

int channels_lane(const Plan *p, const Contraction *c) {
  const int lane = plan_lanes(p) > 1 ? contraction_lane(p, c, 'B') : -1;
  const bool fits = lane >= 0 && c->k->loop[lane].extent.plus % plan_lanes(p) == 0 &&
                    channels_in_lanes(p, &c->k->in[c->x], lane) &&
                    channels_in_lanes(p, &c->k->out[0].to, lane);
  return fits ? lane : -1;
}

void channels_lower(Plan *p, const Contraction *c, const char *algo, Steps *steps) {
  Step *leaf = plan_leaf(p, c->k);
  Kernel *k = leaf->run;
  const int lane = channels_lane(p, c);
  if (lane >= 0) {
    const int packed = packed_weights(p, k, c->w, lane, plan_lanes(p));
    p->buffer.at[packed].format.dtype = plan_stored(p);
  }
  k->algo = algo;
  tile_set(&k->tile, "points", 1);
  algo_pick_tile(p, k);
  vec_push(p->u->arena, steps, leaf);
}

/* ---- the algorithm ---- */

static const char *refuses(const Plan *p, const Contraction *c) {
  const char *reason = tiles_refuses(p, c, 'B');
  if (reason || p->target->language->blocks) return reason;
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
