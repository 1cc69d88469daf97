/* cases.h - every operator in many shapes: the cases that several tests walk through. They are
 * those of reference.json (whose figures PyTorch made) and the shape classes of the tables below.
 * Each is an output of a network that holds many of them, so that few compilations are needed. */
#ifndef CASES_H
#define CASES_H

#include "../unit/unit.h"

#include <jansson.h>
#include <stdio.h>

enum { AT_ONCE = 40, CHANNEL_CLASSES = 3, RANKS = 3 };

/* ---- shape classes: every variant over 1, 2 and 3 axes, on odd numbers of channels; `only`: how
 * many axes it is about, 0: any */

static const struct {
  int only;
  const char *fields;
} windows[] = {
    {0, "'kernel': 3"},
    {0, "'kernel': 1"},
    {0, "'kernel': 3, 'pad': 1"},
    {0, "'kernel': 2, 'stride': 2"},
    {0, "'kernel': 3, 'stride': 2, 'pad': 'same'"},
    {0, "'kernel': 4, 'pad': 'same', 'dilation': 2"},
    {0, "'kernel': 3, 'pad': {'lo': 0, 'hi': 2}, 'stride': 3"},
    {1, "'kernel': 5, 'stride': 2, 'pad': 3, 'dilation': 2"},
    {2, "'kernel': [1, 3], 'stride': [2, 1], 'pad': [0, 1], 'dilation': [1, 2]"},
    {3, "'kernel': [2, 1, 3], 'stride': [1, 2, 1], 'pad': {'lo': [1, 0, 2], 'hi': 0}"},
};

static const char *const contractions[] = {
    "'op': 'conv', 'filters': 5",
    "'op': 'conv', 'filters': 33",
    "'op': 'conv', 'filters': 16, 'bias': false",
    "'op': 'conv', 'filters': 18, 'groups': 3",
    "'op': 'conv', 'filters': 96, 'groups': 3, 'flip': true",
    "'op': 'depthwise'",
    "'op': 'depthwise', 'multiplier': 2, 'bias': 'position'",
    "'op': 'separable', 'filters': 20",
    "'op': 'local', 'filters': 17",
    "'op': 'tiled', 'filters': 16, 'period': 2",
};

static const char *const pools[] = {
    "'op': 'pool', 'kind': 'max'",
    "'op': 'pool', 'kind': 'max', 'ceil_mode': true",
    "'op': 'pool', 'kind': 'average'",
    "'op': 'pool', 'kind': 'average', 'ceil_mode': true, 'count_include_pad': false",
    "'op': 'pool', 'kind': 'l2'",
    "'op': 'gaussian_pool', 'sigma': 1.5",
};

/* Divisible by 3, by nothing, by 3 and 11. */
static const int channel_counts[CHANNEL_CLASSES] = {3, 15, 33};
static const char *const extents[RANKS] = {"13", "9, 7", "5, 6, 7"};

/* ---- the list of cases ---- */

typedef struct Case {
  const char *title;
  json_t *shape, *layers;
  int number; /* its names begin with "cNUMBER_" */
} Case;

typedef struct Cases {
  Arena *arena;
  const char *between; /* an activation: in front of what is tested between convolutions */
  VEC(Case) list;
} Cases;

/* JSON with single quotes. */
static inline json_t *quoted(const char *text) {
  char *copy = requoted(text);
  json_error_t error;
  json_t *json = json_loads(copy, 0, &error);
  if (!json) fail_msg("%s: %s", text, error.text);
  free(copy);
  return json;
}

static inline void add_case(Cases *cases, int rank, int channel, const char *layers) {
  Arena *arena = cases->arena;
  const char *shape = arena_printf(arena, "[%d, %s]", channel_counts[channel], extents[rank - 1]);
  Case c = {.title = arena_printf(arena, "%s on %s", layers, shape),
            .shape = quoted(shape),
            .layers = quoted(arena_printf(arena, "[%s]", layers)),
            .number = cases->list.n};
  vec_push(arena, &cases->list, c);
}

