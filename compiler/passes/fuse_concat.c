/* fuse_concat.c - part of fuse: concatenations become copies of their members, and what makes a
 * member writes its place in the whole.
 *
 *   both: n c<48 h w: %3 = in0 + in1             c2: n k<32 oh ow | ..: acc0 = sum in0*in1
 *     in0 = %1[n, c, h, w] fill 0            ->    %3[n, k, oh, ow] = acc0
 *     in1 = %2[n, c - 32, h, w] fill 0           c3: ..  %3[n, k + 32, oh, ow] = acc0            */
#include "fuse.h"
#include "join.h"

/* ---- members ---- */

/* Is e a sum of inputs, each once? */
static bool sums_inputs(const Expr *e, bool *seen) {
  if (e->op == E_add) return sums_inputs(e->arg[0], seen) && sums_inputs(e->arg[1], seen);
  if (e->op != E_in || seen[e->index]) return false;
  return seen[e->index] = true;
}

/* Is input `which` of k one part of the whole along at most one axis, at `offset` there? */
static bool is_part(const Kernel *k, int which, int *axis, int64_t *offset) {
  const View *v = &k->in[which];
  if (v->outside == SKIP || (v->outside == FILL && v->fill != 0) || v->rank != k->nloop)
    return false;
  *offset = 0;
  for (int a = 0; a < v->rank; a++) {
    Coord plain = coord_loop(a, 1, v->at[a].plus);
    if (!coord_same(&plain, &v->at[a]) || v->at[a].plus > 0) return false;
    if (v->at[a].plus == 0) continue;
    if (*offset) return false;
    *axis = a;
    *offset = -v->at[a].plus;
  }
  return true;
}

/* Do the members lie one after another along one axis and fill it? */
static bool is_concat(const Graph *g, const Kernel *k, int *axis) {
  bool seen[MAX_IN] = {false};
  if (k->nfold || k->nin < 2 || k->nout != 1 || !sums_inputs(k->out[0].value, seen)) return false;
  int64_t offset = 0, at;
  if (!is_part(k, 1, axis, &at) || at == 0) return false;
  for (int i = 0; i < k->nin; i++) {
    int other = *axis;
    if (!seen[i] || !is_part(k, i, &other, &at) || other != *axis || at != offset) return false;
    offset += g->node.at[k->in[i].tensor].type.dim[*axis].plus;
  }
  return extent_same(k->loop[*axis].extent, fixed(offset));
}

/* A concatenation is the sum of its members, each 0 outside its part: one copy kernel per member
 * takes its place. */
bool fuse_split_concat(Fuse *f, const Kernel *k, Id node) {
  int axis;
  if (!is_concat(f->g, k, &axis)) return false;
  for (int i = 0; i < k->nin; i++) {
    Kernel copy = *k;
    copy.nin = 1;
    copy.in[0] = k->in[i];
    copy.in[0].outside = INSIDE;
    copy.in[0].at[axis].plus = 0;
    copy.loop[axis].extent = f->g->node.at[k->in[i].tensor].type.dim[axis];
    copy.out[0].to.at[axis].plus = -k->in[i].at[axis].plus;
    copy.out[0].value = expr_in(f->u, 0);
    fuse_add_group(f, &copy, node);
  }
  return true;
}

/* ---- writing in place ---- */

/* If nobody else reads what a copy copies, its producers write where it would. */
void fuse_write_in_place(Fuse *f, Group *copy) {
  if (copy->k.nfold || copy->k.nin != 1 || copy->k.out[0].value->op != E_in) return;
  Id node = copy->k.in[0].tensor;
  int axis[MAX_LOOPS];
  Groups *made = &f->made[node];
  if (f->uses[node] != 1 || made->n == 0 || f->entry[node] != copy->entry ||
      !view_is_whole(&copy->k, &copy->k.in[0], &f->g->node.at[node].type, axis))
    return;
  for (int i = 0; i < made->n; i++)
    if (!made->at[i]->dead && (made->at[i]->k.nout != 1 || made->at[i]->k.out[0].combine)) return;
  copy->dead = true;
  f->uses[node] = 0;
  for (int i = 0; i < made->n; i++) {
    Group *group = made->at[i];
    if (group->dead) continue;
    group->k.out[0].to = view_through(&copy->k.out[0].to, axis, &group->k.out[0].to);
    group->node = copy->node;
    vec_push(f->u->arena, &f->made[copy->node], group);
  }
  made->n = 0;
}
