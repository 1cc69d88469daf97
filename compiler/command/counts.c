/* counts.c - the numbers of each layer. See counts.h. */
#include "counts.h"

#include <stdlib.h>
#include <string.h>

/* ---- counting on kernels ---- */

static bool is_call(const Graph *g, const View *view) {
  return graph_phase(g, view->tensor) == PHASE_CALL;
}

/* Arithmetic in an expression that changes from call to call; returns whether it does. */
static bool count_expr(const Graph *g, const Kernel *k, const Expr *e, int64_t *count) {
  if (e->op == E_in) return is_call(g, &k->in[e->index]);
  if (e->op == E_acc) return true;
  bool changes = false;
  for (int i = 0; i < expr_arity(e->op); i++) changes |= count_expr(g, k, e->arg[i], count);
  *count += changes && (e->op == E_add || e->op == E_sub || e->op == E_mul || e->op == E_div);
  return changes;
}

static int64_t count_operations(const Graph *g, const Kernel *k) {
  int64_t points = kernel_points(k, false, 1), terms = kernel_points(k, true, 1), total = 0;
  for (int f = 0; f < k->nfold; f++) {
    int64_t each = 0;
    count_expr(g, k, k->fold[f].term, &each);
    total += points * (each * terms + (k->fold[f].op == FOLD_SUM ? terms - 1 : 0));
  }
  for (int o = 0; o < k->nout; o++) {
    int64_t each = 0;
    count_expr(g, k, k->out[o].value, &each);
    total += points * each;
  }
  return total;
}

/* ---- receptive fields ---- */

int spatial_axes(const Type *type) {
  return type->rank > 2 ? type->rank - 2 : 0;
}

/* The free loop that runs along an axis of the result, or -1. */
static int loop_of_axis(const Kernel *k, int axis) {
  int loop;
  return axis < k->out[0].to.rank && coord_is_loop(&k->out[0].to.at[axis], &loop) ? loop : -1;
}

/* What one element of the result sees of one axis of an input. */
static void reach_along(const Kernel *k, const Coord *c, int loop, double *field, double *jump) {
  double span = 0;
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced)
      span += (double)llabs(c->coef[l]) * (double)(extent_at(k->loop[l].extent, 1) - 1);
  *field += span / c->div * *jump;
  if (loop >= 0 && c->coef[loop]) *jump *= (double)llabs(c->coef[loop]) / c->div;
}

/* Does the loop move this axis of the view, and no other? */
static bool moves_only(const View *view, int axis, int loop) {
  for (int a = 0; a < view->rank; a++)
    if (coord_uses(&view->at[a], loop) != (a == axis)) return false;
  return true;
}

/* The axis of the result along which that of the view goes on; -1: each element sees all of it. */
static int followed_by(const Kernel *k, const View *view, int axis) {
  for (int a = 1; a < k->out[0].to.rank; a++) {
    const int loop = loop_of_axis(k, a);
    if (loop >= 0 && moves_only(view, axis, loop)) return a;
  }
  return k->out[0].to.rank == view->rank ? axis : -1;
}

static void widen(Reach *r, const Reach *by) {
  for (int a = 0; a < COUNTED_AXES; a++) {
    if (by->field[a] <= r->field[a]) continue;
    r->field[a] = by->field[a];
    r->jump[a] = by->jump[a];
    r->axis[a] = by->axis[a];
  }
}

static Reach reach_through(const Counts *f, const Kernel *k, const View *view) {
  Reach r = f->reach[view->tensor];
  for (int a = 0; a < COUNTED_AXES; a++) {
    const int axis = r.axis[a], next = axis < 0 ? -1 : followed_by(k, view, axis);
    const Type *type = &f->g->node.at[view->tensor].type;
    r.axis[a] = next;
    if (next >= 0)
      reach_along(k, &view->at[axis], loop_of_axis(k, next), &r.field[a], &r.jump[a]);
    else if (axis >= 0) /* the whole map: flattened, dense, global */
      r.field[a] += (double)(extent_at(type->dim[axis], 1) - 1) * r.jump[a];
  }
  return r;
}

static void find_reach(Counts *f, Id id, const Kernel *k) {
  for (int i = 0; i < k->nin; i++) {
    if (!is_call(f->g, &k->in[i])) continue;
    const Reach r = reach_through(f, k, &k->in[i]);
    widen(&f->reach[id], &r);
  }
}

/* Of an input of the network. */
static Reach reach_of_input(const Type *type) {
  Reach r;
  for (int a = 0; a < COUNTED_AXES; a++) {
    r.field[a] = r.jump[a] = 1;
    r.axis[a] = a < spatial_axes(type) ? a + 2 : -1;
  }
  return r;
}

