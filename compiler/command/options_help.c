/* options_help.c - the tables of the command line as text: --help, and the record of a call. */
#include "option_rows.h"

#include <string.h>

enum { DOC_COLUMN = 30 };

/* Choices, of which the first is taken by default, or none if it has no name. */
static const char *doc_of(Arena *arena, const OptionRow *row) {
  Text doc = {.arena = arena};
  text_add(&doc, "%s", row->doc);
  const char *before = ": ";
  for (int i = 0; row->choices && row->choices[i]; i++) {
    if (!*row->choices[i]) continue;
    text_add(&doc, "%s%s%s", before, row->choices[i], i == 0 ? " (default)" : "");
    before = ", ";
  }
  return doc.at;
}

static void help_option(Text *out, const OptionRow *row) {
  Text left = {.arena = out->arena};
  if (row->letter) text_add(&left, "-%c, ", row->letter);
  text_add(&left, "%s", option_spelled(out->arena, row));
  if (row->argument) text_add(&left, " %s", row->argument);
  text_add(out, "  %-*s", DOC_COLUMN - 2, left.at);
  if (left.n > DOC_COLUMN - 4) text_add(out, "\n%*s", DOC_COLUMN, "");
  text_add_wrapped(out, doc_of(out->arena, row), DOC_COLUMN);
  text_add(out, "\n");
}

static void help_pass(Text *out, const char *name, const char *when, const char *doc) {
  enum { PASS_COLUMN = 14 };
  const bool always = strcmp(when, "always") == 0;
  text_add(out, "  %-*s", PASS_COLUMN - 2, name);
  text_add_wrapped(out, always ? doc : arena_printf(out->arena, "%s: %s", when, doc), PASS_COLUMN);
  text_add(out, "\n");
}

static void help_passes(Text *out) {
  text_add(out, "\npasses, in the order of running (--dump):\n");
  help_pass(out, "read", "always", "no pass yet: the network as it is read");
#define PASS(name, kind, when, doc) help_pass(out, #name, #when, doc);
#include "passes/passes.def"
#undef PASS
}

void options_help(Text *out, Command command) {
  bool all = command == COMMANDS;
  if (all) {
    text_add(out, "cnnc - compiles a convolutional network to a library in C or CUDA\n\n"
                  "usage: cnnc NET.json [options] [-o NAME.c]\n"
                  "       cnnc COMMAND ...\n\ncommands:\n");
    for (int c = 0; c < COMMANDS; c++) {
      const CommandRow *row = &command_rows[c];
      text_add(out, "  %-8s %-10s  %s\n", row->name, row->operand ? row->operand : "", row->doc);
    }
  } else {
    const CommandRow *row = &command_rows[command];
    text_add(out, "usage: cnnc %s%s%s [options]\n%s\n", row->name, row->operand ? " " : "",
             row->operand ? row->operand : "", row->doc);
  }
  text_add(out, all ? "\noptions of compiling (`cnnc COMMAND --help` for the others):\n"
                    : "\noptions:\n");
  const Command shown = all ? COMMAND_compile : command;
  for (int i = 0; i < option_count; i++)
    if (option_known(&option_rows[i], shown)) help_option(out, &option_rows[i]);
  if (option_known(option_find("dump", strlen("dump"), shown), shown)) help_passes(out);
  if (!all) return;
  text_add(out, "\nexit status: ");
  text_add_wrapped(out,
                   "0 done, 1 the input is wrong, 2 the command line is wrong, 3 a tool (cc, nvcc) "
                   "or what was built failed, 130 interrupted",
                   13);
  text_add(out, "\n");
}

const char *options_text(const Options *o, const char *name) {
  const OptionRow *row = option_find(name, strlen(name), o->command);
  if (!row || row->kind != OPTION_TEXT) BUG("no option --%s with a text", name);
  return *(const char *const *)(const void *)((const char *)o + row->offset);
}

static void record_value(Text *out, const Options *o, const OptionRow *row) {
  const char *at = (const char *)o + row->offset;
  const TextList *list = (const TextList *)(const void *)at;
  switch (row->kind) {
  case OPTION_FLAG:
    if (*(const bool *)at) text_add(out, " --%s", row->name);
    break;
  case OPTION_TEXT:
    if (*(const char *const *)(const void *)at)
      text_add(out, " --%s %s", row->name, *(const char *const *)(const void *)at);
    break;
  case OPTION_NUMBER:
  case OPTION_BYTES:
    if (*(const int64_t *)(const void *)at)
      text_add(out, " --%s %lld", row->name, (long long)*(const int64_t *)(const void *)at);
    break;
  case OPTION_REAL:
  case OPTION_FRACTION:
    if (*(const double *)(const void *)at > 0)
      text_add(out, " --%s %.9g", row->name, *(const double *)(const void *)at);
    break;
  case OPTION_CHOICE:
    if (*(const int *)(const void *)at)
      text_add(out, " --%s %s", row->name, row->choices[*(const int *)(const void *)at]);
    break;
  case OPTION_LIST:
  case OPTION_COMMAS:
    for (int i = 0; i < list->n; i++) text_add(out, " --%s %s", row->name, list->at[i]);
    break;
  }
}

const char *options_record(Unit *u, const Options *o) {
  Text out = {.arena = u->arena};
  text_add(&out, "cnnc %s", file_name(o->network));
  for (int i = 0; i < option_count; i++)
    if (option_rows[i].recorded) record_value(&out, o, &option_rows[i]);
  return out.at;
}
