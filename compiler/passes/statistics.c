/* statistics.c - pass statistics: mean and variance of what a contraction writes, over a batch,
 * come from its epilogue instead of kernels that read it again.
 *
 * Needs: tiles are chosen; such a mean and variance are three kernels, as batch_norm.c and
 * fuse_moments.c make them. Guarantees: of those that a target can sum (Target.sums), the
 * contraction writes sums of its results and of their squares, in runs of points, and one kernel
 * adds those up.
 *
 *   conv1: n k oh<56 ow<56 | c                conv1: n k oh<56 ow<56 | c
 *     %x[n, k, oh, ow] = acc0                   %x[n, k, oh, ow] = acc0
 *                                               %s[(3136*n + 56*oh + ow)/128, k] += acc0
 *                                               %q[(3136*n + 56*oh + ow)/128, k] += acc0*acc0
 *   bn1: n c | h<56 w<56               ->     bn1: c | run<784
 *     in1 = %x[n, c, 0, 0]                      in0 = %s[run, c]
 *     acc0 = sum in0 - in1                      in1 = %q[run, c]
 *     acc1 = sum (in0 - in1)*(in0 - in1)        acc0 = sum of in0 with 128*run < scalar0*3136
 *     %1[n, c] = in1 + acc0/3136                acc1 = sum of in1 with 128*run < scalar0*3136
 *     %2[n, c] = acc1/3136 - ..                 %mean[c] = acc0/(scalar0*3136)
 *   bn1: c | n                                  %var[c] = max(0, acc1/(scalar0*3136) - ..)
 *     acc0 = sum in0
 *     %mean[c] = acc0/scalar0
 *   bn1: c | n
 *     acc0 = sum in2 + (in0 - in1)*(in0 - in1)
 *     %var[c] = acc0/scalar0
 *
 * All of it is in f64, where squares of f32 are exact. The last runs stand beyond the samples of a
 * smaller batch: nothing was written there. */
#include "passes.h"
#include "backend.h"

/* ---- the kernels of a mean and a variance ---- */

typedef struct Statistics {
  Step *moments, *mean, *variance, *writer;
  int64_t positions; /* of a sample */
  int axis;          /* loop of channels of `moments` */
} Statistics;

static const Extent samples = {1, 0};

/* A view of each channel, or of each sample and channel. */
static bool is_of(const View *v, int sample, int channel) {
  const int rank = sample < 0 ? 1 : 2;
  int n = -1, c = -1;
  return v->rank == rank && coord_is_loop(&v->at[rank - 1], &c) && c == channel &&
         (sample < 0 || (coord_is_loop(&v->at[0], &n) && n == sample));
}

/* Does the view go over all of its tensor, with a loop of the kernel for each axis that has one?
 * Free ones are those of samples and channels. */
static bool reads_all(const Plan *p, const Kernel *k, const View *v, int *sample, int *channel) {
  const Type *type = &p->buffer.at[v->tensor].type;
  int loops = 0, l;
  for (int a = 0; a < type->rank; a++) {
    if (extent_same(type->dim[a], fixed(1)) && a > 1) continue;
    if (!coord_is_loop(&v->at[a], &l) || !extent_same(k->loop[l].extent, type->dim[a]))
      return false;
    if (k->loop[l].reduced != (a > 1)) return false;
    if (a < 2) *(a ? channel : sample) = l;
    loops++;
  }
  return type->rank > 2 && loops == k->nloop && v->outside == INSIDE;
}

static const Expr *without_shift(void *context, const Expr *leaf) {
  return leaf->op == E_in && leaf->index == 1 ? expr_const(context, 0) : leaf;
}

/* A mean, and what the mean of squares is above its square. */
static const Expr *mean_of(Unit *u, int fold, const Expr *count) {
  return expr2(u, E_div, expr_acc(u, fold), count);
}
static const Expr *variance_of(Unit *u, const Expr *count) {
  const Expr *mean = mean_of(u, 0, count);
  return expr2(u, E_sub, mean_of(u, 1, count), expr2(u, E_mul, mean, mean));
}

