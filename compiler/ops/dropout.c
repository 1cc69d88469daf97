/* dropout.c - the layer that training alone knows: elements set to 0 by chance. */
#include <math.h>

#include "graph.h"

typedef struct DropoutAttr {
  double p;
} DropoutAttr;

static const Field dropout_fields[] = {
    {.name = "p",
     .kind = FIELD_REAL,
     .offset = offsetof(DropoutAttr, p),
     .otherwise = 0.5,
     .max = 1,
     .doc = "probability that training sets an element to 0"},
};

/* The random number of an element, by seed; pass and sample; layer and place in the sample. Neither
 * the number of threads nor how the tensor lies in memory can change it. */
static const Expr *element_random(Unit *u, const Type *type, int64_t layer) {
  const Expr *pass = expr2(u, E_mul, expr_scalar(u, SCALAR_PASS), expr_const(u, 0x1p21));
  const Expr *place = expr_const(u, (double)layer * 0x1p31);
  int64_t stride = 1;
  for (int a = type->rank - 1; a > 0; a--) {
    const Expr *part = expr2(u, E_mul, expr_index(u, a), expr_const(u, (double)stride));
    place = expr2(u, E_add, part, place);
    stride *= type->dim[a].plus;
  }
  return expr3(u, E_random, expr_scalar(u, SCALAR_SEED), expr2(u, E_add, pass, expr_index(u, 0)),
               place);
}

/* In training: x / keep where a random number is below keep, else 0. keep is a multiple of 2^-24,
 * as random numbers are: float and double compare alike. The gradient has the same formula, so no
 * mask is kept. A layer is numbered by where its node stands in the graph. */
static Id dropout_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const DropoutAttr *attr = attributes;
  Unit *u = build_graph(b)->u;
  const Type type = *build_type(b, arg[0]);
  double keep = round((1 - attr->p) * 0x1p24) * 0x1p-24;
  (void)nargs;
  if (!build_training(b) || keep == 1) return arg[0];
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &type);
  kernel_in_whole(&k, arg[0], &type);
  const Expr *random = element_random(u, &type, build_graph(b)->node.n);
  const Expr *kept = expr2(u, E_mul, expr_in(u, 0), expr_const(u, keep > 0 ? 1 / keep : 0));
  k.out[0].value =
      expr3(u, E_select, expr2(u, E_lt, random, expr_const(u, keep)), kept, expr_const(u, 0));
  return build_kernel(b, &k, &type);
}

const Op op_dropout = {
    .name = "dropout",
    .class = CLASS_LAYER,
    .in_json = true,
    .min_args = 1,
    .max_args = 1,
    .doc = "x; in training 0 with probability p, else x / (1 - p)",
    .source = "Srivastava et al. 2014; PyTorch Dropout",
    .field = dropout_fields,
    .nfield = COUNT(dropout_fields),
    .attr_size = sizeof(DropoutAttr),
    .build = dropout_build,
};
