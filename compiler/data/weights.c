/* weights.c - safetensors in and out.
 *
 * A file is: the header's length (8 bytes, little-endian), the header (a JSON object: name ->
 * dtype, shape, data_offsets from the header's end), the numbers. A sound file's tensors cover the
 * data without overlap and without gap; whatever deviates is reported with the tensor's name. */
#include "tensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 100000000, MAX_NAME = 512 };

typedef struct Reading {
  Unit *u;
  const char *file;
  const char *data; /* behind the header */
  int64_t size;     /* of the data */
} Reading;

typedef struct Piece { /* the bytes of one tensor */
  int64_t begin, end;
  int tensor;
} Piece;

static bool read_element(Reading *r, Tensor *t, const json_t *dtype) {
  const char *name = json_string_value(dtype);
  for (int i = 0; name && i < ELEMENTS; i++)
    if (strcmp(name, elements[i].safetensors) == 0) return t->element = (Element)i, true;
  if (!name)
    diag_error_in(r->u, r->file, "tensor \"%s\" has no \"dtype\"", t->name);
  else
    diag_error_in(r->u, r->file,
                  "tensor \"%s\" has the element type \"%s\"; known are F32, F64, F16, BF16, U8, "
                  "I8, I16, I32, I64, BOOL",
                  t->name, name);
  return false;
}

static bool read_shape(Reading *r, Tensor *t, const json_t *shape) {
  if (!json_is_array(shape)) {
    diag_error_in(r->u, r->file, "tensor \"%s\" has no \"shape\"", t->name);
    return false;
  }
  if (json_array_size(shape) > MAX_RANK) {
    diag_error_in(r->u, r->file, "tensor \"%s\" has %zu axes; the most is %d", t->name,
                  json_array_size(shape), MAX_RANK);
    return false;
  }
  t->rank = (int)json_array_size(shape);
  bool sound = true;
  for (int i = 0; i < t->rank; i++) {
    const json_t *extent = json_array_get(shape, (size_t)i);
    t->dim[i] = json_is_integer(extent) ? json_integer_value(extent) : -1;
    if (t->dim[i] < 0) sound = false;
  }
  if (sound && shape_size(t->dim, t->rank, 8) >= 0) return true;
  diag_error_in(r->u, r->file, "tensor \"%s\": the shape is %s", t->name,
                sound ? "too large" : "not a list of sizes");
  return false;
}

static bool read_offsets(Reading *r, Tensor *t, const json_t *offsets, Piece *piece) {
  const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
  if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end)) {
    diag_error_in(r->u, r->file, "tensor \"%s\" has no pair of \"data_offsets\"", t->name);
    return false;
  }
  piece->begin = json_integer_value(begin);
  piece->end = json_integer_value(end);
  if (piece->begin < 0 || piece->end < piece->begin || piece->end > r->size) {
    diag_error_in(r->u, r->file,
                  "tensor \"%s\" lies at bytes %lld to %lld, outside the file's %lld bytes of data",
                  t->name, (long long)piece->begin, (long long)piece->end, (long long)r->size);
    return false;
  }
  int64_t needed = (int64_t)tensor_bytes(t);
  if (piece->end - piece->begin == needed) return true;
  Text shape = {.arena = r->u->arena};
  tensor_print_shape(&shape, t);
  diag_error_in(r->u, r->file, "tensor \"%s\" has %lld bytes of data, but %s of %s need %lld",
                t->name, (long long)(piece->end - piece->begin), shape.at,
                elements[t->element].safetensors, (long long)needed);
  return false;
}

/* The numbers where they lie, or a copy where they lie crooked. */
static const void *aligned(Reading *r, const Tensor *t, int64_t begin) {
  const char *at = r->data + begin;
  size_t size = (size_t)elements[t->element].size;
  return (uintptr_t)at % size == 0 ? at : arena_copy(r->u->arena, at, tensor_bytes(t));
}

static bool read_tensor(Reading *r, const char *name, const json_t *entry, Tensor *t,
                        Piece *piece) {
  *t = (Tensor){.name = arena_copy(r->u->arena, name, strlen(name))};
  if (strlen(name) > MAX_NAME) {
    diag_error_in(r->u, r->file, "a tensor's name is longer than %d bytes", MAX_NAME);
    return false;
  }
  if (!json_is_object(entry)) {
    diag_error_in(r->u, r->file, "tensor \"%s\" is not described by an object", name);
    return false;
  }
  if (!read_element(r, t, json_object_get(entry, "dtype"))) return false;
  if (!read_shape(r, t, json_object_get(entry, "shape"))) return false;
  if (!read_offsets(r, t, json_object_get(entry, "data_offsets"), piece)) return false;
  t->data = aligned(r, t, piece->begin);
  return true;
}

static int by_place(const void *a, const void *b) {
  const Piece *x = a, *y = b;
  if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
  if (x->end != y->end) return x->end < y->end ? -1 : 1;
  return x->tensor - y->tensor;
}

/* The pieces, sorted, must follow each other without overlap and gap and end
 * where the file ends. */
