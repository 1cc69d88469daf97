/* layers.c - one layer as it is written -> a Draft: what it reads, its name (made up if it has
 * none), whose parameters it uses, its operator's attributes. */
#include <string.h>

#include "read.h"

static const char *const layer_keys[] = {"op",       "name",  "from", "share", "freeze",
                                         "lr_scale", "decay", "init", NULL};

/* ---- what a layer reads ---- */

bool read_layer_from(Reader *r, const Scope *scope, const Chain *chain, json_t *layer,
                     const Path *path, Draft *to) {
  json_t *value = json_object_get(layer, "from");
  const Path *where = read_path(r, path, "from");
  bool good = true;
  int n = 0;
  if (!value && chain->last >= 0) {
    vec_push(r->u->arena, &to->from, chain->last);
    return true;
  }
  if (!value && r->ninput == 0) return false; /* reported: a network needs an input */
  if (!value) {
    diag_error(r->u, path, "the first layer needs \"from\", because there are several inputs");
    return false;
  }
  const char **names = read_strings(r, value, where, &n);
  for (int i = 0; names && i < n; i++) {
    const Path *place = json_is_array(value) ? path_index(r->u->arena, where, i) : where;
    int draft = read_find_layer(r, scope, names[i], place);
    good &= draft >= 0;
    if (draft >= 0) vec_push(r->u->arena, &to->from, draft);
  }
  return names && good;
}

/* ---- names ---- */

void read_collect_names(Reader *r, const Scope *scope, Chain *chain) {
  size_t i;
  json_t *layer;
  json_array_foreach(scope->layers, i, layer) {
    const char *given = json_string_value(json_object_get(layer, "name"));
    if (given) vec_push(r->u->arena, &chain->given, given);
  }
}

static bool given_name(const Chain *chain, const char *name) {
  int i = 0;
  while (i < chain->given.n && strcmp(chain->given.at[i], name) != 0) i++;
  return i < chain->given.n;
}

static const char *make_name(Reader *r, const Scope *scope, Chain *chain, const char *kind) {
  int i = 0;
  while (i < chain->made.n && strcmp(chain->made.at[i].kind, kind) != 0) i++;
  if (i == chain->made.n) vec_push(r->u->arena, &chain->made, ((Counter){kind, 0}));
  const char *name;
  do name = arena_printf(r->u->arena, "%s%d", kind, ++chain->made.at[i].n);
  while (given_name(chain, name) ||
         name_lookup(r, arena_printf(r->u->arena, "%s%s", scope->prefix, name)) >= 0);
  return name;
}

const char *read_layer_name(Reader *r, const Scope *scope, Chain *chain, json_t *layer,
                            const Path *path, const char *kind) {
  json_t *value = json_object_get(layer, "name");
  const Path *where = read_path(r, path, "name");
  if (!value) return make_name(r, scope, chain, kind);
  if (!json_is_string(value))
    diag_error(r->u, where, "name must be a string, not %s", read_kind(value));
  else if (name_check(r, json_string_value(value), where))
    return arena_copy(r->u->arena, json_string_value(value), json_string_length(value));
  return make_name(r, scope, chain, kind);
}

/* ---- one layer ---- */

/* The draft whose parameters this layer uses: named by "share", or the layer of the same name in
 * the instance that the block shares. */
static int find_owner(Reader *r, const Scope *scope, json_t *layer, const Path *path,
                      const char *name, OpKind op) {
  json_t *share = json_object_get(layer, "share");
  const Path *where = read_path(r, path, "share");
  int owner = -1;
  if (share && !json_is_string(share)) {
    diag_error(r->u, where, "share must be the name of a layer, not %s", read_kind(share));
  } else if (share) {
    owner = read_find_layer(r, scope, json_string_value(share), where);
  } else if (scope->share) {
    const char *full = arena_printf(r->u->arena, "%s%s", scope->share, name);
    owner = name_lookup(r, full);
    if (owner < 0) diag_error(r->u, path, "there is no layer \"%s\" to share", full);
  }
  if (owner < 0) return -1;
  const Draft *d = &r->draft.at[owner];
  if (d->op != op && !d->broken)
    diag_error(r->u, where, "\"%s\" is %s, and this layer %s: they cannot share parameters",
               d->name, ops[d->op]->name, ops[op]->name);
  return d->settings.owner >= 0 ? d->settings.owner : owner;
}

static void check_count(Reader *r, const Op *op, const Draft *d) {
  int n = d->from.n, max = op->max_args;
  const Path *where = path_key(r->u->arena, d->path, "from");
  if (n < op->min_args)
    diag_error(r->u, where, "%s reads %s%d layers, not %d; name them in \"from\"", op->name,
               max == op->min_args ? "" : "at least ", op->min_args, n);
  else if (max >= 0 && n > max)
    diag_error(r->u, where, "%s reads %d layer%s, not %d", op->name, max, max == 1 ? "" : "s", n);
}

int read_push_draft(Reader *r, const Draft *d) {
  vec_push(r->u->arena, &r->draft, *d);
  return r->draft.n - 1;
}

void read_layer(Reader *r, Scope *scope, Chain *chain, json_t *layer, const Path *path) {
  int errors = r->u->errors;
  OpKind op = read_op(r, layer, path, PART_LAYER);
  const char *kind = op == OP_KINDS ? "layer" : ops[op]->name;
  const char *name = read_layer_name(r, scope, chain, layer, path, kind);
  Draft d = {.name = arena_printf(r->u->arena, "%s%s", scope->prefix, name),
             .op = op,
             .path = path,
             .settings = read_settings(r, scope, layer, path)};
  bool good = read_layer_from(r, scope, chain, layer, path, &d);
  if (op != OP_KINDS) {
    d.attr = read_fields(r, scope, ops[op], layer, path, layer_keys);
    d.settings.owner = find_owner(r, scope, layer, path, name, op);
    if (good) check_count(r, ops[op], &d);
  }
  d.broken = !good || r->u->errors != errors;
  chain->last = read_push_draft(r, &d);
  if (!name_define(r, d.name, chain->last, false,
                   read_path(r, path, "name"))) /* its parameters need another one */
    r->draft.at[chain->last].name = arena_printf(r->u->arena, "%s (%d)", d.name, chain->last);
}
