/* header.c - NAME.h of a CUDA library: like C's, but for memory and streams. It needs no header of
 * CUDA and serves C and C++. */
#include "file.h"

#include <inttypes.h>

static void add_summary(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "/* %s.h - %s of the network \"%s\" on a CUDA device.\n *\n", l->name,
           library_trains(l) ? "training and inference" : "inference", l->plan->graph->name);
  library_tensors(out, l);
  text_add(out, " *\n *   %s net;\n *   %s_memory memory = {.hash = %s_HASH,\n", p, p, p);
  if (l->o->weights_as != WEIGHTS_EMBED)
    text_add(out, " *       .params = params, .params_bytes = %s_PARAMS_BYTES,\n", p);
  text_add(out,
           " *       .device_params = weights, .device_params_bytes = %s_DEVICE_PARAMS_BYTES,\n"
           " *       .work = work, .work_bytes = %s_%sWORK_BYTES",
           p, p, library_trains(l) ? "TRAIN_" : "");
  if (library_trains(l)) library_train_memory(out, l);
  text_add(out, "};\n *   int status = %s_init(&net, &memory);\n", p);
  if (library_waits(l))
    text_add(out, " *   status = %s_load_file(&net, \"%s.safetensors\");\n", p, l->name);
  text_add(out,
           " *   status = %s_upload(&net, stream);\n"
           " *   status = %s_forward(&net, n, ..., stream);\n",
           p, p);
  if (library_trains(l)) library_train_example(out, l, ", stream");
  text_add(out,
           " *\n * Inputs and outputs are row-major arrays in device memory%s.\n"
           " * The caller owns all memory. Made by cnnc %s.\n */\n",
           l->o->weights_as == WEIGHTS_EMBED ? "" : ", params is host memory", CNNC_VERSION);
}

static void add_size(Text *out, const Library *l, const char *what, int64_t bytes,
                     const char *note) {
  text_add(out, "#define %s_%s ((size_t)%" PRId64 ") /* %s */\n", l->o->prefix, what, bytes, note);
}

static void add_sizes(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "/* Largest n of a call; alignment of memory in bytes. */\n");
  text_add(out, "#define %s_MAX_BATCH %" PRId64 "\n#define %s_ALIGN %d\n", p, l->plan->max_batch, p,
           BUFFER_ALIGN);
  text_add(out, "\n/* Sizes of memory in bytes. */\n");
  if (l->o->weights_as == WEIGHTS_LOADED)
    add_size(out, l, "PARAMS_BYTES", l->params_bytes, "host: parameters as loaded");
  if (l->o->weights_as == WEIGHTS_FILE)
    add_size(out, l, "PARAMS_BYTES", l->params_bytes, "host: the file of packed weights");
  const int64_t device = l->plan->param_bytes + l->plan->derived_bytes;
  add_size(out, l, "DEVICE_PARAMS_BYTES", device ? device : BUFFER_ALIGN,
           "device: parameters as the kernels want them");
  add_size(out, l, "WORK_BYTES", l->work_bytes, "device: activations");
  if (library_trains(l)) cuda_train_sizes(out, l);
  library_size_check(out, l);
  library_count_and_hash(out, l);
}

static void add_memory(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(
      out,
      "\n/* What %s_init gets: memory of the caller, aligned to %s_ALIGN bytes, which must live "
      "as long\n * as contexts use it. It need not be zeroed.",
      p, p);
  if (l->o->weights_as == WEIGHTS_FILE)
    text_add(out, " params: the bytes of %s.weights, mapped or read.", l->name);
  text_add(out, " */\ntypedef struct %s_memory {\n  uint64_t hash; /* %s_HASH */\n", p, p);
  if (l->o->weights_as != WEIGHTS_EMBED)
    text_add(
        out,
        "  %svoid *params; /* host */\n  size_t params_bytes; /* at least %s_PARAMS_BYTES */\n",
        l->o->weights_as == WEIGHTS_FILE ? "const " : "", p);
  text_add(out,
           "  void *device_params; /* device */\n"
           "  size_t device_params_bytes; /* at least %s_DEVICE_PARAMS_BYTES */\n"
           "  void *work; /* device */\n"
           "  size_t work_bytes; /* at least %s_WORK_BYTES */\n",
           p, p);
  if (library_trains(l)) library_train_memory_members(out, l, " /* device */");
  text_add(out, "} %s_memory;\n", p);
}

static void add_context(Text *out, const Library *l) {
  text_add(out, "\n");
  if (library_trains(l)) {
    library_template(out, l, "c/bucket.h");
    text_add(out, "\n");
  }
  text_add(out, "typedef struct %s {\n", l->o->prefix);
  if (library_trains(l)) {
    library_train_hook(out, l);
    text_add(out, "  void *user; /* its first argument */\n");
  }
  text_add(out,
           "  /* private */\n"
           "  %s *header, *params, *derived; /* host */\n"
           "  unsigned char *device_params, *work; /* device */\n  int uploaded;\n",
           library_params_type(l));
  if (cuda_maps(l->plan))
    text_add(out, "  uint64_t map[%d][16]; /* of tensors, for the device */\n", cuda_maps(l->plan));
  if (library_trains(l)) cuda_train_members(out, l);
  text_add(out, "} %s;\n", l->o->prefix);
}

static void add_functions(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  if (l->o->weights_as == WEIGHTS_LOADED) {
    text_add(out, "\n");
    library_template(out, l, "c/params.h");
  }
  text_add(out, "\n");
  library_template(out, l, "cuda/upload.h");
  text_add(out,
           "\n/* ---- inference ----\n * Computes n samples, 1 <= n <= %s_MAX_BATCH, of the arrays "
           "listed above, after what is in the\n * stream already. Inputs and outputs must not "
           "overlap and need no more than the alignment of their\n * elements. A sample's result "
           "does not depend on n. %s_E_WEIGHTS before %s_upload. */\n",
           p, p, p);
  text_add(out, "int %s_forward(%s *ctx, int n%s, void *stream);\n", p, p,
           library_arguments(l, true));
  if (library_trains(l)) library_train_functions(out, l, "cuda/train.h");
  text_add(out, "\n");
  library_template(out, l, "cuda/graph.h");
}

void cuda_header(Text *out, const Library *l) {
  add_summary(out, l);
  library_guard(out, l);
  add_sizes(out, l);
  text_add(out, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
  library_error_codes(out, l);
  text_add(out, "\n");
  library_template(out, l, "cuda/api.h");
  add_memory(out, l);
  add_context(out, l);
  library_text(out, l,
               "\n/* Makes a context. Checks everything it is given, and that header and source "
               "belong together. */\nint NAME_init(NAME *ctx, const NAME_memory *memory);\n\n");
  library_template(out, l, "c/about.h");
  add_functions(out, l);
  text_add(out, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}
