/* ---- training ----
 * A context trains if NAME_init got grads, state and NAME_TRAIN_WORK_BYTES of work; otherwise these
 * functions answer NAME_E_MEMORY. NAME_init, NAME_init_params and NAME_load begin anew with the next
 * NAME_upload: gradients and the optimiser's state are zero, the learning rate the network's. All
 * arrays are device memory, `loss` too. Those that NAME_train_forward got must stay as they are until the stream has
 * done NAME_backward. What changes from step to step lies on the device, so a captured graph of whole
 * steps goes on with every launch. */

/* Gradients of the loss of the last NAME_train_forward, which had n samples too, by all parameters;
 * accumulate: added to the gradients that are there. NAME_E_BATCH if there was none since the last
 * NAME_step. */
int NAME_backward(NAME *ctx, int n, int accumulate, void *stream);
/* Moves the parameters on the device by the optimiser's rule, and derives what the kernels want.
 * NAME_E_BATCH if there was no NAME_backward since the last NAME_step. */
int NAME_step(NAME *ctx, void *stream);
/* Copies the parameters from the device to the host, for NAME_save and NAME_get_param, once the
 * stream has done it. To set one parameter in the midst of training: NAME_download, wait,
 * NAME_set_param, NAME_upload. */
int NAME_download(NAME *ctx, void *stream);
/* Dropout begins anew with this seed (53 bits count); NAME_init_params takes its own, NAME_load 0.
 * What is dropped depends on the seed, on how many NAME_train_forward there were, on the layer and
 * on the element. */
int NAME_set_seed(NAME *ctx, uint64_t seed, void *stream);
/* The learning rate of the steps to come, at first the network's; its schedule goes on from there. */
int NAME_set_lr(NAME *ctx, float lr, void *stream);
/* Something that should fall, now and then: a loss, a rate of errors. Where the schedule is plateau
 * and it stopped falling, the learning rate is reduced. What is no number has not fallen. */
int NAME_report(NAME *ctx, float metric, void *stream);
/* Copies the gradient of one parameter, NAME_params[index].size values, to host memory; NAME_E_RANGE
 * if it has none because it is not trained. */
int NAME_get_grad(const NAME *ctx, int index, float *values, void *stream);

/* All that training is at: parameters, the optimiser's state, its step and learning rate, in host
 * memory of NAME_CHECKPOINT_BYTES, complete once the stream has done it. What is restored goes on
 * with the same bits. Only for this very source (NAME_E_WEIGHTS). After NAME_E_DEVICE restore
 * again, or NAME_load and NAME_upload. */
size_t NAME_checkpoint_size(const NAME *ctx);
int NAME_checkpoint_save(const NAME *ctx, void *bytes, size_t size, void *stream);
int NAME_checkpoint_restore(NAME *ctx, const void *bytes, size_t size, void *stream);
