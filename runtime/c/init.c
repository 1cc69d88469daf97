int NAME_init(NAME *ctx, const NAME_memory *memory, int threads) {
  if (!ctx || !memory || !memory->work) return NAME_E_NULL;
  if (memory->hash != NAME_HASH) return NAME_E_HASH;
  if (threads < 1 || threads > NAME_MAX_THREADS) return NAME_E_RANGE;
  if (!NAME_aligned(memory->work)) return NAME_E_ALIGN;
  if (memory->work_bytes < NAME_WORK_BYTES(threads)) return NAME_E_MEMORY;
  if (!NAME_cpu()) return NAME_E_CPU;
  int status = NAME_check_params(memory);
#ifdef NAME_TRAIN_WORK_BYTES
  if (!status) status = NAME_check_training(memory, NAME_TRAIN_WORK_BYTES(threads));
#endif
  if (status) return status;
  ctx->parallel = NULL;
  ctx->user = NULL;
  ctx->threads = threads;
#ifdef NAME_KERNELS
  ctx->profile = NULL;
#endif
  NAME_take_params(ctx, memory);
  ctx->work = (unsigned char *)memory->work;
#ifdef NAME_TRAIN_WORK_BYTES
  NAME_take_training(ctx, memory);
#endif
  return NAME_OK;
}
