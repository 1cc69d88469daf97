/* train.c - libraries that train against the Graph interpreted in double before any pass: loss,
 * every gradient and every parameter (running statistics too) over two steps, for every target of C
 * that this CPU runs (in the usual form each network for one of them, LeNet-5 for the last): by the
 * algorithms that are chosen, and by each that has gradients. Bits do not depend on the number of
 * threads, nor on what the context did before its parameters were set anew, nor, where kernels have
 * no choice, on what --max-memory makes backward compute again. Plans against graphs:
 * unit/plan_gradients.c. */
#include "train/steps.h"

#include "backend.h"
#include "library.h"

enum { MOST_AXES = 3 };

/* The targets that this CPU runs, of so many lanes or more. */
static int runnable(int lanes, const char **name) {
  int n = 0;
  for (int i = 0; targets[i]; i++)
    if (target_runs(targets[i]) && targets[i]->lanes >= lanes) name[n++] = targets[i]->name;
  return n;
}

static void say_skipped(void) {
  for (int i = 0; targets[i]; i++)
    if (!target_runs(targets[i]))
      print_message("skipped: this CPU does not run %s\n", targets[i]->name);
}

static void check_batch(Run *r, int64_t n) {
  set_samples(r, n);
  const Text output = run_program(r, 1);
  compare_steps(r, &output);
  for (int threads = 2; threads <= 3; threads++) {
    const Text other = run_program(r, threads);
    assert_int_equal(other.n, output.n);
    assert_memory_equal(other.at, output.at, output.n);
  }
}

static void check_net(const Net *net, const char *target, int from, int to) {
  Run r;
  open_net(&r, net, target, MAX_BATCH, 0);
  for (int n = from; n <= to; n++) check_batch(&r, n);
  close_net(&r);
}

/* ---- as the compiler chooses ---- */

static void lenet5_takes_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(1, name);
  for (int i = 0; i < n; i++)
    if (has_turn(n - 1, i, n))
      check_net(&lenet5, name[i], i == n - 1 ? 1 : 3, i == n - 1 ? MAX_BATCH : 3);
}

static void small_networks_take_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(1, name);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < COUNT(nets); k++)
      if (has_turn(k, i, n)) check_net(&nets[k], name[i], 3, 3);
}

static void losses_and_optimisers_take_steps(void **state) {
  const Unit *u = *state;
  const char *name[16];
  int n = runnable(1, name);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < OPTIMIZED; k++) {
      const Net net = optimized_net(u->arena, k);
      if (has_turn(k, i, n)) check_net(&net, name[i], 3, 3);
    }
}

/* With a quarter less for what forward keeps. Where tensors lie in plain rows, no choice depends on
 * which of them are kept. */
static void check_limited(const Net *net, const char *target) {
  Run all, less;
  open_net(&all, net, target, MAX_BATCH, 0);
  set_samples(&all, 3);
  const Text expected = run_program(&all, 1);
  const Plan *plan = plan_of(&all);
  open_net(&less, net, target, MAX_BATCH, library_training_bytes(plan) - plan->kept_bytes / 4);
  plan = plan_of(&less);
  assert_true(plan->recompute.again.n > 0);
  assert_true(library_training_bytes(plan) <= less.memory);
  check_batch(&less, 3);
  const Text output = run_program(&less, 1);
  assert_int_equal(output.n, expected.n);
  if (target_find(target)->lanes == 1) assert_memory_equal(output.at, expected.at, output.n);
  close_net(&all);
  close_net(&less);
}

/* Batch norm's statistics are updated once, what is dropped stays dropped. */
static void activations_are_computed_again(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(1, name);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < COUNT(nets); k++)
      if (has_turn(k, i, n) && (strstr(nets[k].name, "dropout") ||
                                strstr(nets[k].name, "residual") || strstr(nets[k].name, "maxima")))
        check_limited(&nets[k], name[i]);
}

/* ---- by given algorithms ---- */

static bool is_unserved(const Net *net, const char *layer) {
  for (int i = 0; net->unserved[i]; i++)
    if (strcmp(net->unserved[i], layer) == 0) return true;
  return false;
}

/* What a layer's name asks for was done, in every pass that there is. */
static void check_layer(const Run *r, const Plan *p, const char *layer, bool taken[ROLES]) {
  const Algo *algo = algo_of_layer(layer);
  for (int i = 0; i < p->choice.n; i++) {
    const Choice *c = &p->choice.at[i];
    if (strcmp(c->layer, layer) != 0 || strcmp(c->algo, algo->name) != 0) continue;
    const bool refused = c->role == ROLE_WGRAD && is_unserved(r->net, layer);
    taken[c->role] |= c->taken;
    if (c->taken != (serves_role(algo, c->role) && !refused))
      fail_msg("%s, %s: %s of %s: %s", r->net->name, r->target, role_names[c->role], layer,
               c->taken ? "is served" : c->reason);
  }
}

