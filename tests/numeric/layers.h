/* layers.h - layers of every operator, from the operators' field tables: what the tests of all
 * operators walk through. Fields take several values each, alone or in pairs, over 1, 2 and 3
 * axes. */
#ifndef LAYERS_H
#define LAYERS_H

#include "../unit/unit.h"

#include <jansson.h>

#include "graph.h"

enum { CHANNELS = 4, MAX_VALUES = 8 };

/* Extents of the input, so that no two axes are alike. */
static const int extents[4][4] = {{0}, {CHANNELS, 9}, {CHANNELS, 7, 8}, {CHANNELS, 5, 7, 6}};

/* ---- values of fields ---- */

static inline json_t *numbers(int n, const int *at) {
  json_t *list = json_array();
  for (int i = 0; i < n; i++) json_array_append_new(list, json_integer(at[i]));
  return list;
}

typedef struct Values {
  json_t *at[MAX_VALUES];
  int n;
} Values;

static inline void add(Values *v, json_t *value) {
  v->at[v->n++] = value;
}

/* Integers whose meaning limits them; all others take 1, 2, 4. */
static const struct {
  const char *field;
  int n, at[3];
} integers[] = {
    {"start", 2, {0, 1}},  {"stop", 3, {2, 3, -1}}, {"step", 3, {1, 2, 3}},
    {"groups", 2, {1, 2}}, {"filters", 2, {2, 4}},  {"num_parameters", 2, {1, CHANNELS}},
    {"part", 1, {0}},
};

static inline void integer_values(const Field *field, int rank, Values *v) {
  if (strcmp(field->name, "axis") == 0) {
    for (int a = 0; a <= rank; a++) add(v, json_integer(a));
    return;
  }
  for (int i = 0; i < COUNT(integers); i++) {
    if (strcmp(integers[i].field, field->name) != 0) continue;
    for (int j = 0; j < integers[i].n; j++) add(v, json_integer(integers[i].at[j]));
    return;
  }
  for (int value = 1; value <= 4; value *= 2) add(v, json_integer(value));
}

static inline void list_values(const Op *op, const Field *field, int rank, Values *v) {
  bool axes = strncmp(field->name, "ax", 2) == 0, kernel = strcmp(field->name, "kernel") == 0;
  int per_axis[][3] = {{2, 3, 1}, {3, 2, 3}};
  if (strcmp(field->name, "order") == 0) {
    int order[4] = {rank};
    for (int a = 1; a <= rank; a++) order[a] = a - 1;
    add(v, numbers(rank + 1, order));
    return;
  }
  if (axes) {
    add(v, json_integer(rank));
    add(v, numbers(2, (int[]){0, rank}));
    return;
  }
  bool pool = kernel && (strstr(op->name, "pool") || strcmp(op->name, "subsample") == 0);
  if (!pool) add(v, json_integer(1));
  add(v, json_integer(2));
  if (kernel) add(v, json_integer(3));
  /* pad: as many as it has axes */
  if (strcmp(op->name, "pad") != 0) add(v, numbers(rank, per_axis[pool]));
}

static inline void pad_values(int rank, Values *v) {
  add(v, json_integer(1));
  add(v, numbers(rank, (int[]){1, 0, 1}));
  add(v, json_pack("{s:i, s:o}", "lo", 0, "hi", numbers(rank, (int[]){0, 1, 1})));
  for (int i = 0; i < 3; i++) add(v, json_string((const char *[]){"valid", "same", "full"}[i]));
}

static inline void shape_values(int rank, Values *v) {
  add(v, numbers(1, (int[]){-1}));
  add(v, numbers(2, (int[]){2, -1}));
  add(v, numbers(3, (int[]){1, -1, extents[rank][rank]}));
}

static inline Values field_values(const Op *op, const Field *field, int rank) {
  static const char *const biases[] = {"none", "channel", "position"};
  Values v = {.n = 0};
  switch (field->kind) {
  case FIELD_INT: integer_values(field, rank, &v); break;
  case FIELD_REAL:
    for (int i = 1; i <= 4; i *= 2) add(&v, json_real(0.25 * i));
    break;
  case FIELD_BOOL:
    add(&v, json_true());
    add(&v, json_false());
    break;
  case FIELD_ENUM:
    for (int i = 0; field->names[i]; i++) add(&v, json_string(field->names[i]));
    break;
  case FIELD_INTS: list_values(op, field, rank, &v); break;
  case FIELD_PAD: pad_values(rank, &v); break;
  case FIELD_SHAPE: shape_values(rank, &v); break;
  case FIELD_BIAS:
    add(&v, json_true());
    add(&v, json_false());
    for (int i = 0; i < 3; i++) add(&v, json_string(biases[i]));
    break;
  default: add(&v, json_null()); /* filled in when the rest is known */
  }
  return v;
}

