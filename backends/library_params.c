/* library_params.c - parameters, baked weights and constants of an emitted library. See library.h.
 * NAME.c itself never changes when only weights change:
 * they are in NAME_weights.h or NAME.weights. */
#include "library.h"
#include "narrow.h"

#include <inttypes.h>
#include <string.h>

/* ---- parameters ---- */

static void add_public_table(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out, "const %s_param %s_params[] = {\n", p, p);
  for (int i = 0; i < l->param.n; i++) {
    const Param *param = &l->plan->graph->param.at[l->param.at[i]];
    text_add(out, "    {\"%s\", %d, {", param->name, param->type.rank);
    for (int a = 0; a < param->type.rank; a++)
      text_add(out, "%s%" PRId64, a ? ", " : "", extent_at(param->type.dim[a], 1));
    text_add(out, "%s}, %" PRId64 "},\n", param->type.rank ? "" : "0", type_size(&param->type, 1));
  }
  text_add(out, "%s};\n\n", l->param.n ? "" : "    {\"\", 0, {0}, 0}\n");
}

static void add_private_table(Text *out, const Library *l) {
  text_add(
      out,
      "/* Where each begins, in values, and its initial values: center + bound * u, where u is "
      "in [-1, 1)\n * and comes from a stream of random numbers of its own. */\n"
      "static const struct {\n  size_t first;\n  uint64_t stream;\n  double center, bound;\n} "
      "%s_places[] = {\n",
      l->o->prefix);
  for (int i = 0; i < l->param.n; i++) {
    const Param *param = &l->plan->graph->param.at[l->param.at[i]];
    double center, bound;
    param_init(param, &center, &bound);
    text_add(out, "    {%" PRId64 ", 0x%016" PRIx64 ", %s, %s},\n",
             l->plan->buffer.at[l->buffer.at[i]].offset / dtype_size(l->plan->graph->real),
             param_stream(param), emit_number(l->arena, center, F64),
             emit_number(l->arena, bound, F64));
  }
  text_add(out, "%s};\n\n", l->param.n ? "" : "    {0, 0, 0, 0}\n");
}

/* Names that files give parameters: room for all of this network's, and for what stands there in
 * place of their last part: num_batches_tracked. */
enum { LONG_NAME = 256, MORE_OF_A_NAME = 32 };

static size_t room_for(size_t room, const char *name) {
  const size_t length = strlen(name) + MORE_OF_A_NAME;
  return length > room ? length : room;
}

/* Names of parameters that the network has and this library does not hold. */
static void add_unused_table(Text *out, const Library *l) {
  const Graph *g = l->plan->graph;
  Text names = {.arena = l->arena};
  const int n = g->dropped.n;
  size_t longest = LONG_NAME;
  for (int i = 0; i < g->param.n; i++) longest = room_for(longest, g->param.at[i].name);
  for (int i = 0; i < n; i++) {
    longest = room_for(longest, g->dropped.at[i]);
    text_add(&names, "%s\n    \"%s\"", i ? "," : "", g->dropped.at[i]);
  }
  text_add(
      out,
      "/* Parameters of layers that are left out here: files of the whole network hold them. */\n"
      "enum { %s_UNUSED_COUNT = %d };\nstatic const char *const %s_unused[] = {%s};\n"
      "enum { %s_NAME_ROOM = %d }; /* for any name that is looked at */\n\n",
      l->o->prefix, n, l->o->prefix, n ? names.at : "\"\"", l->o->prefix, (int)longest);
}

void library_param_tables(Text *out, const Library *l) {
  add_public_table(out, l);
  add_private_table(out, l);
  add_unused_table(out, l);
}

/* ---- constants ---- */

