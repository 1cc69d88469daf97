/* plan_verify.c - what is true of a Plan after every pass; anything else is a defect of the
 * compiler.
 *
 * Views stay inside their boxes; formats have lanes where they say; what the caller owns is plain;
 * every value is written before it is read and only once; nothing reads a parameter or a state
 * after its update in the same entry, of which train_step has those of backward and step; blocks of
 * steps fit loops and parts, and read of what such blocks write their own part; after `memory`,
 * what lives at the same time does not overlap. */
#include "plan.h"

#include <string.h>

typedef struct Verify {
  const Plan *p;
  PlanEntry entry;
  bool *ready;       /* per buffer: holds something */
  int *first, *last; /* per buffer: steps of this entry that touch it, scoped ones: parts of steps;
                        first -1: none */
  int time, part;    /* steps so far: top-level ones; those and the parts of each */
  Step *outer[MAX_NESTING];
} Verify;

#define REQUIRE(condition, ...)                                                                    \
  do {                                                                                             \
    if (!(condition)) BUG(__VA_ARGS__);                                                            \
  } while (0)

/* ---- buffers ---- */

static bool callers(Home home) {
  return home != HOME_WORK && home != HOME_KEPT && home != HOME_DERIVED;
}

static void verify_buffer(const Buffer *b) {
  const Format *f = &b->format;
  int depends = 0;
  REQUIRE(b->type.rank >= 0 && b->type.rank <= MAX_RANK, "%s: rank %d", b->name, b->type.rank);
  REQUIRE(f->lane_axis < b->type.rank, "%s: lanes on axis %d", b->name, f->lane_axis);
  REQUIRE((f->lane_axis < 0) == (f->lanes == 1), "%s: %d lanes", b->name, f->lanes);
  for (int a = 0; a < b->type.rank; a++) {
    REQUIRE(f->lo[a] >= 0 && f->hi[a] >= 0, "%s: negative margin", b->name);
    REQUIRE(a != f->lane_axis || f->lo[a] % f->lanes == 0, "%s: margin splits lanes", b->name);
    REQUIRE(!callers(b->home) || (f->lo[a] == 0 && f->hi[a] == 0),
            "%s: the caller's memory has a margin", b->name);
    REQUIRE(a == 0 || b->home == HOME_WORK || b->type.dim[a].per_n == 0, "%s: axis %d depends on n",
            b->name, a);
    depends += b->type.dim[a].per_n != 0;
    REQUIRE(depends <= 1, "%s: several axes depend on n", b->name);
    if (b->depth == 0 || b->part[a].step < 0) continue;
    REQUIRE(b->part[a].step < b->depth && b->span[a] > 0 && f->lo[a] == 0 && f->hi[a] == 0,
            "%s: part of axis %d", b->name, a);
    REQUIRE(a != f->lane_axis || (b->part[a].mul == 1 && b->part[a].from == 0), "%s: part of lanes",
            b->name);
  }
  REQUIRE(!callers(b->home) || f->lanes == 1, "%s: the caller's memory in lanes", b->name);
  REQUIRE(b->depth == 0 || b->home == HOME_WORK, "%s: a scope outside of work memory", b->name);
}

/* ---- kernels ---- */

static bool view_inside(const Verify *v, const Kernel *k, const View *view, int axis) {
  const Buffer *b = &v->p->buffer.at[view->tensor];
  int64_t lo, hi;
  coord_range(k, &view->at[axis], v->p->max_batch, &lo, &hi);
  return lo >= 0 && hi < extent_at(b->type.dim[axis], v->p->max_batch);
}

