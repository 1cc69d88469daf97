/* forced.h - networks that numeric.train trains by given algorithms, with single quotes. A layer is
 * computed by the algorithm that its name begins with: "fft8" and "fft8.second" by fft8. */
#ifndef FORCED_H
#define FORCED_H

#include "networks.h"

#include "algos.h"

#define NET(title, shape, layers)                                                                  \
  .name = title, .text = "{'name': 'net', 'input': {'shape': [" shape "]}, 'layers': [" layers     \
                         "{'op': 'dense', 'units': 4}]" OPTIMIZER
#define RELU "{'op': 'relu'}, "

/* ---- each algorithm over 1, 2 and 3 axes ---- */

/* Fixed windows of rank 1, which are not what they are when turned around. */
#define LINES  "[[0.25, 0.5, 0.125], [0.5, 1, 0.25], [-0.25, -0.5, -0.125]]"
#define PLANES "[" LINES ", [[-0.25, -0.5, -0.125], [-0.5, -1, -0.25], [0.25, 0.5, 0.125]]]"
#define FIXED(window, keys)                                                                        \
  "{'op': 'depthwise', 'name': 'separable', 'bias': false, 'weights': " window ", " keys "}, "

/* The first layer has no data gradient. */
#define FIRST "{'op': 'conv', 'filters': 6, 'kernel': 1}, " RELU
/* Register tiles, and what needs none. */
#define WINDOWS(fixed)                                                                             \
  "{'op': 'conv', 'name': 'direct.first', 'filters': 32, 'kernel': 3, 'pad': 1}, " RELU            \
  "{'op': 'conv', 'name': 'gemm', 'filters': 32, 'kernel': 1, 'bias': false}, "                    \
  "{'op': 'conv', 'name': 'strassen', 'filters': 32, 'kernel': 1}, " RELU                          \
  "{'op': 'depthwise', 'name': 'depthwise', 'kernel': 3, 'pad': 1}, " RELU fixed                   \
  "{'op': 'conv', 'name': 'im2col', 'filters': 17, 'kernel': 3, 'pad': 1}, " RELU                  \
  "{'op': 'conv', 'name': 'direct', 'filters': 20, 'stride': 2, 'kernel': 3, 'pad': 1}, " RELU     \
  "{'op': 'conv', 'name': 'loops', 'filters': 5, 'kernel': 3, 'pad': 1}, " RELU
/* What transforms, whose channels fill no fewer lanes from layer to layer. */
#define TILES                                                                                      \
  FIRST                                                                                            \
  "{'op': 'conv', 'name': 'winograd2', 'filters': 6, 'kernel': 3, 'pad': 1}, " RELU                \
  "{'op': 'conv', 'name': 'winograd3', 'filters': 14, 'kernel': 3, 'pad': 1}, " RELU               \
  "{'op': 'conv', 'name': 'winograd4', 'filters': 14, 'kernel': 3, 'pad': 1}, " RELU               \
  "{'op': 'conv', 'name': 'winograd5', 'filters': 30, 'kernel': 3, 'pad': 1}, " RELU               \
  "{'op': 'conv', 'name': 'winograd6', 'filters': 16, 'kernel': 3, 'pad': 1}, " RELU
#define FREQUENCIES_1                                                                              \
  FIRST                                                                                            \
  "{'op': 'conv', 'name': 'fft64', 'filters': 6, 'kernel': 63, 'pad': 31}, " RELU                  \
  "{'op': 'conv', 'name': 'fft32', 'filters': 6, 'kernel': 31, 'pad': 15}, " RELU                  \
  "{'op': 'conv', 'name': 'fft16', 'filters': 14, 'kernel': 7, 'pad': 3}, " RELU                   \
  "{'op': 'conv', 'name': 'fft8', 'filters': 16, 'kernel': 5}, " RELU
