/* harness.h - a plan for CUDA as a program on the CPU: emitted, compiled with the simulator and a
 * driver around the library, run in a process of its own, compared with what is interpreted. */
#ifndef CUDASIM_HARNESS_H
#define CUDASIM_HARNESS_H

#include "../unit/unit.h"

#include "backend.h"
#include "cudasim.h"
#include "driver.h"

typedef struct Simulated {
  Unit *u;
  const Plan *plan;
  const Graph *graph;   /* before any pass; NULL: the plan alone says what is expected */
  double *const *param; /* by index of graph->param */
  WeightsAs as;
  const char *folder;
  const char *program; /* around the library; NULL: harness_program.c's */
  bool old;            /* on a device that has nothing but what sm_80 has */
} Simulated;

/* The network in a file as options say, with parameters of its initialisers. */
Simulated simulated_options(Options, WeightsAs);
/* A network's text, with ' for ", in a new file; the path ends in XXXXXX. */
void write_network(char *path, const char *json);
/* The same for such a text. */
Simulated simulated_text_options(const char *json, Options);
/* The same for a target; shape: --input-shape, or NULL. `batch` samples at most. */
Simulated simulated_network(const char *file, const char *target, const char *shape, int batch,
                            WeightsAs);
Simulated simulated_text(const char *json, const char *target, int batch);
void simulated_free(Simulated *); /* the unit and the folder */

/* What the program writes: the outputs; of a library that trains the loss, then gradients as
 * ENTRY_BACKWARD has them. The emitted library begins with SIMULATED_SEED. */
enum { SIMULATED_SEED = 2 };
int simulated_results(const Simulated *);
const Type *simulated_type(const Simulated *, int result);

/* Emits into the folder; in between, tests may change what was emitted; compiles. */
void simulated_emit(const Simulated *);
void simulated_build(const Simulated *);
/* Every `from` in the emitted source becomes `to`. */
void simulated_replace(const Simulated *, const char *from, const char *to);

/* Where nvcc is installed, it makes machine code of what was emitted: without a warning or spilled
 * registers. The header is C. */
void simulated_compile(const Simulated *);

/* Starts the program on n samples, with words for `env` ("CUDASIM_ORDER=reverse"). Its status: 0,
 * one of the library's, CUDASIM_FOUND, or 128 + a signal. It reads the file `in` of the folder. */
int simulated_start(const Simulated *, int n, const char *const *settings, Text *messages);
const char *simulated_path(const Simulated *, const char *file);
/* Appends values to the bytes of a file. */
void simulated_values(Text *bytes, const double *value, DType, int64_t size);

typedef struct SimulatedRun {
  int n; /* samples */
  double **in, **expected;
  float **out;
  Text messages;
} SimulatedRun;
/* Random inputs, the same for equal n, and what is expected of them. */
SimulatedRun simulated_inputs(const Simulated *, int n);
/* Starts the program on them; fills out and messages. */
int simulated_run(const Simulated *, SimulatedRun *, const char *const *settings);
/* How many times larger than in plain sums errors may be by the algorithms that were chosen. */
double simulated_growth(const Simulated *);
/* The largest error of a result of that run, relative to its largest element. */
double simulated_error(const Simulated *, const SimulatedRun *, int result);

/* Orders of threads, and asynchronous work early or late: in how many of these ways a program is
 * run, two of six by turns or in the long form all; and the settings of such a run. It is watched,
 * where parameters are not too many for that. Where tensor cores multiply, no access to shared
 * memory has a bank conflict. */
int simulated_ways(void);
const char *const *simulated_way(const Simulated *, int i);
/* Runs the program on inputs in these ways: all give the same bits, with errors below those allowed
 * for each result. */
void simulated_orders(const Simulated *, const SimulatedRun *inputs, const double *allowed);
/* Emits, builds, and runs from ... to samples so. 0 for the tolerance: what rounding may do. */
void simulated_check(const Simulated *, int from, int to, double tolerance);

#endif
