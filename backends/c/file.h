/* file.h - the two emitted files around the kernels for C: NAME.c (file.c) and NAME.h (header.c).
 */
#ifndef FILE_H
#define FILE_H

#include "library.h"

void c_header(Text *, const Library *); /* all of NAME.h */

/* Target.emit of the targets for C. */
void c_emit(const Plan *, const EmitOptions *, Emitted *);

#endif
