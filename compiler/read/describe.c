/* describe.c - the network language as documents, out of the tables that parse it: a reference of
 * the operators in Markdown, and a JSON Schema for editors. */
#include "describe.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { UNLIMITED = 1000000000 }; /* limits beyond are those of any integer */

static bool has_min(const Field *f) {
  return (f->min != 0 || f->max != 0) && f->min > -UNLIMITED;
}

static bool has_max(const Field *f) {
  return (f->min != 0 || f->max != 0) && f->max < UNLIMITED;
}

/* ---- of one key ---- */

void describe_range(Text *out, const Field *f) {
  if (f->below_max)
    text_add(out, ", at least %.12g and below %.12g", f->min, f->max);
  else if (has_min(f) && has_max(f))
    text_add(out, ", %.12g to %.12g", f->min, f->max);
  else if (has_min(f))
    text_add(out, ", at least %.12g", f->min);
  else if (has_max(f))
    text_add(out, ", at most %.12g", f->max);
}

void describe_default(Text *out, const Field *f) {
  switch (f->kind) {
  case FIELD_BOOL: text_add(out, f->otherwise != 0 ? "true" : "false"); return;
  case FIELD_ENUM: text_add(out, "%s", f->names[(int)f->otherwise]); return;
  case FIELD_INT:
    if (fabs(f->otherwise) < UNLIMITED) text_add(out, "%.12g", f->otherwise);
    return;
  case FIELD_REAL: text_add(out, "%.12g", f->otherwise); return;
  case FIELD_PAD: text_add(out, "0"); return;
  case FIELD_INTS:
    if (f->otherwise != 0) text_add(out, "%.12g", f->otherwise);
    return;
  default: return;
  }
}

/* ---- Markdown ---- */

static void add_values(Text *out, const Field *f) {
  static const char *const kinds[] = {
      [FIELD_INT] = "integer",
      [FIELD_REAL] = "number",
      [FIELD_BOOL] = "true or false",
      [FIELD_ENUM] = "",
      [FIELD_INTS] = "integer, or one per axis",
      [FIELD_PAD] = "integer, one per axis, sides, or a word",
      [FIELD_SHAPE] = "list of integers",
      [FIELD_BIAS] = "true, false, `\"channel\"`, `\"position\"` or `\"none\"`",
      [FIELD_TABLE] = "table of 0 and 1",
      [FIELD_TENSOR] = "nested lists of numbers"};
  text_add(out, "%s", kinds[f->kind]);
  for (int i = 0; f->kind == FIELD_ENUM && f->names[i]; i++)
    text_add(out, "%s`\"%s\"`", i == 0 ? "" : f->names[i + 1] ? ", " : " or ", f->names[i]);
  describe_range(out, f);
}

static void add_default(Text *out, const Field *f) {
  if (f->required)
    text_add(out, "required");
  else if (f->kind == FIELD_ENUM)
    text_add(out, "`\"%s\"`", f->names[(int)f->otherwise]);
  else
    describe_default(out, f);
}
static void add_operator(Text *out, const Op *op) {
  text_add(out, "\n### %s\n\n%s.", op->name, op->doc);
  if (op->source) text_add(out, " Source: %s.", op->source);
  if (op->class != CLASS_LOSS && op->min_args > 1)
    text_add(out, " Reads %s%d layers.", op->max_args == op->min_args ? "" : "at least ",
             op->min_args);
  text_add(out, "\n");
  describe_example(out, op);
  if (op->nfield) text_add(out, "\n| key | value | default | meaning |\n|---|---|---|---|\n");
  for (int i = 0; i < op->nfield; i++) {
    const Field *f = &op->field[i];
    text_add(out, "| `%s` | ", f->name);
    add_values(out, f);
    text_add(out, " | ");
    add_default(out, f);
    text_add(out, " | %s |\n", f->doc ? f->doc : "");
  }
}

void describe_markdown(Text *out) {
  static const char *const headings[] = {"Operators", "Losses", "Optimisers"};
  for (int part = 0; part < PARTS; part++) {
    text_add(out, "\n## %s\n", headings[part]);
    for (int i = 0; i < OP_KINDS; i++)
      if (op_plays(ops[i], (OpPart)part)) add_operator(out, ops[i]);
  }
}

/* ---- JSON Schema ---- */

/* Text that is JSON but for its quotation marks, which are '. */
static json_t *parse_quoted(Arena *arena, const char *text) {
  char *json = arena_copy(arena, text, strlen(text));
  json_error_t error;
  for (char *s = json; *s; s++)
    if (*s == '\'') *s = '"';
  json_t *value = json_loads(json, 0, &error);
  if (!value) BUG("a part of the schema: %s in %s", error.text, text);
  return value;
}

