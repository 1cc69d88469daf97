/* folder.h - a folder for the files that a test writes: made before a group of tests, removed with
 * all in it behind them. */
#ifndef FOLDER_H
#define FOLDER_H

#include "unit.h"

#include <stdio.h>
#include <unistd.h>

static char folder[] = "/tmp/cnnc-unit-XXXXXX";

static inline const char *in_folder(Arena *arena, const char *name) {
  return arena_printf(arena, "%s/%s", folder, name);
}

static inline int make_folder(void **state) {
  (void)state;
  return mkdtemp(folder) ? 0 : -1;
}

static inline int remove_folder(void **state) {
  (void)state;
  char command[64];
  snprintf(command, sizeof command, "rm -r %s", folder);
  return system(command);
}

#endif
