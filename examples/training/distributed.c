/* distributed.c - LeNet-5 learns MNIST in several processes (MPI): each takes a part of every
 * batch; gradients are added up as they become complete, while the rest of backward is computed.
 *
 *   mpirun -n 2 distributed DATA STEPS
 *
 * All processes print the same hash of their parameters. */
#include <mpi.h>

#include "lenet5.h"
#include "mnist.h"

enum { MOST_PARTS = 64 };

typedef struct Exchange {
  float *grads;
  MPI_Request request[MOST_PARTS];
  int pending;
} Exchange;

/* A part of the gradients is complete: its sum over all processes begins. */
static void begin_sum(void *user, size_t first, size_t count) {
  Exchange *e = user;
  must(e->pending == MOST_PARTS, "too many parts");
  MPI_Iallreduce(MPI_IN_PLACE, e->grads + first, (int)count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD,
                 &e->request[e->pending++]);
}

static void finish_sums(Exchange *e, int processes) {
  MPI_Waitall(e->pending, e->request, MPI_STATUSES_IGNORE);
  e->pending = 0;
  for (size_t i = 0; i < lenet5_GRADS_BYTES / sizeof(float); i++) e->grads[i] /= (float)processes;
}

static uint64_t hash(const lenet5 *net) {
  uint64_t sum = 1469598103934665603u;
  for (int p = 0; p < lenet5_PARAM_COUNT; p++) {
    size_t bytes = lenet5_params[p].size * sizeof(float);
    unsigned char *values = memory_of(bytes);
    must(lenet5_get_param(net, p, (float *)(void *)values), "get_param");
    for (size_t i = 0; i < bytes; i++) sum = (sum ^ values[i]) * 1099511628211u;
    free(values);
  }
  return sum;
}

int main(int argc, char **argv) {
  lenet5 net;
  static Exchange exchange;
  int rank, processes;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &processes);
  must(argc != 3, "distributed DATA STEPS");
  Digits d = digits_read(argv[1], "train", 60000);
  lenet5_memory memory = {.hash = lenet5_HASH,
                          .params = memory_of(lenet5_PARAMS_BYTES),
                          .params_bytes = lenet5_PARAMS_BYTES,
                          .work = memory_of(lenet5_TRAIN_WORK_BYTES(1)),
                          .work_bytes = lenet5_TRAIN_WORK_BYTES(1),
                          .grads = exchange.grads = memory_of(lenet5_GRADS_BYTES),
                          .grads_bytes = lenet5_GRADS_BYTES,
                          .state = memory_of(lenet5_STATE_BYTES),
                          .state_bytes = lenet5_STATE_BYTES};
  must(lenet5_init(&net, &memory, 1) || lenet5_init_params(&net, 1), "init");
  net.bucket = begin_sum;
  net.user = &exchange;
  const int batch = lenet5_MAX_BATCH, steps = atoi(argv[2]);
  for (int step = 0; step < steps; step++) {
    const int at = (step * processes + rank) * batch % (d.n - batch);
    float loss;
    must(lenet5_train_forward(&net, batch, d.x + at * PIXELS, d.label + at, &loss),
         "train_forward");
    must(lenet5_backward(&net, batch, 0), "backward");
    finish_sums(&exchange, processes);
    must(lenet5_step(&net), "step");
    if (step == 0 || step == steps - 1)
      printf("process %d, step %d: loss %.4f\n", rank, step + 1, (double)loss);
  }
  printf("process %d of %d: parameters %016llx\n", rank, processes, (unsigned long long)hash(&net));
  MPI_Finalize();
  return 0;
}
