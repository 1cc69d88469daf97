/* c_kernels.c - random kernels as C: emitted for every target that this CPU runs, compiled without
 * flags, run, and compared with the interpreter. Convolutions by a random algorithm, pools,
 * gradients and maps, of one to three dimensions, over buffers with random lanes and margins; once
 * more with samples in the lanes, the last vector not full. What lies in a result's memory outside
 * of its box must hold the fill. */
#include "c/function.h"
#include "c_kernels/case.h"

#include <dlfcn.h>
#include <unistd.h>

/* ---- emitting ---- */

static void emit_steps(Emit *e, const Plan *p, PlanEntry entry, const Steps *steps) {
  for (int i = 0; i < steps->n; i++) {
    const Slots slots = slots_find(p, steps->at[i]);
    emit(e, "{");
    emit(e, "test_args a = {.batch = n};");
    for (int s = 0; s < slots.nin; s++) emit(e, "a.in%d = buffer[%d];", s, slots.in[s]);
    for (int s = 0; s < slots.nout; s++) emit(e, "a.out%d = buffer[%d];", s, slots.out[s]);
    emit(e, "%s(&a, 0, 0);", emitted_function(e, job_key(e, p, entry, NULL, steps->at[i], &slots)));
    emit(e, "}");
  }
}

static Text emit_cases(Test *t) {
  Text text = {.arena = t->u->arena};
  Emit e = emit_start(t->u->arena, &text, "test", NULL);
  Steps *all = &t->p->entry[PLAN_FORWARD].step;
  t->p->entry[PLAN_FORWARD].exists = t->p->entry[PLAN_PREPARE].exists = true;
  for (int i = 0; i < t->n; i++)
    for (int s = 0; s < t->at[i].forward.n; s++) vec_push(t->u->arena, all, t->at[i].forward.at[s]);
  emit(&e, "#include <stddef.h>");
  generate_helpers(&e);
  generate_vectors(&e, t->p->target);
  generate_types(&e, t->p);
  for (int entry = PLAN_PREPARE; entry <= PLAN_FORWARD; entry++)
    for (int s = 0; s < t->p->entry[entry].step.n; s++)
      generate_kernel(&e, t->p, (PlanEntry)entry, t->p->entry[entry].step.at[s]);
  for (int i = 0; i < t->n; i++) {
    emit(&e, "void test_%d(void *const *buffer, int n);", i);
    BLOCK(&e, "void test_%d(void *const *buffer, int n)", i) {
      emit_steps(&e, t->p, PLAN_PREPARE, &t->at[i].prepare);
      emit_steps(&e, t->p, PLAN_FORWARD, &t->at[i].forward);
    }
  }
  return text;
}

/* The text as a shared library, opened; its files are gone again. */
static void *compile(Unit *u, const Text *text) {
  char folder[] = "/tmp/c_kernels.XXXXXX";
  assert_non_null(mkdtemp(folder));
  const char *source = arena_printf(u->arena, "%s/test.c", folder);
  const char *library = arena_printf(u->arena, "%s/test.so", folder);
  assert_true(file_write(u, source, text->at, text->n));
  const char *command = arena_printf(u->arena,
                                     "cc -std=c11 -O1 -Wall -Wextra -pedantic -Wshadow "
                                     "-Wconversion -Werror -fPIC -shared %s -o %s -lm",
                                     source, library);
  const int status = system(command);
  if (status) fail_msg("%s", command);
  void *handle = dlopen(library, RTLD_NOW);
  if (!handle) fail_msg("%s", dlerror());
  remove(source);
  remove(library);
  rmdir(folder);
  return handle;
}

/* ---- running and comparing ---- */

