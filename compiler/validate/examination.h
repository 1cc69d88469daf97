/* examination.h - what the parts of the validator share: parse.c gives libclang's tree, rules.c
 * checks what can be seen on it, the files range_*.c prove loads and stores. */
#ifndef EXAMINATION_H
#define EXAMINATION_H

#include "ctree.h"
#include "validate.h"

typedef struct Examination {
  Unit *unit;
  const Validation *v;
  const CTree *tree;
  int problems;
} Examination;

/* ---- parse.c ---- */

/* As what a text is read. CUDA is read twice: host and device see different code. */
typedef enum Reading {
  READ_C,
  READ_C_SELFTEST, /* with NAME_SELFTEST defined */
  READ_CUDA_HOST,
  READ_CUDA_DEVICE,
  READ_HEADER_C,
  READ_HEADER_CPP
} Reading;

/* The text of `file` (the source, or one of the others) as libclang understands it; its errors and
 * warnings are reported. NULL if it cannot be parsed at all. */
CXTranslationUnit examination_parse(Examination *, CXIndex, Reading, const OtherFile *file);

/* ---- rules.c ---- */

/* Calls, recursion, data that changes, names; what the facts speak of must exist. */
void examination_rules(Examination *);
/* The names that a header gives to whoever includes it. */
void examination_header(Examination *, CXTranslationUnit, const char *file);

#endif
