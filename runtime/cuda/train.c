/* ---- training: what every call is told lies in ctx->scalar, on the device; behind it the learning
 * rate before its schedule ---- */

enum { NAME_BASE_LR = sizeof NAME_scalars / sizeof *NAME_scalars, NAME_NUMBERS };

/* With new parameters training begins anew, when they are uploaded. */
static void NAME_restart(NAME *ctx, uint64_t seed) {
  ctx->samples = ctx->passes = ctx->updating = 0;
  ctx->least = DBL_MAX;
  ctx->waited = 0;
  memcpy(ctx->begin, NAME_scalars, sizeof NAME_scalars);
  ctx->begin[NAME_SCALAR_SEED] = NAME_seed_number(seed);
  ctx->begin[NAME_SCALAR_PASS] = 0;
  ctx->begin[NAME_BASE_LR] = NAME_LR;
  ctx->fresh = 1;
}

static void NAME_take_training(NAME *ctx, const NAME_memory *memory) {
  ctx->grads = (unsigned char *)memory->grads;
  ctx->state = (unsigned char *)memory->state;
  ctx->scalar = ctx->state ? (double *)(void *)(ctx->state + NAME_STATE_RAW_BYTES) : NULL;
  ctx->kept = ctx->work + NAME_WORK_BYTES;
  ctx->sum = ctx->kept + NAME_KEPT_BYTES;
  ctx->bucket = NULL;
  NAME_restart(ctx, 0);
}

/* What NAME_upload does for training. */
static int NAME_upload_training(NAME *ctx, void *stream) {
  if (!ctx->grads || !ctx->fresh) return NAME_OK;
  if (cudaMemsetAsync(ctx->state, 0, NAME_STATE_RAW_BYTES, (cudaStream_t)stream) != cudaSuccess ||
      cudaMemsetAsync(ctx->grads, 0, NAME_GRADS_BYTES, (cudaStream_t)stream) != cudaSuccess ||
      cudaMemcpyAsync(ctx->scalar, ctx->begin, NAME_NUMBERS * sizeof(double),
                      cudaMemcpyHostToDevice, (cudaStream_t)stream) != cudaSuccess)
    return NAME_E_DEVICE;
  ctx->fresh = 0;
  return NAME_OK;
}

/* ---- kernels of one thread: numbers that change from step to step ---- */

static __global__ void NAME_device_pass(double *scalar, int batch) {
  scalar[NAME_SCALAR_N] = (double)batch;
  scalar[NAME_SCALAR_PASS] += 1;
}

static __global__ void NAME_device_step(double *scalar, NAME_rule rule) {
  const double step = scalar[NAME_SCALAR_STEP] + 1;
  scalar[NAME_SCALAR_STEP] = step;
  scalar[NAME_SCALAR_LR] = scalar[NAME_BASE_LR] * NAME_factor(&rule, step);
  scalar[NAME_SCALAR_UNBIAS1] = NAME_unbias(rule.beta1, step);
  scalar[NAME_SCALAR_UNBIAS2] = sqrt(NAME_unbias(rule.beta2, step));
}

static __global__ void NAME_device_seed(double *scalar, double seed) {
  scalar[NAME_SCALAR_SEED] = seed;
  scalar[NAME_SCALAR_PASS] = 0;
}

/* The learning rate becomes `times` of what it is, plus `more`; `least` bounds a fall. */
static __global__ void NAME_device_lr(double *scalar, double times, double more, double least) {
  const double was = scalar[NAME_BASE_LR], lr = was * times + more;
  const double bound = was < least ? was : least;
  scalar[NAME_BASE_LR] = lr < bound ? bound : lr;
}

/* ---- entries ---- */

static int NAME_run_backward(NAME *ctx, int n NAME_gradients, void *stream);
static int NAME_run_step(NAME *ctx, void *stream);

#if NAME_BUCKETS > 0
static __global__ void NAME_device_add(float *grads, const float *sum, int count) {
  const int stride = (int)gridDim.x * (int)blockDim.x;
  for (int i = (int)blockIdx.x * (int)blockDim.x + (int)threadIdx.x; i < count; i += stride)
    grads[i] += sum[i];
}

