/* networks.c - random networks (generate.c), many in one library: emitted for a target that this
 * CPU runs, its loads and stores proved, built and called, against the Graph interpreted in double
 * before any pass.
 *
 *   random_networks [SEED [COUNT]]                  networks SEED ... SEED + COUNT - 1
 *   random_networks SEED 1 TARGET ALGORITHM BATCH   a network alone; the document goes to stdout
 *
 * The allowed error is a multiple of what noise of the size of f32's rounding changes (judge.c).
 * Each group runs in a process of its own, so that a crash names the seeds; then each of them runs
 * alone. */
#define _XOPEN_SOURCE 700
#include <dlfcn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver.h"
#include "algos.h"
#include "generate.h"
#include "judge.h"

enum { AT_ONCE = 25, DIFFERS = 1, UNPROVED = 2, CRASHED = 4 };
static const double allowed_noise = 64;
static const Wanted wanted = {
    .samples = MOST_SAMPLES, .rounding = F32_ROUNDING, .accepts = judge_accepts};

/* ---- a group: networks in one library ---- */

typedef struct Group {
  Unit *u;
  int64_t seed;
  int count;
  const Target *target;
  const Algo *algo; /* forced wherever it fits; NULL: what cnnc chooses */
  int64_t batch, n;
  int threads;
  char folder[32];
  Graph *g;
} Group;

/* What is compiled: the library, and a function that gives it memory between guards, parameters by
 * name, jobs in reverse order, and calls it; between these two texts stand forward's arguments. */
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
    "int call_net(int n, int threads, const float *(*param)(void *, const char *), void *context,\n"
    "             void **in, void **out) {\n"
    "  size_t work = net_WORK_BYTES(threads), params = net_PARAMS_BYTES;\n"
    "  net_memory m = {.hash = net_HASH, .params = guarded(params), .params_bytes = params,\n"
    "                  .work = guarded(work), .work_bytes = work};\n"
    "  net ctx;\n"
    "  int status = net_init(&ctx, &m, threads);\n"
    "  if (!status) status = net_init_params(&ctx, 1);\n"
    "  ctx.parallel = reversed;\n"
    "  ctx.user = &threads;\n"
    "  for (int i = 0; i < net_PARAM_COUNT && !status; i++)\n"
    "    status = net_set_param(&ctx, i, param(context, net_params[i].name));\n"
    "  if (!status) status = net_forward(&ctx, n";
static const char after_call[] =
    ");\n"
    "  if (!is_whole(m.params, params) || !is_whole(m.work, work)) status = 1;\n"
    "  free((char *)m.params - GUARD);\n"
    "  free((char *)m.work - GUARD);\n"
    "  return status;\n}\n";

static const float *param_values(void *context, const char *name) {
  const Graph *g = context;
  int p = 0;
  while (strcmp(g->param.at[p].name, name) != 0) p++;
  const double *wide = judge_leaf(g->u->arena, g, g->param.at[p].node, 1);
  int64_t size = type_size(&g->param.at[p].type, 1);
  float *values = NEW_ARRAY(g->u->arena, float, size);
  for (int64_t i = 0; i < size; i++) values[i] = (float)wide[i];
  return values;
}

static void read_group(Group *b) {
  FILE *messages = b->u->messages;
  Document d = document_new();
  for (int i = 0; i < b->count; i++) generate(&d, b->seed + i, &wanted);
  char *text = document_text(&d);
  const char *kept = arena_copy(b->u->arena, text, strlen(text));
  free(text);
  document_free(&d);
  b->u->messages = fopen("/dev/null", "w"); /* warnings of what no output needs */
  b->g = read_text(b->u, "random.json", kept, strlen(kept), &(ReadOptions){0});
  fclose(b->u->messages);
  b->u->messages = messages;
  if (!b->g) BUG("networks that were accepted are refused together");
}

/* False: loads and stores are not proved; it is built and run all the same. */
static bool emit_group(const Group *b) {
  Unit *u = b->u;
  const char *words[12] = {
      "cnnc",       "net.json", "--target", b->target->name,
      "--parallel", "none",     "--batch",  arena_printf(u->arena, "%d", (int)b->batch)};
  int n = 8;
  Options o;
  Emitted emitted = {0};
  if (b->algo) {
    words[n++] = "--algo";
    words[n++] = arena_printf(u->arena, "*=%s", b->algo->name);
  }
  if (!options_parse(u, &o, n, (char *const *)(uintptr_t)words)) BUG("options");
  Plan *plan = pipeline_plan(u, &o, b->g, b->target, false);
  if (!plan) BUG("there is no plan");
  compile_emit(u, &o, plan, NULL, "net", "net", &emitted);
  if (!compile_write(u, &emitted, arena_printf(u->arena, "%s/", b->folder))) BUG("not written");
  return compile_validate(u, b->target, &emitted);
}

typedef int CallNet(int n, int threads, const float *(*param)(void *, const char *), void *context,
                    void **in, void **out);

