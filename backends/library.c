/* library.c - what emitted libraries of every language have in common. See library.h. */
#include "library.h"

#include <inttypes.h>
#include <string.h>

/* ---- forward ---- */

bool library_reads(const Plan *plan, int input) {
  return plan->graph->input.at[input].kind == INPUT_DATA;
}

bool library_takes_params(const Library *l) {
  return l->o->weights_as == WEIGHTS_LOADED || l->o->weights_as == WEIGHTS_FILE;
}

bool library_waits(const Library *l) {
  return l->o->weights_as == WEIGHTS_LOADED && l->param.n > 0;
}

static void add_argument(Text *text, bool types, const char *qualifier, DType dtype,
                         const char *name) {
  text_add(text, ", ");
  if (types) text_add(text, "%s%s *", qualifier, c_type(dtype));
  text_add(text, "%s", name);
}

const char *library_arguments(const Library *l, bool types) {
  const Plan *plan = l->plan;
  Text text = {.arena = l->arena};
  for (int i = 0; i < plan->graph->input.n; i++)
    if (library_reads(plan, i))
      add_argument(&text, types, "const ", plan->graph->input.at[i].type.dtype, l->input[i]);
  for (int i = 0; i < plan->graph->entry[ENTRY_FORWARD].want.n; i++)
    add_argument(&text, types, "", graph_output_type(plan->graph, i)->dtype, l->output[i]);
  return text.at;
}

/* ---- templates ---- */

/* A word of runtime/ that begins with NAME, and what stands for it. */
typedef struct Word {
  const char *word, *text;
} Word;

/* Of the text after NAME: the word that it goes on to, or NULL. */
static const Word *word_of(const Word *words, const char *rest) {
  for (; words->word; words++) {
    const size_t length = strlen(words->word);
    if (strncmp(rest, words->word, length) == 0 && !library_in_word(rest[length])) return words;
  }
  return NULL;
}

/* A word for further parameters follows a blank, which goes with it. */
static void expand(Text *out, const char *prefix, const Word *words, const char *text) {
  for (const char *from = text, *at = text;;) {
    at = strstr(at, "NAME");
    if (!at) {
      text_add(out, "%s", from);
      return;
    }
    const bool name =
        (at == text || !library_in_word(at[-1])) && (at[4] == '_' || !library_in_word(at[4]));
    const Word *word = name ? word_of(words, at + 4) : NULL;
    const bool joins = word && (!*word->text || *word->text == ',');
    text_append(out, from, (size_t)(at - from) - (joins ? 1 : 0));
    text_add(out, "%s", word ? word->text : name ? prefix : "NAME");
    from = at += 4 + (word ? strlen(word->word) : 0);
  }
}

const char *library_stream(const Library *l) {
  return l->plan->target->language->streams ? ", void *stream" : "";
}

static const char *template_of(const char *name) {
  const char *text = runtime_file(name);
  if (!text) BUG("no runtime file %s", name);
  return text;
}

void library_text(Text *out, const Library *l, const char *text) {
  const Word words[] = {
      {"_real", c_type(l->plan->graph->real)},
      {"_stream", library_stream(l)},
      {"_gradients", library_gradients(l, true)},
      {"_gradient_names", library_gradients(l, false)},
      {"_train_arguments", library_trains(l) ? library_train_arguments(l, true) : ""},
      {NULL, NULL}};
  expand(out, l->o->prefix, words, text);
}

void library_template(Text *out, const Library *l, const char *runtime_name) {
  library_text(out, l, template_of(runtime_name));
}

void library_program(Text *out, const char *prefix, const char *runtime_name) {
  const Word words[] = {{"_real", c_type(F32)}, {NULL, NULL}};
  expand(out, prefix, words, template_of(runtime_name));
}

const char *library_null_tests(const Library *l) {
  Text text = {.arena = l->arena};
  for (int i = 0; i < l->plan->graph->input.n; i++)
    if (library_reads(l->plan, i)) text_add(&text, " || !%s", l->input[i]);
  for (int i = 0; i < l->plan->graph->entry[ENTRY_FORWARD].want.n; i++)
    text_add(&text, " || !%s", l->output[i]);
  return text.n ? text.at : "";
}

