/* operators.c - every operator in many shapes (cases.h), for every target of C that this CPU runs
 * (in the usual form each shape for one of them), with every algorithm: the emitted library against
 * the Graph interpreted in double before any pass. The tolerance of an output follows from the
 * lengths of the sums it is made of. */
#include "cases.h"

#include <unistd.h>

#include "inference.h"
#include "algos.h"
#include "rounding.h"

enum { SAMPLES = 2 };

/* ---- numbers ---- */

/* In [-1, 1). */
static float value(uint32_t stream, uint32_t i) {
  uint32_t z = stream * 0x632BE5ABu ^ i * 0x9E3779B9u;
  z = (z ^ z >> 16) * 0x85EBCA6Bu;
  z = (z ^ z >> 13) * 0xC2B2AE35u;
  return (float)((z ^ z >> 16) / 2147483648.0 - 1);
}

static bool ends_in(const char *name, const char *suffix) {
  size_t n = strlen(name), m = strlen(suffix);
  return n > m && strcmp(name + n - m, suffix) == 0;
}

static void write_weights(Unit *u, const Graph *g, const char *file) {
  Tensors all = {0};
  for (int p = 0; p < g->param.n; p++) {
    const Param *param = &g->param.at[p];
    int64_t size = type_size(&param->type, 1);
    float *values = NEW_ARRAY(u->arena, float, size);
    Tensor t = {.name = param->name, .rank = param->type.rank, .data = values};
    for (int a = 0; a < t.rank; a++) t.dim[a] = param->type.dim[a].plus;
    for (int64_t i = 0; i < size; i++) {
      values[i] = value((uint32_t)p + 1000, (uint32_t)i);
      if (ends_in(param->name, "running_var")) values[i] = fabsf(values[i]) + 0.5f;
    }
    vec_push(u->arena, &all, t);
  }
  assert_true(weights_write(u, file, &all));
}

static float **input_values(Unit *u, const Graph *g) {
  float **input = NEW_ARRAY(u->arena, float *, g->input.n + 1);
  for (int i = 0; i < g->input.n; i++) {
    int64_t size = SAMPLES * inference_input_size(g, i);
    input[i] = NEW_ARRAY(u->arena, float, size);
    for (int64_t k = 0; k < size; k++) input[i][k] = value((uint32_t)i, (uint32_t)k);
  }
  return input;
}

/* ---- running ---- */

typedef struct Batch {
  Unit *u;
  const Case *c;
  int n;
  Graph *g;
  const char *weights; /* a file */
  float **input, **expected;
  int failures;
} Batch;

static float **infer(Batch *b, const char *target, const Algo *algo) {
  const char *choice = arena_printf(b->u->arena, "*=%s", algo ? algo->name : "loops");
  const char *const words[] = {"cnnc",
                               "run",
                               "net.json",
                               "--no-validate",
                               "--weights",
                               b->weights,
                               target ? "--target" : "--interpret",
                               target,
                               "--cc",
                               is_long() ? "cc" : "tests/library/cc_o1",
                               "--algo",
                               choice};
  int nwords = COUNT(words) - (!target ? 5 : algo ? 0 : 2);
  Options *o = NEW(b->u->arena, Options);
  assert_true(options_parse(b->u, o, nwords, (char *const *)words));
  Inference f = {.u = b->u, .o = o, .g = b->g, .n = SAMPLES, .input = b->input, .repeat = 1};
  f.target = target ? target_find(target) : NULL;
  f.param = params_read(b->u, b->g, b->weights);
  if (inference_run(&f) != STATUS_DONE) fail_msg("%s cannot be run", b->c[0].title);
  return f.output;
}

static void compare(Batch *b, int output, const float *have, const char *target, const Algo *algo,
                    double allowed) {
  const float *want = b->expected[output];
  int64_t size = SAMPLES * inference_output_size(b->g, output);
  double error = 0, largest = 0;
  for (int64_t i = 0; i < size; i++) {
    double difference = fabs((double)have[i] - (double)want[i]);
    if (!(difference <= error)) error = difference;
    largest = fmax(largest, fabs((double)want[i]));
  }
  if (error <= allowed * largest) return;
  b->failures++;
  print_error("%s, %s: %s: error %.3g of %.3g, allowed %.3g\n", target,
              algo ? algo->name : "chosen", b->c[output].title, error, largest, allowed * largest);
}

static void check_built(Batch *b, const char *target, const Algo *algo) {
  double *known = NEW_ARRAY(b->u->arena, double, b->g->node.n);
  float **have = infer(b, target, algo);
  for (int i = 0; i < b->n; i++) {
    Id id = b->g->entry[ENTRY_FORWARD].want.at[i];
    double growth = algo ? algo->tolerance : 1;
    compare(b, i, have[i], target, algo, growth * rounding_error(b->g, id, SAMPLES, known));
  }
}

static void read_batch(Batch *b) {
  char *text = network_text(b->c, b->n);
  const char *kept = arena_copy(b->u->arena, text, strlen(text));
  free(text);
  b->g = read_text(b->u, "net.json", kept, strlen(kept), &(ReadOptions){0});
  if (!b->g) fail_msg("%s is not read", b->c[0].title);
  write_weights(b->u, b->g, b->weights);
  b->input = input_values(b->u, b->g);
  b->expected = infer(b, NULL, NULL);
}

static const char *only; /* a target; NULL: all that this CPU runs */

static bool is_asked(const Target *t) {
  return !only || strcmp(only, t->name) == 0;
}

