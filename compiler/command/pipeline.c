/* pipeline.c - from the command line to a Plan: a network is read, then the passes of passes.def
 * run in order. What a user may see after each (--dump) is printed here. */
#include "driver.h"
#include "passes/choose.h"
#include "machine_file.h"
#include "plan_file.h"

#include <string.h>

typedef enum When { WHEN_always, WHEN_inference, WHEN_training } When;

typedef struct Pass {
  const char *name;
  When when;
  Pass_graph *graph; /* by its kind: the one that is not NULL */
  Pass_lower *lower;
  Pass_plan *plan;
} Pass;

static const Pass passes[] = {
#define PASS(name, kind, when, doc) {#name, WHEN_##when, .kind = pass_##name},
#include "passes/passes.def"
#undef PASS
};

/* ---- --dump ---- */

typedef struct Dump {
  Unit *u;
  const Options *o;
  bool until_lowered;   /* stop there */
  const char *previous; /* text after the pass before, where some pass is to be dumped */
} Dump;

static bool asked_to_dump(const Options *o, const char *stage) {
  for (int i = 0; i < o->dump.n; i++)
    if (strcmp(o->dump.at[i], stage) == 0 || strcmp(o->dump.at[i], "all") == 0) return true;
  return false;
}

static void show(Dump *d, const char *stage, const char *text) {
  if (asked_to_dump(d->o, stage)) {
    bool same = d->previous && strcmp(d->previous, text) == 0;
    printf("---- %s%s\n%s", stage, same ? " (unchanged)" : "", same ? "" : text);
  }
  d->previous = text;
}

/* What there is between two passes: a graph until it is lowered, then a plan. */
typedef struct Program {
  Graph *graph;
  Plan *plan;
} Program;

static void after(Dump *d, const char *stage, const Program *program) {
  Text text = {.arena = d->u->arena};
  if (program->plan)
    plan_verify(program->plan);
  else
    graph_verify(program->graph);
  if (!d->o->dump.n) return;
  if (program->plan)
    plan_print(&text, program->plan);
  else
    graph_print(&text, program->graph);
  show(d, stage, text.at);
}

static void check_dump(Unit *u, const Options *o) {
  const char *stages[COUNT(passes) + 1] = {"read"};
  for (int i = 0; i < COUNT(passes); i++) stages[i + 1] = passes[i].name;
  for (int i = 0; i < o->dump.n; i++) {
    const char *name = o->dump.at[i];
    bool known = strcmp(name, "all") == 0;
    for (int k = 0; k < COUNT(stages); k++) known |= strcmp(stages[k], name) == 0;
    if (known) continue;
    const char *near = nearest(name, stages, COUNT(stages));
    usage_error(u, "--dump=%s: no such pass%s", name, did_you_mean(u->arena, near));
  }
}

/* ---- reading and the target ---- */

Graph *pipeline_read(Unit *u, const Options *o) {
  if (path_ends(o->network, ".onnx")) {
    diag_error_in(u, o->network,
                  "ONNX is not supported; write the layers in JSON (docs/network.md; `cnnc ops` "
                  "lists operators) and give their parameters as safetensors with --weights");
    return NULL;
  }
  ReadOptions options = {.training = o->train, .validation = o->command == COMMAND_train};
  for (int i = 0; i < o->outputs.n; i++) vec_push(u->arena, &options.outputs, o->outputs.at[i]);
  for (int i = 0; i < o->input_shape.n; i++)
    vec_push(u->arena, &options.input_shape, o->input_shape.at[i]);
  Graph *g = read_network(u, o->network, &options);
  for (int i = 0; g && i < g->input.n; i++) {
    Input *in = &g->input.at[i];
    in->gradient = o->input_grad && in->kind == INPUT_DATA && in->type.dtype == F32;
  }
  return g && o->dtype == DTYPE_F64 ? graph_in(g, F64) : g;
}

static Precision precision_of(const Options *o) {
  return o->dtype > DTYPE_F64 ? (Precision)(o->dtype - DTYPE_F64) : PRECISION_F32;
}

