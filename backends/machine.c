/* machine.c - the numbers of this machine, for estimates of `native`: sizes of caches as the system
 * reports them, speeds by the kind of processor. Nothing is measured: the same machine always gives
 * the same numbers, and so the same code. What is not known stays as the target's row has it. */
#include "backend.h"

#include <stdlib.h>
#include <string.h>

/* ---- speeds, by the kind of processor ---- */

typedef struct Vectors { /* of one width */
  double clock;          /* Hz, with multiply-adds of that width on all cores */
  double fma;            /* so many of them a cycle */
} Vectors;

/* Processors of a kind: family and models as CPUID numbers them. Speeds of caches and memory are
 * those of one core that reads. */
typedef struct Cpu {
  const char *name, *vendor;
  int family, first, last;
  Vectors of_16, of_8; /* lanes */
  double l2, l3, dram;
} Cpu;

/* Zen 4 and Skylake-SP (a Cascade Lake) as `cnnc machine` measured them, on virtual machines with
 * two cores of a server. Their successors have the same mesh of caches, and multiply-adds and L2 as
 * in Intel's optimisation manual, at clocks that are usual: not measured. */
static const Cpu cpus[] = {
    {"Zen 4", "AuthenticAMD", 25, 16, 31, {3.65625e9, 1}, {3.4375e9, 2}, 116e9, 84e9, 27e9},
    {"Zen 4", "AuthenticAMD", 25, 96, 127, {3.65625e9, 1}, {3.4375e9, 2}, 116e9, 84e9, 27e9},
    {"Skylake-SP", "GenuineIntel", 6, 85, 85, {2.35e9, 2}, {2.66e9, 2}, 96e9, 23e9, 11e9},
    {"Ice Lake-SP", "GenuineIntel", 6, 106, 108, {2.8e9, 2}, {3e9, 2}, 115e9, 23e9, 11e9},
    {"Sapphire Rapids", "GenuineIntel", 6, 143, 143, {2.9e9, 2}, {3.1e9, 2}, 120e9, 23e9, 11e9},
    {"Emerald Rapids", "GenuineIntel", 6, 207, 207, {2.9e9, 2}, {3.1e9, 2}, 120e9, 23e9, 11e9},
};

#if defined(__GNUC__) && defined(__x86_64__)
#include <cpuid.h>

/* NULL: of no kind that is known. */
static const Cpu *find_cpu(void) {
  unsigned a, b, c, d;
  char vendor[13] = "";
  if (!__get_cpuid(0, &a, &b, &c, &d)) return NULL;
  memcpy(vendor, &b, 4);
  memcpy(vendor + 4, &d, 4);
  memcpy(vendor + 8, &c, 4);
  if (!__get_cpuid(1, &a, &b, &c, &d)) return NULL;
  const int low = (int)(a >> 8 & 15), family = low == 15 ? low + (int)(a >> 20 & 255) : low;
  const int model = (int)(a >> 4 & 15) | (int)(a >> 12 & 240);
  for (int i = 0; i < COUNT(cpus); i++)
    if (strcmp(cpus[i].vendor, vendor) == 0 && cpus[i].family == family && cpus[i].first <= model &&
        model <= cpus[i].last)
      return &cpus[i];
  return NULL;
}
#else
static const Cpu *find_cpu(void) {
  return NULL;
}
#endif

static void set_speeds(Machine *m, const Cpu *cpu, int lanes) {
  const Vectors *v = lanes == 16 ? &cpu->of_16 : lanes == 8 ? &cpu->of_8 : NULL;
  m->name = cpu->name;
  m->l2_bandwidth = cpu->l2;
  m->l3_bandwidth = cpu->l3;
  m->dram_bandwidth = cpu->dram;
  if (!v) return;
  m->flops = 2 * lanes * v->fma * v->clock;
  m->fma_per_cycle = v->fma;
}

/* ---- sizes of caches ---- */

/* The first word of a file of cache `index` of the first processor; "": there is none. */
static void read_word(int index, const char *file, char word[16]) {
  char path[96];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, file);
  FILE *in = fopen(path, "r");
  *word = '\0';
  if (!in) return;
  if (fscanf(in, "%15s", word) != 1) *word = '\0';
  fclose(in);
}

/* "1024K" */
static double bytes_of(const char *word) {
  char *end;
  const double n = strtod(word, &end);
  return *end == 'K' ? 0x1p10 * n : *end == 'M' ? 0x1p20 * n : n;
}

static void set_sizes(Machine *m) {
  double *const size[] = {&m->l1, &m->l2, &m->l3};
  char level[16], type[16], word[16];
  for (int index = 0;; index++) {
    read_word(index, "level", level);
    if (!*level) return;
    read_word(index, "type", type);
    read_word(index, "size", word);
    const long n = strtol(level, NULL, 10);
    if (n < 1 || n > COUNT(size) || strcmp(type, "Instruction") == 0) continue;
    if (bytes_of(word) > 0) *size[n - 1] = bytes_of(word);
  }
}

/* ---- the machine ---- */

Machine machine_here(const Target *row) {
  Machine m = row->machine;
  const Cpu *cpu = find_cpu();
  if (cpu) set_speeds(&m, cpu, row->lanes);
  set_sizes(&m);
  return m;
}

const Target *target_in_company(Arena *arena, const Target *t) {
  Target *own = NEW(arena, Target);
  *own = *t;
  own->boxes = false;
  return own;
}

const Target *target_on(Arena *arena, const Target *t, const Machine *m) {
  Target *own = NEW(arena, Target);
  *own = *t;
  own->machine = *m;
  return own;
}
