/* harness_program.h - the program that the harness puts around a library. */
#ifndef CUDASIM_HARNESS_PROGRAM_H
#define CUDASIM_HARNESS_PROGRAM_H

#include "harness.h"

/* It reads the parameters that the library holds, then inputs, and writes what forward returns; of
 * a library that trains the loss, gradients by parameters and those by inputs as well. */
void program_write(const Simulated *, const char *path);

bool program_trains(const Plan *);
bool program_holds(const Plan *, int param);
bool program_sends(const Plan *, int input);

#endif
