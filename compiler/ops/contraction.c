/* contraction.c - fixed weights, biases and groups, for all layers with weights. */
#include "contraction.h"

double *fixed_weights_of(Build *b, const Matrix *given, const Type *type) {
  Arena *arena = build_graph(b)->u->arena;
  int64_t size = type_size(type, 1), part = 1;
  bool fits = given->rank <= type->rank && size <= MAX_ELEMENTS / 64;
  for (int i = 0; fits && i < given->rank; i++) {
    fits = given->dim[i] == type->dim[type->rank - given->rank + i].plus;
    part *= given->dim[i];
  }
  if (!fits) {
    Text text = {.arena = arena};
    type_print(&text, type);
    build_error(b, "weights", "weights do not fit the shape %s or its last axes", text.at);
    return NULL;
  }
  double *values = NEW_ARRAY(arena, double, size);
  for (int64_t i = 0; i < size; i++) values[i] = given->at[i % part];
  return values;
}

Id bias_added(Build *b, Id y, int32_t bias, bool fixed_weights, int64_t fan_in) {
  static const int axes[] = {1, 2, 3, 4};
  if (bias == BIAS_AUTO) bias = fixed_weights ? BIAS_NONE : BIAS_CHANNEL;
  if (y == NO_ID || bias == BIAS_NONE) return y;
  const Type type = *build_type(b, y);
  int rank = bias == BIAS_POSITION ? type.rank - 1 : 1;
  int64_t dim[MAX_RANK];
  for (int a = 0; a < rank; a++) dim[a] = type.dim[1 + a].plus;
  Id p = build_param(b, "bias", PARAM_BIAS, rank, dim, INIT_DEFAULT, 0, fan_in, dim[0]);
  if (p == NO_ID) return NO_ID;
  return build_add2(b, OP_add, NULL, y,
                    graph_broadcast(build_graph(b), p, &type, axes, build_where(b)));
}

bool groups_divide(Build *b, int64_t groups, int64_t channels, int64_t filters) {
  if (channels % groups)
    build_error(b, "groups", "%lld groups do not divide the %lld input channels", (long long)groups,
                (long long)channels);
  else if (filters % groups)
    build_error(b, "groups", "%lld groups do not divide the %lld filters", (long long)groups,
                (long long)filters);
  else
    return true;
  return false;
}
