/* A checkpoint is all that training is at: parameters, the optimiser's state, its step and learning
 * rate; what is restored goes on with the same bits. It has NAME_CHECKPOINT_BYTES, which
 * NAME_checkpoint_size returns as well (NAME_E_MEMORY if `size` is less), and fits this very source
 * only (NAME_E_WEIGHTS). */
size_t NAME_checkpoint_size(const NAME *ctx);
int NAME_checkpoint_save(const NAME *ctx, void *bytes, size_t size NAME_stream);
int NAME_checkpoint_restore(NAME *ctx, const void *bytes, size_t size NAME_stream);
