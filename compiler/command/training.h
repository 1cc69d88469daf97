/* training.h - what the files of the command train share: the state of a training run. */
#ifndef TRAINING_H
#define TRAINING_H

#include "samples.h"
#include "trainer.h"

typedef struct Epoch { /* one pass over the training part, done or under way */
  double loss;         /* sum over the samples */
  double seconds;      /* since this process began it */
  double lr;           /* that the next one begins with */
  double accuracy;     /* of the test part, in percent; < 0: not known */
} Epoch;

/* What a checkpoint holds besides the library's own. */
typedef struct Position {
  int64_t seed, samples, batch; /* what training must agree in to go on */
  int64_t epoch, done;          /* of how many epochs all samples, of the next one how many */
  int64_t best_epoch, stale;    /* which was the best one, how many have passed since */
  double best, loss;            /* its accuracy; Epoch.loss so far */
} Position;

typedef struct Training {
  Unit *u;
  const Options *o;
  const Graph *g;
  Trainer trainer;
  Samples train, test;
  int64_t *order; /* of the samples in this epoch */
  int64_t epochs;
  Position at;
  Epoch epoch;
  int64_t resumed; /* samples of this epoch that were trained on before this process began */
  FILE *log;
} Training;

/* ---- train_data.c: samples for the trainer ---- */

/* Both parts of the data set, and that they fit the network; a note if they are the same. */
bool train_data_open(Training *);
void train_data_shuffle(Training *); /* the order of epoch at.epoch */
/* Puts up to a batch of samples, from place `from` of the order on, into a slot; how many. */
int64_t train_data_batch(const Training *, int slot, int64_t from);
/* The same with the test part, in its own order. */
int64_t train_data_test_batch(const Training *, int slot, int64_t from);
/* How many of n results, for test samples from `from` on, name the right class. */
int64_t train_data_right(const Training *, int64_t from, int64_t n);

/* ---- train_checkpoint.c ---- */

const char *train_checkpoint_file(const Training *);
bool train_checkpoint_write(Training *);
bool train_checkpoint_read(Training *);
bool train_save(Training *); /* --save */

/* ---- train_report.c: what is printed and logged ---- */

bool train_log_open(Training *);
void train_report_progress(const Training *);
bool train_report_epoch(Training *);
bool train_report_gradients(Training *);

#endif
