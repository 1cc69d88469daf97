/* gradients.c - the gradients of every operator, by every input and every parameter, in the
 * interpreter: for y = f(x) and any dy, the gradient of <f(x), dy> by x, along a direction and at
 * single elements.
 *
 * Where f is affine in x, <f(x + d) - f(x), dy> = <d, gradient> to rounding (the adjoint
 * identity), else differences of fourth order must agree. Operators and their fields come from the
 * tables (layers.h), over 1, 2 and 3 axes: a new operator is tested without being told. Numbers lie
 * on a dyadic grid away from kinks: neither on bounds of activations nor equal to one another.
 * Formulas that are smooth, though parts of them have a kink at 0, are taken there as well. */
#include "layers.h"

#include <math.h>

enum { SAMPLES = 2, ELEMENTS = 2 };

/* Of a difference: a power of two, so that x + STEP * d is exact. */
static const double STEP = 1.0 / 8192;

/* ---- tables ---- */

/* Operators that have no gradient of their own. */
static const struct {
  OpKind op;
  const char *why;
} without[] = {
    {OP_input, "gradients end here"},
    {OP_param, "gradients end here"},
    {OP_state, "written by updates, which nothing differentiates"},
    {OP_constant, "does not change"},
    {OP_kernel, "any computation: what other operators are made of; unit.gradient"},
    {OP_normalise, "what batch_norm is in training: in_training"},
    {OP_broadcast, "what biases and normalisations are made of; unit.gradient"},
    {OP_shift, "what softmax and log_softmax are made of"},
};

/* Operators that are affine in their inputs: there the adjoint identity must have been tested. */
static const struct {
  OpKind op;
  const char *field, *value; /* where this field has this value */
} affine[] = {
    {OP_conv, NULL, NULL},
    {OP_depthwise, NULL, NULL},
    {OP_separable, NULL, NULL},
    {OP_local, NULL, NULL},
    {OP_tiled, NULL, NULL},
    {OP_conv_transpose, NULL, NULL},
    {OP_dense, NULL, NULL},
    {OP_pool, "kind", "average"},
    {OP_gaussian_pool, NULL, NULL},
    {OP_global_pool, "kind", "average"},
    {OP_adaptive_pool, "kind", "average"},
    {OP_subsample, NULL, NULL},
    {OP_add, NULL, NULL},
    {OP_sub, NULL, NULL},
    {OP_batch_norm, NULL, NULL}, /* with running statistics */
    {OP_flatten, NULL, NULL},
    {OP_reshape, NULL, NULL},
    {OP_concat, NULL, NULL},
    {OP_slice, NULL, NULL},
    {OP_pad, NULL, NULL},
    {OP_crop, NULL, NULL},
    {OP_split, NULL, NULL},
    {OP_transpose, NULL, NULL},
    {OP_channel_shuffle, NULL, NULL},
    {OP_upsample, NULL, NULL},
    {OP_dropout, NULL, NULL},
    {OP_mean, NULL, NULL},
    {OP_sum, NULL, NULL},
};

/* Where inputs lie, if not around 0 on multiples of GRID, shifted by a part of it so that they keep
 * away from bounds, from the other input's numbers, and from sums that are 0. */
static const double GRID = 1.0 / 512;
static const struct {
  OpKind op;
  double first, grid; /* argument 0; 1 is the same */
} domains[] = {
    {OP_log, 0.25, 1.0 / 512}, {OP_sqrt, 0.25, 1.0 / 512},    {OP_div, 0.25, 1.0 / 512},
    {OP_relu6, -7, 1.0 / 64},  {OP_hard_swish, -7, 1.0 / 64}, {OP_bce, 0.125, 1.0 / 4096},
    {OP_huber, -3, 1.0 / 64},
};

/* ---- numbers ---- */

typedef struct Case {
  const Op *op;
  const char *text;
  Graph *g;
  Id result, dout;
  double **value; /* by node: of leaves */
  unsigned seed;
  bool at_zero; /* numbers around 0, and 0 itself */
  double size;  /* of the terms of the last sum */
} Case;

static unsigned random_bits(Case *c) {
  c->seed = c->seed * 1103515245u + 12345u;
  return c->seed >> 8 & 0xffff;
}