/* Gradients [first, first + count) are complete when the stream has done what is in it. */
static int NAME_hand_over(NAME *ctx, int first, int count, void *stream) {
  if (first < 0 || first > NAME_GRADS || count < 0 || count > NAME_GRADS - first)
    return NAME_E_RANGE;
  float *grads = (float *)(void *)ctx->grads + first;
  const float *sum = (const float *)(const void *)ctx->sum + first;
  if (ctx->adding && CNNC_LAUNCH(NAME_device_add, count, stream, grads, sum, count))
    return NAME_E_DEVICE;
  if (NAME_is_told(ctx)) ctx->bucket(ctx->user, (size_t)first, (size_t)count);
  return NAME_OK;
}
#endif

int NAME_backward(NAME *ctx, int n, int accumulate NAME_gradients, void *stream) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (n < 1 || n > NAME_MAX_BATCH || n != ctx->samples) return NAME_E_BATCH;
  if (accumulate && cudaMemcpyAsync(ctx->sum, ctx->grads, NAME_GRADS_BYTES, cudaMemcpyDeviceToDevice,
                                    (cudaStream_t)stream) != cudaSuccess)
    return NAME_E_DEVICE;
  ctx->adding = accumulate != 0;
  int status = NAME_run_backward(ctx, n NAME_gradient_names, stream);
  if (!status) ctx->passes = NAME_passes(ctx);
  return status;
}

/* What the updates of the next step are told. */
static int NAME_begin_step(NAME *ctx, void *stream) {
  return CNNC_START(NAME_device_step, 1, 1, stream, ctx->scalar, NAME_optimizer) ? NAME_E_DEVICE
                                                                                 : NAME_OK;
}

int NAME_step(NAME *ctx, void *stream) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (!ctx->uploaded) return NAME_E_WEIGHTS;
  if (ctx->passes == 0) return NAME_E_BATCH;
  int status = ctx->updating ? NAME_OK : NAME_begin_step(ctx, stream);
  if (status) return status;
  ctx->samples = ctx->passes = 0;
  status = NAME_run_step(ctx, stream);
  return status ? status : NAME_derive(ctx, stream);
}

int NAME_download(NAME *ctx, void *stream) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->uploaded) return NAME_E_WEIGHTS;
  return cudaMemcpyAsync(ctx->params, ctx->device_params, NAME_RAW_BYTES, cudaMemcpyDeviceToHost,
                         (cudaStream_t)stream) == cudaSuccess
             ? NAME_OK
             : NAME_E_DEVICE;
}

int NAME_set_seed(NAME *ctx, uint64_t seed, void *stream) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  ctx->samples = 0;
  return CNNC_START(NAME_device_seed, 1, 1, stream, ctx->scalar, NAME_seed_number(seed))
             ? NAME_E_DEVICE
             : NAME_OK;
}

int NAME_set_lr(NAME *ctx, float lr, void *stream) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  return CNNC_START(NAME_device_lr, 1, 1, stream, ctx->scalar, 0.0, (double)lr, (double)lr)
             ? NAME_E_DEVICE
             : NAME_OK;
}

int NAME_report(NAME *ctx, float metric, void *stream) {
  if (!ctx) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (NAME_on_plateau(ctx, (double)metric) &&
      CNNC_START(NAME_device_lr, 1, 1, stream, ctx->scalar, NAME_optimizer.gamma, 0.0,
                 NAME_LR * NAME_optimizer.floor))
    return NAME_E_DEVICE;
  return NAME_OK;
}

int NAME_get_grad(const NAME *ctx, int index, float *values, void *stream) {
  if (!ctx || !values) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (index < 0 || index >= NAME_PARAM_COUNT) return NAME_E_RANGE;
  size_t first = NAME_grad_first[index], size = NAME_params[index].size;
  if (first > NAME_GRADS || size > NAME_GRADS - first) return NAME_E_RANGE;
  return cudaMemcpyAsync(values, (const float *)(const void *)ctx->grads + first,
                         size * sizeof(float), cudaMemcpyDeviceToHost,
                         (cudaStream_t)stream) == cudaSuccess
             ? NAME_OK
             : NAME_E_DEVICE;
}

