/* driver.h - what the commands share: from the command line to a Graph, a Plan, parameters, files.
 * Each command is one function; its result is the exit status. */
#ifndef DRIVER_H
#define DRIVER_H

#include "passes.h"
#include "backend.h"
#include "options.h"
#include "plan_file.h"

/* ---- pipeline.c: the order of the passes ---- */

/* Reads the network that the options name. NULL after diagnostics; of what only options ask in vain
 * there are messages too, and the network without it. */
Graph *pipeline_read(Unit *, const Options *);
/* The targets that --target and the language (NULL: any) ask for: in the order of the command line
 * where a library chooses among them, otherwise the oldest machine first. Empty after a message. */
typedef VEC(const Target *) Targets;
Targets pipeline_targets(Unit *, const Options *, const Language *);
/* The one target of a command that takes no more, which builds programs for it if there is a
 * language. NULL after a message. */
const Target *pipeline_target(Unit *, const Options *, const Language *);
/* All passes after reading, with verification between them; --dump prints to stdout. `baked`:
 * weights are to be baked in. NULL after a message, also of somebody else: then the network or the
 * target may be NULL, and --dump, --plan and --algo are looked at all the same. */
Plan *pipeline_plan(Unit *, const Options *, const Graph *, const Target *, bool baked);
/* The plans of one library for these targets, in their order. */
Plan *pipeline_plans(Unit *, const Options *, const Graph *, const Targets *, bool baked);
/* The plan with so many bytes for PlanOptions.memory, of a command line without --dump; what a plan
 * file asks in vain is not reported. */
Plan *pipeline_trial(Unit *, const Options *, const Graph *, const Target *, int64_t memory);
/* The plan as pass fuse makes it: kernels without algorithms. */
Plan *pipeline_lowered(Unit *, const Options *, const Graph *, const Target *);
/* Runs the passes behind fuse on such a plan, those of training left out. */
void pipeline_finish(Plan *, const PlanOptions *);
const char *pipeline_machine_file(const Options *); /* of --machine; NULL: it names none */
int64_t pipeline_batch(const Options *);            /* --batch, or what it is without */
PlanHead pipeline_head(const Options *, const Graph *, const Target *);
bool pipeline_save_plan(Unit *, const Options *, const char *path, const Plan *);

/* ---- memory_limit.c: --max-memory ---- */

/* The PlanOptions.memory with which training fits the limit; 0: nothing need be computed again.
 * False after a message: it cannot fit. */
bool memory_limit(Unit *, const Options *, const Target *, int64_t *memory);
/* What it took, and what it costs: a note, and lines for --explain. */
void memory_limit_note(Unit *, const Plan *);
void memory_limit_explain(const Plan *);

/* ---- params.c: values of a network's parameters, by index of Graph.param ---- */

/* From the initialisers; the emitted NAME_init_params gives the same bits. */
double **params_seeded(const Graph *, uint64_t seed);
/* From a safetensors file; NULL after diagnostics that name every missing, extra or misshapen
 * tensor; without a network the file alone is looked at. */
double **params_read(Unit *, const Graph *, const char *file);
/* Of another network's file what has the name and the shape of a parameter; NULL for the others,
 * which notes name. NULL after a diagnostic: the file is unsound, or nothing fits. */
double **params_read_part(Unit *, const Graph *, const char *file);

/* ---- compile.c ---- */

/* Emits the library for `plan`, and those that follow it, in memory. `param`: values to bake in, or
 * NULL. The first file is the source. */
void compile_emit(Unit *, const Options *, const Plan *plan, double *const *param, const char *base,
                  const char *prefix, Emitted *);
/* False after diagnostics: the emitted source, as the target's machine sees it, breaks its
 * contract, which is a bug of cnnc. */
bool compile_validate(Unit *, const Target *, const Emitted *);
/* Candidates and choices, to stdout. */
void compile_explain(Unit *, const Plan *);
/* Writes all files or none into a folder ("" or ending in a slash); false after a message. */
bool compile_write(Unit *, const Emitted *, const char *folder);

/* ---- report.c ---- */

/* The page of --report. `param`: weights to show, or NULL. False after a message. */
bool report_write(Unit *, const Options *, const Graph *, const Plan *, double *const *param);

/* ---- toolchain.c: the C compiler, and programs started from here ---- */

/* Adds the words of a text, which blanks separate. */
void toolchain_words(Unit *, TextList *, const char *text);
/* Runs argv[0]; its output is kept in *output when that is not NULL, otherwise passed on. Returns
 * its exit status, 128 + signal if it died, or 127 if it cannot be started: then *output says why,
 * or there is a message. */
int toolchain_run(Unit *, const char *const *argv, Text *output);
/* Starts argv[0] with a pipe to its standard input and one from its standard output; its number, or
 * -1 after a message. The ends here are closed on exec. toolchain_wait returns its status as
 * toolchain_run does. */
int toolchain_start(Unit *, const char *const *argv, int *to, int *from);
int toolchain_wait(int process);
/* "ended with status 1", "was ended by signal 9 (Killed)": of what these two return. */
const char *toolchain_ending(Unit *, int status);
/* cc ... ; on failure shows the command and its output, and returns false. */
bool toolchain_cc(Unit *, const Options *, const char *const *arguments);
/* Does the compiler have OpenMP? */
bool toolchain_openmp(Unit *, const Options *);
/* libNAME.a and libNAME.so beside the source, where base is the path of NAME. */
bool toolchain_library(Unit *, const Options *, const char *base, const Targets *);
/* A fresh folder for what a command builds on the way, and its removal with all files in it. */
const char *toolchain_folder(Unit *);
void toolchain_remove(Unit *, const char *folder);

/* ---- program.c: programs built in a folder for temporary files ---- */

const Language *program_language(void); /* of the libraries in them: C */
/* Compiles `text` to FOLDER/program; the compiler gets one more word. False after a message. */
bool program_compile(Unit *, const Options *, const char *folder, const char *text,
                     const char *more);
/* Emits `plan` as net.c into the folder and compiles it together with `text`,
 * whose main uses it. */
bool program_build(Unit *, const Options *, Plan *plan, const char *folder, const char *text);
/* The words that start it, without its arguments: --runner's, then the program. What runs from now
 * on finds large pages in its environment, unless the user has set that. */
TextList program_words(Unit *, const Options *, const char *folder);
/* --threads, or one for each processor. */
int program_threads(const Options *);
double program_clock(void); /* seconds since some moment */

/* ---- commands ---- */

#define COMMAND(name, operand, doc) Status command_##name(Unit *, const Options *);
#include "commands.def"
#undef COMMAND

#endif
