/* absorb.c - kernel_absorb: producer and consumer one after the other against
 * the absorbed kernel. */
#include "kernels.h"

enum { SOURCE, OTHER, MIDDLE, WEIGHT, RESULT, TENSORS };

typedef struct Chain {
  Unit *u;
  Random r;
  Type type[TENSORS];
  Kernel from, to;
  int64_t n;
} Chain;

/* ---- producers of MIDDLE: [n, c, h, w] or [n, f] ---- */

static Type image(Random *r) {
  return TYPE(per_n(), fixed(random_int(r, 1, 3)), fixed(random_int(r, 1, 5)),
              fixed(random_int(r, 1, 5)));
}

static void start(Chain *c) {
  kernel_start(&c->from, "from", MIDDLE, &c->type[MIDDLE]);
}

static View *read_source(Chain *c) {
  View *in = kernel_in(&c->from, SOURCE, &c->type[SOURCE]);
  for (int a = 0; a < in->rank; a++) in->at[a] = coord_loop(a, 1, 0);
  c->from.out[0].value = expr_in(c->u, 0);
  return in;
}

static void make_pad(Chain *c) { /* or crop, or both */
  Type *x = &c->type[SOURCE], *y = &c->type[MIDDLE];
  *x = *y = image(&c->r);
  int64_t lo[2];
  for (int a = 0; a < 2; a++) {
    lo[a] = random_int(&c->r, -1, 2);
    y->dim[2 + a].plus += lo[a] + random_int(&c->r, -1, 2);
    if (y->dim[2 + a].plus < 1) y->dim[2 + a].plus = 1;
  }
  start(c);
  View *in = read_source(c);
  in->outside = FILL;
  in->fill = random_int(&c->r, 0, 1);
  for (int a = 0; a < 2; a++) in->at[2 + a].plus = -lo[a];
}

static void make_slice(Chain *c) {
  Type *x = &c->type[SOURCE], *y = &c->type[MIDDLE];
  *x = *y = image(&c->r);
  int from = random_int(&c->r, 0, 2), step = random_int(&c->r, 1, 2);
  x->dim[3].plus = y->dim[3].plus * step + from + random_int(&c->r, 0, 1);
  start(c);
  View *in = read_source(c);
  in->at[3] = coord_loop(3, step, from);
}

static void make_upsample(Chain *c) {
  Type *x = &c->type[SOURCE], *y = &c->type[MIDDLE];
  *x = *y = image(&c->r);
  y->dim[2].plus *= 2;
  start(c);
  View *in = read_source(c);
  in->at[2].div = 2;
}

static void make_transpose(Chain *c) {
  Type *x = &c->type[SOURCE], *y = &c->type[MIDDLE];
  *x = image(&c->r);
  *y = *x;
  y->dim[2] = x->dim[3];
  y->dim[3] = x->dim[2];
  start(c);
  View *in = read_source(c);
  in->at[2] = coord_loop(3, 1, 0);
  in->at[3] = coord_loop(2, 1, 0);
  if (random_int(&c->r, 0, 1)) in->at[2] = coord_loop(3, -1, x->dim[2].plus - 1);
}

static void make_map(Chain *c) { /* max(0, x), x + bias, or x * h */
  Type *x = &c->type[SOURCE], *b = &c->type[OTHER];
  *x = c->type[MIDDLE] = image(&c->r);
  *b = TYPE(x->dim[1]);
  start(c);
  read_source(c);
  const Expr *in = expr_in(c->u, 0);
  int kind = random_int(&c->r, 0, 2);
  if (kind == 0) c->from.out[0].value = expr2(c->u, E_max, expr_const(c->u, 0), in);
  if (kind == 1) {
    kernel_in(&c->from, OTHER, b)->at[0] = coord_loop(1, 1, 0);
    c->from.out[0].value = expr2(c->u, E_add, in, expr_in(c->u, 1));
  }
  if (kind == 2) c->from.out[0].value = expr2(c->u, E_mul, in, expr_index(c->u, 2));
}

static void make_broadcast(Chain *c) {
  Type *y = &c->type[MIDDLE];
  *y = image(&c->r);
  c->type[SOURCE] = TYPE(y->dim[1]);
  start(c);
  kernel_in(&c->from, SOURCE, &c->type[SOURCE])->at[0] = coord_loop(1, 1, 0);
  c->from.out[0].value = expr_in(c->u, 0);
}

static void make_concat(Chain *c) { /* along channels */
  Type *y = &c->type[MIDDLE];
  c->type[SOURCE] = c->type[OTHER] = *y = image(&c->r);
  c->type[OTHER].dim[1].plus = random_int(&c->r, 1, 2);
  y->dim[1].plus += c->type[OTHER].dim[1].plus;
  start(c);
  read_source(c)->outside = FILL;
  View *in = kernel_in(&c->from, OTHER, &c->type[OTHER]);
  memcpy(in->at, c->from.in[0].at, sizeof in->at);
  in->outside = FILL;
  in->at[1].plus = -c->type[SOURCE].dim[1].plus;
  c->from.out[0].value = expr2(c->u, E_add, expr_in(c->u, 0), expr_in(c->u, 1));
}

