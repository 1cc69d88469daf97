/* c_kernels.c - random kernels as C: emitted for every target that this CPU runs, compiled without
 * flags, run, and compared with the interpreter. Convolutions by a random algorithm, pools,
 * gradients and maps, of one to three dimensions, over buffers with random lanes and margins; once
 * more with samples in the lanes, the last vector not full. What lies in a result's memory outside
 * of its box must hold the fill. */
#include "../unit/kernels.h"
#include "algos.h"
#include "c/function.h"

#include <dlfcn.h>
#include <unistd.h>

enum { CASES = 80, SAMPLES = 3, MANY_SAMPLES = 19, TIMES = 2, ROLES_TRIED = 3, MOST_TRIES = 400 };

typedef struct Case {
  Kernel k; /* as it was made: tensors are buffers */
  const char *what;
  Type type[MAX_IN + 1];  /* of its inputs, then of its result */
  Steps prepare, forward; /* what is emitted */
  int buffer[MAX_IN + 1];
  double tolerance;
} Case;

typedef struct Test {
  Unit *u;
  Random random;
  Plan *p;
  const Algo *only; /* the algorithm of contractions; NULL: any */
  int n, samples;
  Case at[CASES > TIMES *ROLES_TRIED *ALGO_KINDS ? CASES : TIMES *ROLES_TRIED *ALGO_KINDS];
} Test;

/* ---- making cases ---- */

static int add_buffer(Test *t, const Type *type, Phase phase, bool lanes, const Kernel *k, int in) {
  const int width = t->p->target->lanes;
  Buffer b = {.name = "b", .type = *type, .home = HOME_WORK, .phase = phase};
  b.format = format_plain(F32);
  if (phase == PHASE_CALL && t->samples == MANY_SAMPLES) b.format = format_batch(t->p, type);
  if (b.format.lane_axis < 0 && lanes && width > 1 && type->rank > 2) {
    b.format.lane_axis = 1;
    b.format.lanes = (int16_t)width;
  }
  for (int a = 2; a < type->rank && phase == PHASE_CALL && random_int(&t->random, 0, 1); a++) {
    int64_t lo = random_int(&t->random, 0, 2), hi = random_int(&t->random, 0, 2);
    if (in >= 0 && random_int(&t->random, 0, 3)) { /* what the kernel reads outside */
      coord_range(k, &k->in[in].at[a], t->samples, &lo, &hi);
      lo = lo < 0 ? -lo : 0;
      hi = hi >= type->dim[a].plus ? hi - type->dim[a].plus + 1 : 0;
    }
    b.format.lo[a] = (int16_t)lo;
    b.format.hi[a] = (int16_t)hi;
  }
  return plan_buffer(t->p, b);
}

extern const Algo algo_separable;

/* Constant weights of rank 1. */
static void fix_weights(Test *t, int buffer) {
  Buffer *b = &t->p->buffer.at[buffer];
  const int64_t size = type_size(&b->type, 1);
  double *value = NEW_ARRAY(t->u->arena, double, size);
  for (int64_t i = 0; i < size; i++) value[i] = 1;
  for (int64_t a = 0, inner = size; a < b->type.rank; a++) {
    const int64_t extent = b->type.dim[a].plus;
    inner /= extent;
    for (int64_t j = 0; j < extent; j++) {
      const double factor = random_int(&t->random, 0, 8) - 3;
      for (int64_t i = 0; i < size; i++)
        if (i / inner % extent == j) value[i] *= factor;
    }
  }
  b->home = HOME_CONST;
  b->phase = PHASE_CONST;
  b->value = value;
}

