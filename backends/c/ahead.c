/* ahead.c - while a contraction of a chain computes, it fetches what the next sample's kernels will
 * read or write.
 *
 *   for n:
 *     normalise  x -> a    x, a and y of a batch come from memory, a sample's from level 2.
 *     conv       a -> y    Fetches x, a and y of sample n + 1: its arithmetic hides that.
 *
 * Where kernels take a sample together (passes/chains.c), the short ones wait for memory, and the
 * arithmetic of the long ones for them. Each contraction in tiles fetches a share of the tensors,
 * tile by tile, a few lines in front of a loop over its terms. */
#include "ukernel.h"

#include <string.h>

enum { LINE = 16 /* floats */, FEW = 2 };

/* ---- which ---- */

/* Does the kernel run in tiles that wait for no cache but the first? What they stream from the
 * second one would wait for the lines that are fetched. */
static bool computes(const Plan *p, const Kernel *k) {
  const int vectors = tile_get(&k->tile, "k", 1);
  Contraction c;
  if (!contract_fits(p, k) || !contraction_of(p, k, &c)) return false;
  if (tile_get(&k->tile, "r", 1) * vectors == 1) return false;
  const double weights = 4 * (double)kernel_points(k, true, 1) * p->target->lanes * vectors;
  return contraction_both_change(p, &c) || weights <= p->target->machine.l1;
}

/* The loop over samples of a kernel in such a step; -1: none. */
static int sample_loop(const Kernel *k) {
  for (int l = 0; l < k->nloop; l++)
    if (k->bind[l].step == 0) return l;
  return -1;
}

/* Does a sample of the view's tensor come from memory, whole, and does no step own it? */
static bool comes_from_memory(const Plan *p, const Kernel *k, const View *v) {
  const Buffer *b = &p->buffer.at[v->tensor];
  int only;
  return b->depth == 0 && b->format.dtype == F32 && v->rank > 0 &&
         coord_is_loop(&v->at[0], &only) && only == sample_loop(k) && !buffer_in_batch(b) &&
         (double)buffer_bytes(b, p->max_batch) > p->target->machine.l2;
}

static bool is_listed(const View *const *list, int n, const View *v) {
  for (int i = 0; i < n; i++)
    if (list[i]->tensor == v->tensor) return true;
  return false;
}

void ahead_find(Leaf *f, const Kernel *own) {
  const View *all[MAX_STEP_BUFFERS];
  const Plan *p = f->plan;
  double bytes = 0; /* of a sample */
  int n = 0, computing = 0, mine = 0;
  const Step *s = f->depth == 1 ? f->outer[0] : NULL;
  if (!s || !s->parallel || s->block != 1 || s->body.n < 2 || p->target->lanes == 1) return;
  if (!computes(p, own) || sample_loop(own) < 0) return;
  for (int i = 0; i < s->body.n; i++) {
    const Kernel *k = s->body.at[i]->run;
    if (!k) return;
    if (k == own) mine = computing;
    computing += computes(p, k);
    for (int j = 0; j < k->nin + k->nout; j++) {
      const View *v = kernel_view(k, j);
      if (!comes_from_memory(p, k, v) || is_listed(all, n, v)) continue;
      all[n++] = v;
      bytes += (double)buffer_bytes(&p->buffer.at[v->tensor], 1);
    }
  }
  if (bytes > p->target->machine.l2 / 2) return;
  for (int i = 0; i < n; i++)
    if (i % computing == mine && f->nahead < MAX_AHEAD) f->ahead[f->nahead++] = all[i];
}

/* ---- where ---- */

/* The number of the tile's first point among those of all tiles, each of which has points of its
 * own; `points` becomes how many there are. */