static bool check_cover(Reading *r, const Tensors *tensors, Piece *piece) {
  int64_t end = 0;
  const char *last = NULL;
  if (tensors->n) qsort(piece, (size_t)tensors->n, sizeof *piece, by_place);
  for (int i = 0; i < tensors->n; i++) {
    const char *name = tensors->at[piece[i].tensor].name;
    if (piece[i].begin < end) {
      diag_error_in(r->u, r->file, "the data of tensors \"%s\" and \"%s\" overlap", last, name);
      return false;
    }
    if (piece[i].begin > end) {
      diag_error_in(r->u, r->file, "%lld bytes before tensor \"%s\" belong to no tensor",
                    (long long)(piece[i].begin - end), name);
      return false;
    }
    end = piece[i].end;
    last = name;
  }
  if (end == r->size) return true;
  diag_error_in(r->u, r->file, "the last %lld bytes belong to no tensor",
                (long long)(r->size - end));
  return false;
}

static bool read_header(Reading *r, json_t *header, Tensors *tensors) {
  bool sound = true;
  const char *name;
  json_t *entry;
  VEC(Piece) pieces = {0};
  json_object_foreach(header, name, entry) {
    if (strcmp(name, "__metadata__") == 0) continue;
    Tensor t;
    Piece piece = {.tensor = tensors->n};
    if (read_tensor(r, name, entry, &t, &piece)) {
      vec_push(r->u->arena, tensors, t);
      vec_push(r->u->arena, &pieces, piece);
    } else {
      sound = false;
    }
  }
  return sound && check_cover(r, tensors, pieces.at);
}

/* The header's length, or 0 after a diagnostic. */
static size_t header_length(Unit *u, const char *file, const char *bytes, size_t size) {
  uint64_t length = 0;
  if (size < 8) {
    diag_error_in(u, file, "not a safetensors file: it has only %zu bytes", size);
    return 0;
  }
  for (int i = 7; i >= 0; i--) length = length << 8 | (unsigned char)bytes[i];
  if (length >= 2 && length <= size - 8 && length <= MAX_HEADER) return (size_t)length;
  diag_error_in(
      u, file,
      "not a safetensors file, or a truncated one: a header of %llu bytes in a file of %zu",
      (unsigned long long)length, size);
  return 0;
}

bool weights_parse(Unit *u, const char *file, const char *bytes, size_t size, Tensors *tensors) {
  *tensors = (Tensors){0};
  size_t length = header_length(u, file, bytes, size);
  if (!length) return false;
  json_error_t error;
  json_t *header = json_loadb(bytes + 8, length, JSON_REJECT_DUPLICATES, &error);
  const char *fault = header ? "no JSON object"
                      : json_error_code(&error) == json_error_duplicate_key
                          ? "with a duplicate name"
                          : "not JSON";
  if (!json_is_object(header)) {
    diag_error_in(u, file, "not a safetensors file: the header is %s%s", fault,
                  header ? "" : arena_printf(u->arena, ", at byte %d", 8 + error.position));
    json_decref(header);
    return false;
  }
  Reading r = {u, file, bytes + 8 + length, (int64_t)(size - 8 - length)};
  bool sound = read_header(&r, header, tensors);
  json_decref(header);
  return sound;
}

bool weights_read(Unit *u, const char *file, Tensors *tensors) {
  size_t size;
  *tensors = (Tensors){0};
  char *bytes = file_read(u, file, &size);
  return bytes && weights_parse(u, file, bytes, size, tensors);
}

/* The header as text, padded with blanks so that the data starts at a multiple of 8. */
static char *header_text(Unit *u, const Tensors *tensors) {
  json_t *header = json_pack("{s{ss}}", "__metadata__", "format", "pt");
  int64_t begin = 0;
  for (int i = 0; i < tensors->n; i++) {
    const Tensor *t = &tensors->at[i];
    json_t *shape = json_array();
    for (int axis = 0; axis < t->rank; axis++)
      json_array_append_new(shape, json_integer(t->dim[axis]));
    int64_t end = begin + (int64_t)tensor_bytes(t);
    json_object_set_new(header, t->name,
                        json_pack("{sssos[II]}", "dtype", elements[t->element].safetensors, "shape",
                                  shape, "data_offsets", (json_int_t)begin, (json_int_t)end));
    begin = end;
  }
  char *dumped = json_dumps(header, JSON_COMPACT);
  char *text =
      dumped ? arena_printf(u->arena, "%s%*s", dumped, (int)(-strlen(dumped) & 7), "") : NULL;
  free(dumped);
  json_decref(header);
  return text;
}

bool weights_write(Unit *u, const char *file, const Tensors *tensors) {
  char *header = header_text(u, tensors);
  if (!header) BUG("the header of %s cannot be printed", file);
  size_t length = strlen(header), total = 8 + length;
  for (int i = 0; i < tensors->n; i++) total += tensor_bytes(&tensors->at[i]);
  char *bytes = arena_alloc(u->arena, total), *at = bytes + 8;
  for (int i = 0; i < 8; i++) bytes[i] = (char)(length >> 8 * i);
  memcpy(at, header, length);
  at += length;
  for (int i = 0; i < tensors->n; at += tensor_bytes(&tensors->at[i]), i++)
    if (tensor_bytes(&tensors->at[i]))
      memcpy(at, tensors->at[i].data, tensor_bytes(&tensors->at[i]));
  return file_write(u, file, bytes, total);
}

const Tensor *weights_find(const Tensors *tensors, const char *name) {
  for (int i = 0; i < tensors->n; i++)
    if (strcmp(tensors->at[i].name, name) == 0) return &tensors->at[i];
  return NULL;
}
