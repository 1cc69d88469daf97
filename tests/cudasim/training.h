/* training.h - the program around a library that trains. NET is its prefix; INPUT, CLASSES: sizes
 * of a sample and of its prediction; MOST: the largest parameter. Written are, per step: loss,
 * gradients, gradients accumulated (first step), parameters. */
#include "program.h"

#define JOIN_(a, b) a##_##b
#define JOIN(a, b)  JOIN_(a, b)
#define NET_(name)  JOIN(NET, name)

enum { SEED = 5, STEPS = 5 };

static float values[MOST];
static const float *x;
static const int *target;
static float *loss;

static int gradients(NET *net) {
  for (int i = 0; i < NET_(PARAM_COUNT); i++) {
    int status = NET_(get_grad)(net, i, values, NULL);
    if (status == NET_(E_RANGE)) continue;
    if (status) return status;
    cudaDeviceSynchronize();
    to_file(values, NET_(params)[i].size);
  }
  return 0;
}

static int parameters(NET *net) {
  int status = NET_(download)(net, NULL);
  cudaDeviceSynchronize();
  for (int i = 0; i < NET_(PARAM_COUNT); i++) {
    status |= NET_(get_param)(net, i, values);
    to_file(values, NET_(params)[i].size);
  }
  return status;
}

static int apart(NET *net, int n) {
  int status = NET_(train_forward)(net, n, x, target, loss, NULL);
  status |= NET_(backward)(net, n, 0, NULL);
  received(loss, 1);
  status |= gradients(net) | NET_(backward)(net, n, 1, NULL) | gradients(net);
  status |= NET_(backward)(net, n, 0, NULL) | NET_(step)(net, NULL) | parameters(net);
  return status | (NET_(backward)(net, n, 0, NULL) != NET_(E_BATCH));
}

/* A step at once and the same one in its parts are equal in every bit. */
static int together(NET *net, int n) {
  static unsigned char saved[NET_(CHECKPOINT_BYTES)], parts[NET_(CHECKPOINT_BYTES)],
      once[NET_(CHECKPOINT_BYTES)];
  int status = NET_(checkpoint_save)(net, saved, sizeof saved, NULL);
  status |= NET_(train_forward)(net, n, x, target, loss, NULL);
  status |= NET_(backward)(net, n, 0, NULL);
  received(loss, 1);
  status |= gradients(net) | NET_(step)(net, NULL);
  status |= NET_(checkpoint_save)(net, parts, sizeof parts, NULL);
  cudaDeviceSynchronize();
  status |= NET_(checkpoint_restore)(net, saved, sizeof saved, NULL);
  status |= NET_(train_step)(net, n, x, target, loss, NULL);
  status |= NET_(checkpoint_save)(net, once, sizeof once, NULL);
  cudaDeviceSynchronize();
  return status | parameters(net) | (memcmp(parts, once, sizeof once) != 0);
}

static size_t handed;

static void count_values(void *user, size_t first, size_t count) {
  *static_cast<size_t *>(user) += count + 0 * first;
}

/* Every gradient is handed over once. */
static int told(NET *net, int n) {
  net->bucket = count_values;
  net->user = &handed;
  int status = NET_(train_step)(net, n, x, target, loss, NULL);
  net->bucket = NULL;
  return status | (handed != NET_(GRADS_BYTES) / sizeof(float));
}

/* One more step, and the same one from a checkpoint, are equal in every bit. */
static int resumed(NET *net, int n) {
  static unsigned char saved[NET_(CHECKPOINT_BYTES)], once[NET_(CHECKPOINT_BYTES)],
      again[NET_(CHECKPOINT_BYTES)];
  int status = NET_(checkpoint_save)(net, saved, sizeof saved, NULL);
  cudaDeviceSynchronize();
  status |= NET_(train_step)(net, n, x, target, loss, NULL);
  status |= NET_(checkpoint_save)(net, once, sizeof once, NULL);
  status |= NET_(train_step)(net, n, x, target, loss, NULL);
  status |= NET_(checkpoint_restore)(net, saved, sizeof saved, NULL);
  status |= NET_(train_step)(net, n, x, target, loss, NULL);
  status |= NET_(checkpoint_save)(net, again, sizeof again, NULL);
  cudaDeviceSynchronize();
  return status | (memcmp(once, again, sizeof once) != 0);
}

