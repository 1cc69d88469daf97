/* choose_decisions.c - part of choose: what plan files ask for and say.
 *
 * A plan file names a kernel by its layer and, if it computes a gradient, its role, within an
 * entry. Of several kernels of one name the second is "NAME#2": their order is the plan's, which
 * the network decides. What is asked for forbids all alternatives; what cannot be is marked, and
 * the pass decides as if it had not been asked. */
#include "choose.h"

#include <string.h>

/* ---- names ---- */

static const char *kernel_in_entry(Arena *arena, const Kernel *k, int nth) {
  const char *name = role_kernel(arena, k->name, k->role);
  return nth > 1 ? arena_printf(arena, "%s#%d", name, nth) : name;
}

static Decision *asked_for(const PlanOptions *options, PlanEntry entry, const char *kernel) {
  Decisions *asked = options->decision;
  for (int i = 0; asked && i < asked->n; i++) {
    Decision *d = &asked->at[i];
    if (d->entry == entry && strcmp(d->kernel, kernel) == 0) return d;
  }
  return NULL;
}

static void refuse(Decision *d, const char *key, const char *why) {
  if (d->wrong) return;
  d->key = key;
  d->wrong = why;
}

/* The how manieth kernel of its name in its entry it is; contractions count before others. */
static int number_of(const Plan *p, const Item *item) {
  const Steps *steps = &p->entry[item->entry].step;
  const Kernel *k = item->leaf->run;
  const bool contracts = kernel_kind(k) == KIND_CONTRACT;
  bool before = true;
  int nth = 1;
  for (int i = 0; i < steps->n; i++) {
    const Kernel *other = steps->at[i]->run;
    before &= other != k;
    if (other == k || other->role != k->role || strcmp(other->name, k->name) != 0) continue;
    const bool alike = (kernel_kind(other) == KIND_CONTRACT) == contracts;
    nth += alike ? before : !contracts;
  }
  return nth;
}

void decision_find(Choose *c, Item *item) {
  item->name = kernel_in_entry(c->p->u->arena, item->leaf->run, number_of(c->p, item));
  item->asked = asked_for(c->options, item->entry, item->name);
  if (item->asked) item->asked->found = true;
}

/* ---- asking ---- */

/* Of the alternatives only one may be. */
static void allow_only(Item *item, int only) {
  for (int i = 0; i < item->n; i++)
    if (i != only) item->cost[i] += PBQP_NEVER;
}

/* --algo, which leaves one candidate, counts before a plan file. */
void decision_ask_algorithm(Choose *c, Item *item, const Contraction *k) {
  Decision *d = item->asked;
  int only = -1;
  if (d->layout != LAYOUT_ANY) refuse(d, "layout", "an algorithm decides about it");
  if (!d->algo) return;
  for (int i = 0; i < item->n; i++)
    if (item->at[i].algo == d->algo) only = i;
  const char *reason = d->algo->refuses(c->p, k);
  if (reason) refuse(d, "algorithm", reason);
  if (only >= 0) allow_only(item, only);
}

void decision_ask_layout(Item *item) {
  Decision *d = item->asked;
  if (d->algo) refuse(d, "algorithm", "the kernel is no contraction");
  if (d->layout == LAYOUT_ANY) return;
  for (int i = 0; i < item->n; i++) {
    if (item->at[i].wants != d->layout) continue;
    allow_only(item, i);
    return;
  }
  refuse(d, "layout", item->n > 1 ? "its tensors cannot lie so" : "its tensors lie in plain rows");
}

/* The tiles that are asked for belong to the algorithm that is; other kernels have none. */
const Tiles *decision_tiles(const Item *item, const Candidate *c) {
  const Decision *d = item->asked;
  return d && d->algo == c->algo && d->tile.n ? &d->tile : NULL;
}

/* The open buffers that item i is the first to write: their numbers, and how many. */
static int first_written(const Choose *c, int i, int *buffer) {
  int n = 0;
  const Kernel *k = c->item.at[i].leaf->run;
  for (int o = 0; o < k->nout; o++) {
    const int b = k->out[o].to.tensor;
    if (c->node[b] >= 0 && c->writer[b] == i) buffer[n++] = b;
  }
  return n;
}

void decision_ask_results(Choose *c, int i) {
  Decision *d = c->item.at[i].asked;
  int buffer[MAX_OUT];
  if (!d || d->result.n == 0) return;
  const int n = first_written(c, i, buffer);
  if (n != d->result.n)
    refuse(d, "result",
           n ? arena_printf(c->p->u->arena, "it decides about %d of its tensors", n)
             : "it decides about none: the tensor is the caller's, or another kernel is "
               "the first to write it");
  for (int o = 0; o < n && n == d->result.n; o++)
    if (choose_may_lie(c->p, buffer[o], d->result.at[o]))
      c->asked[buffer[o]] = d->result.at[o];
    else
      refuse(d, "result", "its tensors cannot lie so");
}

/* ---- what was decided ---- */

/* The line of a plan file that asks for what was decided. */
void decision_record(Choose *c, const Item *item) {
  Arena *arena = c->p->u->arena;
  const Candidate *taken = &item->at[item->taken];
  int buffer[MAX_OUT];
  Decision d = {.entry = item->entry, .kernel = item->name, .algo = taken->algo};
  for (int i = 0; i < item->tiles.made.n; i++)
    vec_push(arena, &d.tile, item->tiles.made.at[i]->tile);
  if (!taken->algo && item->n > 1) d.layout = taken->wants;
  const int n = first_written(c, (int)(item - c->item.at), buffer);
  for (int i = 0; i < n; i++) vec_push(arena, &d.result, c->layout[buffer[i]]);
  if (item->asked && item->asked->algo == d.algo) {
    d.seconds = item->asked->seconds;
    d.error = item->asked->error;
  }
  if (d.algo || d.layout != LAYOUT_ANY || n) vec_push(arena, &c->p->decision, d);
}

/* Does every kernel still have the tile that is asked for? Margins may have changed it. */
static bool kept(const TileLog *log) {
  for (int i = 0; log->asked && i < log->asked->n; i++)
    for (int t = 0; t < log->asked->at[i].n; t++)
      if (tile_get(&log->made.at[i]->tile, log->asked->at[i].at[t].name, -1) !=
          log->asked->at[i].at[t].value)
        return false;
  return true;
}

void decision_check_tiles(Choose *c, const Item *item) {
  const TileLog *log = &item->tiles;
  Decision *d = item->asked;
  if (!d || !d->tile.n || d->wrong) return;
  if (log->wrong)
    refuse(d, "tiles", log->wrong);
  else if (log->asked && log->made.n != d->tile.n)
    refuse(d, "tiles",
           arena_printf(c->p->u->arena, "the algorithm has %d, not %d", log->made.n, d->tile.n));
  else if (!log->asked && !d->algo)
    refuse(d, "tiles", "they belong to an \"algorithm\"");
  else if (!kept(log))
    refuse(d, "tiles", "margins part its rows, which tiles take whole or in equal parts");
}
