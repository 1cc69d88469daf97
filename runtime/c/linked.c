/* The weights are an object of the program, NAME_weights: the bytes of a file of packed weights. */
static int NAME_check_params(const NAME_memory *memory) {
  const unsigned char *packed = NAME_weights;
  (void)memory;
  if (!packed) return NAME_E_NULL;
  if (!NAME_aligned(packed)) return NAME_E_ALIGN;
  return NAME_is_loaded(packed) ? NAME_OK : NAME_E_WEIGHTS;
}

static void NAME_take_params(NAME *ctx, const NAME_memory *memory) {
  (void)memory;
  ctx->header = NAME_weights;
  ctx->params = ctx->header + sizeof(NAME_header);
  ctx->derived = ctx->params + NAME_RAW_BYTES;
}
