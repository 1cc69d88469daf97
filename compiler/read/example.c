/* example.c - an operator in use, for its documentation: the keys that its field table has examples
 * of, in a small network that the reader itself gives the shapes of. */
#include "describe.h"

#include <string.h>

static const char *const shape = "[8, 12, 12]";

static bool is_layer(const Op *op) {
  return op->class != CLASS_LOSS && op->class != CLASS_OPTIMIZER;
}

static bool reads_several(const Op *op) {
  return is_layer(op) && op->max_args != 1;
}

static const char *keys_of(Arena *arena, const Op *op) {
  Text text = {.arena = arena};
  text_add(&text, "{ \"op\": \"%s\"", op->name);
  if (reads_several(op)) text_add(&text, ", \"from\": [\"a\", \"b\"]");
  for (int i = 0; i < op->nfield; i++)
    if (op->field[i].example)
      text_add(&text, ", \"%s\": %s", op->field[i].name, op->field[i].example);
  text_add(&text, " }");
  return text.at;
}

/* A layer of one or of two inputs; a loss and an optimiser of what a dense layer makes. */
static const char *network_of(Arena *arena, const Op *op) {
  const char *keys = keys_of(arena, op);
  bool two = reads_several(op);
  if (!is_layer(op))
    return arena_printf(arena,
                        "{ \"name\": \"net\", \"input\": { \"shape\": %s },\n"
                        "  \"layers\": [{ \"op\": \"dense\", \"units\": 10 }],\n"
                        "  \"loss\": %s, \"optimizer\": %s }\n",
                        shape, op->class == CLASS_LOSS ? keys : "{ \"op\": \"mse\" }",
                        op->class == CLASS_OPTIMIZER ? keys : "{ \"op\": \"sgd\" }");
  return arena_printf(arena,
                      "{ \"name\": \"net\", \"inputs\": { \"a\": { \"shape\": %s }%s%s%s },\n"
                      "  \"layers\": [%s] }\n",
                      shape, two ? ", \"b\": { \"shape\": " : "", two ? shape : "", two ? " }" : "",
                      keys);
}

static void add_shape(Text *out, const Type *type) {
  for (int a = 1; a < type->rank; a++)
    text_add(out, "%s%lld", a > 1 ? ", " : "", (long long)extent_at(type->dim[a], 1));
}

void describe_example(Text *out, const Op *op) {
  Unit *u = unit_new();
  bool layer = is_layer(op);
  const char *text = network_of(u->arena, op);
  const Graph *g = read_text(u, op->name, text, strlen(text), &(ReadOptions){.training = !layer});
  if (!g) BUG("the example of %s is no network", op->name);
  text_add(out, "\nExample: `%s%s`",
           layer                     ? ""
           : op->class == CLASS_LOSS ? "\"loss\": "
                                     : "\"optimizer\": ",
           keys_of(u->arena, op));
  if (layer) {
    text_add(out, " makes [");
    add_shape(out, graph_output_type(g, 0));
    text_add(out, "] of %s%s", reads_several(op) ? "two " : "", shape);
  }
  text_add(out, ".\n");
  unit_free(u);
}
