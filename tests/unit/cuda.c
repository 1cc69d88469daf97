/* Emitted CUDA, run on the CPU by tests/cudasim: kernels of every kind against the interpreter, for
 * all n and both orders of threads; and compiled by nvcc where it is installed. */
#include "unit.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "driver.h"

enum { BATCH = 3 };

/* ---- a network of one or two kernels ---- */

typedef struct Net {
  Unit *u;
  Graph *g;
  Plan *p;
  int nin, nout, nparam;
  double **param; /* NULL: random */
  WeightsAs as;
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

static Net finished(Net t) {
  pass_memory(t.p, &(PlanOptions){.max_batch = BATCH});
  plan_verify(t.p);
  return t;
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

static const char *folder; /* of this run */

static void write_file(const char *name, const char *text, size_t size) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_int_equal(fwrite(text, 1, size, f), size);
  fclose(f);
}

static bool shell(const char *command) {
  const int status = system(command);
  if (status != 0) fprintf(stderr, "%s\n", command);
  return status == 0;
}

static void emit_files(const Net *t) {
  static const int as[] = {[WEIGHTS_LOADED] = WEIGHTS_AS_DEFAULT,
                           [WEIGHTS_EMBED] = WEIGHTS_AS_EMBED,
                           [WEIGHTS_FILE] = WEIGHTS_AS_FILE};
  const Options o = {.network = t->g->name, .weights_as = as[t->as]};
  Emitted emitted = {0};
  compile_emit(t->u, &o, t->p, t->as == WEIGHTS_LOADED ? NULL : t->param, t->g->name, t->g->name,
               &emitted);
  for (int i = 0; i < emitted.file.n; i++)
    write_file(emitted.file.at[i].name, emitted.file.at[i].text.at, emitted.file.at[i].text.n);
}

/* One piece of memory, poisoned. */
static void add_memory(Text *d, const char *p, const char *member, const char *size) {
  text_add(d, "  m.%s_bytes = %s_%s;\n", member, p, size);
  text_add(d, "  void *%s = aligned_alloc(64, (m.%s_bytes + 63) / 64 * 64);\n", member, member);
  text_add(d, "  memset(%s, 255, m.%s_bytes);\n  m.%s = %s;\n", member, member, member, member);
}

/* Statements that bring the parameters to the device. */
static void add_params(Text *d, const Net *t) {
  const char *p = t->g->name;
  if (t->as == WEIGHTS_FILE)
    text_add(d,
             "  FILE *f = fopen(\"%s/%s.weights\", \"rb\");\n"
             "  if (!f || fread(params, 1, m.params_bytes, f) != m.params_bytes) return 1;\n"
             "  fclose(f);\n",
             folder, p);
  text_add(d, "  int status = %s_init(&net, &m);\n", p);
  if (t->as == WEIGHTS_LOADED) {
    text_add(d, "  if (!status) status = %s_init_params(&net, 1);\n", p);
    for (int i = 0; i < t->nparam; i++)
      text_add(d, "  if (!status) status = %s_set_param(&net, %d, w[%d]);\n", p, i, i);
  }
  text_add(d, "  if (!status) status = %s_upload(&net, NULL);\n", p);
}

/* One function with a fixed interface around the emitted library. */
static void write_driver(const Net *t) {
  static const char *const type[DTYPES] = {"float", "double", "int", "unsigned char"};
  Text d = {.arena = t->u->arena};
  const char *p = t->g->name;
  text_add(&d, "#include \"%s.h\"\n#include <stdio.h>\n#include <stdlib.h>\n", p);
  text_add(&d, "#include <string.h>\n");
  text_add(&d, "extern \"C\" int drive(int n, float **w, void **in, void **out) {\n");
  text_add(&d, "  %s net;\n  %s_memory m = {};\n  m.hash = %s_HASH;\n", p, p, p);
  if (t->as != WEIGHTS_EMBED) add_memory(&d, p, "params", "PARAMS_BYTES");
  add_memory(&d, p, "device_params", "DEVICE_PARAMS_BYTES");
  add_memory(&d, p, "work", "WORK_BYTES");
  add_params(&d, t);
  text_add(&d, "  if (!status) status = %s_forward(&net, n", p);
  for (int i = 0; i < t->nin; i++)
    text_add(&d, ", (const %s *)in[%d]", type[t->g->input.at[i].type.dtype], i);
  for (int i = 0; i < t->nout; i++) text_add(&d, ", (float *)out[%d]", i);
  text_add(&d, ", NULL);\n");
  if (t->as != WEIGHTS_EMBED) text_add(&d, "  free(params);\n");
  text_add(&d, "  free(device_params);\n  free(work);\n");
  text_add(&d, "  (void)w;\n  (void)in;\n  (void)out;\n  return status;\n}\n");
  write_file("driver.cc", d.at, d.n);
}

typedef int Drive(int n, float **w, void **in, void **out);

static Drive *build(const Net *t, void **library) {
  char command[1024], path[256];
  snprintf(
      command, sizeof command,
      "cd %s && g++ -std=c++14 -O1 -ffp-contract=off -Wall -Wextra -Wno-missing-field-initializers "
      "-Wshadow -Werror -shared "
      "-fPIC -I \"$OLDPWD/tests/cudasim\" -x c++ %s.cu driver.cc -o %s.so",
      folder, t->g->name, t->g->name);
  assert_true(shell(command));
  snprintf(path, sizeof path, "%s/%s.so", folder, t->g->name);
  *library = dlopen(path, RTLD_NOW);
  assert_non_null(*library);
  Drive *drive;
  *(void **)&drive = dlsym(*library, "drive");
  assert_non_null(drive);
  return drive;
}

static double random_value(uint32_t *seed, DType dtype) {
  *seed = *seed * 1664525u + 1013904223u;
  const double unit = (double)(*seed >> 8) / (1 << 24);
  if (dtype == I32) return floor(unit * 4);
  if (dtype == U8) return floor(unit * 256);
  return (float)(2 * unit - 1);
}

/* The same numbers for the interpreter and, converted, for the library. */
typedef struct Memory {
  double **in, **out, **param;
  void **as_in, **as_out;
  float **as_param;
} Memory;

static void *converted(const Net *t, const double *value, DType dtype, int64_t size) {
  void *as = arena_alloc(t->u->arena, (size_t)(size * dtype_size(dtype)));
  for (int64_t i = 0; i < size; i++) {
    if (dtype == F32) ((float *)as)[i] = (float)value[i];
    if (dtype == I32) ((int32_t *)as)[i] = (int32_t)value[i];
    if (dtype == U8) ((unsigned char *)as)[i] = (unsigned char)value[i];
  }
  return as;
}

static double *random_values(const Net *t, const Type *type, int n, uint32_t *seed) {
  const int64_t size = type_size(type, n);
  double *value = NEW_ARRAY(t->u->arena, double, size);
  for (int64_t i = 0; i < size; i++) value[i] = random_value(seed, type->dtype);
  return value;
}

static const Type *output_type(const Net *t, int o) {
  return &t->g->node.at[t->g->entry[ENTRY_FORWARD].want.at[o]].type;
}

static Memory memory_for(const Net *t, int n) {
  Arena *arena = t->u->arena;
  uint32_t seed = (uint32_t)n;
  Memory m = {NEW_ARRAY(arena, double *, t->nin),    NEW_ARRAY(arena, double *, t->nout),
              NEW_ARRAY(arena, double *, t->nparam), NEW_ARRAY(arena, void *, t->nin),
              NEW_ARRAY(arena, void *, t->nout),     NEW_ARRAY(arena, float *, t->nparam)};
  for (int i = 0; i < t->nin; i++) {
    const Type *type = &t->g->input.at[i].type;
    m.in[i] = random_values(t, type, n, &seed);
    m.as_in[i] = converted(t, m.in[i], type->dtype, type_size(type, n));
  }
  for (int i = 0; i < t->nparam; i++) {
    const Type *type = &t->g->param.at[i].type;
    m.param[i] = t->param ? t->param[i] : random_values(t, type, n, &seed);
    m.as_param[i] = converted(t, m.param[i], F32, type_size(type, n));
  }
  for (int o = 0; o < t->nout; o++) {
    m.out[o] = random_values(t, output_type(t, o), n, &seed);
    m.as_out[o] = converted(t, m.out[o], F32, type_size(output_type(t, o), n));
  }
  return m;
}

static void same_as_interpreted(const Net *t, Drive *drive, int n) {
  Memory m = memory_for(t, n);
  PlanRun run = {.input = m.in, .output = m.out, .param = m.param, .n = n};
  plan_run(t->p, PLAN_FORWARD, &run);
  assert_int_equal(drive(n, m.as_param, m.as_in, m.as_out), 0);
  for (int o = 0; o < t->nout; o++) {
    double largest = 0;
    const int64_t size = type_size(output_type(t, o), n);
    for (int64_t i = 0; i < size; i++) largest = fmax(largest, fabs(m.out[o][i]));
    for (int64_t i = 0; i < size; i++) {
      const double got = ((float *)m.as_out[o])[i];
      if (!(fabs(got - m.out[o][i]) <= 2e-6 * largest))
        fail_msg("%s: output %d[%d] is %g, not %g", t->g->name, o, (int)i, got, m.out[o][i]);
    }
  }
}

static void compiles(const Net *t) {
  char command[1024];
  snprintf(command, sizeof command,
           "cd %s && nvcc -arch=sm_80 -Werror all-warnings -ptx -o /dev/null %s.cu && "
           "gcc -std=c11 -Wall -Wextra -pedantic -Werror -fsyntax-only -x c %s.h",
           folder, t->g->name, t->g->name);
  assert_true(shell(command));
}

static void check(Net t) {
  void *library;
  emit_files(&t);
  write_driver(&t);
  Drive *drive = build(&t, &library);
  for (int reverse = 0; reverse < 2; reverse++) {
    setenv("CUDASIM_ORDER", reverse ? "reverse" : "natural", 1);
    for (int n = 1; n <= BATCH; n++) same_as_interpreted(&t, drive, n);
  }
  dlclose(library);
  if (system("command -v nvcc > /dev/null") == 0)
    compiles(&t);
  else
    print_message("nvcc is not installed: %s was not compiled with it\n", t.g->name);
  unit_free(t.u);
}

/* ---- whole networks ---- */

/* A network in a file, small enough for the interpreter, with initialised parameters. */
static Net network(const char *file, const char *shape, WeightsAs as) {
  Net t = {.u = unit_new(), .as = as};
  Options o = {.network = file, .batch = BATCH};
  if (shape) vec_push(t.u->arena, &o.input_shape, shape);
  t.g = pipeline_read(t.u, &o);
  assert_non_null(t.g);
  t.p = pipeline_plan(t.u, &o, t.g, target_find("sm_80"), as != WEIGHTS_LOADED);
  assert_non_null(t.p);
  t.param = params_seeded(t.g, 1);
  t.g = (Graph *)(uintptr_t)t.p->graph;
  t.nparam = t.g->param.n;
  t.nout = t.g->entry[ENTRY_FORWARD].want.n;
  for (int i = 0; i < t.g->input.n; i++) t.nin += t.g->input.at[i].kind == INPUT_DATA;
  return t;
}

static Net written(const char *json) {
  char path[256];
  char *text = strdup(json); /* in double quotes, as JSON wants them */
  for (char *c = text; *c; c++)
    if (*c == '\'') *c = '"';
  write_file("net.json", text, strlen(text));
  free(text);
  snprintf(path, sizeof path, "%s/net.json", folder);
  return network(path, NULL, WEIGHTS_LOADED);
}

/* What models/ has little of: three axes and one, odd windows, every way of moving data. */
static Net mixed(void) {
  return written(
      "{ 'name': 'mixed', 'input': { 'shape': [4, 9, 10] }, 'outputs': ['s', 'm', 'p'], 'layers': ["
      "{ 'op': 'conv', 'name': 'c', 'filters': 6, 'kernel': [3, 2], 'stride': 2, 'pad': 2,"
      "  'dilation': [1, 2], 'groups': 2, 'bias': 'position' }, { 'op': 'sigmoid' },"
      "{ 'op': 'slice', 'name': 'a', 'start': 1, 'stop': 6, 'step': 2 },"
      "{ 'op': 'pad', 'from': 'c', 'axis': 0, 'lo': 1, 'hi': 1, 'value': 0.5, 'name': 'b' },"
      "{ 'op': 'concat', 'from': ['a', 'b', 'c'] },"
      "{ 'op': 'lrn', 'size': 5, 'name': 'l' },"
      "{ 'op': 'lrn', 'size': 3, 'across': 'within' },"
      "{ 'op': 'pool', 'kind': 'average', 'kernel': 3, 'stride': 2, 'pad': 1, 'ceil_mode': true,"
      "  'count_include_pad': false, 'name': 'p' },"
      "{ 'op': 'adaptive_pool', 'kind': 'l2', 'output': [2, 3], 'from': 'l' },"
      "{ 'op': 'reshape', 'shape': [-1, 3] }, { 'op': 'softmax', 'axis': 1, 'name': 's' },"
      "{ 'op': 'mean', 'axes': [1, 2], 'from': 'l', 'keep': true },"
      "{ 'op': 'mul', 'from': ['l', 'mean1'] }, { 'op': 'leaky_relu' },"
      "{ 'op': 'dense', 'units': 5 }, { 'op': 'log_softmax', 'name': 'm' } ] }");
}

static Net volume(void) {
  return written("{ 'name': 'volume', 'input': { 'shape': [2, 5, 6, 7] }, 'layers': ["
                 "{ 'op': 'depthwise', 'kernel': 3, 'multiplier': 2, 'pad': 'same' },"
                 "{ 'op': 'batch_norm' }, { 'op': 'relu6' },"
                 "{ 'op': 'conv', 'filters': 3, 'kernel': 2, 'stride': [1, 2, 3], 'flip': true },"
                 "{ 'op': 'pool', 'kind': 'max', 'kernel': 2, 'stride': 1, 'dilation': [1, 1, 1] },"
                 "{ 'op': 'global_pool', 'kind': 'max' }, { 'op': 'flatten' },"
                 "{ 'op': 'scaled_tanh' } ] }");
}

static Net sequence(void) {
  return written("{ 'name': 'sequence', 'input': { 'shape': [3, 20] }, 'layers': ["
                 "{ 'op': 'conv', 'filters': 4, 'kernel': 5, 'pad': 'full', 'name': 'c' },"
                 "{ 'op': 'abs' }, { 'op': 'square' }, { 'op': 'exp' }, { 'op': 'log' },"
                 "{ 'op': 'sub', 'from': ['log1', 'c'] }, { 'op': 'clip', 'lo': -0.5, 'hi': 2 },"
                 "{ 'op': 'max', 'from': ['clip1', 'c'] },"
                 "{ 'op': 'pool', 'kind': 'l2', 'kernel': 3, 'stride': 2, 'pad': 1 } ] }");
}

#define TEST(name)                                                                                 \
  static void check_##name(void **state) {                                                         \
    (void)state;                                                                                   \
    check(finished(name()));                                                                       \
  }