static void verify_view(const Verify *v, const Kernel *k, const View *view, bool out) {
  const Plan *p = v->p;
  REQUIRE(view->tensor >= 0 && view->tensor < p->buffer.n, "%s: buffer %d", k->name, view->tensor);
  const Buffer *b = &p->buffer.at[view->tensor];
  REQUIRE(view->rank == b->type.rank, "%s: rank of %s", k->name, b->name);
  REQUIRE(!out || view->outside == INSIDE, "%s writes outside of %s", k->name, b->name);
  for (int a = 0; a < view->rank; a++) {
    REQUIRE(view->at[a].div >= 1, "%s: division of %s", k->name, b->name);
    REQUIRE(view->outside != INSIDE || view_inside(v, k, view, a), "%s: axis %d of %s leaves it",
            k->name, a, b->name);
    for (int l = 0; l < MAX_LOOPS; l++)
      REQUIRE(view->at[a].coef[l] == 0 || (l < k->nloop && (!out || !k->loop[l].reduced)),
              "%s: %s is indexed by loop %d", k->name, b->name, l);
  }
}

static void verify_bind(const Kernel *k, int l, int depth) {
  Bind b = k->bind[l];
  if (b.step < 0) return;
  REQUIRE(b.step < depth && b.mul > 0 && b.to > b.from, "%s: bind of %s", k->name, k->loop[l].name);
  REQUIRE(!k->loop[l].reduced, "%s: a sum over %s is cut", k->name, k->loop[l].name);
}

/* The smallest and largest coordinate that the kernel touches in the blocks given, inside the
 * tensor. */
static Range touched(const Verify *v, const Kernel *k, const View *view, int axis, int step,
                     const Range *block) {
  const Buffer *b = &v->p->buffer.at[view->tensor];
  int64_t lo = view->at[axis].plus, hi = lo, end = extent_at(b->type.dim[axis], v->p->max_batch);
  for (int l = 0; l < k->nloop; l++) {
    int32_t c = view->at[axis].coef[l];
    bool here = k->bind[l].step < 0 || k->bind[l].step == step;
    Range r = {0, extent_at(k->loop[l].extent, v->p->max_batch)};
    if (here) r = bind_range(k, l, block, v->p->max_batch);
    lo += c * (c < 0 ? r.hi - 1 : r.lo);
    hi += c * (c < 0 ? r.lo : r.hi - 1);
  }
  lo = floor_div(lo, view->at[axis].div);
  hi = floor_div(hi, view->at[axis].div);
  return (Range){lo < 0 ? 0 : lo, hi >= end ? end : hi + 1};
}

static void verify_part(const Verify *v, const Kernel *k, const View *view, int axis) {
  const Buffer *b = &v->p->buffer.at[view->tensor];
  Bind part = b->part[axis];
  const Step *s = v->outer[part.step];
  int64_t extent = extent_at(s->extent, v->p->max_batch);
  int64_t starts[] = {0, s->block, (extent - 1) / s->block * s->block}; /* first, second, last */
  for (int i = 0; i < COUNT(starts); i++) {
    if (starts[i] >= extent) continue;
    Range block[MAX_NESTING] = {{0, 0}};
    block[part.step].lo = starts[i];
    block[part.step].hi = starts[i] + s->block < extent ? starts[i] + s->block : extent;
    Range r = touched(v, k, view, axis, part.step, block);
    int64_t from = part.mul * starts[i] + part.from;
    REQUIRE(r.lo >= from && r.hi <= from + b->span[axis], "%s: axis %d of %s leaves its part",
            k->name, axis, b->name);
  }
}

/* The part of a scoped buffer that exists covers what the kernel touches. */
static void verify_scope(const Verify *v, const Kernel *k, const View *view, int depth) {
  const Buffer *b = &v->p->buffer.at[view->tensor];
  REQUIRE(b->depth <= depth, "%s uses %s outside of its step", k->name, b->name);
  for (int a = 0; a < view->rank && b->depth > 0; a++)
    if (b->part[a].step >= 0) verify_part(v, k, view, a);
}

