/* nest.c - kernels become trees of steps, whose blocks run in parallel.
 *
 * Needs: final formats; flat lists of kernels. Guarantees: the same values; parallel steps
 * outermost. Targets whose kernels run whole keep their lists.
 *
 *   conv1: n k oh ow | ..    ->   parallel n<n by 1
 *                                   parallel k<64 by 32
 *                                     parallel oh<56 by 4
 *                                       conv1
 * A kernel of its own is cut into jobs that are worth starting: first samples, then blocks of
 * channels, then rows. What does not take several times as long as starting threads stays on one
 * thread. Some share a nest with what they hand on (pairs.c, bands.c), and of large batches
 * samples go through several kernels (depth_first.c; in training samples.c, chains.c). */
#include "nest.h"
#include "backend.h"

#include <string.h>

/* Starting threads pays for kernels that take that many times as long, also because what a kernel
 * writes then lies with the core that reads it next. Beyond one per core a job is worth that many
 * starts; so many per core keep all of them busy to the end. */
enum { STARTS_PER_KERNEL = 4, STARTS_PER_JOB = 5, JOBS_PER_CORE = 32 };

/* A job of a contraction whose operands both change in every call, or whose samples share weights,
 * reads one of them as a whole: fewer of them do. */
enum { STREAMS_PER_CORE = 4 };

enum { MAX_CUTS = 3 }; /* of one kernel */

bool nest_worth_threads(const Plan *p, double seconds) {
  return seconds >= STARTS_PER_KERNEL * p->target->machine.launch;
}

/* How many jobs work of so many seconds is worth. */
static int64_t jobs_wanted(const Plan *p, double seconds, bool streams) {
  const Machine *m = &p->target->machine;
  const int64_t most = (streams ? STREAMS_PER_CORE : JOBS_PER_CORE) * m->cores;
  const int64_t jobs = (int64_t)(seconds / (STARTS_PER_JOB * m->launch));
  return jobs < m->cores ? m->cores : jobs < most ? jobs : most;
}

/* ---- cutting one kernel ---- */

static bool last_free(const Kernel *k, int l) {
  bool last = true;
  for (int i = l + 1; i < k->nloop; i++) last &= k->loop[i].reduced;
  return last;
}

/* Rows that a tile takes, where l is the loop over them. */
static int rows_of_tile(const Contraction *c, int l) {
  if (l != contraction_row(c)) return 1;
  const Extent points = c->k->loop[contraction_point(c)].extent;
  const int r = tile_get(&c->k->tile, "r", 1);
  return points.per_n || r % points.plus != 0 ? 1 : r / (int)points.plus;
}

/* What tiles take of loop l: channels, where images are in the lanes, or vectors of an operand that
 * lies in rows; whole rows. */
static int tile_unit(const Plan *p, const Kernel *k, int l) {
  const int vectors = tile_get(&k->tile, "k", 0);
  Contraction c;
  if (!vectors || !contraction_of(p, k, &c)) return 1;
  if (buffer_in_batch(&p->buffer.at[k->in[c.w].tensor]))
    return contraction_point(&c) == l                   ? tile_get(&k->tile, "r", 1)
           : c.role[l] == 'N' && batch_is_summed(p, &c) ? vectors
                                                        : 1;
  if (!contraction_both_change(p, &c)) return rows_of_tile(&c, l);
  if (tile_get(&k->tile, "taps", 1) > 1 && correlation_taps(p, &c) == l)
    return (int)k->loop[l].extent.plus;
  return correlation_lane(p, &c, 'N') == l ? vectors * plan_lanes(p) : 1;
}

int nest_lanes(const Plan *p, const Kernel *k, int l) {
  int unit = 1;
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    const Format *f = &p->buffer.at[v->tensor].format;
    if (f->lane_axis >= 0 && coord_uses(&v->at[f->lane_axis], l) && f->lanes > unit)
      unit = f->lanes;
  }
  return unit;
}

bool nest_samples_share(const Plan *p, const Kernel *k, int l) {
  Contraction c;
  return k->loop[l].extent.per_n && tile_get(&k->tile, "r", 1) > 1 && contraction_of(p, k, &c) &&
         !contraction_both_change(p, &c) &&
         (contraction_point(&c) == l || contraction_joins_samples(&c, l));
}

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

int nest_unit(const Plan *p, const Kernel *k, int l) {
  const int lanes = nest_lanes(p, k, l);
  int unit = (int)ceil_div(tile_unit(p, k, l), lanes) * lanes;
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    for (int a = 0; a < v->rank; a++)
      if (v->at[a].coef[l] == 1 && v->at[a].div > unit) unit = v->at[a].div;
  }
  if (unit == 1 && (last_free(k, l) || nest_samples_share(p, k, l)))
    unit = tile_get(&k->tile, "r", 1);
  return unit;
}

