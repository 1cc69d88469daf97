/* gradient.c - graph_gradient: the gradient of any kernel as gathers.
 *
 *   y[o] = f(sum over r of t(x[v(o, r)], ...))
 *   dx[i] = sum over the (o, r) with v(o, r) = i of dy[o] * f' * t'
 *
 * Inverting the view v is invert.c's; here is what is summed. f' may need sums again; then dy * f'
 * is a node of its own first. A maximum's gradient goes to the first of its places, found by a node
 * with the same loops (FOLD_ARGMAX). */
#include <string.h>

#include "graph.h"
#include "views.h"

/* Inputs of gradients that the node's kernel does not have: its result, what flows in, the places
 * of a maximum. All are read like the result. */
enum { IN_DOUT = IN_RESULT + 1, IN_PLACE, IN_ALL };

typedef struct Gradient {
  Graph *g;
  Id id, arg;
  Kernel k;                  /* of the node */
  Id extra[IN_ALL - MAX_IN]; /* which nodes the additional inputs are */
  Where where;
  Id sum;
} Gradient;

static bool reads(const Kernel *k, const Expr *term, int input) {
  return expr_uses(term, E_in, input) || kernel_term_reads(k, input);
}

/* Gives k the inputs that `term` and its folds read, and those it is about (SKIP; which), in place
 * of its own; returns the term over them. */
static const Expr *settle_inputs(const Gradient *r, Kernel *k, const Expr *term, int *which) {
  int place[IN_ALL];
  View in[MAX_IN];
  int nin = 0;
  for (int i = 0; i < IN_ALL; i++) {
    bool own = i < k->nin, needed = reads(k, term, i);
    needed |= own && (i == *which || (k->in[i].outside == SKIP && kernel_reduces(k)));
    if (!needed) continue;
    if (nin == MAX_IN) BUG("%s: a gradient of more than %d inputs", k->name, MAX_IN);
    in[nin] = own ? k->in[i] : k->out[0].to;
    if (!own) in[nin].tensor = r->extra[i - MAX_IN];
    place[i] = nin++;
  }
  for (int f = 0; f < k->nfold; f++)
    k->fold[f].term = expr_rename_inputs(r->g->u, k->fold[f].term, place);
  memcpy(k->in, in, sizeof in);
  k->nin = nin;
  if (*which >= 0) *which = place[*which];
  return expr_rename_inputs(r->g->u, term, place);
}

/* The node's own result stands for its formula, and for what it is a scaled and shifted form of. */
static const Expr *use_result(Unit *u, const Kernel *k, const Expr *e) {
  const Expr *part = k->out[0].value, *by = expr_in(u, IN_RESULT);
  e = expr_substitute(u, e, part, by);
  for (;;) {
    const Expr *a = part->arg[0], *b = part->arg[1];
    bool binary = part->op == E_add || part->op == E_sub || part->op == E_mul;
    if (part->op == E_neg) {
      by = expr1(u, E_neg, by);
      part = a;
    } else if (binary && b->op == E_const && b->value != 0) {
      by = expr2(u, part->op == E_mul ? E_div : E_sub, by, b);
      part = a;
    } else if (part->op == E_sub && a->op == E_const) {
      by = expr2(u, E_sub, a, by);
      part = b;
    } else {
      return e;
    }
    if (expr_count(part)) e = expr_substitute(u, e, part, by);
  }
}

/* Reading the result is worth it where something else need not be read or summed again. */
const Expr *gradient_slope(Unit *u, const Kernel *k, const Expr *leaf) {
  const Expr *plain = expr_derivative(u, k->out[0].value, leaf);
  if (k->out[0].combine) return plain;
  const Expr *with = use_result(u, k, plain);
  bool helps = expr_uses(plain, E_acc, -1) && !expr_uses(with, E_acc, -1);
  for (int i = 0; i < k->nin; i++) helps |= expr_uses(plain, E_in, i) && !expr_uses(with, E_in, i);
  return helps ? with : plain;
}

static void contribute(Gradient *r, Id part) {
  if (part == NO_ID) BUG("no gradient of %s by %%%d", r->k.name, (int)r->arg);
  r->sum =
      r->sum == NO_ID ? part : graph_add(r->g, OP_add, (Id[]){r->sum, part}, 2, NULL, r->where);
}

static Id same_type_node(Gradient *r, Kernel *k, const Expr *value) {
  int none = -1;
  const Type type = r->g->node.at[r->id].type;
  k->out[0].value = settle_inputs(r, k, value, &none);
  return graph_kernel(r->g, k, &type, r->where);
}

