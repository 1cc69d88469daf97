/* diag.c - messages with place and caret, "did you mean", and the Unit that counts them.
 *
 * A message knows its place as a Path; locate.c finds the byte offset when the message is printed.
 * One message is
 *
 *     net.json:14:24: error: unknown operator "cov"; did you mean "conv"?
 *        14 |   { "name": "c3", "op": "cov", "filters": 64 }
 *           |                         ^~~~~
 *
 * and, when the place is inside a block, the same for each place that leads there ("note: used
 * here"). Whatever comes from the user's files is shown without control characters and cut to a
 * readable length. Columns count characters (code points) from 1; a tab is one character and is
 * shown as one blank. */
#include "cnnc.h"

#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAX_SHOWN = 100,   /* errors and warnings that are printed; the rest is only counted */
  MAX_USED = 8,      /* "used here" notes after one message */
  MAX_MESSAGE = 800, /* bytes of a message that are shown */
  BEFORE_CARET = 60, /* characters of a long line shown before the caret, */
  AFTER_CARET = 90   /* and from it on */
};

static const char program[] = "cnnc"; /* in place of a file, for messages about the command line */

typedef struct Place {
  int line, column; /* from 1; line 0: the file as a whole */
  size_t line_start, line_end, at, length;
} Place;

Unit *unit_new(void) {
  json_set_alloc_funcs(heap_alloc, free); /* the same end for what Jansson allocates */
  Arena *arena = arena_new();
  Unit *u = NEW(arena, Unit);
  *u = (Unit){.arena = arena, .messages = stderr};
  return u;
}

void unit_free(Unit *u) {
  if (u) arena_free(u->arena);
}

Source unit_turn_to(Unit *u, Source source) {
  const Source before = u->source;
  u->source = source;
  return before;
}

void bug(const char *file, int line, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "%s:%d: internal error: ", file, line);
  vfprintf(stderr, format, args);
  fputs("\nthis is a defect of cnnc; please report it together with the network\n", stderr);
  va_end(args);
  abort();
}

/* ---- text ---- */

/* Bytes of the character at `s`; 0 if it is not valid UTF-8. */
static size_t utf8_length(const char *s, const char *end) {
  unsigned char lead = (unsigned char)*s;
  size_t n = lead < 0x80   ? 1
             : lead < 0xc2 ? 0
             : lead < 0xe0 ? 2
             : lead < 0xf0 ? 3
             : lead < 0xf5 ? 4
                           : 0;
  if (n > (size_t)(end - s)) return 0;
  for (size_t i = 1; i < n; i++)
    if (((unsigned char)s[i] & 0xc0) != 0x80) return 0;
  if (n >= 3) {
    unsigned char second = (unsigned char)s[1];
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second >= 0xa0)) return 0;
    if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second >= 0x90)) return 0;
  }
  return n;
}

static size_t character_length(const char *s, const char *end) {
  size_t n = utf8_length(s, end);
  return n ? n : 1;
}

static int count_characters(const char *s, const char *end) {
  int count = 0;
  for (; s < end; s += character_length(s, end)) count++;
  return count;
}

/* Prints text that may be anything: tabs as a blank, control characters and bytes that are not
 * UTF-8 as "?". */
static void put_plain(FILE *out, const char *s, const char *end) {
  for (size_t n; s < end; s += n ? n : 1) {
    n = utf8_length(s, end);
    bool control = (unsigned char)*s < ' ' || *s == 0x7f ||
                   (n == 2 && *s == (char)0xc2 && (unsigned char)s[1] < 0xa0);
    if (*s == '\t')
      fputc(' ', out);
    else if (n == 0 || control)
      fputc('?', out);
    else
      fwrite(s, 1, n, out);
  }
}

static void put_json_string(FILE *out, const char *s, const char *end) {
  fputc('"', out);
  for (size_t n; s < end; s += n ? n : 1) {
    n = utf8_length(s, end);
    if (n == 0)
      fputs("\\ufffd", out);
    else if (*s == '"' || *s == '\\')
      fprintf(out, "\\%c", *s);
    else if ((unsigned char)*s < ' ' || *s == 0x7f)
      fprintf(out, "\\u%04x", (unsigned)*s);
    else
      fwrite(s, 1, n, out);
  }
  fputc('"', out);
}

/* ---- places ---- */