/* ---- checkpoints: numbers of the device, then of the host ---- */

typedef struct NAME_progress { /* of the host, behind the numbers of the device */
  double least, waited;
  int64_t passes;
} NAME_progress;

int NAME_checkpoint_save(const NAME *ctx, void *bytes, size_t size, void *stream) {
  unsigned char *at = (unsigned char *)bytes;
  const cudaStream_t in = (cudaStream_t)stream;
  NAME_progress progress;
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!ctx->grads || size < NAME_CHECKPOINT_BYTES) return NAME_E_MEMORY;
  if (!ctx->uploaded) return NAME_E_WEIGHTS;
  memset(&progress, 0, sizeof progress);
  progress.least = ctx->least;
  progress.waited = ctx->waited;
  progress.passes = ctx->passes;
  NAME_checkpoint_begin(at);
  memcpy(at + NAME_NUMBERS_AT + NAME_NUMBERS * sizeof(double), &progress, sizeof progress);
  if (cudaMemcpyAsync(at + NAME_NUMBERS_AT, ctx->scalar, NAME_NUMBERS * sizeof(double),
                      cudaMemcpyDeviceToHost, in) != cudaSuccess ||
      cudaMemcpyAsync(at + NAME_RAW_AT, ctx->device_params, NAME_RAW_BYTES, cudaMemcpyDeviceToHost,
                      in) != cudaSuccess ||
      cudaMemcpyAsync(at + NAME_STATE_AT, ctx->state, NAME_STATE_RAW_BYTES, cudaMemcpyDeviceToHost,
                      in) != cudaSuccess ||
      cudaMemcpyAsync(at + NAME_SUM_AT, ctx->grads, NAME_SUM_BYTES, cudaMemcpyDeviceToHost, in) !=
          cudaSuccess)
    return NAME_E_DEVICE;
  return NAME_OK;
}

int NAME_checkpoint_restore(NAME *ctx, const void *bytes, size_t size, void *stream) {
  const unsigned char *at = (const unsigned char *)bytes;
  const cudaStream_t in = (cudaStream_t)stream;
  NAME_progress progress;
  if (!ctx || !bytes) return NAME_E_NULL;
  if (!ctx->grads) return NAME_E_MEMORY;
  if (!NAME_is_checkpoint(at, size)) return NAME_E_WEIGHTS;
  memcpy(&progress, at + NAME_NUMBERS_AT + NAME_NUMBERS * sizeof(double), sizeof progress);
  memcpy(ctx->params, at + NAME_RAW_AT, NAME_RAW_BYTES);
  NAME_mark(ctx, NAME_READY);
  ctx->least = progress.least;
  ctx->waited = progress.waited;
  ctx->passes = NAME_SUM_BYTES ? (int)progress.passes : 0;
  ctx->samples = ctx->fresh = ctx->uploaded = 0;
  if (cudaMemcpyAsync(ctx->scalar, at + NAME_NUMBERS_AT, NAME_NUMBERS * sizeof(double),
                      cudaMemcpyHostToDevice, in) != cudaSuccess ||
      cudaMemcpyAsync(ctx->device_params, at + NAME_RAW_AT, NAME_RAW_BYTES, cudaMemcpyHostToDevice,
                      in) != cudaSuccess ||
      cudaMemcpyAsync(ctx->state, at + NAME_STATE_AT, NAME_STATE_RAW_BYTES, cudaMemcpyHostToDevice,
                      in) != cudaSuccess ||
      cudaMemcpyAsync(ctx->grads, at + NAME_SUM_AT, NAME_SUM_BYTES, cudaMemcpyHostToDevice, in) !=
          cudaSuccess)
    return NAME_E_DEVICE;
  ctx->uploaded = 1;
  return NAME_derive(ctx, stream);
}
