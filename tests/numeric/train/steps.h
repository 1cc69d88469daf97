/* steps.h - steps of training in the interpreter, in double, and what a program printed of its own
 * against them. */
#ifndef STEPS_H
#define STEPS_H

#include "run.h"

#include <math.h>

enum { STEPS = 2 };

/* ---- what is expected ---- */

static inline const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Run *r = context;
  const Node *node = &g->node.at[leaf];
  int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  if (node->op == OP_param) return r->param[index];
  if (node->op == OP_state) return r->state[index];
  return g->input.at[index].kind == INPUT_TARGET ? r->wanted : r->x;
}

/* Products added into one number, at most. */
static inline int64_t longest_reduction(const Run *r) {
  int64_t longest = 1;
  for (Id id = 0; id < r->g->node.n; id++) {
    if (r->g->node.at[id].nargs == 0) continue;
    Kernel k;
    int64_t terms = 1;
    node_kernel(r->g, id, &k);
    for (int l = 0; l < k.nloop; l++)
      if (k.loop[l].reduced) terms *= extent_at(k.loop[l].extent, r->n);
    if (terms > longest) longest = terms;
  }
  return longest;
}

/* Every entry's results are gradients or updates of the values before it; memory is changed after
 * all of them are known. */
static inline void update(Run *r, EntryKind kind) {
  const Entry *entry = &r->g->entry[kind];
  Id *want = NEW_ARRAY(r->u->arena, Id, entry->update.n + 1);
  for (int i = 0; i < entry->update.n; i++) want[i] = entry->update.at[i].value;
  Array *value = graph_run(r->g, want, entry->update.n, r->n, leaf_value, r);
  for (int i = 0; i < entry->update.n; i++) {
    const Node *to = &r->g->node.at[entry->update.at[i].to];
    int64_t index = ((const LeafAttr *)to->attr)->index;
    double *at = to->op == OP_state ? r->state[index] : r->param[index];
    memcpy(at, value[i].at, (size_t)type_size(&to->type, 1) * sizeof *at);
  }
}

/* Step i is the pass i + 1 after toy_init_params(SEED). */
static inline void draw(Graph *g, int step) {
  g->seed = SEED;
  g->pass = step + 1;
}

/* Loss and gradients; then the parameters move. */
static inline void take_step(Run *r) {
  const Entry *backward = &r->g->entry[ENTRY_BACKWARD];
  *r->loss =
      graph_run(r->g, r->g->entry[ENTRY_TRAIN_FORWARD].want.at, 1, r->n, leaf_value, r)->at[0];
  Array *gradient = graph_run(r->g, backward->want.at, backward->want.n, r->n, leaf_value, r);
  for (int w = 0; w < backward->want.n; w++)
    for (int i = 0; i < r->g->param.n; i++)
      if (strcmp(backward->want_name.at[w], r->g->param.at[i].name) == 0)
        r->grad[i] = gradient[w].at;
}

static inline void finish_step(Run *r) {
  update(r, ENTRY_TRAIN_FORWARD); /* from the parameters of this step */
  update(r, ENTRY_STEP);
  r->g->steps++;
}

static inline double **zeros(Unit *u, int n, const int64_t *size) {
  double **at = NEW_ARRAY(u->arena, double *, n + 1);
  for (int i = 0; i < n; i++) at[i] = NEW_ARRAY(u->arena, double, size[i]);
  return at;
}

/* Memory as toy_init_params leaves it. */
static inline void start(Run *r) {
  const Graph *g = r->g;
  int64_t *param = NEW_ARRAY(r->u->arena, int64_t, g->param.n + 1);
  int64_t *state = NEW_ARRAY(r->u->arena, int64_t, g->state.n + 1);
  for (int i = 0; i < g->param.n; i++) param[i] = type_size(&g->param.at[i].type, 1);
  for (int i = 0; i < g->state.n; i++) state[i] = type_size(&g->state.at[i].type, 1);
  r->g->steps = 0;
  r->param = params_seeded(g, SEED);
  r->state = zeros(r->u, g->state.n, state);
  r->grad = zeros(r->u, g->param.n, param);
  r->loss = NEW(r->u->arena, double);
}

/* ---- comparing ---- */

typedef struct Printed {
  const float *at, *end;
  double tolerance;
  const char *title;
} Printed;

static inline void compare(Printed *p, const double *expected, int64_t n, double factor,
                           const char *what) {
  double error = 0, largest = 0;
  if (p->end - p->at < n) fail_msg("%s: %s is not there", p->title, what);
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(p->at[i])) fail_msg("%s: %s is not finite", p->title, what);
    error = fmax(error, fabs((double)p->at[i] - factor * expected[i]));
    largest = fmax(largest, fabs(factor * expected[i]));
  }
  if (!(error <= p->tolerance * largest))
    fail_msg("%s: %s: error %g, largest %g", p->title, what, error, largest);
  p->at += n;
}

static inline bool has_gradient(const Run *r, int param) {
  const Entry *backward = &r->g->entry[ENTRY_BACKWARD];
  for (int i = 0; i < backward->want.n; i++)
    if (strcmp(backward->want_name.at[i], r->g->param.at[param].name) == 0) return true;
  return false;
}

static inline void compare_gradients(const Run *r, Printed *p, double factor) {
  for (int i = 0; i < r->g->param.n; i++)
    if (has_gradient(r, i))
      compare(p, r->grad[i], type_size(&r->g->param.at[i].type, 1), factor, r->g->param.at[i].name);
}

/* Of rounding errors, by the algorithms that are forced. */
static inline double growth(const Run *r) {
  double most = 1;
  for (int i = 0; i < r->g->layer.n; i++) {
    const Algo *algo = algo_of_layer(r->g->layer.at[i].name);
    if (algo) most = fmax(most, algo->tolerance);
  }
  return most;
}

/* Of the largest number of a tensor: the rounding of the longest sum, times 8 for the up to sixteen
 * sums that follow one another forward and back, of which random errors add up like four; a step
 * later the parameters carry it as well. */
static inline void compare_steps(Run *r, const Text *output) {
  Printed p = {.at = (const float *)(const void *)output->at};
  p.end = p.at + output->n / sizeof(float);
  start(r);
  for (int i = 0; i < STEPS; i++) {
    p.title = arena_printf(r->u->arena, "%s, %s, %d samples, step %d", r->net->name, r->target,
                           (int)r->n, i + 1);
    p.tolerance = (i + 1) * 8 * 0x1p-24 * sqrt((double)longest_reduction(r)) * growth(r);
    draw(r->g, i);
    take_step(r);
    compare(&p, r->loss, 1, 1, "the loss");
    compare_gradients(r, &p, 1);
    if (i == 0) compare_gradients(r, &p, 2);
    finish_step(r);
    for (int k = 0; k < r->g->param.n; k++)
      compare(&p, r->param[k], type_size(&r->g->param.at[k].type, 1), 1, r->g->param.at[k].name);
  }
  assert_ptr_equal(p.at, p.end);
}

#endif
