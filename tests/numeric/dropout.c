/* dropout.c - dropout in training, in the interpreter: which elements are dropped, how many, what
 * becomes of the others, and that the gradient drops the same ones. numeric.train compares emitted
 * libraries with this. */
#include "../unit/unit.h"

#include <math.h>

#include "graph.h"

enum { SAMPLES = 3, CHANNELS = 8, HEIGHT = 40, WIDTH = 50 };
enum { PLACES = CHANNELS * HEIGHT * WIDTH, SIZE = SAMPLES * PLACES };

typedef struct Case {
  Captured *c;
  Graph *g;
  Id result[2], x; /* of both layers of dropout, and what they read */
} Case;

static const double *ones(void *context, const Graph *g, Id id, int64_t n) {
  int64_t size = type_size(&g->node.at[id].type, n);
  double *at = NEW_ARRAY(g->u->arena, double, size);
  (void)context;
  for (int64_t i = 0; i < size; i++) at[i] = 1;
  return at;
}

/* Two layers of dropout on one input. */
static Case start(double p) {
  Case c = {.c = captured_new(NULL, NULL)};
  const char *text =
      arena_printf(c.c->u->arena,
                   "{\"name\": \"net\", \"input\": {\"shape\": [%d, %d, %d]}, \"layers\": ["
                   "{\"op\": \"dropout\", \"name\": \"a\", \"p\": %.17g, \"from\": \"x\"},"
                   "{\"op\": \"dropout\", \"name\": \"b\", \"p\": %.17g, \"from\": \"x\"},"
                   "{\"op\": \"add\", \"from\": [\"a\", \"b\"]}],"
                   "\"loss\": {\"op\": \"mse\"}, \"optimizer\": {\"op\": \"sgd\"}}",
                   CHANNELS, HEIGHT, WIDTH, p, p);
  c.g = read_text(c.c->u, "net.json", text, strlen(text), &(ReadOptions){.training = true});
  if (!c.g) fail_msg("%s", messages(c.c));
  c.x = c.g->input.at[0].node;
  int found = 0;
  for (Id id = 0; id < c.g->node.n; id++)
    if (c.g->node.at[id].op == OP_kernel && c.g->node.at[id].where.layer[1] == '\0' &&
        strchr("ab", c.g->node.at[id].where.layer[0]))
      c.result[found++] = id;
  assert_int_equal(found, 2);
  return c;
}

static const double *run(Case *c, Id node) {
  return graph_run(c->g, &node, 1, SAMPLES, ones, NULL)[0].at;
}

static int same(const double *a, const double *b, int n) {
  int count = 0;
  for (int i = 0; i < n; i++) count += (a[i] != 0) == (b[i] != 0);
  return count;
}

/* Within five standard deviations of n draws of this probability. */
static void assert_rate(int count, int n, double probability, const char *what) {
  double expected = n * probability, deviation = sqrt(n * probability * (1 - probability));
  if (!(fabs(count - expected) <= 5 * deviation + 0.5))
    fail_msg("%s: %d of %d, not about %g", what, count, n, expected);
}

static void rates(void **state) {
  static const double rate[] = {0.01, 0.1, 0.25, 0.5, 0.9, 1};
  (void)state;
  for (int i = 0; i < COUNT(rate); i++) {
    Case c = start(rate[i]);
    const double *y = run(&c, c.result[0]);
    int kept = 0, row[SAMPLES * CHANNELS] = {0};
    for (int j = 0; j < SIZE; j++) {
      kept += y[j] != 0;
      row[j / (HEIGHT * WIDTH)] += y[j] != 0;
      if (y[j] != 0 && fabs(y[j] * (1 - rate[i]) - 1) > 1e-5)
        fail_msg("%g becomes %g", rate[i], y[j]);
    }
    assert_rate(kept, SIZE, 1 - rate[i], "all");
    for (int j = 0; j < COUNT(row); j++)
      assert_rate(row[j], HEIGHT * WIDTH, 1 - rate[i], "a channel of a sample");
    captured_free(c.c);
  }
}

/* Layers, samples, seeds and passes drop independently of one another; the same ones again drop the
 * same. */
static void independence(void **state) {
  (void)state;
  Case c = start(0.5);
  const double *first = run(&c, c.result[0]);
  assert_rate(same(first, run(&c, c.result[1]), SIZE), SIZE, 0.5, "two layers");
  assert_rate(same(first, first + PLACES, PLACES), PLACES, 0.5, "two samples");
  assert_rate(same(first, first + 1, SIZE - 1), SIZE - 1, 0.5, "neighbours");
  c.g->pass = 1;
  assert_rate(same(first, run(&c, c.result[0]), SIZE), SIZE, 0.5, "two passes");
  c.g->pass = 0;
  c.g->seed = 1;
  assert_rate(same(first, run(&c, c.result[0]), SIZE), SIZE, 0.5, "two seeds");
  c.g->seed = 0;
  assert_memory_equal(first, run(&c, c.result[0]), SIZE * sizeof *first);
  captured_free(c.c);
}

/* Which elements of a sample are dropped does not depend on the number of samples. */
static void samples_alone(void **state) {
  (void)state;
  Case c = start(0.3);
  const double *all = run(&c, c.result[0]);
  const double *one = graph_run(c.g, c.result, 1, 1, ones, NULL)[0].at;
  assert_memory_equal(all, one, PLACES * sizeof *one);
  captured_free(c.c);
}

static void gradients_drop_the_same(void **state) {
  (void)state;
  Case c = start(0.25);
  const Type type = c.g->node.at[c.x].type;
  Id dy = graph_input(c.g, (Input){.name = "dy", .type = type}), gradient;
  graph_gradients(c.g, c.result[0], dy, &c.x, 1, &gradient);
  c.g->pass = 7;
  const double *y = run(&c, c.result[0]), *dx = run(&c, gradient);
  assert_memory_equal(y, dx, SIZE * sizeof *y);
  captured_free(c.c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rates),
      cmocka_unit_test(independence),
      cmocka_unit_test(samples_alone),
      cmocka_unit_test(gradients_drop_the_same),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
