/* plan.c - building Plans, and where the elements of their buffers lie.
 *
 * A buffer's physical box is cut into rows as its Format says; buffer_layout turns that into
 * strides. */
#include "plan.h"
#include "narrow.h"
#include "backend.h"

#include <limits.h>
#include <math.h>
#include <string.h>

Format format_plain(DType dtype) {
  return (Format){.dtype = dtype, .lane_axis = -1, .lanes = 1};
}

Plan *plan_new(Unit *u, const Graph *g, const Target *target, int64_t max_batch) {
  Plan *p = NEW(u->arena, Plan);
  p->u = u;
  p->graph = g;
  p->target = target;
  p->max_batch = max_batch;
  plan_allow_error(p, PLAN_MAX_ERROR);
  return p;
}

void plan_allow_error(Plan *p, double most) {
  p->max_error = most;
  for (int r = 0; r < ROLES; r++) p->max_growth[r] = INFINITY;
  p->max_tile = INT_MAX;
}

bool plan_weights_are_cold(const Plan *p) {
  int64_t bytes = 0;
  for (int b = 0; b < p->buffer.n; b++)
    if (p->buffer.at[b].home == HOME_PARAM)
      bytes += type_size(&p->buffer.at[b].type, 1) * (int64_t)sizeof(float);
  return p->cold || (double)bytes >= p->target->machine.l3 / 2;
}

int plan_buffer(Plan *p, Buffer b) {
  if (!b.name) b.name = "t";
  for (int a = 0; a < MAX_RANK; a++)
    if (b.part[a].mul == 0) b.part[a] = (Bind){.step = -1};
  vec_push(p->u->arena, &p->buffer, b);
  return p->buffer.n - 1;
}

Step *plan_leaf(Plan *p, const Kernel *k) {
  Step *leaf = NEW(p->u->arena, Step);
  leaf->run = NEW(p->u->arena, Kernel);
  *leaf->run = *k;
  for (int l = 0; l < MAX_LOOPS; l++)
    if (leaf->run->bind[l].mul == 0) leaf->run->bind[l] = (Bind){.step = -1};
  return leaf;
}

typedef struct Walk {
  PlanEntry entry;
  LeafVisit visit;
  void *context;
  Step *outer[MAX_NESTING];
} Walk;

static void walk_steps(Walk *w, const Steps *steps, int depth) {
  for (int i = 0; i < steps->n; i++) {
    Step *s = steps->at[i];
    if (s->run) {
      w->visit(w->context, w->entry, s->run, w->outer, depth);
      continue;
    }
    if (depth == MAX_NESTING) BUG("steps nest deeper than %d", MAX_NESTING);
    w->outer[depth] = s;
    walk_steps(w, &s->body, depth + 1);
  }
}

void plan_leaves(const Plan *p, LeafVisit visit, void *context) {
  for (int e = 0; e < PLAN_ENTRIES; e++) {
    Walk w = {.entry = e, .visit = visit, .context = context};
    if (p->entry[e].exists) walk_steps(&w, &p->entry[e].step, 0);
  }
}

Range bind_range(const Kernel *k, int l, const Range *block, int64_t n) {
  const int64_t extent = extent_at(k->loop[l].extent, n);
  const Bind b = k->bind[l];
  if (b.step < 0) return (Range){0, extent};
  const int64_t lo = b.mul * block[b.step].lo + b.from, hi = b.mul * (block[b.step].hi - 1) + b.to;
  return (Range){lo < 0 ? 0 : lo, hi > extent ? extent : hi};
}

Step *plan_own_step(const Plan *p, PlanEntry entry, int i) {
  const Steps *steps = &p->entry[entry].step, *backward = &p->entry[PLAN_BACKWARD].step;
  if (i >= steps->n) return NULL;
  if (entry != PLAN_TRAIN_STEP) return steps->at[i];
  return i < backward->n && steps->at[i] != backward->at[i] ? steps->at[i] : NULL;
}

bool plan_updates_early(const Plan *p, int i) {
  const Steps *all = &p->entry[PLAN_TRAIN_STEP].step;
  bool left = false;
  for (int s = p->entry[PLAN_BACKWARD].step.n; s < all->n; s++)
    left |= all->at[s] == p->entry[PLAN_STEP].step.at[i];
  return all->n > 0 && !left;
}

