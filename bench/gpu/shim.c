/* shim.c - what Python cannot read from the header of an emitted library with prefix `net`: sizes,
 * the context, the parameters; with -DTRAIN of one that trains. All else it calls by itself.
 *
 *   nvcc -shared -Xcompiler -fPIC -DHEADER='"nets/lenet5_b1_f32.h"' shim.c nets/lenet5_b1_f32.cu
 *        -o lenet5_b1_f32.so */
#include <stdlib.h>
#include HEADER

static net context;

/* Bytes of device memory: of weights, work, gradients, the optimiser's state. */
size_t shim_bytes(int which) {
#ifdef TRAIN
  const size_t bytes[] = {net_DEVICE_PARAMS_BYTES, net_TRAIN_WORK_BYTES, net_GRADS_BYTES,
                          net_STATE_BYTES};
#else
  const size_t bytes[] = {net_DEVICE_PARAMS_BYTES, net_WORK_BYTES, 0, 0};
#endif
  return bytes[which];
}

/* A context with seeded parameters, on their way to the device; 0 or the library's error. */
int shim_open(void *weights, void *work, void *grads, void *state, uint64_t seed, void *stream) {
  net_memory memory = {.hash = net_HASH};
  memory.params_bytes = net_PARAMS_BYTES;
  memory.params =
      aligned_alloc(net_ALIGN, (net_PARAMS_BYTES + net_ALIGN - 1) / net_ALIGN * net_ALIGN);
  memory.device_params = weights;
  memory.device_params_bytes = shim_bytes(0);
  memory.work = work;
  memory.work_bytes = shim_bytes(1);
#ifdef TRAIN
  memory.grads = grads;
  memory.grads_bytes = shim_bytes(2);
  memory.state = state;
  memory.state_bytes = shim_bytes(3);
#else
  (void)grads, (void)state;
#endif
  int status = net_init(&context, &memory);
  if (!status) status = net_init_params(&context, seed);
  return status ? status : net_upload(&context, stream);
}

void *shim_context(void) {
  return &context;
}

int shim_param_count(void) {
  return net_PARAM_COUNT;
}

const char *shim_param_name(int i) {
  return net_params[i].name;
}

/* Extents of a parameter into dim[8]; how many. */
int shim_param_shape(int i, size_t dim[8]) {
  for (int d = 0; d < net_params[i].rank; d++) dim[d] = net_params[i].dim[d];
  return net_params[i].rank;
}
