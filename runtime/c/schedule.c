/* ---- what a step is told besides gradients: its number, learning rate and bias corrections ----
 */

#if defined(__CUDACC__)
#define NAME_ANYWHERE static __host__ __device__
#else
#define NAME_ANYWHERE static
#endif

enum { NAME_CONSTANT, NAME_STEPS, NAME_COSINE, NAME_PLATEAU };

typedef struct NAME_rule { /* of the optimiser */
  int schedule;
  double warm_up, period, gamma, floor, patience;
  double beta1, beta2; /* 0: it has none */
} NAME_rule;

/* The part of the learning rate that step t = 1, 2 ... has by itself. */
NAME_ANYWHERE double NAME_factor(const NAME_rule *r, double t) {
  double factor = 1, part = (t - 1) / r->period;
  if (r->schedule == NAME_STEPS) factor = pow(r->gamma, floor(part));
  if (r->schedule == NAME_COSINE && part > 1) part = 1;
  if (r->schedule == NAME_COSINE)
    factor = r->floor + (1 - r->floor) * 0.5 * (1 + cos(3.141592653589793 * part));
  if (factor < r->floor) factor = r->floor;
  return t < r->warm_up ? factor * t / r->warm_up : factor;
}

/* 1 - beta^t, of which adam divides by the first and by the root of the second. */
NAME_ANYWHERE double NAME_unbias(double beta, double t) {
  return 1 - pow(beta, t);
}
