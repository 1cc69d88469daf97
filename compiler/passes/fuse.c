/* fuse.c - Graph -> Plan: every node a kernel, then as few kernels as the algebra allows.
 *
 * Needs: a verified Graph. Guarantees: a Plan of unformatted buffers with the same meaning, kernels
 * in an order that can run.
 * Every needed node becomes a group: its kernel, over node ids. In one walk over the groups, each
 *   1. absorbs what its inputs' producers only move (views, broadcasts, constants), what is
 *      computed when weights are loaded, and maps that nobody else reads, into maps and sums;
 *   2. if it is a map, becomes the epilogue of the last fold it reads that nobody else reads;
 *   3. if it only copies (a member of a concatenation), lets its producers write its place.
 * At last sums over the same points become one kernel, and updates of one parameter; so do a mean
 * and the squares around it, for languages that gain by it.
 *
 *   conv1: n k oh ow | c kh kw: acc0 = sum in0*in1; %1 = acc0     conv1: ... acc0 = sum in0*in1
 *   bias:  n k oh ow: %2 = in0          (a broadcast)         ->      in2 = %b[k]
 *   add:   n k oh ow: %3 = in0 + in1                                  %4 = max(0, acc0 + in2)
 *   relu:  n k oh ow: %4 = max(0, in0) */
#include "fuse.h"
#include "backend.h"
#include "dictionary.h"
#include "join.h"

#include <string.h>

/* ---- which nodes, in which entry ---- */

/* What has an extent of n can only be computed in a call, be it of parameters alone; so can what
 * reads it. */
static Phase *find_phases(const Graph *g) {
  Phase *phase = NEW_ARRAY(g->u->arena, Phase, g->node.n);
  for (Id id = 0; id < g->node.n; id++) {
    const Node *node = &g->node.at[id];
    phase[id] = graph_phase(g, id);
    for (int a = 0; a < node->type.rank; a++)
      if (node->type.dim[a].per_n) phase[id] = PHASE_CALL;
    for (int i = 0; i < node->nargs; i++)
      if (phase[node->arg[i]] > phase[id]) phase[id] = phase[node->arg[i]];
  }
  return phase;
}

/* The first entry of the family that needs a node computes it. */
static void find_needed(Fuse *f, const Entry *entry, PlanEntry where) {
  bool *need = NEW_ARRAY(f->u->arena, bool, f->g->node.n);
  for (int i = 0; i < entry->want.n; i++) need[entry->want.at[i]] = true;
  for (int i = 0; i < entry->update.n; i++) need[entry->update.at[i].value] = true;
  graph_need(f->g, need);
  for (Id id = 0; id < f->g->node.n; id++)
    if (need[id] && f->entry[id] == PLAN_ENTRIES)
      f->entry[id] = f->phase[id] == PHASE_CALL ? where : PLAN_PREPARE;
}

/* ---- titles ---- */

static bool is_bias(const Graph *g, const Node *node) {
  bool found = false;
  for (int i = 0; i < node->nargs && node->op == OP_add; i++)
    found |= g->node.at[node->arg[i]].op == OP_broadcast;
  return found;
}

/* What a comment calls each node: its layer, or what it does behind the layer's first operation. */
static const char **find_titles(const Graph *g) {
  Arena *arena = g->u->arena;
  const char **title = NEW_ARRAY(arena, const char *, g->node.n);
  Dictionary begun = {0};
  for (Id id = 0; id < g->node.n; id++) {
    const Node *node = &g->node.at[id];
    const char *layer = node->where.layer;
    const bool first = !layer || dictionary_find(&begun, layer) < 0;
    title[id] = first || node->op == OP_kernel ? layer
                : is_bias(g, node)             ? "bias"
                                               : ops[node->op]->name;
    if (layer && !node_is_leaf(g, id) && node->op != OP_broadcast && node->op != OP_kernel)
      dictionary_set(arena, &begun, layer, id);
  }
  return title;
}

/* ---- groups ---- */

static const Expr *term_of(void *context, const Expr *leaf) {
  const Kernel *k = context;
  return leaf->op == E_acc ? k->fold[leaf->index].term : leaf;
}

