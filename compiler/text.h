/* text.h - reading the text forms of graphs and plans: a scanner, and kernels, which both contain.
 *
 * The text is unit->source; the first mistake is reported at its place and everything after it
 * answers false, so that callers need not look after each word. Hostile text ends in a message. */
#ifndef TEXT_H
#define TEXT_H

#include "kernel.h"

typedef struct Scan {
  Unit *u;
  const char *at;
  bool failed;
} Scan;

Scan scan_begin(Unit *); /* at the beginning of unit->source */
bool scan_error(Scan *, const char *format, ...) PRINTF_LIKE(2, 3); /* always false */
bool scan_end(Scan *); /* nothing follows but blanks? */
/* A word is a run of letters, digits and _ . - / @ %, or a string in quotes. The others look for a
 * given word or sign and pass it if it comes next. */
bool scan_peek(Scan *, const char *token);
bool scan_has(Scan *, const char *token);  /* passes it if it is there */
bool scan_need(Scan *, const char *token); /* an error if it is not */
const char *scan_word(Scan *);             /* NULL after an error */
bool scan_int(Scan *, int64_t least, int64_t most, int64_t *value);
bool scan_number(Scan *, double *value);
bool scan_extent(Scan *, Extent *);
bool scan_type(Scan *, Type *);
/* Which of the names comes next; -1 after an error that lists them as `what`. */
int scan_choice(Scan *, const char *what, const char *const *names, int n);
void word_print(Text *, const char *word); /* in quotes where it needs them */

/* Which tensor a name means; false: none, which is reported. */
typedef bool (*TensorOf)(void *context, const char *name, int *tensor);
/* What kernel_print wrote. Loops, inputs and expressions fit together; whether views stay inside
 * their tensors is kernel_fault's to say. */
bool kernel_parse(Scan *, TensorOf, void *context, Kernel *);

/* What is wrong with a kernel, or NULL; type_of answers NULL for tensors that do not exist. */
typedef const Type *(*TypeOf)(const void *context, int tensor);
const char *kernel_fault(Unit *, const Kernel *, TypeOf, const void *context);

#endif
