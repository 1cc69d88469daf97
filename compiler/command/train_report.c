/* train_report.c - what a training tells: a line that moves on a terminal, a line for each epoch,
 * and a table in CSV. */
#include "training.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double rate(const Training *t) {
  int64_t done = t->at.trained.samples - t->resumed;
  return t->epoch.seconds > 0 ? (double)done / t->epoch.seconds : 0;
}

static const char *duration(char text[32], double seconds) {
  int64_t s = (int64_t)(seconds + 0.5);
  if (s < 3600)
    snprintf(text, 32, "%" PRId64 ":%02" PRId64, s / 60, s % 60);
  else
    snprintf(text, 32, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600, s / 60 % 60, s % 60);
  return text;
}

void train_report_progress(const Training *t) {
  const Score *s = &t->at.trained;
  int64_t left = t->train.n * (t->epochs - t->at.epoch) - s->samples;
  char time[32] = "?", accuracy[32] = "";
  if (!isatty(STDERR_FILENO)) return;
  if (rate(t) > 0) duration(time, (double)left / rate(t));
  if (s->labels) snprintf(accuracy, sizeof accuracy, ", accuracy %.1f %%", train_score_accuracy(s));
  fprintf(stderr,
          "\repoch %" PRId64 "/%" PRId64 " %3.0f %%, loss %.4f%s, %.0f images/s, %s left   ",
          t->at.epoch + 1, t->epochs, 100.0 * (double)s->samples / (double)t->train.n,
          train_score_loss(t, s), accuracy, rate(t), time);
}

/* ---- the log ---- */

static bool cannot_write(const Training *t) {
  diag_error_in(t->u, t->o->log, "cannot write the file: %s", strerror(errno));
  return false;
}

static void log_head(const Training *t) {
  fputs("epoch,step,loss,accuracy,validation_loss,validation_accuracy,lr,seconds,images_per_second",
        t->log);
  Norms norms = t->o->gradient_norms ? train_norms_layers(t) : (Norms){0};
  for (int i = 0; i < norms.n; i++) fprintf(t->log, ",gradient:%s", norms.at[i].layer);
  fputs("\n", t->log);
}

/* Of a log that goes on: the lines up to the epoch where training goes on. Later ones are from a
 * process that was killed before its checkpoint. */
static size_t log_kept(const Training *t, const char *text) {
  const char *line = strchr(text, '\n');
  while (line && line[1] && strtoll(line + 1, NULL, 10) <= t->at.epoch)
    line = strchr(line + 1, '\n');
  return line ? (size_t)(line + 1 - text) : 0;
}

bool train_log_open(Training *t) {
  const char *file = t->o->log;
  size_t size;
  if (!file) return true;
  const char *before = t->o->resume && access(file, F_OK) == 0 ? file_read(t->u, file, &size) : "";
  if (!before) return false;
  size = log_kept(t, before);
  t->log = fopen(file, "w");
  if (!t->log) return cannot_write(t);
  if (size)
    fwrite(before, 1, size, t->log);
  else
    log_head(t);
  return fflush(t->log) == 0 || cannot_write(t);
}

static void log_accuracy(const Training *t, double accuracy) {
  if (accuracy >= 0) fprintf(t->log, "%.4f", accuracy);
  fputs(",", t->log);
}

static bool log_epoch(Training *t, const Norms *norms) {
  const Score *v = &t->epoch.validation;
  int64_t steps = (t->train.n + t->trainer.batch - 1) / t->trainer.batch;
  if (!t->log) return true;
  fprintf(t->log, "%" PRId64 ",%" PRId64 ",%.9g,", t->at.epoch, t->at.epoch * steps,
          train_score_loss(t, &t->at.trained));
  log_accuracy(t, train_score_accuracy(&t->at.trained));
  fprintf(t->log, "%.9g,", train_score_loss(t, v));
  log_accuracy(t, train_score_accuracy(v));
  fprintf(t->log, "%.9g,%.3f,%.1f", t->epoch.lr, t->epoch.seconds, rate(t));
  for (int i = 0; i < norms->n; i++) {
    fputs(",", t->log);
    if (norms->at[i].norm >= 0) fprintf(t->log, "%.6g", norms->at[i].norm);
  }
  fputs("\n", t->log);
  return fflush(t->log) == 0 || cannot_write(t);
}

/* ---- after an epoch ---- */

static void print_epoch(const Training *t) {
  const Score *v = &t->epoch.validation;
  double accuracy = train_score_accuracy(v);
  char time[32];
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r%*s\r", 78, "");
  printf("epoch %" PRId64 "/%" PRId64 ": loss %.6f, validation loss %.6f", t->at.epoch, t->epochs,
         train_score_loss(t, &t->at.trained), train_score_loss(t, v));
  if (accuracy >= 0) printf(", accuracy %.2f %%", accuracy);
  printf(", lr %g, %.0f images/s, %s\n", t->epoch.lr, rate(t), duration(time, t->epoch.seconds));
}

bool train_report_epoch(Training *t) {
  Norms norms = t->o->gradient_norms ? train_norms_layers(t) : (Norms){0};
  print_epoch(t);
  if (!train_norms_read(t, &norms)) return false;
  if (norms.n) train_norms_print(&norms);
  fflush(stdout);
  return log_epoch(t, &norms);
}
