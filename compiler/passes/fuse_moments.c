/* fuse_moments.c - part of fuse: a mean and the mean of squares around it become one kernel, which
 * reads once what they read twice.
 *
 *   n c | h w: acc0 = sum in0                  n c | h w: in0 = %x[n, c, h, w]
 *     %7[n, c] = acc0/64                         in1 = %x[n, c, 0, 0]
 *   n c | h w: in1 = %7[n, c]             ->     acc0 = sum in0 - in1
 *     acc0 = sum (in0 - in1)*(in0 - in1)         acc1 = sum (in0 - in1)*(in0 - in1)
 *     %8[n, c] = acc0/64                         %7[n, c] = in1 + acc0/64
 *                                                %8[n, c] = acc1/64 - acc0/64*(acc0/64)
 *
 * Batch norm in training asks for them, and every norm of samples. That is for languages whose sums
 * come from memory both times; where caches hold a sample it only costs arithmetic. The difference
 * in the end is harmless: it is one in f64, as all of the kernel, of distances from an element,
 * which is as near to the others as they are to their mean. */
#include "fuse.h"

static bool only_sum(const Kernel *k, int inputs) {
  return k->nfold == 1 && k->fold[0].op == FOLD_SUM && k->nin == inputs && k->nout == 1 &&
         !k->out[0].combine && kernel_reduces(k);
}

/* How many terms each point's sum has; NULL: no single number of the text is that. */
static const Expr *count_of(Unit *u, const Kernel *k) {
  int64_t fixed = 1;
  int samples = 0;
  for (int l = 0; l < k->nloop; l++) {
    if (!k->loop[l].reduced) continue;
    if (k->loop[l].extent.per_n == 0) fixed *= k->loop[l].extent.plus;
    samples += k->loop[l].extent.per_n != 0;
    if (k->loop[l].extent.per_n && (k->loop[l].extent.per_n != 1 || k->loop[l].extent.plus))
      return NULL;
  }
  if (samples == 0) return expr_const(u, (double)fixed);
  return samples == 1 && fixed == 1 ? expr_scalar(u, SCALAR_N) : NULL;
}

/* Of numbers as they are. */
static bool is_mean(Unit *u, const Group *group) {
  const Kernel *k = &group->k;
  if (group->dead || group->entry == PLAN_PREPARE || !only_sum(k, 1)) return false;
  const Expr *count = count_of(u, k);
  return count && k->out[0].value == expr2(u, E_div, expr_acc(u, 0), count) &&
         k->fold[0].term->op == E_in && k->in[0].outside == INSIDE;
}

/* Is it the same of squares of distances from the mean, over the same points? */
static bool is_around(Unit *u, const Group *group, const Group *mean) {
  const Kernel *k = &group->k, *of = &mean->k;
  if (group->dead || group->entry != mean->entry || !only_sum(k, 2) || !kernel_same_loops(k, of))
    return false;
  const int x = view_same(&k->in[0], &of->in[0]) ? 0 : 1;
  const Expr *distance = expr2(u, E_sub, expr_in(u, x), expr_in(u, 1 - x));
  return view_same(&k->in[x], &of->in[0]) && view_same(&k->in[1 - x], &of->out[0].to) &&
         k->fold[0].term == expr2(u, E_mul, distance, distance) &&
         k->out[0].value == of->out[0].value;
}

/* Does any group between the two read what the first one writes? */
static bool read_between(const Fuse *f, int first, int last) {
  const int mean = f->group.at[first]->k.out[0].to.tensor;
  bool read = false;
  for (int i = first + 1; i < last; i++)
    read |= !f->group.at[i]->dead && kernel_reads(&f->group.at[i]->k, mean);
  return read;
}

/* The element of the view that comes first of each point's. */
static View first_element(const Kernel *k, const View *v) {
  View first = *v;
  for (int a = 0; a < v->rank; a++)
    for (int l = 0; l < k->nloop; l++)
      if (k->loop[l].reduced) first.at[a].coef[l] = 0;
  return first;
}

static const Expr *second_acc(void *context, const Expr *leaf) {
  return leaf->op == E_acc ? expr_acc(context, 1) : leaf;
}

static void join(Fuse *f, Group *mean, Group *around) {
  Unit *u = f->u;
  const Expr *distance = expr2(u, E_sub, expr_in(u, 0), expr_in(u, 1));
  const Expr *apart = mean->k.out[0].value;
  Kernel k = around->k;
  k.math = F64;
  k.in[0] = mean->k.in[0];
  k.in[1] = first_element(&k, &k.in[0]);
  k.nfold = k.nout = 2;
  k.fold[1] = k.fold[0];
  k.fold[0].term = distance;
  k.fold[1].term = expr2(u, E_mul, distance, distance);
  k.out[1] = k.out[0];
  k.out[0] = mean->k.out[0];
  k.out[0].value = expr2(u, E_add, expr_in(u, 1), apart);
  k.out[1].value =
      expr2(u, E_sub, expr_replace(u, apart, second_acc, u), expr2(u, E_mul, apart, apart));
  kernel_simplify(u, &k);
  f->uses[mean->node]--;
  vec_push(u->arena, &f->made[mean->node], around);
  around->k = k;
  mean->dead = true;
}

void fuse_join_moments(Fuse *f) {
  for (int i = 0; i < f->group.n; i++)
    for (int j = i + 1; j < f->group.n && is_mean(f->u, f->group.at[i]); j++) {
      if (!is_around(f->u, f->group.at[j], f->group.at[i]) || read_between(f, i, j)) continue;
      join(f, f->group.at[i], f->group.at[j]);
    }
}
