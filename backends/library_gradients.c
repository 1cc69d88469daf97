/* library_gradients.c - what backward gives besides memory full of gradients: those by inputs, and
 * word of what is complete. See library.h. */
#include "library.h"

#include <inttypes.h>
#include <string.h>

/* ---- gradients by inputs ---- */

bool library_returns(const Plan *plan, int input) {
  const Entry *backward = &plan->graph->entry[ENTRY_BACKWARD];
  for (int i = 0; i < backward->want.n; i++)
    if (strcmp(backward->want_name.at[i], plan->graph->input.at[input].name) == 0) return true;
  return false;
}

const char *library_gradients(const Library *l, bool types) {
  Text text = {.arena = l->arena};
  for (int i = 0; i < l->plan->graph->input.n; i++)
    if (library_returns(l->plan, i))
      text_add(&text, ", %s%s",
               types ? arena_printf(l->arena, "%s *", c_type(l->plan->graph->real)) : "",
               l->gradient[i]);
  return text.n ? text.at : "";
}

/* ---- steps that serve only these ---- */

/* Adds the inputs whose gradients alone need a step; false: more than these do. */
static bool find_served(const Library *l, int step, bool *served) {
  const Plan *plan = l->plan;
  const Steps *steps = &plan->entry[PLAN_BACKWARD].step;
  for (int b = 0; b < plan->buffer.n; b++) {
    const Buffer *buffer = &plan->buffer.at[b];
    if (buffer->depth > 0 || !step_writes(steps->at[step], b)) continue;
    if (buffer->home != HOME_WORK && buffer->home != HOME_OUTPUT) return false;
    for (int i = 0; i < plan->graph->input.n && buffer->home == HOME_OUTPUT; i++)
      served[i] |= strcmp(plan->graph->input.at[i].name, buffer->name) == 0;
    for (int later = step + 1; later < steps->n; later++)
      if (step_reads(steps->at[later], b) && !find_served(l, later, served)) return false;
  }
  return true;
}

bool library_updates(const Library *l) {
  bool updates = false;
  for (const Plan *p = l->plans; p; p = p->next) updates |= p->entry[PLAN_TRAIN_STEP].exists;
  return updates;
}

const char *library_wanted(const Library *l, PlanEntry entry, int step) {
  Text text = {.arena = l->arena};
  if (entry == PLAN_BACKWARD ? plan_own_step(l->plan, PLAN_TRAIN_STEP, step) != NULL
                             : plan_updates_early(l->plan, step))
    return "!" LIBRARY_UPDATING;
  if (entry != PLAN_BACKWARD) return NULL;
  bool *served = NEW_ARRAY(l->arena, bool, l->plan->graph->input.n + 1);
  if (!*library_gradients(l, false) || !find_served(l, step, served)) return NULL;
  for (int i = 0; i < l->plan->graph->input.n; i++)
    if (served[i]) text_add(&text, "%s%s", text.n ? " || " : "", l->gradient[i]);
  return text.n ? text.at : NULL;
}

/* ---- gradients by parameters, as they become complete ---- */

enum { BUCKET_BYTES = 1 << 20 }; /* as much as is worth a message to other machines */

/* The top-level step of backward after which a gradient does not change. */
static int completed_by(const Plan *plan, int buffer) {
  const Steps *steps = &plan->entry[PLAN_BACKWARD].step;
  int last = steps->n - 1;
  while (last > 0 && !step_reads(steps->at[last], buffer) && !step_writes(steps->at[last], buffer))
    last--;
  return last;
}

/* A gradient: they lie in this order, without gaps. */
typedef struct Part {
  int64_t first, bytes;
  int step; /* that completes it */
  bool handed;
} Part;
typedef VEC(Part) Parts;

static Parts find_parts(const Library *l) {
  const Plan *plan = l->plan;
  Parts parts = {0};
  for (int b = 0; b < plan->buffer.n; b++) {
    const Buffer *buffer = &plan->buffer.at[b];
    if (buffer->home != HOME_GRAD) continue;
    const Part part = {buffer->offset, buffer_bytes(buffer, plan->max_batch), completed_by(plan, b),
                       false};
    vec_push(l->arena, &parts, part);
  }
  return parts;
}

/* Hands over a run of parts that begins at i and is complete after a step, if it has as many bytes;
 * returns the part after it. */
static int hand_over(Library *l, Parts *parts, int i, int step, int64_t least) {
  const int width = dtype_size(l->plan->graph->real);
  const int begin = i;
  int64_t bytes = 0;
  for (; i < parts->n && !parts->at[i].handed && parts->at[i].step <= step; i++)
    bytes += parts->at[i].bytes;
  if (bytes < least) return i;
  const Bucket bucket = {step, parts->at[begin].first / width, bytes / width};
  vec_push(l->arena, &l->bucket, bucket);
  for (int j = begin; j < i; j++) parts->at[j].handed = true;
  return i;
}

void library_find_buckets(Library *l) {
  Parts parts = find_parts(l);
  const int last = l->plan->entry[PLAN_BACKWARD].step.n - 1;
  for (int step = 0; step <= last; step++)
    for (int i = 0; i < parts.n; i++)
      i = hand_over(l, &parts, i, step, step == last ? 1 : BUCKET_BYTES);
}

void library_hand_over(Emit *e, const Library *l, int step) {
  const char *p = l->o->prefix;
  for (int i = 0; i < l->bucket.n; i++) {
    const Bucket *b = &l->bucket.at[i];
    if (b->step != step) continue;
    const char *range = arena_printf(l->arena, "%" PRId64 ", %" PRId64, b->first, b->count);
    if (*library_stream(l))
      emit(e, "if (%s_hand_over(ctx, %s, stream)) return %s_E_DEVICE;", p, range, p);
    else
      emit(e, "%s_hand_over(ctx, %s);", p, range);
  }
}
