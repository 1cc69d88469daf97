/* memory_limit.c - --max-memory: how much has to be computed again so that training fits, and what
 * that costs.
 *
 * The limit is for what the sizes of a library's header add up to with one thread: parameters (as
 * loaded and as kernels want them), gradients, the optimiser's state, work with kept activations.
 * Pass recompute aims at a number of bytes by an estimate that knows neither formats nor what
 * algorithms need besides; pass memory has the last word. So all passes run on trial, each time in
 * a Unit of its own, with an aim that the trials before correct, until the plan fits with little to
 * spare. Plans are functions of the network, the options and the aim: the one that is emitted is
 * the one that was tried. */
#include "driver.h"
#include "library.h"

enum { TRIALS = 8, SPARE = 50 }; /* one part in 50 of the limit may be left */

typedef struct Trial {
  int64_t aim;      /* 0: none */
  int64_t bytes;    /* of the plan; 0: there is none */
  int64_t estimate; /* of pass recompute */
  double seconds;   /* of what is computed again */
} Trial;

/* Messages are for the plan that is kept: it would give the same. */
static Trial run_trial(const Options *o, const Target *target, int64_t aim) {
  Unit *u = unit_new();
  FILE *nowhere = fopen("/dev/null", "w");
  if (nowhere) u->messages = nowhere;
  Options quiet = *o;
  quiet.dump = (TextList){0};
  const Graph *g = pipeline_read(u, &quiet);
  const Plan *plan = g ? pipeline_trial(u, &quiet, g, target, aim) : NULL;
  Trial t = {.aim = aim};
  if (plan) {
    t.bytes = library_training_bytes(plan);
    t.estimate = plan->recompute.estimate;
    t.seconds = plan->recompute.seconds;
  }
  unit_free(u);
  if (nowhere) fclose(nowhere);
  return t;
}

typedef struct Search {
  int64_t limit;
  int64_t low, high; /* aims: what fits (0: none did), and what does not */
  int64_t least;     /* bytes of the smallest plan */
  Trial found;       /* of the plans that fit the one that computes least again */
} Search;

/* The last aim, corrected by what it missed; or between what fits and what does not. */
static int64_t next_aim(const Search *s, const Trial *last) {
  const int64_t corrected = last->aim - (last->bytes - s->limit);
  if (!s->low) return corrected > 1 ? corrected : 1;
  return corrected > s->low && corrected < s->high ? corrected : s->low + (s->high - s->low) / 2;
}

/* False: nothing better is to be found. */
static bool learn(Search *s, const Trial *t) {
  const int64_t spare = s->limit - t->bytes;
  if (t->bytes < s->least) s->least = t->bytes;
  if (spare >= 0) {
    if (!s->low || t->seconds < s->found.seconds) s->found = *t;
    s->low = t->aim;
    if (spare <= s->limit / SPARE) return false;
  } else {
    s->high = t->aim;
    if (!s->low && t->estimate > t->aim) return false; /* there is no smaller plan */
  }
  return !s->low || s->high - s->low > s->limit / SPARE;
}

static Search search(const Options *o, const Target *target, const Trial *first) {
  Search s = {.limit = o->max_memory, .high = first->estimate, .least = first->bytes};
  Trial last = *first;
  last.aim = first->estimate;
  for (int i = 0; i < TRIALS; i++) {
    last = run_trial(o, target, next_aim(&s, &last));
    if (!learn(&s, &last)) break;
  }
  return s;
}

bool memory_limit(Unit *u, const Options *o, const Target *target, int64_t *memory) {
  const long long limit = o->max_memory;
  *memory = 0;
  if (!o->train) {
    usage_error(u, "--max-memory: what only infers keeps no activations; it is for --train");
    return false;
  }
  const Trial first = run_trial(o, target, 0);
  if (first.bytes <= limit) return true; /* or the passes will say what is wrong */
  const Search s = search(o, target, &first);
  *memory = s.found.aim;
  if (s.low) return true;
  usage_error(u,
              "--max-memory %lld: training needs at least %lld bytes, %lld more, with --batch %lld "
              "(%lld bytes if nothing is computed again)",
              limit, (long long)s.least, (long long)s.least - limit, (long long)pipeline_batch(o),
              (long long)first.bytes);
  return false;
}

/* ---- what it costs ---- */

static double percent(double part, double all) {
  return all > 0 ? 100 * part / all : 0;
}

static long long again_bytes(const Recompute *r) {
  long long sum = 0;
  for (int i = 0; i < r->again.n; i++) sum += r->again.at[i].bytes;
  return sum;
}

void memory_limit_note(Unit *u, const Plan *plan) {
  const Recompute *r = &plan->recompute;
  const long long bytes = library_training_bytes(plan);
  if (r->again.n == 0)
    usage_note(u, "--max-memory: training takes %lld bytes; nothing has to be computed again",
               bytes);
  else
    usage_note(u,
               "--max-memory: training takes %lld bytes; %d of %d activations, %lld bytes, are "
               "computed again in backward: %.1f %% more multiply-adds, about %.0f %% more time",
               bytes, r->again.n, r->activations, again_bytes(r), percent(r->macs, r->all_macs),
               percent(r->seconds, r->all_seconds));
}

void memory_limit_explain(const Plan *plan) {
  const Recompute *r = &plan->recompute;
  if (r->again.n == 0) return;
  printf("computed again in backward\n");
  for (int i = 0; i < r->again.n; i++)
    printf("    %-30s %12lld bytes\n", r->again.at[i].name, (long long)r->again.at[i].bytes);
}
