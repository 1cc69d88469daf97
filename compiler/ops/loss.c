/* loss.c - losses: from a prediction and a target to one number, the mean over the samples (or
 * positions) that are not ignored.
 *
 * They are nodes like everything else. Labels are picked by comparing the class index with the
 * label, so that the gradient is a gather as well; sums over the batch are in double. */
#include "softmax.h"

#include <inttypes.h>

/* ---- mean over the batch ---- */

/* `value` (over ACC(0)) of the sum of `term` (over IN(0) = x) over all elements. */
static Id sum_all(Build *b, Id x, const Expr *term, const Expr *value) {
  static const char *const names[MAX_RANK] = {"n", "c", "d", "h", "w", "i", "j", "l"};
  if (x == NO_ID) return NO_ID;
  const Type type = *build_type(b, x), scalar = {.dtype = F32};
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &scalar);
  for (int a = 0; a < type.rank; a++) kernel_loop(&k, names[a], type.dim[a], true);
  kernel_in_whole(&k, x, &type);
  k.nfold = 1;
  k.fold[0] = (Fold){.op = FOLD_SUM, .term = term, .acc = F64};
  k.out[0].value = value;
  return build_kernel(b, &k, &scalar);
}

/* ---- cross_entropy ---- */

typedef struct CrossEntropyAttr {
  int64_t ignore_index;
  double label_smoothing;
  Matrix class_weights;
} CrossEntropyAttr;

static const Field cross_entropy_fields[] = {
    {.name = "ignore_index",
     .kind = FIELD_INT,
     .offset = offsetof(CrossEntropyAttr, ignore_index),
     .otherwise = -100,
     .doc = "label of samples or positions that do not count"},
    {.name = "label_smoothing",
     .kind = FIELD_REAL,
     .offset = offsetof(CrossEntropyAttr, label_smoothing),
     .max = 1,
     .doc = "part of the target that is spread evenly over all classes"},
    {.name = "class_weights",
     .kind = FIELD_TENSOR,
     .offset = offsetof(CrossEntropyAttr, class_weights),
     .doc = "how much each class counts: one number per class; the mean is a weighted one"},
};

/* Labels [n,...] for a prediction [n,classes,...]. */
static bool check_labels(Build *b, const Type *prediction, const Type *labels) {
  bool fits = prediction->rank >= 2 && labels->rank == prediction->rank - 1 && labels->dtype == I32;
  for (int a = 1; fits && a < labels->rank; a++)
    fits = extent_same(labels->dim[a], prediction->dim[a + 1]);
  if (fits) return true;
  Arena *arena = build_graph(b)->u->arena;
  build_error(b, "target",
              "cross_entropy of %s needs labels i32 without its axis of classes, not %s",
              type_text(arena, prediction), type_text(arena, labels));
  return false;
}

/* The sum over the classes of `term` (over IN(0) = prediction, IN(1) = label, IN(2) = weight of the
 * class, INDEX(class)), 0 where the label is ignored: [n,...]. */
static Id fold_classes(Build *b, Id prediction, Id labels, Id weights, double ignore,
                       const Expr *(*term)(Unit *, const CrossEntropyAttr *, int class, int64_t n),
                       const CrossEntropyAttr *attr) {
  Unit *u = build_graph(b)->u;
  if (prediction == NO_ID) return NO_ID;
  const Type from = *build_type(b, prediction), label = *build_type(b, labels);
  Type type = label;
  type.dtype = F32;
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &type);
  int class = kernel_loop(&k, "class", from.dim[1], true);
  View *x = kernel_in(&k, prediction, &from), *y = kernel_in(&k, labels, &label);
  for (int a = 0; a < label.rank; a++) {
    y->at[a] = coord_loop(a, 1, 0);
    x->at[a ? a + 1 : 0] = y->at[a];
  }
  x->at[1] = coord_loop(class, 1, 0);
  if (weights != NO_ID)
    kernel_in(&k, weights, build_type(b, weights))->at[0] = coord_loop(class, 1, 0);
  const Expr *ignored = expr2(u, E_eq, expr_in(u, 1), expr_const(u, ignore));
  const Expr *value = term(u, attr, class, from.dim[1].plus);
  k.nfold = 1;
  k.fold[0].term = expr3(u, E_select, ignored, expr_const(u, 0), value);
  k.out[0].value = expr_acc(u, 0);
  return build_kernel(b, &k, &type);
}

