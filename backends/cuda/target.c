/* target.c - the machines that run emitted CUDA. One row each: the compute capability that nvcc is
 * to build for, and the numbers that estimates are made of. The whole device counts as one core. */
#include "file.h"

/* Bytes that a kernel moves at least: every buffer it names once. */
static double bytes_of(const Plan *p, const Kernel *k) {
  double bytes = 0;
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = i < k->nin ? &k->in[i] : &k->out[i - k->nin].to;
    bytes += (double)buffer_bytes(&p->buffer.at[v->tensor], p->max_batch);
  }
  return bytes;
}

/* The roofline: arithmetic or memory, whichever takes longer, and the launch. */
static double roofline(const Plan *p, const Kernel *k) {
  const Machine *m = &p->target->machine;
  double points = 1;
  for (int l = 0; l < k->nloop; l++) points *= (double)extent_at(k->loop[l].extent, p->max_batch);
  const double compute = 2 * points / m->flops, memory = bytes_of(p, k) / m->dram_bandwidth;
  return (compute > memory ? compute : memory) + m->launch;
}

#define CUDA_TARGET .language = &language_cuda, .lanes = 1, .registers = 255, .time = roofline

const Target target_sm_80 = {
    CUDA_TARGET,
    .name = "sm_80",
    .capability = 80,
    .doc = "NVIDIA Ampere (A100) and later",
    .machine = {.cores = 1,
                .flops = 19.5e12,
                .l1 = 192e3,
                .l2 = 40e6,
                .l3 = 40e6,
                .l2_bandwidth = 5e12,
                .l3_bandwidth = 5e12,
                .dram_bandwidth = 1.5e12,
                .launch = 3e-6},
};

const Target target_sm_90 = {
    CUDA_TARGET,
    .name = "sm_90",
    .capability = 90,
    .doc = "NVIDIA Hopper (H100, H200) and later",
    .machine = {.cores = 1,
                .flops = 67e12,
                .l1 = 256e3,
                .l2 = 50e6,
                .l3 = 50e6,
                .l2_bandwidth = 7e12,
                .l3_bandwidth = 7e12,
                .dram_bandwidth = 4.3e12,
                .launch = 3e-6},
};
