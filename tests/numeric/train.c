/* train.c - libraries that train against the Graph interpreted in double before any pass: loss,
 * every gradient and every parameter (running statistics too) over two steps of SGD with momentum,
 * for every target of C that this CPU runs (in the usual form each network for one of them, LeNet-5
 * for the last). Bits do not depend on the number of threads, nor on what the context did before
 * its parameters were set anew, nor, where kernels have no choice, on what --max-memory makes
 * backward compute again. Plans against graphs: unit/plan_gradients.c. */
#include "../unit/unit.h"
#include "algos.h"
#include "passes.h"
#include "driver.h"
#include "library.h"
#include "optimizers.h"

#include <math.h>

enum { MAX_BATCH = 4, MANY = 19, STEPS = 2, SEED = 5 };

typedef struct Net {
  const char *name, *file; /* file NULL: */
  const char *text;
} Net;

/* An algorithm, forced wherever it serves: in the first so many roles. */
typedef struct Forced {
  const char *algo;
  int roles;
  Net net;
} Forced;

/* Every optimiser, on parameters of several kinds. */
#define OPTIMIZED(title, ...)                                                                      \
  {title, NULL,                                                                                    \
   "{\"name\": \"net\", \"input\": {\"shape\": [2, 6, 5]}, \"layers\": ["                          \
   "{\"op\": \"conv\", \"filters\": 5, \"kernel\": 3, \"bias\": false}, {\"op\": "                 \
   "\"batch_norm\"},"                                                                              \
   "{\"op\": \"relu\"}, {\"op\": \"dense\", \"units\": 3, \"lr_scale\": 0.5}],"                    \
   "\"loss\": {\"op\": \"cross_entropy\"}, \"optimizer\": {" __VA_ARGS__ "}}"},

#define OPTIMIZER                                                                                  \
  ", \"loss\": {\"op\": \"cross_entropy\"}, \"optimizer\": {\"op\": \"sgd\", \"lr\": 0.05, "       \
  "\"momentum\": 0.9, \"weight_decay\": 0.001}}"

static const Net lenet5 = {.name = "LeNet-5", .file = "models/lenet5.json"};

