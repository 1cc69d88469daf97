/* blocks.c - lists of layers -> Drafts: layers are chained, blocks with parameters expanded.
 *
 * A block is expanded by walking its layers once per instance in a Scope of its own, which knows
 * the parameters, the drafts that "@in" means, and the enclosing scope. */
#include <math.h>
#include <string.h>

#include "read.h"

enum { MAX_LAYERS = 10000, MAX_DEPTH = 32 };

static const char *const block_keys[] = {"block",  "name",     "from",  "repeat", "start", "share",
                                         "freeze", "lr_scale", "decay", "init",   NULL};

/* ---- definitions of blocks ---- */

static void check_parameters(Reader *r, json_t *params, const Path *path) {
  const char *key;
  json_t *value;
  if (!json_is_object(params)) {
    diag_error(r->u, path, "params must be an object of names and default values, not %s",
               read_kind(params));
    return;
  }
  json_object_foreach(params, key, value) {
    const Path *where = read_path(r, path, key);
    if (is_among(key, block_keys))
      diag_error_key(r->u, where, "\"%s\" already has a meaning where a block is used", key);
    else if (!read_is_identifier(key))
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
  if (!read_is_identifier(name))
    diag_error_key(r->u, path, "a block's name is letters, digits and _");
  if (!json_is_object(block)) {
    diag_error(r->u, path, "block \"%s\" must be an object with \"layers\"", name);
  } else {
    read_check_keys(r, block, path, keys);
    json_t *params = json_object_get(block, "params"), *layers;
    if (params) check_parameters(r, params, read_path(r, path, "params"));
    layers = json_object_get(block, "layers");
    if (!json_is_array(layers) || json_array_size(layers) == 0)
      diag_error(r->u, read_path(r, path, "layers"), "block \"%s\" needs \"layers\": a list", name);
  }
  if (r->u->errors == errors) return;
  vec_push(r->u->arena, &r->bad_block, arena_copy(r->u->arena, name, strlen(name)));
}

void read_check_blocks(Reader *r, json_t *blocks) {
  const Path *path = path_key(r->u->arena, NULL, "blocks");
  const char *name;
  json_t *block;
  if (!json_is_object(blocks)) {
    diag_error(r->u, path, "blocks must be an object of names and blocks, not %s",
               read_kind(blocks));
    return;
  }
  json_object_foreach(blocks, name, block) check_block(r, name, block, read_path(r, path, name));
}

/* ---- uses of blocks ---- */

static json_t *block_of(Reader *r, const Scope *scope, json_t *layer, const Path *path) {
  json_t *blocks = json_object_get(r->root, "blocks"), *value;
  const Path *where = read_path(r, path, "block");
  value = json_object_get(layer, "block");
  if (!json_is_string(value)) {
    diag_error(r->u, where, "block must be the name of a block, not %s", read_kind(value));
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
  diag_error(r->u, where, "unknown block \"%s\"%s", name, did_you_mean(r->u->arena, near));
  return NULL;
}

/* A member of a block's definition, for messages that also show where the block is used. */
static const Path *path_inside(Arena *arena, const char *block, const char *key, const Path *used) {
  Path *path = NEW(arena, Path);
  *path = (Path){
      .up = path_key(arena, path_key(arena, NULL, "blocks"), block), .key = key, .used = used};
  return path;
}

/* Values of the block's parameters: given where it is used, or its defaults (which may be formulas
 * of the parameters above them). */
static void read_parameters(Reader *r, const Scope *outer, json_t *layer, const Path *path,
                            json_t *params, Scope *inner) {
  const char *known[256], *key;
  const Path *defaults = path_inside(r->u->arena, inner->block, "params", path);
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
      good = read_integer(r, outer, given, read_path(r, path, key), -INFINITY, INFINITY, &value);
    else if (json_is_null(otherwise))
      diag_error(r->u, path, "block \"%s\" needs \"%s\"", inner->block, name);
    else
      good = read_integer(r, inner, otherwise, read_path(r, defaults, key), -INFINITY, INFINITY,
                          &value);
    inner->param[inner->nparam].name = name;
    inner->param[inner->nparam].known = good;
    inner->param[inner->nparam++].value = value;
  }
  known[n] = NULL;
  read_check_keys(r, layer, path, known);
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
  int errors = r->u->errors;
  int output = expand(r, inner, path_inside(arena, inner->block, "layers", used));
  if (r->u->errors == errors) return output;
  vec_push(arena, &r->bad_block, inner->block);
  return -1;
}

/* The prefix of the instance whose parameters an instance shares, or NULL. */
static const char *shared_prefix(Reader *r, const Scope *scope, json_t *layer, const Path *path,
                                 const char *instance) {
  json_t *share = json_object_get(layer, "share");
  const Path *where = read_path(r, path, "share");
  if (!share)
    return scope->share ? arena_printf(r->u->arena, "%s%s.", scope->share, instance) : NULL;
  if (!json_is_string(share)) {
    diag_error(r->u, where, "share must be the name of a layer, not %s", read_kind(share));
    return NULL;
  }
  for (const Scope *s = scope; s; s = s->outer) {
    const char *full = arena_printf(r->u->arena, "%s%s", s->prefix, json_string_value(share));
    if (name_lookup(r, full) >= 0) return arena_printf(r->u->arena, "%s.", full);
  }
  read_find_layer(r, scope, json_string_value(share), where);
  return NULL;
}

static void read_repeat(Reader *r, const Scope *scope, json_t *layer, const Path *path,
                        int64_t *start, int64_t *repeat) {
  json_t *value;
  *start = 0;
  *repeat = 1;
  if ((value = json_object_get(layer, "repeat")))
    read_integer(r, scope, value, read_path(r, path, "repeat"), 1, MAX_LAYERS, repeat);
  if (!(value = json_object_get(layer, "start"))) return;
  if (!json_object_get(layer, "repeat"))
    diag_error_key(r->u, read_path(r, path, "start"), "\"start\" needs \"repeat\"");
  read_integer(r, scope, value, read_path(r, path, "start"), 0, MAX_ELEMENTS, start);
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
    if (output >= 0) name_define(r, full, output, false, read_path(r, path, "name"));
    inner->in.n = 0;
    vec_push(arena, &inner->in, output);
  }
}

