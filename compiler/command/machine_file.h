/* machine_file.h - machines as JSON: the files of --machine, and what plan files say of theirs. */
#ifndef MACHINE_FILE_H
#define MACHINE_FILE_H

#include <jansson.h>

#include "backend.h"

/* "name" and numbers into *m, which has what the object leaves out; keys among `other`
 * (NULL-terminated) are somebody else's. Diagnoses what is wrong. */
void machine_read(Unit *, json_t *object, const Path *, const Target *, const char *const *other,
                  Machine *m);
/* The file of --machine for a target; false after diagnostics. */
bool machine_file_read(Unit *, const char *path, const Target *, Machine *m);
/* Such a file; and the object that machine_read reads, in one line. */
void machine_file_print(Text *, const Target *);
void machine_print(Text *, const Machine *);
/* The machine for people: "Zen 4: 2 cores of 117 GFLOP/s, L1 32 KiB, ..." */
void machine_describe(Text *, const Machine *);
bool machine_same(const Machine *, const Machine *); /* whatever their names */

#endif
