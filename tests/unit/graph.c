/* graph.c - nodes: sharing, types, phases, rewriting, running. */
#include "graph.h"
#include "kernels.h"

static const Where nowhere = {NULL, "test"};

static Id input(Graph *g, const Type *type) {
  return graph_input(g, (Input){.name = "x", .type = *type, .scale = 1});
}

static Id param(Graph *g, const char *name, const Type *type) {
  return graph_param(g, (Param){.name = name, .type = *type});
}

static void equal_nodes_are_shared(void **state) {
  (void)state;
  Unit *u = unit_new();
  Graph *g = graph_new(u);
  Type image = TYPE(per_n(), fixed(3), fixed(4)), bias = TYPE(fixed(3));
  Id x = input(g, &image), b = param(g, "b", &bias);
  Id wide = graph_broadcast(g, b, &image, (int[]){1}, nowhere);
  assert_int_equal(wide, graph_broadcast(g, b, &image, (int[]){1}, nowhere));
  Id sum = graph_add(g, OP_add, (Id[]){x, wide}, 2, NULL, nowhere);
  assert_int_equal(sum, graph_add(g, OP_add, (Id[]){x, wide}, 2, NULL, nowhere));
  assert_int_not_equal(sum, graph_add(g, OP_mul, (Id[]){x, wide}, 2, NULL, nowhere));
  Type two = TYPE(fixed(2));
  Id c = graph_const(g, &two, (double[]){1, 2}, nowhere);
  assert_int_equal(c, graph_const(g, &two, (double[]){1, 2}, nowhere));
  assert_int_not_equal(c, graph_const(g, &two, (double[]){1, 3}, nowhere));
  Kernel k;
  node_kernel(g, sum, &k);
  Id same = graph_kernel(g, &k, &image, nowhere);
  assert_int_equal(same, graph_kernel(g, &k, &image, nowhere));
  assert_int_equal(graph_add(g, OP_relu, (Id[]){NO_ID}, 1, NULL, nowhere), NO_ID);
  graph_verify(g);
  unit_free(u);
}

static void phases_are_the_latest_argument(void **state) {
  (void)state;
  Unit *u = unit_new();
  Graph *g = graph_new(u);
  Type type = TYPE(fixed(2));
  Id c = graph_const(g, &type, (double[]){1, 2}, nowhere);
  Id w = param(g, "w", &type), d = graph_const(g, &type, (double[]){3, 4}, nowhere);
  Id s = graph_state(g, "s", &type);
  assert_int_equal(graph_phase(g, c), PHASE_CONST);
  assert_int_equal(graph_phase(g, w), PHASE_LOAD);
  assert_int_equal(graph_phase(g, d), PHASE_CONST);
  assert_int_equal(graph_phase(g, s), PHASE_CALL);
  Id cd = graph_add(g, OP_add, (Id[]){c, d}, 2, NULL, nowhere);
  Id cw = graph_add(g, OP_add, (Id[]){cd, w}, 2, NULL, nowhere);
  assert_int_equal(graph_phase(g, cd), PHASE_CONST);
  assert_int_equal(graph_phase(g, cw), PHASE_LOAD);
  assert_int_equal(graph_phase(g, graph_add(g, OP_add, (Id[]){cw, s}, 2, NULL, nowhere)),
                   PHASE_CALL);
  unit_free(u);
}

static void shapes_are_checked(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL);
  Graph *g = graph_new(c->u);
  Type a = TYPE(fixed(2)), b = TYPE(fixed(3));
  Id x = param(g, "x", &a), y = param(g, "y", &b);
  assert_int_equal(graph_add(g, OP_add, (Id[]){x, y}, 2, NULL, nowhere), NO_ID);
  assert_non_null(strstr(messages(c), "add needs arguments of one shape, not f32[2] and f32[3]"));
  Type huge = TYPE(fixed(INT64_C(1) << 31), fixed(INT64_C(1) << 31)), flat = TYPE(fixed(0)),
       many = TYPE(fixed(1 << 20), fixed(1 << 20));
  assert_int_equal(param(g, "huge", &huge), NO_ID);
  assert_int_equal(param(g, "flat", &flat), NO_ID);
  assert_int_equal(param(g, "many", &many), NO_ID);
  assert_int_equal(c->u->errors, 4);
  assert_int_equal(size_mul(INT64_MAX, INT64_MAX), MAX_ELEMENTS + 1);
  captured_free(c);
}

/* relu becomes tanh; what no entry needs is gone, tables stay. */
static Id replace_relu(void *context, const Graph *from, Id id, Graph *to, const Id *map) {
  const Node *node = &from->node.at[id];
  ++*(int *)context;
  if (node->op != OP_relu) return graph_copy_node(from, id, to, map);
  return graph_add(to, OP_tanh, &map[node->arg[0]], 1, NULL, node->where);
}

static void rewriting(void **state) {
  (void)state;
  Unit *u = unit_new();
  Graph *g = graph_new(u);
  Type type = TYPE(per_n(), fixed(3));
  Id x = input(g, &type), w = param(g, "w", &type);
  graph_add(g, OP_exp, &x, 1, NULL, nowhere);
  Id y = graph_add(g, OP_relu, &x, 1, NULL, nowhere);
  vec_push(u->arena, &g->entry[ENTRY_FORWARD].want, y);
  vec_push(u->arena, &g->entry[ENTRY_FORWARD].want_name, "y");
  vec_push(u->arena, &g->layer, ((Layer){.name = "y", .result = y}));
  int calls = 0;
  Graph *to = graph_rewrite(g, replace_relu, &calls);
  graph_verify(to);
  assert_int_equal(calls, 1);
  assert_int_equal(to->node.n, 3);
  assert_int_equal(to->param.n, 1);
  assert_int_equal(to->node.at[to->entry[ENTRY_FORWARD].want.at[0]].op, OP_tanh);
  assert_int_equal(to->layer.at[0].result, to->entry[ENTRY_FORWARD].want.at[0]);
  Graph *copy = graph_rewrite(g, NULL, NULL);
  assert_int_equal(copy->node.n, 3);
  assert_int_not_equal(w, NO_ID);
  unit_free(u);
}

static const double *values(void *context, const Graph *g, Id leaf, int64_t n) {
  (void)g, (void)leaf, (void)n;
  return context;
}

static void running(void **state) {
  (void)state;
  Unit *u = unit_new();
  Graph *g = graph_new(u);
  Type type = TYPE(per_n(), fixed(2)), bias = TYPE(fixed(2));
  double data[4] = {-1, 2, 3, -4};
  Id x = input(g, &type), c = graph_const(g, &bias, (double[]){1, 10}, nowhere);
  Id wide = graph_broadcast(g, c, &type, (int[]){1}, nowhere);
  Id sum = graph_add(g, OP_add, (Id[]){x, wide}, 2, NULL, nowhere);
  Id relu = graph_add(g, OP_relu, &x, 1, NULL, nowhere);
  Array *y = graph_run(g, (Id[]){sum, relu, x}, 3, 2, values, data);
  assert_memory_equal(y[0].at, ((double[]){0, 12, 4, 6}), sizeof data);
  assert_memory_equal(y[1].at, ((double[]){0, 2, 3, 0}), sizeof data);
  assert_memory_equal(y[2].at, data, sizeof data);
  unit_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equal_nodes_are_shared),
      cmocka_unit_test(phases_are_the_latest_argument),
      cmocka_unit_test(shapes_are_checked),
      cmocka_unit_test(rewriting),
      cmocka_unit_test(running),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