/* Positions that float does not hold (2^24) and numerators that int does not (2^31). */
static inline void add_far(Cases *cases) {
  static const char *const layers[] = {
      "{'op': 'upsample', 'scale': 2, 'mode': 'linear', 'align_corners': true}",
      "{'op': 'adaptive_pool', 'kind': 'average', 'output': 999}",
      "{'op': 'adaptive_pool', 'kind': 'max', 'output': 39999}",
  };
  for (int i = 0; i < COUNT(layers); i++) {
    Case c = {.title = arena_printf(cases->arena, "%s on [2, 40000]", layers[i]),
              .shape = quoted("[2, 40000]"),
              .layers = quoted(arena_printf(cases->arena, "[%s]", layers[i])),
              .number = cases->list.n};
    vec_push(cases->arena, &cases->list, c);
  }
}

/* Every layer with every window, once on the input, which lies row by row, and once between
 * convolutions, where data lies as the target likes it. */
static inline void add_windows(Cases *cases, const char *const *layer, int n) {
  int turn = 0;
  for (int rank = 1; rank <= RANKS; rank++)
    for (int i = 0; i < n; i++)
      for (int w = 0; w < COUNT(windows); w++) {
        if (windows[w].only && windows[w].only != rank) continue;
        const char *text = arena_printf(cases->arena, "{%s, %s}", layer[i], windows[w].fields);
        bool between = turn % 2;
        if (between)
          text = arena_printf(cases->arena,
                              "{'op': 'conv', 'filters': %d, 'kernel': 1}, {'op': '%s'}, %s",
                              turn % 4 == 1 ? 48 : 21, cases->between ? cases->between : "relu",
                              text);
        add_case(cases, rank, turn % CHANNEL_CLASSES, text);
        turn++;
      }
}

static inline void add_reference(Cases *cases) {
  json_error_t error;
  json_t *all = json_load_file("tests/numeric/reference.json", 0, &error), *each;
  size_t i;
  if (!all) fail_msg("reference.json:%d: %s", error.line, error.text);
  json_array_foreach(all, i, each) {
    json_t *network = json_object_get(each, "network");
    if (json_object_get(each, "loss")) continue;
    Case c = {.title = json_string_value(json_object_get(each, "title")),
              .shape = json_object_get(json_object_get(network, "input"), "shape"),
              .layers = json_object_get(network, "layers"),
              .number = cases->list.n};
    vec_push(cases->arena, &cases->list, c);
  }
}

/* ---- one network of many cases ---- */

static inline json_t *renamed(const char *prefix, json_t *name) {
  return json_sprintf("%s%s", prefix, json_string_value(name));
}

static inline void add_layer(json_t *layers, const char *prefix, const Case *c, size_t index) {
  json_t *layer = json_deep_copy(json_array_get(c->layers, index));
  json_t *name = json_object_get(layer, "name"), *from = json_object_get(layer, "from"), *each;
  size_t i;
  json_object_set_new(layer, "name",
                      name ? renamed(prefix, name) : json_sprintf("%sl%d", prefix, (int)index));
  if (json_is_string(from)) json_object_set_new(layer, "from", renamed(prefix, from));
  json_array_foreach(from, i, each) json_array_set_new(from, i, renamed(prefix, each));
  if (!from && index == 0) json_object_set_new(layer, "from", json_sprintf("%sx", prefix));
  json_array_append_new(layers, layer);
}

/* Case i has the input "cNUMBER_x". */
static inline json_t *network_of(const Case *c, int n) {
  json_t *inputs = json_object(), *layers = json_array(), *outputs = json_array();
  for (int i = 0; i < n; i++) {
    char prefix[16], input[24];
    snprintf(prefix, sizeof prefix, "c%d_", c[i].number);
    snprintf(input, sizeof input, "%sx", prefix);
    json_object_set_new(inputs, input, json_pack("{s:O}", "shape", c[i].shape));
    for (size_t l = 0; l < json_array_size(c[i].layers); l++) add_layer(layers, prefix, &c[i], l);
    json_t *last = json_array_get(layers, json_array_size(layers) - 1);
    json_array_append(outputs, json_object_get(last, "name"));
  }
  return json_pack("{s:s, s:o, s:o, s:o}", "name", "net", "inputs", inputs, "layers", layers,
                   "outputs", outputs);
}

static inline char *network_text(const Case *c, int n) {
  json_t *network = network_of(c, n);
  char *text = json_dumps(network, 0);
  json_decref(network);
  return text;
}

#endif
