/* plan_networks.c - random networks and some of models/ at small inputs: after every pass the Plan,
 * run as it lies in memory, gives the values of the Graph as it was read. The long form has more
 * random networks, and every model for every target. */
#include <stdio.h>

#include "kernels.h"
#include "algos.h"
#include "passes.h"
#include "backend.h"

/* ---- random networks ---- */

typedef struct Writer {
  Text text;
  Random r;
  int rank, layers; /* spatial axes; layers so far, named l0 ... */
  int channels[64];
  bool shrunk[64]; /* another spatial size than the input's: adds and concatenations stay away */
} Writer;

static int any_layer(Writer *w) {
  for (int tries = 0; tries < 20; tries++) {
    int l = random_int(&w->r, w->layers > 4 ? w->layers - 4 : 0, w->layers - 1);
    if (!w->shrunk[l]) return l;
  }
  return 0;
}

static void start_layer(Writer *w, const char *op, int from) {
  text_add(&w->text, ",\n { \"op\": \"%s\", \"name\": \"l%d\", \"from\": \"l%d\"", op, w->layers,
           from);
}

static void end_layer(Writer *w, int channels) {
  text_add(&w->text, " }");
  w->shrunk[w->layers] = false;
  w->channels[w->layers++] = channels;
}

static void write_conv(Writer *w, int from) {
  static const int widths[] = {1, 3, 8, 16, 20, 32};
  int filters = widths[random_int(&w->r, 0, 5)], kernel = random_int(&w->r, 0, 1) ? 3 : 1;
  bool grouped = w->channels[from] % 4 == 0 && random_int(&w->r, 0, 3) == 0;
  start_layer(w, "conv", from);
  if (grouped) filters = 4 * filters;
  text_add(&w->text, ", \"filters\": %d, \"kernel\": %d, \"pad\": %d, \"bias\": %s%s", filters,
           kernel, kernel / 2, random_int(&w->r, 0, 1) ? "true" : "false",
           grouped ? ", \"groups\": 4" : "");
  end_layer(w, filters);
}

static void write_depthwise(Writer *w, int from) {
  start_layer(w, "depthwise", from);
  text_add(&w->text, ", \"kernel\": 3, \"pad\": 1");
  end_layer(w, w->channels[from]);
}

static void write_pool(Writer *w, int from) {
  start_layer(w, "pool", from);
  text_add(&w->text, ", \"kind\": \"%s\", \"kernel\": 3, \"stride\": 1, \"pad\": 1",
           random_int(&w->r, 0, 1) ? "max" : "average");
  end_layer(w, w->channels[from]);
}

static void write_map(Writer *w, int from) {
  static const char *const maps[] = {"relu", "tanh", "batch_norm", "sigmoid", "batch_norm", "relu"};
  start_layer(w, maps[random_int(&w->r, 0, 5)], from);
  end_layer(w, w->channels[from]);
}

static void write_join(Writer *w, int from) {
  int other = any_layer(w);
  bool add = w->channels[from] == w->channels[other];
  text_add(&w->text, ",\n { \"op\": \"%s\", \"name\": \"l%d\", \"from\": [\"l%d\", \"l%d\"]",
           add ? "add" : "concat", w->layers, from, other);
  end_layer(w, add ? w->channels[from] : w->channels[from] + w->channels[other]);
}