static const Net nets[] = {
    {"batch norm and a residual", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [3, 7, 6]}, \"layers\": ["
     "{\"op\": \"conv\", \"name\": \"stem\", \"filters\": 5, \"kernel\": 3, \"pad\": 1, \"bias\": "
     "false}, {\"op\": \"batch_norm\"}, {\"op\": \"relu\", \"name\": \"r\"},"
     "{\"op\": \"conv\", \"name\": \"branch\", \"filters\": 5, \"kernel\": 3, \"pad\": 1, "
     "\"bias\": false}, {\"op\": \"batch_norm\", \"name\": \"b\"},"
     "{\"op\": \"add\", \"from\": [\"b\", \"r\"]}, {\"op\": \"relu\"},"
     "{\"op\": \"conv\", \"name\": \"down\", \"filters\": 8, \"kernel\": 3, \"stride\": 2, "
     "\"pad\": 1, \"bias\": false}, {\"op\": \"batch_norm\"}, {\"op\": \"relu\"},"
     "{\"op\": \"dense\", \"units\": 4}]" OPTIMIZER},
    {"batch norm that two layers share", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [2, 6, 5]}, \"layers\": ["
     "{\"op\": \"conv\", \"filters\": 5, \"kernel\": 3, \"bias\": false},"
     "{\"op\": \"batch_norm\", \"name\": \"b\"}, {\"op\": \"relu\"},"
     "{\"op\": \"batch_norm\", \"share\": \"b\"}, {\"op\": \"dense\", \"units\": 3}]" OPTIMIZER},
    {"average pool and groups", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [4, 9, 8]}, \"layers\": ["
     "{\"op\": \"conv\", \"filters\": 6, \"kernel\": 3, \"groups\": 2}, {\"op\": \"tanh\"},"
     "{\"op\": \"pool\", \"kind\": \"average\", \"kernel\": 3, \"stride\": 2, \"pad\": 1},"
     "{\"op\": \"conv\", \"filters\": 6, \"kernel\": 3, \"pad\": 1, \"groups\": 6},"
     "{\"op\": \"relu\"}, {\"op\": \"pool\", \"kind\": \"max\", \"kernel\": 2, \"stride\": 1},"
     "{\"op\": \"dense\", \"units\": 5}]" OPTIMIZER},
    {"one axis", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [2, 29]}, \"layers\": ["
     "{\"op\": \"conv\", \"filters\": 6, \"kernel\": 5, \"pad\": 2}, {\"op\": \"relu\"},"
     "{\"op\": \"pool\", \"kind\": \"max\", \"kernel\": 2},"
     "{\"op\": \"conv\", \"filters\": 4, \"kernel\": 3, \"dilation\": 2, \"bias\": false},"
     "{\"op\": \"batch_norm\"}, {\"op\": \"relu\"}, {\"op\": \"dense\", \"units\": 3}]" OPTIMIZER},
    {"three axes", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [2, 5, 7, 6]}, \"layers\": ["
     "{\"op\": \"conv\", \"filters\": 4, \"kernel\": 3, \"pad\": 1}, {\"op\": \"relu\"},"
     "{\"op\": \"pool\", \"kind\": \"max\", \"kernel\": 2},"
     "{\"op\": \"conv\", \"filters\": 3, \"kernel\": [2, 3, 1], \"stride\": [1, 2, 1], "
     "\"pad\": [0, 1, 0]}, {\"op\": \"relu\"}, {\"op\": \"dense\", \"units\": 3}]" OPTIMIZER},
    {"maxima of overlapping windows", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [2, 16, 15]}, \"layers\": ["
     "{\"op\": \"conv\", \"filters\": 20, \"kernel\": 3, \"pad\": 1}, {\"op\": \"relu\"},"
     "{\"op\": \"pool\", \"kind\": \"max\", \"kernel\": 3, \"stride\": 2, \"ceil_mode\": true},"
     "{\"op\": \"conv\", \"filters\": 5, \"kernel\": 3, \"stride\": 2, \"pad\": 1}, {\"op\": "
     "\"tanh\"},"
     "{\"op\": \"pool\", \"kind\": \"max\", \"kernel\": 3, \"stride\": 2, \"pad\": 1},"
     "{\"op\": \"dense\", \"units\": 4}]" OPTIMIZER},
    {"dropout of channels, of flat ones and of the input", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [3, 9, 8]}, \"layers\": ["
     "{\"op\": \"dropout\", \"p\": 0.2}, {\"op\": \"conv\", \"filters\": 20, \"kernel\": 3},"
     "{\"op\": \"dropout\", \"p\": 0.3}, {\"op\": \"relu\"},"
     "{\"op\": \"pool\", \"kind\": \"max\", \"kernel\": 2}, {\"op\": \"dropout\", \"p\": 0.4},"
     "{\"op\": \"dense\", \"units\": 33}, {\"op\": \"relu\"}, {\"op\": \"dropout\"},"
     "{\"op\": \"dense\", \"units\": 4}]" OPTIMIZER},
    {"labels of which none counts", NULL,
     "{\"name\": \"net\", \"input\": {\"shape\": [2, 6, 5]}, \"layers\": ["
     "{\"op\": \"conv\", \"filters\": 5, \"kernel\": 3}, {\"op\": \"relu\"},"
     "{\"op\": \"dense\", \"units\": 3}], "
     "\"loss\": {\"op\": \"cross_entropy\", \"ignore_index\": 0}, "
     "\"optimizer\": {\"op\": \"sgd\", \"lr\": 0.05}}"},
    OPTIMIZERS(OPTIMIZED)};

#define CONV(more) "{\"op\": \"conv\", " more "}, "
#define RELU       "{\"op\": \"relu\"}, "
#define FORCED(algo, roles, title, shape, layers)                                                  \
  {                                                                                                \
    algo, roles, {                                                                                 \
      title, NULL,                                                                                 \
          "{\"name\": \"net\", \"input\": {\"shape\": [" shape "]}, \"layers\": [" layers          \
          "{\"op\": \"dense\", \"units\": 4}]" OPTIMIZER                                           \
    }                                                                                              \
  }
