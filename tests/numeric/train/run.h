/* run.h - a network on a target: its library and the program around it (program.c), built and
 * run. */
#ifndef RUN_H
#define RUN_H

#include "forced.h"

#include "driver.h"
#include "passes.h"

enum { MAX_BATCH = 4, MANY = 19, SEED = 5 };

typedef struct Run {
  Unit *u;
  const Net *net;
  const char *target;
  int64_t memory;    /* --max-memory; 0: none */
  int64_t max_batch; /* of the library */
  const char *folder, *file;
  Options o;
  Graph *g; /* before any pass */
  /* of one sample: */
  int64_t input_size, targets, classes;
  bool labels; /* is a target the number of a class? */
  int64_t n;   /* samples */
  double **param, **state, **grad, *loss, *x, *wanted;
} Run;

static inline const char *network_file(const Run *r) {
  if (r->net->file) return r->net->file;
  const char *file = arena_printf(r->u->arena, "%s/net.json", r->folder);
  char *text = requoted(r->net->text);
  assert_true(file_write(r->u, file, text, strlen(text)));
  free(text);
  return file;
}

static inline void set_sizes(Run *r) {
  const Graph *g = r->g;
  const Type *output = &g->node.at[g->entry[ENTRY_FORWARD].want.at[0]].type;
  r->input_size = type_size(&g->input.at[0].type, 1);
  r->classes = output->dim[1].plus;
  for (int i = 0; i < g->input.n; i++) {
    if (g->input.at[i].kind != INPUT_TARGET) continue;
    r->targets = type_size(&g->input.at[i].type, 1);
    r->labels = g->input.at[i].type.dtype == I32;
  }
}

static inline int64_t largest_param(const Graph *g) {
  int64_t most = 1;
  for (int i = 0; i < g->param.n; i++)
    if (type_size(&g->param.at[i].type, 1) > most) most = type_size(&g->param.at[i].type, 1);
  return most;
}

/* The compiler is asked once whether it has it. */
static inline const char *openmp_flag(const Run *r) {
  static const char *flag;
  if (!flag) flag = toolchain_openmp(r->u, &r->o) ? "-fopenmp" : "-Wall";
  return flag;
}

static inline const char *define(const Run *r, const char *name, int64_t value) {
  return arena_printf(r->u->arena, "-D%s=%d", name, (int)value);
}

static inline void set_options(Run *r, const char *source) {
  Arena *arena = r->u->arena;
  TextList words = {0};
  const char *const always[] = {
      "cnnc",     r->file,   "--train", "--batch", arena_printf(arena, "%d", (int)r->max_batch),
      "--target", r->target, "-o",      source,    "--prefix",
      "toy"};
  for (int i = 0; i < COUNT(always); i++) vec_push(arena, &words, always[i]);
  if (r->memory) {
    vec_push(arena, &words, "--max-memory");
    vec_push(arena, &words, arena_printf(arena, "%lld", (long long)r->memory));
  }
  const int unforced = words.n;
  for (int i = 0; i < r->g->layer.n; i++) {
    const char *layer = r->g->layer.at[i].name;
    const Algo *algo = algo_of_layer(layer);
    if (!algo) continue;
    vec_push(arena, &words, "--algo");
    vec_push(arena, &words, arena_printf(arena, "%s=%s", layer, algo->name));
  }
  if (words.n > unforced) { /* none of them is refused for its error */
    vec_push(arena, &words, "--max-error");
    vec_push(arena, &words, "1");
  }
  assert_true(options_parse(r->u, &r->o, words.n, (char *const *)(uintptr_t)words.at));
}

/* Compiles the library and the program around it: in the long form as cnnc would, else in half the
 * time. */
