/* act.c - element by element: activations and arithmetic.
 *
 * A row is a formula; reference, gradient and code all come from it. In maxima x comes second, so
 * that a NaN survives. */
#include "graph.h"

static const Expr *number(Unit *u, double value) {
  return expr_const(u, value);
}

/* ---- activations ---- */

#define ACTIVATION(Name, text, where)                                                              \
  const Op op_##Name = {                                                                           \
      .name = #Name,                                                                               \
      .class = CLASS_MAP,                                                                          \
      .in_json = true,                                                                             \
      .min_args = 1,                                                                               \
      .max_args = 1,                                                                               \
      .doc = text,                                                                                 \
      .source = where,                                                                             \
      .expr = Name##_expr,                                                                         \
  }

#define ACTIVATION_WITH(Name, Attr, text, where)                                                   \
  const Op op_##Name = {                                                                           \
      .name = #Name,                                                                               \
      .class = CLASS_MAP,                                                                          \
      .in_json = true,                                                                             \
      .min_args = 1,                                                                               \
      .max_args = 1,                                                                               \
      .doc = text,                                                                                 \
      .source = where,                                                                             \
      .field = Name##_fields,                                                                      \
      .nfield = COUNT(Name##_fields),                                                              \
      .attr_size = sizeof(Attr),                                                                   \
      .expr = Name##_expr,                                                                         \
  }

static const Expr *relu_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr2(u, E_max, number(u, 0), expr_in(u, 0));
}
ACTIVATION(relu, "max(0, x)", "Nair and Hinton 2010");

typedef struct SlopeAttr {
  double slope;
} SlopeAttr;
static const Field leaky_relu_fields[] = {
    {.name = "slope",
     .kind = FIELD_REAL,
     .offset = offsetof(SlopeAttr, slope),
     .otherwise = 0.01,
     .doc = "factor below 0"},
};
static const Expr *leaky_relu_expr(Unit *u, const void *attr) {
  const Expr *x = expr_in(u, 0), *slope = number(u, ((const SlopeAttr *)attr)->slope);
  return expr3(u, E_select, expr2(u, E_lt, number(u, 0), x), x, expr2(u, E_mul, x, slope));
}
ACTIVATION_WITH(leaky_relu, SlopeAttr, "x above 0, slope * x below", "Maas et al. 2013");

static const Expr *relu6_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr2(u, E_min, number(u, 6), expr2(u, E_max, number(u, 0), expr_in(u, 0)));
}
ACTIVATION(relu6, "min(6, max(0, x))", "Krizhevsky 2010");

typedef struct ClipAttr {
  double lo, hi;
} ClipAttr;
static const Field clip_fields[] = {
    {.name = "lo",
     .kind = FIELD_REAL,
     .offset = offsetof(ClipAttr, lo),
     .required = true,
     .example = "0",
     .doc = "smallest result"},
    {.name = "hi",
     .kind = FIELD_REAL,
     .offset = offsetof(ClipAttr, hi),
     .required = true,
     .example = "6",
     .doc = "largest result"},
};
static const Expr *clip_expr(Unit *u, const void *attr) {
  const ClipAttr *clip = attr;
  return expr2(u, E_min, number(u, clip->hi), expr2(u, E_max, number(u, clip->lo), expr_in(u, 0)));
}
ACTIVATION_WITH(clip, ClipAttr, "min(hi, max(lo, x))", "PyTorch clamp");

typedef struct EluAttr {
  double alpha;
} EluAttr;
static const Field elu_fields[] = {
    {.name = "alpha",
     .kind = FIELD_REAL,
     .offset = offsetof(EluAttr, alpha),
     .otherwise = 1,
     .doc = "the limit below 0 is -alpha"},
};
static const Expr *elu_expr(Unit *u, const void *attr) {
  const Expr *x = expr_in(u, 0), *alpha = number(u, ((const EluAttr *)attr)->alpha);
  const Expr *below = expr2(u, E_sub, expr1(u, E_exp, x), number(u, 1));
  return expr3(u, E_select, expr2(u, E_lt, number(u, 0), x), x, expr2(u, E_mul, below, alpha));
}
ACTIVATION_WITH(elu, EluAttr, "x above 0, alpha * (exp(x) - 1) below",
                "Clevert et al. 2015, arXiv 1511.07289; PyTorch ELU");

