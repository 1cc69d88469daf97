/* plan_parse.c - plan_parse reads the text form of a Plan, which plan_text.c describes. */
#include "text.h"
#include "algos.h"
#include "backend.h"

#include <string.h>

static const int64_t most = (int64_t)1 << 50;

static bool parse_int32(Scan *s, int64_t least, int64_t largest, int32_t *value) {
  int64_t wide;
  if (!scan_int(s, least, largest, &wide)) return false;
  *value = (int32_t)wide;
  return true;
}

static bool parse_bind(Scan *s, Bind *b) {
  int32_t step;
  if (!parse_int32(s, -1, MAX_NESTING - 1, &step) || !scan_need(s, ":")) return false;
  b->step = (int8_t)step;
  return parse_int32(s, INT16_MIN, INT32_MAX, &b->mul) && scan_need(s, ",") &&
         parse_int32(s, INT32_MIN, INT32_MAX, &b->from) && scan_need(s, ",") &&
         parse_int32(s, INT32_MIN, INT32_MAX, &b->to);
}

/* "word N" pairs in their order. */
static bool parse_bytes(Scan *s, const char *word, int64_t *value) {
  return scan_need(s, word) && scan_int(s, 0, most, value);
}

static bool parse_margin(Scan *s, Buffer *b) {
  for (int a = 0; a < b->type.rank; a++) {
    int32_t lo, hi;
    if ((a && !scan_need(s, ",")) || !parse_int32(s, 0, INT16_MAX, &lo) || !scan_need(s, ":") ||
        !parse_int32(s, 0, INT16_MAX, &hi))
      return false;
    b->format.lo[a] = (int16_t)lo;
    b->format.hi[a] = (int16_t)hi;
  }
  return true;
}

static bool parse_lanes(Scan *s, Buffer *b) {
  int32_t axis, lanes;
  if (!parse_int32(s, 0, b->type.rank - 1, &axis) || !scan_need(s, ":") ||
      !parse_int32(s, 2, 1024, &lanes))
    return false;
  b->format.lane_axis = (int8_t)axis;
  b->format.lanes = (int16_t)lanes;
  return true;
}

static bool parse_parts(Scan *s, Buffer *b) {
  if (!parse_int32(s, 1, MAX_NESTING, &b->depth) || !scan_need(s, "part")) return false;
  for (int a = 0; a < b->type.rank; a++)
    if (!parse_bind(s, &b->part[a]) || !scan_need(s, ",") || !scan_int(s, 0, most, &b->span[a]))
      return false;
  return true;
}

static bool parse_dtype(Scan *s, DType *dtype) {
  const char *names[DTYPES];
  for (int i = 0; i < DTYPES; i++) names[i] = dtype_name((DType)i);
  int found = scan_choice(s, "a type of elements", names, DTYPES);
  *dtype = found < 0 ? F32 : (DType)found;
  return found >= 0;
}

static bool parse_values(Scan *s, Buffer *b) {
  int64_t size = type_size(&b->type, 1);
  if (size < 1 || size > 1 << 24) return scan_error(s, "values of so many elements");
  double *value = NEW_ARRAY(s->u->arena, double, size);
  for (int64_t i = 0; i < size; i++)
    if ((i && !scan_need(s, ",")) || !scan_number(s, &value[i])) return false;
  b->value = value;
  return true;
}

static const char *parse_name(Scan *s) {
  const char *name = scan_word(s);
  if (name && *name != '%') {
    scan_error(s, "a buffer's name begins with %%");
    return NULL;
  }
  return name ? name + 1 : NULL;
}

