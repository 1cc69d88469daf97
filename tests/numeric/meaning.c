/* meaning.c - what convolution and pooling mean, tested without trusting their kernels.
 *
 * A layer of weights without bias is a matrix; impulses give its columns. It must equal, element by
 * element, what the definition written down here says; the gradient by the input must be its
 * transpose exactly. The matrix of a convolution is far smaller when only the connections are
 * stored (sparse), and smaller again when what is equal is stored once (shared): the tables hold
 * these counts.
 *
 * Convolution commutes with shifts of its input; pooling to one element does not see them. All
 * numbers are multiples of 1/256, so sums are exact in whatever order they are taken. */
#include "../unit/unit.h"

#include "graph.h"

enum { AXES = 3 };

/* ---- networks of one input, in the interpreter ---- */

typedef struct Net {
  Captured *captured;
  Graph *g;
  Id input, result;
  const double *x; /* of the one input leaf that is read */
} Net;

static double grid_number(unsigned *seed) {
  *seed = *seed * 1103515245u + 12345u;
  return ((double)(*seed >> 16 & 0x1ff) - 255.5) / 128; /* never 0 */
}

static void fill(double *at, int64_t n, unsigned seed) {
  for (int64_t i = 0; i < n; i++) at[i] = grid_number(&seed);
}

/* `text` with single quotes. */
static Net net_open(const char *text) {
  Net net = {.captured = captured_new(NULL, NULL)};
  char *json = arena_copy(net.captured->u->arena, text, strlen(text));
  for (char *c = json; *c; c++)
    if (*c == '\'') *c = '"';
  net.g = read_text(net.captured->u, "meaning.json", json, strlen(json), &(ReadOptions){0});
  if (!net.g) fail_msg("%s\n%s", json, messages(net.captured));
  net.input = net.g->input.at[0].node;
  net.result = net.g->entry[ENTRY_FORWARD].want.at[0];
  return net;
}

static void net_close(Net *net) {
  captured_free(net->captured);
}

static const double *leaf_value(void *context, const Graph *g, Id id, int64_t n) {
  const Net *net = context;
  const Node *node = &g->node.at[id];
  if (node->op == OP_input) return net->x;
  int64_t size = type_size(&node->type, n);
  double *at = NEW_ARRAY(g->u->arena, double, size);
  fill(at, size, 7 + (unsigned)id);
  return at;
}

static const double *net_run(Net *net, Id wanted, const double *x, int64_t n) {
  net->x = x;
  return graph_run(net->g, &wanted, 1, n, leaf_value, net)[0].at;
}

static int64_t sample_size(const Net *net, Id id) {
  return type_size(&net->g->node.at[id].type, 1);
}

/* Row i: the result for impulse i of `leaf`. */
static const double *impulses(Net *net, Id leaf, Id wanted) {
  int64_t n = sample_size(net, leaf);
  double *x = NEW_ARRAY(net->g->u->arena, double, n *n);
  for (int64_t i = 0; i < n; i++) x[i * n + i] = 1;
  return net_run(net, wanted, x, n);
}

/* ---- matrices ---- */

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

/* ---- shifts ---- */

/* Row-major [channels, extents...]. */
typedef struct Map {
  int rank, extent[AXES + 1];
  int64_t size;
} Map;

static Map map_of(const Net *net, Id id) {
  const Type *type = &net->g->node.at[id].type;
  Map map = {.rank = type->rank - 2, .size = type_size(type, 1)};
  for (int a = 0; a <= map.rank; a++) map.extent[a] = (int)type->dim[1 + a].plus;
  return map;
}

static int64_t pitch_of(const Map *map, int axis) {
  int64_t pitch = 1;
  for (int a = map->rank; a > axis + 1; a--) pitch *= map->extent[a];
  return pitch;
}

static int coordinate(const Map *map, int64_t element, int axis) {
  return (int)(element / pitch_of(map, axis) % map->extent[axis + 1]);
}

/* to[i] = from[i + by] along an axis; what comes in is `from`, turned round. */
static void shift_round(const Map *map, const double *from, double *to, int axis, int by) {
  int64_t pitch = pitch_of(map, axis);
  for (int64_t e = 0; e < map->size; e++) {
    int at = coordinate(map, e, axis), extent = map->extent[axis + 1];
    to[e] = from[e + ((at + by) % extent - at) * pitch];
  }
}

static const char *const shapes[AXES] = {"2, 13", "2, 9, 11", "2, 7, 9, 8"};

