/* Operators, losses, gradients and steps of training against PyTorch's figures in double
 * (reference.json, made by make_reference.py). */
#include "../unit/unit.h"

#include <jansson.h>
#include <math.h>

#include "passes.h"

static const double tolerance = 1e-12; /* of the largest expected number */
static const double least = 1e-3;      /* what is 0 but for rounding is compared with this */

/* Element i of the tensor `name`, in [-1, 1): as in make_reference.py. */
static double value(const char *name, uint32_t i) {
  uint32_t h = 2166136261u;
  for (; *name; name++) h = (h ^ (unsigned char)*name) * 16777619u;
  uint32_t z = h ^ i * 0x9E3779B9u;
  z = (z ^ z >> 16) * 0x85EBCA6Bu;
  z = (z ^ z >> 13) * 0xC2B2AE35u;
  return (z ^ z >> 16) / 2147483648.0 - 1;
}

typedef struct Case {
  Captured *c;
  json_t *json;
  const char *title;
  int64_t n, classes;
  Graph *g;
  double **changed; /* by node: what steps made of parameters and states; NULL: nothing yet */
} Case;

static const double *leaf_value(void *context, const Graph *g, Id id, int64_t n) {
  const Case *c = context;
  const Node *node = &g->node.at[id];
  int64_t size = type_size(&node->type, n);
  double *values = NEW_ARRAY(g->u->arena, double, size);
  const char *name = node->where.layer;
  size_t length = strlen(name);
  if (c->changed && c->changed[id]) return c->changed[id];
  bool variance = length > 11 && strcmp(name + length - 11, "running_var") == 0;
  if (node->op == OP_state) return values;
  for (int64_t i = 0; i < size; i++) {
    double x = value(name, (uint32_t)i);
    values[i] = variance                  ? fabs(x) + 0.5
                : node->type.dtype == I32 ? floor((x + 1) / 2 * (double)c->classes)
                                          : x;
  }
  return values;
}

static void compare(const Case *c, const char *what, const Array *have, json_t *want) {
  int64_t size = type_size(&have->type, c->n);
  double largest = least;
  if (json_is_number(want)) {
    json_t *list = json_array();
    json_array_append(list, want);
    compare(c, what, have, list);
    json_decref(list);
    return;
  }
  if ((int64_t)json_array_size(want) != size)
    fail_msg("%s: %s has %lld elements, not %zu", c->title, what, (long long)size,
             json_array_size(want));
  for (int64_t i = 0; i < size; i++)
    largest = fmax(largest, fabs(json_number_value(json_array_get(want, (size_t)i))));
  for (int64_t i = 0; i < size; i++) {
    double expected = json_number_value(json_array_get(want, (size_t)i));
    if (!(fabs(have->at[i] - expected) <= tolerance * largest))
      fail_msg("%s: %s[%lld] is %.17g, not %.17g", c->title, what, (long long)i, have->at[i],
               expected);
  }
}

static void read_case(Case *c, bool is_training) {
  char *text = json_dumps(json_object_get(c->json, "network"), 0);
  c->c = captured_new(NULL, NULL);
  const char *kept = arena_copy(c->c->u->arena, text, strlen(text));
  free(text);
  c->title = json_string_value(json_object_get(c->json, "title"));
  c->n = json_integer_value(json_object_get(c->json, "n"));
  c->classes = json_integer_value(json_object_get(c->json, "classes"));
  ReadOptions options = {.training = is_training};
  c->g = read_text(c->c->u, "case.json", kept, strlen(kept), &options);
  if (!c->g) fail_msg("%s\n%s", c->title, messages(c->c));
  graph_verify(c->g);
}

static void check_inference(Case *c) {
  read_case(c, false);
  const Entry *forward = &c->g->entry[ENTRY_FORWARD];
  Array *output = graph_run(c->g, forward->want.at, 1, c->n, leaf_value, c);
  json_t *shape = json_object_get(c->json, "shape");
  assert_int_equal(output->type.rank, json_array_size(shape));
  for (int a = 0; a < output->type.rank; a++)
    assert_int_equal(extent_at(output->type.dim[a], c->n),
                     json_integer_value(json_array_get(shape, (size_t)a)));
  compare(c, "output", output, json_object_get(c->json, "output"));
  captured_free(c->c);
}

static void check_named(Case *c, const char *what, const Id *want, const char *const *name, int n) {
  json_t *expected = json_object_get(c->json, what);
  Array *have = graph_run(c->g, want, n, c->n, leaf_value, c);
  const char *key;
  json_t *values;
  json_object_foreach(expected, key, values) {
    int i = 0;
    while (i < n && strcmp(name[i], key) != 0) i++;
    if (i == n) {
      if (strcmp(what, "after") != 0) fail_msg("%s: no %s of %s", c->title, what, key);
      continue;
    }
    compare(c, arena_printf(c->g->u->arena, "%s %s", what, key), &have[i], values);
  }
}

static Id *updates(const Case *c, const Entry *entry) {
  Id *want = NEW_ARRAY(c->g->u->arena, Id, entry->update.n + 1);
  for (int i = 0; i < entry->update.n; i++) want[i] = entry->update.at[i].value;
  return want;
}

static void take_step(Case *c) {
  const Entry *entry = &c->g->entry[ENTRY_STEP];
  Array *value = graph_run(c->g, updates(c, entry), entry->update.n, c->n, leaf_value, c);
  if (!c->changed) c->changed = NEW_ARRAY(c->g->u->arena, double *, c->g->node.n);
  for (int i = 0; i < entry->update.n; i++) c->changed[entry->update.at[i].to] = value[i].at;
  c->g->steps++;
}

static void check_updates(Case *c, EntryKind kind) {
  const Entry *entry = &c->g->entry[kind];
  const char **name = NEW_ARRAY(c->g->u->arena, const char *, entry->update.n + 1);
  for (int i = 0; i < entry->update.n; i++)
    name[i] = c->g->node.at[entry->update.at[i].to].where.layer;
  check_named(c, "after", updates(c, entry), name, entry->update.n);
}

static void check_training(Case *c) {
  read_case(c, true);
  const Entry *forward = &c->g->entry[ENTRY_TRAIN_FORWARD];
  const Entry *backward = &c->g->entry[ENTRY_BACKWARD];
  Array *loss = graph_run(c->g, forward->want.at, 1, c->n, leaf_value, c);
  compare(c, "loss", loss, json_object_get(c->json, "loss"));
  check_updates(c, ENTRY_TRAIN_FORWARD);
  pass_grad(c->g);
  graph_verify(c->g);
  check_named(c, "gradients", backward->want.at, backward->want_name.at, backward->want.n);
  for (int64_t s = 1; s < json_integer_value(json_object_get(c->json, "steps")); s++) take_step(c);
  check_updates(c, ENTRY_STEP);
  captured_free(c->c);
}

static void run_cases(bool is_training) {
  json_error_t error;
  json_t *all = json_load_file("tests/numeric/reference.json", 0, &error), *each;
  size_t i;
  if (!all) fail_msg("reference.json:%d: %s", error.line, error.text);
  json_array_foreach(all, i, each) {
    Case c = {.json = each};
    if (is_training != (json_object_get(each, "loss") != NULL)) continue;
    (is_training ? check_training : check_inference)(&c);
  }
  json_decref(all);
}

static void inference_agrees(void **state) {
  (void)state;
  run_cases(false);
}

static void training_agrees(void **state) {
  (void)state;
  run_cases(true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(inference_agrees),
      cmocka_unit_test(training_agrees),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
