/* choose.c - an algorithm for every contraction and a format for every activation, together.
 *
 * Needs: a Plan of plain buffers. Guarantees: contractions are lowered, buffers have their final
 * formats, margins included; where formats disagree a kernel moves the data.
 * Every kernel and every activation is a node of a PBQP. A buffer is plain or has channels or
 * images in lanes; a contraction takes one of the algorithms that do not refuse it, any other
 * kernel works in one of the layouts. A node costs the time of the kernels it becomes, an edge
 * between a kernel and a buffer whose formats differ the time of a move. What a plan file decides
 * leaves a node one alternative that may be. Then algorithms lower their contractions, and whatever
 * those read outside of a tensor's box becomes its margin. */
#include "choose.h"
#include "nest.h"
#include "backend.h"

/* ---- the time of a candidate ---- */

static double steps_time(const Plan *p, const Steps *steps) {
  double sum = 0;
  for (int i = 0; i < steps->n; i++) {
    const Step *s = steps->at[i];
    sum += s->run ? p->target->time(p, s->run) : steps_time(p, &s->body);
  }
  return sum;
}

static void add_leaf(Plan *p, const Kernel *k, Steps *steps) {
  Step *leaf = plan_leaf(p, k);
  algo_pick_shares(p, leaf->run);
  vec_push(p->u->arena, steps, leaf);
}

static void lower(Plan *p, const Candidate *c, const Kernel *k, Steps *steps, TileLog *log) {
  Contraction contracted;
  Kernel each, all;
  p->tiles = log;
  if (c->algo && contraction_of(p, k, &contracted)) {
    c->algo->lower(p, &contracted, steps);
  } else if (choose_sums_by_sample(p, k, &each, &all)) {
    add_leaf(p, &each, steps);
    add_leaf(p, &all, steps);
  } else {
    add_leaf(p, k, steps);
  }
  p->tiles = NULL;
}

/* The buffers of a kernel's activations and their formats. */
typedef struct Formats {
  int n;
  int buffer[MAX_IN + MAX_OUT];
  Format format[MAX_IN + MAX_OUT];
} Formats;

static void set_format(Plan *p, Formats *old, int buffer, Layouts layout) {
  if (layout == LAYOUT_ANY || !choose_has_layouts(p, buffer)) return;
  old->buffer[old->n] = buffer;
  old->format[old->n++] = p->buffer.at[buffer].format;
  p->buffer.at[buffer].format =
      choose_format(p, &p->buffer.at[buffer], choose_possible(p, buffer, layout));
}

/* What a candidate wants of input i: x as the algorithm says, epilogue inputs like the result, and
 * like it an operand that lanes run along as it lies; threads in blocks copy that as they do x. */
static Layouts wanted(const Plan *p, const Candidate *c, const Kernel *k, int i) {
  Contraction contracted;
  if (!c->algo || !contraction_of(p, k, &contracted)) return c->wants;
  if (i == contracted.w && !contraction_both_change(p, &contracted)) return LAYOUT_ANY;
  if (i == contracted.w && !p->target->language->blocks) return c->algo->gives;
  return i == contracted.x || i == contracted.w ? c->wants : c->gives;
}

static Formats wear(Plan *p, const Candidate *c, const Kernel *k) {
  Formats old = {.n = 0};
  for (int i = 0; i < k->nin; i++) set_format(p, &old, k->in[i].tensor, wanted(p, c, k, i));
  for (int o = 0; o < k->nout; o++) set_format(p, &old, k->out[o].to.tensor, c->gives);
  return old;
}

/* Lowers on trial: buffers and kernels that this makes are forgotten again. Several kernels are
 * judged as they will nest; each nest has to be started. A step of training prepares its
 * weights. */
static double candidate_time(Plan *p, const Candidate *c, const Item *item) {
  const Kernel *k = item->leaf->run;
  Steps steps = {0};
  int buffers = p->buffer.n, prepares = p->entry[PLAN_PREPARE].step.n;
  Formats old = wear(p, c, k);
  lower(p, c, k, &steps, NULL);
  if (steps.n > 1 && p->target->language->nests) {
    Nest nest = nest_new(p, &steps);
    steps = nest_steps(&nest, &steps);
  }
  double time = steps_time(p, &steps) + steps.n * p->target->machine.launch;
  const Steps *prepare = &p->entry[PLAN_PREPARE].step;
  for (int i = prepares; i < prepare->n && item->entry != PLAN_FORWARD; i++)
    time += p->target->time(p, prepare->at[i]->run);
  for (int i = old.n - 1; i >= 0; i--) p->buffer.at[old.buffer[i]].format = old.format[i];
  p->buffer.n = buffers;
  p->entry[PLAN_PREPARE].step.n = prepares;
  return time;
}

