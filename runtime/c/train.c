/* ---- training ---- */

static int NAME_check_training(const NAME_memory *memory, int threads) {
  if (!memory->grads && !memory->state) return NAME_OK;
  if (!memory->grads || !memory->state) return NAME_E_NULL;
  if (!NAME_aligned(memory->grads) || !NAME_aligned(memory->state)) return NAME_E_ALIGN;
  return memory->grads_bytes < NAME_GRADS_BYTES || memory->state_bytes < NAME_STATE_BYTES ||
                 memory->work_bytes < NAME_TRAIN_WORK_BYTES(threads)
             ? NAME_E_MEMORY
             : NAME_OK;
}

static void NAME_take_seed(NAME *ctx, uint64_t seed) {
  ctx->scalar[NAME_SCALAR_SEED] = (double)(seed & UINT64_C(0x1fffffffffffff));
  ctx->scalar[NAME_SCALAR_PASS] = 0;
}

/* With new parameters training begins anew: no momentum, the network's learning rate. */
static void NAME_restart(NAME *ctx, uint64_t seed) {
  ctx->samples = 0;
  memcpy(ctx->scalar, NAME_scalars, sizeof ctx->scalar);
  NAME_take_seed(ctx, seed);
  if (ctx->state) memset(ctx->state, 0, NAME_STATE_BYTES);
}

static void NAME_take_training(NAME *ctx, const NAME_memory *memory) {
  ctx->grads = (unsigned char *)memory->grads;
  ctx->state = (unsigned char *)memory->state;
  ctx->kept = ctx->work + NAME_WORK_BYTES(ctx->threads);
  ctx->sum = ctx->kept + NAME_KEPT_BYTES;
  NAME_restart(ctx, 0);
}

int NAME_backward(NAME *ctx, int n, int accumulate) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (n < 1 || n > NAME_MAX_BATCH || n != ctx->samples) return NAME_E_BATCH;
  if (accumulate) memcpy(ctx->sum, ctx->grads, NAME_GRADS_BYTES);
  NAME_run_backward(ctx, n);
  if (accumulate) {
    float *grads = (float *)(void *)ctx->grads;
    const float *sum = (const float *)(const void *)ctx->sum;
    for (size_t i = 0; i < NAME_GRADS_BYTES / sizeof(float); i++) grads[i] += sum[i];
  }
  return NAME_OK;
}

int NAME_step(NAME *ctx) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  NAME_run_step(ctx);
  ctx->samples = 0;
  NAME_mark(ctx, NAME_STALE);
  return NAME_OK;
}

int NAME_set_seed(NAME *ctx, uint64_t seed) {
  if (!ctx) return NAME_E_NULL;
  ctx->samples = 0;
  NAME_take_seed(ctx, seed);
  return NAME_OK;
}

int NAME_set_lr(NAME *ctx, float lr) {
  if (!ctx) return NAME_E_NULL;
  ctx->scalar[NAME_SCALAR_LR] = (double)lr;
  return NAME_OK;
}

int NAME_get_grad(const NAME *ctx, int index, float *values) {
  if (!ctx || !values) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (index < 0 || index >= NAME_PARAM_COUNT) return NAME_E_RANGE;
  size_t first = NAME_grad_first[index], size = NAME_params[index].size;
  if (first > NAME_GRADS || size > NAME_GRADS - first) return NAME_E_RANGE;
  memcpy(values, (const float *)(const void *)ctx->grads + first, size * sizeof(float));
  return NAME_OK;
}

/* ---- checkpoints: a header, the scalars, the parameters as loaded, the optimiser's state ---- */

static const char NAME_checkpoint_magic[8] = {'C', 'N', 'N', 'C', 'C', 'K', 'P', '\n'};

size_t NAME_checkpoint_size(const NAME *ctx) {
  (void)ctx;
  return NAME_CHECKPOINT_BYTES;
}

int NAME_checkpoint_save(const NAME *ctx, void *bytes, size_t size) {
  unsigned char *at = (unsigned char *)bytes;
  NAME_header header;
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!ctx->grads || size < NAME_CHECKPOINT_BYTES) return NAME_E_MEMORY;
  if (!NAME_is_loaded(ctx->header)) return NAME_E_WEIGHTS;
  memset(&header, 0, sizeof header);
  memcpy(header.magic, NAME_checkpoint_magic, sizeof NAME_checkpoint_magic);
  header.version = NAME_FORMAT;
  header.hash = NAME_HASH;
  header.size = NAME_CHECKPOINT_BYTES;
  memcpy(at, &header, sizeof header);
  memset(at + sizeof header, 0, NAME_SCALAR_BYTES);
  memcpy(at + sizeof header, ctx->scalar, sizeof ctx->scalar);
  memcpy(at + sizeof header + NAME_SCALAR_BYTES, ctx->params, NAME_RAW_BYTES);
  memcpy(at + sizeof header + NAME_SCALAR_BYTES + NAME_RAW_BYTES, ctx->state, NAME_STATE_BYTES);
  return NAME_OK;
}

int NAME_checkpoint_restore(NAME *ctx, const void *bytes, size_t size) {
  const unsigned char *at = (const unsigned char *)bytes;
  NAME_header header;
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (size < NAME_CHECKPOINT_BYTES) return NAME_E_WEIGHTS;
  memcpy(&header, at, sizeof header);
  if (memcmp(header.magic, NAME_checkpoint_magic, sizeof NAME_checkpoint_magic) != 0 ||
      header.version != NAME_FORMAT || header.hash != NAME_HASH ||
      header.size != NAME_CHECKPOINT_BYTES)
    return NAME_E_WEIGHTS;
  memcpy(ctx->scalar, at + sizeof header, sizeof ctx->scalar);
  memcpy(ctx->params, at + sizeof header + NAME_SCALAR_BYTES, NAME_RAW_BYTES);
  memcpy(ctx->state, at + sizeof header + NAME_SCALAR_BYTES + NAME_RAW_BYTES, NAME_STATE_BYTES);
  ctx->samples = 0;
  NAME_mark(ctx, NAME_STALE);
  return NAME_OK;
}