static void unknown_target(Unit *u, const char *name) {
  const char *names[64] = {"native"};
  int n = 1;
  for (int i = 0; targets[i] && n < COUNT(names); i++) names[n++] = targets[i]->name;
  const char *near = nearest(name, names, n);
  if (!*name)
    usage_error(u, "--target: there is nothing before or behind a comma");
  else if (near)
    usage_error(u, "unknown target \"%s\"; did you mean \"%s\"?", name, near);
  else
    usage_error(u, "unknown target \"%s\"; `cnnc targets` lists them", name);
}

/* The output is in another language, or the command builds in one. */
static void wrong_language(Unit *u, const Options *o, const Language *language, const Target *t) {
  if (o->command == COMMAND_compile)
    usage_error(u, "target %s is for %s, but the output is %s (%s)", t->name, t->language->title,
                language->title, language->suffix);
  else
    usage_error(u, "target %s is for %s; this command builds and runs libraries in %s", t->name,
                t->language->title, language->title);
}

const char *pipeline_machine_file(const Options *o) {
  return o->machine && strcmp(o->machine, "native") != 0 ? o->machine : NULL;
}

/* The target with the numbers that --machine asks for, without it those of this machine if the word
 * is `native`. NULL after a message. */
static const Target *with_machine(Unit *u, const Options *o, const Target *t, bool native) {
  const bool here = o->machine && !pipeline_machine_file(o);
  Machine m = t->machine;
  if (here && !target_runs(t)) {
    usage_error(u, "--machine native: this machine has no %s; give --machine a file", t->name);
    return NULL;
  }
  if (native || here) m = machine_here(t);
  if (pipeline_machine_file(o) && !machine_file_read(u, o->machine, t, &m)) return NULL;
  return target_on(u->arena, t, &m);
}

/* A word of --target. NULL after a message. */
static const Target *find_target(Unit *u, const Options *o, const Language *language,
                                 const char *name) {
  const bool native = strcmp(name, "native") == 0;
  const Target *t = native ? target_native() : target_find(name);
  if (!t)
    unknown_target(u, name);
  else if (language && t->language != language)
    wrong_language(u, o, language, t);
  else
    return with_machine(u, o, t, native);
  return NULL;
}

/* Have libraries in this language such numbers? */
static bool check_dtype(Unit *u, const Options *o, const Language *language) {
  if (o->dtype == DTYPE_F64 && !language->doubles)
    usage_error(u, "--dtype f64: this version has no f64 in %s", language->title);
  else if (precision_of(o) && !language->rounds)
    usage_error(u, "--dtype %s: libraries in %s compute in f32 or f64",
                precision_names[precision_of(o)], language->title);
  else
    return true;
  return false;
}

/* Why a target cannot follow those that were named before it, or NULL. */
static const char *refuses_target(Unit *u, const Targets *before, const Target *t) {
  for (int i = 0; i < before->n; i++) {
    const Target *other = before->at[i];
    if (strcmp(other->name, t->name) == 0)
      return arena_printf(u->arena, "%s is there twice", t->name);
    if (t->language->chooses && !other->cpu && !other->triple)
      return arena_printf(u->arena,
                          "%s comes after %s, which every processor has; the one that is wanted "
                          "most comes first",
                          t->name, other->name);
  }
  return NULL;
}

/* Of several targets the first one is planned for: the oldest, or one whose code has other ways for
 * those that lack what it has. */
static int place_of_target(const Target *t) {
  return t->machine.wgmma_flops > 0 ? 0 : t->capability;
}

static bool add_target(Unit *u, const Options *o, Targets *all, const Target *t) {
  const char *reason = refuses_target(u, all, t);
  if (reason) usage_error(u, "--target %s: %s", o->target, reason);
  if (reason) return false;
  vec_push(u->arena, all, t);
  for (int i = all->n - 1; i > 0; i--) {
    if (place_of_target(t) >= place_of_target(all->at[i - 1])) break;
    all->at[i] = all->at[i - 1];
    all->at[i - 1] = t;
  }
  return true;
}