#define ROWS CONV("\"filters\": 20, \"kernel\": 3") RELU CONV("\"filters\": 17, \"kernel\": 4") RELU
#define MAPS                                                                                       \
  CONV("\"filters\": 20, \"kernel\": 3, \"pad\": 1")                                               \
  RELU CONV("\"filters\": 33, \"kernel\": 3, \"bias\": false")                                     \
      RELU CONV("\"filters\": 16, \"kernel\": 5, \"pad\": 2") RELU
#define VOLUMES                                                                                    \
  CONV("\"filters\": 18, \"kernel\": 3, \"pad\": 1")                                               \
  RELU CONV("\"filters\": 16, \"kernel\": [1, 3, 3]") RELU
#define PRODUCTS CONV("\"filters\": 64, \"kernel\": 1") RELU CONV("\"filters\": 32, \"kernel\": 1")
/* The gradient of the first lies in a larger tensor; */
#define ENLARGED                                                                                   \
  CONV("\"filters\": 16, \"kernel\": 3, \"pad\": 1")                                               \
  "{\"op\": \"pad\", \"axis\": [1, 2], \"lo\": [0, 0], \"hi\": [2, 3]}, " CONV(                    \
      "\"filters\": 16, \"kernel\": 3") CONV("\"filters\": 16, \"kernel\": 3") RELU
/* it is 0 behind some channels. */
#define SHORTENED                                                                                  \
  CONV("\"filters\": 32, \"kernel\": 3, \"pad\": 1")                                               \
  "{\"op\": \"slice\", \"stop\": 16}, " CONV("\"filters\": 16, \"kernel\": 3")                     \
      RELU CONV("\"filters\": 16, \"kernel\": 3") RELU

/* Few channels, windows with steps and groups, maxima. */
#define MAXIMA     "{\"op\": \"pool\", \"kind\": \"max\", \"kernel\": 2}, "
#define NO_BIAS    "\"bias\": false"
#define GROUPS     "\"filters\": 6, \"kernel\": 3, \"stride\": 2, \"pad\": 1, \"groups\": 3, " NO_BIAS
#define NORMALISED "{\"op\": \"batch_norm\"}, "
#define IMAGES                                                                                     \
  CONV("\"filters\": 3, \"kernel\": 3, \"pad\": 1")                                                \
  RELU MAXIMA CONV(GROUPS)                                                                         \
  NORMALISED RELU CONV("\"filters\": 5, \"kernel\": 2") RELU

static const Forced forced[] = {
    FORCED("winograd4", ROLES, "tiles along one axis", "3, 23", ROWS),
    FORCED("winograd2", ROLES, "tiles of 2", "5, 11, 9", MAPS),
    FORCED("winograd3", ROLES, "tiles of 3", "5, 11, 9", MAPS),
    FORCED("winograd4", ROLES, "tiles of 4", "16, 8, 13", MAPS),
    FORCED("winograd2", ROLES, "a gradient in a larger tensor", "5, 11, 9", ENLARGED),
    FORCED("winograd2", ROLES, "a gradient of some channels", "5, 11, 9", SHORTENED),
    FORCED("winograd2", ROLES, "tiles in space", "3, 5, 6, 7", VOLUMES),
    FORCED("fft16", ROLES, "Fourier transforms along one axis", "3, 23", ROWS),
    FORCED("fft8", ROLES, "Fourier transforms", "5, 11, 9", MAPS),
    FORCED("fft8", ROLES, "Fourier transforms in space", "3, 5, 6, 7", VOLUMES),
    FORCED("batch", ROLES, "images in lanes", "1, 13, 11", IMAGES),
    FORCED("batch", ROLES, "rows of images in lanes", "3, 23", ROWS),
    FORCED("batch", ROLES, "volumes of images in lanes", "2, 5, 6, 7", VOLUMES),
    FORCED("strassen", ROLE_WGRAD, "products of halves", "64, 6, 5", PRODUCTS),
};

/* ---- the emitted library */