static void verify_use(Verify *v, const Kernel *k, const View *view, bool out, int depth) {
  const Buffer *b = &v->p->buffer.at[view->tensor];
  verify_view(v, k, view, out);
  verify_scope(v, k, view, depth);
  const int now = v->p->buffer.at[view->tensor].depth ? v->part : v->time;
  if (v->first[view->tensor] < 0) v->first[view->tensor] = now;
  v->last[view->tensor] = now;
  if (out) {
    REQUIRE(b->home != HOME_INPUT && b->home != HOME_CONST, "%s writes %s", k->name, b->name);
    v->ready[view->tensor] = true;
  } else {
    bool given = b->home != HOME_WORK && b->home != HOME_DERIVED && b->home != HOME_OUTPUT;
    REQUIRE(given || v->ready[view->tensor], "%s reads %s before it is written", k->name, b->name);
    REQUIRE(v->entry == PLAN_PREPARE || b->offset != NO_PLACE, "%s reads %s, which has no place",
            k->name, b->name);
  }
}

static void verify_kernel(Verify *v, const Kernel *k, int depth) {
  bool reduced = false;
  REQUIRE(k->name && k->nout > 0, "a kernel without a name or a result");
  for (int l = 0; l < k->nloop; l++) {
    REQUIRE(!reduced || k->loop[l].reduced, "%s: a free loop after a reduced one", k->name);
    reduced |= k->loop[l].reduced;
    verify_bind(k, l, depth);
  }
  for (int i = 0; i < k->nin; i++) verify_use(v, k, &k->in[i], false, depth);
  for (int o = 0; o < k->nout; o++) {
    verify_use(v, k, &k->out[o].to, true, depth);
    REQUIRE(!k->out[o].combine || kernel_runs(k, &k->out[o]),
            "%s: points that sum to %s are no runs", k->name,
            v->p->buffer.at[k->out[o].to.tensor].name);
  }
}

/* ---- steps ---- */

static void verify_steps(Verify *v, const Steps *steps, int depth) {
  for (int i = 0; i < steps->n; i++) {
    Step *s = steps->at[i];
    v->time += depth == 0;
    v->part += depth <= 1;
    if (s->run) {
      verify_kernel(v, s->run, depth);
      continue;
    }
    REQUIRE(depth < MAX_NESTING && s->block > 0 && s->body.n > 0, "an empty step over %s", s->loop);
    REQUIRE(!s->parallel || depth == 0 || v->outer[depth - 1]->parallel,
            "a parallel step over %s inside one that is not", s->loop);
    v->outer[depth] = s;
    verify_steps(v, &s->body, depth + 1);
  }
}

/* ---- one writer; state is read before it is updated ---- */

typedef struct Written {
  int previous; /* of the same buffer; -1: none */
  PlanEntry entry;
  const Kernel *kernel;
  const View *to;
  Step *outer[MAX_NESTING];
  int depth;
} Written;

typedef struct Reader { /* the last one of a buffer */
  const Kernel *kernel;
  const Step *nest; /* the top-level step around it; NULL: none */
} Reader;

typedef struct Writers {
  const Plan *p;
  VEC(Written) at;
  int *last; /* per buffer */
  Reader *reader;
} Writers;

/* What is left of a coordinate's values where whole multiples of `unit` are taken away: a range. */
static Range rests(const Plan *p, const Kernel *k, const Coord *c, int32_t unit) {
  Coord rest = *c;
  Range r;
  for (int l = 0; l < k->nloop; l++)
    if (c->coef[l] % unit == 0) rest.coef[l] = 0;
  coord_range(k, &rest, p->max_batch, &r.lo, &r.hi);
  return (Range){r.lo, r.hi + 1};
}

/* Of 4 * i + j, parts with their own values of j have no element in common. */
static bool rests_apart(const Plan *p, const Kernel *a, const Coord *at, const Kernel *b,
                        const Coord *bt, int32_t unit) {
  const Range x = rests(p, a, at, unit), y = rests(p, b, bt, unit);
  const int64_t behind = y.lo - x.lo - floor_div(y.lo - x.lo, unit) * unit;
  return behind >= x.hi - x.lo && behind + (y.hi - y.lo) <= unit;
}

