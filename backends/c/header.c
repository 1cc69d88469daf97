/* header.c - NAME.h: what a user of an emitted library sees, documented; shapes, units, ownership,
 * errors. The parts that are the same for all networks are runtime/c/api.h and params.h. */
#include "file.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* ---- names of forward's parameters ---- */

static const char *const reserved[] = {
    "alignas", "alignof",   "and",    "asm",       "auto",     "bool",     "break",    "case",
    "catch",   "char",      "class",  "const",     "continue", "ctx",      "default",  "delete",
    "do",      "double",    "else",   "enum",      "explicit", "export",   "extern",   "false",
    "float",   "for",       "friend", "goto",      "if",       "inline",   "int",      "long",
    "main",    "mutable",   "n",      "namespace", "new",      "not",      "operator", "or",
    "private", "protected", "public", "register",  "restrict", "return",   "short",    "signed",
    "sizeof",  "static",    "struct", "switch",    "template", "this",     "throw",    "true",
    "try",     "typedef",   "typeid", "typename",  "union",    "unsigned", "using",    "virtual",
    "void",    "volatile",  "while",  "xor",       "linux",    "unix",     "status"};

static const char *identifier(Arena *arena, const char *name) {
  char *result = arena_printf(arena, "%s%s", isalpha((unsigned char)*name) ? "" : "_", name);
  for (char *c = result; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
  for (int i = 0; i < COUNT(reserved); i++)
    if (strcmp(reserved[i], result) == 0) return arena_printf(arena, "%s_", result);
  return result;
}

static const char *raw_name(const Plan *plan, Home home, int index) {
  return home == HOME_INPUT ? plan->graph->input.at[index].name
                            : plan->graph->entry[ENTRY_FORWARD].want_name.at[index];
}

const char *library_argument(Arena *arena, const Plan *plan, Home home, int index) {
  const char *name = identifier(arena, raw_name(plan, home, index));
  int inputs = plan->graph->input.n, all = inputs + plan->graph->entry[ENTRY_FORWARD].want.n;
  int self = home == HOME_INPUT ? index : inputs + index;
  for (int i = 0; i < all; i++) {
    const char *other =
        i < inputs ? raw_name(plan, HOME_INPUT, i) : raw_name(plan, HOME_OUTPUT, i - inputs);
    if (i != self && strcmp(name, identifier(arena, other)) == 0)
      return arena_printf(arena, "%s_%d", home == HOME_INPUT ? "in" : "out", index);
  }
  return name;
}

bool library_reads(const Plan *plan, int input) {
  return plan->graph->input.at[input].kind == INPUT_DATA;
}

static const Type *output_type(const Plan *plan, int i) {
  const Graph *g = plan->graph;
  return &g->node.at[g->entry[ENTRY_FORWARD].want.at[i]].type;
}

static const char *c_type(DType dtype) {
  return dtype == F32 ? "float" : dtype == F64 ? "double" : dtype == I32 ? "int" : "unsigned char";
}

const char *library_arguments(const Library *l) {
  const Plan *plan = l->plan;
  Text text = {.arena = l->arena};
  for (int i = 0; i < plan->graph->input.n; i++)
    if (library_reads(plan, i))
      text_add(&text, ", const %s *%s", c_type(plan->graph->input.at[i].type.dtype),
               library_argument(l->arena, plan, HOME_INPUT, i));
  for (int i = 0; i < plan->graph->entry[ENTRY_FORWARD].want.n; i++)
    text_add(&text, ", %s *%s", c_type(output_type(plan, i)->dtype),
             library_argument(l->arena, plan, HOME_OUTPUT, i));
  return text.at;
}

/* ---- templates ---- */

static bool in_word(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

void library_template(Text *out, const Library *l, const char *runtime_name) {
  const char *text = runtime_file(runtime_name);
  if (!text) BUG("no runtime file %s", runtime_name);
  for (const char *from = text, *at = text;;) {
    at = strstr(at, "NAME");
    if (!at) {
      text_add(out, "%s", from);
      return;
    }
    bool word = (at == text || !in_word(at[-1])) && (at[4] == '_' || !in_word(at[4]));
    text_append(out, from, (size_t)(at - from));
    text_add(out, "%s", word ? l->o->prefix : "NAME");
    from = at += 4;
  }
}

/* ---- the header ---- */

static void add_shape(Text *out, const Type *type) {
  text_add(out, "%s ", c_type(type->dtype));
  for (int a = 0; a < type->rank; a++) {
    Extent e = type->dim[a];
    if (e.per_n)
      text_add(out, "[n]");
    else
      text_add(out, "[%" PRId64 "]", e.plus);
  }
}

/* The samples of an input: what the network was made for, as train, eval and run prepare them. */
static void add_units(Text *out, const Input *in) {
  if (in->type.dtype != F32) {
    text_add(out, ", as they are");
    return;
  }
  if (in->scale != 1 && in->scale != 0) text_add(out, ", values times %.9g", in->scale);
  for (int c = 0; c < in->nmean; c++)
    text_add(out, "%s%.9g", c == 0 ? ", minus mean " : " ", in->mean[c]);
  for (int c = 0; c < in->nmean; c++)
    text_add(out, "%s%.9g", c == 0 ? ", divided by " : " ", in->std[c]);
}

static void add_summary(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  const char *p = l->o->prefix;
  bool loaded = l->o->weights_as == WEIGHTS_LOADED;
  text_add(out, "/* %s.h - inference of the network \"%s\".\n *\n", l->name, plan->graph->name);
  for (int i = 0; i < plan->graph->input.n; i++)
    if (library_reads(plan, i)) {
      const Input *in = &plan->graph->input.at[i];
      text_add(out, " * in   %-10s ", library_argument(l->arena, plan, HOME_INPUT, i));
      add_shape(out, &in->type);
      add_units(out, in);
      text_add(out, "\n");
    }
  for (int i = 0; i < plan->graph->entry[ENTRY_FORWARD].want.n; i++) {
    text_add(out, " * out  %-10s ", library_argument(l->arena, plan, HOME_OUTPUT, i));
    add_shape(out, output_type(plan, i));
    text_add(out, "\n");
  }
  text_add(out, " *\n *   %s net;\n *   %s_memory memory = {.hash = %s_HASH, ", p, p, p);
  if (l->o->weights_as != WEIGHTS_EMBED)
    text_add(out, ".params = params, .params_bytes = %s_PARAMS_BYTES,\n *%*s", p, 8, "");
  text_add(out, ".work = work, .work_bytes = %s_WORK_BYTES(threads)};\n", p);
  text_add(out, " *   int status = %s_init(&net, &memory, threads);\n", p);
  if (loaded) text_add(out, " *   status = %s_load_file(&net, \"%s.safetensors\");\n", p, l->name);
  text_add(out, " *   status = %s_forward(&net, n%s);\n", p,
           l->plan->graph->input.n ? ", ..." : "");
  text_add(out,
           " *\n * All arrays are row-major. The caller owns all memory. Made by cnnc %s.\n */\n",
           CNNC_VERSION);
}

static void add_sizes(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "/* Largest n of a call; alignment of memory in bytes. */\n");
  text_add(out, "#define %s_MAX_BATCH %" PRId64 "\n#define %s_ALIGN 64\n", p, l->plan->max_batch,
           p);
  if (l->o->weights_as != WEIGHTS_EMBED)
    text_add(
        out,
        "\n/* Sizes of memory in bytes. %s */\n#define %s_PARAMS_BYTES ((size_t)%" PRId64 ")\n",
        l->o->weights_as == WEIGHTS_FILE ? "Parameters: the file of packed weights."
                                         : "Parameters: as loaded, and as the kernels want them.",
        p, l->params_bytes);
  else
    text_add(out, "\n/* Size of work memory in bytes; the parameters are part of the code. */\n");
  text_add(out,
           "#define %s_WORK_BYTES(threads) ((size_t)%" PRId64
           " + (size_t)(threads) * (size_t)%" PRId64 ")\n",
           p, l->work_bytes, l->worker_bytes);
  if (l->o->weights_as == WEIGHTS_LOADED)
    text_add(out,
             "\n/* Number of parameters: elements of %s_params. */\n#define %s_PARAM_COUNT %d\n", p,
             p, l->param.n);
  text_add(out,
           "\n/* Of everything that header, source and packed weights must agree on. */\n"
           "#define %s_HASH UINT64_C(0x%016" PRIx64 ")\n",
           p, l->hash);
}

static void add_memory(Text *out, const Library *l) {
  bool loaded = l->o->weights_as == WEIGHTS_LOADED;
  text_add(out, "typedef %sunsigned char %s_params_memory; /* parameters, for the library's eyes */\n",
           loaded ? "" : "const ", l->o->prefix);
}

static void add_init(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out,
           "\n/* What NAME_init gets: memory of the caller, aligned to %s_ALIGN bytes, which must "
           "live as long\n * as contexts use it. It need not be zeroed.",
           p);
  if (l->o->weights_as == WEIGHTS_LOADED) text_add(out, " Contexts may share params, not work.");
  if (l->o->weights_as == WEIGHTS_FILE)
    text_add(out, " params: the bytes of %s.weights, mapped or read;\n * contexts may share them.",
             l->name);
  text_add(out, " */\ntypedef struct %s_memory {\n  uint64_t hash; /* %s_HASH */\n", p, p);
  if (l->o->weights_as != WEIGHTS_EMBED)
    text_add(out, "  %svoid *params;\n  size_t params_bytes; /* at least %s_PARAMS_BYTES */\n",
             l->o->weights_as == WEIGHTS_FILE ? "const " : "", p);
  text_add(out,
           "  void *work;\n  size_t work_bytes; /* at least %s_WORK_BYTES(threads) */\n} "
           "%s_memory;\n\n",
           p, p);
  text_add(out,
           "/* Makes a context for up to `threads` workers (>= 1). Checks everything it is given, "
           "the\n * processor, and that header and source belong together. */\n"
           "int %s_init(%s *ctx, const %s_memory *memory, int threads);\n",
           p, p, p);
}

void library_header(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  char *guard = arena_printf(l->arena, "%s_H_%s", p, l->name);
  for (char *c = guard; *c; c++) *c = in_word(*c) ? (char)toupper((unsigned char)*c) : '_';
  add_summary(out, l);
  text_add(out, "#ifndef %s\n#define %s\n\n#include <stddef.h>\n#include <stdint.h>\n\n", guard,
           guard);
  add_sizes(out, l);
  text_add(out, "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n");
  add_memory(out, l);
  text_add(out, "\n");
  library_template(out, l, "c/api.h");
  add_init(out, l);
  if (l->o->weights_as == WEIGHTS_LOADED) {
    text_add(out, "\n");
    library_template(out, l, "c/params.h");
  }
  text_add(
      out,
      "\n/* ---- inference ----\n * Computes n samples, 1 <= n <= %s_MAX_BATCH. Inputs and outputs "
      "are listed above; they must not\n * overlap and need no more than the alignment of their "
      "elements. A sample's result depends neither\n * on n nor on the number of threads. */\n"
      "int %s_forward(%s *ctx, int n%s);\n",
      p, p, p, library_arguments(l));
  text_add(out, "\n#ifdef __cplusplus\n}\n#endif\n#endif\n");
}