#define FREQUENCIES_2                                                                              \
  FIRST                                                                                            \
  "{'op': 'conv', 'name': 'fft32', 'filters': 6, 'kernel': 11, 'pad': 5}, " RELU                   \
  "{'op': 'conv', 'name': 'fft16', 'filters': 6, 'kernel': 7, 'pad': 3}, " RELU                    \
  "{'op': 'conv', 'name': 'fft8', 'filters': 14, 'kernel': 5}, " RELU
#define FREQUENCIES_3                                                                              \
  FIRST                                                                                            \
  "{'op': 'conv', 'name': 'fft8', 'filters': 14, 'kernel': [2, 3, 3]}, " RELU

/* Behind the first layer the gradient is 0 in some channels, behind the second it lies in a larger
 * tensor: there no transform makes the gradient of their weights, nor of the third's, which reads
 * the pad. */
#define PARTS_OF_GRADIENTS                                                                         \
  "{'op': 'conv', 'name': 'winograd2.first', 'filters': 32, 'kernel': 3, 'pad': 1}, "              \
  "{'op': 'slice', 'stop': 16}, "                                                                  \
  "{'op': 'conv', 'name': 'winograd2.second', 'filters': 16, 'kernel': 3, 'pad': 1}, "             \
  "{'op': 'pad', 'axis': [1, 2], 'lo': [0, 0], 'hi': [2, 3]}, "                                    \
  "{'op': 'conv', 'name': 'winograd2.third', 'filters': 16, 'kernel': 3}, "                        \
  "{'op': 'conv', 'name': 'winograd2', 'filters': 16, 'kernel': 3}, " RELU

static const Net forced[] = {
    {NET("windows along one axis", "3, 24", WINDOWS(""))},
    {NET("windows", "3, 8, 7", WINDOWS(FIXED(LINES, "'kernel': 3, 'pad': 1")))},
    {NET("windows in space", "3, 5, 4, 3",
         WINDOWS(FIXED(PLANES, "'kernel': [2, 3, 3], 'pad': [0, 1, 1]")))},
    {NET("tiles along one axis", "3, 23", TILES)},
    {NET("tiles", "5, 11, 9", TILES)},
    {NET("tiles in space", "3, 3, 4, 5", TILES)},
    {NET("Fourier transforms along one axis", "3, 70", FREQUENCIES_1)},
    {NET("Fourier transforms", "3, 14, 13", FREQUENCIES_2)},
    {NET("Fourier transforms in space", "3, 5, 6, 7", FREQUENCIES_3)},
    {NET("parts of gradients", "5, 11, 9", PARTS_OF_GRADIENTS),
     .unserved = {"winograd2.first", "winograd2.second", "winograd2.third"}},
};

/* ---- one algorithm for several layers, in the long form ---- */

#define ROWS(algo)                                                                                 \
  "{'op': 'conv', 'name': '" algo ".first', 'filters': 20, 'kernel': 3}, " RELU                    \
  "{'op': 'conv', 'name': '" algo "', 'filters': 17, 'kernel': 4}, " RELU
#define PAIR(algo)                                                                                 \
  "{'op': 'conv', 'name': '" algo ".first', 'filters': 20, 'kernel': 3, 'pad': 1}, " RELU          \
  "{'op': 'conv', 'name': '" algo "', 'filters': 33, 'kernel': 3, 'bias': false}, " RELU
#define MAPS(algo)                                                                                 \
  PAIR(algo)                                                                                       \
  "{'op': 'conv', 'name': '" algo ".larger', 'filters': 16, 'kernel': 5, 'pad': 2}, " RELU
#define VOLUMES(algo)                                                                              \
  "{'op': 'conv', 'name': '" algo ".first', 'filters': 18, 'kernel': 3, 'pad': 1}, " RELU          \
  "{'op': 'conv', 'name': '" algo "', 'filters': 16, 'kernel': [2, 3, 3]}, " RELU
#define LARGE(algo, taps, pad)                                                                     \
  "{'op': 'conv', 'name': '" algo ".first', 'filters': 16, 'kernel': " taps ", 'pad': " pad        \
  "}, " RELU "{'op': 'conv', 'name': '" algo "', 'filters': 16, 'kernel': " taps "}, " RELU