/* The physical elements of a buffer that holds `value`; what lies outside its box is the fill. */
static double *physical_values(Arena *arena, const Buffer *b, int64_t *size) {
  Layout layout = buffer_layout(b, 1);
  double *result = NEW_ARRAY(arena, double, layout.size);
  int64_t at[MAX_RANK] = {0}, n = type_size(&b->type, 1);
  for (int64_t i = 0; i < layout.size; i++) result[i] = b->format.fill;
  for (int64_t i = 0; i < n; i++) {
    int64_t place = layout.origin;
    for (int a = 0; a < b->type.rank; a++)
      place += a == layout.lane_axis
                   ? at[a] / layout.lanes * layout.stride[a] + at[a] % layout.lanes
                   : at[a] * layout.stride[a];
    result[place] = b->value[i];
    for (int a = b->type.rank - 1; a >= 0 && ++at[a] == extent_at(b->type.dim[a], 1); a--)
      at[a] = 0;
  }
  *size = layout.size;
  return result;
}

static void add_values(Text *out, Arena *arena, const double *value, int64_t size, DType dtype) {
  for (int64_t i = 0; i < size; i++)
    text_add(out, "%s%s",
             i == 0       ? "\n    "
             : i % 8 == 0 ? ",\n    "
                          : ", ",
             emit_number(arena, value[i], dtype));
}

typedef struct Readers {
  const Library *l;
  bool (*reads)(const Plan *, const Kernel *);
  bool *read; /* per buffer */
} Readers;

/* Where weights are baked in, nothing prepares them. */
static void mark_read(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  const Readers *r = context;
  (void)outer, (void)depth;
  if (entry == PLAN_PREPARE && r->l->o->weights_as != WEIGHTS_LOADED) return;
  if (r->reads && !r->reads(r->l->plan, k)) return;
  for (int i = 0; i < k->nin; i++) r->read[k->in[i].tensor] = true;
}

void library_constants(Emit *e, const Library *l, const char *qualifier,
                       bool (*reads)(const Plan *, const Kernel *)) {
  Readers readers = {.l = l, .reads = reads, .read = NEW_ARRAY(l->arena, bool, l->plan->buffer.n)};
  plan_leaves(l->plan, mark_read, &readers);
  for (int b = 0; b < l->plan->buffer.n; b++) {
    const Buffer *buffer = &l->plan->buffer.at[b];
    if (buffer->home != HOME_CONST || !readers.read[b]) continue;
    int64_t size;
    double *value = physical_values(l->arena, buffer, &size);
    text_add(e->out, "/* %s */\n%s %s %s_const%d[%" PRId64 "] = {", buffer->name, qualifier,
             buffer->format.dtype == F64 ? "double" : "float", emit_part(e, l->plan), b, size);
    add_values(e->out, l->arena, value, size, buffer->format.dtype);
    text_add(e->out, "};\n\n");
  }
}

/* ---- baked weights ---- */

static bool in_vectors(const Plan *p) {
  return p && (p->target->lanes > 1 || in_vectors(p->next));
}

/* Element i of NAME_weights: a number that reads back exactly, or two of 16 bits. */
static const char *embedded_text(const Library *l, int64_t i) {
  const DType real = l->plan->graph->real;
  if (dtype_narrow(plan_stored(l->plan)))
    return arena_printf(l->arena, "0x%08" PRIx32 "u", ((const uint32_t *)l->o->derived)[i]);
  return emit_number(l->arena,
                     real == F64 ? ((const double *)l->o->derived)[i]
                                 : (double)((const float *)l->o->derived)[i],
                     real);
}

/* NAME_weights.h: the same bits as NAME.weights holds. */
void library_embedded(Text *out, const Library *l) {
  const char *p = l->o->prefix, *suffix = l->plan->target->language->suffix;
  const DType real = l->plan->graph->real;
  int64_t size = l->o->derived_bytes / dtype_size(real);
  text_add(out, "/* %s_weights.h - parameters of the network \"%s\" as %s%s wants them. */\n",
           l->name, l->plan->graph->name, l->name, suffix);
  text_add(out,
           "#if %s_HASH != 0x%016" PRIx64 "\n#error \"these weights belong to another %s%s\"\n"
           "#endif\n",
           p, l->hash, l->name, suffix);
  text_add(out, "static const %s %s_weights[%" PRId64 "]%s = {",
           dtype_narrow(plan_stored(l->plan)) ? "unsigned" : c_type(real), p, size ? size : 1,
           in_vectors(l->plans) ? "\n    __attribute__((aligned(64)))" : "");
  for (int64_t i = 0; i < size; i++)
    text_add(out, "%s%s", i == 0 ? "\n    " : i % 8 == 0 ? ",\n    " : ", ", embedded_text(l, i));
  text_add(out, "%s};\n", size ? "" : "0");
}

