/* target.c - the machines that run emitted C. One row each: the width of its vectors and the
 * numbers that estimates are made of (measured on one core of a Zen 4 at 3.7 GHz; see Machine). */
#include "file.h"
#include "leaf.h"

#include <math.h>

/* Bytes and bytes per second that the rows share: one core's caches, one core's share of memory. */
#define CACHES                                                                                     \
  .cores = 2, .l1 = 32e3, .l2 = 1e6, .l3 = 32e6, .l2_bandwidth = 116e9, .l3_bandwidth = 84e9,      \
  .dram_bandwidth = 27e9, .launch = 2e-6

/* ---- register tiles ---- */

/* Turns of the loops that a contraction's tile covers. */
typedef struct Shape {
  int64_t vectors, points, rows; /* vectors along the lanes; points, and how often they come */
  int64_t terms;                 /* of one sum */
  bool shares_x;                 /* all lanes read the same x: several vectors pay */
} Shape;

static int64_t loops_product(const Plan *p, const Kernel *k, bool reduced) {
  int64_t product = 1;
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced == reduced) product *= extent_at(k->loop[l].extent, p->max_batch);
  return product;
}

/* Does x follow loop l element by element, so that it may run as one with the loop inside it? */
static bool unstrided(const Kernel *k, const View *x, int l) {
  if (x->outside == FILL) return false;
  for (int a = 0; a < x->rank; a++) {
    int only;
    if (coord_uses(&x->at[a], l) && (!coord_is_loop(&x->at[a], &only) || k->loop[l].extent.per_n))
      return false;
  }
  return true;
}

static Shape shape_of(const Plan *p, const Contraction *c, int lane) {
  const Kernel *k = c->k;
  Shape s = {.points = 1, .terms = loops_product(p, k, true)};
  const int64_t channels = lane < 0 ? 1 : k->loop[lane].extent.plus;
  s.vectors = (channels + p->target->lanes - 1) / p->target->lanes;
  s.shares_x = lane >= 0 && c->role[lane] == 'N';
  bool run = false;
  for (int l = k->nloop - 1; l >= 0; l--) {
    if (c->role[l] != 'M' || !view_uses(&k->in[c->x], l)) continue;
    if (s.points > 1 && !run) break;
    if (s.points > 1 && !unstrided(k, &k->in[c->x], l)) break;
    s.points *= extent_at(k->loop[l].extent, p->max_batch);
    run = unstrided(k, &k->in[c->x], l);
  }
  s.rows = loops_product(p, k, false) / (channels * s.points);
  if (s.rows < 1) s.rows = 1;
  return s;
}

/* Cycles of one reduction step of a tile: multiply-adds, their latency, loads. */
static double step_cycles(const Target *t, int64_t r, int64_t k, bool shares_x) {
  const double per_cycle = t->machine.fma_per_cycle,
               loads = (double)(shares_x ? r + k : r * k + k) / 2;
  double cycles = (double)(r * k) / per_cycle;
  if (cycles < 4) cycles = 4;
  return (cycles > loads ? cycles : loads) + 0.4;
}

/* Cycles of a whole contraction of that shape in tiles of r points x k vectors. */
static double tile_cycles(const Target *t, const Shape *s, int64_t r, int64_t k) {
  const double edge = 12 + (double)(r * k); /* starting and storing a tile */
  const double terms = (double)s->terms;
  double cycles = 0;
  for (int part = 0; part < 2; part++) {
    const int64_t vectors = part ? s->vectors % k : k, times = part ? 1 : s->vectors / k;
    const int64_t rest = s->points % r;
    if (vectors == 0 || times == 0) continue;
    double one = (double)(s->points / r) * (terms * step_cycles(t, r, vectors, s->shares_x) + edge);
    if (rest) one += terms * step_cycles(t, rest, vectors, s->shares_x) + edge;
    cycles += one * (double)times;
  }
  return cycles * (double)s->rows;
}

static int lane_of(const Plan *p, const Contraction *c) {
  const int lane = lane_loop(p, c, 'N');
  return lane >= 0 ? lane : lane_loop(p, c, 'B');
}

/* The tile with the fewest cycles; of equal ones the larger one. */
static void c_tile(const Plan *p, Kernel *k) {
  Contraction c;
  if (!contraction(p, k, &c)) return;
  const Target *t = p->target;
  const Shape s = shape_of(p, &c, lane_of(p, &c));
  const int64_t most_vectors = s.shares_x ? 4 : 1;
  double best = INFINITY;
  for (int64_t vectors = 1; vectors <= most_vectors && vectors <= s.vectors; vectors++)
    for (int64_t r = 1; r * vectors + vectors + 1 <= t->registers && r <= s.points && r <= 28;
         r++) {
      const double cycles = tile_cycles(t, &s, r, vectors);
      if (cycles > best * 1.001) continue;
      best = cycles;
      tile_set(&k->tile, "r", (int)r);
      tile_set(&k->tile, "k", (int)vectors);
    }
  const int size = tile_get(&k->tile, "r", 1) * tile_get(&k->tile, "k", 1);
  tile_set(&k->tile, "unroll", size >= 8 ? 1 : 2);
}

