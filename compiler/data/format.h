/* format.h - what the readers of data sets share. A format is a row of dataset.c's table and a
 * function in a file of its own. */
#ifndef FORMAT_H
#define FORMAT_H

#include "tensors.h"

typedef enum Found { FOUND_NOTHING, FOUND_DATA, FOUND_FAULT } Found; /* FAULT: after diagnostics */

typedef struct Format {
  /* Reads the part if its files are there. */
  Found (*read)(Unit *, const DataRequest *, Dataset *);
  const char *files[2]; /* by part: what it looks for, in messages */
} Format;

Found read_mnist(Unit *, const DataRequest *, Dataset *);
Found read_numpy(Unit *, const DataRequest *, Dataset *);
Found read_cifar(Unit *, const DataRequest *, Dataset *);
Found read_sounds(Unit *, const DataRequest *, Dataset *);
Found read_pictures(Unit *, const DataRequest *, Dataset *);

/* ---- dataset_arrays.c ---- */

typedef struct Pair {
  const char *samples, *labels;
} Pair;

/* The first pair of names of which the samples exist in the folder, plain or as .gz; labels that
 * are missing are left to the reader. */
bool find_pair(Arena *, const char *folder, const Pair names[2], Pair *found);
/* Samples [n,...] and labels [n,...]. A grey picture [n,h,w] of MNIST is one channel. */
bool dataset_from_tensors(Unit *, Dataset *, const Tensor *samples, const Tensor *labels,
                          bool add_channel);
/* n more samples of d->sample_size elements. */
void dataset_add(Arena *, Dataset *, int64_t n, const void *samples);

/* ---- files.c ---- */

typedef VEC(const char *) Names;

/* The names in a folder, without those that begin with a dot, sorted: numbers by value, other names
 * by their letters. False after a message. */
bool names_in(Unit *, const char *folder, Names *);
int names_compare(const char *, const char *);
bool is_folder(const char *path);
bool has_suffix(const char *name, const char *const *suffixes); /* NULL-terminated; any case */

/* ---- dataset_classes.c ---- */

typedef struct Labelled {
  const char *file;
  int32_t label;
} Labelled;

typedef struct Classes {
  const char *folder; /* where the files of the part are */
  Names name;         /* of the classes: labels are places in this list */
  VEC(Labelled) file;
} Classes;

/* The files with one of the suffixes of a part, DIR/train/CLASS/FILE and DIR/test/CLASS/FILE, or
 * DIR/CLASS/FILE for both parts; with `in_names` also DIR/train/CLASS_..., which are no folders.
 * FOUND_NOTHING where there are no such files. */
Found classes_find(Unit *, const DataRequest *, const char *const *suffixes, bool in_names,
                   Classes *);
/* Makes room for the files' samples [dim...] with margin, and sets the labels. NULL: too large. */
void *classes_start(Unit *, const DataRequest *, const Classes *, Element, Dataset *);

/* ---- pictures and sounds ---- */

typedef struct Picture {
  int64_t c, h, w;
  float *at; /* [c,h,w], 0 to 255 */
} Picture;

enum { MAX_EXTENT = 1 << 15, MAX_PIXELS = 1 << 26 };

/* picture_png.c, picture_jpeg.c: `p` is filled with one or three channels;
 * false after a message. */
bool png_parse(Unit *, const char *file, const char *bytes, size_t size, Picture *p);
bool jpeg_parse(Unit *, const char *file, const char *bytes, size_t size, Picture *p);

typedef struct Sound {
  int64_t channels, frames, rate;
  float *at; /* [channels,frames], -1 to 1 */
} Sound;

/* sound.c: RIFF wave files with samples that are not compressed. */
bool sound_read(Unit *, const char *file, Sound *);
bool sound_parse(Unit *, const char *file, const char *bytes, size_t size, Sound *);

#endif
