/* function.c - see function.h. Equal functions stand in the file once: they are equal if their
 * texts and the sizes of all buffers are. */
#include "function.h"

#include <string.h>

bool function_takes(const Writer *w, int input) {
  return w->p->buffer.at[w->k->in[input].tensor].home != HOME_CONST;
}

static const char *type_of(const Writer *w, const View *v) {
  return c_type(w->p->buffer.at[v->tensor].format.dtype);
}

void function_constants(Writer *w, const bool *in) {
  for (int i = 0; i < w->k->nin; i++)
    if (in[i] && !function_takes(w, i))
      emit(w->e, "const %s *const in%d = %s;", type_of(w, &w->k->in[i]), i,
           cuda_constant(w->e, w->k->in[i].tensor));
}

static void add(Text *list, const char *text) {
  text_add(list, "%s%s", list->n ? ", " : "", text);
}

static const char *parameters(Writer *w, const Function *f) {
  Arena *arena = w->e->arena;
  const Kernel *k = w->k;
  Text list = {.arena = arena};
  for (int i = 0; i < k->nin; i++)
    if (f->map[i])
      add(&list, arena_printf(arena, "const __grid_constant__ CUtensorMap in%d", i));
    else if (f->in[i] && function_takes(w, i))
      add(&list, arena_printf(arena, "const %s *in%d", type_of(w, &k->in[i]), i));
  for (int o = 0; o < k->nout; o++)
    if (f->out[o]) add(&list, arena_printf(arena, "%s *out%d", type_of(w, &k->out[o].to), o));
  for (int i = 0; i < f->nnumbers; i++)
    add(&list, arena_printf(arena, "%s %s", w->index, f->number[i].name));
  if (f->more) add(&list, f->more);
  if (f->scalar) add(&list, "const double *scalar");
  if (f->batch) add(&list, arena_printf(arena, "%s batch", w->index));
  return list.n ? list.at : "void";
}

static int64_t last_element(const Writer *w, const View *v) {
  return buffer_layout(&w->p->buffer.at[v->tensor], w->p->max_batch).size - 1;
}

enum { COLUMNS = 100 };

/* What is known about the parameters. */
static void add_facts(const Writer *w, const Function *f, const char *name) {
  for (int i = 0; i < w->k->nin; i++)
    if (f->in[i] && !f->map[i] && function_takes(w, i))
      emit_fact(w->e, name, writer_in(w, i), 0, last_element(w, &w->k->in[i]));
  for (int o = 0; o < w->k->nout; o++)
    if (f->out[o]) emit_fact(w->e, name, writer_out(w, o), 0, last_element(w, &w->k->out[o].to));
  for (int i = 0; i < f->nnumbers; i++)
    emit_fact(w->e, name, f->number[i].name, 0, f->number[i].most);
  if (f->scalar) emit_fact(w->e, name, "scalar", 0, SCALARS - 1);
  if (f->batch) emit_fact(w->e, name, "batch", 1, w->p->max_batch);
}

static const char *key_of(Writer *w, const Function *f, const char *body) {
  Text key = {.arena = w->e->arena};
  text_add(&key, "%s %s", f->declares, parameters(w, f));
  for (int i = 0; i < f->nnumbers; i++) text_add(&key, " %lld", (long long)f->number[i].most);
  for (int i = 0; i < w->k->nin; i++)
    text_add(&key, " %lld", (long long)last_element(w, &w->k->in[i]));
  for (int o = 0; o < w->k->nout; o++)
    text_add(&key, " %lld", (long long)last_element(w, &w->k->out[o].to));
  text_add(&key, "\n%s", body);
  return key.at;
}

void function_begin(Writer *w, Body *body) {
  *body = (Body){.text = {.arena = w->e->arena}, .file = w->e->out};
  body->scalar = w->scalar;
  body->batch = w->batch;
  w->scalar = w->batch = false;
  w->e->out = &body->text;
  w->e->indent++;
  w->e->temporaries = 0;
}

static void end(Writer *w, Function *f, const Body *body) {
  f->scalar = w->scalar;
  f->batch = w->batch;
  w->scalar |= body->scalar;
  w->batch |= body->batch;
  w->e->out = body->file;
  w->e->indent--;
}