/* Writes, per step: loss, gradients, gradients accumulated (first step), parameters. */
static const char program[] =
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include \"net.h\"\n"
    "static float x[toy_MAX_BATCH * INPUT], values[MOST], loss;\n"
    "static int target[toy_MAX_BATCH];\n"
    "static void *memory(size_t n) {\n"
    "  void *at = aligned_alloc(64, (n + 63) / 64 * 64);\n"
    "  return at ? memset(at, 0xff, n) : NULL;\n}\n"
    "static int gradients(toy *ctx) {\n"
    "  for (int i = 0; i < toy_PARAM_COUNT; i++) {\n"
    "    int status = toy_get_grad(ctx, i, values);\n"
    "    if (status == toy_E_RANGE) continue;\n"
    "    if (status) return status;\n"
    "    fwrite(values, 4, toy_params[i].size, stdout);\n  }\n  return 0;\n}\n"
    "static int parameters(toy *ctx) {\n"
    "  int status = 0;\n"
    "  for (int i = 0; i < toy_PARAM_COUNT; i++) {\n"
    "    status |= toy_get_param(ctx, i, values);\n"
    "    fwrite(values, 4, toy_params[i].size, stdout);\n  }\n  return status;\n}\n"
    "static int apart(toy *ctx, int n) {\n"
    "  int status = toy_train_forward(ctx, n, x, target, &loss);\n"
    "  status |= toy_backward(ctx, n, 0);\n"
    "  fwrite(&loss, 4, 1, stdout);\n"
    "  status |= gradients(ctx) | toy_backward(ctx, n, 1) | gradients(ctx);\n"
    "  status |= toy_backward(ctx, n, 0) | toy_step(ctx) | parameters(ctx);\n"
    "  return status | (toy_backward(ctx, n, 0) != toy_E_BATCH);\n}\n"
    "/* A step at once and the same one in its parts are equal in every bit. */\n"
    "static int together(toy *ctx, int n) {\n"
    "  static unsigned char saved[toy_CHECKPOINT_BYTES], parts[toy_CHECKPOINT_BYTES],\n"
    "      once[toy_CHECKPOINT_BYTES];\n"
    "  int status = toy_checkpoint_save(ctx, saved, sizeof saved);\n"
    "  status |= toy_train_forward(ctx, n, x, target, &loss) | toy_backward(ctx, n, 0);\n"
    "  fwrite(&loss, 4, 1, stdout);\n"
    "  status |= gradients(ctx) | toy_step(ctx) | toy_checkpoint_save(ctx, parts, sizeof parts);\n"
    "  status |= toy_checkpoint_restore(ctx, saved, sizeof saved);\n"
    "  status |= toy_train_step(ctx, n, x, target, &loss);\n"
    "  status |= toy_checkpoint_save(ctx, once, sizeof once) | parameters(ctx);\n"
    "  return status | (memcmp(parts, once, sizeof once) != 0);\n}\n"
    "/* Without a learning rate only statistics change. */\n"
    "static int frozen(toy *ctx, int n) {\n"
    "  static float before[toy_PARAMS_BYTES / 4];\n"
    "  float *at = before;\n"
    "  int status = toy_set_lr(ctx, 0);\n"
    "  for (int i = 0; i < toy_PARAM_COUNT; at += toy_params[i++].size)\n"
    "    status |= toy_get_param(ctx, i, at);\n"
    "  status |= toy_train_step(ctx, n, x, target, &loss);\n"
    "  at = before;\n"
    "  for (int i = 0; i < toy_PARAM_COUNT; at += toy_params[i++].size) {\n"
    "    if (toy_get_grad(ctx, i, values) == toy_E_RANGE) continue;\n"
    "    status |= toy_get_param(ctx, i, values);\n"
    "    status |= memcmp(values, at, 4 * toy_params[i].size) != 0;\n  }\n"
    "  return status;\n}\n"
    "int main(int argc, char **argv) {\n"
    "  int n = argc > 2 ? atoi(argv[1]) : 0, threads = argc > 2 ? atoi(argv[2]) : 0;\n"
    "  toy ctx;\n"
    "  toy_memory m = {.hash = toy_HASH, .params = memory(toy_PARAMS_BYTES),\n"
    "    .params_bytes = toy_PARAMS_BYTES, .work = memory(toy_TRAIN_WORK_BYTES(threads)),\n"
    "    .work_bytes = toy_TRAIN_WORK_BYTES(threads), .grads = memory(toy_GRADS_BYTES),\n"
    "    .grads_bytes = toy_GRADS_BYTES, .state = memory(toy_STATE_BYTES),\n"
    "    .state_bytes = toy_STATE_BYTES};\n"
    "  for (int i = 0; i < n * INPUT; i++) x[i] = (float)(i * 37 % 101 - 50) / 64;\n"
    "  for (int i = 0; i < n; i++) target[i] = i * 3 % CLASSES;\n"
    "  int status = toy_init(&ctx, &m, threads);\n"
    "  for (int again = 0; again < 2 && !status; again++) {\n"
    "    status = toy_init_params(&ctx, 5) | apart(&ctx, n) | together(&ctx, n);\n"
    "    status |= frozen(&ctx, n);\n  }\n"
    "  return status != 0;\n}\n";