static const Expr *class_weight(Unit *u, const CrossEntropyAttr *attr) {
  return attr->class_weights.rank ? expr_in(u, 2) : expr_const(u, 1);
}

/* weight * -log softmax, times 1 - smoothing at the label and smoothing / classes everywhere */
static const Expr *entropy_term(Unit *u, const CrossEntropyAttr *attr, int class, int64_t n) {
  const Expr *here = expr2(u, E_eq, expr_in(u, 1), expr_index(u, class));
  const Expr *value = expr2(u, E_mul, expr1(u, E_neg, expr_in(u, 0)), class_weight(u, attr));
  const Expr *part = expr_const(u, 1 - attr->label_smoothing + attr->label_smoothing / (double)n);
  const Expr *all = expr_const(u, attr->label_smoothing / (double)n);
  const Expr *elsewhere = /* of a class that is impossible, 0 times infinity would be no number */
      attr->label_smoothing > 0 ? expr2(u, E_mul, value, all) : expr_const(u, 0);
  return expr3(u, E_select, here, expr2(u, E_mul, value, part), elsewhere);
}

/* The weight of the label's class. */
static const Expr *count_term(Unit *u, const CrossEntropyAttr *attr, int class, int64_t n) {
  const Expr *here = expr2(u, E_eq, expr_in(u, 1), expr_index(u, class));
  (void)n;
  return expr3(u, E_select, here, class_weight(u, attr), expr_const(u, 0));
}

/* The class weights as a constant [classes]; NO_ID: none, or an error. */
static Id weights_of(Build *b, const Matrix *given, int64_t classes) {
  const Type type = {.dtype = F32, .rank = 1, .dim = {fixed(classes)}};
  if (given->rank == 0) return NO_ID;
  if (given->rank == 1 && given->dim[0] == classes)
    return graph_const(build_graph(b), &type, given->at, build_where(b));
  build_error(b, "class_weights", "class_weights must be a list of %lld numbers, one per class",
              (long long)classes);
  return NO_ID;
}

/* What the sum over all labels is divided by: how many count, or the sum of their weights; 1 where
 * none does, so that the loss and its gradient are 0. */
static Id build_count(Build *b, Id prediction, Id labels, Id weights,
                      const CrossEntropyAttr *attr) {
  Unit *u = build_graph(b)->u;
  const double ignore = (double)attr->ignore_index;
  const Expr *count = expr_acc(u, 0), *one = expr_const(u, 1), *zero = expr_const(u, 0);
  const Expr *some = expr3(u, E_select, expr2(u, E_eq, count, zero), one, count);
  if (weights != NO_ID)
    return sum_all(b, fold_classes(b, prediction, labels, weights, ignore, count_term, attr),
                   expr_in(u, 0), some);
  const Expr *ignored = expr2(u, E_eq, expr_in(u, 0), expr_const(u, ignore));
  return sum_all(b, labels, expr3(u, E_select, ignored, zero, one), some);
}

static Id cross_entropy_build(Build *b, const void *attributes, const Id *arg, int nargs) {
  const CrossEntropyAttr *attr = attributes;
  Unit *u = build_graph(b)->u;
  const Type prediction = *build_type(b, arg[0]), labels = *build_type(b, arg[1]);
  double ignore = (double)attr->ignore_index;
  (void)nargs;
  if (!check_labels(b, &prediction, &labels)) return NO_ID;
  Id weights = weights_of(b, &attr->class_weights, prediction.dim[1].plus);
  if (attr->class_weights.rank && weights == NO_ID) return NO_ID;
  Id entropy =
      fold_classes(b, build_log_softmax(b, arg[0], 0), arg[1], weights, ignore, entropy_term, attr);
  Id count = build_count(b, arg[0], arg[1], weights, attr);
  return build_add2(b, OP_div, NULL, sum_all(b, entropy, expr_in(u, 0), expr_acc(u, 0)), count);
}

/* Labels: the prediction without its classes. */
static Type label_type(const Type *prediction) {
  Type type = *prediction;
  if (type.rank < 2) return type;
  type.dtype = I32;
  for (int a = 1; a + 1 < type.rank; a++) type.dim[a] = type.dim[a + 1];
  type.rank--;
  return type;
}

static bool ignores_label(const void *attributes, int64_t label) {
  return label == ((const CrossEntropyAttr *)attributes)->ignore_index;
}

