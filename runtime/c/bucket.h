
/* Training on several machines: NAME_backward tells when values [first, first + count) of the
 * gradients are complete, in the thread that called it, so that they can be added up with those of
 * others while the rest is computed. Gradients are one array of NAME_real, which begins at
 * memory.grads; every value is handed over once in a pass, later layers first, in parts of a megabyte
 * where there are as many. What lies there when the last part's call has returned is what NAME_step
 * takes, and NAME_train_step. Of several passes that accumulate, take the last: leave `bucket` NULL before. Where the
 * optimiser accumulates, it is told of those passes only that complete a step. */
typedef void NAME_bucket(void *user, size_t first, size_t count);