static bool parse_buffer(Scan *s, Plan *p) {
  Buffer b = {.name = parse_name(s)};
  int32_t index;
  if (!b.name || !scan_need(s, ":") || !scan_type(s, &b.type)) return false;
  int home = scan_choice(s, "a buffer's home", plan_home_names, HOMES);
  if (home < 0 || !parse_int32(s, 0, INT32_MAX, &index)) return false;
  int phase = scan_choice(s, "a phase", plan_phase_names, PHASES);
  if (phase < 0) return false;
  b.home = (Home)home;
  b.index = index;
  b.phase = (Phase)phase;
  b.format = format_plain(b.type.dtype);
  if (scan_has(s, "as") && !parse_dtype(s, &b.format.dtype)) return false;
  if (scan_has(s, "lanes") && !parse_lanes(s, &b)) return false;
  if (scan_has(s, "margin") && !parse_margin(s, &b)) return false;
  if (scan_has(s, "fill") && !scan_number(s, &b.format.fill)) return false;
  if (scan_has(s, "depth") && !parse_parts(s, &b)) return false;
  if (scan_has(s, "nowhere")) b.offset = NO_PLACE;
  if (scan_has(s, "at") && !scan_int(s, 0, most, &b.offset)) return false;
  if (scan_has(s, "value") && !parse_values(s, &b)) return false;
  plan_buffer(p, b);
  return true;
}

static bool find_buffer(void *context, const char *name, int *tensor) {
  const Plan *p = context;
  for (*tensor = 0; *tensor < p->buffer.n; ++*tensor)
    if (*name == '%' && strcmp(p->buffer.at[*tensor].name, name + 1) == 0) return true;
  return false;
}

static bool parse_tile(Scan *s, Tile *tile) {
  do {
    const char *name = scan_word(s);
    int32_t value;
    if (!name || !scan_need(s, "=") || !parse_int32(s, INT32_MIN, INT32_MAX, &value)) return false;
    if (tile->n == MAX_TILE) return scan_error(s, "a tile has at most %d names", MAX_TILE);
    tile_set(tile, name, value);
  } while (scan_has(s, ","));
  return true;
}

typedef struct Binds { /* by name, until the kernel's loops are known */
  int n;
  const char *loop[MAX_LOOPS];
  Bind bind[MAX_LOOPS];
} Binds;

static bool parse_binds(Scan *s, Binds *binds) {
  do {
    if (binds->n == MAX_LOOPS) return scan_error(s, "more binds than loops");
    binds->loop[binds->n] = scan_word(s);
    if (!binds->loop[binds->n] || !scan_need(s, "=") || !parse_bind(s, &binds->bind[binds->n]))
      return false;
    binds->n++;
    /* The kernel's head follows, "NAME:"; another bind has a "=". */
  } while (*s->at == ' ');
  return true;
}

static bool apply_binds(Scan *s, const Binds *binds, Kernel *k) {
  for (int i = 0; i < binds->n; i++) {
    int l = k->nloop - 1;
    while (l >= 0 && strcmp(k->loop[l].name, binds->loop[i]) != 0) l--;
    if (l < 0) return scan_error(s, "%.60s binds no loop of the kernel above", binds->loop[i]);
    k->bind[l] = binds->bind[i];
  }
  return true;
}

static bool parse_leaf(Scan *s, Plan *p, Steps *steps) {
  Kernel k, head = {.algo = scan_word(s)};
  Binds binds = {.n = 0};
  const Algo *algo = head.algo ? algo_find(head.algo) : NULL;
  if (head.algo && !algo && strcmp(head.algo, "plain") != 0)
    return scan_error(s, "no algorithm is called %.60s", head.algo);
  if (!parse_dtype(s, &head.math)) return false;
  if (scan_has(s, "macs") && !scan_int(s, 0, most, &head.macs)) return false;
  if (scan_has(s, "covers") && !(head.covers = scan_word(s))) return false;
  if (scan_has(s, "tile") && !parse_tile(s, &head.tile)) return false;
  if (scan_has(s, "bind") && !parse_binds(s, &binds)) return false;
  if (!kernel_parse(s, find_buffer, p, &k) || !apply_binds(s, &binds, &k)) return false;
  k.algo = algo ? algo->name : NULL;
  k.math = head.math;
  k.macs = head.macs;
  k.covers = head.covers;
  k.tile = head.tile;
  vec_push(s->u->arena, steps, plan_leaf(p, &k));
  return true;
}

