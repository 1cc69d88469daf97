/* networks.c - random networks (generate.c), many in one library: emitted for a target that this
 * CPU runs, its loads and stores proved, built and called, against the Graph interpreted in double
 * before any pass: outputs of libraries that infer; outputs, the loss and all gradients of
 * libraries that train.
 *
 *   random_networks [SEED [COUNT]]                         networks SEED ... SEED + COUNT - 1
 *   random_networks SEED 1 TARGET ALGORITHM BATCH [train]  a network alone; the document goes to
 *                                                          stdout
 *
 * The allowed error is what noise of some roundings of f32 changes (judge.c). Each group runs in a
 * process of its own, so that a crash names the seeds; then each of them runs alone. */
#define _XOPEN_SOURCE 700
#include <dlfcn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "algos.h"
#include "library.h"
#include "judge.h"

enum { AT_ONCE = 25, DIFFERS = 1, UNPROVED = 2, CRASHED = 4, OUT_OF_RANGE = 8, SEED = 2 };
static const Rounding rounding = {F32_ROUNDING, 64};

/* ---- a group: networks in one library ---- */

typedef struct Group {
  Unit *u;
  int64_t seed;
  int count;
  const Target *target;
  const Algo *algo; /* forced wherever it fits; NULL: what cnnc chooses */
  bool training;
  int64_t batch, n;
  int threads;
  const Plan *plan;
  char folder[32];
  Graph *g; /* before any pass */
} Group;

static Wanted wanted_of(const Group *b) {
  return (Wanted){b->training, MOST_SAMPLES, rounding, judge_accepts};
}

/* ---- the program ---- */

/* What is compiled: the library, and a function that gives it memory between guards, parameters by
 * name, jobs in reverse order, and calls it: `at` has the address of a parameter's values, or where
 * its gradient is wanted (NULL: nowhere). Between these two texts stand the calls. */
static const char before_call[] =
    "#include \"net.c\"\n"
    "#include <stdlib.h>\n#include <string.h>\n"
    "enum { GUARD = 256 };\n"
    "static void *guarded(size_t n) {\n"
    "  unsigned char *at = aligned_alloc(64, (n + 2 * GUARD + 63) / 64 * 64);\n"
    "  return (unsigned char *)memset(at, 0xff, n + 2 * GUARD) + GUARD;\n}\n"
    "static int is_whole(const unsigned char *at, size_t n) {\n"
    "  int whole = 1;\n"
    "  for (int i = 0; i < GUARD; i++) whole &= at[i - GUARD] == 0xff && at[n + i] == 0xff;\n"
    "  return whole;\n}\n"
    "static void reversed(void *threads, int jobs, net_job *job, void *arg) {\n"
    "  for (int i = jobs; i-- > 0;) job(arg, i, i % *(int *)threads);\n}\n"
    "int call_net(int n, int threads, float *(*at)(void *, const char *, int), void *context,\n"
    "             void **in, void **out) {\n"
    "  size_t work = net_WORK_BYTES(threads), params = net_PARAMS_BYTES, grads = 0, state = 0;\n"
    "#ifdef net_GRADS_BYTES\n"
    "  work = net_TRAIN_WORK_BYTES(threads), grads = net_GRADS_BYTES, state = net_STATE_BYTES;\n"
    "#endif\n"
    "  net_memory m = {.hash = net_HASH, .params = guarded(params), .params_bytes = params,\n"
    "                  .work = guarded(work), .work_bytes = work};\n"
    "  void *trained[2] = {guarded(grads), guarded(state)};\n"
    "#ifdef net_GRADS_BYTES\n"
    "  m.grads = trained[0], m.grads_bytes = grads, m.state = trained[1], m.state_bytes = state;\n"
    "#endif\n"
    "  net ctx;\n"
    "  int status = net_init(&ctx, &m, threads);\n"
    "  if (!status) status = net_init_params(&ctx, SEED);\n"
    "  ctx.parallel = reversed;\n"
    "  ctx.user = &threads;\n"
    "  for (int i = 0; i < net_PARAM_COUNT && !status; i++)\n"
    "    status = net_set_param(&ctx, i, at(context, net_params[i].name, 0));\n";
