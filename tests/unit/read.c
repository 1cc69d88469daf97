/* What the reader makes of a document: names, chains, blocks, shared parameters, inputs, outputs;
 * and that hostile texts end in a message. */
#include "unit.h"

#include <stdio.h>

#include "graph.h"

static Graph *read_with(Captured *c, const char *text, const ReadOptions *options) {
  const char *kept = arena_copy(c->u->arena, text, strlen(text));
  Graph *g = read_text(c->u, "net.json", kept, strlen(kept), options);
  if (g) graph_verify(g);
  return g;
}

static Graph *read_good(Captured *c, const char *text) {
  Graph *g = read_with(c, text, &(ReadOptions){.training = false});
  if (!g) fail_msg("%s", messages(c));
  return g;
}

static int param_index(const Graph *g, const char *name) {
  for (int i = 0; i < g->param.n; i++)
    if (strcmp(g->param.at[i].name, name) == 0) return i;
  return -1;
}

static void names_are_made_up(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_good(
      c,
      "{ \"name\": \"t\", \"input\": { \"shape\": [4, 9, 9] }, \"layers\": ["
      "{ \"op\": \"relu\" }, { \"op\": \"relu\", \"name\": \"relu2\" }, { \"op\": \"relu\" },"
      "{ \"op\": \"tanh\" }, { \"op\": \"conv\", \"name\": \"a.0\", \"filters\": 1, \"kernel\": 1 }"
      "] }");
  const char *const names[] = {"relu1", "relu2", "relu3", "tanh1", "a.0"};
  assert_int_equal(g->layer.n, COUNT(names));
  for (int i = 0; i < COUNT(names); i++) assert_string_equal(g->layer.at[i].name, names[i]);
  assert_int_equal(param_index(g, "a.0.weight"), 0);
  captured_free(c);
}

static void blocks_are_expanded(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_good(
      c, "{ \"name\": \"t\", \"input\": { \"shape\": [4, 9, 9] }, \"blocks\": {"
         "\"inner\": { \"params\": { \"w\": null, \"v\": \"=2*w\" }, \"layers\": ["
         "  { \"op\": \"conv\", \"name\": \"c\", \"filters\": \"=v-w\", \"kernel\": 1 },"
         "  { \"op\": \"add\", \"from\": [\"c\", \"@in\"] } ] },"
         "\"outer\": { \"params\": { \"width\": 8 }, \"layers\": ["
         "  { \"block\": \"inner\", \"name\": \"i\", \"w\": \"=width/2\" },"
         "  { \"op\": \"add\", \"from\": [\"i\", \"first\", \"i.c\"] } ] } },"
         "\"layers\": [ { \"op\": \"relu\", \"name\": \"first\" },"
         "  { \"block\": \"outer\", \"name\": \"s\", \"repeat\": 2, \"start\": 3 },"
         "  { \"op\": \"concat\", \"from\": [\"s\", \"s.3\", \"s.4.i.c\", \"s.3.i\"] } ] }");
  const char *const names[] = {"first",   "s.3.i.c",    "s.3.i.add1", "s.3.add1",
                               "s.4.i.c", "s.4.i.add1", "s.4.add1",   "concat1"};
  assert_int_equal(g->layer.n, COUNT(names));
  for (int i = 0; i < COUNT(names); i++) assert_string_equal(g->layer.at[i].name, names[i]);
  assert_int_equal(g->layer.at[4].arg.at[0], g->layer.at[3].result);
  assert_int_equal(g->layer.at[7].arg.at[0], g->layer.at[6].result);
  assert_int_equal(g->layer.at[7].arg.at[1], g->layer.at[3].result);
  assert_true(param_index(g, "s.4.i.c.bias") >= 0);
  captured_free(c);
}