static CallNet *build_group(const Group *b) {
  Text text = {.arena = b->u->arena};
  text_add(&text, "%s", before_call);
  for (int i = 0; i < b->g->input.n; i++) text_add(&text, ", in[%d]", i);
  for (int i = 0; i < b->g->entry[ENTRY_FORWARD].want.n; i++) text_add(&text, ", out[%d]", i);
  text_add(&text, "%s", after_call);
  const char *file = arena_printf(b->u->arena, "%s/call.c", b->folder);
  const char *library = arena_printf(b->u->arena, "%s/call.so", b->folder);
  if (!file_write(b->u, file, text.at, text.n)) BUG("not written");
  if (system(arena_printf(b->u->arena, "cc -std=c11 -O1 -w -fPIC -shared %s -o %s -lm", file,
                          library)))
    BUG("the C compiler refuses net.c");
  void *handle = dlopen(library, RTLD_NOW);
  if (!handle) BUG("%s", dlerror());
  CallNet *function;
  void *symbol = dlsym(handle, "call_net");
  memcpy(&function, &symbol, sizeof function);
  return function;
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

static int compare(const Group *b, const Judged *want, int output, const float *have) {
  double error = 0, allowed = allowed_noise * want->noise + 4e-6 * want->largest + 1e-12;
  if (b->algo) allowed *= b->algo->tolerance;
  for (int64_t k = 0; k < want->size; k++) {
    double difference = fabs((double)have[k] - want->value[k]);
    if (!(difference <= error)) error = difference;
  }
  if (error <= allowed) return 0;
  printf("%s, %s: output %s: error %.3g of %.3g, allowed %.3g\n", b->target->name, algo_name(b),
         b->g->entry[ENTRY_FORWARD].want_name.at[output], error, want->largest, allowed);
  return DIFFERS;
}

/* Networks were accepted with few samples: where others are out of range, there are no more. */
static bool judge_group(Group *b, Judged *want) {
  if (judge(b->u->arena, b->g, b->n, wanted.rounding, want)) return true;
  if (b->n <= MOST_SAMPLES) return false;
  b->n = MOST_SAMPLES;
  return judge(b->u->arena, b->g, b->n, wanted.rounding, want);
}

static int run_group(Group *b) {
  b->u = unit_new();
  read_group(b);
  const Entry *forward = &b->g->entry[ENTRY_FORWARD];
  Arena *arena = b->u->arena;
  Judged *want = NEW_ARRAY(arena, Judged, forward->want.n);
  void **out = NEW_ARRAY(arena, void *, forward->want.n);
  int found = 0;
  if (!judge_group(b, want)) BUG("values that were accepted are out of range");
  for (int i = 0; i < forward->want.n; i++) {
    out[i] = NEW_ARRAY(arena, float, want[i].size);
    memset(out[i], 0xff, sizeof(float) * (size_t)want[i].size);
  }
  if (!emit_group(b)) found = UNPROVED;
  int status = build_group(b)((int)b->n, b->threads, param_values, b->g, input_arrays(b), out);
  if (status) printf("forward answers %d\n", status);
  if (status) found |= DIFFERS;
  for (int i = 0; i < forward->want.n; i++) found |= compare(b, &want[i], i, out[i]);
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
  printf("FOUND%s%s%s: seeds %lld to %lld, target %s, algorithm %s, batch %lld\n",
         found & DIFFERS ? " another result" : "", found & UNPROVED ? " an unproved access" : "",
         found & CRASHED ? " a crash" : "", (long long)b->seed, (long long)b->seed + b->count - 1,
         b->target->name, algo_name(b), (long long)b->batch);
}

/* A group that fails is taken apart, to name the networks. */
static int check(const Group *b) {
  int failed = 0, found = check_group(b);
  if (!found) return 0;
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
  Document d = document_new();
  generate(&d, seed, &wanted);
  char *text = document_text(&d);
  puts(text);
  b.target = target_find(argument[3]);
  b.algo = algo_find(argument[4]); /* "chosen": none */
  b.batch = b.n = atoll(argument[5]);
  free(text);
  document_free(&d);
  return b.target && b.batch > 0 && check(&b);
}

int main(int argc, char **argv) {
  int64_t seed = argc > 1 ? atoll(argv[1]) : 1, count = argc > 2 ? atoll(argv[2]) : 300;
  int64_t failed = 0, end = seed + count;
  if (count < 1 || (argc > 3 && argc != 6)) {
    fprintf(stderr, "usage: random_networks [SEED [COUNT [TARGET ALGORITHM BATCH]]]\n");
    return 2;
  }
  json_object_seed(1);
  if (argc == 6) return check_alone(argv);
  printf("random networks, seeds %lld to %lld\n", (long long)seed, (long long)end - 1);
  for (int64_t from = seed; from < end; from += AT_ONCE) {
    Group b = group_of(from, (int)(end - from < AT_ONCE ? end - from : AT_ONCE));
    failed += check(&b);
  }
  printf("%lld networks, %lld failures\n", (long long)count, (long long)failed);
  return failed ? 1 : 0;
}
