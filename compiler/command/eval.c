/* eval.c - the command eval: accuracy of a classifier on the test part of a data set. */
#include "inference.h"

#include <inttypes.h>
#include <unistd.h>

static int data_input(const Graph *g) {
  int found = -1;
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].kind == INPUT_DATA) found = found < 0 ? i : -2;
  return found;
}

static bool check_network(Unit *u, const Options *o, const Graph *g, const Dataset *d) {
  int input = data_input(g);
  if (input < 0 || g->entry[ENTRY_FORWARD].want.n == 0) {
    diag_error_in(u, o->network, "eval wants a network with one input and a classifying output");
    return false;
  }
  if (inference_input_size(g, input) != d->sample_size) {
    Text want = {.arena = u->arena}, have = {.arena = u->arena};
    type_print(&want, &g->input.at[input].type);
    Tensor sample = {.rank = d->rank};
    for (int a = 0; a < d->rank; a++) sample.dim[a] = d->dim[a];
    tensor_print_shape(&have, &sample);
    diag_error_in(u, o->data, "samples are %s; the network reads %s", have.at, want.at);
    return false;
  }
  if (d->label_size == 1) return true;
  diag_error_in(u, o->data, "the data set has %" PRId64 " labels for each sample; eval wants one",
                d->label_size);
  return false;
}

static float *samples_of(Unit *u, const Input *in, const Dataset *d) {
  float *values = NEW_ARRAY(u->arena, float, d->n * d->sample_size);
  Scaling scaling = inference_scaling(in);
  for (int64_t i = 0; i < d->n; i++) dataset_sample(d, i, &scaling, values + i * d->sample_size);
  return values;
}

static Status report(const Inference *f, const Dataset *d) {
  int64_t size = inference_output_size(f->g, 0), right = 0;
  unsigned char *classes = NEW_ARRAY(f->u->arena, unsigned char, d->n);
  for (int64_t i = 0; i < d->n; i++) {
    int64_t class = inference_class(f->output[0] + i * size, size, 1);
    classes[i] = (unsigned char)class;
    right += class == d->label[i];
  }
  if (f->o->predictions && size > 256) {
    usage_error(f->u, "--predictions writes one byte an image; the network has %" PRId64 " classes",
                size);
    return STATUS_USAGE;
  }
  if (f->o->predictions && !file_write(f->u, f->o->predictions, classes, (size_t)d->n))
    return STATUS_INPUT;
  printf("accuracy %.2f %% (%" PRId64 " of %" PRId64 "), %.3f ms an image, %s%s\n",
         100.0 * (double)right / (double)d->n, right, d->n, 1e3 * f->seconds / (double)d->n,
         f->target ? "target " : "interpreted", f->target ? f->target->name : "");
  return STATUS_DONE;
}

Status command_eval(Unit *u, const Options *o) {
  if (!o->data) {
    usage_error(u, "eval needs a data set: give --data DIR");
    return STATUS_USAGE;
  }
  Graph *g = pipeline_read(u, o);
  if (!g) return STATUS_INPUT;
  Dataset data = {0};
  if (!dataset_read(u, o->data, DATA_TEST, &data)) return STATUS_INPUT;
  if (!check_network(u, o, g, &data)) return STATUS_INPUT;
  Inference f = {.u = u, .o = o, .g = g, .n = data.n, .repeat = 1};
  f.progress = isatty(STDERR_FILENO);
  f.input = NEW_ARRAY(u->arena, float *, g->input.n + 1);
  f.input[data_input(g)] = samples_of(u, &g->input.at[data_input(g)], &data);
  Status status = inference_run(&f);
  return status ? status : report(&f, &data);
}
