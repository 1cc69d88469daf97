/* compile.h - what the files of the command compile share. */
#ifndef COMPILE_H
#define COMPILE_H

#include "driver.h"
#include "library.h"

/* How that many bytes of weights are baked in. */
WeightsAs compile_weights_form(const Options *, int64_t bytes);

/* ---- compile_options.c: what is wrong is reported ---- */

/* The path of the library without suffix, and its language. Without -o the target decides about the
 * language, and the network's file about the name. NULL after a message. */
const Language *compile_output(Unit *, const Options *, const char **base);
void compile_check_options(Unit *, const Options *, const Language *);
/* What speaks of one plan, where there are several. */
void compile_check_several(Unit *, const Options *);
/* The header of BASE.c must not give way to that of BASE.cu. */
void compile_check_header(Unit *, const char *base, const Language *);
/* --dump and --explain without -o: no library is asked for. */
bool compile_only_prints(const Options *);

#endif