TEST(convolution)
TEST(pooling)
TEST(divisions)
TEST(statistics)
TEST(prepared)
TEST(labels)
#define NETWORK(name, shape)                                                                       \
  static void check_##name(void **state) {                                                         \
    (void)state;                                                                                   \
    check(network("models/" #name ".json", shape, WEIGHTS_LOADED));                                \
  }
NETWORK(lenet5, NULL)
NETWORK(resnet20_cifar, "3x16x16")
NETWORK(googlenet_caffe, "3x80x80")
NETWORK(mobilenet_v1, "3x32x32")

#define WRITTEN(name)                                                                              \
  static void check_##name(void **state) {                                                         \
    (void)state;                                                                                   \
    check(name());                                                                                 \
  }
WRITTEN(mixed)
WRITTEN(volume)
WRITTEN(sequence)

static void check_baked(void **state) {
  (void)state;
  for (WeightsAs as = WEIGHTS_EMBED; as <= WEIGHTS_FILE; as++)
    check(network("models/resnet20_cifar.json", "3x8x8", as));
}

int main(void) {
  char place[] = "/tmp/cnnc-cuda-XXXXXX";
  folder = mkdtemp(place);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(check_convolution),     cmocka_unit_test(check_pooling),
      cmocka_unit_test(check_divisions),       cmocka_unit_test(check_statistics),
      cmocka_unit_test(check_prepared),        cmocka_unit_test(check_labels),
      cmocka_unit_test(check_lenet5),          cmocka_unit_test(check_resnet20_cifar),
      cmocka_unit_test(check_googlenet_caffe), cmocka_unit_test(check_mobilenet_v1),
      cmocka_unit_test(check_baked),           cmocka_unit_test(check_mixed),
      cmocka_unit_test(check_volume),          cmocka_unit_test(check_sequence),
  };
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  char command[64];
  snprintf(command, sizeof command, "rm -r %s", folder);
  return shell(command) ? failed : 1;
}