static void parameters_are_shared(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_good(
      c,
      "{ \"name\": \"t\", \"input\": { \"shape\": [4, 9, 9] }, \"blocks\": { \"b\": { \"layers\": ["
      "  { \"op\": \"conv\", \"name\": \"c\", \"filters\": 4, \"kernel\": 1 },"
      "  { \"op\": \"batch_norm\", \"name\": \"n\" } ] } }, \"layers\": ["
      "{ \"block\": \"b\", \"name\": \"one\", \"freeze\": true, \"lr_scale\": 0.5 },"
      "{ \"block\": \"b\", \"name\": \"two\", \"share\": \"one\" },"
      "{ \"op\": \"conv\", \"name\": \"d\", \"filters\": 4, \"kernel\": 1, \"share\": \"two.c\" },"
      "{ \"op\": \"conv\", \"name\": \"e\", \"filters\": 4, \"kernel\": 1, \"init\": \"he\" } ] }");
  assert_int_equal(g->param.n, 2 + 4 + 2);
  const Param *shared = &g->param.at[param_index(g, "one.c.weight")];
  const Param *mean = &g->param.at[param_index(g, "one.n.running_mean")];
  const Param *own = &g->param.at[param_index(g, "e.weight")];
  assert_false(shared->trainable);
  assert_int_equal(shared->role, PARAM_WEIGHT);
  assert_true(shared->lr_scale == 0.5);
  assert_int_equal(mean->role, PARAM_STATISTIC);
  assert_int_equal(own->init, INIT_HE);
  assert_int_equal(own->fan_in, 4);
  captured_free(c);
}

static void outputs_and_inputs_may_be_chosen(void **state) {
  (void)state;
  static const char text[] =
      "{ \"name\": \"t\", \"inputs\": { \"x\": { \"shape\": [3, 8, 8], \"dtype\": \"u8\", "
      "\"scale\": 0.5, \"mean\": [1, 2, 3] }, \"z\": { \"shape\": [2] } }, \"layers\": ["
      "{ \"op\": \"conv\", \"from\": \"x\", \"filters\": 4, \"kernel\": 3 }, { \"op\": \"relu\" },"
      "{ \"op\": \"dense\", \"name\": \"f\", \"units\": 2 }, { \"op\": \"add\", \"from\": [\"f\", "
      "\"z\"] }"
      "] }";
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_good(c, text);
  assert_int_equal(g->input.n, 2);
  assert_int_equal(g->input.at[0].type.dtype, U8);
  assert_int_equal(g->node.at[g->layer.at[0].arg.at[0]].type.dtype, F32);
  ReadOptions options = {.training = false};
  vec_push(c->u->arena, &options.outputs, "relu1");
  vec_push(c->u->arena, &options.outputs, "conv1");
  vec_push(c->u->arena, &options.input_shape, "x=3x11x9");
  g = read_with(c, text, &options);
  assert_int_equal(g->input.n, 1);
  assert_int_equal(g->layer.n, 2);
  assert_int_equal(g->entry[ENTRY_FORWARD].want.n, 2);
  assert_int_equal(g->node.at[g->entry[ENTRY_FORWARD].want.at[0]].type.dim[2].plus, 9);
  assert_string_equal(g->entry[ENTRY_FORWARD].want_name.at[1], "conv1");
  assert_string_equal(messages(c), "");
  captured_free(c);
}

/* Outputs are arrays of the caller: each is written, even if nothing is computed. */
static void every_output_is_a_node_of_its_own(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  Graph *g = read_good(
      c, "{ \"name\": \"t\", \"input\": { \"shape\": [4] }, \"layers\": ["
         "{ \"op\": \"dropout\", \"name\": \"a\" }, { \"op\": \"flatten\", \"name\": \"b\" },"
         "{ \"op\": \"dropout\", \"name\": \"c\" } ], \"outputs\": [\"a\", \"b\", \"c\"] }");
  const Id *want = g->entry[ENTRY_FORWARD].want.at;
  for (int i = 0; i < 3; i++) {
    assert_int_not_equal(want[i], g->input.at[0].node);
    assert_int_not_equal(want[i], want[(i + 1) % 3]);
  }
  captured_free(c);
}

