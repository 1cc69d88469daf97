/* ---- training: what does not depend on where the numbers are ---- */

static int NAME_check_training(const NAME_memory *memory, size_t work) {
  if (!memory->grads && !memory->state) return NAME_OK;
  if (!memory->grads || !memory->state) return NAME_E_NULL;
  if (!NAME_aligned(memory->grads) || !NAME_aligned(memory->state)) return NAME_E_ALIGN;
  return memory->grads_bytes < NAME_GRADS_BYTES || memory->state_bytes < NAME_STATE_BYTES ||
                 memory->work_bytes < work
             ? NAME_E_MEMORY
             : NAME_OK;
}

/* As many bits of a seed as a double holds. */
static double NAME_seed_number(uint64_t seed) {
  return (double)(seed & UINT64_C(0x1fffffffffffff));
}

/* Has what is reported not fallen for so long that a plateau reduces the learning rate? */
static int NAME_on_plateau(NAME *ctx, double value) {
  if (value < ctx->least - 1e-4 * fabs(ctx->least)) {
    ctx->least = value;
    ctx->waited = 0;
    return 0;
  }
  if (++ctx->waited <= NAME_optimizer.patience || NAME_optimizer.schedule != NAME_PLATEAU) return 0;
  ctx->waited = 0;
  return 1;
}

/* How many backward passes the gradients are of, once the one that runs is complete. */
static int NAME_passes(const NAME *ctx) {
  return ctx->adding ? ctx->passes + 1 : 1;
}

#if NAME_BUCKETS > 0
/* Is the caller told of gradients? Not while more passes are to come. */
static int NAME_is_told(const NAME *ctx) {
  return ctx->bucket && NAME_passes(ctx) >= NAME_ACCUMULATE;
}
#endif

/* ---- checkpoints: a header, numbers, the parameters as loaded, the optimiser's state, and where a
 * step takes several backward passes the gradients so far ---- */

static const char NAME_checkpoint_magic[8] = {'C', 'N', 'N', 'C', 'C', 'K', 'P', '\n'};

size_t NAME_checkpoint_size(const NAME *ctx) {
  (void)ctx;
  return NAME_CHECKPOINT_BYTES;
}

/* The header, and zeros for the numbers. */
static void NAME_checkpoint_begin(unsigned char *at) {
  NAME_header header;
  memset(&header, 0, sizeof header);
  memcpy(header.magic, NAME_checkpoint_magic, sizeof NAME_checkpoint_magic);
  header.version = NAME_FORMAT;
  header.hash = NAME_HASH;
  header.size = NAME_CHECKPOINT_BYTES;
  memset(at, 0, NAME_NUMBERS_AT + NAME_NUMBERS_BYTES);
  memcpy(at, &header, sizeof header);
}

static int NAME_is_checkpoint(const unsigned char *at, size_t size) {
  NAME_header header;
  if (size < NAME_CHECKPOINT_BYTES) return 0;
  memcpy(&header, at, sizeof header);
  return memcmp(header.magic, NAME_checkpoint_magic, sizeof NAME_checkpoint_magic) == 0 &&
         header.version == NAME_FORMAT && header.hash == NAME_HASH &&
         header.size == NAME_CHECKPOINT_BYTES;
}
