/* kernels.h - what the tests of kernels share: random numbers, arrays, convolutions and pools of
 * any rank, and the definition of a kernel's meaning, point by point, to compare kernel_run
 * with. */
#ifndef KERNELS_H
#define KERNELS_H

#include <math.h>

#include "unit.h"
#include "kernel.h"

typedef struct Random {
  uint64_t state;
} Random;

static inline uint64_t random_bits(Random *r) {
  r->state += 0x9e3779b97f4a7c15u;
  uint64_t z = r->state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}
static inline int random_int(Random *r, int lo, int hi) { /* lo to hi, both included */
  return lo + (int)(random_bits(r) % (uint64_t)(hi - lo + 1));
}
static inline double random_real(Random *r) { /* in [-1, 1) */
  return (double)(random_bits(r) >> 11) / 4503599627370496.0 - 1;
}

static inline Type type_of(int rank, const Extent *dim) {
  Type type = {.dtype = F32, .rank = (int8_t)rank};
  for (int a = 0; a < rank; a++) type.dim[a] = dim[a];
  return type;
}
#define TYPE(...)                                                                                  \
  type_of((int)(sizeof((Extent[]){__VA_ARGS__}) / sizeof(Extent)), (Extent[]){__VA_ARGS__})
static inline Extent per_n(void) {
  return (Extent){1, 0};
}

static inline Array random_array(Unit *u, Random *r, const Type *type, int64_t n) {
  Array a = array_new(u->arena, type, n);
  for (int64_t i = 0; i < type_size(type, n); i++) a.at[i] = random_real(r);
  return a;
}

static inline void assert_near(const double *a, const double *b, int64_t n, double tolerance,
                               const char *what) {
  double most = 0, scale = 1e-30;
  for (int64_t i = 0; i < n; i++) {
    if (a[i] != a[i] && b[i] != b[i]) continue;
    if (a[i] == b[i]) continue;
    if (fabs(b[i]) > scale) scale = fabs(b[i]);
    if (!(fabs(a[i] - b[i]) <= most)) most = fabs(a[i] - b[i]);
  }
  if (!(most <= tolerance * scale)) fail_msg("%s: differs by %g of %g", what, most, scale);
}

/* ---- the meaning of kernels, as kernel.h words it ---- */

typedef struct Naive {
  const Kernel *k;
  const Array *array;
  int64_t n, index[MAX_LOOPS];
  double in[MAX_IN], acc[MAX_FOLD], best[MAX_FOLD];
} Naive;

/* Offset of a view, or -1 outside. */
static inline int64_t naive_offset(const Naive *run, const View *view) {
  const Array *a = &run->array[view->tensor];
  int64_t at[MAX_RANK] = {0};
  for (int i = 0; i < view->rank; i++) {
    const Coord *c = &view->at[i];
    int64_t v = c->plus;
    for (int l = 0; l < run->k->nloop; l++) v += c->coef[l] * run->index[l];
    int64_t q = (int64_t)floor((double)v / c->div);
    if (c->exact && q * c->div != v) return -1;
    if (c->mod) q -= (int64_t)floor((double)q / c->mod) * c->mod;
    if (q < 0 || q >= extent_at(a->type.dim[i], run->n)) return -1;
    at[i] = q;
  }
  return array_offset(a, at);
}

static inline bool naive_read(Naive *run) {
  bool live = true;
  for (int i = 0; i < run->k->nin; i++) {
    const View *view = &run->k->in[i];
    int64_t offset = naive_offset(run, view);
    if (offset < 0 && view->outside == SKIP) live = false;
    run->in[i] = offset < 0 ? view->fill : run->array[view->tensor].at[offset];
  }
  return live;
}

static inline double naive_value(const Naive *run, const Expr *e) {
  return expr_eval(e, &(ExprEnv){.in = run->in, .acc = run->acc, .index = run->index});
}

