/* train_data.c - from a data set to what the trainer reads: which samples come when, as floats and
 * labels. */
#include "random.h"
#include "training.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

/* Targets are labels, or 1 for the class and 0 for the others. */
static bool check_targets(const Training *t) {
  const Graph *g = t->g;
  const Samples *s = &t->data;
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

static void shuffle(Random *random, int64_t *index, int64_t n) {
  for (int64_t i = n - 1; i > 0; i--) {
    int64_t k = random_below(random, i + 1), other = index[i];
    index[i] = index[k];
    index[k] = other;
  }
}

static int64_t *in_order(Arena *arena, int64_t n) {
  int64_t *index = NEW_ARRAY(arena, int64_t, n);
  for (int64_t i = 0; i < n; i++) index[i] = i;
  return index;
}

static int by_place(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Takes the samples for validation out of those for training: which ones, --seed decides. */
static bool hold_out(Training *t) {
  int64_t n = t->data.data.n, held = (int64_t)((double)n * t->o->validation + 0.5);
  int64_t *index = in_order(t->u->arena, n);
  Random random = random_start(t->o->seed, RANDOM_SPLIT, 0, 0);
  if (held < 1 || held >= n) {
    diag_error_in(t->u, t->o->data,
                  "--validation %g of %" PRId64 " samples leaves none to validate or none to train",
                  t->o->validation, n);
    return false;
  }
  shuffle(&random, index, n);
  t->validation = (Part){&t->data, index, held};
  t->train = (Part){&t->data, index + held, n - held};
  qsort(t->validation.index, (size_t)held, sizeof *index, by_place);
  qsort(t->train.index, (size_t)t->train.n, sizeof *index, by_place);
  return true;
}

/* The test part serves for validation. */
static bool take_test(Training *t) {
  if (!samples_read(t->u, t->o, t->g, DATA_TEST, augment_margin(t->augment), &t->test))
    return false;
  if (strcmp(t->data.data.source, t->test.data.source) == 0)
    usage_note(t->u,
               "%s: no test part: accuracy is of the training samples; --validation holds some out",
               t->o->data);
  t->train = (Part){&t->data, in_order(t->u->arena, t->data.data.n), t->data.data.n};
  t->validation = (Part){&t->test, in_order(t->u->arena, t->test.data.n), t->test.data.n};
  return true;
}

bool train_data_open(Training *t) {
  if (!samples_read(t->u, t->o, t->g, DATA_TRAIN, augment_margin(t->augment), &t->data) ||
      !check_targets(t) || !augment_prepare(t->u, t->augment, &t->data.data) ||
      !(t->o->validation > 0 ? hold_out(t) : take_test(t)))
    return false;
  t->sorted = NEW_ARRAY(t->u->arena, int64_t, t->train.n);
  memcpy(t->sorted, t->train.index, sizeof *t->sorted * (size_t)t->train.n);
  t->sample = NEW_ARRAY(t->u->arena, float, t->data.data.sample_size);
  return true;
}

/* ---- order ---- */

void train_data_shuffle(Training *t) {
  Random random = random_start(t->at.seed, RANDOM_ORDER, t->at.epoch, 0);
  memcpy(t->train.index, t->sorted, sizeof *t->sorted * (size_t)t->train.n);
  shuffle(&random, t->train.index, t->train.n);
}

/* ---- batches ---- */

/* As the network takes it; samples that are trained on are changed at random. */
static void get_values(const Training *t, const Part *part, int64_t sample, float *out) {
  const Samples *s = part->samples;
  if (part != &t->train || !t->augment) {
    samples_get(s, sample, out);
    return;
  }
  Random random = random_start(t->at.seed, RANDOM_AUGMENT, t->at.epoch, sample);
  dataset_values(&s->data, sample, s->whole);
  augment_sample(t->augment, random, s->whole, out);
  scale_values(&s->scaling, samples_size(s), out);
}

/* The sample as the library takes it: bytes where the network reads bytes. */
static void put_values(const Training *t, const Part *part, int slot, int64_t k, int64_t sample) {
  int input = part->samples->input;
  int64_t size = samples_size(part->samples);
  void *at = trainer_input(&t->trainer, slot, input);
  if (t->g->input.at[input].type.dtype != U8) {
    get_values(t, part, sample, (float *)at + k * size);
    return;
  }
  get_values(t, part, sample, t->sample);
  unsigned char *to = (unsigned char *)at + k * size;
  for (int64_t i = 0; i < size; i++) to[i] = (unsigned char)(t->sample[i] + 0.5f);
}

/* Sample k of the slot. Targets that are no labels get 1 for the class and 0 for the others. */
static void put_sample(const Training *t, const Part *part, int slot, int64_t k, int64_t sample) {
  const Graph *g = t->g;
  const Samples *s = part->samples;
  const Dataset *d = &s->data;
  const int32_t *label = d->label + sample * d->label_size;
  put_values(t, part, slot, k, sample);
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

int64_t train_data_batch(const Training *t, const Part *part, int slot, int64_t from) {
  int64_t left = part->n - from, n = left < t->trainer.batch ? left : t->trainer.batch;
  for (int64_t k = 0; k < n; k++) put_sample(t, part, slot, k, part->index[from + k]);
  return n;
}
