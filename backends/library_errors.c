/* library_errors.c - what functions of an emitted library answer: one table for the constants of
 * NAME.h and the sentences of NAME_strerror. A code has the same number in all libraries; which of
 * them a library can answer, and why, depends on how its parameters come and where it runs. */
#include "library.h"

#include <string.h>

typedef bool When(const Library *);

static bool on_device(const Library *l) {
  return *library_stream(l);
}

static bool asks_processor(const Library *l) {
  for (const Plan *p = l->plans; p; p = p->next)
    if (!p->target->cpu) return false;
  return !on_device(l);
}

static bool has_params(const Library *l) {
  return l->o->weights_as == WEIGHTS_LOADED;
}

static bool checks_params(const Library *l) {
  return l->o->weights_as != WEIGHTS_EMBED || on_device(l);
}

static bool has_threads(const Library *l) {
  return !on_device(l);
}

static bool has_params_and_threads(const Library *l) {
  return has_params(l) && has_threads(l);
}

static bool has_files(const Library *l) {
  return has_params(l) || l->o->profile;
}

static bool always(const Library *l) {
  (void)l;
  return true;
}

/* By number, from -1 downwards; of several texts the first that holds. */
static const struct {
  const char *name;
  struct {
    const char *text;
    When *when;
  } why[3];
} errors[] = {
    {"NULL", {{"a pointer is NULL", always}}},
    {"BATCH",
     {{"n is not in 1 ... MAX_BATCH, or there was no pass of n samples before", library_trains},
      {"n is not in 1 ... MAX_BATCH", always}}},
    {"ALIGN", {{"memory is not aligned to ALIGN bytes", always}}},
    {"MEMORY",
     {{"memory is too small, or none was given for training", library_trains},
      {"memory is too small", always}}},
    {"CPU", {{"this processor lacks the instructions the library was made for", asks_processor}}},
    {"WEIGHTS", {{"parameters are missing or are not those of this network", checks_params}}},
    {"HASH", {{"header and source come from different runs of cnnc", always}}},
    {"DEVICE", {{"a device reported an error", on_device}}},
    {"RANGE",
     {{"an index or the number of threads is out of range", has_params_and_threads},
      {"the number of threads is out of range", has_threads},
      {"an index is out of range", has_params}}},
    {"FILE", {{"a file cannot be opened, read or written", has_files}}},
};

/* What an error is about; NULL: the library never answers it. */
static const char *text_of(const Library *l, int error) {
  for (int i = 0; i < COUNT(errors[error].why) && errors[error].why[i].text; i++)
    if (errors[error].why[i].when(l)) return errors[error].why[i].text;
  return NULL;
}

void library_error_codes(Text *out, const Library *l) {
  library_text(out, l,
               "/* ---- errors ----\n * Every function that returns int returns 0 or one of these. "
               "On an error nothing was changed, unless\n * the function says more. */\n"
               "enum {\n  NAME_OK = 0,");
  for (int i = 0; i < COUNT(errors); i++) {
    const char *text = text_of(l, i), *name = errors[i].name;
    const bool last = i == COUNT(errors) - 1;
    text_add(out, "\n  %s_E_%s = %d%s%*s/* %s */", l->o->prefix, name, -1 - i, last ? "" : ",",
             (int)(7 - strlen(name)) + (i < 9) + last, "",
             text ? text : "not answered by this library");
  }
  library_text(out, l,
               "\n};\nconst char *NAME_strerror(int code); /* a sentence about any code */\n");
}

void library_error_texts(Text *out, const Library *l) {
  library_text(out, l,
               "const char *NAME_strerror(int code) {\n  switch (code) {\n"
               "  case NAME_OK: return \"no error\";\n");
  for (int i = 0; i < COUNT(errors); i++)
    if (text_of(l, i))
      text_add(out, "  case %s_E_%s: return \"%s\";\n", l->o->prefix, errors[i].name,
               text_of(l, i));
  text_add(out, "  default: return \"unknown error\";\n  }\n}\n\n");
}
