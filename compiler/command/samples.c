/* samples.c - a data set beside the network that it is for: shapes, axes and labels must fit. See
 * samples.h. */
#include "samples.h"

#include <inttypes.h>
#include <string.h>

/* ---- shapes ---- */

static int data_input(const Graph *g) {
  int found = -1;
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].kind == INPUT_DATA) found = found < 0 ? i : -2;
  return found;
}

/* What an input takes, as a sample of the file has it. */
static Tensor wanted_shape(const Type *type, bool channels_last) {
  Tensor t = {.rank = type->rank - 1};
  for (int a = 0; a < t.rank; a++) t.dim[a] = extent_at(type->dim[a + 1], 1);
  if (!channels_last || t.rank < 2) return t;
  memmove(t.dim, t.dim + 1, sizeof *t.dim * (size_t)(t.rank - 1));
  t.dim[t.rank - 1] = extent_at(type->dim[1], 1);
  return t;
}

static Tensor without_axis(Tensor t, int axis) {
  t.rank--;
  for (int a = axis; a < t.rank; a++) t.dim[a] = t.dim[a + 1];
  return t;
}

static bool same_shape(const Tensor *a, const Tensor *b) {
  return a->rank == b->rank && memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank) == 0;
}

/* Are extents as wanted, or would they be without the axis of a single channel on either side? */
static bool shape_fits(const Tensor *have, const Tensor *want, bool channels_last) {
  int h = channels_last ? have->rank - 1 : 0, w = channels_last ? want->rank - 1 : 0;
  const Tensor flat_have = have->rank > 1 && have->dim[h] == 1 ? without_axis(*have, h) : *have;
  const Tensor flat_want = want->rank > 1 && want->dim[w] == 1 ? without_axis(*want, w) : *want;
  return same_shape(have, want) || same_shape(&flat_have, want) || same_shape(have, &flat_want);
}

static bool check_shape(Unit *u, const Options *o, const Input *in, const Samples *s) {
  Tensor have = {.rank = s->data.rank};
  memcpy(have.dim, s->data.dim, sizeof have.dim);
  for (int a = 1; a < have.rank; a++) have.dim[a] -= 2 * s->data.margin;
  bool last = s->data.channels_last;
  const Tensor want = wanted_shape(&in->type, last), other = wanted_shape(&in->type, !last);
  if (shape_fits(&have, &want, last)) return true;
  Text text = {.arena = u->arena};
  text_add(&text, "samples are ");
  tensor_print_shape(&text, &have);
  text_add(&text, "; the network reads ");
  tensor_print_shape(&text, &want);
  if (s->data.array && shape_fits(&have, &other, !last))
    text_add(&text, "; its input may say \"layout\": \"%s\"", last ? "chw" : "hwc");
  else if (tensor_size(&have) == tensor_size(&want))
    text_add(&text, "; the samples must be transposed or reshaped");
  diag_error_in(u, o->data, "%s", text.at);
  return false;
}

/* ---- labels ---- */

/* Classes lie along the channels of the first output, one label for each place of the others. */
static bool find_classes(Unit *u, const Options *o, const Graph *g, Samples *s) {
  const Type *type = graph_output_type(g, 0);
  s->classes = type->rank > 1 ? extent_at(type->dim[1], 1) : 1;
  int64_t places = inference_output_size(g, 0) / s->classes;
  if (places == s->data.label_size) return true;
  diag_error_in(u, o->data,
                "%" PRId64 " labels for each sample; output \"%s\" is %s, which asks for %" PRId64,
                s->data.label_size, g->entry[ENTRY_FORWARD].want_name.at[0],
                type_text(u->arena, type), places);
  return false;
}

bool samples_ignored(const Samples *s, int32_t label) {
  int ignored = 0, of = 0;
  for (int i = 0; i < s->g->term.n; i++) {
    const LossTerm *term = &s->g->term.at[i];
    if (!ops[term->op]->ignores) continue;
    of++;
    ignored += ops[term->op]->ignores(term->attr, label);
  }
  return label < 0 || (of > 0 && ignored == of);
}

static bool check_labels(Unit *u, const Options *o, const Samples *s) {
  const Dataset *d = &s->data;
  for (int64_t i = 0; i < samples_labels(s); i++)
    if (d->label[i] >= s->classes && !samples_ignored(s, d->label[i])) {
      diag_error_in(u, o->data,
                    "label %d of sample %" PRId64 ": the network has %" PRId64 " classes",
                    (int)d->label[i], i / d->label_size, s->classes);
      return false;
    }
  return true;
}

/* ---- what eval and train ask ---- */

/* What is asked of a data set for an input. */
static DataRequest request_for(const Options *o, const Input *in, DataPart part, int64_t margin) {
  DataRequest r = {o->data, part, .rank = in->type.rank - 1, .margin = margin};
  for (int a = 0; a < r.rank; a++) r.dim[a] = extent_at(in->type.dim[a + 1], 1);
  return r;
}

bool samples_read(Unit *u, const Options *o, const Graph *g, DataPart part, int64_t margin,
                  Samples *s) {
  *s = (Samples){.g = g, .input = data_input(g)};
  if (s->input < 0 || g->entry[ENTRY_FORWARD].want.n == 0) {
    diag_error_in(u, o->network,
                  "a data set is for a network with one input and a classifying "
                  "output");
    return false;
  }
  const Input *in = &g->input.at[s->input];
  DataRequest request = request_for(o, in, part, margin);
  if (!dataset_read(u, &request, &s->data)) return false;
  s->scaling = inference_scaling(in);
  s->data.channels_last = in->hwc && s->data.array;
  s->whole = NEW_ARRAY(u->arena, float, s->data.sample_size);
  return check_shape(u, o, in, s) && find_classes(u, o, g, s) && check_labels(u, o, s);
}

int64_t samples_size(const Samples *s) {
  int64_t size = s->data.rank ? s->data.dim[0] : 1;
  for (int a = 1; a < s->data.rank; a++) size *= s->data.dim[a] - 2 * s->data.margin;
  return size;
}

void samples_get(const Samples *s, int64_t i, float *out) {
  dataset_values(&s->data, i, s->data.margin ? s->whole : out);
  if (s->data.margin) dataset_middle(&s->data, s->whole, out);
  scale_values(&s->scaling, samples_size(s), out);
}

int64_t samples_labels(const Samples *s) {
  return s->data.n * s->data.label_size;
}

int64_t samples_class(const Samples *s, const float *result, int64_t p) {
  return inference_class(result + p, s->classes, s->data.label_size);
}
