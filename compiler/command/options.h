/* options.h - the command line as data. The tables of option_rows.c say which options exist, what
 * they take and which commands know them; parsing, --help and the record of a call all come from
 * those rows. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "cnnc.h"

typedef enum Status { STATUS_DONE, STATUS_INPUT, STATUS_USAGE, STATUS_TOOL } Status;

typedef enum Command {
#define COMMAND(name, operand, doc) COMMAND_##name,
#include "commands.def"
#undef COMMAND
  COMMANDS
} Command;

extern const char *const weights_as_names[]; /* by WeightsAs (backend.h); "": not given */
enum { PARALLEL_OPENMP, PARALLEL_NONE };
enum { MONITOR_ACCURACY, MONITOR_LOSS };

typedef VEC(const char *) TextList;

enum { DTYPE_F32, DTYPE_F64 }; /* Options.dtype; then the other precisions of plan.h, in order */

typedef struct Options {
  Command command;
  const char *network; /* the file to read; NULL where the command reads none */
  bool help, version;

  const char *output, *target, *machine, *weights, *prefix, *make_rule, *plan, *save_plan, *report;
  bool tune, train, input_grad, selftest, build, python, explain, no_validate, profile;
  int64_t batch;      /* 0: not given */
  int64_t max_memory; /* bytes; 0: not given */
  int weights_as;     /* WeightsAs; 0: not given */
  int parallel, dtype;
  TextList input_shape, outputs, algo, dump;
  const char *cc, *nvcc;

  bool json, markdown, schema, interpret;
  const char *csv_file, *json_file, *html_file, *shapes;
  double max_error; /* 0: not given */
  double seconds;   /* for each measurement; 0: not given */
  double within;    /* of the best estimate; 0: not given */
  bool cold;        /* weights come from memory, as in the network */
  int diagnostics;  /* as Unit.json_diagnostics, which messages about other options need earlier */
  int64_t threads, seed;
  bool seeded; /* --seed was given */
  const char *runner, *data, *predictions;
  TextList input;

  int64_t epochs;
  const char *save, *log, *init_from;
  bool resume, gradient_norms;
  double validation; /* 0: not given */
  int64_t patience;  /* 0: none */
  int monitor;
  TextList augment;
} Options;

/* Fills `o`. False after a message: the command line is wrong. */
bool options_parse(Unit *, Options *o, int argc, char *const *argv);

/* `cnnc --help`, or with a command other than COMMANDS `cnnc COMMAND --help`. */
void options_help(Text *, Command);

/* The value of the option of that name, which takes a text: "cc". */
const char *options_text(const Options *, const char *name);

/* The call as a line for the head of emitted files: only what decides about their content, folders
 * and file names of outputs left out. */
const char *options_record(Unit *, const Options *);

#endif
