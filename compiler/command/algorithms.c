/* algorithms.c - the command algos: which algorithm serves which pass, of how many dimensions.
 *
 * No list says so: for each number of dimensions a small network in training is lowered for every
 * target, and all algorithms are asked about each of its contractions (forward, data gradient,
 * weight gradient). The network has one of every kind that an algorithm is made for. */
#include "driver.h"
#include "algos.h"

#include <math.h>
#include <string.h>

enum { MOST_DIMENSIONS = 3 };

typedef bool Served[ROLES][MOST_DIMENSIONS + 1][ALGO_KINDS];

/* ---- what is asked about ---- */

static void add_size(Text *out, int dimensions) {
  text_add(out, "[32");
  for (int d = 0; d < dimensions; d++) text_add(out, ", 20");
  text_add(out, "]");
}

/* A window of rank 1: 1 2 1 along every axis. */
static void add_blur(Text *out, int dimensions, int value) {
  if (dimensions == 0) {
    text_add(out, "%d", value);
    return;
  }
  for (int i = 0; i < 3; i++) {
    text_add(out, i ? ", " : "[");
    add_blur(out, dimensions - 1, i == 1 ? 2 * value : value);
  }
  text_add(out, "]");
}

/* A trained layer comes first, so that all others have data gradients. */
static const char *network_text(Arena *arena, int dimensions) {
  Text out = {.arena = arena};
  text_add(&out, "{ \"name\": \"asked\", \"input\": { \"shape\": ");
  add_size(&out, dimensions);
  text_add(&out, " }, \"layers\": [\n"
                 "{ \"op\": \"conv\", \"filters\": 32, \"kernel\": 1, \"bias\": false },\n"
                 "{ \"op\": \"conv\", \"filters\": 32, \"kernel\": 1, \"bias\": false },\n"
                 "{ \"op\": \"conv\", \"filters\": 32, \"kernel\": 3, \"bias\": false },\n"
                 "{ \"op\": \"depthwise\", \"kernel\": 3, \"bias\": false },\n"
                 "{ \"op\": \"depthwise\", \"kernel\": 3, \"weights\": ");
  add_blur(&out, dimensions, 1);
  text_add(&out, " }],\n\"loss\": { \"op\": \"mse\" },\n"
                 "\"optimizer\": { \"op\": \"sgd\", \"lr\": 0.1 } }\n");
  return out.at;
}

/* ---- asking ---- */

typedef struct Question {
  const Plan *p;
  int dimensions;
  Served *served;
} Question;

static void ask(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  const Question *q = context;
  Contraction c;
  (void)entry, (void)outer, (void)depth;
  if (contraction_of(q->p, k, &c)) algos_serving(q->p, &c, (*q->served)[k->role][q->dimensions]);
}

static void ask_all(Unit *u, int dimensions, Served *served) {
  const char *text = network_text(u->arena, dimensions);
  const ReadOptions reading = {.training = true};
  const Options options = {.train = true, .max_error = INFINITY};
  const Graph *g = read_text(u, "asked", text, strlen(text), &reading);
  if (!g) BUG("the network of %d dimensions that algorithms are asked about", dimensions);
  for (int t = 0; targets[t]; t++) {
    Question q = {pipeline_lowered(u, &options, g, targets[t]), dimensions, served};
    plan_leaves(q.p, ask, &q);
  }
}

/* ---- the table ---- */

static void print_row(int algo, Served *served) {
  printf("%-14s", algos[algo]->name);
  for (int r = 0; r < ROLES; r++) {
    for (int d = 1; d <= MOST_DIMENSIONS; d++) printf(" %c", (*served)[r][d][algo] ? '0' + d : '-');
    printf("  ");
  }
  printf(" %s\n", algos[algo]->doc);
}

Status command_algos(Unit *u, const Options *o) {
  Served served = {{{false}}};
  (void)o;
  for (int d = 1; d <= MOST_DIMENSIONS; d++) ask_all(u, d, &served);
  printf("%-14s", "dimensions in");
  for (int r = 0; r < ROLES; r++) printf(" %-7s", role_names[r]);
  printf(" what it is\n");
  for (int a = 0; a < ALGO_KINDS; a++) print_row(a, &served);
  return STATUS_DONE;
}