typedef enum GeluForm { GELU_EXACT, GELU_TANH } GeluForm;
typedef struct GeluAttr {
  int32_t approximate;
} GeluAttr;
static const char *const gelu_forms[] = {"none", "tanh", NULL};
static const Field gelu_fields[] = {
    {.name = "approximate",
     .kind = FIELD_ENUM,
     .offset = offsetof(GeluAttr, approximate),
     .names = gelu_forms,
     .doc = "none: by the error function; tanh: by tanh(sqrt(2/pi) * (x + 0.044715 * x^3))"},
};
static const Expr *gelu_expr(Unit *u, const void *attr) {
  const Expr *x = expr_in(u, 0), *s;
  if (((const GeluAttr *)attr)->approximate == GELU_TANH) {
    const Expr *cube = expr2(u, E_mul, expr2(u, E_mul, x, x), x);
    s = expr2(u, E_add, x, expr2(u, E_mul, cube, number(u, 0.044715)));
    s = expr1(u, E_tanh, expr2(u, E_mul, s, number(u, 0.79788456080286535588)));
  } else {
    s = expr1(u, E_erf, expr2(u, E_mul, x, number(u, 0.70710678118654752440)));
  }
  return expr2(u, E_mul, expr2(u, E_mul, x, number(u, 0.5)), expr2(u, E_add, s, number(u, 1)));
}
ACTIVATION_WITH(gelu, GeluAttr, "x * (1 + erf(x / sqrt(2))) / 2",
                "Hendrycks and Gimpel 2016, arXiv 1606.08415; PyTorch GELU");

/* By tanh, whose derivative stays finite for large -x. */
static const Expr *silu_expr(Unit *u, const void *attr) {
  const Expr *half = expr2(u, E_mul, expr_in(u, 0), number(u, 0.5));
  (void)attr;
  return expr2(u, E_mul, half, expr2(u, E_add, expr1(u, E_tanh, half), number(u, 1)));
}
ACTIVATION(silu, "x / (1 + exp(-x))", "Elfwing et al. 2017, arXiv 1702.03118; PyTorch SiLU");

typedef struct SoftplusAttr {
  double beta, threshold;
} SoftplusAttr;
static const Field softplus_fields[] = {
    {.name = "beta",
     .kind = FIELD_REAL,
     .offset = offsetof(SoftplusAttr, beta),
     .otherwise = 1,
     .min = 1e-30,
     .max = 1e30,
     .doc = "sharpness of the bend"},
    {.name = "threshold",
     .kind = FIELD_REAL,
     .offset = offsetof(SoftplusAttr, threshold),
     .otherwise = 20,
     .doc = "above this beta * x the result is x"},
};
static const Expr *softplus_expr(Unit *u, const void *attributes) {
  const SoftplusAttr *attr = attributes;
  const Expr *x = expr_in(u, 0), *scaled = expr2(u, E_mul, x, number(u, attr->beta));
  const Expr *sum = expr2(u, E_add, expr1(u, E_exp, scaled), number(u, 1));
  const Expr *soft = expr2(u, E_div, expr1(u, E_log, sum), number(u, attr->beta));
  return expr3(u, E_select, expr2(u, E_lt, number(u, attr->threshold), scaled), x, soft);
}
ACTIVATION_WITH(softplus, SoftplusAttr, "log(1 + exp(beta * x)) / beta", "PyTorch Softplus");

static const Expr *hard_swish_expr(Unit *u, const void *attr) {
  const Expr *x = expr_in(u, 0), *above = expr2(u, E_add, x, number(u, 3));
  (void)attr;
  above = expr2(u, E_min, number(u, 6), expr2(u, E_max, number(u, 0), above));
  return expr2(u, E_div, expr2(u, E_mul, x, above), number(u, 6));
}
ACTIVATION(hard_swish, "x * min(6, max(0, x + 3)) / 6",
           "Howard et al. 2019, arXiv 1905.02244; PyTorch Hardswish");

