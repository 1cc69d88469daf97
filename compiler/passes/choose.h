/* choose.h - the parts of pass choose: candidates and their solution (choose.c), what --algo asks
 * for (force.c), margins (margins.c). */
#ifndef CHOOSE_H
#define CHOOSE_H

#include "plan.h"

/* What is wrong with --algo for this plan (unknown layer or algorithm, or its refusal), or NULL. */
const char *choose_complaint(const Plan *, const PlanOptions *);
/* The algorithm that --algo asks for, NULL if none. */
const Algo *choose_forced(Arena *, const PlanOptions *, const Kernel *);
/* What contractions read outside of a tensor becomes its buffer's margin; memory that is not the
 * plan's is copied into a buffer with margins first. Steps are still flat. */
void choose_margins(Plan *);

#endif