static const char after_call[] =
    "  for (int i = 0; i < net_PARAM_COUNT && grads && !status; i++) {\n"
    "    float *to = at(context, net_params[i].name, 1);\n"
    "    if (to) status = net_get_grad(&ctx, i, to);\n  }\n"
    "  if (!is_whole(m.params, params) || !is_whole(m.work, work)) status = 1;\n"
    "  if (!is_whole(trained[0], grads) || !is_whole(trained[1], state)) status = 1;\n"
    "  free((char *)m.params - GUARD);\n"
    "  free((char *)m.work - GUARD);\n"
    "  for (int i = 0; i < 2; i++) free((char *)trained[i] - GUARD);\n"
    "  return status;\n}\n";

/* The index of a result: outputs, in training the loss, then gradients by name (-1: there is none).
 */
static int gradient_index(const Graph *g, const char *name) {
  const Entry *backward = &g->entry[ENTRY_BACKWARD];
  for (int i = 0; i < backward->want.n; i++)
    if (strcmp(backward->want_name.at[i], name) == 0) return g->entry[ENTRY_FORWARD].want.n + 1 + i;
  return -1;
}

static void add_calls(Text *t, const Group *b) {
  const Graph *g = b->g;
  const int outputs = g->entry[ENTRY_FORWARD].want.n;
  text_add(t, "  if (!status) status = net_forward(&ctx, n");
  for (int i = 0; i < g->input.n; i++)
    if (library_reads(b->plan, i)) text_add(t, ", in[%d]", i);
  for (int i = 0; i < outputs; i++) text_add(t, ", out[%d]", i);
  text_add(t, ");\n");
  if (!b->training) return;
  text_add(t, "  if (!status) status = net_train_forward(&ctx, n");
  for (int i = 0; i < g->input.n; i++) text_add(t, ", in[%d]", i);
  text_add(t, ", out[%d]);\n  if (!status) status = net_backward(&ctx, n, 0", outputs);
  for (int i = 0; i < g->input.n; i++)
    if (library_returns(b->plan, i))
      text_add(t, ", out[%d]", gradient_index(g, g->input.at[i].name));
  text_add(t, ");\n");
}

/* ---- its parts ---- */

static const char *document(const Group *b) {
  const Wanted wanted = wanted_of(b);
  Document d = document_new();
  for (int i = 0; i < b->count; i++) generate(&d, b->seed + i, &wanted);
  char *text = document_text(&d);
  const char *kept = arena_copy(b->u->arena, text, strlen(text));
  free(text);
  document_free(&d);
  return kept;
}

/* False: loads and stores are not proved; it is built and run all the same. */
static bool emit_group(Group *b, const char *text) {
  Unit *u = b->u;
  const char *words[16] = {
      "cnnc",       "net.json", "--target", b->target->name,
      "--parallel", "none",     "--batch",  arena_printf(u->arena, "%d", (int)b->batch)};
  int n = 8;
  Options o;
  Emitted emitted = {0};
  if (b->algo) {
    words[n++] = "--algo";
    words[n++] = arena_printf(u->arena, "*=%s", b->algo->name);
    words[n++] = "--max-error";
    words[n++] = "1e-5";
  }
  if (b->training) words[n++] = "--train";
  if (!options_parse(u, &o, n, (char *const *)(uintptr_t)words)) BUG("options");
  b->plan = pipeline_plan(u, &o, judge_read(u, text, b->training, SEED), b->target, false);
  if (!b->plan) BUG("there is no plan");
  compile_emit(u, &o, b->plan, NULL, "net", "net", &emitted);
  if (!compile_write(u, &emitted, arena_printf(u->arena, "%s/", b->folder))) BUG("not written");
  return compile_validate(u, b->target, &emitted);
}

typedef int CallNet(int n, int threads, float *(*at)(void *, const char *, int), void *context,
                    void **in, void **out);

static CallNet *build_group(const Group *b) {
  Text text = {.arena = b->u->arena};
  text_add(&text, "%s", before_call);
  add_calls(&text, b);
  text_add(&text, "%s", after_call);
  const char *file = arena_printf(b->u->arena, "%s/call.c", b->folder);
  const char *library = arena_printf(b->u->arena, "%s/call.so", b->folder);
  if (!file_write(b->u, file, text.at, text.n)) BUG("not written");
  if (system(arena_printf(b->u->arena, "cc -std=c11 -O1 -w -fPIC -shared -DSEED=%d %s -o %s -lm",
                          SEED, file, library)))
    BUG("the C compiler refuses net.c");
  void *handle = dlopen(library, RTLD_NOW);
  if (!handle) BUG("%s", dlerror());
  CallNet *function;
  void *symbol = dlsym(handle, "call_net");
  memcpy(&function, &symbol, sizeof function);
  return function;
}

