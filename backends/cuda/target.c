/* target.c - the machines that run emitted CUDA. One row each: the compute capability that nvcc is
 * to build for, and the numbers that estimates are made of. The whole device counts as one core. */
#include "cost.h"
#include "file.h"
#include "gemm.h"

/* Plain loops, not blocks of threads for each point. */
static bool cuda_updates(const Plan *p, const Kernel *k) {
  (void)p;
  return k->tile.n == 0;
}

#define CUDA_TARGET                                                                                \
  .language = &language_cuda, .lanes = 1, .registers = 255, .tile = cuda_pick_tile,                \
  .share = cuda_share, .sums = columns_runs, .refuses_tile = cuda_refuses_tile, .time = cuda_time,    \
  .updates = cuda_updates

const Target target_sm_80 = {
    CUDA_TARGET,
    .name = "sm_80",
    .capability = 80,
    .doc = "NVIDIA Ampere (A100) and later",
    .machine = {.name = "A100",
                .cores = 1,
                .flops = 19.5e12,
                .l1 = 192e3,
                .l2 = 40e6,
                .l3 = 40e6,
                .l2_bandwidth = 5e12,
                .l3_bandwidth = 5e12,
                .dram_bandwidth = 1.5e12,
                .launch = 3e-6,
                .units = 108,
                .tensor_flops = 312e12},
};

#define HOPPER                                                                                     \
  .name = "H100", .cores = 1, .flops = 67e12, .l1 = 256e3, .l2 = 50e6, .l3 = 50e6,                 \
  .l2_bandwidth = 7e12, .l3_bandwidth = 7e12, .dram_bandwidth = 4.3e12, .launch = 3e-6,            \
  .units = 132, .tensor_flops = 620e12 /* by mma.sync */

const Target target_sm_90 = {
    CUDA_TARGET,
    .name = "sm_90",
    .capability = 90,
    .doc = "NVIDIA Hopper (H100, H200) and later",
    .machine = {HOPPER, .wgmma_flops = 0},
};

const Target target_sm_90a = {
    CUDA_TARGET,
    .name = "sm_90a",
    .capability = 90,
    .boxes = true,
    .doc = "NVIDIA Hopper only (H100, H200), with wgmma",
    .machine = {HOPPER, .wgmma_flops = 990e12},
};