/* Gives the kernel's tensors buffers. Inputs are numbered 0 .. nin - 1 in k. */
static void place(Test *t, Case *c, int weights) {
  Kernel *k = &c->k;
  const bool lanes = random_int(&t->random, 0, 3) > 0, many = t->samples == MANY_SAMPLES;
  for (int i = 0; i < k->nin; i++) {
    const bool weight = i == weights;
    c->buffer[i] = add_buffer(t, &c->type[i], weight ? PHASE_LOAD : PHASE_CALL,
                              lanes && !weight && !many, k, k->in[i].outside == FILL ? i : -1);
    k->in[i].tensor = c->buffer[i];
    if (weight && t->only == &algo_separable) fix_weights(t, c->buffer[i]);
  }
  c->buffer[k->nin] = add_buffer(t, &c->type[k->nin], PHASE_CALL, lanes, k, -1);
  for (int o = 0; o < k->nout; o++) k->out[o].to.tensor = c->buffer[k->nin];
}

static void add_loops(Test *t, Case *c) {
  Kernel k = c->k;
  vec_push(t->u->arena, &c->forward, plan_leaf(t->p, &k));
}

/* By one of the algorithms that do not refuse; by no other than the one that is asked for. */
static void add_contraction(Test *t, Case *c) {
  Contraction x;
  Kernel k = c->k;
  kernel_simplify(t->u, &k);
  if (!contraction_of(t->p, &k, &x)) {
    if (!t->only) add_loops(t, c);
    return;
  }
  const int first = random_int(&t->random, 0, ALGO_KINDS - 1);
  Steps *prepare = &t->p->entry[PLAN_PREPARE].step;
  const int before = prepare->n;
  for (int i = 0; i < ALGO_KINDS; i++) {
    const Algo *algo = algos[(first + i) % ALGO_KINDS];
    if ((t->only && t->only != algo) || algo->refuses(t->p, &x)) continue;
    c->what = arena_printf(t->u->arena, "%s by %s", c->what, algo->name);
    c->tolerance *= algo->tolerance;
    algo->lower(t->p, &x, &c->forward);
    break;
  }
  for (int i = before; i < prepare->n; i++) vec_push(t->u->arena, &c->prepare, prepare->at[i]);
}

/* Windows of many taps that move by steps of one. */
static void widen(Test *t, Window *w) {
  static const int most[] = {0, 40, 9, 4}; /* by rank */
  for (int a = 0; a < w->rank; a++) {
    w->kernel[a] = random_int(&t->random, 2, most[w->rank]);
    w->stride[a] = w->dilation[a] = 1;
    w->size[a] = w->kernel[a] + random_int(&t->random, 0, most[w->rank]);
    w->out[a] = w->size[a] + 2 * w->pad[a] - w->kernel[a] + 1;
  }
}

/* A product of matrices with many channels. */
static Window deep_window(Test *t) {
  const int64_t channels = 4 * t->p->target->lanes;
  Window w = {.rank = random_int(&t->random, 1, 2), .groups = 1, .c = channels, .k = channels};
  for (int a = 0; a < w.rank; a++) {
    w.kernel[a] = w.stride[a] = w.dilation[a] = 1;
    w.size[a] = w.out[a] = random_int(&t->random, 2, 5);
  }
  return w;
}

static Window case_window(Test *t, int64_t channels) {
  Window w = random_window(&t->random);
  if (t->only && random_int(&t->random, 0, 5) == 0) return deep_window(t);
  if (random_int(&t->random, 0, t->only ? 1 : 3) == 0) widen(t, &w);
  w.c = random_int(&t->random, 1, 3) == 1 ? channels : w.c;
  w.k = random_int(&t->random, 1, 2) == 1 ? channels + random_int(&t->random, 0, 20) : w.k;
  if (random_int(&t->random, 0, 1)) w.groups = 1;
  return w;
}

static void conv_case(Test *t, Case *c) {
  Window w = case_window(t, 16);
  if (random_int(&t->random, 0, 3) == 0) { /* depthwise */
    w.groups = random_int(&t->random, 10, 40);
    w.c = w.k = 1;
  }
  conv_kernel(t->u, &w, &c->k);
  c->what = "convolution";
  c->type[0] = window_type(&w, w.groups * w.c, w.size);
  c->type[1] = weight_type(&w);
  c->type[2] = TYPE(fixed(w.groups * w.k));
  c->type[3] = window_type(&w, w.groups * w.k, w.out);
  View *bias = kernel_in(&c->k, 2, &c->type[2]);
  bias->at[0] = c->k.out[0].to.at[1];
  const Expr *sum = expr2(t->u, E_add, c->k.out[0].value, expr_in(t->u, 2));
  const bool bounded = !t->only && random_int(&t->random, 0, 1); /* errors are not */
  c->k.out[0].value =
      bounded ? expr1(t->u, E_tanh, sum) : expr2(t->u, E_max, expr_const(t->u, 0), sum);
  place(t, c, 1);
  add_contraction(t, c);
}