/* Two launches of a captured step are two steps, in every bit; what was not begun cannot end. */
static int captured(NET *net, int n) {
  static unsigned char saved[NET_(CHECKPOINT_BYTES)], once[NET_(CHECKPOINT_BYTES)],
      again[NET_(CHECKPOINT_BYTES)];
  int own;
  void *stream = &own, *graph = NULL;
  int status = NET_(checkpoint_save)(net, saved, sizeof saved, NULL);
  for (int i = 0; i < 2; i++) status |= NET_(train_step)(net, n, x, target, loss, NULL);
  status |= NET_(checkpoint_save)(net, once, sizeof once, NULL);
  cudaDeviceSynchronize();
  status |= NET_(checkpoint_restore)(net, saved, sizeof saved, NULL) | NET_(graph_begin)(stream);
  status |= NET_(train_step)(net, n, x, target, loss, stream) | NET_(graph_end)(stream, &graph);
  for (int i = 0; i < 2; i++) status |= NET_(graph_launch)(graph, stream);
  status |= NET_(checkpoint_save)(net, again, sizeof again, NULL) | NET_(graph_free)(graph);
  cudaDeviceSynchronize();
  status |=
      NET_(graph_begin)(NULL) != NET_(E_NULL) || NET_(graph_launch)(NULL, stream) != NET_(E_NULL);
  status |= NET_(graph_end)(stream, &graph) != NET_(E_DEVICE) || graph != NULL;
  return status | (memcmp(once, again, sizeof once) != 0);
}

/* Without a learning rate only statistics change; another seed drops other elements. */
static int frozen(NET *net, int n) {
  static float before[NET_(PARAMS_BYTES) / 4];
  float *at = before;
  int status =
      NET_(set_lr)(net, 0, NULL) | NET_(set_seed)(net, 9, NULL) | NET_(report)(net, 1, NULL);
  status |= NET_(download)(net, NULL);
  cudaDeviceSynchronize();
  for (int i = 0; i < NET_(PARAM_COUNT); at += NET_(params)[i++].size)
    status |= NET_(get_param)(net, i, at);
  status |= NET_(train_step)(net, n, x, target, loss, NULL) | NET_(download)(net, NULL);
  cudaDeviceSynchronize();
  at = before;
  for (int i = 0; i < NET_(PARAM_COUNT); at += NET_(params)[i++].size) {
    if (NET_(get_grad)(net, i, values, NULL) == NET_(E_RANGE)) continue;
    status |= NET_(get_param)(net, i, values);
    status |= memcmp(values, at, 4 * NET_(params)[i].size) != 0;
  }
  return status;
}

int main(int argc, char **argv) {
  const int n = arguments(argc, argv);
  float *images;
  int *labels;
  NET net;
  NET_(memory) m = {};
  m.hash = NET_(HASH);
  m.params = host(m.params_bytes = NET_(PARAMS_BYTES));
  m.device_params = device(m.device_params_bytes = NET_(DEVICE_PARAMS_BYTES));
  m.work = device(m.work_bytes = NET_(TRAIN_WORK_BYTES));
  m.grads = device(m.grads_bytes = NET_(GRADS_BYTES));
  m.state = device(m.state_bytes = NET_(STATE_BYTES));
  sent(&images, (size_t)n * INPUT);
  sent(&labels, (size_t)n);
  x = images;
  target = labels;
  loss = static_cast<float *>(device(sizeof *loss));
  int status = NET_(init)(&net, &m);
  if (!status) status = NET_(init_params)(&net, SEED) | NET_(upload)(&net, NULL);
  if (!status) status = apart(&net, n);
  for (int i = 1; i < STEPS && !status; i++) status = together(&net, n);
  if (!status) status = resumed(&net, n) | captured(&net, n) | frozen(&net, n) | told(&net, n);
  fclose(out);
  return status;
}