/* ---- what a backward pass reads ---- */

static void save_what(Counts *f, Id id, const Kernel *k, const Expr *derivative) {
  if (expr_uses(derivative, E_in, IN_RESULT)) f->saved[id] = true;
  for (int j = 0; j < k->nin; j++)
    if (expr_uses(derivative, E_in, j)) f->saved[k->in[j].tensor] = true;
}

static void find_saved(Counts *f, Id id, const Kernel *k) {
  for (int i = 0; i < k->nin; i++) {
    for (int s = 0; s < k->nfold; s++) {
      save_what(f, id, k, expr_derivative(f->u, k->fold[s].term, expr_in(f->u, i)));
      if (k->fold[s].op == FOLD_MAX) f->saved[k->in[i].tensor] = true;
    }
    save_what(f, id, k, gradient_slope(f->u, k, expr_in(f->u, i)));
  }
  for (int s = 0; s < k->nfold; s++)
    save_what(f, id, k, gradient_slope(f->u, k, expr_acc(f->u, s)));
}

/* ---- layers ---- */

static void find_needed(Counts *f, bool training) {
  for (int e = 0; e <= (training ? ENTRY_TRAIN_FORWARD : ENTRY_FORWARD); e++)
    for (int i = 0; i < f->g->entry[e].want.n; i++) f->needed[f->g->entry[e].want.at[i]] = true;
  graph_need(f->g, f->needed);
}

static LayerCounts *row_of(Counts *f, const char *layer) {
  for (int i = 0; layer && i < f->row.n; i++)
    if (strcmp(f->row.at[i].layer->name, layer) == 0) return &f->row.at[i];
  return NULL;
}

static void count_node(Counts *f, Id id) {
  const Node *node = &f->g->node.at[id];
  if (ops[node->op]->class == CLASS_LEAF) {
    f->reach[id] = reach_of_input(&node->type);
    return;
  }
  Kernel k;
  node_kernel(f->g, id, &k);
  find_reach(f, id, &k);
  find_saved(f, id, &k);
  LayerCounts *row = row_of(f, node->where.layer);
  if (!row) return;
  row->macs += k.macs;
  if (ops[node->op]->class != CLASS_VIEW) row->operations += count_operations(f->g, &k);
  widen(&row->reach, &f->reach[id]);
}

static void add_rows(Counts *f) {
  for (int i = 0; i < f->g->layer.n; i++) {
    LayerCounts row = {.layer = &f->g->layer.at[i]};
    if (row.layer->result == NO_ID || !f->needed[row.layer->result]) continue;
    for (int p = 0; p < row.layer->nparams; p++) {
      const Param *param = &f->g->param.at[row.layer->first_param + p];
      row.parameters += param_count(param);
    }
    vec_push(f->u->arena, &f->row, row);
  }
}

/* A layer that leaves its input as it is (dropout, inferring) sees what that sees. */
static void complete_reach(Counts *f) {
  for (int i = 0; i < f->row.n; i++) {
    LayerCounts *row = &f->row.at[i];
    if (row->reach.field[0] == 0) row->reach = f->reach[row->layer->result];
  }
}

static void add_saved_and_totals(Counts *f) {
  for (Id id = 0; id < f->g->node.n; id++) {
    const Node *node = &f->g->node.at[id];
    LayerCounts *row = row_of(f, node->where.layer);
    if (row && f->saved[id] && f->needed[id] && graph_phase(f->g, id) == PHASE_CALL)
      row->saved += type_size(&node->type, 1) * dtype_size(node->type.dtype);
  }
  for (int i = 0; i < f->row.n; i++) {
    const LayerCounts *row = &f->row.at[i];
    f->total.parameters += row->parameters;
    f->total.macs += row->macs;
    f->total.operations += row->operations;
    f->total.saved += row->saved;
  }
}

Counts count_layers(Unit *u, const Graph *g, bool training) {
  Counts f = {.u = u,
              .g = g,
              .needed = NEW_ARRAY(u->arena, bool, g->node.n + 1),
              .saved = NEW_ARRAY(u->arena, bool, g->node.n + 1),
              .reach = NEW_ARRAY(u->arena, Reach, g->node.n + 1)};
  find_needed(&f, training);
  add_rows(&f);
  for (Id id = 0; id < g->node.n; id++)
    if (f.needed[id]) count_node(&f, id);
  complete_reach(&f);
  add_saved_and_totals(&f);
  return f;
}