typedef struct Called {
  const Group *b;
  void **out;
} Called;

static float *values_at(void *context, const char *name, int gradient) {
  const Called *c = context;
  const Graph *g = c->b->g;
  const int result = gradient ? gradient_index(g, name) : -1;
  int p = 0;
  if (gradient) return result < 0 ? NULL : c->out[result];
  while (strcmp(g->param.at[p].name, name) != 0) p++;
  const double *wide = judge_leaf(g->u->arena, g, g->param.at[p].node, 1);
  int64_t size = type_size(&g->param.at[p].type, 1);
  float *values = NEW_ARRAY(g->u->arena, float, size);
  for (int64_t i = 0; i < size; i++) values[i] = (float)wide[i];
  return values;
}

static void **input_arrays(const Group *b) {
  void **in = NEW_ARRAY(b->u->arena, void *, b->g->input.n);
  for (int i = 0; i < b->g->input.n; i++) {
    const Input *input = &b->g->input.at[i];
    int64_t size = type_size(&input->type, b->n);
    const double *wide = judge_leaf(b->u->arena, b->g, input->node, b->n);
    float *values = NEW_ARRAY(b->u->arena, float, size);
    in[i] = values;
    for (int64_t k = 0; k < size; k++)
      if (input->type.dtype == U8)
        ((unsigned char *)values)[k] = (unsigned char)wide[k];
      else
        values[k] = (float)wide[k];
  }
  return in;
}

static const char *algo_name(const Group *b) {
  return b->algo ? b->algo->name : "chosen";
}

static int compare(const Group *b, const Judged *want, const float *have) {
  double error = 0, allowed = want->noise + 4e-6 * want->largest + 1e-12;
  if (b->algo) allowed *= b->algo->tolerance;
  for (int64_t k = 0; k < want->size; k++) {
    double difference = fabs((double)have[k] - want->value[k]);
    if (!(difference <= error)) error = difference;
  }
  if (error <= allowed) return 0;
  printf("%s, %s%s: %s: error %.3g of %.3g, allowed %.3g\n", b->target->name, algo_name(b),
         b->training ? ", training" : "", want->name, error, want->largest, allowed);
  return DIFFERS;
}

/* Networks were accepted with few samples: where others are out of range, there are no more. */
static bool judge_group(Group *b, Judged *want) {
  if (judge(b->u->arena, b->g, b->n, rounding, want)) return true;
  if (b->n <= MOST_SAMPLES) return false;
  b->n = MOST_SAMPLES;
  return judge(b->u->arena, b->g, b->n, rounding, want);
}

static int run_group(Group *b) {
  b->u = unit_new();
  Arena *arena = b->u->arena;
  const char *text = document(b);
  b->g = judge_read(b->u, text, b->training, SEED);
  if (b->training) judge_gradients(b->g);
  const int results = judge_values(b->g);
  Judged *want = NEW_ARRAY(arena, Judged, results);
  Called called = {b, NEW_ARRAY(arena, void *, results)};
  int found = 0;
  if (!judge_group(b, want)) return OUT_OF_RANGE;
  for (int i = 0; i < results; i++) {
    called.out[i] = NEW_ARRAY(arena, float, want[i].size);
    memset(called.out[i], 0xff, sizeof(float) * (size_t)want[i].size);
  }
  if (!emit_group(b, text)) found = UNPROVED;
  int status =
      build_group(b)((int)b->n, b->threads, values_at, &called, input_arrays(b), called.out);
  if (status) printf("a call answers %d\n", status);
  if (status) found |= DIFFERS;
  for (int i = 0; i < results; i++) found |= compare(b, &want[i], called.out[i]);
  unit_free(b->u);
  return found;
}

/* ---- groups in processes ---- */

static int in_process(Group *b) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    int found = run_group(b);
    fflush(stdout);
    _exit(found);
  }
  int status;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : CRASHED;
}

extern const Algo algo_batch;