static bool axis_apart(const Plan *p, const Kernel *a, const Coord *at, const Kernel *b,
                       const Coord *bt) {
  Range x, y;
  coord_range(a, at, p->max_batch, &x.lo, &x.hi);
  coord_range(b, bt, p->max_batch, &y.lo, &y.hi);
  bool apart = x.hi < y.lo || y.hi < x.lo;
  for (int l = 0; l < a->nloop && coord_affine(at) && coord_affine(bt); l++)
    apart |= at->coef[l] > 1 && rests_apart(p, a, at, b, bt, at->coef[l]);
  return apart;
}

/* Do two kernels touch different elements of one buffer? */
static bool apart(const Plan *p, const Kernel *a, const View *at, const Kernel *b, const View *bt) {
  for (int i = 0; i < at->rank; i++)
    if (axis_apart(p, a, &at->at[i], b, &bt->at[i])) return true;
  return false;
}

/* Does an axis follow just the loop that step `step` cuts, by the same blocks of both views? */
static bool same_block(const Kernel *a, const View *at, const Kernel *b, const View *bt, int step) {
  for (int i = 0; i < at->rank; i++) {
    int l, m;
    if (!coord_is_loop(&at->at[i], &l) || !coord_is_loop(&bt->at[i], &m)) continue;
    const Bind x = a->bind[l], y = b->bind[m];
    if (x.step == step && y.step == step && x.mul == y.mul && x.from == y.from && x.to == y.to &&
        x.to - x.from <= x.mul)
      return true;
  }
  return false;
}

/* What blocks write that run at the same time, none of them reads of another. */
static void verify_blocks(const Writers *w, const Written *one, const Kernel *k, const View *v,
                          Step *const *outer, int depth) {
  const Buffer *b = &w->p->buffer.at[v->tensor];
  for (int d = 0; d < depth && d < one->depth && outer[d] == one->outer[d]; d++)
    REQUIRE(d < b->depth || !outer[d]->parallel || same_block(one->kernel, one->to, k, v, d) ||
                apart(w->p, one->kernel, one->to, k, v),
            "%s reads of %s what another block over %s writes", k->name, b->name, outer[d]->loop);
}

/* What entries change and keep. */
static bool is_state(const Buffer *b) {
  return b->home == HOME_PARAM || b->home == HOME_STATE;
}

static void verify_reader(Writers *w, PlanEntry entry, const Kernel *k, const View *v,
                          Step *const *outer, int depth) {
  const Buffer *b = &w->p->buffer.at[v->tensor];
  w->reader[v->tensor] = (Reader){k, depth ? outer[0] : NULL};
  for (int i = w->last[v->tensor]; i >= 0; i = w->at.at[i].previous) {
    const Written *one = &w->at.at[i];
    if (one->entry != entry) continue;
    REQUIRE(!is_state(b) || apart(w->p, one->kernel, one->to, k, v),
            "%s reads %s after its update by %s", k->name, b->name, one->kernel->name);
    verify_blocks(w, one, k, v, outer, depth);
  }
}

/* A kernel that replaces what it reads reads just the element that it is to write. */
static void verify_in_place(const Kernel *k, const View *to, const char *buffer) {
  for (int i = 0; i < k->nin; i++)
    for (int a = 0; a < to->rank && k->in[i].tensor == to->tensor; a++)
      REQUIRE(coord_same(&k->in[i].at[a], &to->at[a]),
              "%s reads other elements of %s than it writes", k->name, buffer);
}

/* Does an entry run instead of another one? */
static bool stands_for(PlanEntry entry, PlanEntry other) {
  return entry == PLAN_TRAIN_STEP && (other == PLAN_BACKWARD || other == PLAN_STEP);
}

