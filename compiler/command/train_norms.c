/* train_norms.c - how long the gradients of each layer are, after the last step of an epoch: where
 * they vanish or explode on their way back, the table shows it at a glance. */
#include "training.h"

#include <math.h>
#include <string.h>

enum { BAR = 40, PER_DECADE = 8 };

/* "layer1.0.conv1" of "layer1.0.conv1.weight". */
static size_t layer_length(const char *param) {
  const char *dot = strrchr(param, '.');
  return dot ? (size_t)(dot - param) : strlen(param);
}

static Norm *find(const Norms *norms, const char *param) {
  size_t length = layer_length(param);
  for (int i = 0; i < norms->n; i++)
    if (strlen(norms->at[i].layer) == length && strncmp(norms->at[i].layer, param, length) == 0)
      return &norms->at[i];
  return NULL;
}

Norms train_norms_layers(const Training *t) {
  Norms norms = {0};
  for (int i = 0; i < t->trainer.nparam; i++) {
    const Param *p = &t->g->param.at[t->trainer.param[i]];
    if (!p->trainable || find(&norms, p->name)) continue;
    const char *layer = arena_copy(t->u->arena, p->name, layer_length(p->name));
    vec_push(t->u->arena, &norms, ((Norm){layer, -1}));
  }
  return norms;
}

bool train_norms_read(Training *t, Norms *norms) {
  for (int i = 0; i < norms->n; i++) norms->at[i].norm = -1;
  for (int i = 0; i < t->trainer.nparam; i++) {
    const Param *p = &t->g->param.at[t->trainer.param[i]];
    Norm *layer = p->trainable ? find(norms, p->name) : NULL;
    double norm;
    if (!layer) continue;
    if (!trainer_gradient_norm(&t->trainer, i, &norm)) return false;
    if (norm >= 0) layer->norm = layer->norm < 0 ? norm : hypot(layer->norm, norm);
  }
  return true;
}

/* As long as the norm is on a logarithmic scale; the largest one takes it all. */
static int bar_length(double norm, double largest) {
  if (!isfinite(norm) || !(norm > 0)) return 0;
  double length = BAR + PER_DECADE * log10(norm / largest);
  return length < 1 ? 1 : (int)length;
}

void train_norms_print(const Norms *norms) {
  static const char bar[BAR + 1] = "########################################";
  double largest = 0;
  int width = 5;
  for (int i = 0; i < norms->n; i++) {
    if (isfinite(norms->at[i].norm)) largest = fmax(largest, norms->at[i].norm);
    width = (int)fmax(width, (double)strlen(norms->at[i].layer));
  }
  printf("  %-*s  norm of the last gradient, a decade is %d marks\n", width, "layer", PER_DECADE);
  for (int i = 0; i < norms->n; i++) {
    const Norm *n = &norms->at[i];
    if (n->norm < 0) continue;
    int length = bar_length(n->norm, largest);
    printf("  %-*s  %-10.4g%s%.*s\n", width, n->layer, n->norm, length ? "  " : "", length, bar);
  }
}
