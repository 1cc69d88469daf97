/* dataset.c - the readers of data sets (MNIST's idx files, NumPy's arrays, CIFAR's records), of
 * pictures and of sounds, as files of a folder. The first byte of an input says which; where there are two
 * files, the next two bytes are the length of the first. */
#define _XOPEN_SOURCE 700
#include <unistd.h>

#include "fuzz.h"
#include "sound.h"

typedef struct Files {
  const char *samples, *labels; /* NULL: one file */
} Files;

static const Files formats[] = {
    {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"},
    {"x.npy", "y.npy"},
    {"test_batch.bin", NULL},
    {"picture", NULL},
    {"sound", NULL},
};
enum { PICTURE = 3, SOUND };

static char folder[] = "/tmp/cnnc_fuzz_XXXXXX";

static const char *path_of(Unit *u, const char *name) {
  return arena_printf(u->arena, "%s/%s", folder, name);
}

static void remove_all(void) {
  Unit *u = fuzz_unit();
  for (int i = 0; i < COUNT(formats); i++) {
    unlink(path_of(u, formats[i].samples));
    if (formats[i].labels) unlink(path_of(u, formats[i].labels));
  }
  unit_free(u);
}

static void remove_folder(void) {
  remove_all();
  rmdir(folder);
}

static void write_file(Unit *u, const char *name, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path_of(u, name), "wb");
  if (!file || (size && fwrite(bytes, size, 1, file) != 1) || fclose(file) != 0) abort();
}

static void read_dataset(Unit *u) {
  Dataset d;
  if (!dataset_read(u, &(DataRequest){.folder = folder, .part = DATA_TEST}, &d)) {
    if (!u->errors) abort();
    return;
  }
  float *sample = NEW_ARRAY(u->arena, float, d.sample_size);
  for (int64_t i = 0; i < d.n; i += d.n / 3 + 1) dataset_values(&d, i, sample);
}

static void read_picture(Unit *u) {
  Tensor t;
  if (!picture_read(u, path_of(u, "picture"), 3, 5, 4, &t) && !u->errors) abort();
}

static void read_sound(Unit *u) {
  Sound s;
  if (!sound_read(u, path_of(u, "sound"), &s) && !u->errors) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static bool made;
  if (!made && (!mkdtemp(folder) || atexit(remove_folder) != 0)) abort();
  made = true;
  if (size < 3) return 0;
  Unit *u = fuzz_unit();
  const Files *format = &formats[bytes[0] % COUNT(formats)];
  size_t first = bytes[1] | (size_t)bytes[2] << 8;
  bytes += 3, size -= 3;
  if (!format->labels || first > size) first = size;
  remove_all();
  write_file(u, format->samples, bytes, first);
  if (format->labels) write_file(u, format->labels, bytes + first, size - first);
  if (format == &formats[PICTURE])
    read_picture(u);
  else if (format == &formats[SOUND])
    read_sound(u);
  else
    read_dataset(u);
  unit_free(u);
  return 0;
}
