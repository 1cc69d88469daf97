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
