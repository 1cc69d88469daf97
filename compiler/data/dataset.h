/* dataset.h - what the readers of data sets share. A data set is a line of datasets.def and a row
 * in a file of its own. */
#ifndef DATASET_H
#define DATASET_H

#include "tensors.h"

typedef enum Found { FOUND_NOTHING, FOUND_DATA, FOUND_FAULT } Found; /* FAULT: after diagnostics */

typedef struct DatasetReader {
  /* Reads the part if its files are there. */
  Found (*read)(Unit *, const DataRequest *, Dataset *);
  const char *files[2]; /* by part: what it looks for, in messages */
} DatasetReader;

/* n more samples of d->sample_size elements (dataset.c). */
void dataset_add(Arena *, Dataset *, int64_t n, const void *samples);

/* ---- folder.c ---- */

typedef VEC(const char *) Names;

bool folder_exists(const char *path);
/* The names in a folder, without those that begin with a dot, in the order of names_compare. False
 * after a message. */
bool folder_names(Unit *, const char *folder, Names *);
/* Numbers by value, other names by their letters. */
int names_compare(const char *, const char *);
bool name_has_suffix(const char *name, const char *const *suffixes); /* NULL-terminated; any case */

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

#endif
