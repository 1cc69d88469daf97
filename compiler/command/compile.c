/* compile.c - the main command: read -> passes -> emit -> validate -> write -> build. All files of
 * a library appear, or none. */
#include "bench.h"
#include "library.h"
#include "validate.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

/* ---- names ---- */

static const char *last_part(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* What -o may end in: ".c or .cu". */
static const char *suffixes(Unit *u) {
  Text text = {.arena = u->arena};
  const Language *last = NULL;
  for (int i = 0; targets[i]; i++) {
    if (targets[i]->language != last)
      text_add(&text, "%s%s", last ? " or " : "", targets[i]->language->suffix);
    last = targets[i]->language;
  }
  return text.at;
}

/* The path of the library without suffix, and its language; NULL after a message. Without -o the
 * target decides about the language, and the network's file about the name. */
static const Language *output_name(Unit *u, const Options *o, const char **base) {
  const char *word = o->target ? arena_copy(u->arena, o->target, strcspn(o->target, ",")) : NULL;
  const Target *target = word ? target_find(word) : NULL;
  const char *path = o->output ? o->output : last_part(o->network);
  const char *name = last_part(path), *dot = strrchr(name, '.');
  const Language *language = dot ? language_of(dot) : NULL;
  if (!o->output) language = target ? target->language : target_native()->language;
  *base = arena_copy(u->arena, path, dot && dot > name ? (size_t)(dot - path) : strlen(path));
  if (strcmp(path, "-") == 0)
    usage_error(u, "-o -: a library is more than one file; -o names its source, such as net%s",
                target_native()->language->suffix);
  else if (!language || (o->output && *name == '.'))
    usage_error(u, "-o %s: the name of the output ends in %s", path, suffixes(u));
  else if (strpbrk(name, "\"\\\n"))
    usage_error(u, "-o %s: a name for #include has no quotes, backslashes or line breaks", path);
  else
    return language;
  return NULL;
}

/* The header of BASE.c must not give way to that of BASE.cu. False after a message. */
static bool check_header(Unit *u, const char *base, const Language *language) {
  const char *header = arena_printf(u->arena, "%s.h", base);
  for (int i = 0; targets[i] && access(header, F_OK) == 0; i++) {
    const char *other = arena_printf(u->arena, "%s%s", base, targets[i]->language->suffix);
    if (targets[i]->language == language || access(other, F_OK) != 0) continue;
    usage_error(u, "-o %s%s: %s belongs to %s; another name, such as %s_%s%s, keeps both", base,
                language->suffix, header, other, base, language->name, language->suffix);
    return false;
  }
  return true;
}

/* --prefix: an identifier that means nothing else. False after a message. */
static bool check_prefix(Unit *u, const char *prefix) {
  char *wish =
      arena_printf(u->arena, "%s%s", isdigit((unsigned char)*prefix) ? "net_" : "", prefix);
  for (char *c = wish; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
  if (strcmp(wish, prefix) != 0 || !*prefix)
    usage_error(u, "--prefix %s: an identifier is expected, such as %s", prefix,
                library_prefix(u->arena, *wish ? wish : "net"));
  else if (library_reserved(prefix))
    usage_error(u, "--prefix %s: the word has a meaning in C, C++ or emitted files; %s has none",
                prefix, library_prefix(u->arena, prefix));
  else
    return true;
  return false;
}

/* What decides about the content of the emitted files, as a command line. */
static const char *record(Unit *u, const Options *o, const Plan *plan, WeightsAs form) {
  static const char *const weights[] = {
      [WEIGHTS_LOADED] = "",
      [WEIGHTS_EMBED] = " --weights-as embed",
      [WEIGHTS_FILE] = " --weights-as file",
      [WEIGHTS_OBJECT] = " --weights-as object",
      [WEIGHTS_EXTERN] = " --weights-as extern",
  };
  Text names = {.arena = u->arena};
  for (; plan; plan = plan->next) text_add(&names, "%s%s", names.n ? "," : "", plan->target->name);
  return arena_printf(u->arena, "%s --target %s%s", options_record(u, o), names.at, weights[form]);
}

/* ---- emitting ---- */

enum { EMBED_BELOW = 1 << 20 }; /* bytes of baked weights that C arrays hold without being asked */

/* How that many bytes of weights are baked in. */
static WeightsAs weights_form(const Options *o, int64_t bytes) {
  static const WeightsAs form[] = {[WEIGHTS_AS_EMBED] = WEIGHTS_EMBED,
                                   [WEIGHTS_AS_OBJECT] = WEIGHTS_OBJECT,
                                   [WEIGHTS_AS_FILE] = WEIGHTS_FILE,
                                   [WEIGHTS_AS_EXTERN] = WEIGHTS_EXTERN};
  if (o->weights_as != WEIGHTS_AS_DEFAULT) return form[o->weights_as];
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
    options.weights_as = weights_form(o, options.derived_bytes);
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
  return arena_copy(u->arena, base, (size_t)(last_part(base) - base));
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
  const char *const read[] = {o->network, o->weights, o->plan};
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
static void print_choice_title(const Choice *c) {
  if (c->role != ROLE_FWD)
    printf("%s:%s\n", c->layer, role_names[c->role]);
  else if (c->entry != PLAN_FORWARD)
    printf("%s in %s\n", c->layer, plan_entry_names[c->entry]);
  else
    printf("%s\n", c->layer);
}

/* Why it is refused; of what was taken, what was measured. */
static const char *remark(Unit *u, const Plan *plan, const Choice *c) {
  const Decision *d = c->taken ? plan_decision(plan, c) : NULL;
  if (!d || d->seconds <= 0) return c->reason ? c->reason : "";
  return arena_printf(u->arena, "measured %s, error %.1e", time_text(u, d->seconds), d->error);
}

void compile_explain(Unit *u, const Plan *plan) {
  const Choice *last = NULL;
  for (int i = 0; i < plan->choice.n; i++) {
    const Choice *c = &plan->choice.at[i];
    if (!last || strcmp(last->layer, c->layer) != 0 || last->role != c->role ||
        last->entry != c->entry)
      print_choice_title(c);
    last = c;
    printf("  %c %-10s %10s  %s\n", c->taken ? '*' : ' ', c->algo,
           c->predicted < 0 ? "refused" : time_text(u, c->predicted), remark(u, plan, c));
  }
  memory_limit_explain(plan);
}

/* ---- the command ---- */

static Status emit_and_write(Unit *u, const Options *o, const Graph *g, const Targets *all,
                             const Plan *plan, const char *base) {
  double **param = NULL;
  const char *prefix = o->prefix ? o->prefix : library_prefix(u->arena, g->name);
  if (o->weights && !(param = params_read(u, g, o->weights))) return STATUS_INPUT;
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

/* What the language of the output has no code for, and options that need another one. */
static bool check_options(Unit *u, const Options *o, const Language *language) {
  const char *name = language->title;
  int errors = u->errors;
  if (o->prefix) check_prefix(u, o->prefix);
  if (o->input_grad && !o->train)
    usage_error(u, "--input-grad: what only infers has no gradients; --train emits them");
  if (o->selftest && !language->selftests)
    usage_error(u, "--selftest: this version has no self-test in %s", name);
  if (o->selftest && o->weights)
    usage_error(u,
                "--selftest: what is tested loads its parameters at run time; leave out --weights");
  if (o->train && o->weights)
    usage_error(u, "--weights bakes parameters in; what trains loads them at run time");
  if (o->weights_as && !o->weights)
    usage_error(u, "--weights-as says how --weights FILE is baked in; no file is given");
  else if (!language->weights[weights_form(o, 0)])
    usage_error(u, "--weights-as: libraries in %s take embed or file", name);
  if (o->python && language->streams)
    usage_error(u, "--python: libraries in %s take memory of the device, which NumPy has not",
                name);
  else if (o->python && o->weights_as == WEIGHTS_AS_EXTERN)
    usage_error(u, "--python: weights behind a pointer of the program's need a program in C");
  if (o->dtype == DTYPE_F64 && !language->doubles)
    usage_error(u, "--dtype f64: this version has no f64 in %s", name);
  if (o->tune && !language->times)
    usage_error(u, "--tune: kernels in %s cannot be measured by this version", name);
  if (!o->tune && (o->threads || o->runner || o->seconds > 0))
    usage_error(u, "--threads, --runner and --seconds say how --tune measures; it is not given");
  if (o->profile && !language->times)
    usage_error(u, "--profile: libraries in %s have no timers; the vendor's profiler times kernels",
                name);
  if (o->train && !language->trains)
    usage_error(u, "--train: this version has no training in %s", name);
  return u->errors == errors;
}

/* What speaks of one plan, where there are several. */
static bool check_several(Unit *u, const Options *o) {
  const struct {
    bool given;
    const char *option, *reason;
  } row[] = {
      {o->plan != NULL, "plan", "a plan file is for one target"},
      {o->save_plan != NULL, "save-plan", "a plan file is for one target"},
      {o->tune, "tune", "measuring is for one target, whose plan file it writes"},
      {o->report != NULL, "report", "the page shows the plan of one target"},
      {o->profile, "profile", "timers are named after the kernels of one target"},
      {o->selftest, "selftest", "what is tested are the kernels of one target"},
  };
  int errors = u->errors;
  for (int i = 0; i < COUNT(row); i++)
    if (row[i].given)
      usage_error(u, "--%s: %s; give --target one of %s", row[i].option, row[i].reason, o->target);
  return u->errors == errors;
}

/* The answers of --tune are kept beside the library unless --save-plan says where; what is emitted
 * is what that file says. */
static Status make_plan(Unit *u, const Options *o, const Graph *g, const Targets *all,
                        const char *base, Plan **plan) {
  const bool baked = o->weights != NULL;
  const Target *target = all->at[0];
  if (!o->tune) return (*plan = pipeline_plans(u, o, g, all, baked)) ? STATUS_DONE : STATUS_USAGE;
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

Status command_compile(Unit *u, const Options *o) {
  const char *base;
  const Language *language = output_name(u, o, &base);
  if (!language || !check_options(u, o, language)) return STATUS_USAGE;
  const Targets all = pipeline_targets(u, o, language);
  if (!all.n) return STATUS_USAGE;
  /* Code for a device runs on later ones as well: what is emitted is for the oldest. */
  const Targets chosen = {.at = all.at, .n = language->chooses ? all.n : 1};
  if (chosen.n > 1 && !check_several(u, o)) return STATUS_USAGE;
  Graph *g = pipeline_read(u, o);
  if (!g) return STATUS_INPUT;
  Plan *plan = NULL;
  const Status status = make_plan(u, o, g, &chosen, base, &plan);
  if (status) return status;
  for (const Plan *p = plan; p && o->explain; p = p->next) {
    if (plan->next) printf("==== target %s\n", p->target->name);
    compile_explain(u, p);
  }
  if ((o->dump.n || o->explain) && !o->output) return STATUS_DONE;
  if (!check_header(u, base, language)) return STATUS_USAGE;
  if (strstr(o->target ? o->target : language->target, "native"))
    usage_note(u, "target native is %s", target_native()->name);
  return emit_and_write(u, o, g, &all, plan, base);
}

Status command_check(Unit *u, const Options *o) {
  return pipeline_read(u, o) ? STATUS_DONE : STATUS_INPUT;
}