static double label_counts(const void *attributes, int64_t label) {
  const Matrix *weights = &((const CrossEntropyAttr *)attributes)->class_weights;
  if (ignores_label(attributes, label)) return 0;
  if (weights->rank == 0) return 1;
  return label >= 0 && label < weights->dim[0] ? weights->at[label] : 0;
}

static const char *label_doc(Arena *arena, const void *attributes, const Type *prediction) {
  const CrossEntropyAttr *attr = attributes;
  return arena_printf(arena, "numbers of classes, 0 ... %" PRId64 "; %" PRId64 ": does not count",
                      prediction->dim[1].plus - 1, attr->ignore_index);
}

const Op op_cross_entropy = {
    .name = "cross_entropy",
    .class = CLASS_LOSS,
    .in_json = true,
    .min_args = 2,
    .max_args = 2,
    .doc = "mean of -log softmax at the label; the prediction is logits [classes, ...]",
    .source = "PyTorch CrossEntropyLoss",
    .field = cross_entropy_fields,
    .nfield = COUNT(cross_entropy_fields),
    .attr_size = sizeof(CrossEntropyAttr),
    .build = cross_entropy_build,
    .target = label_type,
    .ignores = ignores_label,
    .counts = label_counts,
    .target_doc = label_doc,
};

/* ---- losses of two tensors of one shape: the mean of a formula over all elements ---- */

typedef struct ElementLossAttr {
  double delta;
  bool logits;
} ElementLossAttr;

typedef const Expr *(*LossFormula)(Unit *, const ElementLossAttr *, const Expr *x, const Expr *y);

static Id map_pair(Build *b, Id x, Id y, const Type *type, const Expr *value) {
  Kernel k;
  kernel_start(&k, build_layer(b), -1, type);
  kernel_in_whole(&k, x, type);
  kernel_in_whole(&k, y, type);
  k.out[0].value = value;
  return build_kernel(b, &k, type);
}

static Id element_loss(Build *b, const char *name, LossFormula formula, const void *attr,
                       const Id *arg) {
  static const ElementLossAttr none = {0};
  Unit *u = build_graph(b)->u;
  const Type type = *build_type(b, arg[0]), scalar = {.dtype = F32};
  if (!type_same(&type, build_type(b, arg[1]))) {
    build_error(b, "target", "%s compares tensors of one shape, not %s and %s", name,
                type_text(u->arena, &type), type_text(u->arena, build_type(b, arg[1])));
    return NO_ID;
  }
  const Expr *value = formula(u, attr ? attr : &none, expr_in(u, 0), expr_in(u, 1));
  Id sum = sum_all(b, map_pair(b, arg[0], arg[1], &type, value), expr_in(u, 0), expr_acc(u, 0));
  if (sum == NO_ID) return NO_ID;
  Kernel k;
  double size = (double)type_size(&type, 1);
  kernel_start(&k, build_layer(b), -1, &scalar);
  kernel_in(&k, sum, &scalar);
  k.out[0].value = expr2(u, E_div, expr_in(u, 0),
                         expr2(u, E_mul, expr_scalar(u, SCALAR_N), expr_const(u, size)));
  return build_kernel(b, &k, &scalar);
}

static const Expr *mse_formula(Unit *u, const ElementLossAttr *attr, const Expr *x, const Expr *y) {
  const Expr *difference = expr2(u, E_sub, x, y);
  (void)attr;
  return expr2(u, E_mul, difference, difference);
}

static const Expr *mae_formula(Unit *u, const ElementLossAttr *attr, const Expr *x, const Expr *y) {
  (void)attr;
  return expr1(u, E_abs, expr2(u, E_sub, x, y));
}

static const Expr *huber_formula(Unit *u, const ElementLossAttr *attr, const Expr *x,
                                 const Expr *y) {
  const Expr *difference = expr2(u, E_sub, x, y), *size = expr1(u, E_abs, difference);
  const Expr *delta = expr_const(u, attr->delta);
  const Expr *near = expr2(u, E_mul, expr2(u, E_mul, difference, difference), expr_const(u, 0.5));
  const Expr *far = expr2(u, E_sub, size, expr_const(u, attr->delta / 2));
  return expr3(u, E_select, expr2(u, E_lt, size, delta), near, expr2(u, E_mul, far, delta));
}

/* Logits: max(x, 0) - x*y + log(1 + exp(-|x|)), which no x overflows. The maximum is (x + |x|) / 2:
 * with it the slopes of the kinks at 0 add up to that of the whole, sigmoid(0) - y. */