static Net layer_net(const char *layers, const char *shape) {
  Arena *arena = arena_new();
  Net net = net_open(arena_printf(
      arena, "{'name': 'net', 'input': {'shape': [%s]}, 'layers': [%s]}", shape, layers));
  arena_free(arena);
  return net;
}

/* Shifts of the input by `in` along an axis shift the result by `out`, but for the result's first
 * and last `margin` positions, where windows see the border. */
static const struct {
  const char *layers;
  int in, out, margin;
} equivariant[] = {
    {"{'op': 'conv', 'filters': 3, 'kernel': 3}", 1, 1, 0},
    {"{'op': 'conv', 'filters': 3, 'kernel': 3, 'pad': 1}", 1, 1, 1},
    {"{'op': 'conv', 'filters': 3, 'kernel': 2, 'stride': 2}", 2, 1, 0},
    {"{'op': 'conv', 'filters': 4, 'kernel': 3, 'dilation': 2, 'groups': 2, 'flip': true}", 1, 1,
     0},
    {"{'op': 'conv', 'filters': 3, 'kernel': 2}, {'op': 'relu'}, "
     "{'op': 'conv', 'filters': 2, 'kernel': 3, 'stride': 2}",
     2, 1, 0},
    {"{'op': 'depthwise', 'kernel': 3}", 1, 1, 0},
    {"{'op': 'separable', 'filters': 4, 'kernel': 3}", 1, 1, 0},
    {"{'op': 'tiled', 'filters': 2, 'period': 2, 'kernel': 3, 'bias': true}", 2, 2, 0},
    {"{'op': 'conv_transpose', 'filters': 2, 'kernel': 3, 'stride': 2}", 1, 2, 2},
    {"{'op': 'upsample', 'scale': 2}", 1, 2, 0},
    {"{'op': 'pool', 'kind': 'max', 'kernel': 2}", 2, 1, 0},
    {"{'op': 'pool', 'kind': 'max', 'kernel': 3, 'stride': 1, 'pad': 1}", 1, 1, 1},
    {"{'op': 'pool', 'kind': 'average', 'kernel': 4, 'stride': 1}", 1, 1, 0},
    {"{'op': 'pool', 'kind': 'l2', 'kernel': 2, 'dilation': 2, 'stride': 1}", 1, 1, 0},
    {"{'op': 'gaussian_pool', 'kernel': 3, 'stride': 2}", 2, 1, 0},
};

/* How many elements of the result are not where the shift should have brought them. */
static int64_t differences(Net *net, int axis, int in, int out, int margin) {
  const Map x = map_of(net, net->input), y = map_of(net, net->result);
  double *here = NEW_ARRAY(net->g->u->arena, double, x.size);
  double *there = NEW_ARRAY(net->g->u->arena, double, x.size);
  fill(here, x.size, 99);
  shift_round(&x, here, there, axis, in);
  for (int64_t e = 0; e < x.size; e++) /* nothing of what has left comes back */
    if (coordinate(&x, e, axis) >= x.extent[axis + 1] - in) there[e] += 1;
  const double *before = net_run(net, net->result, here, 1);
  const double *after = net_run(net, net->result, there, 1);
  int64_t count = 0, compared = 0, pitch = pitch_of(&y, axis);
  for (int64_t e = 0; e < y.size; e++) {
    int at = coordinate(&y, e, axis);
    if (at < margin || at + out >= y.extent[axis + 1] - margin) continue;
    count += after[e] != before[e + out * pitch];
    compared++;
  }
  assert_true(compared > 0);
  return count;
}

static void shifts_pass_through(void **state) {
  (void)state;
  for (int i = 0; i < COUNT(equivariant); i++)
    for (int rank = 1; rank <= AXES; rank++)
      for (int axis = 0; axis < rank; axis++) {
        Net net = layer_net(equivariant[i].layers, shapes[rank - 1]);
        int64_t wrong =
            differences(&net, axis, equivariant[i].in, equivariant[i].out, equivariant[i].margin);
        if (wrong)
          fail_msg("%s on [%s], axis %d: %d elements", equivariant[i].layers, shapes[rank - 1],
                   axis, (int)wrong);
        net_close(&net);
      }
}

/* Weights of one's own at each position, or shifts by less than the period: it matters where. */
static void unshared_weights_see_places(void **state) {
  static const char *const layers[] = {
      "{'op': 'local', 'filters': 2, 'kernel': 3}",
      "{'op': 'tiled', 'filters': 2, 'period': 2, 'kernel': 3}",
      "{'op': 'conv', 'filters': 2, 'kernel': 3, 'bias': 'position'}",
  };
  (void)state;
  for (int i = 0; i < COUNT(layers); i++)
    for (int rank = 1; rank <= AXES; rank++) {
      Net net = layer_net(layers[i], shapes[rank - 1]);
      assert_true(differences(&net, rank - 1, 1, 1, 0) > 0);
      net_close(&net);
    }
}

