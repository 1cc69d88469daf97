/* ---- training ----
 * A context trains if NAME_init got grads, state and NAME_TRAIN_WORK_BYTES(threads) of work;
 * otherwise these functions answer NAME_E_MEMORY. NAME_init, NAME_init_params and NAME_load begin
 * anew: gradients and the optimiser's state are zero, the learning rate the network's. */
