/* words.c - "did you mean": words of other tools and of papers for what this language calls
 * otherwise, and slips of the finger.
 *
 * A word counts as the familiar one whatever its case and underscores, and with or without the
 * dimensions at its end: MaxPool2d is max_pool. It is proposed only where its meaning fits: the
 * candidates are what may stand at the place. */
#include <ctype.h>
#include <string.h>

#include "read.h"

enum { MAX_FAMILIAR = 48 };

static const struct Familiar {
  const char *word, *here;
} familiar[] = {
    /* operators */
    {"convolution", "conv"},
    {"deconv", "conv_transpose"},
    {"deconvolution", "conv_transpose"},
    {"transposedconv", "conv_transpose"},
    {"locallyconnected", "local"},
    {"depthwiseconv", "depthwise"},
    {"separableconv", "separable"},
    {"linear", "dense"},
    {"fc", "dense"},
    {"fullyconnected", "dense"},
    {"innerproduct", "dense"},
    {"maxpool", "pool"},
    {"avgpool", "pool"},
    {"averagepool", "pool"},
    {"maxpooling", "pool"},
    {"averagepooling", "pool"},
    {"pooling", "pool"},
    {"globalavgpool", "global_pool"},
    {"globalaveragepool", "global_pool"},
    {"globalaveragepooling", "global_pool"},
    {"globalmaxpool", "global_pool"},
    {"adaptiveavgpool", "adaptive_pool"},
    {"adaptivemaxpool", "adaptive_pool"},
    {"bn", "batch_norm"},
    {"batchnormalization", "batch_norm"},
    {"localresponsenorm", "lrn"},
    {"swish", "silu"},
    {"logistic", "sigmoid"},
    {"residual", "add"},
    {"shortcut", "add"},
    {"cat", "concat"},
    {"permute", "transpose"},
    {"interpolate", "upsample"},
    {"resize", "upsample"},
    /* losses */
    {"nll", "cross_entropy"},
    {"nllloss", "cross_entropy"},
    {"softmaxloss", "cross_entropy"},
    {"crossentropyloss", "cross_entropy"},
    {"categoricalcrossentropy", "cross_entropy"},
    {"mseloss", "mse"},
    {"l2", "mse"},
    {"l1", "mae"},
    {"smoothl1", "huber"},
    {"binarycrossentropy", "bce"},
    /* optimisers */
    {"momentum", "sgd"},
    {"nesterov", "sgd"},
    /* keys */
    {"kernelsize", "kernel"},
    {"filtersize", "kernel"},
    {"poolsize", "kernel"},
    {"size", "kernel"},
    {"ksize", "kernel"},
    {"padding", "pad"},
    {"outchannels", "filters"},
    {"channels", "filters"},
    {"numfilters", "filters"},
    {"outfeatures", "units"},
    {"outputs", "units"},
    {"numgroups", "groups"},
    {"rate", "p"},
    {"ratio", "p"},
    {"negativeslope", "slope"},
    {"epsilon", "eps"},
    {"type", "op"},
    {"layer", "op"},
    {"type", "kind"},
    {"mode", "kind"},
    {"kind", "mode"},
    {"factor", "scale"},
    {"scalefactor", "scale"},
    {"pool", "kind"},
    {"input", "from"},
    {"inputs", "from"},
    {"bottom", "from"},
    {"learningrate", "lr"},
    {"dim", "axis"},
    /* choices */
    {"avg", "average"},
    {"mean", "average"},
    {"kaiming", "he"},
    {"msra", "he"},
    {"glorot", "xavier"},
};

/* Small letters without underscores and "1d", "2d", "3d" at the end. */
static void plain_form(const char *word, char plain[MAX_FAMILIAR + 1]) {
  size_t n = 0;
  for (; *word && n < MAX_FAMILIAR; word++)
    if (*word != '_') plain[n++] = (char)tolower((unsigned char)*word);
  if (n > 2 && plain[n - 1] == 'd' && plain[n - 2] >= '1' && plain[n - 2] <= '3') n -= 2;
  plain[n] = 0;
}

const char *read_meant(const char *word, const char *const *candidates, int n) {
  char plain[MAX_FAMILIAR + 1], own[MAX_FAMILIAR + 1];
  plain_form(word, plain);
  for (int i = 0; i < n; i++) { /* the same word, spelt in another fashion */
    plain_form(candidates[i], own);
    if (strcmp(plain, own) == 0) return candidates[i];
  }
  for (size_t f = 0; f < COUNT(familiar); f++)
    for (int i = 0; i < n && strcmp(plain, familiar[f].word) == 0; i++)
      if (strcmp(familiar[f].here, candidates[i]) == 0) return candidates[i];
  return nearest(word, candidates, n);
}