static void check_same(Net *net, const char *layers, const double *x, const double *moved) {
  int64_t size = sample_size(net, net->result);
  const double *before = net_run(net, net->result, x, 1);
  const double *after = net_run(net, net->result, moved, 1);
  for (int64_t e = 0; e < size; e++)
    if (before[e] != after[e])
      fail_msg("%s: element %d was %g and becomes %g", layers, (int)e, before[e], after[e]);
}

/* Pooling to one element: round shifts by any distance change nothing. */
static void global_pools_see_no_shift(void **state) {
  static const char *const layers[] = {
      "{'op': 'global_pool', 'kind': 'max'}",
      "{'op': 'global_pool', 'kind': 'average'}",
      "{'op': 'global_pool', 'kind': 'l2'}",
      "{'op': 'adaptive_pool', 'kind': 'max', 'output': 1}",
      "{'op': 'adaptive_pool', 'kind': 'average', 'output': 1}",
  };
  (void)state;
  for (int i = 0; i < COUNT(layers); i++)
    for (int rank = 1; rank <= AXES; rank++) {
      Net net = layer_net(layers[i], shapes[rank - 1]);
      const Map map = map_of(&net, net.input);
      double *x = NEW_ARRAY(net.g->u->arena, double, map.size);
      double *moved = NEW_ARRAY(net.g->u->arena, double, map.size);
      fill(x, map.size, 5);
      for (int axis = 0; axis < rank; axis++)
        for (int by = 1; by < map.extent[axis + 1]; by++) {
          shift_round(&map, x, moved, axis, by);
          check_same(&net, layers[i], x, moved);
        }
      net_close(&net);
    }
}

/* A recogniser: convolutions, then pooling over all positions. An object on empty ground gives the
 * same features wherever it is. */
static void objects_are_found_anywhere(void **state) {
  static const char *const layers =
      "{'op': 'conv', 'filters': 4, 'kernel': 3, 'pad': 'full', 'bias': false}, {'op': 'relu'}, "
      "{'op': 'conv', 'filters': 3, 'kernel': 2, 'pad': 'full', 'bias': false}, {'op': 'abs'}, "
      "{'op': 'global_pool', 'kind': 'max'}";
  (void)state;
  for (int rank = 1; rank <= AXES; rank++) {
    Net net = layer_net(layers, shapes[rank - 1]);
    const Map map = map_of(&net, net.input);
    double *x = NEW_ARRAY(net.g->u->arena, double, map.size);
    double *moved = NEW_ARRAY(net.g->u->arena, double, map.size);
    fill(x, map.size, 3);
    for (int64_t e = 0; e < map.size; e++) /* an object of 3 x 3 in the first corner */
      for (int axis = 0; axis < rank; axis++)
        if (coordinate(&map, e, axis) >= 3) x[e] = 0;
    for (int axis = 0; axis < rank; axis++)
      for (int by = 3; by < map.extent[axis + 1]; by++) {
        shift_round(&map, x, moved, axis, by);
        check_same(&net, layers, x, moved);
      }
    net_close(&net);
  }
}

/* The maximum does not tell where in its window it is. */
static void maxima_move_within_windows(void **state) {
  static const char *const layers = "{'op': 'pool', 'kind': 'max', 'kernel': 3}";
  static const char *const small[AXES] = {"1, 6", "1, 6, 6", "1, 6, 6, 6"};
  (void)state;
  for (int rank = 1; rank <= AXES; rank++) {
    Net net = layer_net(layers, small[rank - 1]);
    const Map map = map_of(&net, net.input);
    double *first = NEW_ARRAY(net.g->u->arena, double, map.size);
    first[0] = 1;
    for (int64_t e = 0; e < map.size; e++) {
      double *x = NEW_ARRAY(net.g->u->arena, double, map.size);
      bool inside = true;
      for (int axis = 0; axis < rank; axis++) inside &= coordinate(&map, e, axis) < 3;
      x[e] = 1;
      if (inside) check_same(&net, layers, first, x);
      if (!inside) assert_true(net_run(&net, net.result, x, 1)[0] == 0);
    }
    net_close(&net);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(matrices),
      cmocka_unit_test(shifts_pass_through),
      cmocka_unit_test(unshared_weights_see_places),
      cmocka_unit_test(global_pools_see_no_shift),
      cmocka_unit_test(objects_are_found_anywhere),
      cmocka_unit_test(maxima_move_within_windows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
