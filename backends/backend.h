/* backend.h - what a target is and what generators share. */
#ifndef BACKEND_H
#define BACKEND_H

#include "plan.h"

/* Numbers for cost estimates. A target's row has those of a machine that it was made on; a
 * compilation may have others (target_on). */
typedef struct Machine {
  const char *name;  /* whose they are: "Zen 4" */
  int cores;         /* that a plan has jobs for; results do not depend on it */
  double flops;      /* floating-point operations per second and core, f32; a multiply-add is 2 */
  double l1, l2, l3; /* bytes: per core, per core, shared */
  double l2_bandwidth, l3_bandwidth, dram_bandwidth; /* bytes per second, one core */
  double launch;                                     /* seconds to start a parallel step */
  double fma_per_cycle; /* vector multiply-adds that a core of the C targets starts */
  int units;            /* of CUDA devices: multiprocessors, */
  double tensor_flops;  /* and 16-bit operations of all their tensor cores; */
  double wgmma_flops;   /* those of wgmma, by four warps together; 0: there is none */
} Machine;

typedef struct EmittedFile {
  const char *name; /* "resnet50.c" */
  Text text;
} EmittedFile;

/* What the Plan knows about a parameter of an emitted function; the validator proves with it. */
typedef struct Fact {
  const char *function, *name;
  int64_t lo, hi; /* int: inclusive range; pointer: inclusive range of valid element offsets */
  const Target *target; /* whose code the function is, where there are several; NULL: any */
  const char *size_of;  /* pointer: has as many elements as this parameter's value says */
  bool optional;        /* pointer: may be NULL, which the function asks first */
} Fact;

typedef struct Emitted {
  VEC(EmittedFile) file;
  VEC(Fact) fact;
  const char *prefix;
  bool selftest; /* is NAME_selftest among them? */
} Emitted;

typedef enum WeightsAs {
  WEIGHTS_LOADED, /* not baked in */
  WEIGHTS_EMBED,  /* C arrays in NAME_weights.h */
  WEIGHTS_OBJECT, /* NAME.weights, which NAME_weights.S turns into an object file */
  WEIGHTS_FILE,   /* NAME.weights, which the program reads or maps */
  WEIGHTS_EXTERN, /* NAME.weights, wherever the program's pointer NAME_weights says */
  WEIGHTS_FORMS
} WeightsAs;

typedef struct EmitOptions {
  const char *base;    /* output path without suffix; files and guards are named by its last part */
  const char *prefix;  /* of all public symbols */
  const char *command; /* how cnnc was called: for the file's head comment */
  WeightsAs weights_as;
  const void *derived; /* packed weights, baked; NULL: computed from parameters at run time */
  int64_t derived_bytes;
  bool openmp;
  bool python;   /* NAME.py as well */
  bool profile;  /* timers around the kernels */
  bool selftest; /* with NAME_selftest */
} EmitOptions;

/* A language is a folder of backends/ and a row. */
typedef struct Language {
  const char *name, *title;    /* "c", "C" */
  const char *suffix;          /* of its source files, by which -o names it: ".c" */
  const char *target;          /* where --target names none: "native", "sm_80" */
  bool times;                  /* its libraries may have timers around their kernels: --profile */
  bool selftests;              /* its libraries may have a self-test */
  bool chooses;                /* they may hold kernels for several targets, and take the CPU's */
  bool doubles;                /* its libraries may work in F64 throughout: --dtype f64 */
  bool nests;                  /* steps may hold several kernels, one block after another */
  bool streams;                /* functions that work have a last parameter `void *stream` */
  bool margins;                /* kernels write what lies around the logical box of a tensor */
  bool blocks;                 /* contractions run in blocks of threads, as on GPUs */
  bool rounds;                 /* products of contractions may be rounded: --dtype tf32 ... */
  bool moments;                /* mean and variance are faster in one pass (fuse_moments.c) */
  bool weights[WEIGHTS_FORMS]; /* how weights may be baked in */
  /* Of transforms in training, as Algo.doubt; 0: the algorithm's own. */
  double training_doubt;
  /* Rounding errors, in relation to plain sums', that algorithms may have in training without
   * --max-error. */
  double training_growth[ROLES];
  /* How --build makes objects and a shared library: the compiler and the option that names
   * another, words for it, and whether it is told the devices that there is to be code for. */
  const char *compiler, *compile, *link, *libraries, *openmp;
  bool devices;
  void (*emit)(const Plan *, const EmitOptions *, Emitted *); /* for all targets of the plans */
} Language;

struct Target {
  const char *name, *doc;
  const Language *language;
  int lanes;             /* floats per vector; 1: scalar code */
  int registers;         /* vector registers */
  double transform;      /* cycles of a vector's load, store or operation in transforms */
  const char *simd;      /* runtime file of its vector helpers: "c/simd_avx512.h" */
  int capability;        /* of CUDA devices: 80 for sm_80; 0: another language */
  bool boxes;            /* kernels may copy boxes of tensors by TMA: no other device runs them */
  const char *triple;    /* the machine, as compilers name it: "aarch64-linux-gnu"; NULL: any */
  const char *macro;     /* which they define for that machine */
  const char *attribute; /* for __attribute__((target("..."))), or NULL */
  const char *cpu; /* does the CPU have it? "__builtin_cpu_supports(\"avx512f\")"; NULL: always */
  bool (*runs)(void); /* does this CPU have it? NULL: code for no CPU */
  Machine machine;
  void (*tile)(const Plan *, Kernel *); /* picks kernel->tile of a product, if it has an opinion */
  /* Once margins are known: replaces a tile that does not suit them, also one that a plan file asks
   * for, which the pass then reports. NULL: all of them suit. */
  void (*fit_tile)(const Plan *, Kernel *);
  /* Picks kernel->tile of any other kernel: how many threads share a sum. NULL: none do. */
  void (*share)(const Plan *, Kernel *);
  /* Can a kernel with this tile sum its results besides storing them, as outs that combine
   * (kernel.h): each and its square? Then over which runs of points. NULL: none can. */
  bool (*sums)(const Plan *, const Kernel *, Coord *run);
  /* Why the kernel's tile cannot be, or NULL. */
  const char *(*refuses_tile)(const Plan *, const Kernel *);
  double (*time)(const Plan *, const Kernel *); /* estimated seconds on one core at n = max_batch */
  /* Does a sum or a move with an update behind it run as fast as both apart, and round alike? */
  bool (*updates)(const Plan *, const Kernel *);
};

extern const Target *const targets[]; /* targets.c; NULL-terminated */
const Target *target_find(const char *name);
const char *target_capitals(Arena *, const Target *); /* "AVX512" */
bool target_is_foreign(const Target *); /* is its text for another machine than this one? */
bool target_same_machine(const Target *, const Target *); /* can one machine have both? */
bool target_runs(const Target *);  /* can this CPU start what is built for it? */
const Target *target_native(void); /* the first of targets[] that it can */
/* A copy of the target with the numbers of another machine, for its estimates. */
const Target *target_on(Arena *, const Target *, const Machine *);
/* A copy without boxes, to plan for a library that devices of other targets run as well. */
const Target *target_in_company(Arena *, const Target *);
/* What is known of this machine, for a target that it runs; the rest as in the target's row. */
Machine machine_here(const Target *);
/* The language whose files end so, or NULL. */
const Language *language_of(const char *suffix);

/* runtime/ files, embedded at build time (runtime_files.c is generated): "c/simd_avx512.h". NULL:
 * no such file. */
const char *runtime_file(const char *name);
const char *runtime_name(int i); /* of the i-th of these files; NULL: there are no more */

#endif
