/* algos.c - the table of algorithms, how a contraction looks to them, and what they share: weights
 * packed in the order of reading under the register-tile contraction. */
#include "algos.h"
#include "backend.h"
#include "views.h"

#include <math.h>
#include <string.h>

#define ALGO(name) extern const Algo algo_##name;
#include "algos.def"
#undef ALGO

const Algo *const algos[ALGO_KINDS] = {
#define ALGO(name) &algo_##name,
#include "algos.def"
#undef ALGO
};

const Algo *algo_find(const char *name) {
  for (int a = 0; a < ALGO_KINDS; a++)
    if (strcmp(algos[a]->name, name) == 0) return algos[a];
  return NULL;
}

void algos_serving(const Plan *p, const Contraction *c, bool serves[ALGO_KINDS]) {
  for (int a = 0; a < ALGO_KINDS; a++)
    if (!algos[a]->refuses(p, c)) serves[a] = true;
}

/* ---- contractions ---- */

/* B is in all three of x, w, out; M in x and out (or out alone); N in w and out; K is reduced. */
static char loop_role(const Kernel *k, int x, int w, int loop) {
  if (k->loop[loop].reduced) return 'K';
  bool in_x = view_uses(&k->in[x], loop), in_w = view_uses(&k->in[w], loop);
  return in_x && in_w ? 'B' : in_w ? 'N' : 'M';
}

bool contraction_of(const Plan *p, const Kernel *k, Contraction *c) {
  if (kernel_kind(k) != KIND_CONTRACT) return false;
  int a, b;
  kernel_operands(k, &a, &b);
  const Phase of_a = p->buffer.at[k->in[a].tensor].phase,
              of_b = p->buffer.at[k->in[b].tensor].phase;
  const bool batch_a = buffer_in_batch(&p->buffer.at[k->in[a].tensor]),
             batch_b = buffer_in_batch(&p->buffer.at[k->in[b].tensor]);
  bool first = of_a < of_b;
  if (k->algo && batch_a != batch_b) first = batch_a;
  if (of_a == PHASE_CALL && of_b == PHASE_CALL && !k->algo)
    first = correlation_lanes_along_first(p, k, a, b);
  *c = (Contraction){.k = k, .x = first ? b : a, .w = first ? a : b};
  for (int l = 0; l < k->nloop; l++) c->role[l] = loop_role(k, c->x, c->w, l);
  return true;
}

static int point_before(const Contraction *c, int end) {
  for (int l = end - 1; l >= 0; l--)
    if (c->role[l] == 'M' && view_uses(&c->k->in[c->x], l)) return l;
  return -1;
}

int contraction_point(const Contraction *c) {
  return point_before(c, c->k->nloop);
}

int contraction_row(const Contraction *c) {
  return point_before(c, contraction_point(c));
}

bool contraction_joins_samples(const Contraction *c, int l) {
  const View *x = &c->k->in[c->x];
  return c->k->loop[l].extent.per_n && view_uses(x, l) && !coord_uses(&x->at[0], l);
}

/* The loop whose next value is where a whole turn of loop `inner` leads; -1: none. */
static int followed_by(const Plan *p, const Contraction *c, int inner) {
  for (int l = inner - 1; l >= 0; l--)
    if (c->role[l] == 'M' && (!c->k->loop[l].extent.per_n || contraction_joins_samples(c, l)) &&
        loops_follow(p, c->k, l, inner))
      return l;
  return -1;
}

int contraction_run(const Plan *p, const Contraction *c, int loop[MAX_LOOPS]) {
  const int point = contraction_point(c);
  int n = 0;
  if (point < 0 || lanes_of_loop(p, &c->k->in[c->x], point) > 1) return 0;
  for (int l = point; l >= 0; l = c->k->bind[l].step < 0 ? followed_by(p, c, l) : -1) loop[n++] = l;
  return n;
}

