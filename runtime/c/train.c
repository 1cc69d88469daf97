/* ---- training, in memory ---- */

static void NAME_take_seed(NAME *ctx, uint64_t seed) {
  ctx->scalar[NAME_SCALAR_SEED] = NAME_seed_number(seed);
  ctx->scalar[NAME_SCALAR_PASS] = 0;
}

/* With new parameters training begins anew: no momentum, the network's learning rate. */
static void NAME_restart(NAME *ctx, uint64_t seed) {
  ctx->samples = ctx->passes = ctx->updating = 0;
  ctx->lr = NAME_LR;
  ctx->least = DBL_MAX;
  ctx->waited = 0;
  memcpy(ctx->scalar, NAME_scalars, sizeof ctx->scalar);
  NAME_take_seed(ctx, seed);
  if (!ctx->state) return;
  memset(ctx->state, 0, NAME_STATE_BYTES);
  memset(ctx->grads, 0, NAME_GRADS_BYTES);
}

static void NAME_take_training(NAME *ctx, const NAME_memory *memory) {
  ctx->grads = (unsigned char *)memory->grads;
  ctx->state = (unsigned char *)memory->state;
  ctx->kept = ctx->work + NAME_WORK_BYTES(ctx->threads);
  ctx->sum = ctx->kept + NAME_KEPT_BYTES;
  ctx->bucket = NULL;
  NAME_restart(ctx, 0);
}

static void NAME_run_backward(NAME *ctx, int n NAME_gradients);
static void NAME_run_step(NAME *ctx);

#if NAME_BUCKETS > 0
/* Gradients [first, first + count) are complete. */
static void NAME_hand_over(NAME *ctx, size_t first, size_t count) {
  NAME_real *grads = (NAME_real *)(void *)ctx->grads;
  const NAME_real *sum = (const NAME_real *)(const void *)ctx->sum;
  if (first > NAME_GRADS || count > NAME_GRADS - first) return;
  if (ctx->adding)
    for (size_t i = first; i < first + count; i++) grads[i] += sum[i];
  if (NAME_is_told(ctx)) ctx->bucket(ctx->user, first, count);
}
#endif

int NAME_backward(NAME *ctx, int n, int accumulate NAME_gradients) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (n < 1 || n > NAME_MAX_BATCH || n != ctx->samples) return NAME_E_BATCH;
  if (accumulate) memcpy(ctx->sum, ctx->grads, NAME_GRADS_BYTES);
  ctx->adding = accumulate != 0;
  NAME_run_backward(ctx, n NAME_gradient_names);
  ctx->passes = NAME_passes(ctx);
  return NAME_OK;
}

/* What the updates of the next step are told. */
static int NAME_begin_step(NAME *ctx) {
  double step = ctx->scalar[NAME_SCALAR_STEP] += 1;
  ctx->scalar[NAME_SCALAR_LR] = ctx->lr * NAME_factor(&NAME_optimizer, step);
  ctx->scalar[NAME_SCALAR_UNBIAS1] = NAME_unbias(NAME_optimizer.beta1, step);
  ctx->scalar[NAME_SCALAR_UNBIAS2] = sqrt(NAME_unbias(NAME_optimizer.beta2, step));
  return NAME_OK;
}

int NAME_step(NAME *ctx) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  if (ctx->passes == 0) return NAME_E_BATCH;
  if (!ctx->updating) NAME_begin_step(ctx);
  NAME_run_step(ctx);
  ctx->samples = ctx->passes = 0;
  NAME_mark(ctx, NAME_STALE);
  return NAME_OK;
}

int NAME_set_seed(NAME *ctx, uint64_t seed) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  ctx->samples = 0;
  NAME_take_seed(ctx, seed);
  return NAME_OK;
}

int NAME_set_lr(NAME *ctx, NAME_real lr) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  ctx->lr = (double)lr;
  return NAME_OK;
}

NAME_real NAME_lr(const NAME *ctx) {
  return ctx ? (NAME_real)(ctx->lr *
                           NAME_factor(&NAME_optimizer, ctx->scalar[NAME_SCALAR_STEP] + 1))
             : 0;
}

int NAME_report(NAME *ctx, NAME_real metric) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (NAME_on_plateau(ctx, (double)metric))
    ctx->lr = fmax(ctx->lr * NAME_optimizer.gamma, fmin(ctx->lr, NAME_LR * NAME_optimizer.floor));
  return NAME_OK;
}

int NAME_get_grad(const NAME *ctx, int index, NAME_real *values) {
  if (!ctx || !values) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (index < 0 || index >= NAME_PARAM_COUNT) return NAME_E_RANGE;
  size_t first = NAME_grad_first[index], size = NAME_params[index].size;
  if (first > NAME_GRADS || size > NAME_GRADS - first) return NAME_E_RANGE;
  memcpy(values, (const NAME_real *)(const void *)ctx->grads + first, size * sizeof(NAME_real));
  return NAME_OK;
}

/* ---- checkpoints ---- */

typedef struct NAME_progress {
  double scalar[sizeof NAME_scalars / sizeof *NAME_scalars];
  double lr, least, waited;
  int64_t passes;
} NAME_progress;

int NAME_checkpoint_save(const NAME *ctx, void *bytes, size_t size) {
  unsigned char *at = (unsigned char *)bytes;
  NAME_progress numbers;
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!ctx->grads || size < NAME_CHECKPOINT_BYTES) return NAME_E_MEMORY;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  memset(&numbers, 0, sizeof numbers);
  memcpy(numbers.scalar, ctx->scalar, sizeof numbers.scalar);
  numbers.lr = ctx->lr;
  numbers.least = ctx->least;
  numbers.waited = ctx->waited;
  numbers.passes = ctx->passes;
  NAME_checkpoint_begin(at);
  memcpy(at + NAME_NUMBERS_AT, &numbers, sizeof numbers);
  memcpy(at + NAME_RAW_AT, ctx->params, NAME_RAW_BYTES);
  memcpy(at + NAME_STATE_AT, ctx->state, NAME_STATE_BYTES);
  memcpy(at + NAME_SUM_AT, ctx->grads, NAME_SUM_BYTES);
  return NAME_OK;
}

int NAME_checkpoint_restore(NAME *ctx, const void *bytes, size_t size) {
  const unsigned char *at = (const unsigned char *)bytes;
  NAME_progress numbers;
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (!NAME_is_checkpoint(at, size)) return NAME_E_WEIGHTS;
  memcpy(&numbers, at + NAME_NUMBERS_AT, sizeof numbers);
  memcpy(ctx->scalar, numbers.scalar, sizeof numbers.scalar);
  ctx->lr = numbers.lr;
  ctx->least = numbers.least;
  ctx->waited = numbers.waited;
  ctx->passes = NAME_SUM_BYTES ? (int)numbers.passes : 0;
  memcpy(ctx->params, at + NAME_RAW_AT, NAME_RAW_BYTES);
  memcpy(ctx->state, at + NAME_STATE_AT, NAME_STATE_BYTES);
  memcpy(ctx->grads, at + NAME_SUM_AT, NAME_SUM_BYTES);
  ctx->samples = 0;
  NAME_mark(ctx, NAME_STALE);
  return NAME_OK;
}