/* A fold over one term is that term: a 1x1 pool is a map. */
static void fold_of_one_term(const Fuse *f, Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced) return;
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].outside == SKIP) return;
  for (int i = 0; i < k->nfold; i++)
    if (k->fold[i].op == FOLD_ARGMAX) return;
  for (int o = 0; o < k->nout; o++)
    k->out[o].value = expr_replace(f->u, k->out[o].value, term_of, k);
  k->nfold = 0;
}

static const char *both_titles(const Fuse *f, const char *a, const char *b) {
  if (!a || !b || strcmp(a, b) == 0) return a ? a : b;
  return arena_printf(f->u->arena, "%s + %s", a, b);
}

void fuse_add_group(Fuse *f, const Kernel *k, Id node) {
  Group *group = NEW(f->u->arena, Group);
  *group = (Group){.k = *k, .node = node, .entry = f->entry[node], .position = f->group.n};
  group->k.out[0].to.tensor = node;
  if (!group->k.name) group->k.name = f->g->node.at[node].where.layer;
  group->k.covers = f->title[node];
  kernel_simplify(f->u, &group->k);
  fold_of_one_term(f, &group->k);
  vec_push(f->u->arena, &f->group, group);
  vec_push(f->u->arena, &f->made[node], group);
}

static void make_groups(Fuse *f) {
  for (Id id = 0; id < f->g->node.n; id++) {
    if (f->entry[id] == PLAN_ENTRIES || node_is_leaf(f->g, id) || f->given[id]) continue;
    Kernel k = {0};
    node_kernel(f->g, id, &k);
    if (!fuse_split_concat(f, &k, id)) fuse_add_group(f, &k, id);
  }
}

static void count_reads(Fuse *f, const Kernel *k, int by) {
  for (int i = 0; i < k->nin; i++) {
    bool again = false;
    for (int j = 0; j < i; j++) again |= k->in[j].tensor == k->in[i].tensor;
    if (!again) f->uses[k->in[i].tensor] += by;
  }
}

/* Groups that nobody reads any more die, and in turn what only they read. */
static void drop_unused(Fuse *f, Id node) {
  if (f->uses[node] > 0) return;
  for (int i = 0; i < f->made[node].n; i++) {
    Group *group = f->made[node].at[i];
    if (group->dead) continue;
    group->dead = true;
    count_reads(f, &group->k, -1);
    for (int j = 0; j < group->k.nin; j++) drop_unused(f, group->k.in[j].tensor);
  }
}

/* Puts k in the place of a group's kernel. */
static void replace_kernel(Fuse *f, Group *group, const Kernel *k) {
  Kernel old = group->k;
  count_reads(f, k, 1);
  count_reads(f, &old, -1);
  group->k = *k;
  for (int i = 0; i < old.nin; i++) drop_unused(f, old.in[i].tensor);
}

/* The one group that computes a node, or NULL. */
Group *fuse_producer(const Fuse *f, Id node) {
  Group *found = NULL;
  for (int i = 0; i < f->made[node].n; i++) {
    if (f->made[node].at[i]->dead) continue;
    if (found) return NULL;
    found = f->made[node].at[i];
  }
  return found;
}

/* ---- 1. absorbing ---- */

static bool only_moves(const Kernel *k) {
  const Expr *value = k->out[0].value;
  return k->nfold == 0 && k->nout == 1 && (value->op == E_const || value->op == E_in);
}

static bool all_affine(const Kernel *k) {
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < k->in[i].rank; a++)
      if (!coord_affine(&k->in[i].at[a])) return false;
  return true;
}

/* Does a map depend on where its elements are (dropout)? */
static bool asks_place(const Kernel *k) {
  return expr_uses(k->out[0].value, E_index, -1);
}

/* Does a map, or a plain sum, read each element that another map computes once? */
static bool reads_once(const Group *reader, const Group *from) {
  const Kernel *k = &reader->k;
  int64_t points = kernel_points(k, false, 1);
  if (k->nfold > 0) {
    if (kernel_kind(k) == KIND_CONTRACT || !kernel_only_sums(k) || asks_place(&from->k))
      return false;
    points *= kernel_points(k, true, 1);
  }
  return points == kernel_points(&from->k, false, 1);
}

