/* plan_file.h - plan files: the decisions of pass choose as JSON, one line for each kernel. */
#ifndef PLAN_FILE_H
#define PLAN_FILE_H

#include "backend.h"

/* What a plan is for; a file for anything else is refused. */
typedef struct PlanHead {
  const char *network, *dtype;
  const Target *target;
  int64_t batch;
  bool train;
} PlanHead;

typedef struct PlanFile {
  Source source;
  Machine machine; /* that it was made for: the target's own where it names none */
  Decisions decision;
} PlanFile;

/* NULL after diagnostics. Without a head: whatever it is for. */
PlanFile *plan_file_read(Unit *, const char *path, const PlanHead *);
/* After pass choose: reports every decision of the file that the plan cannot have. */
void plan_file_check(Unit *, const PlanFile *, const Plan *);
/* What such a file says of these decisions. */
void plan_file_print(Text *, const PlanHead *, const Decisions *);

#endif