static const char *random_network(Arena *arena, uint64_t seed) {
  Writer w = {.text = {.arena = arena}, .r = {seed}};
  w.rank = random_int(&w.r, 1, 3);
  text_add(&w.text, "{ \"name\": \"random\", \"input\": { \"shape\": [3");
  for (int a = 0; a < w.rank; a++) text_add(&w.text, ", %d", random_int(&w.r, 3, 6));
  text_add(&w.text, "] },\n\"layers\": [ { \"op\": \"conv\", \"name\": \"l0\", \"filters\": 16, "
                    "\"kernel\": 3, \"pad\": 1");
  end_layer(&w, 16);

  int count = random_int(&w.r, 3, 12);
  void (*const write[])(Writer *, int) = {write_conv, write_depthwise, write_pool, write_map,
                                          write_join, write_map,       write_conv};
  while (w.layers < count) write[random_int(&w.r, 0, COUNT(write) - 1)](&w, any_layer(&w));
  int last = w.layers - 1, other = any_layer(&w);
  if (random_int(&w.r, 0, 1))
    text_add(&w.text,
             ",\n { \"op\": \"dense\", \"name\": \"top\", \"from\": \"l%d\", \"units\": 7 } ],\n"
             "\"outputs\": [\"top\", \"l%d\"] }\n",
             last, other);
  else
    text_add(&w.text, " ],\n\"outputs\": [\"l%d\", \"l%d\"] }\n", last, other == last ? 0 : other);
  return w.text.at;
}

/* ---- running ---- */

typedef struct Case {
  Unit *u;
  const Graph *g;
  int64_t n;
  double **input, **param;
  Array *expected;
} Case;

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Case *c = context;
  const Node *node = &g->node.at[leaf];
  int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  if (node->op == OP_input) return c->input[index];
  return c->param[index];
}

static double *random_values(Unit *u, Random *r, const Type *type, int64_t n, double around) {
  Array a = random_array(u, r, type, n);
  for (int64_t i = 0; i < type_size(type, n); i++) a.at[i] = around + a.at[i] / 2;
  return a.at;
}

static void fill_case(Case *c, uint64_t seed) {
  Random r = {seed};
  c->input = NEW_ARRAY(c->u->arena, double *, c->g->input.n);
  c->param = NEW_ARRAY(c->u->arena, double *, c->g->param.n);
  for (int i = 0; i < c->g->input.n; i++)
    c->input[i] = random_values(c->u, &r, &c->g->input.at[i].type, c->n, 0);
  for (int i = 0; i < c->g->param.n; i++) {
    const Param *p = &c->g->param.at[i];
    bool variance = strstr(p->name, "running_var") != NULL;
    c->param[i] = random_values(c->u, &r, &p->type, c->n, variance ? 1 : 0);
  }
  const Entry *entry = &c->g->entry[ENTRY_FORWARD];
  c->expected = graph_run(c->g, entry->want.at, entry->want.n, c->n, leaf_value, c);
}

/* What is printed reads back as the same. */
static void print_and_parse(const Plan *p) {
  Text first = {.arena = p->u->arena}, second = {.arena = p->u->arena};
  plan_print(&first, p);
  const Plan *again = plan_parse(p->u, p->graph, p->target, first.at);
  assert_non_null(again);
  plan_print(&second, again);
  assert_string_equal(first.at, second.at);
}

static void compare(const Case *c, const Plan *p, const char *pass) {
  const Entry *entry = &c->g->entry[ENTRY_FORWARD];
  double **output = NEW_ARRAY(c->u->arena, double *, entry->want.n);
  plan_verify(p);
  print_and_parse(p);
  for (int i = 0; i < entry->want.n; i++)
    output[i] = NEW_ARRAY(c->u->arena, double, type_size(&c->expected[i].type, c->n));
  PlanRun run = {.input = c->input, .output = output, .param = c->param, .n = c->n};
  plan_run(p, PLAN_FORWARD, &run);
  for (int i = 0; i < entry->want.n; i++) {
    Text what = {.arena = c->u->arena};
    text_add(&what, "%s of %s for %s after %s", entry->want_name.at[i], c->g->name, p->target->name,
             pass);
    assert_near(output[i], c->expected[i].at, type_size(&c->expected[i].type, c->n), 1e-12,
                what.at);
  }
}