bool step_reads(const Step *s, int buffer) {
  bool reads = s->run && kernel_reads(s->run, buffer);
  for (int i = 0; i < s->body.n && !reads; i++) reads = step_reads(s->body.at[i], buffer);
  return reads;
}

bool step_writes(const Step *s, int buffer) {
  bool writes = s->run && kernel_writes(s->run, buffer);
  for (int i = 0; i < s->body.n && !writes; i++) writes = step_writes(s->body.at[i], buffer);
  return writes;
}

const char *step_algo(const Step *s) {
  const char *name = s->run ? s->run->algo : NULL;
  for (int i = 0; i < s->body.n && !name; i++) name = step_algo(s->body.at[i]);
  return name;
}

void step_titles(Text *out, const Step *s) {
  const Kernel *k = s->run;
  for (int i = 0; i < s->body.n; i++) step_titles(out, s->body.at[i]);
  if (k) text_add(out, "%s%s", out->n ? "; " : "", kernel_title(k));
  if (k && k->role != ROLE_FWD) text_add(out, " (%s)", role_names[k->role]);
}

/* ---- lanes ---- */

/* Do products round their operands? */
static bool rounds(const Plan *p) {
  return p->target->language->blocks && p->precision != PRECISION_F32;
}

/* Gradients would vanish in f16. */
DType plan_stored(const Plan *p) {
  if (!rounds(p)) return p->graph->real;
  if (p->precision == PRECISION_F16 && !p->entry[PLAN_BACKWARD].exists) return F16;
  return p->precision == PRECISION_BF16 ? BF16 : F32;
}

bool plan_trains_narrow(const Plan *p) {
  return p->entry[PLAN_BACKWARD].exists && dtype_narrow(plan_stored(p));
}

/* Training has chunks of 16-bit numbers only. */
int plan_lanes(const Plan *p) {
  const bool chunks = rounds(p) && (!p->entry[PLAN_BACKWARD].exists || plan_trains_narrow(p));
  return chunks ? PLAN_CHUNK : p->target->lanes;
}

Format format_lanes(const Plan *p, const Type *type) {
  Format f = format_plain(type->dtype);
  const bool rest = type->rank > 1 && type->dim[1].plus % plan_lanes(p) != 0;
  if (type->rank <= 2 || plan_lanes(p) == 1 || type->dim[1].per_n) return f;
  if (rest && !p->target->language->margins) return f;
  f.lane_axis = 1;
  f.lanes = (int16_t)plan_lanes(p);
  return f;
}

Format format_batch(const Plan *p, const Type *type) {
  Format f = format_plain(type->dtype);
  const int lanes = p->target->lanes;
  const bool images = type->rank > 1 && type->dim[0].per_n == 1 && type->dim[0].plus == 0;
  if (!images || type->dtype != F32 || lanes == 1 || p->max_batch < lanes) return f;
  f.lane_axis = 0;
  f.lanes = (int16_t)lanes;
  return f;
}

/* ---- places ---- */

/* Elements along an axis that exist, without margins. */
static int64_t axis_extent(const Buffer *b, int axis, int64_t n) {
  bool bound = b->depth > 0 && b->part[axis].step >= 0;
  return bound ? b->span[axis] : extent_at(b->type.dim[axis], n);
}

Layout buffer_layout(const Buffer *b, int64_t n) {
  const Format *f = &b->format;
  bool cut = f->lane_axis >= 0 && f->lanes > 1;
  Layout out = {.lane_axis = cut ? f->lane_axis : -1, .lanes = cut ? f->lanes : 1};
  int64_t stride = out.lanes;
  for (int a = b->type.rank - 1; a >= 0; a--) {
    int64_t unit = a == out.lane_axis ? out.lanes : 1;
    int64_t box = f->lo[a] + axis_extent(b, a, n) + f->hi[a];
    out.stride[a] = stride;
    out.origin += f->lo[a] / unit * stride;
    stride *= (box + unit - 1) / unit;
  }
  out.size = stride;
  return out;
}

