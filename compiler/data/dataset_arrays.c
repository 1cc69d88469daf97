/* dataset_arrays.c - data sets of two arrays, samples and labels: MNIST's idx files and NumPy's. */
#include "dataset.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

typedef struct Pair {
  const char *samples, *labels;
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

/* ---- from arrays to a data set ---- */

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
  dataset_add(u->arena, d, samples->dim[0], samples->data);
  return set_labels(u, d, labels);
}

/* ---- the two data sets ---- */

static const char *existing(Arena *arena, const char *folder, const char *name) {
  struct stat status;
  for (int packed = 0; packed < 2; packed++) {
    const char *file = arena_printf(arena, "%s/%s%s", folder, name, packed ? ".gz" : "");
    if (stat(file, &status) == 0) return file;
  }
  return NULL;
}

/* The first pair of names of which the samples exist in the folder, plain or as .gz; labels that
 * are missing are left to the reader. */
static bool find_pair(Arena *arena, const char *folder, const Pair names[2], Pair *found) {
  for (int i = 0; i < 2; i++) {
    found->samples = existing(arena, folder, names[i].samples);
    found->labels = existing(arena, folder, names[i].labels);
    if (!found->labels) found->labels = arena_printf(arena, "%s/%s", folder, names[i].labels);
    if (found->samples) return true;
  }
  return false;
}

static Found found(bool read) {
  return read ? FOUND_DATA : FOUND_FAULT;
}

static Found read_mnist(Unit *u, const DataRequest *r, Dataset *d) {
  Pair files;
  Tensor samples, labels;
  if (!find_pair(u->arena, r->folder, mnist_names[r->part], &files)) return FOUND_NOTHING;
  return found(read_idx(u, files.samples, &samples) && read_idx(u, files.labels, &labels) &&
               from_tensors(u, d, &samples, &labels, samples.rank == 3));
}

static Found read_numpy(Unit *u, const DataRequest *r, Dataset *d) {
  Pair files;
  Tensor samples, labels;
  if (!find_pair(u->arena, r->folder, numpy_names[r->part], &files)) return FOUND_NOTHING;
  d->array = true;
  return found(npy_read(u, files.samples, &samples) && npy_read(u, files.labels, &labels) &&
               from_tensors(u, d, &samples, &labels, false));
}

const DatasetReader dataset_mnist = {
    .read = read_mnist, .files = {"train-images-idx3-ubyte (.gz)", "t10k-images-idx3-ubyte (.gz)"}};
const DatasetReader dataset_numpy = {.read = read_numpy,
                                     .files = {"x_train.npy, x.npy", "x_test.npy, x.npy"}};
