/* dataset_cifar.c - CIFAR's binary files: records of a label and 3 x 32 x 32 bytes; those of
 * CIFAR-100 have a label of 20 coarse classes before that of the 100 (Krizhevsky 2009). */
#include "dataset.h"

#include <string.h>

enum { PIXELS = 3 * 32 * 32 };

static const char *const prefixes[2][2] = {
    [DATA_TRAIN] = {"data_batch", "train"}, [DATA_TEST] = {"test", "test"}};

static bool has_prefix(const char *name, DataPart part) {
  for (int i = 0; i < 2; i++)
    if (strncmp(name, prefixes[part][i], strlen(prefixes[part][i])) == 0) return true;
  return false;
}

/* The part's files, sorted; false if the folder cannot be read. */
static bool find_files(Unit *u, const DataRequest *r, Names *files) {
  static const char *const suffix[] = {".bin", NULL};
  Names names = {0};
  if (!folder_names(u, r->folder, &names)) return false;
  for (int i = 0; i < names.n; i++)
    if (name_has_suffix(names.at[i], suffix) && has_prefix(names.at[i], r->part))
      vec_push(u->arena, files, arena_printf(u->arena, "%s/%s", r->folder, names.at[i]));
  return true;
}

/* How many labels a record has; 0: this is no such file. */
static size_t labels_of(size_t size) {
  for (size_t labels = 1; labels <= 2 && size > 0; labels++)
    if (size % (labels + PIXELS) == 0) return labels;
  return 0;
}

typedef VEC(int32_t) Labels;

static bool read_file(Unit *u, const char *file, Dataset *d, Labels *label) {
  size_t size;
  const char *bytes = file_read(u, file, &size);
  if (!bytes) return false;
  size_t labels = labels_of(size), record = labels + PIXELS, n = size / record;
  if (labels == 0) {
    diag_error_in(u, file, "not a CIFAR file: %zu bytes are not records of %d (CIFAR-10) or %d",
                  size, 1 + PIXELS, 2 + PIXELS);
    return false;
  }
  char *pixels = arena_alloc(u->arena, n * PIXELS);
  for (size_t k = 0; k < n; k++, bytes += record) {
    vec_push(u->arena, label, (unsigned char)bytes[labels - 1]);
    memcpy(pixels + k * PIXELS, bytes + labels, PIXELS);
  }
  dataset_add(u->arena, d, (int64_t)n, pixels);
  return true;
}

static Found read_cifar(Unit *u, const DataRequest *r, Dataset *d) {
  Names files = {0};
  Labels label = {0};
  if (!find_files(u, r, &files)) return FOUND_FAULT;
  if (files.n == 0) return FOUND_NOTHING;
  *d = (Dataset){.rank = 3,
                 .dim = {3, 32, 32},
                 .sample_size = PIXELS,
                 .element = ELEMENT_U8,
                 .source = files.at[0],
                 .label_size = 1};
  for (int i = 0; i < files.n; i++)
    if (!read_file(u, files.at[i], d, &label)) return FOUND_FAULT;
  d->label = label.at;
  return FOUND_DATA;
}

const DatasetReader dataset_cifar = {.read = read_cifar,
                                     .files = {"data_batch*.bin, train*.bin", "test*.bin"}};
