/* dataset_classes.c - folders of files, one folder for each class.
 *
 *     DIR/train/cat/1.png  DIR/train/dog/7.png  DIR/test/cat/3.png      two parts, or
 *     DIR/cat/1.png        DIR/dog/7.png                                one that serves as both
 * Labels are the places of the classes' names among all of the training part: numbers by value,
 * other names by their letters. */
#include "dataset.h"

#include <stdlib.h>
#include <string.h>

static const char *const part_names[2][4] = {
    [DATA_TRAIN] = {"train", "training"},
    [DATA_TEST] = {"test", "testing", "val", "validation"},
};

typedef struct Search {
  Unit *u;
  const char *const *suffixes;
  bool in_names;
} Search;

typedef struct Entry { /* a file and the name of its class */
  const char *file, *class;
} Entry;

typedef VEC(Entry) Entries;

/* The folder of a part, or the whole. */
static const char *part_folder(Arena *arena, const char *folder, DataPart part) {
  for (int i = 0; i < 4 && part_names[part][i]; i++) {
    const char *path = arena_printf(arena, "%s/%s", folder, part_names[part][i]);
    if (folder_exists(path)) return path;
  }
  return part == DATA_TEST ? part_folder(arena, folder, DATA_TRAIN) : folder;
}

static bool list_class(const Search *s, const char *folder, const char *class, Entries *entries) {
  Names names = {0};
  if (!folder_names(s->u, folder, &names)) return false;
  for (int i = 0; i < names.n; i++)
    if (name_has_suffix(names.at[i], s->suffixes)) {
      Entry entry = {arena_printf(s->u->arena, "%s/%s", folder, names.at[i]), class};
      vec_push(s->u->arena, entries, entry);
    }
  return true;
}

/* All files of a part: in folders, and those whose names say their class. */
static bool list_part(const Search *s, const char *folder, Entries *entries) {
  Arena *arena = s->u->arena;
  Names names = {0};
  if (!folder_names(s->u, folder, &names)) return false;
  for (int i = 0; i < names.n; i++) {
    const char *name = names.at[i], *path = arena_printf(arena, "%s/%s", folder, name);
    size_t length = strcspn(name, "_");
    if (folder_exists(path) && !list_class(s, path, name, entries)) return false;
    if (!s->in_names || !name_has_suffix(name, s->suffixes) || length == 0 || !name[length])
      continue;
    vec_push(arena, entries, ((Entry){path, arena_copy(arena, name, length)}));
  }
  return true;
}

static int find_class(const Names *classes, const char *name) {
  for (int i = 0; i < classes->n; i++)
    if (strcmp(classes->at[i], name) == 0) return i;
  return -1;
}

/* Each class once, in order. */
static void list_classes(Arena *arena, const Entries *entries, Names *classes) {
  for (int i = 0; i < entries->n; i++) {
    const char *name = entries->at[i].class;
    if (find_class(classes, name) >= 0) continue;
    vec_push(arena, classes, name);
    for (int k = classes->n - 1; k > 0 && names_compare(name, classes->at[k - 1]) < 0; k--) {
      classes->at[k] = classes->at[k - 1];
      classes->at[k - 1] = name;
    }
  }
}

/* Class by class. */
static int by_label(const void *a, const void *b) {
  const Labelled *x = a, *y = b;
  return x->label != y->label ? x->label - y->label : strcmp(x->file, y->file);
}

static Found label_files(Unit *u, const Entries *entries, Classes *c) {
  for (int i = 0; i < entries->n; i++) {
    const Entry *e = &entries->at[i];
    int label = find_class(&c->name, e->class);
    if (label < 0) {
      diag_error_in(u, e->file, "there is no class \"%s\" in the training part", e->class);
      return FOUND_FAULT;
    }
    vec_push(u->arena, &c->file, ((Labelled){e->file, label}));
  }
  if (c->file.n == 0) return FOUND_NOTHING;
  qsort(c->file.at, (size_t)c->file.n, sizeof *c->file.at, by_label);
  return FOUND_DATA;
}

Found classes_find(Unit *u, const DataRequest *r, const char *const *suffixes, bool in_names,
                   Classes *c) {
  const Search search = {u, suffixes, in_names};
  const char *training = part_folder(u->arena, r->folder, DATA_TRAIN);
  Entries all = {0}, entries = {0};
  *c = (Classes){.folder = part_folder(u->arena, r->folder, r->part)};
  if (!list_part(&search, training, &all) || !list_part(&search, c->folder, &entries))
    return FOUND_FAULT;
  list_classes(u->arena, &all, &c->name);
  return label_files(u, &entries, c);
}

void *classes_start(Unit *u, const DataRequest *r, const Classes *c, Element element, Dataset *d) {
  *d = (Dataset){.rank = r->rank, .element = element, .margin = r->margin, .label_size = 1};
  d->source = c->folder;
  memcpy(d->dim, r->dim, sizeof d->dim);
  for (int a = 1; a < d->rank; a++) d->dim[a] += 2 * r->margin;
  d->sample_size = shape_size(d->dim, d->rank, 8);
  int64_t bytes = shape_size((const int64_t[]){c->file.n, d->sample_size}, 2, 8);
  if (d->sample_size < 1 || bytes < 0) {
    diag_error_in(u, r->folder, "%d files of that size are more than memory can hold", c->file.n);
    return NULL;
  }
  void *room = arena_array(u->arena, (size_t)elements[element].size, (size_t)bytes);
  dataset_add(u->arena, d, c->file.n, room);
  d->label = NEW_ARRAY(u->arena, int32_t, c->file.n);
  for (int i = 0; i < c->file.n; i++) d->label[i] = c->file.at[i].label;
  return room;
}