/* Mean and variance of each sample and channel: of distances from a number, which may be 0. */
static bool is_moments(const Plan *p, const Kernel *k, Statistics *s) {
  Unit *u = p->u;
  const Expr *x = expr_in(u, 0), *of[4] = {NULL};
  int sample = -1;
  if (k->nfold != 2 || k->nout != 2 || k->nin != 2 ||
      !reads_all(p, k, &k->in[0], &sample, &s->axis) || !is_of(&k->out[0].to, sample, s->axis) ||
      !is_of(&k->out[1].to, sample, s->axis))
    return false;
  for (int i = 0; i < 2; i++) {
    if (k->fold[i].op != FOLD_SUM || k->out[i].combine) return false;
    of[i] = expr_replace(u, k->fold[i].term, without_shift, u);
    of[2 + i] = expr_replace(u, k->out[i].value, without_shift, u);
  }
  s->positions = kernel_points(k, true, 1);
  const Expr *count = expr_const(u, (double)s->positions);
  return extent_same(k->loop[sample].extent, samples) && of[0] == x &&
         of[1] == expr2(u, E_mul, x, x) && of[2] == mean_of(u, 0, count) &&
         of[3] == variance_of(u, count);
}

/* A sum over samples, divided by their number. */
static bool is_sample_mean(Unit *u, const Kernel *k, int inputs) {
  return k->nloop == 2 && !k->loop[0].reduced && k->loop[1].reduced &&
         extent_same(k->loop[1].extent, samples) && k->nfold == 1 && k->fold[0].op == FOLD_SUM &&
         k->nin == inputs && k->nout == 1 && !k->out[0].combine && is_of(&k->out[0].to, -1, 0) &&
         k->out[0].value == mean_of(u, 0, expr_scalar(u, SCALAR_N));
}

static bool is_mean(Unit *u, const Kernel *k, const Kernel *moments) {
  return is_sample_mean(u, k, 1) && k->in[0].tensor == moments->out[0].to.tensor &&
         is_of(&k->in[0], 1, 0) && k->fold[0].term == expr_in(u, 0);
}

static int input_of(const Kernel *k, int tensor) {
  int i = k->nin - 1;
  while (i >= 0 && k->in[i].tensor != tensor) i--;
  return i;
}

static bool is_variance(Unit *u, const Kernel *k, const Kernel *moments, const Kernel *mean) {
  const int of = input_of(k, moments->out[0].to.tensor), all = input_of(k, mean->out[0].to.tensor),
            own = input_of(k, moments->out[1].to.tensor);
  if (!is_sample_mean(u, k, 3) || of < 0 || all < 0 || own < 0 || !is_of(&k->in[of], 1, 0) ||
      !is_of(&k->in[own], 1, 0) || !is_of(&k->in[all], -1, 0))
    return false;
  const Expr *distance = expr2(u, E_sub, expr_in(u, of), expr_in(u, all));
  const Expr *square = expr2(u, E_mul, distance, distance);
  return k->fold[0].term == expr2(u, E_add, expr_in(u, own), square);
}

/* ---- who writes and reads ---- */

typedef struct Uses {
  int *readers, *writers; /* kernels, per buffer */
} Uses;

static void count_uses(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  const Uses *uses = context;
  (void)entry, (void)outer, (void)depth;
  for (int b = 0; b < k->nin + k->nout; b++) {
    const int tensor = kernel_view(k, b)->tensor;
    bool again = false;
    for (int i = 0; i < b; i++)
      again |= kernel_view(k, i)->tensor == tensor && (i < k->nin) == (b < k->nin);
    if (!again) (b < k->nin ? uses->readers : uses->writers)[tensor]++;
  }
}

/* The step that alone writes all of a buffer, with an element for each of its points. */
static Step *writer_of(const Plan *p, const Steps *steps, const Uses *uses, int tensor) {
  for (int i = 0; i < steps->n; i++) {
    const Kernel *k = steps->at[i]->run;
    if (!k || k->nout != 1 || k->out[0].combine || k->out[0].to.tensor != tensor) continue;
    return uses->writers[tensor] == 1 && kernel_points(k, false, p->max_batch) ==
                                             type_size(&p->buffer.at[tensor].type, p->max_batch)
               ? steps->at[i]
               : NULL;
  }
  return NULL;
}

static bool find(const Plan *p, const Steps *steps, const Uses *uses, int at, Statistics *s) {
  const Kernel *moments = steps->at[at]->run;
  *s = (Statistics){.moments = steps->at[at]};
  if (!moments || !is_moments(p, moments, s)) return false;
  for (int i = at + 1; i < steps->n; i++) {
    const Kernel *k = steps->at[i]->run;
    if (k && !s->mean && is_mean(p->u, k, moments)) s->mean = steps->at[i];
    if (k && s->mean && is_variance(p->u, k, moments, s->mean->run)) s->variance = steps->at[i];
  }
  s->writer = writer_of(p, steps, uses, moments->in[0].tensor);
  return s->variance && s->writer && uses->readers[moments->out[0].to.tensor] == 2 &&
         uses->readers[moments->out[1].to.tensor] == 1;
}