static const Plan *plan_case(const Case *c, const Target *target, const char *algo,
                             bool each_pass) {
  PlanOptions options = {.target = target, .max_batch = 4};
  if (algo) vec_push(c->u->arena, &options.algo, algo);
  Graph *g = pass_clean(pass_fold(graph_rewrite(c->g, NULL, NULL)));
  graph_verify(g);
  Plan *p = pass_fuse(g, &options);
  if (each_pass) compare(c, p, "fuse");
  pass_choose(p, &options);
  if (each_pass) compare(c, p, "choose");
  pass_nest(p, &options);
  if (each_pass) compare(c, p, "nest");
  pass_split(p, &options);
  if (each_pass) compare(c, p, "split");
  pass_memory(p, &options);
  compare(c, p, "memory");
  return p;
}

/* A network's text, or the file that holds it. */
static Graph *read_source(Unit *u, const char *source, const ReadOptions *options) {
  Graph *g = *source == '{' ? read_text(u, "network", source, strlen(source), options)
                            : read_network(u, source, options);
  assert_non_null(g);
  return g;
}

/* Of 16 lanes, of 4, of none. */
static const char *const tried[] = {"avx512", "neon", "generic"};

enum { ALL = -1 };

/* A network with random parameters and n random inputs. */
static Case open_case(const char *source, const char *shape, int64_t n) {
  Unit *u = unit_new();
  u->messages = fopen("/dev/null", "w"); /* layers that no output needs are warned about */
  ReadOptions options = {0};
  if (shape) vec_push(u->arena, &options.input_shape, shape);
  Graph *g = read_source(u, source, &options);
  Case c = {.u = u, .g = graph_rewrite(g, NULL, NULL), .n = n};
  fill_case(&c, 5);
  return c;
}

static void close_case(Case *c) {
  fclose(c->u->messages);
  unit_free(c->u);
}

/* On the target whose turn it is, or on ALL; every algorithm wherever it serves, if asked for,
 * after the last pass. */
static void run_network(const char *source, const char *shape, int64_t n, int turn,
                        bool each_algo) {
  Case c = open_case(source, shape, n);
  for (int t = 0; t < COUNT(tried); t++) {
    if (turn != ALL && !has_turn(turn, t, COUNT(tried))) continue;
    const Target *target = target_find(tried[t]);
    plan_case(&c, target, NULL, !shape);
    for (int a = 0; each_algo && a < ALGO_KINDS; a++)
      plan_case(&c, target, arena_printf(c.u->arena, "*=%s", algos[a]->name), false);
  }
  close_case(&c);
}

static void random_networks(void **state) {
  (void)state;
  const uint64_t last = is_long() ? 60 : 16;
  for (uint64_t seed = 1; seed <= last; seed++) {
    Arena *arena = arena_new();
    const char *text = random_network(arena, seed);
    if (getenv("CNNC_SHOW")) fprintf(stderr, "seed %d\n%s\n", (int)seed, text);
    run_network(text, NULL, 1 + (int64_t)(seed % 2), ALL, seed % 8 == 0);
    arena_free(arena);
  }
}

/* Rows of columns that lie one in another, and are cut where padding ends. */
static void columns_of_strided_windows(void **state) {
  (void)state;
  run_network("{ \"name\": \"strided\", \"input\": { \"shape\": [5, 3, 7] }, \"layers\": [\n"
              " { \"op\": \"conv\", \"filters\": 5, \"kernel\": 3, \"stride\": 4,"
              " \"pad\": { \"lo\": 1, \"hi\": 2 } } ] }",
              NULL, 2, ALL, true);
}

static void models(void **state) {
  static const char *const model[][2] = {{"models/mobilenet_v1.json", "3x32x32"},
                                         {"models/googlenet.json", "3x32x32"},
                                         {"models/resnet34_a.json", "3x17x17"},
                                         {"models/alexnet_2012.json", "3x67x67"}};
  (void)state;
  run_network("models/lenet5.json", NULL, 2, ALL, true);
  for (int m = 0; m < COUNT(model); m++) run_network(model[m][0], model[m][1], 1, m, false);
}

/* For one core of a small cache the largest batch is many samples: each goes through several
 * layers. */
