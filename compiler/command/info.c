/* info.c - the command info: what each layer computes and costs, then the plan. Everything is
 * counted on the layers' kernels, for one sample.
 *
 * operations: multiplications, divisions, additions and subtractions; a sum of t products is t
 * multiplications and t - 1 additions. Receptive field: how much of the network's input one element
 * depends on, per spatial axis; what lies in the padding counts. Saved: what a backward pass reads
 * of a layer's results. */
#include "driver.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { AXES = 3 };

typedef struct Reach { /* of a node, per spatial axis: extent of the input it sees, and by how much
                          that moves from one element to the next */
  double field[AXES], jump[AXES];
} Reach;

typedef struct Row {
  const Layer *layer;
  int64_t parameters, macs, operations, saved;
  Reach reach;
} Row;

typedef struct Info {
  Unit *u;
  const Graph *g;
  bool *needed, *saved; /* by node */
  Reach *reach;
  VEC(Row) row;
  Row total;
} Info;

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

static int spatial_axes(const Type *type) {
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

static void reach_through(const Info *f, const Kernel *k, const View *view, const Type *result,
                          Reach *r) {
  const Type *type = &f->g->node.at[view->tensor].type;
  const Reach *from = &f->reach[view->tensor];
  int axes = spatial_axes(type);
  for (int a = 0; a < AXES; a++) {
    double field = from->field[a], jump = from->jump[a];
    if (a < axes && a < spatial_axes(result) && spatial_axes(result) == axes)
      reach_along(k, &view->at[a + 2], loop_of_axis(k, a + 2), field, jump, &field, &jump);
    else if (a < axes) /* the whole map: flattened, dense, global */
      field += (double)(extent_at(type->dim[a + 2], 1) - 1) * jump;
    widen(r, a, field, jump);
  }
}

static void find_reach(Info *f, Id id, const Kernel *k) {
  for (int i = 0; i < k->nin; i++)
    if (is_call(f->g, &k->in[i]))
      reach_through(f, k, &k->in[i], &f->g->node.at[id].type, &f->reach[id]);
}

/* ---- what a backward pass reads ---- */

static void save_what(Info *f, Id id, const Kernel *k, const Expr *derivative) {
  if (expr_uses(derivative, E_in, IN_RESULT)) f->saved[id] = true;
  for (int j = 0; j < k->nin; j++)
    if (expr_uses(derivative, E_in, j)) f->saved[k->in[j].tensor] = true;
}

static void find_saved(Info *f, Id id, const Kernel *k) {
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

static void find_needed(Info *f, bool training) {
  for (int e = 0; e <= (training ? ENTRY_TRAIN_FORWARD : ENTRY_FORWARD); e++)
    for (int i = 0; i < f->g->entry[e].want.n; i++) f->needed[f->g->entry[e].want.at[i]] = true;
  for (Id id = f->g->node.n - 1; id >= 0; id--)
    for (int a = 0; a < f->g->node.at[id].nargs && f->needed[id]; a++)
      f->needed[f->g->node.at[id].arg[a]] = true;
}

static Row *row_of(Info *f, const char *layer) {
  for (int i = 0; layer && i < f->row.n; i++)
    if (strcmp(f->row.at[i].layer->name, layer) == 0) return &f->row.at[i];
  return NULL;
}

static void count_node(Info *f, Id id) {
  const Node *node = &f->g->node.at[id];
  if (ops[node->op]->class == CLASS_LEAF) {
    for (int a = 0; a < AXES; a++) f->reach[id] = (Reach){{1, 1, 1}, {1, 1, 1}};
    return;
  }
  Kernel k;
  node_kernel(f->g, id, &k);
  find_reach(f, id, &k);
  find_saved(f, id, &k);
  Row *row = row_of(f, node->where.layer);
  if (!row) return;
  row->macs += k.macs;
  if (ops[node->op]->class != CLASS_VIEW) row->operations += count_operations(f->g, &k);
  for (int a = 0; a < AXES; a++) widen(&row->reach, a, f->reach[id].field[a], f->reach[id].jump[a]);
}

static void add_rows(Info *f) {
  for (int i = 0; i < f->g->layer.n; i++) {
    Row row = {.layer = &f->g->layer.at[i]};
    if (row.layer->result == NO_ID || !f->needed[row.layer->result]) continue;
    for (int p = 0; p < row.layer->nparams; p++) {
      const Param *param = &f->g->param.at[row.layer->first_param + p];
      row.parameters += param_count(param);
    }
    vec_push(f->u->arena, &f->row, row);
  }
}

static void add_saved_and_totals(Info *f) {
  for (Id id = 0; id < f->g->node.n; id++) {
    const Node *node = &f->g->node.at[id];
    Row *row = row_of(f, node->where.layer);
    if (row && f->saved[id] && f->needed[id] && graph_phase(f->g, id) == PHASE_CALL)
      row->saved += type_size(&node->type, 1) * dtype_size(node->type.dtype);
  }
  for (int i = 0; i < f->row.n; i++) {
    const Row *row = &f->row.at[i];
    f->total.parameters += row->parameters;
    f->total.macs += row->macs;
    f->total.operations += row->operations;
    f->total.saved += row->saved;
  }
}

static Info info_new(Unit *u, const Graph *g, bool training) {
  Info f = {.u = u,
            .g = g,
            .needed = NEW_ARRAY(u->arena, bool, g->node.n + 1),
            .saved = NEW_ARRAY(u->arena, bool, g->node.n + 1),
            .reach = NEW_ARRAY(u->arena, Reach, g->node.n + 1)};
  find_needed(&f, training);
  add_rows(&f);
  for (Id id = 0; id < g->node.n; id++)
    if (f.needed[id]) count_node(&f, id);
  add_saved_and_totals(&f);
  return f;
}

/* ---- the plan ---- */

typedef struct PlanRow {
  const Kernel *k;
  const Buffer *to;
  int depth;     /* enclosing steps */
  bool parallel; /* the outermost one runs on several threads */
  const Step *nest;
} PlanRow;

typedef struct PlanInfo {
  const Plan *plan;
  VEC(PlanRow) row;
  int kernels; /* what an algorithm computes in several steps counts once */
  int nests;   /* steps of the plan that hold more than one row */
} PlanInfo;

static void add_plan_row(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  PlanInfo *f = context;
  if (entry != PLAN_FORWARD) return;
  PlanRow row = {.k = k,
                 .to = &f->plan->buffer.at[k->out[0].to.tensor],
                 .depth = depth,
                 .parallel = depth > 0 && outer[0]->parallel,
                 .nest = depth > 0 ? outer[0] : NULL};
  const PlanRow *last = f->row.n ? &f->row.at[f->row.n - 1] : NULL;
  const PlanRow *before = f->row.n > 1 ? &f->row.at[f->row.n - 2] : NULL;
  if (row.nest && last && last->nest == row.nest && !(before && before->nest == row.nest))
    f->nests++;
  f->kernels += !last || !kernel_continues(last->k, k);
  vec_push(f->plan->u->arena, &f->row, row);
}

static PlanInfo plan_info_new(const Plan *plan) {
  PlanInfo f = {.plan = plan};
  plan_leaves(plan, add_plan_row, &f);
  return f;
}

static const char *format_text(Unit *u, const Buffer *b) {
  static const char *const letters[] = {"", "N", "NC", "NCW", "NCHW", "NCDHW"};
  Text text = {.arena = u->arena};
  text_add(&text, "%s", b->type.rank < COUNT(letters) ? letters[b->type.rank] : "row-major");
  if (b->format.lanes > 1) text_add(&text, "%dc", b->format.lanes);
  bool margin = false;
  for (int a = 0; a < b->type.rank; a++) margin |= b->format.lo[a] || b->format.hi[a];
  if (margin) text_add(&text, " +margin");
  return text.at;
}

static const char *kind_text(const Kernel *k) {
  static const char *const names[] = {
      [KIND_MAP] = "map", [KIND_REDUCE] = "reduce", [KIND_CONTRACT] = "contract"};
  return k->algo ? k->algo : names[kernel_kind(k)];
}

/* ---- printing ---- */

static const char *shape_text(Unit *u, const Type *type) {
  Text text = {.arena = u->arena};
  for (int a = 1; a < type->rank; a++)
    text_add(&text, "%s%" PRId64, a > 1 ? "x" : "", extent_at(type->dim[a], 1));
  return text.n ? text.at : "1";
}

static const char *reach_text(const Info *f, const Row *row) {
  Text text = {.arena = f->u->arena};
  int axes = 0;
  for (int i = 0; i < f->g->input.n; i++)
    if (f->g->input.at[i].kind == INPUT_DATA && spatial_axes(&f->g->input.at[i].type) > axes)
      axes = spatial_axes(&f->g->input.at[i].type);
  for (int a = 0; a < axes && a < AXES; a++)
    text_add(&text, "%s%.0f", a ? "x" : "", row->reach.field[a]);
  return text.n ? text.at : "";
}

static void print_layers(const Info *f) {
  int width = 5;
  for (int i = 0; i < f->row.n; i++)
    if ((int)strlen(f->row.at[i].layer->name) > width)
      width = (int)strlen(f->row.at[i].layer->name);
  printf("%-*s  %-13s %-14s %12s %14s %14s %10s %10s\n", width, "layer", "op", "output",
         "parameters", "MACs", "operations", "field", "saved");
  for (int i = 0; i < f->row.n; i++) {
    const Row *r = &f->row.at[i];
    printf("%-*s  %-13s %-14s %12" PRId64 " %14" PRId64 " %14" PRId64 " %10s %10" PRId64 "\n",
           width, r->layer->name, ops[r->layer->op]->name,
           shape_text(f->u, &f->g->node.at[r->layer->result].type), r->parameters, r->macs,
           r->operations, reach_text(f, r), r->saved);
  }
  printf("%-*s  %-13s %-14s %12" PRId64 " %14" PRId64 " %14" PRId64 " %10s %10" PRId64 "\n", width,
         "total", "", "", f->total.parameters, f->total.macs, f->total.operations, "",
         f->total.saved);
}

static bool trains(const Plan *p) {
  return p->graph->entry[ENTRY_TRAIN_FORWARD].want.n > 0;
}

/* The shared part of the entry of training that needs most. */
static int64_t training_work(const Plan *p) {
  int64_t most = 0;
  for (int e = PLAN_TRAIN_FORWARD; e <= PLAN_STEP; e++)
    if (p->work_bytes[e] > most) most = p->work_bytes[e];
  return most;
}

static void print_plan(const PlanInfo *f) {
  const Plan *p = f->plan;
  printf("\nplan for %s, batch %" PRId64 ": %d kernels", p->target->name, p->max_batch, f->kernels);
  if (f->row.n > f->kernels) printf(" in %d steps", f->row.n);
  printf(", %d nests\n", f->nests);
  for (int i = 0; i < f->row.n; i++) {
    const PlanRow *r = &f->row.at[i];
    bool inner = i > 0 && r->nest && f->row.at[i - 1].nest == r->nest;
    printf("  %s%-30s %-10s -> %-16s %s%s", inner ? "+ " : "  ", r->k->name, kind_text(r->k),
           format_text(p->u, r->to), r->parallel ? "parallel" : "serial", r->k->tile.n ? "," : "");
    for (int t = 0; t < r->k->tile.n; t++)
      printf(" %s %d", r->k->tile.at[t].name, r->k->tile.at[t].value);
    printf("\n");
  }
  printf("memory in bytes: parameters %" PRId64 ", packed %" PRId64 ", work %" PRId64
         " (live at once %" PRId64 ") + %" PRId64 " per thread\n",
         p->param_bytes, p->derived_bytes, p->work_bytes[PLAN_FORWARD], p->live_bytes[PLAN_FORWARD],
         p->worker_bytes[PLAN_FORWARD]);
  if (trains(p))
    printf("training in bytes: state %" PRId64 ", gradients %" PRId64 ", kept activations %" PRId64
           ", work %" PRId64 "\n",
           p->state_bytes, p->grad_bytes, p->kept_bytes, training_work(p));
}

static json_t *counts_json(const Row *r) {
  return json_pack("{s:I, s:I, s:I, s:I}", "parameters", (json_int_t)r->parameters, "macs",
                   (json_int_t)r->macs, "operations", (json_int_t)r->operations, "saved_bytes",
                   (json_int_t)r->saved);
}

static json_t *layer_json(const Info *f, const Row *r) {
  json_t *layer = json_object(), *output = json_array(), *field = json_array();
  const Type *type = &f->g->node.at[r->layer->result].type;
  json_object_set_new(layer, "name", json_string(r->layer->name));
  json_object_set_new(layer, "op", json_string(ops[r->layer->op]->name));
  for (int a = 1; a < type->rank; a++)
    json_array_append_new(output, json_integer(extent_at(type->dim[a], 1)));
  json_object_set_new(layer, "output", output);
  json_t *counts = counts_json(r);
  json_object_update(layer, counts);
  json_decref(counts);
  char *text = arena_printf(f->u->arena, "%s", reach_text(f, r));
  for (char *part = strtok(text, "x"); part; part = strtok(NULL, "x"))
    json_array_append_new(field, json_integer(strtoll(part, NULL, 10)));
  json_object_set_new(layer, "receptive_field", field);
  return layer;
}

static json_t *plan_json(const PlanInfo *f) {
  const Plan *p = f->plan;
  json_t *kernels = json_array();
  for (int i = 0; i < f->row.n; i++)
    json_array_append_new(kernels, json_pack("{s:s, s:s, s:s, s:b}", "name", f->row.at[i].k->name,
                                             "algorithm", kind_text(f->row.at[i].k), "format",
                                             format_text(p->u, f->row.at[i].to), "parallel",
                                             f->row.at[i].parallel));
  json_t *plan =
      json_pack("{s:s, s:I, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:o}", "target", p->target->name,
                "batch", (json_int_t)p->max_batch, "kernel_count", f->kernels, "nests", f->nests,
                "parameter_bytes", (json_int_t)p->param_bytes, "packed_bytes",
                (json_int_t)p->derived_bytes, "work_bytes", (json_int_t)p->work_bytes[PLAN_FORWARD],
                "live_bytes", (json_int_t)p->live_bytes[PLAN_FORWARD], "worker_bytes",
                (json_int_t)p->worker_bytes[PLAN_FORWARD], "kernels", kernels);
  json_t *training =
      json_pack("{s:I, s:I, s:I, s:I}", "state_bytes", (json_int_t)p->state_bytes, "gradient_bytes",
                (json_int_t)p->grad_bytes, "kept_bytes", (json_int_t)p->kept_bytes, "work_bytes",
                (json_int_t)training_work(p));
  if (trains(p))
    json_object_set_new(plan, "training", training);
  else
    json_decref(training);
  return plan;
}

static void print_json(const Info *f, const PlanInfo *plan) {
  json_t *root = json_object(), *layers = json_array();
  for (int i = 0; i < f->row.n; i++) json_array_append_new(layers, layer_json(f, &f->row.at[i]));
  json_object_set_new(root, "name", json_string(f->g->name));
  json_object_set_new(root, "layers", layers);
  json_object_set_new(root, "totals", counts_json(&f->total));
  json_object_set_new(root, "plan", plan_json(plan));
  json_dumpf(root, stdout, JSON_INDENT(2));
  printf("\n");
  json_decref(root);
}

Status command_info(Unit *u, const Options *o) {
  const Target *target = pipeline_target(u, o, NULL);
  if (!target) return STATUS_USAGE;
  Graph *g = pipeline_read(u, o);
  if (!g) return STATUS_INPUT;
  Info info = info_new(u, g, o->train);
  Plan *plan = pipeline_plan(u, o, g, target, false);
  if (!plan) return STATUS_USAGE;
  PlanInfo plan_info = plan_info_new(plan);
  if (o->json) {
    print_json(&info, &plan_info);
    return STATUS_DONE;
  }
  print_layers(&info);
  print_plan(&plan_info);
  if (o->explain) compile_explain(u, plan);
  return STATUS_DONE;
}
