/* fuse_sums.c - part of fuse: kernels over the same points become one, which reads once what they
 * share.
 *
 *   c<16 | n h w: acc0 = sum in0                   c<16 | n h w: acc0 = sum in0
 *     %7[c] = acc0                                   acc1 = sum in0*(in1 - in2[c])
 *   c<16 | n h w: acc0 = sum in0*(in1 - in2)  ->     %7[c] = acc0
 *     %8[c] = acc0                                   %8[c] = acc1
 *
 * These two are what batch norm asks of the gradients that reach it. */
#include "fuse.h"

/* ---- joining two kernels ---- */

bool fuse_same_points(const Kernel *a, const Kernel *b) {
  return kernel_same_loops(a, b) && a->nout + b->nout <= MAX_OUT && a->nin + b->nin <= MAX_IN &&
         a->nfold + b->nfold <= MAX_FOLD;
}

typedef struct Behind {
  Unit *u;
  int nfold; /* folds that stand before the one that is meant */
} Behind;

static const Expr *behind_leaf(void *context, const Expr *leaf) {
  const Behind *behind = context;
  return leaf->op == E_acc ? expr_acc(behind->u, leaf->index + behind->nfold) : leaf;
}

void fuse_take_over(Fuse *f, Group *first, Group *group) {
  const Kernel own = group->k, *other = &first->k;
  Kernel *k = &group->k;
  Behind behind = {f->u, own.nfold};
  int place[MAX_IN];
  for (int i = 0; i < other->nin; i++) {
    place[i] = k->nin;
    k->in[k->nin++] = other->in[i];
  }
  for (int i = 0; i < other->nfold; i++) {
    Fold *fold = &k->fold[k->nfold++];
    *fold = other->fold[i];
    fold->term = expr_rename_inputs(f->u, fold->term, place);
  }
  k->nout = 0;
  for (int o = 0; o < other->nout; o++) {
    Out *out = &k->out[k->nout++];
    *out = other->out[o];
    out->value = expr_rename_inputs(f->u, out->value, place);
    out->value = expr_replace(f->u, out->value, behind_leaf, &behind);
    vec_push(f->u->arena, &f->made[out->to.tensor], group);
  }
  for (int o = 0; o < own.nout; o++) k->out[k->nout++] = own.out[o];
  kernel_simplify(f->u, k);
  first->dead = true;
}

/* ---- sums ---- */

static bool only_sums(const Group *group) {
  const Kernel *k = &group->k;
  if (group->dead || group->entry == PLAN_PREPARE || kernel_kind(k) != KIND_REDUCE ||
      !kernel_only_sums(k))
    return false;
  for (int o = 0; o < k->nout; o++)
    if (k->out[o].combine) return false;
  return kernel_reduces(k);
}

/* Do both read a tensor at the same places, all over the reduced loops? */
static bool share_points(const Kernel *a, const Kernel *b) {
  for (int i = 0; i < a->nin; i++) {
    bool all = true;
    for (int l = 0; l < a->nloop; l++) all &= view_uses(&a->in[i], l);
    for (int j = 0; j < b->nin && all; j++)
      if (view_same(&a->in[i], &b->in[j])) return true;
  }
  return false;
}

/* Does any group from behind the first one to the other read what the first one writes? */
static bool read_between(const Fuse *f, int first, int last) {
  const Kernel *k = &f->group.at[first]->k;
  for (int i = first + 1; i <= last; i++)
    for (int o = 0; o < k->nout && !f->group.at[i]->dead; o++)
      if (kernel_reads(&f->group.at[i]->k, k->out[o].to.tensor)) return true;
  return false;
}

void fuse_join_sums(Fuse *f) {
  for (int i = 0; i < f->group.n; i++)
    for (int j = 0; j < i && only_sums(f->group.at[i]); j++) {
      Group *first = f->group.at[j], *group = f->group.at[i];
      if (only_sums(first) && first->entry == group->entry &&
          fuse_same_points(&first->k, &group->k) && share_points(&first->k, &group->k) &&
          !read_between(f, j, i))
        fuse_take_over(f, first, group);
    }
}
