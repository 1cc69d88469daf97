/* implicit_gemm.c - a matrix product whose operands are read through their index maps while it
 * runs.
 *
 * For devices whose threads work in blocks: a block computes a tile of rows (points of the M loops)
 * and columns (of the N loops) and brings what it needs of both operands into the memory that its
 * threads share. Borders, strides and groups are a matter of reading, so it serves every
 * contraction of one sum. Data gradients of strided convolutions are several products
 * (polyphase.c). */
#include "plan.h"
#include "backend.h"

extern const Algo algo_implicit_gemm;

const char *refuses_blocks(const Plan *p, const Contraction *c) {
  const Kernel *k = c->k;
  if (!p->target->language->blocks) return "threads of this target do not work in blocks";
  if (k->math != F32 || k->fold[0].acc != F32) return "its sum is in double";
  if (k->nout != 1 || k->out[0].combine) return "it has more than one result";
  for (int i = 0; i < k->nin; i++)
    if (k->in[i].outside == SKIP) return "its sum leaves terms out";
  return NULL;
}

void lower_to_blocks(Plan *p, const Contraction *c, const char *algo, Steps *steps) {
  Step *leaf = plan_leaf(p, c->k);
  leaf->run->algo = algo;
  pick_tile(p, leaf->run);
  vec_push(p->u->arena, steps, leaf);
}

static const char *refuses(const Plan *p, const Contraction *c) {
  return refuses_tiles(p, c, ROLE_BLOCKS);
}

static void lower(Plan *p, const Contraction *c, Steps *steps) {
  lower_in_tiles(p, c, ROLE_BLOCKS, algo_implicit_gemm.name, steps);
}

const Algo algo_implicit_gemm = {
    .name = "implicit_gemm",
    .doc = "tiles of a matrix product for blocks of threads (CUDA)",
    .refuses = refuses,
    .wants = LAYOUT_ANY,
    .gives = LAYOUT_ANY,
    .tolerance = 1,
    .lower = lower,
};
