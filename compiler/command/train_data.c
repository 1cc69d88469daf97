/* train_data.c - from a data set to what the trainer reads: which samples come when, as floats and
 * labels. */
#include "inference.h"
#include "random.h"
#include "training.h"

#include <inttypes.h>
#include <string.h>

/* ---- opening ---- */

static int data_input(const Graph *g) {
  int found = -1;
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].kind == INPUT_DATA) found = found < 0 ? i : -2;
  return found;
}

static bool check_samples(Training *t, const Dataset *d) {
  const Type *type = &t->g->input.at[t->input].type;
  if (type_size(type, 1) == d->sample_size) return true;
  Text want = {.arena = t->u->arena}, have = {.arena = t->u->arena};
  Tensor sample = {.rank = d->rank};
  memcpy(sample.dim, d->dim, sizeof sample.dim);
  type_print(&want, type);
  tensor_print_shape(&have, &sample);
  diag_error_in(t->u, t->o->data, "samples are %s; the network reads %s", have.at, want.at);
  return false;
}

/* The classes that targets and outputs are about: labels must be below. */
static bool find_classes(Training *t) {
  const Graph *g = t->g;
  int64_t size = g->entry[ENTRY_FORWARD].want.n ? inference_output_size(g, 0) : 0;
  t->classes = size / t->train.label_size;
  for (int i = 0; i < g->input.n; i++) {
    const Type *type = &g->input.at[i].type;
    int64_t labels = type_size(type, 1);
    if (g->input.at[i].kind != INPUT_TARGET) continue;
    if (type->dtype != I32) labels /= t->classes ? t->classes : 1;
    if (t->classes > 0 && labels == t->train.label_size) continue;
    Text want = {.arena = t->u->arena};
    type_print(&want, type);
    diag_error_in(t->u, t->o->data, "%" PRId64 " labels for each sample; target \"%s\" is %s",
                  t->train.label_size, g->input.at[i].name, want.at);
    return false;
  }
  return true;
}

static bool check_labels(Training *t, const Dataset *d) {
  for (int64_t i = 0; i < d->n * d->label_size; i++)
    if (d->label[i] >= t->classes) {
      diag_error_in(t->u, t->o->data,
                    "label %d of sample %" PRId64 ": the network has %" PRId64 " classes",
                    (int)d->label[i], i / d->label_size, t->classes);
      return false;
    }
  return true;
}

bool train_data_open(Training *t) {
  Unit *u = t->u;
  t->input = data_input(t->g);
  if (t->input < 0) {
    diag_error_in(u, t->o->network, "train wants a network with one input");
    return false;
  }
  if (!dataset_read(u, t->o->data, DATA_TRAIN, &t->train) ||
      !dataset_read(u, t->o->data, DATA_TEST, &t->test))
    return false;
  if (!check_samples(t, &t->train) || !check_samples(t, &t->test) || !find_classes(t) ||
      !check_labels(t, &t->train) || !check_labels(t, &t->test))
    return false;
  t->scaling = inference_scaling(&t->g->input.at[t->input]);
  t->order = NEW_ARRAY(u->arena, int64_t, t->train.n);
  return true;
}

/* ---- order ---- */

void train_data_shuffle(Training *t) {
  Random random = random_start(t->at.seed, RANDOM_ORDER, t->at.epoch, 0);
  for (int64_t i = 0; i < t->train.n; i++) t->order[i] = i;
  for (int64_t i = t->train.n - 1; i > 0; i--) {
    int64_t k = random_below(&random, i + 1), other = t->order[i];
    t->order[i] = t->order[k];
    t->order[k] = other;
  }
}

/* ---- batches ---- */

/* Sample k of the slot. Targets that are no labels get 1 for the class and 0 for the others. */
static void put_sample(const Training *t, int slot, int64_t k, const Dataset *d, int64_t sample) {
  const Graph *g = t->g;
  const int32_t *label = d->label + sample * d->label_size;
  float *x = trainer_input(&t->trainer, slot, t->input);
  dataset_sample(d, sample, &t->scaling, x + k * d->sample_size);
  for (int i = 0; i < g->input.n; i++) {
    void *target = trainer_input(&t->trainer, slot, i);
    if (g->input.at[i].kind != INPUT_TARGET) continue;
    if (g->input.at[i].type.dtype == I32) {
      memcpy((int32_t *)target + k * d->label_size, label, (size_t)d->label_size * sizeof *label);
      continue;
    }
    float *one = (float *)target + k * t->classes * d->label_size;
    for (int64_t c = 0; c < t->classes; c++)
      for (int64_t l = 0; l < d->label_size; l++) one[c * d->label_size + l] = c == label[l];
  }
}

static int64_t at_most(int64_t left, int64_t batch) {
  return left < batch ? left : batch;
}

int64_t train_data_batch(const Training *t, int slot, int64_t from) {
  int64_t n = at_most(t->train.n - from, t->trainer.batch);
  for (int64_t k = 0; k < n; k++) put_sample(t, slot, k, &t->train, t->order[from + k]);
  return n;
}

int64_t train_data_test_batch(const Training *t, int slot, int64_t from) {
  int64_t n = at_most(t->test.n - from, t->trainer.batch);
  for (int64_t k = 0; k < n; k++) put_sample(t, slot, k, &t->test, from + k);
  return n;
}

int64_t train_data_right(const Training *t, int64_t from, int64_t n) {
  const float *values = trainer_output(&t->trainer, 0);
  int64_t places = t->test.label_size, right = 0;
  for (int64_t k = 0; k < n; k++)
    for (int64_t p = 0; p < places; p++)
      right += inference_class(values + k * t->classes * places + p, t->classes, places) ==
               t->test.label[(from + k) * places + p];
  return right;
}
