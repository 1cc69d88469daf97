/* passes.h - what passes are and what they are told. passes/passes.def lists them in order,
 * command/pipeline.c runs them. */
#ifndef PASSES_H
#define PASSES_H

#include "plan.h"

typedef struct PlanOptions {
  const Target *target;
  int64_t max_batch;
  Precision precision;
  VEC(const char *) algo; /* --algo LAYER[:ROLE]=NAME */
  Decisions *decision;    /* --plan: asked for, and marked with what came of it; NULL: nothing */
  double max_error;       /* --max-error; 0: not given */
  int64_t memory;         /* bytes of activations and work that training may take, as pass recompute
                             estimates them; 0: any */
  bool training;
  bool cold;  /* as Plan.cold */
  bool baked; /* calls find derived weights: parameters that only prepare reads have no place */
  bool apart; /* every layer for the whole batch: its results and time can be looked at */
  int64_t baked_before; /* bytes of other targets' weights, which lie in front of this plan's */
} PlanOptions;
/* What a pass is, by its kind. The graph that is given to a pass belongs to it: only what it
 * returns is used afterwards. */
typedef Graph *Pass_graph(Graph *);
typedef Plan *Pass_lower(const Graph *, const PlanOptions *);
typedef void Pass_plan(Plan *, const PlanOptions *);
#define PASS(name, kind, when, doc) Pass_##kind pass_##name;
#include "passes/passes.def"
#undef PASS

#endif
