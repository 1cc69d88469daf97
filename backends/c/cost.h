/* cost.h - how long kernels take on one core of the target's machine, and the register tiles that
 * take the least. */
#ifndef C_COST_H
#define C_COST_H

#include "backend.h"

double c_time(const Plan *, const Kernel *);
/* The tile of a product; another one of as many vectors where margins part its rows. */
void c_pick_tile(const Plan *, Kernel *);
void c_fit_tile(const Plan *, Kernel *);
/* Why there is no such tile, or NULL. */
const char *c_refuses_tile(const Plan *, const Kernel *);
/* Does a sum or a move with an update behind it run as fast as both apart? */
bool c_updates(const Plan *, const Kernel *);

#endif
