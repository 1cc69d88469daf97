/* folder.c - folders and the names in them. */
#include "dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

bool folder_exists(const char *path) {
  struct stat status;
  return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool name_has_suffix(const char *name, const char *const *suffixes) {
  for (size_t length = strlen(name); *suffixes; suffixes++) {
    size_t n = strlen(*suffixes);
    if (length > n && strcasecmp(name + length - n, *suffixes) == 0) return true;
  }
  return false;
}

static bool is_number(const char *name) {
  return *name && strspn(name, "0123456789") == strlen(name);
}

int names_compare(const char *a, const char *b) {
  if (is_number(a) && is_number(b)) {
    const char *x = a + strspn(a, "0"), *y = b + strspn(b, "0");
    if (strlen(x) != strlen(y)) return strlen(x) < strlen(y) ? -1 : 1;
    if (strcmp(x, y) != 0) return strcmp(x, y);
  }
  return strcmp(a, b);
}

static int by_name(const void *a, const void *b) {
  return names_compare(*(const char *const *)a, *(const char *const *)b);
}

bool folder_names(Unit *u, const char *folder, Names *names) {
  DIR *directory = opendir(folder);
  if (!directory) {
    diag_error_in(u, folder, "cannot read the folder: %s", strerror(errno));
    return false;
  }
  for (struct dirent *entry; (entry = readdir(directory));)
    if (entry->d_name[0] != '.')
      vec_push(u->arena, names, arena_copy(u->arena, entry->d_name, strlen(entry->d_name)));
  closedir(directory);
  if (names->n) qsort(names->at, (size_t)names->n, sizeof *names->at, by_name);
  return true;
}
