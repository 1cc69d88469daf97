/* case.h - random kernels that are tried as C. */
#ifndef CASE_H
#define CASE_H

#include "../../unit/kernels.h"
#include "algos.h"
#include "backend.h"

enum { CASES = 80, SAMPLES = 3, MANY_SAMPLES = 19, TIMES = 2, ROLES_TRIED = 3, MOST_TRIES = 400 };

typedef struct Case {
  Kernel k; /* as it was made: tensors are buffers */
  const char *what;
  Type type[MAX_IN + 1];  /* of its inputs, then of its result */
  Steps prepare, forward; /* what is emitted */
  int buffer[MAX_IN + 1];
  double tolerance;
} Case;

typedef struct Test {
  Unit *u;
  Random random;
  Plan *p;
  const Algo *only; /* the algorithm of contractions; NULL: any */
  int n, samples;
  Case at[CASES > TIMES *ROLES_TRIED *ALGO_KINDS ? CASES : TIMES *ROLES_TRIED *ALGO_KINDS];
} Test;

/* Draws a kernel with what it reads and writes; it is lowered by one of the algorithms that serve
 * it, or by Test.only: then, where that does not, Case.forward stays empty. */
typedef void Make(Test *, Case *);
Make case_conv, case_pool, case_map, case_sum, case_fold, case_move;
Make case_data_gradient, case_weight_gradient;

#endif