/* ---- parts of the header ---- */

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
static void add_units(Text *out, const Library *l, const Input *in) {
  if (in->type.dtype != l->plan->graph->real) {
    text_add(out, ", as they are");
    return;
  }
  const bool scaled = in->scale != 1 && in->scale != 0;
  if (!scaled && in->nmean == 0) return;
  text_add(out, "; the caller prepares: %svalue", in->nmean ? "(" : "");
  if (scaled) text_add(out, " * %.9g", in->scale);
  if (in->nmean) text_add(out, " - mean) / std");
  for (int c = 0; c < in->nmean; c++)
    text_add(out, "%s%.9g", c == 0 ? ",\n *     mean " : " ", in->mean[c]);
  for (int c = 0; c < in->nmean; c++) text_add(out, "%s%.9g", c == 0 ? ", std " : " ", in->std[c]);
}

/* What train_forward reads and writes besides. */
static void add_training_tensors(Text *out, const Library *l) {
  const Graph *g = l->plan->graph;
  for (int i = 0; i < g->input.n; i++) {
    if (library_reads(l->plan, i)) continue;
    text_add(out, " * target %-8s ", l->input[i]);
    add_shape(out, &g->input.at[i].type);
    if (g->input.at[i].doc) text_add(out, ": %s", g->input.at[i].doc);
    text_add(out, "\n");
  }
  text_add(out, " * loss          %s", c_type(g->real));
  if (g->loss) text_add(out, ": ");
  for (const char *c = g->loss; c && *c; c++)
    text_add(out, "%c%s", *c, *c == '\n' ? " *     " : "");
  text_add(out, "\n");
}

void library_tensors(Text *out, const Library *l) {
  const Plan *plan = l->plan;
  for (int i = 0; i < plan->graph->input.n; i++)
    if (library_reads(plan, i)) {
      const Input *in = &plan->graph->input.at[i];
      text_add(out, " * in   %-10s ", l->input[i]);
      add_shape(out, &in->type);
      add_units(out, l, in);
      text_add(out, "\n");
    }
  for (int i = 0; i < plan->graph->entry[ENTRY_FORWARD].want.n; i++) {
    text_add(out, " * out  %-10s ", l->output[i]);
    add_shape(out, graph_output_type(plan->graph, i));
    text_add(out, "\n");
  }
  if (library_trains(l)) add_training_tensors(out, l);
}

void library_guard(Text *out, const Library *l) {
  char *guard = arena_printf(l->arena, "%s_H_%s", l->o->prefix, l->name);
  for (char *c = guard; *c; c++)
    if (!library_in_word(*c)) *c = '_';
  text_add(out, "#ifndef %s\n#define %s\n\n#include <stddef.h>\n#include <stdint.h>\n\n", guard,
           guard);
}

int64_t library_work(const Library *l) {
  return l->work_bytes + (library_trains(l) ? library_train_work(l->plan) : 0);
}

void library_size_check(Text *out, const Library *l) {
  const int64_t bytes[] = {l->stored_bytes + LIBRARY_HEADER, library_work(l) + l->worker_bytes,
                           library_trains(l) ? library_checkpoint_bytes(l->plan) : 0};
  int64_t most = 0;
  for (int i = 0; i < COUNT(bytes); i++)
    if (bytes[i] > most) most = bytes[i];
  if (most > UINT32_MAX)
    text_add(out,
             "\n#if SIZE_MAX < %" PRId64 "\n#error \"this library needs %" PRId64
             " bytes in one piece, more than a size_t here can say\"\n#endif\n",
             most, most);
}

static int longest_name(const Library *l) {
  size_t longest = 1;
  for (int i = 0; i < l->param.n; i++) {
    size_t length = strlen(l->plan->graph->param.at[l->param.at[i]].name) + 1;
    if (length > longest) longest = length;
  }
  return (int)longest;
}

