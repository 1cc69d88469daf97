/* dataset.c - folders with labelled samples: which data sets there are, and samples as floats.
 *
 * The folder's file names tell which it is; the first of datasets.def whose files are there is
 * read. A sample's numbers stay as they are in the file until dataset_values converts them, so that
 * a set of pictures takes one byte per pixel. */
#include "dataset.h"

#include <string.h>

#define DATASET(name) extern const DatasetReader dataset_##name;
#include "datasets.def"
#undef DATASET

static const DatasetReader *const readers[] = {
#define DATASET(name) &dataset_##name,
#include "datasets.def"
#undef DATASET
};

bool dataset_read(Unit *u, const DataRequest *r, Dataset *d) {
  Text files = {.arena = u->arena};
  if (!folder_exists(r->folder)) {
    diag_error_in(u, r->folder, "there is no such folder");
    return false;
  }
  for (int i = 0; i < COUNT(readers); i++) {
    *d = (Dataset){0};
    Found found = readers[i]->read(u, r, d);
    if (found != FOUND_NOTHING) return found == FOUND_DATA;
    text_add(&files, "%s%s", i ? "; " : "", readers[i]->files[r->part]);
  }
  diag_error_in(u, r->folder, "no data set in this folder; looked for %s", files.at);
  return false;
}

void dataset_add(Arena *arena, Dataset *d, int64_t n, const void *samples) {
  if (d->first.n == 0) vec_push(arena, &d->first, 0);
  vec_push(arena, &d->part, samples);
  d->n += n;
  vec_push(arena, &d->first, d->n);
}

/* ---- samples as floats ---- */

void dataset_values(const Dataset *d, int64_t i, float *out) {
  int k = 0;
  while (d->first.at[k + 1] <= i) k++;
  Tensor part = {.element = d->element, .data = d->part.at[k]};
  int64_t from = (i - d->first.at[k]) * d->sample_size;
  int64_t channels = d->channels_last && d->rank ? d->dim[d->rank - 1] : 1;
  int64_t places = d->sample_size / channels;
  for (int64_t c = 0; c < channels; c++)
    tensor_floats(&part, from + c, channels, places, out + c * places);
}

void dataset_middle(const Dataset *d, const float *sample, float *out) {
  int axes = d->rank - 1;
  int64_t width = d->dim[axes], height = axes > 1 ? d->dim[axes - 1] : 1, m = d->margin;
  int64_t planes = d->sample_size / (width * height), top = axes > 1 ? m : 0;
  for (int64_t p = 0; p < planes; p++)
    for (int64_t y = top; y < height - top; y++, out += width - 2 * m)
      memcpy(out, sample + (p * height + y) * width + m, (size_t)(width - 2 * m) * sizeof *out);
}

void scale_values(const Scaling *s, int64_t n, float *values) {
  if (s->nmean == 0 && s->scale == 1) return;
  int64_t inner = s->nmean ? s->inner : n;
  for (int64_t at = 0, c = 0; at < n; at += inner, c++) {
    double mean = s->nmean ? s->mean[c % s->nmean] : 0, std = s->nmean ? s->std[c % s->nmean] : 1;
    const double scale = s->scale;
    const int64_t end = at + inner < n ? at + inner : n;
    for (int64_t i = at; i < end; i++)
      values[i] = (float)(((double)values[i] * scale - mean) / std);
  }
}

float *tensor_scaled(Arena *arena, const Tensor *t, const Scaling *scaling) {
  int64_t size = tensor_size(t);
  float *out = NEW_ARRAY(arena, float, size);
  tensor_floats(t, 0, 1, size, out);
  scale_values(scaling, size, out);
  return out;
}
