/* gradient.c - graph_gradient against central differences, by the adjoint: for y = f(x) and any
 * dy, the gradient of <f(x), dy> by x. */
#include "graph.h"
#include "kernels.h"

enum { MOST = 3 }; /* arguments */

typedef struct Case {
  Unit *u;
  Random r;
  Graph *g;
  Type type[MOST];
  int nargs;
  Id arg[MOST], result, dout;
  double *value[MOST + 1]; /* by input: arguments, then dout */
  int64_t n;
} Case;

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Case *c = context;
  (void)n;
  return c->value[((const LeafAttr *)g->node.at[leaf].attr)->index];
}

static Id add_input(Case *c, const Type *type) {
  const char *name = arena_printf(c->u->arena, "x%d", c->g->input.n);
  int i = c->g->input.n;
  c->value[i] = random_array(c->u, &c->r, type, c->n).at;
  return graph_input(c->g, (Input){.name = name, .type = *type});
}

static Case *case_new(uint64_t seed) {
  Unit *u = unit_new();
  Case *c = NEW(u->arena, Case);
  c->u = u;
  c->r.state = seed;
  c->g = graph_new(u);
  c->n = 2;
  return c;
}

static void argument(Case *c, const Type *type) {
  c->type[c->nargs] = *type;
  c->arg[c->nargs++] = add_input(c, type);
}

/* The node of a kernel whose inputs are arguments by number. */
static void result(Case *c, Kernel *k, const Type *type) {
  for (int i = 0; i < k->nin; i++) k->in[i].tensor = c->arg[k->in[i].tensor];
  c->result = graph_kernel(c->g, k, type, (Where){.layer = k->name});
  assert_true(c->result != NO_ID);
}

static double loss(Case *c) {
  Array y = graph_run(c->g, &c->result, 1, c->n, leaf_value, c)[0];
  double sum = 0;
  for (int64_t i = 0; i < type_size(&y.type, c->n); i++) sum += y.at[i] * c->value[c->nargs][i];
  return sum;
}

static void check(Case *c, const char *what) {
  c->dout = add_input(c, &c->g->node.at[c->result].type);
  for (int a = 0; a < c->nargs; a++) {
    Id gradient;
    graph_gradients(c->g, c->result, c->dout, &c->arg[a], 1, &gradient);
    assert_true(gradient != NO_ID);
    graph_verify(c->g);
    assert_true(type_same(&c->g->node.at[gradient].type, &c->type[a]));
    Array d = graph_run(c->g, &gradient, 1, c->n, leaf_value, c)[0];
    for (int i = 0; i < 12; i++) {
      double *at = &c->value[a][random_bits(&c->r) % (uint64_t)type_size(&c->type[a], c->n)];
      double old = *at, h = 1e-5;
      *at = old + h;
      double above = loss(c);
      *at = old - h;
      double below = loss(c);
      *at = old;
      double difference = (above - below) / (2 * h), got = d.at[at - c->value[a]];
      if (!(fabs(difference - got) <= 1e-5 * (1 + fabs(got))))
        fail_msg("%s: argument %d: %.9g by differences, %.9g by the gradient", what, a, difference,
                 got);
    }
  }
  unit_free(c->u);
}

static void convolutions(void **state) {
  (void)state;
  for (int i = 0; i < 150; i++) {
    Case *c = case_new((uint64_t)i);
    Window w = random_window(&c->r);
    Type x = window_type(&w, w.groups * w.c, w.size), f = weight_type(&w),
         y = window_type(&w, w.groups * w.k, w.out);
    Kernel k;
    argument(c, &x);
    argument(c, &f);
    conv_kernel(c->u, &w, &k);
    if (i % 4 == 1) k.in[0].outside = SKIP;
    result(c, &k, &y);
    check(c, "convolution");
  }
}

/* The data gradient of a convolution of stride 1 is a contraction,
 * and so is the weight gradient. */
