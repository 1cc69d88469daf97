/* test_random.c - random networks (../random), many in one library, simulated against the Graph in
 * double before any pass: outputs of libraries that infer; outputs, the loss and all gradients of
 * libraries that train.
 *
 *   cudasim_random               100 networks, each both ways
 *   cudasim_random all           1000
 *   cudasim_random SEED COUNT    networks SEED ... SEED + COUNT - 1, a line for each group
 *
 * The allowed error is a multiple of what noise of the size of the precision's rounding changes
 * (judge.c). Which of `rows` a group is for follows from its first seed. */
#include "harness.h"

#include <stdio.h>

#include "../random/judge.h"

enum { AT_ONCE = 10, QUICK = 100, ALL = 1000 };

/* How many times the noise a result may be away: its sums have roundings besides. */
typedef struct Row {
  const char *target;
  Precision precision;
  double rounding, times;
} Row;
static const Row rows[] = {
    {"sm_80", PRECISION_F32, F32_ROUNDING, 12}, {"sm_80", PRECISION_BF16, 0x1p-8, 4},
    {"sm_90", PRECISION_F32, F32_ROUNDING, 12}, {"sm_80", PRECISION_TF32, 0x1p-11, 4},
    {"sm_80", PRECISION_F32, F32_ROUNDING, 12}, {"sm_80", PRECISION_F16, 0x1p-11, 4},
    {"sm_90", PRECISION_F32, F32_ROUNDING, 12}, {"sm_80", PRECISION_F32X3, 0x1p-21, 8},
    {"sm_90a", PRECISION_BF16, 0x1p-8, 4},      {"sm_90a", PRECISION_F16, 0x1p-11, 4},
};

typedef struct Group {
  int64_t seed;
  int count;
  const Row *row;
  bool forced; /* products in blocks wherever they are possible */
  int batch, n;
} Group;

static Group group_of(int64_t seed, int count) {
  Random r = {(uint64_t)seed ^ 0xcadau};
  Group g = {.seed = seed, .count = count, .row = &rows[(seed / AT_ONCE) % COUNT(rows)]};
  g.forced = random_int(&r, 0, 1) || g.row->precision != PRECISION_F32;
  g.batch = random_int(&r, 1, MOST_SAMPLES);
  g.n = random_int(&r, 1, g.batch);
  return g;
}

/* ---- networks ---- */

static const char *document(Unit *u, const Group *g, bool training) {
  const Wanted wanted = {training, g->n, g->row->rounding, judge_accepts};
  Document d = document_new();
  for (int i = 0; i < g->count; i++) generate(&d, g->seed + i, &wanted);
  char *text = document_text(&d);
  const char *kept = arena_copy(u->arena, text, strlen(text));
  free(text);
  document_free(&d);
  return kept;
}

static Graph *read(Unit *u, const char *text, bool training) {
  FILE *messages = u->messages;
  u->messages = fopen("/dev/null", "w"); /* warnings of what no output needs */
  Graph *g = read_text(u, "random.json", text, strlen(text), &(ReadOptions){.training = training});
  fclose(u->messages);
  u->messages = messages;
  assert_non_null(g);
  for (int i = 0; i < g->input.n; i++)
    g->input.at[i].gradient =
        training && g->input.at[i].kind == INPUT_DATA && g->input.at[i].type.dtype == F32;
  g->seed = SIMULATED_SEED;
  g->pass = 1;
  return g;
}

