/* dataset.c - folders with labelled samples: MNIST's files, CIFAR-10's, or NumPy arrays.
 *
 * The folder's file names tell the format. A sample's numbers stay as they are in the file until
 * dataset_values converts them, so that a set of pictures takes one byte per pixel. */
#include "tensors.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

enum { CIFAR_PIXELS = 3 * 32 * 32 };

typedef struct Pair {
  const char *images, *labels;
} Pair;

/* The names that a part of the data may have; the first pair that exists is taken. */
static const Pair mnist_names[2][2] = {
    [DATA_TRAIN] = {{"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
                    {"train-images.idx3-ubyte", "train-labels.idx1-ubyte"}},
    [DATA_TEST] = {{"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
                   {"t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"}},
};
static const Pair numpy_names[2][2] = {
    [DATA_TRAIN] = {{"x_train.npy", "y_train.npy"}, {"x.npy", "y.npy"}},
    [DATA_TEST] = {{"x_test.npy", "y_test.npy"}, {"x.npy", "y.npy"}},
};
static const char *const cifar_prefix[2] = {
    [DATA_TRAIN] = "data_batch train", [DATA_TEST] = "test"};

/* ---- gzip and idx ---- */

/* Reads a file, unpacked if it is packed. */
static char *read_unpacked(Unit *u, const char *file, size_t *size) {
  gzFile packed = gzopen(file, "rb");
  if (!packed) {
    diag_error_in(u, file, "cannot read the file: %s", strerror(errno));
    return NULL;
  }
  Text text = {.arena = u->arena};
  char piece[1 << 15];
  int n;
  while ((n = gzread(packed, piece, sizeof piece)) > 0) text_append(&text, piece, (size_t)n);
  text_append(&text, "", 0);
  int closed = gzclose(packed);
  *size = text.n;
  if (n == 0 && closed == Z_OK) return text.at;
  diag_error_in(u, file, "the file is packed with gzip and damaged or cut off");
  return NULL;
}

static int64_t big_endian(const char *bytes) {
  const unsigned char *b = (const unsigned char *)bytes;
  return (int64_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

/* An idx file: 0, 0, type, rank, the extents (4 bytes, big-endian), the numbers. */
static bool read_idx(Unit *u, const char *file, Tensor *t) {
  size_t size;
  const char *bytes = read_unpacked(u, file, &size);
  if (!bytes) return false;
  *t = (Tensor){.name = file, .element = ELEMENT_U8};
  if (size < 4 || bytes[0] || bytes[1] || bytes[2] != 8 || bytes[3] < 1 || bytes[3] > 4) {
    diag_error_in(u, file, "not an idx file of bytes with one to four axes, as MNIST's files are");
    return false;
  }
  t->rank = bytes[3];
  size_t header = 4 + 4 * (size_t)t->rank;
  for (int i = 0; i < t->rank && size >= header; i++) t->dim[i] = big_endian(bytes + 4 + 4 * i);
  t->data = bytes + header;
  if (size >= header && shape_size(t->dim, t->rank, 1) == (int64_t)(size - header)) return true;
  diag_error_in(u, file, "the file has %zu bytes, which is not what its header says", size);
  return false;
}

/* ---- from tensors to a data set ---- */

static void set_samples(Arena *arena, Dataset *d, int64_t n, const void *samples) {
  if (d->first.n == 0) vec_push(arena, &d->first, 0);
  vec_push(arena, &d->part, samples);
  d->n += n;
  vec_push(arena, &d->first, d->n);
}

static bool set_labels(Unit *u, Dataset *d, const Tensor *labels) {
  if (labels->rank < 1 || labels->dim[0] != d->n) {
    diag_error_in(u, labels->name, "%lld labels for %lld samples",
                  (long long)(labels->rank ? labels->dim[0] : 1), (long long)d->n);
    return false;
  }
  if (!tensor_is_integer(labels)) {
    diag_error_in(u, labels->name, "labels must be integers, not %s",
                  elements[labels->element].safetensors);
    return false;
  }
  int64_t size = tensor_size(labels);
  if (size == 0) {
    diag_error_in(u, labels->name, "there is no label in this file");
    return false;
  }
  d->label_size = size / d->n;
  d->label = NEW_ARRAY(u->arena, int32_t, size);
  for (int64_t i = 0; i < size; i++) {
    double value = tensor_value(labels, i);
    if (value < INT32_MIN || value > INT32_MAX) {
      diag_error_in(u, labels->name, "label %lld is %.0f, not a class", (long long)i, value);
      return false;
    }
    d->label[i] = (int32_t)value;
  }
  return true;
}

/* Samples [n,...] and labels [n,...]. A grey picture [n,h,w] of MNIST is one channel. */
static bool from_tensors(Unit *u, Dataset *d, const Tensor *samples, const Tensor *labels,
                         bool add_channel) {
  int first = 1;
  if (add_channel) d->dim[d->rank++] = 1;
  while (first < samples->rank && d->rank < MAX_RANK) d->dim[d->rank++] = samples->dim[first++];
  d->element = samples->element;
  d->source = samples->name;
  d->sample_size = shape_size(d->dim, d->rank, 8);
  if (samples->rank < 1 || samples->dim[0] < 1 || d->sample_size < 1) {
    diag_error_in(u, samples->name, "there is no sample in this file");
    return false;
  }
  set_samples(u->arena, d, samples->dim[0], samples->data);
  return set_labels(u, d, labels);
}

/* ---- formats ---- */

static const char *existing(Arena *arena, const char *folder, const char *name) {
  struct stat status;
  for (int packed = 0; packed < 2; packed++) {
    const char *file = arena_printf(arena, "%s/%s%s", folder, name, packed ? ".gz" : "");
    if (stat(file, &status) == 0) return file;
  }
  return NULL;
}

/* The first pair of which the images exist; labels that are missing are left to the reader. */
static bool find_pair(Arena *arena, const char *folder, const Pair names[2], Pair *found) {
  for (int i = 0; i < 2; i++) {
    found->images = existing(arena, folder, names[i].images);
    found->labels = existing(arena, folder, names[i].labels);
    if (!found->labels) found->labels = arena_printf(arena, "%s/%s", folder, names[i].labels);
    if (found->images) return true;
  }
  return false;
}

static bool read_mnist(Unit *u, const Pair *files, Dataset *d) {
  Tensor images, labels;
  if (!read_idx(u, files->images, &images) || !read_idx(u, files->labels, &labels)) return false;
  return from_tensors(u, d, &images, &labels, images.rank == 3);
}

static bool read_numpy(Unit *u, const Pair *files, Dataset *d) {
  Tensor samples, labels;
  if (!npy_read(u, files->images, &samples) || !npy_read(u, files->labels, &labels)) return false;
  d->array = true;
  return from_tensors(u, d, &samples, &labels, false);
}

static bool has_prefix(const char *name, const char *prefixes) {
  for (size_t n; *prefixes; prefixes += n + (prefixes[n] == ' ')) {
    n = strcspn(prefixes, " ");
    if (strncmp(name, prefixes, n) == 0) return true;
  }
  return false;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

typedef struct Names {
  const char **at;
  int n, cap;
} Names;

/* The .bin files of a part, sorted; false if the folder cannot be read. */
static bool list_cifar(Unit *u, const char *folder, DataPart part, Names *names) {
  DIR *dir = opendir(folder);
  if (!dir) {
    diag_error_in(u, folder, "cannot read the folder: %s", strerror(errno));
    return false;
  }
  for (struct dirent *entry; (entry = readdir(dir));) {
    size_t length = strlen(entry->d_name);
    if (length < 4 || strcmp(entry->d_name + length - 4, ".bin") != 0) continue;
    if (!has_prefix(entry->d_name, cifar_prefix[part])) continue;
    const char *file = arena_printf(u->arena, "%s/%s", folder, entry->d_name);
    vec_push(u->arena, names, file);
  }
  closedir(dir);
  if (names->n) qsort(names->at, (size_t)names->n, sizeof *names->at, by_name);
  return true;
}

/* CIFAR-10: records of one byte label and 3 x 32 x 32 bytes. */
static bool read_cifar(Unit *u, const Names *files, Dataset *d) {
  static const int64_t dim[] = {3, 32, 32};
  d->rank = 3;
  memcpy(d->dim, dim, sizeof dim);
  d->sample_size = CIFAR_PIXELS;
  d->element = ELEMENT_U8;
  d->source = files->at[0];
  d->label_size = 1;
  VEC(int32_t) labels = {0};
  for (int i = 0; i < files->n; i++) {
    size_t size, record = 1 + CIFAR_PIXELS;
    const char *bytes = file_read(u, files->at[i], &size);
    if (!bytes) return false;
    if (size == 0 || size % record != 0) {
      diag_error_in(u, files->at[i], "not a CIFAR-10 file: %zu bytes are not records of %zu", size,
                    record);
      return false;
    }
    char *pixels = arena_alloc(u->arena, size / record * CIFAR_PIXELS);
    for (size_t k = 0; k < size / record; k++) {
      vec_push(u->arena, &labels, (unsigned char)bytes[k * record]);
      memcpy(pixels + k * CIFAR_PIXELS, bytes + k * record + 1, CIFAR_PIXELS);
    }
    set_samples(u->arena, d, (int64_t)(size / record), pixels);
  }
  d->label = labels.at;
  return true;
}

bool dataset_read(Unit *u, const DataRequest *r, Dataset *d) {
  *d = (Dataset){0};
  Pair files;
  Names names = {0};
  if (find_pair(u->arena, r->folder, mnist_names[r->part], &files)) return read_mnist(u, &files, d);
  if (find_pair(u->arena, r->folder, numpy_names[r->part], &files)) return read_numpy(u, &files, d);
  if (!list_cifar(u, r->folder, r->part, &names)) return false;
  if (names.n) return read_cifar(u, &names, d);
  diag_error_in(u, r->folder, "no data set in this folder; looked for %s (.gz), %s, %s and %s*.bin",
                mnist_names[r->part][0].images, numpy_names[r->part][0].images,
                numpy_names[r->part][1].images, r->part == DATA_TRAIN ? "data_batch" : "test");
  return false;
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
    for (int64_t i = at; i < at + inner && i < n; i++)
      values[i] = (float)(((double)values[i] * s->scale - mean) / std);
  }
}

float *tensor_scaled(Arena *arena, const Tensor *t, const Scaling *scaling) {
  int64_t size = tensor_size(t);
  float *out = NEW_ARRAY(arena, float, size);
  tensor_floats(t, 0, 1, size, out);
  scale_values(scaling, size, out);
  return out;
}
