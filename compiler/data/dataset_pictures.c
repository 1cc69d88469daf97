/* dataset_pictures.c - folders of pictures, one folder for each class. Each picture is made as
 * large as the network wants it when it is read (picture.c) and kept as bytes. */
#include "dataset.h"

#include <string.h>

enum { MOST_FAULTS = 20 };

static const char *const suffixes[] = {".png", ".jpg", ".jpeg", ".ppm", ".pgm", NULL};

/* What a picture needs on the way is freed at once. */
static bool read_picture(Unit *u, const char *file, const Dataset *d, unsigned char *to) {
  Unit own = *u;
  Tensor t;
  own.arena = arena_new();
  bool fine = picture_read(&own, file, d->dim[0], d->dim[1], d->dim[2], &t);
  const float *values = fine ? t.data : NULL;
  for (int64_t i = 0; fine && i < d->sample_size; i++)
    to[i] = (unsigned char)(values[i] < 0 ? 0 : values[i] > 255 ? 255 : values[i] + 0.5f);
  u->errors = own.errors;
  arena_free(own.arena);
  return fine;
}

static Found read_pictures(Unit *u, const DataRequest *r, Dataset *d) {
  Classes classes;
  Found found = classes_find(u, r, suffixes, false, &classes);
  if (found != FOUND_DATA) return found;
  if (r->rank != 3) {
    diag_error_in(u, classes.folder, "pictures are for networks that read [channels,height,width]");
    return FOUND_FAULT;
  }
  unsigned char *to = classes_start(u, r, &classes, ELEMENT_U8, d);
  int faults = to ? 0 : 1;
  for (int i = 0; to && i < classes.file.n && faults < MOST_FAULTS; i++, to += d->sample_size)
    faults += !read_picture(u, classes.file.at[i].file, d, to);
  return faults ? FOUND_FAULT : FOUND_DATA;
}

const DatasetReader dataset_pictures = {
    .read = read_pictures,
    .files = {"train/CLASS/*.png (.jpg, .ppm, .pgm)", "test/CLASS/*.png (.jpg, .ppm, .pgm)"}};
