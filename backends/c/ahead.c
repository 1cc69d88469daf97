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

/* Lines in one place: this many at least where loops allow it, and at most. */
enum { FEW = 2, MOST = 16 };

/* ---- which ---- */

/* Does the kernel run in tiles whose weights stay in the first level of the caches? Lines on their
 * way would hold up what streams from the second one. Weight gradients, of which both operands come
 * from there, gain all the same. */
static bool computes(const Plan *p, const Kernel *k) {
  const int vectors = tile_get(&k->tile, "k", 1);
  Contraction c;
  Bands bands;
  if (!contract_fits(p, k) || !contraction_of(p, k, &c) || contract_bands(p, &c, &bands))
    return false;
  if (tile_get(&k->tile, "r", 1) * vectors == 1) return false;
  return contraction_both_change(p, &c) || !contract_weights_stream(p, k, vectors);
}

/* What the kernels of a step read and write of a sample, and which of them compute. */
typedef struct Found {
  const View *at[2 * MAX_STEP_BUFFERS];
  int n, computing;
  double bytes;
} Found;

/* Does a sample of the view's tensor come from memory, whole, and does no step own it? */
static bool comes_from_memory(const Plan *p, const Kernel *k, const View *v) {
  const Buffer *b = &p->buffer.at[v->tensor];
  int only;
  return b->depth == 0 && b->format.dtype == F32 && v->rank > 0 &&
         coord_is_loop(&v->at[0], &only) && only == kernel_outer_loop(k) && !buffer_in_batch(b) &&
         (double)buffer_bytes(b, p->max_batch) > p->target->machine.l2;
}

static bool is_found(const Found *all, const View *v) {
  for (int i = 0; i < all->n; i++)
    if (all->at[i]->tensor == v->tensor) return true;
  return false;
}

static void find_of(const Plan *p, const Kernel *k, Found *all) {
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    if (!comes_from_memory(p, k, v) || is_found(all, v)) continue;
    all->at[all->n++] = v;
    all->bytes += (double)buffer_bytes(&p->buffer.at[v->tensor], 1);
  }
  all->computing += computes(p, k);
}

void ahead_find(Leaf *f, const Kernel *own) {
  const Plan *p = f->plan;
  const Step *s = f->depth == 1 ? f->outer[0] : NULL;
  Found all = {.n = 0};
  int mine = 0;
  if (!s || !s->parallel || s->block != 1 || s->body.n < 2 || p->target->lanes == 1) return;
  if (!computes(p, own) || kernel_outer_loop(own) < 0) return;
  for (int i = 0; i < s->body.n; i++) {
    const Kernel *k = s->body.at[i]->run;
    if (!k) return;
    if (k == own) mine = all.computing;
    find_of(p, k, &all);
  }
  if (all.bytes > p->target->machine.l2 / 2) return; /* the rest holds what they hand on */
  for (int i = 0; i < all.n; i++)
    if (i % all.computing == mine && f->nahead < MAX_AHEAD) f->ahead[f->nahead++] = all.at[i];
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

/* The tensor's share of a tile: what the numbers of its points mean there. */
typedef struct Share {
  int64_t sample; /* floats of a sample, */
  int64_t each;   /* of a point; */
  int64_t lines;  /* of the tile. 0: subscripts would be too large */
} Share;

static Share share_of(const Ukernel *m, const View *v, int64_t points) {
  const Layout layout = buffer_layout(leaf_buffer(m->f, v), m->f->plan->max_batch);
  Share s = {.sample = layout.stride[0]};
  s.each = (s.sample + points - 1) / points;
  if (layout.size <= INT32_MAX / 2) s.lines = (s.each * m->t->points + LINE - 1) / LINE;
  return s;
}

/* How often a tile comes to the loop over terms at place `loop`, and which time it is. */
static int64_t times_at(const Ukernel *m, int loop, Linear *time) {
  int64_t times = 1;
  *time = linear_constant(0);
  for (int l = 0; l < loop; l++) {
    if (!m->f->k->loop[l].reduced) continue;
    Linear next = m->f->value[l];
    linear_add(&next, time, m->f->k->loop[l].extent.plus);
    *time = next;
    times *= m->f->k->loop[l].extent.plus;
  }
  return times;
}

/* The innermost loop in front of which a few lines are fetched each time; the outermost where there
 * are fewer; -1: none. */
static int site_of(const Ukernel *m, int64_t lines) {
  int site = -1;
  for (int l = 0; l < m->f->k->nloop; l++) {
    const Loop *loop = &m->f->k->loop[l];
    Linear time;
    if (!loop->reduced || loop->extent.per_n) continue;
    if (site < 0 || FEW * times_at(m, l, &time) <= lines) site = l;
  }
  return site;
}

static void fetch_lines(Ukernel *m, int i, int64_t lines, Linear *at) {
  Leaf *f = m->f;
  for (int64_t line = 0; line < lines; line++, at->constant += LINE) {
    f->uses_ahead[i] = true;
    emit(m->e, "%s_fetch_far(%s, %s);", f->plan->target->name, ahead_pointer(f, i),
         leaf_form(f, at));
  }
}

void ahead_print(Ukernel *m, int loop) {
  Leaf *f = m->f;
  int64_t points;
  if (f->nahead == 0 || m->w->pass != TILE_WHOLE) return;
  const Linear place = place_of_tile(m, &points);
  for (int i = 0; i < f->nahead; i++) {
    const Share s = share_of(m, f->ahead[i], points);
    Linear time, at = linear_constant(s.sample);
    const int64_t times = times_at(m, loop, &time), lines = (s.lines + times - 1) / times;
    if (site_of(m, s.lines) != loop || lines > MOST) continue;
    linear_add(&at, &f->value[kernel_outer_loop(f->k)], s.sample);
    linear_add(&at, &place, s.each);
    linear_add(&at, &time, lines * LINE);
    fetch_lines(m, i, lines, &at);
  }
}

const char *ahead_pointer(const Leaf *f, int i) {
  return arena_printf(f->e->arena, "ahead%d", i);
}
