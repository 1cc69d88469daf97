static int NAME_check_params(const NAME_memory *memory) {
  if (!memory->params) return NAME_E_NULL;
  if (!NAME_aligned(memory->params)) return NAME_E_ALIGN;
  if (memory->params_bytes < NAME_PARAMS_BYTES) return NAME_E_WEIGHTS;
  return NAME_is_loaded((const unsigned char *)memory->params) ? NAME_OK : NAME_E_WEIGHTS;
}

static void NAME_take_params(NAME *ctx, const NAME_memory *memory) {
  ctx->header = (const unsigned char *)memory->params;
  ctx->params = ctx->header + sizeof(NAME_header);
  ctx->derived = ctx->params + NAME_RAW_BYTES;
}