/* All different, in random order: first + (i + shift) * grid. */
static void fill_grid(Case *c, double *at, int64_t n, double first, double grid, double shift) {
  for (int64_t i = 0; i < n; i++) at[i] = first + ((double)i + shift) * grid;
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t other = random_bits(c) % (i + 1);
    double swap = at[i];
    at[i] = at[other];
    at[other] = swap;
  }
}

static void fill_input(Case *c, double *at, int64_t n, int64_t index) {
  double first = -GRID * (double)(n / 2), grid = GRID;
  const Input *input = &c->g->input.at[index];
  if (input->type.dtype == I32) {
    for (int64_t i = 0; i < n; i++) at[i] = random_bits(c) % CHANNELS;
    return;
  }
  if (input->kind == INPUT_TARGET && c->op == ops[OP_hinge]) {
    for (int64_t i = 0; i < n; i++) at[i] = random_bits(c) % 2 ? 1 : -1;
    return;
  }
  for (int i = 0; i < COUNT(domains) && !c->at_zero; i++) {
    if (ops[domains[i].op] != c->op) continue;
    first = domains[i].first;
    grid = domains[i].grid;
  }
  fill_grid(c, at, n, first, grid, c->at_zero ? 0 : 0.25 + 0.375 * (double)index);
}

static double *leaf_numbers(Case *c, Id id) {
  const Node *node = &c->g->node.at[id];
  int64_t n = type_size(&node->type, SAMPLES), index = ((const LeafAttr *)node->attr)->index;
  double *at = NEW_ARRAY(c->g->u->arena, double, n);
  if (node->op == OP_input) {
    fill_input(c, at, n, index);
  } else {
    bool positive = c->g->param.at[index].role == PARAM_STATISTIC;
    for (int64_t i = 0; i < n; i++)
      at[i] = (positive ? 0.5 : -1) + (0.5 + random_bits(c) % 512) / 256;
  }
  return at;
}

static const double *leaf_value(void *context, const Graph *g, Id id, int64_t n) {
  Case *c = context;
  (void)g, (void)n;
  if (!c->value[id]) c->value[id] = leaf_numbers(c, id);
  return c->value[id];
}

/* <f(x), dy> */
static double inner(Case *c) {
  Array y = graph_run(c->g, &c->result, 1, SAMPLES, leaf_value, c)[0];
  const double *dy = c->dout == NO_ID ? NULL : leaf_value(c, c->g, c->dout, SAMPLES);
  double sum = 0;
  c->size = 0;
  for (int64_t i = 0; i < type_size(&y.type, SAMPLES); i++) {
    double term = dy ? y.at[i] * dy[i] : y.at[i];
    sum += term;
    c->size += fabs(term);
  }
  return sum;
}