/* One network, on one target. */
typedef struct Run {
  Unit *u;
  const Net *net;
  int64_t memory;       /* --max-memory; 0: none */
  const Forced *forced; /* NULL: nothing is */
  const char *folder, *file;
  Options o;
  Graph *g; /* before any pass */
  const Plan *plan;
  int64_t n, input_size, classes;
  double **param, **state, **grad, *loss, *x, *target;
} Run;

static Options options_of(Unit *u, const char *const *words, int n) {
  Options o;
  assert_true(options_parse(u, &o, n, (char *const *)(uintptr_t)words));
  return o;
}

static int64_t largest_param(const Graph *g) {
  int64_t most = 1;
  for (int i = 0; i < g->param.n; i++)
    if (type_size(&g->param.at[i].type, 1) > most) most = type_size(&g->param.at[i].type, 1);
  return most;
}

static bool takes_many(const Forced *f) {
  return f && strcmp(f->algo, "batch") == 0;
}

/* Compiles the library and the program around it. */
static void build(Run *r, const char *target) {
  Unit *u = r->u;
  const char *source = arena_printf(u->arena, "%s/net.c", r->folder);
  const char *main_file = arena_printf(u->arena, "%s/program.c", r->folder);
  const char *batch = arena_printf(u->arena, "%d", takes_many(r->forced) ? MANY : MAX_BATCH);
  const char *words[] = {"cnnc", r->file, "--train", "--batch",  batch, "--target",
                         target, "-o",    source,    "--prefix", "toy", NULL,
                         NULL,   NULL,    NULL,      NULL,       NULL};
  int n = 11;
  if (r->memory) {
    words[n++] = "--max-memory";
    words[n++] = arena_printf(u->arena, "%lld", (long long)r->memory);
  }
  if (r->forced) {
    words[n++] = "--max-error";
    words[n++] = "1e-5";
    words[n++] = "--algo";
    words[n++] = arena_printf(u->arena, "*=%s", r->forced->algo);
  }
  r->o = options_of(u, words, n);
  assert_int_equal(command_compile(u, &r->o), STATUS_DONE);
  assert_true(file_write(u, main_file, program, sizeof program - 1));
  const char *const arguments[] = {"-std=c11",
                                   "-O1",
                                   "-Wall",
                                   "-Wextra",
                                   "-Wconversion",
                                   "-Werror",
                                   "-Wshadow",
                                   toolchain_openmp(u, &r->o) ? "-fopenmp" : "-O1",
                                   arena_printf(u->arena, "-DINPUT=%d", (int)r->input_size),
                                   arena_printf(u->arena, "-DCLASSES=%d", (int)r->classes),
                                   arena_printf(u->arena, "-DMOST=%d", (int)largest_param(r->g)),
                                   main_file,
                                   source,
                                   "-o",
                                   arena_printf(u->arena, "%s/program", r->folder),
                                   "-lm",
                                   NULL};
  assert_true(toolchain_cc(u, &r->o, arguments));
}

/* What it prints with so many samples and threads; both halves of it are alike. */
static Text run_program(const Run *r, int64_t n, int threads) {
  Text output = {.arena = r->u->arena};
  const char *const words[] = {arena_printf(r->u->arena, "%s/program", r->folder),
                               arena_printf(r->u->arena, "%d", (int)n),
                               arena_printf(r->u->arena, "%d", threads), NULL};
  assert_int_equal(toolchain_run(r->u, words, &output), 0);
  output.n /= 2;
  assert_memory_equal(output.at, output.at + output.n, output.n);
  return output;
}

