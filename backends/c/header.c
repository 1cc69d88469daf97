/* header.c - NAME.h: what a user of an emitted library sees, documented; shapes, units, ownership,
 * errors, in the order of use. What is the same for all networks are files of runtime/c. */
#include "file.h"
#include "generate.h"

#include <inttypes.h>

/* What whoever calls a library for several targets must know. */
static void add_targets(Text *out, const Library *l) {
  text_add(
      out,
      " *\n * The kernels are those of the first of these targets that the processor has:\n *");
  for (const Plan *plan = l->plans; plan; plan = plan->next)
    text_add(out, "%s %s", plan == l->plans ? "" : ",", plan->target->name);
  text_add(
      out,
      ". %s_info says which.\n * Sizes of memory, files and checkpoints serve all of them; what "
      "they compute is equal up to rounding.\n",
      l->o->prefix);
}

static void add_summary(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "/* %s.h - %s of the network \"%s\".\n *\n", l->name,
           library_trains(l) ? "training and inference" : "inference", l->plan->graph->name);
  library_tensors(out, l);
  text_add(out, " *\n *   %s net;\n *   %s_memory memory = {.hash = %s_HASH, ", p, p, p);
  if (library_takes_params(l))
    text_add(out, ".params = params, .params_bytes = %s_PARAMS_BYTES,\n *%*s", p, 8, "");
  text_add(out, ".work = work, .work_bytes = %s_%sWORK_BYTES(threads)", p,
           library_trains(l) ? "TRAIN_" : "");
  if (library_trains(l)) library_train_memory(out, l);
  text_add(out, "};\n");
  text_add(out, " *   int status = %s_init(&net, &memory, threads);\n", p);
  if (library_waits(l))
    text_add(out, " *   status = %s_load_file(&net, \"%s.safetensors\");\n", p, l->name);
  text_add(out, " *   status = %s_forward(&net, n%s);\n", p,
           l->plan->graph->input.n ? ", ..." : "");
  if (library_trains(l)) library_train_example(out, l, "");
  if (library_several(l)) add_targets(out, l);
  text_add(out,
           " *\n * All arrays are row-major. The caller owns all memory. Made by cnnc %s.\n */\n",
           CNNC_VERSION);
}

/* No more than a size_t can count the work of. */
static void add_threads(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  const int64_t room = UINT32_MAX - library_work(l);
  const int64_t most = l->worker_bytes ? room / l->worker_bytes : FACT_WORKERS;
  if (most < FACT_WORKERS)
    text_add(out,
             "#if SIZE_MAX > 0xffffffff\n#define %s_MAX_THREADS %d\n#else\n"
             "#define %s_MAX_THREADS %" PRId64 "\n#endif\n",
             p, FACT_WORKERS, p, most > 0 ? most : 0);
  else
    text_add(out, "#define %s_MAX_THREADS %d\n", p, FACT_WORKERS);
}

static void add_sizes(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "/* Largest n of a call; most threads of a context; alignment of memory in bytes. "
                "*/\n");
  text_add(out, "#define %s_MAX_BATCH %" PRId64 "\n", p, l->plan->max_batch);
  add_threads(out, l);
  text_add(out, "#define %s_ALIGN %d\n", p, BUFFER_ALIGN);
  if (l->o->weights_as != WEIGHTS_EMBED)
    text_add(
        out,
        "\n/* Sizes of memory in bytes. %s */\n#define %s_PARAMS_BYTES ((size_t)%" PRId64 ")\n",
        l->o->weights_as > WEIGHTS_EMBED ? "Parameters: the file of packed weights."
                                         : "Parameters: as loaded, and as the kernels want them; "
                                           "large ones are read faster from pages of 2 MiB.",
        p, l->params_bytes);
  else
    text_add(out, "\n/* Size of work memory in bytes; the parameters are part of the code. */\n");
  text_add(out,
           "#define %s_WORK_BYTES(threads) ((size_t)%" PRId64
           " + (size_t)(threads) * (size_t)%" PRId64 ")\n",
           p, l->work_bytes, l->worker_bytes);
  if (library_trains(l)) c_train_sizes(out, l);
  if (l->o->selftest)
    text_add(out, "#define %s_SELFTEST_BYTES ((size_t)%" PRId64 ")\n", p, c_selftest_bytes(l));
  library_size_check(out, l);
  library_count_and_hash(out, l);
}

/* Weights that the program defines. */
static void add_extern(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  if (l->o->weights_as == WEIGHTS_EXTERN)
    text_add(
        out,
        "\n/* The program defines this: where the bytes of %s.weights are, aligned to %s_ALIGN "
        "bytes. %s_init\n * refuses what does not belong to this source. */\n"
        "extern const unsigned char *const %s_weights;\n",
        l->name, p, p, p);
}

