/* info.c - the command info: what each layer computes and costs, then the plan. */
#include "counts.h"
#include "driver.h"
#include "library.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

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
  if (b->format.lanes > 1) text_add(&text, "%d%c", b->format.lanes, buffer_in_batch(b) ? 'n' : 'c');
  if (buffer_has_margin(b)) text_add(&text, " +margin");
  return text.at;
}

static const char *kind_text(const Kernel *k) {
  static const char *const names[] = {
      [KIND_MAP] = "map", [KIND_REDUCE] = "reduce", [KIND_CONTRACT] = "contract"};
  return k->algo ? k->algo : names[kernel_kind(k)];
}

/* ---- printing ---- */

static const char *reach_text(const Counts *f, const LayerCounts *row) {
  Text text = {.arena = f->u->arena};
  int axes = 0;
  for (int i = 0; i < f->g->input.n; i++)
    if (f->g->input.at[i].kind == INPUT_DATA && spatial_axes(&f->g->input.at[i].type) > axes)
      axes = spatial_axes(&f->g->input.at[i].type);
  for (int a = 0; a < axes && a < COUNTED_AXES; a++)
    text_add(&text, "%s%.0f", a ? "x" : "", row->reach.field[a]);
  return text.n ? text.at : "";
}

/* The texts of a layer's line, and how wide their columns are. */
enum { LAYER_TEXTS = 4 };
static const char *const text_heads[LAYER_TEXTS] = {"layer", "op", "output", "field"};

static void layer_texts(const Counts *f, const LayerCounts *r, const char *text[LAYER_TEXTS]) {
  text[0] = r->layer->name;
  text[1] = ops[r->layer->op]->name;
  text[2] = sample_text(f->u->arena, &f->g->node.at[r->layer->result].type);
  text[3] = reach_text(f, r);
}

static void print_layer(const char *const text[LAYER_TEXTS], const int width[LAYER_TEXTS],
                        const LayerCounts *r) {
  printf("%-*s  %-*s  %-*s %12" PRId64 " %14" PRId64 " %14" PRId64 " %*s %10" PRId64 "\n", width[0],
         text[0], width[1], text[1], width[2], text[2], r->parameters, r->macs, r->operations,
         width[3], text[3], r->saved);
}

static void print_layers(const Counts *f) {
  static const char *const total[LAYER_TEXTS] = {"total", "", "", ""};
  int width[LAYER_TEXTS] = {5, 13, 13, 10};
  const char *text[LAYER_TEXTS];
  for (int i = 0; i < f->row.n; i++) {
    layer_texts(f, &f->row.at[i], text);
    for (int t = 0; t < LAYER_TEXTS; t++)
      if ((int)strlen(text[t]) > width[t]) width[t] = (int)strlen(text[t]);
  }
  printf("%-*s  %-*s  %-*s %12s %14s %14s %*s %10s\n", width[0], text_heads[0], width[1],
         text_heads[1], width[2], text_heads[2], "parameters", "MACs", "operations", width[3],
         text_heads[3], "saved");
  for (int i = 0; i < f->row.n; i++) {
    layer_texts(f, &f->row.at[i], text);
    print_layer(text, width, &f->row.at[i]);
  }
  print_layer(total, width, &f->total);
}

static bool trains(const Plan *p) {
  return p->graph->entry[ENTRY_TRAIN_FORWARD].want.n > 0;
}

/* How many updates of parameters there are, and of these in the kernels of their gradients. */
typedef struct Updates {
  int all, early;
} Updates;

