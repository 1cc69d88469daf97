/* train.c - the command train: epochs over a data set, each followed by a look at samples that are
 * not trained on, a checkpoint and a line of report. The computing is done by the emitted library
 * in a process of its own (trainer.c); while it takes a step, the next batch is prepared here. */
#include "training.h"

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <unistd.h>

enum { EPOCHS = 10 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
  (void)signal_number;
  interrupted = 1;
}

/* ---- epochs ---- */

/* The program that trains has ended by itself, or a file is at fault. */
static Status failure(const Training *t) {
  return t->trainer.process < 0 ? STATUS_TOOL : STATUS_INPUT;
}

static bool train_samples(Training *t) {
  double begin = program_clock(), shown = begin;
  Score *trained = &t->at.trained;
  int slot = 0;
  train_data_shuffle(t);
  t->resumed = trained->samples;
  t->epoch = (Epoch){.validation = t->epoch.validation};
  int64_t n = train_data_batch(t, &t->train, slot, trained->samples);
  while (n > 0 && !interrupted) {
    if (!trainer_ask_step(&t->trainer, slot, n)) return false;
    slot = !slot;
    int64_t next = train_data_batch(t, &t->train, slot, trained->samples + n);
    if (!trainer_wait_step(&t->trainer, t->loss)) return false;
    train_score_add(t, &t->train, n, trained);
    n = next;
    t->epoch.seconds = program_clock() - begin;
    if (begin + t->epoch.seconds < shown + 0.2) continue;
    shown = begin + t->epoch.seconds;
    train_report_progress(t);
  }
  return true;
}

/* What should fall from epoch to epoch: --monitor. */
static double metric(const Training *t) {
  const Score *v = &t->epoch.validation;
  return t->o->monitor == MONITOR_LOSS ? train_score_loss(t, v) : 100 - train_score_accuracy(v);
}

static bool is_better(const Training *t) {
  return t->at.best_epoch == 0 || metric(t) < t->at.best || isnan(t->at.best);
}

/* With --patience the best parameters are kept, otherwise the last ones. */
static bool keep_best(Training *t) {
  t->at.stale++;
  if (!is_better(t)) return true;
  t->at.best = metric(t);
  t->at.best_epoch = t->at.epoch;
  t->at.stale = 0;
  return !t->o->patience || train_save(t);
}

static bool diverged(const Training *t) {
  for (int i = 0; i < t->g->term.n; i++)
    if (!isfinite(t->at.trained.loss[i].sum)) return true;
  return false;
}

static bool finish_epoch(Training *t) {
  if (!train_score(t, &t->validation, &t->epoch.validation)) return false;
  t->at.epoch++;
  if (!keep_best(t) || !trainer_lr(&t->trainer, &t->epoch.lr) ||
      !trainer_report(&t->trainer, metric(t)) || !train_report_epoch(t))
    return false;
  if (diverged(t))
    usage_note(t->u, "the loss is no number any more; a smaller lr, warm_up or clip_norm may help");
  train_score_clear(t, &t->at.trained);
  return train_checkpoint_write(t);
}

static Status stop_early(Training *t) {
  if (!train_checkpoint_write(t)) return failure(t);
  printf("\ninterrupted in epoch %d%s%s\n", (int)t->at.epoch + 1,
         t->o->save ? "; --resume goes on from " : "; nothing is kept without --save",
         t->o->save ? train_checkpoint_file(t) : "");
  return 128 + SIGINT;
}

static bool out_of_patience(const Training *t) {
  return t->o->patience && t->at.stale >= t->o->patience;
}

/* What --patience has found. */
static void tell_best(const Training *t) {
  const char *what = t->o->monitor == MONITOR_LOSS ? "loss" : "accuracy";
  double best = t->o->monitor == MONITOR_LOSS ? t->at.best : 100 - t->at.best;
  printf("%s; best validation %s: %.6g in epoch %" PRId64 "%s%s\n",
         out_of_patience(t) ? "stopped early" : "done", what, best, t->at.best_epoch,
         t->o->save ? ", kept in " : "", t->o->save ? t->o->save : "");
}

static Status run_epochs(Training *t) {
  while (t->at.epoch < t->epochs && !out_of_patience(t)) {
    if (!train_samples(t)) return STATUS_TOOL;
    if (interrupted) return stop_early(t);
    if (!finish_epoch(t)) return failure(t);
  }
  if (!t->o->patience) return train_save(t) ? STATUS_DONE : failure(t);
  tell_best(t);
  return STATUS_DONE;
}

/* ---- the beginning ---- */

/* What is given to begin with; NULL: nothing, or there is a message. */
static double **read_params(const Training *t) {
  if (t->o->weights) return params_read(t->u, t->g, t->o->weights);
  return t->o->init_from && t->g ? params_read_part(t->u, t->g, t->o->init_from) : NULL;
}

static bool start_params(Training *t, double **values) {
  if (!trainer_init_params(&t->trainer, t->at.seed)) return false;
  return !values || trainer_set_params(&t->trainer, values);
}

static void check_options(Unit *u, const Options *o) {
  if (!o->data) usage_error(u, "train needs a data set: give --data DIR");
  if (o->resume && !o->save)
    usage_error(u, "--resume goes on from the checkpoint beside --save FILE");
  if (o->weights && o->init_from)
    usage_error(u, "--weights gives all parameters, --init-from those that fit: not both");
}

/* What would fail only when the work is done. */
static void check_files(const Training *t) {
  if (t->o->save && file_writable(t->u, t->o->save)) file_writable(t->u, train_checkpoint_file(t));
  if (t->o->log && access(t->o->log, W_OK) != 0) file_writable(t->u, t->o->log);
}

/* Whatever is wrong, the rest is looked at too: the trainer starts only where nothing was. */
static Status start(Training *t, const Options *o) {
  check_files(t);
  if (o->data && t->g) train_data_open(t);
  double **values = read_params(t);
  Status status = trainer_start(t->u, o, t->g, &t->trainer);
  if (status) return status;
  t->at = (Position){.seed = o->seed,
                     .samples = t->train.n,
                     .batch = t->trainer.batch,
                     .options = train_checkpoint_options(o)};
  t->loss = NEW_ARRAY(t->u->arena, double, t->g->term.n);
  train_score_clear(t, &t->at.trained);
  if (!start_params(t, values)) return failure(t);
  if (o->resume && !train_checkpoint_read(t)) return failure(t);
  return train_log_open(t) ? STATUS_DONE : STATUS_INPUT;
}

Status command_train(Unit *u, const Options *given) {
  Options options = *given;
  options.train = true;
  check_options(u, given);
  Augment *augment = given->augment.n ? augment_new(u, given->augment.at, given->augment.n) : NULL;
  Graph *g = pipeline_read(u, &options);
  Training t = {.u = u, .o = given, .g = g, .epochs = given->epochs ? given->epochs : EPOCHS};
  const struct sigaction action = {.sa_handler = on_interrupt};
  struct sigaction before;
  t.augment = augment;
  t.trainer.process = -1;
  sigaction(SIGINT, &action, &before);
  Status status = start(&t, &options);
  if (!status) status = run_epochs(&t);
  trainer_stop(&t.trainer);
  sigaction(SIGINT, &before, NULL);
  if (t.log) fclose(t.log);
  return status;
}
