/* blocks.c - layers as they are written -> Drafts: blocks with parameters are expanded, layers
 * chained, names made up.
 *
 * A block is expanded by walking its layers once per instance in a Scope of its own, which knows
 * the parameters, the drafts that "@in" means, and the enclosing scope. */
#include <math.h>
#include <string.h>

#include "read.h"

enum { MAX_LAYERS = 10000, MAX_DEPTH = 32 };

static const char *const layer_keys[] = {"op",       "name",  "from", "share", "freeze",
                                         "lr_scale", "decay", "init", NULL};
static const char *const block_keys[] = {"block",  "name",     "from",  "repeat", "start", "share",
                                         "freeze", "lr_scale", "decay", "init",   NULL};

/* A list of layers while it is expanded: the chain, and the counters of made-up names. */
typedef struct Counter {
  const char *kind;
  int n;
} Counter;

typedef struct Chain {
  int last; /* draft that a layer without "from" reads, -1: none */
  VEC(Counter) made;
  VEC(const char *) given; /* names that this list gives */
} Chain;

static bool among(const char *word, const char *const *words) {
  while (*words && strcmp(*words, word) != 0) words++;
  return *words != NULL;
}

/* ---- definitions of blocks */

static void check_parameters(Reader *r, json_t *params, const Path *path) {
  const char *key;
  json_t *value;
  if (!json_is_object(params)) {
    diag_error(r->u, path, "params must be an object of names and default values, not %s",
               json_kind(params));
    return;
  }
  json_object_foreach(params, key, value) {
    const Path *where = path_below(r, path, key);
    if (among(key, block_keys))
      diag_error_key(r->u, where, "\"%s\" already has a meaning where a block is used", key);
    else if (!is_identifier(key))
      diag_error_key(r->u, where, "a parameter's name is letters, digits and _");
    bool formula = json_is_string(value) && json_string_value(value)[0] == '=';
    if (!json_is_integer(value) && !json_is_null(value) && !formula)
      diag_error(r->u, where,
                 "a default is an integer, or null for a parameter that must be given");
  }
}

static void check_block(Reader *r, const char *name, json_t *block, const Path *path) {
  static const char *const keys[] = {"params", "layers", NULL};
  int errors = r->u->errors;
  if (!is_identifier(name)) diag_error_key(r->u, path, "a block's name is letters, digits and _");
  if (!json_is_object(block)) {
    diag_error(r->u, path, "block \"%s\" must be an object with \"layers\"", name);
  } else {
    check_keys(r, block, path, keys);
    json_t *params = json_object_get(block, "params"), *layers;
    if (params) check_parameters(r, params, path_below(r, path, "params"));
    layers = json_object_get(block, "layers");
    if (!json_is_array(layers) || json_array_size(layers) == 0)
      diag_error(r->u, path_below(r, path, "layers"), "block \"%s\" needs \"layers\": a list",
                 name);
  }
  if (r->u->errors == errors) return;
  vec_push(r->u->arena, &r->bad_block, arena_copy(r->u->arena, name, strlen(name)));
}

void check_blocks(Reader *r, json_t *blocks) {
  const Path *path = path_key(r->u->arena, NULL, "blocks");
  const char *name;
  json_t *block;
  if (!json_is_object(blocks)) {
    diag_error(r->u, path, "blocks must be an object of names and blocks, not %s",
               json_kind(blocks));
    return;
  }
  json_object_foreach(blocks, name, block) check_block(r, name, block, path_below(r, path, name));
}

/* ---- what a layer reads */

/* The drafts that a layer reads: those of "from", or the one above it. */
static bool read_from(Reader *r, const Scope *scope, const Chain *chain, json_t *layer,
                      const Path *path, Draft *to) {
  json_t *value = json_object_get(layer, "from");
  const Path *where = path_below(r, path, "from");
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
    int draft = find_layer(r, scope, names[i], place);
    good &= draft >= 0;
    if (draft >= 0) vec_push(r->u->arena, &to->from, draft);
  }
  return names && good;
}