/* An integer or, in blocks, a formula. */
static json_t *integer_schema(const Field *f) {
  json_t *number = json_pack("{s:s}", "type", "integer");
  if (has_min(f)) json_object_set_new(number, "minimum", json_integer((json_int_t)f->min));
  if (has_max(f)) json_object_set_new(number, "maximum", json_integer((json_int_t)f->max));
  return json_pack("{s:[o, {s:s}]}", "anyOf", number, "$ref", "#/definitions/formula");
}

static json_t *real_schema(const Field *f) {
  json_t *number = json_pack("{s:s}", "type", "number");
  if (has_min(f)) json_object_set_new(number, "minimum", json_real(f->min));
  if (has_max(f))
    json_object_set_new(number, f->below_max ? "exclusiveMaximum" : "maximum", json_real(f->max));
  return json_pack("{s:[o, {s:s}]}", "anyOf", number, "$ref", "#/definitions/formula");
}

static json_t *list_schema(json_t *element) {
  return json_pack("{s:[O, {s:s, s:O, s:i, s:i}]}", "anyOf", element, "type", "array", "items",
                   element, "minItems", 1, "maxItems", MAX_RANK - 1);
}

static json_t *pad_schema(json_t *list) {
  return json_pack("{s:[O, {s:[s, s, s]}, {s:s, s:b, s:{s:O, s:O}}]}", "anyOf", list, "enum",
                   "valid", "same", "full", "type", "object", "additionalProperties", 0,
                   "properties", "lo", list, "hi", list);
}

static json_t *names_schema(const char *const *names) {
  json_t *list = json_array();
  for (int i = 0; names[i]; i++) json_array_append_new(list, json_string(names[i]));
  return json_pack("{s:o}", "enum", list);
}

static json_t *value_schema(const Field *f) {
  json_t *element = integer_schema(f), *list = list_schema(element), *result = NULL;
  switch (f->kind) {
  case FIELD_INT: result = json_incref(element); break;
  case FIELD_REAL: result = real_schema(f); break;
  case FIELD_BOOL: result = json_pack("{s:s}", "type", "boolean"); break;
  case FIELD_ENUM: result = names_schema(f->names); break;
  case FIELD_INTS:
  case FIELD_SHAPE: result = json_incref(list); break;
  case FIELD_PAD: result = pad_schema(list); break;
  case FIELD_BIAS:
    result = json_pack("{s:[b, b, s, s, s]}", "enum", 1, 0, "none", "channel", "position");
    break;
  default: result = json_pack("{s:s}", "type", "array");
  }
  json_decref(element);
  json_decref(list);
  return result;
}

/* "from" of an operator that reads more than the layer above it. */
static json_t *several_schema(const Op *op) {
  json_t *from = json_pack("{s:s, s:{s:s}, s:i}", "type", "array", "items", "type", "string",
                           "minItems", op->min_args);
  if (op->max_args > 0) json_object_set_new(from, "maxItems", json_integer(op->max_args));
  return from;
}

static json_t *operator_schema(const Op *op, json_t *common) {
  json_t *properties = json_deep_copy(common), *required = json_array();
  json_object_set_new(properties, "op", json_pack("{s:s}", "const", op->name));
  if (op->class != CLASS_LOSS && op->min_args > 1) {
    json_object_set_new(properties, "from", several_schema(op));
    json_array_append_new(required, json_string("from"));
  }
  for (int i = 0; i < op->nfield; i++) {
    json_t *value = value_schema(&op->field[i]);
    if (op->field[i].doc) json_object_set_new(value, "description", json_string(op->field[i].doc));
    json_object_set_new(properties, op->field[i].name, value);
    if (op->field[i].required) json_array_append_new(required, json_string(op->field[i].name));
  }
  return json_pack("{s:{s:{s:{s:s}}}, s:{s:s, s:o, s:o, s:b}}", "if", "properties", "op", "const",
                   op->name, "then", "description", op->doc, "properties", properties, "required",
                   required, "additionalProperties", 0);
}

