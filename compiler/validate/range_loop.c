/* range_loop.c - loops: one turn stands for all. A variable that is moved by the same step in each
 * turn is begin + step * turn; of others only bounds that every turn keeps are known. */
#include "range.h"

/* A variable that code of unknown course changes: of the value before only what all assignments
 * keep is left. */
static void forget_variable(Checker *c, const Change *change) {
  Value before = c->frame->variable[change->variable->slot], after;
  if (before.kind == VALUE_POINTER && change->times > 0 && (change->grows || change->shrinks)) {
    Wide one = 1;
    after =
        value_pointer(before.base, know_atom(c->known, (Interval){-(one << 63), one << 63}, false));
  } else
    after = value_any(c, change->variable->type, change->variable->name);
  if (after.kind == before.kind && after.kind != VALUE_UNKNOWN && after.base == before.base &&
      change->times > 0) {
    if (change->grows) know_at_most(c->known, &before.at, &after.at);
    if (change->shrinks) know_at_most(c->known, &after.at, &before.at);
  }
  if (after.kind == VALUE_INT && change->is_bounded) {
    Affine lo = affine_constant(change->within.lo), hi = affine_constant(change->within.hi);
    know_at_most(c->known, &lo, &after.at);
    know_at_most(c->known, &after.at, &hi);
  }
  c->frame->variable[change->variable->slot] = after;
}

void range_forget_changes(Checker *c, CNode *n) {
  Effects all = {.anything = false};
  effects_find(c, n, &all, false);
  effects_forget_memory(c, &all);
  for (int i = 0; i < all.change.n; i++) forget_variable(c, &all.change.at[i]);
}

typedef struct LoopCode {
  CNode *condition, *step, *body; /* condition and step: NULL if there is none */
  bool body_first;
  Effects changes;
} LoopCode;

/* True if evaluating the expression makes the assignment, once. */
static bool makes(const CNode *n, const CNode *assignment) {
  CNode *inner = ctree_strip((CNode *)n);
  if (!inner) return false;
  if (inner == assignment) return true;
  bool both = inner->kind == NODE_BINARY && inner->op != C_AND_THEN && inner->op != C_OR_ELSE;
  return both && (makes(inner->first, assignment) || makes(inner->first->next, assignment));
}

/* True if the assignment is made exactly once in each turn. */
static bool is_regular(const LoopCode *loop, const CNode *assignment) {
  if ((loop->step && makes(loop->step, assignment)) ||
      (loop->condition && makes(loop->condition, assignment)))
    return true;
  if (loop->changes.has_continue) return false;
  if (loop->body->kind != NODE_BLOCK) return loop->body == assignment;
  for (const CNode *child = loop->body->first; child; child = child->next)
    if (child == assignment) return true;
  return false;
}

/* Counting does not leave the type: that is undefined for signed ones, and takes centuries for a
 * size_t. */
static void know_type(Checker *c, const Value *v, const CType *t) {
  Interval type = range_of_type(t);
  Affine lo = affine_constant(type.lo), hi = affine_constant(type.hi);
  if (v->kind == VALUE_INT) {
    know_at_most(c->known, &lo, &v->at);
    know_at_most(c->known, &v->at, &hi);
  }
}

static bool has_rule(const LoopCode *loop, const Change *change, const Value *v, Wide *step) {
  return change->times == 1 && (change->grows || change->shrinks) && v->kind != VALUE_UNKNOWN &&
         effects_step(change->how, step) && is_regular(loop, change->how);
}

/* begin + step * turn for variables that follow this rule, something unknown for the others that
 * change. */
static void begin_turn(Checker *c, const LoopCode *loop, bool shared_count) {
  effects_forget_memory(c, &loop->changes);
  const Interval turns = {0, (Wide)1 << 63};
  Affine turn = know_atom(c->known, turns, true);
  for (int i = 0; i < loop->changes.change.n; i++) {
    const Change *change = &loop->changes.change.at[i];
    Value *v = &c->frame->variable[change->variable->slot];
    Wide step = 0;
    bool rule = has_rule(loop, change, v, &step);
    if (v->kind == VALUE_POINTER)
      step *= change->variable->type->element->size > 0 ? change->variable->type->element->size : 1;
    if (!shared_count) turn = know_atom(c->known, turns, true);
    Affine at;
    if (rule && affine_combine(&at, &v->at, 1, &turn, (int64_t)step)) {
      v->at = at;
      know_type(c, v, change->variable->type);
    } else
      forget_variable(c, change);
  }
}

