/* The weights are part of the code. */
static int NAME_check_params(const NAME_memory *memory) {
  (void)memory;
  return NAME_OK;
}

static void NAME_take_params(NAME *ctx, const NAME_memory *memory) {
  (void)memory;
  ctx->header = NULL;
  ctx->params = (const unsigned char *)NAME_weights;
  ctx->derived = ctx->params + NAME_RAW_BYTES;
}
