/* batch.c - images of the batch in the lanes: for few channels, which would leave lanes empty (the
 * order of cuda-convnet, Krizhevsky 2012, in blocks of one vector: NCHW16n).
 *
 *   x[n, c, h, w] lies as blocks of images, [n / 16][c][h][w][16]
 *   y[n, k, oh, ow] = sum over c kh kw of w[k, c, kh, kw] * x[n, c, oh + kh, ow + kw]
 *     each weight, as it was loaded, is broadcast; R channels k share a vector of x
 *   dw[k, c, kh, kw] = sum over n oh ow of x[n, c, oh + kh, ow + kw] * dy[n, k, oh, ow]
 *     R x K products of vectors; their lanes are added up at the end
 * Lanes behind the last image hold zeros, so they add nothing. Whatever the window, stride or
 * group, all lanes do the same: nothing is packed, no channel is padded, and what a window reads
 * beyond its input is left out of the sum, where taps move it by single elements. */
#include "algos.h"
#include "backend.h"

#include <stdlib.h>

/* The loop over the images; -1: there is none. */
static int image_loop(const Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].extent.per_n) return l;
  return -1;
}

/* Can the images of a view be the lanes, if it knows them? */
static bool may_lie_so(const Plan *p, const View *v, int image) {
  int only;
  if (!view_uses(v, image)) return true;
  for (int a = 1; a < v->rank; a++)
    if (coord_uses(&v->at[a], image)) return false;
  return format_batch(p, &p->buffer.at[v->tensor].type).lane_axis == 0 &&
         coord_is_loop(&v->at[0], &only);
}

static bool is_affine(const View *v) {
  for (int a = 0; a < v->rank; a++)
    if (!coord_affine(&v->at[a]) || v->at[a].exact) return false;
  return true;
}

/* The reduced loop that moves a coordinate by one element and no other axis of the view; -1: none,
 * or several. */
static int window_loop(const Kernel *k, const View *v, int axis) {
  int found = -1;
  for (int l = 0; l < k->nloop; l++) {
    if (!k->loop[l].reduced || !coord_uses(&v->at[axis], l)) continue;
    if (found >= 0 || k->loop[l].extent.per_n || abs(v->at[axis].coef[l]) != 1) return -1;
    found = l;
  }
  for (int a = 0; a < v->rank && found >= 0; a++)
    if (a != axis && coord_uses(&v->at[a], found)) return -1;
  return found;
}

bool batch_keeps_inside(const Plan *p, const Kernel *k, const View *v) {
  for (int a = 0; a < v->rank; a++)
    if (view_tests(p, k, v, a) && window_loop(k, v, a) < 0) return false;
  return true;
}

/* What its operands must have in common with each other and with the result. */
static const char *refuses_roles(const Contraction *c, int image) {
  const Kernel *k = c->k;
  const bool in_w = view_uses(&k->in[c->w], image);
  bool point = false, column = false;
  for (int l = 0; l < k->nloop; l++) {
    point |= c->role[l] == 'M' && l != image && view_uses(&k->in[c->x], l);
    column |= c->role[l] == 'N' && l != image;
  }
  if (!view_uses(&k->in[c->x], image)) return "its input is the same for all images";
  if (k->loop[image].reduced)
    return !in_w               ? "its sum over images is not one of products of two"
           : !point || !column ? "its operands share all loops of the result"
                               : NULL;
  if (in_w) return "each image has weights of its own";
  return column ? NULL : "no output channels share inputs";
}

const char *batch_refuses(const Plan *p, const Contraction *c) {
  const Kernel *k = c->k;
  const int image = image_loop(k);
  if (p->target->lanes == 1) return "this target has no lanes";
  if (image < 0 || p->max_batch < p->target->lanes) return "the batch does not fill lanes";
  if (k->math != F32 || k->fold[0].acc != F32) return "its sum is in double";
  if (k->nout != 1 || k->out[0].combine) return "it has more than one result";
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    if (!is_affine(v)) return "its index maps divide";
    if (v->outside == SKIP) return "its sum leaves terms out";
    if (!may_lie_so(p, v, image)) return "a tensor of it cannot have images in lanes";
  }
  if (k->in[c->w].outside != INSIDE && !view_uses(&k->in[c->w], image))
    return "its weights are read outside of their bounds";
  return refuses_roles(c, image);
}

bool batch_is_summed(const Plan *p, const Contraction *c) {
  return buffer_in_batch(&p->buffer.at[c->k->in[c->x].tensor]) &&
         buffer_in_batch(&p->buffer.at[c->k->in[c->w].tensor]);
}

void batch_lower(Plan *p, const Contraction *c, const char *algo, Steps *steps) {
  Step *leaf = plan_leaf(p, c->k);
  View *x = &leaf->run->in[c->x];
  leaf->run->algo = algo;
  if (!batch_is_summed(p, c) && x->outside == FILL && x->fill == 0 &&
      batch_keeps_inside(p, leaf->run, x))
    x->outside = SKIP;
  algo_pick_tile(p, leaf->run);
  vec_push(p->u->arena, steps, leaf);
}

extern const Algo algo_batch;

static const char *refuses(const Plan *p, const Contraction *c) {
  return tiles_refuses(p, c, TILES_BATCH);
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  tiles_lower(p, c, TILES_BATCH, algo_batch.name, steps);
}

const Algo algo_batch = {
    .name = "batch",
    .doc = "images of the batch in lanes, for few channels",
    .refuses = refuses,
    .wants = LAYOUT_BATCH,
    .gives = LAYOUT_BATCH,
    .tolerance = 1,
    .doubt = 1.25, /* of many channels neither weights nor blocks of images stay in L1 */
    .lower = lower,
};
