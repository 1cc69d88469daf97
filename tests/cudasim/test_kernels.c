/* test_kernels.c - kernels of every kind, one by one: plans made by hand, simulated for every
 * number of samples; and compiled by nvcc where it is installed. */
#include "harness.h"
#include "passes.h"

enum { BATCH = 3 };

/* ---- a network of one or two kernels ---- */

typedef struct Net {
  Unit *u;
  Graph *g;
  Plan *p;
  int nin, nout, nparam;
} Net;

static Net net_new(const char *name) {
  Net t = {.u = unit_new()};
  t.g = graph_new(t.u);
  t.g->name = name;
  t.p = plan_new(t.u, t.g, target_find("sm_80"), BATCH);
  t.p->entry[PLAN_FORWARD].exists = true;
  return t;
}

/* Dimension 0 is the batch where `batch` is given; the rest in `dim`, ended by 0. */
static Type type_of(DType dtype, bool batch, const int *dim) {
  Type type = {.dtype = dtype};
  if (batch) type.dim[type.rank++] = (Extent){1, 0};
  for (; *dim; dim++) type.dim[type.rank++] = fixed(*dim);
  return type;
}
#define DIMS(...) ((const int[]){__VA_ARGS__, 0})

static int buffer(Net *t, const char *name, Type type, Home home, int index) {
  Buffer b = {.name = name, .type = type, .format = format_plain(type.dtype), .home = home};
  b.index = index;
  b.phase = home == HOME_PARAM || home == HOME_DERIVED ? PHASE_LOAD : PHASE_CALL;
  return plan_buffer(t->p, b);
}

static int input(Net *t, DType dtype, const int *dim) {
  const char *name = arena_printf(t->u->arena, "x%d", t->nin);
  Input in = {.name = name, .type = type_of(dtype, true, dim), .kind = INPUT_DATA};
  graph_input(t->g, in);
  return buffer(t, name, in.type, HOME_INPUT, t->nin++);
}

static int param(Net *t, const int *dim) {
  const char *name = arena_printf(t->u->arena, "w%d", t->nparam);
  Param made = {.name = name, .type = type_of(F32, false, dim), .init = INIT_CONSTANT};
  made.trainable = true;
  graph_param(t->g, made);
  return buffer(t, name, made.type, HOME_PARAM, t->nparam++);
}

/* What stands for it in the graph has a type and nothing else. */
static int output(Net *t, Type type) {
  const char *name = arena_printf(t->u->arena, "y%d", t->nout);
  vec_push(t->u->arena, &t->g->entry[ENTRY_FORWARD].want, graph_state(t->g, name, &type));
  vec_push(t->u->arena, &t->g->entry[ENTRY_FORWARD].want_name, name);
  return buffer(t, name, type, HOME_OUTPUT, t->nout++);
}

/* Free loops n and those of the extents: one per axis of `type`, which the out gets. */
static Kernel kernel(Net *t, const char *name, int out) {
  static const char *const loop[] = {"n", "k", "oh", "ow"};
  Kernel k = {.name = name, .math = F32, .nout = 1};
  const Type *type = &t->p->buffer.at[out].type;
  k.out[0].to = (View){.tensor = out, .rank = type->rank};
  for (int a = 0; a < type->rank; a++) {
    const bool batch = type->dim[0].per_n != 0;
    int l = kernel_loop(&k, loop[a + !batch], type->dim[a], false);
    k.out[0].to.at[a] = coord_loop(l, 1, 0);
  }
  return k;
}

static View *in(Net *t, Kernel *k, int tensor) {
  return kernel_in(k, tensor, &t->p->buffer.at[tensor].type);
}

static void run_in(Net *t, PlanEntry entry, const Kernel *k) {
  t->p->entry[entry].exists = true;
  vec_push(t->u->arena, &t->p->entry[entry].step, plan_leaf(t->p, k));
}

static const Expr *in_(Net *t, int i) {
  return expr_in(t->u, i);
}
static const Expr *acc(Net *t, int i) {
  return expr_acc(t->u, i);
}
static const Expr *number(Net *t, double value) {
  return expr_const(t->u, value);
}

