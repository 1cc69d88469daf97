/* Gradients of the loss of the last NAME_train_forward, which had n samples too, by all parameters;
 * accumulate: added to the gradients that are there. NAME_E_BATCH if there was none since the last
 * NAME_step. */
int NAME_backward(NAME *ctx, int n, int accumulate NAME_gradients NAME_stream);
/* Moves the parameters by the optimiser's rule; what is computed from them follows. NAME_E_BATCH if
 * there was no NAME_backward since the last NAME_step. */
int NAME_step(NAME *ctx NAME_stream);
/* Dropout begins anew with this seed (53 bits count); NAME_init_params takes its own, NAME_load 0.
 * What is dropped depends on the seed, on how many NAME_train_forward there were, on the layer and
 * on the element. */
int NAME_set_seed(NAME *ctx, uint64_t seed NAME_stream);
/* The learning rate of the steps to come, at first the network's; its schedule goes on from there. */
int NAME_set_lr(NAME *ctx, NAME_real lr NAME_stream);
/* Something that should fall, now and then: a loss, a rate of errors. Where the schedule is plateau
 * and it stopped falling, the learning rate is reduced. What is no number has not fallen. */
int NAME_report(NAME *ctx, NAME_real metric NAME_stream);
/* Copies the gradient of one parameter, NAME_params[index].size values, as NAME_backward left it;
 * NAME_E_RANGE if it has none because it is not trained. */
int NAME_get_grad(const NAME *ctx, int index, NAME_real *values NAME_stream);

/* All that training is at: parameters, the optimiser's state, its step and learning rate. What is
 * restored goes on with the same bits. NAME_CHECKPOINT_BYTES, which NAME_checkpoint_size returns as
 * well; only for this very source (NAME_E_WEIGHTS). */
size_t NAME_checkpoint_size(const NAME *ctx);
int NAME_checkpoint_save(const NAME *ctx, void *bytes, size_t size NAME_stream);
int NAME_checkpoint_restore(NAME *ctx, const void *bytes, size_t size NAME_stream);
