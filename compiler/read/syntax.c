/* syntax.c - text as JSON. Where it is none: what Jansson found, in words of ours, with the place
 * where the unexpected token begins, and what to do about the usual slips. */
#include <string.h>

#include "read.h"

/* What somebody probably meant who wrote a token that cannot stand where it stands. */
static const struct Slip {
  const char *token, *remedy;
} slips[] = {
    {"\xef\xbb\xbf", "save the file without a byte order mark"},
    {"/", "JSON has no comments"},
    {"#", "JSON has no comments"},
    {"'", "strings and keys stand in double quotes"},
    {"True", "JSON writes true"},
    {"False", "JSON writes false"},
    {"None", "JSON writes null"},
    {"NaN", "a number must be finite"},
    {"Infinity", "a number must be finite"},
    {"inf", "a number must be finite"},
    {".", "a number begins with a digit, such as 0.1"},
    {"+", "a number begins with a digit or -"},
    {"0", "a number has no zeros in front"},
    {",", "here is a comma too many"},
};

/* How Jansson's messages begin, and what a reader of a network is told. */
static const struct Phrase {
  const char *found, *said;
} phrases[] = {
    {"'[' or '{' expected", "\"{\" is expected"},
    {"string or '}' expected", "a key in double quotes or \"}\" is expected"},
    {"':' expected", "\":\" is expected"},
    {"'}' expected", "\",\" or \"}\" is expected"},
    {"']' expected", "\",\" or \"]\" is expected"},
    {"unexpected token", "a value is expected"},
    {"invalid token", "this is not JSON"},
    {"invalid escape", "a string has no such escape"},
    {"invalid Unicode", "the escape is no character"},
    {"unexpected newline", "a string ends on its line; a line break in it is \\n"},
    {"control character", "a string has no control characters; a tab in it is \\t"},
    {"end of file expected", "the file goes on behind the network"},
};

static bool begins(const char *text, const char *with) {
  return strncmp(text, with, strlen(with)) == 0;
}

/* What would be right, or NULL. */
static const char *remedy_of(const char *message, const char *token) {
  for (size_t i = 0; i < COUNT(slips); i++)
    if (begins(token, slips[i].token)) return slips[i].remedy;
  bool closes = token[0] == '}' || token[0] == ']';
  if (closes && (begins(message, "unexpected token") || begins(message, "string or '}'")))
    return "the comma before it is one too many";
  if (!closes && (begins(message, "'}' expected") || begins(message, "']' expected")))
    return "a comma is missing before it";
  return NULL;
}

static const char *said_of(const char *message) {
  for (size_t i = 0; i < COUNT(phrases); i++)
    if (begins(message, phrases[i].found)) return phrases[i].said;
  return message;
}

/* The token that Jansson names at the end of its text: ... near 'TOKEN'. */
static const char *token_of(Arena *arena, const char *text) {
  const char *near = strstr(text, " near '"), *token = near ? near + strlen(" near '") : "";
  size_t length = strlen(token);
  return arena_copy(arena, token, length > 0 ? length - 1 : 0);
}

static const char *message_of(Arena *arena, const json_error_t *error, const char *token) {
  switch (json_error_code(error)) {
  case json_error_numeric_overflow: return "the number is too large";
  case json_error_stack_overflow: return "the nesting is too deep";
  case json_error_premature_end_of_input: return "the file ends too early";
  case json_error_duplicate_key: return arena_printf(arena, "the key %s is there twice", token);
  case json_error_null_character: return "a string has no character \\u0000";
  case json_error_null_byte_in_key: return "a key has no character \\u0000";
  case json_error_invalid_utf8: return "the file is not UTF-8";
  default: break;
  }
  const char *said = said_of(error->text), *remedy = remedy_of(error->text, token);
  Text text = {.arena = arena};
  text_add(&text, "%s", said);
  if (*token && path_ends(said, " expected"))
    text_add(&text, *token == '"' ? ", not %s" : ", not \"%s\"", token);
  if (remedy) text_add(&text, "; %s", remedy);
  return text.at;
}

/* How many characters of a number stand before `end`. */
static size_t digits_before(const Unit *u, size_t end) {
  size_t n = 0;
  while (n < end && strchr("+-.0123456789Ee", u->source.text[end - n - 1])) n++;
  return n;
}

static void report_syntax(Unit *u, const json_error_t *error) {
  const char *token = token_of(u->arena, error->text);
  size_t end = error->position > 0 ? (size_t)error->position : 0, length = strlen(token);
  if (end > u->source.size) end = u->source.size;
  if (length > end || memcmp(u->source.text + end - length, token, length) != 0) length = 0;
  if (json_error_code(error) == json_error_numeric_overflow) length = digits_before(u, end);
  if (length == 0) length = end > 0;
  diag_error_at(u, end - length, length, "%s", message_of(u->arena, error, token));
}

json_t *read_json(Unit *u) {
  json_error_t error;
  json_t *root = json_loadb(u->source.text, u->source.size, JSON_REJECT_DUPLICATES, &error);
  if (!root) report_syntax(u, &error);
  return root;
}