static Linear place_of_tile(const Ukernel *m, int64_t *points) {
  const Contract *w = m->w;
  Linear place = linear_constant(0);
  bool taken = false;
  *points = 1;
  for (int l = 0; l < m->f->k->nloop; l++) {
    int64_t extent = m->f->k->loop[l].extent.plus;
    Linear value = m->f->value[l];
    if (m->f->k->loop[l].reduced || l == w->taps || m->f->k->bind[l].step == 0) continue;
    if (contract_takes(w, l)) {
      if (taken) continue;
      taken = true;
      for (int other = l + 1; other < m->f->k->nloop; other++)
        if (contract_takes(w, other) && other != w->taps)
          extent *= m->f->k->loop[other].extent.plus;
      value = linear_constant(0);
      linear_add(&value, &m->t->at, w->row > 0 ? w->row : 1);
    } else if (l == w->lane) {
      const int wide = w->step * w->vectors;
      extent = (extent + wide - 1) / wide;
      value = linear_divided(&m->t->lane_at, wide);
    }
    Linear next = value;
    linear_add(&next, &place, extent);
    place = next;
    *points *= extent;
  }
  return place;
}

static int64_t sample_size(const Ukernel *m, const View *v) {
  return buffer_layout(leaf_buffer(m->f, v), m->f->plan->max_batch).stride[0];
}

/* Lines of the tensor for each tile of so many points; 0: its subscripts would be too large. */
static int64_t lines_of_tile(const Ukernel *m, const View *v, int64_t points) {
  const int64_t each = sample_size(m, v) / points;
  const int64_t size = buffer_layout(leaf_buffer(m->f, v), m->f->plan->max_batch).size;
  return size > INT32_MAX / 2 ? 0 : (each * m->t->points + LINE - 1) / LINE;
}

/* How often a tile comes to the loop over terms that stands at place `loop`. */
static int64_t times_at(const Ukernel *m, int loop) {
  int64_t times = 1;
  for (int l = 0; l < loop; l++)
    if (m->f->k->loop[l].reduced) times *= m->f->k->loop[l].extent.plus;
  return times;
}

/* The innermost loop in front of which a few lines are fetched each time; the outermost where there
 * are fewer; -1: none. */
static int site_of(const Ukernel *m, int64_t lines) {
  int site = -1;
  for (int l = 0; l < m->f->k->nloop; l++) {
    const Loop *loop = &m->f->k->loop[l];
    if (!loop->reduced || loop->extent.per_n) continue;
    if (site < 0 || FEW * times_at(m, l) <= lines) site = l;
  }
  return site;
}

/* Which time it is. */
static Linear time_at(const Ukernel *m, int loop) {
  Linear time = linear_constant(0);
  for (int l = 0; l < loop; l++) {
    if (!m->f->k->loop[l].reduced) continue;
    Linear next = m->f->value[l];
    linear_add(&next, &time, m->f->k->loop[l].extent.plus);
    time = next;
  }
  return time;
}

static void fetch_lines(Ukernel *m, int i, int64_t lines, Linear *at) {
  Leaf *f = m->f;
  f->uses_ahead[i] = true;
  for (int64_t line = 0; line < lines; line++, at->constant += LINE)
    emit(m->e, "%s_fetch_far(%s, %s);", f->plan->target->name, ahead_pointer(f, i),
         leaf_form(f, at));
}

void ahead_print(Ukernel *m, int loop) {
  Leaf *f = m->f;
  int64_t points;
  if (f->nahead == 0 || m->w->pass != TILE_WHOLE) return;
  const Linear place = place_of_tile(m, &points), time = time_at(m, loop);
  for (int i = 0; i < f->nahead; i++) {
    const int64_t size = sample_size(m, f->ahead[i]), times = times_at(m, loop);
    const int64_t lines = lines_of_tile(m, f->ahead[i], points);
    if (site_of(m, lines) != loop) continue;
    const int64_t each = (lines + times - 1) / times;
    Linear at = linear_constant(size);
    linear_add(&at, &f->value[sample_loop(f->k)], size);
    linear_add(&at, &place, size / points);
    linear_add(&at, &time, each * LINE);
    fetch_lines(m, i, each, &at);
  }
}

const char *ahead_pointer(const Leaf *f, int i) {
  return arena_printf(f->e->arena, "ahead%d", i);
}
