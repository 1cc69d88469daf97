/* generate.c - the functions that a Kernel becomes, and their launches. See generate.h.
 *
 * All outs with an element of their own per point are one function; outs that combine are another
 * one for each set of loops that they sum over. */
#include "library.h"
#include "writer.h"

#include <string.h>

/* ---- one function ---- */

static DType dtype_of(const Writer *w, const View *v) {
  return w->p->buffer.at[v->tensor].format.dtype;
}

static bool constant(const Writer *w, const View *v) {
  return w->p->buffer.at[v->tensor].home == HOME_CONST;
}

/* Constants are arrays of the file: the function names them itself. */
static void print_constants(Writer *w) {
  for (int i = 0; i < w->k->nin; i++)
    if (writer_reads(w, i) && constant(w, &w->k->in[i]))
      emit(w->e, "const %s *const in%d = %s;", c_type(dtype_of(w, &w->k->in[i])), i,
           cuda_constant(w->e, w->k->in[i].tensor));
}

static void add_argument(Text *list, const char *text) {
  text_add(list, "%s%s", list->n ? ", " : "", text);
}

static const char *parameters(Writer *w) {
  Arena *arena = w->e->arena;
  Text list = {.arena = arena};
  for (int i = 0; i < w->k->nin; i++)
    if (writer_reads(w, i) && !constant(w, &w->k->in[i]))
      add_argument(&list,
                   arena_printf(arena, "const %s *in%d", c_type(dtype_of(w, &w->k->in[i])), i));
  for (int o = 0; o < w->k->nout; o++)
    if (w->out[o])
      add_argument(&list,
                   arena_printf(arena, "%s *out%d", c_type(dtype_of(w, &w->k->out[o].to)), o));
  if (w->scalar) add_argument(&list, "const double *scalar");
  if (w->batch) add_argument(&list, arena_printf(arena, "%s batch", w->index));
  return list.at;
}

static int64_t last_element(const Writer *w, const View *v) {
  return buffer_layout(&w->p->buffer.at[v->tensor], w->p->max_batch).size - 1;
}

/* What is known about the parameters. */
static void add_facts(const Writer *w, const char *function) {
  for (int i = 0; i < w->k->nin; i++)
    if (writer_reads(w, i) && !constant(w, &w->k->in[i]))
      emit_fact(w->e, function, writer_in(w, i), 0, last_element(w, &w->k->in[i]));
  for (int o = 0; o < w->k->nout; o++)
    if (w->out[o])
      emit_fact(w->e, function, writer_out(w, o), 0, last_element(w, &w->k->out[o].to));
  if (w->scalar) emit_fact(w->e, function, "scalar", 0, SCALARS - 1);
  if (w->batch) emit_fact(w->e, function, "batch", 1, w->p->max_batch);
}

/* Functions are equal if their texts and the sizes of all buffers are. */
static const char *function_key(Writer *w, const char *body) {
  Text key = {.arena = w->e->arena};
  text_add(&key, "%s", parameters(w));
  for (int i = 0; i < w->k->nin; i++)
    text_add(&key, " %lld", (long long)last_element(w, &w->k->in[i]));
  for (int o = 0; o < w->k->nout; o++)
    text_add(&key, " %lld", (long long)last_element(w, &w->k->out[o].to));
  text_add(&key, "\n%s", body);
  return key.at;
}

static const char *arguments(Writer *w, bool batch) {
  Text list = {.arena = w->e->arena};
  for (int i = 0; i < w->k->nin; i++)
    if (writer_reads(w, i) && !constant(w, &w->k->in[i]))
      add_argument(&list, cuda_buffer(w->e, w->p, w->k->in[i].tensor));
  for (int o = 0; o < w->k->nout; o++)
    if (w->out[o]) add_argument(&list, cuda_buffer(w->e, w->p, w->k->out[o].to.tensor));
  if (w->scalar) add_argument(&list, "ctx->scalar");
  if (batch) add_argument(&list, "n");
  return list.at;
}

/* c1: f32[n,1,32,32], f32[6,1,5,5], f32[6] -> f32[n,6,28,28], 117600 multiply-adds per sample */
static void print_head_comment(Writer *w) {
  Text text = {.arena = w->e->arena};
  text_add(&text, "%s: ", kernel_title(w->k));
  for (int i = 0, first = 1; i < w->k->nin; i++) {
    if (!writer_reads(w, i)) continue;
    if (!first) text_add(&text, ", ");
    first = 0;
    type_print(&text, &w->p->buffer.at[w->k->in[i].tensor].type);
  }
  text_add(&text, " ->");
  for (int o = 0; o < w->k->nout; o++) {
    if (!w->out[o]) continue;
    text_add(&text, " ");
    type_print(&text, &w->p->buffer.at[w->k->out[o].to.tensor].type);
  }
  if (w->k->macs) text_add(&text, ", %lld multiply-adds", (long long)w->k->macs);
  emit_comment(w->e, "%s", text.at);
}

