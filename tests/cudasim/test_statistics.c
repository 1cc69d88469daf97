/* test_statistics.c - batch norm whose statistics come from the epilogue before it, with every kind
 * of tile: against the same network whose statistics come from memory, for batches of any size up
 * to the largest; and defects of such an epilogue. Against the graph in double: test_training.c. */
#include "harness.h"

#include <math.h>

#include "cuda/gemm.h"

enum { BATCH = 4, NORMS = 3 };

/* More channels than a tile has columns; groups, whose channels fill no tile; strides, a bias, and
 * something else that reads what is normalised. */
static const char network[] =
    "{ 'name': 'net', 'input': { 'shape': [8, 5, 7] }, 'layers': ["
    "{ 'op': 'conv', 'filters': 136, 'kernel': 3, 'pad': 1, 'bias': false },"
    "{ 'op': 'batch_norm' }, { 'op': 'tanh' },"
    "{ 'op': 'conv', 'filters': 34, 'kernel': [1, 3], 'pad': [0, 1], 'groups': 2, 'bias': false },"
    "{ 'op': 'batch_norm' },"
    "{ 'op': 'conv', 'name': 'c', 'filters': 96, 'kernel': 1, 'stride': 2 },"
    "{ 'op': 'batch_norm', 'name': 'b' }, { 'op': 'add', 'from': ['b', 'c'] }, { 'op': 'tanh' },"
    "{ 'op': 'dense', 'units': 4 }], 'loss': { 'op': 'cross_entropy' }, 'optimizer': { 'op': 'sgd' "
    "} }";

static GemmTile forced;

static void force_tile(const Plan *p, Kernel *k) {
  (void)p;
  gemm_set_tile(k, &forced);
}

static int buffers_called(const Plan *p, const char *suffix) {
  int n = 0;
  for (int b = 0; b < p->buffer.n; b++) {
    const char *dot = strrchr(p->buffer.at[b].name, '.');
    n += dot && strcmp(dot + 1, suffix) == 0;
  }
  return n;
}

/* Which runs a target with such tiles sums; NULL: none. */
typedef bool Sums(const Plan *, const Kernel *, Coord *run);

static Simulated simulated(const char *target, Precision precision, const GemmTile *tile,
                           Sums *sums) {
  static const char *algo[] = {"*=implicit_gemm"};
  static Target changed; /* the plan has it */
  Simulated s = {.u = unit_new()};
  Options o = {.target = target, .batch = BATCH, .train = true, .algo = {.at = algo, .n = 1}};
  char path[] = "/tmp/cnnc-statistics-XXXXXX";
  FILE *file = fdopen(mkstemp(path), "w");
  assert_non_null(file);
  for (const char *c = network; *c; c++) fputc(*c == '\'' ? '"' : *c, file);
  fclose(file);
  o.network = path;
  if (precision) o.dtype = DTYPE_F64 + (int)precision;
  changed = *target_find(target);
  changed.tile = force_tile;
  changed.sums = sums;
  forced = *tile;
  s.folder = toolchain_folder(s.u);
  s.graph = pipeline_read(s.u, &o);
  s.param = params_seeded(s.graph, 1);
  s.plan = pipeline_plan(s.u, &o, pipeline_read(s.u, &o), &changed, false);
  remove(path);
  assert_int_equal(buffers_called(s.plan, "squares"), sums ? NORMS : 0);
  return s;
}

static void expect(Simulated *plain, SimulatedRun *r) {
  SimulatedRun run = *r;
  run.out = NEW_ARRAY(plain->u->arena, float *, simulated_results(plain) + 1);
  const int status = simulated_run(plain, &run, NULL);
  if (status != 0) fail_msg("status %d\n%s", status, run.messages.n ? run.messages.at : "");
  for (int o = 0; o < simulated_results(plain); o++)
    for (int64_t i = 0; i < type_size(simulated_type(plain, o), r->n); i++)
      r->expected[o][i] = run.out[o][i];
}

typedef struct Row {
  const char *target;
  Precision precision;
  GemmTile tile;
} Row;