static const Expr *sigmoid_expr(Unit *u, const void *attr) {
  const Expr *e = expr1(u, E_exp, expr1(u, E_neg, expr_in(u, 0)));
  (void)attr;
  return expr2(u, E_div, number(u, 1), expr2(u, E_add, e, number(u, 1)));
}
ACTIVATION(sigmoid, "1 / (1 + exp(-x))", "PyTorch Sigmoid");

static const Expr *tanh_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr1(u, E_tanh, expr_in(u, 0));
}
ACTIVATION(tanh, "tanh(x)", "PyTorch Tanh");

typedef struct ScaledTanhAttr {
  double a, b;
} ScaledTanhAttr;
static const Field scaled_tanh_fields[] = {
    {.name = "a",
     .kind = FIELD_REAL,
     .offset = offsetof(ScaledTanhAttr, a),
     .otherwise = 1.7159,
     .doc = "factor of the result"},
    {.name = "b",
     .kind = FIELD_REAL,
     .offset = offsetof(ScaledTanhAttr, b),
     .otherwise = 2.0 / 3.0,
     .doc = "factor of x"},
};
static const Expr *scaled_tanh_expr(Unit *u, const void *attr) {
  const ScaledTanhAttr *s = attr;
  const Expr *t = expr1(u, E_tanh, expr2(u, E_mul, expr_in(u, 0), number(u, s->b)));
  return expr2(u, E_mul, t, number(u, s->a));
}
ACTIVATION_WITH(scaled_tanh, ScaledTanhAttr, "a * tanh(b * x)",
                "LeCun et al. 1998, Proc. IEEE 86(11)");

static const Expr *abs_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr1(u, E_abs, expr_in(u, 0));
}
ACTIVATION(abs, "|x|", "PyTorch abs");

static const Expr *exp_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr1(u, E_exp, expr_in(u, 0));
}
ACTIVATION(exp, "e to the power of x", "PyTorch exp");

static const Expr *log_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr1(u, E_log, expr_in(u, 0));
}
ACTIVATION(log, "natural logarithm of x", "PyTorch log");

static const Expr *sqrt_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr1(u, E_sqrt, expr_in(u, 0));
}
ACTIVATION(sqrt, "square root of x", "PyTorch sqrt");

static const Expr *square_expr(Unit *u, const void *attr) {
  (void)attr;
  return expr2(u, E_mul, expr_in(u, 0), expr_in(u, 0));
}
ACTIVATION(square, "x * x", "PyTorch square");

/* ---- prelu: its slope is a parameter ---- */

typedef struct PreluAttr {
  int64_t num_parameters;
  double init;
} PreluAttr;
static const Field prelu_fields[] = {
    {.name = "num_parameters",
     .kind = FIELD_INT,
     .offset = offsetof(PreluAttr, num_parameters),
     .otherwise = 1,
     .min = 1,
     .max = 0x7fffffff,
     .doc = "1: one slope for all, or as many as channels"},
    {.name = "slope",
     .kind = FIELD_REAL,
     .offset = offsetof(PreluAttr, init),
     .otherwise = 0.25,
     .doc = "what the slope is before training"},
};

static Id prelu_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const PreluAttr *attr = attributes;
  const Type type = *build_type(b, arg[0]);
  int64_t n = attr->num_parameters;
  (void)nargs;
  if (n > 1 && (type.rank < 2 || type.dim[1].plus != n)) {
    build_error(b, "num_parameters",
                "%lld slopes do not fit %lld channels: there is one slope, or one for each",
                (long long)n, (long long)(type.rank < 2 ? 0 : type.dim[1].plus));
    return NO_ID;
  }
  Id w = build_param(b, "weight", PARAM_SCALE, 1, &n, INIT_CONSTANT, attr->init, n, n);
  if (w == NO_ID) return NO_ID;
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &type);
  View *in = kernel_in(&k, w, build_type(b, w));
  if (n > 1) in->at[0] = coord_loop(1, 1, 0);
  k.out[0].value = expr_in(build_graph(b)->u, 0);
  return build_add2(b, OP_prelu, attr, arg[0], build_kernel(b, &k, &type));
}

