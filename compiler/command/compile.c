/* compile.c - the main command: read -> passes -> emit -> validate -> write -> build. All files of
 * a library appear, or none. */
#include "compile.h"
#include "bench.h"
#include "machine_file.h"
#include "validate.h"

#include <string.h>

/* ---- emitting ---- */

/* Was a plan estimated with other numbers than those of its target's row? */
static bool has_own_machine(const Plan *plans) {
  for (; plans; plans = plans->next)
    if (!machine_same(&plans->target->machine, &target_find(plans->target->name)->machine))
      return true;
  return false;
}

/* What decides about the content of the emitted files, as a command line. */
static const char *record(Unit *u, const Options *o, const Plan *plans, WeightsAs form) {
  Text line = {.arena = u->arena};
  text_add(&line, "%s --target ", options_record(u, o));
  for (const Plan *p = plans; p; p = p->next)
    text_add(&line, "%s%s", p == plans ? "" : ",", p->target->name);
  if (o->machine) text_add(&line, " --machine %s", file_name(o->machine));
  if (!o->machine && has_own_machine(plans)) text_add(&line, " --machine native");
  if (form != WEIGHTS_LOADED) text_add(&line, " --weights-as %s", weights_as_names[form]);
  return line.at;
}

enum { EMBED_BELOW = 1 << 20 }; /* bytes of baked weights that C arrays hold without being asked */

WeightsAs compile_weights_form(const Options *o, int64_t bytes) {
  if (o->weights_as) return (WeightsAs)o->weights_as;
  return bytes < EMBED_BELOW ? WEIGHTS_EMBED : WEIGHTS_FILE;
}

/* The weights that the plans want, one behind the other. */
static void *bake(const Plan *plan, double *const *param, int64_t *bytes) {
  int64_t before = 0;
  char *all = NULL;
  for (; plan; plan = plan->next, before = *bytes) {
    char *own = plan_bake(plan, param, bytes);
    if (all) memcpy(own, all, (size_t)before);
    all = own;
  }
  return all;
}

void compile_emit(Unit *u, const Options *o, const Plan *plan, double *const *param,
                  const char *base, const char *prefix, Emitted *emitted) {
  EmitOptions options = {.base = base,
                         .prefix = prefix,
                         .openmp = o->parallel == PARALLEL_OPENMP,
                         .selftest = o->selftest,
                         .python = o->python,
                         .profile = o->profile};
  if (param) {
    options.derived = bake(plan, param, &options.derived_bytes);
    options.weights_as = compile_weights_form(o, options.derived_bytes);
  }
  options.command = record(u, o, plan, options.weights_as);
  plan->target->language->emit(plan, &options, emitted);
}

/* What libclang needs to read text for another machine. Where the headers of that machine's C
 * library are not installed, this machine's stand in: they declare the same. */
static const char *const foreign[] = {
#if defined(__x86_64__)
    "-idirafter", "/usr/include/x86_64-linux-gnu", "-D__x86_64__",
#elif defined(__aarch64__)
    "-idirafter", "/usr/include/aarch64-linux-gnu", "-D__aarch64__",
#endif
    NULL};

static int clang_arguments(Unit *u, const Target *target, const char *arguments[]) {
  int n = 0;
  if (!target_is_foreign(target)) return n;
  arguments[n++] = arena_printf(u->arena, "--target=%s", target->triple);
  for (int i = 0; foreign[i]; i++) arguments[n++] = foreign[i];
  return n;
}

/* What is known of the functions that the target's machine has. */
static int facts_of(Unit *u, const Target *target, const Emitted *emitted, const Fact **fact) {
  Fact *kept = NEW_ARRAY(u->arena, Fact, emitted->fact.n);
  int n = 0;
  for (int i = 0; i < emitted->fact.n; i++) {
    const Fact *f = &emitted->fact.at[i];
    if (!f->target || target_same_machine(f->target, target)) kept[n++] = *f;
  }
  *fact = kept;
  return n;
}

