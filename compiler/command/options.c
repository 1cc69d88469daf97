/* options.c - tables of commands and options, and the one parser that reads them: GNU style, that
 * is
 * --name VALUE, --name=VALUE, -o VALUE, -oVALUE; `--` ends the options. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef enum OptionKind {
  OPTION_FLAG,     /* bool */
  OPTION_TEXT,     /* const char * */
  OPTION_NUMBER,   /* int64_t in [min, max] */
  OPTION_BYTES,    /* int64_t, positive; 512M */
  OPTION_FRACTION, /* double between 0 and 1 */
  OPTION_REAL,     /* double, positive */
  OPTION_CHOICE,   /* int: index into `choices` */
  OPTION_LIST,     /* TextList: one element for each use */
  OPTION_COMMAS    /* TextList: elements are separated by commas */
} OptionKind;

typedef struct CommandRow {
  const char *name, *operand, *doc;
} CommandRow;

static const CommandRow command_rows[COMMANDS] = {
    [COMMAND_COMPILE] = {"compile", "NET.json", "emit the network as a library in C or CUDA"},
    [COMMAND_CHECK] = {"check", "NET.json", "report every error of the network, write nothing"},
    [COMMAND_INFO] = {"info", "NET.json", "shapes, parameters, operations and the plan"},
    [COMMAND_RUN] = {"run", "NET.json", "one inference"},
    [COMMAND_EVAL] = {"eval", "NET.json", "accuracy on a data set"},
    [COMMAND_TRAIN] = {"train", "NET.json", "train the network on a data set"},
    [COMMAND_BENCH] = {"bench", "NET.json", "time every algorithm of every layer on this machine"},
    [COMMAND_OPS] = {"ops", NULL, "the operators and their keys"},
    [COMMAND_ALGOS] = {"algos", NULL, "the algorithms for contractions"},
    [COMMAND_TARGETS] = {"targets", NULL, "the machines code can be emitted for"},
};

enum {
  C = 1 << COMMAND_COMPILE,
  K = 1 << COMMAND_CHECK,
  I = 1 << COMMAND_INFO,
  R = 1 << COMMAND_RUN,
  E = 1 << COMMAND_EVAL,
  T = 1 << COMMAND_TRAIN,
  B = 1 << COMMAND_BENCH,
  O = 1 << COMMAND_OPS,
  ALL = (1 << COMMANDS) - 1
};

typedef struct OptionRow {
  const char *name;     /* "--output" is "output" */
  char letter;          /* -o; 0: none */
  const char *argument; /* in --help; NULL: a flag */
  OptionKind kind;
  size_t offset;
  unsigned commands;
  bool recorded; /* decides about the content of emitted files */
  int64_t min, max;
  const char *const *choices;
  size_t given; /* offset of a bool that becomes true, or 0 */
  const char *doc;
} OptionRow;

static const char *const weights_as_names[] = {"", "embed", "object", "file", "extern", NULL};
static const char *const parallel_names[] = {"openmp", "none", NULL};
static const char *const diagnostics_names[] = {"text", "json", NULL};
static const char *const monitor_names[] = {"accuracy", "loss", NULL};
/* f32, f64, then the other precisions of plan.h. */
static const char *const dtype_names[] = {"f32", "f64", "tf32", "bf16", "f16", "f32x3", NULL};

