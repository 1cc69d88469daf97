/* eval.c - the command eval: accuracy of a classifier on the test part of a data set. */
#include "samples.h"

#include <inttypes.h>
#include <unistd.h>

enum { MOST_CLASSES = 256 }; /* that a byte of --predictions tells apart */

static float *values_of(Unit *u, const Samples *s) {
  int64_t size = samples_size(s);
  float *values = NEW_ARRAY(u->arena, float, s->data.n *size);
  for (int64_t i = 0; i < s->data.n; i++) samples_get(s, i, values + i * size);
  return values;
}

static Status report(const Inference *f, const Samples *s) {
  int64_t size = inference_output_size(f->g, 0), places = s->data.label_size, right = 0;
  int64_t labels = samples_labels(s), counted = 0;
  unsigned char *classes = NEW_ARRAY(f->u->arena, unsigned char, labels);
  for (int64_t i = 0; i < labels; i++) {
    int64_t class = samples_class(s, f->output[0] + i / places * size, i % places);
    classes[i] = (unsigned char)class;
    if (samples_ignored(s, s->data.label[i])) continue;
    right += class == s->data.label[i];
    counted++;
  }
  if (f->o->predictions && !file_write(f->u, f->o->predictions, classes, (size_t)labels))
    return STATUS_INPUT;
  printf("accuracy %.2f %% (%" PRId64 " of %" PRId64 "), %.3f ms an image, %s%s\n",
         counted ? 100.0 * (double)right / (double)counted : 0, right, counted,
         1e3 * f->seconds / (double)s->data.n, f->target ? "target " : "interpreted",
         f->target ? f->target->name : "");
  return STATUS_DONE;
}

/* What would fail only when the work is done. */
static void check_predictions(Unit *u, const Options *o, const Samples *s) {
  if (!o->predictions) return;
  file_writable(u, o->predictions);
  if (s->classes > MOST_CLASSES)
    usage_error(u, "--predictions writes one byte an image; the network has %" PRId64 " classes",
                s->classes);
}

/* The test part of --data, as the network's input. */
static void read_samples(Inference *f, Samples *s) {
  Unit *u = f->u;
  if (!f->o->data) usage_error(u, "eval needs a data set: give --data DIR");
  if (f->o->data && f->g && samples_read(u, f->o, f->g, DATA_TEST, 0, s)) {
    f->n = s->data.n;
    f->input = NEW_ARRAY(u->arena, float *, f->g->input.n + 1);
    f->input[s->input] = values_of(u, s);
  }
  check_predictions(u, f->o, s);
}

Status command_eval(Unit *u, const Options *o) {
  Samples samples = {0};
  Inference f = inference_new(u, o);
  f.progress = isatty(STDERR_FILENO);
  read_samples(&f, &samples);
  const Status status = inference_run(&f);
  return status ? status : report(&f, &samples);
}
