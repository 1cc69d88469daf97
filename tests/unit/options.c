/* options.c - the command line: what is understood, and what each mistake is answered with. */
#include "unit.h"
#include "backend.h"
#include "options.h"

enum { MAX_WORDS = 16 };

/* Parses a line of words separated by blanks. */
static bool parse(Captured *c, Options *o, const char *line) {
  char *argv[MAX_WORDS], *text = arena_copy(c->u->arena, line, strlen(line));
  int argc = 0;
  for (char *word = strtok(text, " "); word && argc < MAX_WORDS; word = strtok(NULL, " "))
    argv[argc++] = word;
  return options_parse(c->u, o, argc, argv);
}

static void spellings_mean_the_same(void **state) {
  (void)state;
  static const char *const lines[] = {"cnnc net.json -o out.c --batch 4",
                                      "cnnc --batch=4 --output=out.c net.json",
                                      "cnnc compile -oout.c --batch 4 -- net.json"};
  for (int i = 0; i < COUNT(lines); i++) {
    Captured *c = captured_new("none", NULL);
    Options o;
    assert_true(parse(c, &o, lines[i]));
    assert_int_equal(o.command, COMMAND_compile);
    assert_string_equal(o.network, "net.json");
    assert_string_equal(o.output, "out.c");
    assert_int_equal(o.batch, 4);
    captured_free(c);
  }
}

static void lists_and_choices(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Options o;
  assert_true(parse(c, &o,
                    "cnnc a.json --outputs x,y --outputs z --algo *=direct --weights-as file"
                    " -MF a.d"));
  assert_int_equal(o.outputs.n, 3);
  assert_string_equal(o.outputs.at[2], "z");
  assert_string_equal(o.algo.at[0], "*=direct");
  assert_int_equal(o.weights_as, WEIGHTS_FILE);
  assert_string_equal(o.make_rule, "a.d");
  assert_true(parse(c, &o, "cnnc a.json -MFb.d"));
  assert_string_equal(o.make_rule, "b.d");
  assert_true(parse(c, &o, "cnnc run a.json --seed 0"));
  assert_int_equal(o.command, COMMAND_run);
  assert_true(o.seeded);
  assert_true(parse(c, &o, "cnnc ops"));
  captured_free(c);
}

static void record_leaves_folders_out(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Options o;
  assert_true(parse(c, &o, "cnnc -o /tmp/x.c dir/a.json --weights w --batch 3 --parallel none"));
  assert_string_equal(options_record(c->u, &o), "cnnc a.json --batch 3 --parallel none");
  captured_free(c);
}

static void mistakes_are_named(void **state) {
  (void)state;
  static const struct {
    const char *line, *message;
  } cases[] = {
      {"cnnc a.json --trian", "unknown option \"--trian\"; did you mean \"--train\"?"},
      {"cnnc a.json -x", "unknown option \"-x\"; `cnnc compile --help` lists them"},
      {"cnnc help", "help: `cnnc --help` prints the commands"},
      {"cnnc chekc a.json", "unknown command \"chekc\"; did you mean \"check\"?"},
      {"cnnc a.json --batch 0", "--batch 0: a whole number from 1 to 1048576 is expected"},
      {"cnnc a.json --batch 99999999999999999999", "a whole number from 1"},
      {"cnnc a.json --batch 3x", "--batch 3x: a whole number"},
      {"cnnc train a.json --validation 1", "--validation 1: a number between 0 and 1 is expected"},
      {"cnnc train a.json --monitor x", "--monitor x: this version knows accuracy, loss"},
      {"cnnc a.json --batch", "--batch needs a value: N"},
      {"cnnc a.json --build=yes", "--build takes no value"},
      {"cnnc a.json --dtype i8", "--dtype i8: this version knows f32"},
      {"cnnc a.json --weights-as heap",
       "--weights-as heap: this version knows embed, object, file, extern"},
      {"cnnc a.json b.json", "one network at a time: \"b.json\" after \"a.json\""},
      {"cnnc check a.json --cc gcc", "`cnnc check` has no option --cc"},
      {"cnnc ops a.json", "`cnnc ops` reads no file"},
      {"cnnc", "no network given"},
      {"cnnc a.json --outputs a,,b", "--outputs a,,b: there is nothing before a comma"},
      {"cnnc a.json --outputs a,", "--outputs a,: there is nothing behind a comma"},
      {"cnnc a.json --outputs=", "--outputs is empty; LAYER,... is expected"},
      {"cnnc a.json --diagnostics=json -x", "\"message\": \"unknown option \\\"-x"},
  };
  for (int i = 0; i < COUNT(cases); i++) {
    Captured *c = captured_new("none", NULL);
    Options o;
    assert_false(parse(c, &o, cases[i].line));
    if (!strstr(messages(c), cases[i].message))
      fail_msg("%s: \"%s\" is not in:\n%s", cases[i].line, cases[i].message, messages(c));
    captured_free(c);
  }
}

/* Of every command. */
static void help_fits_a_terminal(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  for (int command = 0; command <= COMMANDS; command++) {
    Text help = {.arena = c->u->arena};
    options_help(&help, (Command)command);
    for (char *line = strtok(help.at, "\n"); line; line = strtok(NULL, "\n"))
      if (strlen(line) > 80) fail_msg("more than 80 columns: %s", line);
  }
  captured_free(c);
}

static void help_lists_what_a_command_takes(void **state) {
  (void)state;
  Captured *c = captured_new("none", NULL);
  Text all = {.arena = c->u->arena}, eval = {.arena = c->u->arena};
  options_help(&all, COMMANDS);
  options_help(&eval, COMMAND_eval);
  assert_non_null(strstr(all.at, "-o, --output FILE"));
  assert_non_null(strstr(all.at, "  -MF FILE"));
  assert_null(strstr(all.at, "--csv"));
  assert_non_null(strstr(eval.at, "--predictions FILE"));
  assert_null(strstr(eval.at, "--build"));
  captured_free(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spellings_mean_the_same),         cmocka_unit_test(lists_and_choices),
      cmocka_unit_test(record_leaves_folders_out),       cmocka_unit_test(mistakes_are_named),
      cmocka_unit_test(help_lists_what_a_command_takes), cmocka_unit_test(help_fits_a_terminal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
