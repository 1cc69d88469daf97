/* loss.c - losses: from a prediction and a target to one number, the mean over the samples (or
 * positions) that are not ignored.
 *
 * They are nodes like everything else. Labels are picked by comparing the class index with the
 * label, so that the gradient is a gather as well; sums over the batch are in double. */
#include "softmax.h"

/* ---- mean over the batch */

/* The sum of `term` (over IN(0) = x) over all elements. */
static Id sum_all(Build *b, Id x, const Expr *term) {
  static const char *const names[MAX_RANK] = {"n", "c", "d", "h", "w", "i", "j", "l"};
  if (x == NO_ID) return NO_ID;
  const Type type = *build_type(b, x), scalar = {.dtype = F32};
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &scalar);
  for (int a = 0; a < type.rank; a++) kernel_loop(&k, names[a], type.dim[a], true);
  View *in = kernel_in(&k, x, &type);
  for (int a = 0; a < type.rank; a++) in->at[a] = coord_loop(a, 1, 0);
  k.nfold = 1;
  k.fold[0] = (Fold){.op = FOLD_SUM, .term = term, .acc = F64};
  k.out[0].value = expr_acc(build_graph(b)->u, 0);
  return build_kernel(b, &k, &scalar);
}

/* ---- cross_entropy */

typedef struct CrossEntropyAttr {
  int64_t ignore_index;
} CrossEntropyAttr;

static const Field cross_entropy_fields[] = {
    {.name = "ignore_index",
     .kind = FIELD_INT,
     .offset = offsetof(CrossEntropyAttr, ignore_index),
     .otherwise = -100,
     .doc = "label of samples or positions that do not count"},
};

/* Labels [n,...] for a prediction [n,classes,...]. */
static bool check_labels(Build *b, const Type *prediction, const Type *labels) {
  bool fits = prediction->rank >= 2 && labels->rank == prediction->rank - 1 && labels->dtype == I32;
  for (int a = 1; fits && a < labels->rank; a++)
    fits = extent_same(labels->dim[a], prediction->dim[a + 1]);
  if (fits) return true;
  Text text = {.arena = build_graph(b)->u->arena};
  type_print(&text, prediction);
  text_add(&text, " needs labels i32 without its axis of classes, not ");
  type_print(&text, labels);
  build_error(b, "target", "cross_entropy of %s", text.at);
  return false;
}

/* -log_softmax at the label, 0 where it is ignored: [n,...]. */
static Id pick_label(Build *b, Id log_softmax, Id labels, double ignore) {
  Unit *u = build_graph(b)->u;
  if (log_softmax == NO_ID) return NO_ID;
  const Type from = *build_type(b, log_softmax), label = *build_type(b, labels);
  Type type = label;
  type.dtype = F32;
  Kernel k;
  kernel_start(&k, build_layer(b), -1, &type);
  int class = kernel_loop(&k, "class", from.dim[1], true);
  View *x = kernel_in(&k, log_softmax, &from), *y = kernel_in(&k, labels, &label);
  for (int a = 0; a < label.rank; a++) {
    y->at[a] = coord_loop(a, 1, 0);
    x->at[a ? a + 1 : 0] = y->at[a];
  }
  x->at[1] = coord_loop(class, 1, 0);
  const Expr *zero = expr_const(u, 0),
             *is_label = expr2(u, E_eq, expr_in(u, 1), expr_index(u, class));
  const Expr *ignored = expr2(u, E_eq, expr_in(u, 1), expr_const(u, ignore));
  const Expr *value = expr1(u, E_neg, expr_in(u, 0));
  k.nfold = 1;
  k.fold[0].term = expr3(u, E_select, ignored, zero, expr3(u, E_select, is_label, value, zero));
  k.out[0].value = expr_acc(u, 0);
  return build_kernel(b, &k, &type);
}

static Id cross_entropy_build(Build *b, const void *attr, const Id *arg, int nargs) {
  Unit *u = build_graph(b)->u;
  const Type prediction = *build_type(b, arg[0]), labels = *build_type(b, arg[1]);
  double ignore = (double)((const CrossEntropyAttr *)attr)->ignore_index;
  (void)nargs;
  if (!check_labels(b, &prediction, &labels)) return NO_ID;
  Id picked = pick_label(b, build_log_softmax(b, arg[0], 0), arg[1], ignore);
  const Expr *ignored = expr2(u, E_eq, expr_in(u, 0), expr_const(u, ignore));
  const Expr *counts = expr3(u, E_select, ignored, expr_const(u, 0), expr_const(u, 1));
  return build_add2(b, OP_div, NULL, sum_all(b, picked, expr_in(u, 0)), sum_all(b, arg[1], counts));
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
};

/* ---- mse */

static Id mse_build(Build *b, const void *attr, const Id *arg, int nargs) {
  Unit *u = build_graph(b)->u;
  const Type type = *build_type(b, arg[0]), scalar = {.dtype = F32};
  (void)attr, (void)nargs;
  if (!type_same(&type, build_type(b, arg[1]))) {
    Text text = {.arena = u->arena};
    type_print(&text, &type);
    text_add(&text, " and ");
    type_print(&text, build_type(b, arg[1]));
    build_error(b, "target", "mse compares tensors of one shape, not %s", text.at);
    return NO_ID;
  }
  Id difference = build_add2(b, OP_sub, NULL, arg[0], arg[1]);
  Id sum = sum_all(b, difference, expr2(u, E_mul, expr_in(u, 0), expr_in(u, 0)));
  if (sum == NO_ID) return NO_ID;
  Kernel k;
  double size = (double)type_size(&type, 1);
  kernel_start(&k, build_layer(b), -1, &scalar);
  kernel_in(&k, sum, &scalar);
  k.out[0].value = expr2(u, E_div, expr_in(u, 0),
                         expr2(u, E_mul, expr_scalar(u, SCALAR_N), expr_const(u, size)));
  return build_kernel(b, &k, &scalar);
}

const Op op_mse = {
    .name = "mse",
    .class = CLASS_LOSS,
    .in_json = true,
    .min_args = 2,
    .max_args = 2,
    .doc = "mean of (prediction - target)^2 over all elements",
    .source = "PyTorch MSELoss",
    .build = mse_build,
};
