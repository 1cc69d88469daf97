/* text.c - the text form of graphs: what is printed reads back and prints the same, for every model
 * with and without its training part; damaged texts end in a message. */
#include <dirent.h>

#include "graph.h"
#include "kernels.h"
#include "passes.h"

static char *print(const Graph *g) {
  Text text = {.arena = g->u->arena};
  graph_print(&text, g);
  return text.at;
}

static void expect_same(const char *what, const char *a, const char *b) {
  int line = 1;
  if (strcmp(a, b) == 0) return;
  for (; *a == *b; a++, b++) line += *a == '\n';
  fail_msg("%s: line %d differs:\n%.200s\nand\n%.200s", what, line, a, b);
}

static void round_trip(const char *file, bool training) {
  Captured *c = captured_new(NULL, NULL), *again = captured_new(NULL, NULL);
  Graph *g = read_network(c->u, file, &(ReadOptions){.training = training});
  if (!g) fail_msg("%s: %s", file, messages(c));
  if (training) pass_grad(g);
  graph_verify(g);
  const char *text = print(g);
  Graph *parsed = graph_parse(again->u, text);
  if (!parsed) fail_msg("%s: %s", file, messages(again));
  graph_verify(parsed);
  expect_same(file, text, print(parsed));
  captured_free(c);
  captured_free(again);
}

static void models_read_back(void **state) {
  (void)state;
  DIR *folder = opendir("models");
  int models = 0;
  assert_non_null(folder);
  for (const struct dirent *e; (e = readdir(folder));) {
    char file[512];
    if (!strstr(e->d_name, ".json")) continue;
    snprintf(file, sizeof file, "models/%s", e->d_name);
    round_trip(file, false);
    if (strstr(e->d_name, "lenet5.") || strstr(e->d_name, "resnet20")) round_trip(file, true);
    models++;
  }
  closedir(folder);
  assert_true(models > 30);
}

static const char example[] =
    "graph example\n"
    "%x = input x : f32[n,2,6,6] scale 0.5 mean 2 (1 2)(3 4)\n"
    "%w = param c1.weight : f32[4,2,3,3] weight init he fan 18 36 trainable decay lr_scale 0.5\n"
    "%b = param \"c1 bias\" : f32[4] bias init constant value 0.25 fan 0 0 trainable\n"
    "%s = state step : f32[]\n"
    "%one = constant() {value [](1)} : f32[]\n"
    "%y = conv(%x, %w) {filters 4 kernel [3,3] stride [1,1] pad [1,1]:[0,0] dilation [1,1]} : "
    "f32[n,4,5,5] # c1\n"
    "%bb = broadcast(%b) {axis [1] per_n [1,0,0,0] plus [0,4,5,5]} : f32[n,4,5,5] # c1\n"
    "%sum = add(%y, %bb) : f32[n,4,5,5] # c1\n"
    "%k = kernel(%sum) {\n"
    "  _: n<n c<4 | h<5 w<5\n"
    "    in0 = %sum[n, c, h, w + 1] fill 2.5\n"
    "    acc0 = sum f64 max(0, in0)*0.25 - in0/(h + 1)\n"
    "    %k[n, c] = exp(-acc0) } : f32[n,4] # mean\n"
    "%next = add(%s, %one) : f32[]\n"
    "entry forward want k = %k\n"
    "entry step update %s = %next\n";

static void hand_written(void **state) {
  (void)state;
  Captured *c = captured_new(NULL, NULL), *again = captured_new(NULL, NULL);
  Graph *g = graph_parse(c->u, example);
  if (!g) fail_msg("%s", messages(c));
  graph_verify(g);
  const char *text = print(g);
  assert_non_null(strstr(text, "  %8[n, c]"));
  Graph *parsed = graph_parse(again->u, text);
  if (!parsed) fail_msg("%s", messages(again));
  expect_same("example", text, print(parsed));
  captured_free(c);
  captured_free(again);
}

static void expect_message(const char *from, const char *to, const char *message) {
  char text[4096];
  const char *at = strstr(example, from);
  assert_non_null(at);
  snprintf(text, sizeof text, "%.*s%s%s", (int)(at - example), example, to, at + strlen(from));
  Captured *c = captured_new("example", text);
  assert_null(graph_parse(c->u, c->u->source.text));
  if (!strstr(messages(c), message)) fail_msg("%s: %s", to, messages(c));
  captured_free(c);
}

static void mistakes(void **state) {
  (void)state;
  expect_message("add(%y, %bb)", "add(%y, %bbb)", "there is no node %bbb above");
  expect_message("add(%y, %bb)", "add(%y)", "add has 2 arguments, not 1");
  expect_message("add(%y, %bb)", "add(%y, %x)", "one shape");
  expect_message("= conv(", "= depthwise(", "no node is called depthwise");
  expect_message("stride [1,1]", "stride [0,1]", "stride must be from 1");
  expect_message("stride [1,1]", "", "stride of conv is missing");
  expect_message("f32[n,4,5,5] # c1\n%bb", "f32[n,4,5,6] # c1\n%bb",
                 "the type of %y is f32[n,4,5,5]");
  expect_message("w + 1] fill 2.5", "w + 1]", "leaves its tensor");
  expect_message("w + 1] fill 2.5", "v + 1]", "no loop v");
  expect_message("exp(-acc0)", "exp(-acc1)", "acc1 is no input");
  expect_message("exp(-acc0)", "expo(-acc0)", "no function expo");
  expect_message("| h<5", "| n<5", "loop n is there twice");
  expect_message("entry step", "entry stop", "an entry is one of");
  expect_message("update %s", "update %y", "only a parameter or state");
  expect_message("c1.weight", "\"c1", "the string has no end");
  expect_message("f32[4,2,3,3]", "f32[4,2,3,99999999999]", "the number must be from");
  expect_message("f32[4,2,3,3]", "f32[4,2,3,3,1,1,1,1,1]", "at most 8 axes");
}

/* Bytes, words and lines changed, dropped and doubled: any result but a crash. */
static void damaged(void **state) {
  (void)state;
  static const char *const words[] = {
      "%x",          "[",  "]",    "(",      ")",    "{",           "}",   "-",  "n",
      "99999999999", "-1", "0",    "1e999",  "nan",  "/0",          "%0",  "*",  ":",
      "fill",        "|",  "skip", "kernel", "conv", "conv(%x,%w)", "[1]", "[]", "2147483647*h"};
  Random r = {7};
  for (int i = 0; i < 20000; i++) {
    char text[2 * sizeof example];
    memcpy(text, example, sizeof example);
    size_t n = sizeof example - 1;
    for (int edits = random_int(&r, 1, 3); edits > 0; edits--) {
      size_t at = random_bits(&r) % n, drop = (size_t)random_int(&r, 0, 6);
      const char *put = words[random_int(&r, 0, COUNT(words) - 1)];
      size_t length = random_int(&r, 0, 3) ? strlen(put) : 0;
      if (at + drop > n) drop = n - at;
      if (n - drop + length >= sizeof text - 1) continue;
      memmove(text + at + length, text + at + drop, n - at - drop + 1);
      memcpy(text + at, put, length);
      n += length - drop;
    }
    Captured *c = captured_new("damaged", text);
    const Graph *g = graph_parse(c->u, c->u->source.text);
    if (g)
      graph_verify(g);
    else if (!strstr(messages(c), "error: "))
      fail_msg("no message for\n%s", text);
    captured_free(c);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hand_written),
      cmocka_unit_test(mistakes),
      cmocka_unit_test(damaged),
      cmocka_unit_test(models_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