#define AT(member) offsetof(Options, member)
static const OptionRow rows[] = {
    {"output", 'o', "FILE", OPTION_TEXT, AT(output), C | R,
     .doc = "compile: NAME.c or NAME.cu, with NAME.h beside it; run: NAME.npy"},
    {"train", 0, NULL, OPTION_FLAG, AT(train), C | K | I | B, true,
     .doc = "with backward pass, loss and optimiser step"},
    {"input-grad", 0, NULL, OPTION_FLAG, AT(input_grad), C | I, true,
     .doc = "with --train: backward also returns the gradient of the loss by each f32 input"},
    {"selftest", 0, NULL, OPTION_FLAG, AT(selftest), C, true,
     .doc = "also emit NAME_selftest, under #ifdef NAME_SELFTEST: kernels against a plain "
            "reference, gradients against differences"},
    {"batch", 0, "N", OPTION_NUMBER, AT(batch), C | I | T | B, true, 1, 1 << 20,
     .doc = "largest batch (default 1, with --train 32)"},
    {"max-memory", 0, "BYTES", OPTION_BYTES, AT(max_memory), C | I | T, true,
     .doc =
         "of training with one thread (512M, 2G): what backward needs is computed again as far as "
         "it does not fit"},
    {"input-shape", 0, "[NAME=]CxHxW", OPTION_LIST, AT(input_shape), C | K | I | R | E | T | B,
     true, .doc = "another shape for an input"},
    {"outputs", 0, "LAYER,...", OPTION_COMMAS, AT(outputs), C | K | I | R | B, true,
     .doc = "the activations to return, in place of the network's own"},
    {"target", 0, "T,...", OPTION_TEXT, AT(target), C | I | R | E | T | B,
     .doc =
         "machine to emit for, as `cnnc targets` lists them (default native; sm_80 for NAME.cu); "
         "of several, a library in C takes the first that its processor has"},
    {"dtype", 0, "TYPE", OPTION_CHOICE, AT(dtype), C | I | R | E, true, .choices = dtype_names,
     .doc =
         "arithmetic: f32, or f64 to verify with (C, without vectors); in CUDA products of tf32, "
         "bf16, f16 or f32x3 (nearly f32) by tensor cores, with sums in f32"},
    {"weights", 0, "FILE", OPTION_TEXT, AT(weights), C | R | E | T,
     .doc = "parameters (safetensors); compile bakes them in"},
    {"weights-as", 0, "FORM", OPTION_CHOICE, AT(weights_as), C, true, .choices = weights_as_names,
     .doc =
         "baked weights as C arrays, an object file, a file to be mapped, or behind a pointer of "
         "the program's (default: embed under 1 MB, else file)"},
    {"algo", 0, "LAYER[:ROLE]=NAME", OPTION_LIST, AT(algo), C | I | R | E | T, true,
     .doc = "force an algorithm for a layer, in training for its role fwd, dgrad or wgrad; "
            "'*=direct' for all"},
    {"plan", 0, "FILE", OPTION_TEXT, AT(plan), C | I | R | E | T,
     .doc = "take the algorithms, tiles and layouts that a plan file says (JSON)"},
    {"save-plan", 0, "FILE", OPTION_TEXT, AT(save_plan), C | I | B,
     .doc = "write a plan file of all that was chosen; --plan reads it"},
    {"tune", 0, NULL, OPTION_FLAG, AT(tune), C,
     .doc = "measure on this machine instead of estimating; --save-plan (default NAME.plan.json) "
            "keeps the answers, and what --plan has measured is not measured again"},
    {"max-error", 0, "E", OPTION_REAL, AT(max_error), C | I | R | E | T | B, true,
     .doc = "refuse algorithms with a larger relative rms error against double (default 1e-5; "
            "training is stricter)"},
    {"prefix", 0, "NAME", OPTION_TEXT, AT(prefix), C, true,
     .doc =
         "prefix of all public symbols (default: the network's name, net_NAME where NAME is a word "
         "of C)"},
    {"parallel", 0, "HOW", OPTION_CHOICE, AT(parallel), C, true, .choices = parallel_names,
     .doc =
         "threads through OpenMP where the C compiler has it, or only through the caller's hook"},
    {"profile", 0, NULL, OPTION_FLAG, AT(profile), C, true,
     .doc = "emit timers around the kernels, which print a table and a Chrome trace"},
    {"report", 0, "FILE", OPTION_TEXT, AT(report), C,
     .doc = "write a page: graph, algorithms and why, memory over time, first-layer filters"},
    {"build", 0, NULL, OPTION_FLAG, AT(build), C, .doc = "also build libNAME.a and libNAME.so"},
    {"python", 0, NULL, OPTION_FLAG, AT(python), C,
     .doc = "also write NAME.py, the library in Python, through ctypes and NumPy"},
    {"cc", 0, "CC", OPTION_TEXT, AT(cc), C | R | E | T | B, .doc = "C compiler (default cc)"},
    {"nvcc", 0, "NVCC", OPTION_TEXT, AT(nvcc), C, .doc = "CUDA compiler (default nvcc)"},
    {"dump", 0, "PASS", OPTION_COMMAS, AT(dump), C | K | I,
     .doc = "print the program as it is after a pass: read"
#define PASS(name, kind, when, doc) ", " #name
#include "passes/passes.def"
#undef PASS
    },
    {"explain", 0, NULL, OPTION_FLAG, AT(explain), C | I,
     .doc = "for each layer the candidates, their estimated times, reasons of refusal"},
    {"no-validate", 0, NULL, OPTION_FLAG, AT(no_validate), C | R | E | T,
     .doc = "skip the check of what was emitted"},
    {"MF", 0, "FILE", OPTION_TEXT, AT(make_rule), C, .doc = "write a make rule of all files read"},
    {"json", 0, NULL, OPTION_FLAG, AT(json), I, .doc = "as JSON"},
    {"csv", 0, "FILE", OPTION_TEXT, AT(csv_file), B, .doc = "write the measurements as a table"},
    {"json", 0, "FILE", OPTION_TEXT, AT(json_file), B,
     .doc = "write the measurements and the machine as JSON"},
    {"html", 0, "FILE", OPTION_TEXT, AT(html_file), B, .doc = "write a page with charts"},
    {"shapes", 0, "FILE", OPTION_TEXT, AT(shapes), B,
     .doc = "measure the convolutions of a table (CSV) in place of a network's"},
    {"within", 0, "F", OPTION_REAL, AT(within), B,
     .doc = "measure only what is estimated to take at most F times as long as the best"},
    {"seconds", 0, "S", OPTION_REAL, AT(seconds), C | B,
     .doc = "for each measurement of bench and --tune (default 0.2)"},
    {"markdown", 0, NULL, OPTION_FLAG, AT(markdown), O, .doc = "as a page in Markdown"},
    {"schema", 0, NULL, OPTION_FLAG, AT(schema), O,
     .doc = "as a JSON Schema of network documents, for editors"},
    {"input", 0, "[NAME=]FILE", OPTION_LIST, AT(input), R,
     .doc = "what to infer from: .npy as the network takes it, or a picture (png, jpg, ppm, pgm), "
            "prepared as its "
            "input says"},
    {"seed", 0, "N", OPTION_NUMBER, AT(seed), R | T, .max = INT64_MAX, .given = AT(seeded),
     .doc = "run: parameters from the network's initialisers instead of --weights; train: "
            "these and the order of samples"},
    {"interpret", 0, NULL, OPTION_FLAG, AT(interpret), R | E,
     .doc = "in the interpreter, in double, before any pass; nothing is built"},
    {"data", 0, "DIR", OPTION_TEXT, AT(data), E | T,
     .doc = "folder with MNIST (idx) or CIFAR (bin) files, x_train.npy and y_train.npy, x_test.npy "
            "and "
            "y_test.npy (x.npy and y.npy serve as both parts), or train/CLASS/FILE and "
            "test/CLASS/FILE "
            "with pictures (png, jpg, ppm, pgm) or sounds (wav)"},
    {"predictions", 0, "FILE", OPTION_TEXT, AT(predictions), E,
     .doc = "write the class of each image, one byte an image"},
    {"epochs", 0, "N", OPTION_NUMBER, AT(epochs), T, .min = 1, .max = 1 << 20,
     .doc = "how often all samples are seen (default 10)"},
    {"save", 0, "FILE", OPTION_TEXT, AT(save), T,
     .doc = "where the parameters go (safetensors); FILE.checkpoint keeps what --resume needs"},
    {"init-from", 0, "FILE", OPTION_TEXT, AT(init_from), T,
     .doc =
         "begin with what fits of another network's parameters (safetensors), by name and shape; "
         "the others are initialised"},
    {"resume", 0, NULL, OPTION_FLAG, AT(resume), T,
     .doc = "go on from the checkpoint beside --save, with the same bits"},
    {"log", 0, "FILE", OPTION_TEXT, AT(log), T, .doc = "write a line for each epoch (CSV)"},
    {"augment", 0, "WORD,...", OPTION_COMMAS, AT(augment), T,
     .doc = "change samples at random while training, e.g. shift=2,flip; the list is below"},
    {"validation", 0, "FRACTION", OPTION_FRACTION, AT(validation), T,
     .doc =
         "hold out this part of the training samples, drawn by --seed, to validate with; default: "
         "the data set's test part validates"},
    {"patience", 0, "N", OPTION_NUMBER, AT(patience), T, .min = 1, .max = 1 << 20,
     .doc = "stop after N epochs without a better validation; --save keeps the best parameters"},
    {"monitor", 0, "WHAT", OPTION_CHOICE, AT(monitor), T, .choices = monitor_names,
     .doc = "what better means to --patience and to a schedule that waits for a plateau"},
    {"gradient-norms", 0, NULL, OPTION_FLAG, AT(gradient_norms), T,
     .doc = "after each epoch, and in --log, how long each layer's gradient is"},
    {"threads", 0, "N", OPTION_NUMBER, AT(threads), C | R | E | T | B, .min = 1, .max = 1024,
     .doc = "threads (default: one for each processor)"},
    {"runner", 0, "PREFIX", OPTION_TEXT, AT(runner), C | R | E | T | B,
     .doc = "start what was built through this command, e.g. \"qemu-aarch64 -L "
            "/usr/aarch64-linux-gnu\""},
    {"diagnostics", 0, "FORM", OPTION_CHOICE, AT(diagnostics), C | K | I | R | E | T | B,
     .choices = diagnostics_names, .doc = "form of messages"},
    {"help", 'h', NULL, OPTION_FLAG, AT(help), ALL, .doc = "this text"},
    {"version", 'v', NULL, OPTION_FLAG, AT(version), ALL, .doc = "the version"},
};

