/* scan.c - the scanner of the text forms: words, numbers, types; mistakes with their place. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

Scan scan_begin(Unit *u) {
  return (Scan){.u = u, .at = u->source.text};
}

static void pass_blanks(Scan *s) {
  while (*s->at && isspace((unsigned char)*s->at)) s->at++;
}

static bool in_word(char c) {
  return isalnum((unsigned char)c) || (c && strchr("_.-/@%", c));
}

/* Length of the token that comes next: a word or one sign. */
static size_t token_length(Scan *s) {
  size_t n = 0;
  pass_blanks(s);
  while (in_word(s->at[n])) n++;
  return n ? n : *s->at != '\0';
}

bool scan_error(Scan *s, const char *format, ...) {
  char message[256];
  va_list list;
  if (s->failed) return false;
  va_start(list, format);
  vsnprintf(message, sizeof message, format, list);
  va_end(list);
  size_t length = token_length(s);
  s->failed = true;
  diag_error_at(s->u, (size_t)(s->at - s->u->source.text), length ? length : 1, "%s", message);
  return false;
}

bool scan_end(Scan *s) {
  pass_blanks(s);
  return s->failed || *s->at == '\0';
}

bool scan_peek(Scan *s, const char *token) {
  size_t n = strlen(token);
  if (s->failed) return false;
  pass_blanks(s);
  if (strncmp(s->at, token, n) != 0) return false;
  return !in_word(token[n - 1]) || !in_word(s->at[n]) || ispunct((unsigned char)*token);
}

bool scan_has(Scan *s, const char *token) {
  if (!scan_peek(s, token)) return false;
  s->at += strlen(token);
  return true;
}

bool scan_need(Scan *s, const char *token) {
  if (scan_has(s, token)) return true;
  return scan_error(s, "\"%s\" is expected here", token);
}

static const char *quoted(Scan *s) {
  Text text = {.arena = s->u->arena};
  const char *at = s->at + 1;
  for (; *at && *at != '"' && *at != '\n'; at++) {
    if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
    text_append(&text, at, 1);
  }
  if (*at != '"') {
    scan_error(s, "the string has no end");
    return NULL;
  }
  s->at = at + 1;
  return text.at ? text.at : "";
}

const char *scan_word(Scan *s) {
  if (s->failed) return NULL;
  pass_blanks(s);
  if (*s->at == '"') return quoted(s);
  size_t n = 0;
  while (in_word(s->at[n])) n++;
  if (n == 0) {
    scan_error(s, "a name is expected here");
    return NULL;
  }
  s->at += n;
  return arena_copy(s->u->arena, s->at - n, n);
}

void word_print(Text *out, const char *word) {
  bool plain = *word != '\0';
  for (const char *c = word; *c; c++) plain &= in_word(*c);
  if (plain) {
    text_add(out, "%s", word);
    return;
  }
  text_add(out, "\"");
  for (const char *c = word; *c; c++)
    text_add(out, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c == '\n' ? ' ' : *c);
  text_add(out, "\"");
}

bool scan_int(Scan *s, int64_t least, int64_t most, int64_t *value) {
  char *end;
  if (s->failed) return false;
  pass_blanks(s);
  errno = 0;
  bool digits = isdigit((unsigned char)s->at[*s->at == '-']);
  long long number = digits ? strtoll(s->at, &end, 10) : 0;
  if (!digits) return scan_error(s, "a whole number is expected here");
  if (errno || number < least || number > most)
    return scan_error(s, "the number must be from %lld to %lld", (long long)least, (long long)most);
  s->at = end;
  *value = number;
  return true;
}

bool scan_number(Scan *s, double *value) {
  char *end;
  if (s->failed) return false;
  pass_blanks(s);
  *value = strtod(s->at, &end);
  if (end == s->at) return scan_error(s, "a number is expected here");
  s->at = end;
  return true;
}

/* 64, n, 2n, n+1, 2n-1 */
bool scan_extent(Scan *s, Extent *e) {
  enum { MOST = 1 << 30 };
  int64_t factor = 1;
  *e = fixed(0);
  pass_blanks(s);
  bool number = isdigit((unsigned char)*s->at);
  if (number && !scan_int(s, 0, 2 * (int64_t)MOST - 1, &factor)) return false;
  bool samples = *s->at == 'n' && !isalnum((unsigned char)s->at[1]) && s->at[1] != '_';
  if (number && !samples) {
    e->plus = factor;
    return true;
  }
  if (!samples) return scan_error(s, "an extent is expected here");
  s->at++;
  e->per_n = factor;
  if (*s->at != '+' && *s->at != '-') return true;
  s->at += *s->at == '+';
  return scan_int(s, -MOST, MOST, &e->plus);
}

bool scan_type(Scan *s, Type *type) {
  *type = (Type){.dtype = F32};
  int dtype = 0;
  pass_blanks(s);
  while (dtype < BF16 && !scan_peek(s, dtype_name((DType)dtype))) dtype++;
  if (dtype == BF16) return scan_error(s, "a type such as f32[n,3,8,8] is expected here");
  scan_has(s, dtype_name((DType)dtype));
  type->dtype = (DType)dtype;
  if (!scan_need(s, "[")) return false;
  while (!scan_peek(s, "]")) {
    if (type->rank == MAX_RANK) return scan_error(s, "a type has at most %d axes", MAX_RANK);
    if (type->rank && !scan_need(s, ",")) return false;
    if (!scan_extent(s, &type->dim[type->rank])) return false;
    type->rank++;
  }
  return scan_need(s, "]");
}

int scan_choice(Scan *s, const char *what, const char *const *names, int n) {
  for (int i = 0; i < n; i++)
    if (scan_has(s, names[i])) return i;
  Text list = {.arena = s->u->arena};
  for (int i = 0; i < n; i++) text_add(&list, "%s%s", i ? ", " : "", names[i]);
  scan_error(s, "%s is one of %.200s", what, list.at);
  return -1;
}
