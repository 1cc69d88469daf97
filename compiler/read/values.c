/* values.c - single values of a network document: numbers, integer expressions of block parameters,
 * lists of numbers, choices. Whatever is not as it should be is reported at its place. */
#include <ctype.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "read.h"

enum { MAX_NESTING = 32, MAX_FORMULA = 200 }; /* parentheses, characters of an expression */

const char *read_kind(json_t *value) {
  switch (json_typeof(value)) {
  case JSON_OBJECT: return "an object";
  case JSON_ARRAY: return "a list";
  case JSON_STRING: return "a string";
  case JSON_INTEGER: return "an integer";
  case JSON_REAL:
    return json_real_value(value) == floor(json_real_value(value))
               ? "a number with a point or an exponent"
               : "a number with a fraction";
  case JSON_NULL: return "null";
  default: return "true or false";
  }
}

/* How messages call a value: its key, or the key of the list it is in. */
static const char *path_name(const Path *where) {
  while (where && !where->key) where = where->up;
  return where ? where->key : "the network";
}

const Path *read_path(const Reader *r, const Path *path, const char *key) {
  return path_key(r->u->arena, path, arena_copy(r->u->arena, key, strlen(key)));
}

/* ---- integer expressions: "=4*width/(groups+1)" ---- */

typedef struct Parser {
  Reader *r;
  const Scope *scope;
  const Path *where;
  const char *text, *at;
  int depth;
  bool failed;
} Parser;

PRINTF_LIKE(2, 3) static int64_t parse_fail(Parser *p, const char *format, ...) {
  if (!p->failed) {
    Text text = {.arena = p->r->u->arena};
    va_list args;
    va_start(args, format);
    text_addv(&text, format, args);
    va_end(args);
    diag_error(p->r->u, p->where, "\"%s\": %s", p->text, text.at);
  }
  p->failed = true;
  return 1;
}

static bool parse_take(Parser *p, char c) {
  while (*p->at == ' ') p->at++;
  if (*p->at != c) return false;
  p->at++;
  return true;
}

/* Every intermediate result stays far from overflow: factors are below 2^31. */
static int64_t parse_limit(Parser *p, int64_t value) {
  if (value >= -MAX_ELEMENTS && value <= MAX_ELEMENTS) return value;
  return parse_fail(p, "the value is beyond %lld", (long long)MAX_ELEMENTS);
}

static int64_t parse_parameter(Parser *p) {
  const char *start = p->at;
  while (isalnum((unsigned char)*p->at) || *p->at == '_') p->at++;
  const char *name = arena_copy(p->r->u->arena, start, (size_t)(p->at - start));
  for (int i = 0; i < p->scope->nparam; i++) {
    if (strcmp(p->scope->param[i].name, name) != 0) continue;
    if (!p->scope->param[i].known) p->failed = true;
    return p->scope->param[i].value;
  }
  if (!p->scope->block) return parse_fail(p, "parameters exist only inside blocks");
  const char **names = NEW_ARRAY(p->r->u->arena, const char *, p->scope->nparam);
  for (int i = 0; i < p->scope->nparam; i++) names[i] = p->scope->param[i].name;
  const char *near = nearest(name, names, p->scope->nparam);
  return parse_fail(p, "block \"%s\" has no parameter \"%s\"%s", p->scope->block, name,
                    did_you_mean(p->r->u->arena, near));
}

static int64_t parse_sum(Parser *p);

static int64_t parse_factor(Parser *p) {
  if (p->failed) return 1;
  if (++p->depth > MAX_NESTING) return parse_fail(p, "it is nested too deeply");
  int64_t value = 0;
  if (parse_take(p, '-')) {
    value = -parse_factor(p);
  } else if (parse_take(p, '(')) {
    value = parse_sum(p);
    if (!parse_take(p, ')')) value = parse_fail(p, "a \")\" is missing");
  } else if (isdigit((unsigned char)*p->at)) {
    for (; isdigit((unsigned char)*p->at); p->at++)
      value = parse_limit(p, 10 * value + (*p->at - '0'));
  } else if (isalpha((unsigned char)*p->at) || *p->at == '_') {
    value = parse_parameter(p);
  } else {
    value = parse_fail(p, "a number or a parameter is missing before \"%s\"", p->at);
  }
  p->depth--;
  return value;
}

