/* fields.c - an operator's attributes, read as its field table says: one function per kind of
 * field. */
#include <math.h>
#include <string.h>

#include "read.h"

typedef struct Place { /* the value being read */
  Reader *r;
  const Scope *scope;
  json_t *json;
  const Path *path;
} Place;

static Place inside(const Place *p, const char *key) {
  return (Place){p->r, p->scope, json_object_get(p->json, key),
                 path_key(p->r->u->arena, p->path, key)};
}

static Place element(const Place *p, size_t i) {
  return (Place){p->r, p->scope, json_array_get(p->json, i),
                 path_index(p->r->u->arena, p->path, (int)i)};
}

static double field_min(const Field *field) {
  return field->min == 0 && field->max == 0 ? -INFINITY : field->min;
}

static double field_max(const Field *field) {
  return field->min == 0 && field->max == 0 ? INFINITY : field->max;
}

/* ---- lists, padding, tensors ---- */

static bool read_ints(const Place *p, double min, double max, IntList *list) {
  if (!json_is_array(p->json)) {
    list->n = 1;
    return read_integer(p->r, p->scope, p->json, p->path, min, max, &list->at[0]);
  }
  size_t n = json_array_size(p->json);
  if (n == 0 || n > MAX_RANK - 1) {
    diag_error(p->r->u, p->path, "%s must be a list of 1 to %d integers, not of %zu", p->path->key,
               MAX_RANK - 1, n);
    return false;
  }
  bool good = true;
  list->n = (int32_t)n;
  for (size_t i = 0; i < n; i++) {
    Place e = element(p, i);
    good &= read_integer(e.r, e.scope, e.json, e.path, min, max, &list->at[i]);
  }
  return good;
}

static bool read_pad(const Place *p, const Field *field, Pad *pad) {
  static const char *const words[] = {"valid", "same", "full", NULL};
  static const char *const sides[] = {"lo", "hi", NULL};
  if (json_is_string(p->json) && json_string_value(p->json)[0] != '=') {
    int32_t word;
    if (!read_choice(p->r, p->json, p->path, words, &word)) return false;
    pad->kind = word == 0 ? PAD_VALID : word == 1 ? PAD_SAME : PAD_FULL;
    return true;
  }
  if (!json_is_object(p->json)) {
    pad->kind = PAD_NUMBER;
    return read_ints(p, field_min(field), field_max(field), &pad->lo);
  }
  pad->kind = PAD_SIDES;
  pad->lo = pad->hi = (IntList){.n = 1};
  read_check_keys(p->r, p->json, p->path, sides);
  Place lo = inside(p, "lo"), hi = inside(p, "hi");
  bool good = true;
  if (lo.json) good &= read_ints(&lo, field_min(field), field_max(field), &pad->lo);
  if (hi.json) good &= read_ints(&hi, field_min(field), field_max(field), &pad->hi);
  return good;
}

/* The extents of nested lists, told by their first elements. */
static bool tensor_shape(const Place *p, Matrix *m) {
  for (json_t *at = p->json; json_is_array(at); at = json_array_get(at, 0)) {
    if (m->rank == MAX_RANK || json_array_size(at) == 0) {
      diag_error(p->r->u, p->path, "%s must be numbers in 1 to %d nested lists, none of them empty",
                 p->path->key, MAX_RANK);
      return false;
    }
    m->dim[m->rank++] = (int64_t)json_array_size(at);
  }
  if (m->rank > 0) return true;
  diag_error(p->r->u, p->path, "%s must be a list, not %s", p->path->key, read_kind(p->json));
  return false;
}

static bool read_elements(const Place *p, const Matrix *m, int axis, const Field *field,
                          double **next) {
  if (axis == m->rank) {
    double value = 0;
    bool good =
        read_real(p->r, p->scope, p->json, p->path, field_min(field), field_max(field), &value);
    return *(*next)++ = value, good;
  }
  if (!json_is_array(p->json) || (int64_t)json_array_size(p->json) != m->dim[axis]) {
    diag_error(p->r->u, p->path, "this must be a list of %lld like the first of its level",
               (long long)m->dim[axis]);
    return false;
  }
  bool good = true;
  for (int64_t i = 0; good && i < m->dim[axis]; i++) {
    Place e = element(p, (size_t)i);
    good = read_elements(&e, m, axis + 1, field, next);
  }
  return good;
}

static bool read_tensor(const Place *p, const Field *field, Matrix *m) {
  if (!tensor_shape(p, m)) return false;
  int64_t size = 1;
  for (int i = 0; i < m->rank; i++) size = size_mul(size, m->dim[i]);
  if (size > MAX_ELEMENTS / 64) {
    diag_error(p->r->u, p->path, "%s has more than %lld numbers", field->name,
               (long long)MAX_ELEMENTS / 64);
    return false;
  }
  double *values = NEW_ARRAY(p->r->u->arena, double, size), *next = values;
  m->at = values;
  return read_elements(p, m, 0, field, &next);
}

static bool read_table(const Place *p, const Field *field, Matrix *m) {
  if (!read_tensor(p, field, m)) return false;
  bool good = m->rank == 2;
  for (int64_t i = 0; good && i < m->dim[0] * m->dim[1]; i++) good = m->at[i] == 0 || m->at[i] == 1;
  if (!good)
    diag_error(p->r->u, p->path,
               "%s must be a table of 0 and 1: a row per output, a column per "
               "input channel",
               field->name);
  return good;
}

