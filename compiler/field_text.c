/* field_text.c - prints and parses the attributes of an operator by its field table. */
#include <string.h>

#include "field_text.h"

static const char *const bias_names[] = {"none", "channel", "position"};
static const char *const bool_names[] = {"false", "true"};
static const char *const pad_names[] = {"", "", "valid", "same", "full"};

static int count_names(const char *const *names) {
  int n = 0;
  while (names[n]) n++;
  return n;
}

/* ---- printing ---- */

static void ints_print(Text *out, const int64_t *at, int n) {
  text_add(out, "[");
  for (int i = 0; i < n; i++) text_add(out, "%s%lld", i ? "," : "", (long long)at[i]);
  text_add(out, "]");
}

void reals_print(Text *out, const double *at, int64_t n) {
  text_add(out, "(");
  for (int64_t i = 0; i < n; i++) {
    if (i) text_add(out, " ");
    number_print(out, at[i]);
  }
  text_add(out, ")");
}

static int64_t matrix_size(const Matrix *m) {
  int64_t size = 1;
  for (int i = 0; i < m->rank; i++) size = size_mul(size, m->dim[i]);
  return size;
}

static void pad_print(Text *out, const Pad *pad) {
  if (pad->kind != PAD_NUMBER && pad->kind != PAD_SIDES) {
    text_add(out, "%s", pad_names[pad->kind]);
    return;
  }
  ints_print(out, pad->lo.at, pad->lo.n);
  if (pad->kind == PAD_NUMBER) return;
  text_add(out, ":");
  ints_print(out, pad->hi.at, pad->hi.n);
}

/* Is a field what a parser would make of nothing? */
static bool is_default(const Field *field, const void *at) {
  switch (field->kind) {
  case FIELD_INT: return (double)*(const int64_t *)at == field->otherwise;
  case FIELD_REAL: return *(const double *)at == field->otherwise;
  case FIELD_BOOL: return *(const bool *)at == (field->otherwise != 0);
  case FIELD_ENUM:
  case FIELD_BIAS: return (double)*(const int32_t *)at == field->otherwise;
  case FIELD_INTS:
  case FIELD_SHAPE: return ((const IntList *)at)->n == 0;
  case FIELD_PAD: return false; /* printed, 0 too */
  default: return ((const Matrix *)at)->at == NULL;
  }
}

static void field_print(Text *out, const Field *field, const void *at) {
  switch (field->kind) {
  case FIELD_INT: text_add(out, "%lld", (long long)*(const int64_t *)at); break;
  case FIELD_REAL: number_print(out, *(const double *)at); break;
  case FIELD_BOOL: text_add(out, "%s", bool_names[*(const bool *)at]); break;
  case FIELD_ENUM: text_add(out, "%s", field->names[*(const int32_t *)at]); break;
  case FIELD_BIAS: text_add(out, "%s", bias_names[*(const int32_t *)at]); break;
  case FIELD_INTS:
  case FIELD_SHAPE: ints_print(out, ((const IntList *)at)->at, ((const IntList *)at)->n); break;
  case FIELD_PAD: pad_print(out, at); break;
  default:
    ints_print(out, ((const Matrix *)at)->dim, ((const Matrix *)at)->rank);
    reals_print(out, ((const Matrix *)at)->at, matrix_size(at));
  }
}

void fields_print(Text *out, const Op *op, const void *attr) {
  bool any = false;
  for (int i = 0; i < op->nfield && attr; i++) {
    const Field *field = &op->field[i];
    const void *at = (const char *)attr + field->offset;
    if (is_default(field, at)) continue;
    text_add(out, "%s%s ", any ? " " : " {", field->name);
    field_print(out, field, at);
    any = true;
  }
  if (any) text_add(out, "}");
}

/* ---- parsing ---- */

static bool in_bounds(Scan *s, const Field *field, double value) {
  if (field->min == 0 && field->max == 0) return true;
  if (value >= field->min && value <= field->max) return true;
  return scan_error(s, "%s must be from %g to %g", field->name, field->min, field->max);
}

static bool int_parse(Scan *s, const Field *field, int64_t *value) {
  const int64_t most = (int64_t)1 << 40;
  return scan_int(s, -most, most, value) && in_bounds(s, field, (double)*value);
}