static Place place_at(const Source *source, size_t at, size_t length) {
  const char *text = source->text;
  if (!text) return (Place){0};
  Place place = {.line = 1, .at = at < source->size ? at : source->size};
  for (const char *s = text; (s = memchr(s, '\n', place.at - (size_t)(s - text))); s++) {
    place.line++;
    place.line_start = (size_t)(s - text) + 1;
  }
  const char *end = memchr(text + place.at, '\n', source->size - place.at);
  place.line_end = end ? (size_t)(end - text) : source->size;
  if (place.line_end > place.at && text[place.line_end - 1] == '\r') place.line_end--;
  place.column = 1 + count_characters(text + place.line_start, text + place.at);
  bool one_line = length <= place.line_end - place.at;
  bool compound = text[place.at] == '{' || text[place.at] == '[';
  place.length = one_line ? length : compound ? 1 : place.line_end - place.at;
  return place;
}

/* The place of a path; of a path that the text lacks (a missing member), the nearest thing that
 * exists around it. */
static Place place_of(const Unit *u, const Path *where, bool of_key) {
  size_t at, length;
  if (!u->source.text) return (Place){0};
  for (; where; where = where->up, of_key = false)
    if (locate(&u->source, where, of_key, &at, &length)) return place_at(&u->source, at, length);
  if (!locate(&u->source, NULL, false, &at, &length)) return place_at(&u->source, 0, 0);
  return place_at(&u->source, at, length);
}

/* Where the block is used that the path is in: kept at any step of the path. */
static const Path *used_at(const Path *where) {
  while (where && !where->used) where = where->up;
  return where ? where->used : NULL;
}

/* ---- printing ---- */

/* The source line with its number, and below it the caret; long lines are cut to a window around
 * the caret. */
static void put_excerpt(const Unit *u, const Place *place) {
  const char *text = u->source.text, *at = text + place->at;
  const char *start = text + place->line_start, *end = text + place->line_end;
  const char *from = start, *to = at;
  for (int skip = place->column - 1 - BEFORE_CARET; skip > 0; skip--)
    from += character_length(from, at);
  for (int n = 0; to < end && n < AFTER_CARET; n++) to += character_length(to, end);
  const char *cut_left = from > start ? "..." : "", *cut_right = to < end ? "..." : "";
  fprintf(u->messages, "%5d | %s", place->line, cut_left);
  put_plain(u->messages, from, to);
  fprintf(u->messages, "%s\n      | ", cut_right);
  const char *last = at + place->length < to ? at + place->length : to;
  int blanks = (int)strlen(cut_left) + count_characters(from, at),
      tildes = count_characters(at, last) - 1;
  for (int i = 0; i < blanks; i++) fputc(' ', u->messages);
  fputc('^', u->messages);
  for (int i = 0; i < tildes; i++) fputc('~', u->messages);
  fputc('\n', u->messages);
}

static void put_text(const Unit *u, const char *file, const Place *place, const char *severity,
                     const char *message, const char *message_end) {
  put_plain(u->messages, file, file + strlen(file));
  if (place->line) fprintf(u->messages, ":%d:%d", place->line, place->column);
  fprintf(u->messages, ": %s: ", severity);
  put_plain(u->messages, message, message_end);
  fputs(message_end[0] ? "...\n" : "\n", u->messages);
  if (place->line) put_excerpt(u, place);
}

static void put_json(const Unit *u, const char *file, const Place *place, const char *severity,
                     const char *message, const char *message_end) {
  const char *at = place->line ? u->source.text + place->at : "";
  fputs("{\"file\": ", u->messages);
  put_json_string(u->messages, file, file + strlen(file));
  fprintf(u->messages,
          ", \"line\": %d, \"column\": %d, \"length\": %d, \"severity\": \"%s\", \"message\": ",
          place->line, place->column, count_characters(at, at + place->length), severity);
  put_json_string(u->messages, message, message_end);
  fputs("}\n", u->messages);
}

static void put(const Unit *u, const char *file, Place place, const char *severity,
                const char *message) {
  const char *end = message + strlen(message), *cut = message;
  while (cut < end && cut - message < MAX_MESSAGE) cut += character_length(cut, end);
  (u->json_diagnostics ? put_json : put_text)(u, file ? file : "network", &place, severity, message,
                                              cut);
}

/* Counts an error or a warning; false when so many were shown that this one is not. */
static bool counted(Unit *u, int *counter) {
  ++*counter;
  int n = u->errors + u->warnings;
  if (n == MAX_SHOWN + 1)
    put(u, u->source.name, (Place){0}, "note", "too many messages; the rest is not shown");
  return n <= MAX_SHOWN;
}

