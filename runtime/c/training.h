/* Computes the loss of n samples, as training sees them, and keeps what NAME_backward needs. Until
 * that is done, the arrays must stay as they are and no parameter may change. */
int NAME_train_forward(NAME *ctx, int n NAME_train_arguments NAME_stream);
/* Computes the gradients of that loss by all parameters, of the same n samples; accumulate: adds them
 * to the gradients that are there. NAME_E_BATCH if no NAME_train_forward of n samples came before,
 * after the last NAME_step. */
int NAME_backward(NAME *ctx, int n, int accumulate NAME_gradients NAME_stream);