Targets pipeline_targets(Unit *u, const Options *o, const Language *language) {
  const char *names = o->target ? o->target : language ? language->target : "native";
  Targets all = {0};
  bool fine = true;
  if (pipeline_machine_file(o) && strchr(names, ',')) {
    usage_error(u, "--machine: a machine file is for one target; give --target one of %s", names);
    return all;
  }
  for (const char *at = names;;) {
    const size_t length = strcspn(at, ",");
    const Target *t = find_target(u, o, language, arena_copy(u->arena, at, length));
    fine &= t && add_target(u, o, &all, t);
    if (!at[length]) break;
    at += length + 1;
  }
  for (int i = 0; i < all.n && fine; i++) fine = check_dtype(u, o, all.at[i]->language);
  if (fine && all.n > 1 && all.at[0]->boxes) all.at[0] = target_in_company(u->arena, all.at[0]);
  return fine ? all : (Targets){0};
}

/* What is built for another machine needs a compiler that has a name of its own. */
static bool check_compiler(Unit *u, const Options *o, const Target *t) {
  if (!target_is_foreign(t) || strcmp(o->cc, "cc") != 0) return true;
  usage_error(u,
              "target %s is another machine: --cc names a compiler for it, and --runner what "
              "starts its programs here",
              t->name);
  return false;
}

const Target *pipeline_target(Unit *u, const Options *o, const Language *language) {
  const Targets all = pipeline_targets(u, o, language);
  if (all.n == 0 || (all.n == 1 && language && !check_compiler(u, o, all.at[0]))) return NULL;
  if (all.n == 1) return all.at[0];
  usage_error(u, "--target %s: this command is for one target at a time", o->target);
  return NULL;
}

/* ---- the passes ---- */

static void apply(const Pass *pass, Program *program, const PlanOptions *options) {
  if (pass->graph) program->graph = pass->graph(program->graph);
  if (pass->lower) program->plan = pass->lower(program->graph, options);
  if (pass->plan) pass->plan(program->plan, options);
}

/* The names in --algo; once there is a plan, whether it has such contractions. */
static void check_algo(Unit *u, const Graph *g, const Plan *plan, const PlanOptions *options) {
  for (int i = 0; i < options->algo.n; i++) {
    const char *option = options->algo.at[i], *misnamed = choose_misnamed(u->arena, g, option);
    const char *wrong = !plan ? misnamed : misnamed ? NULL : choose_complaint(plan, option);
    if (wrong) usage_error(u, "--algo %s: %s", option, wrong);
  }
}

int64_t pipeline_batch(const Options *o) {
  return o->batch ? o->batch : o->train ? 32 : 1;
}

PlanHead pipeline_head(const Options *o, const Graph *g, const Target *target) {
  return (PlanHead){.network = g->name,
                    .target = target,
                    .dtype = g->real == F64 ? dtype_name(F64) : precision_names[precision_of(o)],
                    .batch = pipeline_batch(o),
                    .train = o->train};
}

bool pipeline_save_plan(Unit *u, const Options *o, const char *path, const Plan *plan) {
  Text text = {.arena = u->arena};
  const PlanHead head = pipeline_head(o, plan->graph, plan->target);
  plan_file_print(&text, &head, &plan->decision);
  return file_write(u, path, text.at, text.n);
}

/* Where something was wrong before, passes run until --algo can be looked at, and nothing is
 * shown. */
static bool run_passes(Dump *d, Program *program, PlanOptions *options, const PlanFile *asked) {
  const Options *o = d->o;
  const bool wrong = d->u->errors > 0;
  if (!wrong) after(d, "read", program);
  for (int i = 0; i < COUNT(passes); i++) {
    const Pass *pass = &passes[i];
    if (pass->when == (o->train ? WHEN_inference : WHEN_training)) {
      if (!wrong && asked_to_dump(o, pass->name))
        printf("---- %s (not in this mode)\n", pass->name);
      continue;
    }
    apply(pass, program, options);
    if (pass->lower && d->until_lowered) return !wrong;
    if (pass->lower) check_algo(d->u, program->plan->graph, program->plan, options);
    if (pass->plan == pass_choose && asked) plan_file_check(d->u, asked, program->plan);
    if (program->plan && d->u->errors) return false;
    if (!wrong) after(d, pass->name, program);
  }
  return true;
}