static bool assume_turn(Checker *c, const LoopCode *loop, bool truth) {
  bool settled = range_settle_calls(c, loop->condition);
  bool possible = range_assume(c, loop->condition, truth);
  if (settled) range_unsettle_calls(loop->condition);
  return possible;
}

/* Does the condition hold at the beginning of all turns? If it stands behind the body: if it holds
 * before the first. */
static bool holds_first(Checker *c, const LoopCode *loop) {
  if (!loop->condition || !loop->body_first) return loop->condition != NULL;
  Mark mark = know_mark(c->known);
  Snapshot before = range_save(c);
  bool holds = !assume_turn(c, loop, false);
  know_release(c->known, mark);
  range_restore(c, before, true);
  return holds;
}

/* One turn stands for all. False: its end is not reached. */
static bool run_turn(Checker *c, const LoopCode *loop) {
  bool sure = holds_first(c, loop);
  begin_turn(c, loop, true);
  if (sure && !assume_turn(c, loop, true)) return false;
  range_statement(c, loop->body);
  bool to_end = !c->frame->ended, goes_on = to_end || loop->changes.has_continue;
  c->frame->ended = false;
  if (goes_on && loop->step) range_eval(c, loop->step);
  if (goes_on && loop->body_first && loop->condition) range_eval(c, loop->condition);
  return to_end;
}

/* ---- what stays true from turn to turn ---- */

struct LoopWatch { /* the values of the loop's variables where a turn ends or the loop is left */
  const LoopCode *loop;
  Interval *turn, *left;
  bool guessing; /* turns that end early do not count yet */
};

static void watch(Checker *c, Interval *range) {
  const LoopWatch *w = c->frame->watch;
  for (int i = 0; i < w->loop->changes.change.n; i++) {
    const Value *v = &c->frame->variable[w->loop->changes.change.at[i].variable->slot];
    const Interval all = {INT64_MIN, (Wide)1 << 64};
    interval_widen(&range[i], v->kind == VALUE_INT ? affine_bounds(c->known, &v->at) : all);
  }
}

void range_leave_turn(Checker *c, bool goes_on) {
  const LoopWatch *w = c->frame->watch;
  if (w && w->turn && !(goes_on && w->guessing)) watch(c, goes_on ? w->turn : w->left);
}

/* Runs one turn only to see between what the variables are at its end. */
static void try_turn(Checker *c, const LoopCode *loop, LoopWatch *w) {
  Mark mark = know_mark(c->known);
  Snapshot before = range_save(c);
  for (int i = 0; i < loop->changes.change.n; i++)
    w->turn[i] = w->left[i] = (Interval){(Wide)1 << 64, INT64_MIN};
  c->quiet++;
  if (run_turn(c, loop)) watch(c, w->turn);
  c->quiet--;
  know_release(c->known, mark);
  range_restore(c, before, true);
}

/* A variable without a rule: what it is after any turn, and before the first, is guessed to hold
 * always; the guess is right if a turn that begins within it ends within it. */
