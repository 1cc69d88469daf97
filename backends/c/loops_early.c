/* loops_early.c - what the inner loops do not change is computed in front of them.
 *
 *   for (int c_block ..) {
 *     const avx512_v x1 = avx512_load(in1 + ..), x2 = ..            inputs that stand still, and
 *     const avx512_v x12 = avx512_div(x2, avx512_sqrt(x1));         parts made of nothing else
 *     for (int h ..) for (int w ..)
 *       avx512_store(out0 + .., avx512_mul(x0, x12));
 *   }
 *
 * Compilers may not do it: for all they know the stores change these inputs. Parts are inputs with
 * numbers from MAX_IN on. Where terms are vectors and what follows is scalar, nothing is early. */
#include "loops.h"

/* How many levels of loops a view needs: it stands still inside of these. */
static int levels_of(const Loops *w, const View *v) {
  int levels = 0;
  for (int level = 0; level < w->norder; level++) {
    const int l = w->order[level];
    bool moves = view_uses(v, l);
    for (int run = w->run; l == w->lane && run < w->lane; run++) moves |= view_uses(v, run);
    if (moves) levels = level + 1;
  }
  return levels;
}

static bool stands_still(const Loops *w, int in, int level) {
  const View *v = &w->f->k->in[in];
  if (v->outside != INSIDE || levels_of(w, v) > level) return false;
  for (int a = 0; a < v->rank; a++)
    if (loops_needs_name(w, v, a)) return false;
  return loops_in_value(w, in) || kernel_term_reads(w->f->k, in);
}

static int count_still(const Loops *w, int level) {
  int n = 0;
  for (int i = 0; i < w->f->k->nin; i++) n += stands_still(w, i, level);
  return n;
}

/* Is x made of early inputs and numbers of the call alone? */
static bool is_early(const Loops *w, const Expr *x) {
  switch (x->op) {
  case E_const:
  case E_scalar: return true;
  case E_in: return w->early[x->index];
  case E_acc:
  case E_index:
  case E_random: return false;
  default: break;
  }
  for (int i = 0; i < expr_arity(x->op); i++)
    if (!is_early(w, x->arg[i])) return false;
  return true;
}

/* x with its largest early parts as inputs. */
static const Expr *without_parts(Loops *w, const Expr *x) {
  Unit *u = w->f->plan->u;
  const int arity = x->op == E_random ? 0 : expr_arity(x->op);
  const Expr *arg[3];
  if (arity == 0) return x;
  if (is_early(w, x)) {
    int part = 0;
    while (part < w->nparts && w->part[part] != x) part++;
    if (part == MAX_PARTS) return x;
    if (part == w->nparts) w->part[w->nparts++] = x;
    return expr_in(u, MAX_IN + part);
  }
  for (int i = 0; i < arity; i++) arg[i] = without_parts(w, x->arg[i]);
  return arity == 1   ? expr1(u, x->op, arg[0])
         : arity == 2 ? expr2(u, x->op, arg[0], arg[1])
                      : expr3(u, x->op, arg[0], arg[1], arg[2]);
}

void loops_find_early(Loops *w) {
  const Kernel *k = w->f->k;
  const int most = w->nfree < w->norder ? w->nfree : w->norder - 1;
  w->early_level = -1;
  for (int f = 0; f < k->nfold; f++) w->term[f] = k->fold[f].term;
  for (int o = 0; o < k->nout; o++) w->value[o] = k->out[o].value;
  if (w->combine || most < 0 || loops_sum_lanes(w)) return;
  w->early_level = most;
  while (w->early_level > 0 && count_still(w, w->early_level - 1) == count_still(w, most))
    w->early_level--;
  for (int i = 0; i < k->nin; i++) w->early[i] = stands_still(w, i, w->early_level);
  for (int f = 0; f < k->nfold; f++) w->term[f] = without_parts(w, w->term[f]);
  for (int o = 0; o < k->nout; o++)
    if (w->out[o]) w->value[o] = without_parts(w, w->value[o]);
}

void loops_add_early(Loops *w) {
  for (int i = 0; i < w->f->k->nin; i++)
    if (w->early[i]) loops_load(w, i);
  for (int part = 0; part < w->nparts; part++)
    emit(w->f->e, "const %s x%d = %s;", w->d->type, MAX_IN + part,
         loops_expression(w, w->part[part]));
}
