/* chains.c - part of nest: kernels that follow one another sample by sample run as one step, which
 * takes one sample through all of them while caches hold what they hand on.
 *
 *   normalise:  n c h w                     parallel n<n by 1
 *   conv2:      n k oh ow | ..      ->        normalise, conv2, mean
 *   mean:       n c | h w
 *
 * What they alone read exists for one sample of each worker.
 * What stands between them and neither needs them nor is needed by them (weight gradients) runs
 * afterwards. In training, where batches are large and sums over them cut the network into short
 * chains: a whole network sample by sample would read all weights again and again. */
#include "nest.h"
#include "backend.h"

/* Links of a chain, and how many kernels a chain may leave behind. */
enum { MAX_LINKS = 8, MAX_PASSED = 8 };

typedef struct Chain {
  const Plan *p;
  Step *link[MAX_LINKS], *passed[MAX_PASSED];
  int nlink, npassed;
} Chain;

/* The free loop over samples of a kernel that may run apart for each; -1: none. */
static int separate_samples(const Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (extent_same(k->loop[l].extent, (Extent){1, 0}) && nest_may_cut(k, l)) return l;
  return -1;
}

/* What transforms make of a sample and of weights is larger than these. Where L2 does not hold it,
 * bands of a sample do (bands.c), or all samples should share the weights. */
static bool fits_near(const Plan *p, const Kernel *k) {
  const Algo *algo = k->algo ? algo_find(k->algo) : NULL;
  double bytes = 0;
  if (!algo || !algo->transforms) return true;
  for (int i = 0; i < k->nin + k->nout; i++)
    bytes += (double)buffer_bytes(&p->buffer.at[kernel_view(k, i)->tensor], 1);
  return bytes < p->target->machine.l2 / 2;
}

/* May samples of a step run apart? Lanes must not hold several of them. */
static bool runs_by_sample(const Plan *p, const Step *s) {
  const int loop = s->run ? separate_samples(s->run) : -1;
  return loop >= 0 && nest_lanes(p, s->run, loop) == 1 && fits_near(p, s->run);
}

/* Does one of two kernels write what the other reads or writes? */
static bool depend(const Kernel *a, const Kernel *b) {
  for (int o = 0; o < a->nout; o++)
    if (kernel_reads(b, a->out[o].to.tensor) || kernel_writes(b, a->out[o].to.tensor)) return true;
  for (int o = 0; o < b->nout; o++)
    if (kernel_reads(a, b->out[o].to.tensor)) return true;
  return false;
}

static int memory_of(const Machine *m, double bytes) {
  return bytes <= m->l2 ? 0 : bytes <= m->l3 / (2 * m->cores) ? 1 : 2;
}

bool nest_sample_is_nearer(const Plan *p, const Buffer *b) {
  const Machine *m = &p->target->machine;
  return memory_of(m, (double)buffer_bytes(b, 1)) <
         memory_of(m, (double)buffer_bytes(b, p->max_batch));
}

/* Do two kernels share the samples of something that lies in a faster memory than a batch of it? */
static bool worth(const Plan *p, const Kernel *a, const Kernel *b) {
  for (int i = 0; i < a->nin + a->nout; i++)
    for (int j = 0; j < b->nin + b->nout; j++) {
      const View *v = kernel_view(a, i), *w = kernel_view(b, j);
      if (v->tensor != w->tensor || !nest_sample_is_nearer(p, &p->buffer.at[v->tensor])) continue;
      const int axis = nest_own_axis(v, separate_samples(a));
      if (axis >= 0 && axis == nest_own_axis(w, separate_samples(b))) return true;
    }
  return false;
}

/* May a step that stands behind those passed become the next link? */
static bool follows(const Chain *c, const Step *s) {
  bool pays = false;
  if (c->nlink == MAX_LINKS || !runs_by_sample(c->p, s)) return false;
  for (int i = 0; i < c->npassed; i++)
    if (!c->passed[i]->run || depend(c->passed[i]->run, s->run)) return false;
  for (int i = 0; i < c->nlink; i++) {
    const Kernel *k = c->link[i]->run;
    if (!nest_apart(k, separate_samples(k), s->run, separate_samples(s->run))) return false;
    pays |= worth(c->p, k, s->run);
  }
  return pays;
}

static Step *build(Nest *n, const Chain *c) {
  Plan *p = n->p;
  Kernels all = {0};
  const Kernel *first = c->link[0]->run;
  Step *outer = nest_new_step(p, &first->loop[separate_samples(first)], 1, true);
  for (int i = 0; i < c->nlink; i++) {
    Kernel *k = c->link[i]->run;
    k->bind[separate_samples(k)] = (Bind){.step = 0, .mul = 1, .from = 0, .to = 1};
    vec_push(p->u->arena, &outer->body, c->link[i]);
    vec_push(p->u->arena, &all, k);
  }
  nest_scope(n, &all);
  return outer;
}

Step *nest_chain(Nest *n, Steps *left) {
  Chain c = {.p = n->p, .link = {left->at[0]}, .nlink = 1};
  int end = 1;
  if (!nest_by_samples(n->p) || !n->p->entry[PLAN_BACKWARD].exists ||
      !runs_by_sample(n->p, left->at[0]))
    return NULL;
  for (; end < left->n && c.npassed < MAX_PASSED; end++) {
    Step *s = left->at[end];
    if (follows(&c, s))
      c.link[c.nlink++] = s;
    else
      c.passed[c.npassed++] = s;
  }
  if (c.nlink == 1) return NULL;
  for (int i = 0; i < c.npassed; i++) left->at[end - c.npassed + i] = c.passed[i];
  left->at += end - c.npassed;
  left->n -= end - c.npassed;
  return build(n, &c);
}