static bool ints_parse(Scan *s, const Field *field, IntList *list) {
  list->n = 0;
  if (!scan_need(s, "[")) return false;
  while (!scan_has(s, "]")) {
    if (list->n == MAX_RANK) return scan_error(s, "a list has at most %d numbers", MAX_RANK);
    if (list->n && !scan_need(s, ",")) return false;
    if (!int_parse(s, field, &list->at[list->n])) return false;
    list->n++;
  }
  return true;
}

bool reals_parse(Scan *s, double *at, int64_t n) {
  if (!scan_need(s, "(")) return false;
  for (int64_t i = 0; i < n; i++)
    if (!scan_number(s, &at[i])) return false;
  return scan_need(s, ")");
}

static bool matrix_parse(Scan *s, Matrix *m) {
  static const Field extents = {.name = "an extent", .min = 1, .max = (double)MAX_ELEMENTS};
  IntList dim;
  if (!ints_parse(s, &extents, &dim)) return false;
  m->rank = dim.n;
  memcpy(m->dim, dim.at, sizeof m->dim);
  int64_t size = matrix_size(m);
  if (size > (int64_t)strlen(s->at)) return scan_error(s, "there are fewer numbers than that");
  double *at = NEW_ARRAY(s->u->arena, double, size);
  m->at = at;
  return reals_parse(s, at, size);
}

static bool pad_parse(Scan *s, const Field *field, Pad *pad) {
  for (int kind = PAD_VALID; kind <= PAD_FULL; kind++) {
    if (!scan_has(s, pad_names[kind])) continue;
    pad->kind = kind;
    return true;
  }
  if (!ints_parse(s, field, &pad->lo)) return false;
  pad->kind = scan_has(s, ":") ? PAD_SIDES : PAD_NUMBER;
  if (pad->kind == PAD_NUMBER) return true;
  if (!ints_parse(s, field, &pad->hi)) return false;
  return pad->hi.n == pad->lo.n || scan_error(s, "both sides need as many numbers");
}

static bool choice_parse(Scan *s, const Field *field, const char *const *names, int n, int *value) {
  *value = scan_choice(s, field->name, names, n);
  return *value >= 0;
}

static bool field_parse(Scan *s, const Field *field, void *at) {
  int choice = 0;
  switch (field->kind) {
  case FIELD_INT: return int_parse(s, field, at);
  case FIELD_REAL: return scan_number(s, at) && in_bounds(s, field, *(double *)at);
  case FIELD_BOOL:
    if (!choice_parse(s, field, bool_names, COUNT(bool_names), &choice)) return false;
    *(bool *)at = choice;
    return true;
  case FIELD_ENUM:
    if (!choice_parse(s, field, field->names, count_names(field->names), &choice)) return false;
    *(int32_t *)at = choice;
    return true;
  case FIELD_BIAS:
    if (!choice_parse(s, field, bias_names, COUNT(bias_names), &choice)) return false;
    *(int32_t *)at = choice;
    return true;
  case FIELD_INTS:
  case FIELD_SHAPE: return ints_parse(s, field, at);
  case FIELD_PAD: return pad_parse(s, field, at);
  default: return matrix_parse(s, at);
  }
}

/* Lists of a node that count from 1 (extents, strides) are there, one number per axis. */
static bool lists_complete(Scan *s, const Op *op, const char *attr) {
  int n = 0;
  for (int i = 0; i < op->nfield; i++) {
    const Field *field = &op->field[i];
    const IntList *list = (const void *)(attr + field->offset);
    if (field->kind != FIELD_INTS || field->min < 1) continue;
    if (list->n == 0) return scan_error(s, "%s of %s is missing", field->name, op->name);
    if (n && list->n != n) return scan_error(s, "lists of %s differ in length", op->name);
    n = list->n;
  }
  return true;
}

void *fields_parse(Scan *s, const Op *op, bool node) {
  char *attr = op_defaults(s->u->arena, op);
  if (scan_has(s, "{")) {
    while (!scan_has(s, "}")) {
      int i = 0;
      while (i < op->nfield && !scan_has(s, op->field[i].name)) i++;
      if (i == op->nfield) scan_error(s, "%s has no such attribute", op->name);
      if (s->failed || !field_parse(s, &op->field[i], attr + op->field[i].offset)) return NULL;
    }
  }
  return s->failed || (node && !lists_complete(s, op, attr)) ? NULL : attr;
}