static inline void naive_fold(Naive *run, int64_t place) {
  if (!naive_read(run)) return;
  for (int f = 0; f < run->k->nfold; f++) {
    const Fold *fold = &run->k->fold[f];
    double t = naive_value(run, fold->term);
    bool wins = t > run->best[f] || (t != t && run->best[f] == run->best[f]);
    if (wins) run->best[f] = t;
    if (fold->op == FOLD_SUM) run->acc[f] += t;
    if (fold->op == FOLD_MAX) run->acc[f] = run->best[f];
    if (fold->op == FOLD_ARGMAX && wins) run->acc[f] = (double)place;
  }
}

static inline void naive_reduce(Naive *run, int l, int64_t place) {
  if (l == run->k->nloop) {
    naive_fold(run, place);
    return;
  }
  int64_t extent = extent_at(run->k->loop[l].extent, run->n);
  for (run->index[l] = 0; run->index[l] < extent; run->index[l]++)
    naive_reduce(run, l + 1, place * extent + run->index[l]);
  run->index[l] = 0;
}

static inline void naive_store(Naive *run, const Out *out, double value) {
  double *at = &run->array[out->to.tensor].at[naive_offset(run, &out->to)];
  *at = out->combine ? *at + value : value;
}

/* Sums begin with nothing. */
static inline void naive_clear(Naive *run, int l) {
  const Kernel *k = run->k;
  if (l == k->nloop || k->loop[l].reduced) {
    for (int o = 0; o < k->nout; o++)
      run->array[k->out[o].to.tensor].at[naive_offset(run, &k->out[o].to)] = 0;
    return;
  }
  for (run->index[l] = 0; run->index[l] < extent_at(k->loop[l].extent, run->n); run->index[l]++)
    naive_clear(run, l + 1);
  run->index[l] = 0;
}

static inline void naive_loops(Naive *run, int l) {
  const Kernel *k = run->k;
  if (l < k->nloop && !k->loop[l].reduced) {
    for (run->index[l] = 0; run->index[l] < extent_at(k->loop[l].extent, run->n); run->index[l]++)
      naive_loops(run, l + 1);
    run->index[l] = 0;
    return;
  }
  for (int f = 0; f < k->nfold; f++) {
    run->acc[f] = k->fold[f].op == FOLD_MAX ? -INFINITY : 0;
    run->best[f] = -INFINITY;
  }
  if (k->nfold) naive_reduce(run, l, 0);
  naive_read(run);
  for (int o = 0; o < k->nout; o++) naive_store(run, &k->out[o], naive_value(run, k->out[o].value));
}

static inline void naive_run(const Kernel *k, const Array *array, int64_t n) {
  Naive run = {.k = k, .array = array, .n = n};
  naive_clear(&run, 0);
  naive_loops(&run, 0);
}

/* ---- convolutions and pools: tensors 0 = x, 1 = w, 2 = y ---- */

typedef struct Window { /* of up to three spatial axes */
  int rank, groups;
  int64_t c, k; /* channels in and out, per group */
  int64_t size[3], kernel[3], stride[3], dilation[3], pad[3], out[3];
} Window;

static inline Window random_window(Random *r) {
  Window w = {.rank = random_int(r, 1, 3), .groups = random_int(r, 1, 3)};
  w.c = random_int(r, 1, 3);
  w.k = random_int(r, 1, 3);
  for (int a = 0; a < w.rank; a++) {
    w.kernel[a] = random_int(r, 1, 3);
    w.stride[a] = random_int(r, 1, 3);
    w.dilation[a] = random_int(r, 1, 2);
    w.pad[a] = random_int(r, 0, 2);
    int64_t reach = (w.kernel[a] - 1) * w.dilation[a] + 1;
    w.size[a] = random_int(r, 1, 7);
    if (w.size[a] + 2 * w.pad[a] < reach) w.size[a] = reach;
    w.out[a] = (w.size[a] + 2 * w.pad[a] - reach) / w.stride[a] + 1;
  }
  return w;
}

static inline Type window_type(const Window *w, int64_t channels, const int64_t *size) {
  Type type = {.dtype = F32, .rank = (int8_t)(2 + w->rank), .dim = {{1, 0}, {0, channels}}};
  for (int a = 0; a < w->rank; a++) type.dim[2 + a] = fixed(size[a]);
  return type;
}

