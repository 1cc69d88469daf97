/* options.c - the parser of command lines, GNU style: --name VALUE, --name=VALUE, -o VALUE,
 * -oVALUE, and `--` before what is no option. What there is to be parsed stands in
 * option_rows.c. */
#include "option_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Words of the language of cnnc that this version has no code for:
 * they get an answer of their own. */
static const struct {
  const char *word, *answer;
} absent[] = {
    {"help", "`cnnc --help` prints the commands, `cnnc COMMAND --help` one of them"},
    {"convert", "ONNX is not supported; write the layers in JSON and give their parameters as "
                "safetensors with --weights"},
};

/* ---- parsing ---- */

static const char *absent_answer(const char *word, size_t length) {
  for (int i = 0; i < COUNT(absent); i++)
    if (strlen(absent[i].word) == length && strncmp(absent[i].word, word, length) == 0)
      return absent[i].answer;
  return NULL;
}

static const OptionRow *find_letter(char letter) {
  for (int i = 0; i < option_count; i++)
    if (option_rows[i].letter && option_rows[i].letter == letter) return &option_rows[i];
  return NULL;
}

static void unknown_option(Unit *u, const Options *o, const char *word, size_t length) {
  const char *answer = absent_answer(word, length);
  if (answer) {
    usage_error(u, "%.*s: %s", (int)length, word, answer);
    return;
  }
  const char **candidates = NEW_ARRAY(u->arena, const char *, option_count);
  int n = 0;
  for (int i = 0; i < option_count; i++)
    if (option_known(&option_rows[i], o->command))
      candidates[n++] = option_spelled(u->arena, &option_rows[i]);
  const char *near = nearest(arena_copy(u->arena, word, length), candidates, n);
  if (near)
    usage_error(u, "unknown option \"%.*s\"; did you mean \"%s\"?", (int)length, word, near);
  else
    usage_error(u, "unknown option \"%.*s\"; `cnnc %s --help` lists them", (int)length, word,
                command_rows[o->command].name);
}

static bool set_number(Unit *u, const OptionRow *row, const char *text, int64_t *value) {
  char *end;
  errno = 0;
  long long number = strtoll(text, &end, 10);
  if (*text && !*end && errno == 0 && number >= row->min && number <= row->max) {
    *value = number;
    return true;
  }
  usage_error(u, "--%s %s: a whole number from %lld to %lld is expected", row->name, text,
              (long long)row->min, (long long)row->max);
  return false;
}

/* K, M, G: powers of 1024. */
static bool set_bytes(Unit *u, const OptionRow *row, const char *text, int64_t *value) {
  static const char units[] = "KMG";
  char *end;
  errno = 0;
  const long long number = strtoll(text, &end, 10);
  const char *unit = *end ? strchr(units, *end) : NULL;
  const int shift = unit ? 10 * (int)(unit - units + 1) : 0;
  const bool whole = end > text && (!*end || (unit && !end[1]));
  if (whole && errno == 0 && number > 0 && number <= INT64_MAX >> shift) {
    *value = (int64_t)number << shift;
    return true;
  }
  usage_error(u, "--%s %s: a number of bytes is expected, such as 1000000, 512M or 2G", row->name,
              text);
  return false;
}

/* Beyond 0 and below `end`. */
static bool set_real(Unit *u, const OptionRow *row, const char *text, double end, const char *what,
                     double *value) {
  char *behind;
  *value = strtod(text, &behind);
  if (behind > text && !*behind && *value > 0 && *value < end) return true;
  usage_error(u, "--%s %s: %s is expected", row->name, text, what);
  return false;
}

static bool set_choice(Unit *u, const OptionRow *row, const char *text, int *value) {
  Text list = {.arena = u->arena};
  for (int i = 0; row->choices[i]; i++) {
    if (*text && strcmp(row->choices[i], text) == 0) {
      *value = i;
      return true;
    }
    if (*row->choices[i]) text_add(&list, "%s%s", list.n ? ", " : "", row->choices[i]);
  }
  usage_error(u, "--%s %s: this version knows %s", row->name, text, list.at);
  return false;
}

static bool set_commas(Unit *u, const OptionRow *row, const char *text, TextList *list) {
  for (const char *at = text, *end;; at = end + 1) {
    end = at + strcspn(at, ",");
    if (end == at) {
      usage_error(u, "--%s %s: there is nothing %s a comma", row->name, text,
                  *end ? "before" : "behind");
      return false;
    }
    vec_push(u->arena, list, arena_copy(u->arena, at, (size_t)(end - at)));
    if (!*end) return true;
  }
}

static bool set(Unit *u, Options *o, const OptionRow *row, const char *text) {
  char *at = (char *)o + row->offset;
  if (row->given) *(bool *)((char *)o + row->given) = true;
  if (row->argument && !text[strspn(text, " ")]) {
    usage_error(u, "%s is empty; %s is expected", option_spelled(u->arena, row), row->argument);
    return false;
  }
  switch (row->kind) {
  case OPTION_FLAG: *(bool *)at = true; return true;
  case OPTION_TEXT: *(const char **)at = text; return true;
  case OPTION_NUMBER: return set_number(u, row, text, (int64_t *)at);
  case OPTION_BYTES: return set_bytes(u, row, text, (int64_t *)at);
  case OPTION_FRACTION: return set_real(u, row, text, 1, "a number between 0 and 1", (double *)at);
  case OPTION_REAL: return set_real(u, row, text, 1e9, "a positive number", (double *)at);
  case OPTION_CHOICE: return set_choice(u, row, text, (int *)at);
  case OPTION_LIST: vec_push(u->arena, (TextList *)at, text); return true;
  case OPTION_COMMAS: return set_commas(u, row, text, (TextList *)at);
  }
  BUG("option kind %d", row->kind);
}

