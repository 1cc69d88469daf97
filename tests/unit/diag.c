/* Messages: places found again in the text, columns, carets, notes inside blocks, JSON lines,
 * did-you-mean. */
#include "unit.h"

static const char network[] =
    "{\n"
    "  \"name\": \"t\",\n"
    "  \"layers\": [\n"
    "    { \"op\": \"conv\", \"kernel\": [3, [5, 7]] },\n"
    "    { \"n\\u0061me\": \"caf\\u00e9\", \"op\": \"cov\", \"x\": {} }, \"}{][\\\"\",\n"
    "    -1.5e3, true, []\n"
    "  ]\n"
    "}\n";

/* Builds a Path from words: a number is an index. */
static const Path *path_of(Arena *arena, const char *words) {
  const Path *path = NULL;
  char *word = strtok(arena_copy(arena, words, strlen(words)), " ");
  for (; word; word = strtok(NULL, " "))
    path = *word >= '0' && *word <= '9' ? path_index(arena, path, atoi(word))
                                        : path_key(arena, path, word);
  return path;
}

static void finds_values_and_names(void **state) {
  (void)state;
  static const struct {
    const char *path, *text;
    bool of_key;
  } cases[] = {
      {"name", "\"t\"", false},
      {"name", "\"name\"", true},
      {"layers 0 op", "\"conv\"", false},
      {"layers 0 kernel", "[3, [5, 7]]", false},
      {"layers 0 kernel 0", "3", false},
      {"layers 0 kernel 1", "[5, 7]", false},
      {"layers 0 kernel 1 1", "7", false},
      {"layers 1 name", "\"caf\\u00e9\"", false},
      {"layers 1 name", "\"n\\u0061me\"", true},
      {"layers 1 op", "\"cov\"", false},
      {"layers 1 x", "{}", false},
      {"layers 2", "\"}{][\\\"\"", false},
      {"layers 3", "-1.5e3", false},
      {"layers 4", "true", false},
      {"layers 5", "[]", false},
      {"layers 6", NULL, false},
      {"layers 5 0", NULL, false},
      {"layers 1 filters", NULL, false},
      {"layers x", NULL, false},
      {"name 0", NULL, false},
      {"nam", NULL, false},
      {"names", NULL, false},
  };
  Arena *arena = arena_new();
  Source source = {"t.json", network, sizeof network - 1};
  for (int i = 0; i < COUNT(cases); i++) {
    size_t at, length;
    bool found = locate(&source, path_of(arena, cases[i].path), cases[i].of_key, &at, &length);
    assert_int_equal(found, cases[i].text != NULL);
    if (!found) continue;
    assert_string_equal(arena_copy(arena, network + at, length), cases[i].text);
  }
  size_t at, length;
  assert_true(locate(&source, NULL, false, &at, &length));
  assert_int_equal(at, 0);
  assert_int_equal(length, sizeof network - 2);
  arena_free(arena);
}

static void survives_broken_text(void **state) {
  (void)state;
  Arena *arena = arena_new();
  const Path *paths[] = {path_of(arena, "layers 1 op"), path_of(arena, "layers 0 kernel 1 1"),
                         path_of(arena, "zzz"), NULL};
  for (size_t size = 0; size < sizeof network; size++)
    for (int flip = 0; flip < 4; flip++) {
      char *text = malloc(size ? size : 1), with[] = {0, '"', '\\', '{'};
      memcpy(text, network, size);
      if (flip && size) text[(size * 7) % size] = with[flip];
      if (flip && size > 3) text[size - 2] = with[flip];
      Source source = {"t.json", text, size};
      for (int i = 0; i < COUNT(paths); i++) {
        size_t at, length;
        if (!locate(&source, paths[i], false, &at, &length)) continue;
        assert_true(at <= size && length <= size - at);
      }
      free(text);
    }
  arena_free(arena);
}

static void deep_nesting(void **state) {
  (void)state;
  enum { DEPTH = 100000 };
  Arena *arena = arena_new();
  Text text = {.arena = arena};
  text_append(&text, "{\"a\": ", 6);
  for (int i = 0; i < DEPTH; i++) text_append(&text, "[", 1);
  for (int i = 0; i < DEPTH; i++) text_append(&text, "]", 1);
  text_append(&text, ", \"b\": 1}", 9);
  Source source = {"t.json", text.at, text.n};
  size_t at, length;
  assert_true(locate(&source, path_key(arena, NULL, "b"), false, &at, &length));
  assert_int_equal(at, text.n - 2);
  assert_int_equal(length, 1);
  arena_free(arena);
}