static bool parse_steps(Scan *s, Plan *p, Steps *steps, int depth) {
  for (;;) {
    if (scan_has(s, "run")) {
      if (!parse_leaf(s, p, steps)) return false;
      continue;
    }
    bool parallel = scan_has(s, "parallel");
    if (!parallel && !scan_has(s, "loop")) return !s->failed;
    if (depth == MAX_NESTING) return scan_error(s, "steps nest deeper than %d", MAX_NESTING);
    Step *step = NEW(s->u->arena, Step);
    step->parallel = parallel;
    step->loop = scan_word(s);
    if (!step->loop || !scan_need(s, "<") || !scan_extent(s, &step->extent) ||
        !scan_need(s, "by") || !parse_int32(s, 1, INT32_MAX, &step->block) || !scan_need(s, "{") ||
        !parse_steps(s, p, &step->body, depth + 1) || !scan_need(s, "}"))
      return false;
    vec_push(s->u->arena, steps, step);
  }
}

static bool parse_entry(Scan *s, Plan *p) {
  int e = scan_choice(s, "an entry", plan_entry_names, PLAN_ENTRIES);
  if (e < 0) return false;
  p->entry[e].exists = true;
  return parse_bytes(s, "work", &p->work_bytes[e]) &&
         parse_bytes(s, "worker", &p->worker_bytes[e]) &&
         parse_bytes(s, "live", &p->live_bytes[e]) && parse_steps(s, p, &p->entry[e].step, 0);
}

static bool parse_choice(Scan *s, Plan *p) {
  Choice c = {.layer = scan_word(s), .entry = PLAN_FORWARD, .predicted = -1};
  for (PlanEntry e = PLAN_TRAIN_FORWARD; e < PLAN_ENTRIES; e++)
    if (scan_has(s, plan_entry_names[e])) c.entry = e;
  for (Role role = ROLE_DGRAD; role < ROLES; role++)
    if (scan_has(s, role_names[role])) c.role = role;
  const char *name = scan_word(s);
  const Algo *algo = name ? algo_find(name) : NULL;
  if (name && !algo) return scan_error(s, "no algorithm is called %.60s", name);
  if (!algo ||
      (scan_has(s, "refused") ? !(c.reason = scan_word(s)) : !scan_number(s, &c.predicted)))
    return false;
  c.algo = algo->name;
  c.taken = scan_has(s, "taken");
  vec_push(s->u->arena, &p->choice, c);
  return true;
}

static bool parse_plan(Scan *s, Plan *p) {
  if (!scan_need(s, "plan") || !scan_word(s) || !scan_need(s, "target") || !scan_word(s) ||
      !scan_need(s, "batch") || !scan_int(s, 1, most, &p->max_batch) || !scan_need(s, "bytes") ||
      !parse_bytes(s, "param", &p->param_bytes) || !parse_bytes(s, "derived", &p->derived_bytes) ||
      !parse_bytes(s, "state", &p->state_bytes) || !parse_bytes(s, "grad", &p->grad_bytes) ||
      !parse_bytes(s, "kept", &p->kept_bytes))
    return false;
  while (scan_has(s, "buffer"))
    if (!parse_buffer(s, p)) return false;
  while (scan_has(s, "entry"))
    if (!parse_entry(s, p)) return false;
  while (scan_has(s, "choice"))
    if (!parse_choice(s, p)) return false;
  return scan_end(s) || scan_error(s, "a buffer, an entry or a choice is expected here");
}

Plan *plan_parse(Unit *u, const Graph *g, const Target *target, const char *text) {
  Plan *p = plan_new(u, g, target, 1);
  const Source before =
      unit_turn_to(u, (Source){.name = "plan", .text = text, .size = strlen(text)});
  Scan s = scan_begin(u);
  bool read = parse_plan(&s, p) && !s.failed;
  unit_turn_to(u, before);
  return read ? p : NULL;
}