/* On every target, by the algorithms that cnnc chooses (NULL), or by this one wherever it fits. */
static int check_cases(const Case *c, int n, const Algo *algo) {
  char path[] = "/tmp/cnnc_operators_XXXXXX";
  close(mkstemp(path));
  Batch b = {.u = unit_new(), .c = c, .n = n, .weights = path};
  read_batch(&b);
  for (int t = 0; targets[t]; t++)
    if (is_asked(targets[t]) && target_runs(targets[t])) check_built(&b, targets[t]->name, algo);
  remove(path);
  unit_free(b.u);
  return b.failures;
}

static int check_all(const Cases *cases, const Algo *algo) {
  int failures = 0;
  for (int from = 0; from < cases->list.n; from += AT_ONCE) {
    int n = cases->list.n - from < AT_ONCE ? cases->list.n - from : AT_ONCE;
    failures += check_cases(cases->list.at + from, n, algo);
  }
  print_message("%s, %s: %d cases\n", only ? only : "all targets", algo ? algo->name : "chosen",
                cases->list.n);
  return failures;
}

/* By the algorithms that cnnc chooses, each case where it has its turn. Channels change from case
 * to case, targets when all channels have been: each target gets all of them. */
static int check_chosen(const Cases *all) {
  int n = 0, turn = 0, failures = 0;
  for (int t = 0; targets[t]; t++) n += target_runs(targets[t]);
  for (int t = 0; targets[t]; t++) {
    if (!target_runs(targets[t])) continue;
    Cases some = {.arena = all->arena};
    for (int i = 0; i < all->list.n; i++)
      if (has_turn(i / CHANNEL_CLASSES, turn, n)) vec_push(some.arena, &some.list, all->list.at[i]);
    only = targets[t]->name;
    failures += check_all(&some, NULL);
    turn++;
  }
  return failures;
}

/* ---- which algorithms serve a case ---- */

typedef struct Question {
  const Plan *p;
  bool *serves;
} Question;

static void ask(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  const Question *q = context;
  Contraction c;
  (void)entry, (void)outer, (void)depth;
  if (contraction_of(q->p, k, &c)) algos_serving(q->p, &c, q->serves);
}

static void find_algorithms(Unit *u, const Case *c, const Target *t, bool *serves) {
  const char *const words[] = {"cnnc", "net.json", "--target", t->name};
  Options o;
  char *text = network_text(c, 1);
  assert_true(options_parse(u, &o, COUNT(words), (char *const *)words));
  Graph *g = read_text(u, "net.json", text, strlen(text), &(ReadOptions){0});
  Question q = {pipeline_lowered(u, &o, g, t), serves};
  plan_leaves(q.p, ask, &q);
  free(text);
}

/* Adds a case to the lists of the algorithms that serve it on any of the targets. */
static void add_to_lists(const Case *c, Cases *list) {
  bool serves[ALGO_KINDS] = {false};
  Unit *u = unit_new();
  for (int t = 0; targets[t]; t++)
    if (is_asked(targets[t]) && target_runs(targets[t])) find_algorithms(u, c, targets[t], serves);
  for (int a = 0; a < ALGO_KINDS; a++)
    if (serves[a]) vec_push(list[a].arena, &list[a].list, *c);
  unit_free(u);
}

/* ---- the tests ---- */

static void operators_agree(void **state) {
  Cases cases = {.arena = *state};
  add_reference(&cases);
  add_far(&cases);
  assert_int_equal(check_chosen(&cases), 0);
}

static void pools_agree(void **state) {
  Cases cases = {.arena = *state};
  add_windows(&cases, pools, COUNT(pools));
  assert_int_equal(check_chosen(&cases), 0);
}

static void contractions_agree(void **state) {
  Cases cases = {.arena = *state};
  add_windows(&cases, contractions, COUNT(contractions));
  assert_int_equal(check_chosen(&cases), 0);
}

/* Minutes: only when the program is started with the word "algorithms"
 * and, if need be, a target. */
static void algorithms_agree(void **state) {
  Cases cases = {.arena = *state}, list[ALGO_KINDS];
  int failures = 0;
  for (int a = 0; a < ALGO_KINDS; a++) list[a] = (Cases){.arena = *state};
  add_windows(&cases, contractions, COUNT(contractions));
  for (int i = 0; i < cases.list.n; i++) add_to_lists(&cases.list.at[i], list);
  for (int a = 0; a < ALGO_KINDS; a++) failures += check_all(&list[a], algos[a]);
  assert_int_equal(failures, 0);
}

static int set_up(void **state) {
  Unit *u = unit_new();
  *state = u->arena;
  return 0;
}

int main(int argc, char **argv) {
  const struct CMUnitTest usual[] = {
      cmocka_unit_test_setup(operators_agree, set_up),
      cmocka_unit_test_setup(pools_agree, set_up),
      cmocka_unit_test_setup(contractions_agree, set_up),
  };
  const struct CMUnitTest forced[] = {cmocka_unit_test_setup(algorithms_agree, set_up)};
  if (argc > 2) only = argv[2];
  for (int i = 0; targets[i]; i++)
    if (is_asked(targets[i]) && !target_runs(targets[i]))
      print_message("skipped: this CPU does not run %s\n", targets[i]->name);
  if (argc > 1 && strcmp(argv[1], "algorithms") == 0)
    return cmocka_run_group_tests(forced, NULL, NULL);
  return cmocka_run_group_tests(usual, NULL, NULL);
}