int64_t buffer_bytes(const Buffer *b, int64_t n) {
  return BUFFER_ALIGNED(buffer_layout(b, n).size * dtype_size(b->format.dtype));
}

bool buffer_has_margin(const Buffer *b) {
  for (int a = 0; a < b->type.rank; a++)
    if (b->format.lo[a] || b->format.hi[a]) return true;
  return false;
}

bool buffer_in_batch(const Buffer *b) {
  return b->format.lane_axis == 0 && b->type.dim[0].per_n > 0;
}

bool choice_is_of(const Choice *c, const Kernel *k) {
  return c->layer && k->name && c->role == k->role && strcmp(c->layer, k->name) == 0;
}

const Decision *plan_decision(const Plan *p, const Choice *c) {
  const char *name = role_kernel(p->u->arena, c->layer, c->role);
  for (int i = 0; i < p->decision.n; i++) {
    const Decision *d = &p->decision.at[i];
    if (d->entry == c->entry && strcmp(d->kernel, name) == 0) return d;
  }
  return NULL;
}

int view_tests(const Plan *p, const Kernel *k, const View *v, int axis) {
  if (v->outside == INSIDE) return 0;
  const Buffer *b = &p->buffer.at[v->tensor];
  const Coord *c = &v->at[axis];
  /* Divisions of what lies before a tensor round towards zero in C. */
  const bool filled = v->outside == FILL && v->fill == b->format.fill && coord_affine(c);
  const int64_t margin_lo = filled ? b->format.lo[axis] : 0,
                margin_hi = filled ? b->format.hi[axis] : 0;
  int found = c->exact && c->div > 1 ? TEST_EXACT : 0;
  for (int i = 0; i < 2; i++) {
    int64_t lo, hi, n = i ? p->max_batch : 1;
    coord_range(k, c, n, &lo, &hi);
    if (lo < -margin_lo) found |= TEST_BELOW;
    if (hi >= extent_at(b->type.dim[axis], n) + margin_hi) found |= TEST_ABOVE;
  }
  return found;
}

bool view_moves_by_one(const Plan *p, const Kernel *k, const View *v, int l) {
  const Buffer *b = &p->buffer.at[v->tensor];
  const Layout layout = buffer_layout(b, p->max_batch);
  const int lanes = plan_lanes(p);
  if (b->format.dtype != F32) return false;
  if (lanes == 1) return true;
  for (int a = 0; a < v->rank; a++) {
    if (!coord_uses(&v->at[a], l)) continue;
    const bool unit = layout.lane_axis >= 0 ? a == layout.lane_axis : layout.stride[a] == 1;
    if (!unit || v->at[a].coef[l] != 1 || !coord_affine(&v->at[a]) || view_tests(p, k, v, a))
      return false;
    if (layout.lane_axis < 0) continue;
    if (layout.lanes != lanes || !coord_lines_up(&v->at[a], l, lanes)) return false;
  }
  return true;
}

int lanes_of_loop(const Plan *p, const View *x, int l) {
  const Format *f = &p->buffer.at[x->tensor].format;
  return f->lanes > 1 && coord_uses(&x->at[f->lane_axis], l) ? f->lanes : 1;
}

int64_t view_step(const Layout *layout, const View *v, int l) {
  int64_t step = 0;
  for (int a = 0; a < v->rank; a++)
    step += v->at[a].coef[l] * (a == layout->lane_axis ? 1 : layout->stride[a]);
  return step;
}

bool loops_follow(const Plan *p, const Kernel *k, int outer, int inner) {
  const int64_t run = k->loop[inner].extent.plus;
  if (k->loop[inner].extent.per_n) return false;
  for (int i = 0; i < k->nin + k->nout; i++) {
    const View *v = kernel_view(k, i);
    const Layout layout = buffer_layout(&p->buffer.at[v->tensor], p->max_batch);
    const int lane = layout.lane_axis; /* a step along it is no distance */
    if (lane >= 0 && (coord_uses(&v->at[lane], outer) || coord_uses(&v->at[lane], inner)))
      return false;
    if (view_step(&layout, v, outer) != run * view_step(&layout, v, inner)) return false;
  }
  return true;
}
