/* plan_edit.c - changes of a Plan that several passes make. */
#include "plan.h"

Step *plan_copy(Plan *p, int from, int to, const int64_t *at) {
  const Type *type = &p->buffer.at[from].type;
  Kernel k;
  kernel_start(&k, p->buffer.at[to].name, to, type);
  kernel_in_whole(&k, from, type);
  for (int a = 0; a < type->rank && at; a++) k.out[0].to.at[a].plus = at[a];
  k.out[0].value = expr_in(p->u, 0);
  k.math = type->dtype == F64 ? F64 : F32;
  kernel_simplify(p->u, &k);
  return plan_leaf(p, &k);
}

/* ---- derived buffers that several entries read ---- */

static void renumber(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  const int *to = context;
  (void)entry;
  (void)outer;
  (void)depth;
  for (int i = 0; i < k->nin; i++) k->in[i].tensor = to[k->in[i].tensor];
  for (int o = 0; o < k->nout; o++) k->out[o].to.tensor = to[k->out[o].to.tensor];
}

/* Does b fill a buffer with what a fills one of the same kind with? */
static bool prepares_same(const Plan *p, const Kernel *a, const Kernel *b) {
  if (!a || !b || a->nout != 1 || b->nout != 1) return false;
  const Buffer *x = &p->buffer.at[a->out[0].to.tensor], *y = &p->buffer.at[b->out[0].to.tensor];
  if (x->home != y->home || !type_same(&x->type, &y->type) || x->format.dtype != y->format.dtype ||
      x->format.lane_axis != y->format.lane_axis || x->format.lanes != y->format.lanes)
    return false;
  Kernel same = *b;
  same.out[0].to.tensor = a->out[0].to.tensor;
  return kernel_same(a, &same);
}

void plan_share_prepared(Plan *p) {
  int *to = NEW_ARRAY(p->u->arena, int, p->buffer.n), kept = 0;
  Steps *steps = &p->entry[PLAN_PREPARE].step;
  for (int b = 0; b < p->buffer.n; b++) to[b] = b;
  for (int i = 0; i < steps->n; i++) {
    Kernel *k = steps->at[i]->run;
    int first = 0;
    for (int j = 0; k && j < k->nin; j++) k->in[j].tensor = to[k->in[j].tensor];
    while (first < kept && !prepares_same(p, steps->at[first]->run, k)) first++;
    if (first < kept)
      to[k->out[0].to.tensor] = steps->at[first]->run->out[0].to.tensor;
    else
      steps->at[kept++] = steps->at[i];
  }
  steps->n = kept;
  plan_leaves(p, renumber, to);
}

/* ---- dropping what nobody reads ---- */

static void mark_read(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  bool *read = context;
  (void)entry;
  (void)outer;
  (void)depth;
  for (int i = 0; i < k->nin; i++) read[k->in[i].tensor] = true;
}

static void mark_named(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  bool *named = context;
  mark_read(context, entry, k, outer, depth);
  for (int o = 0; o < k->nout; o++) named[k->out[o].to.tensor] = true;
}

static bool is_scratch(Home home) {
  return home == HOME_WORK || home == HOME_DERIVED || home == HOME_KEPT || home == HOME_CONST;
}

/* Keeps the leaves of a flat list that write something needed. True if one went. */
static bool drop_leaves(Plan *p, Steps *steps, const bool *read) {
  int kept = 0, n = steps->n;
  for (int i = 0; i < n; i++) {
    const Kernel *k = steps->at[i]->run;
    bool needed = !k;
    for (int o = 0; k && o < k->nout; o++) {
      int to = k->out[o].to.tensor;
      needed |= read[to] || !is_scratch(p->buffer.at[to].home);
    }
    if (needed) steps->at[kept++] = steps->at[i];
  }
  steps->n = kept;
  return kept < n;
}

static void drop_buffers(Plan *p) {
  bool *named = NEW_ARRAY(p->u->arena, bool, p->buffer.n);
  int *to = NEW_ARRAY(p->u->arena, int, p->buffer.n), kept = 0;
  plan_leaves(p, mark_named, named);
  for (int b = 0; b < p->buffer.n; b++) {
    to[b] = kept;
    if (named[b] || !is_scratch(p->buffer.at[b].home)) p->buffer.at[kept++] = p->buffer.at[b];
  }
  p->buffer.n = kept;
  plan_leaves(p, renumber, to);
}

void plan_drop_unused(Plan *p) {
  for (bool again = true; again;) {
    bool *read = NEW_ARRAY(p->u->arena, bool, p->buffer.n);
    again = false;
    plan_leaves(p, mark_read, read);
    for (int e = 0; e < PLAN_ENTRIES; e++) again |= drop_leaves(p, &p->entry[e].step, read);
  }
  drop_buffers(p);
}
