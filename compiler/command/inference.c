/* inference.c - runs a network on samples. Built: the library is emitted into a temporary folder
 * and compiled together with runtime/program/program.c, which is fed by files, so that the result
 * can run anywhere (--runner). Interpreted: the Graph as it was read, in double. */
#include "inference.h"
#include "library.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_AT_ONCE = 16 };

int64_t inference_input_size(const Graph *g, int input) {
  return type_size(&g->input.at[input].type, 1);
}

int64_t inference_output_size(const Graph *g, int output) {
  return type_size(graph_output_type(g, output), 1);
}

Scaling inference_scaling(const Input *in) {
  int64_t channels = in->type.rank > 1 ? extent_at(in->type.dim[1], 1) : 1;
  int64_t inner = type_size(&in->type, 1) / channels;
  if (in->type.dtype == U8) return (Scaling){.scale = 1, .inner = inner};
  return (Scaling){
      .scale = in->scale, .mean = in->mean, .std = in->std, .nmean = in->nmean, .inner = inner};
}

/* From --weights or --seed, or made where they are needed: NULL, as after a message. */
static double **read_params(Inference *f) {
  const Options *o = f->o;
  if (o->weights && o->seeded)
    usage_error(f->u, "--weights and --seed: one of them decides about the parameters");
  else if (f->g && !o->weights && !o->seeded && f->g->param.n > 0)
    usage_error(f->u, "the network has parameters: give --weights FILE%s",
                o->command == COMMAND_run ? " or --seed N" : "");
  if (o->weights) return params_read(f->u, f->g, o->weights);
  return f->g && o->interpret ? params_seeded(f->g, (uint64_t)o->seed) : NULL;
}

static void check_options(Unit *u, const Options *o) {
  const struct {
    bool given;
    const char *option;
  } row[] = {
      {o->target != NULL, "target"},   {o->algo.n > 0, "algo"},     {o->plan != NULL, "plan"},
      {o->max_error > 0, "max-error"}, {o->threads > 0, "threads"}, {o->runner != NULL, "runner"},
  };
  for (int i = 0; i < COUNT(row) && o->interpret; i++)
    if (row[i].given)
      usage_error(u, "--%s says how to build and run; --interpret does neither", row[i].option);
}

Inference inference_new(Unit *u, const Options *o) {
  Inference f = {.u = u, .o = o, .repeat = 1};
  check_options(u, o);
  if (!o->interpret) f.target = pipeline_target(u, o, program_language());
  f.g = pipeline_read(u, o);
  f.param = read_params(&f);
  return f;
}

int64_t inference_class(const float *values, int64_t classes, int64_t stride) {
  int64_t best = 0;
  for (int64_t i = 1; i < classes; i++)
    if (values[i * stride] > values[best * stride]) best = i;
  return best;
}

/* ---- interpreted ---- */

typedef struct Leaves {
  double **param, **input; /* input: of the samples at hand */
} Leaves;

static const double *leaf_value(void *context, const Graph *g, Id leaf, int64_t n) {
  const Leaves *leaves = context;
  const Node *node = &g->node.at[leaf];
  int64_t index = ((const LeafAttr *)node->attr)->index;
  (void)n;
  return node->op == OP_param   ? leaves->param[index]
         : node->op == OP_input ? leaves->input[index]
                                : NULL;
}

static void interpret_one(Inference *f, const Leaves *leaves, int64_t sample) {
  const Graph *g = f->g;
  const Entry *entry = &g->entry[ENTRY_FORWARD];
  for (int i = 0; i < g->input.n; i++)
    for (int64_t k = 0; f->input[i] && k < inference_input_size(g, i); k++)
      leaves->input[i][k] = f->input[i][sample * inference_input_size(g, i) + k];
  Array *result = graph_run(g, entry->want.at, entry->want.n, 1, leaf_value, (void *)leaves);
  for (int i = 0; i < entry->want.n; i++)
    for (int64_t k = 0; k < inference_output_size(g, i); k++)
      f->output[i][sample * inference_output_size(g, i) + k] = (float)result[i].at[k];
}