/* ---- candidates ---- */

static void add_choice(Plan *p, const Item *item, const Algo *algo, double time, const char *why) {
  const Kernel *k = item->leaf->run;
  Choice choice = {.layer = k->name,
                   .entry = item->entry,
                   .role = k->role,
                   .algo = algo->name,
                   .predicted = time,
                   .reason = why};
  vec_push(p->u->arena, &p->choice, choice);
}

/* In training both operands of transforms are made anew in every step. */
static double doubt_of(const Choose *c, const Algo *algo) {
  const double training = c->p->target->language->training_doubt;
  if (!algo) return 1;
  if (algo->transforms && c->p->entry[PLAN_BACKWARD].exists && training > 0) return training;
  return algo->doubt > 0 ? algo->doubt : 1;
}

static void add_candidate(Choose *c, Item *item, Candidate candidate) {
  item->at[item->n] = candidate;
  item->cost[item->n] = doubt_of(c, candidate.algo) * candidate_time(c->p, &candidate, item);
  item->n++;
}

/* Of x. Phases of strides are copied first, from memory of the caller's as it lies. */
static Layouts wants_of(const Plan *p, const Algo *algo, const Contraction *k) {
  const bool copies = algo->transforms && contraction_strides(k);
  return copies && !choose_is_open(p, k->k->in[k->x].tensor) ? LAYOUT_ANY : algo->wants;
}

/* A forced algorithm that serves the contraction is its only candidate. */
static void contraction_candidates(Choose *c, Item *item, const Contraction *k) {
  const Algo *only = choose_forced(c->p->u->arena, c->options, k->k);
  if (only && only->refuses(c->p, k)) only = NULL;
  item->choice = c->p->choice.n;
  for (int a = 0; a < ALGO_KINDS; a++) {
    const char *reason = algos[a]->refuses(c->p, k);
    if (!reason && only && only != algos[a]) reason = "another algorithm is asked for";
    Layouts gives =
        contraction_both_change(c->p, k) ? LAYOUT_ANY : algos[a]->gives; /* settled row by row */
    if (!reason) add_candidate(c, item, (Candidate){algos[a], wants_of(c->p, algos[a], k), gives});
    add_choice(c->p, item, algos[a], reason ? -1 : item->cost[item->n - 1], reason);
  }
}

/* Does it read or write something that may lie so? */
static bool may_work(const Plan *p, const Kernel *k, Layouts layout) {
  bool any = false;
  for (int i = 0; i < k->nin + k->nout; i++)
    any |= choose_may_lie(p, kernel_view(k, i)->tensor, layout);
  return any;
}

static void find_candidates(Choose *c, Item *item) {
  Contraction k;
  if (contraction_of(c->p, item->leaf->run, &k)) {
    contraction_candidates(c, item, &k);
    if (item->asked) decision_ask_algorithm(c, item, &k);
    return;
  }
  for (Layouts layout = LAYOUT_PLAIN; layout < LAYOUT_END; layout++)
    if (may_work(c->p, item->leaf->run, layout))
      add_candidate(c, item, (Candidate){NULL, layout, layout});
  if (item->asked) decision_ask_layout(item);
}

static void find_items(Choose *c) {
  for (PlanEntry e = PLAN_FORWARD; e < PLAN_ENTRIES; e++) {
    for (int i = 0; i < c->p->entry[e].step.n; i++) {
      Item item = {.leaf = c->p->entry[e].step.at[i], .entry = e};
      decision_find(c, &item);
      find_candidates(c, &item);
      vec_push(c->p->u->arena, &c->item, item);
    }
  }
}

/* ---- the choice ---- */

