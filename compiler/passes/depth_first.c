/* depth_first.c - part of nest: trees that follow one another sample by sample become one, whose
 * jobs are samples.
 *
 *   parallel n<n by 1              parallel n<n by 1
 *     conv1                          conv1   (its buffer: one sample per worker)
 *   parallel n<n by 1       ->       conv2
 *     conv2
 *
 * So a sample goes through several layers while a cache holds what they hand on; a whole batch of
 * it would go through memory. Weights are read again for each sample: a tree joins where it is
 * handed more than that. In inference; chains.c is what training does, whose sums over batches
 * cut the network into short chains. */
#include "nest.h"
#include "backend.h"

/* What is handed on through memory is written there, after being fetched for that, and read. */
enum { TRANSFERS = 3 };

static void add_kernels(Arena *arena, Kernels *kernels, const Step *s) {
  if (s->run) vec_push(arena, kernels, s->run);
  for (int i = 0; i < s->body.n; i++) add_kernels(arena, kernels, s->body.at[i]);
}

static bool takes_samples(const Step *s) {
  return !s->run && s->parallel && s->block == 1 && extent_same(s->extent, (Extent){1, 0});
}

static bool written(const Kernels *by, int tensor) {
  for (int i = 0; i < by->n; i++)
    if (kernel_writes(by->at[i], tensor)) return true;
  return false;
}

/* Is a tree handed more of a sample, which lies nearer than a batch, than it reads for all? */
static bool worth(const Plan *p, const Kernels *before, const Kernels *tree) {
  bool *seen = NEW_ARRAY(p->u->arena, bool, p->buffer.n);
  double handed = 0, shared = 0;
  for (int i = 0; i < tree->n; i++) {
    const Kernel *k = tree->at[i];
    for (int j = 0; j < k->nin; j++) {
      const Buffer *b = &p->buffer.at[k->in[j].tensor];
      const bool moves = nest_outer_axis(k, &k->in[j]) >= 0;
      if (seen[k->in[j].tensor]) continue;
      seen[k->in[j].tensor] = true;
      if (!moves)
        shared += (double)buffer_bytes(b, 1);
      else if (written(before, k->in[j].tensor) && nest_sample_is_nearer(p, b))
        handed += (double)buffer_bytes(b, 1);
    }
  }
  return TRANSFERS * handed > shared;
}

/* How many tensors kernels write, or take from elsewhere. */
static int named(const Plan *p, const Kernels *kernels, bool write) {
  int count = 0;
  for (int t = 0; t < p->buffer.n; t++) {
    bool read = false;
    for (int i = 0; i < kernels->n && !read; i++) read = kernel_reads(kernels->at[i], t);
    count += p->buffer.at[t].depth == 0 && (write || read) && written(kernels, t) == write;
  }
  return count;
}

static bool fits_step(const Plan *p, const Kernels *before, const Kernels *tree) {
  for (int write = 0; write < 2; write++)
    if (named(p, before, write) + named(p, tree, write) > MAX_STEP_BUFFERS) return false;
  return true;
}

static bool joins(const Plan *p, const Kernels *before, const Kernels *tree) {
  for (int i = 0; i < before->n; i++)
    for (int j = 0; j < tree->n; j++)
      if (!nest_apart(before->at[i], kernel_outer_loop(before->at[i]), tree->at[j],
                      kernel_outer_loop(tree->at[j])))
        return false;
  return fits_step(p, before, tree) && worth(p, before, tree);
}

static Step *merge(Plan *p, const Steps *steps, int from, int to) {
  Step *outer = NEW(p->u->arena, Step);
  *outer = *steps->at[from];
  outer->body = (Steps){0};
  for (int i = from; i < to; i++)
    for (int j = 0; j < steps->at[i]->body.n; j++)
      vec_push(p->u->arena, &outer->body, steps->at[i]->body.at[j]);
  return outer;
}

Steps nest_depth_first(Nest *n, const Steps *steps) {
  Arena *arena = n->p->u->arena;
  Steps merged = {0};
  for (int from = 0, to; from < steps->n; from = to) {
    Kernels all = {0};
    add_kernels(arena, &all, steps->at[from]);
    for (to = from + 1; takes_samples(steps->at[from]) && to < steps->n; to++) {
      Kernels tree = {0};
      add_kernels(arena, &tree, steps->at[to]);
      if (!takes_samples(steps->at[to]) || !joins(n->p, &all, &tree)) break;
      for (int i = 0; i < tree.n; i++) vec_push(arena, &all, tree.at[i]);
    }
    if (to > from + 1) nest_scope(n, &all);
    vec_push(arena, &merged, to > from + 1 ? merge(n->p, steps, from, to) : steps->at[from]);
  }
  return merged;
}