static void pool_case(Test *t, Case *c) {
  Window w = case_window(t, 20);
  w.groups = 1;
  const bool max = random_int(&t->random, 0, 1);
  pool_kernel(t->u, &w,
              max                            ? FOLD_MAX
              : random_int(&t->random, 0, 1) ? FOLD_ARGMAX
                                             : FOLD_SUM,
              &c->k);
  c->what = "pool";
  if (c->k.fold[0].op == FOLD_SUM) { /* average over what is inside */
    c->k.fold[c->k.nfold++] = (Fold){FOLD_SUM, expr_const(t->u, 1), F32};
    c->k.out[0].value = expr2(t->u, E_div, expr_acc(t->u, 0),
                              expr2(t->u, E_max, expr_acc(t->u, 1), expr_const(t->u, 1)));
  }
  c->type[0] = window_type(&w, w.c, w.size);
  c->type[1] = window_type(&w, w.c, w.out);
  place(t, c, -1);
  add_loops(t, c);
}

/* The gradient of a convolution by its data: coordinates that have to divide exactly. */
static void data_gradient_case(Test *t, Case *c) {
  Window w = case_window(t, 18);
  w.groups = 1;
  c->what = "gradient by data";
  c->type[0] = window_type(&w, w.k, w.out);
  c->type[1] = weight_type(&w);
  c->type[2] = window_type(&w, w.c, w.size);
  kernel_start(&c->k, "dx", 0, &c->type[2]);
  View *dy = kernel_in(&c->k, 0, &c->type[0]), *filter = kernel_in(&c->k, 1, &c->type[1]);
  const int k = kernel_loop(&c->k, "k", fixed(w.k), true);
  dy->outside = w.size[0] % 2 ? FILL : SKIP; /* the same for a sum */
  dy->at[0] = coord_loop(0, 1, 0);
  dy->at[1] = filter->at[0] = coord_loop(k, 1, 0);
  filter->at[1] = coord_loop(1, 1, 0);
  for (int a = 0; a < w.rank; a++) {
    const int f = kernel_loop(&c->k, kernel_names[a], fixed(w.kernel[a]), true);
    filter->at[2 + a] = coord_loop(f, 1, 0);
    dy->at[2 + a] = coord_loop(2 + a, 1, w.pad[a]);
    dy->at[2 + a].coef[f] = (int32_t)-w.dilation[a];
    dy->at[2 + a].div = (int32_t)w.stride[a];
    dy->at[2 + a].exact = true;
  }
  c->k.fold[c->k.nfold++] =
      (Fold){FOLD_SUM, expr2(t->u, E_mul, expr_in(t->u, 0), expr_in(t->u, 1)), F32};
  c->k.out[0].value = expr_acc(t->u, 0);
  kernel_simplify(t->u, &c->k); /* tests that no reduced loop has a part in */
  place(t, c, random_int(&t->random, 0, 2) ? 1 : -1);
  if (t->only || random_int(&t->random, 0, 2))
    add_contraction(t, c);
  else
    add_loops(t, c);
}

