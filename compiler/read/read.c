/* read.c - a network document in JSON -> Graph.
 *
 * The document is parsed by Jansson, then read in the order inputs, blocks, layers, outputs,
 * losses, optimiser. Then everything is built once for its errors, and, if there are none, once
 * more with only what outputs and losses need. */
#include <math.h>
#include <string.h>

#include "dictionary.h"
#include "read.h"

static const char *const network_keys[] = {"name",    "source",    "input",  "inputs",
                                           "outputs", "layers",    "blocks", "loss",
                                           "losses",  "optimizer", NULL};

/* ---- losses ---- */

/* The input that a loss compares with; -1 after an error. */
static int find_target(Reader *r, const char *name, const Path *where) {
  const char **names = NEW_ARRAY(r->u->arena, const char *, r->ninput + 1);
  for (int i = 0; i < r->ninput; i++) {
    names[i] = r->draft.at[i].name;
    if (strcmp(names[i], name) == 0) return i;
  }
  const char *near = nearest(name, names, r->ninput);
  if (name_lookup(r, name) >= 0)
    diag_error(r->u, where, "a target must be an input, and \"%s\" is a layer", name);
  else if (near)
    diag_error(r->u, where, "there is no input \"%s\"; did you mean \"%s\"?", name, near);
  else
    diag_error(r->u, where, "there is no input \"%s\"; \"inputs\" names them", name);
  return -1;
}

static void read_loss(Reader *r, const Scope *scope, json_t *object, const Path *path) {
  static const char *const keys[] = {"op", "from", "target", "weight", NULL};
  Arena *arena = r->u->arena;
  if (!json_is_object(object)) {
    diag_error(r->u, path, "a loss must be an object with \"op\", not %s", read_kind(object));
    return;
  }
  Loss loss = {.path = path, .weight = 1, .target = -1, .from = r->draft.n - 1};
  int errors = r->u->errors;
  loss.op = read_op(r, object, path, PART_LOSS);
  if (loss.op != OP_KINDS) loss.attr = read_fields(r, scope, ops[loss.op], object, path, keys);
  json_t *from = json_object_get(object, "from"), *target = json_object_get(object, "target");
  json_t *weight = json_object_get(object, "weight");
  if (weight)
    read_real(r, NULL, weight, path_key(arena, path, "weight"), 0, INFINITY, &loss.weight);
  if (from && json_is_string(from))
    loss.from = read_find_layer(r, scope, json_string_value(from), path_key(arena, path, "from"));
  else if (from)
    diag_error(r->u, path_key(arena, path, "from"), "from must be the name of a layer, not %s",
               read_kind(from));
  if (target && json_is_string(target))
    loss.target = find_target(r, json_string_value(target), path_key(arena, path, "target"));
  else if (target)
    diag_error(r->u, path_key(arena, path, "target"), "target must be the name of an input, not %s",
               read_kind(target));
  if (r->u->errors == errors) vec_push(arena, &r->loss, loss);
}

static void read_losses(Reader *r, const Scope *scope) {
  json_t *one = json_object_get(r->root, "loss"), *many = json_object_get(r->root, "losses"), *each;
  const Path *path = path_key(r->u->arena, NULL, "losses");
  size_t i;
  if (one && many) diag_error_key(r->u, path, "a network has either \"loss\" or \"losses\"");
  if (many && !json_is_array(many))
    diag_error(r->u, path, "losses must be a list, not %s", read_kind(many));
  json_array_foreach(many, i, each)
      read_loss(r, scope, each, path_index(r->u->arena, path, (int)i));
  if (one) read_loss(r, scope, one, path_key(r->u->arena, NULL, "loss"));
  if (!one && !many && r->options->training)
    diag_error(r->u, NULL, "training needs a \"loss\", for example { \"op\": \"cross_entropy\" }");
}

static void read_optimizer(Reader *r) {
  static const char *const keys[] = {"op", NULL};
  json_t *object = json_object_get(r->root, "optimizer");
  const Path *path = path_key(r->u->arena, NULL, "optimizer");
  r->optimizer = OP_KINDS;
  r->optimizer_path = path;
  if (!object && r->options->training)
    diag_error(r->u, NULL, "training needs an \"optimizer\", for example { \"op\": \"sgd\" }");
  if (!object) return;
  if (!json_is_object(object)) {
    diag_error(r->u, path, "optimizer must be an object with \"op\", not %s", read_kind(object));
    return;
  }
  r->optimizer = read_op(r, object, path, PART_OPTIMIZER);
  if (r->optimizer == OP_KINDS) return;
  r->optimizer_attr = read_fields(r, NULL, ops[r->optimizer], object, path, keys);
}

/* ---- outputs ---- */

static void add_output(Reader *r, const Scope *scope, const char *name, const Path *where) {
  int draft = read_find_layer(r, scope, name, where);
  if (draft < 0) return;
  if (draft < r->ninput) {
    diag_error(r->u, where, "\"%s\" is an input; an output is a layer", name);
    return;
  }
  for (int i = 0; i < r->output.n; i++)
    if (r->output.at[i] == draft) {
      diag_error(r->u, where, "\"%s\" is an output twice", name);
      return;
    }
  vec_push(r->u->arena, &r->output, draft);
  vec_push(r->u->arena, &r->output_name, name);
}