static const Row rows[] = {
    {"sm_80", PRECISION_F32, {128, 128, 16, 8, 8, 2, 0, 0, 0}},
    {"sm_80", PRECISION_F32, {64, 32, 16, 4, 4, 4, 0, 0, 0}},
    {"sm_80", PRECISION_F32, {128, 16, 16, 4, 4, 4, 0, 0, 0}},
    {"sm_80", PRECISION_F32, {16, 64, 16, 4, 4, 4, 0, 0, 0}},
    {"sm_80", PRECISION_BF16, {128, 128, 16, 64, 32, 3, 0, 0, 0}},
    {"sm_80", PRECISION_F16, {64, 32, 16, 32, 16, 4, 0, 0, 0}},
    {"sm_80", PRECISION_TF32, {32, 64, 16, 16, 32, 4, 0, 0, 0}},
    {"sm_80", PRECISION_F32X3, {128, 64, 16, 32, 32, 4, 0, 0, 0}},
    {"sm_90a", PRECISION_BF16, {128, 256, 32, 16, 256, 3, 4, 0, 0}},
    {"sm_90a", PRECISION_BF16, {128, 128, 32, 16, 128, 4, 4, 0, 0}},
    {"sm_90a", PRECISION_BF16, {64, 64, 32, 16, 64, 4, 4, 0, 0}},
    {"sm_90a", PRECISION_F16, {128, 32, 32, 16, 32, 4, 4, 0, 0}},
    {"sm_90a", PRECISION_F16, {64, 128, 32, 16, 128, 4, 4, 0, 0}},
};

/* Sums of f32 in f64, in another order: what differs is a last digit of statistics, and what that
 * makes products round otherwise. */
static double allowed_of(const Row *row) {
  switch (row->precision) {
  case PRECISION_F32: return 1e-5;
  case PRECISION_F32X3: return 1e-4;
  case PRECISION_BF16: return 0x1p-6;
  default: return 0x1p-8;
  }
}

static void check(const Row *row) {
  Simulated plain = simulated(row->target, row->precision, &row->tile, NULL);
  Simulated s = simulated(row->target, row->precision, &row->tile, target_find(row->target)->sums);
  simulated_emit(&plain);
  simulated_build(&plain);
  simulated_emit(&s);
  simulated_build(&s);
  double *allowed = NEW_ARRAY(s.u->arena, double, simulated_results(&s) + 1);
  for (int o = 0; o < simulated_results(&s); o++) allowed[o] = allowed_of(row);
  for (int n = 1; n <= BATCH; n += n == 1 ? 1 : 2) {
    SimulatedRun r = simulated_inputs(&s, n);
    expect(&plain, &r);
    simulated_orders(&s, &r, allowed);
  }
  simulated_free(&plain);
  simulated_free(&s);
}

/* Some of them; in the long form all. */
static void tiles_agree(void **state) {
  (void)state;
  for (int i = is_long() ? 0 : 1; i < COUNT(rows); i += is_long() ? 1 : 4) check(&rows[i]);
}

typedef struct Defect {
  int row;
  const char *from, *to; /* in the emitted file */
  const char *found;     /* what the simulator says; NULL: results are wrong, or it says anything */
} Defect;

static const Defect defects[] = {
    {9, "  __syncthreads();\n  {\n    const int own", "  {\n    const int own",
     "race in shared memory"},
    {9, "(r ^ lane / 8)", "(r | lane / 8)", NULL},
    {9, "sum2 = cnnc_sum_lanes(sum2, 16, 32);", "", NULL},
    {5, "const int run = row0 + 32 * across;", "const int run = row0;", NULL},
    {5, "sum1 = cnnc_sum_lanes(sum1, 4, 32);", "sum1 = cnnc_sum_lanes(sum1, 4, 16);", NULL},
    {1, "double value = 0.0;", "double value = 1.0;", NULL},
    {1, "64.0) < __dmul_rn((double)batch, 35.0)", "64.0) < __dmul_rn((double)batch, 70.0)", NULL},
};

static void check_defect(const Defect *d, const Simulated *s, const SimulatedRun *inputs) {
  SimulatedRun r = *inputs;
  double most = 0;
  simulated_emit(s);
  simulated_replace(s, d->from, d->to);
  simulated_build(s);
  const int status = simulated_run(s, &r, NULL);
  for (int o = 0; status == 0 && o < simulated_results(s); o++) {
    const double error = simulated_error(s, &r, o);
    if (!(error <= most)) most = error;
  }
  const bool found = status == CUDASIM_FOUND && (!d->found || strstr(r.messages.at, d->found));
  if (!found && (d->found || most <= 4 * allowed_of(&rows[d->row])))
    fail_msg("%s: status %d, error %g", d->to, status, most);
}

static void defects_are_found(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(defects);) {
    const Row *row = &rows[defects[i].row];
    Simulated plain = simulated(row->target, row->precision, &row->tile, NULL);
    Simulated s =
        simulated(row->target, row->precision, &row->tile, target_find(row->target)->sums);
    SimulatedRun r = simulated_inputs(&s, 3);
    simulated_emit(&plain);
    simulated_build(&plain);
    expect(&plain, &r);
    for (const int of = defects[i].row; i < COUNT(defects) && defects[i].row == of; i++)
      check_defect(&defects[i], &s, &r);
    simulated_free(&plain);
    simulated_free(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(tiles_agree),
                                     cmocka_unit_test(defects_are_found)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
