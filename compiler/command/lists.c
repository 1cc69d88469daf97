/* lists.c - the commands ops and targets:
 * what this build knows, out of the tables that drive it. */
#include "driver.h"
#include "describe.h"
#include "machine_file.h"

#include <string.h>

static void print_field(Arena *arena, const Field *f) {
  static const char *const kinds[] = {
      [FIELD_INT] = "integer",      [FIELD_REAL] = "number",
      [FIELD_BOOL] = "true|false",  [FIELD_ENUM] = "",
      [FIELD_INTS] = "integers",    [FIELD_PAD] = "number|valid|same|full|sides",
      [FIELD_SHAPE] = "shape",      [FIELD_BIAS] = "true|false|channel|position|none",
      [FIELD_TABLE] = "0/1 matrix", [FIELD_TENSOR] = "numbers"};
  printf("    %-18s ", f->name);
  for (int i = 0; f->kind == FIELD_ENUM && f->names[i]; i++)
    printf("%s%s", i ? "|" : "", f->names[i]);
  printf("%s", kinds[f->kind]);
  Text text = {.arena = arena}, otherwise = {.arena = arena};
  if (!f->required) describe_default(&otherwise, f);
  if (f->required) text_add(&text, ", required");
  if (otherwise.n) text_add(&text, ", default %s", otherwise.at);
  describe_range(&text, f);
  printf("%s%s%s\n", text.n ? text.at : "", f->doc ? "; " : "", f->doc ? f->doc : "");
}

Status command_ops(Unit *u, const Options *o) {
  Text text = {.arena = u->arena};
  if (o->markdown && o->schema) {
    usage_error(u, "--markdown and --schema are two documents: one at a time");
    return STATUS_USAGE;
  }
  if (o->markdown) describe_markdown(&text);
  if (o->schema) describe_schema(&text);
  if (text.at) {
    fputs(text.at, stdout);
    return STATUS_DONE;
  }
  for (int i = 0; i < OP_KINDS; i++) {
    const Op *op = ops[i];
    if (!op->in_json) continue;
    printf("%-16s %s\n", op->name, op->doc ? op->doc : "");
    for (int f = 0; f < op->nfield; f++) print_field(u->arena, &op->field[f]);
  }
  return STATUS_DONE;
}

Status command_targets(Unit *u, const Options *o) {
  (void)o;
  const Target *native = target_native();
  for (int i = 0; targets[i]; i++) {
    const Target *t = targets[i];
    printf("%-10s %-5s %s%s\n", t->name, t->language->name, t->doc,
           t == native                  ? " (native)"
           : t->runs && !target_runs(t) ? " (not this machine)"
                                        : "");
  }
  const Machine here = machine_here(native);
  Text text = {.arena = u->arena};
  machine_describe(&text, &here);
  printf("%-10s is %s on %s\n", "native", native->name, text.at);
  return STATUS_DONE;
}