static void use_block(Reader *r, Scope *scope, Chain *chain, json_t *layer, const Path *path) {
  int errors = r->u->errors;
  json_t *block = block_of(r, scope, layer, path);
  const char *kind = block ? json_string_value(json_object_get(layer, "block")) : "block";
  const char *name = read_layer_name(r, scope, chain, layer, path, kind);
  Draft use = {.name = arena_printf(r->u->arena, "%s%s", scope->prefix, name),
               .op = OP_KINDS,
               .path = path,
               .settings.owner = -1};
  bool good = read_layer_from(r, scope, chain, layer, path, &use);
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
  chain->last = use.broken ? read_push_draft(r, &use) : inner.in.at[0];
  if (use.broken || json_object_get(layer, "repeat"))
    name_define(r, use.name, chain->last, true, read_path(r, path, "name"));
}

/* ---- lists ---- */

/* Expands scope->layers; returns the last one's draft. */
static int expand(Reader *r, Scope *scope, const Path *path) {
  Chain chain = {.last = scope->in.n == 1 ? scope->in.at[0] : -1};
  size_t i;
  json_t *layer;
  read_collect_names(r, scope, &chain);
  json_array_foreach(scope->layers, i, layer) {
    const Path *where = path_index(r->u->arena, path, (int)i);
    if (r->full) break;
    if (r->draft.n >= MAX_LAYERS) {
      diag_error(r->u, where, "the network has more than %d layers", MAX_LAYERS);
      r->full = true;
    } else if (!json_is_object(layer)) {
      diag_error(r->u, where, "a layer must be an object, not %s", read_kind(layer));
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