static void verify_writer(Writers *w, PlanEntry entry, const Kernel *k, const View *to,
                          Step *const *outer, int depth) {
  const Step *nest = depth ? outer[0] : NULL;
  const Buffer *b = &w->p->buffer.at[to->tensor];
  const Reader *reader = &w->reader[to->tensor];
  Written one = {.previous = w->last[to->tensor], .entry = entry, .kernel = k, .to = to};
  one.depth = depth;
  for (int d = 0; d < depth; d++) one.outer[d] = outer[d];
  for (int i = one.previous; i >= 0; i = w->at.at[i].previous) {
    const Written *other = &w->at.at[i];
    REQUIRE(stands_for(entry, other->entry) || apart(w->p, other->kernel, other->to, k, to),
            "%s and %s write the same part of %s", other->kernel->name, k->name, b->name);
  }
  REQUIRE(!is_state(b) || !nest || reader->nest != nest || reader->kernel == k,
          "%s updates %s block by block beside %s, which reads it", k->name, b->name,
          reader->kernel ? reader->kernel->name : "");
  verify_in_place(k, to, b->name);
  w->last[to->tensor] = w->at.n;
  vec_push(w->p->u->arena, &w->at, one);
}

static void verify_order(void *context, PlanEntry entry, Kernel *k, Step *const *outer, int depth) {
  for (int i = 0; i < k->nin; i++) verify_reader(context, entry, k, &k->in[i], outer, depth);
  for (int o = 0; o < k->nout; o++) verify_writer(context, entry, k, &k->out[o].to, outer, depth);
}

/* ---- places ---- */

static bool placed(const Plan *p, PlanEntry entry) {
  return p->work_bytes[entry] > 0 || p->worker_bytes[entry] > 0;
}

static void verify_places(const Verify *v) {
  const Plan *p = v->p;
  for (int a = 0; a < p->buffer.n; a++) {
    const Buffer *x = &p->buffer.at[a];
    if (x->home != HOME_WORK || v->first[a] < 0) continue;
    int64_t end = x->offset + buffer_bytes(x, p->max_batch);
    REQUIRE(end <= (x->depth ? p->worker_bytes : p->work_bytes)[v->entry], "%s lies outside",
            x->name);
    for (int b = 0; b < a; b++) {
      const Buffer *y = &p->buffer.at[b];
      bool apart = y->home != HOME_WORK || v->first[b] < 0 || (x->depth > 0) != (y->depth > 0) ||
                   v->last[a] < v->first[b] || v->last[b] < v->first[a];
      REQUIRE(apart || y->offset >= end || x->offset >= y->offset + buffer_bytes(y, p->max_batch),
              "%s and %s overlap", x->name, y->name);
    }
  }
}

void plan_verify(const Plan *p) {
  Verify v = {.p = p, .ready = NEW_ARRAY(p->u->arena, bool, p->buffer.n)};
  v.first = NEW_ARRAY(p->u->arena, int, p->buffer.n);
  v.last = NEW_ARRAY(p->u->arena, int, p->buffer.n);
  for (int b = 0; b < p->buffer.n; b++) verify_buffer(&p->buffer.at[b]);
  for (v.entry = 0; v.entry < PLAN_ENTRIES; v.entry++) {
    for (int b = 0; b < p->buffer.n; b++) v.first[b] = -1;
    for (int b = 0; b < p->buffer.n; b++)
      if (p->buffer.at[b].home == HOME_WORK) v.ready[b] = false;
    if (p->entry[v.entry].exists) verify_steps(&v, &p->entry[v.entry].step, 0);
    if (placed(p, v.entry)) verify_places(&v);
  }
  Writers w = {.p = p, .last = NEW_ARRAY(p->u->arena, int, p->buffer.n)};
  w.reader = NEW_ARRAY(p->u->arena, Reader, p->buffer.n);
  for (int b = 0; b < p->buffer.n; b++) w.last[b] = -1;
  plan_leaves(p, verify_order, &w);
}