/* ---- sums in runs ---- */

static bool shares_loop(const Kernel *k, const Coord *a, const Coord *b) {
  for (int l = 0; l < k->nloop; l++)
    if (coord_uses(a, l) && coord_uses(b, l)) return true;
  return false;
}

/* Another out: for each run of points and channel, the sum of a value. */
static void add_sums(Plan *p, Kernel *k, const Coord *run, const Expr *value, const char *what) {
  const View *x = &k->out[0].to;
  Buffer b = {.home = HOME_WORK, .phase = PHASE_CALL, .format = format_plain(F64)};
  int64_t lo, hi;
  coord_range(k, run, p->max_batch, &lo, &hi);
  b.name = arena_printf(p->u->arena, "%s.%s", k->name, what);
  b.type = (Type){.dtype = F64, .rank = 2};
  b.type.dim[0] = fixed(hi + 1);
  b.type.dim[1] = p->buffer.at[x->tensor].type.dim[1];
  Out *out = &k->out[k->nout++];
  *out = (Out){.to = {.rank = 2, .at = {*run, x->at[1]}}, .value = value, .combine = true};
  out->to.tensor = plan_buffer(p, b);
}

/* Adds up the sums of the runs that this batch has. */
static Kernel adding(const Plan *p, const Statistics *s, const Coord *run) {
  Unit *u = p->u;
  const Kernel *writer = s->writer->run, *moments = s->moments->run;
  Kernel k = {.name = moments->name, .covers = moments->covers, .math = F64};
  const Type *type = &p->buffer.at[writer->out[1].to.tensor].type;
  const Expr *points =
      expr2(u, E_mul, expr_scalar(u, SCALAR_N), expr_const(u, (double)s->positions));
  const Expr *first = expr2(u, E_mul, expr_index(u, 1), expr_const(u, run->div));
  k.role = moments->role;
  kernel_loop(&k, moments->loop[s->axis].name, type->dim[1], false);
  kernel_loop(&k, "run", type->dim[0], true);
  k.nfold = k.nout = 2;
  for (int i = 0; i < 2; i++) {
    View *in = kernel_in(&k, writer->out[1 + i].to.tensor, type);
    in->at[0] = coord_loop(1, 1, 0);
    in->at[1] = coord_loop(0, 1, 0);
    k.fold[i] = (Fold){FOLD_SUM, NULL, F64};
    k.fold[i].term =
        expr3(u, E_select, expr2(u, E_lt, first, points), expr_in(u, i), expr_const(u, 0));
  }
  k.out[0] = s->mean->run->out[0];
  k.out[0].value = mean_of(u, 0, points);
  k.out[1] = s->variance->run->out[0];
  k.out[1].value = expr2(u, E_max, expr_const(u, 0), variance_of(u, points));
  kernel_simplify(u, &k);
  if (p->target->share) p->target->share(p, &k);
  return k;
}

static void remove_step(Steps *steps, const Step *s) {
  int kept = 0;
  for (int i = 0; i < steps->n; i++)
    if (steps->at[i] != s) steps->at[kept++] = steps->at[i];
  steps->n = kept;
}

/* Takes the sums into the epilogue, if the target can. */
static bool take(Plan *p, Steps *steps, Statistics *s) {
  Unit *u = p->u;
  Kernel *k = s->writer->run;
  Coord run;
  if (!p->target->sums(p, k, &run) || shares_loop(k, &run, &k->out[0].to.at[1])) return false;
  const Expr *value = k->out[0].value;
  add_sums(p, k, &run, value, "sums");
  add_sums(p, k, &run, expr2(u, E_mul, value, value), "squares");
  const Kernel all = adding(p, s, &run);
  *s->moments = *plan_leaf(p, &all);
  remove_step(steps, s->mean);
  remove_step(steps, s->variance);
  return true;
}

void pass_statistics(Plan *p, const PlanOptions *options) {
  Steps *steps = &p->entry[PLAN_TRAIN_FORWARD].step;
  Uses uses = {NEW_ARRAY(p->u->arena, int, p->buffer.n), NEW_ARRAY(p->u->arena, int, p->buffer.n)};
  Statistics s;
  bool any = false;
  (void)options;
  if (!p->target->sums) return;
  plan_leaves(p, count_uses, &uses);
  for (int i = 0; i < steps->n; i++)
    if (find(p, steps, &uses, i, &s)) any |= take(p, steps, &s);
  if (any) plan_drop_unused(p);
}