static void add_memory(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  library_text(out, l,
               "\n/* What NAME_init gets: memory of the caller, aligned to NAME_ALIGN bytes, which "
               "must live as long\n * as contexts use it. It need not be zeroed.");
  if (l->o->weights_as == WEIGHTS_LOADED) text_add(out, " Contexts may share params, not work.");
  if (l->o->weights_as == WEIGHTS_FILE)
    text_add(out, " params: the bytes of %s.weights, mapped or read;\n * contexts may share them.",
             l->name);
  if (l->o->weights_as == WEIGHTS_OBJECT)
    text_add(out,
             " The parameters are the object file of\n * %s_weights.S, to be linked with this.",
             l->name);
  text_add(out, " */\ntypedef struct %s_memory {\n  uint64_t hash; /* %s_HASH */\n", p, p);
  if (library_takes_params(l))
    text_add(out, "  %svoid *params;\n  size_t params_bytes; /* at least %s_PARAMS_BYTES */\n",
             l->o->weights_as == WEIGHTS_FILE ? "const " : "", p);
  text_add(out, "  void *work;\n  size_t work_bytes; /* at least %s_WORK_BYTES(threads) */\n", p);
  if (library_trains(l)) library_train_memory_members(out, l, "");
  text_add(out, "} %s_memory;\n", p);
}

static void add_context(Text *out, const Library *l) {
  text_add(out, "\n");
  library_template(out, l, "c/jobs.h");
  if (library_trains(l)) library_template(out, l, "c/bucket.h");
  library_text(
      out, l,
      "\ntypedef struct NAME {\n"
      "  /* The caller's loop over jobs and its first argument; NAME_init sets both to NULL: then "
      "OpenMP\n   * runs them if the library was compiled with it, otherwise one thread. May be "
      "set between calls. */\n  NAME_parallel_for *parallel;\n  void *user;\n");
  if (library_trains(l)) library_train_hook(out, l);
  if (l->o->profile)
    library_text(out, l, "  NAME_profile *profile; /* times, or NULL: see below */\n");
  text_add(out,
           "  /* private */\n  int threads;\n  %s *header, *params, *derived;\n"
           "  unsigned char *work;\n",
           library_params_type(l));
  if (library_trains(l)) c_train_members(out, l);
  text_add(out, "} %s;\n", l->o->prefix);
}

static void add_contexts(Text *out, const Library *l) {
  text_add(out, "\n");
  library_template(out, l, "c/api.h");
  add_extern(out, l);
  add_memory(out, l);
  if (l->o->profile) c_profile_declarations(out, l);
  add_context(out, l);
  library_text(
      out, l,
      "\n/* Makes a context for up to `threads` workers, 1 <= threads <= NAME_MAX_THREADS. Checks\n"
      " * everything it is given, the processor, and that header and source belong together. */\n"
      "int NAME_init(NAME *ctx, const NAME_memory *memory, int threads);\n\n");
  library_template(out, l, "c/about.h");
}

static void add_forward(Text *out, const Library *l) {
  library_text(
      out, l,
      "\n/* ---- inference ----\n * Computes n samples, 1 <= n <= NAME_MAX_BATCH. Inputs and "
      "outputs are listed above; they must not\n * overlap and need no more than the alignment of "
      "their elements. A sample's result depends neither\n * on n nor on the number of threads.");
  if (library_waits(l))
    library_text(
        out, l,
        library_trains(l)
            ? "\n * NAME_E_WEIGHTS before parameters were loaded. When a step, a checkpoint "
              "or NAME_set_param changed\n * them, they are prepared first: contexts that "
              "share them may run at the same time after one\n * call has returned."
            : "\n * NAME_E_WEIGHTS before parameters were loaded. After NAME_set_param they "
              "are prepared first:\n * contexts that share them may run at the same time "
              "after one call has returned.");
  text_add(out, " */\nint %s_forward(%s *ctx, int n%s);\n", l->o->prefix, l->o->prefix,
           library_arguments(l, true));
}

void c_header(Text *out, const Library *l) {
  add_summary(out, l);
  library_guard(out, l);
  add_sizes(out, l);
  text_add(out, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
  library_error_codes(out, l);
  add_contexts(out, l);
  if (l->o->weights_as == WEIGHTS_LOADED) {
    text_add(out, "\n");
    library_template(out, l, "c/params.h");
  }
  add_forward(out, l);
  if (library_trains(l)) {
    library_train_functions(out, l, "c/train.h");
    library_text(out, l,
                 "/* The learning rate of the next step, by the schedule. */\n"
                 "NAME_real NAME_lr(const NAME *ctx);\n");
  }
  if (l->o->profile) {
    text_add(out, "\n");
    library_template(out, l, "c/profile_functions.h");
  }
  if (l->o->selftest) library_template(out, l, "c/selftest.h");
  text_add(out, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}
