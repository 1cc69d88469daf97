/* loops_window.c - windows that slide over a tensor: where they may leave it their loops run over
 * the input coordinate; small ones that lie inside are unrolled.
 *
 *   if (oh - 1 >= 0 && oh + 2 <= 14 && ow - 1 >= 0 && ow + 2 <= 14) {
 *     {
 *       const avx512_v x0 = avx512_load(in0 + 224 * oh + 16 * ow - 240);
 *       acc0 = avx512_fold_max(acc0, x0);
 *     } ..                                             each tap
 *   } else
 *     for (int ih = ih_from; ih < ih_to; ih++) .. */
#include "loops.h"

/* Loops around few terms take longer than these. */
enum { MOST_TAPS = 16 };

const Coord *loops_window(const Loops *w, int l, Extent *extent) {
  const Kernel *k = w->f->k;
  const Coord *found = NULL;
  if (!k->loop[l].reduced || k->bind[l].step >= 0 || kernel_uses_index(k, l)) return NULL;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++) {
      const Coord *c = &k->in[i].at[a];
      if (!coord_uses(c, l)) continue;
      const Extent dim = leaf_buffer(w->f, &k->in[i])->type.dim[a];
      const bool tested = k->in[i].outside == SKIP && view_tests(w->f->plan, w->f->k, &k->in[i], a);
      if (!tested || !coord_affine(c) || c->coef[l] != 1) return NULL;
      if (found && (!coord_same(found, c) || !extent_same(*extent, dim))) return NULL;
      found = c;
      *extent = dim;
    }
  return found;
}

Linear loops_window_begin(const Loops *w, int l, const Coord *c) {
  Linear first = linear_constant(c->plus);
  for (int i = 0; i < w->f->k->nloop; i++)
    if (c->coef[i] && i != l) linear_add(&first, &w->f->value[i], c->coef[i]);
  return first;
}

/* Do all coordinates that mention loop l lie inside, without a name? */
static bool stays_inside(const Loops *w, int l) {
  const Kernel *k = w->f->k;
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++)
      if (coord_uses(&k->in[i].at[a], l) && loops_needs_name(w, &k->in[i], a)) return false;
  return true;
}

static bool may_unroll(const Loops *w) {
  const Kernel *k = w->f->k;
  int64_t taps = 1;
  if (!w->vectors || w->lane < 0 || loops_sum_lanes(w) || w->early_level > w->nfree) return false;
  for (int i = w->nfree; i < w->norder; i++) {
    const int l = w->order[i];
    Extent extent;
    if (k->loop[l].extent.per_n || k->bind[l].step >= 0) return false;
    if (!loops_window(w, l, &extent) && !stays_inside(w, l)) return false;
    if ((taps *= k->loop[l].extent.plus) > MOST_TAPS) return false;
  }
  return true;
}

/* That all taps are inside, or "" if they always are. */
static const char *inside_text(Loops *w) {
  Leaf *f = w->f;
  Text all = {.arena = f->e->arena};
  for (int i = w->nfree; i < w->norder; i++) {
    const int l = w->order[i];
    Extent extent;
    const Coord *c = loops_window(w, l, &extent);
    if (!c) continue;
    const Linear first = loops_window_begin(w, l, c), end = extent_form(extent);
    Linear last = first;
    last.constant += f->k->loop[l].extent.plus;
    text_add(&all, "%s%s >= 0 && %s <= %s", all.n ? " && " : "", leaf_form(f, &first),
             leaf_form(f, &last), leaf_form(f, &end));
  }
  return all.n ? all.at : "";
}

static void each_tap(Loops *w, int level) {
  if (level == w->norder) {
    emit_open_block(w->f->e);
    loops_add_terms(w);
    emit_close(w->f->e);
    return;
  }
  const int l = w->order[level];
  for (int64_t i = 0; i < w->f->k->loop[l].extent.plus; i++) {
    w->f->value[l] = linear_constant(i);
    each_tap(w, level + 1);
  }
}

bool loops_unroll_window(Loops *w, bool *leaves) {
  if (w->nfree == w->norder || !may_unroll(w)) return false;
  const char *inside = inside_text(w);
  *leaves = inside[0] != 0;
  if (*leaves) emit_open(w->f->e, "if (%s)", inside);
  each_tap(w, w->nfree);
  if (*leaves) emit_close(w->f->e);
  return true;
}