/* Is loop l the row of a constant matrix only? Its values share all other work. */
static bool is_row(const Plan *p, const Kernel *k, int l) {
  bool row = false;
  for (int i = 0; i < k->nin; i++) {
    if (!view_uses(&k->in[i], l)) continue;
    if (p->buffer.at[k->in[i].tensor].home != HOME_CONST) return false;
    row = true;
  }
  return row && k->nfold > 0;
}

/* Loops may be cut where every out mentions them: distinct blocks write distinct elements. */
bool nest_may_cut(const Kernel *k, int l) {
  if (k->loop[l].reduced) return false;
  for (int o = 0; o < k->nout; o++)
    if (!view_uses(&k->out[o].to, l)) return false;
  return true;
}

/* Rows of lanes lie best in one piece: the innermost loop is left alone unless it is a channel. */
static bool worth_cutting(const Plan *p, const Kernel *k, int l) {
  return nest_may_cut(k, l) && !is_row(p, k, l) &&
         (!last_free(k, l) || kernel_kind(k) == KIND_CONTRACT || nest_unit(p, k, l) > 1);
}

int nest_using_loop(const Kernel *k, const View *v, int axis) {
  int found = -1;
  for (int l = 0; l < k->nloop; l++) {
    if (k->loop[l].reduced || !coord_uses(&v->at[axis], l)) continue;
    if (found >= 0 || !nest_may_cut(k, l)) return -1;
    found = l;
  }
  for (int a = 0; a < v->rank && found >= 0; a++)
    if (a != axis && coord_uses(&v->at[a], found)) return -1;
  return found;
}

bool nest_part(const Kernel *k, const View *v, int axis, Bind *part) {
  const Coord *c = &v->at[axis];
  const int loop = nest_using_loop(k, v, axis);
  int64_t lo = c->plus, hi = c->plus;
  if (loop < 0 || !coord_affine(c) || c->coef[loop] < 1) return false;
  for (int l = 0; l < k->nloop; l++) {
    if (!k->loop[l].reduced || c->coef[l] == 0) continue;
    const int64_t last = k->loop[l].extent.plus - 1;
    *(c->coef[l] < 0 ? &lo : &hi) += c->coef[l] * last;
  }
  *part = (Bind){.mul = c->coef[loop], .from = (int32_t)lo, .to = (int32_t)hi + 1};
  return true;
}

int nest_own_axis(const View *v, int loop) {
  int found = -1;
  for (int a = 0; a < v->rank && loop >= 0; a++) {
    int only;
    if (!coord_uses(&v->at[a], loop)) continue;
    if (found >= 0 || !coord_is_loop(&v->at[a], &only)) return -1;
    found = a;
  }
  return found;
}

bool nest_apart(const Kernel *a, int loop, const Kernel *b, int other) {
  for (int i = 0; i < a->nin + a->nout; i++)
    for (int j = 0; j < b->nin + b->nout; j++) {
      const View *v = kernel_view(a, i), *w = kernel_view(b, j);
      if (v->tensor != w->tensor || (i < a->nin && j < b->nin)) continue;
      const int axis = nest_own_axis(v, loop);
      if (axis < 0 || axis != nest_own_axis(w, other)) return false;
    }
  return true;
}

/* ---- what hands a tensor on ---- */

static const View *only_view(const Kernel *k, int buffer) {
  const View *found = NULL;
  for (int i = 0; i < k->nin; i++) {
    if (k->in[i].tensor != buffer) continue;
    if (found) return NULL;
    found = &k->in[i];
  }
  return found;
}

bool nest_passes_on(const Nest *n, const Kernel *from, const Kernel *to, const View **read) {
  const int buffer = from->out[0].to.tensor;
  *read = only_view(to, buffer);
  return *read && from->nout == 1 && !from->out[0].combine &&
         n->p->buffer.at[buffer].home == HOME_WORK && n->readers[buffer] == 1 &&
         n->writers[buffer] == 1;
}

bool nest_pools(const Nest *n, const Kernel *from, const Kernel *to, const View **read) {
  if (kernel_kind(to) != KIND_REDUCE || to->nout != 1 || to->out[0].combine) return false;
  if (!nest_passes_on(n, from, to, read)) return false;
  const Buffer *b = &n->p->buffer.at[(*read)->tensor];
  for (int a = 0; a < b->type.rank; a++)
    if (b->format.lo[a] || b->format.hi[a]) return false;
  return true;
}

/* ---- samples that several kernels take together ---- */

int nest_outer_axis(const Kernel *k, const View *v) {
  return nest_own_axis(v, kernel_outer_loop(k));
}