static void make_flatten(Chain *c) {
  Type *x = &c->type[SOURCE];
  *x = image(&c->r);
  int32_t plane = (int32_t)(x->dim[2].plus * x->dim[3].plus), w = (int32_t)x->dim[3].plus;
  c->type[MIDDLE] = TYPE(per_n(), fixed(x->dim[1].plus * plane));
  start(c);
  View *in = kernel_in(&c->from, SOURCE, x);
  in->at[0] = coord_loop(0, 1, 0);
  for (int a = 1; a < 4; a++) in->at[a] = coord_loop(1, 1, 0);
  in->at[1].div = plane;
  in->at[2].div = w;
  in->at[2].mod = (int32_t)x->dim[2].plus;
  in->at[3].mod = w;
  c->from.out[0].value = expr_in(c->u, 0);
}

static void make_unflatten(Chain *c) {
  Type *y = &c->type[MIDDLE];
  *y = image(&c->r);
  int plane = (int)(y->dim[2].plus * y->dim[3].plus), w = (int)y->dim[3].plus;
  c->type[SOURCE] = TYPE(per_n(), fixed(y->dim[1].plus * plane));
  start(c);
  View *in = kernel_in(&c->from, SOURCE, &c->type[SOURCE]);
  in->at[0] = coord_loop(0, 1, 0);
  in->at[1] = coord_loop(1, plane, 0);
  in->at[1].coef[2] = w;
  in->at[1].coef[3] = 1;
  c->from.out[0].value = expr_in(c->u, 0);
}

/* ---- consumers of MIDDLE ---- */

static void use_window(Chain *c, bool conv) {
  const Type *x = &c->type[MIDDLE];
  Window w = {.rank = x->rank - 2, .groups = 1, .c = x->dim[1].plus, .k = 2};
  for (int a = 0; a < w.rank; a++) {
    w.size[a] = x->dim[2 + a].plus;
    w.kernel[a] = random_int(&c->r, 1, 3);
    w.stride[a] = random_int(&c->r, 1, 2);
    w.dilation[a] = 1;
    w.pad[a] = random_int(&c->r, 0, 1);
    if (w.size[a] + 2 * w.pad[a] < w.kernel[a]) w.kernel[a] = w.size[a];
    w.out[a] = (w.size[a] + 2 * w.pad[a] - w.kernel[a]) / w.stride[a] + 1;
  }
  c->type[WEIGHT] = weight_type(&w);
  c->type[RESULT] = window_type(&w, conv ? w.k : w.c, w.out);
  if (conv)
    conv_kernel(c->u, &w, &c->to);
  else
    pool_kernel(c->u, &w, (Combine)random_int(&c->r, 0, 2), &c->to);
  c->to.in[0].tensor = MIDDLE;
  c->to.out[0].to.tensor = RESULT;
  if (conv) {
    c->to.in[1].tensor = WEIGHT;
    c->to.in[0].fill = random_int(&c->r, 0, 1);
  }
}

static void use_flat(Chain *c) { /* sum over everything, weighted by the flat index */
  const Type *x = &c->type[MIDDLE];
  c->type[RESULT] = TYPE(per_n());
  kernel_start(&c->to, "flat", RESULT, &c->type[RESULT]);
  View *in = kernel_in(&c->to, MIDDLE, x);
  in->at[0] = coord_loop(0, 1, 0);
  int64_t size = 1;
  for (int a = 1; a < x->rank; a++) size *= x->dim[a].plus;
  int f = kernel_loop(&c->to, "f", fixed(size), true);
  for (int a = x->rank - 1, div = 1; a > 0; a--) {
    in->at[a] = coord_loop(f, 1, 0);
    in->at[a].div = div;
    if (a > 1) in->at[a].mod = (int32_t)x->dim[a].plus;
    div *= (int)x->dim[a].plus;
  }
  c->to.nfold = 1;
  c->to.fold[0] = (Fold){(Combine)random_int(&c->r, 0, 2),
                         expr2(c->u, E_mul, expr_in(c->u, 0), expr_index(c->u, f)), F32};
  c->to.out[0].value = expr_acc(c->u, 0);
}

static void use_shifted(Chain *c) { /* x[i, 2 i + 1] with any fill: a map */
  const Type *x = &c->type[MIDDLE];
  c->type[RESULT] = *x;
  kernel_start(&c->to, "shifted", RESULT, x);
  View *in = kernel_in(&c->to, MIDDLE, x);
  memcpy(in->at, c->to.out[0].to.at, sizeof in->at);
  int a = random_int(&c->r, 1, x->rank - 1);
  in->at[a] = coord_loop(a, random_int(&c->r, 1, 2), random_int(&c->r, -2, 2));
  in->at[a].div = random_int(&c->r, 1, 2);
  in->at[a].exact = in->at[a].div > 1 && random_int(&c->r, 0, 1);
  in->outside = FILL;
  in->fill = random_int(&c->r, 0, 1);
  c->to.out[0].value = expr2(c->u, E_add, expr_in(c->u, 0), expr_index(c->u, 1));
}

