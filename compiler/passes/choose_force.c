/* choose_force.c - part of choose: what --algo asks for, and what is wrong with it. */
#include "choose.h"

#include <string.h>

/* The parts of LAYER[:ROLE]=NAME; without a role it speaks of all. */
typedef struct Wish {
  const char *layer, *role /* NULL: any */, *algo;
} Wish;

/* False: no "=". */
static bool wish_parse(Arena *arena, const char *option, Wish *wish) {
  const char *equals = strchr(option, '=');
  if (!equals || equals == option) return false;
  const size_t length = (size_t)(equals - option);
  const char *colon = equals; /* the last one before it: names of layers may hold others */
  while (colon > option && *colon != ':') colon--;
  const bool has_role = *colon == ':';
  wish->layer = arena_copy(arena, option, has_role ? (size_t)(colon - option) : length);
  wish->role = has_role ? arena_copy(arena, colon + 1, (size_t)(equals - colon - 1)) : NULL;
  wish->algo = equals + 1;
  return true;
}

/* How closely a wish speaks of a kernel: 0 not at all; a layer's own name counts before '*', and
 * with its role before without. */
static int closeness(const Wish *wish, const Kernel *k) {
  const bool any = strcmp(wish->layer, "*") == 0;
  if (!any && (!k->name || strcmp(wish->layer, k->name) != 0)) return 0;
  if (wish->role && strcmp(wish->role, role_names[k->role]) != 0) return 0;
  return (any ? 1 : 3) + (wish->role ? 1 : 0);
}

const Algo *choose_forced(Arena *arena, const PlanOptions *options, const Kernel *k) {
  const Algo *asked = NULL;
  int closest = 0;
  for (int i = 0; i < options->algo.n; i++) {
    Wish wish;
    if (!wish_parse(arena, options->algo.at[i], &wish)) continue;
    const int close = closeness(&wish, k);
    if (close == 0 || close < closest) continue;
    closest = close;
    asked = algo_find(wish.algo);
  }
  return asked;
}

typedef struct Complaint {
  const Plan *p;
  const char *option;
  Wish wish;
  const Algo *algo;
  bool found;
  const char *text;
} Complaint;

static void complain_about(void *context, PlanEntry entry, Kernel *k, Step *const *outer,
                           int depth) {
  Complaint *c = context;
  Contraction contracted;
  (void)outer;
  (void)depth;
  if (entry == PLAN_PREPARE || !closeness(&c->wish, k) || !contraction_of(c->p, k, &contracted))
    return;
  const char *reason = c->algo->refuses(c->p, &contracted);
  c->found |= !reason;
  if (reason)
    c->text = arena_printf(c->p->u->arena, "--algo %s: %s cannot compute this layer: %s", c->option,
                           c->algo->name, reason);
}

/* `what` is none of the names that there are. */
static const char *unknown(const Plan *p, const char *option, const char *what, const char *word,
                           const char *const *names, int n) {
  const char *near = nearest(word, names, n);
  return arena_printf(p->u->arena, "--algo %s: unknown %s \"%s\"%s", option, what, word,
                      did_you_mean(p->u->arena, near));
}

static bool is_role(const char *word) {
  for (int r = 0; r < ROLES; r++)
    if (strcmp(word, role_names[r]) == 0) return true;
  return false;
}

/* What stands in the option is not the name of anything. */
static const char *complain_of_names(const Plan *p, const char *option, const Wish *wish) {
  const char *algo_names[ALGO_KINDS];
  const Graph *g = p->graph;
  const char **layers = NEW_ARRAY(p->u->arena, const char *, g->layer.n + 1);
  bool layer_known = strcmp(wish->layer, "*") == 0;
  for (int a = 0; a < ALGO_KINDS; a++) algo_names[a] = algos[a]->name;
  for (int i = 0; i < g->layer.n; i++) {
    layers[i] = g->layer.at[i].name;
    layer_known |= strcmp(layers[i], wish->layer) == 0;
  }
  if (!layer_known) return unknown(p, option, "layer", wish->layer, layers, g->layer.n);
  if (wish->role && !is_role(wish->role))
    return unknown(p, option, "role", wish->role, role_names, ROLES);
  if (!algo_find(wish->algo))
    return unknown(p, option, "algorithm", wish->algo, algo_names, ALGO_KINDS);
  return NULL;
}

static const char *complain(const Plan *p, const char *option) {
  Complaint c = {.p = p, .option = option};
  if (!wish_parse(p->u->arena, option, &c.wish))
    return arena_printf(p->u->arena, "--algo %s: LAYER[:ROLE]=NAME is expected", option);
  const char *misnamed = complain_of_names(p, option, &c.wish);
  if (misnamed) return misnamed;
  c.algo = algo_find(c.wish.algo);
  if (strcmp(c.wish.layer, "*") == 0) return NULL; /* wherever it can */
  plan_leaves(p, complain_about, &c);
  if (c.found || c.text) return c.found ? NULL : c.text;
  return arena_printf(p->u->arena, "--algo %s: no contraction belongs to a layer of this name%s",
                      option, c.wish.role ? " in this role" : "");
}

const char *choose_complaint(const Plan *p, const PlanOptions *options) {
  for (int i = 0; i < options->algo.n; i++) {
    const char *text = complain(p, options->algo.at[i]);
    if (text) return text;
  }
  return NULL;
}
