/* training.h - what the files of the command train share: the state of a training run. */
#ifndef TRAINING_H
#define TRAINING_H

#include "augment.h"
#include "samples.h"
#include "trainer.h"

typedef struct Mean { /* of a loss, over what counts in it */
  double sum, count;
} Mean;

/* Results over some samples. */
typedef struct Score {
  Mean *loss; /* by Graph.term */
  int64_t samples;
  int64_t right, labels; /* of so many labels that count so many were named */
} Score;

typedef struct Epoch { /* one pass over the training part, done or under way */
  double seconds;      /* since this process began it */
  double lr;           /* after its last step */
  Score validation;
} Epoch;

/* What a checkpoint holds besides the library's own. */
typedef struct Position {
  int64_t seed, samples, batch; /* what training must agree in to go on */
  int64_t epoch;                /* of how many epochs all samples were trained on */
  int64_t options;              /* a hash of the other options that must agree */
  int64_t best_epoch, stale;    /* which was the best one, how many have passed since */
  double best;                  /* its metric, which falls */
  Score trained;                /* samples of the next epoch, as their steps saw them */
} Position;

/* Samples in an order. */
typedef struct Part {
  const Samples *samples;
  int64_t *index, n;
} Part;

typedef struct Training {
  Unit *u;
  const Options *o;
  const Graph *g;
  Trainer trainer;
  Samples data, test; /* `test` where no --validation is taken out of the data */
  Part train, validation;
  Augment *augment; /* NULL: samples are trained on as they are */
  int64_t *sorted;  /* train.index before it is shuffled */
  int64_t epochs;
  Position at;
  Epoch epoch;
  int64_t resumed; /* samples of this epoch that were trained on before this process began */
  double *loss;    /* of the last batch: the mean of each */
  double *room;    /* train_score.c's: what the losses read */
  float *sample;   /* train_data.c's: a sample on its way to bytes */
  FILE *log;
} Training;

/* ---- train_data.c: samples for the trainer ---- */

/* Both parts of the data set, and that they fit the network; a note if they are the same. */
bool train_data_open(Training *);
void train_data_shuffle(Training *); /* the order of epoch at.epoch */
/* Puts up to a batch of samples, from place `from` of the part on, into a slot; how many. */
int64_t train_data_batch(const Training *, const Part *, int slot, int64_t from);

/* ---- train_score.c: what the network makes of samples ---- */

void train_score_clear(const Training *, Score *); /* nothing yet */
/* Adds the part's next n samples: `loss`, and the first output that the trainer has. */
void train_score_add(const Training *, const Part *, int64_t n, Score *);
bool train_score(Training *, const Part *, Score *); /* of the whole part, as inference sees it */
/* The sum of the losses' means; no number where nothing counts in one of them. */
double train_score_loss(const Training *, const Score *);
double train_score_accuracy(const Score *); /* in percent; < 0: nothing counts */

/* ---- train_checkpoint.c ---- */

const char *train_checkpoint_file(const Training *);
int64_t train_checkpoint_options(const Options *);
bool train_checkpoint_write(Training *);
bool train_checkpoint_read(Training *);
bool train_save(Training *); /* --save */

/* ---- train_report.c: what is printed and logged ---- */

bool train_log_open(Training *);
void train_report_progress(const Training *);
bool train_report_epoch(Training *);

/* ---- train_norms.c: --gradient-norms ---- */

typedef struct Norm {
  const char *layer;
  double norm; /* of the gradients of all its parameters; < 0: it has none */
} Norm;
typedef VEC(Norm) Norms;

/* The layers with parameters, and the norms of the last step. */
Norms train_norms_layers(const Training *);
bool train_norms_read(Training *, Norms *);
void train_norms_print(const Norms *);

#endif
