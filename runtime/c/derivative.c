/* ---- self-test: gradients against differences of the loss ---- */

/* The trained parameters that a direction goes along: one, or (index < 0) all. */
static int NAME_goes_along(int index, int p) {
  return NAME_grad_first[p] <= NAME_GRADS && (index < 0 || index == p);
}

/* The loss with these parameters moved by `by` times their gradient; dropout as in that pass. */
static double NAME_loss_at(NAME *ctx, const NAME_samples *s, const NAME_real *was, int index,
                           double by, double pass) {
  NAME_real *now = (NAME_real *)(void *)ctx->params, loss = 0;
  const NAME_real *grads = (const NAME_real *)(const void *)ctx->grads;
  memcpy(now, was, NAME_RAW_BYTES);
  for (int p = 0; p < NAME_PARAM_COUNT; p++) {
    size_t to = NAME_places[p].first, from = NAME_grad_first[p];
    for (size_t i = 0; i < NAME_params[p].size && NAME_goes_along(index, p); i++)
      now[to + i] = (NAME_real)((double)was[to + i] + by * (double)grads[from + i]);
  }
  NAME_mark(ctx, NAME_STALE);
  ctx->scalar[NAME_SCALAR_PASS] = pass;
  return NAME_measure(ctx, s, &loss) ? NAN : (double)loss;
}

/* The sum of squares of the gradient, and of the parameters. */
static void NAME_squares(const NAME *ctx, const NAME_real *was, int index, double *square,
                         double *size) {
  const NAME_real *grads = (const NAME_real *)(const void *)ctx->grads;
  *square = *size = 0;
  for (int p = 0; p < NAME_PARAM_COUNT; p++)
    for (size_t i = 0; i < NAME_params[p].size && NAME_goes_along(index, p); i++) {
      double g = (double)grads[NAME_grad_first[p] + i], w = (double)was[NAME_places[p].first + i];
      *square += g * g;
      *size += w * w + 1e-4;
    }
}

/* Along the gradient the loss grows by its square. Long steps bend and short ones drown in
 * rounding: one of several must agree. */
static void NAME_check_along(NAME *ctx, NAME_test *t, const NAME_samples *s, const NAME_real *was,
                             int index, double loss) {
  const double pass = ctx->scalar[NAME_SCALAR_PASS] - 1;
  const double rounding = (sizeof(NAME_real) == 4 ? 3e-6 : 1e-13) * fabs(loss);
  double square, size, best = INFINITY, got = 0, allowed = 0;
  NAME_squares(ctx, was, index, &square, &size);
  for (double part = 0.1; part > 1e-5 && best > 1 && square > 0; part /= 8) {
    double by = part * fmin(fabs(loss) / square, sqrt(size / square));
    double above = NAME_loss_at(ctx, s, was, index, by, pass);
    double below = NAME_loss_at(ctx, s, was, index, -by, pass);
    double slope = (above - below) / (2 * by), room = 0.05 * square + rounding / by;
    if (!(fabs(slope - square) / room < best) && best < INFINITY) continue;
    best = fabs(slope - square) / room;
    got = slope;
    allowed = room;
  }
  NAME_note(t, index < 0 ? "gradient by all parameters" : NAME_params[index].name, square, got,
            allowed);
}

enum { NAME_DIRECTIONS = 6 };

static void NAME_check_gradients(NAME *ctx, NAME_test *t, const NAME_samples *s,
                                 const NAME_real *was, double loss) {
  NAME_check_along(ctx, t, s, was, -1, loss);
  for (int p = 0; p < NAME_PARAM_COUNT; p += NAME_PARAM_COUNT / NAME_DIRECTIONS + 1)
    NAME_check_along(ctx, t, s, was, p, loss);
  memcpy(ctx->params, was, NAME_RAW_BYTES);
}
