/* ---- training ----
 * A context trains if NAME_init got grads, state and NAME_TRAIN_WORK_BYTES of work; otherwise these
 * functions answer NAME_E_MEMORY. NAME_init, NAME_init_params and NAME_load begin anew with the next
 * NAME_upload: gradients and the optimiser's state are zero, the learning rate the network's. All
 * arrays are device memory, `loss` too. Those that NAME_train_forward got must stay as they are
 * until the stream has done NAME_backward. What changes from step to step lies on the device, so a
 * captured graph of whole steps goes on with every launch. Checkpoints, and what NAME_get_grad
 * copies, are host memory, complete once the stream has done it; after a NAME_E_DEVICE of
 * NAME_checkpoint_restore restore again, or NAME_load and NAME_upload. */

/* Copies the parameters from the device to the host, for NAME_save and NAME_get_param, once the
 * stream has done it. To set one parameter in the midst of training: NAME_download, wait,
 * NAME_set_param, NAME_upload. */
int NAME_download(NAME *ctx, void *stream);
