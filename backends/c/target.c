/* target.c - the machines that run emitted C. One row each: the width of its vectors and the
 * numbers that estimates are made of (measured on one core of a Zen 4 at 3.7 GHz; see Machine). */
#include "file.h"
#include "cost.h"

/* What the rows share: cores, bytes and bytes per second of one core's caches, one core's share of
 * memory, seconds to start a parallel step. */
#define CACHES                                                                                     \
  .cores = 2, .l1 = 32e3, .l2 = 1e6, .l3 = 32e6, .l2_bandwidth = 116e9, .l3_bandwidth = 84e9,      \
  .dram_bandwidth = 27e9, .launch = 2e-6

/* ---- does the CPU have it? ---- */

/* One condition as the text that emitted libraries ask by and as the question to this CPU. */
#if defined(__GNUC__) && defined(__x86_64__)
#define X86(name, condition)                                                                       \
  static const char cpu_##name[] = #condition;                                                     \
  static bool runs_##name(void) {                                                                  \
    __builtin_cpu_init();                                                                          \
    return condition;                                                                              \
  }
#else
#define X86(name, condition)                                                                       \
  static const char cpu_##name[] = #condition;                                                     \
  static bool runs_##name(void) {                                                                  \
    return false;                                                                                  \
  }
#endif

X86(avx512, __builtin_cpu_supports("avx512f"))
X86(avx2, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))

/* Every CPU that the row's triple names. */
static bool always(void) {
  return true;
}

/* ---- rows ---- */

#define C_TARGET                                                                                   \
  .language = &language_c, .tile = c_pick_tile, .fit_tile = c_fit_tile,                            \
  .refuses_tile = c_refuses_tile, .time = c_time, .updates = c_updates

const Target target_avx512 = {
    C_TARGET,
    .name = "avx512",
    .doc = "x86-64 with AVX-512F: 16 lanes, 32 registers",
    .lanes = 16,
    .registers = 32,
    .transform = 0.6,
    .simd = "c/simd_avx512.h",
    .triple = "x86_64-linux-gnu",
    .macro = "__amd64__",
    .attribute = "avx512f,fma",
    .cpu = cpu_avx512,
    .runs = runs_avx512,
    .machine = {.name = "Zen 4", .flops = 117e9, .fma_per_cycle = 1, CACHES},
};

const Target target_avx2 = {
    C_TARGET,
    .name = "avx2",
    .doc = "x86-64 with AVX2 and FMA: 8 lanes, 16 registers",
    .lanes = 8,
    .registers = 16,
    .transform = 0.4,
    .simd = "c/simd_avx2.h",
    .triple = "x86_64-linux-gnu",
    .macro = "__amd64__",
    .attribute = "avx2,fma",
    .cpu = cpu_avx2,
    .runs = runs_avx2,
    .machine = {.name = "Zen 4", .flops = 110e9, .fma_per_cycle = 2, CACHES},
};

const Target target_neon = {
    C_TARGET,
    .name = "neon",
    .doc = "64-bit Arm: 4 lanes, 32 registers",
    .lanes = 4,
    .registers = 32,
    .transform = 0.6,
    .simd = "c/simd_neon.h",
    .triple = "aarch64-linux-gnu",
    .macro = "__ARM_64BIT_STATE",
    .runs = always,
    .machine = {.name = "64-bit Arm, not measured", .flops = 24e9, .fma_per_cycle = 1, CACHES},
};

const Target target_generic = {
    C_TARGET,
    .name = "generic",
    .doc = "any C99 compiler and CPU: scalar code",
    .lanes = 1,
    .registers = 16,
    .transform = 0.6,
    .runs = always,
    .machine = {.name = "Zen 4", .flops = 6e9, .fma_per_cycle = 1, CACHES},
};
