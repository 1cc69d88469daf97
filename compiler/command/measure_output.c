/* measure_output.c - how far a whole network's outputs are from its outputs in double: the library
 * as options choose it, and the one that works in double, on the same parameters and noise. */
#include "measure.h"
#include "inference.h"

#include <math.h>

#include "../runtime/program/noise.h"

enum { SEED = 1, LIKE_A_CALL = 16, IN_DOUBLE = 2 }; /* samples, at most */

/* In [-1, 1); bytes, which inference_run rounds, from 0 to 255. */
static float *noise(Unit *u, const Input *in, int index, int64_t size) {
  float *value = NEW_ARRAY(u->arena, float, size);
  for (int64_t i = 0; i < size; i++) {
    const float x = NAME_noise((uint64_t)index, (uint64_t)i);
    value[i] = in->type.dtype == U8 ? (x + 1) * 128 : x;
  }
  return value;
}

static Inference inference_of(Unit *u, const Options *o, const Graph *g, const Target *target,
                              int64_t most) {
  const int64_t n = pipeline_batch(o) < most ? pipeline_batch(o) : most;
  Inference f = {.u = u, .o = o, .g = g, .n = n, .repeat = 1, .target = target};
  f.input = NEW_ARRAY(u->arena, float *, g->input.n + 1);
  for (int i = 0; i < g->input.n; i++)
    if (g->input.at[i].kind == INPUT_DATA)
      f.input[i] = noise(u, &g->input.at[i], i, f.n * inference_input_size(g, i));
  return f;
}

static double error_of(const float *have, const float *exact, int64_t size) {
  double wrong = 0, right = 0;
  for (int64_t i = 0; i < size; i++) {
    const double miss = (double)have[i] - (double)exact[i];
    wrong += miss * miss;
    right += (double)exact[i] * (double)exact[i];
  }
  return measure_relative(wrong, right);
}

bool measure_output_error(Unit *u, const Options *o, const Graph *g, const Target *target,
                          double *error) {
  Options chosen = *o;
  chosen.seed = SEED;
  chosen.seeded = true;
  chosen.save_plan = NULL;
  Options exact = chosen;
  exact.dtype = DTYPE_F64;
  exact.plan = NULL;
  exact.algo = (TextList){0};
  Inference f = inference_of(u, &chosen, g, target, LIKE_A_CALL);
  Inference d = inference_of(u, &exact, graph_in(g, F64), target, IN_DOUBLE);
  if (inference_run(&f) || inference_run(&d)) return false;
  *error = 0;
  for (int i = 0; i < g->entry[ENTRY_FORWARD].want.n; i++)
    *error = fmax(*error, error_of(f.output[i], d.output[i], d.n * inference_output_size(g, i)));
  return true;
}