static void read_outputs(Reader *r, const Scope *scope) {
  const ReadOptions *options = r->options;
  json_t *value = json_object_get(r->root, "outputs");
  const Path *path = path_key(r->u->arena, NULL, "outputs");
  const char **names = NULL;
  int n = 0;
  if (value) names = read_strings(r, value, path, &n);
  if (options->outputs.n) {
    for (int i = 0; i < options->outputs.n; i++)
      add_output(r, scope, options->outputs.at[i], &(Path){.option = "--outputs"});
  } else if (names) {
    for (int i = 0; i < n; i++)
      add_output(r, scope, names[i],
                 json_is_array(value) ? path_index(r->u->arena, path, i) : path);
  }
  if (r->output.n == 0 && (options->outputs.n || !value) && r->draft.n > r->ninput) {
    vec_push(r->u->arena, &r->output, r->draft.n - 1);
    vec_push(r->u->arena, &r->output_name, r->draft.at[r->draft.n - 1].name);
  }
}

/* ---- the document ---- */

static void read_name(Reader *r) {
  json_t *value = json_object_get(r->root, "name"), *source = json_object_get(r->root, "source");
  const Path *path = path_key(r->u->arena, NULL, "name");
  r->network = "network";
  if (source && !json_is_string(source))
    diag_error(r->u, path_key(r->u->arena, NULL, "source"), "source must be a string, not %s",
               read_kind(source));
  if (!value) {
    diag_error(r->u, NULL, "a network needs a \"name\"");
  } else if (!json_is_string(value)) {
    diag_error(r->u, path, "name must be a string, not %s", read_kind(value));
  } else {
    const char *name = json_string_value(value);
    if (read_is_identifier(name) && strlen(name) <= 100)
      r->network = arena_copy(r->u->arena, name, strlen(name));
    else
      diag_error(r->u, path,
                 "\"%s\" cannot begin the names of a library: up to 100 letters, digits and _, not "
                 "beginning "
                 "with a digit",
                 name);
  }
}

/* The document's own layers see the data inputs as the block's inputs of a block. */
static Scope document_scope(Reader *r) {
  static const Settings settings = {.owner = -1, .decay = true, .lr_scale = 1};
  Scope scope = {.prefix = "", .settings = settings, .layers = json_object_get(r->root, "layers")};
  for (int i = 0; i < r->ninput; i++)
    if (r->input[i].kind == INPUT_DATA && (r->input[i].type.dtype != I32 || r->ninput == 1))
      vec_push(r->u->arena, &scope.in, i);
  return scope;
}

static void read_document(Reader *r) {
  json_t *blocks = json_object_get(r->root, "blocks");
  read_check_keys(r, r->root, NULL, network_keys);
  read_name(r);
  read_inputs(r);
  if (blocks) read_check_blocks(r, blocks);
  Scope scope = document_scope(r);
  if (!json_is_array(scope.layers) || json_array_size(scope.layers) == 0) {
    const Path *path = path_key(r->u->arena, NULL, "layers");
    if (!scope.layers)
      diag_error(r->u, path, "a network needs \"layers\": a list");
    else
      diag_error(r->u, path, "layers must be a list of at least one layer, not %s",
                 json_is_array(scope.layers) ? "an empty one" : read_kind(scope.layers));
    return;
  }
  read_layers(r, &scope);
  read_outputs(r, &scope);
  read_losses(r, &scope);
  read_optimizer(r);
}

/* ---- the text ---- */

static json_t *parse(Unit *u) {
  json_t *root = read_json(u);
  if (!root || json_is_object(root)) return root;
  diag_error(u, NULL, "a network is a JSON object, not %s", read_kind(root));
  json_decref(root);
  return NULL;
}

/* The parameters that only the whole network has. */
static void list_dropped(Graph *g, const Graph *whole) {
  Dictionary held = {0};
  for (int i = 0; i < g->param.n; i++) dictionary_set(g->u->arena, &held, g->param.at[i].name, i);
  for (int i = 0; i < whole->param.n; i++)
    if (dictionary_find(&held, whole->param.at[i].name) < 0)
      vec_push(g->u->arena, &g->dropped, whole->param.at[i].name);
}

Graph *read_text(Unit *u, const char *name, const char *text, size_t size,
                 const ReadOptions *options) {
  u->source = (Source){arena_copy(u->arena, name, strlen(name)), text, size};
  const int errors = u->errors - u->usage_errors;
  Reader r = {.u = u, .options = options, .root = parse(u)};
  if (!r.root) return NULL;
  read_document(&r);
  const Graph *whole = build_network(&r, true);
  Graph *g = u->errors - u->usage_errors == errors ? build_network(&r, false) : NULL;
  if (g) list_dropped(g, whole);
  json_decref(r.root);
  return g;
}

Graph *read_network(Unit *u, const char *file, const ReadOptions *options) {
  size_t size;
  const char *text = file_read(u, file, &size);
  return text ? read_text(u, file, text, size, options) : NULL;
}
