/* train_score.c - loss and accuracy of samples as inference sees them: running statistics, no
 * dropout; accuracy of those that are trained on as their steps see them. The library's forward
 * computes what the losses compare; the losses themselves are a few numbers for each sample and run
 * in the interpreter (Graph.validation). */
#include "training.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the losses ---- */

static int64_t input_size(const Training *t, int input, int64_t n) {
  return type_size(&t->g->validation->input.at[input].type, n);
}

/* How many numbers the losses read of a whole batch. */
static int64_t room_size(const Training *t) {
  int64_t size = 0;
  for (int i = 0; i < t->g->validation->input.n; i++) size += input_size(t, i, t->trainer.batch);
  return size;
}

static int find_output(const Graph *g, const char *name) {
  const Entry *forward = &g->entry[ENTRY_FORWARD];
  for (int i = 0; i < forward->want.n; i++)
    if (strcmp(forward->want_name.at[i], name) == 0) return i;
  BUG("no output is called %s", name);
}

static int find_target(const Graph *g, const char *name) {
  for (int i = 0; i < g->input.n; i++)
    if (strcmp(g->input.at[i].name, name) == 0) return i;
  BUG("no target is called %s", name);
}

typedef struct Compared { /* what the losses read */
  const double **at;      /* by their input */
} Compared;

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Compared *compared = context;
  (void)n;
  return compared->at[((const LeafAttr *)g->node.at[leaf].attr)->index];
}

/* Input i of the losses for n samples, as doubles. */
static void fill(const Training *t, int i, int slot, int64_t n, double *to) {
  const Input *in = &t->g->validation->input.at[i];
  int64_t size = input_size(t, i, n);
  const float *from = in->kind == INPUT_DATA
                          ? trainer_output(&t->trainer, find_output(t->g, in->name))
                          : trainer_input(&t->trainer, slot, find_target(t->g, in->name));
  const int32_t *labels = (const int32_t *)(const void *)from;
  for (int64_t k = 0; k < size; k++)
    to[k] = in->type.dtype == I32 ? (double)labels[k] : (double)from[k];
}

/* t->loss of the n samples whose results the trainer has. */
static void batch_losses(Training *t, int slot, int64_t n) {
  const Graph *losses = t->g->validation;
  const Entry *entry = &losses->entry[ENTRY_TRAIN_FORWARD];
  if (!t->room) t->room = NEW_ARRAY(t->u->arena, double, room_size(t));
  Compared compared = {heap_alloc(sizeof *compared.at * (size_t)losses->input.n)};
  double *to = t->room;
  for (int i = 0; i < losses->input.n; to += input_size(t, i++, n)) {
    fill(t, i, slot, n, to);
    compared.at[i] = to;
  }
  const Array *mean = graph_run(losses, entry->want.at, entry->want.n, n, leaf_value, &compared);
  for (int i = 0; i < entry->want.n; i++) t->loss[i] = mean[i].at[0];
  free(compared.at);
}

/* ---- results ---- */

static void count_right(const Training *t, const Part *part, int64_t n, Score *s) {
  const Samples *samples = part->samples;
  const float *values = trainer_output(&t->trainer, 0);
  int64_t places = samples->data.label_size;
  for (int64_t k = 0; k < n; k++) {
    const int32_t *label = samples->data.label + part->index[s->samples + k] * places;
    for (int64_t p = 0; p < places; p++) {
      if (samples_ignored(samples, label[p])) continue;
      s->labels++;
      s->right += samples_class(samples, values + k * samples->classes * places, p) == label[p];
    }
  }
}

/* How much the part's next n samples count in the mean of a loss. */
static double count_of(const LossTerm *term, const Part *part, int64_t n, const Score *s) {
  const Dataset *d = &part->samples->data;
  double count = 0;
  if (!ops[term->op]->counts) return (double)n;
  for (int64_t k = 0; k < n; k++) {
    const int32_t *label = d->label + part->index[s->samples + k] * d->label_size;
    for (int64_t p = 0; p < d->label_size; p++)
      count += ops[term->op]->counts(term->attr, label[p]);
  }
  return count;
}

void train_score_clear(const Training *t, Score *s) {
  Mean *loss = s->loss ? s->loss : NEW_ARRAY(t->u->arena, Mean, t->g->term.n);
  memset(loss, 0, sizeof *loss * (size_t)t->g->term.n);
  *s = (Score){.loss = loss};
}

void train_score_add(const Training *t, const Part *part, int64_t n, Score *s) {
  for (int i = 0; i < t->g->term.n; i++) {
    const double count = count_of(&t->g->term.at[i], part, n, s);
    s->loss[i].sum += t->loss[i] * count;
    s->loss[i].count += count;
  }
  count_right(t, part, n, s);
  s->samples += n;
}

bool train_score(Training *t, const Part *part, Score *s) {
  train_score_clear(t, s);
  for (int64_t n; (n = train_data_batch(t, part, 0, s->samples)) > 0;) {
    if (!trainer_forward(&t->trainer, 0, n)) return false;
    batch_losses(t, 0, n);
    train_score_add(t, part, n, s);
  }
  return true;
}

double train_score_loss(const Training *t, const Score *s) {
  double loss = 0;
  for (int i = 0; i < t->g->term.n; i++)
    loss += s->loss[i].count != 0 ? s->loss[i].sum / s->loss[i].count : (double)NAN;
  return loss;
}

double train_score_accuracy(const Score *s) {
  return s->labels ? 100.0 * (double)s->right / (double)s->labels : -1;
}