static const Expr *prelu_expr(Unit *u, const void *attr) {
  const Expr *x = expr_in(u, 0);
  (void)attr;
  return expr3(u, E_select, expr2(u, E_lt, number(u, 0), x), x, expr2(u, E_mul, x, expr_in(u, 1)));
}

const Op op_prelu = {
    .name = "prelu",
    .class = CLASS_MAP,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .node_args = 2,
    .doc = "x above 0, weight * x below; the weight is trained",
    .source = "He et al. 2015, arXiv 1502.01852; PyTorch PReLU",
    .field = prelu_fields,
    .nfield = COUNT(prelu_fields),
    .attr_size = sizeof(PreluAttr),
    .build = prelu_build,
    .expr = prelu_expr,
};

/* ---- arithmetic on two or more tensors ---- */

/* The shape to which all arguments are repeated: per axis the extent that is not 1. */
static bool common_type(Build *b, const Id *arg, int nargs, Type *type) {
  *type = *build_type(b, arg[0]);
  for (int i = 1; i < nargs; i++) {
    const Type *other = build_type(b, arg[i]);
    bool fits = other->rank == type->rank;
    for (int a = 0; fits && a < type->rank; a++) {
      Extent *extent = &type->dim[a];
      fits = extent_same(*extent, other->dim[a]) || extent_same(*extent, fixed(1)) ||
             extent_same(other->dim[a], fixed(1));
      if (extent_same(*extent, fixed(1))) *extent = other->dim[a];
    }
    if (fits) continue;
    Arena *arena = build_graph(b)->u->arena;
    build_error(b, NULL, "shapes %s and %s do not agree", type_text(arena, type),
                type_text(arena, other));
    return false;
  }
  return true;
}

/* Repeats axes of extent 1. */
static Id repeat_to(Build *b, Id id, const Type *type) {
  const Type from = *build_type(b, id);
  if (type_same(&from, type)) return id;
  Kernel k;
  kernel_start(&k, build_layer(b), -1, type);
  View *in = kernel_in(&k, id, &from);
  for (int a = 0; a < type->rank; a++)
    if (extent_same(from.dim[a], type->dim[a])) in->at[a] = coord_loop(a, 1, 0);
  k.out[0].value = expr_in(build_graph(b)->u, 0);
  return build_kernel(b, &k, type);
}

static Id arithmetic_build(Build *b, OpKind op, const Id *arg, int nargs) {
  Type type;
  if (!common_type(b, arg, nargs, &type)) return NO_ID;
  Id result = repeat_to(b, arg[0], &type);
  for (int i = 1; i < nargs; i++)
    result = build_add2(b, op, NULL, result, repeat_to(b, arg[i], &type));
  return result;
}

#define ARITHMETIC(Name, most, text)                                                               \
  static Id Name##_build(Build *b, const void *attr, const Id *arg, int nargs) {                   \
    (void)attr;                                                                                    \
    return arithmetic_build(b, OP_##Name, arg, nargs);                                             \
  }                                                                                                \
  static const Expr *Name##_expr(Unit *u, const void *attr) {                                      \
    (void)attr;                                                                                    \
    return expr2(u, E_##Name, expr_in(u, 0), expr_in(u, 1));                                       \
  }                                                                                                \
  const Op op_##Name = {                                                                           \
      .name = #Name,                                                                               \
      .class = CLASS_MAP,                                                                          \
      .in_json = true,                                                                             \
      .min_args = 2,                                                                               \
      .max_args = most,                                                                            \
      .doc = text "; axes of extent 1 are repeated",                                               \
      .source = "PyTorch " #Name,                                                                  \
      .build = Name##_build,                                                                       \
      .expr = Name##_expr,                                                                         \
  }

ARITHMETIC(add, -1, "sum of two or more tensors");
ARITHMETIC(sub, 2, "first tensor minus second");
ARITHMETIC(mul, -1, "product of two or more tensors");
ARITHMETIC(div, 2, "first tensor divided by second");
ARITHMETIC(min, -1, "smallest of two or more tensors");
ARITHMETIC(max, -1, "largest of two or more tensors");