static Status interpret(Inference *f) {
  Arena *arena = f->u->arena;
  Leaves leaves = {.param = f->param, .input = NEW_ARRAY(arena, double *, f->g->input.n + 1)};
  for (int i = 0; i < f->g->input.n; i++)
    leaves.input[i] = NEW_ARRAY(arena, double, inference_input_size(f->g, i));
  double begin = program_clock();
  for (int64_t s = 0; s < f->n; s++) {
    interpret_one(f, &leaves, s);
    if (f->progress && ((s + 1) % 16 == 0 || s + 1 == f->n))
      fprintf(stderr, "\r%" PRId64 " of %" PRId64 "%s", s + 1, f->n, s + 1 == f->n ? "\n" : "");
  }
  f->seconds = program_clock() - begin;
  return STATUS_DONE;
}

/* ---- built ---- */

/* What the program needs to know of the network: sizes, and the call of forward. */
static const char *program_text(const Inference *f) {
  Arena *arena = f->u->arena;
  const Graph *g = f->g;
  Text out = {.arena = arena}, in = {.arena = arena}, call = {.arena = arena},
       sizes = {.arena = arena};
  int inputs = 0, outputs = g->entry[ENTRY_FORWARD].want.n;
  for (int i = 0; i < g->input.n; i++) {
    if (!f->input[i]) continue;
    int64_t bytes = inference_input_size(g, i) * dtype_size(g->input.at[i].type.dtype);
    text_add(&in, "%" PRId64 ", ", bytes);
    text_add(&call, ", (const void *)in[%d]", inputs++);
  }
  for (int i = 0; i < outputs; i++) {
    text_add(&sizes, "%" PRId64 ", ",
             inference_output_size(g, i) * dtype_size(graph_output_type(g, i)->dtype));
    text_add(&call, ", (void *)out[%d]", i);
  }
  text_add(
      &out,
      "#define _XOPEN_SOURCE 700\n#include \"net.h\"\n#include <stdio.h>\n#include <stdlib.h>\n"
      "#include <string.h>\n#include <time.h>\n"
      "enum { net_INPUTS = %d, net_OUTPUTS = %d };\n"
      "static const size_t net_in_bytes[] = {%s0}, net_out_bytes[] = {%s0};\n"
      "static int net_call(net *ctx, int n, char **in, char **out) {\n  (void)in, (void)out;\n"
      "  return net_forward(ctx, n%s);\n}\n",
      inputs, outputs, in.n ? in.at : "", sizes.n ? sizes.at : "", call.n ? call.at : "");
  library_program(&out, "net", "program/host.c");
  library_program(&out, "net", "program/once.c");
  library_program(&out, "net", "program/program.c");
  return out.at;
}

static const char *path_in(Unit *u, const char *folder, const char *what, int i) {
  return arena_printf(u->arena, "%s/%s%d", folder, what, i);
}

/* An input as its dtype says. */
static bool write_input(const Inference *f, int i, const char *path) {
  const float *value = f->input[i];
  int64_t size = f->n * inference_input_size(f->g, i);
  DType dtype = f->g->input.at[i].type.dtype;
  double *wide = NEW_ARRAY(f->u->arena, double, dtype == F64 ? size : 1);
  unsigned char *bytes = NEW_ARRAY(f->u->arena, unsigned char, dtype == U8 ? size : 1);
  for (int64_t k = 0; k < size && dtype == F64; k++) wide[k] = (double)value[k];
  for (int64_t k = 0; k < size && dtype == U8; k++) bytes[k] = (unsigned char)value[k];
  const void *at = dtype == F64 ? (void *)wide : dtype == U8 ? (void *)bytes : value;
  return file_write(f->u, path, at, (size_t)(size * dtype_size(dtype)));
}

/* Results are floats here, whatever the library works in. */
static void narrow(float *to, const double *from, int64_t size) {
  for (int64_t i = 0; i < size; i++) to[i] = (float)from[i];
}