/* Layers, losses or optimisers: "op" chooses the keys. */
static json_t *part_schema(Arena *arena, OpPart part) {
  static const char *const common[PARTS] = {
      "{'name': {'type': 'string'}, 'from': {'$ref': '#/definitions/names'},"
      " 'share': {'type': 'string'}, 'freeze': {'type': 'boolean'},"
      " 'lr_scale': {'type': 'number', 'minimum': 0}, 'decay': {'type': 'boolean'},"
      " 'init': {'$ref': '#/definitions/init'}}",
      "{'from': {'type': 'string'}, 'target': {'type': 'string'},"
      " 'weight': {'type': 'number', 'minimum': 0}}",
      "{}"};
  json_t *keys = parse_quoted(arena, common[part]), *names = json_array(), *cases = json_array();
  for (int i = 0; i < OP_KINDS; i++) {
    if (!op_plays(ops[i], part)) continue;
    json_array_append_new(names, json_string(ops[i]->name));
    json_array_append_new(cases, operator_schema(ops[i], keys));
  }
  json_decref(keys);
  return json_pack("{s:s, s:[s], s:{s:{s:o}}, s:o}", "type", "object", "required", "op",
                   "properties", "op", "enum", names, "allOf", cases);
}

static const char document_schema[] =
    "{'$schema': 'http://json-schema.org/draft-07/schema#',"
    " 'title': 'a network for cnnc', 'type': 'object', 'required': ['name', 'layers'],"
    " 'additionalProperties': false,"
    " 'oneOf': [{'required': ['input']}, {'required': ['inputs']}],"
    " 'not': {'required': ['loss', 'losses']},"
    " 'properties': {"
    "  'name': {'type': 'string', 'pattern': '^[A-Za-z_][A-Za-z0-9_]*$'},"
    "  'source': {'type': 'string', 'description': 'where the network comes from'},"
    "  'input': {'$ref': '#/definitions/input'},"
    "  'inputs': {'type': 'object', 'minProperties': 1, 'additionalProperties': {'$ref': "
    "'#/definitions/input'}},"
    "  'outputs': {'$ref': '#/definitions/names'},"
    "  'blocks': {'type': 'object', 'additionalProperties': {'$ref': '#/definitions/block'}},"
    "  'layers': {'$ref': '#/definitions/layers'},"
    "  'loss': {'$ref': '#/definitions/loss'},"
    "  'losses': {'type': 'array', 'items': {'$ref': '#/definitions/loss'}},"
    "  'optimizer': {'$ref': '#/definitions/optimizer'}},"
    " 'definitions': {"
    "  'formula': {'type': 'string', 'pattern': '^='},"
    "  'names': {'anyOf': [{'type': 'string'}, {'type': 'array', 'items': {'type': 'string'}}]},"
    "  'init': {'anyOf': [{'enum': ['default', 'he', 'xavier', 'lecun']}, {'type': 'object',"
    "   'required': ['constant'], 'properties': {'constant': {'type': 'number'}},"
    "   'additionalProperties': false}]},"
    "  'numbers': {'anyOf': [{'type': 'number'}, {'type': 'array', 'minItems': 1,"
    "   'items': {'type': 'number'}}]},"
    "  'input': {'type': 'object', 'required': ['shape'], 'additionalProperties': false,"
    "   'properties': {"
    "    'shape': {'type': 'array', 'maxItems': 4,"
    "     'items': {'type': 'integer', 'minimum': 1, 'maximum': 2147483647}},"
    "    'dtype': {'enum': ['f32', 'u8', 'i32']}, 'layout': {'enum': ['chw', 'hwc']},"
    "    'scale': {'type': 'number'}, 'mean': {'$ref': '#/definitions/numbers'},"
    "    'std': {'$ref': '#/definitions/numbers'}}},"
    "  'block': {'type': 'object', 'required': ['layers'], 'additionalProperties': false,"
    "   'properties': {'params': {'type': 'object', 'additionalProperties': {'anyOf': ["
    "     {'type': ['integer', 'null']}, {'$ref': '#/definitions/formula'}]}},"
    "    'layers': {'$ref': '#/definitions/layers'}}},"
    "  'layers': {'type': 'array', 'minItems': 1, 'items': {'anyOf': ["
    "    {'$ref': '#/definitions/use'}, {'$ref': '#/definitions/layer'}]}},"
    "  'use': {'type': 'object', 'required': ['block'],"
    "   'properties': {'block': {'type': 'string'}, 'name': {'type': 'string'},"
    "    'from': {'$ref': '#/definitions/names'}, 'repeat': {'type': ['integer', 'string']},"
    "    'start': {'type': ['integer', 'string']}}}}}";

void describe_schema(Text *out) {
  static const char *const parts[PARTS] = {"layer", "loss", "optimizer"};
  json_t *schema = parse_quoted(out->arena, document_schema);
  for (int part = 0; part < PARTS; part++)
    json_object_set_new(json_object_get(schema, "definitions"), parts[part],
                        part_schema(out->arena, (OpPart)part));
  char *text = json_dumps(schema, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
  text_add(out, "%s\n", text);
  free(text);
  json_decref(schema);
}
