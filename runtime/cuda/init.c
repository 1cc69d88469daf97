int NAME_init(NAME *ctx, const NAME_memory *memory) {
  if (!ctx || !memory || !memory->work || !memory->device_params) return NAME_E_NULL;
  if (memory->hash != NAME_HASH) return NAME_E_HASH;
  if (!NAME_aligned(memory->work) || !NAME_aligned(memory->device_params)) return NAME_E_ALIGN;
  if (memory->work_bytes < NAME_WORK_BYTES) return NAME_E_MEMORY;
  if (memory->device_params_bytes < NAME_DEVICE_PARAMS_BYTES) return NAME_E_MEMORY;
  int status = NAME_check_params(memory);
#ifdef NAME_TRAIN_WORK_BYTES
  if (!status) status = NAME_check_training(memory, NAME_TRAIN_WORK_BYTES);
#endif
  if (status) return status;
  NAME_take_params(ctx, memory);
  ctx->device_params = (unsigned char *)memory->device_params;
  ctx->work = (unsigned char *)memory->work;
  ctx->uploaded = 0;
#ifdef NAME_TRAIN_WORK_BYTES
  NAME_take_training(ctx, memory);
#endif
  return NAME_OK;
}
