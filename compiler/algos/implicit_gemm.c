/* implicit_gemm.c - a matrix product whose operands are read through their index maps while it
 * runs.
 *
 * For devices whose threads work in blocks: a block computes a tile of rows (points of the M loops)
 * and columns (of the N loops) and brings what it needs of both operands into the memory that its
 * threads share. Borders, strides and groups are a matter of reading, so it serves every
 * contraction of one sum. Data gradients of strided convolutions are several products
 * (polyphase.c).
 *
 * A device wants many blocks. Where a result has few tiles but long sums, as weight gradients do, a
 * reduced loop is cut into parts: each part of a sum is an element of a buffer, computed by blocks
 * of its own, and a second kernel adds the parts in their order and goes on with what follows.
 *
 *   dw[k, c] = sum n oh ow ...                   part<8 k c | n oh<7 ow ... -> sums[part, k, c]
 *                                                k c | part<8   sum of sums[part, k, c] -> dw
 *
 * Tensor cores want neighbours along the terms: where channels lie in lanes, weights are packed
 * with their channels last. Weight gradients sum over points, and have their channels as neighbours
 * along rows and columns. */
#include "algos.h"
#include "backend.h"

extern const Algo algo_implicit_gemm;

enum { FEWEST_TERMS = 128, MOST_PARTS = 256 };

const char *blocks_refuses(const Plan *p, const Contraction *c) {
  const Kernel *k = c->k;
  if (!p->target->language->blocks) return "threads of this target do not work in blocks";
  if (k->math != F32 || k->fold[0].acc != F32) return "its sum is in double";
  if (k->nout != 1 || k->out[0].combine) return "it has more than one result";
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].outside == SKIP) return "its sum leaves terms out";
  return NULL;
}

/* ---- sums in parts ---- */

typedef struct Split {
  int loop;      /* reduced; cut into: */
  int64_t parts; /* 1: not at all */
} Split;

/* Only the first axis of a buffer may depend on the number of samples. */
static int place_of_parts(const Kernel *k) {
  return kernel_free_loops(k) > 0 && k->loop[0].extent.per_n ? 1 : 0;
}

static bool may_split(const Contraction *c) {
  const Kernel *k = c->k;
  const int n = kernel_free_loops(k);
  if (k->nloop == MAX_LOOPS || n + 1 > MAX_RANK) return false;
  for (int l = 1; l < n; l++)
    if (k->loop[l].extent.per_n) return false;
  return !expr_uses(k->out[0].value, E_in, c->x) && !expr_uses(k->out[0].value, E_in, c->w);
}

/* A buffer [n, part, ...] along the free loops of k; its view names loop `part`. */
static View add_sums(Plan *p, const Kernel *k, int64_t parts, int part) {
  const int n = kernel_free_loops(k), place = place_of_parts(k);
  Buffer b = {.home = HOME_WORK, .phase = PHASE_CALL, .format = format_plain(F32)};
  View v = {.rank = (int8_t)(n + 1)};
  b.name = arena_printf(p->u->arena, "%s.parts", k->name);
  b.type.rank = v.rank;
  for (int a = 0, l = 0; a <= n; a++) {
    b.type.dim[a] = a == place ? fixed(parts) : k->loop[l].extent;
    v.at[a] = coord_loop(a == place ? part : l++, 1, 0);
  }
  v.tensor = plan_buffer(p, b);
  return v;
}

/* The sums of parts: the part is a free loop, and the cut one counts inside it. */
static Kernel sum_parts(Unit *u, const Contraction *c, Split split, const View *sums) {
  const int place = place_of_parts(c->k), cut = split.loop + 1;
  Kernel k = *c->k;
  int to[MAX_LOOPS];
  for (int l = 0; l < k.nloop; l++) to[l] = l < place ? l : l + 1;
  kernel_move_loops(u, &k, to);
  k.nloop++;
  k.bind[place] = (Bind){.step = -1};
  k.loop[place] = (Loop){"part", fixed(split.parts), false};
  k.loop[cut].extent = fixed(k.loop[cut].extent.plus / split.parts);
  for (int i = 0; i < k.nin; i++)
    for (int a = 0; a < k.in[i].rank; a++) {
      Coord *at = &k.in[i].at[a];
      at->coef[place] = at->coef[cut] * (int32_t)k.loop[cut].extent.plus;
    }
  k.out[0] = (Out){.to = *sums, .value = expr_acc(u, 0)};
  for (int a = 0, l = 0; a < sums->rank; a++) k.out[0].to.at[a] = coord_loop(l++, 1, 0);
  kernel_simplify(u, &k);
  return k;
}

