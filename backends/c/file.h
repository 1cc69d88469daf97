/* file.h - the two emitted files around the kernels for C:
 * NAME.c (file.c) and NAME.h (header.c). */
#ifndef FILE_H
#define FILE_H

#include "library.h"

void c_header(Text *, const Library *); /* all of NAME.h */

/* The functions of an entry's kernels, and their calls (file.c). */
void c_add_kernels(Emit *, const Library *, PlanEntry);
void c_add_calls(Emit *, const Library *, PlanEntry);

/* What is made for one target is printed for each in turn (parts.c): with several, between lines
 * that keep it from compilers for other machines. */
typedef void CPart(Emit *, const Library *part, const void *context);
void c_parts(Emit *, const Library *, CPart *, const void *context);

/* An entry of the plans. */
typedef struct CEntry {
  PlanEntry entry;
  const char *parameters, *arguments; /* "const NAME *ctx, int n", "ctx, n" */
  void (*body)(Emit *, const Library *part, PlanEntry);
} CEntry;
/* Where there are several targets: a function of the entry for each. */
void c_entry_functions(Emit *, const Library *, const CEntry *);
/* The entry's body; of several targets, the call of the function for the one that is taken. */
void c_entry_call(Emit *, const Library *, const CEntry *);
/* NAME_cpu: can this processor run the kernels? Of several targets: which of them it takes. */
void c_cpu(Emit *, const Library *);

/* What a library that trains has in addition (train.c), in the order of the files. */
void c_train_sizes(Text *, const Library *);
void c_train_members(Text *, const Library *); /* of the context */
void c_train_body(Emit *, const Library *);    /* before NAME_init */
void c_train_entries(Emit *, const Library *); /* after NAME_forward */
void c_train_facts(Emit *, const Library *);

/* What a library with timers has in addition (profile.c). */
void c_profile_declarations(Text *, const Library *); /* before the context */
void c_profile_body(Emit *, const Library *);         /* before the entries */
/* The timer of a top-level step, or of a part of one; -1: it has none. */
int profile_index(const Plan *, PlanEntry, const Step *);

/* NAME_selftest (selftest.c), at the end of the file; and the memory that it needs. */
void c_selftest(Emit *, const Library *);
int64_t c_selftest_bytes(const Library *);

extern const Language language_c; /* file.c */

#endif