/* Reads [n, c, h, w] around (oh, ow): n and a channel loop, window positions times stride. */
static void window(View *v, int channel, int oh, int ow, int kh, int kw, int stride, int pad) {
  v->at[0] = coord_loop(0, 1, 0);
  v->at[1] = coord_loop(channel, 1, 0);
  v->at[2] = coord_loop(oh, stride, -pad);
  v->at[2].coef[kh] = 1;
  v->at[3] = coord_loop(ow, stride, -pad);
  v->at[3].coef[kw] = 1;
}

/* ---- kernels of every kind ---- */

static Net convolution(void) {
  Net t = net_new("convolution");
  int x = input(&t, F32, DIMS(3, 9, 8)), w = param(&t, DIMS(5, 3, 3, 3)), b = param(&t, DIMS(5));
  int y = output(&t, type_of(F32, true, DIMS(5, 5, 4)));
  Kernel k = kernel(&t, "conv", y);
  int c = kernel_loop(&k, "c", fixed(3), true), kh = kernel_loop(&k, "kh", fixed(3), true),
      kw = kernel_loop(&k, "kw", fixed(3), true);
  View *v = in(&t, &k, x);
  window(v, c, 2, 3, kh, kw, 2, 1);
  v->outside = FILL;
  v = in(&t, &k, w);
  v->at[0] = coord_loop(1, 1, 0);
  v->at[1] = coord_loop(c, 1, 0);
  v->at[2] = coord_loop(kh, 1, 0);
  v->at[3] = coord_loop(kw, 1, 0);
  in(&t, &k, b)->at[0] = coord_loop(1, 1, 0);
  k.nfold = 1;
  k.fold[0] = (Fold){FOLD_SUM, expr2(t.u, E_mul, in_(&t, 0), in_(&t, 1)), F32};
  k.out[0].value = expr2(t.u, E_max, number(&t, 0), expr2(t.u, E_add, acc(&t, 0), in_(&t, 2)));
  k.macs = 5 * 5 * 4 * 27;
  run_in(&t, PLAN_FORWARD, &k);
  return t;
}

/* Maximum, its place, and the mean of what is inside. */
static Net pooling(void) {
  Net t = net_new("pooling");
  int x = input(&t, F32, DIMS(2, 7, 7));
  for (int i = 0; i < 3; i++) {
    int y = output(&t, type_of(F32, true, DIMS(2, 4, 4)));
    Kernel k = kernel(&t, i ? "mean" : "max", y);
    int kh = kernel_loop(&k, "kh", fixed(3), true), kw = kernel_loop(&k, "kw", fixed(3), true);
    View *v = in(&t, &k, x);
    window(v, 1, 2, 3, kh, kw, 2, 1);
    v->outside = SKIP;
    k.nfold = i == 2 ? 2 : 1;
    k.fold[0] = (Fold){i == 2 ? FOLD_SUM : i ? FOLD_ARGMAX : FOLD_MAX, in_(&t, 0), F32};
    k.fold[1] = (Fold){FOLD_SUM, number(&t, 1), F32};
    k.out[0].value = i == 2 ? expr2(t.u, E_div, acc(&t, 0), acc(&t, 1)) : acc(&t, 0);
    run_in(&t, PLAN_FORWARD, &k);
  }
  return t;
}

