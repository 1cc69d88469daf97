/* test_random.c - random networks (../random), many in one library, simulated against the Graph in
 * double before any pass: outputs of libraries that infer; outputs, the loss and all gradients of
 * libraries that train.
 *
 *   cudasim_random               100 networks, each both ways; in the long form 1000
 *   cudasim_random SEED COUNT    networks SEED ... SEED + COUNT - 1, a line for each group
 *
 * Allowed is what noise of some roundings of the precision changes (judge.c). Which of `rows` a
 * group is for follows from its first seed. */
#include "harness_judged.h"

#include <stdio.h>

enum { AT_ONCE = 10, QUICK = 100, ALL = 1000 };

typedef struct Row {
  const char *target;
  Precision precision;
  Rounding rounding;
} Row;
static const Row rows[] = {
    {"sm_80", PRECISION_F32, {F32_ROUNDING, 12}}, {"sm_80", PRECISION_BF16, {0x1p-8, 4}},
    {"sm_90", PRECISION_F32, {F32_ROUNDING, 12}}, {"sm_80", PRECISION_TF32, {0x1p-11, 4}},
    {"sm_80", PRECISION_F32, {F32_ROUNDING, 12}}, {"sm_80", PRECISION_F16, {0x1p-11, 4}},
    {"sm_90", PRECISION_F32, {F32_ROUNDING, 12}}, {"sm_80", PRECISION_F32X3, {0x1p-21, 8}},
    {"sm_90a", PRECISION_BF16, {0x1p-8, 4}},      {"sm_90a", PRECISION_F16, {0x1p-11, 4}},
};

typedef struct Group {
  int64_t seed;
  int count;
  const Row *row;
  const char *forced; /* the algorithm wherever it is possible; NULL: what is fastest */
  int batch, n;
} Group;

/* In f32 one of these, by turns; rounded products are the second's. */
static const char *const forced[] = {NULL,          "*=implicit_gemm", "*=implicit_gemm",
                                     "*=winograd2", "*=winograd4",     "*=fft8"};

static Group group_of(int64_t seed, int count) {
  Random r = {(uint64_t)seed ^ 0xcadau};
  Group g = {.seed = seed, .count = count, .row = &rows[(seed / AT_ONCE) % COUNT(rows)]};
  const int64_t drawn = random_int(&r, 0, COUNT(forced) - 1);
  g.forced = forced[g.row->precision ? 1 : drawn];
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

/* Dropout draws otherwise in a library of several networks than in each alone, which was accepted:
 * values that leave their range with it are looked for in halves, and left out. */
static void check_as(const Group *g, bool training) {
  Unit *u = unit_new();
  const char *algo[] = {g->forced};
  Options o = {.target = g->row->target, .batch = g->batch, .train = training};
  o.algo.at = algo;
  o.algo.n = g->forced != NULL;
  if (g->row->precision) o.dtype = DTYPE_F64 + (int)g->row->precision;
  Simulated s = judged_text(u, document(u, g, training), o);
  const bool fine = judged_check(&s, g->n, g->row->rounding);
  simulated_free(&s);
  if (fine) return;
  if (g->count == 1) {
    print_message("seed %lld is left out\n", (long long)g->seed);
    return;
  }
  Group first = *g, second = *g;
  first.count = g->count / 2;
  second.seed += first.count;
  second.count -= first.count;
  check_as(&first, training);
  check_as(&second, training);
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
    test[i].name = arena_printf(u->arena, "seeds %lld to %lld, %s, %s%s%s, %d of %d samples",
                                (long long)first, (long long)first + g->count - 1, g->row->target,
                                precision_names[g->row->precision], g->forced ? ", --algo " : "",
                                g->forced ? g->forced : "", g->n, g->batch);
  }
  const int failed = _cmocka_run_group_tests("random networks", test, (size_t)n, NULL, NULL);
  unit_free(u);
  return failed;
}

int main(int argc, char **argv) {
  json_object_seed(1);
  if (argc == 3) return check_groups(atoll(argv[1]), atoll(argv[2]));
  return check_groups(1, is_long() ? ALL : QUICK);
}
