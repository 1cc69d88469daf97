/* Copies the gradient of one parameter, NAME_params[index].size values, as NAME_backward left it;
 * NAME_E_RANGE if there is no such parameter or it is not trained. */
int NAME_get_grad(const NAME *ctx, int index, NAME_real *values NAME_stream);

/* Several machines: while `bucket` of a context is set, NAME_backward calls it as soon as values
 * [first, first + count) of the gradients are complete, in the thread that called it, so that they
 * can be added up with those of others while the rest is computed. Gradients are one array of
 * NAME_real, which begins at memory.grads; every value is handed over once in a pass, later layers
 * first, in parts of a megabyte where there are as many. What lies there when the last part's call
 * has returned is what NAME_step takes, and NAME_train_step. */