static void gradients_are_contractions(void **state) {
  (void)state;
  Case *c = case_new(1);
  Window w = {.rank = 2,
              .groups = 1,
              .c = 2,
              .k = 3,
              .size = {5, 5},
              .kernel = {3, 3},
              .stride = {1, 1},
              .dilation = {1, 1},
              .pad = {1, 1},
              .out = {5, 5}};
  Type x = window_type(&w, 2, w.size), f = weight_type(&w), y = window_type(&w, 3, w.out);
  Kernel k;
  argument(c, &x);
  argument(c, &f);
  conv_kernel(c->u, &w, &k);
  result(c, &k, &y);
  Id dout = add_input(c, &y);
  for (int a = 0; a < 2; a++) {
    node_kernel(c->g, graph_gradient(c->g, c->result, c->arg[a], dout), &k);
    assert_int_equal(kernel_kind(&k), KIND_CONTRACT);
    for (int i = 0; i < k.nin; i++)
      for (int b = 0; b < k.in[i].rank; b++) assert_true(coord_affine(&k.in[i].at[b]));
  }
  unit_free(c->u);
}

/* sum, max and L2 over windows; averages by a count that depends on the position. */
static void pools(void **state) {
  (void)state;
  for (int i = 0; i < 150; i++) {
    Case *c = case_new((uint64_t)i);
    Window w = random_window(&c->r);
    Kernel k;
    for (int a = 0; a < w.rank; a++) { /* no window lies in the padding alone */
      int64_t reach = (w.kernel[a] - 1) * w.dilation[a] + 1;
      if (w.pad[a] >= w.kernel[a] || w.dilation[a] > 1) w.pad[a] = 0;
      if (w.size[a] < reach) w.size[a] = reach;
      w.out[a] = (w.size[a] + 2 * w.pad[a] - reach) / w.stride[a] + 1;
    }
    Type x = window_type(&w, w.c, w.size), y = window_type(&w, w.c, w.out);
    argument(c, &x);
    for (int64_t j = 0; j < type_size(&x, c->n); j++) c->value[0][j] += 2; /* L2 away from 0 */
    pool_kernel(c->u, &w, i % 4 == 0 ? FOLD_MAX : FOLD_SUM, &k);
    const Expr *in = expr_in(c->u, 0), *acc = expr_acc(c->u, 0);
    if (i % 4 == 1) {
      k.nfold = 2;
      k.fold[1] = (Fold){FOLD_SUM, expr_const(c->u, 1), F32};
      k.out[0].value =
          expr2(c->u, E_div, acc, expr2(c->u, E_max, expr_acc(c->u, 1), expr_const(c->u, 1)));
    }
    if (i % 4 == 2) {
      k.fold[0].term = expr2(c->u, E_mul, in, in);
      k.out[0].value = expr1(c->u, E_sqrt, expr2(c->u, E_add, acc, expr_const(c->u, 0.1)));
    }
    if (i % 4 == 3)
      k.out[0].value =
          expr2(c->u, E_div, acc, expr2(c->u, E_add, expr_index(c->u, 2), expr_const(c->u, 1)));
    result(c, &k, &y);
    check(c, "pool");
  }
}

/* out = x * (1 + sum of squares over neighbouring channels)^-0.75 in one kernel */
static void local_response(void **state) {
  (void)state;
  Case *c = case_new(3);
  Type x = TYPE(per_n(), fixed(5), fixed(2));
  Kernel k;
  argument(c, &x);
  kernel_start(&k, "lrn", -1, &x);
  int j = kernel_loop(&k, "j", fixed(3), true);
  for (int i = 0; i < 2; i++) memcpy(kernel_in(&k, 0, &x)->at, k.out[0].to.at, sizeof k.in[0].at);
  k.in[0].outside = SKIP;
  k.in[0].at[1].coef[j] = 1;
  k.in[0].at[1].plus = -1;
  const Expr *in = expr_in(c->u, 0), *one = expr_const(c->u, 1);
  k.nfold = 1;
  k.fold[0] = (Fold){FOLD_SUM, expr2(c->u, E_mul, in, in), F32};
  k.out[0].value = expr2(
      c->u, E_mul, expr_in(c->u, 1),
      expr2(c->u, E_pow, expr2(c->u, E_add, expr_acc(c->u, 0), one), expr_const(c->u, -0.75)));
  result(c, &k, &x);
  check(c, "local response");
}

static void identity_view(Kernel *k, int arg, const Type *type) {
  memcpy(kernel_in(k, arg, type)->at, k->out[0].to.at, sizeof k->in[0].at);
}

