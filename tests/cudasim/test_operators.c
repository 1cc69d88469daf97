/* test_operators.c - every operator in every precision, inferred and trained, simulated against the
 * graph in double: outputs, and gradients by inputs and parameters. A case of each operator
 * (numeric/cases.h), by turns; in the long form all cases of f32 inferred, and of everything else a
 * part by turns. Allowed is what noise of some roundings of the precision changes
 * (../random/judge.h). */
#include "harness_judged.h"

#include "../numeric/cases.h"

enum { SAMPLES = 2, PART = 4, DRAWS = 20, NUMBERS = 1000 /* > cases */ };

/* A precision. Where memory holds f32, only products are rounded, or made otherwise. */
typedef struct Row {
  const char *target;
  Precision precision;
  Rounding rounding;
  bool products; /* cases with contractions alone */
} Row;
static const Row rows[] = {
    {"sm_80", PRECISION_F32, {F32_ROUNDING, 12}, false},
    {"sm_90", PRECISION_F32, {F32_ROUNDING, 12}, true},
    {"sm_80", PRECISION_TF32, {0x1p-11, 4}, true},
    {"sm_80", PRECISION_F32X3, {0x1p-21, 8}, true},
    {"sm_80", PRECISION_BF16, {0x1p-8, 4}, false},
    {"sm_80", PRECISION_F16, {0x1p-11, 4}, false},
    {"sm_90a", PRECISION_BF16, {0x1p-8, 4}, true},
    {"sm_90a", PRECISION_F16, {0x1p-11, 4}, true},
    {"sm_90a", PRECISION_TF32, {0x1p-11, 4}, true},
};

/* ---- cases by operator ---- */

typedef struct Operator {
  const char *name;
  VEC(Case) list;
} Operator;

typedef struct Operators {
  Arena *arena;
  VEC(Operator) list;
} Operators;

/* The last layer is what a case is about. */
static const char *name_of(const Case *c) {
  const json_t *last = json_array_get(c->layers, json_array_size(c->layers) - 1);
  return json_string_value(json_object_get(last, "op"));
}

static Operator *operator_of(Operators *all, const char *name) {
  for (int i = 0; i < all->list.n; i++)
    if (strcmp(all->list.at[i].name, name) == 0) return &all->list.at[i];
  vec_push(all->arena, &all->list, (Operator){.name = name});
  return &all->list.at[all->list.n - 1];
}

/* Of thousands of values rounding turns one over at a relu: hardly a case would be calm. */
static Operators every_operator(Arena *arena) {
  Cases cases = {.arena = arena, .between = "tanh"};
  Operators all = {.arena = arena};
  add_reference(&cases);
  add_case(&cases, 2, 0, "{'op': 'exp', 'name': 'e'}, {'op': 'div', 'from': ['x', 'e']}");
  add_windows(&cases, pools, COUNT(pools));
  add_windows(&cases, contractions, COUNT(contractions));
  assert_true(cases.list.n < NUMBERS);
  for (int i = 0; i < cases.list.n; i++)
    vec_push(arena, &operator_of(&all, name_of(&cases.list.at[i]))->list, cases.list.at[i]);
  return all;
}

/* ops.def keeps contractions together. */
static bool multiplies(const Operator *o) {
  for (int op = OP_conv; op <= OP_rbf; op++)
    if (strcmp(ops[op]->name, o->name) == 0) return true;
  return false;
}

/* ---- as text ---- */

static Graph *read(Unit *u, const char *text, bool training) {
  const ReadOptions options = {.training = training};
  Graph *g = read_text(u, "cases", text, strlen(text), &options);
  assert_non_null(g);
  return g;
}

/* One loss for each case, by turns; cross entropy has labels: test_training.c. */
static const char *const losses[] = {
    "{'op': 'mse'}",   "{'op': 'huber', 'delta': 0.5}",
    "{'op': 'mae'}",   "{'op': 'bce', 'logits': true}",
    "{'op': 'hinge'}",
};

static json_t *loss_of(const Case *c, const char *from, const char *target, const Type *type) {
  json_t *loss = quoted(losses[c->number % COUNT(losses)]);
  json_object_set_new(loss, "from", json_string(from));
  json_object_set_new(loss, "target", json_string(target));
  /* so that gradients are as large as the values */
  json_object_set_new(loss, "weight", json_real((double)type_size(type, 1) / 2));
  return loss;
}

