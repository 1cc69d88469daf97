/* update.c - pass update: train_step as an entry of its own, in which parameters move as soon as
 * their gradients are known.
 *
 * Needs: final steps. Guarantees: what backward and step leave behind one after the other, bit by
 * bit, but for gradients that nobody else reads. PLAN_TRAIN_STEP has the steps of backward in their
 * order, some of them with an update in place of the gradient that it takes, and then those of
 * `step` that are left. Where there is no such update there is no entry.
 *
 *   backward:                                            train_step:
 *     c1 wgrad: k c: %g[k, c] = %sums[k, c]                c1 wgrad: k c:
 *   step:                                          ->        %v[k, c] = %sums[k, c] + %v[k, c]*0.9
 *     c1.weight: i j: %v[i, j] = %g[i, j] + %v[i, j]*0.9     %w[k, c] = %w[k, c] - scalar1*(..)
 *                     %w[i, j] = %w[i, j] - scalar1*(..)
 *
 * An update joins the kernel that finishes its gradient where that kernel only adds up or moves:
 * the large contractions before it stay the same for all entries, and are emitted once. Norms of
 * gradients, accumulation and whoever still wants the old parameter prevent it by plain flow of
 * data; of optimisers nothing is known here. */
#include "join.h"
#include "passes.h"
#include "backend.h"

#include <string.h>

typedef struct Updating {
  Plan *p;
  const Steps *backward, *step; /* the entries' own */
  int *update; /* per step of backward: the one of `step` that moves by its gradient; -1: none */
  bool *taken; /* per step of `step`: it has joined one of backward */
} Updating;

/* The kernel that is all of a step, or NULL. */
static const Kernel *only_kernel(const Step *s) {
  while (!s->run && s->body.n == 1) s = s->body.at[0];
  return s->run;
}

/* Does a kernel that is no step of an algorithm give a gradient as it has added it up or found it?
 * Then going on in registers rounds like going on from memory. */
static bool gives_gradient(const Plan *p, const Kernel *k) {
  const Out *out = &k->out[0];
  if (k->algo || k->nout != 1 || out->combine || p->buffer.at[out->to.tensor].home != HOME_GRAD)
    return false;
  if (k->nfold == 0) return out->value->op == E_in;
  return kernel_kind(k) == KIND_REDUCE && k->nfold == 1 && kernel_only_sums(k) &&
         out->value->op == E_acc && (k->fold[0].acc == F32 || k->math == F64);
}

/* Is it a map that only replaces what it reads besides a gradient? */
static bool only_updates(const Plan *p, const Kernel *k, int gradient) {
  if (k->nfold) return false;
  for (int o = 0; o < k->nout; o++) {
    const Home home = p->buffer.at[k->out[o].to.tensor].home;
    if (k->out[o].combine || (home != HOME_PARAM && home != HOME_STATE)) return false;
  }
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].tensor != gradient && !kernel_writes(k, k->in[i].tensor)) return false;
  return true;
}

/* Which of `step` alone reads a gradient that step `at` of backward alone writes; -1: there are
 * others. */
static int only_reader(const Updating *w, int at, int gradient) {
  int found = -1;
  for (int i = 0; i < w->backward->n; i++) {
    const Step *s = w->backward->at[i];
    if (step_reads(s, gradient) || (i != at && step_writes(s, gradient))) return -1;
  }
  for (int i = 0; i < w->step->n; i++) {
    if (!step_reads(w->step->at[i], gradient)) continue;
    if (found >= 0) return -1;
    found = i;
  }
  return found;
}

static bool touches(const Step *s, const Kernel *k) {
  bool touched = false;
  for (int o = 0; o < k->nout; o++)
    touched |= step_reads(s, k->out[o].to.tensor) || step_writes(s, k->out[o].to.tensor);
  return touched;
}

/* From step `at` of backward on, has nobody else to do with what the update replaces? */
static bool comes_last(const Updating *w, int at, int update, const Kernel *k) {
  for (int i = at; i < w->backward->n; i++)
    if (touches(w->backward->at[i], k)) return false;
  for (int i = 0; i < w->step->n; i++)
    if (i != update && touches(w->step->at[i], k)) return false;
  return true;
}

/* Is b, of a joined kernel, the formula a of the update, operand by operand? Compilers that make
 * one operation of a product and a sum ask which operand stands where. */
