/* plan_gradients.c - random chains of convolutions in training: by every algorithm, wherever it
 * serves forward or a gradient, the Plan gives the gradients of the Graph. Between convolutions
 * lies what is absorbed into the index maps of their gradients. A step at once leaves what its
 * parts leave. */
#include <stdio.h>

#include "kernels.h"
#include "algos.h"
#include "passes.h"
#include "backend.h"

enum { NETWORKS = 10, MOST_AXES = 3, SAMPLES = 2 };

/* ---- random networks ---- */

typedef struct Writer {
  Text text;
  Random r;
  int rank, channels, size[MOST_AXES];
} Writer;

static void add_list(Writer *w, const char *before, const char *key, const int *value) {
  text_add(&w->text, "%s\"%s\": ", before, key);
  for (int a = 0; a < w->rank; a++) text_add(&w->text, "%s%d", a ? ", " : "[", value[a]);
  text_add(&w->text, "]");
}

static int one_of(Writer *w, const int *value, int n) {
  return value[random_int(&w->r, 0, n - 1)];
}
#define ONE_OF(w, ...)                                                                             \
  one_of(w, (const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))

static void write_conv(Writer *w) {
  const int stride = ONE_OF(w, 1, 1, 1, 2), dilation = ONE_OF(w, 1, 1, 1, 2);
  const int groups = w->channels % 4 ? 1 : ONE_OF(w, 1, 1, 1, 2, 4);
  const int filters = groups == 1 ? ONE_OF(w, 8, 16, 17, 20, 32) : ONE_OF(w, 8, 32, 64);
  const int wide = ONE_OF(w, 1, 2, 3, 3, 3, 5);
  int kernel[MOST_AXES], lo[MOST_AXES], hi[MOST_AXES];
  for (int a = 0; a < w->rank; a++) {
    const int most = (w->size[a] - 1) / dilation + 1;
    kernel[a] = wide < most ? wide : most;
    lo[a] = random_int(&w->r, 0, kernel[a] / 2);
    hi[a] = random_int(&w->r, 0, kernel[a] / 2);
    w->size[a] = (w->size[a] + lo[a] + hi[a] - dilation * (kernel[a] - 1) - 1) / stride + 1;
  }
  text_add(&w->text,
           "{ \"op\": \"conv\", \"filters\": %d, \"stride\": %d, \"dilation\": %d, "
           "\"groups\": %d, \"bias\": %s",
           filters, stride, dilation, groups, ONE_OF(w, 0, 1) ? "true" : "false");
  add_list(w, ", ", "kernel", kernel);
  add_list(w, ", \"pad\": { ", "lo", lo);
  add_list(w, ", ", "hi", hi);
  text_add(&w->text, " } },\n");
  w->channels = filters;
}

static void write_relu(Writer *w) {
  text_add(&w->text, "{ \"op\": \"relu\" },\n");
}

static void write_pad(Writer *w) {
  const int axis = random_int(&w->r, 1, w->rank), lo = ONE_OF(w, 0, 0, 1), hi = ONE_OF(w, 1, 2);
  text_add(&w->text, "{ \"op\": \"pad\", \"axis\": [%d], \"lo\": [%d], \"hi\": [%d] },\n", axis, lo,
           hi);
  w->size[axis - 1] += lo + hi;
}

static void write_slice(Writer *w) {
  const int axis = random_int(&w->r, 0, w->rank);
  int *extent = axis ? &w->size[axis - 1] : &w->channels;
  const int start = ONE_OF(w, 0, 0, 1), stop = *extent - ONE_OF(w, 0, 1);
  if (stop - start < 2) return;
  text_add(&w->text, "{ \"op\": \"slice\", \"axis\": %d, \"start\": %d, \"stop\": %d },\n", axis,
           start, stop);
  *extent = stop - start;
}

static const char *random_network(Arena *arena, uint64_t seed) {
  static void (*const between[])(Writer *) = {write_relu, write_relu, write_pad, write_slice};
  Writer w = {.text = {.arena = arena}, .r = {seed}};
  w.rank = ONE_OF(&w, 1, 2, 2, 3);
  w.channels = ONE_OF(&w, 3, 8, 16);
  text_add(&w.text, "{ \"name\": \"random\", \"input\": { \"shape\": [%d", w.channels);
  for (int a = 0; a < w.rank; a++) {
    w.size[a] = w.rank == 3 ? random_int(&w.r, 3, 5) : random_int(&w.r, 5, 11);
    text_add(&w.text, ", %d", w.size[a]);
  }
  text_add(&w.text, "] }, \"layers\": [\n");
  for (int layers = random_int(&w.r, 2, 4); layers; layers--) {
    write_conv(&w);
    between[random_int(&w.r, 0, COUNT(between) - 1)](&w);
  }
  text_add(&w.text, "{ \"op\": \"dense\", \"units\": 4 }], \"loss\": { \"op\": \"cross_entropy\" "
                    "}, \"optimizer\": { \"op\": \"sgd\", \"lr\": 0.1, "
                    "\"momentum\": 0.9 } }\n");
  return w.text.at;
}

/* ---- running ---- */

typedef struct Case {
  Unit *u;
  Graph *g; /* as read */
  double **input, **param, **state;
  Array *expected; /* gradients, in the order of g's entry */
} Case;

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Case *c = context;
  const Node *node = &g->node.at[leaf];
  const int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  return (node->op == OP_param ? c->param : node->op == OP_state ? c->state : c->input)[index];
}

