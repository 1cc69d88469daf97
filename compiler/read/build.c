/* build.c - Drafts -> Graph.
 *
 * Every draft is built by its operator's row. Inference and training are two walks over the drafts
 * into one graph: they share parameters, and differ where an operator asks build_training. */
#include <string.h>

#include "read.h"

typedef struct Walk { /* one walk over the drafts */
  Reader *r;
  Graph *g;
  const bool *needed; /* by draft */
  Id *value;          /* by draft */
  VEC(Id) term;       /* what build_losses adds up */
  bool training, checking;
  struct Owned { /* by draft: the parameters it made */
    int first, n;
  } * owned;
} Walk;

/* ---- inputs ---- */

/* What the layers read: the input as f32. A u8 input is scaled here, an f32 input by whoever fills
 * it. */
static Id convert_input(Graph *g, Input *input, Id id, Where where) {
  Unit *u = g->u;
  Type type = input->type;
  if (type.dtype == F32) return id;
  type.dtype = F32;
  Kernel k;
  kernel_start(&k, where.layer, -1, &type);
  kernel_in_whole(&k, id, &input->type);
  const Expr *value = expr2(u, E_mul, expr_in(u, 0), expr_const(u, input->scale));
  Type channel = {.dtype = F32, .rank = 1, .dim[0] = fixed(input->nmean)};
  for (int i = 0; input->nmean && i < 2; i++) {
    Id constant = graph_const(g, &channel, i ? input->std : input->mean, where);
    View *view = kernel_in(&k, constant, &channel);
    view->at[0] = input->nmean > 1 ? coord_loop(1, 1, 0) : (Coord){.div = 1};
    value = expr2(u, i ? E_div : E_sub, value, expr_in(u, 1 + i));
  }
  k.out[0].value = value;
  input->scale = 1;
  input->nmean = 0;
  return graph_kernel(g, &k, &type, where);
}

/* Targets have to wait for what is compared with them: build_losses. */
static void build_inputs(Walk *w) {
  for (int i = 0; i < w->r->ninput; i++) {
    const Draft *d = &w->r->draft.at[i];
    w->value[i] = NO_ID;
    if (!w->needed[i] || d->broken || w->r->input[i].kind == INPUT_TARGET) continue;
    Where where = {d->path, d->name};
    Input input = w->r->input[i];
    w->value[i] = convert_input(w->g, &input, graph_input(w->g, input), where);
    Input *made = &w->g->input.at[w->g->input.n - 1];
    made->scale = input.scale;
    made->nmean = input.nmean;
  }
}

/* ---- layers ---- */

static Id build_draft(Walk *w, const Draft *d, int first_param) {
  const Op *op = d->broken ? NULL : ops[d->op];
  Id *arg = NEW_ARRAY(w->r->u->arena, Id, d->from.n + 1);
  for (int i = 0; i < d->from.n; i++) {
    arg[i] = w->value[d->from.at[i]];
    if (d->from.at[i] < w->r->ninput && w->r->input[d->from.at[i]].kind == INPUT_TARGET) {
      diag_error(w->r->u, path_key(w->r->u->arena, d->path, "from"),
                 "\"%s\" is the target of a loss; a layer cannot read it",
                 w->r->draft.at[d->from.at[i]].name);
      return NO_ID;
    }
    if (arg[i] == NO_ID) return NO_ID;
  }
  if (!op) return NO_ID;
  Build b = {.r = w->r,
             .g = w->g,
             .draft = d,
             .first_param = first_param,
             .where = {d->path, d->name},
             .training = w->training,
             .checking = w->checking};
  if (op->build) return op->build(&b, d->attr, arg, d->from.n);
  return build_add(&b, d->op, d->attr, d->from.n, arg);
}