/* Of its layers an algorithm had at least one in each pass that it serves. */
static void check_taken(const Run *r) {
  const Plan *p = plan_of(r);
  for (int a = 0; a < ALGO_KINDS; a++) {
    bool named = false, taken[ROLES] = {false};
    for (int i = 0; i < r->g->layer.n; i++) {
      if (algo_of_layer(r->g->layer.at[i].name) != algos[a]) continue;
      named = true;
      check_layer(r, p, r->g->layer.at[i].name, taken);
    }
    for (Role role = 0; role < ROLES && named; role++)
      if (taken[role] != serves_role(algos[a], role))
        fail_msg("%s, %s: no %s by %s", r->net->name, r->target, role_names[role], algos[a]->name);
  }
}

static void check_forced(const Net *net, const char *target) {
  Run r;
  open_net(&r, net, target, MAX_BATCH, 0);
  check_taken(&r);
  check_batch(&r, 3);
  close_net(&r);
}

static void algorithms_take_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(1, name);
  for (int i = 0; i < n; i++) {
    for (int k = 0; k < COUNT(forced); k++)
      if (has_turn(k, i, n)) check_forced(&forced[k], name[i]);
    for (int k = 0; k < COUNT(thorough) && is_long(); k++) check_forced(&thorough[k], name[i]);
  }
}

/* With images in lanes: of several vectors of them the last one is not full. */
static void many_samples_take_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(2, name);
  for (int k = 0; k < COUNT(batched); k++)
    for (int i = 0; i < n; i++) {
      if (!has_turn(k, i, n)) continue;
      Run r;
      open_net(&r, &batched[k], name[i], MANY, 0);
      check_taken(&r);
      check_batch(&r, 3);
      check_batch(&r, MANY);
      close_net(&r);
    }
}

/* ---- which algorithms there are ---- */

typedef struct Question {
  const Plan *p;
  bool serves[ROLES][ALGO_KINDS], named[ALGO_KINDS];
} Question;

static void ask(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  Question *q = context;
  Contraction c;
  (void)entry, (void)outer, (void)depth;
  if (contraction_of(q->p, k, &c)) algos_serving(q->p, &c, q->serves[k->role]);
}

/* Asks all algorithms about all contractions of the network, on all targets of C. */
static void ask_about(const Net *net, Question *by_axes) {
  Unit *u = unit_new();
  const Options options = {.train = true, .batch = MANY, .max_error = INFINITY};
  char *text = requoted(net->text);
  const Graph *g = read_text(u, net->name, text, strlen(text), &(ReadOptions){.training = true});
  Question *q = &by_axes[g->input.at[0].type.rank - 2];
  for (int t = 0; targets[t]; t++) {
    if (targets[t]->language->blocks) continue;
    q->p = pipeline_lowered(u, &options, g, targets[t]);
    plan_leaves(q->p, ask, q);
  }
  for (int i = 0; i < g->layer.n; i++)
    for (int a = 0; a < ALGO_KINDS; a++)
      q->named[a] |= algo_of_layer(g->layer.at[i].name) == algos[a];
  free(text);
  unit_free(u);
}

/* What serves any of these networks is forced somewhere, over as many axes. */
static void all_algorithms_have_turns(void **state) {
  (void)state;
  Question by_axes[MOST_AXES + 1] = {0};
  for (int k = 0; k < COUNT(forced); k++) ask_about(&forced[k], by_axes);
  for (int k = 0; k < COUNT(batched); k++) ask_about(&batched[k], by_axes);
  for (int axes = 1; axes <= MOST_AXES; axes++)
    for (Role role = 0; role < ROLES; role++)
      for (int a = 0; a < ALGO_KINDS; a++) {
        const Question *q = &by_axes[axes];
        if (q->serves[role][a] && !(q->named[a] && serves_role(algos[a], role)))
          fail_msg("%s serves %s over %d axes and is not trained", algos[a]->name, role_names[role],
                   axes);
      }
}

static int set_up(void **state) {
  *state = unit_new();
  say_skipped();
  return 0;
}

static int tear_down(void **state) {
  unit_free(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_algorithms_have_turns),
      cmocka_unit_test(algorithms_take_steps),
      cmocka_unit_test(many_samples_take_steps),
      cmocka_unit_test(activations_are_computed_again),
      cmocka_unit_test(small_networks_take_steps),
      cmocka_unit_test(losses_and_optimisers_take_steps),
      cmocka_unit_test(lenet5_takes_steps),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
