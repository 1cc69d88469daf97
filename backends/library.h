/* library.h - what emitted libraries of every language have in common: names of arguments, tables
 * of parameters, constants, baked weights, and how the files belong together. Around it each
 * language has its own file.c and header.c; text that does not depend on the network is in
 * runtime/. */
#ifndef LIBRARY_H
#define LIBRARY_H

#include "emit.h"

enum { LIBRARY_HEADER = 64 }; /* bytes: the size of NAME_header */

typedef struct Bucket { /* gradients, in values, that are complete after a step of backward */
  int step;
  int64_t first, count;
} Bucket;

typedef struct Library {
  const Plan *plan;  /* for the target that is being printed; of the whole library: the first */
  const Plan *plans; /* for all targets, the best one first */
  const EmitOptions *o;
  Arena *arena;
  const char *name;                         /* last part of o->base: names of files */
  const char *const *input, *const *output; /* names of forward's arguments */
  const char *const *gradient;              /* of backward's, by input */
  VEC(int) param;       /* parameters that the library holds: indices of graph->param */
  VEC(int) buffer;      /* their buffers, in the same order */
  VEC(Bucket) bucket;   /* in the order of the steps */
  int64_t params_bytes; /* NAME_PARAMS_BYTES: 0 where weights are embedded */
  /* The most that any of the targets needs: of parameters, wherever they are, without a header; of
   * work memory. */
  int64_t stored_bytes, work_bytes, worker_bytes;
  uint64_t hash; /* of everything but itself */
} Library;

/* ---- its parts (library_parts.c) ---- */

Library library_new(const Plan *, const EmitOptions *);
/* The library with the steps, buffers and buckets of one of its plans. */
Library library_part(const Library *, const Plan *);
bool library_several(const Library *); /* targets? */
/* The constant that stands for a target where there are several: NAME_AVX2. */
const char *library_target(const Library *, const Target *);
/* Bytes of work memory in front of the workers' parts: all entries share it. */
int64_t library_shared_work(const Plan *);

/* ---- names (library_names.c) ---- */

bool library_in_word(char); /* is it a character of identifiers? */
/* Is it a word of C or C++? */
bool library_keyword(const char *word);
/* Does a word have a meaning of its own in emitted files, so that it cannot be a prefix? */
bool library_reserved(const char *word);
/* The prefix of a network of that name: the name, or net_NAME where that is reserved. */
const char *library_prefix(Arena *, const char *name);
/* The arguments of forward, inputs and then outputs, then those of backward, gradients by each
 * input: the graph's names, changed where they are reserved or equal to one before. */
const char *const *library_arguments_named(Arena *, const char *prefix, const Graph *);

/* ---- text (library.c) ---- */

/* The arguments of forward as they stand in its prototype; without types as in a call. */
const char *library_arguments(const Library *, bool types);
/* " || !x || !y": is one of them NULL? */
const char *library_null_tests(const Library *);
/* Are parameters handed over with the call of init, in NAME_memory? */
bool library_takes_params(const Library *);
/* Does it wait for parameters after init? */
bool library_waits(const Library *);
/* The inputs that inference reads: data, not targets of losses. */
bool library_reads(const Plan *, int input);
/* Inputs and outputs with shapes and units: lines of a comment. */
void library_tensors(Text *, const Library *);

/* ", void *stream", or nothing: the last parameter of functions that work. */
const char *library_stream(const Library *);
/* A text in which NAME becomes the prefix, NAME_real the type of the library's numbers, NAME_stream
 * library_stream, NAME_gradients and NAME_gradient_names library_gradients, NAME_train_arguments
 * library_train_arguments. */
void library_text(Text *, const Library *, const char *text);
/* library_text of a file in runtime/. */
void library_template(Text *, const Library *, const char *runtime_name);
/* The text of such a file for a program around a library of floats. */
void library_program(Text *, const char *prefix, const char *runtime_name);
/* The include guard of the header and the headers that it needs. */
void library_guard(Text *, const Library *);
/* Bytes of work of any entry, without the workers' parts. */
int64_t library_work(const Library *);
/* An error of the preprocessor for machines whose size_t is too small for the sizes of memory. */
void library_size_check(Text *, const Library *);
/* NAME_PARAM_COUNT and NAME_HASH. */
void library_count_and_hash(Text *, const Library *);
/* The type that pointers of the context to parameters point to. */
const char *library_params_type(const Library *);

/* ---- errors (library_errors.c) ---- */

void library_error_codes(Text *, const Library *); /* in NAME.h */
void library_error_texts(Text *, const Library *); /* NAME_strerror */

/* ---- parameters and constants (library_params.c) ---- */