static const Expr *bce_formula(Unit *u, const ElementLossAttr *attr, const Expr *x, const Expr *y) {
  const Expr *one = expr_const(u, 1), *least = expr_const(u, -100);
  if (attr->logits) {
    const Expr *size = expr1(u, E_abs, x), *e = expr1(u, E_exp, expr1(u, E_neg, size));
    const Expr *above = expr2(u, E_mul, expr2(u, E_add, x, size), expr_const(u, 0.5));
    const Expr *linear = expr2(u, E_sub, above, expr2(u, E_mul, x, y));
    return expr2(u, E_add, linear, expr1(u, E_log, expr2(u, E_add, e, one)));
  }
  const Expr *yes = expr2(u, E_max, least, expr1(u, E_log, x));
  const Expr *no = expr2(u, E_max, least, expr1(u, E_log, expr2(u, E_sub, one, x)));
  const Expr *sum =
      expr2(u, E_add, expr2(u, E_mul, yes, y), expr2(u, E_mul, no, expr2(u, E_sub, one, y)));
  return expr1(u, E_neg, sum);
}

static const Expr *hinge_formula(Unit *u, const ElementLossAttr *attr, const Expr *x,
                                 const Expr *y) {
  const Expr *short_of = expr2(u, E_sub, expr_const(u, attr->delta), expr2(u, E_mul, x, y));
  return expr2(u, E_max, expr_const(u, 0), short_of);
}

static const Field huber_fields[] = {
    {.name = "delta",
     .kind = FIELD_REAL,
     .offset = offsetof(ElementLossAttr, delta),
     .otherwise = 1,
     .min = 1e-30,
     .max = 1e30,
     .doc = "where the parabola becomes a line"},
};
static const Field bce_fields[] = {
    {.name = "logits",
     .kind = FIELD_BOOL,
     .offset = offsetof(ElementLossAttr, logits),
     .doc = "the prediction is before the sigmoid (PyTorch BCEWithLogitsLoss)"},
};
static const Field hinge_fields[] = {
    {.name = "margin",
     .kind = FIELD_REAL,
     .offset = offsetof(ElementLossAttr, delta),
     .otherwise = 1,
     .doc = "prediction * target from which on nothing is lost"},
};

#define ELEMENT_LOSS(Name, text, values, where, ...)                                               \
  static Id Name##_build(Build *b, const void *attr, const Id *arg, int nargs) {                   \
    (void)nargs;                                                                                   \
    return element_loss(b, #Name, Name##_formula, attr, arg);                                      \
  }                                                                                                \
  static const char *Name##_target(Arena *arena, const void *attr, const Type *prediction) {       \
    (void)arena, (void)attr, (void)prediction;                                                     \
    return values;                                                                                 \
  }                                                                                                \
  const Op op_##Name = {.name = #Name,                                                             \
                        .class = CLASS_LOSS,                                                       \
                        .in_json = true,                                                           \
                        .min_args = 2,                                                             \
                        .max_args = 2,                                                             \
                        .doc = text,                                                               \
                        .source = where,                                                           \
                        .target_doc = Name##_target,                                               \
                        .build = Name##_build,                                                     \
                        __VA_ARGS__}
#define WANTED "what the prediction should be"
#define LOSS_FIELDS(table)                                                                         \
  .field = table, .nfield = COUNT(table), .attr_size = sizeof(ElementLossAttr)

ELEMENT_LOSS(mse, "mean of (prediction - target)^2 over all elements", WANTED, "PyTorch MSELoss",
             .field = NULL);
ELEMENT_LOSS(mae, "mean of |prediction - target| over all elements", WANTED, "PyTorch L1Loss",
             .field = NULL);
ELEMENT_LOSS(
    huber,
    "mean of d^2 / 2 for |d| < delta, delta * (|d| - delta / 2) beyond; d = prediction - target",
    WANTED, "Huber 1964; PyTorch HuberLoss", LOSS_FIELDS(huber_fields));
ELEMENT_LOSS(bce, "mean of -(target * log(prediction) + (1 - target) * log(1 - prediction))",
             "probabilities, 0 ... 1", "PyTorch BCELoss, BCEWithLogitsLoss",
             LOSS_FIELDS(bce_fields));
ELEMENT_LOSS(hinge, "mean of max(0, margin - prediction * target); targets are -1 and 1", "-1 or 1",
             "Rosasco et al. 2004", LOSS_FIELDS(hinge_fields));