static void add_losses(Unit *u, json_t *network, const Graph *g, const Case *c) {
  const Entry *forward = &g->entry[ENTRY_FORWARD];
  json_t *list = json_array();
  for (int o = 0; o < forward->want.n; o++) {
    const Type *type = &g->node.at[forward->want.at[o]].type;
    const char *target = arena_printf(u->arena, "c%d_target", c[o].number);
    json_t *shape = json_array();
    for (int a = 1; a < type->rank; a++)
      json_array_append_new(shape, json_integer((json_int_t)type->dim[a].plus));
    json_object_set_new(json_object_get(network, "inputs"), target,
                        json_pack("{s:o}", "shape", shape));
    json_array_append_new(list, loss_of(&c[o], forward->want_name.at[o], target, type));
  }
  json_object_set_new(network, "losses", list);
  json_object_set_new(network, "optimizer", json_pack("{s:s}", "op", "sgd"));
}

static const char *dumped(Unit *u, const json_t *network) {
  char *text = json_dumps(network, 0);
  const char *kept = arena_copy(u->arena, text, strlen(text));
  free(text);
  return kept;
}

static const char *text_of(Unit *u, const Case *c, int n, bool training) {
  json_t *network = network_of(c, n);
  if (training) add_losses(u, network, read(u, dumped(u, network), false), c);
  const char *text = dumped(u, network);
  json_decref(network);
  return text;
}

/* ---- which ---- */

/* Are all values in range, and does rounding change little? */
static bool is_calm(const Case *c, const Row *row) {
  Unit *u = unit_new();
  Graph *g = read(u, text_of(u, c, 1, true), true);
  judge_gradients(g);
  const int n = judge_values(g);
  Judged *value = NEW_ARRAY(u->arena, Judged, n);
  const bool calm =
      judge(u->arena, g, SAMPLES, row->rounding, value) && judge_is_calm(value, n, row->rounding);
  unit_free(u);
  return calm;
}

/* The case with other numbers, which follow from its names. False: none of them are calm. */
static bool draw(const Case *c, const Row *row, Case *drawn) {
  *drawn = *c;
  for (int i = 0; i < DRAWS; i++, drawn->number += NUMBERS)
    if (is_calm(drawn, row)) return true;
  print_message("%s, %s: %s is left out\n", row->target, precision_names[row->precision], c->title);
  return false;
}

/* Each `part`-th case of an operator, or 0: one; which, is another row's turn after this one's. How
 * many are left out. */
static int add_cases_of(Cases *some, const Operator *o, int turn, int part) {
  const Row *row = &rows[turn];
  const int n = o->list.n, step = part == 0 || n < part ? 1 : part, before = some->list.n;
  int left_out = 0;
  for (int i = 0; i < n && (part || some->list.n == before); i += step) {
    Case c;
    const bool calm = draw(&o->list.at[(turn + i) % n], row, &c);
    if (calm) vec_push(some->arena, &some->list, c);
    left_out += !calm;
  }
  if (some->list.n == before)
    fail_msg("%s, %s: %s has no case whose values are calm", row->target,
             precision_names[row->precision], o->name);
  return left_out;
}

/* ---- simulated ---- */

/* Losses of many cases may add up to what is out of range: then half of them at a time. */
static void check_cases(const Case *c, int n, const Row *row, bool training) {
  static const char *rounding[] = {"*=implicit_gemm"};
  Unit *u = unit_new();
  Options o = {.target = row->target, .batch = SAMPLES, .train = training};
  if (row->precision) {
    o.dtype = DTYPE_F64 + (int)row->precision;
    o.algo.at = rounding;
    o.algo.n = COUNT(rounding);
  }
  Simulated s = judged_text(u, text_of(u, c, n, training), o);
  const bool fine = judged_check(&s, SAMPLES, row->rounding);
  simulated_free(&s);
  if (fine) return;
  if (n == 1) fail_msg("%s: out of range", c->title);
  check_cases(c, n / 2, row, training);
  check_cases(c + n / 2, n - n / 2, row, training);
}

static void check_row(const Operators *all, int turn, int part, bool training) {
  const Row *row = &rows[turn];
  Cases some = {.arena = all->arena};
  int left_out = 0;
  for (int i = 0; i < all->list.n; i++)
    if (!row->products || multiplies(&all->list.at[i]))
      left_out += add_cases_of(&some, &all->list.at[i], turn, part);
  if (3 * left_out > some.list.n) fail_msg("%d cases are left out of %d", left_out, some.list.n);
  for (int from = 0; from < some.list.n; from += AT_ONCE) {
    const int left = some.list.n - from;
    check_cases(some.list.at + from, left < AT_ONCE ? left : AT_ONCE, row, training);
  }
  print_message("%s, %s: %d cases%s\n", row->target, precision_names[row->precision], some.list.n,
                training ? " trained" : "");
}

static void operators_agree(void **state) {
  (void)state;
  Unit *u = unit_new();
  const Operators all = every_operator(u->arena);
  check_row(&all, 0, is_long() ? 1 : 0, false);
  for (int i = 0; i < COUNT(rows); i++) {
    if (is_long() && i > 0) check_row(&all, i, PART, false);
    check_row(&all, i, is_long() ? PART : 0, true);
  }
  unit_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(operators_agree)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
