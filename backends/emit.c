/* emit.c - text output: indented lines, blocks, comments, names, constants. See emit.h. */
#include "emit.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 100 };

Emit emit_start(Arena *arena, Text *out, const char *prefix, Emitted *emitted) {
  return (Emit){.arena = arena, .out = out, .prefix = prefix, .emitted = emitted};
}

/* Where to break a text that may have `room` characters: behind a comma or before an operator where
 * there is one in the second half. 0: nowhere. */
static int line_break(const char *text, int room) {
  int any = 0;
  for (int cut = room; cut > 0; cut--) {
    if (text[cut] != ' ') continue;
    if (!any) any = cut;
    const bool before = strchr("+-?:&|", text[cut + 1]) && text[cut + 2] == ' ';
    if (cut > room / 2 && (text[cut - 1] == ',' || before)) return cut;
  }
  return any;
}

/* Prints a line; what is longer than a page is wide goes on below, four columns further in. */
static void add_line(Emit *e, const char *format, va_list list, const char *end) {
  Text line = {.arena = e->arena};
  text_addv(&line, format, list);
  text_add(&line, "%s", end);
  const char *rest = line.at;
  int indent = 2 * e->indent;
  while (indent + (int)strlen(rest) > COLUMNS && *rest != '#' && !strchr(rest, '"')) {
    const int cut = line_break(rest, COLUMNS - indent);
    if (cut == 0) break;
    text_add(e->out, "%*s%.*s\n", indent, "", cut, rest);
    rest += cut + 1;
    indent = 2 * e->indent + 4;
  }
  text_add(e->out, "%*s%s\n", *rest ? indent : 0, "", rest);
}

void emit(Emit *e, const char *format, ...) {
  va_list list;
  va_start(list, format);
  add_line(e, format, list, "");
  va_end(list);
}

void emit_wrapped(Emit *e, const char *text) {
  size_t room = (size_t)(COLUMNS - 2 * e->indent), length = strlen(text);
  for (int line = 0; length > 0; line++) {
    size_t cut = length;
    for (size_t i = 1; length > room && i < length && (i < room || cut == length); i++)
      if (text[i - 1] == ',') cut = i;
    text_add(e->out, "%*s%.*s\n", 2 * e->indent + (line ? 4 : 0), "", (int)cut, text);
    while (cut < length && text[cut] == ' ') cut++;
    text += cut;
    length -= cut;
    if (line == 0) room -= 4;
  }
}

void emit_line(Emit *e) {
  text_add(e->out, "\n");
}

void emit_text(Emit *e, const char *text) {
  text_append(e->out, text, strlen(text));
}

bool emit_open(Emit *e, const char *format, ...) {
  va_list list;
  va_start(list, format);
  add_line(e, format, list, " {");
  va_end(list);
  e->indent++;
  return true;
}

bool emit_open_block(Emit *e) {
  emit(e, "{");
  e->indent++;
  return true;
}

bool emit_open_for(Emit *e, const char *name, int64_t from, int64_t to, int64_t step) {
  if (step == 1)
    return emit_open(e, "for (int %s = %lld; %s < %lld; %s++)", name, (long long)from, name,
                     (long long)to, name);
  return emit_open(e, "for (int %s = %lld; %s < %lld; %s += %lld)", name, (long long)from, name,
                   (long long)to, name, (long long)step);
}

bool emit_close(Emit *e) {
  e->indent--;
  emit(e, "}");
  return false;
}

/* One paragraph, wrapped; `open` begins the comment's first line. */
static void wrap(Emit *e, const char *line, size_t length, bool open) {
  const size_t room = (size_t)(COLUMNS - 2 * e->indent - 6);
  do {
    size_t cut = length;
    if (length > room) {
      cut = room;
      while (cut > 0 && line[cut] != ' ') cut--;
      if (cut == 0) cut = room;
    }
    int end = (int)cut;
    while (end > 0 && line[end - 1] == ' ') end--;
    text_add(e->out, "%*s%s%.*s", 2 * e->indent, "", open ? "/* " : " * ", end, line);
    while (cut < length && line[cut] == ' ') cut++;
    line += cut;
    length -= cut;
    if (length > 0) text_add(e->out, "\n");
    open = false;
  } while (length > 0);
}

void emit_comment(Emit *e, const char *format, ...) {
  Text text = {.arena = e->arena};
  va_list list;
  va_start(list, format);
  text_addv(&text, format, list);
  va_end(list);
  const char *line = text.at ? text.at : "";
  for (bool open = true; line; open = false) {
    const char *end = strchr(line, '\n');
    if (!open) text_add(e->out, "\n");
    wrap(e, line, end ? (size_t)(end - line) : strlen(line), open);
    line = end ? end + 1 : NULL;
  }
  text_add(e->out, " */\n");
}

const char *emit_part(const Emit *e, const Plan *p) {
  return e->several ? arena_printf(e->arena, "%s_%s", e->prefix, p->target->name) : e->prefix;
}

const char *emit_name(Emit *e, const char *wish) {
  char *base = arena_copy(e->arena, wish, strlen(wish));
  for (char *c = base; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
  return dictionary_name(e->arena, &e->taken, base, "_");
}

const char *emit_number(Arena *arena, double value, DType type) {
  if (type == I32 || type == U8) return arena_printf(arena, "%lld", (long long)value);
  const bool narrow = type == F32;
  if (narrow)
    value = (double)(float)value; /* first: what the compiler computed may overflow here */
  if (isnan(value)) return "NAN";
  if (isinf(value)) return value < 0 ? "-INFINITY" : "INFINITY";
  char text[40];
  for (int digits = 1; digits <= 17; digits++) { /* the shortest that reads back exactly */
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (narrow ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value) break;
  }
  const char *point = strpbrk(text, ".e") ? "" : ".0";
  return arena_printf(arena, "%s%s%s", text, point, narrow ? "f" : "");
}

void emit_fact(Emit *e, const char *function, const char *name, int64_t lo, int64_t hi) {
  if (!e->emitted) return;
  const Fact fact = {.function = function, .name = name, .lo = lo, .hi = hi};
  vec_push(e->arena, &e->emitted->fact, fact);
}

const char *emitted_function(const Emit *e, const char *key) {
  const int function = dictionary_find(&e->function, key);
  return function < 0 ? NULL : e->function_name.at[function];
}

void emitted_add(Emit *e, const char *key, const char *name) {
  dictionary_set(e->arena, &e->function, key, e->function_name.n);
  vec_push(e->arena, &e->function_name, name);
}