static int count_nodes(Choose *c) {
  int n = c->item.n;
  c->node = NEW_ARRAY(c->p->u->arena, int, c->p->buffer.n);
  c->writer = NEW_ARRAY(c->p->u->arena, int, c->p->buffer.n);
  c->layout = NEW_ARRAY(c->p->u->arena, Layouts, c->p->buffer.n);
  c->asked = NEW_ARRAY(c->p->u->arena, Layouts, c->p->buffer.n);
  for (int b = 0; b < c->p->buffer.n; b++) {
    c->node[b] = choose_is_open(c->p, b) ? n++ : -1;
    c->layout[b] = LAYOUT_PLAIN;
  }
  for (int i = c->item.n - 1; i >= 0; i--) {
    const Kernel *k = c->item.at[i].leaf->run;
    for (int o = 0; o < k->nout; o++) c->writer[k->out[o].to.tensor] = i;
  }
  return n;
}

/* The alternatives of a buffer. */
enum { FIRST_LAYOUT = LAYOUT_PLAIN, LAYOUT_KINDS = LAYOUT_END - FIRST_LAYOUT };

/* Kernel i reads or writes the buffer, in layout like[candidate]. */
static void add_access(Choose *c, Pbqp *q, int i, int buffer, const Layouts *like) {
  if (!choose_has_layouts(c->p, buffer)) return;
  Item *item = &c->item.at[i];
  double cost[MAX_CANDIDATES * LAYOUT_KINDS] = {0};
  for (int a = 0; a < item->n; a++) {
    const Layouts want = choose_possible(c->p, buffer, like[a]);
    for (int l = 0; l < LAYOUT_KINDS; l++)
      cost[LAYOUT_KINDS * a + l] =
          choose_move_time(c->p, buffer, (Layouts)(FIRST_LAYOUT + l), want);
    if (c->node[buffer] < 0) /* a given format: the kernel's own cost */
      item->cost[a] += choose_move_time(c->p, buffer, LAYOUT_PLAIN, want);
  }
  if (c->node[buffer] >= 0) pbqp_edge(q, i, c->node[buffer], cost);
}

static void add_accesses(Choose *c, Pbqp *q, int i) {
  const Item *item = &c->item.at[i];
  const Kernel *k = item->leaf->run;
  Layouts like[MAX_CANDIDATES];
  for (int j = 0; j < k->nin; j++) {
    for (int a = 0; a < item->n; a++) like[a] = wanted(c->p, &item->at[a], k, j);
    add_access(c, q, i, k->in[j].tensor, like);
  }
  for (int j = 0; j < k->nout; j++) {
    for (int a = 0; a < item->n; a++) like[a] = item->at[a].gives;
    add_access(c, q, i, k->out[j].to.tensor, like);
  }
}

static void take(Choose *c, const int *choice) {
  for (int i = 0; i < c->item.n; i++) {
    Item *item = &c->item.at[i];
    item->taken = choice[i];
    const Algo *taken = item->at[item->taken].algo;
    for (int a = 0; a < ALGO_KINDS && taken; a++)
      c->p->choice.at[item->choice + a].taken = algos[a] == taken;
  }
  for (int b = 0; b < c->p->buffer.n; b++) {
    if (c->node[b] < 0) continue;
    c->layout[b] = (Layouts)(FIRST_LAYOUT + choice[c->node[b]]);
    c->p->buffer.at[b].format = choose_format(c->p, &c->p->buffer.at[b], c->layout[b]);
  }
}

/* Of equal choices the smaller memory: a buffer costs the time of reading it once from L2. */
static void add_buffers(Choose *c, Pbqp *q) {
  for (int i = 0; i < c->item.n; i++) decision_ask_results(c, i);
  for (int b = 0; b < c->p->buffer.n; b++) {
    if (c->node[b] < 0) continue;
    double cost[LAYOUT_KINDS];
    for (int i = 0; i < LAYOUT_KINDS; i++) {
      const Layouts layout = (Layouts)(FIRST_LAYOUT + i);
      const bool asked = choose_serves(layout, c->asked[b]) || c->asked[b] == LAYOUT_ANY;
      cost[i] = choose_format_bytes(c->p, b, layout) / c->p->target->machine.l2_bandwidth;
      if (!asked || !choose_may_lie(c->p, b, layout)) cost[i] += PBQP_NEVER;
    }
    pbqp_node(q, c->node[b], LAYOUT_KINDS, cost);
  }
}