static Updates count_updates(const Plan *p) {
  Updates n = {0, 0};
  for (int i = 0; i < p->entry[PLAN_STEP].step.n; i++) {
    bool updates = false;
    for (int b = 0; b < p->buffer.n && !updates; b++)
      updates =
          p->buffer.at[b].home == HOME_PARAM && step_writes(p->entry[PLAN_STEP].step.at[i], b);
    n.all += updates;
    n.early += updates && plan_updates_early(p, i);
  }
  return n;
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
  printf(", %d nest%s\n", f->nests, f->nests == 1 ? "" : "s");
  for (int i = 0; i < f->row.n; i++) {
    const PlanRow *r = &f->row.at[i];
    bool inner = i > 0 && r->nest && f->row.at[i - 1].nest == r->nest;
    const bool goes_on = i + 1 < f->row.n && kernel_continues(r->k, f->row.at[i + 1].k);
    printf("  %s%-30s %-13s -> %-16s %s%s", inner ? "+ " : "  ", r->k->name, kind_text(r->k),
           goes_on ? "(next step)" : format_text(p->u, r->to), r->parallel ? "parallel" : "serial",
           r->k->tile.n ? "," : "");
    for (int t = 0; t < r->k->tile.n; t++)
      printf(" %s %d", r->k->tile.at[t].name, r->k->tile.at[t].value);
    printf("\n");
  }
  printf("memory in bytes: parameters %" PRId64 ", packed %" PRId64 ", work %" PRId64
         " (live at once %" PRId64 ") + %" PRId64 " per thread\n",
         p->param_bytes, p->derived_bytes, p->work_bytes[PLAN_FORWARD], p->live_bytes[PLAN_FORWARD],
         p->worker_bytes[PLAN_FORWARD]);
  if (!trains(p)) return;
  const Updates updates = count_updates(p);
  printf("train_step: %d of %d updates are part of the kernels of their gradients\n", updates.early,
         updates.all);
  printf("training in bytes: state %" PRId64 ", gradients %" PRId64 ", kept activations %" PRId64
         ", work %" PRId64 ", in all with one thread %" PRId64 "\n",
         p->state_bytes, p->grad_bytes, p->kept_bytes, training_work(p), library_training_bytes(p));
}

static json_t *counts_json(const LayerCounts *r) {
  return json_pack("{s:I, s:I, s:I, s:I}", "parameters", (json_int_t)r->parameters, "macs",
                   (json_int_t)r->macs, "operations", (json_int_t)r->operations, "saved_bytes",
                   (json_int_t)r->saved);
}

static json_t *layer_json(const Counts *f, const LayerCounts *r) {
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

static json_t *training_json(const Plan *p) {
  const Recompute *r = &p->recompute;
  const Updates updates = count_updates(p);
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:i, s:I, s:I, s:i, s:i}", "state_bytes",
                   (json_int_t)p->state_bytes, "gradient_bytes", (json_int_t)p->grad_bytes,
                   "kept_bytes", (json_int_t)p->kept_bytes, "work_bytes",
                   (json_int_t)training_work(p), "all_bytes", (json_int_t)library_training_bytes(p),
                   "recomputed", r->again.n, "recomputed_macs", (json_int_t)r->macs, "macs",
                   (json_int_t)r->all_macs, "updates", updates.all, "early_updates", updates.early);
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
  if (trains(p)) json_object_set_new(plan, "training", training_json(p));
  return plan;
}

static void print_json(const Counts *f, const PlanInfo *plan) {
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

static void check_options(Unit *u, const Options *o) {
  if (o->json && (o->explain || o->dump.n))
    usage_error(u, "--json prints counts and plan for programs; leave out %s, which prints text",
                o->explain ? "--explain" : "--dump");
  if (o->input_grad && !o->train)
    usage_error(u, "--input-grad: what only infers has no gradients; --train counts them");
}

Status command_info(Unit *u, const Options *o) {
  check_options(u, o);
  const Target *target = pipeline_target(u, o, NULL);
  Graph *g = pipeline_read(u, o);
  Plan *plan = pipeline_plan(u, o, g, target, false);
  if (!plan) return STATUS_INPUT;
  Counts counts = count_layers(u, g, o->train);
  PlanInfo plan_info = plan_info_new(plan);
  if (o->json) {
    print_json(&counts, &plan_info);
    return STATUS_DONE;
  }
  print_layers(&counts);
  print_plan(&plan_info);
  if (o->explain) compile_explain(u, plan);
  return STATUS_DONE;
}
