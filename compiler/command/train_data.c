/* train_data.c - from a data set to what the trainer reads: which samples come when, as floats and
 * labels. */
#include "random.h"
#include "training.h"

#include <inttypes.h>
#include <string.h>

/* ---- opening ---- */

/* Targets are labels, or 1 for the class and 0 for the others. */
static bool check_targets(const Training *t) {
  const Graph *g = t->g;
  const Samples *s = &t->train;
  for (int i = 0; i < g->input.n; i++) {
    const Type *type = &g->input.at[i].type;
    int64_t each = type->dtype == I32 ? 1 : s->classes;
    if (g->input.at[i].kind != INPUT_TARGET) continue;
    if (type_size(type, 1) == each * s->data.label_size) continue;
    Text want = {.arena = t->u->arena};
    type_print(&want, type);
    diag_error_in(t->u, t->o->data, "%" PRId64 " labels for each sample; target \"%s\" is %s",
                  s->data.label_size, g->input.at[i].name, want.at);
    return false;
  }
  return true;
}

static bool same_array(const Dataset *a, const Dataset *b) {
  return a->array && b->array && strcmp(a->array, b->array) == 0;
}

bool train_data_open(Training *t) {
  if (!samples_read(t->u, t->o, t->g, DATA_TRAIN, &t->train) ||
      !samples_read(t->u, t->o, t->g, DATA_TEST, &t->test) || !check_targets(t))
    return false;
  if (same_array(&t->train.data, &t->test.data))
    usage_note(t->u, "%s: no test part: accuracy is of the training samples", t->o->data);
  t->order = NEW_ARRAY(t->u->arena, int64_t, t->train.data.n);
  return true;
}

/* ---- order ---- */

void train_data_shuffle(Training *t) {
  Random random = random_start(t->at.seed, RANDOM_ORDER, t->at.epoch, 0);
  for (int64_t i = 0; i < t->train.data.n; i++) t->order[i] = i;
  for (int64_t i = t->train.data.n - 1; i > 0; i--) {
    int64_t k = random_below(&random, i + 1), other = t->order[i];
    t->order[i] = t->order[k];
    t->order[k] = other;
  }
}

/* ---- batches ---- */

/* Sample k of the slot. Targets that are no labels get 1 for the class and 0 for the others. */
static void put_sample(const Training *t, int slot, int64_t k, const Samples *s, int64_t sample) {
  const Graph *g = t->g;
  const Dataset *d = &s->data;
  const int32_t *label = d->label + sample * d->label_size;
  float *x = trainer_input(&t->trainer, slot, s->input);
  samples_get(s, sample, x + k * d->sample_size);
  for (int i = 0; i < g->input.n; i++) {
    void *target = trainer_input(&t->trainer, slot, i);
    if (g->input.at[i].kind != INPUT_TARGET) continue;
    if (g->input.at[i].type.dtype == I32) {
      memcpy((int32_t *)target + k * d->label_size, label, (size_t)d->label_size * sizeof *label);
      continue;
    }
    float *one = (float *)target + k * s->classes * d->label_size;
    for (int64_t c = 0; c < s->classes; c++)
      for (int64_t l = 0; l < d->label_size; l++) one[c * d->label_size + l] = c == label[l];
  }
}

static int64_t at_most(int64_t left, int64_t batch) {
  return left < batch ? left : batch;
}

int64_t train_data_batch(const Training *t, int slot, int64_t from) {
  int64_t n = at_most(t->train.data.n - from, t->trainer.batch);
  for (int64_t k = 0; k < n; k++) put_sample(t, slot, k, &t->train, t->order[from + k]);
  return n;
}

int64_t train_data_test_batch(const Training *t, int slot, int64_t from) {
  int64_t n = at_most(t->test.data.n - from, t->trainer.batch);
  for (int64_t k = 0; k < n; k++) put_sample(t, slot, k, &t->test, from + k);
  return n;
}

int64_t train_data_right(const Training *t, int64_t from, int64_t n) {
  const float *values = trainer_output(&t->trainer, 0);
  const Samples *s = &t->test;
  int64_t places = s->data.label_size, right = 0;
  for (int64_t k = 0; k < n; k++)
    for (int64_t p = 0; p < places; p++)
      right += samples_class(s, values + k * s->classes * places, p) ==
               s->data.label[(from + k) * places + p];
  return right;
}