static void solve(Choose *c) {
  int nodes = count_nodes(c);
  Pbqp *q = pbqp_new(c->p->u->arena, nodes);
  int *choice = NEW_ARRAY(c->p->u->arena, int, nodes);
  add_buffers(c, q);
  for (int i = 0; i < c->item.n; i++) {
    static const double nothing[MAX_CANDIDATES];
    pbqp_node(q, i, c->item.at[i].n, nothing);
    add_accesses(c, q, i);
    double own[MAX_CANDIDATES * MAX_CANDIDATES] = {0};
    for (int a = 0; a < c->item.at[i].n; a++) own[a * c->item.at[i].n + a] = c->item.at[i].cost[a];
    pbqp_edge(q, i, i, own);
  }
  pbqp_solve(q, choice);
  take(c, choice);
}

/* ---- applying it ---- */

typedef struct Copies { /* of a buffer, by layout; -1: none yet */
  int made[LAYOUT_END];
} Copies;

/* A copy of a buffer in another layout, made where it is first wanted and shared from then on. */
static int moved_copy(Choose *c, Copies *copy, int buffer, Layouts layout, Steps *steps) {
  int *made = &copy[buffer].made[layout];
  if (*made >= 0) return *made;
  Plan *p = c->p;
  Buffer b = p->buffer.at[buffer];
  b.name = arena_printf(p->u->arena, "%s.moved", b.name);
  b.home = HOME_WORK;
  b.format = choose_format(p, &b, layout);
  *made = plan_buffer(p, b);
  vec_push(p->u->arena, steps, plan_copy(p, buffer, *made, NULL));
  return *made;
}

/* The kernel's views name a copy wherever a buffer does not lie as the candidate wants it. */
static void move_inputs(Choose *c, const Item *item, Kernel *k, Copies *copy, Steps *steps) {
  const Kernel *original = item->leaf->run;
  for (int i = 0; i < k->nin; i++) {
    int buffer = original->in[i].tensor;
    Layouts want = choose_possible(c->p, buffer, wanted(c->p, &item->at[item->taken], original, i));
    if (!choose_serves(c->layout[buffer], want))
      k->in[i].tensor = moved_copy(c, copy, buffer, choose_moved_to(want), steps);
  }
}

static void apply_item(Choose *c, Item *item, Copies *copy, Steps *steps) {
  Plan *p = c->p;
  Kernel k = *item->leaf->run;
  const Candidate *taken = &item->at[item->taken];
  item->tiles.asked = decision_tiles(item, taken);
  Steps late = {0};
  move_inputs(c, item, &k, copy, steps);
  for (int o = 0; o < k.nout; o++) {
    int buffer = k.out[o].to.tensor;
    int64_t at[MAX_RANK];
    const Layouts gives = choose_possible(p, buffer, taken->gives);
    if (choose_serves(c->layout[buffer], gives)) continue;
    k.out[o].to.tensor = choose_own_buffer(p, &k, &k.out[o].to, choose_moved_to(gives), at);
    vec_push(p->u->arena, &late, plan_copy(p, k.out[o].to.tensor, buffer, at));
  }
  lower(p, taken, &k, steps, &item->tiles);
  for (int i = 0; i < late.n; i++) vec_push(p->u->arena, steps, late.at[i]);
}

static void apply(Choose *c) {
  Plan *p = c->p;
  const int buffers = p->buffer.n;
  Copies *copy = NEW_ARRAY(p->u->arena, Copies, buffers);
  for (PlanEntry e = PLAN_FORWARD; e < PLAN_ENTRIES; e++) {
    Steps steps = {0};
    for (int b = 0; b < buffers; b++) /* work memory ends with the entry */
      for (int l = 0; l < LAYOUT_END; l++) copy[b].made[l] = -1;
    for (int i = 0; i < c->item.n; i++)
      if (c->item.at[i].entry == e) apply_item(c, &c->item.at[i], copy, &steps);
    p->entry[e].step = steps;
  }
}

/* ---- the pass ---- */

void pass_choose(Plan *p, const PlanOptions *options) {
  Choose c = {.p = p, .options = options};
  choose_stored_types(p);
  for (PlanEntry e = PLAN_FORWARD; e < PLAN_ENTRIES; e++)
    choose_separate_parts(p, &p->entry[e].step);
  find_items(&c);
  solve(&c);
  apply(&c);
  if (p->target->language->margins) choose_margins(p);
  for (int i = 0; i < c.item.n; i++) {
    decision_check_tiles(&c, &c.item.at[i]);
    decision_record(&c, &c.item.at[i]);
  }
  plan_share_prepared(p);
  plan_drop_unused(p);
}