/* The gradient by its weights: samples are summed. */
static void weight_gradient_case(Test *t, Case *c) {
  Window w = case_window(t, 5);
  w.groups = 1;
  c->what = "gradient by weights";
  c->type[0] = window_type(&w, w.c, w.size);
  c->type[1] = window_type(&w, w.k, w.out);
  c->type[2] = weight_type(&w);
  kernel_start(&c->k, "dw", 0, &c->type[2]);
  View *x = kernel_in(&c->k, 0, &c->type[0]), *dy = kernel_in(&c->k, 1, &c->type[1]);
  const int n = kernel_loop(&c->k, "n", per_n(), true);
  x->outside = FILL;
  x->at[0] = dy->at[0] = coord_loop(n, 1, 0);
  x->at[1] = coord_loop(1, 1, 0);
  dy->at[1] = coord_loop(0, 1, 0);
  for (int a = 0; a < w.rank; a++) {
    const int o = kernel_loop(&c->k, out_names[a], fixed(w.out[a]), true);
    dy->at[2 + a] = coord_loop(o, 1, 0);
    x->at[2 + a] = window_coord(&w, a, o, 2 + a);
  }
  c->k.fold[c->k.nfold++] =
      (Fold){FOLD_SUM, expr2(t->u, E_mul, expr_in(t->u, 0), expr_in(t->u, 1)), F32};
  c->k.out[0].value = expr_acc(t->u, 0);
  place(t, c, -1);
  if (t->only || random_int(&t->random, 0, 2))
    add_contraction(t, c);
  else
    add_loops(t, c);
}

/* Two tensors, one after the other along the channels and shifted; every kind of primitive. */
static void map_case(Test *t, Case *c) {
  const Window w = case_window(t, 16);
  const int64_t channels = random_int(&t->random, 1, 40),
                first = random_int(&t->random, 0, 1) ? 16 : 3;
  Type y = window_type(&w, channels + first, w.size), x = window_type(&w, channels, w.size);
  Unit *u = t->u;
  kernel_start(&c->k, "map", 0, &y);
  c->k.math = F32;
  c->what = "map";
  for (int i = 0; i < 2; i++) {
    View *v = kernel_in(&c->k, i, &x);
    for (int a = 0; a < x.rank; a++) v->at[a] = coord_loop(a, 1, 0);
    v->outside = FILL;
    v->at[1].plus = i ? -first : 0;
    v->fill = i ? 0.5 : 0;
  }
  const Expr *a = expr_in(u, 0), *b = expr_in(u, 1), *one = expr_const(u, 1);
  const Expr *sum = expr2(u, E_add, expr2(u, E_mul, a, a), one);
  const Expr *value[] = {
      expr2(u, E_add, a, b),
      expr2(u, E_mul, b, expr2(u, E_pow, sum, expr_const(u, -0.75))),
      expr3(u, E_select, expr2(u, E_lt, a, b), expr1(u, E_exp, a), expr1(u, E_erf, b)),
      expr2(u, E_sub, expr1(u, E_log, sum), expr2(u, E_pow, sum, b)),
      expr2(u, E_add, expr_index(u, 1), expr1(u, E_floor, expr2(u, E_mul, a, expr_const(u, 3)))),
      expr2(u, E_div, expr1(u, E_neg, expr1(u, E_sqrt, expr1(u, E_abs, a))), sum),
  };
  c->k.out[0].value = value[random_int(&t->random, 0, COUNT(value) - 1)];
  c->type[0] = c->type[1] = x;
  c->type[2] = y;
  place(t, c, -1);
  add_loops(t, c);
}

/* Another order of the axes, on either side in lanes, as packed weights and their gradients lie. */
static void move_case(Test *t, Case *c) {
  enum { RANK = 4 };
  int axis[RANK] = {0, 1, 2, 3};
  Type y = {.dtype = F32, .rank = RANK}, x = y;
  for (int a = RANK - 1; a > 0; a--) {
    const int other = random_int(&t->random, 0, a), swap = axis[a];
    axis[a] = axis[other];
    axis[other] = swap;
  }
  for (int a = 0; a < RANK; a++) {
    const int64_t extent = random_int(&t->random, 0, 2) ? 3 : random_int(&t->random, 1, 70);
    y.dim[a] = x.dim[axis[a]] = fixed(extent);
  }
  kernel_start(&c->k, "move", 0, &y);
  View *v = kernel_in(&c->k, 0, &x);
  for (int a = 0; a < RANK; a++) v->at[axis[a]] = coord_loop(a, 1, 0);
  c->k.out[0].value = expr_in(t->u, 0);
  c->k.math = F32;
  c->what = "move";
  c->tolerance = 0;
  c->type[0] = x;
  c->type[1] = y;
  place(t, c, 0);
  for (int i = 0; i < 2; i++) {
    Format *f = &t->p->buffer.at[c->buffer[i]].format;
    *f = format_plain(F32);
    const int lanes = t->p->target->lanes * random_int(&t->random, 1, 4);
    if (lanes == 1 || random_int(&t->random, 0, 2) == 0) continue;
    f->lane_axis = (int8_t)random_int(&t->random, 0, RANK - 1);
    f->lanes = (int16_t)lanes;
  }
  kernel_simplify(t->u, &c->k);
  add_loops(t, c);
}

