/* ops.c - the table of operators, from ops.def; each row is defined in its family's file under
 * ops/. */
#include <string.h>

#include "graph.h"

#define OP(name) extern const Op op_##name;
#include "ops.def"
#undef OP

const Op *const ops[OP_KINDS] = {
#define OP(name) &op_##name,
#include "ops.def"
#undef OP
};

bool node_is_leaf(const Graph *g, Id id) {
  return ops[g->node.at[id].op]->class == CLASS_LEAF;
}

const Op *op_find(const char *name) {
  for (int i = 0; i < OP_KINDS; i++)
    if (strcmp(ops[i]->name, name) == 0) return ops[i];
  return NULL;
}

bool op_plays(const Op *op, OpPart part) {
  const OpPart own = op->class == CLASS_LOSS        ? PART_LOSS
                     : op->class == CLASS_OPTIMIZER ? PART_OPTIMIZER
                                                    : PART_LAYER;
  return op->in_json && own == part;
}

static void set_default(const Field *field, void *at) {
  switch (field->kind) {
  case FIELD_INT: *(int64_t *)at = (int64_t)field->otherwise; break;
  case FIELD_REAL: *(double *)at = field->otherwise; break;
  case FIELD_BOOL: *(bool *)at = field->otherwise != 0; break;
  case FIELD_ENUM:
  case FIELD_BIAS: *(int32_t *)at = (int32_t)field->otherwise; break;
  case FIELD_PAD: *(Pad *)at = (Pad){.kind = PAD_NUMBER, .lo = {.n = 1}}; break;
  default: break; /* lists and tensors: not given */
  }
}

void *op_defaults(Arena *arena, const Op *op) {
  char *attr = arena_alloc(arena, op->attr_size);
  for (int i = 0; i < op->nfield; i++) set_default(&op->field[i], attr + op->field[i].offset);
  return attr;
}