static bool same_formula(const Kernel *update, const Expr *a, const Kernel *joined, const Expr *b) {
  if (a->op == E_in) {
    const int tensor = update->in[a->index].tensor;
    if (kernel_writes(update, tensor))
      return b->op == E_in && joined->in[b->index].tensor == tensor;
    return b->op == E_acc || (b->op == E_in && !kernel_writes(joined, joined->in[b->index].tensor));
  }
  bool same = a->op == b->op && a->index == b->index && a->value == b->value;
  for (int i = 0; i < expr_arity(a->op) && same; i++)
    same = same_formula(update, a->arg[i], joined, b->arg[i]);
  return same;
}

static bool same_formulas(const Kernel *update, const Kernel *joined) {
  bool same = true;
  for (int o = 0; o < update->nout; o++)
    same &= same_formula(update, update->out[o].value, joined, joined->out[o].value);
  return same;
}

/* A kernel with the loops of a step's own, in steps like those around that. */
static Step *in_steps_like(Plan *p, const Step *s, const Kernel *k) {
  if (s->run) return plan_leaf(p, k);
  Step *outer = NEW(p->u->arena, Step);
  *outer = *s;
  outer->body = (Steps){0};
  vec_push(p->u->arena, &outer->body, in_steps_like(p, s->body.at[0], k));
  return outer;
}

/* ---- what may join it ---- */

/* The update of the gradient that a step finishes, as the number of a step of `step`; -1: there is
 * none that could join it. */
static int find_update(const Updating *w, int at) {
  const Kernel *k = only_kernel(w->backward->at[at]);
  if (!k || !gives_gradient(w->p, k)) return -1;
  const int gradient = k->out[0].to.tensor, update = only_reader(w, at, gradient);
  const Kernel *map = update < 0 ? NULL : only_kernel(w->step->at[update]);
  return map && only_updates(w->p, map, gradient) ? update : -1;
}

/* Gradients that are finished before somebody reads the parameter for the last time wait for that:
 * nobody in backward waits for them. */
static void postpone(Updating *w) {
  Step **at = w->backward->at;
  for (int i = w->backward->n - 1; i >= 0; i--) {
    const int update = w->update[i];
    int last = w->backward->n - 1;
    if (update < 0) continue;
    while (last > i && !touches(at[last], only_kernel(w->step->at[update]))) last--;
    Step *const late = at[i];
    memmove(&at[i], &at[i + 1], (size_t)(last - i) * sizeof *at);
    memmove(&w->update[i], &w->update[i + 1], (size_t)(last - i) * sizeof *w->update);
    at[last] = late;
    w->update[last] = update;
  }
}

/* Step `at` of backward with the update of its gradient; NULL: it stays as it is. */
static Step *with_update(Updating *w, int at) {
  Plan *p = w->p;
  const Step *s = w->backward->at[at];
  const Kernel *k = only_kernel(s);
  const int update = w->update[at];
  const Kernel *map = update < 0 ? NULL : only_kernel(w->step->at[update]);
  if (!map || !comes_last(w, at, update, map)) return NULL;
  const int gradient = k->out[0].to.tensor;
  Kernel joined;
  if (!kernel_join(p->u, k, gradient, &p->buffer.at[gradient].type, map, &joined) ||
      !same_formulas(map, &joined) || !p->target->updates(p, &joined))
    return NULL;
  joined.covers = arena_printf(p->u->arena, "%s + %s", kernel_title(k), kernel_title(map));
  w->taken[update] = true;
  return in_steps_like(p, s, &joined);
}

/* ---- the pass ---- */

void pass_update(Plan *p, const PlanOptions *options) {
  const Rule *rule = graph_rule(p->graph);
  Updating w = {
      .p = p, .backward = &p->entry[PLAN_BACKWARD].step, .step = &p->entry[PLAN_STEP].step};
  Steps all = {0};
  (void)options;
  if (!rule || rule->accumulate > 1) return; /* a gradient is not known before the last pass */
  w.taken = NEW_ARRAY(p->u->arena, bool, w.step->n + 1);
  w.update = NEW_ARRAY(p->u->arena, int, w.backward->n + 1);
  for (int i = 0; i < w.backward->n; i++) w.update[i] = find_update(&w, i);
  postpone(&w);
  int joined = 0;
  for (int i = 0; i < w.backward->n; i++) {
    Step *s = with_update(&w, i);
    joined += s != NULL;
    vec_push(p->u->arena, &all, s ? s : w.backward->at[i]);
  }
  for (int i = 0; i < w.step->n; i++)
    if (!w.taken[i]) vec_push(p->u->arena, &all, w.step->at[i]);
  if (!joined) return;
  p->entry[PLAN_TRAIN_STEP].step = all;
  p->entry[PLAN_TRAIN_STEP].exists = true;
}