/* Words of the language of cnnc that this version has no code for: they get an answer of their own.
 */
static const struct {
  const char *word, *answer;
} absent[] = {
    {"help", "`cnnc --help` prints the commands, `cnnc COMMAND --help` one of them"},
    {"convert", "this version reads networks in JSON only"},
};

/* ---- parsing ---- */

static const char *absent_answer(const char *word, size_t length) {
  for (int i = 0; i < COUNT(absent); i++)
    if (strlen(absent[i].word) == length && strncmp(absent[i].word, word, length) == 0)
      return absent[i].answer;
  return NULL;
}

static bool known(const OptionRow *row, Command command) {
  return row->commands & 1u << command;
}

/* -MF is the one long option with a single dash: compilers spell it so. */
static const char *dashes(const OptionRow *row) {
  return strcmp(row->name, "MF") == 0 ? "-" : "--";
}

static const char *spelled(Unit *u, const OptionRow *row) {
  return arena_printf(u->arena, "%s%s", dashes(row), row->name);
}

/* An option of that name, rather one that the command knows. */
static const OptionRow *find_long(const char *name, size_t length, Command command) {
  const OptionRow *found = NULL;
  for (int i = 0; i < COUNT(rows); i++)
    if (strlen(rows[i].name) == length && strncmp(rows[i].name, name, length) == 0 &&
        (!found || known(&rows[i], command)))
      found = &rows[i];
  return found;
}

