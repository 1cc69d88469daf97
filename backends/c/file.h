/* file.h - the two emitted files around the kernels: NAME.c (file.c) and NAME.h (header.c). */
#ifndef FILE_H
#define FILE_H

#include "emit.h"

/* What the texts of a library have in common. */
typedef struct Library {
  const Plan *plan;
  const EmitOptions *o;
  Arena *arena;
  const char *name;     /* last part of o->base: names of files */
  VEC(int) param;       /* parameters that the library holds: indices of graph->param */
  VEC(int) buffer;      /* their buffers, in the same order */
  int64_t params_bytes; /* NAME_PARAMS_BYTES: 0 where weights are embedded */
  int64_t work_bytes, worker_bytes;
  uint64_t hash; /* of everything but itself */
} Library;

/* Parameter i of forward: the inputs, then the outputs. An identifier made from its name. */
const char *library_argument(Arena *, const Plan *, Home, int index);
/* The arguments of forward as they stand in its prototype. */
const char *library_arguments(const Library *);
/* The inputs that inference reads: data, not targets of losses. */
bool library_reads(const Plan *, int input);

/* A file of runtime/, the word NAME replaced by the prefix. */
void library_template(Text *, const Library *, const char *runtime_name);
void library_header(Text *, const Library *); /* all of NAME.h */

/* Target.emit of the targets for C. */
void c_emit(const Plan *, const EmitOptions *, Emitted *);

#endif