/* ---- what is expected */

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Run *r = context;
  const Node *node = &g->node.at[leaf];
  int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  if (node->op == OP_param) return r->param[index];
  if (node->op == OP_state) return r->state[index];
  return g->input.at[index].kind == INPUT_TARGET ? r->target : r->x;
}

/* Products added into one number, at most. */
static int64_t longest_reduction(const Run *r) {
  int64_t longest = 1;
  for (Id id = 0; id < r->g->node.n; id++) {
    if (r->g->node.at[id].nargs == 0) continue;
    Kernel k;
    int64_t terms = 1;
    node_kernel(r->g, id, &k);
    for (int l = 0; l < k.nloop; l++)
      if (k.loop[l].reduced) terms *= extent_at(k.loop[l].extent, r->n);
    if (terms > longest) longest = terms;
  }
  return longest;
}

/* Every entry's results are gradients or updates of the values before it; memory is changed after
 * all of them are known. */
static void update(Run *r, EntryKind kind) {
  const Entry *entry = &r->g->entry[kind];
  Id *want = NEW_ARRAY(r->u->arena, Id, entry->update.n + 1);
  for (int i = 0; i < entry->update.n; i++) want[i] = entry->update.at[i].value;
  Array *value = graph_run(r->g, want, entry->update.n, r->n, leaf_value, r);
  for (int i = 0; i < entry->update.n; i++) {
    const Node *to = &r->g->node.at[entry->update.at[i].to];
    int64_t index = ((const LeafAttr *)to->attr)->index;
    double *at = to->op == OP_state ? r->state[index] : r->param[index];
    memcpy(at, value[i].at, (size_t)type_size(&to->type, 1) * sizeof *at);
  }
}

/* Step i is the pass i + 1 after toy_init_params(SEED). */
static void draw(Graph *g, int step) {
  g->seed = SEED;
  g->pass = step + 1;
}

/* Loss and gradients; then the parameters move. */
static void take_step(Run *r) {
  const Entry *backward = &r->g->entry[ENTRY_BACKWARD];
  *r->loss =
      graph_run(r->g, r->g->entry[ENTRY_TRAIN_FORWARD].want.at, 1, r->n, leaf_value, r)->at[0];
  Array *gradient = graph_run(r->g, backward->want.at, backward->want.n, r->n, leaf_value, r);
  for (int w = 0; w < backward->want.n; w++)
    for (int i = 0; i < r->g->param.n; i++)
      if (strcmp(backward->want_name.at[w], r->g->param.at[i].name) == 0)
        r->grad[i] = gradient[w].at;
}

static void finish_step(Run *r) {
  update(r, ENTRY_TRAIN_FORWARD); /* from the parameters of this step */
  update(r, ENTRY_STEP);
  r->g->steps++;
}

static double **zeros(Unit *u, int n, const int64_t *size) {
  double **at = NEW_ARRAY(u->arena, double *, n + 1);
  for (int i = 0; i < n; i++) at[i] = NEW_ARRAY(u->arena, double, size[i]);
  return at;
}

/* Memory as toy_init_params leaves it. */
static void start(Run *r, int64_t n) {
  const Graph *g = r->g;
  int64_t *param = NEW_ARRAY(r->u->arena, int64_t, g->param.n + 1);
  int64_t *state = NEW_ARRAY(r->u->arena, int64_t, g->state.n + 1);
  for (int i = 0; i < g->param.n; i++) param[i] = type_size(&g->param.at[i].type, 1);
  for (int i = 0; i < g->state.n; i++) state[i] = type_size(&g->state.at[i].type, 1);
  r->n = n;
  r->g->steps = 0;
  r->param = params_seeded(g, SEED);
  r->state = zeros(r->u, g->state.n, state);
  r->grad = zeros(r->u, g->param.n, param);
  r->loss = NEW(r->u->arena, double);
  r->x = NEW_ARRAY(r->u->arena, double, n * r->input_size);
  r->target = NEW_ARRAY(r->u->arena, double, n);
  for (int64_t i = 0; i < n * r->input_size; i++) r->x[i] = (float)(i * 37 % 101 - 50) / 64;
  for (int64_t i = 0; i < n; i++) r->target[i] = (double)(i * 3 % r->classes);
}

/* ---- comparing */

