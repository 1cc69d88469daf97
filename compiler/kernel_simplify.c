/* kernel_simplify.c - renumbering of a kernel's loops and inputs, and its canonical form: loops of
 * one point, inputs that nobody reads or that are there twice, and folds over nothing vanish. */
#include <string.h>

#include "views.h"

/* ---- renumbering loops and inputs ---- */

typedef struct Renumber {
  Unit *u;
  const int *loop, *in; /* new index of each old one; loop -1: its index is always 0 */
} Renumber;

static const Expr *renumber_leaf(void *context, const Expr *leaf) {
  const Renumber *r = context;
  if (leaf->op == E_in) return expr_in(r->u, r->in[leaf->index]);
  if (leaf->op != E_index) return leaf;
  int l = r->loop[leaf->index];
  return l < 0 ? expr_const(r->u, 0) : expr_index(r->u, l);
}

void view_move(View *v, const int *to, int nloop) {
  for (int a = 0; a < v->rank; a++) {
    int32_t coef[MAX_LOOPS] = {0};
    for (int l = 0; l < nloop; l++)
      if (v->at[a].coef[l] && to[l] >= 0) coef[to[l]] = v->at[a].coef[l];
    memcpy(v->at[a].coef, coef, sizeof coef);
  }
}

/* Loop l becomes loop[l], input i becomes in[i]; -1 drops it. Inputs keep their order; of those
 * that become one the first stays. */
static void renumber(Unit *u, Kernel *k, const int *loop, const int *in) {
  Renumber r = {u, loop, in};
  const Kernel old = *k;
  for (int f = 0; f < k->nfold; f++)
    k->fold[f].term = expr_replace(u, k->fold[f].term, renumber_leaf, &r);
  for (int o = 0; o < k->nout; o++) {
    k->out[o].value = expr_replace(u, k->out[o].value, renumber_leaf, &r);
    view_move(&k->out[o].to, loop, old.nloop);
  }
  k->nin = k->nloop = 0;
  for (int i = 0; i < old.nin; i++) {
    if (in[i] != k->nin) continue;
    k->in[k->nin] = old.in[i];
    view_move(&k->in[k->nin++], loop, old.nloop);
  }
  for (int l = 0; l < old.nloop; l++) {
    if (loop[l] < 0) continue;
    k->loop[loop[l]] = old.loop[l];
    k->bind[loop[l]] = old.bind[l];
    k->nloop++;
  }
}

void kernel_move_loops(Unit *u, Kernel *k, const int *to) {
  int in[MAX_IN];
  for (int i = 0; i < k->nin; i++) in[i] = i;
  renumber(u, k, to, in);
}

static bool input_used(const Kernel *k, int i) {
  if (kernel_term_needs(k, i)) return true;
  for (int o = 0; o < k->nout; o++)
    if (expr_uses(k->out[o].value, E_in, i)) return true;
  return false;
}

static void view_simplify(const Kernel *k, View *view) {
  for (int a = 0; a < view->rank; a++) coord_simplify(k, &view->at[a]);
  if (view->outside != FILL) view->fill = 0;
}

typedef struct SumOfZeros {
  Unit *u;
  int fold;
} SumOfZeros;

typedef struct FoldNumbers {
  Unit *u;
  int at[MAX_FOLD];
} FoldNumbers;

static const Expr *fold_leaf(void *context, const Expr *leaf) {
  const FoldNumbers *numbers = context;
  return leaf->op == E_acc ? expr_acc(numbers->u, numbers->at[leaf->index]) : leaf;
}

static const Expr *sum_leaf(void *context, const Expr *leaf) {
  const SumOfZeros *sum = context;
  return leaf->op == E_acc && leaf->index == sum->fold ? expr_const(sum->u, 0) : leaf;
}

/* A sum of nothing but zeros is 0. */
static void replace_zeros(Unit *u, Kernel *k) {
  for (int f = 0; f < k->nfold; f++) {
    const Expr *term = k->fold[f].term;
    SumOfZeros sum = {u, f};
    if (k->fold[f].op != FOLD_SUM || !expr_is(term, 0)) continue;
    for (int o = 0; o < k->nout; o++)
      k->out[o].value = expr_replace(u, k->out[o].value, sum_leaf, &sum);
  }
}

/* Folds that no out uses vanish; with the last one the reduced loops. */
static void drop_folds(Unit *u, Kernel *k) {
  FoldNumbers numbers = {.u = u};
  int nfold = 0;
  for (int f = 0; f < k->nfold; f++) {
    bool used = false;
    for (int o = 0; o < k->nout; o++) used |= expr_uses(k->out[o].value, E_acc, f);
    numbers.at[f] = nfold;
    if (used) k->fold[nfold++] = k->fold[f];
  }
  k->nfold = nfold;
  for (int o = 0; o < k->nout; o++)
    k->out[o].value = expr_replace(u, k->out[o].value, fold_leaf, &numbers);
  while (nfold == 0 && k->nloop && k->loop[k->nloop - 1].reduced) k->nloop--;
}

void kernel_simplify(Unit *u, Kernel *k) {
  replace_zeros(u, k);
  drop_folds(u, k);
  int loop[MAX_LOOPS], in[MAX_IN], nloop = 0, nin = 0;
  for (int l = 0; l < k->nloop; l++)
    loop[l] = extent_same(k->loop[l].extent, fixed(1)) ? -1 : nloop++;
  for (int i = 0; i < k->nin; i++) in[i] = i;
  renumber(u, k, loop, in);
  for (int i = 0; i < k->nin; i++) view_simplify(k, &k->in[i]);
  for (int l = 0; l < k->nloop; l++) loop[l] = l;
  for (int i = 0; i < k->nin; i++) {
    int same = 0;
    while (same < i && (in[same] < 0 || !view_same(&k->in[same], &k->in[i]))) same++;
    in[i] = same < i ? in[same] : input_used(k, i) ? nin++ : -1;
  }
  renumber(u, k, loop, in);
}