/* A layer that shares makes the parameters where inference does without their owner. */
static void build_layers(Walk *w) {
  for (int i = w->r->ninput; i < w->r->draft.n; i++) {
    const Draft *d = &w->r->draft.at[i];
    const int before = w->g->param.n, owner = d->settings.owner;
    w->value[i] =
        w->needed[i] ? build_draft(w, d, w->owned[i].n ? w->owned[i].first : before) : NO_ID;
    if (w->g->param.n == before) continue;
    w->owned[i] = (struct Owned){before, w->g->param.n - before};
    if (owner >= 0) w->owned[owner] = w->owned[i];
  }
}

/* ---- losses ---- */

static Id implied_target(Walk *w, const Loss *loss, Id prediction) {
  const char *name = "target";
  for (int i = 1; name_lookup(w->r, name) >= 0; i++)
    name = arena_printf(w->r->u->arena, "target%d", i);
  Type type = w->g->node.at[prediction].type;
  if (ops[loss->op]->target) type = ops[loss->op]->target(&type);
  for (int i = 0; i < w->g->input.n; i++)
    if (strcmp(w->g->input.at[i].name, name) == 0) {
      if (type_same(&w->g->input.at[i].type, &type)) return w->g->input.at[i].node;
      diag_error(w->r->u, loss->path, "losses of several shapes need a \"target\" each");
      return NO_ID;
    }
  return graph_input(w->g, (Input){.name = name, .type = type, .kind = INPUT_TARGET, .scale = 1});
}

/* An input that a loss names. With --input-shape it takes the size of what it is compared with. */
static Id named_target(Walk *w, const Loss *loss, Id prediction) {
  Id *value = &w->value[loss->target];
  if (*value != NO_ID || w->r->draft.at[loss->target].broken) return *value;
  Input input = w->r->input[loss->target];
  Type wanted = w->g->node.at[prediction].type;
  if (ops[loss->op]->target) wanted = ops[loss->op]->target(&wanted);
  if (input_shape_follows(w->r, &input) && wanted.rank == input.type.rank)
    memcpy(input.type.dim, wanted.dim, sizeof input.type.dim);
  return *value = graph_input(w->g, input);
}

static Id scale_loss(Graph *g, Id id, double weight, Where where) {
  if (id == NO_ID || weight == 1) return id;
  Type scalar = {.dtype = F32};
  Id factor = graph_const(g, &scalar, &weight, where);
  return graph_add(g, OP_mul, (Id[]){id, factor}, 2, NULL, where);
}

/* What the header of a library says about the loss, and about the targets that have no text yet. */
static void describe_loss(Walk *w, const Loss *loss, Id prediction, Id target) {
  Graph *g = w->g;
  Arena *arena = w->r->u->arena;
  const Op *op = ops[loss->op];
  const char *part =
      loss->weight == 1 ? op->doc : arena_printf(arena, "%.9g * (%s)", loss->weight, op->doc);
  g->loss = g->loss ? arena_printf(arena, "%s,\nplus %s", g->loss, part) : part;
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].node == target && !g->input.at[i].doc && op->target_doc)
      g->input.at[i].doc = op->target_doc(arena, loss->attr, &g->node.at[prediction].type);
}

/* The weighted sum of all losses; w->term gets each. */
static Id build_losses(Walk *w) {
  Id total = NO_ID;
  for (int i = 0; i < w->r->loss.n; i++) {
    const Loss *loss = &w->r->loss.at[i];
    Where where = {loss->path,
                   w->r->loss.n == 1 ? "loss" : arena_printf(w->r->u->arena, "loss%d", i)};
    Id prediction = w->value[loss->from];
    if (prediction == NO_ID) continue;
    Id target =
        loss->target >= 0 ? named_target(w, loss, prediction) : implied_target(w, loss, prediction);
    if (target == NO_ID) continue;
    describe_loss(w, loss, prediction, target);
    Build b = {.r = w->r, .g = w->g, .where = where, .training = w->training};
    Id part = ops[loss->op]->build(&b, loss->attr, (Id[]){prediction, target}, 2);
    part = scale_loss(w->g, part, loss->weight, where);
    vec_push(w->r->u->arena, &w->term, part);
    total = total == NO_ID ? part : graph_add(w->g, OP_add, (Id[]){total, part}, 2, NULL, where);
  }
  return total;
}