static const Net thorough[] = {
    {NET("winograd2, rows", "3, 23", ROWS("winograd2"))},
    {NET("winograd3, rows", "3, 23", ROWS("winograd3"))},
    {NET("winograd4, rows", "3, 23", ROWS("winograd4"))},
    {NET("winograd5, rows", "3, 23", ROWS("winograd5"))},
    {NET("winograd6, rows", "3, 23", ROWS("winograd6"))},
    {NET("fft8, rows", "3, 23", ROWS("fft8"))},
    {NET("fft16, rows", "3, 23", ROWS("fft16"))},
    {NET("fft16, 31 taps", "3, 70", LARGE("fft16", "31", "15"))},
    {NET("fft32, 31 taps", "3, 70", LARGE("fft32", "31", "15"))},
    {NET("fft64, 31 taps", "3, 70", LARGE("fft64", "31", "15"))},
    {NET("fft64, 63 taps", "3, 90", LARGE("fft64", "63", "31"))},
    {NET("winograd2, maps", "5, 11, 9", MAPS("winograd2"))},
    {NET("winograd3, maps", "5, 11, 9", MAPS("winograd3"))},
    {NET("winograd4, maps", "12, 9, 13", MAPS("winograd4"))},
    {NET("winograd5, maps", "12, 9, 13", PAIR("winograd5"))},
    {NET("winograd6, maps", "12, 9, 13", PAIR("winograd6"))},
    {NET("fft8, maps", "5, 11, 9", MAPS("fft8"))},
    {NET("fft8, 7 x 7", "3, 14, 13", LARGE("fft8", "7", "3"))},
    {NET("fft16, 7 x 7", "3, 14, 13", LARGE("fft16", "7", "3"))},
    {NET("fft16, 11 x 11", "3, 16, 15", LARGE("fft16", "11", "5"))},
    {NET("fft32, 11 x 11", "3, 16, 15", LARGE("fft32", "11", "5"))},
    {NET("winograd2, volumes", "3, 5, 6, 7", VOLUMES("winograd2"))},
    {NET("winograd3, volumes", "3, 5, 6, 7", VOLUMES("winograd3"))},
    {NET("winograd4, volumes", "3, 5, 6, 7", VOLUMES("winograd4"))},
    {NET("fft8, 5 x 5 x 5", "3, 7, 6, 8", LARGE("fft8", "5", "2"))},
};

/* ---- images in lanes, for more samples ---- */

/* Few channels, windows with steps and groups, maxima. */
#define IMAGES                                                                                     \
  "{'op': 'conv', 'name': 'batch.first', 'filters': 6, 'kernel': 3, 'pad': 1}, " RELU              \
  "{'op': 'pool', 'kind': 'max', 'kernel': 2}, "                                                   \
  "{'op': 'conv', 'name': 'batch.second', 'filters': 6, 'stride': 2, 'groups': 3, 'bias': false, " \
  "'kernel': 3, 'pad': 1}, "                                                                       \
  "{'op': 'batch_norm'}, " RELU                                                                    \
  "{'op': 'conv', 'name': 'batch', 'filters': 5, 'kernel': 2}, " RELU

static const Net batched[] = {
    {NET("images in lanes", "1, 13, 11", IMAGES)},
    {NET("rows of images in lanes", "3, 23", ROWS("batch"))},
    {NET("volumes of images in lanes", "2, 5, 6, 7", VOLUMES("batch"))},
};

/* ---- what a layer's name says ---- */

static inline const Algo *algo_of_layer(const char *layer) {
  char name[32] = "";
  const size_t n = strcspn(layer, ".");
  if (n < sizeof name) memcpy(name, layer, n);
  return algo_find(name);
}

/* Has it weight gradients? The others transform weights that do not change between calls. */
static inline bool serves_role(const Algo *algo, Role role) {
  static const char *const others[] = {"separable", "strassen", "im2col"};
  for (int i = 0; i < COUNT(others) && role == ROLE_WGRAD; i++)
    if (strcmp(algo->name, others[i]) == 0) return false;
  return true;
}

#endif