static void use(Chain *c, int kind) {
  if (kind < 2 && c->type[MIDDLE].rank == 4)
    use_window(c, kind);
  else if (kind < 3)
    use_flat(c);
  else
    use_shifted(c);
}

/* ---- */

static double *run_both(Chain *c, Array *array) {
  for (int t = 0; t < TENSORS; t++) array[t] = random_array(c->u, &c->r, &c->type[t], c->n);
  kernel_run(&c->from, array, NULL, NULL, c->n);
  kernel_run(&c->to, array, NULL, NULL, c->n);
  size_t size = (size_t)type_size(&c->type[RESULT], c->n) * sizeof(double);
  return memcpy(arena_alloc(c->u->arena, size), array[RESULT].at, size);
}

static void absorb_pairs(void **state) {
  static void (*const make[])(Chain *) = {make_pad,       make_slice,   make_upsample,
                                          make_transpose, make_map,     make_broadcast,
                                          make_concat,    make_flatten, make_unflatten};
  int absorbed[COUNT(make)][4] = {{0}};
  (void)state;
  for (int i = 0; i < 4000; i++) {
    Chain c = {.u = unit_new(), .r = {(uint64_t)i}, .n = 2};
    int producer = i % COUNT(make), consumer = i / COUNT(make) % 4;
    Array array[TENSORS];
    make[producer](&c);
    use(&c, consumer);
    const double *expected = run_both(&c, array);
    Type type[MAX_IN];
    for (int j = 0; j < c.from.nin; j++) type[j] = c.type[c.from.in[j].tensor];
    Kernel k = c.to;
    if (i % 2) kernel_simplify(c.u, &c.from);
    if (kernel_absorb(c.u, &k, 0, &c.from, type)) {
      int64_t size = type_size(&c.type[RESULT], c.n);
      for (int64_t j = 0; j < size; j++) array[RESULT].at[j] = 55;
      array[MIDDLE].at = NULL;
      naive_run(&k, array, c.n);
      char what[80];
      snprintf(what, sizeof what, "case %d: producer %d, consumer %d", i, producer, consumer);
      assert_near(array[RESULT].at, expected, size, 1e-12, what);
      absorbed[producer][consumer]++;
    } else {
      assert_true(kernel_same(&k, &c.to));
    }
    unit_free(c.u);
  }
  for (int p = 0; p < COUNT(make); p++)
    for (int s = 0; s < 4; s++)
      if (absorbed[p][s] == 0) fail_msg("producer %d never joined consumer %d", p, s);
}

/* Flatten before a dense layer disappears: the loop over features becomes three. */
static void flatten_disappears(void **state) {
  (void)state;
  Chain c = {.u = unit_new(), .n = 1};
  Type *x = &c.type[SOURCE], *w = &c.type[WEIGHT];
  *x = TYPE(per_n(), fixed(16), fixed(5), fixed(4));
  *w = TYPE(fixed(10), fixed(320));
  Kernel from, k = {.name = "dense", .nfold = 1, .nout = 1};
  c.type[MIDDLE] = TYPE(per_n(), fixed(320));
  kernel_start(&from, "flatten", MIDDLE, &c.type[MIDDLE]);
  View *in = kernel_in(&from, SOURCE, x);
  in->at[0] = coord_loop(0, 1, 0);
  for (int a = 1; a < 4; a++) in->at[a] = coord_loop(1, 1, 0);
  in->at[1].div = 20;
  in->at[2].div = 4;
  in->at[2].mod = 5;
  in->at[3].mod = 4;
  from.out[0].value = expr_in(c.u, 0);
  kernel_start(&k, "dense", RESULT, &(Type){F32, 2, {{1, 0}, {0, 10}}});
  int f = kernel_loop(&k, "f", fixed(320), true);
  in = kernel_in(&k, MIDDLE, &c.type[MIDDLE]);
  in->at[0] = coord_loop(0, 1, 0);
  in->at[1] = coord_loop(f, 1, 0);
  in = kernel_in(&k, WEIGHT, w);
  in->at[0] = coord_loop(1, 1, 0);
  in->at[1] = coord_loop(f, 1, 0);
  k.nfold = 1;
  k.fold[0] = (Fold){FOLD_SUM, expr2(c.u, E_mul, expr_in(c.u, 0), expr_in(c.u, 1)), F32};
  k.out[0].value = expr_acc(c.u, 0);
  assert_true(kernel_absorb(c.u, &k, 0, &from, x));
  assert_int_equal(kernel_kind(&k), KIND_CONTRACT);
  assert_int_equal(k.nloop, 5);
  for (int i = 0; i < k.nin; i++)
    for (int a = 0; a < k.in[i].rank; a++) assert_true(coord_affine(&k.in[i].at[a]));
  unit_free(c.u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(absorb_pairs),
      cmocka_unit_test(flatten_disappears),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