/* NAME_params[], NAME_places[] and NAME_unused[], which runtime/c/params.c reads. */
void library_param_tables(Text *, const Library *);
/* Arrays NAME_const%d, by the index of the buffer; `qualifier`: "static const"; `reads`: are they
 * in the text of this kernel? */
void library_constants(Emit *, const Library *, const char *qualifier,
                       bool (*reads)(const Plan *, const Kernel *));
/* The runtime files that hold parameters of this kind, after the tables. */
void library_param_code(Text *, const Library *);
void library_embedded(Text *, const Library *); /* NAME_weights.h */
void library_packed(Text *, const Library *);   /* NAME.weights */
void library_assembly(Text *, const Library *); /* NAME_weights.S */

/* ---- NAME.py (library_python.c) ---- */

void library_python(Text *, const Library *);

/* ---- facts (library_facts.c) ---- */

/* About forward, the members params, header and work, and the code that handles parameters.
 * `params_bytes`: behind params; `work_bytes`: behind work. */
void library_facts(Emit *, const Library *, int64_t params_bytes, int64_t work_bytes);

/* A pointer has as many elements as the parameter or member `count` says; a function of the
 * library, by its name without the prefix, or NULL: a member. */
void library_sized_fact(Emit *, const char *function, const char *name, const char *count);

/* ---- training (library_train.c) ---- */

bool library_trains(const Library *);
bool library_draws(const Plan *); /* random numbers? */
/* The arguments of train_forward behind n: inputs, the loss, outputs if it gives any. */
const char *library_train_arguments(const Library *, bool types);
bool library_entry_reads(const Plan *, PlanEntry, int input);
/* The argument that an output is written to, in the functions of the entry that computes it. */
const char *library_output(const Emit *, const Plan *, int buffer);

int64_t library_at_least(int64_t bytes); /* no memory is empty */
int64_t library_kept(const Plan *); /* of this plan or one after it: activations for backward */
int64_t library_train_work(const Plan *); /* what training needs besides the work of inference */
int64_t library_checkpoint_bytes(const Plan *);
/* All memory that training takes with one thread: what the header's sizes add up to. */
int64_t library_training_bytes(const Plan *);

/* Variables of the inputs' names for an entry that reads them after the forward pass. */
void library_kept_inputs(Emit *, const Library *, PlanEntry);
/* NAME_train_forward up to its tests of arguments, and from where its kernels have run: open until
 * the caller returns. */
void library_open_train_forward(Emit *, const Library *);
void library_end_train_forward(Emit *, const Library *);
void library_train_step(Emit *, const Library *); /* the function */

/* Where gradients begin, run-time scalars, the optimiser's rule, the parts of a checkpoint; and the
 * functions that are the same for all languages. */
void library_train_tables(Text *, const Library *);
void library_train_code(Text *, const Library *);
void library_train_facts(Emit *, const Library *);

/* ---- training, in NAME.h (library_train_header.c) ---- */

/* In the first comment: members of NAME_memory for training; a loop over steps, whose calls get the
 * arguments `more` as well. */
void library_train_memory(Text *, const Library *);
void library_train_example(Text *, const Library *, const char *more);

/* NAME_memory's members for training; `where` stands behind each pointer. */
void library_train_memory_members(Text *, const Library *, const char *where);
/* The member of the context that the caller sets: NAME_bucket. */
void library_train_hook(Text *, const Library *);
/* Members of the context: what was reported, passes, the inputs of the last forward pass. */
void library_train_members(Text *, const Library *);
/* Prototypes; `own` is the language's file in front of those that all have. */
void library_train_functions(Text *, const Library *, const char *own);

/* ---- what backward gives (library_gradients.c) ---- */

/* Does it return the gradient of the loss by an input? */
bool library_returns(const Plan *, int input);
/* These arguments of backward: ", float *x_grad"; without types ", x_grad". */
const char *library_gradients(const Library *, bool types);
/* When a step of backward or `step` has to run: "x_grad", where it serves only that; or not where
 * train_step has an update in its place. NULL: always. */
const char *library_wanted(const Library *, PlanEntry, int step);
/* That condition where train_step updates parameters as it goes; does it anywhere? */
#define LIBRARY_UPDATING "ctx->updating"
bool library_updates(const Library *);
/* Which gradients of parameters are complete after which step; in NAME_run_backward, the calls
 * after a step. */
void library_find_buckets(Library *);
void library_hand_over(Emit *, const Library *, int step);

/* ---- files (library.c) ---- */

typedef void LibraryHeader(Text *, const Library *);
/* Adds the source (the head comment, the line that includes the header, then the body), NAME.h and
 * baked weights; the hash of body and header ties them together. */
void library_files(Library *, Emitted *, const char *head, const Text *body, LibraryHeader *header);

#endif