bool contraction_loop_slides(const Contraction *c, int loop) {
  const View *x = &c->k->in[c->x];
  for (int a = 0; a < x->rank; a++) {
    if (!coord_uses(&x->at[a], loop)) continue;
    for (int l = 0; l < c->k->nloop; l++)
      if (coord_uses(&x->at[a], l) && (c->role[l] == 'K') != (c->role[loop] == 'K') &&
          (c->role[l] == 'M' || c->role[loop] == 'M'))
        return true;
  }
  return false;
}

bool contraction_slides(const Contraction *c) {
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == 'K' && contraction_loop_slides(c, l)) return true;
  return false;
}

bool contraction_strides(const Contraction *c) {
  const View *x = &c->k->in[c->x];
  for (int a = 0; a < x->rank; a++)
    for (int l = 0; l < c->k->nloop; l++)
      if (c->role[l] == 'M' && x->at[a].coef[l] > 1 && contraction_loop_slides(c, l)) return true;
  return false;
}

/* Changes the tile as `asked` says; the reason if the target cannot run it so, or NULL. */
static const char *ask_tile(const Plan *p, Kernel *k, const Tile *asked) {
  Kernel changed = *k;
  for (int i = 0; i < asked->n; i++) {
    if (tile_get(&k->tile, asked->at[i].name, -1) < 0)
      return arena_printf(p->u->arena, "a tile has no \"%s\"", asked->at[i].name);
    tile_set(&changed.tile, asked->at[i].name, asked->at[i].value);
  }
  const char *reason = p->target->refuses_tile(p, &changed);
  if (!reason) *k = changed;
  return reason;
}

static void pick(const Plan *p, Kernel *k, void (*opinion)(const Plan *, Kernel *)) {
  TileLog *log = p->tiles;
  if (opinion) opinion(p, k);
  if (!log || k->tile.n == 0) return;
  const int i = log->made.n;
  if (log->asked && i < log->asked->n && !log->wrong)
    log->wrong = ask_tile(p, k, &log->asked->at[i]);
  vec_push(p->u->arena, &log->made, k);
}

void algo_pick_tile(const Plan *p, Kernel *k) {
  pick(p, k, p->target->tile);
}

void algo_pick_shares(const Plan *p, Kernel *k) {
  pick(p, k, p->target->share);
}

int contraction_lane(const Plan *p, const Contraction *c, char role) {
  const View *to = &c->k->out[0].to;
  const int own = p->buffer.at[to->tensor].format.lane_axis;
  const int axis = own > 1 ? own : to->rank > 1 ? 1 : 0;
  const int lanes = to->rank > 2 ? plan_lanes(p) : 1;
  for (int l = 0; l < c->k->nloop; l++)
    if (c->role[l] == role && coord_lines_up(&to->at[axis], l, lanes)) return l;
  return -1;
}

const char *contraction_refuses_weights(const Plan *p, const Contraction *c) {
  const View *x = &c->k->in[c->x], *w = &c->k->in[c->w];
  if (c->k->math != F32) return "it works in double";
  if (p->buffer.at[w->tensor].phase > PHASE_LOAD) return "both operands change in every call";
  if (w->outside != INSIDE) return "its weights are read outside of their bounds";
  if (x->outside == SKIP) return "its sum leaves terms out";
  for (int a = 0; a < x->rank; a++)
    if (!coord_affine(&x->at[a]) || x->at[a].exact) return "its index maps divide";
  if (c->k->nout != 1 || c->k->out[0].combine) return "it has more than one result";
  return NULL;
}

const char *packed_refuses(const Plan *p, const Contraction *c) {
  if (p->target->language->blocks) return "threads of this target work in blocks";
  return contraction_refuses_weights(p, c);
}

double contraction_terms(const Plan *p, const Contraction *c) {
  double terms = 1;
  for (int l = 0; l < c->k->nloop; l++)
    if (c->k->loop[l].reduced) terms *= (double)extent_at(c->k->loop[l].extent, p->max_batch);
  return terms;
}

/* Relative error (root of mean squares against double) of a sum in f32 of one term after another,
 * divided by the root of their number. Measured: sums of 16 to 4096 terms, F(4, 3), F(5, 3) and
 * F(6, 3) of 3 to 512 channels. Transforms of operands weigh as much as so many further terms: 11
 * to 20 in two dimensions, more in three. */