static void fill_case(Case *c, uint64_t seed) {
  Random r = {seed};
  Graph *g = pass_grad(graph_rewrite(c->g, NULL, NULL));
  c->input = NEW_ARRAY(c->u->arena, double *, g->input.n);
  c->param = NEW_ARRAY(c->u->arena, double *, g->param.n);
  c->state = NEW_ARRAY(c->u->arena, double *, g->state.n + 1);
  for (int i = 0; i < g->input.n; i++) {
    const Array a = random_array(c->u, &r, &g->input.at[i].type, SAMPLES);
    for (int s = 0; g->input.at[i].kind == INPUT_TARGET && s < SAMPLES; s++) a.at[s] = s + 1;
    c->input[i] = a.at;
  }
  for (int i = 0; i < g->param.n; i++)
    c->param[i] = random_array(c->u, &r, &g->param.at[i].type, 1).at;
  const Entry *entry = &g->entry[ENTRY_BACKWARD];
  c->expected = graph_run(g, entry->want.at, entry->want.n, SAMPLES, leaf_value, c);
}

/* Memory of its own, before the first step. */
static PlanRun fresh_run(const Case *c, const Graph *g) {
  PlanRun run = {.input = c->input, .n = SAMPLES};
  Arena *arena = c->u->arena;
  run.output = NEW_ARRAY(arena, double *, 1);
  run.output[0] = NEW(arena, double);
  run.param = NEW_ARRAY(arena, double *, g->param.n);
  run.grad = NEW_ARRAY(arena, double *, g->param.n);
  run.state = NEW_ARRAY(arena, double *, g->state.n + 1);
  for (int i = 0; i < g->param.n; i++) {
    const int64_t size = type_size(&g->param.at[i].type, 1);
    run.param[i] = NEW_ARRAY(arena, double, size);
    run.grad[i] = NEW_ARRAY(arena, double, size);
    memcpy(run.param[i], c->param[i], (size_t)size * sizeof(double));
  }
  for (int i = 0; i < g->state.n; i++)
    run.state[i] = NEW_ARRAY(arena, double, type_size(&g->state.at[i].type, 1));
  return run;
}

static void compare_gradients(const Case *c, const Graph *g, double *const *grad,
                              const char *what) {
  const Entry *entry = &g->entry[ENTRY_BACKWARD];
  for (int w = 0; w < entry->want.n; w++)
    for (int i = 0; i < g->param.n; i++)
      if (strcmp(entry->want_name.at[w], g->param.at[i].name) == 0)
        assert_near(grad[i], c->expected[w].at, type_size(&g->param.at[i].type, 1), 1e-10,
                    arena_printf(c->u->arena, "%s of %s", entry->want_name.at[w], what));
}

/* A step at once, where it is not just backward and step, against its parts. */
static void compare(const Case *c, const Plan *p, const char *what) {
  const Graph *g = p->graph;
  const PlanRun parts = fresh_run(c, g), once = fresh_run(c, g);
  plan_verify(p);
  plan_run(p, PLAN_BACKWARD, &parts);
  compare_gradients(c, g, parts.grad, what);
  if (!p->entry[PLAN_TRAIN_STEP].exists) return;
  plan_run(p, PLAN_STEP, &parts);
  plan_run(p, PLAN_TRAIN_STEP, &once);
  for (int i = 0; i < g->param.n; i++)
    assert_near(once.param[i], parts.param[i], type_size(&g->param.at[i].type, 1), 0,
                arena_printf(c->u->arena, "%s after a step by %s", g->param.at[i].name, what));
}

static bool takes(const Plan *p, const Algo *algo) {
  for (int i = 0; i < p->choice.n; i++)
    if (p->choice.at[i].taken && strcmp(p->choice.at[i].algo, algo->name) == 0) return true;
  return false;
}

/* Is train_step an entry of its own? */
static bool plan_case(const Case *c, const Target *target, const Algo *algo) {
  PlanOptions options = {
      .target = target, .max_batch = SAMPLES, .max_error = INFINITY, .training = true};
  vec_push(c->u->arena, &options.algo, arena_printf(c->u->arena, "*=%s", algo->name));
  Plan *p = pass_fuse(pass_clean(pass_grad(graph_rewrite(c->g, NULL, NULL))), &options);
  pass_choose(p, &options);
  if (!takes(p, algo)) return false;
  pass_nest(p, &options);
  pass_split(p, &options);
  pass_update(p, &options);
  pass_memory(p, &options);
  compare(c, p, arena_printf(c->u->arena, "%s on %s", algo->name, target->name));
  return p->entry[PLAN_TRAIN_STEP].exists;
}

/* Widest vectors and none: in the usual form, algorithms change between them from network to
 * network. */
static const char *const tried[] = {"avx512", "generic"};

static int run_network(const char *text, uint64_t seed) {
  int at_once = 0;
  Case c = {.u = unit_new()};
  const ReadOptions options = {.training = true};
  c.g = read_text(c.u, "network", text, strlen(text), &options);
  assert_non_null(c.g);
  fill_case(&c, seed);
  for (int t = 0; t < COUNT(tried); t++)
    for (int a = 0; a < ALGO_KINDS; a++)
      if (has_turn((int)seed + a, t, COUNT(tried)))
        at_once += plan_case(&c, target_find(tried[t]), algos[a]);
  unit_free(c.u);
  return at_once;
}

static void gradients_stay(void **state) {
  (void)state;
  const uint64_t last = is_long() ? NETWORKS : NETWORKS / 2;
  int at_once = 0;
  for (uint64_t seed = 1; seed <= last; seed++) {
    Arena *arena = arena_new();
    const char *text = random_network(arena, seed);
    if (getenv("CNNC_SHOW")) fprintf(stderr, "seed %d\n%s\n", (int)seed, text);
    at_once += run_network(text, seed);
    arena_free(arena);
  }
  assert_true(at_once > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_stay)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