static void find_bounds(Checker *c, LoopCode *loop) {
  enum { DEEPEST = 1 };
  bool wanted = false;
  int n = loop->changes.change.n;
  Wide step;
  for (int i = 0; i < n; i++) {
    const Change *change = &loop->changes.change.at[i];
    const Value *v = &c->frame->variable[change->variable->slot];
    wanted |= !change->inside && v->kind == VALUE_INT && !has_rule(loop, change, v, &step);
  }
  if (!wanted || c->quiet >= DEEPEST) return;
  LoopWatch w = {loop, NEW_ARRAY(c->arena, Interval, n), NEW_ARRAY(c->arena, Interval, n), true};
  c->frame->watch = &w;
  try_turn(c, loop, &w);
  for (int i = 0; i < n; i++) {
    Change *change = &loop->changes.change.at[i];
    const Value *v = &c->frame->variable[change->variable->slot];
    change->is_bounded = !change->inside && v->kind == VALUE_INT;
    if (!change->is_bounded) continue;
    change->within = affine_bounds(c->known, &v->at);
    interval_widen(&change->within, w.turn[i]);
  }
  w.guessing = false;
  try_turn(c, loop, &w);
  bool right = true;
  for (int i = 0; i < n; i++) {
    const Change *change = &loop->changes.change.at[i];
    if (change->is_bounded &&
        (w.turn[i].lo < change->within.lo || w.turn[i].hi > change->within.hi))
      right = false;
  }
  for (int i = 0; i < n; i++) loop->changes.change.at[i].is_bounded &= right;
  for (int i = 0; i < n; i++) loop->changes.change.at[i].left = w.left[i];
}

/* x += step, where step is a variable that the loop leaves as it is: its sign is looked up. */
static void find_directions(Checker *c, Effects *changes) {
  const Affine zero = affine_constant(0);
  for (int i = 0; i < changes->change.n; i++) {
    Change *change = &changes->change.at[i];
    const bool adds =
        change->times == 1 && change->how->kind == NODE_BINARY && change->how->op == C_ADD_SET;
    const CNode *step = adds ? ctree_strip(change->how->first->next) : NULL;
    if (!step || step->kind != NODE_NAME || !range_is_slot(step->symbol)) continue;
    bool fixed = true;
    for (int j = 0; j < changes->change.n; j++)
      fixed &= changes->change.at[j].variable != step->symbol;
    const Value *v = &c->frame->variable[step->symbol->slot];
    if (!fixed || v->kind != VALUE_INT) continue;
    change->grows |= prove_at_most(c->known, &zero, &v->at);
    change->shrinks |= prove_not_positive(c->known, &v->at);
  }
}

static void run_loop(Checker *c, LoopCode loop) {
  const LoopWatch none = {&loop, NULL, NULL, false}, *outer = c->frame->watch;
  effects_find(c, loop.body, &loop.changes, true);
  if (loop.step) effects_find(c, loop.step, &loop.changes, false);
  if (loop.condition) {
    effects_find(c, loop.condition, &loop.changes, false);
    if (!loop.condition->has_change && !loop.condition->has_call && !loop.body_first)
      range_eval(c, loop.condition); /* what it computes is older than the turns */
  }
  find_directions(c, &loop.changes);
  find_bounds(c, &loop);
  c->frame->watch = &none;
  Mark mark = know_mark(c->known);
  Snapshot before = range_save(c);
  run_turn(c, &loop);
  know_release(c->known, mark);
  range_restore(c, before, true);
  c->frame->watch = outer;
  for (int i = 0; i < loop.changes.change.n; i++)
    interval_widen(&loop.changes.change.at[i].within, loop.changes.change.at[i].left);
  begin_turn(c, &loop, !loop.changes.has_break);
  c->frame->ended = false;
  if (!loop.condition)
    c->frame->ended = !loop.changes.has_break;
  else if (!loop.changes.has_break && !assume_turn(c, &loop, false))
    c->frame->ended = true;
}

static CNode *unless_empty(CNode *n) {
  return n && n->kind != NODE_EMPTY ? n : NULL;
}

static void run_for(Checker *c, CNode *n) {
  CNode *init = n->first, *condition = init->next, *step = condition->next, *body = step->next;
  range_statement(c, init);
  run_loop(c, (LoopCode){
                  .condition = unless_empty(condition), .step = unless_empty(step), .body = body});
}

void range_loop(Checker *c, CNode *n) {
  CNode *first = n->first;
  if (n->kind == NODE_FOR)
    run_for(c, n);
  else if (n->kind == NODE_WHILE)
    run_loop(c, (LoopCode){.condition = first, .body = first->next});
  else
    run_loop(c, (LoopCode){.condition = first->next, .body = first, .body_first = true});
}
