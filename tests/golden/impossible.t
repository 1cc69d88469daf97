# A class that is impossible, its logit minus infinity, leaves the loss of another one finite.
@ net.json
{ "name": "impossible", "input": { "shape": [4] }, "layers": [{ "op": "relu" }, { "op": "log" }],
  "loss": { "op": "cross_entropy" }, "optimizer": { "op": "sgd", "lr": 0.1 } }
@ test.c
#include <stdio.h>
#include <stdlib.h>
#include "net.h"
static void *memory_of(size_t bytes) { return aligned_alloc(impossible_ALIGN, (bytes + 64) / 64 * 64); }
int main(void) {
  static const float x[4] = {1, -1, 2, 3};
  static const int label = 3;
  float loss = -1;
  impossible net;
  impossible_memory m = {.hash = impossible_HASH,
                         .params = memory_of(impossible_PARAMS_BYTES), .params_bytes = impossible_PARAMS_BYTES,
                         .work = memory_of(impossible_TRAIN_WORK_BYTES(1)), .work_bytes = impossible_TRAIN_WORK_BYTES(1),
                         .grads = memory_of(impossible_GRADS_BYTES), .grads_bytes = impossible_GRADS_BYTES,
                         .state = memory_of(impossible_STATE_BYTES), .state_bytes = impossible_STATE_BYTES};
  int status = impossible_init(&net, &m, 1);
  if (!status) status = impossible_init_params(&net, 1);
  if (!status) status = impossible_train_forward(&net, 1, x, &label, &loss);
  printf("%s: %.5f\n", impossible_strerror(status), (double)loss);
  return status;
}
$ cnnc net.json --train --target generic -o net.c && cc -std=c11 -O1 test.c net.c -o test -lm && ./test
no error: 0.69315
= 0
