/* Copies the parameters from host memory to device_params and computes there what the kernels
 * derive from them: before the first forward, and again when they have changed. The host memory
 * must stay as it is until the stream has done this; if it is page-locked the call does not wait
 * for the copy. */
int NAME_upload(NAME *ctx, void *stream);
