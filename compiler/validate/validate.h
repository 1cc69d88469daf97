/* validate.h - examines an emitted file before it is written. */
#ifndef VALIDATE_H
#define VALIDATE_H

#include "backend.h"

typedef struct OtherFile { /* a file that the examined one includes: its header */
  const char *name, *text;
} OtherFile;

typedef struct Validation {
  const char *file, *text; /* parsed from memory: nothing is written */
  size_t size;
  const OtherFile *other;
  int nother;
  const char *prefix; /* of every external symbol */
  bool selftest;      /* the file says more where NAME_SELFTEST is defined */
  /* What the Plan knows: of a parameter (int: its range; pointer: the elements behind it), of a
   * member that a job function reads from its argument (function: the job's name), of a member
   * or of a constant that another file defines, wherever it is read (function NULL). */
  const Fact *fact;
  int nfact;
  int capability;               /* of the CUDA device: 80 for sm_80; 0: the file is C */
  const char *const *clang_arg; /* what libclang needs besides: for another machine */
  int nclang_arg;
} Validation;

typedef struct Verdict {
  int problems; /* everything that was reported, what is out of range and what is not proved
                   included */
  int proved, unproved, out_of_range; /* loads, stores and arguments that a fact speaks of */
} Verdict;

/* Every problem is reported as an error with its place in the emitted text. The file is fit to be
 * written if there are none. Checked: libclang's errors and warnings; calls only to functions of
 * the file and a list of allowed ones; no mutable data outside the caller's memory; no recursion,
 * goto or array of variable length; calls through pointers only where hooks and jobs are called;
 * the prefix; and that every load and store is in range (range.h). CUDA is examined as the host
 * sees it and as the device does. The header of the file's name is examined alone, as C and as C++.
 * Of a self-test only libclang's errors and warnings count: it calls back, and goes through memory
 * as its tables say. */
Verdict validate(Unit *, const Validation *);

#endif