/* ---- tables and weights, whose shapes follow from the other fields ---- */

static inline int64_t integer_or(json_t *layer, const char *key, int64_t otherwise) {
  json_t *value = json_object_get(layer, key);
  return value ? json_integer_value(value) : otherwise;
}

static inline json_t *connections(json_t *layer) {
  int64_t rows = integer_or(layer, "filters", 1),
          columns = CHANNELS / integer_or(layer, "groups", 1);
  json_t *table = json_array();
  for (int64_t i = 0; i < rows; i++) {
    json_t *row = json_array();
    for (int64_t j = 0; j < columns; j++) json_array_append_new(row, json_integer((i + j) % 2));
    json_array_append_new(table, row);
  }
  return table;
}

static inline json_t *kernel_weights(json_t *kernel, int rank, int axis) {
  if (axis == rank) return json_real(0.125 * rank);
  json_t *extent = json_is_array(kernel) ? json_array_get(kernel, (size_t)axis) : kernel;
  json_t *list = json_array();
  for (int64_t i = 0; i < json_integer_value(extent); i++)
    json_array_append_new(list, kernel_weights(kernel, rank, axis + 1));
  return list;
}

static inline json_t *dense_weights(int rank) {
  int size = 1;
  json_t *list = json_array();
  for (int a = 0; a <= rank; a++) size *= extents[rank][a];
  for (int i = 0; i < size; i++) json_array_append_new(list, json_real(0.01 * (i % 7)));
  return list;
}

static inline void fill_tensors(json_t *layer, int rank) {
  json_t *kernel = json_object_get(layer, "kernel");
  if (json_object_get(layer, "connections"))
    json_object_set_new(layer, "connections", connections(layer));
  if (json_object_get(layer, "class_weights"))
    json_object_set_new(layer, "class_weights", numbers(CHANNELS, (int[]){1, 3, 2, 5}));
  if (json_object_get(layer, "weights"))
    json_object_set_new(layer, "weights",
                        kernel ? kernel_weights(kernel, rank, 0) : dense_weights(rank));
}

/* ---- every operator, every field or every pair of fields ---- */

typedef void LayerCheck(const Op *op, json_t *layer, int rank);

static inline void check_filled(const Op *op, json_t *layer, int rank, LayerCheck *check) {
  json_t *copy = json_deep_copy(layer);
  fill_tensors(copy, rank);
  check(op, copy, rank);
  json_decref(copy);
}

static inline json_t *base_layer(const Op *op, int rank) {
  json_t *layer = json_pack("{s:s}", "op", op->name);
  for (int f = 0; f < op->nfield; f++) {
    if (!op->field[f].required) continue;
    Values v = field_values(op, &op->field[f], rank);
    json_object_set(layer, op->field[f].name, v.at[v.n - 1]);
    for (int i = 0; i < v.n; i++) json_decref(v.at[i]);
  }
  return layer;
}

static inline void walk_pair(json_t *base, const Op *op, int rank, const Field *a, const Field *b,
                             LayerCheck *check) {
  Values va = field_values(op, a, rank), vb = field_values(op, b, rank);
  for (int i = 0; i < va.n; i++)
    for (int j = 0; j < vb.n; j++) {
      json_t *layer = json_deep_copy(base);
      json_object_set(layer, a->name, va.at[i]);
      json_object_set(layer, b->name, a == b ? va.at[i] : vb.at[j]);
      check_filled(op, layer, rank, check);
      json_decref(layer);
      if (a == b) break;
    }
  for (int i = 0; i < va.n; i++) json_decref(va.at[i]);
  for (int j = 0; j < vb.n; j++) json_decref(vb.at[j]);
}

/* `check` for the operator's layers over so many axes: all else as it is by default, each field
 * (each pair of fields) with each of its values. */
static inline void walk_operator(const Op *op, int rank, bool pairs, LayerCheck *check) {
  json_t *base = base_layer(op, rank);
  check_filled(op, base, rank, check);
  for (int a = 0; a < op->nfield; a++)
    for (int b = a; b < (pairs ? op->nfield : a + 1); b++)
      walk_pair(base, op, rank, &op->field[a], &op->field[b], check);
  json_decref(base);
}

#endif