typedef struct Printed {
  const float *at, *end;
  double tolerance;
  const char *title;
} Printed;

static void compare(Printed *p, const double *expected, int64_t n, double factor,
                    const char *what) {
  double error = 0, largest = 0;
  if (p->end - p->at < n) fail_msg("%s: %s is not there", p->title, what);
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(p->at[i])) fail_msg("%s: %s is not finite", p->title, what);
    error = fmax(error, fabs((double)p->at[i] - factor * expected[i]));
    largest = fmax(largest, fabs(factor * expected[i]));
  }
  if (!(error <= p->tolerance * largest))
    fail_msg("%s: %s: error %g, largest %g", p->title, what, error, largest);
  p->at += n;
}

static bool has_gradient(const Run *r, int param) {
  const Entry *backward = &r->g->entry[ENTRY_BACKWARD];
  for (int i = 0; i < backward->want.n; i++)
    if (strcmp(backward->want_name.at[i], r->g->param.at[param].name) == 0) return true;
  return false;
}

static void compare_gradients(const Run *r, Printed *p, double factor) {
  for (int i = 0; i < r->g->param.n; i++)
    if (has_gradient(r, i))
      compare(p, r->grad[i], type_size(&r->g->param.at[i].type, 1), factor, r->g->param.at[i].name);
}

/* Of rounding errors, by the algorithm that is forced. */
static double growth(const Run *r) {
  return r->forced ? algo_find(r->forced->algo)->tolerance : 1;
}

/* Of the largest number of a tensor: the rounding of the longest sum, in each of the up to eight
 * sums that follow one another forward and back; a step later the parameters carry it as well. */
static void compare_steps(Run *r, const Text *output) {
  Printed p = {.at = (const float *)(const void *)output->at};
  p.end = p.at + output->n / sizeof(float);
  start(r, r->n);
  for (int i = 0; i < STEPS; i++) {
    p.title = arena_printf(r->u->arena, "%s, %s, %d samples, step %d", r->net->name,
                           r->plan->target->name, (int)r->n, i + 1);
    p.tolerance = (i + 1) * 8 * 0x1p-24 * sqrt((double)longest_reduction(r)) * growth(r);
    draw(r->g, i);
    take_step(r);
    compare(&p, r->loss, 1, 1, "the loss");
    compare_gradients(r, &p, 1);
    if (i == 0) compare_gradients(r, &p, 2);
    finish_step(r);
    for (int k = 0; k < r->g->param.n; k++)
      compare(&p, r->param[k], type_size(&r->g->param.at[k].type, 1), 1, r->g->param.at[k].name);
  }
  assert_ptr_equal(p.at, p.end);
}

static void check_batch(Run *r, int64_t n) {
  const Text output = run_program(r, n, 1);
  r->n = n;
  compare_steps(r, &output);
  for (int threads = 2; threads <= 3; threads++) {
    const Text other = run_program(r, n, threads);
    assert_int_equal(other.n, output.n);
    assert_memory_equal(other.at, output.at, output.n);
  }
}

/* ---- cases */

static const char *network_file(Run *r) {
  if (r->net->file) return r->net->file;
  const char *file = arena_printf(r->u->arena, "%s/net.json", r->folder);
  assert_true(file_write(r->u, file, r->net->text, strlen(r->net->text)));
  return file;
}

/* What is forced was taken, in every role that it serves. */
static void check_taken(const Run *r) {
  bool taken[ROLES] = {false};
  for (int i = 0; i < r->plan->choice.n; i++) {
    const Choice *c = &r->plan->choice.at[i];
    if (c->taken && strcmp(c->algo, r->forced->algo) == 0) taken[c->role] = true;
  }
  for (int i = 0; i < r->forced->roles; i++)
    if (!taken[i]) fail_msg("%s, %s: no %s", r->net->name, r->plan->target->name, role_names[i]);
}