static void add_little(Text *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) {
    char byte = (char)(unsigned char)(value >> 8 * i);
    text_append(out, &byte, 1);
  }
}

/* NAME.weights: NAME_header of runtime/c/header.c, then the bytes. */
void library_packed(Text *out, const Library *l) {
  static const char zero[32];
  *out = (Text){.arena = l->arena, .cap = (size_t)l->params_bytes + 1};
  out->at = arena_alloc(l->arena, out->cap);
  text_append(out, "CNNCPAR\n", 8);
  add_little(out, 1, 4);
  add_little(out, 1, 4);
  add_little(out, l->hash, 8);
  add_little(out, (uint64_t)l->params_bytes, 8);
  text_append(out, zero, sizeof zero);
  text_append(out, l->o->derived, (size_t)l->o->derived_bytes);
}

/* NAME_weights.S: for every machine whose objects are ELF. */
void library_assembly(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  text_add(out,
           "/* %s_weights.S - the file %s.weights as an object. To be assembled where that file "
           "lies, or with\n * -I FOLDER: cc -c %s_weights.S. The object file goes wherever %s.o "
           "goes. */\n",
           l->name, l->name, l->name, l->name);
  text_add(out,
           "  .section .rodata\n  .balign %d\n  .global %s_weights\n  .type %s_weights, %%object\n"
           "%s_weights:\n  .incbin \"%s.weights\"\n  .size %s_weights, . - %s_weights\n"
           "  .section .note.GNU-stack, \"\", %%progbits\n",
           BUFFER_ALIGN, p, p, p, l->name, p, p);
}

/* ---- code ---- */

/* Where linked weights are. */
static void add_linked(Text *out, const Library *l) {
  const char *p = l->o->prefix;
  if (l->o->weights_as == WEIGHTS_OBJECT)
    text_add(
        out,
        "/* From %s_weights.S. */\nextern const unsigned char %s_weights[%s_PARAMS_BYTES];\n\n",
        l->name, p, p);
}

void library_param_code(Text *out, const Library *l) {
  static const char *const loaded[] = {"c/philox.h", "c/random.c", "c/header.c", "c/safetensors.c",
                                       "c/params.c"};
  static const char *const packed[] = {"c/header.c", "c/packed.c"};
  static const char *const embedded[] = {"c/embedded.c"};
  static const char *const linked[] = {"c/header.c", "c/linked.c"};
  static const struct {
    const char *const *file;
    int n;
  } code[] = {[WEIGHTS_LOADED] = {loaded, COUNT(loaded)},
              [WEIGHTS_EMBED] = {embedded, COUNT(embedded)},
              [WEIGHTS_FILE] = {packed, COUNT(packed)},
              [WEIGHTS_OBJECT] = {linked, COUNT(linked)},
              [WEIGHTS_EXTERN] = {linked, COUNT(linked)}};
  const char *p = l->o->prefix;
  text_add(
      out,
      "/* Parameters as they were loaded: bytes, values. */\n#define %s_RAW_BYTES ((size_t)%" PRId64
      ")\n#define %s_RAW (%s_RAW_BYTES / sizeof(%s))\n\n",
      p, l->plan->param_bytes, p, p, c_type(l->plan->graph->real));
  add_linked(out, l);
  for (int i = 0; i < code[l->o->weights_as].n; i++) {
    library_template(out, l, code[l->o->weights_as].file[i]);
    text_add(out, "\n");
  }
}
