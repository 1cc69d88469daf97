/* train_report.c - what a training tells: a line that moves on a terminal, a line for each epoch,
 * and a table in CSV. */
#include "training.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static double rate(const Training *t) {
  int64_t done = t->at.done - t->resumed;
  return t->epoch.seconds > 0 ? (double)done / t->epoch.seconds : 0;
}

static const char *duration(Arena *arena, double seconds) {
  int64_t s = (int64_t)(seconds + 0.5);
  return s < 3600 ? arena_printf(arena, "%" PRId64 ":%02" PRId64, s / 60, s % 60)
                  : arena_printf(arena, "%" PRId64 ":%02" PRId64 ":%02" PRId64, s / 3600,
                                 s / 60 % 60, s % 60);
}

void train_report_progress(const Training *t) {
  int64_t left = t->train.data.n * (t->epochs - t->at.epoch) - t->at.done;
  char seconds[32] = "?";
  if (!isatty(STDERR_FILENO)) return;
  if (rate(t) > 0) {
    Arena *arena = arena_new();
    snprintf(seconds, sizeof seconds, "%s", duration(arena, (double)left / rate(t)));
    arena_free(arena);
  }
  fprintf(stderr, "\repoch %" PRId64 "/%" PRId64 " %3.0f %%, loss %.4f, %.0f images/s, %s left  ",
          t->at.epoch + 1, t->epochs, 100.0 * (double)t->at.done / (double)t->train.data.n,
          t->epoch.loss / (double)(t->at.done ? t->at.done : 1), rate(t), seconds);
}

/* ---- the log ---- */

bool train_log_open(Training *t) {
  if (!t->o->log) return true;
  t->log = fopen(t->o->log, t->o->resume ? "a" : "w");
  if (!t->log) {
    diag_error_in(t->u, t->o->log, "cannot write the file: %s", strerror(errno));
    return false;
  }
  if (fseek(t->log, 0, SEEK_END) == 0 && ftell(t->log) == 0)
    fputs("epoch,loss,accuracy,lr,images_per_second,seconds\n", t->log);
  return true;
}

static bool log_epoch(Training *t, double loss) {
  if (!t->log) return true;
  fprintf(t->log, "%" PRId64 ",%.9g,", t->at.epoch, loss);
  if (t->epoch.accuracy >= 0) fprintf(t->log, "%.4f", t->epoch.accuracy);
  fprintf(t->log, ",%.9g,%.1f,%.3f\n", t->epoch.lr, rate(t), t->epoch.seconds);
  if (fflush(t->log) == 0) return true;
  diag_error_in(t->u, t->o->log, "cannot write the file: %s", strerror(errno));
  return false;
}

/* ---- after an epoch ---- */

bool train_report_epoch(Training *t) {
  double loss = t->epoch.loss / (double)t->train.data.n;
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r%*s\r", 78, "");
  printf("epoch %" PRId64 "/%" PRId64 ": loss %.6f", t->at.epoch, t->epochs, loss);
  if (t->epoch.accuracy >= 0) printf(", accuracy %.2f %%", t->epoch.accuracy);
  printf(", lr %g, %.0f images/s, %s\n", t->epoch.lr, rate(t),
         duration(t->u->arena, t->epoch.seconds));
  fflush(stdout);
  return log_epoch(t, loss);
}

bool train_report_gradients(Training *t) {
  for (int i = 0; t->o->gradients && i < t->trainer.nparam; i++) {
    const Param *p = &t->g->param.at[t->trainer.param[i]];
    double norm;
    if (!trainer_gradient_norm(&t->trainer, i, &norm)) return false;
    if (norm >= 0) printf("  %-32s gradient norm %.6g\n", p->name, norm);
  }
  return true;
}