/* What a bias' gradient is: the free loops that the result misses are summed. */
static void sum_case(Test *t, Case *c) {
  const Window w = case_window(t, 16);
  const Type x = window_type(&w, w.c, w.size);
  kernel_start(&c->k, "sum", 0, &x);
  c->what = "sum of a result's missing loops";
  View *v = kernel_in(&c->k, 0, &x);
  for (int a = 0; a < x.rank; a++) v->at[a] = coord_loop(a, 1, 0);
  c->k.out[0] = (Out){.to = {.rank = 1}, .value = expr_in(t->u, 0), .combine = true};
  c->k.out[0].to.at[0] = coord_loop(1, 1, 0);
  c->type[0] = x;
  c->type[1] = TYPE(fixed(w.c));
  place(t, c, -1);
  add_loops(t, c);
}

/* A sum over samples and points by fold, in float or double. */
static void fold_case(Test *t, Case *c) {
  static const char *const name[MAX_RANK] = {"n", "c", "x", "y", "z"};
  const Window w = case_window(t, 16);
  const Type x = window_type(&w, w.c, w.size);
  int to[MAX_RANK] = {0};
  c->what = "sum over samples";
  c->type[0] = x;
  c->type[1] = TYPE(fixed(w.c));
  kernel_start(&c->k, "fold", 0, &c->type[1]);
  for (int a = 0; a < x.rank; a++) to[a] = a == 1 ? 0 : kernel_loop(&c->k, name[a], x.dim[a], true);
  View *v = kernel_in(&c->k, 0, &x);
  for (int a = 0; a < x.rank; a++) v->at[a] = coord_loop(to[a], 1, 0);
  const Expr *term = expr2(t->u, E_add, expr_in(t->u, 0), expr_const(t->u, 1));
  c->k.fold[c->k.nfold++] = (Fold){FOLD_SUM, term, random_int(&t->random, 0, 1) ? F32 : F64};
  c->k.out[0].value = expr_acc(t->u, 0);
  c->k.math = F32;
  place(t, c, -1);
  add_loops(t, c);
}

/* ---- emitting ---- */

static void emit_steps(Emit *e, const Plan *p, PlanEntry entry, const Steps *steps) {
  for (int i = 0; i < steps->n; i++) {
    const Slots slots = slots_find(p, steps->at[i]);
    emit(e, "{");
    emit(e, "test_args a = {.batch = n};");
    for (int s = 0; s < slots.nin; s++) emit(e, "a.in%d = buffer[%d];", s, slots.in[s]);
    for (int s = 0; s < slots.nout; s++) emit(e, "a.out%d = buffer[%d];", s, slots.out[s]);
    emit(e, "%s(&a, 0, 0);", emitted_function(e, job_key(e, p, entry, steps->at[i], &slots)));
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

typedef void Make(Test *, Case *);

static void random_cases(Test *t) {
  static Make *const make[] = {
      conv_case, conv_case, pool_case, map_case, sum_case, data_gradient_case, weight_gradient_case,
      move_case};
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
  static Make *const make[ROLES_TRIED] = {conv_case, data_gradient_case, weight_gradient_case};
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
  static Make *const make[] = {conv_case, data_gradient_case, weight_gradient_case,
                               pool_case, map_case,           sum_case,
                               fold_case};
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
