/* meaning.c - what convolution means, tested without trusting its kernels.
 *
 * A layer of weights without bias is a matrix; impulses give its columns. It must equal, element by
 * element, what the definition written down here says; the gradient by the input must be its
 * transpose exactly. The matrix of a convolution is far smaller when only the connections are
 * stored (sparse), and smaller again when what is equal is stored once (shared): the tables hold
 * these counts. */
#include "net.h"

/* Row i: the result for impulse i of `leaf`. */
static const double *impulses(Net *net, Id leaf, Id wanted) {
  int64_t n = sample_size(net, leaf);
  double *x = NEW_ARRAY(net->g->u->arena, double, n *n);
  for (int64_t i = 0; i < n; i++) x[i * n + i] = 1;
  return net_run(net, wanted, x, n);
}

/* Numbers to be stored: of all pairs of elements; of those that are joined; of different ones. */
typedef struct Counts {
  int64_t dense, sparse, shared;
} Counts;

typedef struct Case {
  const char *op;
  struct {
    int channels, filters, groups, period; /* depthwise: filters per channel; period 0: none */
    bool flip;
  } of;
  struct {
    int in[AXES], kernel[AXES], stride[AXES], dilation[AXES], lo[AXES], hi[AXES];
  } axis;
  Counts counts;
} Case;