static const double error_of_term = 1.75e-8, terms_of_transforms = 60;

const char *algo_refuses_error(const Plan *p, const Kernel *k, double terms, double growth) {
  const double error = error_of_term * sqrt(terms + terms_of_transforms) * growth;
  if (error > p->max_error)
    return arena_printf(p->u->arena, "its rounding error would exceed %g", p->max_error);
  if (growth > p->max_growth[k->role])
    return arena_printf(p->u->arena, "its rounding error would exceed %g times a plain sum's",
                        p->max_growth[k->role]);
  return NULL;
}

/* ---- packing ---- */

/* Does the loop run along the lanes that x lies in? */
static bool along_lanes(const Plan *p, const Contraction *c, int l) {
  const View *x = &c->k->in[c->x];
  const int axis = p->buffer.at[x->tensor].format.lane_axis;
  return axis >= 0 && coord_lines_up(&x->at[axis], l, plan_lanes(p));
}

/* Free loops, then reduced ones: those that slide come before those that do not, taps before
 * channels; what lies side by side in x comes last. */
static void taps_first(const Plan *p, Kernel *k, const Contraction *c) {
  int to[MAX_LOOPS], next = 0;
  for (int group = 0; group < 4; group++)
    for (int l = 0; l < k->nloop; l++)
      if (group == (!k->loop[l].reduced             ? 0
                    : contraction_loop_slides(c, l) ? 1
                    : !along_lanes(p, c, l)         ? 2
                                                    : 3))
        to[l] = next++;
  kernel_move_loops(p->u, k, to);
}

/* The kernel of PLAN_PREPARE that computes a derived buffer, if a map does. What lies in work
 * memory was made to be read. */
static const Kernel *prepared_by(const Plan *p, int buffer) {
  const Steps *steps = &p->entry[PLAN_PREPARE].step;
  if (p->buffer.at[buffer].home != HOME_DERIVED) return NULL;
  for (int i = 0; i < steps->n; i++) {
    const Kernel *k = steps->at[i]->run;
    if (k && k->out[0].to.tensor == buffer && k->nfold == 0 && k->nout == 1) return k;
  }
  return NULL;
}

void algo_prepare(Plan *p, Kernel *fill) {
  const Kernel *from = prepared_by(p, fill->in[0].tensor);
  Type type[MAX_IN];
  for (int i = 0; from && i < from->nin; i++) type[i] = p->buffer.at[from->in[i].tensor].type;
  if (from) kernel_absorb(p->u, fill, 0, from, type);
  if (fill->nfold == 0 && fill->out[0].value->op == E_in) fill->math = F32;
  vec_push(p->u->arena, &p->entry[PLAN_PREPARE].step, plan_leaf(p, fill));
}

/* How the weights are read along loop l: by the loop, or, where all that uses it is its remainder
 * (tiled convolution), by that: what positions share is packed once. */
static Coord packed_coord(const Kernel *k, const View *w, int l) {
  Coord c = coord_loop(l, 1, 0);
  for (int a = 0; a < w->rank; a++) {
    Coord linear = w->at[a];
    int only = -1;
    linear.mod = 0;
    if (!coord_uses(&linear, l)) continue;
    bool shared = w->at[a].mod > 0 && coord_is_loop(&linear, &only);
    if (!shared || (c.mod && c.mod != w->at[a].mod)) return coord_loop(l, 1, 0);
    c.mod = w->at[a].mod;
  }
  return c.mod < k->loop[l].extent.plus ? c : coord_loop(l, 1, 0);
}