void nest_scope(Nest *n, const Kernels *all) {
  Plan *p = n->p;
  for (int t = 0; t < p->buffer.n; t++) {
    Buffer *b = &p->buffer.at[t];
    int users = 0, axis = -1;
    bool read = false, written = false;
    for (int i = 0; i < all->n; i++)
      for (int j = 0; j < all->at[i]->nin + all->at[i]->nout; j++) {
        const View *v = kernel_view(all->at[i], j);
        if (v->tensor != t) continue;
        users++;
        *(j < all->at[i]->nin ? &read : &written) = true;
        axis = nest_outer_axis(all->at[i], v);
      }
    if (b->home != HOME_WORK || b->depth > 0 || axis < 0) continue;
    if (!read || !written || users != n->users[t]) continue;
    b->depth = 1;
    b->part[axis] = (Bind){.step = 0, .mul = 1, .from = 0, .to = 1};
    b->span[axis] = 1;
  }
}

/* ---- jobs ---- */

Step *nest_new_step(Plan *p, const Loop *loop, int64_t block, bool parallel) {
  Step *s = NEW(p->u->arena, Step);
  *s = (Step){.loop = loop->name, .extent = loop->extent, .parallel = parallel};
  s->block = (int32_t)block;
  return s;
}

/* A loop that a kernel is cut along. */
typedef struct Cut {
  int loop;
  int64_t block;
} Cut;

/* Does k run in tiles of operands that both change in every call? */
static bool is_stream(const Plan *p, const Kernel *k, Contraction *c) {
  return tile_get(&k->tile, "r", 0) > 0 && contraction_of(p, k, c) && contraction_both_change(p, c);
}

/* Does k run in tiles whose operands both change in every call, or whose samples share weights? */
static bool reads_whole(const Plan *p, const Kernel *k) {
  Contraction c;
  if (is_stream(p, k, &c)) return true;
  for (int l = 0; l < k->nloop; l++)
    if (nest_samples_share(p, k, l)) return true;
  return false;
}

/* Does a kernel only put a gradient where it belongs? Then whole rows are turned round at once. */
static bool settles(const Plan *p, const Kernel *k) {
  return k->nfold == 0 && p->buffer.at[k->out[0].to.tensor].home == HOME_GRAD;
}

static bool is_tap(const Plan *p, const Contraction *c, int l) {
  return contraction_loop_slides(c, l) || l == correlation_taps(p, c);
}

/* The loops of k that may be cut, in the order of trying: of streams, taps come last, because all
 * of them read the same of both operands, and samples that share weights. */
static int order_of_cuts(const Plan *p, const Kernel *k, int *order) {
  Contraction c;
  const bool streams = is_stream(p, k, &c);
  int n = 0;
  for (int late = 0; late < 2; late++)
    for (int l = 0; l < k->nloop; l++)
      if (worth_cutting(p, k, l) &&
          ((streams && is_tap(p, &c, l)) || nest_samples_share(p, k, l)) == late)
        order[n++] = l;
  return n;
}

/* Samples enclose what the others cut, wherever their loop stands. */
static void samples_first(const Kernel *k, Cut *cut, int n) {
  int at = n - 1;
  while (at > 0 && !k->loop[cut[at].loop].extent.per_n) at--;
  for (; at > 0; at--) {
    const Cut samples = cut[at];
    cut[at] = cut[at - 1];
    cut[at - 1] = samples;
  }
}

/* How a kernel of so many seconds is cut into jobs; the number of cuts. */
static int find_cuts(const Plan *p, const Kernel *k, double time, Cut *cut) {
  const int64_t wanted = jobs_wanted(p, time, reads_whole(p, k));
  int64_t jobs = 1;
  int n = 0, order[MAX_LOOPS];
  const int cuts = order_of_cuts(p, k, order), deepest = settles(p, k) ? 1 : MAX_CUTS;
  for (int i = 0; i < cuts && jobs < wanted && n < deepest; i++) {
    const int l = order[i];
    if (n > 0 && nest_samples_share(p, k, l)) break; /* blocks of them would read weights again */
    int64_t extent = extent_at(k->loop[l].extent, p->max_batch), unit = nest_unit(p, k, l);
    int64_t blocks = ceil_div(extent, unit), need = ceil_div(wanted, jobs);
    int64_t block = need < blocks ? ceil_div(blocks, need) * unit : unit;
    bool batch = k->loop[l].extent.per_n != 0 && !nest_samples_share(p, k, l);
    if (batch) block = nest_lanes(p, k, l);
    if (extent <= block && (!batch || block > 1)) continue;
    cut[n++] = (Cut){l, block};
    jobs *= ceil_div(extent, block);
  }
  samples_first(k, cut, n);
  return n;
}

/* Bytes of what is read whole by each worker if blocks of loop l are dealt to them. */
static double read_by_all(const Plan *p, const Kernel *k, int l) {
  double bytes = 0;
  for (int i = 0; i < k->nin; i++)
    if (!view_uses(&k->in[i], l))
      bytes += (double)buffer_bytes(&p->buffer.at[k->in[i].tensor], p->max_batch);
  return bytes;
}

