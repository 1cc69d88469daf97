/* library_python.c - NAME.py: the library in Python, through ctypes and NumPy. Tables and sizes are
 * printed here; the code that reads them is runtime/python/. */
#include "library.h"

#include <inttypes.h>

static const char *numpy_name(DType dtype) {
  static const char *const names[] = {
      [F32] = "float32", [F64] = "float64", [U8] = "uint8", [I32] = "int32"};
  return names[dtype];
}

/* "(6, 1, 5, 5)": the extents from an axis on. */
static const char *shape_text(Arena *arena, const Type *type, int from) {
  Text text = {.arena = arena};
  text_add(&text, "(");
  for (int a = from; a < type->rank; a++)
    text_add(&text, "%s%" PRId64, a > from ? ", " : "", extent_at(type->dim[a], 1));
  text_add(&text, type->rank == from + 1 ? ",)" : ")");
  return text.at;
}

static void add_inputs(Text *out, const Library *l) {
  const Graph *g = l->plan->graph;
  text_add(
      out,
      "\n# Of each input its name, type, shape of a sample, and whether only training reads it.\n"
      "_INPUTS = [");
  for (int i = 0; i < g->input.n; i++)
    text_add(out, "%s(\"%s\", \"%s\", %s, %s)", i ? ", " : "", l->input[i],
             numpy_name(g->input.at[i].type.dtype), shape_text(l->arena, &g->input.at[i].type, 1),
             library_reads(l->plan, i) ? "False" : "True");
  text_add(out, "]\n_OUTPUTS = [");
  for (int i = 0; i < g->entry[ENTRY_FORWARD].want.n; i++) {
    const Type *type = graph_output_type(g, i);
    text_add(out, "%s(\"%s\", \"%s\", %s)", i ? ", " : "", l->output[i], numpy_name(type->dtype),
             shape_text(l->arena, type, 1));
  }
  text_add(out, "]\n");
  if (!library_trains(l)) return;
  text_add(out, "_RETURNED = [");
  for (int i = 0; i < g->input.n; i++)
    if (library_returns(l->plan, i)) text_add(out, "%d, ", i);
  text_add(out, "]  # inputs that backward returns the gradients by\n");
}

static void add_params(Text *out, const Library *l) {
  text_add(out, "_PARAMS = [");
  for (int i = 0; i < l->param.n; i++) {
    const Param *param = &l->plan->graph->param.at[l->param.at[i]];
    text_add(out, "%s\n    (\"%s\", %s)", i ? "," : "", param->name,
             shape_text(l->arena, &param->type, 0));
  }
  text_add(out, "]\n");
}

static void add_sizes(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  const char *const yes[] = {"False", "True"};
  text_add(out,
           "_LIBRARY = \"lib%s.so\"\n_HASH = 0x%016" PRIx64 "\n_ALIGN = %d\n_MAX_BATCH = %" PRId64
           "\n",
           l->name, l->hash, BUFFER_ALIGN, plan->max_batch);
  text_add(out, "_REAL, _C_REAL = \"%s\", ctypes.c_%s\n", numpy_name(plan->graph->real),
           c_type(plan->graph->real));
  text_add(out, "_WORK_BYTES = %" PRId64 ", %" PRId64 "  # and for each thread\n",
           l->work_bytes + (library_trains(l) ? library_train_work(plan) : 0), l->worker_bytes);
  text_add(out, "_TAKES_PARAMS = %s\n", yes[library_takes_params(l)]);
  if (library_takes_params(l)) text_add(out, "_PARAMS_BYTES = %" PRId64 "\n", l->params_bytes);
  if (l->o->weights_as == WEIGHTS_FILE)
    text_add(out, "_PACKED = \"%s.weights\"\n", l->name);
  else
    text_add(out, "_PACKED = None\n");
  text_add(out, "_TRAINS = %s\n", yes[library_trains(l)]);
  if (library_trains(l))
    text_add(out,
             "_GRADS_BYTES = %" PRId64 "\n_STATE_BYTES = %" PRId64 "\n_CHECKPOINT_BYTES = %" PRId64
             "\n",
             library_at_least(plan->grad_bytes), library_at_least(plan->state_bytes),
             library_checkpoint_bytes(plan));
}

void library_python(Text *out, const Library *l) {
  const char *name = l->name;
  text_add(out,
           "\"\"\"The network \"%s\" in Python: lib%s.so through ctypes and NumPy. Emitted by cnnc "
           "%s; belongs to "
           "whoever had it emitted.\n\n    import %s\n    net = %s.Network(threads=2%s)\n    y = "
           "net(x)  # arrays of "
           "any number of samples, row-major\n\"\"\"\n",
           l->plan->graph->name, name, CNNC_VERSION, name, name,
           l->o->weights_as == WEIGHTS_LOADED
               ? arena_printf(l->arena, ", weights=\"%s.safetensors\"", name)
               : "");
  text_add(out, "import ctypes\nimport os\n\nimport numpy as np\n\n"
                "_FOLDER = os.path.dirname(os.path.abspath(__file__))\n");
  add_sizes(out, l);
  add_inputs(out, l);
  if (l->o->weights_as == WEIGHTS_LOADED) add_params(out, l);
  text_add(out, "\n\n");
  library_template(out, l, "python/network.py");
  if (l->o->weights_as == WEIGHTS_LOADED) library_template(out, l, "python/params.py");
  if (library_trains(l)) library_template(out, l, "python/training.py");
}
