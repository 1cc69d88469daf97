/* generate.c - random networks: chains and DAGs of any operators over 1 to 3 axes, with blocks,
 * shared parameters, several inputs and outputs.
 *
 * A layer is drawn from the operators' field tables, added, and read. If the reader refuses the
 * network, or `accepts` does, the layer is taken back and another one is drawn. */
#include "generate.h"

enum { MOST_LAYERS = 12, MOST_TRIES = 150, MOST_INPUTS = 3, MOST_OUTPUTS = 3 };

typedef struct Generator {
  Random r;
  int64_t seed;
  const Wanted *wanted;
  Document d;
  int rank;                  /* spatial axes of the inputs */
  int names;                 /* made so far */
  VEC(const char *) name;    /* inputs and layers, in order */
  VEC(Type) type;            /* of their values */
  VEC(const json_t *) layer; /* NULL: an input or a block */
  Arena *arena;
} Generator;

/* ---- choices ---- */

static bool chance(Generator *g, int of) { /* once in `of` times */
  return random_int(&g->r, 1, of) == 1;
}

#define ANY(g, array) ((array)[random_int(&(g)->r, 0, COUNT(array) - 1)])

static const char *new_name(Generator *g, const char *kind) {
  return arena_printf(g->arena, "s%lld_%s%d", (long long)g->seed, kind, g->names++);
}

/* Of the layers so far: most often the last, or a late one. */
static int any_layer(Generator *g) {
  int last = g->name.n - 1;
  if (chance(g, 2)) return last;
  return random_int(&g->r, chance(g, 3) || last < 4 ? 0 : last - 3, last);
}

/* One whose value has the same type, where there is one. */
static int layer_like(Generator *g, int like) {
  int found = -1, count = 0;
  for (int i = 0; i < g->type.n; i++)
    if (i != like && type_same(&g->type.at[i], &g->type.at[like]) && chance(g, ++count)) found = i;
  return found < 0 || chance(g, 4) ? any_layer(g) : found;
}

/* ---- values of fields ---- */

static double in_limits(const Field *field, double value) {
  if (field->min == 0 && field->max == 0) return value;
  return value < field->min ? field->min : value > field->max ? field->max : value;
}

static int64_t any_integer(Generator *g, const Field *field, const Type *from) {
  static const int small[] = {1, 1, 2, 2, 3, 4, 5, 0, -1, 8, 16, 17, 32};
  int64_t channels = from->rank > 1 ? from->dim[1].plus : 1;
  int64_t value = chance(g, 5) ? channels : chance(g, 8) ? channels / 2 : ANY(g, small);
  return (int64_t)in_limits(field, (double)value);
}

static json_t *integers(Generator *g, const Field *field, const Type *from) {
  int n = chance(g, 3) ? from->rank : from->rank - 2;
  json_t *list = json_array();
  if (chance(g, 2)) {
    json_decref(list);
    return json_integer((json_int_t)in_limits(field, random_int(&g->r, 0, 4)));
  }
  int turn = random_int(&g->r, 0, 2); /* as an order of axes: turned around or mixed */
  for (int i = 0; i < n; i++) {
    int value =
        from->rank == n ? (turn == 1 ? n - 1 - i : (i + turn) % n) : random_int(&g->r, 0, 3);
    json_array_append_new(list, json_integer((json_int_t)in_limits(field, value)));
  }
  if (n == from->rank) json_array_remove(list, 0);
  return list;
}

static json_t *any_pad(Generator *g, const Field *field, const Type *from) {
  static const char *const words[] = {"valid", "same", "full"};
  if (chance(g, 2)) return json_string(ANY(g, words));
  if (chance(g, 2)) return integers(g, field, from);
  return json_pack("{s:o, s:o}", "lo", integers(g, field, from), "hi", integers(g, field, from));
}

static json_t *any_shape(Generator *g) {
  static const int extents[] = {1, 2, 3, 4, 6, 8};
  json_t *list = json_array();
  int n = random_int(&g->r, 1, 4), free_axis = random_int(&g->r, 0, n - 1);
  for (int i = 0; i < n; i++)
    json_array_append_new(list, json_integer(i == free_axis ? -1 : ANY(g, extents)));
  return list;
}

/* Nested lists of these extents, of numbers or of 0 and 1. */
static json_t *any_tensor(Generator *g, const int64_t *dim, int rank, bool binary) {
  if (rank == 0)
    return binary ? json_integer(random_int(&g->r, 0, 2) > 0)
                  : json_real(random_int(&g->r, -8, 8) / 8.0);
  json_t *list = json_array();
  for (int64_t i = 0; i < dim[0]; i++)
    json_array_append_new(list, any_tensor(g, dim + 1, rank - 1, binary));
  return list;
}