bool compile_validate(Unit *u, const Target *target, const Emitted *emitted) {
  OtherFile *other = NEW_ARRAY(u->arena, OtherFile, emitted->file.n);
  for (int i = 0; i < emitted->file.n; i++)
    other[i] = (OtherFile){emitted->file.at[i].name, emitted->file.at[i].text.at};
  const char *arguments[1 + COUNT(foreign)];
  const EmittedFile *source = &emitted->file.at[0];
  Validation v = {.file = source->name,
                  .text = source->text.at,
                  .size = source->text.n,
                  .other = other + 1,
                  .nother = emitted->file.n - 1,
                  .prefix = emitted->prefix,
                  .selftest = emitted->selftest,
                  .capability = target->capability,
                  .clang_arg = arguments,
                  .nclang_arg = clang_arguments(u, target, arguments)};
  v.nfact = facts_of(u, target, emitted, &v.fact);
  return validate(u, &v).problems == 0;
}

/* Has a plan before this one been looked at as this target's machine sees it? */
static bool is_covered(const Plan *plans, const Plan *p) {
  for (; plans != p; plans = plans->next)
    if (target_same_machine(plans->target, p->target)) return true;
  return false;
}

/* The source as the machine of each target sees it. */
static bool validate_all(Unit *u, const Plan *plans, const Emitted *emitted) {
  bool fine = true;
  for (const Plan *p = plans; p && fine; p = p->next)
    if (!is_covered(plans, p)) fine = compile_validate(u, p->target, emitted);
  return fine;
}

/* ---- writing ---- */

static const char *folder_of(Unit *u, const char *base) {
  return arena_copy(u->arena, base, (size_t)(file_name(base) - base));
}

bool compile_write(Unit *u, const Emitted *emitted, const char *folder) {
  FileBytes *files = NEW_ARRAY(u->arena, FileBytes, emitted->file.n);
  for (int i = 0; i < emitted->file.n; i++) {
    const EmittedFile *file = &emitted->file.at[i];
    const char *path = arena_printf(u->arena, "%s%s", folder, file->name);
    files[i] = (FileBytes){path, file->text.at, file->text.n};
  }
  return files_write(u, files, emitted->file.n);
}

/* A make rule: source and header need what was read. Blanks in names are escaped. */
static void add_make_name(Text *out, const char *name) {
  for (; *name; name++)
    text_add(out, *name == '$' ? "$%c" : *name == ' ' || *name == '#' ? "\\%c" : "%c", *name);
}

static bool write_make_rule(Unit *u, const Options *o, const char *base, const char *suffix) {
  const char *const read[] = {o->network, o->weights, o->plan, pipeline_machine_file(o)};
  Text text = {.arena = u->arena};
  add_make_name(&text, arena_printf(u->arena, "%s%s", base, suffix));
  text_add(&text, " ");
  add_make_name(&text, arena_printf(u->arena, "%s.h:", base));
  for (int i = 0; i < COUNT(read); i++) {
    if (read[i]) text_add(&text, " ");
    if (read[i]) add_make_name(&text, read[i]);
  }
  text_add(&text, "\n");
  return file_write(u, o->make_rule, text.at, text.n);
}

/* ---- --explain ---- */

static const char *time_text(Unit *u, double seconds) {
  return seconds < 1e-3 ? arena_printf(u->arena, "%.1f us", seconds * 1e6)
                        : arena_printf(u->arena, "%.2f ms", seconds * 1e3);
}

/* "conv1", in training "conv1 in train_forward", "conv1:dgrad". */
static void print_choice_title(Unit *u, const Choice *c) {
  printf("%s", role_kernel(u->arena, c->layer, c->role));
  if (c->role == ROLE_FWD && c->entry != PLAN_FORWARD) printf(" in %s", plan_entry_names[c->entry]);
  printf("\n");
}

/* Why it is refused; of what was taken, what was measured. */
static const char *remark(Unit *u, const Plan *plan, const Choice *c) {
  const Decision *d = c->taken ? plan_decision(plan, c) : NULL;
  if (!d || d->seconds <= 0) return c->reason ? c->reason : "";
  return arena_printf(u->arena, "measured %s, error %.1e", time_text(u, d->seconds), d->error);
}

void compile_explain(Unit *u, const Plan *plan) {
  const Choice *last = NULL;
  Text machine = {.arena = u->arena};
  machine_describe(&machine, &plan->target->machine);
  printf("estimates are of %s\n", machine.at);
  for (int i = 0; i < plan->choice.n; i++) {
    const Choice *c = &plan->choice.at[i];
    if (!last || strcmp(last->layer, c->layer) != 0 || last->role != c->role ||
        last->entry != c->entry)
      print_choice_title(u, c);
    last = c;
    printf("  %c %-13s %10s  %s\n", c->taken ? '*' : ' ', c->algo,
           c->predicted < 0 ? "refused" : time_text(u, c->predicted), remark(u, plan, c));
  }
  memory_limit_explain(plan);
}