static bool read_bias(const Place *p, int32_t *bias) {
  static const char *const names[] = {
      [BIAS_NONE] = "none", [BIAS_CHANNEL] = "channel", [BIAS_POSITION] = "position", NULL};
  if (json_is_boolean(p->json))
    return *bias = json_is_true(p->json) ? BIAS_CHANNEL : BIAS_NONE, true;
  if (json_is_string(p->json)) return read_choice(p->r, p->json, p->path, names, bias);
  diag_error(p->r->u, p->path,
             "bias must be true, false, \"none\", \"channel\" or \"position\", not %s",
             read_kind(p->json));
  return false;
}

/* ---- fields ---- */

static bool read_number(const Place *p, const Field *field, double *to) {
  if (!read_real(p->r, p->scope, p->json, p->path, field_min(field), field_max(field), to))
    return false;
  if (!field->below_max || *to < field->max) return true;
  diag_error(p->r->u, p->path, "%s must be below %g, not %g", field->name, field->max, *to);
  return false;
}

static bool read_field(const Place *p, const Field *field, void *to) {
  const double min = field_min(field), max = field_max(field);
  switch (field->kind) {
  case FIELD_INT: return read_integer(p->r, p->scope, p->json, p->path, min, max, to);
  case FIELD_REAL: return read_number(p, field, to);
  case FIELD_BOOL: return read_bool(p->r, p->json, p->path, to);
  case FIELD_ENUM: return read_choice(p->r, p->json, p->path, field->names, to);
  case FIELD_INTS:
  case FIELD_SHAPE: return read_ints(p, min, max, to);
  case FIELD_PAD: return read_pad(p, field, to);
  case FIELD_BIAS: return read_bias(p, to);
  case FIELD_TABLE: return read_table(p, field, to);
  case FIELD_TENSOR: return read_tensor(p, field, to);
  }
  BUG("field %s has the kind %d", field->name, (int)field->kind);
}

/* Fields and what is common to all. */
static const char *const *known_keys(Arena *arena, const Op *op, const char *const *common) {
  int n = 0;
  while (common[n]) n++;
  const char **known = NEW_ARRAY(arena, const char *, op->nfield + n + 1);
  for (int i = 0; i < op->nfield; i++) known[i] = op->field[i].name;
  for (int i = 0; i < n; i++) known[op->nfield + i] = common[i];
  return known;
}

/* Reports a field that is not there, unless it is under a key that was found to mean it. */
static void report_missing(const Place *p, const Op *op, const Field *field,
                           const char *const *known) {
  const char *key;
  json_t *value;
  json_object_foreach(p->json, key, value) {
    const char *near = read_meant_key(p->r, p->json, key, known);
    if (near && strcmp(near, field->name) == 0) return;
  }
  diag_error(p->r->u, p->path, "%s needs \"%s\": %s", op->name, field->name, field->doc);
}

const void *read_fields(Reader *r, const Scope *scope, const Op *op, json_t *object,
                        const Path *path, const char *const *common) {
  Place p = {r, scope, object, path};
  void *attr = op_defaults(r->u->arena, op);
  int errors = r->u->errors;
  const char *const *known = known_keys(r->u->arena, op, common);
  read_check_keys(r, object, path, known);
  for (int i = 0; i < op->nfield; i++) {
    const Field *field = &op->field[i];
    Place value = inside(&p, field->name);
    if (value.json)
      read_field(&value, field, (char *)attr + field->offset);
    else if (field->required)
      report_missing(&p, op, field, known);
  }
  return r->u->errors == errors ? attr : NULL;
}

/* ---- operators ---- */

static OpKind kind_of(const Op *op) {
  int i = 0;
  while (ops[i] != op) i++;
  return (OpKind)i;
}

/* No "op": perhaps it is there under another name. */
static void report_no_op(Reader *r, json_t *object, const Path *path, const char *part) {
  static const char *const known[] = {"op", NULL};
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) if (strlen(key) > 1 && json_is_string(value) &&
                                              read_meant_key(r, object, key, known)) {
    diag_error_key(r->u, read_path(r, path, key), "unknown key \"%s\"; did you mean \"op\"?", key);
    return;
  }
  diag_error(r->u, path, "\"op\" must name %s", part);
}

OpKind read_op(Reader *r, json_t *object, const Path *path, OpPart part) {
  static const char *const parts[] = {"an operator of a layer", "a loss", "an optimizer"};
  static const char *const kinds[] = {"operator", "loss", "optimizer"};
  json_t *value = json_object_get(object, "op");
  const Path *where = path_key(r->u->arena, path, "op");
  if (!value) return report_no_op(r, object, path, parts[part]), OP_KINDS;
  if (!json_is_string(value)) {
    diag_error(r->u, where, "\"op\" must name %s, not %s", parts[part], read_kind(value));
    return OP_KINDS;
  }
  const char *word = json_string_value(value), *names[OP_KINDS];
  int n = 0;
  for (int i = 0; i < OP_KINDS; i++)
    if (op_plays(ops[i], part)) names[n++] = ops[i]->name;
  const Op *op = op_find(word);
  if (op && op_plays(op, part)) return kind_of(op);
  const char *near = read_meant(word, names, n);
  if (op && op->in_json)
    diag_error(r->u, where, "\"%s\" is not %s", word, parts[part]);
  else if (near)
    diag_error(r->u, where, "unknown %s \"%s\"; did you mean \"%s\"?", kinds[part], word, near);
  else
    diag_error(r->u, where, "unknown %s \"%s\"; `cnnc ops` lists what there is", kinds[part], word);
  return OP_KINDS;
}