/* What flows in times a factor that needs k's sums: a node with the loops of k. Then the factor is
 * 1. */
static const Expr *scale_dout(Gradient *r, const Expr *factor) {
  Kernel k = r->k;
  if (!expr_uses(factor, E_acc, -1)) return factor;
  Id scaled = same_type_node(r, &k, expr2(r->g->u, E_mul, expr_in(r->g->u, IN_DOUT), factor));
  r->extra[IN_DOUT - MAX_IN] = scaled;
  return expr_const(r->g->u, 1);
}

/* The expression that says whether a point of the reduced loops is the place of the maximum. */
static const Expr *is_place(Gradient *r, int fold) {
  Unit *u = r->g->u;
  Kernel k = r->k;
  k.nfold = 1;
  k.fold[0] = r->k.fold[fold];
  k.fold[0].op = FOLD_ARGMAX;
  k.out[0].combine = false;
  r->extra[IN_PLACE - MAX_IN] = same_type_node(r, &k, expr_acc(u, 0));
  const Expr *place = expr_const(u, 0);
  for (int l = 0; l < k.nloop; l++) {
    if (!k.loop[l].reduced) continue;
    const Expr *extent = expr_const(u, (double)k.loop[l].extent.plus);
    if (k.loop[l].extent.per_n) BUG("%s: a maximum over the batch", k.name);
    place = expr2(u, E_add, expr2(u, E_mul, place, extent), expr_index(u, l));
  }
  return expr2(u, E_eq, expr_in(u, IN_PLACE), place);
}

static void gather(Gradient *r, Kernel *k, int which, const Expr *term) {
  Kernel result;
  const Type type = r->g->node.at[r->arg].type;
  k->nfold = 0;
  term = settle_inputs(r, k, term, &which);
  if (!view_invert(r->g->u, k, which, r->extra[IN_DOUT - MAX_IN], &type, term, &result))
    BUG("%s: a view of %%%d cannot be inverted", k->name, (int)r->arg);
  result.role = graph_phase(r->g, r->arg) == PHASE_CALL ? ROLE_DGRAD : ROLE_WGRAD;
  contribute(r, graph_kernel(r->g, &result, &type, r->where));
}

/* Through fold f: dy * d value / d acc * d term / d in. */
static void through_fold(Gradient *r, int f, int which) {
  Unit *u = r->g->u;
  const Fold *fold = &r->k.fold[f];
  const Expr *inner = expr_derivative(u, fold->term, expr_in(u, which));
  const Expr *outer = gradient_slope(u, &r->k, expr_acc(u, f));
  if (expr_is(inner, 0) || expr_is(outer, 0) || fold->op == FOLD_ARGMAX) return;
  Id dout = r->extra[IN_DOUT - MAX_IN];
  Kernel k = r->k;
  outer = scale_dout(r, outer);
  const Expr *term = expr2(u, E_mul, expr_in(u, IN_DOUT), expr2(u, E_mul, outer, inner));
  if (fold->op == FOLD_MAX) term = expr3(u, E_select, is_place(r, f), term, expr_const(u, 0));
  gather(r, &k, which, term);
  r->extra[IN_DOUT - MAX_IN] = dout;
}

/* Directly: dy * d value / d in, without the reduced loops. */
static void direct(Gradient *r, int which) {
  Unit *u = r->g->u;
  const Expr *factor = gradient_slope(u, &r->k, expr_in(u, which));
  if (expr_is(factor, 0)) return;
  Id dout = r->extra[IN_DOUT - MAX_IN];
  Kernel k = r->k;
  while (k.nloop && k.loop[k.nloop - 1].reduced) k.nloop--;
  factor = scale_dout(r, factor);
  gather(r, &k, which, expr2(u, E_mul, expr_in(u, IN_DOUT), factor));
  r->extra[IN_DOUT - MAX_IN] = dout;
}

Id graph_gradient(Graph *g, Id id, Id arg, Id dout) {
  Gradient r = {.g = g,
                .id = id,
                .arg = arg,
                .extra = {id, dout, NO_ID},
                .where = g->node.at[id].where,
                .sum = NO_ID};
  node_kernel(g, id, &r.k);
  kernel_simplify(g->u, &r.k);
  for (int i = 0; i < r.k.nin; i++) {
    if (r.k.in[i].tensor != arg) continue;
    for (int f = 0; f < r.k.nfold; f++) through_fold(&r, f, i);
    direct(&r, i);
  }
  return r.sum;
}