/* The data gradient of a strided convolution (exact divisions), and coordinates that wrap. */
static Net divisions(void) {
  Net t = net_new("divisions");
  int x = input(&t, F32, DIMS(2, 4, 4)), w = param(&t, DIMS(2, 3));
  int y = output(&t, type_of(F32, true, DIMS(2, 8, 4))),
      z = output(&t, type_of(F32, true, DIMS(2, 4, 4)));
  Kernel k = kernel(&t, "gradient", y);
  int kh = kernel_loop(&k, "kh", fixed(3), true);
  View *v = in(&t, &k, x);
  window(v, 1, 2, 3, kh, 3, 1, 0);
  v->at[2] = (Coord){.plus = 1, .div = 2, .exact = true};
  v->at[2].coef[2] = 1;
  v->at[2].coef[kh] = -1;
  v->at[3] = coord_loop(3, 1, 0);
  v->outside = FILL;
  v = in(&t, &k, w);
  v->at[0] = coord_loop(1, 1, 0);
  v->at[1] = coord_loop(kh, 1, 0);
  k.nfold = 1;
  k.fold[0] = (Fold){FOLD_SUM, expr2(t.u, E_mul, in_(&t, 0), in_(&t, 1)), F64};
  k.out[0].value = acc(&t, 0);
  run_in(&t, PLAN_FORWARD, &k);

  Kernel wrap = kernel(&t, "wrap", z);
  v = in(&t, &wrap, x);
  for (int a = 0; a < 4; a++) v->at[a] = coord_loop(a, 1, 0);
  v->at[2] = coord_loop(2, 1, -6); /* floor((oh - 6) / 3) mod 4 */
  v->at[2].div = 3;
  v->at[2].mod = 4;
  v->at[3] = coord_loop(3, 1, -5); /* floor((ow - 5) / 2), outside for most */
  v->at[3].div = 2;
  v->outside = FILL;
  v->fill = 0.25;
  wrap.out[0].value = in_(&t, 0);
  run_in(&t, PLAN_FORWARD, &wrap);
  return t;
}

/* An out per point and two that sum over images and pixels. */
static Net statistics(void) {
  Net t = net_new("statistics");
  int x = input(&t, F32, DIMS(3, 4, 5));
  int y = output(&t, type_of(F32, true, DIMS(3, 4, 5))),
      s = output(&t, type_of(F32, false, DIMS(3))), q = output(&t, type_of(F32, false, DIMS(3)));
  Kernel k = kernel(&t, "square", y);
  View *v = in(&t, &k, x);
  for (int a = 0; a < 4; a++) v->at[a] = coord_loop(a, 1, 0);
  const Expr *half = expr2(t.u, E_mul, in_(&t, 0), number(&t, 0.5));
  k.nout = 3;
  k.out[0].value = half;
  k.out[1] = (Out){.to = {.tensor = s, .rank = 1}, .value = half, .combine = true};
  k.out[2] = (Out){.to = {.tensor = q, .rank = 1}, .combine = true};
  k.out[2].value = expr2(t.u, E_mul, half, half);
  k.out[1].to.at[0] = k.out[2].to.at[0] = coord_loop(1, 1, 0);
  run_in(&t, PLAN_FORWARD, &k);
  return t;
}

/* Weights prepared in double: a sum over one axis, then used by a map of many primitives. */
static Net prepared(void) {
  Net t = net_new("prepared");
  int x = input(&t, F32, DIMS(6)), w = param(&t, DIMS(6, 7));
  int d = buffer(&t, "d", type_of(F32, false, DIMS(6)), HOME_DERIVED, 0);
  int y = output(&t, type_of(F32, true, DIMS(6)));
  Kernel k = kernel(&t, "fold", d);
  int c = kernel_loop(&k, "c", fixed(7), true);
  View *v = in(&t, &k, w);
  v->at[0] = coord_loop(0, 1, 0);
  v->at[1] = coord_loop(c, 1, 0);
  k.math = F64;
  k.nfold = 1;
  k.fold[0] = (Fold){FOLD_SUM, expr2(t.u, E_mul, in_(&t, 0), in_(&t, 0)), F64};
  k.out[0].value = expr1(t.u, E_sqrt, expr2(t.u, E_add, acc(&t, 0), number(&t, 1e-5)));
  run_in(&t, PLAN_PREPARE, &k);

  static const double table[6] = {1, -2, 0.1, 1e-3, 7, -0.5};
  Buffer constant = {.name = "table", .type = type_of(F32, false, DIMS(6)), .home = HOME_CONST};
  constant.format = format_plain(F32);
  constant.value = table;
  int e = plan_buffer(t.p, constant);
  k = kernel(&t, "map", y);
  v = in(&t, &k, x);
  v->at[0] = coord_loop(0, 1, 0);
  v->at[1] = coord_loop(1, 1, 0);
  in(&t, &k, d)->at[0] = coord_loop(1, 1, 0);
  in(&t, &k, e)->at[0] = coord_loop(1, 1, 0);
  const Expr *a = expr2(t.u, E_mul, in_(&t, 0), in_(&t, 1));
  const Expr *less = expr2(t.u, E_lt, a, in_(&t, 2));
  const Expr *smooth = expr1(t.u, E_tanh, expr2(t.u, E_sub, a, expr_index(t.u, 1)));
  const Expr *power = expr2(t.u, E_pow, expr1(t.u, E_abs, a), number(&t, -0.75));
  k.out[0].value =
      expr2(t.u, E_add, expr3(t.u, E_select, less, smooth, expr1(t.u, E_exp, in_(&t, 2))),
            expr2(t.u, E_min, power, number(&t, 3)));
  run_in(&t, PLAN_FORWARD, &k);
  return t;
}

