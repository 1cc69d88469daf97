/* interp_plan.c - runs a Plan in double, as it lies in memory: formats, margins, steps, scoped
 * buffers. All memory starts as NaN, so whatever a kernel reads before somebody wrote it shows in
 * the results. */
#include "interp.h"
#include "narrow.h"
#include "plan.h"

#include <math.h>
#include <string.h>

typedef struct Machinery {
  const Plan *plan;
  Arena *arena; /* of this run */
  int64_t n;
  bool round; /* derived memory holds what the emitted library would: rounded to its dtype */
  Array *array;
  Layout *layout;
  Range block[MAX_NESTING]; /* where each enclosing step is */
} Machinery;

/* ---- memory ---- */

static double *poisoned(Arena *arena, int64_t size) {
  double *at = NEW_ARRAY(arena, double, size);
  for (int64_t i = 0; i < size; i++) at[i] = NAN;
  return at;
}

/* Memory that an entry has nothing to do with may be missing. */
static double *callers(double *const *memory, int index) {
  return memory ? memory[index] : NULL;
}

static double *buffer_memory(Arena *arena, const Buffer *b, const PlanRun *run, int64_t size) {
  switch (b->home) {
  case HOME_INPUT: return callers(run->input, b->index);
  case HOME_OUTPUT: return callers(run->output, b->index);
  case HOME_PARAM: return callers(run->param, b->index);
  case HOME_STATE: return callers(run->state, b->index);
  case HOME_GRAD: return callers(run->grad, b->index);
  case HOME_CONST: return (double *)(uintptr_t)b->value; /* kernels only read it */
  default: return poisoned(arena, size);
  }
}

static void open_buffer(Machinery *m, int index, const PlanRun *run) {
  const Buffer *b = &m->plan->buffer.at[index];
  Layout layout = buffer_layout(b, m->n);
  Array *a = &m->array[index];
  *a = (Array){.type = b->type,
               .origin = layout.origin,
               .lane_axis = layout.lane_axis,
               .lanes = layout.lanes};
  for (int i = 0; i < b->type.rank; i++) {
    a->stride[i] = layout.stride[i];
    a->lo[i] = b->format.lo[i];
    a->hi[i] = b->format.hi[i];
  }
  m->layout[index] = layout;
  a->at = buffer_memory(m->arena, b, run, layout.size);
}

/* Moves the origin of a scoped buffer so that logical coordinates find the part of this block. */
static void place_part(Machinery *m, int index) {
  const Buffer *b = &m->plan->buffer.at[index];
  Array *a = &m->array[index];
  a->origin = m->layout[index].origin;
  for (int i = 0; i < b->type.rank; i++) {
    if (b->part[i].step < 0) continue;
    int64_t from = b->part[i].mul * m->block[b->part[i].step].lo + b->part[i].from;
    int64_t unit = i == a->lane_axis ? a->lanes : 1;
    if (from % unit != 0) BUG("%s: the part of axis %d splits a block of lanes", b->name, i);
    a->origin -= from / unit * a->stride[i];
  }
  for (int64_t i = 0; i < m->layout[index].size; i++) a->at[i] = NAN;
}

/* ---- margins ---- */

/* The physical positions of an axis whose clamped coordinate is c. */
static Range clamped_to(const Machinery *m, int tensor, int axis, int64_t c) {
  const Buffer *b = &m->plan->buffer.at[tensor];
  int64_t extent = extent_at(b->type.dim[axis], m->n);
  int64_t hi = b->format.hi[axis];
  if (axis == m->layout[tensor].lane_axis) {
    int64_t lanes = m->layout[tensor].lanes, box = b->format.lo[axis] + extent + hi;
    hi += (lanes - box % lanes) % lanes;
  }
  return (Range){c == 0 ? -b->format.lo[axis] : c, c == extent - 1 ? extent + hi : c + 1};
}

/* Writes the margin elements whose clamped coordinate is c. */
static void write_margin(const Machinery *m, int tensor, const int64_t *c) {
  const Buffer *b = &m->plan->buffer.at[tensor];
  int rank = b->type.rank;
  Range range[MAX_RANK];
  int64_t at[MAX_RANK], total = 1;
  for (int a = 0; a < rank; a++) {
    range[a] = clamped_to(m, tensor, a, c[a]);
    total *= range[a].hi - range[a].lo;
  }
  for (int64_t i = 0; i < total && total > 1; i++) {
    int64_t rest = i;
    for (int a = rank - 1; a >= 0; a--) {
      int64_t extent = range[a].hi - range[a].lo;
      at[a] = range[a].lo + rest % extent;
      rest /= extent;
    }
    if (memcmp(at, c, sizeof *c * (size_t)rank) != 0)
      m->array[tensor].at[array_offset(&m->array[tensor], at)] = b->format.fill;
  }
}

static bool has_margin(const Machinery *m, int tensor) {
  const Buffer *b = &m->plan->buffer.at[tensor];
  int axis = m->layout[tensor].lane_axis;
  if (buffer_has_margin(b)) return true;
  return axis >= 0 && extent_at(b->type.dim[axis], m->n) % m->layout[tensor].lanes != 0;
}

