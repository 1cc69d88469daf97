/* init.c - how parameters begin: the initialisers as ranges. All of them are uniform: nothing but
 * multiplication stands between a random number and a weight, so any machine gives the same bits.
 * Default as in PyTorch (Kaiming uniform with a = sqrt 5); He et al. 2015, Glorot & Bengio 2010,
 * LeCun et al. 1998 by their variances 2 / in, 2 / (in + out), 1 / in; a uniform variable in
 * [-b, b) has the variance b^2 / 3. */
#include "graph.h"

#include <math.h>

void param_init(const Param *p, double *center, double *bound) {
  double in = (double)(p->fan_in > 0 ? p->fan_in : 1), out = (double)p->fan_out;
  *center = p->init == INIT_CONSTANT ? p->init_value : 0;
  switch (p->init) {
  case INIT_DEFAULT: *bound = sqrt(1 / in); return;
  case INIT_HE: *bound = sqrt(6 / in); return;
  case INIT_XAVIER: *bound = sqrt(6 / (in + out)); return;
  case INIT_LECUN: *bound = sqrt(3 / in); return;
  case INIT_CONSTANT:
  case INIT_KINDS: *bound = 0; return;
  }
}

uint64_t param_stream(const Param *p) { /* FNV-1a */
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (const char *c = p->name; *c; c++)
    hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
  return hash;
}