static void escaped_names(void **state) {
  (void)state;
  const char *text =
      "{\"\\ud83d\\ude00\": 1, \"\\u0000\": 2, \"a\\tb\\/\": 3, \"\\u20ac\": 4, \"\": 5}";
  static const struct {
    const char *key, value;
  } cases[] = {{"\xf0\x9f\x98\x80", '1'}, {"a\tb/", '3'}, {"\xe2\x82\xac", '4'}, {"", '5'}};
  Arena *arena = arena_new();
  Source source = {"t.json", text, strlen(text)};
  for (int i = 0; i < COUNT(cases); i++) {
    size_t at, length;
    assert_true(locate(&source, path_key(arena, NULL, cases[i].key), false, &at, &length));
    assert_int_equal(text[at], cases[i].value);
  }
  arena_free(arena);
}

static void prints_place_and_caret(void **state) {
  (void)state;
  Captured *c = captured_new("t.json", network);
  diag_error(c->u, path_of(c->u->arena, "layers 1 op"), "unknown operator \"%s\"", "cov");
  assert_string_equal(
      messages(c),
      "t.json:5:39: error: unknown operator \"cov\"\n"
      "    5 |     { \"n\\u0061me\": \"caf\\u00e9\", \"op\": \"cov\", \"x\": {} }, \"}{][\\\"\",\n"
      "      |                                       ^~~~~\n");
  assert_int_equal(c->u->errors, 1);
  captured_free(c);
}

static void points_at_what_exists(void **state) {
  (void)state;
  Captured *c = captured_new("t.json", network);
  Arena *arena = c->u->arena;
  diag_error(c->u, path_of(arena, "layers 0 filters"), "missing \"filters\"");
  diag_error_key(c->u, path_of(arena, "layers 0 kernel"), "unknown key");
  diag_warning(c->u, path_of(arena, "layers"), "many lines");
  diag_error(c->u, NULL, "the root");
  diag_error_in(c->u, "w.safetensors", "too short");
  diag_error_at(c->u, 1000000, 5, "unexpected end");
  assert_string_equal(messages(c), "t.json:4:5: error: missing \"filters\"\n"
                                   "    4 |     { \"op\": \"conv\", \"kernel\": [3, [5, 7]] },\n"
                                   "      |     ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n"
                                   "t.json:4:21: error: unknown key\n"
                                   "    4 |     { \"op\": \"conv\", \"kernel\": [3, [5, 7]] },\n"
                                   "      |                     ^~~~~~~~\n"
                                   "t.json:3:13: warning: many lines\n"
                                   "    3 |   \"layers\": [\n"
                                   "      |             ^\n"
                                   "t.json:1:1: error: the root\n"
                                   "    1 | {\n"
                                   "      | ^\n"
                                   "w.safetensors: error: too short\n"
                                   "t.json:9:1: error: unexpected end\n"
                                   "    9 | \n"
                                   "      | ^\n");
  assert_int_equal(c->u->errors, 5);
  assert_int_equal(c->u->warnings, 1);
  captured_free(c);
}

static void counts_characters_not_bytes(void **state) {
  (void)state;
  Captured *c = captured_new(
      "t.json",
      "{\r\n\t\"\xc3\xa9\xe2\x82\xac\": \"\xf0\x9f\x98\x80\x80\", \"b\": \"\x1b[1m\"}\r\n");
  diag_error(c->u, path_key(c->u->arena, NULL, "b"), "bad \x1b[31m %s", "\xff");
  assert_string_equal(messages(c),
                      "t.json:2:19: error: bad ?[31m ?\n"
                      "    2 |  \"\xc3\xa9\xe2\x82\xac\": \"\xf0\x9f\x98\x80?\", \"b\": \"?[1m\"}\n"
                      "      |                   ^~~~~~\n");
  captured_free(c);
}