static bool read_results(Inference *f, const char *folder) {
  Unit *u = f->u;
  for (int i = 0; i < f->g->entry[ENTRY_FORWARD].want.n; i++) {
    size_t size;
    char *bytes = file_read(u, path_in(u, folder, "out", i), &size);
    int64_t values = f->n * inference_output_size(f->g, i);
    DType dtype = graph_output_type(f->g, i)->dtype;
    if (!bytes || size != (size_t)(values * dtype_size(dtype))) return false;
    f->output[i] = (float *)(void *)bytes;
    if (dtype != F64) continue;
    f->output[i] = NEW_ARRAY(u->arena, float, values);
    narrow(f->output[i], (const double *)(const void *)bytes, values);
  }
  size_t size;
  char *report = file_read(u, path_in(u, folder, "report", 0), &size), *end;
  if (!report) return false;
  f->seconds = strtod(report, &end);
  f->memory_kb = strtod(end, &end);
  f->library_bytes = strtoll(end, &end, 10);
  return true;
}

static Status start(Inference *f, const char *folder) {
  Unit *u = f->u;
  TextList argv = program_words(u, f->o, folder);
  const char *params =
      f->o->weights ? f->o->weights : arena_printf(u->arena, "seed:%" PRId64, f->o->seed);
  const char *const arguments[] = {params,
                                   arena_printf(u->arena, "%" PRId64, f->n),
                                   arena_printf(u->arena, "%d", f->repeat),
                                   arena_printf(u->arena, "%d", program_threads(f->o)),
                                   f->progress ? "1" : "0",
                                   path_in(u, folder, "report", 0)};
  for (int i = 0; i < COUNT(arguments); i++) vec_push(u->arena, &argv, arguments[i]);
  for (int i = 0; i < f->g->input.n; i++) {
    if (!f->input[i]) continue;
    if (!write_input(f, i, path_in(u, folder, "in", i))) return STATUS_INPUT;
    vec_push(u->arena, &argv, path_in(u, folder, "in", i));
  }
  for (int i = 0; i < f->g->entry[ENTRY_FORWARD].want.n; i++)
    vec_push(u->arena, &argv, path_in(u, folder, "out", i));
  vec_push(u->arena, &argv, NULL);
  int errors = u->errors, status = toolchain_run(u, argv.at, NULL);
  if (u->errors > errors) return STATUS_TOOL;
  if (status == 0) return read_results(f, folder) ? STATUS_DONE : STATUS_TOOL;
  usage_error(u, "the program built for %s %s%s", f->target->name, toolchain_ending(u, status),
              f->o->runner ? "" : "; --runner starts it through another command");
  return STATUS_TOOL;
}

static Status build_and_run(Inference *f) {
  Unit *u = f->u;
  Options options = *f->o;
  options.batch = !f->n ? 1 : f->n < MOST_AT_ONCE ? f->n : MOST_AT_ONCE;
  Plan *plan = pipeline_plan(u, &options, f->g, f->target, false);
  if (!plan) return STATUS_INPUT;
  const char *folder = toolchain_folder(u);
  if (!folder) return STATUS_TOOL;
  bool built = program_build(u, f->o, plan, folder, program_text(f));
  Status status = built ? start(f, folder) : STATUS_TOOL;
  toolchain_remove(u, folder);
  return status;
}

/* What a network reads as bytes, as bytes hold it: pictures that were scaled have fractions. */
static void round_bytes(Inference *f) {
  for (int i = 0; f->g && i < f->g->input.n; i++)
    for (int64_t k = 0; f->input[i] && k < f->n * inference_input_size(f->g, i); k++)
      if (f->g->input.at[i].type.dtype == U8)
        f->input[i][k] = fminf(fmaxf(roundf(f->input[i][k]), 0), 255);
}

Status inference_run(Inference *f) {
  if (f->u->errors && f->o->interpret) return STATUS_INPUT;
  if (!f->u->errors) round_bytes(f);
  int outputs = f->g ? f->g->entry[ENTRY_FORWARD].want.n : 0;
  f->output = NEW_ARRAY(f->u->arena, float *, outputs + 1);
  if (!f->o->interpret) return build_and_run(f);
  for (int i = 0; i < outputs; i++)
    f->output[i] = NEW_ARRAY(f->u->arena, float, f->n *inference_output_size(f->g, i));
  return interpret(f);
}
