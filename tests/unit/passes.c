/* passes.c - random contractions as small Plans: whatever choose, nest and memory make of them, the
 * values stay those of the kernels as they were written. */
#include "kernels.h"
#include "algos.h"
#include "passes.h"
#include "backend.h"
#include "passes/choose.h"

/* x -> relu -> contraction + bias -> max pool or relu -> y, every activation its own buffer. */
typedef struct Small {
  Plan *p;
  Type x, y;
  int64_t weights, biases;
} Small;

static int new_buffer(Plan *p, const char *name, Home home, int index, Phase phase, Type type) {
  Buffer b = {.name = name, .type = type, .home = home, .index = index, .phase = phase};
  b.format = format_plain(F32);
  return plan_buffer(p, b);
}

static void add_leaf(Plan *p, const Kernel *k) {
  Kernel simple = *k;
  kernel_simplify(p->u, &simple);
  vec_push(p->u->arena, &p->entry[PLAN_FORWARD].step, plan_leaf(p, &simple));
}

static void add_relu(Plan *p, const char *name, int from, int to) {
  Step *copy = plan_copy(p, from, to, NULL);
  copy->run->name = name;
  copy->run->out[0].value = expr2(p->u, E_max, expr_const(p->u, 0), copy->run->out[0].value);
  vec_push(p->u->arena, &p->entry[PLAN_FORWARD].step, copy);
}

/* The contraction of `w`, with a bias per output channel. */
static void add_conv(Plan *p, const Window *w, int x, int weight, int bias, int y) {
  Kernel k;
  conv_kernel(p->u, w, &k);
  Type channels = TYPE(fixed(w->groups * w->k));
  View *b = kernel_in(&k, bias, &channels);
  b->at[0] = k.out[0].to.at[1];
  k.out[0].value = expr2(p->u, E_add, k.out[0].value, expr_in(p->u, 2));
  k.in[0].tensor = x;
  k.in[1].tensor = weight;
  k.out[0].to.tensor = y;
  add_leaf(p, &k);
}

static Window pool_window(Random *r, const Window *conv) {
  Window w = {.rank = conv->rank, .groups = 1, .c = conv->groups * conv->k};
  int size = random_int(r, 1, 3);
  for (int a = 0; a < w.rank; a++) {
    w.size[a] = conv->out[a];
    w.kernel[a] = w.size[a] < size ? w.size[a] : size;
    w.stride[a] = random_int(r, 1, 2);
    w.dilation[a] = 1;
    w.pad[a] = w.kernel[a] > 1 ? random_int(r, 0, 1) : 0;
    w.out[a] = (w.size[a] + 2 * w.pad[a] - w.kernel[a]) / w.stride[a] + 1;
  }
  return w;
}

static Small small_plan(Unit *u, Random *r, const Target *target, int64_t batch, const Window *w,
                        bool pool) {
  static Layer layer = {.name = "conv"};
  static Graph graph = {.name = "small", .layer = {.at = &layer, .n = 1}};
  Small s = {.p = plan_new(u, &graph, target, batch)};
  Plan *p = s.p;
  Window after = pool_window(r, w);
  Type conv = window_type(w, w->groups * w->k, w->out);
  s.x = window_type(w, w->groups * w->c, w->size);
  s.y = pool ? window_type(w, w->groups * w->k, after.out) : conv;
  Type weight = weight_type(w), bias = TYPE(fixed(w->groups * w->k));
  s.weights = type_size(&weight, 1);
  s.biases = type_size(&bias, 1);
  int x = new_buffer(p, "x", HOME_INPUT, 0, PHASE_CALL, s.x);
  int a = new_buffer(p, "a", HOME_WORK, 0, PHASE_CALL, s.x);
  int f = new_buffer(p, "w", HOME_PARAM, 0, PHASE_LOAD, weight);
  int b = new_buffer(p, "b", HOME_PARAM, 1, PHASE_LOAD, bias);
  int c = new_buffer(p, "c", HOME_WORK, 0, PHASE_CALL, conv);
  int y = new_buffer(p, "y", HOME_OUTPUT, 0, PHASE_CALL, s.y);
  p->entry[PLAN_PREPARE].exists = p->entry[PLAN_FORWARD].exists = true;
  bool direct = random_int(r, 0, 1); /* the contraction reads the caller's memory */
  if (!direct) add_relu(p, "relu", x, a);
  add_conv(p, w, direct ? x : a, f, b, c);
  if (pool) {
    Kernel k;
    pool_kernel(u, &after, FOLD_MAX, &k);
    k.in[0].tensor = c;
    k.out[0].to.tensor = y;
    add_leaf(p, &k);
  } else {
    add_relu(p, "relu2", c, y);
  }
  return s;
}

static double *random_values(Unit *u, Random *r, int64_t n) {
  double *at = NEW_ARRAY(u->arena, double, n);
  for (int64_t i = 0; i < n; i++) at[i] = random_real(r);
  return at;
}

static double *run(Small *s, double **param, double *x, int64_t n) {
  double *y = NEW_ARRAY(s->p->u->arena, double, type_size(&s->y, n));
  PlanRun io = {.input = &x, .output = &y, .param = param, .n = n};
  plan_run(s->p, PLAN_FORWARD, &io);
  return y;
}

/* Rounding errors of the algorithms taken grow so much. */
static double growth(const Plan *p) {
  double most = 1;
  for (int i = 0; i < p->choice.n; i++)
    if (p->choice.at[i].taken) most = fmax(most, algo_find(p->choice.at[i].algo)->tolerance);
  return most;
}

