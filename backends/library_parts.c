/* library_parts.c - a library is made of the plans for its targets: what they have in common, and
 * the most that any of them needs. See library.h. */
#include "library.h"

#include <string.h>

/* All entries share one work memory: the largest shared part, then the workers' parts. */
int64_t library_shared_work(const Plan *plan) {
  int64_t bytes = BUFFER_ALIGN;
  for (int i = 0; i < PLAN_ENTRIES; i++)
    if (plan->work_bytes[i] > bytes) bytes = plan->work_bytes[i];
  return BUFFER_ALIGNED(bytes);
}

static void find_params(Library *l) {
  const Plan *plan = l->plan;
  for (int i = 0; i < plan->graph->param.n; i++)
    for (int b = 0; b < plan->buffer.n; b++)
      if (plan->buffer.at[b].home == HOME_PARAM && plan->buffer.at[b].index == i) {
        vec_push(l->arena, &l->param, i);
        vec_push(l->arena, &l->buffer, b);
        break;
      }
}

bool library_several(const Library *l) {
  return l->plans->next != NULL;
}

const char *library_target(const Library *l, const Target *t) {
  return arena_printf(l->arena, "%s_%s", l->o->prefix, target_capitals(l->arena, t));
}

Library library_part(const Library *l, const Plan *plan) {
  Library part = *l;
  part.plan = plan;
  memset(&part.bucket, 0, sizeof part.bucket);
  if (library_trains(&part)) library_find_buckets(&part);
  return part;
}

/* The next buffer from b on that lies in a home, or the end. */
static int next_at(const Plan *p, Home home, int b) {
  while (b < p->buffer.n && p->buffer.at[b].home != home) b++;
  return b;
}

/* What contexts keep is the same whatever target runs: files and checkpoints serve all. */
static void check_places(const Plan *a, const Plan *b, Home home) {
  int i = next_at(a, home, 0), j = next_at(b, home, 0);
  for (; i < a->buffer.n && j < b->buffer.n;
       i = next_at(a, home, i + 1), j = next_at(b, home, j + 1)) {
    const Buffer *x = &a->buffer.at[i], *y = &b->buffer.at[j];
    if (x->index != y->index || x->offset != y->offset || x->format.lanes != y->format.lanes ||
        buffer_bytes(x, a->max_batch) != buffer_bytes(y, b->max_batch))
      BUG("%s and %s have places of their own for different targets", x->name, y->name);
  }
  if (i < a->buffer.n || j < b->buffer.n) BUG("a target keeps more than another");
}

static void check_parts(const Library *l) {
  static const Home kept[] = {HOME_PARAM, HOME_STATE, HOME_GRAD};
  for (const Plan *p = l->plan->next; p; p = p->next)
    for (int h = 0; h < COUNT(kept); h++)
      if (kept[h] != HOME_PARAM || l->o->weights_as == WEIGHTS_LOADED)
        check_places(l->plan, p, kept[h]);
}

static void at_least(int64_t *most, int64_t bytes) {
  if (bytes > *most) *most = bytes;
}

static void find_sizes(Library *l) {
  for (const Plan *p = l->plans; p; p = p->next) {
    at_least(&l->stored_bytes, p->param_bytes + p->derived_bytes);
    at_least(&l->work_bytes, library_shared_work(p));
    for (int i = 0; i < PLAN_ENTRIES; i++)
      at_least(&l->worker_bytes, BUFFER_ALIGNED(p->worker_bytes[i]));
  }
  l->params_bytes = l->o->weights_as == WEIGHTS_EMBED ? 0 : LIBRARY_HEADER + l->stored_bytes;
}

Library library_new(const Plan *plan, const EmitOptions *o) {
  Library l = {
      .plan = plan, .plans = plan, .o = o, .arena = plan->u->arena, .name = file_name(o->base)};
  check_parts(&l);
  find_params(&l);
  l.input = library_arguments_named(l.arena, o->prefix, plan->graph);
  l.output = l.input + plan->graph->input.n;
  l.gradient = l.output + plan->graph->entry[ENTRY_FORWARD].want.n;
  find_sizes(&l);
  if (library_trains(&l)) library_find_buckets(&l);
  return l;
}
