/* harness_program.c - see harness_program.h. */
#include "harness_program.h"

#include "library.h"

bool program_trains(const Plan *p) {
  return p->entry[PLAN_TRAIN_FORWARD].exists;
}

bool program_holds(const Plan *p, int param) {
  for (int b = 0; b < p->buffer.n; b++)
    if (p->buffer.at[b].home == HOME_PARAM && p->buffer.at[b].index == param) return true;
  return false;
}

bool program_sends(const Plan *p, int input) {
  return library_reads(p, input) || program_trains(p);
}

static const char *name_of(const Simulated *s) {
  return s->plan->graph->name;
}

static int outputs(const Simulated *s) {
  return s->plan->graph->entry[ENTRY_FORWARD].want.n;
}

/* ---- memory, parameters, tensors ---- */

static void add_memory(Text *d, const Simulated *s) {
  const char *p = name_of(s);
  text_add(d, "  %s_memory m = {};\n  m.hash = %s_HASH;\n", p, p);
  if (s->as != WEIGHTS_EMBED)
    text_add(d,
             "  m.params_bytes = %s_PARAMS_BYTES;\n"
             "  void *params = host(m.params_bytes);\n  m.params = params;\n",
             p);
  text_add(d,
           "  m.device_params_bytes = %s_DEVICE_PARAMS_BYTES;\n"
           "  m.device_params = device(m.device_params_bytes);\n"
           "  m.work_bytes = %s_%sWORK_BYTES;\n  m.work = device(m.work_bytes);\n",
           p, p, program_trains(s->plan) ? "TRAIN_" : "");
  if (program_trains(s->plan))
    text_add(d,
             "  m.grads = device(m.grads_bytes = %s_GRADS_BYTES);\n"
             "  m.state = device(m.state_bytes = %s_STATE_BYTES);\n",
             p, p);
}

/* Statements that bring the parameters to the device. */
static void add_params(Text *d, const Simulated *s) {
  const char *p = name_of(s);
  const Graph *g = s->plan->graph;
  if (s->as == WEIGHTS_FILE)
    text_add(d,
             "  FILE *f = fopen(\"%s.weights\", \"rb\");\n"
             "  if (!f || fread(params, 1, m.params_bytes, f) != m.params_bytes) return 106;\n"
             "  fclose(f);\n",
             simulated_path(s, p));
  text_add(d, "  %s net;\n  int status = %s_init(&net, &m);\n", p, p);
  if (s->as == WEIGHTS_LOADED) {
    text_add(d, "  if (!status) status = %s_init_params(&net, %d);\n", p, SIMULATED_SEED);
    for (int i = 0, held = 0; i < g->param.n; i++)
      if (program_holds(s->plan, i))
        text_add(d, "  if (!status) status = %s_set_param(&net, %d, from_file(%lld));\n", p, held++,
                 (long long)type_size(&g->param.at[i].type, 1) * 4);
  }
  text_add(d, "  if (!status) status = %s_upload(&net, NULL);\n", p);
}

/* The number of elements for n samples, as text. */
static const char *size_text(const Simulated *s, const Type *type) {
  const int64_t one = type_size(type, 1), each = type_size(type, 2) - one;
  return arena_printf(s->u->arena, "%lld + n * %lldLL", (long long)(one - each), (long long)each);
}

static void add_array(Text *d, const Simulated *s, const Type *type, const char *name, int i) {
  text_add(d, "  float *%s%d = (float *)device((%s) * sizeof(float));\n", name, i,
           size_text(s, type));
}

static void add_tensors(Text *d, const Simulated *s) {
  const Graph *g = s->plan->graph;
  for (int i = 0; i < g->input.n; i++)
    if (program_sends(s->plan, i))
      text_add(d, "  %s *in%d;\n  sent(&in%d, %s);\n", c_type(g->input.at[i].type.dtype), i, i,
               size_text(s, &g->input.at[i].type));
  for (int o = 0; o < outputs(s); o++) add_array(d, s, simulated_type(s, o), "out", o);
}

/* ---- calls ---- */

static void add_received(Text *d, const Simulated *s, const Type *type, const char *name, int i) {
  text_add(d, "  if (!status) received(%s%d, %s);\n", name, i, size_text(s, type));
}

static void add_inputs(Text *d, const Simulated *s, bool all) {
  for (int i = 0; i < s->plan->graph->input.n; i++)
    if (all || library_reads(s->plan, i)) text_add(d, ", in%d", i);
}

static void add_forward(Text *d, const Simulated *s) {
  text_add(d, "  if (!status) status = %s_forward(&net, n", name_of(s));
  add_inputs(d, s, false);
  for (int o = 0; o < outputs(s); o++) text_add(d, ", out%d", o);
  text_add(d, ", NULL);\n");
  for (int o = 0; o < outputs(s); o++) add_received(d, s, simulated_type(s, o), "out", o);
}

/* Of parameters that have one. */
static void add_gradients(Text *d, const Simulated *s) {
  const char *p = name_of(s);
  text_add(d,
           "  for (int i = 0; !status && i < %s_PARAM_COUNT; i++) {\n"
           "    float *values = (float *)host(%s_params[i].size * sizeof(float));\n"
           "    const int found = %s_get_grad(&net, i, values, NULL);\n"
           "    cudaDeviceSynchronize();\n"
           "    if (!found) to_file(values, %s_params[i].size);\n"
           "    if (found && found != %s_E_RANGE) status = found;\n"
           "    free(values);\n  }\n",
           p, p, p, p, p);
}

static void add_backward(Text *d, const Simulated *s) {
  const Graph *g = s->plan->graph;
  text_add(d, "  float *loss = (float *)device(sizeof(float));\n");
  for (int i = 0; i < g->input.n; i++)
    if (library_returns(s->plan, i)) add_array(d, s, &g->input.at[i].type, "grad", i);
  text_add(d, "  if (!status) status = %s_train_forward(&net, n", name_of(s));
  add_inputs(d, s, true);
  text_add(d, ", loss, NULL);\n  if (!status) status = %s_backward(&net, n, 0", name_of(s));
  for (int i = 0; i < g->input.n; i++)
    if (library_returns(s->plan, i)) text_add(d, ", grad%d", i);
  text_add(d, ", NULL);\n  if (!status) received(loss, 1);\n");
  add_gradients(d, s);
  for (int i = 0; i < g->input.n; i++)
    if (library_returns(s->plan, i)) add_received(d, s, &g->input.at[i].type, "grad", i);
}

void program_write(const Simulated *s, const char *path) {
  Text d = {.arena = s->u->arena};
  text_add(&d, "#include \"%s.h\"\n#include \"program.h\"\n", name_of(s));
  text_add(&d, "int main(int argc, char **argv) {\n"
               "  const int n = arguments(argc, argv);\n");
  add_memory(&d, s);
  add_params(&d, s);
  add_tensors(&d, s);
  add_forward(&d, s);
  if (program_trains(s->plan)) add_backward(&d, s);
  text_add(&d, "  fclose(out);\n  return status;\n}\n");
  assert_true(file_write(s->u, path, d.at, d.n));
}