/* What `options` says already goes beyond the command line. Without a network or a target all is
 * looked at that does not depend on them. */
static Plan *plan_with(Unit *u, const Options *o, const Graph *read, const Target *target,
                       PlanOptions options, bool trial) {
  Dump d = {.u = u, .o = o};
  const bool lowers = read && target;
  const PlanHead head = lowers ? pipeline_head(o, read, target) : (PlanHead){0};
  PlanFile *asked = o->plan ? plan_file_read(u, o->plan, lowers ? &head : NULL) : NULL;
  const bool own_machine = lowers && asked && !o->machine;
  /* A plan holds for the machine that it was made for: so does what it leaves to be estimated. */
  options.target = own_machine ? target_on(u->arena, target, &asked->machine) : target;
  options.precision = precision_of(o);
  options.training = o->train;
  options.decision = asked ? &asked->decision : NULL;
  options.max_error = o->max_error;
  options.max_batch = head.batch;
  for (int i = 0; i < o->algo.n; i++) vec_push(u->arena, &options.algo, o->algo.at[i]);
  check_algo(u, read, NULL, &options);
  if (!lowers) return NULL;

  Program program = {.graph = graph_rewrite(read, NULL, NULL)};
  return run_passes(&d, &program, &options, trial ? NULL : asked) ? program.plan : NULL;
}

Plan *pipeline_trial(Unit *u, const Options *o, const Graph *read, const Target *target,
                     int64_t memory) {
  return plan_with(u, o, read, target, (PlanOptions){.memory = memory}, true);
}

static Plan *make_plan(Unit *u, const Options *o, const Graph *read, const Target *target,
                       bool baked, int64_t baked_before) {
  PlanOptions options = {.baked = baked, .baked_before = baked_before, .apart = o->selftest};
  check_dump(u, o);
  if (o->max_memory && (!o->train || (read && target))) memory_limit(u, o, target, &options.memory);
  Plan *plan = plan_with(u, o, read, target, options, false);
  if (!plan) return NULL;
  if (o->max_memory) memory_limit_note(u, plan);
  if (o->save_plan && !pipeline_save_plan(u, o, o->save_plan, plan)) return NULL;
  return plan;
}

Plan *pipeline_plan(Unit *u, const Options *o, const Graph *read, const Target *target,
                    bool baked) {
  return make_plan(u, o, read, target, baked, 0);
}

Plan *pipeline_plans(Unit *u, const Options *o, const Graph *read, const Targets *all, bool baked) {
  Plan *first = NULL, *last = NULL;
  if (all->n == 0) return make_plan(u, o, read, NULL, baked, 0);
  for (int i = 0; i < all->n; i++) {
    const int64_t before = baked && last ? last->param_bytes + last->derived_bytes : 0;
    if (all->n > 1 && o->dump.n) printf("==== target %s\n", all->at[i]->name);
    Plan *plan = make_plan(u, o, read, all->at[i], baked, before);
    if (!plan) return NULL;
    if (last) last->next = plan;
    if (!first) first = plan;
    last = plan;
  }
  return first;
}

Plan *pipeline_lowered(Unit *u, const Options *o, const Graph *read, const Target *target) {
  Dump d = {.u = u, .o = o, .until_lowered = true};
  PlanOptions options = {.target = target,
                         .training = o->train,
                         .max_error = o->max_error,
                         .max_batch = pipeline_batch(o)};
  Program program = {.graph = graph_rewrite(read, NULL, NULL)};
  return run_passes(&d, &program, &options, NULL) ? program.plan : NULL;
}

void pipeline_finish(Plan *plan, const PlanOptions *options) {
  for (int i = 0; i < COUNT(passes); i++) {
    if (!passes[i].plan || passes[i].when == WHEN_training) continue;
    passes[i].plan(plan, options);
    plan_verify(plan);
  }
}
