/* networks.h - networks that numeric.train trains as the compiler chooses, with single quotes:
 * layers of every kind, every optimiser, every loss. */
#ifndef NETWORKS_H
#define NETWORKS_H

#include "../../unit/unit.h"

#include "../optimizers.h"

/* Of a loss whose targets are no labels. */
typedef enum TargetValues {
  FRACTIONS, /* from 0 to 1 */
  SIGNS      /* -1 and 1 */
} TargetValues;

typedef struct Net {
  const char *name, *file; /* file NULL: */
  const char *text;
  TargetValues targets;
  const char *unserved[4]; /* layers whose algorithm refuses the gradient of their weights */
} Net;

static const Net lenet5 = {.name = "LeNet-5", .file = "models/lenet5.json"};

#define OPTIMIZER                                                                                  \
  ", 'loss': {'op': 'cross_entropy'}, 'optimizer': {'op': 'sgd', 'lr': 0.05, 'momentum': 0.9, "    \
  "'weight_decay': 0.001}}"

static const Net nets[] = {
    {.name = "batch norm and a residual",
     .text =
         "{'name': 'net', 'input': {'shape': [3, 7, 6]}, 'layers': ["
         "{'op': 'conv', 'name': 'stem', 'filters': 5, 'kernel': 3, 'pad': 1, 'bias': false}, "
         "{'op': 'batch_norm'}, {'op': 'relu', 'name': 'r'},"
         "{'op': 'conv', 'name': 'branch', 'filters': 5, 'kernel': 3, 'pad': 1, 'bias': false}, "
         "{'op': 'batch_norm', 'name': 'b'},"
         "{'op': 'add', 'from': ['b', 'r']}, {'op': 'relu'},"
         "{'op': 'conv', 'name': 'down', 'filters': 8, 'kernel': 3, 'stride': 2, 'pad': 1, "
         "'bias': false}, {'op': 'batch_norm'}, {'op': 'relu'},"
         "{'op': 'dense', 'units': 4}]" OPTIMIZER},
    {.name = "a convolution and a batch norm that two layers share",
     .text = "{'name': 'net', 'input': {'shape': [2, 6, 5]}, 'layers': ["
             "{'op': 'conv', 'filters': 5, 'kernel': 3, 'bias': false},"
             "{'op': 'batch_norm', 'name': 'b'}, {'op': 'relu'},"
             "{'op': 'conv', 'name': 'c', 'filters': 5, 'kernel': 3, 'pad': 1}, {'op': 'relu'},"
             "{'op': 'conv', 'share': 'c', 'filters': 5, 'kernel': 3, 'pad': 1}, "
             "{'op': 'batch_norm', 'share': 'b'},"
             "{'op': 'dense', 'units': 3}]" OPTIMIZER},
    {.name = "average pool and groups",
     .text = "{'name': 'net', 'input': {'shape': [4, 9, 8]}, 'layers': ["
             "{'op': 'conv', 'filters': 6, 'kernel': 3, 'groups': 2}, {'op': 'tanh'},"
             "{'op': 'pool', 'kind': 'average', 'kernel': 3, 'stride': 2, 'pad': 1},"
             "{'op': 'conv', 'filters': 6, 'kernel': 3, 'pad': 1, 'groups': 6},"
             "{'op': 'relu'}, {'op': 'pool', 'kind': 'max', 'kernel': 2, 'stride': 1},"
             "{'op': 'dense', 'units': 5}]" OPTIMIZER},
    {.name = "one axis",
     .text = "{'name': 'net', 'input': {'shape': [2, 29]}, 'layers': ["
             "{'op': 'conv', 'filters': 6, 'kernel': 5, 'pad': 2}, {'op': 'relu'},"
             "{'op': 'pool', 'kind': 'max', 'kernel': 2},"
             "{'op': 'conv', 'filters': 4, 'kernel': 3, 'dilation': 2, 'bias': false},"
             "{'op': 'batch_norm'}, {'op': 'relu'}, {'op': 'dense', 'units': 3}]" OPTIMIZER},
    {.name = "three axes",
     .text = "{'name': 'net', 'input': {'shape': [2, 5, 7, 6]}, 'layers': ["
             "{'op': 'conv', 'filters': 4, 'kernel': 3, 'pad': 1}, {'op': 'relu'},"
             "{'op': 'pool', 'kind': 'max', 'kernel': 2},"
             "{'op': 'conv', 'filters': 3, 'kernel': [2, 3, 1], 'stride': [1, 2, 1], 'pad': [0, 1, "
             "0]}, "
             "{'op': 'relu'}, {'op': 'dense', 'units': 3}]" OPTIMIZER},
    {.name = "maxima of overlapping windows",
     .text = "{'name': 'net', 'input': {'shape': [2, 16, 15]}, 'layers': ["
             "{'op': 'conv', 'filters': 20, 'kernel': 3, 'pad': 1}, {'op': 'relu'},"
             "{'op': 'pool', 'kind': 'max', 'kernel': 3, 'stride': 2, 'ceil_mode': true},"
             "{'op': 'conv', 'filters': 5, 'kernel': 3, 'stride': 2, 'pad': 1}, {'op': 'tanh'},"
             "{'op': 'pool', 'kind': 'max', 'kernel': 3, 'stride': 2, 'pad': 1},"
             "{'op': 'dense', 'units': 4}]" OPTIMIZER},
    {.name = "dropout of channels, of flat ones and of the input",
     .text = "{'name': 'net', 'input': {'shape': [3, 9, 8]}, 'layers': ["
             "{'op': 'dropout', 'p': 0.2}, {'op': 'conv', 'filters': 20, 'kernel': 3},"
             "{'op': 'dropout', 'p': 0.3}, {'op': 'relu'},"
             "{'op': 'pool', 'kind': 'max', 'kernel': 2}, {'op': 'dropout', 'p': 0.4},"
             "{'op': 'dense', 'units': 33}, {'op': 'relu'}, {'op': 'dropout'},"
             "{'op': 'dense', 'units': 4}]" OPTIMIZER},
    {.name = "labels of which none counts",
     .text =
         "{'name': 'net', 'input': {'shape': [2, 6, 5]}, 'layers': ["
         "{'op': 'conv', 'filters': 5, 'kernel': 3}, {'op': 'relu'}, {'op': 'dense', 'units': 3}], "
         "'loss': {'op': 'cross_entropy', 'ignore_index': 0}, 'optimizer': {'op': 'sgd', 'lr': "
         "0.05}}"},
};

