/* ---- training ----
 * A context trains if NAME_init got grads, state and NAME_TRAIN_WORK_BYTES(threads) of work;
 * otherwise these functions answer NAME_E_MEMORY. NAME_init, NAME_init_params and NAME_load begin
 * anew: gradients and the optimiser's state are zero, the learning rate the network's. Gradients
 * belong to the parameters of their forward pass: change none between NAME_train_forward and
 * NAME_backward. The arrays that NAME_train_forward got must stay as they are until NAME_backward
 * has returned. */
NAME_real NAME_lr(const NAME *ctx); /* of the next step, by the schedule */
