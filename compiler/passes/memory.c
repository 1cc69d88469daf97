/* memory.c - gives every buffer its place.
 *
 * Needs: formats and steps are final. Guarantees: buffers of one home that live at the same time do
 * not overlap; `work_bytes` is close to `live_bytes`, the largest sum of what lives at once.
 * Time runs over the top-level steps of an entry. A buffer lives from the first step that writes it
 * to the last one that reads it. Large buffers choose first, each taking the tightest gap that its
 * lifetime leaves (best fit); a few orders are tried and the smallest result kept. Buffers inside a
 * step live in a second memory that every worker has of its own, from the first of the step's parts
 * that writes them to the last one that reads them. Where weights are baked,
 * parameters that only PLAN_PREPARE reads get no place. What train_step does lies where backward
 * and step have it. */
#include "passes.h"

#include <stdlib.h>
#include <string.h>

typedef struct Life {
  int buffer, first, last;
  int64_t bytes, offset;
} Life;

typedef VEC(Life) Lives;

/* ---- lifetimes ---- */

typedef struct Span {
  const Plan *p;
  int *first, *last; /* per buffer; first -1: not in this entry */
  int time, part;    /* steps so far: top-level ones; those and the parts of each */
} Span;

static void touch(const Span *span, int buffer) {
  const int now = span->p->buffer.at[buffer].depth ? span->part : span->time;
  if (span->first[buffer] < 0) span->first[buffer] = now;
  span->last[buffer] = now;
}

static void touch_steps(Span *span, const Steps *steps, int depth) {
  for (int i = 0; i < steps->n; i++) {
    const Step *s = steps->at[i];
    span->time += depth == 0;
    span->part += depth <= 1;
    touch_steps(span, &s->body, depth + 1);
    if (!s->run) continue;
    for (int j = 0; j < s->run->nin; j++) touch(span, s->run->in[j].tensor);
    for (int j = 0; j < s->run->nout; j++) touch(span, s->run->out[j].to.tensor);
  }
}

static Span find_span(const Plan *p, PlanEntry entry) {
  Span span = {.p = p,
               .first = NEW_ARRAY(p->u->arena, int, p->buffer.n),
               .last = NEW_ARRAY(p->u->arena, int, p->buffer.n)};
  for (int b = 0; b < p->buffer.n; b++) span.first[b] = -1;
  touch_steps(&span, &p->entry[entry].step, 0);
  return span;
}

static Lives find_lives(const Plan *p, PlanEntry entry, bool scoped) {
  Span span = find_span(p, entry);
  Lives lives = {0};
  for (int b = 0; b < p->buffer.n; b++) {
    const Buffer *buffer = &p->buffer.at[b];
    if (buffer->home != HOME_WORK || span.first[b] < 0 || (buffer->depth > 0) != scoped) continue;
    Life life = {.buffer = b,
                 .first = span.first[b],
                 .last = span.last[b],
                 .bytes = buffer_bytes(buffer, p->max_batch)};
    vec_push(p->u->arena, &lives, life);
  }
  return lives;
}

static int64_t largest_live(const Lives *lives) {
  int64_t largest = 0;
  for (int i = 0; i < lives->n; i++) {
    int64_t sum = 0;
    for (int j = 0; j < lives->n; j++)
      if (lives->at[j].first <= lives->at[i].first && lives->at[i].first <= lives->at[j].last)
        sum += lives->at[j].bytes;
    if (sum > largest) largest = sum;
  }
  return largest;
}

/* ---- places ---- */

static bool together(const Life *a, const Life *b) {
  return a->first <= b->last && b->first <= a->last;
}

/* The tightest gap between those of the placed lives, in the order of their offsets, that live at
 * the same time; after them if there is none. */
static int64_t best_gap(Life *const *placed, int n, const Life *life) {
  int64_t end = 0, best = -1, best_size = INT64_MAX;
  for (int i = 0; i < n; i++) {
    if (!together(placed[i], life)) continue;
    const int64_t gap = placed[i]->offset - end;
    if (gap >= life->bytes && gap < best_size) {
      best = end;
      best_size = gap;
    }
    if (placed[i]->offset + placed[i]->bytes > end) end = placed[i]->offset + placed[i]->bytes;
  }
  return best >= 0 ? best : end;
}