/* ---- the command ---- */

/* The network's name, where nothing else has it. */
static const char *choose_prefix(Unit *u, const Options *o, const Graph *g) {
  if (o->prefix) return o->prefix;
  const char *prefix = library_prefix(u->arena, g->name);
  if (strcmp(prefix, g->name) != 0)
    usage_note(u,
               "the prefix is %s: %s has a meaning in C, C++ or emitted files; --prefix chooses "
               "another",
               prefix, g->name);
  return prefix;
}

static Status emit_and_write(Unit *u, const Options *o, const Graph *g, const Targets *all,
                             const Plan *plan, double *const *param, const char *base) {
  const char *prefix = choose_prefix(u, o, g);
  const char *suffix = plan->target->language->suffix;
  Emitted emitted = {0};
  compile_emit(u, o, plan, param, base, prefix, &emitted);
  if (!o->no_validate && !validate_all(u, plan, &emitted))
    BUG("%s%s is not fit to be written", base, suffix);
  if (!compile_write(u, &emitted, folder_of(u, base))) return STATUS_INPUT;
  if (o->report && !report_write(u, o, g, plan, param)) return STATUS_INPUT;
  if (o->make_rule && !write_make_rule(u, o, base, suffix)) return STATUS_INPUT;
  if (!o->build) return STATUS_DONE;
  return toolchain_library(u, o, base, all) ? STATUS_DONE : STATUS_TOOL;
}

/* The answers of --tune are kept beside the library unless --save-plan says where; what is emitted
 * is what that file says. */
static Status make_plan(Unit *u, const Options *o, const Graph *g, const Targets *all,
                        const char *base, Plan **plan) {
  const bool baked = o->weights != NULL;
  if (!o->tune || u->errors)
    return (*plan = pipeline_plans(u, o, g, all, baked)) ? STATUS_DONE : STATUS_USAGE;
  const Target *target = all->at[0];
  const char *path = o->save_plan ? o->save_plan : arena_printf(u->arena, "%s.plan.json", base);
  if (!file_writable(u, path)) return STATUS_INPUT;
  const Status status = tune_plan(u, o, g, target, plan);
  if (status) return status;
  if (!pipeline_save_plan(u, o, path, *plan)) return STATUS_INPUT;
  Options tuned = *o;
  tuned.plan = path;
  tuned.save_plan = NULL;
  return (*plan = pipeline_plan(u, &tuned, g, target, baked)) ? STATUS_DONE : STATUS_USAGE;
}

/* What would fail only when the library is written. */
static void check_writable(Unit *u, const Options *o, const char *base, const Language *language) {
  if (!compile_only_prints(o))
    file_writable(u, arena_printf(u->arena, "%s%s", base, language->suffix));
  if (o->save_plan) file_writable(u, o->save_plan);
  if (o->report) file_writable(u, o->report);
  if (o->make_rule) file_writable(u, o->make_rule);
}

Status command_compile(Unit *u, const Options *o) {
  const char *base;
  const Language *language = compile_output(u, o, &base);
  compile_check_options(u, o, language);
  if (language && !compile_only_prints(o)) compile_check_header(u, base, language);
  const Targets all = pipeline_targets(u, o, language);
  /* Code for a device runs on later ones as well: what is emitted is for the oldest. */
  const Targets chosen = {.at = all.at, .n = all.n && !all.at[0]->language->chooses ? 1 : all.n};
  if (chosen.n > 1) compile_check_several(u, o);
  Graph *g = pipeline_read(u, o);
  if (language) check_writable(u, o, base, language);
  double **param = o->weights ? params_read(u, g, o->weights) : NULL;
  Plan *plan = NULL;
  const Status status = make_plan(u, o, g, &chosen, base, &plan);
  if (status) return status;
  for (const Plan *p = plan; p && o->explain; p = p->next) {
    if (plan->next) printf("==== target %s\n", p->target->name);
    compile_explain(u, p);
  }
  if (compile_only_prints(o)) return STATUS_DONE;
  if (strstr(o->target ? o->target : language->target, "native"))
    usage_note(u, "target native is %s", target_native()->name);
  return emit_and_write(u, o, g, &all, plan, param, base);
}

Status command_check(Unit *u, const Options *o) {
  return pipeline_read(u, o) && !u->errors ? STATUS_DONE : STATUS_INPUT;
}