static void report(Unit *u, const Path *where, bool of_key, const char *severity,
                   const char *format, va_list args) {
  Text message = {.arena = u->arena};
  bool usage = where && where->option;
  if (usage) text_add(&message, "%s: ", where->option);
  text_addv(&message, format, args);
  if (usage) {
    u->usage_errors++;
    put(u, program, (Place){0}, severity, message.at);
    return;
  }
  put(u, u->source.name, place_of(u, where, of_key), severity, message.at);
  const Path *used = used_at(where);
  for (int i = 0; used && i < MAX_USED; i++, used = used_at(used))
    put(u, u->source.name, place_of(u, used, false), "note", "used here");
}

/* ---- the interface ---- */

void diag_error(Unit *u, const Path *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (counted(u, &u->errors)) report(u, where, false, "error", format, args);
  va_end(args);
}

void diag_error_key(Unit *u, const Path *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (counted(u, &u->errors)) report(u, where, true, "error", format, args);
  va_end(args);
}

void diag_warning(Unit *u, const Path *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (counted(u, &u->warnings)) report(u, where, false, "warning", format, args);
  va_end(args);
}

void diag_note(Unit *u, const Path *where, const char *format, ...) {
  va_list args;
  va_start(args, format);
  if (u->errors + u->warnings <= MAX_SHOWN) report(u, where, false, "note", format, args);
  va_end(args);
}

void diag_error_at(Unit *u, size_t offset, size_t length, const char *format, ...) {
  if (!counted(u, &u->errors)) return;
  Text message = {.arena = u->arena};
  va_list args;
  va_start(args, format);
  text_addv(&message, format, args);
  va_end(args);
  put(u, u->source.name, place_at(&u->source, offset, length), "error", message.at);
}

void diag_error_in(Unit *u, const char *file, const char *format, ...) {
  if (!counted(u, &u->errors)) return;
  Text message = {.arena = u->arena};
  va_list args;
  va_start(args, format);
  text_addv(&message, format, args);
  va_end(args);
  put(u, file, (Place){0}, "error", message.at);
}

static void report_usage(Unit *u, const char *severity, const char *format, va_list args) {
  Text message = {.arena = u->arena};
  text_addv(&message, format, args);
  put(u, program, (Place){0}, severity, message.at);
}

void usage_error(Unit *u, const char *format, ...) {
  va_list args;
  va_start(args, format);
  report_usage(u, "error", format, args);
  va_end(args);
  u->errors++;
  u->usage_errors++;
}

void usage_note(Unit *u, const char *format, ...) {
  va_list args;
  va_start(args, format);
  report_usage(u, "note", format, args);
  va_end(args);
}

/* ---- did you mean ---- */

enum { MAX_WORD = 48 };

static int min(int a, int b) {
  return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap neighbours; case is free) that turn one word into the
 * other. */
static int edit_distance(const char *a, const char *b) {
  int row[3][MAX_WORD + 1], n = (int)strlen(a), m = (int)strlen(b);
  for (int j = 0; j <= m; j++) row[0][j] = j;
  for (int i = 1; i <= n; i++) {
    int *now = row[i % 3], *before = row[(i + 2) % 3], *earlier = row[(i + 1) % 3];
    now[0] = i;
    for (int j = 1; j <= m; j++) {
      int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
      now[j] = min(before[j - 1] + (x != y), min(before[j], now[j - 1]) + 1);
      if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
          y == tolower((unsigned char)a[i - 2]))
        now[j] = min(now[j], earlier[j - 2] + 1);
    }
  }
  return row[n % 3][m];
}

bool is_among(const char *word, const char *const *words) {
  while (*words && strcmp(*words, word) != 0) words++;
  return *words != NULL;
}

const char *nearest(const char *word, const char *const *candidates, int n) {
  size_t length = strlen(word);
  if (length > MAX_WORD) return NULL;
  const char *best = NULL;
  int limit = (int)(length + 2) / 3; /* "cov": one edit is a slip, two are another word */
  for (int i = 0; i < n; i++) {
    if (strlen(candidates[i]) > MAX_WORD) continue;
    int distance = edit_distance(word, candidates[i]);
    if (distance > limit) continue;
    best = candidates[i];
    limit = distance - 1;
  }
  return best;
}

const char *did_you_mean(Arena *arena, const char *near) {
  return near ? arena_printf(arena, "; did you mean \"%s\"?", near) : "";
}