void function_print(Writer *w, Function *f, Body *body) {
  Emit *e = w->e;
  end(w, f, body);
  const char *key = key_of(w, f, body->text.at);
  f->printed = emitted_function(e, key);
  if (f->printed) return;
  const char *name = emit_name(e, arena_printf(e->arena, "%s_%s", e->prefix, f->name));
  f->printed = name;
  emitted_add(e, key, name);
  add_facts(w, f, name);
  if (f->comment) emit_comment(e, "%s", f->comment);
  const char *list = parameters(w, f);
  const bool wide = strlen(f->declares) + strlen(name) + strcspn(list, ",") > COLUMNS - 4;
  if (wide) emit(e, "%s", f->declares);
  const char *declares = wide ? "" : arena_printf(e->arena, "%s ", f->declares);
  emit_wrapped(e, arena_printf(e->arena, "%s%s(%s) {", declares, name, list));
  emit_text(e, body->text.at);
  emit(e, "}");
  emit_line(e);
}

/* What a call passes. */
static const char *arguments(Writer *w, const Function *f, const char *numbers, bool on_host) {
  const Kernel *k = w->k;
  Text list = {.arena = w->e->arena};
  for (int i = 0, map = f->maps; i < k->nin; i++)
    if (f->map[i])
      add(&list, arena_printf(w->e->arena, "cnnc_map(ctx->map[%d])", map++));
    else if (f->in[i] && function_takes(w, i))
      add(&list, on_host ? cuda_buffer(w->e, w->p, k->in[i].tensor) : writer_in(w, i));
  for (int o = 0; o < k->nout; o++)
    if (f->out[o])
      add(&list, on_host ? cuda_buffer(w->e, w->p, k->out[o].to.tensor) : writer_out(w, o));
  if (numbers) add(&list, numbers);
  if (f->scalar) add(&list, on_host ? "ctx->scalar" : "scalar");
  if (f->batch) add(&list, on_host ? "n" : "batch");
  w->scalar |= f->scalar; /* the caller mentions them */
  w->batch |= f->batch;
  return list.at;
}

const char *function_call(Writer *w, const Function *f, const char *numbers) {
  return arena_printf(w->e->arena, "%s(%s)", f->printed, arguments(w, f, numbers, false));
}

/* ---- kernels ---- */

void function_begin_kernel(Writer *w, Function *f, const char *bounds, const char *comment,
                           Body *body) {
  Arena *arena = w->e->arena;
  f->declares = bounds ? arena_printf(arena, "static __global__ void __launch_bounds__(%s)", bounds)
                       : "static __global__ void";
  f->name = arena_printf(arena, "%s_kernel", w->k->name);
  f->comment = comment;
  for (int i = 0; i < w->k->nin; i++) f->in[i] = writer_reads(w, i);
  memcpy(f->out, w->out, sizeof f->out);
  function_begin(w, body);
}

void function_end_kernel(Writer *w, Function *f, Body *body) {
  function_print(w, f, body);
  w->n = "n";
}

void function_launch(Writer *w, const Function *f, const char *start, const char *size,
                     Emit *calls) {
  emit_comment(calls, "%s", kernel_title(w->k));
  emit_wrapped(calls, arena_printf(w->e->arena, "if (%s(%s, %s, stream, %s))", start, f->printed,
                                   size, arguments(w, f, NULL, true)));
  emit(calls, "  return %s_E_DEVICE;", calls->prefix);
}

void function_begin_points(Writer *w, Function *f, const char *comment, Body *body) {
  function_begin_kernel(w, f, NULL, comment, body);
  function_constants(w, f->in);
}

void function_launch_points(Writer *w, Function *f, Body *body, const Kernel *points, Emit *calls) {
  function_end_kernel(w, f, body);
  w->k = points;
  function_launch(w, f, "CNNC_LAUNCH", writer_points(w, 0, "LL"), calls);
}

void function_begin_shared(Writer *w, Function *f, int threads, const char *comment, Body *body) {
  function_begin_kernel(w, f, arena_printf(w->e->arena, "%d", threads), comment, body);
  function_constants(w, f->in);
}

void function_launch_shared(Writer *w, Function *f, Body *body, const Kernel *points, int threads,
                            Emit *calls) {
  function_end_kernel(w, f, body);
  w->k = points;
  writer_take_loops(w, false);
  const char *size =
      arena_printf(w->e->arena, "(unsigned)(%s), %d", writer_points(w, 0, "LL"), threads);
  function_launch(w, f, "CNNC_START", size, calls);
}