/* <f(x + t * d), dy> */
static double inner_at(Case *c, double *x, const double *d, int64_t n, double t) {
  double *before = NEW_ARRAY(c->g->u->arena, double, n);
  memcpy(before, x, (size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++) x[i] += t * d[i];
  double sum = inner(c);
  memcpy(x, before, (size_t)n * sizeof *x);
  return sum;
}

/* ---- one direction ---- */

static double fourth_order(Case *c, double *x, const double *d, int64_t n) {
  double near = inner_at(c, x, d, n, STEP) - inner_at(c, x, d, n, -STEP);
  double far = inner_at(c, x, d, n, 2 * STEP) - inner_at(c, x, d, n, -2 * STEP);
  return (8 * near - far) / (12 * STEP);
}

/* Is f affine along d, with steps that cross every kink? */
static bool along_is_affine(Case *c, double *x, const double *d, int64_t n) {
  double above = inner_at(c, x, d, n, 1), size = c->size, below = inner_at(c, x, d, n, -1);
  size += c->size;
  return fabs(above + below - 2 * inner(c)) <= 1e-13 * size;
}

static void check_direction(Case *c, const char *leaf, double *x, const double *d,
                            const double *gradient, int64_t n, bool is_affine) {
  double got = 0, size = 0;
  for (int64_t i = 0; i < n; i++) {
    got += gradient[i] * d[i];
    size += fabs(gradient[i] * d[i]);
  }
  double expected = is_affine ? inner_at(c, x, d, n, 1) - inner(c) : fourth_order(c, x, d, n);
  double tolerance = is_affine ? 1e-12 * (size + c->size) : 1e-9 * size + 1e-10 * c->size;
  if (!(fabs(got - expected) <= tolerance))
    fail_msg("%s\nby %s: %.17g, but %s gives %.17g (tolerance %g)", c->text, leaf, got,
             is_affine ? "the adjoint identity" : "a difference", expected, tolerance);
}

/* Returns whether the function is affine in this leaf. */
static bool check_leaf(Case *c, Id leaf, const double *gradient) {
  const Node *node = &c->g->node.at[leaf];
  int64_t n = type_size(&node->type, SAMPLES);
  double *d = NEW_ARRAY(c->g->u->arena, double, n), *x = c->value[leaf];
  for (int64_t i = 0; i < n; i++) d[i] = random_bits(c) % 2 ? 1 : -1;
  bool is_affine = along_is_affine(c, x, d, n);
  check_direction(c, node->where.layer, x, d, gradient, n, is_affine);
  for (int e = 0; e < ELEMENTS; e++) {
    int64_t i = random_bits(c) % n;
    memset(d, 0, (size_t)n * sizeof *d);
    d[i] = 1;
    check_direction(c, node->where.layer, x, d, gradient, n, is_affine);
  }
  return is_affine;
}

/* ---- one network ---- */

static bool expects_affine(const Op *op, const json_t *layer) {
  for (int i = 0; i < COUNT(affine); i++) {
    if (ops[affine[i].op] != op) continue;
    if (!affine[i].field) return true;
    const char *value = json_string_value(json_object_get(layer, affine[i].field));
    if (value && strcmp(value, affine[i].value) == 0) return true;
  }
  return false;
}

/* Inputs that are no labels, and what training changes. */
static int differentiable(const Case *c, Id *leaf) {
  const Graph *g = c->g;
  int n = 0;
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].type.dtype == F32 && g->input.at[i].node != c->dout)
      leaf[n++] = g->input.at[i].node;
  for (int i = 0; i < g->param.n; i++)
    if (g->param.at[i].trainable) leaf[n++] = g->param.at[i].node;
  return n;
}

static void check_gradients(Case *c, bool affine_inputs) {
  Graph *g = c->g;
  Id *leaf = NEW_ARRAY(g->u->arena, Id, g->input.n + g->param.n + 1), *by, dout = c->dout;
  int n = differentiable(c, leaf);
  const Type type = g->node.at[c->result].type;
  by = NEW_ARRAY(g->u->arena, Id, n + 1);
  if (dout == NO_ID) dout = graph_const(g, &type, (const double[]){1}, (Where){.layer = "one"});
  graph_gradients(g, c->result, dout, leaf, n, by);
  graph_verify(g);
  c->value = NEW_ARRAY(g->u->arena, double *, g->node.n);
  for (int i = 0; i < n; i++) {
    const Type *own = &g->node.at[leaf[i]].type;
    leaf_value(c, g, leaf[i], SAMPLES);
    double *gradient = NEW_ARRAY(g->u->arena, double, type_size(own, SAMPLES));
    if (by[i] != NO_ID) {
      assert_true(type_same(&g->node.at[by[i]].type, own));
      gradient = graph_run(g, &by[i], 1, SAMPLES, leaf_value, c)[0].at;
    }
    bool found = check_leaf(c, leaf[i], gradient);
    if (affine_inputs && g->node.at[leaf[i]].op == OP_input && !found)
      fail_msg("%s\nis not affine in %s", c->text, g->node.at[leaf[i]].where.layer);
  }
}

static void check_text(Case c, bool training, bool affine_inputs) {
  Captured *captured = captured_new(NULL, NULL);
  c.seed = 12345;
  c.dout = NO_ID;
  c.g = read_text(captured->u, "gradients.json", c.text, strlen(c.text),
                  &(ReadOptions){.training = training});
  if (!c.g) fail_msg("%s", messages(captured));
  EntryKind entry = training ? ENTRY_TRAIN_FORWARD : ENTRY_FORWARD;
  c.result = c.g->entry[entry].want.at[0];
  if (!training) {
    const Type type = c.g->node.at[c.result].type;
    c.dout = graph_input(c.g, (Input){.name = "dy", .type = type});
  }
  check_gradients(&c, affine_inputs);
  captured_free(captured);
}