/* ---- time ---- */

static double view_bytes(const Plan *p, const View *v) {
  const Buffer *b = &p->buffer.at[v->tensor];
  return (double)type_size(&b->type, p->max_batch) * dtype_size(b->type.dtype);
}

/* Everything is read and written once; what fits no cache comes from memory, and loads from L1 are
 * counted as instructions. */
static double traffic_seconds(const Plan *p, const Kernel *k) {
  const Machine *m = &p->target->machine;
  double bytes = 0;
  for (int i = 0; i < k->nin; i++) bytes += view_bytes(p, &k->in[i]);
  for (int o = 0; o < k->nout; o++) bytes += view_bytes(p, &k->out[o].to);
  if (bytes <= m->l1) return 0;
  const double speed = bytes > m->l3   ? m->dram_bandwidth
                       : bytes > m->l2 ? m->l3_bandwidth
                                       : m->l2_bandwidth;
  return bytes / speed;
}

static bool in_lanes(const Plan *p, const Kernel *k) {
  for (int o = 0; o < k->nout; o++) {
    bool moves = false;
    for (int l = 0; l < k->nloop && !moves; l++) {
      moves = !k->loop[l].reduced && view_uses(&k->out[o].to, l) &&
              view_moves_by_one(p, k, &k->out[o].to, l);
      for (int i = 0; i < k->nin; i++) moves &= view_moves_by_one(p, k, &k->in[i], l);
    }
    if (!moves) return false;
  }
  return true;
}

/* Seconds on one core: arithmetic or traffic, whichever is more. */
static double c_time(const Plan *p, const Kernel *k) {
  const Target *t = p->target;
  const double clock = t->machine.flops / (2 * t->lanes * t->machine.fma_per_cycle);
  const double traffic = traffic_seconds(p, k);
  const double points = (double)loops_product(p, k, false) * (double)loops_product(p, k, true);
  double seconds = points * (in_lanes(p, k) && t->lanes > 1 ? 1.5 / t->lanes : 1.5) / clock;
  Contraction c;
  if (k->algo && tile_get(&k->tile, "r", 0) > 0 && contraction(p, k, &c)) {
    const Shape s = shape_of(p, &c, lane_of(p, &c));
    seconds = tile_cycles(t, &s, tile_get(&k->tile, "r", 1), tile_get(&k->tile, "k", 1)) / clock;
  }
  return seconds > traffic ? seconds : traffic;
}

/* ---- has the CPU it? ---- */

/* One condition as the text that emitted libraries ask by and as the question to this CPU. */
#if defined(__GNUC__) && defined(__x86_64__)
#define X86(name, condition)                                                                       \
  static const char cpu_##name[] = #condition;                                                     \
  static bool runs_##name(void) {                                                                  \
    __builtin_cpu_init();                                                                          \
    return condition;                                                                              \
  }
#else
#define X86(name, condition)                                                                       \
  static const char cpu_##name[] = #condition;                                                     \
  static bool runs_##name(void) {                                                                  \
    return false;                                                                                  \
  }
#endif

X86(avx512, __builtin_cpu_supports("avx512f"))
X86(avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))

/* Every CPU that the row's triple names. */
static bool always(void) {
  return true;
}

/* ---- rows ---- */

#define C_TARGET .language = &language_c, .tile = c_tile, .time = c_time

const Target target_avx512 = {
    C_TARGET,
    .name = "avx512",
    .doc = "x86-64 with AVX-512F: 16 lanes, 32 registers",
    .lanes = 16,
    .registers = 32,
    .simd = "c/simd_avx512.h",
    .triple = "x86_64-linux-gnu",
    .attribute = "avx512f,fma",
    .cpu = cpu_avx512,
    .runs = runs_avx512,
    .machine = {.flops = 117e9, .fma_per_cycle = 1, CACHES},
};

const Target target_avx2 = {
    C_TARGET,
    .name = "avx2",
    .doc = "x86-64 with AVX2 and FMA: 8 lanes, 16 registers",
    .lanes = 8,
    .registers = 16,
    .simd = "c/simd_avx2.h",
    .triple = "x86_64-linux-gnu",
    .attribute = "avx2,fma",
    .cpu = cpu_avx2,
    .runs = runs_avx2,
    .machine = {.flops = 110e9, .fma_per_cycle = 2, CACHES},
};

const Target target_neon = {
    C_TARGET,
    .name = "neon",
    .doc = "64-bit Arm: 4 lanes, 32 registers",
    .lanes = 4,
    .registers = 32,
    .simd = "c/simd_neon.h",
    .triple = "aarch64-linux-gnu",
    .runs = always,
    .machine = {.flops = 24e9, .fma_per_cycle = 1, CACHES},
};

const Target target_generic = {
    C_TARGET,
    .name = "generic",
    .doc = "any C99 compiler and CPU: scalar code",
    .lanes = 1,
    .registers = 16,
    .runs = always,
    .machine = {.flops = 6e9, .fma_per_cycle = 1, CACHES},
};