static void samples_go_through_layers(void **state) {
  static const char *const model[][2] = {{"models/googlenet.json", "3x32x32"},
                                         {"models/mobilenet_v1.json", "3x32x32"},
                                         {"tests/library/networks/deep.json", "16x24x20"}};
  (void)state;
  for (int m = 0; m < COUNT(model); m++) {
    Case c = open_case(model[m][0], model[m][1], 2);
    Target small = *target_find(tried[m]);
    small.machine.cores = 1;
    small.machine.l2 = 16384;
    small.machine.launch = 1e-9;
    const Plan *p = plan_case(&c, &small, NULL, false);
    int deep = 0;
    for (int i = 0; i < p->entry[PLAN_FORWARD].step.n; i++)
      deep += p->entry[PLAN_FORWARD].step.at[i]->body.n > 1;
    if (deep == 0) fail_msg("%s: no sample goes through several layers", model[m][0]);
    int joined = 0;
    for (int b = 0; b < p->buffer.n; b++) joined += p->buffer.at[b].type.dim[3].per_n > 0;
    if (m == 2 && joined == 0)
      fail_msg("%s: no tiles of all samples beside each other", model[m][0]);
    close_case(&c);
  }
}

/* ---- training ---- */

static double **blank(Unit *u, const Graph *g, const EntryKind kind) {
  const Entry *entry = &g->entry[kind];
  double **at = NEW_ARRAY(u->arena, double *, entry->want.n + 1);
  for (int i = 0; i < entry->want.n; i++)
    at[i] = NEW_ARRAY(u->arena, double, type_size(&g->node.at[entry->want.at[i]].type, 4));
  return at;
}

typedef struct Training {
  Case c;
  double **state, **grad;
} Training;

static const double *training_leaf(void *context, const Graph *g, Id leaf, int64_t n) {
  const Training *t = context;
  const Node *node = &g->node.at[leaf];
  Case c = t->c;
  if (node->op == OP_state) return t->state[((const LeafAttr *)node->attr)->index];
  return leaf_value(&c, g, leaf, n);
}

static void compare_gradients(const Training *t, const Graph *g, const Array *expected) {
  const Entry *entry = &g->entry[ENTRY_BACKWARD];
  assert_true(entry->want.n > 0);
  for (int i = 0; i < entry->want.n; i++) {
    int param = 0;
    while (strcmp(g->param.at[param].name, entry->want_name.at[i]) != 0) param++;
    assert_near(t->grad[param], expected[i].at, type_size(&expected[i].type, 1), 1e-12,
                entry->want_name.at[i]);
  }
}

