/* bench.h - what the command bench, --tune and their reports share. */
#ifndef BENCH_H
#define BENCH_H

#include "measure.h"

typedef struct BenchRow {
  int subject;
  Measurement m;
  bool allowed; /* by the error that is expected of it */
  bool chosen;  /* without measuring: by the network's plan, or by the least estimate */
  bool wins;    /* of its subject's: the fastest whose error is allowed */
} BenchRow;

typedef struct Bench {
  Unit *u;
  const Options *o;
  const Target *target;
  const char *name; /* of the network or the table of shapes */
  Peak peak;
  Subjects subjects;
  VEC(BenchRow) row;   /* by subject, then by algorithm */
  int measured;        /* of the rows; equal subjects share the others */
  double output_error; /* of the whole network without measuring; < 0: training, or a table */
} Bench;

/* Measures every algorithm of every subject, with progress; equal subjects once. `within`: what
 * is estimated to take so many times as long as the best, or to err too much, is left out; 0:
 * nothing is. False after a message. */
bool bench_measure(Bench *, double within);
/* Rows of the kernels whose chosen algorithm was measured, and of these how many take at most NEAR
 * times as long as the winner. */
#define NEAR 1.1
void bench_count_near(const Bench *, int *near, int *all);
double bench_share(const Bench *, const BenchRow *); /* of the peak */
double bench_speed(const Bench *, const BenchRow *); /* operations a second */
/* A line for each row: the names of the columns, and their texts. */
void bench_csv(Text *, const Bench *);
void bench_json(Text *, const Bench *);
void bench_page(Text *, const Bench *);
/* The plan of the winners; NULL after a message. */
Plan *bench_plan(const Bench *, const Graph *);

/* The plan of what measures fastest on this machine, for --tune. */
Status tune_plan(Unit *, const Options *, const Graph *, const Target *, Plan **);
/* The convolutions of a table as subjects; false after a message. */
bool shapes_read(Bench *, const char *file);

#endif
