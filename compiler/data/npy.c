/* npy.c - NumPy's .npy files in and out.
 *
 * A file is: "\x93NUMPY", two bytes of version, the header's length (2 bytes, from version 2 on 4),
 * the header, the numbers. The header is a Python dictionary such as
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), } */
#include "tensors.h"

#include <ctype.h>
#include <string.h>

enum { MAX_HEADER = 1 << 16 };

typedef struct Header {
  const char *at, *end; /* what is left to read */
  char descr[16];
  bool fortran, has_descr, has_order, has_shape;
} Header;

static bool take(Header *h, char c) {
  while (h->at < h->end && isspace((unsigned char)*h->at)) h->at++;
  if (h->at == h->end || *h->at != c) return false;
  h->at++;
  return true;
}

static bool take_word(Header *h, const char *word) {
  size_t length = strlen(word);
  take(h, ' ');
  if ((size_t)(h->end - h->at) < length || memcmp(h->at, word, length) != 0) return false;
  h->at += length;
  return true;
}

/* A quoted string into `text`; false if there is none or it is too long. */
static bool take_string(Header *h, char *text, size_t room) {
  char quote = take(h, '\'') ? '\'' : take(h, '"') ? '"' : 0;
  size_t n = 0;
  if (!quote) return false;
  while (h->at < h->end && *h->at != quote && n + 1 < room) text[n++] = *h->at++;
  text[n] = 0;
  return take(h, quote);
}

static bool take_number(Header *h, int64_t *number) {
  take(h, ' ');
  if (h->at == h->end || !isdigit((unsigned char)*h->at)) return false;
  for (*number = 0; h->at < h->end && isdigit((unsigned char)*h->at); h->at++) {
    int digit = *h->at - '0';
    if (*number > (INT64_MAX - digit) / 10) return false;
    *number = 10 * *number + digit;
  }
  take_word(h, "L"); /* Python 2 wrote 3L */
  return true;
}

static bool take_shape(Header *h, Tensor *t) {
  if (!take(h, '(')) return false;
  for (t->rank = 0; !take(h, ')'); t->rank++) {
    if (t->rank == MAX_RANK || !take_number(h, &t->dim[t->rank])) return false;
    if (!take(h, ',')) {
      t->rank++;
      return take(h, ')');
    }
  }
  return true;
}

static bool take_member(Header *h, Tensor *t) {
  char key[16];
  if (!take_string(h, key, sizeof key) || !take(h, ':')) return false;
  if (strcmp(key, "descr") == 0) return h->has_descr = take_string(h, h->descr, sizeof h->descr);
  if (strcmp(key, "shape") == 0) return h->has_shape = take_shape(h, t);
  if (strcmp(key, "fortran_order") != 0) return false;
  h->fortran = take_word(h, "True");
  return h->has_order = h->fortran || take_word(h, "False");
}

static bool parse_header(Header *h, Tensor *t) {
  if (!take(h, '{')) return false;
  while (!take(h, '}')) {
    if (!take_member(h, t)) return false;
    if (take(h, ',')) continue;
    if (!take(h, '}')) return false;
    break;
  }
  return h->has_descr && h->has_order && h->has_shape;
}

static bool find_element(Unit *u, const char *file, const char *descr, Tensor *t) {
  for (int i = 0; i < ELEMENTS; i++)
    if (elements[i].npy && strcmp(descr + 1, elements[i].npy + 1) == 0 &&
        (*descr == '<' || *descr == '|' || *descr == '=' || elements[i].size == 1))
      return t->element = (Element)i, true;
  diag_error_in(u, file,
                *descr == '>'
                    ? "big-endian elements '%s'; save the array in little-endian order"
                    : "elements of type '%s'; known are f2, f4, f8, u1, i1, i2, i4, i8, b1",
                descr);
  return false;
}

/* Where the header starts and ends; false if this is no .npy file. */
static bool find_header(const char *bytes, size_t size, Header *h) {
  if (size < 12 || memcmp(bytes, "\x93NUMPY", 6) != 0 || bytes[6] < 1 || bytes[6] > 3) return false;
  const unsigned char *length = (const unsigned char *)bytes + 8;
  size_t start = bytes[6] == 1 ? 10 : 12, n = length[0] | (size_t)length[1] << 8;
  if (bytes[6] > 1) n |= (size_t)length[2] << 16 | (size_t)length[3] << 24;
  if (n > MAX_HEADER || n > size - start) return false;
  *h = (Header){.at = bytes + start, .end = bytes + start + n};
  return true;
}

bool npy_parse(Unit *u, const char *file, const char *bytes, size_t size, Tensor *t) {
  *t = (Tensor){.name = file};
  Header h;
  if (!find_header(bytes, size, &h)) {
    diag_error_in(u, file, "not a NumPy array (.npy), or a truncated one");
    return false;
  }
  const char *data = h.end;
  if (!parse_header(&h, t)) {
    diag_error_in(u, file,
                  "the header of this NumPy array cannot be read; it must give descr, "
                  "fortran_order and a shape of at most %d axes",
                  MAX_RANK);
    return false;
  }
  if (!find_element(u, file, h.descr, t)) return false;
  if (h.fortran && t->rank > 1) {
    diag_error_in(u, file,
                  "the array is in Fortran order; save numpy.ascontiguousarray(x) instead");
    return false;
  }
  size_t given = size - (size_t)(data - bytes);
  if (shape_size(t->dim, t->rank, 8) < 0 || tensor_bytes(t) != given) {
    Text shape = {.arena = u->arena};
    tensor_print_shape(&shape, t);
    diag_error_in(u, file, "the array has %zu bytes of data, which is not what %s of '%s' needs",
                  given, shape.at, h.descr);
    return false;
  }
  bool straight = (uintptr_t)data % (size_t)elements[t->element].size == 0;
  t->data = straight ? data : arena_copy(u->arena, data, given);
  return true;
}

bool npy_read(Unit *u, const char *file, Tensor *t) {
  size_t size;
  const char *bytes = file_read(u, file, &size);
  return bytes && npy_parse(u, file, bytes, size, t);
}

bool npy_write(Unit *u, const char *file, const Tensor *t) {
  Text out = {.arena = u->arena}, header = {.arena = u->arena};
  if (!elements[t->element].npy) BUG("NumPy has no %s", elements[t->element].safetensors);
  text_add(&header, "{'descr': '%s', 'fortran_order': False, 'shape': (", elements[t->element].npy);
  for (int i = 0; i < t->rank; i++)
    text_add(&header, "%lld%s", (long long)t->dim[i],
             t->rank == 1      ? ","
             : i + 1 < t->rank ? ", "
                               : "");
  text_add(&header, "), }");
  int padding = 63 - (int)((10 + header.n) % 64); /* the data starts at a multiple of 64 */
  text_add(&header, "%*s\n", padding, "");
  text_append(&out, "\x93NUMPY\x01\x00", 8);
  text_append(&out, (char[]){(char)(header.n & 255), (char)(header.n >> 8)}, 2);
  text_append(&out, header.at, header.n);
  text_append(&out, t->data, tensor_bytes(t));
  return file_write(u, file, out.at, out.n);
}