/* Loss, gradients and one step: Plan against Graph. */
static void train_network(const char *source) {
  Unit *u = unit_new();
  ReadOptions read = {.training = true};
  PlanOptions options = {.target = target_find("generic"), .max_batch = 4, .training = true};
  Graph *g = read_source(u, source, &read);
  pass_grad(g);
  g = pass_clean(g);
  Training t = {.c = {.u = u, .g = g, .n = 3}};
  Case *c = &t.c;
  fill_case(c, 9);
  for (int i = 0; i < g->input.n; i++) /* labels */
    for (int64_t j = 0; g->input.at[i].kind == INPUT_TARGET && j < c->n; j++)
      c->input[i][j] = (double)(3 * j);
  t.state = NEW_ARRAY(u->arena, double *, g->state.n + 1);
  t.grad = NEW_ARRAY(u->arena, double *, g->param.n);
  for (int i = 0; i < g->state.n; i++)
    t.state[i] = NEW_ARRAY(u->arena, double, type_size(&g->state.at[i].type, 1));
  for (int i = 0; i < g->param.n; i++)
    t.grad[i] = NEW_ARRAY(u->arena, double, type_size(&g->param.at[i].type, 1));
  const Entry *backward = &g->entry[ENTRY_BACKWARD], *step = &g->entry[ENTRY_STEP];
  const Entry *forward = &g->entry[ENTRY_TRAIN_FORWARD];
  Array *loss = graph_run(g, forward->want.at, forward->want.n, c->n, training_leaf, &t);
  Array *gradient = graph_run(g, backward->want.at, backward->want.n, c->n, training_leaf, &t);
  Id *value = NEW_ARRAY(u->arena, Id, step->update.n);
  for (int i = 0; i < step->update.n; i++) value[i] = step->update.at[i].value;
  Array *updated = graph_run(g, value, step->update.n, c->n, training_leaf, &t);

  Plan *p = pass_fuse(g, &options);
  plan_verify(p);
  print_and_parse(p);
  pass_choose(p, &options);
  pass_nest(p, &options);
  pass_split(p, &options);
  pass_update(p, &options);
  pass_memory(p, &options);
  plan_verify(p);
  print_and_parse(p);
  PlanRun run = {.input = c->input, .param = c->param, .state = t.state, .grad = t.grad, .n = c->n};
  run.output = blank(u, g, ENTRY_TRAIN_FORWARD);
  plan_run(p, PLAN_TRAIN_FORWARD, &run);
  assert_near(run.output[0], loss[0].at, 1, 1e-12, "loss");
  plan_run(p, PLAN_BACKWARD, &run);
  compare_gradients(&t, g, gradient);
  plan_run(p, PLAN_STEP, &run);
  assert_true(step->update.n > 0);
  for (int i = 0; i < step->update.n; i++) {
    const Node *to = &g->node.at[step->update.at[i].to];
    int64_t index = ((const LeafAttr *)to->attr)->index;
    const double *now = to->op == OP_param ? c->param[index] : t.state[index];
    assert_near(now, updated[i].at, type_size(&to->type, 1), 1e-12, to->where.layer);
  }
  unit_free(u);
}

/* What the project promises of ResNet-50's Plan. */
static void resnet50_is_fused(void **state) {
  (void)state;
  Unit *u = unit_new();
  ReadOptions read = {0};
  PlanOptions options = {.target = target_find("avx512"), .max_batch = 1};
  Graph *g = read_network(u, "models/resnet50.json", &read);
  assert_non_null(g);
  Plan *p = pass_fuse(pass_clean(pass_fold(g)), &options);
  pass_choose(p, &options);
  int contractions = 0, kernels = 0;
  const Steps *steps = &p->entry[PLAN_FORWARD].step;
  for (int i = 0; i < steps->n; i++) {
    const Kernel *k = steps->at[i]->run;
    kernels += i == 0 || !kernel_continues(steps->at[i - 1]->run, k);
    contractions += k->macs > 0;
  }
  assert_int_equal(contractions, 54); /* 53 convolutions, one dense layer */
  assert_int_equal(kernels, 57);      /* and the input's move, two pools */
  pass_nest(p, &options);
  pass_split(p, &options);
  pass_memory(p, &options);
  plan_verify(p);
  assert_true((double)p->work_bytes[PLAN_FORWARD] <= 1.1 * (double)p->live_bytes[PLAN_FORWARD]);
  unit_free(u);
}

static void networks_train(void **state) {
  (void)state;
  train_network("models/lenet5.json");
  train_network(/* the second layer reads nothing but padding, so no gradient passes it */
                "{ \"name\": \"beside\", \"input\": { \"shape\": [16, 5] }, \"layers\": [\n"
                " { \"op\": \"conv\", \"kernel\": 4, \"stride\": 2, \"filters\": 19 },\n"
                " { \"op\": \"conv\", \"kernel\": 1, \"stride\": 3, \"pad\": 1, \"filters\": 16 "
                "},\n"
                " { \"op\": \"relu\" } ], \"loss\": { \"op\": \"mse\" },"
                " \"optimizer\": { \"op\": \"sgd\", \"lr\": 0.1, \"momentum\": 0.9 } }");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_networks), cmocka_unit_test(columns_of_strided_windows),
      cmocka_unit_test(models),          cmocka_unit_test(samples_go_through_layers),
      cmocka_unit_test(networks_train),  cmocka_unit_test(resnet50_is_fused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