/* ---- the whole ---- */

static void mark(const Reader *r, bool *needed, int draft) {
  needed[draft] = true;
  for (int i = draft; i >= 0; i--)
    for (int a = 0; needed[i] && a < r->draft.at[i].from.n; a++)
      needed[r->draft.at[i].from.at[a]] = true;
}

static void warn_unused(const Reader *r, const bool *infer, const bool *train) {
  bool *read = NEW_ARRAY(r->u->arena, bool, r->draft.n);
  for (int i = 0; i < r->draft.n; i++)
    for (int a = 0; a < r->draft.at[i].from.n; a++) read[r->draft.at[i].from.at[a]] = true;
  for (int i = 0; i < r->draft.n; i++)
    if (!infer[i] && !train[i] && !read[i])
      diag_warning(r->u, r->draft.at[i].path, "\"%s\" is left out: no output and no loss needs it",
                   r->draft.at[i].name);
}

/* A node of its own for the next output of an entry, because the caller's arrays must not overlap.
 */
static Id own_output(Graph *g, const Entry *entry, Id id, Where where) {
  const Type type = g->node.at[id].type;
  bool taken = node_is_leaf(g, id);
  for (int i = 0; i < entry->want.n; i++) taken |= entry->want.at[i] == id;
  if (!taken) return id;
  Kernel k;
  kernel_start(&k, where.layer, -1, &type);
  kernel_in_whole(&k, id, &type);
  k.out[0].value = expr_in(g->u, 0);
  return own_output(g, entry, graph_kernel(g, &k, &type, where), where);
}

static void want_output(Walk *w, EntryKind kind, int draft, const char *name) {
  Entry *entry = &w->g->entry[kind];
  const Draft *d = &w->r->draft.at[draft];
  Id id = own_output(w->g, entry, w->value[draft], (Where){d->path, d->name});
  vec_push(w->r->u->arena, &entry->want, id);
  vec_push(w->r->u->arena, &entry->want_name, name);
}

static void want_outputs(Walk *w) {
  for (int i = 0; i < w->r->output.n; i++)
    want_output(w, ENTRY_FORWARD, w->r->output.at[i], w->r->output_name.at[i]);
}

/* The name of a layer among what forward returns; it becomes an output if it is none. */
static const char *returned_name(Walk *w, int draft) {
  const char *name = w->r->draft.at[draft].name;
  for (int i = 0; i < w->r->output.n; i++)
    if (w->r->output.at[i] == draft) return w->r->output_name.at[i];
  want_output(w, ENTRY_FORWARD, draft, name);
  return name;
}

/* Each loss as a result of its own, behind those that the entry has. */
static void want_terms(Walk *w, Entry *entry) {
  Arena *arena = w->r->u->arena;
  for (int i = 0; i < w->term.n; i++) {
    const char *name = arena_printf(arena, "loss%d", i);
    Id id = own_output(w->g, entry, w->term.at[i], (Where){w->r->loss.at[i].path, name});
    vec_push(arena, &entry->want, id);
    vec_push(arena, &entry->want_name, name);
  }
}

/* Graph.validation: the losses of what inference returns. */
static void build_validation(Walk *w) {
  Arena *arena = w->r->u->arena;
  Walk losses = {.r = w->r, .g = graph_new(w->r->u), .value = NEW_ARRAY(arena, Id, w->r->draft.n)};
  Entry *entry = &losses.g->entry[ENTRY_TRAIN_FORWARD];
  for (int i = 0; i < w->r->draft.n; i++) losses.value[i] = NO_ID;
  for (int i = 0; i < w->r->loss.n; i++) {
    int from = w->r->loss.at[i].from;
    if (losses.value[from] != NO_ID || w->value[from] == NO_ID) continue;
    Input input = {.name = returned_name(w, from), .type = w->g->node.at[w->value[from]].type};
    losses.value[from] = graph_input(losses.g, input);
  }
  if (build_losses(&losses) == NO_ID) return;
  want_terms(&losses, entry);
  w->g->validation = graph_rewrite(losses.g, NULL, NULL);
}