static bool may_absorb(const Fuse *f, const Group *reader, const Group *from) {
  if (from->k.nfold || from->k.nout != 1) return false;
  if (only_moves(&from->k)) return true;
  if (only_moves(&reader->k)) return false; /* to be absorbed itself, and nothing computed twice */
  if (f->phase[from->node] != f->phase[reader->node]) {
    return f->phase[reader->node] != PHASE_CALL; /* constant into loaded */
  }
  if (f->phase[from->node] != PHASE_CALL) return true; /* rounded once: nothing between */
  return f->uses[from->node] == 1 && from->entry == reader->entry && reads_once(reader, from);
}

/* A contraction whose index maps need divisions could only run scalar: then the move stays. */
static bool absorb_one(Fuse *f, Group *group, int which) {
  const Group *from = fuse_producer(f, group->k.in[which].tensor);
  if (!from || !may_absorb(f, group, from)) return false;
  Kernel k = group->k;
  Type type[MAX_IN];
  bool affine = all_affine(&k);
  for (int i = 0; i < from->k.nin; i++) type[i] = f->g->node.at[from->k.in[i].tensor].type;
  if (!kernel_absorb(f->u, &k, which, &from->k, type)) return false;
  if (kernel_kind(&group->k) == KIND_CONTRACT && affine && !all_affine(&k)) return false;
  if (kernel_kind(&group->k) == KIND_REDUCE && kernel_kind(&k) == KIND_CONTRACT) return false;
  kernel_simplify(f->u, &k);
  if (!only_moves(&from->k) && group->entry == from->entry)
    k.covers = both_titles(f, from->k.covers, k.covers);
  replace_kernel(f, group, &k);
  return true;
}

static void absorb(Fuse *f, Group *group) {
  for (int i = 0; i < group->k.nin;) i = absorb_one(f, group, i) ? 0 : i + 1;
}

/* ---- constants ---- */

typedef struct Known {
  Unit *u;
  bool known[MAX_IN];
  double value[MAX_IN];
} Known;

static const Expr *known_leaf(void *context, const Expr *leaf) {
  const Known *c = context;
  if (leaf->op != E_in || !c->known[leaf->index]) return leaf;
  return expr_const(c->u, c->value[leaf->index]);
}

/* Are all elements of a constant equal, and every coordinate inside? Then the value is known. */
static bool uniform(const Graph *g, const View *v, double *value) {
  const Node *node = &g->node.at[v->tensor];
  if (node->op != OP_constant || v->outside != INSIDE) return false;
  const double *at = ((const ConstantAttr *)node->attr)->value.at;
  for (int64_t i = 1; i < type_size(&node->type, 1); i++)
    if (at[i] != at[0]) return false;
  *value = at[0];
  return true;
}

static void replace_constants(Fuse *f, Group *group) {
  Known known = {.u = f->u};
  bool any = false;
  for (int i = 0; i < group->k.nin; i++)
    any |= known.known[i] = uniform(f->g, &group->k.in[i], &known.value[i]);
  if (!any || kernel_kind(&group->k) == KIND_CONTRACT) return;
  Kernel k = group->k;
  for (int i = 0; i < k.nfold; i++)
    k.fold[i].term = expr_replace(f->u, k.fold[i].term, known_leaf, &known);
  for (int i = 0; i < k.nout; i++)
    k.out[i].value = expr_replace(f->u, k.out[i].value, known_leaf, &known);
  kernel_simplify(f->u, &k);
  replace_kernel(f, group, &k);
}

/* ---- 2. epilogues ---- */

/* Does a map read beyond the end of a tensor, step by step? (Gradients of strides divide; they are
 * parted later.) */
static bool reads_beyond(const Kernel *k) {
  bool beyond = false;
  for (int i = 0; i < k->nin; i++) beyond |= k->in[i].outside != INSIDE;
  return beyond && all_affine(k);
}

/* A contraction runs in vectors and does not know where it is: what asks for the place stays behind
 * it. So does what asks which elements are there, but where threads ask for one element each. */
