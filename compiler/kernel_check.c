/* kernel_check.c - what may be wrong with a kernel: the invariants of graphs, and what a text form
 * may get wrong. */
#include "text.h"

typedef struct Check {
  Unit *u;
  const Kernel *k;
  TypeOf type_of;
  const void *context;
} Check;

static const char *loops_fault(const Check *c) {
  const Kernel *k = c->k;
  for (int l = 0; l < k->nloop; l++) {
    const Loop *loop = &k->loop[l];
    if (loop->extent.per_n < 0 || extent_at(loop->extent, 1) < 1)
      return arena_printf(c->u->arena, "loop %s has no points", loop->name);
    if (l && k->loop[l - 1].reduced && !loop->reduced) return "free loops come first";
    if (loop->reduced && k->nfold == 0) return "reduced loops without a sum";
  }
  return NULL;
}

/* Extents grow with n along straight lines: what holds for a small and a large n holds for all. */
static const char *range_fault(const Check *c, const View *view, const Type *type, int axis) {
  for (int64_t n = 1; n <= 1001; n += 1000) {
    int64_t lo, hi;
    coord_range(c->k, &view->at[axis], n, &lo, &hi);
    if (lo >= 0 && hi < extent_at(type->dim[axis], n) && !view->at[axis].exact) continue;
    return arena_printf(c->u->arena, "axis %d of a view leaves its tensor: %lld to %lld", axis,
                        (long long)lo, (long long)hi);
  }
  return NULL;
}

static const char *view_fault(const Check *c, const View *view, bool free_only) {
  const Type *type = c->type_of(c->context, view->tensor);
  if (!type) return "a view of a tensor that is not there";
  if (view->rank != type->rank)
    return arena_printf(c->u->arena, "a view of %d axes on a tensor of %d", view->rank, type->rank);
  for (int a = 0; a < view->rank; a++) {
    const Coord *at = &view->at[a];
    if (at->div < 1 || at->mod < 0) return "a coordinate divides by less than 1";
    for (int l = 0; l < MAX_LOOPS; l++) {
      if (at->coef[l] == 0) continue;
      if (l >= c->k->nloop) return "a view mentions a loop that is not there";
      if (free_only && c->k->loop[l].reduced)
        return "what is stored, or read while storing, mentions a reduced loop";
    }
    const char *fault = view->outside == INSIDE ? range_fault(c, view, type, a) : NULL;
    if (fault) return fault;
  }
  return NULL;
}

static const char *leaves_fault(const Check *c, const Expr *e, bool in_term) {
  const Kernel *k = c->k;
  if (!e) return "an expression is missing";
  for (int i = k->nin; i < MAX_IN; i++)
    if (expr_uses(e, E_in, i)) return "an expression reads an input that is not there";
  for (int f = in_term ? 0 : k->nfold; f < MAX_FOLD; f++)
    if (expr_uses(e, E_acc, f)) return "an expression uses a sum that it cannot know";
  for (int l = 0; l < MAX_LOOPS; l++)
    if (expr_uses(e, E_index, l) && (l >= k->nloop || (!in_term && k->loop[l].reduced)))
      return "an expression uses the index of a loop that it is not in";
  return NULL;
}

static const char *out_fault(const Check *c, const Out *out) {
  const Kernel *k = c->k;
  const char *fault = leaves_fault(c, out->value, false);
  if (!fault && out->to.outside != INSIDE) fault = "a result lies outside";
  if (!fault) fault = view_fault(c, &out->to, true);
  for (int i = 0; i < k->nin && !fault; i++)
    if (expr_uses(out->value, E_in, i)) fault = view_fault(c, &k->in[i], true);
  for (int l = 0; l < k->nloop && !fault && !out->combine; l++)
    if (!k->loop[l].reduced && !view_uses(&out->to, l) && !extent_same(k->loop[l].extent, fixed(1)))
      fault = "several points of a loop have one place for their results";
  if (!fault && out->combine && !kernel_runs(k, out)) fault = "a sum's points are no runs";
  return fault;
}

const char *kernel_fault(Unit *u, const Kernel *k, TypeOf type_of, const void *context) {
  Check c = {u, k, type_of, context};
  const char *fault = k->nout < 1 ? "a kernel computes nothing" : loops_fault(&c);
  for (int i = 0; i < k->nin && !fault; i++) fault = view_fault(&c, &k->in[i], false);
  for (int f = 0; f < k->nfold && !fault; f++) fault = leaves_fault(&c, k->fold[f].term, true);
  for (int o = 0; o < k->nout && !fault; o++) fault = out_fault(&c, &k->out[o]);
  return fault;
}