/* A network of this layer alone, on as many inputs as it takes (where it takes any number: three,
 * one of them twice); with a loss or without. */
static void check_network(const Op *op, json_t *layer, int rank, json_t *loss, bool is_affine) {
  json_t *inputs = json_object(), *from = json_array();
  int nargs = op->max_args < 0 ? 3 : loss && op->class == CLASS_LOSS ? 1 : op->min_args;
  for (int i = 0; i < nargs; i++) {
    const char *name = i % 2 ? "z" : "x";
    json_t *shape = numbers(rank + 1, extents[rank]);
    if (i < 2)
      json_object_set_new(inputs, name, json_pack("{s:o}", "shape", shape));
    else
      json_decref(shape);
    json_array_append_new(from, json_string(name));
  }
  json_object_set_new(layer, "from", from);
  json_t *network =
      json_pack("{s:s, s:o, s:[O]}", "name", "net", "inputs", inputs, "layers", layer);
  if (loss) {
    json_object_set(network, "loss", loss);
    json_object_set_new(network, "optimizer", json_pack("{s:s}", "op", "sgd"));
  }
  char *text = json_dumps(network, JSON_INDENT(1));
  check_text((Case){.op = op, .text = text}, loss != NULL, is_affine);
  free(text);
  json_decref(network);
}

static void check_layer(const Op *op, json_t *layer, int rank) {
  check_network(op, layer, rank, NULL, expects_affine(op, layer));
}

/* What it computes in training: batch statistics, dropout. */
static void check_in_training(const Op *op, json_t *layer, int rank) {
  json_t *loss = json_pack("{s:s}", "op", "mse");
  check_network(op, layer, rank, loss, false);
  json_decref(loss);
}

/* A loss of the input itself: dropout of nothing is its only layer. */
static void check_loss(const Op *op, json_t *loss, int rank) {
  json_t *layer = json_pack("{s:s, s:i}", "op", "dropout", "p", 0);
  check_network(op, layer, rank, loss, false);
  json_decref(layer);
}

/* ---- every operator ---- */

static bool has_none(OpKind op) {
  for (int i = 0; i < COUNT(without); i++)
    if (without[i].op == op) return true;
  return ops[op]->class == CLASS_OPTIMIZER; /* a rule for gradients */
}

static void walk(int rank) {
  for (int i = 0; i < OP_KINDS; i++) {
    const Op *op = ops[i];
    if (has_none((OpKind)i)) continue;
    if (!op->in_json) fail_msg("%s is not tested, and no reason is given", op->name);
    walk_operator(op, rank, false, op->class == CLASS_LOSS ? check_loss : check_layer);
  }
}

static void over_one_axis(void **state) {
  (void)state;
  walk(1);
}

static void over_two_axes(void **state) {
  (void)state;
  walk(2);
}

static void over_three_axes(void **state) {
  (void)state;
  walk(3);
}

static void in_training(void **state) {
  (void)state;
  for (int rank = 1; rank <= 3; rank++) {
    walk_operator(ops[OP_batch_norm], rank, true, check_in_training);
    walk_operator(ops[OP_dropout], rank, true, check_in_training);
  }
}

/* Windows whose fields matter together: every pair of them. */
static void windows(void **state) {
  static const OpKind with[] = {OP_conv, OP_conv_transpose, OP_pool};
  (void)state;
  for (int i = 0; i < COUNT(with); i++) walk_operator(ops[with[i]], 2, true, check_layer);
}

/* Of parts that have a kink at 0, max(x, 0) and |x|. */
static void smooth_at_zero(void **state) {
  (void)state;
  char *text = requoted("{'name': 'net', 'input': {'shape': [3, 5]}, 'layers': ["
                        "{'op': 'dropout', 'p': 0}], 'loss': {'op': 'bce', 'logits': true}, "
                        "'optimizer': {'op': 'sgd'}}");
  check_text((Case){.op = ops[OP_bce], .text = text, .at_zero = true}, true, false);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(over_one_axis),   cmocka_unit_test(over_two_axes),
      cmocka_unit_test(over_three_axes), cmocka_unit_test(in_training),
      cmocka_unit_test(windows),         cmocka_unit_test(smooth_at_zero),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