static int64_t parse_product(Parser *p) {
  int64_t value = parse_factor(p);
  while (!p->failed) {
    if (parse_take(p, '*')) {
      value = parse_limit(p, value * parse_factor(p));
    } else if (parse_take(p, '/')) {
      int64_t by = parse_factor(p);
      if (p->failed) break;
      if (by == 0) return parse_fail(p, "division by zero");
      if (value % by != 0)
        return parse_fail(p, "%lld / %lld is not an integer", (long long)value, (long long)by);
      value /= by;
    } else {
      break;
    }
  }
  return value;
}

static int64_t parse_sum(Parser *p) {
  int64_t value = parse_product(p);
  while (!p->failed) {
    if (parse_take(p, '+'))
      value = parse_limit(p, value + parse_product(p));
    else if (parse_take(p, '-'))
      value = parse_limit(p, value - parse_product(p));
    else
      break;
  }
  return value;
}

static bool evaluate(Reader *r, const Scope *scope, const char *text, const Path *where,
                     int64_t *value) {
  static const Scope none;
  if (strlen(text) > MAX_FORMULA) {
    diag_error(r->u, where, "a formula may have %d characters, not %zu", MAX_FORMULA, strlen(text));
    return false;
  }
  Parser p = {r, scope ? scope : &none, where, text, text + 1, 0, false};
  *value = parse_sum(&p);
  while (*p.at == ' ') p.at++;
  if (!p.failed && *p.at) parse_fail(&p, "\"%s\" is not understood", p.at);
  return !p.failed;
}

/* ---- numbers ---- */

static bool in_range(Reader *r, const Path *where, double value, double min, double max) {
  if (value >= min && value <= max) return true;
  const char *name = path_name(where);
  if (min > -MAX_ELEMENTS && max < MAX_ELEMENTS)
    diag_error(r->u, where, "%s must be from %.15g to %.15g, not %.15g", name, min, max, value);
  else if (value < min)
    diag_error(r->u, where, "%s must be at least %.15g, not %.15g", name, min, value);
  else
    diag_error(r->u, where, "%s must be at most %.15g, not %.15g", name, max, value);
  return false;
}

bool read_integer(Reader *r, const Scope *scope, json_t *value, const Path *where, double min,
                  double max, int64_t *result) {
  if (min < -(double)MAX_ELEMENTS) min = -(double)MAX_ELEMENTS;
  if (max > (double)MAX_ELEMENTS) max = (double)MAX_ELEMENTS;
  int64_t number;
  if (json_is_string(value) && json_string_value(value)[0] == '=') {
    if (!evaluate(r, scope, json_string_value(value), where, &number)) return false;
  } else if (json_is_integer(value)) {
    number = json_integer_value(value);
  } else {
    diag_error(r->u, where, "%s must be an integer, not %s", path_name(where), read_kind(value));
    return false;
  }
  if (!in_range(r, where, (double)number, min, max)) return false;
  *result = number;
  return true;
}

/* Emitted code computes in 32 bits: what they cannot hold would become infinite on the way. */
static bool fits_float(Reader *r, const Path *where, double value) {
  if (fabs(value) <= (double)FLT_MAX) return true;
  diag_error(r->u, where, "%s must be a number that 32 bits hold, at %s %.9g, not %.9g",
             path_name(where), value < 0 ? "least" : "most",
             value < 0 ? -(double)FLT_MAX : (double)FLT_MAX, value);
  return false;
}

bool read_real(Reader *r, const Scope *scope, json_t *value, const Path *where, double min,
               double max, double *result) {
  int64_t number;
  if (json_is_string(value) && json_string_value(value)[0] == '=') {
    if (!evaluate(r, scope, json_string_value(value), where, &number)) return false;
    *result = (double)number;
  } else if (json_is_number(value)) {
    *result = json_number_value(value);
  } else {
    diag_error(r->u, where, "%s must be a number, not %s", path_name(where), read_kind(value));
    return false;
  }
  return fits_float(r, where, *result) && in_range(r, where, *result, min, max);
}

