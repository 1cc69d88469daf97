/* file.c - whole files in and out. Written files appear under their names only when all of them are
 * complete: the bytes go to temporary files in the same folders, which are then renamed. */
#define _XOPEN_SOURCE 700
#include "cnnc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_ends(const char *path, const char *suffix) {
  size_t n = strlen(path), m = strlen(suffix);
  return n > m && strcmp(path + n - m, suffix) == 0;
}

const char *file_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* The rest of a stream whose length nobody knows (pipes, devices). */
static char *read_stream(Unit *u, FILE *file, size_t *size) {
  Text text = {.arena = u->arena};
  char piece[4096];
  for (size_t n; (n = fread(piece, 1, sizeof piece, file)) > 0;) text_append(&text, piece, n);
  text_append(&text, "", 0);
  *size = text.n;
  return text.at;
}

static char *read_known(Unit *u, FILE *file, size_t expected, size_t *size) {
  char *bytes = arena_alloc(u->arena, expected + 1);
  *size = fread(bytes, 1, expected, file);
  return bytes;
}

char *file_read(Unit *u, const char *path, size_t *size) {
  *size = 0;
  FILE *file = fopen(path, "rb");
  struct stat status;
  int error = !file || fstat(fileno(file), &status) != 0 ? errno
              : S_ISDIR(status.st_mode)                  ? EISDIR
                                                         : 0;
  if (error) {
    diag_error_in(u, path, "cannot read the file: %s", strerror(error));
    if (file) fclose(file);
    return NULL;
  }
  char *bytes = S_ISREG(status.st_mode) && status.st_size > 0
                    ? read_known(u, file, (size_t)status.st_size, size)
                    : read_stream(u, file, size);
  bool failed = ferror(file);
  fclose(file);
  if (!failed) return bytes;
  diag_error_in(u, path, "cannot read the file: input error");
  return NULL;
}

static bool write_all(int fd, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size < 1 << 30 ? size : 1 << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes += n;
    size -= (size_t)n;
  }
  return true;
}

/* Opens, writes and closes; what was begun and failed is removed unless it is a device
 * or a pipe. */
static bool write_to(const char *path, int flags, mode_t mode, const void *bytes, size_t size) {
  int fd = open(path, O_WRONLY | flags, 0666);
  if (fd < 0) return false;
  bool done = write_all(fd, bytes, size) && (!mode || fchmod(fd, mode) == 0);
  int error = errno;
  if (close(fd) != 0 && done) {
    done = false;
    error = errno;
  }
  if (!done && flags) unlink(path);
  errno = error;
  return done;
}

/* Where a file goes first: beside its name, under another one; a device or pipe has none. */
typedef struct Place {
  const char *path, *temporary;
  mode_t mode; /* of the file that is replaced; 0: there is none */
} Place;

static Place place_of(Unit *u, const char *path) {
  struct stat status;
  bool exists = stat(path, &status) == 0;
  if (exists && !S_ISREG(status.st_mode)) return (Place){.path = path};
  char *resolved = exists ? realpath(path, NULL) : NULL; /* a link is written through */
  Place place = {.path = path, .mode = exists ? status.st_mode & 0777 : 0};
  if (resolved) place.path = arena_copy(u->arena, resolved, strlen(resolved));
  free(resolved);
  place.temporary = arena_printf(u->arena, "%s.tmp%ld", place.path, (long)getpid());
  return place;
}

/* A file is replaced by renaming: its folder must allow that, a device or pipe itself. */
bool file_writable(Unit *u, const char *path) {
  Place place = place_of(u, path);
  const char *slash = strrchr(place.path, '/');
  const char *folder = !slash ? "."
                       : slash == place.path
                           ? "/"
                           : arena_copy(u->arena, place.path, (size_t)(slash - place.path));
  struct stat status;
  bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
  if (is_folder) errno = EISDIR;
  if (!is_folder && access(place.temporary ? folder : path, W_OK) == 0) return true;
  diag_error_in(u, path, "cannot write the file: %s", strerror(errno));
  return false;
}

static bool write_place(const Place *place, const FileBytes *file) {
  if (!place->temporary) return write_to(place->path, 0, 0, file->bytes, file->size);
  unlink(place->temporary); /* of a killed process that had our number */
  return write_to(place->temporary, O_CREAT | O_EXCL, place->mode, file->bytes, file->size);
}

/* Nothing is allocated from the first byte written to the last name given: memory that runs out
 * leaves nothing behind. */
bool files_write(Unit *u, const FileBytes *file, int n) {
  Place *place = NEW_ARRAY(u->arena, Place, n);
  int written = 0, named = 0;
  for (int i = 0; i < n; i++) place[i] = place_of(u, file[i].path);
  while (written < n && write_place(&place[written], &file[written])) written++;
  if (written == n)
    while (named < n &&
           (!place[named].temporary || rename(place[named].temporary, place[named].path) == 0))
      named++;
  int error = errno;
  for (int i = named; i < written; i++)
    if (place[i].temporary) unlink(place[i].temporary);
  if (named == n) return true;
  diag_error_in(u, file[written < n ? written : named].path, "cannot write the file: %s",
                strerror(error));
  return false;
}

bool file_write(Unit *u, const char *path, const void *bytes, size_t size) {
  return files_write(u, &(FileBytes){path, bytes, size}, 1);
}