/* Prints the function unless an equal one stands there already; returns its name. */
static const char *print_function(Writer *w) {
  Emit *e = w->e;
  Text *file = e->out, body = {.arena = e->arena};
  e->out = &body;
  e->indent++;
  print_constants(w);
  writer_body(w);
  e->indent--;
  e->out = file;
  const char *key = function_key(w, body.at);
  const char *name = emitted_function(e, key);
  if (name) return name;
  name = emit_name(e, arena_printf(e->arena, "%s_%s_kernel", e->prefix, w->k->name));
  emitted_add(e, key, name);
  add_facts(w, name);
  print_head_comment(w);
  emit_wrapped(e, arena_printf(e->arena, "static __global__ void %s(%s) {", name, parameters(w)));
  emit_text(e, body.at);
  emit(e, "}");
  emit_line(e);
  return name;
}

static void print_launch(Writer *w, Emit *calls, const char *function) {
  const bool batch = w->batch;
  Arena *arena = w->e->arena;
  w->n = "n";
  emit_comment(calls, "%s", kernel_title(w->k));
  emit_wrapped(calls, arena_printf(arena, "if (CNNC_LAUNCH(%s, %s, stream, %s))", function,
                                   writer_points(w, 0, "LL"), arguments(w, batch)));
  emit(calls, "  return %s_E_DEVICE;", calls->prefix);
}

/* ---- which outs go together ---- */

/* Names of loops that mean something else in the text end in a line. */
static const char *loop_name(Arena *arena, const char *name) {
  static const char *const others[] = {"batch", "point", "points", "stride", "in",     "out", "x",
                                       "acc",   "first", "term",   "sum",    "inside", "t"};
  const size_t length = strcspn(name, "0123456789");
  bool taken = library_keyword(name);
  for (int i = 0; i < COUNT(others); i++)
    taken |= strlen(others[i]) == length && strncmp(name, others[i], length) == 0;
  return taken ? arena_printf(arena, "%s_", name) : name;
}

/* Do subscripts and points fit an int, with a whole grid added? */
static bool small(const Plan *p, const Kernel *k) {
  const double most = INT32_MAX - (1 << 29);
  double points[2] = {1, 1}; /* free, reduced */
  bool fits = true;
  for (int l = 0; l < k->nloop; l++)
    points[k->loop[l].reduced] *= (double)extent_at(k->loop[l].extent, p->max_batch);
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = i < k->nin ? &k->in[i] : &k->out[i - k->nin].to;
    fits &= (double)buffer_layout(&p->buffer.at[v->tensor], p->max_batch).size < most;
    for (int a = 0; a < v->rank; a++) {
      Coord whole = v->at[a];
      int64_t lo, hi;
      whole.div = 1;
      whole.mod = 0;
      coord_range(k, &whole, p->max_batch, &lo, &hi);
      fits &= (double)-lo < most && (double)hi < most;
    }
  }
  return fits && points[0] < most && points[1] < most;
}

static void start(Writer *w, Emit *e, const Plan *p, const Kernel *k) {
  *w = (Writer){.e = e, .p = p, .k = k, .n = "batch"};
  w->math = k->math == F64 ? cuda_double() : scalar_float;
  w->index = small(p, k) ? "int" : "long long";
  for (int l = 0; l < k->nloop; l++) w->loop[l] = loop_name(e->arena, k->loop[l].name);
}

static void print_part(Writer *w, Emit *calls) {
  print_launch(w, calls, print_function(w));
}

static bool same_loops(const Kernel *k, const View *a, const View *b) {
  for (int l = 0; l < k->nloop; l++)
    if (view_uses(a, l) != view_uses(b, l)) return false;
  return true;
}

/* All outs that have an element of their own per point. */
static void print_plain_outs(Emit *e, Emit *calls, const Plan *p, const Kernel *k) {
  Writer w;
  bool any = false;
  start(&w, e, p, k);
  for (int l = 0; l < k->nloop; l++) w.thread[l] = !k->loop[l].reduced;
  for (int o = 0; o < k->nout; o++) any |= w.out[o] = !k->out[o].combine;
  if (any) print_part(&w, calls);
}

void cuda_kernel(Emit *functions, Emit *calls, const Plan *p, const Kernel *k) {
  bool done[MAX_OUT] = {false};
  print_plain_outs(functions, calls, p, k);
  for (int o = 0; o < k->nout; o++) {
    if (!k->out[o].combine || done[o]) continue;
    Writer w;
    start(&w, functions, p, k);
    w.combine = true;
    for (int l = 0; l < k->nloop; l++) w.thread[l] = view_uses(&k->out[o].to, l);
    for (int other = o; other < k->nout; other++)
      if (k->out[other].combine && same_loops(k, &k->out[o].to, &k->out[other].to))
        w.out[other] = done[other] = true;
    print_part(&w, calls);
  }
}