static void open_net(Run *r, const Net *net, const Forced *algorithm, const char *target,
                     int64_t memory) {
  ReadOptions read = {.training = true};
  *r = (Run){.u = unit_new(), .net = net, .forced = algorithm, .memory = memory};
  r->folder = toolchain_folder(r->u);
  r->file = network_file(r);
  r->g = read_network(r->u, r->file, &read);
  assert_non_null(r->g);
  pass_grad(r->g);
  r->input_size = type_size(&r->g->input.at[0].type, 1);
  Id output = r->g->entry[ENTRY_FORWARD].want.at[0];
  r->classes = type_size(&r->g->node.at[output].type, 1);
  build(r, target);
  Graph *g = pipeline_read(r->u, &r->o);
  r->plan = pipeline_plan(r->u, &r->o, g, target_find(target), false);
  assert_non_null(r->plan);
  if (algorithm) check_taken(r);
}

static void close_net(Run *r) {
  toolchain_remove(r->u, r->folder);
  unit_free(r->u);
}

static void check_net(const Net *net, const Forced *algorithm, const char *target, int from,
                      int to) {
  Run r;
  open_net(&r, net, algorithm, target, 0);
  for (int n = from; n <= to; n++) check_batch(&r, n);
  close_net(&r);
}

/* With a quarter less for what forward keeps. Where tensors lie in plain rows, no choice depends on
 * which of them are kept. */
static void check_limited(const Net *net, const char *target) {
  Run all, less;
  open_net(&all, net, NULL, target, 0);
  const Text expected = run_program(&all, 3, 1);
  open_net(&less, net, NULL, target, library_training_bytes(all.plan) - all.plan->kept_bytes / 4);
  assert_true(less.plan->recompute.again.n > 0);
  assert_true(library_training_bytes(less.plan) <= less.memory);
  check_batch(&less, 3);
  const Text output = run_program(&less, 3, 1);
  assert_int_equal(output.n, expected.n);
  if (target_find(target)->lanes == 1) assert_memory_equal(output.at, expected.at, output.n);
  close_net(&all);
  close_net(&less);
}

/* The targets that this CPU runs. */
static int runnable(const char **name) {
  int n = 0;
  for (int i = 0; targets[i]; i++) {
    if (target_runs(targets[i]))
      name[n++] = targets[i]->name;
    else
      print_message("skipped: this CPU does not run %s\n", targets[i]->name);
  }
  return n;
}

static void lenet5_takes_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(name);
  for (int i = 0; i < n; i++)
    if (has_turn(n - 1, i, n))
      check_net(&lenet5, NULL, name[i], i == n - 1 ? 1 : 3, i == n - 1 ? MAX_BATCH : 3);
}

static void small_networks_take_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(name);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < COUNT(nets); k++)
      if (has_turn(k, i, n)) check_net(&nets[k], NULL, name[i], 3, 3);
}

static void algorithms_take_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(name);
  for (int k = 0; k < COUNT(forced); k++)
    for (int i = 0; i < n && !takes_many(&forced[k]); i++)
      if (has_turn(k, i, n)) check_net(&forced[k].net, &forced[k], name[i], 3, 3);
}

/* With images in lanes: of several vectors of them the last one is not full. */
static void many_samples_take_steps(void **state) {
  (void)state;
  const char *name[16];
  int n = 0, usable = runnable(name);
  for (int i = 0; i < usable; i++)
    if (target_find(name[i])->lanes > 1) name[n++] = name[i];
  for (int k = 0; k < COUNT(forced); k++)
    for (int i = 0; i < n && takes_many(&forced[k]); i++) {
      if (!has_turn(k, i, n)) continue;
      Run r;
      open_net(&r, &forced[k].net, &forced[k], name[i], 0);
      check_batch(&r, 3);
      check_batch(&r, MANY);
      close_net(&r);
    }
}

/* Batch norm's statistics are updated once, what is dropped stays dropped. */
static void activations_are_computed_again(void **state) {
  (void)state;
  const char *name[16];
  int n = runnable(name);
  for (int i = 0; i < n; i++)
    for (int k = 0; k < COUNT(nets); k++)
      if (has_turn(k, i, n) && (strstr(nets[k].name, "dropout") ||
                                strstr(nets[k].name, "residual") || strstr(nets[k].name, "maxima")))
        check_limited(&nets[k], name[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(algorithms_take_steps), cmocka_unit_test(many_samples_take_steps),
      cmocka_unit_test(activations_are_computed_again), cmocka_unit_test(small_networks_take_steps),
      cmocka_unit_test(lenet5_takes_steps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
