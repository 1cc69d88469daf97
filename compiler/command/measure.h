/* measure.h - contractions measured one by one: each is cut out of its network, emitted with one of
 * the algorithms that serve it, built, run, and compared with the interpreter. */
#ifndef MEASURE_H
#define MEASURE_H

#include "driver.h"
#include "algos.h"

/* A contraction of a network. */
typedef struct Subject {
  const char *layer;
  Role role;
  PlanEntry entry;
  const char *graph; /* text of a network that is this kernel alone */
  int64_t batch;
  double operations; /* of direct summation, forward's for gradients; padded taps included */
  double bytes;      /* of operands and result, each once */
  int first;         /* the first subject that is the same */
  bool cold;         /* its weights come from memory */
  bool serves[ALGO_KINDS], allowed[ALGO_KINDS]; /* with any error; with that of --max-error */
} Subject;
typedef VEC(Subject) Subjects;
/* In that network: its name and the layer's;
 * how names begin of tensors that lay between kernels. */
#define SUBJECT_KERNEL "kernel"
#define SUBJECT_KEPT   "kept"

typedef struct Measurement {
  const Algo *algo;
  double least, median; /* seconds */
  double error;         /* relative rms, against double */
  double predicted;     /* seconds, by the estimate */
  int64_t workspace;    /* bytes beside operands, packed weights and result */
} Measurement;

typedef struct Peak {
  double flops, bandwidth; /* a second, of all threads */
} Peak;

/* ---- subjects.c ---- */

/* The contractions of a plan as pass fuse leaves it. In training those of forward passes for
 * training and of backward passes. */
Subjects measure_subjects(Unit *, const Plan *);
/* As plan files name it: "conv1", "conv1:dgrad". */
const char *subject_name(Unit *, const Subject *);
void measure_number(Subjects *); /* finds the first of equal ones */

/* ---- measure.c ---- */

/* False after a message. */
bool measure(Unit *, const Options *, const Target *, const Subject *, const Algo *, Measurement *);
/* A relative rms error, of sums of squares: of what is missed, of what is right. */
double measure_relative(double wrong, double right);
/* Seconds, as choosing would estimate them. */
double measure_estimate(Unit *, const Target *, const Subject *, const Algo *);

/* ---- measure_output.c ---- */

/* The relative rms error of the output of a network that errs most, as options choose its
 * algorithms, against the same in double; of at most two samples. False after a message. */
bool measure_output_error(Unit *, const Options *, const Graph *, const Target *, double *error);

/* ---- peak.c ---- */

#define MEASURE_MEMORY 134217728.0 /* bytes that do not stay in caches */

/* Of the machine; false after a message. */
bool measure_peak(Unit *, const Options *, const Target *, Peak *);
/* Operations a second of so many threads, and bytes a second that they read of each of n sizes. */
bool measure_speeds(Unit *, const Options *, const Target *, int threads, double *flops, int n,
                    const double *bytes, double *speed);

#endif