/* Adds the parts; what follows the sum stays. */
static Kernel join_parts(Unit *u, const Contraction *c, Split split, const View *sums) {
  Kernel k = *c->k;
  k.nloop = kernel_free_loops(&k);
  kernel_loop(&k, "part", fixed(split.parts), true);
  k.in[c->x] = k.in[c->w] = *sums;
  k.fold[0].term = expr_in(u, c->x);
  k.macs = 0;
  kernel_simplify(u, &k);
  return k;
}

typedef struct Lowered {
  Kernel part, join; /* join: if there are parts */
} Lowered;

static Lowered lowered(Plan *p, const Contraction *c, Split split, const char *algo) {
  Lowered k = {.part = *c->k};
  if (split.parts > 1) {
    const View sums = add_sums(p, c->k, split.parts, kernel_free_loops(c->k));
    k.part = sum_parts(p->u, c, split, &sums);
    k.join = join_parts(p->u, c, split, &sums);
  }
  k.part.algo = algo;
  return k;
}

/* Tries it: the buffer is forgotten again. */
static double split_time(Plan *p, const Contraction *c, Split split, const char *algo) {
  const int buffers = p->buffer.n;
  Lowered k = lowered(p, c, split, algo);
  p->target->tile(p, &k.part);
  double time = p->target->time(p, &k.part);
  if (split.parts > 1) time += p->target->time(p, &k.join);
  p->buffer.n = buffers;
  return time;
}

/* The fastest way to cut a loop of fixed length, evenly; it does not depend on the number of
 * samples of a call. */
static Split best_split(Plan *p, const Contraction *c, const char *algo) {
  const Kernel *k = c->k;
  Split best = {.parts = 1};
  if (!may_split(c)) return best;
  const int64_t terms = kernel_points(k, true, p->max_batch);
  double least = split_time(p, c, best, algo);
  for (int l = kernel_free_loops(k); l < k->nloop; l++)
    for (int64_t parts = 2; parts <= k->loop[l].extent.plus && parts <= MOST_PARTS; parts++) {
      const Split split = {l, parts};
      if (k->loop[l].extent.per_n || k->loop[l].extent.plus % parts) continue;
      if (terms / parts < FEWEST_TERMS) break;
      const double time = split_time(p, c, split, algo);
      if (time < least) best = split, least = time;
    }
  return best;
}

/* ---- the algorithm ---- */

/* Are its weights packed beforehand? */
static bool packs(const Plan *p, const Contraction *c) {
  const View *w = &c->k->in[c->w];
  int loops = 0;
  for (int l = 0; l < c->k->nloop; l++) loops += view_uses(w, l);
  return plan_lanes(p) > 1 && p->buffer.at[w->tensor].phase <= PHASE_LOAD && w->outside == INSIDE &&
         loops > 0 && loops <= MAX_RANK;
}

/* Of operands that both change, channels in lanes that are free loops come last: chunks of them
 * are rows, or columns, beside each other. */
static Kernel channels_last(const Plan *p, const Contraction *c) {
  Kernel k = *c->k;
  int to[MAX_LOOPS], next = 0;
  for (int group = 0; group < 3; group++)
    for (int l = 0; l < k.nloop; l++) {
      const bool last =
          channels_in_lanes(p, &k.in[c->x], l) || channels_in_lanes(p, &k.in[c->w], l);
      if (group == (k.loop[l].reduced ? 2 : last ? 1 : 0)) to[l] = next++;
    }
  kernel_move_loops(p->u, &k, to);
  return k;
}

void blocks_lower(Plan *p, const Contraction *given, const char *algo, Steps *steps) {
  Contraction packed = *given, *c = &packed;
  const bool lanes = plan_lanes(p) > 1 && contraction_both_change(p, given);
  const Kernel whole = packs(p, given) ? packed_kernel(p, given)
                       : lanes         ? channels_last(p, given)
                                       : *given->k;
  if (!contraction_of(p, &whole, c)) BUG("%s is no contraction once it is packed", whole.name);
  const Split split = best_split(p, c, algo);
  Lowered k = lowered(p, c, split, algo);
  Step *part = plan_leaf(p, &k.part);
  algo_pick_tile(p, part->run);
  vec_push(p->u->arena, steps, part);
  if (split.parts > 1) vec_push(p->u->arena, steps, plan_leaf(p, &k.join));
}

static const char *refuses(const Plan *p, const Contraction *c) {
  return tiles_refuses(p, c, TILES_BLOCKS);
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  tiles_lower(p, c, TILES_BLOCKS, algo_implicit_gemm.name, steps);
}

const Algo algo_implicit_gemm = {
    .name = "implicit_gemm",
    .doc = "tiles of a matrix product for blocks of threads (CUDA)",
    .refuses = refuses,
    .wants = LAYOUT_LANES,
    .gives = LAYOUT_ANY,
    .tolerance = 1,
    .lower = lower,
};