bool read_bool(Reader *r, json_t *value, const Path *where, bool *result) {
  if (json_is_boolean(value)) return *result = json_is_true(value), true;
  diag_error(r->u, where, "%s must be true or false, not %s", path_name(where), read_kind(value));
  return false;
}

bool read_reals(Reader *r, const Scope *scope, json_t *value, const Path *where, int most,
                double *result, int *n) {
  bool list = json_is_array(value), good = true;
  size_t size = list ? json_array_size(value) : 1;
  if (size == 0 || size > (size_t)most) {
    diag_error(r->u, where, "%s must be a list of 1 to %d numbers, not of %zu", path_name(where),
               most, size);
    return false;
  }
  for (size_t i = 0; i < size; i++) {
    const Path *place = list ? path_index(r->u->arena, where, (int)i) : where;
    json_t *element = list ? json_array_get(value, i) : value;
    good &= read_real(r, scope, element, place, -INFINITY, INFINITY, &result[i]);
  }
  *n = (int)size;
  return good;
}

/* ---- choices and keys ---- */

static int count_names(const char *const *names) {
  int n = 0;
  while (names[n]) n++;
  return n;
}

/* "max", "average" or "l2" */
static const char *list_names(Arena *arena, const char *const *names) {
  Text text = {.arena = arena};
  int n = count_names(names);
  for (int i = 0; i < n; i++)
    text_add(&text, "%s\"%s\"", i == 0 ? "" : i == n - 1 ? " or " : ", ", names[i]);
  return text.at;
}

bool read_choice(Reader *r, json_t *value, const Path *where, const char *const *names,
                 int32_t *result) {
  const char *word = json_string_value(value);
  for (int32_t i = 0; word && names[i]; i++)
    if (strcmp(names[i], word) == 0) return *result = i, true;
  const char *listed = list_names(r->u->arena, names);
  if (word)
    diag_error(r->u, where, "%s must be %s, not \"%s\"%s", path_name(where), listed, word,
               did_you_mean(r->u->arena, read_meant(word, names, count_names(names))));
  else
    diag_error(r->u, where, "%s must be %s, not %s", path_name(where), listed, read_kind(value));
  return false;
}

const char *read_meant_key(Reader *r, json_t *object, const char *key, const char *const *known) {
  int count = count_names(known), n = 0;
  const char **open = NEW_ARRAY(r->u->arena, const char *, count + 1);
  for (int i = 0; i < count; i++) {
    if (strcmp(known[i], key) == 0) return NULL;
    if (!json_object_get(object, known[i])) open[n++] = known[i];
  }
  const char *near = read_meant(key, open, n);
  return near ? near : nearest(key, known, count);
}

void read_check_keys(Reader *r, json_t *object, const Path *where, const char *const *known) {
  const char *key;
  json_t *value;
  json_object_foreach(object, key, value) {
    int i = 0;
    while (known[i] && strcmp(known[i], key) != 0) i++;
    if (known[i]) continue;
    const Path *place = path_key(r->u->arena, where, key);
    const char *near = read_meant_key(r, object, key, known);
    if (near)
      diag_error_key(r->u, place, "unknown key \"%s\"; did you mean \"%s\"?", key, near);
    else
      diag_error_key(r->u, place, "unknown key \"%s\"; expected %s", key,
                     list_names(r->u->arena, known));
  }
}

/* ---- names of layers ---- */

const char **read_strings(Reader *r, json_t *value, const Path *path, int *n) {
  bool list = json_is_array(value);
  size_t size = list ? json_array_size(value) : 1;
  const char **result = NEW_ARRAY(r->u->arena, const char *, size);
  for (size_t i = 0; i < size; i++) {
    json_t *e = list ? json_array_get(value, i) : value;
    if (json_is_string(e)) {
      result[i] = arena_copy(r->u->arena, json_string_value(e), json_string_length(e));
      continue;
    }
    const Path *where = list ? path_index(r->u->arena, path, (int)i) : path;
    diag_error(r->u, where, "%s must be a name or a list of names, not %s", path->key,
               read_kind(e));
    return NULL;
  }
  *n = (int)size;
  if (size == 0) diag_error(r->u, path, "%s names no layer", path->key);
  return size ? result : NULL;
}
