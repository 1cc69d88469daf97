/* locate.c - finds the place in a JSON text that a Path names, by scanning the text again.
 *
 * Only messages need places, so the reader keeps none and the good path pays nothing. The scanner
 * is tolerant (the text was parsed before, or is broken and we want the best place we can get) and
 * has no recursion: a value is skipped by counting brackets. Of members with the same name the
 * first is found. */
#include "cnnc.h"

#include <string.h>

typedef struct Scan {
  const char *at, *end;
} Scan;

const Path *path_key(Arena *arena, const Path *up, const char *key) {
  Path *path = NEW(arena, Path);
  *path = (Path){.up = up, .key = key};
  return path;
}

const Path *path_index(Arena *arena, const Path *up, int index) {
  Path *path = NEW(arena, Path);
  *path = (Path){.up = up, .index = index};
  return path;
}

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(Scan *scan) {
  while (scan->at < scan->end && is_space(*scan->at)) scan->at++;
}

/* Skips blanks and takes the character if it comes next. */
static bool take(Scan *scan, char c) {
  skip_space(scan);
  if (scan->at == scan->end || *scan->at != c) return false;
  scan->at++;
  return true;
}

/* From the opening quote to behind the closing one. */
static void skip_string(Scan *scan) {
  for (scan->at++; scan->at < scan->end && *scan->at != '"'; scan->at++)
    if (*scan->at == '\\' && scan->at + 1 < scan->end) scan->at++;
  if (scan->at < scan->end) scan->at++;
}

/* A number, true, false, null, or whatever stands there up to the next delimiter. */
static void skip_word(Scan *scan) {
  while (scan->at < scan->end && !is_space(*scan->at) && !strchr(",:]}[{\"", *scan->at)) scan->at++;
}

static void skip_value(Scan *scan) {
  size_t depth = 0;
  do {
    skip_space(scan);
    if (scan->at == scan->end) return;
    switch (*scan->at) {
    case '"': skip_string(scan); break;
    case '{':
    case '[':
      depth++;
      scan->at++;
      break;
    case '}':
    case ']':
      if (depth == 0) return;
      depth--;
      scan->at++;
      break;
    case ',':
    case ':':
      if (depth == 0) return;
      scan->at++;
      break;
    default: {
      const char *before = scan->at;
      skip_word(scan);
      if (scan->at == before) scan->at++; /* a NUL in the text */
    }
    }
  } while (depth > 0);
}

static unsigned hex4(const char *s, const char *end) {
  unsigned value = 0;
  for (int i = 0; i < 4 && s + i < end; i++) {
    const char *digits = "0123456789abcdef", *digit = strchr(digits, s[i] | 0x20);
    value = 16 * value + (digit && s[i] ? (unsigned)(digit - digits) : 0);
  }
  return value;
}

static size_t utf8_encode(unsigned code, char *out) {
  if (code < 0x80) return out[0] = (char)code, 1;
  size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = n - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)((0xf0u << (4 - n) & 0xf0) | code);
  return n;
}

/* Decodes the escape behind a backslash into `out`; returns the number of bytes, moves *s behind
 * it. */
static size_t decode_escape(const char **s, const char *end, char out[4]) {
  static const char names[] = "bfnrt", meanings[] = "\b\f\n\r\t";
  char c = *(*s)++;
  const char *name = c ? strchr(names, c) : NULL;
  if (c != 'u') return out[0] = name ? meanings[name - names] : c, 1;
  unsigned code = hex4(*s, end);
  *s += end - *s < 4 ? end - *s : 4;
  if (code >= 0xd800 && code < 0xdc00 && end - *s >= 6 && (*s)[0] == '\\' && (*s)[1] == 'u') {
    code = 0x10000 + ((code - 0xd800) << 10) + ((hex4(*s + 2, end) - 0xdc00) & 0x3ff);
    *s += 6;
  }
  return utf8_encode(code, out);
}

/* Whether the JSON string between the quotes, its escapes decoded, is `key`. */
static bool string_is(const char *s, const char *end, const char *key) {
  while (s < end) {
    char decoded[4];
    size_t n = 1;
    if (*s == '\\' && s + 1 < end) {
      s++;
      n = decode_escape(&s, end, decoded);
    } else {
      decoded[0] = *s++;
    }
    if (decoded[0] == 0 || strncmp(key, decoded, n) != 0) return false;
    key += n;
  }
  return *key == 0;
}

/* From an object to its member's value; `name` gets the extent of the member's name with its
 * quotes. */
static bool enter_member(Scan *scan, const char *key, Scan *name) {
  if (!take(scan, '{')) return false;
  do {
    skip_space(scan);
    if (scan->at == scan->end || *scan->at != '"') return false;
    name->at = scan->at;
    skip_string(scan);
    name->end = scan->at;
    if (!take(scan, ':')) return false;
    skip_space(scan);
    if (name->end - name->at >= 2 && string_is(name->at + 1, name->end - 1, key)) return true;
    skip_value(scan);
  } while (take(scan, ','));
  return false;
}

static bool enter_element(Scan *scan, int index) {
  if (!take(scan, '[')) return false;
  for (int i = 0; i < index; i++) {
    skip_value(scan);
    if (!take(scan, ',')) return false;
  }
  skip_space(scan);
  return scan->at < scan->end && *scan->at != ']';
}

bool locate(const Source *source, const Path *path, bool of_key, size_t *offset, size_t *length) {
  Scan scan = {source->text, source->text + source->size}, name = {NULL, NULL};
  int depth = 0;
  for (const Path *p = path; p; p = p->up) depth++;
  skip_space(&scan);
  for (int level = depth - 1; level >= 0; level--) {
    const Path *step = path;
    for (int i = 0; i < level; i++) step = step->up;
    bool found =
        step->key ? enter_member(&scan, step->key, &name) : enter_element(&scan, step->index);
    if (!found) return false;
  }
  if (scan.at == scan.end) return false;
  Scan value = scan;
  skip_value(&value);
  bool key = of_key && path && path->key;
  *offset = (size_t)((key ? name.at : scan.at) - source->text);
  *length = (size_t)(key ? name.end - name.at : value.at - scan.at);
  return true;
}
