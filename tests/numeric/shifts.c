/* shifts.c - convolution commutes with shifts of its input; pooling to one element does not see
 * them. */
#include "net.h"

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
      cmocka_unit_test(shifts_pass_through),        cmocka_unit_test(unshared_weights_see_places),
      cmocka_unit_test(global_pools_see_no_shift),  cmocka_unit_test(objects_are_found_anywhere),
      cmocka_unit_test(maxima_move_within_windows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
