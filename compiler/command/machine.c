/* machine.c - the command machine: measures one core of this machine and writes what --machine
 * reads. What cannot be measured from inside a program is as `native` has it. */
#include "machine_file.h"
#include "measure.h"

#include <math.h>

/* Bytes that live in L2, in L3 and in memory. */
enum { IN_L2, IN_L3, IN_MEMORY, PLACES };

static void choose_sizes(const Machine *m, double *bytes) {
  bytes[IN_L2] = m->l2 / 2;
  bytes[IN_L3] = sqrt(m->l2 * m->l3);
  bytes[IN_MEMORY] = fmax(4 * m->l3, MEASURE_MEMORY);
}

Status command_machine(Unit *u, const Options *o) {
  const Target *target = pipeline_target(u, o, program_language());
  if (!target) return STATUS_USAGE;
  if (o->output && !file_writable(u, o->output)) return STATUS_INPUT;
  double bytes[PLACES], speed[PLACES], flops;
  Machine m = target->machine;
  choose_sizes(&m, bytes);
  if (!measure_speeds(u, o, target, 1, &flops, PLACES, bytes, speed)) return STATUS_TOOL;
  m.flops = flops;
  m.l2_bandwidth = speed[IN_L2];
  m.l3_bandwidth = speed[IN_L3];
  m.dram_bandwidth = speed[IN_MEMORY];
  Text text = {.arena = u->arena};
  machine_file_print(&text, target_on(u->arena, target, &m));
  if (o->output) return file_write(u, o->output, text.at, text.n) ? STATUS_DONE : STATUS_INPUT;
  fputs(text.at, stdout);
  return STATUS_DONE;
}
