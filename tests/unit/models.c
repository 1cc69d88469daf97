/* Every network of models/ reads; its parameters and multiply-adds, in total and per layer, are the
 * published figures of tests/data. */
#include "unit.h"

#include <stdio.h>

#include "graph.h"

typedef struct Counts {
  int64_t parameters, macs;
} Counts;

static Graph *read_model(Captured *c, const char *name, bool training) {
  char file[256];
  snprintf(file, sizeof file, "models/%s.json", name);
  Graph *g = read_network(c->u, file, &(ReadOptions){.training = training});
  if (!g) fail_msg("%s", messages(c));
  assert_string_equal(messages(c), "");
  graph_verify(g);
  return g;
}

static bool belongs(const Node *node, const Layer *layer) {
  return node->where.layer && strcmp(node->where.layer, layer->name) == 0;
}

static Counts count_layer(const Graph *g, const Layer *layer) {
  Counts counts = {0, 0};
  for (int i = 0; i < layer->nparams; i++)
    counts.parameters += param_count(&g->param.at[layer->first_param + i]);
  for (Id id = 0; id < g->node.n; id++) {
    if (g->node.at[id].nargs == 0 || !belongs(&g->node.at[id], layer)) continue;
    Kernel k;
    node_kernel(g, id, &k);
    counts.macs += k.macs;
  }
  return counts;
}

static void totals_are_the_published_ones(void **state) {
  (void)state;
  FILE *file = fopen("tests/data/counts.csv", "r");
  char line[1024], name[64];
  long long parameters, macs;
  int models = 0;
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "%63[^,],%lld,%lld,", name, &parameters, &macs) != 3) continue;
    Captured *c = captured_new(NULL, NULL);
    Graph *g = read_model(c, name, false);
    Counts total = {0, 0};
    for (int i = 0; i < g->layer.n; i++) {
      Counts one = count_layer(g, &g->layer.at[i]);
      total.parameters += one.parameters;
      total.macs += one.macs;
    }
    if (total.parameters != parameters || total.macs != macs)
      fail_msg("%s: %lld parameters, %lld multiply-adds, not %lld, %lld", name,
               (long long)total.parameters, (long long)total.macs, parameters, macs);
    captured_free(c);
    models++;
  }
  fclose(file);
  assert_true(models > 40);
}

static const char *shape_text(const Graph *g, Id id) {
  const Type *type = &g->node.at[id].type;
  Text text = {.arena = g->u->arena};
  for (int a = 1; a < type->rank; a++)
    text_add(&text, "%s%lld", a > 1 ? "x" : "", (long long)type->dim[a].plus);
  return text.at;
}

static const Layer *find_layer(const Graph *g, const char *name) {
  for (int i = 0; i < g->layer.n; i++)
    if (strcmp(g->layer.at[i].name, name) == 0) return &g->layer.at[i];
  fail_msg("%s has no layer %s", g->name, name);
  return NULL;
}

static void layers_are_the_published_ones(void **state) {
  (void)state;
  FILE *file = fopen("tests/data/layer_counts.csv", "r");
  char line[1024], name[64], layer_name[128], shape[64], last[64] = "";
  long long parameters, macs;
  Captured *c = NULL;
  Graph *g = NULL;
  assert_non_null(file);
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "%63[^,],%*d,%127[^,],%*[^,],%63[^,],%lld,%lld", name, layer_name, shape,
               &parameters, &macs) != 5)
      continue;
    if (strcmp(name, last) != 0) {
      if (c) captured_free(c);
      c = captured_new(NULL, NULL);
      g = read_model(c, strcpy(last, name), false);
    }
    const Layer *layer = find_layer(g, layer_name);
    Counts counts = count_layer(g, layer);
    assert_string_equal(shape_text(g, layer->result), shape);
    assert_int_equal(counts.parameters, parameters);
    assert_int_equal(counts.macs, macs);
  }
  captured_free(c);
  fclose(file);
}

static void auxiliary_heads_belong_to_training(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_model(c, "googlenet", false);
  assert_int_equal(g->input.n, 1);
  for (int i = 0; i < g->param.n; i++) assert_null(strstr(g->param.at[i].name, "aux"));
  captured_free(c);
}

static void training_has_a_loss_and_running_statistics(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_model(c, "resnet18", true);
  const Entry *entry = &g->entry[ENTRY_TRAIN_FORWARD];
  assert_int_equal(entry->want.n, 1);
  assert_string_equal(entry->want_name.at[0], "loss");
  assert_int_equal(entry->update.n, 2 * 20);
  assert_int_equal(g->input.n, 2);
  assert_int_equal(g->input.at[1].kind, INPUT_TARGET);
  assert_int_equal(g->input.at[1].type.dtype, I32);
  assert_true(g->optimizer != NO_ID);
  captured_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(totals_are_the_published_ones),
      cmocka_unit_test(layers_are_the_published_ones),
      cmocka_unit_test(auxiliary_heads_belong_to_training),
      cmocka_unit_test(training_has_a_loss_and_running_statistics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