/* ---- hostile texts ---- */

static char *repeated(const char *before, const char *middle, int n, const char *after) {
  char *text = malloc(strlen(before) + strlen(middle) * (size_t)n + strlen(after) + 1);
  char *at = stpcpy(text, before);
  for (int i = 0; i < n; i++) at = stpcpy(at, middle);
  strcpy(at, after);
  return text;
}

static void check_refused(char *text, const char *part) {
  Captured *c = captured_new(NULL, NULL);
  assert_null(read_with(c, text, &(ReadOptions){.training = false}));
  if (!strstr(messages(c), part)) fail_msg("\"%s\" is not in\n%s", part, messages(c));
  captured_free(c);
  free(text);
}

#define LAYER "{ \"name\": \"t\", \"input\": { \"shape\": [4, 9, 9] }, \"layers\": [ "

static void hostile_texts_end_in_a_message(void **state) {
  (void)state;
  check_refused(repeated("", "[", 100000, ""), "the nesting is too deep");
  check_refused(repeated("{ \"a\": ", "{ \"a\": ", 100000, ""), "the nesting is too deep");
  check_refused(
      repeated(LAYER "{ \"op\": \"conv\", \"kernel\": 1, \"filters\": \"=", "(", 100, "1\" } ] }"),
      "nested too deeply");
  check_refused(
      repeated(LAYER "{ \"op\": \"conv\", \"kernel\": 1, \"filters\": \"=", "-", 100, "1\" } ] }"),
      "nested too deeply");
  check_refused(
      repeated(LAYER "{ \"op\": \"conv\", \"kernel\": 1, \"filters\": \"=", "9", 100, "\" } ] }"),
      "beyond 2147483647");
  check_refused(repeated(LAYER "{ \"op\": \"conv\", \"kernel\": 1, \"filters\": \"=", "9", 100000,
                         "\" } ] }"),
                "a formula may have 200 characters");
  check_refused(repeated(LAYER "{ \"op\": \"conv\", \"kernel\": 1, \"filters\": 1, \"weights\": ",
                         "[", 1000, repeated("1", "]", 1000, "} ] }")),
                "nested lists");
  check_refused(repeated(LAYER, "{ \"op\": \"relu\" }, ", 30000, "{ \"op\": \"relu\" } ] }"),
                "more than 10000 layers");
  check_refused(repeated(LAYER "{ \"op\": \"relu\", \"name\": \"", "a", 100000, "\" } ] }"),
                "a name may have 200 characters");
  check_refused(repeated(LAYER "\xff", "", 0, "] }"), "error");
  check_refused(repeated(LAYER "{ \"op\": \"re\\u0000lu\" }", "", 0, "] }"), "error");
}

static void blocks_do_not_nest_without_end(void **state) {
  (void)state;
  char *text = NULL;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  fprintf(out, LAYER "{ \"block\": \"b0\" } ], \"blocks\": {");
  for (int i = 0; i < 1000; i++)
    fprintf(out, "\"b%d\": { \"layers\": [{ \"block\": \"b%d\" }, { \"block\": \"b%d\" }] }, ", i,
            i + 1, i + 1);
  fprintf(out, "\"b1000\": { \"layers\": [{ \"op\": \"relu\" }] } } }");
  fclose(out);
  check_refused(text, "blocks are nested more than 32 deep");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_made_up),
      cmocka_unit_test(blocks_are_expanded),
      cmocka_unit_test(parameters_are_shared),
      cmocka_unit_test(outputs_and_inputs_may_be_chosen),
      cmocka_unit_test(every_output_is_a_node_of_its_own),
      cmocka_unit_test(hostile_texts_end_in_a_message),
      cmocka_unit_test(blocks_do_not_nest_without_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