/* Physical memory of a buffer; a logical array goes into it, the rest is the fill (or NaN). */
static float *physical(Test *t, int buffer, const Array *logical, double rest) {
  const Buffer *b = &t->p->buffer.at[buffer];
  const Layout layout = buffer_layout(b, t->samples);
  float *at = aligned_alloc(64, ((size_t)layout.size * sizeof *at + 63) / 64 * 64);
  for (int64_t i = 0; i < layout.size; i++) at[i] = (float)rest;
  for (int64_t i = 0; logical && i < type_size(&b->type, t->samples); i++) {
    int64_t place = layout.origin, rest_of = i;
    for (int a = b->type.rank - 1; a >= 0; a--) {
      const int64_t extent = extent_at(b->type.dim[a], t->samples), c = rest_of % extent;
      rest_of /= extent;
      place += a == layout.lane_axis ? c / layout.lanes * layout.stride[a] + c % layout.lanes
                                     : c * layout.stride[a];
    }
    at[place] = (float)logical->at[i];
  }
  return at;
}

/* What the compiler knows: a matrix of an algorithm, in f32 or f64. */
static void *constant(const Buffer *b) {
  const size_t n = (size_t)type_size(&b->type, 1);
  const size_t size = n * (size_t)dtype_size(b->type.dtype);
  double *at = aligned_alloc(64, (size + 63) / 64 * 64);
  if (b->type.dtype == F64) return memcpy(at, b->value, size);
  for (size_t i = 0; i < n; i++) ((float *)at)[i] = (float)b->value[i];
  return at;
}

/* Rounding errors of a sum grow with its length. */
static double growth(const Test *t, const Kernel *k) {
  double terms = 1;
  for (int l = 0; l < k->nloop; l++)
    if (k->loop[l].reduced) terms *= (double)extent_at(k->loop[l].extent, t->samples);
  return fmax(1, sqrt(terms) / 8);
}

/* An input of a case; those of maxima are -infinity in most places. */
static Array draw(Test *t, const Case *c, int in) {
  Array a = random_array(t->u, &t->random, &c->type[in], t->samples);
  const double *value = t->p->buffer.at[c->buffer[in]].value;
  const bool maximum = c->k.nfold > 0 && c->k.fold[0].op != FOLD_SUM;
  for (int64_t i = 0; i < type_size(&c->type[in], t->samples); i++) {
    if (maximum && random_int(&t->random, 0, 3)) a.at[i] = -INFINITY;
    a.at[i] = value ? value[i] : (double)(float)a.at[i];
  }
  return a;
}

static void run_case(Test *t, int number, void *library) {
  Case *c = &t->at[number];
  Unit *u = t->u;
  void (*run)(void *const *, int);
  *(void **)&run = dlsym(library, arena_printf(u->arena, "test_%d", number));
  assert_non_null(*(void **)&run);
  Array *array = NEW_ARRAY(u->arena, Array, t->p->buffer.n);
  void **memory = NEW_ARRAY(u->arena, void *, t->p->buffer.n);
  for (int b = 0; b < t->p->buffer.n; b++) {
    const Buffer *at = &t->p->buffer.at[b];
    memory[b] = at->home == HOME_CONST ? constant(at) : NULL;
  }
  for (int i = 0; i <= c->k.nin; i++) {
    const int b = c->buffer[i];
    array[b] = draw(t, c, i);
    if (!memory[b])
      memory[b] = physical(t, b, i < c->k.nin ? &array[b] : NULL,
                           i < c->k.nin ? t->p->buffer.at[b].format.fill : NAN);
  }
  for (int s = 0; s < c->prepare.n + c->forward.n; s++) { /* what the algorithm added */
    const Kernel *k =
        s < c->prepare.n ? c->prepare.at[s]->run : c->forward.at[s - c->prepare.n]->run;
    const int b = k->out[0].to.tensor;
    if (!memory[b]) memory[b] = physical(t, b, NULL, NAN);
  }
  kernel_run(&c->k, array, NULL, NULL, t->samples);
  run(memory, t->samples);
  const int y = c->buffer[c->k.nin];
  const float *got = memory[y];
  float *want = physical(t, y, &array[y], t->p->buffer.at[y].format.fill);
  const int64_t size = buffer_layout(&t->p->buffer.at[y], t->samples).size;
  double most = 0, scale = 1e-30;
  for (int64_t i = 0; i < size; i++) {
    if (got[i] == want[i]) continue; /* a maximum of nothing is -infinity */
    const double difference = fabs((double)got[i] - (double)want[i]);
    if (fabs((double)want[i]) > scale) scale = fabs((double)want[i]);
    if (!(difference <= most)) most = difference;
  }
  if (!(most <= c->tolerance * growth(t, &c->k) * scale))
    fail_msg("%d: %s: differs by %g of %g", number, c->what, most, scale);
  free(want);
  for (int b = 0; b < t->p->buffer.n; b++) free(memory[b]);
}