/* A worker begins with jobs side by side: the outermost cut says what they share. Behind samples it
 * is the one that leaves least to be read by all: of large images rows, of large weights channels.
 */
static void order_nesting(const Plan *p, const Kernel *k, Cut *cut, int n) {
  const int first = n > 0 && k->loop[cut[0].loop].extent.per_n != 0;
  int best = first;
  for (int i = first + 1; i < n; i++)
    if (read_by_all(p, k, cut[i].loop) < read_by_all(p, k, cut[best].loop)) best = i;
  if (best == first) return;
  const Cut outermost = cut[best];
  for (int i = best; i > first; i--) cut[i] = cut[i - 1];
  cut[first] = outermost;
}

/* The leaf inside the parallel steps that cut it into jobs. */
static Step *cut_into_jobs(Plan *p, Step *leaf) {
  Kernel *k = leaf->run;
  Cut cut[MAX_CUTS];
  const double time = p->target->time(p, k);
  const int n = nest_worth_threads(p, time) ? find_cuts(p, k, time, cut) : 0;
  order_nesting(p, k, cut, n);
  Step *step = leaf;
  for (int i = n - 1; i >= 0; i--) {
    Step *outer = nest_new_step(p, &k->loop[cut[i].loop], cut[i].block, true);
    k->bind[cut[i].loop] = (Bind){.step = (int8_t)i, .mul = 1, .from = 0, .to = 1};
    vec_push(p->u->arena, &outer->body, step);
    step = outer;
  }
  return step;
}

/* ---- the pass ---- */

double nest_room(const Nest *n) {
  return 0.85 * n->p->target->machine.l2;
}

static void count_accesses(Nest *n, const Steps *steps) {
  memset(n->readers, 0, sizeof *n->readers * (size_t)n->p->buffer.n);
  memset(n->writers, 0, sizeof *n->writers * (size_t)n->p->buffer.n);
  for (int i = 0; i < steps->n; i++) {
    const Kernel *k = steps->at[i]->run;
    for (int j = 0; j < k->nin; j++) n->readers[k->in[j].tensor]++;
    for (int j = 0; j < k->nout; j++) n->writers[k->out[j].to.tensor]++;
  }
}

/* The first of the steps, with those behind it that share a nest; `left` begins after them. */
static Step *next_nest(Nest *n, Steps *left) {
  int taken = 2;
  Step *nested = nest_bands(n, left);
  if (nested) return nested;
  if (left->n > 1) nested = nest_pair(n, left->at);
  if (!nested && (nested = nest_chain(n, left))) return nested;
  if (!nested) {
    nested = cut_into_jobs(n->p, left->at[0]);
    taken = 1;
  }
  left->at += taken;
  left->n -= taken;
  return nested;
}

Steps nest_steps(Nest *n, const Steps *steps) {
  Steps nested = {0}, left = {.at = NEW_ARRAY(n->p->u->arena, Step *, steps->n), .n = steps->n};
  for (int i = 0; i < steps->n; i++) left.at[i] = steps->at[i];
  count_accesses(n, steps);
  while (left.n > 0) vec_push(n->p->u->arena, &nested, next_nest(n, &left));
  return nested;
}

static void count_users(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  int *users = context;
  (void)entry, (void)outer, (void)depth;
  for (int i = 0; i < k->nin + k->nout; i++) users[kernel_view(k, i)->tensor]++;
}

Nest nest_new(Plan *p, const Steps *trial) {
  const Nest n = {.p = p,
                  .readers = NEW_ARRAY(p->u->arena, int, p->buffer.n),
                  .writers = NEW_ARRAY(p->u->arena, int, p->buffer.n),
                  .users = NEW_ARRAY(p->u->arena, int, p->buffer.n)};
  plan_leaves(p, count_users, n.users);
  for (int i = 0; trial && i < trial->n; i++) count_users(n.users, 0, trial->at[i]->run, NULL, 0);
  return n;
}

void pass_nest(Plan *p, const PlanOptions *options) {
  if (!p->target->language->nests) return;
  const bool training = p->entry[PLAN_BACKWARD].exists;
  const bool by_samples = nest_by_samples(p);
  for (PlanEntry e = PLAN_TRAIN_FORWARD; e < PLAN_ENTRIES && training && by_samples; e++)
    nest_samples(p, e);
  Nest n = nest_new(p, NULL);
  for (PlanEntry e = 0; e < PLAN_ENTRIES; e++) {
    Steps *steps = &p->entry[e].step;
    *steps = nest_steps(&n, steps);
    if (e == PLAN_FORWARD && !training && by_samples && !options->apart)
      *steps = nest_depth_first(&n, steps);
  }
}