static void list_layers(Walk *w, const Id *infer, const Id *train) {
  for (int i = w->r->ninput; i < w->r->draft.n; i++) {
    const Draft *d = &w->r->draft.at[i];
    const Id *value = infer[i] != NO_ID ? infer : train;
    if (value[i] == NO_ID) continue;
    Layer layer = {.name = d->name, .op = d->op, .attr = d->attr, .result = value[i]};
    layer.path = d->path;
    const int owner = d->settings.owner;
    layer.first_param = w->owned[i].first;
    if (owner < 0 || (infer[owner] == NO_ID && train[owner] == NO_ID))
      layer.nparams = w->owned[i].n;
    for (int a = 0; a < d->from.n; a++) vec_push(w->r->u->arena, &layer.arg, value[d->from.at[a]]);
    vec_push(w->r->u->arena, &w->g->layer, layer);
  }
}

static void build_training_entry(Walk *w) {
  Entry *entry = &w->g->entry[ENTRY_TRAIN_FORWARD];
  w->training = true;
  build_layers(w);
  Id loss = build_losses(w);
  if (loss == NO_ID) return;
  vec_push(w->r->u->arena, &entry->want, loss);
  vec_push(w->r->u->arena, &entry->want_name, "loss");
  if (w->r->options->validation && w->r->output.n) {
    want_output(w, ENTRY_TRAIN_FORWARD, w->r->output.at[0], w->r->output_name.at[0]);
    if (w->term.n > 1) want_terms(w, entry);
  }
  w->g->optimizer = graph_add(w->g, w->r->optimizer, NULL, 0, w->r->optimizer_attr,
                              (Where){w->r->optimizer_path, "optimizer"});
}

Graph *build_network(Reader *r, bool checking) {
  Arena *arena = r->u->arena;
  int n = r->draft.n, errors = r->u->errors;
  bool *infer = NEW_ARRAY(arena, bool, n), *train = NEW_ARRAY(arena, bool, n);
  bool *any = NEW_ARRAY(arena, bool, n), training = r->options->training && !checking;
  bool validation = training && r->options->validation;
  Id *infer_value = NEW_ARRAY(arena, Id, n), *train_value = NEW_ARRAY(arena, Id, n);
  for (int i = 0; i < r->output.n; i++) mark(r, infer, r->output.at[i]);
  if (validation && r->output.n) mark(r, train, r->output.at[0]);
  for (int i = 0; i < r->loss.n; i++) {
    mark(r, train, r->loss.at[i].from);
    if (r->loss.at[i].target >= 0) train[r->loss.at[i].target] = true;
    if (validation) mark(r, infer, r->loss.at[i].from);
  }
  if (!checking && r->options->outputs.n == 0) warn_unused(r, infer, train);
  for (int i = 0; i < n; i++) {
    any[i] = checking || infer[i] || (training && train[i]);
    infer[i] |= checking;
    infer_value[i] = train_value[i] = NO_ID;
  }
  Walk w = {.r = r, .g = graph_new(r->u), .needed = any, .value = infer_value};
  w.checking = checking;
  w.owned = NEW_ARRAY(arena, struct Owned, n);
  w.g->name = r->network;
  for (int i = 0; i < r->loss.n; i++)
    vec_push(arena, &w.g->term, ((LossTerm){r->loss.at[i].op, r->loss.at[i].attr}));
  build_inputs(&w);
  memcpy(train_value, infer_value, sizeof *train_value * (size_t)r->ninput);
  w.needed = infer;
  build_layers(&w);
  if (checking) return build_losses(&w), w.g;
  want_outputs(&w);
  if (validation) build_validation(&w);
  w.needed = train;
  w.value = train_value;
  if (training) build_training_entry(&w);
  list_layers(&w, infer_value, train_value);
  return r->u->errors == errors ? graph_rewrite(w.g, NULL, NULL) : NULL;
}
