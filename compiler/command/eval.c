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
    right += class == s->data.label[i];
    counted += s->data.label[i] >= 0; /* the others are ignored, as by losses */
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
static Status check_predictions(Unit *u, const Options *o, const Samples *s) {
  if (!o->predictions) return STATUS_DONE;
  if (!file_writable(u, o->predictions)) return STATUS_INPUT;
  if (s->classes <= MOST_CLASSES) return STATUS_DONE;
  usage_error(u, "--predictions writes one byte an image; the network has %" PRId64 " classes",
              s->classes);
  return STATUS_USAGE;
}

Status command_eval(Unit *u, const Options *o) {
  if (!o->data) {
    usage_error(u, "eval needs a data set: give --data DIR");
    return STATUS_USAGE;
  }
  if (!inference_check_options(u, o)) return STATUS_USAGE;
  Graph *g = pipeline_read(u, o);
  Samples samples;
  if (!g || !samples_read(u, o, g, DATA_TEST, 0, &samples)) return STATUS_INPUT;
  Status status = check_predictions(u, o, &samples);
  if (status) return status;
  Inference f = {.u = u, .o = o, .g = g, .n = samples.data.n, .repeat = 1};
  f.progress = isatty(STDERR_FILENO);
  f.input = NEW_ARRAY(u->arena, float *, g->input.n + 1);
  f.input[samples.input] = values_of(u, &samples);
  status = inference_run(&f);
  return status ? status : report(&f, &samples);
}
