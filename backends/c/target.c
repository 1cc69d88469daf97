/* target.c - the machines that run emitted C. One row each: the width of its vectors and the
 * numbers that estimates are made of (measured on one core of a Zen 4 at 3.7 GHz; see Machine). */
#include "backend.h"

/* Bytes and bytes per second that the rows share: one core's caches, one core's share of memory. */
#define CACHES                                                                                     \
  .cores = 2, .l1 = 32e3, .l2 = 1e6, .l3 = 32e6, .l2_bandwidth = 116e9, .l3_bandwidth = 84e9,      \
  .dram_bandwidth = 27e9, .launch = 2e-6

const Target target_avx512 = {
    .name = "avx512",
    .language = "c",
    .doc = "x86-64 with AVX-512F: 16 lanes, 32 registers",
    .lanes = 16,
    .registers = 32,
    .simd = "c/simd_avx512.h",
    .attribute = "avx512f,fma",
    .cpu = "__builtin_cpu_supports(\"avx512f\")",
    .machine = {.flops = 117e9, CACHES},
};

const Target target_avx2 = {
    .name = "avx2",
    .language = "c",
    .doc = "x86-64 with AVX2 and FMA: 8 lanes, 16 registers",
    .lanes = 8,
    .registers = 16,
    .simd = "c/simd_avx2.h",
    .attribute = "avx2,fma",
    .cpu = "__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\")",
    .machine = {.flops = 110e9, CACHES},
};

const Target target_generic = {
    .name = "generic",
    .language = "c",
    .doc = "any C99 compiler and CPU: scalar code",
    .lanes = 1,
    .registers = 16,
    .simd = "c/simd_generic.h",
    .machine = {.flops = 6e9, CACHES},
};
