/* main.c - cnnc: finds the command and runs it. */
#include "augment.h"
#include "driver.h"

static Status (*const commands[COMMANDS])(Unit *, const Options *) = {
#define COMMAND(name, operand, doc) command_##name,
#include "commands.def"
#undef COMMAND
};

static Status print_help(Unit *u, Command command) {
  Text text = {.arena = u->arena};
  options_help(&text, command);
  if (command == COMMAND_train) augment_help(&text);
  fputs(text.at, stdout);
  return STATUS_DONE;
}

static Status run(Unit *u, int argc, char **argv) {
  Options options;
  if (!options_parse(u, &options, argc, argv)) return STATUS_USAGE;
  if (options.version) {
    puts("cnnc " CNNC_VERSION);
    return STATUS_DONE;
  }
  if (options.help)
    return print_help(u, options.command == COMMAND_compile ? COMMANDS : options.command);
  Status status = commands[options.command](u, &options);
  bool usage = u->usage_errors > 0 && u->usage_errors == u->errors;
  if (status == STATUS_USAGE && u->errors > u->usage_errors) return STATUS_INPUT;
  return status == STATUS_INPUT && usage ? STATUS_USAGE : status;
}

int main(int argc, char **argv) {
  Unit *u = unit_new();
  Status status = run(u, argc, argv);
  if (fflush(stdout) != 0 || ferror(stdout)) {
    fputs("cnnc: error: cannot write to standard output\n", stderr);
    status = status ? status : STATUS_INPUT;
  }
  unit_free(u);
  return status;
}
