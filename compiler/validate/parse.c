/* parse.c - libclang's part of the validator: how each kind of text is read, and what libclang says
 * of it. Nothing is read from disk but the headers of the C library: emitted files are in memory,
 * and runtime/validate/ stands in for the CUDA toolkit. */
#include "examination.h"

#include <string.h>

/* A folder that does not exist outside libclang's mind. */
#define DECLARATIONS "/cnnc-declarations"

enum { MOST_ARGUMENTS = 48, MOST_WORDS = 14 };

static const char *const warnings[] = {"-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Wconversion"};

/* In C++ `= {0}` warns of the members it leaves out, and has no other spelling in C. */
#define CUDA                                                                                       \
  "-xcuda", "-std=c++17", "-nostdinc++", "-nocudainc", "-nocudalib", "--cuda-gpu-arch=sm_80",      \
      "--cuda-path=" DECLARATIONS, "-isystem" DECLARATIONS, "-Wno-missing-field-initializers"

static const char *const readings[][MOST_WORDS] = {
    [READ_C] = {"-std=c11"},
    [READ_C_SELFTEST] = {"-std=c11"},
    [READ_CUDA_HOST] = {CUDA, "--cuda-host-only"},
    [READ_CUDA_DEVICE] = {CUDA, "--cuda-device-only"},
    [READ_HEADER_C] = {"-xc", "-std=c11"},
    [READ_HEADER_CPP] = {"-xc++", "-std=c++11", "-nostdinc++"},
};

/* As the caller named it. */
static const char *plain_name(const char *file) {
  return file && !strncmp(file, "./", 2) ? file + 2 : file;
}

/* ---- what libclang says ---- */

static void report_diagnostic(Examination *e, const char *main_file, CXDiagnostic d) {
  if (clang_getDiagnosticSeverity(d) < CXDiagnostic_Warning) return;
  CXFile file;
  unsigned line, column;
  clang_getExpansionLocation(clang_getDiagnosticLocation(d), &file, &line, &column, NULL);
  CXString name = clang_getFileName(file), text = clang_getDiagnosticSpelling(d),
           option = clang_getDiagnosticOption(d, NULL);
  const char *shown = plain_name(clang_getCString(name)), *message = clang_getCString(text),
             *flag = clang_getCString(option);
  bool own_header = strstr(message, "file not found") && strstr(message, "std");
  diag_error_in(
      e->unit, shown ? arena_printf(e->unit->arena, "%s:%u:%u", shown, line, column) : main_file,
      "%s%s%s%s%s", message, flag && *flag ? " [" : "", flag ? flag : "", flag && *flag ? "]" : "",
      own_header ? "; libclang's own headers are in Debian's libclang-common-<version>-dev" : "");
  e->problems++;
  clang_disposeString(name);
  clang_disposeString(text);
  clang_disposeString(option);
}

static void check_diagnostics(Examination *e, const char *main_file, CXTranslationUnit unit) {
  for (unsigned i = 0; i < clang_getNumDiagnostics(unit); i++) {
    CXDiagnostic d = clang_getDiagnostic(unit, i);
    report_diagnostic(e, main_file, d);
    clang_disposeDiagnostic(d);
  }
}

/* ---- parsing ---- */

static int arguments_of(const Examination *e, Reading reading, const char *argument[]) {
  Arena *arena = e->unit->arena;
  int n = 0;
  for (int i = 0; i < COUNT(warnings); i++) argument[n++] = warnings[i];
  for (int i = 0; i < MOST_WORDS && readings[reading][i]; i++) argument[n++] = readings[reading][i];
  for (int i = 0; i < e->v->nclang_arg; i++) argument[n++] = e->v->clang_arg[i];
  if (reading == READ_C_SELFTEST)
    argument[n++] = arena_printf(arena, "-D%s_SELFTEST", e->v->prefix);
  if (reading == READ_CUDA_DEVICE) { /* libclang need not know the device: nothing is generated */
    argument[n++] = "-U__CUDA_ARCH__";
    argument[n++] = arena_printf(arena, "-D__CUDA_ARCH__=%d", 10 * e->v->capability);
  }
  return n;
}

static struct CXUnsavedFile in_memory(const char *name, const char *text) {
  return (struct CXUnsavedFile){name, text, (unsigned long)strlen(text)};
}

/* All files that there are, `main_file` under the name by which it is parsed. */
static int files_of(const Examination *e, const OtherFile *main_file, struct CXUnsavedFile *file) {
  const Validation *v = e->v;
  const bool here = !strchr(main_file->name, '/'); /* libclang looks for "./net.h" then */
  int n = 0;
  file[n++] = in_memory(main_file->name, main_file->text);
  for (int i = 0; i < v->nother; i++)
    if (&v->other[i] != main_file)
      file[n++] = in_memory(here ? arena_printf(e->unit->arena, "./%s", v->other[i].name)
                                 : v->other[i].name,
                            v->other[i].text);
  file[n++] = in_memory(DECLARATIONS "/cuda_runtime.h", runtime_file("validate/cuda_runtime.h"));
  file[n++] = in_memory(DECLARATIONS "/cuda.h", runtime_file("validate/cuda.h"));
  return n;
}

CXTranslationUnit examination_parse(Examination *e, CXIndex index, Reading reading,
                                    const OtherFile *main_file) {
  const char *argument[MOST_ARGUMENTS];
  const int narguments = arguments_of(e, reading, argument);
  struct CXUnsavedFile *file = NEW_ARRAY(e->unit->arena, struct CXUnsavedFile, e->v->nother + 3);
  const int nfiles = files_of(e, main_file, file);
  CXTranslationUnit unit = NULL;
  enum CXErrorCode code =
      clang_parseTranslationUnit2(index, main_file->name, argument, narguments, file,
                                  (unsigned)nfiles, CXTranslationUnit_KeepGoing, &unit);
  if (code == CXError_Success) {
    check_diagnostics(e, main_file->name, unit);
    return unit;
  }
  diag_error_in(e->unit, main_file->name, "libclang cannot parse the emitted text (error %d)",
                (int)code);
  e->problems++;
  return NULL;
}