/* Labels pick an element; bytes become numbers. */
static Net labels(void) {
  Net t = net_new("labels");
  int x = input(&t, F32, DIMS(4)), label = input(&t, I32, DIMS(1)), pixel = input(&t, U8, DIMS(4));
  int y = output(&t, type_of(F32, true, DIMS(1)));
  Kernel k = kernel(&t, "pick", y);
  int c = kernel_loop(&k, "c", fixed(4), true);
  View *v = in(&t, &k, x);
  v->at[0] = coord_loop(0, 1, 0);
  v->at[1] = coord_loop(c, 1, 0);
  v = in(&t, &k, label);
  v->at[0] = coord_loop(0, 1, 0);
  v = in(&t, &k, pixel);
  v->at[0] = coord_loop(0, 1, 0);
  v->at[1] = coord_loop(c, 1, 0);
  const Expr *is = expr2(t.u, E_eq, in_(&t, 1), expr_index(t.u, c));
  const Expr *scaled = expr2(t.u, E_mul, in_(&t, 2), number(&t, 1 / 255.0));
  k.nfold = 1;
  k.fold[0] = (Fold){FOLD_SUM, expr3(t.u, E_select, is, in_(&t, 0), scaled), F32};
  k.out[0].value = acc(&t, 0);
  run_in(&t, PLAN_FORWARD, &k);
  return t;
}

/* ---- running them ---- */

static double **random_params(const Net *t) {
  double **param = NEW_ARRAY(t->u->arena, double *, t->nparam + 1);
  uint32_t seed = 1;
  for (int i = 0; i < t->nparam; i++) {
    const int64_t size = type_size(&t->g->param.at[i].type, 1);
    param[i] = NEW_ARRAY(t->u->arena, double, size);
    for (int64_t k = 0; k < size; k++) {
      seed = seed * 1664525u + 1013904223u;
      param[i][k] = (float)((double)(seed >> 8) / (1 << 23) - 1);
    }
  }
  return param;
}

static void check(Net t) {
  pass_memory(t.p, &(PlanOptions){.max_batch = BATCH});
  plan_verify(t.p);
  Simulated s = {.u = t.u, .plan = t.p, .folder = toolchain_folder(t.u)};
  s.param = random_params(&t);
  simulated_check(&s, 1, BATCH, 2e-6);
  simulated_compile(&s);
  simulated_free(&s);
}

#define TEST(name)                                                                                 \
  static void check_##name(void **state) {                                                         \
    (void)state;                                                                                   \
    check(name());                                                                                 \
  }
TEST(convolution)
TEST(pooling)
TEST(divisions)
TEST(statistics)
TEST(prepared)
TEST(labels)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_convolution), cmocka_unit_test(check_pooling),
      cmocka_unit_test(check_divisions),   cmocka_unit_test(check_statistics),
      cmocka_unit_test(check_prepared),    cmocka_unit_test(check_labels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
