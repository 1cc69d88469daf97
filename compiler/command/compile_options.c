/* compile_options.c - what a command line of compiling may not ask for: names that cannot be,
 * options that need or exclude others, and what the language of the output has no code for. */
#include "compile.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

/* ---- names ---- */

/* What -o may end in: ".c or .cu". */
static const char *suffixes(Unit *u) {
  Text text = {.arena = u->arena};
  const Language *last = NULL;
  for (int i = 0; targets[i]; i++) {
    if (targets[i]->language != last)
      text_add(&text, "%s%s", last ? " or " : "", targets[i]->language->suffix);
    last = targets[i]->language;
  }
  return text.at;
}

const Language *compile_output(Unit *u, const Options *o, const char **base) {
  const char *word = o->target ? arena_copy(u->arena, o->target, strcspn(o->target, ",")) : NULL;
  const Target *target = word ? target_find(word) : NULL;
  const char *path = o->output ? o->output : file_name(o->network);
  const char *name = file_name(path), *dot = strrchr(name, '.');
  const Language *language = dot ? language_of(dot) : NULL;
  if (!o->output) language = target ? target->language : target_native()->language;
  *base = arena_copy(u->arena, path, dot && dot > name ? (size_t)(dot - path) : strlen(path));
  if (strcmp(path, "-") == 0)
    usage_error(u, "-o -: a library is more than one file; -o names its source, such as net%s",
                target_native()->language->suffix);
  else if (!language || (o->output && *name == '.'))
    usage_error(u, "-o %s: the name of the output ends in %s", path, suffixes(u));
  else if (strpbrk(name, "\"\\\n"))
    usage_error(u, "-o %s: a name for #include has no quotes, backslashes or line breaks", path);
  else
    return language;
  return NULL;
}

void compile_check_header(Unit *u, const char *base, const Language *language) {
  const char *header = arena_printf(u->arena, "%s.h", base);
  for (int i = 0; targets[i] && access(header, F_OK) == 0; i++) {
    const char *other = arena_printf(u->arena, "%s%s", base, targets[i]->language->suffix);
    if (targets[i]->language == language || access(other, F_OK) != 0) continue;
    usage_error(u, "-o %s%s: %s belongs to %s; another name, such as %s_%s%s, keeps both", base,
                language->suffix, header, other, base, language->name, language->suffix);
    return;
  }
}

/* --prefix: an identifier that means nothing else. */
static void check_prefix(Unit *u, const char *prefix) {
  char *wish =
      arena_printf(u->arena, "%s%s", isdigit((unsigned char)*prefix) ? "net_" : "", prefix);
  for (char *c = wish; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
  if (strcmp(wish, prefix) != 0 || !*prefix)
    usage_error(u, "--prefix %s: an identifier is expected, such as %s", prefix,
                library_prefix(u->arena, *wish ? wish : "net"));
  else if (library_reserved(prefix))
    usage_error(u, "--prefix %s: the word has a meaning in C, C++ or emitted files; %s has none",
                prefix, library_prefix(u->arena, prefix));
}

/* ---- options ---- */

/* Options that need or exclude others. */
static void check_together(Unit *u, const Options *o) {
  if (o->input_grad && !o->train)
    usage_error(u, "--input-grad: what only infers has no gradients; --train emits them");
  if (o->selftest && o->weights)
    usage_error(u,
                "--selftest: what is tested loads its parameters at run time; leave out --weights");
  if (o->train && o->weights)
    usage_error(u, "--weights bakes parameters in; what trains loads them at run time");
  if (o->weights_as && !o->weights)
    usage_error(u, "--weights-as says how --weights FILE is baked in; no file is given");
  if (o->python && o->weights_as == WEIGHTS_EXTERN)
    usage_error(u, "--python: weights behind a pointer of the program's need a program in C");
  if (!o->tune && (o->threads || o->runner || o->seconds > 0))
    usage_error(u, "--threads, --runner and --seconds say how --tune measures; it is not given");
}

/* What there is no code for in the language. */
static void check_language(Unit *u, const Options *o, const Language *language) {
  const char *name = language->title;
  if (o->selftest && !language->selftests)
    usage_error(u, "--selftest: this version has no self-test in %s", name);
  if (o->weights && !language->weights[compile_weights_form(o, 0)])
    usage_error(u, "--weights-as: libraries in %s take embed or file", name);
  if (o->python && language->streams)
    usage_error(u, "--python: libraries in %s take memory of the device, which NumPy has not",
                name);
  if (o->tune && !language->times)
    usage_error(u, "--tune: kernels in %s cannot be measured by this version", name);
  if (o->profile && !language->times)
    usage_error(u, "--profile: libraries in %s have no timers; the vendor's profiler times kernels",
                name);
}

typedef struct Excluded {
  bool given;
  const char *option, *reason;
} Excluded;

bool compile_only_prints(const Options *o) {
  return (o->dump.n || o->explain) && !o->output;
}

static void check_written(Unit *u, const Options *o) {
  const Excluded row[] = {
      {.given = o->report != NULL, .option = "--report"},
      {.given = o->build, .option = "--build"},
      {.given = o->python, .option = "--python"},
      {.given = o->make_rule != NULL, .option = "-MF"},
  };
  for (int i = 0; i < COUNT(row) && compile_only_prints(o); i++)
    if (row[i].given)
      usage_error(u, "%s: with %s and without -o no library is written; give -o", row[i].option,
                  o->explain ? "--explain" : "--dump");
}

void compile_check_options(Unit *u, const Options *o, const Language *language) {
  if (o->prefix) check_prefix(u, o->prefix);
  check_together(u, o);
  if (language) check_language(u, o, language);
  check_written(u, o);
}

void compile_check_several(Unit *u, const Options *o) {
  const Excluded row[] = {
      {o->plan != NULL, "plan", "a plan file is for one target"},
      {o->save_plan != NULL, "save-plan", "a plan file is for one target"},
      {o->tune, "tune", "measuring is for one target, whose plan file it writes"},
      {o->report != NULL, "report", "the page shows the plan of one target"},
      {o->profile, "profile", "timers are named after the kernels of one target"},
      {o->selftest, "selftest", "what is tested are the kernels of one target"},
  };
  for (int i = 0; i < COUNT(row); i++)
    if (row[i].given)
      usage_error(u, "--%s: %s; give --target one of %s", row[i].option, row[i].reason, o->target);
}
