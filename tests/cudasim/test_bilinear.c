/* test_bilinear.c - Winograd's and Fourier's algorithms in blocks of threads: every shape of
 * contraction (numeric/cases.h) forwards, and gradients of every kind of window, simulated against
 * the graph in double. Some of the cases by each second algorithm; in the long form every
 * one by every algorithm. */
#include "harness_judged.h"
#include "algos.h"

#include "../numeric/cases.h"

enum { SAMPLES = 2, QUICK = 13 };

static const char *const algorithms[] = {"winograd2", "winograd3", "winograd4",
                                         "winograd5", "winograd6", "fft8",
                                         "fft16",     "fft32",     "fft64"};

static Options options(Arena *arena, const char *algo) {
  const char **forced = NEW_ARRAY(arena, const char *, 1);
  forced[0] = arena_printf(arena, "*=%s", algo);
  return (Options){.target = "sm_80", .batch = SAMPLES, .algo = {.at = forced, .n = 1}};
}

static int taken(const Simulated *s, const char *algo) {
  int n = 0;
  for (int i = 0; i < s->plan->choice.n; i++)
    n += s->plan->choice.at[i].taken && strcmp(s->plan->choice.at[i].algo, algo) == 0;
  return n;
}

/* ---- forwards ---- */

static int check_cases(Arena *arena, const Case *c, int n, const char *algo) {
  char *text = network_text(c, n);
  Simulated s = simulated_text_options(text, options(arena, algo));
  const int layers = taken(&s, algo);
  free(text);
  if (layers > 0) simulated_check(&s, SAMPLES, SAMPLES, 0);
  simulated_free(&s);
  return layers;
}

static void check_each(Arena *arena, int first, int step, const char *algo) {
  Cases all = {.arena = arena}, some = {.arena = arena};
  int layers = 0;
  add_windows(&all, contractions, COUNT(contractions));
  for (int i = first; i < all.list.n; i += step) vec_push(arena, &some.list, all.list.at[i]);
  for (int from = 0; from < some.list.n; from += AT_ONCE) {
    const int left = some.list.n - from;
    layers += check_cases(arena, some.list.at + from, left < AT_ONCE ? left : AT_ONCE, algo);
  }
  if (layers == 0) fail_msg("%s serves none of %d cases", algo, some.list.n);
  print_message("%s: %d layers of %d cases\n", algo, layers, some.list.n);
}

static void some_agree(void **state) {
  for (int i = 0; i < COUNT(algorithms); i += 2) check_each(*state, i, QUICK, algorithms[i]);
}

static void all_agree(void **state) {
  for (int i = 0; i < COUNT(algorithms); i++) check_each(*state, 0, 1, algorithms[i]);
}

/* ---- gradients ---- */

/* Windows with borders, of even extents, in groups and backwards; strided; in 1, 2 and 3
 * dimensions; the data gradient of each but the first is one that a layer in front of it needs. */
#define NETWORK(shape, layers)                                                                     \
  "{ 'name': 'net', 'input': { 'shape': [" shape "] }, 'layers': [" layers                         \
  " ], 'loss': { 'op': 'mse' }, "                                                                  \
  "'optimizer': { 'op': 'sgd', 'lr': 0.1 } }"
static const char *const networks[] = {
    NETWORK("3, 11, 9",
            "{ 'op': 'conv', 'filters': 6, 'kernel': 3, 'pad': 1 }, { 'op': 'leaky_relu' },"
            "{ 'op': 'conv', 'filters': 8, 'kernel': 3, 'pad': 1, 'groups': 2 }, { 'op': "
            "'leaky_relu' },"
            "{ 'op': 'conv', 'filters': 5, 'kernel': [3, 2], 'flip': true }"),
    NETWORK("4, 13, 12",
            "{ 'op': 'conv', 'filters': 5, 'kernel': 5, 'pad': 2 }, { 'op': 'leaky_relu' },"
            "{ 'op': 'conv', 'filters': 6, 'kernel': 3, 'stride': 2, 'pad': 1 }, { 'op': "
            "'leaky_relu' },"
            "{ 'op': 'conv_transpose', 'filters': 4, 'kernel': 3 }"),
    NETWORK("3, 29",
            "{ 'op': 'conv', 'filters': 6, 'kernel': 5, 'pad': 2 }, { 'op': 'leaky_relu' },"
            "{ 'op': 'conv', 'filters': 4, 'kernel': 3 }"),
    NETWORK("2, 5, 6, 7",
            "{ 'op': 'conv', 'filters': 4, 'kernel': 3, 'pad': 1 }, { 'op': 'leaky_relu' },"
            "{ 'op': 'conv', 'filters': 3, 'kernel': [2, 3, 3] }"),
};

static void check_gradients(const char *network, const char *algo, int least) {
  Unit *u = unit_new();
  char *json = requoted(network);
  Options o = options(u->arena, algo);
  o.train = true;
  Simulated s = judged_text(u, json, o);
  const int layers = taken(&s, algo);
  free(json);
  if (layers < least) fail_msg("%s computes %d kernels of %s", algo, layers, network);
  if (layers > 0) assert_true(judged_check(&s, SAMPLES, (Rounding){F32_ROUNDING, 12}));
  if (layers > 0) simulated_compile(&s);
  simulated_free(&s);
}

static void some_gradients_agree(void **state) {
  static const char *const algo[] = {"winograd2", "fft8", "winograd4", "winograd2"};
  (void)state;
  for (int i = 0; i < COUNT(networks); i++) check_gradients(networks[i], algo[i], 3);
}

static void all_gradients_agree(void **state) {
  static const char *const algo[] = {"winograd2", "winograd3", "winograd4", "fft8"};
  (void)state;
  for (int a = 0; a < COUNT(algo); a++)
    for (int i = 0; i < COUNT(networks); i++) check_gradients(networks[i], algo[a], 0);
}

/* ---- others ---- */

/* Products of transforms are not rounded. */
static void precisions_refuse(void **state) {
  Options o = options(((Unit *)*state)->arena, "winograd2");
  o.dtype = DTYPE_F64 + (int)PRECISION_BF16;
  Simulated s =
      simulated_text_options("{ 'name': 'net', 'input': { 'shape': [8, 12, 10] }, 'layers': ["
                             "{ 'op': 'conv', 'filters': 8, 'kernel': 3 } ] }",
                             o);
  assert_int_equal(taken(&s, "winograd2"), 0);
  simulated_free(&s);
}

static int set_up(void **state) {
  *state = unit_new();
  return 0;
}

static int set_up_arena(void **state) {
  *state = unit_new()->arena;
  return 0;
}

int main(void) {
  const struct CMUnitTest some[] = {cmocka_unit_test_setup(some_agree, set_up_arena),
                                    cmocka_unit_test(some_gradients_agree)};
  const struct CMUnitTest all[] = {cmocka_unit_test_setup(all_agree, set_up_arena),
                                   cmocka_unit_test(all_gradients_agree)};
  const struct CMUnitTest others[] = {cmocka_unit_test_setup(precisions_refuse, set_up)};
  const int failed = cmocka_run_group_tests(others, NULL, NULL);
  return failed + (is_long() ? cmocka_run_group_tests(all, NULL, NULL)
                             : cmocka_run_group_tests(some, NULL, NULL));
}