/* ---- names */

static void collect_names(Reader *r, const Scope *scope, Chain *chain) {
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

static const char *read_name(Reader *r, const Scope *scope, Chain *chain, json_t *layer,
                             const Path *path, const char *kind) {
  json_t *value = json_object_get(layer, "name");
  const Path *where = path_below(r, path, "name");
  if (!value) return make_name(r, scope, chain, kind);
  if (!json_is_string(value))
    diag_error(r->u, where, "name must be a string, not %s", json_kind(value));
  else if (name_check(r, json_string_value(value), where))
    return arena_copy(r->u->arena, json_string_value(value), json_string_length(value));
  return make_name(r, scope, chain, kind);
}

/* ---- one layer */

/* The draft whose parameters this layer uses: named by "share", or the layer of the same name in
 * the instance that the block shares. */
static int find_owner(Reader *r, const Scope *scope, json_t *layer, const Path *path,
                      const char *name, OpKind op) {
  json_t *share = json_object_get(layer, "share");
  const Path *where = path_below(r, path, "share");
  int owner = -1;
  if (share && !json_is_string(share)) {
    diag_error(r->u, where, "share must be the name of a layer, not %s", json_kind(share));
  } else if (share) {
    owner = find_layer(r, scope, json_string_value(share), where);
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

static int push_draft(Reader *r, const Draft *d) {
  vec_push(r->u->arena, &r->draft, *d);
  return r->draft.n - 1;
}

static void read_layer(Reader *r, Scope *scope, Chain *chain, json_t *layer, const Path *path) {
  int errors = r->u->errors;
  OpKind op = read_op(r, layer, path, ROLE_LAYER);
  const char *kind = op == OP_KINDS ? "layer" : ops[op]->name;
  const char *name = read_name(r, scope, chain, layer, path, kind);
  Draft d = {.name = arena_printf(r->u->arena, "%s%s", scope->prefix, name),
             .op = op,
             .path = path,
             .settings = read_settings(r, scope, layer, path)};
  bool good = read_from(r, scope, chain, layer, path, &d);
  if (op != OP_KINDS) {
    d.attr = read_fields(r, scope, ops[op], layer, path, layer_keys);
    d.settings.owner = find_owner(r, scope, layer, path, name, op);
    if (good) check_count(r, ops[op], &d);
  }
  d.broken = !good || r->u->errors != errors;
  chain->last = push_draft(r, &d);
  if (!name_define(r, d.name, chain->last, false,
                   path_below(r, path, "name"))) /* its parameters need another one */
    r->draft.at[chain->last].name = arena_printf(r->u->arena, "%s (%d)", d.name, chain->last);
}

/* ---- uses of blocks */

static json_t *block_of(Reader *r, const Scope *scope, json_t *layer, const Path *path) {
  json_t *blocks = json_object_get(r->root, "blocks"), *value;
  const Path *where = path_below(r, path, "block");
  value = json_object_get(layer, "block");
  if (!json_is_string(value)) {
    diag_error(r->u, where, "block must be the name of a block, not %s", json_kind(value));
    return NULL;
  }
  const char *name = json_string_value(value);
  for (const Scope *s = scope; s; s = s->outer)
    if (s->block && strcmp(s->block, name) == 0) {
      diag_error(r->u, where, "block \"%s\" uses itself", name);
      return NULL;
    }
  json_t *block = json_object_get(blocks, name);
  if (block) return block;
  const char **names = NEW_ARRAY(r->u->arena, const char *, json_object_size(blocks) + 1), *key;
  int n = 0;
  json_t *each;
  json_object_foreach(blocks, key, each) names[n++] = key;
  const char *near = nearest(name, names, n);
  if (near)
    diag_error(r->u, where, "unknown block \"%s\"; did you mean \"%s\"?", name, near);
  else
    diag_error(r->u, where, "unknown block \"%s\"", name);
  return NULL;
}

/* Values of the block's parameters: given where it is used, or its defaults (which may be formulas
 * of the parameters above them). */
static void read_parameters(Reader *r, const Scope *outer, json_t *layer, const Path *path,
                            json_t *params, Scope *inner) {
  const char *known[256], *key;
  int n = 0;
  json_t *otherwise;
  while (block_keys[n]) known[n] = block_keys[n], n++;
  inner->param = arena_alloc(r->u->arena, sizeof *inner->param * (json_object_size(params) + 1));
  json_object_foreach(params, key, otherwise) {
    const char *name = arena_copy(r->u->arena, key, strlen(key));
    json_t *given = json_object_get(layer, key);
    int64_t value = 1;
    bool good = false;
    if (n < COUNT(known) - 1) known[n++] = name;
    if (given)
      good = read_integer(r, outer, given, path_below(r, path, key), -INFINITY, INFINITY, &value);
    else if (json_is_null(otherwise))
      diag_error(r->u, path, "block \"%s\" needs \"%s\"", inner->block, name);
    else
      good =
          read_integer(r, inner, otherwise, path_below(r, path, key), -INFINITY, INFINITY, &value);
    inner->param[inner->nparam].name = name;
    inner->param[inner->nparam].known = good;
    inner->param[inner->nparam++].value = value;
  }
  known[n] = NULL;
  check_keys(r, layer, path, known);
}

static int expand(Reader *r, Scope *scope, const Path *path);

static bool is_bad(const Reader *r, const char *block) {
  int i = 0;
  while (i < r->bad_block.n && strcmp(r->bad_block.at[i], block) != 0) i++;
  return i < r->bad_block.n;
}

/* One instance: its layers in a scope of their own. Returns its output; -1 if the block is wrong,
 * which is reported once. */
static int expand_instance(Reader *r, Scope *inner, const char *name, const Path *used) {
  Arena *arena = r->u->arena;
  if (is_bad(r, inner->block)) return -1;
  inner->prefix = arena_printf(arena, "%s%s.", inner->outer->prefix, name);
  Path *path = NEW(arena, Path);
  *path = (Path){.up = path_key(arena, path_key(arena, NULL, "blocks"), inner->block),
                 .key = "layers",
                 .used = used};
  int errors = r->u->errors, output = expand(r, inner, path);
  if (r->u->errors == errors) return output;
  vec_push(arena, &r->bad_block, inner->block);
  return -1;
}

/* The prefix of the instance whose parameters an instance shares, or NULL. */
static const char *shared_prefix(Reader *r, const Scope *scope, json_t *layer, const Path *path,
                                 const char *instance) {
  json_t *share = json_object_get(layer, "share");
  const Path *where = path_below(r, path, "share");
  if (!share)
    return scope->share ? arena_printf(r->u->arena, "%s%s.", scope->share, instance) : NULL;
  if (!json_is_string(share)) {
    diag_error(r->u, where, "share must be the name of a layer, not %s", json_kind(share));
    return NULL;
  }
  for (const Scope *s = scope; s; s = s->outer) {
    const char *full = arena_printf(r->u->arena, "%s%s", s->prefix, json_string_value(share));
    if (name_lookup(r, full) >= 0) return arena_printf(r->u->arena, "%s.", full);
  }
  find_layer(r, scope, json_string_value(share), where);
  return NULL;
}

static void read_repeat(Reader *r, const Scope *scope, json_t *layer, const Path *path,
                        int64_t *start, int64_t *repeat) {
  json_t *value;
  *start = 0;
  *repeat = 1;
  if ((value = json_object_get(layer, "repeat")))
    read_integer(r, scope, value, path_below(r, path, "repeat"), 1, MAX_LAYERS, repeat);
  if (!(value = json_object_get(layer, "start"))) return;
  if (!json_object_get(layer, "repeat"))
    diag_error_key(r->u, path_below(r, path, "start"), "\"start\" needs \"repeat\"");
  read_integer(r, scope, value, path_below(r, path, "start"), 0, MAX_ELEMENTS, start);
}

/* All instances, each reading the one before it. */
static void expand_instances(Reader *r, Scope *inner, json_t *layer, const Path *path,
                             const char *name, Draft *use) {
  Arena *arena = r->u->arena;
  bool repeated = json_object_get(layer, "repeat") != NULL;
  int64_t start, repeat;
  read_repeat(r, inner->outer, layer, path, &start, &repeat);
  for (int64_t i = 0; i < repeat && !use->broken && !r->full; i++) {
    const char *instance =
        repeated ? arena_printf(arena, "%s.%lld", name, (long long)(start + i)) : name;
    inner->share = shared_prefix(r, inner->outer, layer, path, instance);
    int output = expand_instance(r, inner, instance, path);
    use->broken = output < 0;
    const char *full = arena_printf(arena, "%s%s", inner->outer->prefix, instance);
    if (output >= 0) name_define(r, full, output, false, path_below(r, path, "name"));
    inner->in.n = 0;
    vec_push(arena, &inner->in, output);
  }
}

static void use_block(Reader *r, Scope *scope, Chain *chain, json_t *layer, const Path *path) {
  int errors = r->u->errors;
  json_t *block = block_of(r, scope, layer, path);
  const char *kind = block ? json_string_value(json_object_get(layer, "block")) : "block";
  const char *name = read_name(r, scope, chain, layer, path, kind);
  Draft use = {.name = arena_printf(r->u->arena, "%s%s", scope->prefix, name),
               .op = OP_KINDS,
               .path = path,
               .settings.owner = -1};
  bool good = read_from(r, scope, chain, layer, path, &use);
  Scope inner = {.outer = scope,
                 .block = arena_copy(r->u->arena, kind, strlen(kind)),
                 .layers = json_object_get(block, "layers"),
                 .settings = read_settings(r, scope, layer, path),
                 .depth = scope->depth + 1};
  for (int i = 0; i < use.from.n; i++) vec_push(r->u->arena, &inner.in, use.from.at[i]);
  if (block && json_is_object(block))
    read_parameters(r, scope, layer, path, json_object_get(block, "params"), &inner);
  if (inner.depth > MAX_DEPTH)
    diag_error(r->u, path, "blocks are nested more than %d deep", MAX_DEPTH);
  use.broken = !good || r->u->errors != errors;
  if (!use.broken) expand_instances(r, &inner, layer, path, name, &use);
  chain->last = use.broken ? push_draft(r, &use) : inner.in.at[0];
  if (use.broken || json_object_get(layer, "repeat"))
    name_define(r, use.name, chain->last, true, path_below(r, path, "name"));
}

/* ---- lists */

/* Expands scope->layers; returns the last one's draft. */
static int expand(Reader *r, Scope *scope, const Path *path) {
  Chain chain = {.last = scope->in.n == 1 ? scope->in.at[0] : -1};
  size_t i;
  json_t *layer;
  collect_names(r, scope, &chain);
  json_array_foreach(scope->layers, i, layer) {
    const Path *where = path_index(r->u->arena, path, (int)i);
    if (r->full) break;
    if (r->draft.n >= MAX_LAYERS) {
      diag_error(r->u, where, "the network has more than %d layers", MAX_LAYERS);
      r->full = true;
    } else if (!json_is_object(layer)) {
      diag_error(r->u, where, "a layer must be an object, not %s", json_kind(layer));
    } else if (json_object_get(layer, "block")) {
      use_block(r, scope, &chain, layer, where);
    } else {
      read_layer(r, scope, &chain, layer, where);
    }
  }
  return chain.last;
}

void read_layers(Reader *r, Scope *document) {
  expand(r, document, path_key(r->u->arena, NULL, "layers"));
}