/* The same elements in shapes that have no axis in common. */
static void shapes(void **state) {
  (void)state;
  Case *c = case_new(1);
  const Type x = TYPE(per_n(), fixed(3), fixed(4), fixed(4), fixed(3));
  const ReshapeAttr attr = {.shape = {.n = 4, .at = {4, 6, -1, 2}}};
  argument(c, &x);
  c->result = graph_add(c->g, OP_reshape, c->arg, 1, &attr, (Where){.layer = "reshape"});
  assert_true(c->result != NO_ID);
  check(c, "reshape");
}

static void moves(void **state) {
  (void)state;
  for (int i = 0; i < 300; i++) {
    Case *c = case_new((uint64_t)i);
    Type x = TYPE(per_n(), fixed(random_int(&c->r, 1, 3)), fixed(random_int(&c->r, 1, 6)),
                  fixed(random_int(&c->r, 1, 6)));
    Type y = x;
    Kernel k;
    int kind = i % 8, a = random_int(&c->r, 1, 3);
    int plane = (int)(x.dim[2].plus * x.dim[3].plus), row = (int)x.dim[3].plus;
    Coord coord = coord_loop(a, 1, 0);
    if (kind == 0) { /* pad, crop */
      coord.plus = random_int(&c->r, -2, 2);
      y.dim[a].plus += random_int(&c->r, 0, 3);
    } else if (kind == 1) { /* strided slice */
      coord = coord_loop(a, random_int(&c->r, 1, 3), random_int(&c->r, 0, 2));
    } else if (kind == 2) { /* upsample */
      coord.div = random_int(&c->r, 2, 3);
      coord.plus = random_int(&c->r, 0, 2);
      y.dim[a].plus = y.dim[a].plus * coord.div - random_int(&c->r, 0, 1);
    } else if (kind == 3) { /* tile */
      coord.mod = (int32_t)x.dim[a].plus;
      y.dim[a].plus *= 2;
    } else if (kind == 4) { /* one element of an axis, everywhere */
      coord = (Coord){.div = 1, .plus = random_int(&c->r, 0, (int)x.dim[a].plus - 1)};
    } else if (kind == 5) { /* flip */
      coord = coord_loop(a, -1, x.dim[a].plus - 1);
    } else if (kind == 6) { /* exact division: zeros between */
      coord.div = 2;
      coord.exact = true;
      y.dim[a].plus = 2 * y.dim[a].plus + random_int(&c->r, -1, 1);
    } else { /* flatten */
      y = TYPE(per_n(), fixed(x.dim[1].plus * plane));
    }
    argument(c, &x);
    kernel_start(&k, "move", -1, &y);
    View *in = kernel_in(&k, 0, &x);
    memcpy(in->at, k.out[0].to.at, sizeof in->at);
    in->outside = kind == 0 || kind == 1 || kind == 2 || kind == 6 ? FILL : INSIDE;
    in->at[a] = coord;
    if (kind == 7) {
      for (int b = 1; b < 4; b++) in->at[b] = coord_loop(1, 1, 0);
      in->at[1].div = plane;
      in->at[2].div = row;
      in->at[2].mod = (int32_t)x.dim[2].plus;
      in->at[3].mod = row;
    }
    const Expr *value = expr_in(c->u, 0);
    if (i % 3 == 1) value = expr1(c->u, E_exp, value);
    if (i % 3 == 2 && kind != 7)
      value =
          expr2(c->u, E_div, value, expr2(c->u, E_add, expr_index(c->u, a), expr_const(c->u, 1)));
    k.out[0].value = value;
    result(c, &k, &y);
    char what[40];
    snprintf(what, sizeof what, "move %d (case %d)", kind, i);
    check(c, what);
  }
}