/* A kernel that writes a buffer with margins writes those of the elements it wrote. */
static void write_margins(const Machinery *m, const Kernel *k, const Out *out, const Range *range) {
  int tensor = out->to.tensor;
  if (!has_margin(m, tensor)) return;
  int64_t loop[MAX_LOOPS] = {0}, total = 1;
  for (int l = 0; l < k->nloop; l++) {
    loop[l] = range[l].lo;
    if (!k->loop[l].reduced) total *= range[l].hi > range[l].lo ? range[l].hi - range[l].lo : 0;
  }
  for (int64_t i = 0; i < total; i++) {
    int64_t rest = i, c[MAX_RANK];
    for (int l = k->nloop - 1; l >= 0; l--) {
      if (k->loop[l].reduced) continue;
      int64_t extent = range[l].hi - range[l].lo;
      loop[l] = range[l].lo + rest % extent;
      rest /= extent;
    }
    for (int a = 0; a < out->to.rank; a++) {
      c[a] = interp_linear(&out->to.at[a], loop, k->nloop);
      interp_divided(&out->to.at[a], &c[a]);
    }
    write_margin(m, tensor, c);
  }
}

/* ---- steps ---- */

/* Memory of 16 bits rounds what it is given;
 * to f32 only what the emitted library would is rounded. */
static void round_buffer(const Machinery *m, int tensor) {
  const Buffer *b = &m->plan->buffer.at[tensor];
  const DType dtype = b->format.dtype;
  const bool narrow = dtype_narrow(dtype);
  if (!narrow && (!m->round || b->home != HOME_DERIVED || dtype != F32)) return;
  double *at = m->array[tensor].at;
  for (int64_t i = 0; i < m->layout[tensor].size; i++)
    at[i] = narrow ? narrow_round(dtype, at[i]) : (double)(float)at[i];
}

static void run_leaf(const Machinery *m, const Kernel *k) {
  Range range[MAX_LOOPS];
  double scalar[SCALARS];
  graph_scalars(m->plan->graph, m->n, scalar);
  for (int l = 0; l < k->nloop; l++) range[l] = bind_range(k, l, m->block, m->n);
  kernel_run(k, m->array, scalar, range, m->n);
  for (int o = 0; o < k->nout; o++) {
    write_margins(m, k, &k->out[o], range);
    round_buffer(m, k->out[o].to.tensor);
  }
}

/* The scoped buffers of a step begin anew with each block. */
static void place_parts(Machinery *m, const Step *s, int depth) {
  for (int b = 0; b < m->plan->buffer.n; b++)
    if (m->plan->buffer.at[b].depth == depth && step_writes(s, b)) place_part(m, b);
}

static void run_steps(Machinery *m, const Steps *steps, int depth) {
  for (int i = 0; i < steps->n; i++) {
    const Step *s = steps->at[i];
    if (s->run) {
      run_leaf(m, s->run);
      continue;
    }
    int64_t extent = extent_at(s->extent, m->n);
    for (int64_t lo = 0; lo < extent; lo += s->block) {
      m->block[depth] = (Range){lo, lo + s->block < extent ? lo + s->block : extent};
      place_parts(m, s, depth + 1);
      run_steps(m, &s->body, depth + 1);
    }
  }
}

static Machinery machinery(const Plan *p, const PlanRun *run, Arena *arena) {
  Machinery m = {.plan = p, .arena = arena, .n = run->n};
  m.array = NEW_ARRAY(arena, Array, p->buffer.n);
  m.layout = NEW_ARRAY(arena, Layout, p->buffer.n);
  for (int b = 0; b < p->buffer.n; b++) open_buffer(&m, b, run);
  return m;
}

/* What must have run before an entry, so that the memory it reads holds something. */
static const PlanEntry before[PLAN_ENTRIES] = {
    [PLAN_PREPARE] = PLAN_PREPARE,
    [PLAN_FORWARD] = PLAN_PREPARE,
    [PLAN_TRAIN_FORWARD] = PLAN_PREPARE,
    [PLAN_BACKWARD] = PLAN_TRAIN_FORWARD,
    [PLAN_STEP] = PLAN_STEP,
    [PLAN_TRAIN_STEP] = PLAN_TRAIN_FORWARD,
};

static void run_entry(Machinery *m, PlanEntry entry) {
  if (before[entry] != entry) run_entry(m, before[entry]);
  run_steps(m, &m->plan->entry[entry].step, 0);
}

void plan_run(const Plan *p, PlanEntry entry, const PlanRun *run) {
  Arena *arena = arena_new();
  Machinery m = machinery(p, run, arena);
  run_entry(&m, entry);
  arena_free(arena);
}

static void store(const Buffer *b, const double *at, int64_t size, char *bytes) {
  for (int64_t i = 0; i < size; i++) {
    const float single = (float)at[i];
    const uint16_t half = dtype_narrow(b->format.dtype) ? narrow_bits(b->format.dtype, at[i]) : 0;
    if (b->format.dtype == F64)
      memcpy(bytes + b->offset + 8 * i, &at[i], 8);
    else if (dtype_narrow(b->format.dtype))
      memcpy(bytes + b->offset + 2 * i, &half, 2);
    else
      memcpy(bytes + b->offset + 4 * i, &single, 4);
  }
}

void *plan_bake(const Plan *p, double *const *param, int64_t *bytes) {
  Arena *arena = arena_new();
  PlanRun run = {.param = (double **)(uintptr_t)param, .n = 1}; /* prepare only reads them */
  Machinery m = machinery(p, &run, arena);
  m.round = true;
  run_entry(&m, PLAN_PREPARE);
  *bytes = p->param_bytes + p->derived_bytes;
  char *result = arena_alloc(p->u->arena, (size_t)*bytes + 1);
  for (int i = 0; i < p->buffer.n; i++) {
    const Buffer *b = &p->buffer.at[i];
    if (b->home == HOME_PARAM && b->offset != NO_PLACE)
      store(b, m.array[i].at, m.layout[i].size, result);
    if (b->home == HOME_DERIVED) store(b, m.array[i].at, m.layout[i].size, result + p->param_bytes);
  }
  arena_free(arena);
  return result;
}