static const Case cases[] = {
    /* differences of neighbours in 8 numbers: 7 x 8, two in each row, always the same two */
    {"conv", {1, 1, 1, 0, false}, {{8}, {2}, {1}, {1}, {0}, {0}}, {56, 14, 2}},
    {"conv", {2, 3, 1, 0, false}, {{9}, {3}, {2}, {1}, {1}, {1}}, {270, 78, 18}},
    {"conv", {2, 2, 1, 0, true}, {{9}, {3}, {1}, {3}, {0}, {0}}, {108, 36, 12}},
    {"depthwise", {3, 2, 1, 0, false}, {{7}, {3}, {1}, {1}, {0}, {0}}, {630, 90, 18}},
    {"local", {2, 2, 1, 0, false}, {{6}, {3}, {1}, {1}, {0}, {0}}, {96, 48, 48}},
    {"tiled", {2, 2, 1, 2, false}, {{7}, {3}, {1}, {1}, {0}, {0}}, {140, 60, 24}},
    {"conv_transpose", {3, 2, 1, 0, false}, {{5}, {4}, {2}, {1}, {1}, {1}}, {300, 108, 24}},
    {"conv", {1, 1, 1, 0, false}, {{5, 6}, {3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, {360, 108, 9}},
    {"conv", {4, 4, 2, 0, true}, {{5, 4}, {3, 2}, {2, 1}, {1, 2}, {1, 0}, {0, 1}}, {1920, 200, 48}},
    {"conv",
     {2, 2, 1, 0, false},
     {{4, 4}, {3, 3}, {1, 1}, {1, 1}, {2, 2}, {2, 2}},
     {2304, 576, 36}},
    {"depthwise",
     {3, 1, 1, 0, false},
     {{4, 5}, {3, 1}, {1, 2}, {1, 1}, {1, 0}, {1, 0}},
     {2160, 90, 9}},
    {"local",
     {1, 2, 1, 0, false},
     {{4, 5}, {2, 3}, {1, 2}, {1, 1}, {0, 1}, {0, 1}},
     {360, 84, 108}},
    {"tiled",
     {1, 2, 1, 3, false},
     {{5, 5}, {2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
     {800, 128, 72}},
    {"conv_transpose",
     {2, 4, 2, 0, false},
     {{3, 2}, {3, 2}, {2, 1}, {1, 2}, {1, 0}, {0, 0}},
     {1152, 128, 24}},
    {"conv",
     {1, 1, 1, 0, false},
     {{3, 4, 3}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
     {432, 96, 8}},
    {"conv",
     {2, 2, 1, 0, true},
     {{4, 3, 5}, {3, 2, 2}, {1, 1, 2}, {1, 1, 2}, {1, 0, 1}, {1, 0, 0}},
     {3840, 480, 48}},
    {"depthwise",
     {2, 1, 1, 0, false},
     {{3, 3, 3}, {2, 3, 1}, {1, 1, 2}, {1, 1, 1}, {0, 1, 0}, {0, 1, 0}},
     {1296, 112, 12}},
    {"local",
     {2, 1, 1, 0, false},
     {{3, 2, 3}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
     {144, 64, 64}},
    {"tiled",
     {2, 1, 1, 2, false},
     {{4, 3, 4}, {2, 2, 2}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}},
     {1728, 288, 128}},
    {"conv_transpose",
     {2, 2, 1, 0, false},
     {{2, 3, 2}, {2, 2, 3}, {2, 1, 1}, {1, 1, 1}, {0, 1, 0}, {0, 0, 0}},
     {2304, 480, 48}},
};

static bool is(const Case *c, const char *op) {
  return strcmp(c->op, op) == 0;
}

static int rank_of(const Case *c) {
  int rank = 0;
  while (rank < AXES && c->axis.in[rank]) rank++;
  return rank;
}

static const char *list_text(Arena *arena, const int *extent, int rank) {
  const char *text = "";
  for (int a = 0; a < rank; a++)
    text = arena_printf(arena, "%s%s%d", text, a ? ", " : "", extent[a]);
  return text;
}

static const char *network_text(Arena *arena, const Case *c) {
  Text text = {.arena = arena};
  int rank = rank_of(c);
  text_add(&text, "{'name': 'net', 'input': {'shape': [%d, %s]}, 'layers': [{'op': '%s', ",
           c->of.channels, list_text(arena, c->axis.in, rank), c->op);
  text_add(&text, "'bias': false, '%s': %d, ", is(c, "depthwise") ? "multiplier" : "filters",
           c->of.filters);
  if (c->of.groups > 1) text_add(&text, "'groups': %d, ", c->of.groups);
  if (c->of.period) text_add(&text, "'period': %d, ", c->of.period);
  if (c->of.flip) text_add(&text, "'flip': true, ");
  text_add(&text, "'pad': {'lo': [%s], 'hi': [%s]}, ", list_text(arena, c->axis.lo, rank),
           list_text(arena, c->axis.hi, rank));
  text_add(&text, "'kernel': [%s], ", list_text(arena, c->axis.kernel, rank));
  text_add(&text, "'stride': [%s], ", list_text(arena, c->axis.stride, rank));
  text_add(&text, "'dilation': [%s]}]}", list_text(arena, c->axis.dilation, rank));
  return text.at;
}

/* One axis: the tap by which the window at position `o` touches position `i`; -1: by none. */
static int tap_between(const Case *c, int axis, int o, int i) {
  int distance = i + c->axis.lo[axis] - c->axis.stride[axis] * o;
  int dilation = c->axis.dilation[axis], tap = distance / dilation;
  if (distance < 0 || distance % dilation || tap >= c->axis.kernel[axis]) return -1;
  return c->of.flip ? c->axis.kernel[axis] - 1 - tap : tap;
}

/* Weight that joins element (k, o) of the result with element (x, i) of the input; -1: none. The
 * weights lie as [o..., filters, channels, taps...]; o only where positions have their own. */
static int64_t weight_between(const Case *c, const Type *out, int k, const int *o, int x,
                              const int *i) {
  int rank = rank_of(c), filters = (int)out->dim[1].plus, groups = c->of.groups;
  bool transposed = is(c, "conv_transpose");
  if (is(c, "depthwise")) groups = c->of.channels;
  int per_filter = c->of.channels / groups, per_channel = filters / groups;
  if (k / per_channel != x / per_filter) return -1;
  int64_t index = 0;
  for (int a = 0; a < rank && (is(c, "local") || c->of.period); a++) {
    int extent = (int)out->dim[2 + a].plus;
    int own = c->of.period && c->of.period < extent ? c->of.period : extent;
    index = index * own + o[a] % own;
  }
  if (transposed) /* the convolution that it is the transpose of: from the result to the input */
    index = (int64_t)x * per_channel + k % per_channel;
  else
    index = (index * filters + k) * per_filter + x % per_filter;
  for (int a = 0; a < rank; a++) {
    int tap = transposed ? tap_between(c, a, i[a], o[a]) : tap_between(c, a, o[a], i[a]);
    if (tap < 0) return -1;
    index = index * c->axis.kernel[a] + tap;
  }
  return index;
}

/* Element -> channel and position. */
static int place_of(const Type *type, int64_t element, int *at) {
  for (int a = type->rank - 1; a >= 2; a--) {
    at[a - 2] = (int)(element % type->dim[a].plus);
    element /= type->dim[a].plus;
  }
  return (int)element;
}

/* The layer's matrix against the definition. */
static Counts check_matrix(Net *net, const Case *c) {
  const Type in = net->g->node.at[net->input].type, out = net->g->node.at[net->result].type;
  int64_t columns = type_size(&in, 1), rows = type_size(&out, 1);
  const double *matrix = impulses(net, net->input, net->result); /* [columns][rows] */
  const Param *param = &net->g->param.at[0];
  const double *weight = leaf_value(net, net->g, param->node, 1);
  Counts counts = {.dense = rows * columns, .shared = param_count(param)};
  for (int64_t r = 0; r < rows; r++)
    for (int64_t column = 0; column < columns; column++) {
      int o[AXES], i[AXES], k = place_of(&out, r, o), x = place_of(&in, column, i);
      int64_t w = weight_between(c, &out, k, o, x, i);
      if (matrix[column * rows + r] != (w < 0 ? 0 : weight[w]))
        fail_msg("element %d, %d is %g, not weight %d", (int)r, (int)column,
                 matrix[column * rows + r], (int)w);
      counts.sparse += w >= 0;
    }
  return counts;
}

/* The gradient by the input for impulses of the result's: the same matrix, transposed. */
static void check_gradient(Net *net) {
  const Type type = net->g->node.at[net->result].type;
  Id by, dout = graph_input(net->g, (Input){.name = "dy", .type = type});
  graph_gradients(net->g, net->result, dout, &net->input, 1, &by);
  int64_t columns = sample_size(net, net->input), rows = sample_size(net, net->result);
  const double *matrix = impulses(net, net->input, net->result);
  const double *transpose = impulses(net, dout, by);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < columns; c++)
      if (transpose[r * columns + c] != matrix[c * rows + r])
        fail_msg("element %d, %d of the gradient's matrix is %g, not %g", (int)c, (int)r,
                 transpose[r * columns + c], matrix[c * rows + r]);
}

static void matrices(void **state) {
  Arena *arena = arena_new();
  (void)state;
  for (int i = 0; i < COUNT(cases); i++) {
    const Case *c = &cases[i];
    Net net = net_open(network_text(arena, c));
    print_message("%s\n", network_text(arena, c));
    Counts counts = check_matrix(&net, c);
    print_message("    stored dense %d, sparse %d, shared %d\n", (int)counts.dense,
                  (int)counts.sparse, (int)counts.shared);
    assert_int_equal(counts.dense, c->counts.dense);
    assert_int_equal(counts.sparse, c->counts.sparse);
    assert_int_equal(counts.shared, c->counts.shared);
    check_gradient(&net);
    net_close(&net);
  }
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(matrices)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