static void compare(Small *s, double **param, double *x, int64_t n, const double *expected,
                    const char *pass) {
  Text text = {.arena = s->p->u->arena};
  plan_verify(s->p);
  plan_print(&text, s->p);
  if (getenv("SHOW")) fprintf(stderr, "%s\n%s", pass, text.at);
  double *y = run(s, param, x, n);
  for (int64_t i = 0; i < type_size(&s->y, n); i++)
    if (!(fabs(y[i] - expected[i]) <= 1e-12 * growth(s->p)))
      fail_msg("after %s: %g is %g\n%s", pass, expected[i], y[i], text.at);
}

static bool fits(const Plan *p, const char *name) {
  return choose_complaint(p, arena_printf(p->u->arena, "conv=%s", name)) == NULL;
}

static bool takes(const Plan *p, const char *name) {
  for (int i = 0; i < p->choice.n; i++)
    if (p->choice.at[i].taken && strcmp(p->choice.at[i].algo, name) == 0) return true;
  return false;
}

static void slide_by_one(Window *w) {
  for (int a = 0; a < w->rank; a++) {
    w->stride[a] = w->dilation[a] = 1;
    w->out[a] = w->size[a] + 2 * w->pad[a] - w->kernel[a] + 1;
  }
}

/* A product of matrices with many channels. */
static void multiply_matrices(Window *w, int lanes) {
  w->groups = 1;
  w->c = w->k = 4 * lanes;
  for (int a = 0; a < w->rank; a++) {
    w->kernel[a] = w->stride[a] = w->dilation[a] = 1;
    w->pad[a] = 0;
    w->size[a] = w->out[a] = 4 - a;
  }
}

/* Groups and channels around the number of lanes, so that every algorithm has its turn. */
static Window lanes_window(Random *r, int lanes) {
  Window w = random_window(r);
  int many = random_int(r, 0, 7);
  if (many == 1) w.k = random_int(r, 1, 3) * lanes;
  if (many == 2) w.c = w.k = 1, w.groups = lanes + random_int(r, 0, 3);
  if (many >= 3) w.groups = 1, w.c = lanes + 3, w.k = 2 * lanes + (many == 3 ? -1 : 1);
  if (many >= 4) slide_by_one(&w);
  if (many == 7) multiply_matrices(&w, lanes);
  return w;
}

/* Windows are drawn until so many were compared: those that an algorithm takes (one in the usual
 * form), or any. What has more products takes the interpreter seconds. */
enum { DRAWN = 400, TAKEN = 3, ANY = 60, MOST_PRODUCTS = 1 << 18 };

static bool is_small(const Window *w) {
  int64_t products = w->groups * w->c * w->k;
  for (int a = 0; a < w->rank; a++) products *= w->kernel[a] * w->out[a];
  return products <= MOST_PRODUCTS;
}

/* Threads in blocks have an algorithm of their own; plain loops and transforms are for all. Weights
 * are parameters here, so what takes constant windows apart has no turn. Samples need lanes. */
static bool is_for(const char *algo, const Target *t) {
  if (strcmp(algo, "separable") == 0) return false;
  if (strcmp(algo, "batch") == 0) return t->lanes > 1;
  if (strncmp(algo, "winograd", 8) == 0 || strncmp(algo, "fft", 3) == 0) return true;
  if (strcmp(algo, "loops") == 0) return true;
  return (strcmp(algo, "implicit_gemm") == 0) == t->language->blocks;
}

/* A few samples, or more than lanes take. */
static int batch_for(const char *algo, const Target *t) {
  const int few = 3;
  return algo && strcmp(algo, "batch") == 0 ? t->lanes + few : few;
}

static void values_stay(const char *algo, const Target *target, uint64_t seed) {
  const int wanted = !algo ? ANY : is_long() ? TAKEN : 1, batch = batch_for(algo, target);
  int compared = 0;
  Random r = {seed};
  for (int round = 0; round < DRAWN && compared < wanted; round++) {
    Unit *u = unit_new();
    Window w = lanes_window(&r, target->lanes);
    Small s = small_plan(u, &r, target, batch, &w, round % 2);
    PlanOptions options = {.target = target, .max_batch = batch};
    plan_verify(s.p);
    if (!is_small(&w) || (algo && !fits(s.p, algo))) {
      unit_free(u);
      continue;
    }
    if (algo) vec_push(u->arena, &options.algo, arena_printf(u->arena, "*=%s", algo));
    int64_t n = random_int(&r, 1, batch);
    double *param[2] = {random_values(u, &r, s.weights), random_values(u, &r, s.biases)};
    double *x = random_values(u, &r, type_size(&s.x, n)), *expected = run(&s, param, x, n);
    pass_choose(s.p, &options);
    compare(&s, param, x, n, expected, "choose");
    pass_nest(s.p, &options);
    compare(&s, param, x, n, expected, "nest");
    pass_memory(s.p, &options);
    compare(&s, param, x, n, expected, "memory");
    compared += !algo || takes(s.p, algo);
    unit_free(u);
  }
  if (compared == 0) fail_msg("%s was never taken for %s", algo ? algo : "nothing", target->name);
}

static void each_algorithm(void **state) {
  (void)state;
  for (int t = 0; targets[t]; t++)
    for (int a = 0; a < ALGO_KINDS; a++)
      if (is_for(algos[a]->name, targets[t]))
        values_stay(algos[a]->name, targets[t], 10 * (uint64_t)t + (uint64_t)a);
}

static void what_choose_takes(void **state) {
  (void)state;
  for (int t = 0; targets[t]; t++) values_stay(NULL, targets[t], 77 + (uint64_t)t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_algorithm),
      cmocka_unit_test(what_choose_takes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
