/* train.c - one training step of LeNet-5 in emitted C against the Graph interpreted in double:
 * loss, every gradient, every parameter after the step; accumulation doubles gradients. */
#include "../unit/unit.h"
#include "driver.h"
#include "plan.h"

#include <math.h>

enum { N = 3, SEED = 5, IMAGE = 28 * 28 };

static const char program[] =
    "#include <stdio.h>\n#include <stdlib.h>\n#include \"net.h\"\n"
    "static void *memory(size_t n) { return aligned_alloc(64, (n + 63) / 64 * 64); }\n"
    "int main(void) {\n"
    "  static float x[3 * 784], v[48000], loss;\n"
    "  static const int target[] = {0, 3, 6};\n"
    "  net ctx;\n"
    "  net_memory m = {.hash = net_HASH, .params = memory(net_PARAMS_BYTES),\n"
    "    .params_bytes = net_PARAMS_BYTES, .work = memory(net_TRAIN_WORK_BYTES(2)),\n"
    "    .work_bytes = net_TRAIN_WORK_BYTES(2), .grads = memory(net_GRADS_BYTES),\n"
    "    .grads_bytes = net_GRADS_BYTES, .state = memory(net_STATE_BYTES),\n"
    "    .state_bytes = net_STATE_BYTES};\n"
    "  for (int i = 0; i < 3 * 784; i++) x[i] = (float)(i * 37 % 101) / 101;\n"
    "  int status = net_init(&ctx, &m, 2);\n"
    "  if (!status) status = net_init_params(&ctx, 5);\n"
    "  if (!status) status = net_train_forward(&ctx, 3, x, target, &loss);\n"
    "  if (!status) status = net_backward(&ctx, 3, 0);\n"
    "  fwrite(&loss, 4, 1, stdout);\n"
    "  for (int i = 0; i < net_PARAM_COUNT; i++) {\n"
    "    status |= net_get_grad(&ctx, i, v);\n"
    "    fwrite(v, 4, net_params[i].size, stdout);\n"
    "  }\n"
    "  status |= net_backward(&ctx, 3, 1);\n"
    "  status |= net_get_grad(&ctx, 0, v);\n"
    "  fwrite(v, 4, net_params[0].size, stdout);\n"
    "  if (!status) status = net_train_step(&ctx, 3, x, target, &loss);\n"
    "  for (int i = 0; i < net_PARAM_COUNT; i++) {\n"
    "    status |= net_get_param(&ctx, i, v);\n"
    "    fwrite(v, 4, net_params[i].size, stdout);\n"
    "  }\n"
    "  return status != 0;\n}\n";

/* What the emitted library printed. */
static const float *run_library(Unit *u, size_t *n) {
  const char *folder = toolchain_folder(u), *base = arena_printf(u->arena, "%s/net", folder);
  const char *source = arena_printf(u->arena, "%s.c", base);
  const char *const words[] = {"cnnc", "models/lenet5.json", "--train", "--batch",
                               "4",    "--target",           "generic", "-o",
                               source, "--prefix",           "net"};
  Options o;
  assert_true(options_parse(u, &o, COUNT(words), (char *const *)words));
  assert_int_equal(command_compile(u, &o), STATUS_DONE);
  const char *file = arena_printf(u->arena, "%s/program.c", folder);
  const char *binary = arena_printf(u->arena, "%s/program", folder);
  assert_true(file_write(u, file, program, sizeof program - 1));
  const char *const arguments[] = {"-std=c11", "-O1", file, source, "-o", binary, "-lm", NULL};
  assert_true(toolchain_cc(u, &o, arguments));
  Text output = {.arena = u->arena};
  assert_int_equal(toolchain_run(u, (const char *const[]){binary, NULL}, &output), 0);
  toolchain_remove(u, folder);
  *n = output.n / sizeof(float);
  return (const float *)(const void *)output.at;
}

typedef struct Leaves {
  double **param, *x, *zero;
} Leaves;

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  static const double target[N] = {0, 3, 6};
  const Leaves *l = context;
  const Node *node = &g->node.at[leaf];
  int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  if (node->op == OP_param) return l->param[index];
  if (node->op == OP_state) return l->zero;
  return g->input.at[index].kind == INPUT_TARGET ? target : l->x;
}

/* Returns what follows in `is`. */
static const float *compare(const float *is, const double *expected, int64_t n, double factor,
                            const char *what) {
  double error = 0, largest = 0;
  for (int64_t i = 0; i < n; i++) {
    error = fmax(error, fabs(is[i] - factor * expected[i]));
    largest = fmax(largest, fabs(factor * expected[i]));
  }
  if (!(error <= 2e-5 * largest)) fail_msg("%s: error %g, largest %g", what, error, largest);
  return is + n;
}

static const float *compare_gradients(const Graph *g, const Leaves *l, const float *is) {
  const Entry *backward = &g->entry[ENTRY_BACKWARD];
  Array *gradient =
      graph_run(g, backward->want.at, backward->want.n, N, leaf_value, (void *)(uintptr_t)l);
  assert_int_equal(backward->want.n, g->param.n);
  for (int i = 0; i < g->param.n; i++)
    for (int w = 0; w < backward->want.n; w++)
      if (strcmp(backward->want_name.at[w], g->param.at[i].name) == 0)
        is =
            compare(is, gradient[w].at, type_size(&g->param.at[i].type, 1), 1, g->param.at[i].name);
  for (int w = 0; w < backward->want.n; w++)
    if (strcmp(backward->want_name.at[w], g->param.at[0].name) == 0)
      is = compare(is, gradient[w].at, type_size(&g->param.at[0].type, 1), 2, "accumulated");
  return is;
}

static const float *compare_step(const Graph *g, const Leaves *l, const float *is) {
  const Entry *step = &g->entry[ENTRY_STEP];
  for (int i = 0; i < g->param.n; i++)
    for (int k = 0; k < step->update.n; k++) {
      if (step->update.at[k].to != g->param.at[i].node) continue;
      Array *value =
          graph_run(g, &step->update.at[k].value, 1, N, leaf_value, (void *)(uintptr_t)l);
      is = compare(is, value[0].at, type_size(&g->param.at[i].type, 1), 1, g->param.at[i].name);
    }
  return is;
}

static void lenet5_takes_a_step(void **state) {
  (void)state;
  Unit *u = unit_new();
  ReadOptions read = {.training = true};
  Graph *g = read_network(u, "models/lenet5.json", &read);
  assert_non_null(g);
  pass_grad(g);
  size_t n;
  const float *is = run_library(u, &n), *begin = is;
  Leaves l = {.param = params_seeded(g, SEED),
              .x = NEW_ARRAY(u->arena, double, N *IMAGE),
              .zero = NEW_ARRAY(u->arena, double, 1 << 17)};
  for (int i = 0; i < N * IMAGE; i++) l.x[i] = (float)(i * 37 % 101) / 101;
  Array *loss = graph_run(g, g->entry[ENTRY_TRAIN_FORWARD].want.at, 1, N, leaf_value, &l);
  is = compare(is, loss[0].at, 1, 1, "loss");
  is = compare_gradients(g, &l, is);
  is = compare_step(g, &l, is);
  assert_int_equal(is - begin, n);
  unit_free(u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lenet5_takes_a_step)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
