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
    c->text =
        arena_printf(c->p->u->arena, "%s cannot compute this layer: %s", c->algo->name, reason);
}

const char *choose_complaint(const Plan *p, const char *option) {
  Complaint c = {.p = p};
  if (!wish_parse(p->u->arena, option, &c.wish) || !(c.algo = algo_find(c.wish.algo))) return NULL;
  if (strcmp(c.wish.layer, "*") == 0) return NULL; /* wherever it can */
  plan_leaves(p, complain_about, &c);
  if (c.found || c.text) return c.found ? NULL : c.text;
  return arena_printf(p->u->arena, "no contraction belongs to a layer of this name%s",
                      c.wish.role ? " in this role" : "");
}

/* ---- names ---- */

/* NULL if the word is one of the names; otherwise that it is none. */
static const char *unknown(Arena *arena, const char *what, const char *word,
                           const char *const *names, int n) {
  for (int i = 0; i < n; i++)
    if (strcmp(names[i], word) == 0) return NULL;
  return arena_printf(arena, "unknown %s \"%s\"%s", what, word,
                      did_you_mean(arena, nearest(word, names, n)));
}

static const char *unknown_layer(Arena *arena, const Graph *g, const char *word) {
  const char **layers = NEW_ARRAY(arena, const char *, g->layer.n + 1);
  for (int i = 0; i < g->layer.n; i++) layers[i] = g->layer.at[i].name;
  return strcmp(word, "*") == 0 ? NULL : unknown(arena, "layer", word, layers, g->layer.n);
}

static const char *unknown_algo(Arena *arena, const char *word) {
  const char *names[ALGO_KINDS];
  for (int a = 0; a < ALGO_KINDS; a++) names[a] = algos[a]->name;
  return unknown(arena, "algorithm", word, names, ALGO_KINDS);
}

const char *choose_misnamed(Arena *arena, const Graph *g, const char *option) {
  Wish wish;
  if (!wish_parse(arena, option, &wish)) return "LAYER[:ROLE]=NAME is expected";
  const char *const wrong[] = {
      g ? unknown_layer(arena, g, wish.layer) : NULL,
      wish.role ? unknown(arena, "role", wish.role, role_names, ROLES) : NULL,
      unknown_algo(arena, wish.algo),
  };
  Text text = {.arena = arena};
  for (int i = 0; i < COUNT(wrong); i++)
    if (wrong[i]) text_add(&text, "%s%s", text.n ? "; " : "", wrong[i]);
  return text.n ? text.at : NULL;
}
