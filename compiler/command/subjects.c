/* subjects.c - what is measured: each contraction of a plan cut out as a network of its own.
 *
 * What changes in every call becomes inputs, what is known when weights arrive becomes parameters.
 * Each measurement has memory of its own, so the network travels as text. */
#include "measure.h"
#include "algos.h"

#include <math.h>
#include <string.h>

/* How names begin of what the caller gives and gets. */
static const char given[] = "given";

static bool lies_between(const Buffer *b) {
  return b->phase == PHASE_CALL && (b->home == HOME_WORK || b->home == HOME_KEPT);
}

/* A leaf in place of what a buffer of the plan holds. */
static Id add_leaf(Graph *g, const Plan *p, const Kernel *k, int i) {
  const Buffer *b = &p->buffer.at[k->in[i].tensor];
  Arena *arena = g->u->arena;
  const char *name =
      arena_printf(arena, "%s%d", lies_between(b) ? SUBJECT_KEPT : given, g->input.n);
  const int64_t size = type_size(&b->type, 1);
  if (b->home == HOME_CONST) return graph_const(g, &b->type, b->value, (Where){.layer = name});
  if (b->phase == PHASE_CALL)
    return graph_input(g, (Input){.name = name, .type = b->type, .scale = 1});
  Param param = {.name = arena_printf(arena, "w%d", g->param.n), .type = b->type, .lr_scale = 1};
  param.role = kernel_is_operand(k, i) ? PARAM_WEIGHT : PARAM_SCALE;
  param.init = kernel_is_operand(k, i) ? INIT_DEFAULT : INIT_CONSTANT;
  param.init_value = 1;
  param.fan_in = size / extent_at(b->type.dim[0], 1);
  param.fan_out = size;
  return graph_param(g, param);
}

/* The kernel writes the whole of a tensor as large as the part that it wrote. */
static Type own_result(const Plan *p, Kernel *k) {
  View *to = &k->out[0].to;
  Type type = p->buffer.at[to->tensor].type;
  for (int a = 0; a < to->rank; a++) {
    int64_t lo, hi;
    coord_range(k, &to->at[a], p->max_batch, &lo, &hi);
    if (type.dim[a].per_n) continue;
    type.dim[a] = fixed(hi - lo + 1);
    to->at[a].plus -= lo;
  }
  return type;
}

static const char *cut_out(Unit *u, const Plan *p, const Kernel *kernel) {
  Graph *g = graph_new(u);
  Kernel k = *kernel;
  Id leaf[MAX_IN];
  Text text = {.arena = u->arena};
  g->name = SUBJECT_KERNEL;
  for (int i = 0; i < k.nin; i++) {
    int same = 0;
    while (kernel->in[same].tensor != kernel->in[i].tensor) same++;
    leaf[i] = same < i ? leaf[same] : add_leaf(g, p, kernel, i);
  }
  const bool between = lies_between(&p->buffer.at[k.out[0].to.tensor]);
  const Type type = own_result(p, &k);
  for (int i = 0; i < k.nin; i++) k.in[i].tensor = leaf[i];
  const Id result = graph_kernel(g, &k, &type, (Where){.layer = SUBJECT_KERNEL});
  vec_push(u->arena, &g->entry[ENTRY_FORWARD].want, result);
  vec_push(u->arena, &g->entry[ENTRY_FORWARD].want_name, between ? SUBJECT_KEPT : given);
  graph_print(&text, g);
  return text.at;
}

/* ---- subjects ---- */

typedef struct Search {
  Unit *u;
  const Plan *p;
  bool training;
  Subjects subjects;
} Search;

static double view_bytes(const Plan *p, const View *v) {
  const Type *type = &p->buffer.at[v->tensor].type;
  return (double)type_size(type, p->max_batch) * dtype_size(type->dtype);
}

static void add_subject(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  Search *s = context;
  Contraction c;
  (void)outer, (void)depth;
  const bool wanted = s->training ? entry > PLAN_FORWARD : entry == PLAN_FORWARD;
  if (!wanted || !contraction_of(s->p, k, &c) || k->nout != 1 || k->out[0].combine ||
      kernel_uses(k, E_scalar, -1))
    return;
  Subject subject = {.layer = k->name,
                     .role = k->role,
                     .entry = entry,
                     .graph = cut_out(s->u, s->p, k),
                     .batch = s->p->max_batch,
                     .cold = plan_weights_are_cold(s->p),
                     .operations = 2 * (double)k->macs * (double)s->p->max_batch};
  for (int i = 0; i < k->nin; i++) subject.bytes += view_bytes(s->p, &k->in[i]);
  subject.bytes += view_bytes(s->p, &k->out[0].to);
  Plan any = *s->p;
  plan_allow_error(&any, INFINITY);
  algos_serving(&any, &c, subject.serves);
  algos_serving(s->p, &c, subject.allowed);
  vec_push(s->u->arena, &s->subjects, subject);
}

/* Gradients take as many operations as the layer forward. */
static void count_gradients(Subjects *all) {
  for (int i = 0; i < all->n; i++)
    for (int k = 0; k < all->n && all->at[i].operations == 0; k++)
      if (all->at[k].role == ROLE_FWD && strcmp(all->at[k].layer, all->at[i].layer) == 0)
        all->at[i].operations = all->at[k].operations;
}

const char *subject_name(Unit *u, const Subject *s) {
  return role_kernel(u->arena, s->layer, s->role);
}

void measure_number(Subjects *all) {
  for (int i = 0; i < all->n; i++) {
    const Subject *s = &all->at[i];
    int first = 0;
    while (all->at[first].batch != s->batch || strcmp(all->at[first].graph, s->graph) != 0) first++;
    all->at[i].first = first;
  }
}

Subjects measure_subjects(Unit *u, const Plan *p) {
  Search s = {.u = u, .p = p, .training = p->entry[PLAN_BACKWARD].exists};
  plan_leaves(p, add_subject, &s);
  count_gradients(&s.subjects);
  measure_number(&s.subjects);
  return s.subjects;
}