static inline Type weight_type(const Window *w) {
  Type type = {
      .dtype = F32, .rank = (int8_t)(2 + w->rank), .dim = {{0, w->groups * w->k}, {0, w->c}}};
  for (int a = 0; a < w->rank; a++) type.dim[2 + a] = fixed(w->kernel[a]);
  return type;
}

static inline Coord window_coord(const Window *w, int axis, int o, int kernel) {
  Coord c = coord_loop(o, (int)w->stride[axis], -w->pad[axis]);
  c.coef[kernel] = (int32_t)w->dilation[axis];
  return c;
}

static const char *const out_names[] = {"od", "oh", "ow"};
static const char *const kernel_names[] = {"kd", "kh", "kw"};

static inline void conv_kernel(Unit *u, const Window *w, Kernel *k) {
  Type x = window_type(w, w->groups * w->c, w->size), weight = weight_type(w);
  *k = (Kernel){.name = "conv", .nfold = 1, .nout = 1};
  int o[3], f[3], n = kernel_loop(k, "n", per_n(), false);
  int g = kernel_loop(k, "g", fixed(w->groups), false), m = kernel_loop(k, "k", fixed(w->k), false);
  for (int a = 0; a < w->rank; a++)
    o[a] = kernel_loop(k, out_names[3 - w->rank + a], fixed(w->out[a]), false);
  int c = kernel_loop(k, "c", fixed(w->c), true);
  for (int a = 0; a < w->rank; a++)
    f[a] = kernel_loop(k, kernel_names[3 - w->rank + a], fixed(w->kernel[a]), true);
  View *in = kernel_in(k, 0, &x), *filter = kernel_in(k, 1, &weight), *to = &k->out[0].to;
  *to = (View){.tensor = 2, .rank = x.rank};
  in->outside = FILL;
  in->at[0] = to->at[0] = coord_loop(n, 1, 0);
  in->at[1] = coord_loop(c, 1, 0);
  in->at[1].coef[g] = (int32_t)w->c;
  filter->at[0] = coord_loop(m, 1, 0);
  filter->at[0].coef[g] = (int32_t)w->k;
  to->at[1] = filter->at[0];
  filter->at[1] = coord_loop(c, 1, 0);
  for (int a = 0; a < w->rank; a++) {
    in->at[2 + a] = window_coord(w, a, o[a], f[a]);
    filter->at[2 + a] = coord_loop(f[a], 1, 0);
    to->at[2 + a] = coord_loop(o[a], 1, 0);
  }
  k->fold[0] = (Fold){FOLD_SUM, expr2(u, E_mul, expr_in(u, 0), expr_in(u, 1)), F32};
  k->out[0].value = expr_acc(u, 0);
}

static inline void pool_kernel(Unit *u, const Window *w, Combine op, Kernel *k) {
  Type x = window_type(w, w->c, w->size);
  *k = (Kernel){.name = "pool", .nfold = 1, .nout = 1};
  int o[3], n = kernel_loop(k, "n", per_n(), false), c = kernel_loop(k, "c", fixed(w->c), false);
  for (int a = 0; a < w->rank; a++)
    o[a] = kernel_loop(k, out_names[3 - w->rank + a], fixed(w->out[a]), false);
  View *in = kernel_in(k, 0, &x), *to = &k->out[0].to;
  *to = (View){.tensor = 2, .rank = x.rank};
  in->outside = SKIP;
  in->at[0] = to->at[0] = coord_loop(n, 1, 0);
  in->at[1] = to->at[1] = coord_loop(c, 1, 0);
  for (int a = 0; a < w->rank; a++) {
    int f = kernel_loop(k, kernel_names[3 - w->rank + a], fixed(w->kernel[a]), true);
    in->at[2 + a] = window_coord(w, a, o[a], f);
    to->at[2 + a] = coord_loop(o[a], 1, 0);
  }
  k->fold[0] = (Fold){op, expr_in(u, 0), F32};
  k->out[0].value = expr_acc(u, 0);
}

#endif
