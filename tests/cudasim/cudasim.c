/* cudasim.c - launches and copies: one queue for all streams, run at once or when the host waits,
 * which are the two extremes of what a device may do; and what ends a program. */
#define _XOPEN_SOURCE 700
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cudasim.h"

enum { ERROR_VALUE = 1, ERROR_CONFIGURATION = 9, ERROR_LAUNCH = 719, ERROR_CAPTURE = 900 };

/* A launch, a copy or a fill. */
typedef struct Work {
  struct Work *next;
  CudasimLaunch launch; /* .run NULL: none; its arguments lie behind this, aligned as maps are */
  void *to;
  const void *from; /* NULL: fill with byte */
  int byte;
  size_t bytes;
} __attribute__((aligned(64))) Work;

static struct {
  bool known, late;
  long fail; /* calls until one fails; 0: none does */
  unsigned long long seed;
} settings;

/* In the order in which it is done. */
struct CudasimGraph {
  Work *first, **end;
};

static CudasimGraph queue = {NULL, &queue.first}, *capture;
static int last_error;
static const char *running;

void cudasim_seed(unsigned long long seed);
void cudasim_watch(bool);
void cudasim_copy_late(bool);
void cudasim_product_late(bool);
void cudasim_box_late(bool);
void cudasim_count_banks(bool);

static void read_settings(void) {
  const char *order = getenv("CUDASIM_ORDER"), *async = getenv("CUDASIM_ASYNC"),
             *fail = getenv("CUDASIM_FAIL"), *check = getenv("CUDASIM_CHECK"),
             *banks = getenv("CUDASIM_BANKS");
  if (settings.known) return;
  settings.known = true;
  settings.late = async && strcmp(async, "late") == 0;
  settings.fail = fail ? atol(fail) : 0;
  cudasim_copy_late(settings.late);
  cudasim_product_late(settings.late);
  cudasim_box_late(settings.late);
  cudasim_count_banks(banks && strcmp(banks, "1") == 0);
  cudasim_watch(!check || strcmp(check, "0") != 0);
  if (order && strcmp(order, "reverse") == 0) cudasim_order = ORDER_REVERSE;
  if (!order || strncmp(order, "random", 6) != 0) return;
  cudasim_order = ORDER_RANDOM;
  settings.seed = order[6] == ':' ? strtoull(order + 7, NULL, 10) : (unsigned long long)getpid();
  cudasim_seed(settings.seed);
}

/* ---- running ---- */

static void run_launch(const CudasimLaunch *l) {
  const unsigned blocks = l->blocks.x * l->blocks.y * l->blocks.z;
  unsigned *order = malloc(sizeof *order * blocks);
  if (!order) abort();
  running = l->kernel;
  gridDim = l->blocks;
  blockDim = l->threads;
  cudasim_permute(order, blocks);
  for (unsigned i = 0; i < blocks; i++) {
    blockIdx.x = order[i] % gridDim.x;
    blockIdx.y = order[i] / gridDim.x % gridDim.y;
    blockIdx.z = order[i] / gridDim.x / gridDim.y;
    cudasim_memory_block(order[i], l->shared);
    cudasim_block(l);
  }
  running = NULL;
  free(order);
}

static void run_copy(const Work *w) {
  if (w->from) cudasim_memory_host(w->from, w->bytes, false);
  cudasim_memory_host(w->to, w->bytes, true);
  if (w->from)
    memmove(w->to, w->from, w->bytes);
  else
    memset(w->to, w->byte, w->bytes);
}

void cudasim_wait(void) {
  while (queue.first) {
    Work *w = queue.first;
    queue.first = w->next;
    if (!queue.first) queue.end = &queue.first;
    cudasim_memory_next(w->launch.arguments, w->launch.size);
    if (w->launch.run)
      run_launch(&w->launch);
    else
      run_copy(w);
    free(w);
  }
}

/* ---- putting in ---- */

