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
static void reach_along(const Kernel *k, const Coord *c, int loop, double field, double jump,
                        double *new_field, double *new_jump) {
  double span = 0;
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced)
      span += (double)llabs(c->coef[l]) * (double)(extent_at(k->loop[l].extent, 1) - 1);
  *new_field = field + span / c->div * jump;
  *new_jump = loop >= 0 && c->coef[loop] ? jump * (double)llabs(c->coef[loop]) / c->div : jump;
}

static void widen(Reach *r, int axis, double field, double jump) {
  if (field <= r->field[axis]) return;
  r->field[axis] = field;
  r->jump[axis] = jump;
}

static void reach_through(const Counts *f, const Kernel *k, const View *view, const Type *result,
                          Reach *r) {
  const Type *type = &f->g->node.at[view->tensor].type;
  const Reach *from = &f->reach[view->tensor];
  int axes = spatial_axes(type);
  for (int a = 0; a < COUNTED_AXES; a++) {
    double field = from->field[a], jump = from->jump[a];
    if (a < axes && a < spatial_axes(result) && spatial_axes(result) == axes)
      reach_along(k, &view->at[a + 2], loop_of_axis(k, a + 2), field, jump, &field, &jump);
    else if (a < axes) /* the whole map: flattened, dense, global */
      field += (double)(extent_at(type->dim[a + 2], 1) - 1) * jump;
    widen(r, a, field, jump);
  }
}

static void find_reach(Counts *f, Id id, const Kernel *k) {
  for (int i = 0; i < k->nin; i++)
    if (is_call(f->g, &k->in[i]))
      reach_through(f, k, &k->in[i], &f->g->node.at[id].type, &f->reach[id]);
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
    for (int a = 0; a < COUNTED_AXES; a++) f->reach[id] = (Reach){{1, 1, 1}, {1, 1, 1}};
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
  for (int a = 0; a < COUNTED_AXES; a++)
    widen(&row->reach, a, f->reach[id].field[a], f->reach[id].jump[a]);
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