/* How a group is compiled follows from its first seed. */
static Group group_of(int64_t seed, int count) {
  const Target *usable[8];
  int n = 0;
  for (int t = 0; targets[t] && n < COUNT(usable); t++)
    if (target_runs(targets[t])) usable[n++] = targets[t];
  Random r = {(uint64_t)seed ^ 0x5eed};
  Group b = {.seed = seed, .count = count, .folder = "/tmp/cnnc_random_XXXXXX"};
  b.target = usable[random_int(&r, 0, n - 1)];
  int algo = random_int(&r, -ALGO_KINDS / 2, ALGO_KINDS - 1);
  b.algo = algo < 0 ? NULL : algos[algo];
  b.batch = random_int(&r, 1, MOST_SAMPLES);
  b.n = random_int(&r, 1, (int)b.batch);
  b.threads = random_int(&r, 1, 3);
  if (b.algo ? b.algo == &algo_batch : random_int(&r, 0, 1)) { /* for lanes of samples */
    b.batch += b.target->lanes;
    b.n = random_int(&r, 1, (int)b.batch);
  }
  b.training = random_int(&r, 0, 1);
  return b;
}

static int check_group(const Group *group) {
  Group b = *group;
  if (!mkdtemp(b.folder)) BUG("no folder");
  int found = in_process(&b);
  Unit *u = unit_new();
  toolchain_remove(u, b.folder);
  unit_free(u);
  return found;
}

static void report(const Group *b, int found) {
  printf("FOUND%s%s%s: seeds %lld to %lld, target %s, algorithm %s, batch %lld%s\n",
         found & DIFFERS ? " another result" : "", found & UNPROVED ? " an unproved access" : "",
         found & CRASHED ? " a crash" : "", (long long)b->seed, (long long)b->seed + b->count - 1,
         b->target->name, algo_name(b), (long long)b->batch, b->training ? " train" : "");
}

/* A group that fails is taken apart, to name the networks; and one whose losses add up to what is
 * out of range, or where dropout, which draws otherwise in a library of several networks than in
 * each alone, leads there: to leave out those that do. */
static int check(const Group *b) {
  int failed = 0, found = check_group(b);
  if (!found) return 0;
  if (found == OUT_OF_RANGE && b->count == 1) {
    printf("seed %lld is left out\n", (long long)b->seed);
    return 0;
  }
  if (found == OUT_OF_RANGE) {
    Group first = *b, second = *b;
    first.count = b->count / 2;
    second.seed += first.count;
    second.count -= first.count;
    return check(&first) + check(&second);
  }
  report(b, found);
  for (int i = 0; i < b->count && b->count > 1; i++) {
    Group one = *b;
    one.seed = b->seed + i;
    one.count = 1;
    found = check_group(&one);
    if (found) report(&one, found);
    failed += found != 0;
  }
  return failed ? failed : 1;
}

/* A network that was found, as report printed it. */
static int check_alone(char **argument) {
  int64_t seed = atoll(argument[1]);
  Group b = group_of(seed, 1);
  b.u = unit_new();
  b.target = target_find(argument[3]);
  b.algo = algo_find(argument[4]); /* "chosen": none */
  b.batch = b.n = atoll(argument[5]);
  b.training = argument[6] != NULL;
  puts(document(&b));
  unit_free(b.u);
  return b.target && b.batch > 0 && check(&b);
}

int main(int argc, char **argv) {
  int64_t seed = argc > 1 ? atoll(argv[1]) : 1, count = argc > 2 ? atoll(argv[2]) : 300;
  int64_t failed = 0, end = seed + count;
  if (count < 1 || (argc > 3 && argc != 6 && argc != 7)) {
    fprintf(stderr, "usage: random_networks [SEED [COUNT [TARGET ALGORITHM BATCH [train]]]]\n");
    return 2;
  }
  json_object_seed(1);
  if (argc >= 6) return check_alone(argv);
  printf("random networks, seeds %lld to %lld\n", (long long)seed, (long long)end - 1);
  for (int64_t from = seed; from < end; from += AT_ONCE) {
    Group b = group_of(from, (int)(end - from < AT_ONCE ? end - from : AT_ONCE));
    failed += check(&b);
  }
  printf("%lld networks, %lld failures\n", (long long)count, (long long)failed);
  return failed ? 1 : 0;
}
