/* force.c - part of choose: what --algo asks for, and what is wrong with it. */
#include "plan.h"

#include <string.h>

/* A layer's own name counts before '*'. */
const char *choose_forced(const PlanOptions *options, const char *layer) {
  const char *any = NULL;
  for (int i = 0; i < options->algo.n; i++) {
    const char *option = options->algo.at[i], *value = strchr(option, '=');
    size_t length = value ? strcspn(option, ":=") : 0;
    if (length == 1 && *option == '*') any = value + 1;
    if (layer && length == strlen(layer) && strncmp(option, layer, length) == 0) return value + 1;
  }
  return any;
}

typedef struct Complaint {
  const Plan *p;
  const char *option;
  size_t length; /* of the layer's name */
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
  if (entry == PLAN_PREPARE || !k->name || strlen(k->name) != c->length ||
      strncmp(k->name, c->option, c->length) != 0 || !contraction(c->p, k, &contracted))
    return;
  c->found = true;
  const char *reason = c->algo->refuses(c->p, &contracted);
  if (reason)
    c->text = arena_printf(c->p->u->arena, "--algo %s: %s cannot compute this layer: %s", c->option,
                           c->algo->name, reason);
}

static const char *complain(const Plan *p, const char *option) {
  const char *value = strchr(option, '='), *names[ALGO_KINDS];
  if (!value || value == option)
    return arena_printf(p->u->arena, "--algo %s: must be LAYER=NAME", option);
  Complaint c = {.p = p, .option = option, .algo = algo_find(value + 1)};
  c.length = strcspn(option, ":=");
  for (int a = 0; a < ALGO_KINDS; a++) names[a] = algos[a]->name;
  if (!c.algo) {
    const char *near = nearest(value + 1, names, ALGO_KINDS);
    return arena_printf(p->u->arena, "--algo %s: unknown algorithm \"%s\"%s%s%s", option, value + 1,
                        near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
  }
  if (c.length == 1 && *option == '*') return NULL; /* wherever it can */
  plan_leaves(p, complain_about, &c);
  if (c.found || c.text) return c.text;
  return arena_printf(p->u->arena, "--algo %s: no contraction belongs to a layer of this name",
                      option);
}

const char *choose_complaint(const Plan *p, const PlanOptions *options) {
  for (int i = 0; i < options->algo.n; i++) {
    const char *text = complain(p, options->algo.at[i]);
    if (text) return text;
  }
  return NULL;
}
