/* fuse_plan.c - the second half of fuse: groups become kernels over buffers.
 *
 * A node that is an output, a gradient or an update of a parameter is written where it belongs if
 * nothing stands against it; otherwise it is copied there at the end of its entry. */
#include "fuse.h"
#include "backend.h"
#include "dictionary.h"

#include <math.h>
#include <string.h>

struct FusePlan {
  Fuse *f;
  Plan *p;
  int *buffer;      /* per node, -1: none yet */
  Groups *readers;  /* per node: the live groups of the family that read it */
  Dictionary param; /* indices of parameters by name */
};

/* ---- buffers ---- */

static Buffer leaf_buffer(const Graph *g, Id id) {
  const Node *node = &g->node.at[id];
  Buffer b = {.type = node->type, .format = format_plain(node->type.dtype)};
  b.phase = graph_phase(g, id);
  if (node->op == OP_constant) {
    b.home = HOME_CONST;
    b.name = "constant";
    b.value = ((const ConstantAttr *)node->attr)->value.at;
    return b;
  }
  b.index = (int)((const LeafAttr *)node->attr)->index;
  b.name = node->where.layer;
  b.home = node->op == OP_input ? HOME_INPUT : node->op == OP_state ? HOME_STATE : HOME_PARAM;
  return b;
}

/* Does a group of an entry after `after` read the node? */
static bool read_after(const FusePlan *e, Id node, PlanEntry after) {
  for (int i = 0; i < e->readers[node].n; i++)
    if (e->readers[node].at[i]->entry > after) return true;
  return false;
}

/* Of what is computed from weights, only what calls read is rounded. */
static Buffer computed_buffer(const FusePlan *e, Id id, const char *name) {
  const Fuse *f = e->f;
  const Node *node = &f->g->node.at[id];
  bool later = read_after(e, id, f->entry[id]);
  if (!fuse_producer(f, id)) name = node->where.layer; /* several parts: a concatenation */
  Buffer b = {.name = name, .type = node->type, .phase = f->phase[id]};
  b.format = format_plain(node->type.dtype);
  b.home = later ? HOME_KEPT : HOME_WORK;
  if (f->entry[id] != PLAN_PREPARE) return b;
  b.name = arena_printf(f->u->arena, "%s.folded", name);
  b.home = HOME_DERIVED;
  if (!later) b.format.dtype = F64;
  return b;
}

static int node_buffer(FusePlan *e, Id id, const char *name) {
  if (e->buffer[id] >= 0) return e->buffer[id];
  Buffer b = node_is_leaf(e->f->g, id) ? leaf_buffer(e->f->g, id) : computed_buffer(e, id, name);
  return e->buffer[id] = plan_buffer(e->p, b);
}

static void emit_group(FusePlan *e, const Group *group) {
  Kernel k = group->k;
  if (group->entry == PLAN_PREPARE)
    k.math = F64;
  else if (k.math != F64)
    k.math = e->p->graph->real;
  for (int i = 0; i < k.nin; i++) k.in[i].tensor = node_buffer(e, k.in[i].tensor, NULL);
  for (int o = 0; o < k.nout; o++) k.out[o].to.tensor = node_buffer(e, k.out[o].to.tensor, k.name);
  vec_push(e->p->u->arena, &e->p->entry[group->entry].step, plan_leaf(e->p, &k));
}

/* ---- results of an entry ---- */

typedef struct Result {
  PlanEntry entry;
  Id node;
  Id replaces; /* the leaf that it is the new value of, or NO_ID */
  int buffer;  /* where it belongs */
  bool placed;
} Result;

typedef VEC(Result) Results;

static void add_wants(FusePlan *e, EntryKind kind, Results *results) {
  const Graph *g = e->f->g;
  const Entry *entry = &g->entry[kind];
  for (int i = 0; i < entry->want.n; i++) {
    Id node = entry->want.at[i];
    int param = kind == ENTRY_BACKWARD ? dictionary_find(&e->param, entry->want_name.at[i]) : -1;
    Buffer b = {.name = entry->want_name.at[i], .type = g->node.at[node].type, .index = i};
    b.format = format_plain(b.type.dtype);
    b.phase = PHASE_CALL;
    b.home = param >= 0 ? HOME_GRAD : HOME_OUTPUT;
    if (param >= 0) b.index = param;
    Result result = {.entry = fuse_entry(kind), .node = node, .replaces = NO_ID};
    result.buffer = plan_buffer(e->p, b);
    vec_push(e->p->u->arena, results, result);
  }
}

static void add_updates(FusePlan *e, EntryKind kind, Results *results) {
  const Entry *entry = &e->f->g->entry[kind];
  for (int i = 0; i < entry->update.n; i++) {
    Update update = entry->update.at[i];
    Result result = {.entry = fuse_entry(kind), .node = update.value, .replaces = update.to};
    result.buffer = node_buffer(e, update.to, NULL);
    vec_push(e->p->u->arena, results, result);
  }
}

/* Does any group but the one that computes the result still read what it replaces? Entries run in
 * their order. */
static bool read_by_others(const FusePlan *e, const Result *r) {
  const Group *own = fuse_producer(e->f, r->node);
  for (int i = 0; i < e->readers[r->replaces].n; i++) {
    const Group *group = e->readers[r->replaces].at[i];
    if (group != own && group->entry >= r->entry) return true;
  }
  return false;
}