/* ---- losses and optimisers ---- */

/* A loss, behind what makes its prediction. */
static const struct {
  const char *layers, *keys;
  TargetValues targets;
} losses[] = {
    {"{'op': 'dense', 'units': 3}", "'op': 'cross_entropy'", FRACTIONS},
    {"{'op': 'dense', 'units': 3}", "'op': 'mse'", FRACTIONS},
    {"{'op': 'dense', 'units': 7}", "'op': 'mae'", FRACTIONS},
    {"{'op': 'dense', 'units': 7}", "'op': 'huber', 'delta': 0.4", FRACTIONS},
    {"{'op': 'dense', 'units': 7}", "'op': 'bce', 'logits': true", FRACTIONS},
    {"{'op': 'dense', 'units': 7}, {'op': 'sigmoid'}", "'op': 'bce'", FRACTIONS},
    {"{'op': 'dense', 'units': 7}", "'op': 'hinge', 'margin': 0.5", SIGNS},
    {"{'op': 'conv', 'filters': 4, 'kernel': 2}", /* a label for each position */
     "'op': 'cross_entropy', 'class_weights': [0.5, 2, 1, 0.25], 'label_smoothing': 0.1, "
     "'ignore_index': 2",
     FRACTIONS},
};

static const struct {
  const char *name, *keys;
} optimizers[] = {
#define OPTIMIZER_ROW(name, ...) {name, __VA_ARGS__},
    OPTIMIZERS(OPTIMIZER_ROW)
#undef OPTIMIZER_ROW
};

enum { OPTIMIZED = COUNT(losses) }; /* each loss, with optimisers by turns; there are fewer */

/* On parameters of several kinds. */
static inline Net optimized_net(Arena *arena, int i) {
  const int optimizer = i % COUNT(optimizers);
  return (Net){.name = arena_printf(arena, "%s, %s", losses[i].keys, optimizers[optimizer].name),
               .text = arena_printf(arena,
                                    "{'name': 'net', 'input': {'shape': [2, 6, 5]}, 'layers': ["
                                    "{'op': 'conv', 'filters': 5, 'kernel': 3, 'bias': false, "
                                    "'lr_scale': 0.5}, {'op': 'batch_norm'}, {'op': 'relu'}, %s], "
                                    "'loss': {%s}, 'optimizer': {%s}}",
                                    losses[i].layers, losses[i].keys, optimizers[optimizer].keys),
               .targets = losses[i].targets};
}

#endif
