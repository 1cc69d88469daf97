/* choose_formats.c - part of choose: the layouts that a buffer may have, what becomes of the wish
 * for one, and parts of a buffer that get one of their own. */
#include "choose.h"
#include "narrow.h"
#include "backend.h"

/* ---- formats ---- */

/* What memory between kernels holds of a tensor: statistics, which have no space, stay exact. */
static DType stored_type(const Plan *p, const Buffer *b) {
  const bool own = (b->home == HOME_WORK || b->home == HOME_KEPT) && b->phase == PHASE_CALL &&
                   b->type.dtype == F32;
  bool space = false;
  for (int a = 2; a < b->type.rank; a++) space |= b->type.dim[a].plus > 1;
  return own && space ? plan_stored(p) : b->type.dtype;
}

Format choose_format(const Plan *p, const Buffer *b, Layouts layout) {
  Format f = layout == LAYOUT_LANES   ? format_lanes(p, &b->type)
             : layout == LAYOUT_BATCH ? format_batch(p, &b->type)
                                      : format_plain(b->type.dtype);
  f.dtype = stored_type(p, b);
  return f;
}

void choose_stored_types(Plan *p) {
  for (int b = 0; b < p->buffer.n; b++) {
    const DType dtype = stored_type(p, &p->buffer.at[b]);
    if (dtype_narrow(dtype)) p->buffer.at[b].format.dtype = dtype;
  }
}

bool choose_may_lie(const Plan *p, int buffer, Layouts layout) {
  const Buffer *b = &p->buffer.at[buffer];
  return layout == LAYOUT_PLAIN ||
         (b->phase == PHASE_CALL && choose_format(p, b, layout).lane_axis >= 0);
}

bool choose_has_layouts(const Plan *p, int buffer) {
  return choose_may_lie(p, buffer, LAYOUT_LANES) || choose_may_lie(p, buffer, LAYOUT_BATCH);
}

Layouts choose_possible(const Plan *p, int buffer, Layouts want) {
  return want == LAYOUT_ANY || choose_may_lie(p, buffer, want) ? want : LAYOUT_PLAIN;
}

bool choose_serves(Layouts layout, Layouts want) {
  return want == LAYOUT_ANY ? layout != LAYOUT_BATCH : layout == want;
}

Layouts choose_moved_to(Layouts want) {
  return want == LAYOUT_ANY ? LAYOUT_PLAIN : want;
}

bool choose_is_open(const Plan *p, int buffer) {
  const Buffer *b = &p->buffer.at[buffer];
  return choose_has_layouts(p, buffer) && (b->home == HOME_WORK || b->home == HOME_KEPT);
}

double choose_format_bytes(const Plan *p, int buffer, Layouts layout) {
  Buffer b = p->buffer.at[buffer];
  b.format = choose_format(p, &b, layout);
  return (double)buffer_bytes(&b, p->max_batch);
}

double choose_move_time(const Plan *p, int buffer, Layouts layout, Layouts want) {
  const Machine *m = &p->target->machine;
  if (choose_serves(layout, want)) return 0;
  double bytes = choose_format_bytes(p, buffer, layout) +
                 choose_format_bytes(p, buffer, choose_moved_to(want));
  return m->launch + bytes / m->l3_bandwidth;
}

/* ---- parts of a buffer ---- */

int choose_own_buffer(Plan *p, const Kernel *k, View *to, Layouts layout, int64_t *at) {
  Buffer b = p->buffer.at[to->tensor];
  b.name = arena_printf(p->u->arena, "%s.moved", b.name);
  b.home = HOME_WORK;
  for (int a = 0; a < to->rank; a++) {
    int64_t last;
    coord_range(k, &to->at[a], p->max_batch, &at[a], &last);
    if (b.type.dim[a].per_n == 0) b.type.dim[a] = fixed(last - at[a] + 1);
    to->at[a].plus -= at[a];
  }
  b.format = choose_format(p, &b, layout);
  return plan_buffer(p, b);
}

static bool only_copies(const Kernel *k) {
  return kernel_kind(k) == KIND_MAP && k->out[0].value->op == E_in;
}

static bool splits_lanes(const Plan *p, const View *to) {
  const Format lanes = format_lanes(p, &p->buffer.at[to->tensor].type);
  return choose_may_lie(p, to->tensor, LAYOUT_LANES) &&
         to->at[lanes.lane_axis].plus % lanes.lanes != 0;
}

void choose_separate_parts(Plan *p, Steps *steps) {
  Steps all = {0};
  for (int i = 0; i < steps->n; i++) {
    Kernel *k = steps->at[i]->run;
    View *to = &k->out[0].to;
    const int whole = to->tensor;
    int64_t at[MAX_RANK];
    vec_push(p->u->arena, &all, steps->at[i]);
    if (k->nout != 1 || only_copies(k) || !splits_lanes(p, to)) continue;
    to->tensor = choose_own_buffer(p, k, to, LAYOUT_PLAIN, at);
    vec_push(p->u->arena, &all, plan_copy(p, to->tensor, whole, at));
  }
  *steps = all;
}