static void cuts_long_lines(void **state) {
  (void)state;
  Arena *arena = arena_new();
  Text text = {.arena = arena};
  text_add(&text, "{");
  for (int i = 0; i < 1000; i++) text_add(&text, "\"k%03d\": %3d, ", i, i);
  text_add(&text, "\"z\": 0}");
  Captured *c = captured_new("t.json", text.at);
  diag_error(c->u, path_key(c->u->arena, NULL, "k500"), "too large");
  const char *printed = messages(c), *line = strchr(printed, '\n') + 1,
             *caret = strchr(line, '\n') + 1;
  assert_true(strchr(line, '\n') - line < 200);
  assert_memory_equal(line, "    1 | ...", 11);
  size_t column = (size_t)(strchr(caret, '^') - caret);
  assert_memory_equal(line + column, "500, ", 5);
  assert_memory_equal(caret + column, "^~~\n", 4);
  captured_free(c);
  arena_free(arena);
}

static void shows_where_a_block_is_used(void **state) {
  (void)state;
  const char *text = "{ \"blocks\": { \"b\": { \"layers\": [ 1 ] } },\n"
                     "  \"layers\": [ { \"block\": \"b\" } ] }\n";
  Captured *c = captured_new("t.json", text);
  Arena *arena = c->u->arena;
  Path block = *path_of(arena, "blocks b");
  block.used = path_of(arena, "layers 0");
  diag_error(c->u, path_index(arena, path_key(arena, &block, "layers"), 0), "not a layer");
  assert_string_equal(messages(c), "t.json:1:34: error: not a layer\n"
                                   "    1 | { \"blocks\": { \"b\": { \"layers\": [ 1 ] } },\n"
                                   "      |                                  ^\n"
                                   "t.json:2:15: note: used here\n"
                                   "    2 |   \"layers\": [ { \"block\": \"b\" } ] }\n"
                                   "      |               ^~~~~~~~~~~~~~~~\n");
  captured_free(c);
}

static void prints_json_lines(void **state) {
  (void)state;
  Captured *c = captured_new("a \"b\".json", network);
  c->u->json_diagnostics = true;
  diag_error(c->u, path_of(c->u->arena, "layers 1 op"), "unknown \"cov\"\n\x01\xff");
  diag_error_in(c->u, "w", "gone");
  assert_string_equal(
      messages(c),
      "{\"file\": \"a \\\"b\\\".json\", \"line\": 5, \"column\": 39, \"length\": 5, \"severity\": "
      "\"error\", \"message\": \"unknown \\\"cov\\\"\\u000a\\u0001\\ufffd\"}\n"
      "{\"file\": \"w\", \"line\": 0, \"column\": 0, \"length\": 0, \"severity\": \"error\", "
      "\"message\": \"gone\"}\n");
  captured_free(c);
}

static void stops_after_many(void **state) {
  (void)state;
  Captured *c = captured_new("t.json", network);
  for (int i = 0; i < 1000; i++) diag_error(c->u, NULL, "message %d.", i);
  assert_int_equal(c->u->errors, 1000);
  assert_non_null(strstr(messages(c), "message 99."));
  assert_null(strstr(messages(c), "message 100."));
  assert_non_null(strstr(messages(c), "too many"));
  captured_free(c);
}

static void suggests_the_nearest(void **state) {
  (void)state;
  static const char *const names[] = {"conv", "conv_transpose", "relu",
                                      "max",  "concat",         "batch_norm"};
  static const struct {
    const char *word, *expect;
  } cases[] = {{"cov", "conv"},
               {"Conv", "conv"},
               {"RELU", "relu"},
               {"conact", "concat"},
               {"batchnorm", "batch_norm"},
               {"xyz", NULL},
               {"", NULL},
               {"lstm", NULL}};
  for (int i = 0; i < COUNT(cases); i++) {
    const char *found = nearest(cases[i].word, names, COUNT(names));
    if (cases[i].expect)
      assert_string_equal(found, cases[i].expect);
    else
      assert_null(found);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_values_and_names),
      cmocka_unit_test(survives_broken_text),
      cmocka_unit_test(deep_nesting),
      cmocka_unit_test(escaped_names),
      cmocka_unit_test(prints_place_and_caret),
      cmocka_unit_test(points_at_what_exists),
      cmocka_unit_test(counts_characters_not_bytes),
      cmocka_unit_test(cuts_long_lines),
      cmocka_unit_test(shows_where_a_block_is_used),
      cmocka_unit_test(prints_json_lines),
      cmocka_unit_test(stops_after_many),
      cmocka_unit_test(suggests_the_nearest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
