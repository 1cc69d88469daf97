/* harness_judged.h - libraries of a network, simulated against its Graph in double before any pass:
 * outputs; of those that train the loss and all gradients as well. */
#ifndef CUDASIM_JUDGED_H
#define CUDASIM_JUDGED_H

#include "harness.h"

#include "../random/judge.h"

/* The network of a JSON text as options say, which name a target. */
Simulated judged_text(Unit *, const char *json, Options);
/* Emits, builds and runs it on n samples in several orders: a result may be away by what noise of
 * rounding changes (../random/judge.h), more by algorithms whose errors grow. False: a value is out
 * of range, and nothing was done. */
bool judged_check(const Simulated *, int n, Rounding);

#endif