/* One option and its value; returns how many arguments it took. *unknown: what follows may be the
 * value of an option that is none. */
static int parse_option(Unit *u, Options *o, char *const *argv, int left, bool *unknown) {
  const char *word = argv[0];
  bool is_make = strncmp(word, "-MF", 3) == 0, is_long = word[1] == '-' || is_make;
  const char *name = word + (word[1] == '-' ? 2 : 1);
  size_t length = is_make ? 2 : is_long ? strcspn(name, "=") : 1;
  const OptionRow *row = is_long ? option_find(name, length, o->command) : find_letter(*name);
  size_t shown = (size_t)(name - word) + length;
  if (!row || strncmp(word, option_spelled(u->arena, row), is_long ? shown : 1) != 0) {
    unknown_option(u, o, word, is_long ? shown : strlen(word));
    *unknown = true;
    return 1;
  }
  if (!option_known(row, o->command)) {
    usage_error(u, "`cnnc %s` has no option %.*s", command_rows[o->command].name, (int)shown, word);
    *unknown = true;
    return 1;
  }
  const char *rest = name + length;
  const char *value = !*rest ? NULL : is_long && *rest == '=' ? rest + 1 : rest;
  if (!row->argument && value) {
    usage_error(u, "%.*s takes no value", (int)shown, word);
    return 1;
  }
  int taken = row->argument && !value ? 2 : 1;
  if (taken > left) {
    usage_error(u, "%s needs a value: %s", word, row->argument);
    return 1;
  }
  set(u, o, row, taken == 2 ? argv[1] : value);
  return taken;
}

/* A first word that is neither a command nor looks like a file. */
static bool check_first(Unit *u, const char *word) {
  if (strpbrk(word, "./-")) return true;
  const char *answer = absent_answer(word, strlen(word));
  const char *names[COMMANDS];
  for (int i = 0; i < COMMANDS; i++) names[i] = command_rows[i].name;
  const char *near = nearest(word, names, COMMANDS);
  if (answer)
    usage_error(u, "%s: %s", word, answer);
  else if (near)
    usage_error(u, "unknown command \"%s\"; did you mean \"%s\"?", word, near);
  else if (access(word, F_OK) == 0)
    return true;
  else
    usage_error(u, "\"%s\" is neither a command nor a file; `cnnc --help` lists the commands",
                word);
  return false;
}

static bool take_command(Unit *u, Options *o, int argc, char *const *argv, int *next) {
  *next = 1;
  o->command = COMMAND_compile;
  if (argc < 2) return true;
  for (int c = 0; c < COMMANDS; c++)
    if (strcmp(argv[1], command_rows[c].name) == 0) {
      o->command = (Command)c;
      *next = 2;
      return true;
    }
  return check_first(u, argv[1]);
}

static void take_operand(Unit *u, Options *o, const char *word) {
  const CommandRow *row = &command_rows[o->command];
  if (!row->operand)
    usage_error(u, "`cnnc %s` reads no file", row->name);
  else if (o->network)
    usage_error(u, "one network at a time: \"%s\" after \"%s\"", word, o->network);
  else
    o->network = word;
}

/* Messages about the command line have the form that it asks for, wherever it does so. */
static bool asks_for_json(int argc, char *const *argv) {
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--diagnostics=json") == 0 ||
        (i > 1 && strcmp(argv[i - 1], "--diagnostics") == 0 && strcmp(argv[i], "json") == 0))
      return true;
  return false;
}

bool options_parse(Unit *u, Options *o, int argc, char *const *argv) {
  *o = (Options){.cc = "cc", .nvcc = "nvcc"};
  u->json_diagnostics = asks_for_json(argc, argv);
  int next;
  bool ended = false, unknown = false;
  if (!take_command(u, o, argc, argv, &next)) return false;
  while (next < argc) {
    const char *word = argv[next];
    if (!ended && strcmp(word, "--") == 0) {
      ended = true;
      next++;
    } else if (!ended && word[0] == '-' && word[1]) {
      next += parse_option(u, o, argv + next, argc - next, &unknown);
    } else {
      if (!unknown) take_operand(u, o, word);
      next++;
    }
  }
  const bool fine = u->usage_errors == 0;
  if (unknown || o->help || o->version || o->network || !command_rows[o->command].operand)
    return fine;
  if (o->shapes) return fine; /* in place of a network */
  usage_error(u, "no network given; usage: cnnc %s%s%s [options], or cnnc --help",
              o->command == COMMAND_compile ? "" : command_rows[o->command].name,
              o->command == COMMAND_compile ? "" : " ", command_rows[o->command].operand);
  return false;
}
