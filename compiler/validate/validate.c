/* validate.c - an emitted source and its header: every reading is examined, and what is wrong with
 * one is reported before the next begins. */
#include "examination.h"
#include "range.h"

#include <string.h>

static void add(Verdict *verdict, RangeCount r) {
  verdict->proved += r.proved;
  verdict->unproved += r.unproved;
  verdict->out_of_range += r.out_of_range;
  verdict->problems += r.unproved + r.out_of_range + r.overflows;
}

/* One reading of the source; what it launches and what launches it is in `launches`. */
static void examine(Examination *e, CXIndex index, Reading reading, Launches *launches,
                    Verdict *verdict) {
  const Validation *v = e->v;
  const OtherFile source = {v->file, v->text};
  CXTranslationUnit unit = examination_parse(e, index, reading, &source);
  if (unit && !e->problems) {
    e->tree = ctree_new(e->unit->arena, unit, v->file, v->text, v->size);
    examination_rules(e);
  }
  if (unit && !e->problems) {
    RangeCount (*check)(Unit *, const CTree *, const Fact *, int, Launches *) =
        reading == READ_CUDA_DEVICE ? range_check_device : range_check_host;
    add(verdict, check(e->unit, e->tree, v->fact, v->nfact, launches));
  }
  if (unit) clang_disposeTranslationUnit(unit);
}

/* A header stands alone, in C and in C++. */
static void examine_header(Examination *e, CXIndex index, const OtherFile *header) {
  static const Reading readings[] = {READ_HEADER_C, READ_HEADER_CPP};
  for (int i = 0; i < COUNT(readings) && !e->problems; i++) {
    CXTranslationUnit unit = examination_parse(e, index, readings[i], header);
    if (unit && readings[i] == READ_HEADER_C && !e->problems)
      examination_header(e, unit, header->name);
    if (unit) clang_disposeTranslationUnit(unit);
  }
}

/* What programs leave out unless they test: libclang has nothing to say about it. */
static void examine_selftest(Examination *e, CXIndex index) {
  const OtherFile source = {e->v->file, e->v->text};
  CXTranslationUnit unit = examination_parse(e, index, READ_C_SELFTEST, &source);
  if (unit) clang_disposeTranslationUnit(unit);
}

/* The file with the source's name that ends in .h; NULL: there is none. */
static const OtherFile *header_of(const Validation *v) {
  const char *dot = strrchr(v->file, '.');
  const size_t stem = dot ? (size_t)(dot - v->file) : strlen(v->file);
  for (int i = 0; i < v->nother; i++)
    if (!strncmp(v->other[i].name, v->file, stem) && !strcmp(v->other[i].name + stem, ".h"))
      return &v->other[i];
  return NULL;
}

Verdict validate(Unit *u, const Validation *v) {
  Examination e = {.unit = u, .v = v};
  Verdict verdict = {.problems = 0};
  Launches launches = {NULL, 0, 0};
  CXIndex index = clang_createIndex(0, 0);
  const OtherFile *header = header_of(v);
  if (header) examine_header(&e, index, header);
  if (!e.problems) examine(&e, index, v->capability ? READ_CUDA_HOST : READ_C, &launches, &verdict);
  if (!e.problems && v->capability) examine(&e, index, READ_CUDA_DEVICE, &launches, &verdict);
  if (!e.problems && v->selftest) examine_selftest(&e, index);
  clang_disposeIndex(index);
  verdict.problems += e.problems;
  return verdict;
}