static bool may_join(const Fuse *f, const Group *fold, const Group *map) {
  if (fold && kernel_kind(&fold->k) == KIND_CONTRACT &&
      (asks_place(&map->k) || (!f->language->blocks && reads_beyond(&map->k))))
    return false;
  return fold && fold != map && fold->k.nfold > 0 && fold->k.nout == 1 && !fold->k.out[0].combine &&
         f->uses[fold->node] == 1 && fold->entry == map->entry;
}

/* The last fold before position `before` whose epilogue m could be. */
static Group *last_fold(const Fuse *f, const Group *map, int before, int *position) {
  Group *last = NULL;
  *position = -1;
  for (int i = 0; i < map->k.nin; i++) {
    Group *fold = fuse_producer(f, map->k.in[i].tensor);
    if (!may_join(f, fold, map)) continue;
    int at = fold->position;
    if (at >= before || at <= *position) continue;
    *position = at;
    last = fold;
  }
  return last;
}

static void join_to_fold(Fuse *f, Group *map) {
  if (map->k.nfold || map->k.nout != 1 || map->k.out[0].combine) return;
  int position = f->group.n;
  for (Group *fold; (fold = last_fold(f, map, position, &position));) {
    Kernel k;
    const Type *type = &f->g->node.at[fold->node].type;
    if (!kernel_join(f->u, &fold->k, fold->node, type, &map->k, &k)) continue;
    k.covers = both_titles(f, fold->k.covers, map->k.covers);
    count_reads(f, &k, 1);
    count_reads(f, &map->k, -1);
    count_reads(f, &fold->k, -1);
    map->k = k;
    fold->dead = true;
    return;
  }
}

/* ---- the pass ---- */

static void open_family(Fuse *f, const EntryKind *kinds, int n) {
  int nodes = f->g->node.n;
  f->entry = NEW_ARRAY(f->u->arena, PlanEntry, nodes);
  f->uses = NEW_ARRAY(f->u->arena, int, nodes);
  f->made = NEW_ARRAY(f->u->arena, Groups, nodes);
  f->group = (Groups){0};
  for (Id id = 0; id < nodes; id++) f->entry[id] = PLAN_ENTRIES;
  for (int i = 0; i < n; i++) {
    const Entry *entry = &f->g->entry[kinds[i]];
    find_needed(f, entry, fuse_entry(kinds[i]));
    for (int j = 0; j < entry->want.n; j++) f->uses[entry->want.at[j]]++;
    for (int j = 0; j < entry->update.n; j++) f->uses[entry->update.at[j].value]++;
  }
}

static void fuse_groups(Fuse *f) {
  make_groups(f);
  for (int i = 0; i < f->group.n; i++) count_reads(f, &f->group.at[i]->k, 1);
  for (int i = 0; i < f->group.n; i++) {
    Group *group = f->group.at[i];
    if (group->dead) continue;
    absorb(f, group);
    replace_constants(f, group);
    join_to_fold(f, group);
    fuse_write_in_place(f, group);
  }
  if (f->language->moments) fuse_join_moments(f);
  fuse_join_sums(f);
  fuse_join_updates(f);
}

/* Entries of a family hand values on to each other; families share only what weights give. */
static const struct {
  int n;
  EntryKind kind[3];
} families[] = {
    {1, {ENTRY_FORWARD}},
    {3, {ENTRY_TRAIN_FORWARD, ENTRY_BACKWARD, ENTRY_STEP}},
};

Plan *pass_fuse(const Graph *g, const PlanOptions *options) {
  Fuse f = {.u = g->u, .g = g, .phase = find_phases(g), .title = find_titles(g)};
  f.given = NEW_ARRAY(g->u->arena, bool, g->node.n);
  f.language = options->target->language;
  FusePlan *out = fuse_plan_begin(&f, options);
  for (int i = 0; i < (options->training ? COUNT(families) : 1); i++) {
    open_family(&f, families[i].kind, families[i].n);
    fuse_groups(&f);
    fuse_plan_family(out, families[i].kind, families[i].n);
  }
  return fuse_plan_end(out);
}