/* Places the lives in the given order; returns the size of the memory. */
static int64_t place(Arena *arena, Life **order, int n) {
  Life **placed = NEW_ARRAY(arena, Life *, n);
  int64_t size = 0;
  for (int i = 0; i < n; i++) {
    Life *life = order[i];
    life->offset = best_gap(placed, i, life);
    if (life->offset + life->bytes > size) size = life->offset + life->bytes;
    int at = i;
    for (; at > 0 && placed[at - 1]->offset > life->offset; at--) placed[at] = placed[at - 1];
    placed[at] = life;
  }
  return size;
}

static int by_bytes(const void *a, const void *b) {
  const Life *const *x = a, *const *y = b;
  if ((*x)->bytes != (*y)->bytes) return (*x)->bytes < (*y)->bytes ? 1 : -1;
  return (*x)->buffer - (*y)->buffer;
}

static int by_area(const void *a, const void *b) {
  const Life *const *x = a, *const *y = b;
  int64_t p = (*x)->bytes * ((*x)->last - (*x)->first + 1);
  int64_t q = (*y)->bytes * ((*y)->last - (*y)->first + 1);
  if (p != q) return p < q ? 1 : -1;
  return (*x)->buffer - (*y)->buffer;
}

static int by_time(const void *a, const void *b) {
  const Life *const *x = a, *const *y = b;
  if ((*x)->first != (*y)->first) return (*x)->first - (*y)->first;
  return by_bytes(a, b);
}

static int64_t place_lives(Plan *p, Lives *lives) {
  static int (*const orders[])(const void *, const void *) = {by_bytes, by_area, by_time};
  Arena *arena = p->u->arena;
  Life **order = NEW_ARRAY(arena, Life *, lives->n + 1);
  int64_t best = INT64_MAX;
  for (int o = 0; o < COUNT(orders); o++) {
    for (int i = 0; i < lives->n; i++) order[i] = &lives->at[i];
    if (lives->n) qsort(order, (size_t)lives->n, sizeof *order, orders[o]);
    int64_t size = place(arena, order, lives->n);
    if (size >= best) continue;
    best = size;
    for (int i = 0; i < lives->n; i++)
      p->buffer.at[lives->at[i].buffer].offset = lives->at[i].offset;
  }
  return best;
}

/* ---- homes whose buffers all live forever ---- */

static int64_t *home_bytes(Plan *p, Home home) {
  switch (home) {
  case HOME_PARAM: return &p->param_bytes;
  case HOME_DERIVED: return &p->derived_bytes;
  case HOME_STATE: return &p->state_bytes;
  case HOME_GRAD: return &p->grad_bytes;
  case HOME_KEPT: return &p->kept_bytes;
  default: return NULL;
  }
}

static void mark_called(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  bool *called = context;
  (void)outer;
  (void)depth;
  for (int i = 0; i < k->nin && entry != PLAN_PREPARE; i++) called[k->in[i].tensor] = true;
}

static void place_forever(Plan *p, bool baked) {
  bool *called = NEW_ARRAY(p->u->arena, bool, p->buffer.n);
  plan_leaves(p, mark_called, called);
  for (int b = 0; b < p->buffer.n; b++) {
    Buffer *buffer = &p->buffer.at[b];
    int64_t *end = home_bytes(p, buffer->home);
    if (!end) continue;
    if (baked && buffer->home == HOME_PARAM && !called[b]) {
      buffer->offset = NO_PLACE;
      continue;
    }
    buffer->offset = *end;
    *end += buffer_bytes(buffer, p->max_batch);
  }
}

static void at_least(int64_t *bytes, int64_t least) {
  if (*bytes < least) *bytes = least;
}

/* Where train_step runs the steps of another entry it finds what they find. */
static void take_sizes(Plan *p, PlanEntry of) {
  at_least(&p->work_bytes[PLAN_TRAIN_STEP], p->work_bytes[of]);
  at_least(&p->worker_bytes[PLAN_TRAIN_STEP], p->worker_bytes[of]);
  at_least(&p->live_bytes[PLAN_TRAIN_STEP], p->live_bytes[of]);
}

void pass_memory(Plan *p, const PlanOptions *options) {
  p->param_bytes = options->baked_before;
  place_forever(p, options->baked);
  for (int e = 0; e <= PLAN_STEP; e++) {
    if (!p->entry[e].exists) continue;
    Lives shared = find_lives(p, e, false), scoped = find_lives(p, e, true);
    p->live_bytes[e] = largest_live(&shared);
    p->work_bytes[e] = place_lives(p, &shared);
    p->worker_bytes[e] = place_lives(p, &scoped);
  }
  if (!p->entry[PLAN_TRAIN_STEP].exists) return;
  take_sizes(p, PLAN_BACKWARD);
  take_sizes(p, PLAN_STEP);
}