/* Does the group that computes it read what it replaces at the place that it writes, if at all? */
static bool written_element_wise(const FusePlan *e, const Result *r) {
  const Group *own = fuse_producer(e->f, r->node);
  if (!own || own->k.nfold) return false;
  int out = 0;
  while (own->k.out[out].to.tensor != r->node) out++;
  const View *to = &own->k.out[out].to;
  for (int i = 0; i < own->k.nin; i++)
    for (int a = 0; a < to->rank && own->k.in[i].tensor == r->replaces; a++)
      if (!coord_same(&own->k.in[i].at[a], &to->at[a])) return false;
  return true;
}

/* Outputs that nobody reads, gradients, updates that only their own kernel reads element by
 * element: the kernel writes them in place. */
static void place_result(FusePlan *e, Result *r) {
  const Fuse *f = e->f;
  const Home home = e->p->buffer.at[r->buffer].home;
  if (node_is_leaf(f->g, r->node) || f->made[r->node].n == 0 || f->entry[r->node] != r->entry)
    return;
  if (e->buffer[r->node] >= 0) return;
  if (home == HOME_OUTPUT && f->uses[r->node] != 1) return;
  if (r->replaces != NO_ID &&
      (f->uses[r->node] != 1 || read_by_others(e, r) || !written_element_wise(e, r)))
    return;
  e->buffer[r->node] = r->buffer;
  r->placed = true;
}

static void copy_results(FusePlan *e, const Results *results) {
  for (int i = 0; i < results->n; i++) {
    const Result *r = &results->at[i];
    if (r->placed) continue;
    int from = node_buffer(e, r->node, e->f->g->node.at[r->node].where.layer);
    Buffer *b = &e->p->buffer.at[from];
    if (b->home == HOME_WORK && e->f->entry[r->node] != r->entry) b->home = HOME_KEPT;
    vec_push(e->p->u->arena, &e->p->entry[r->entry].step, plan_copy(e->p, from, r->buffer, NULL));
  }
}

/* ---- the plan ---- */

enum { TRAINING_TILE = 4 };

static void limit_errors(Plan *p, const PlanOptions *options) {
  if (options->max_error > 0) {
    plan_allow_error(p, options->max_error);
  } else if (options->training) {
    plan_allow_error(p, INFINITY);
    memcpy(p->max_growth, options->target->language->training_growth, sizeof p->max_growth);
    p->max_tile = TRAINING_TILE;
  }
}

/* Inputs and parameters have a place whether or not a kernel reads them. */
FusePlan *fuse_plan_begin(Fuse *f, const PlanOptions *options) {
  FusePlan *e = NEW(f->u->arena, FusePlan);
  e->f = f;
  e->p = plan_new(f->u, f->g, options->target, options->max_batch);
  e->p->cold = options->cold;
  e->p->precision = options->precision;
  limit_errors(e->p, options);
  e->buffer = NEW_ARRAY(f->u->arena, int, f->g->node.n);
  e->readers = NEW_ARRAY(f->u->arena, Groups, f->g->node.n);
  for (int i = 0; i < f->g->param.n; i++)
    dictionary_set(f->u->arena, &e->param, f->g->param.at[i].name, i);
  for (Id id = 0; id < f->g->node.n; id++) e->buffer[id] = -1;
  for (int i = 0; i < f->g->input.n; i++)
    if (f->g->input.at[i].kind == INPUT_DATA) node_buffer(e, f->g->input.at[i].node, NULL);
  for (int i = 0; i < f->g->param.n; i++) node_buffer(e, f->g->param.at[i].node, NULL);
  e->p->entry[PLAN_PREPARE].exists = true;
  return e;
}

static void find_readers(FusePlan *e) {
  const Fuse *f = e->f;
  for (Id id = 0; id < f->g->node.n; id++) e->readers[id].n = 0;
  for (int i = 0; i < f->group.n; i++) {
    Group *group = f->group.at[i];
    for (int j = 0; j < group->k.nin && !group->dead; j++)
      vec_push(f->u->arena, &e->readers[group->k.in[j].tensor], group);
  }
}

void fuse_plan_family(FusePlan *e, const EntryKind *kinds, int n) {
  Results results = {0};
  const Fuse *f = e->f;
  find_readers(e);
  for (int i = 0; i < n; i++) {
    e->p->entry[fuse_entry(kinds[i])].exists = true;
    add_wants(e, kinds[i], &results);
    add_updates(e, kinds[i], &results);
  }
  for (int i = 0; i < results.n; i++) place_result(e, &results.at[i]);
  for (int i = 0; i < f->group.n; i++)
    if (!f->group.at[i]->dead) emit_group(e, f->group.at[i]);
  copy_results(e, &results);
  for (Id id = 0; id < f->g->node.n; id++) { /* values of calls end with the family */
    if (node_is_leaf(f->g, id) || e->buffer[id] < 0) continue;
    const Buffer *b = &e->p->buffer.at[e->buffer[id]];
    f->given[id] = b->home == HOME_DERIVED && read_after(e, id, f->entry[id]);
    if (!f->given[id]) e->buffer[id] = -1;
  }
}

Plan *fuse_plan_end(FusePlan *e) {
  return e->p;
}