static Simulated simulated(const Group *g, bool training) {
  static const char *forced[] = {"*=implicit_gemm"};
  Simulated s = {.u = unit_new()};
  Options o = {.target = g->row->target, .batch = g->batch, .train = training};
  o.algo.at = forced;
  o.algo.n = g->forced;
  if (g->row->precision) o.dtype = DTYPE_F64 + (int)g->row->precision;
  const char *text = document(s.u, g, training);
  Graph *graph = read(s.u, text, training);
  if (training) judge_gradients(graph);
  s.graph = graph;
  s.folder = toolchain_folder(s.u);
  s.plan = pipeline_plan(s.u, &o, read(s.u, text, training), target_find(o.target), false);
  assert_non_null(s.plan);
  double **param = NEW_ARRAY(s.u->arena, double *, graph->param.n + 1);
  for (int i = 0; i < graph->param.n; i++)
    param[i] = judge_leaf(s.u->arena, graph, graph->param.at[i].node, 1);
  s.param = param;
  return s;
}

/* ---- running ---- */

static SimulatedRun inputs(const Simulated *s, int n, const Judged *want) {
  Arena *arena = s->u->arena;
  const Graph *g = s->graph;
  const int results = simulated_results(s);
  SimulatedRun r = {.n = n,
                    .in = NEW_ARRAY(arena, double *, g->input.n + 1),
                    .expected = NEW_ARRAY(arena, double *, results + 1),
                    .out = NEW_ARRAY(arena, float *, results + 1)};
  for (int i = 0; i < g->input.n; i++) r.in[i] = judge_leaf(arena, g, g->input.at[i].node, n);
  for (int i = 0; i < results; i++) {
    r.expected[i] = NEW_ARRAY(arena, double, want[i].size);
    memcpy(r.expected[i], want[i].value, sizeof(double) * (size_t)want[i].size);
  }
  return r;
}

static const double *allowed(const Simulated *s, const Row *row, const Judged *want) {
  double *relative = NEW_ARRAY(s->u->arena, double, simulated_results(s) + 1);
  for (int i = 0; i < simulated_results(s); i++)
    if (want[i].largest > 0)
      relative[i] = row->times * (want[i].noise / want[i].largest + F32_ROUNDING);
  return relative;
}

static void check_as(const Group *g, bool training) {
  Simulated s = simulated(g, training);
  Judged *want = NEW_ARRAY(s.u->arena, Judged, judge_values(s.graph));
  assert_int_equal(judge_values(s.graph), simulated_results(&s));
  assert_true(judge(s.u->arena, s.graph, g->n, g->row->rounding, want));
  simulated_emit(&s);
  simulated_build(&s);
  const SimulatedRun r = inputs(&s, g->n, want);
  simulated_orders(&s, &r, allowed(&s, g->row, want));
  simulated_free(&s);
}

static void check(void **state) {
  const Group *g = *state;
  check_as(g, false);
  check_as(g, true);
}

static int check_groups(int64_t seed, int64_t count) {
  const int n = (int)((count + AT_ONCE - 1) / AT_ONCE);
  Unit *u = unit_new();
  Group *group = NEW_ARRAY(u->arena, Group, n);
  struct CMUnitTest *test = NEW_ARRAY(u->arena, struct CMUnitTest, n);
  for (int i = 0; i < n; i++) {
    const int64_t first = seed + (int64_t)i * AT_ONCE, left = seed + count - first;
    Group *g = &group[i];
    *g = group_of(first, left < AT_ONCE ? (int)left : AT_ONCE);
    test[i] = (struct CMUnitTest)cmocka_unit_test_prestate(check, g);
    test[i].name = arena_printf(u->arena, "seeds %lld to %lld, %s, %s%s, %d of %d samples",
                                (long long)first, (long long)first + g->count - 1, g->row->target,
                                precision_names[g->row->precision],
                                g->forced ? ", implicit_gemm" : "", g->n, g->batch);
  }
  const int failed = _cmocka_run_group_tests("random networks", test, (size_t)n, NULL, NULL);
  unit_free(u);
  return failed;
}

int main(int argc, char **argv) {
  json_object_seed(1);
  if (argc == 3) return check_groups(atoll(argv[1]), atoll(argv[2]));
  return check_groups(1, argc > 1 && strcmp(argv[1], "all") == 0 ? ALL : QUICK);
}