static const OptionRow *find_letter(char letter) {
  for (int i = 0; i < COUNT(rows); i++)
    if (rows[i].letter && rows[i].letter == letter) return &rows[i];
  return NULL;
}

static void unknown_option(Unit *u, const Options *o, const char *word, size_t length) {
  const char *answer = absent_answer(word, length);
  if (answer) {
    usage_error(u, "%.*s: %s", (int)length, word, answer);
    return;
  }
  const char *candidates[COUNT(rows)];
  int n = 0;
  for (int i = 0; i < COUNT(rows); i++)
    if (known(&rows[i], o->command)) candidates[n++] = spelled(u, &rows[i]);
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
    usage_error(u, "%s is empty; %s is expected", spelled(u, row), row->argument);
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

/* One option and its value; returns how many arguments it took, 0 after a message. */
static int parse_option(Unit *u, Options *o, char *const *argv, int left) {
  const char *word = argv[0];
  bool is_long = word[1] == '-' || strncmp(word, "-MF", 3) == 0;
  const char *name = word + (word[1] == '-' ? 2 : 1);
  size_t length = is_long ? strcspn(name, "=") : 1;
  const OptionRow *row = is_long ? find_long(name, length, o->command) : find_letter(*name);
  size_t shown = (size_t)(name - word) + length;
  if (!row || strncmp(word, spelled(u, row), is_long ? shown : 1) != 0) {
    unknown_option(u, o, word, is_long ? shown : strlen(word));
    return 0;
  }
  if (!known(row, o->command)) {
    usage_error(u, "`cnnc %s` has no option %.*s", command_rows[o->command].name, (int)shown, word);
    return 0;
  }
  const char *rest = name + length;
  const char *value = is_long ? (*rest ? rest + 1 : NULL) : (*rest ? rest : NULL);
  if (!row->argument && value) {
    usage_error(u, "%.*s takes no value", (int)shown, word);
    return 0;
  }
  int taken = row->argument && !value ? 2 : 1;
  if (taken > left) {
    usage_error(u, "%s needs a value: %s", word, row->argument);
    return 0;
  }
  return set(u, o, row, taken == 2 ? argv[1] : value) ? taken : 0;
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
  o->command = COMMAND_COMPILE;
  if (argc < 2) return true;
  for (int c = 0; c < COMMANDS; c++)
    if (strcmp(argv[1], command_rows[c].name) == 0) {
      o->command = (Command)c;
      *next = 2;
      return true;
    }
  return check_first(u, argv[1]);
}

static bool take_operand(Unit *u, Options *o, const char *word) {
  const CommandRow *row = &command_rows[o->command];
  if (!row->operand)
    usage_error(u, "`cnnc %s` reads no file", row->name);
  else if (o->network)
    usage_error(u, "one network at a time: \"%s\" after \"%s\"", word, o->network);
  else
    o->network = word;
  return o->network == word;
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
  bool fine = take_command(u, o, argc, argv, &next), ended = false;
  while (fine && next < argc) {
    const char *word = argv[next];
    if (!ended && strcmp(word, "--") == 0) {
      ended = true;
      next++;
    } else if (!ended && word[0] == '-' && word[1]) {
      int taken = parse_option(u, o, argv + next, argc - next);
      fine = taken > 0;
      next += taken;
    } else {
      fine = take_operand(u, o, word);
      next++;
    }
  }
  if (!fine || o->help || o->version || o->network || !command_rows[o->command].operand)
    return fine;
  if (o->shapes) return true; /* in place of a network */
  usage_error(u, "no network given; usage: cnnc %s%s%s [options], or cnnc --help",
              o->command == COMMAND_COMPILE ? "" : command_rows[o->command].name,
              o->command == COMMAND_COMPILE ? "" : " ", command_rows[o->command].operand);
  return false;
}

/* ---- printing ---- */

static void help_option(Text *out, Unit *u, const OptionRow *row) {
  Text left = {.arena = out->arena};
  if (row->letter) text_add(&left, "-%c, ", row->letter);
  text_add(&left, "%s%s", spelled(u, row), row->argument ? " " : "");
  if (row->argument) text_add(&left, "%s", row->argument);
  text_add(out, left.n > 26 ? "  %s\n%30s%s" : "  %-26s  %s%s", left.at,
           left.n > 26 ? "" : row->doc, left.n > 26 ? row->doc : "");
  for (int i = 0; row->choices && row->choices[i]; i++)
    if (*row->choices[i])
      text_add(out, "%s%s", i == 0 || (i == 1 && !*row->choices[0]) ? ": " : ", ", row->choices[i]);
  text_add(out, "\n");
}

void options_help(Text *out, Command command) {
  Unit unit = {.arena = out->arena};
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
  for (int i = 0; i < COUNT(rows); i++)
    if (known(&rows[i], all ? COMMAND_COMPILE : command)) help_option(out, &unit, &rows[i]);
  if (all)
    text_add(out, "\nexit status: 0 done, 1 the input is wrong, 2 the command line is wrong, "
                  "3 a tool (cc, nvcc) or what was built failed, 130 interrupted\n");
}

const char *options_text(const Options *o, const char *name) {
  const OptionRow *row = find_long(name, strlen(name), o->command);
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
  const char *slash = strrchr(o->network, '/');
  text_add(&out, "cnnc %s", slash ? slash + 1 : o->network);
  for (int i = 0; i < COUNT(rows); i++)
    if (rows[i].recorded) record_value(&out, o, &rows[i]);
  return out.at;
}