static int failed(int error) {
  last_error = error;
  return error;
}

static int put(const Work *work) {
  read_settings();
  if (settings.fail > 0 && --settings.fail == 0) return failed(ERROR_LAUNCH);
  Work *w = aligned_alloc(64, sizeof *w + (work->launch.size + 63) / 64 * 64);
  if (!w) abort();
  *w = *work;
  w->next = NULL;
  if (w->launch.run) {
    memcpy(w + 1, work->launch.arguments, w->launch.size);
    w->launch.arguments = w + 1;
  }
  CudasimGraph *to = capture ? capture : &queue;
  *to->end = w;
  to->end = &w->next;
  if (!settings.late) cudasim_wait();
  return 0;
}

int cudasim_launch(const CudasimLaunch *l) {
  const unsigned long long blocks = (unsigned long long)l->blocks.x * l->blocks.y * l->blocks.z,
                           threads = (unsigned long long)l->threads.x * l->threads.y * l->threads.z;
  if (blocks == 0 || blocks > 1u << 30 || threads == 0 || threads > CUDASIM_THREADS ||
      l->shared > CUDASIM_WIDE)
    return failed(ERROR_CONFIGURATION);
  const Work w = {.launch = *l};
  return put(&w);
}

int cudasim_copy(void *to, const void *from, size_t bytes) {
  const Work w = {.to = to, .from = from, .bytes = bytes};
  return to && from ? put(&w) : failed(ERROR_VALUE);
}

int cudasim_fill(void *to, int byte, size_t bytes) {
  const Work w = {.to = to, .byte = byte, .bytes = bytes};
  return to ? put(&w) : failed(ERROR_VALUE);
}

int cudasim_capture(void) {
  if (capture) return failed(ERROR_CAPTURE);
  capture = malloc(sizeof *capture);
  if (!capture) abort();
  *capture = (CudasimGraph){NULL, &capture->first};
  return 0;
}

int cudasim_captured(CudasimGraph **graph) {
  *graph = capture;
  capture = NULL;
  return *graph ? 0 : failed(ERROR_CAPTURE);
}

int cudasim_graph(const CudasimGraph *graph) {
  int error = 0;
  for (const Work *w = graph->first; w && !error; w = w->next) error = put(w);
  return error;
}

void cudasim_graph_release(CudasimGraph *graph) {
  for (Work *w = graph->first; w;) {
    Work *next = w->next;
    free(w);
    w = next;
  }
  free(graph);
}

int cudasim_last_error(void) {
  const int error = last_error;
  last_error = 0;
  return error;
}

/* ---- what is wrong ---- */

/* The source line of an instruction, by addr2line. */
static void print_line(const void *code) {
  extern const char __executable_start[];
  char command[512], program[400];
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  if (n <= 0) return;
  program[n] = '\0';
  snprintf(command, sizeof command, "addr2line -e '%s' %#lx >&2", program,
           (unsigned long)((const char *)code - __executable_start - 1));
  fprintf(stderr, "  at ");
  if (system(command) != 0) fprintf(stderr, "%s\n", command);
}

void cudasim_found(const void *code, const char *format, ...) {
  static const char *const orders[] = {"natural", "reverse", "random:"};
  va_list args;
  va_start(args, format);
  fprintf(stderr, "cudasim: ");
  vfprintf(stderr, format, args);
  va_end(args);
  if (running)
    fprintf(stderr, "; in %s, block %u,%u,%u", running, blockIdx.x, blockIdx.y, blockIdx.z);
  if (cudasim_thread) fprintf(stderr, ", thread %u,%u,%u", threadIdx.x, threadIdx.y, threadIdx.z);
  fprintf(stderr, " (order %s", orders[cudasim_order]);
  if (cudasim_order == ORDER_RANDOM) fprintf(stderr, "%llu", settings.seed);
  fprintf(stderr, ")\n");
  if (code) print_line(code);
  _exit(CUDASIM_FOUND);
}