void library_count_and_hash(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  if (l->o->weights_as == WEIGHTS_LOADED)
    text_add(out,
             "\n/* Parameters in %s_params; bytes of the longest name, its end included. "
             "*/\n#define %s_PARAM_COUNT %d\n"
             "#define %s_PARAM_NAME %d\n",
             p, p, l->param.n, p, longest_name(l));
  text_add(out,
           "\n/* Of everything that header, source and packed weights must agree on. */\n"
           "#define %s_HASH UINT64_C(0x%016" PRIx64 ")\n",
           p, l->hash);
}

const char *library_params_type(const Library *l) {
  return l->o->weights_as == WEIGHTS_LOADED ? "unsigned char" : "const unsigned char";
}

/* ---- files ---- */

static void add_hash_check(Text *out, const Library *l, const char *suffix) {
  text_add(out,
           "\n#if %s_HASH != 0x%016" PRIx64
           "\n#error \"%s.h and %s%s come from different runs of cnnc\"\n#endif\n",
           l->o->prefix, l->hash, l->name, l->name, suffix);
}

static uint64_t fnv1a(uint64_t hash, const Text *text) {
  for (size_t i = 0; i < text->n; i++)
    hash = (hash ^ (unsigned char)text->at[i]) * UINT64_C(0x100000001b3);
  return hash;
}

/* What NAME_info says where the kernels are this target's. */
static const char *info(const Library *l, const char *target) {
  Text graph = {.arena = l->arena};
  graph_print(&graph, l->plan->graph);
  return arena_printf(l->arena,
                      "\"cnnc %s, network %s (%016" PRIx64 "), target %s, plan %016" PRIx64 "\"",
                      CNNC_VERSION, l->plan->graph->name,
                      fnv1a(UINT64_C(0xcbf29ce484222325), &graph), target, l->hash);
}

static void add_info(Text *out, const Library *l) {
  text_add(out, "\nconst char *%s_info(void) {\n", l->o->prefix);
  if (library_several(l)) {
    text_add(out, "  switch (%s_cpu()) {\n", l->o->prefix);
    for (const Plan *p = l->plans; p; p = p->next)
      text_add(out, "  case %s: return %s;\n", library_target(l, p->target),
               info(l, p->target->name));
    text_add(out, "  default: return %s;\n  }\n}\n", info(l, "none"));
  } else
    text_add(out, "  return %s;\n}\n", info(l, l->plan->target->name));
}

static Text *add_file(Library *l, Emitted *emitted, const char *suffix) {
  EmittedFile file = {.name = arena_printf(l->arena, "%s%s", l->name, suffix),
                      .text = {.arena = l->arena}};
  vec_push(l->arena, &emitted->file, file);
  return &emitted->file.at[emitted->file.n - 1].text;
}

void library_files(Library *l, Emitted *emitted, const char *head, const Text *body,
                   LibraryHeader *header) {
  const char *suffix = l->plan->target->language->suffix;
  Text unhashed = {.arena = l->arena};
  header(&unhashed, l);
  l->hash = fnv1a(fnv1a(UINT64_C(0xcbf29ce484222325), body), &unhashed);
  emitted->prefix = l->o->prefix;
  emitted->selftest = l->o->selftest;
  Text *source = add_file(l, emitted, suffix);
  Emit e = emit_start(l->arena, source, l->o->prefix, NULL);
  emit_comment(&e, "%s", head);
  text_add(source, "#include \"%s.h\"\n", l->name);
  add_hash_check(source, l, suffix);
  text_append(source, body->at, body->n);
  add_info(source, l);
  header(add_file(l, emitted, ".h"), l);
  if (l->o->weights_as == WEIGHTS_EMBED) library_embedded(add_file(l, emitted, "_weights.h"), l);
  if (l->o->weights_as > WEIGHTS_EMBED) library_packed(add_file(l, emitted, ".weights"), l);
  if (l->o->weights_as == WEIGHTS_OBJECT) library_assembly(add_file(l, emitted, "_weights.S"), l);
  if (l->o->python) library_python(add_file(l, emitted, ".py"), l);
}