int packed_weights(Plan *p, Kernel *k, int w, int lane, int lanes) {
  Unit *u = p->u;
  Kernel fill = {.name = k->name, .math = F64, .nin = 1, .nout = 1, .in = {k->in[w]}};
  View packed = {.rank = 0};
  Buffer b = {.home = HOME_DERIVED, .phase = PHASE_LOAD, .format = format_plain(F32)};
  int to[MAX_LOOPS] = {0};
  for (int l = 0; l < k->nloop; l++) {
    if (!view_uses(&k->in[w], l)) continue;
    int axis = packed.rank++;
    if (axis == MAX_RANK) BUG("%s: weights of more than %d loops", k->name, MAX_RANK);
    packed.at[axis] = packed_coord(k, &k->in[w], l);
    b.type.dim[axis] = packed.at[axis].mod ? fixed(packed.at[axis].mod) : k->loop[l].extent;
    to[l] = kernel_loop(&fill, k->loop[l].name, b.type.dim[axis], false);
    if (l == lane && lanes > 1) b.format.lane_axis = (int8_t)axis;
  }
  b.type.rank = packed.rank;
  b.format.lanes = (int16_t)(lanes > 1 ? lanes : 1);
  b.name = arena_printf(u->arena, "%s.packed", k->name);
  packed.tensor = plan_buffer(p, b);
  view_move(&fill.in[0], to, k->nloop);
  fill.out[0].to = packed;
  view_move(&fill.out[0].to, to, k->nloop);
  for (int a = 0; a < packed.rank; a++) coord_simplify(&fill, &fill.out[0].to.at[a]);
  for (int a = 0; a < fill.in[0].rank; a++) coord_simplify(&fill, &fill.in[0].at[a]);
  fill.out[0].value = expr_in(u, 0);
  algo_prepare(p, &fill);
  k->in[w] = packed;
  return packed.tensor;
}

Step *packed_lower(Plan *p, const Contraction *c, int lane, const char *algo) {
  Step *leaf = plan_leaf(p, c->k);
  Kernel *k = leaf->run;
  k->algo = algo;
  taps_first(p, k, c);
  int packed = packed_weights(p, k, c->w, lane, plan_lanes(p));
  algo_pick_tile(p, k);
  Format *f = &p->buffer.at[packed].format;
  int columns = plan_lanes(p) * (c->role[lane] == 'N' ? tile_get(&k->tile, "k", 1) : 1);
  for (int a = 0; a < k->in[c->w].rank && columns > 1; a++)
    if (coord_uses(&k->in[c->w].at[a], lane)) f->lane_axis = (int8_t)a;
  f->lanes = (int16_t)columns;
  return leaf;
}

/* The reduced loop that runs along the lanes of x comes last. */
static void lanes_last(Plan *p, Kernel *k, const Contraction *c) {
  int to[MAX_LOOPS], next = 0;
  for (int group = 0; group < 3; group++)
    for (int l = 0; l < k->nloop; l++)
      if (group == (!k->loop[l].reduced ? 0 : along_lanes(p, c, l) ? 2 : 1)) to[l] = next++;
  kernel_move_loops(p->u, k, to);
}

Kernel packed_kernel(Plan *p, const Contraction *c) {
  Kernel k = *c->k;
  lanes_last(p, &k, c);
  const int packed = packed_weights(p, &k, c->w, -1, 1);
  p->buffer.at[packed].format.dtype = plan_stored(p);
  return k;
}

const char *affine_refuses(const Plan *p, const Contraction *c, char role) {
  if (role == TILES_BLOCKS) return blocks_refuses(p, c);
  if (role == TILES_BATCH) return batch_refuses(p, c);
  if (role == 'B' && p->target->language->blocks) return channels_refuses(p, c);
  if (contraction_both_change(p, c)) return correlation_refuses(p, c, role);
  const char *reason = packed_refuses(p, c);
  if (!reason && contraction_lane(p, c, role) < 0)
    reason = role == 'B' ? "output channels share input channels"
                         : "output channels that share inputs do not fill lanes";
  return reason;
}

void affine_lower(Plan *p, const Contraction *c, char role, const char *algo, Steps *steps) {
  if (role == TILES_BLOCKS)
    blocks_lower(p, c, algo, steps);
  else if (role == TILES_BATCH)
    batch_lower(p, c, algo, steps);
  else if (role == 'B' && p->target->language->blocks)
    channels_lower(p, c, algo, steps);
  else if (contraction_both_change(p, c))
    correlation_lower(p, c, role, algo, steps);
  else
    vec_push(p->u->arena, steps, packed_lower(p, c, contraction_lane(p, c, role), algo));
}
