/* case.c - convolutions, pools, gradients and maps of one to three dimensions, over buffers with
 * random lanes and margins. */
#include "case.h"

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

void case_conv(Test *t, Case *c) {
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

void case_pool(Test *t, Case *c) {
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
void case_data_gradient(Test *t, Case *c) {
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
void case_weight_gradient(Test *t, Case *c) {
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
void case_map(Test *t, Case *c) {
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
void case_move(Test *t, Case *c) {
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
void case_sum(Test *t, Case *c) {
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
void case_fold(Test *t, Case *c) {
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