static void maps(void **state) {
  (void)state;
  for (int i = 0; i < 40; i++) {
    Case *c = case_new((uint64_t)i);
    Unit *u = c->u;
    Type x = TYPE(per_n(), fixed(3), fixed(2), fixed(4)), b = TYPE(fixed(3));
    Kernel k;
    argument(c, &x);
    argument(c, &b);
    kernel_start(&k, "map", -1, &x);
    identity_view(&k, 0, &x);
    kernel_in(&k, 1, &b)->at[0] = coord_loop(1, 1, 0);
    const Expr *in = expr_in(u, 0), *bias = expr_in(u, 1), *two = expr_const(u, 2), *value;
    const Expr *sum = expr2(u, E_add, in, bias);
    switch (i % 6) {
    case 0: value = expr2(u, E_max, expr_const(u, 0), sum); break;
    case 1: value = expr2(u, E_add, expr2(u, E_mul, expr1(u, E_tanh, sum), two), two); break;
    case 2: value = expr2(u, E_div, in, expr2(u, E_add, bias, two)); break;
    case 3: value = expr1(u, E_sqrt, expr2(u, E_add, expr2(u, E_mul, in, bias), two)); break;
    case 4: value = expr2(u, E_pow, expr2(u, E_add, in, two), expr2(u, E_add, bias, two)); break;
    default:
      value = expr2(u, E_mul, expr1(u, E_erf, in), expr1(u, E_log, expr2(u, E_add, bias, two)));
    }
    k.out[0].value = value;
    result(c, &k, &x);
    check(c, "map");
  }
}

/* Sums over the batch: mean and variance of each channel, combined over free loops or folded. */
static void statistics(void **state) {
  (void)state;
  for (int i = 0; i < 20; i++) {
    Case *c = case_new((uint64_t)i);
    Type x = TYPE(per_n(), fixed(3), fixed(4)), y = TYPE(fixed(3));
    Kernel k = {.name = "statistics", .nout = 1};
    argument(c, &x);
    int ch = kernel_loop(&k, "c", fixed(3), false);
    int n = kernel_loop(&k, "n", per_n(), i % 2), w = kernel_loop(&k, "w", fixed(4), i % 2);
    View *in = kernel_in(&k, 0, &x);
    in->at[0] = coord_loop(n, 1, 0);
    in->at[1] = coord_loop(ch, 1, 0);
    in->at[2] = coord_loop(w, 1, 0);
    k.out[0].to = (View){.tensor = -1, .rank = 1, .at = {coord_loop(ch, 1, 0)}};
    const Expr *square = expr2(c->u, E_mul, expr_in(c->u, 0), expr_in(c->u, 0));
    if (i % 2) {
      k.nfold = 1;
      k.fold[0] = (Fold){FOLD_SUM, square, F64};
      k.out[0].value = expr2(c->u, E_div, expr_acc(c->u, 0), expr_const(c->u, 3));
    } else {
      k.out[0].combine = true;
      k.out[0].value = square;
    }
    result(c, &k, &y);
    check(c, "statistics");
  }
}

/* Equal maxima: the first in raster order gets everything. */
static void first_maximum(void **state) {
  (void)state;
  Case *c = case_new(9);
  Window w = {.rank = 2,
              .groups = 1,
              .c = 1,
              .k = 1,
              .size = {4, 4},
              .kernel = {2, 2},
              .stride = {2, 2},
              .dilation = {1, 1},
              .out = {2, 2}};
  Type x = window_type(&w, 1, w.size), y = window_type(&w, 1, w.out);
  Kernel k;
  c->n = 1;
  argument(c, &x);
  for (int i = 0; i < 16; i++) c->value[0][i] = 1;
  c->value[0][7] = 2;
  pool_kernel(c->u, &w, FOLD_MAX, &k);
  result(c, &k, &y);
  c->dout = add_input(c, &y);
  for (int i = 0; i < 4; i++) c->value[1][i] = i + 1;
  Id gradient = graph_gradient(c->g, c->result, c->arg[0], c->dout);
  Array d = graph_run(c->g, &gradient, 1, 1, leaf_value, c)[0];
  const double expected[16] = {1, 0, 0, 0, 0, 0, 0, 2, 3, 0, 4, 0, 0, 0, 0, 0};
  assert_memory_equal(d.at, expected, sizeof expected);
  unit_free(c->u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(convolutions),  cmocka_unit_test(gradients_are_contractions),
      cmocka_unit_test(pools),         cmocka_unit_test(local_response),
      cmocka_unit_test(moves),         cmocka_unit_test(shapes),
      cmocka_unit_test(maps),          cmocka_unit_test(statistics),
      cmocka_unit_test(first_maximum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
