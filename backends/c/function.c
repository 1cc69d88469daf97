/* function.c - the leaf function of a kernel: parameters and body; see generate.h. */
#include "function.h"

#include <string.h>

/* ---- leaf functions ---- */

static void add_parameter(Leaf *f, Text *list, const char *type, const char *name, int64_t lo,
                          int64_t hi, const char *function) {
  text_add(list, "%s%s%s", list->n ? ", " : "", type, name);
  if (hi >= lo) emit_fact(f->e, function, name, lo, hi);
}

int64_t step_block_count(const Step *s, int64_t n) {
  const int64_t extent = extent_at(s->extent, n);
  return (extent + s->block - 1) / s->block;
}

static void buffer_parameter(Leaf *f, Text *list, const View *v, const char *pointer,
                             const char *qualifier, const char *function) {
  const Buffer *b = leaf_buffer(f, v);
  const int64_t size = buffer_layout(b, f->plan->max_batch).size;
  const char *type = arena_printf(f->e->arena, "%s%s *", qualifier, c_type(b->format.dtype));
  add_parameter(f, list, type, pointer, 0, size - 1, function);
}

/* The parameters that the body mentions, with what is known about them. */
static const char *parameters(Leaf *f, const char *function) {
  const int64_t n = f->plan->max_batch;
  Text list = {.arena = f->e->arena};
  for (int i = 0; i < f->k->nin; i++)
    if (f->uses_in[i])
      buffer_parameter(f, &list, &f->k->in[i], leaf_pointer(f, &f->k->in[i]), "const ", function);
  for (int o = 0; o < f->k->nout; o++)
    buffer_parameter(f, &list, &f->k->out[o].to, leaf_pointer(f, &f->k->out[o].to), "", function);
  for (int i = 0; i < f->nahead; i++)
    if (f->uses_ahead[i])
      buffer_parameter(f, &list, f->ahead[i], ahead_pointer(f, i), "const ", function);
  if (f->uses_scalar) add_parameter(f, &list, "const double *", "scalar", 0, SCALARS - 1, function);
  if (f->uses_batch) add_parameter(f, &list, "int ", "batch", 1, n, function);
  for (int i = 0; i < f->depth; i++)
    if (f->uses_block[i])
      add_parameter(f, &list, "int ", f->block[i], 0, step_block_count(f->outer[i], n) - 1,
                    function);
  return list.at;
}

const char *step_block_name(Arena *arena, Step *const *outer, int depth, const Step *s) {
  bool again = false;
  for (int i = 0; i < depth; i++) again |= strcmp(outer[i]->loop, s->loop) == 0;
  return again ? arena_printf(arena, "%s_part%d", s->loop, depth)
               : arena_printf(arena, "%s_part", s->loop);
}

void leaf_start(Leaf *f, Emit *e, const Plan *p, const Step *s, Step *const *outer, int depth) {
  *f = (Leaf){
      .e = e, .plan = p, .k = kernel_with_roots(p->u, s->run), .outer = outer, .depth = depth};
  for (int i = 0; i < depth; i++) f->block[i] = step_block_name(e->arena, outer, i, outer[i]);
  ahead_find(f, s->run);
}

static void print_body(Leaf *f, Text *body) {
  Text *file = f->e->out, loops = {.arena = f->e->arena};
  *body = (Text){.arena = f->e->arena};
  f->e->out = &loops;
  f->e->indent = 1;
  f->e->temporaries = 0;
  leaf_ranges(f);
  if (transform_fits(f))
    transform_body(f);
  else if (contract_fits(f->plan, f->k))
    contract_body(f);
  else if (move_fits(f))
    move_body(f);
  else
    loops_body(f);
  f->e->out = body;
  if (f->k->math == F64) emit(f->e, "CNNC_EXACT_BODY");
  leaf_bounds(f);
  emit_text(f->e, loops.at);
  f->e->indent = 0;
  f->e->out = file;
}

const char *function_attribute(const Plan *p, Arena *arena) {
  if (!p->target->attribute) return "";
  return arena_printf(arena, "CNNC_%s_TARGET ", target_capitals(arena, p->target));
}

/* Emits the function of a leaf step unless it exists;
 * the call's arguments follow its parameters. */
const char *leaf_function(Leaf *f, PlanEntry entry, const Step *s) {
  Emit *e = f->e;
  Text body;
  print_body(f, &body);
  const char *key = leaf_key(f, s), *name = emitted_function(e, key);
  if (name) return name;
  const char *kind = entry == PLAN_PREPARE ? "weights_kernel" : "kernel";
  name = emit_name(e, arena_printf(e->arena, "%s_%s_%s", emit_part(e, f->plan), f->k->name, kind));
  emitted_add(e, key, name);
  leaf_describe(f, entry);
  const char *attribute = f->k->math == F64 ? "CNNC_EXACT " : function_attribute(f->plan, e->arena);
  emit(e, "static %svoid %s(%s) {", attribute, name, parameters(f, name));
  emit_text(e, body.at);
  emit(e, "}");
  emit_line(e);
  return name;
}
