/* No combination that the field tables allow is refused: for every operator, every pair of its
 * fields walks through several values, over 1, 2 and 3 axes. Each network must read, run in the
 * interpreter and give finite numbers, and so must the gradients of its parameters. */
#include "layers.h"

#include <math.h>

#include "passes.h"

enum { SAMPLES = 2 };

/* ---- one network ---- */

static const double *leaf_value(void *context, const Graph *g, Id id, int64_t n) {
  const Node *node = &g->node.at[id];
  int64_t size = type_size(&node->type, n);
  double *values = NEW_ARRAY(g->u->arena, double, size);
  unsigned seed = 12345;
  (void)context;
  for (int64_t i = 0; i < size; i++) {
    seed = seed * 1103515245u + 12345u;
    values[i] = 0.1 + (seed >> 16 & 0x7fff) / 65536.0;
  }
  return values;
}

/* Prediction, loss and gradients at once: they have most nodes in common. */
static void check_finite(const Graph *g, const char *text) {
  static const EntryKind kinds[] = {ENTRY_FORWARD, ENTRY_TRAIN_FORWARD, ENTRY_BACKWARD};
  VEC(Id) want = {0};
  for (int k = 0; k < COUNT(kinds); k++)
    for (int i = 0; i < g->entry[kinds[k]].want.n; i++)
      vec_push(g->u->arena, &want, g->entry[kinds[k]].want.at[i]);
  Array *array = graph_run(g, want.at, want.n, SAMPLES, leaf_value, NULL);
  for (int i = 0; i < want.n; i++)
    for (int64_t j = 0; j < type_size(&array[i].type, SAMPLES); j++)
      if (!isfinite(array[i].at[j])) fail_msg("%s\ngives %g", text, array[i].at[j]);
}

static void check_text(const char *text) {
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_text(c->u, "fields.json", text, strlen(text), &(ReadOptions){.training = true});
  if (!g) fail_msg("%s", messages(c));
  pass_grad(g);
  graph_verify(g);
  check_finite(g, text);
  captured_free(c);
}

/* A layer before it, so that gradients go through it; its input is positive. */
static void check_layer(const Op *op, json_t *layer, int rank) {
  json_t *from = json_array();
  for (int i = 0; i < op->min_args; i++)
    json_array_append_new(from, json_string(i % 2 ? "x" : "exp1"));
  json_object_set_new(layer, "from", from);
  json_t *network = json_pack("{s:s, s:{s:o}, s:[{s:s, s:i, s:i}, {s:s}, o], s:{s:s}, s:{s:s}}",
                              "name", "net", "input", "shape", numbers(rank + 1, extents[rank]),
                              "layers", "op", "conv", "filters", CHANNELS, "kernel", 1, "op", "exp",
                              json_incref(layer), "loss", "op", "mse", "optimizer", "op", "sgd");
  char *text = json_dumps(network, JSON_INDENT(1));
  check_text(text);
  free(text);
  json_decref(network);
}

static void walk(int rank) {
  for (int i = 0; i < OP_KINDS; i++)
    if (ops[i]->in_json && ops[i]->class != CLASS_LOSS && ops[i]->class != CLASS_OPTIMIZER)
      walk_operator(ops[i], rank, true, check_layer);
}

static void over_one_axis(void **state) {
  (void)state;
  walk(1);
}

static void over_two_axes(void **state) {
  (void)state;
  walk(2);
}

static void over_three_axes(void **state) {
  (void)state;
  walk(3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(over_one_axis),
      cmocka_unit_test(over_two_axes),
      cmocka_unit_test(over_three_axes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