static inline void build(Run *r) {
  Unit *u = r->u;
  const char *source = arena_printf(u->arena, "%s/net.c", r->folder);
  set_options(r, source);
  assert_int_equal(command_compile(u, &r->o), STATUS_DONE);
  const char *const arguments[] = {"-std=c11",
                                   is_long() ? "-O2" : "-Og",
                                   "-Wall",
                                   "-Wextra",
                                   "-Wconversion",
                                   "-Werror",
                                   "-Wshadow",
                                   openmp_flag(r),
                                   define(r, "INPUT", r->input_size),
                                   define(r, "TARGETS", r->targets),
                                   r->labels ? "-DTARGET=int" : "-DTARGET=float",
                                   define(r, "MOST", largest_param(r->g)),
                                   define(r, "SEED", SEED),
                                   "-I",
                                   r->folder,
                                   "tests/numeric/train/program.c",
                                   source,
                                   "-o",
                                   arena_printf(u->arena, "%s/program", r->folder),
                                   "-lm",
                                   NULL};
  assert_true(toolchain_cc(u, &r->o, arguments));
}

static inline Plan *plan_of(const Run *r) {
  Plan *p = pipeline_plan(r->u, &r->o, pipeline_read(r->u, &r->o), target_find(r->target), false);
  assert_non_null(p);
  return p;
}

static inline void open_net(Run *r, const Net *net, const char *target, int64_t max_batch,
                            int64_t memory) {
  ReadOptions read = {.training = true};
  *r = (Run){.u = unit_new(), .net = net, .target = target, .memory = memory};
  r->max_batch = max_batch;
  r->folder = toolchain_folder(r->u);
  r->file = network_file(r);
  r->g = read_network(r->u, r->file, &read);
  assert_non_null(r->g);
  pass_grad(r->g);
  set_sizes(r);
  build(r);
}

static inline void close_net(Run *r) {
  toolchain_remove(r->u, r->folder);
  unit_free(r->u);
}

/* ---- samples ---- */

static inline double target_value(const Run *r, int64_t i) {
  if (r->labels) return (double)(i * 3 % r->classes);
  if (r->net->targets == SIGNS) return i * 5 % 7 < 3 ? -1 : 1;
  return (double)(i * 29 % 65) / 64;
}

static inline void set_samples(Run *r, int64_t n) {
  r->n = n;
  r->x = NEW_ARRAY(r->u->arena, double, n * r->input_size);
  r->wanted = NEW_ARRAY(r->u->arena, double, n * r->targets);
  for (int64_t i = 0; i < n * r->input_size; i++) r->x[i] = (double)(i * 37 % 101 - 50) / 64;
  for (int64_t i = 0; i < n * r->targets; i++) r->wanted[i] = target_value(r, i);
}

/* For the program. */
static inline const char *samples_file(const Run *r) {
  const char *file = arena_printf(r->u->arena, "%s/samples", r->folder);
  const int64_t inputs = r->n * r->input_size, wanted = r->n * r->targets;
  float *numbers = NEW_ARRAY(r->u->arena, float, inputs + wanted);
  for (int64_t i = 0; i < inputs; i++) numbers[i] = (float)r->x[i];
  for (int64_t i = 0; i < wanted; i++) {
    const int32_t label = (int32_t)r->wanted[i];
    numbers[inputs + i] = (float)r->wanted[i];
    if (r->labels) memcpy(&numbers[inputs + i], &label, sizeof label);
  }
  assert_true(
      file_write(r->u, file, (const char *)numbers, (size_t)(inputs + wanted) * sizeof *numbers));
  return file;
}

/* What it prints with so many threads; both halves of it are alike. */
static inline Text run_program(const Run *r, int threads) {
  Text output = {.arena = r->u->arena};
  const char *const words[] = {arena_printf(r->u->arena, "%s/program", r->folder),
                               arena_printf(r->u->arena, "%d", (int)r->n),
                               arena_printf(r->u->arena, "%d", threads), samples_file(r), NULL};
  assert_int_equal(toolchain_run(r->u, words, &output), 0);
  output.n /= 2;
  assert_memory_equal(output.at, output.at + output.n, output.n);
  return output;
}

#endif