static int64_t integer_of(const json_t *layer, const char *key, int64_t otherwise) {
  const json_t *value = json_object_get(layer, key);
  return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

/* A table between channels, fixed weights of a window, or of a dense layer: whatever the layer's
 * other keys, which came before, suggest. */
static json_t *any_matrix(Generator *g, const Field *field, const Type *from, const json_t *layer) {
  int64_t channels = from->rank > 1 ? from->dim[1].plus : 1, size = type_size(from, 1);
  int64_t rows = integer_of(layer, "filters", integer_of(layer, "units", channels));
  int64_t columns = channels / integer_of(layer, "groups", 1);
  if (field->kind == FIELD_TABLE) return any_tensor(g, (int64_t[]){rows, columns}, 2, true);
  const json_t *kernel = json_object_get(layer, "kernel");
  if (!kernel) return any_tensor(g, (int64_t[]){rows, size}, 2, false);
  int64_t dim[MAX_RANK] = {rows, columns};
  int n = from->rank > 2 ? from->rank - 2 : 1;
  for (int i = 0; i < n; i++) {
    const json_t *extent = json_is_array(kernel) ? json_array_get(kernel, (size_t)i) : kernel;
    dim[2 + i] = json_is_integer(extent) ? json_integer_value(extent) : 1;
  }
  return chance(g, 2) ? any_tensor(g, dim, 2 + n, false) : any_tensor(g, dim + 2, n, false);
}

static json_t *any_value(Generator *g, const Field *field, const Type *from, const json_t *layer) {
  static const char *const biases[] = {"none", "channel", "position"};
  int n = 0;
  switch (field->kind) {
  case FIELD_INT: return json_integer(any_integer(g, field, from));
  case FIELD_REAL: return json_real(in_limits(field, random_int(&g->r, -8, 16) / 8.0));
  case FIELD_BOOL: return json_boolean(chance(g, 2));
  case FIELD_BIAS: return chance(g, 3) ? json_boolean(chance(g, 2)) : json_string(ANY(g, biases));
  case FIELD_INTS: return integers(g, field, from);
  case FIELD_PAD: return any_pad(g, field, from);
  case FIELD_SHAPE: return any_shape(g);
  case FIELD_ENUM:
    while (field->names[n]) n++;
    return json_string(field->names[random_int(&g->r, 0, n - 1)]);
  case FIELD_TABLE:
  case FIELD_TENSOR: break;
  }
  return any_matrix(g, field, from, layer);
}

static void add_fields(Generator *g, const Op *op, const Type *from, json_t *layer) {
  for (int i = 0; i < op->nfield; i++) {
    const Field *field = &op->field[i];
    bool tensor = field->kind == FIELD_TABLE || field->kind == FIELD_TENSOR;
    if (field->required || chance(g, tensor ? 10 : 3))
      json_object_set_new(layer, field->name, any_value(g, field, from, layer));
  }
}

/* ---- layers ---- */

static const Op *any_op(Generator *g) {
  for (;;) {
    const Op *op = ops[random_int(&g->r, 0, OP_KINDS - 1)];
    if (op->in_json && op->class != CLASS_LOSS && op->class != CLASS_OPTIMIZER) return op;
  }
}

/* Contractions are what most of the compiler is about. */
static const Op *likely_op(Generator *g) {
  static const OpKind likely[] = {OP_conv,  OP_conv, OP_depthwise, OP_conv_transpose,
                                  OP_dense, OP_pool, OP_relu,      OP_add};
  return chance(g, 3) ? ops[ANY(g, likely)] : any_op(g);
}

static json_t *plain_layer(Generator *g) {
  const Op *op = likely_op(g);
  json_t *layer = json_pack("{s:s, s:s}", "op", op->name, "name", new_name(g, "l"));
  int first = any_layer(g), n = op->max_args < 0 ? random_int(&g->r, 2, 3) : op->max_args;
  if (n == 1) json_object_set_new(layer, "from", json_string(g->name.at[first]));
  if (n > 1) {
    json_t *from = json_pack("[s]", g->name.at[first]);
    while ((int)json_array_size(from) < n)
      json_array_append_new(from, json_string(g->name.at[layer_like(g, first)]));
    json_object_set_new(layer, "from", from);
  }
  add_fields(g, op, &g->type.at[first], layer);
  return layer;
}

/* A layer above once more, on another input, with the same parameters. */
static json_t *shared_layer(Generator *g) {
  const json_t *owner = g->layer.at[random_int(&g->r, 0, g->layer.n - 1)];
  if (!owner || json_object_get(owner, "share") || json_is_array(json_object_get(owner, "from")))
    return plain_layer(g);
  json_t *layer = json_deep_copy(owner);
  json_object_set(layer, "share", json_object_get(owner, "name"));
  json_object_set_new(layer, "name", json_string(new_name(g, "l")));
  json_object_set_new(layer, "from", json_string(g->name.at[any_layer(g)]));
  return layer;
}

/* A block of a chain of layers, perhaps with its input added at the end; its parameter is a number
 * of filters. */
static json_t *block_layer(Generator *g) {
  const char *block = new_name(g, "b");
  int first = any_layer(g), count = random_int(&g->r, 1, 3);
  json_t *layers = json_array();
  for (int i = 0; i < count; i++) {
    const Op *op = likely_op(g);
    if (op->max_args != 1) op = ops[OP_conv];
    json_t *layer = json_pack("{s:s}", "op", op->name);
    add_fields(g, op, &g->type.at[first], layer);
    if (json_object_get(layer, "filters"))
      json_object_set_new(layer, "filters",
                          json_string(chance(g, 2) ? "=width" : "=2 * width - width"));
    json_array_append_new(layers, layer);
  }
  json_object_set_new(json_array_get(layers, (size_t)count - 1), "name", json_string("last"));
  if (chance(g, 2))
    json_array_append_new(layers, json_pack("{s:s, s:[s, s]}", "op", "add", "from", "last", "@in"));
  json_object_set_new(g->d.blocks, block,
                      json_pack("{s:{s:n}, s:o}", "params", "width", "layers", layers));
  int64_t width = g->type.at[first].rank > 1 ? g->type.at[first].dim[1].plus : 1;
  json_t *layer = json_pack("{s:s, s:s, s:s, s:I}", "block", block, "name", new_name(g, "l"),
                            "from", g->name.at[first], "width", (json_int_t)width);
  if (chance(g, 2)) json_object_set_new(layer, "repeat", json_integer(random_int(&g->r, 1, 2)));
  return layer;
}

/* ---- a network ---- */

char *document_text(const Document *d) {
  json_t *network = json_pack("{s:s, s:O, s:O, s:O, s:O}", "name", "net", "inputs", d->inputs,
                              "blocks", d->blocks, "layers", d->layers, "outputs", d->outputs);
  if (json_array_size(d->losses)) {
    json_object_set(network, "losses", d->losses);
    json_object_set_new(network, "optimizer", json_pack("{s:s}", "op", "sgd"));
  }
  char *text = json_dumps(network, JSON_COMPACT);
  json_decref(network);
  return text;
}

Document document_new(void) {
  return (Document){json_object(), json_object(), json_array(), json_array(), json_array()};
}

void document_free(Document *d) {
  json_decref(d->inputs);
  json_decref(d->blocks);
  json_decref(d->layers);
  json_decref(d->outputs);
  json_decref(d->losses);
}

/* Half the sum of squares of each sample, whose gradients are as large as the values. */
static void add_loss(const Generator *g, json_t *inputs, json_t *losses, int layer) {
  const char *target = arena_printf(g->arena, "s%lld_t", (long long)g->seed);
  const Type *type = &g->type.at[layer];
  json_t *shape = json_array();
  for (int a = 1; a < type->rank; a++)
    json_array_append_new(shape, json_integer((json_int_t)type->dim[a].plus));
  json_object_set_new(inputs, target, json_pack("{s:o}", "shape", shape));
  json_array_append_new(losses,
                        json_pack("{s:s, s:s, s:s, s:f}", "op", "mse", "from", g->name.at[layer],
                                  "target", target, "weight", (double)type_size(type, 1) / 2));
}

static Graph *read_so_far(const Generator *g, Captured *c, bool training) {
  char *text = document_text(&g->d);
  Graph *graph =
      read_text(c->u, "random.json", text, strlen(text), &(ReadOptions){.training = training});
  free(text);
  return graph;
}

/* With a loss on the layer that was added last, for as long as this takes. */
static bool trains(Generator *g) {
  Captured *c = captured_new(NULL, NULL);
  json_t *inputs = json_copy(g->d.inputs);
  add_loss(g, g->d.inputs, g->d.losses, g->type.n - 1);
  Graph *graph = read_so_far(g, c, true);
  const bool fits = graph && g->wanted->accepts(g->wanted, graph);
  json_object_clear(g->d.inputs);
  json_object_update(g->d.inputs, inputs);
  json_array_clear(g->d.losses);
  json_decref(inputs);
  captured_free(c);
  return fits;
}

/* Reads the network so far, with every layer as an output; if it is fine, the new layer counts. */
static bool layer_fits(Generator *g, const char *name) {
  Captured *c = captured_new(NULL, NULL);
  json_array_append_new(g->d.outputs, json_string(name));
  Graph *graph = read_so_far(g, c, false);
  bool fits = graph && g->wanted->accepts(g->wanted, graph);
  if (fits) {
    const Entry *forward = &graph->entry[ENTRY_FORWARD];
    vec_push(g->arena, &g->name, name);
    vec_push(g->arena, &g->type, graph->node.at[forward->want.at[forward->want.n - 1]].type);
  }
  captured_free(c);
  if (fits && g->wanted->training && !trains(g)) {
    g->name.n--;
    g->type.n--;
    return false;
  }
  return fits;
}

static void add_layer(Generator *g) {
  json_t *layer = chance(g, 10) ? shared_layer(g) : chance(g, 12) ? block_layer(g) : plain_layer(g);
  const char *name = json_string_value(json_object_get(layer, "name"));
  const char *block = json_string_value(json_object_get(layer, "block"));
  json_array_append(g->d.layers, layer);
  if (layer_fits(g, arena_copy(g->arena, name, strlen(name)))) {
    vec_push(g->arena, &g->layer, block ? NULL : layer);
  } else {
    json_array_remove(g->d.layers, json_array_size(g->d.layers) - 1);
    json_array_remove(g->d.outputs, json_array_size(g->d.outputs) - 1);
    if (block) json_object_del(g->d.blocks, block);
  }
  json_decref(layer);
}

static void add_inputs(Generator *g) {
  static const int channels[] = {1, 2, 3, 4, 5, 8, 12, 16, 17, 33};
  static const int most[] = {0, 24, 9, 5};
  int n = chance(g, 3) ? random_int(&g->r, 2, MOST_INPUTS) : 1;
  json_t *shape = NULL;
  for (int i = 0; i < n; i++) {
    const char *name = new_name(g, "x");
    if (!shape || chance(g, 2)) {
      json_decref(shape);
      shape = json_pack("[i]", ANY(g, channels));
      for (int a = 0; a < g->rank; a++)
        json_array_append_new(shape, json_integer(random_int(&g->r, 2, most[g->rank])));
    }
    json_t *input = json_pack("{s:O}", "shape", shape);
    if (chance(g, 8)) json_object_set_new(input, "dtype", json_string("u8"));
    json_object_set_new(g->d.inputs, name, input);
    Type type = {.dtype = F32, .rank = (int8_t)(2 + g->rank), .dim = {{1, 0}}};
    for (int a = 1; a < type.rank; a++)
      type.dim[a] = fixed(json_integer_value(json_array_get(shape, (size_t)a - 1)));
    vec_push(g->arena, &g->name, name);
    vec_push(g->arena, &g->type, type);
    vec_push(g->arena, &g->layer, NULL);
  }
  json_decref(shape);
}

static void merge(Document *to, const Generator *g, json_t *outputs) {
  json_object_update(to->inputs, g->d.inputs);
  json_object_update(to->blocks, g->d.blocks);
  json_array_extend(to->layers, g->d.layers);
  json_array_extend(to->outputs, outputs);
  if (g->wanted->training) add_loss(g, to->inputs, to->losses, g->type.n - 1);
}

void generate(Document *to, int64_t seed, const Wanted *wanted) {
  Unit *u = unit_new();
  Generator g = {.r = {(uint64_t)seed}, .seed = seed, .wanted = wanted, .d = document_new()};
  g.arena = u->arena;
  g.rank = random_int(&g.r, 1, 3);
  add_inputs(&g);
  int inputs = g.name.n, layers = inputs + random_int(&g.r, 1, MOST_LAYERS);
  for (int tries = 0; (tries < MOST_TRIES || g.name.n == inputs) && g.name.n < layers; tries++)
    add_layer(&g);
  json_t *outputs = json_array();
  for (int i = inputs; i < g.name.n; i++) {
    bool last = i + 1 == g.name.n;
    if (last || (chance(&g, 5) && json_array_size(outputs) + 1 < MOST_OUTPUTS))
      json_array_append_new(outputs, json_string(g.name.at[i]));
  }
  merge(to, &g, outputs);
  json_decref(outputs);
  document_free(&g.d);
  unit_free(u);
}