static void random_cases(Test *t) {
  static Make *const make[] = {
      case_conv, case_conv, case_pool, case_map, case_sum, case_data_gradient, case_weight_gradient,
      case_move};
  for (int i = 0; i < CASES; i++) {
    t->at[i].tolerance = 3e-6;
    make[i % COUNT(make)](t, &t->at[i]);
  }
  t->n = CASES;
}

/* Draws cases until the algorithm serves one. */
static bool find_case(Test *t, Make *make, Case *c) {
  const int buffers = t->p->buffer.n, prepares = t->p->entry[PLAN_PREPARE].step.n;
  for (int i = 0; i < MOST_TRIES; i++) {
    *c = (Case){.tolerance = 3e-6};
    make(t, c);
    if (c->forward.n > 0) return true;
    t->p->buffer.n = buffers;
    t->p->entry[PLAN_PREPARE].step.n = prepares;
  }
  return false;
}

extern const Algo algo_implicit_gemm; /* for devices only */
extern const Algo algo_batch;         /* for many samples */

/* Every algorithm in every role that it serves; more than once in the long form. */
static void each_algorithm(Test *t) {
  static Make *const make[ROLES_TRIED] = {case_conv, case_data_gradient, case_weight_gradient};
  const int times = is_long() ? TIMES : 1;
  for (int a = 0; a < ALGO_KINDS; a++)
    for (int i = 0; i < times * ROLES_TRIED; i++) {
      t->only = algos[a];
      if (find_case(t, make[i % ROLES_TRIED], &t->at[t->n]))
        t->n++;
      else if (i == 0 && t->only != &algo_implicit_gemm && t->only != &algo_batch)
        fail_msg("%s serves nothing on %s", t->only->name, t->p->target->name);
    }
}

/* Samples in the lanes of all that kernels read and write. */
static void samples_in_lanes(Test *t) {
  static Make *const make[] = {case_conv, case_data_gradient, case_weight_gradient,
                               case_pool, case_map,           case_sum,
                               case_fold};
  t->only = &algo_batch;
  for (int i = 0; i < 8 * COUNT(make); i++)
    if (find_case(t, make[i % COUNT(make)], &t->at[t->n]))
      t->n++;
    else
      fail_msg("no case %d on %s", i % COUNT(make), t->p->target->name);
}

static void test_target(const char *name, int samples, void (*add_cases)(Test *)) {
  static Graph graph = {.name = "test"};
  Test *t = heap_alloc(sizeof *t);
  *t = (Test){.u = unit_new(), .random = {7}, .samples = samples};
  t->p = plan_new(t->u, &graph, target_find(name), samples);
  add_cases(t);
  const Text text = emit_cases(t);
  void *library = compile(t->u, &text);
  for (int i = 0; i < t->n; i++) run_case(t, i, library);
  dlclose(library);
  unit_free(t->u);
  free(t);
}

static void generic(void **state) {
  (void)state;
  test_target("generic", SAMPLES, random_cases);
  test_target("generic", SAMPLES, each_algorithm);
}

#if defined(__x86_64__)
static void avx512(void **state) {
  (void)state;
  if (!__builtin_cpu_supports("avx512f")) skip();
  test_target("avx512", SAMPLES, random_cases);
  test_target("avx512", SAMPLES, each_algorithm);
  test_target("avx512", MANY_SAMPLES, samples_in_lanes);
}

static void avx2(void **state) {
  (void)state;
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) skip();
  test_target("avx2", SAMPLES, random_cases);
  test_target("avx2", SAMPLES, each_algorithm);
  test_target("avx2", MANY_SAMPLES, samples_in_lanes);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(generic),
#if defined(__x86_64__)
    cmocka_unit_test(avx512),
    cmocka_unit_test(avx2),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
