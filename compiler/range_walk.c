/* range_walk.c - statements: how values change along branches and loops; and the functions that are
 * run. */
#include "range.h"

#include <string.h>

enum { MAX_DEPTH = 24 };

static void run(Checker *c, CNode *n);

/* ---- saving and restoring what variables and memory hold
 * ------------------------------------------------------------------ */

typedef struct Saved {
  int values, cells, ncells;
} Saved;

static Saved save(Checker *c) {
  Saved s = {c->value_stack.n, c->cell_stack.n, c->cells.n};
  for (int i = 0; i < c->frame->function->variable.n; i++)
    vec_push(c->arena, &c->value_stack, c->frame->variable[i]);
  for (int i = 0; i < c->cells.n; i++) vec_push(c->arena, &c->cell_stack, c->cells.at[i]);
  return s;
}

static void restore(Checker *c, Saved s) {
  memcpy(c->frame->variable, c->value_stack.at + s.values,
         sizeof(Value) * (size_t)c->frame->function->variable.n);
  c->cells.n = 0;
  for (int i = 0; i < s.ncells; i++) vec_push(c->arena, &c->cells, c->cell_stack.at[s.cells + i]);
}

static void drop(Checker *c, Saved s) {
  c->value_stack.n = s.values;
  c->cell_stack.n = s.cells;
}

static bool same_value(const Value *a, const Value *b) {
  return a->kind == b->kind && a->base == b->base &&
         (a->kind == VALUE_UNKNOWN || affine_equal(&a->at, &b->at));
}

/* ---- what code changes
 * -------------------------------------------------------------------------------------------------------
 */

typedef struct Change { /* of one variable, in one piece of code */
  const CSymbol *variable;
  CNode *how; /* the only assignment, or the last one seen */
  int times;
  bool grows, shrinks; /* every assignment adds or subtracts something not negative */
} Change;

typedef struct Changes {
  VEC(Change) change;
  bool memory;    /* integers or pointers in memory may change */
  bool has_break; /* out of the loop that the code is the body of */
  bool has_continue;
} Changes;

static Change *change_of(Checker *c, Changes *all, const CSymbol *variable) {
  for (int i = 0; i < all->change.n; i++)
    if (all->change.at[i].variable == variable) return &all->change.at[i];
  vec_push(c->arena, &all->change,
           ((Change){.variable = variable, .grows = true, .shrinks = true}));
  return &all->change.at[all->change.n - 1];
}

/* The constant that an assignment adds to its variable at each turn, in elements; false: it does
 * something else. */
static bool step_of(CNode *n, Wide *step) {
  if (n->kind == NODE_UNARY) {
    *step = n->op == C_INCREMENT ? 1 : -1;
    return true;
  }
  const CNode *by = ctree_strip(n->first->next);
  if ((n->op != C_ADD_SET && n->op != C_SUB_SET) || !by) return false;
  if (by->kind == NODE_NAME && by->symbol && !by->symbol->is_mutable && by->symbol->init)
    by = ctree_strip(by->symbol->init);
  *step = n->op == C_ADD_SET ? by->value : -(Wide)by->value;
  return by->kind == NODE_INT;
}

static void note_change(Checker *c, Changes *all, CNode *n, const CNode *target) {
  if (target->kind != NODE_NAME || !range_is_slot(target->symbol)) {
    all->memory |= n->type && (n->type->kind == TYPE_INT || n->type->kind == TYPE_POINTER ||
                               n->type->kind == TYPE_RECORD);
    return;
  }
  Change *change = change_of(c, all, target->symbol);
  Wide step;
  bool known = step_of(n, &step);
  bool adds = n->kind == NODE_BINARY && n->op == C_ADD_SET && n->first->next->type &&
              n->first->next->type->is_unsigned;
  change->how = n;
  change->times++;
  change->grows &= (known && step >= 0) || adds;
  change->shrinks &= known && step <= 0;
}

static bool is_loop(const CNode *n) {
  return n->kind == NODE_FOR || n->kind == NODE_WHILE || n->kind == NODE_DO;
}

static void find_changes(Checker *c, CNode *n, Changes *all, bool inner_loop, bool inner_switch) {
  const CNode *target = ctree_assigned(n);
  if (target) note_change(c, all, n, target);
  if (n->kind == NODE_VARIABLE && range_is_slot(n->symbol))
    change_of(c, all, n->symbol)->grows = change_of(c, all, n->symbol)->shrinks = false;
  if (n->kind == NODE_CALL && (!n->symbol || n->symbol->function) &&
      !(n->symbol && range_is_helper(n->symbol->name)))
    all->memory = true;
  all->has_break |= (n->kind == NODE_BREAK && !inner_loop && !inner_switch) || n->kind == NODE_GOTO;
  all->has_continue |= n->kind == NODE_CONTINUE && !inner_loop;
  for (CNode *child = n->first; child; child = child->next)
    find_changes(c, child, all, inner_loop || is_loop(n), inner_switch || n->kind == NODE_SWITCH);
}

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
  c->frame->variable[change->variable->slot] = after;
}

void range_forget_changes(Checker *c, CNode *n) {
  Changes all = {.memory = false};
  find_changes(c, n, &all, false, false);
  for (int i = 0; i < all.change.n; i++) forget_variable(c, &all.change.at[i]);
  if (all.memory) memory_forget(c, true);
}

/* ---- branches
 * -------------------------------------------------------------------------------------------------------------------
 */

typedef struct Outcome { /* of one branch: all variables, fit to outlive it */
  Carried *variable;
  Saved memory;
  bool reached;
} Outcome;

static Outcome run_branch(Checker *c, CNode *condition, bool truth, CNode *body) {
  Mark mark = know_mark(c->known);
  int bases = c->bases.n, n = c->frame->function->variable.n;
  Outcome out = {.reached = range_assume(c, condition, truth)};
  if (out.reached && body) run(c, body);
  out.reached = out.reached && !c->frame->ended;
  c->frame->ended = false;
  if (!out.reached) return out;
  out.variable = NEW_ARRAY(c->arena, Carried, n);
  for (int i = 0; i < n; i++) out.variable[i] = range_carry(c, c->frame->variable[i], mark, bases);
  for (int i = c->cells.n - 1; i >= 0; i--)
    if (!range_carry(c, c->cells.at[i].value, mark, bases).exact)
      c->cells.at[i] = c->cells.at[--c->cells.n];
  return out;
}

/* Cells that both branches left with the same value stay. */
static void meet_cells(Checker *c, Saved other) {
  for (int i = c->cells.n - 1; i >= 0; i--) {
    const Cell *cell = &c->cells.at[i];
    bool same = false;
    for (int j = 0; j < other.ncells && !same; j++) {
      const Cell *twin = &c->cell_stack.at[other.cells + j];
      same = twin->base == cell->base && twin->offset == cell->offset &&
             same_value(&twin->value, &cell->value);
    }
    if (!same) c->cells.at[i] = c->cells.at[--c->cells.n];
  }
}

static void settle(Checker *c, const Outcome *out) {
  for (int i = 0; i < c->frame->function->variable.n; i++)
    c->frame->variable[i] =
        out->variable[i].value.kind == VALUE_UNKNOWN
            ? out->variable[i].value
            : range_settle(c, &out->variable[i], c->frame->function->variable.at[i]->type);
}

static void meet(Checker *c, CNode *condition, const Outcome *yes, const Outcome *no, Saved before,
                 Saved after_yes) {
  meet_cells(c, after_yes);
  Saved cells = save(c);
  int n = c->frame->function->variable.n;
  memcpy(c->frame->variable, c->value_stack.at + before.values, sizeof(Value) * (size_t)n);
  Value *joined = NEW_ARRAY(c->arena, Value, n);
  for (int i = 0; i < n; i++) {
    const Carried *a = &yes->variable[i], *b = &no->variable[i];
    const Value old = c->frame->variable[i];
    bool same = a->exact && b->exact && same_value(&a->value, &b->value);
    joined[i] =
        same ? a->value
             : range_join(c, condition, a, b, &old, c->frame->function->variable.at[i]->type);
  }
  restore(c, cells);
  memcpy(c->frame->variable, joined, sizeof(Value) * (size_t)n);
}

static void run_if(Checker *c, CNode *n) {
  CNode *condition = n->first, *yes = condition->next, *no = yes->next;
  Mark mark = know_mark(c->known);
  Saved before = save(c);
  Outcome first = run_branch(c, condition, true, yes);
  Saved after_yes = save(c);
  know_release(c->known, mark);
  restore(c, before);
  if (!first.reached) { /* the other branch simply goes on: what it assumed stays known */
    c->frame->ended = !range_assume(c, condition, false);
    if (!c->frame->ended && no) run(c, no);
    drop(c, before);
    return;
  }
  Outcome second = run_branch(c, condition, false, no);
  know_release(c->known, mark);
  if (!second.reached) {
    restore(c, before);
    range_assume(c, condition, true);
    restore(c, after_yes);
    settle(c, &first);
  } else
    meet(c, condition, &first, &second, before, after_yes);
  drop(c, before);
}

/* ---- loops
 * ------------------------------------------------------------------------------------------------------------------------
 */

typedef struct LoopCode {
  CNode *condition, *step, *body; /* condition and step: NULL if there is none */
  bool body_first;
  Changes changes;
} LoopCode;

/* True if the assignment is made exactly once in each turn. */
static bool is_regular(const LoopCode *loop, const CNode *assignment) {
  if (loop->step && (loop->step == assignment || ctree_strip(loop->step) == assignment))
    return true;
  if (loop->step && loop->step->kind == NODE_BINARY && loop->step->op == C_COMMA)
    for (const CNode *side = loop->step; side;
         side = side->kind == NODE_BINARY && side->op == C_COMMA ? side->first : NULL)
      if (side == assignment ||
          (side->op == C_COMMA && ctree_strip(side->first->next) == assignment))
        return true;
  if (loop->changes.has_continue || loop->body->kind != NODE_BLOCK)
    return loop->body == assignment && !loop->changes.has_continue;
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

/* begin + step * turn for variables that follow this rule, something unknown for the others that
 * change. */
static void begin_turn(Checker *c, const LoopCode *loop, bool shared_count) {
  const Interval turns = {0, (Wide)1 << 63};
  Affine turn = know_atom(c->known, turns, true);
  for (int i = 0; i < loop->changes.change.n; i++) {
    const Change *change = &loop->changes.change.at[i];
    Value *v = &c->frame->variable[change->variable->slot];
    Wide step = 0;
    bool rule = change->times == 1 && (change->grows || change->shrinks) &&
                v->kind != VALUE_UNKNOWN && step_of(change->how, &step) &&
                is_regular(loop, change->how);
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
  if (loop->changes.memory) memory_forget(c, true);
}

/* One turn stands for all. */
static void run_turn(Checker *c, const LoopCode *loop) {
  bool sure = loop->condition != NULL;
  if (sure &&
      loop->body_first) { /* holds at the beginning of all turns if it holds before the first */
    Mark mark = know_mark(c->known);
    sure = !range_assume(c, loop->condition, false);
    know_release(c->known, mark);
  }
  begin_turn(c, loop, true);
  if (sure && !range_assume(c, loop->condition, true)) return;
  run(c, loop->body);
  bool goes_on = !c->frame->ended || loop->changes.has_continue;
  c->frame->ended = false;
  if (goes_on && loop->step) range_eval(c, loop->step);
  if (goes_on && loop->body_first && loop->condition) range_eval(c, loop->condition);
}

static void run_loop(Checker *c, CNode *n, LoopCode loop) {
  find_changes(c, loop.body, &loop.changes, false, false);
  if (loop.step) find_changes(c, loop.step, &loop.changes, true, true);
  if (loop.condition) find_changes(c, loop.condition, &loop.changes, true, true);
  (void)n;
  Mark mark = know_mark(c->known);
  Saved before = save(c);
  run_turn(c, &loop);
  know_release(c->known, mark);
  restore(c, before);
  drop(c, before);
  begin_turn(c, &loop, !loop.changes.has_break);
  c->frame->ended = false;
  if (!loop.condition)
    c->frame->ended = !loop.changes.has_break;
  else if (!loop.changes.has_break && !range_assume(c, loop.condition, false))
    c->frame->ended = true;
}

static CNode *unless_empty(CNode *n) {
  return n && n->kind != NODE_EMPTY ? n : NULL;
}

static void run_for(Checker *c, CNode *n) {
  CNode *init = n->first, *condition = init->next, *step = condition->next, *body = step->next;
  run(c, init);
  run_loop(
      c, n,
      (LoopCode){.condition = unless_empty(condition), .step = unless_empty(step), .body = body});
}

/* Any case may be the one; each begins with what was known before, less what any of them changes.
 */
static void run_switch(Checker *c, CNode *n) {
  range_eval(c, n->first);
  CNode *body = n->first->next;
  range_forget_changes(c, body);
  Mark mark = know_mark(c->known);
  Saved before = save(c);
  for (CNode *s = body->first; s; s = s->next) {
    CNode *inner = s;
    if (s->kind == NODE_CASE) {
      know_release(c->known, mark);
      restore(c, before);
      c->frame->ended = false;
    }
    while (inner->kind == NODE_CASE &&
           inner->first) { /* case value: statement; default: statement */
      CNode *last = inner->first;
      while (last->next) last = last->next;
      inner = last;
    }
    run(c, inner);
  }
  know_release(c->known, mark);
  restore(c, before);
  drop(c, before);
  c->frame->ended = false;
}

/* ---- statements
 * ------------------------------------------------------------------------------------------------------------------
 */

void range_store_list(Checker *c, CNode *list, Value address, const CType *t) {
  int64_t at = 0;
  for (CNode *child = list->first; child; child = child->next) {
    CNode *init = child->kind == NODE_DESIGNATED ? child->first : child;
    if (!init) continue;
    Value element = address, value = range_eval(c, init);
    const CSymbol *field = child->kind == NODE_DESIGNATED ? child->symbol : NULL;
    const CType *type = field ? field->type : t->kind == TYPE_ARRAY ? t->element : NULL;
    if (!type || element.kind != VALUE_POINTER) continue;
    element.at.constant += field ? field->offset : at;
    at += type->size;
    memory_write(c, element, type, field, range_convert(c, value, type));
  }
}

void range_declare(Checker *c, CNode *n) {
  CSymbol *s = n->symbol;
  if (s->is_static) return;
  if (range_is_slot(s)) {
    Value v = {.kind = VALUE_UNKNOWN};
    if (n->first) v = range_convert(c, range_eval(c, n->first), s->type);
    c->frame->variable[s->slot] = v;
    return;
  }
  Value address = value_pointer(base_of_variable(c, s), affine_constant(0));
  memory_forget_base(c, address.base);
  if (n->first && n->first->kind == NODE_LIST)
    range_store_list(c, n->first, address, s->type);
  else if (n->first)
    memory_write(c, address, s->type, NULL, range_convert(c, range_eval(c, n->first), s->type));
}

static void run_return(Checker *c, CNode *n) {
  Frame *f = c->frame;
  Value v = {.kind = VALUE_UNKNOWN};
  if (n->first) v = range_eval(c, n->first);
  Interval is =
      v.kind == VALUE_INT ? affine_bounds(c->known, &v.at) : (Interval){INT64_MIN, (Wide)1 << 64};
  if (!f->returned || is.lo < f->result.lo) f->result.lo = is.lo;
  if (!f->returned || is.hi > f->result.hi) f->result.hi = is.hi;
  f->returned = f->ended = true;
}

static void run(Checker *c, CNode *n) {
  if (c->frame->ended) return;
  switch (n->kind) {
  case NODE_EMPTY: break;
  case NODE_IF: run_if(c, n); break;
  case NODE_FOR: run_for(c, n); break;
  case NODE_WHILE: run_loop(c, n, (LoopCode){.condition = n->first, .body = n->first->next}); break;
  case NODE_DO:
    run_loop(c, n, (LoopCode){.condition = n->first->next, .body = n->first, .body_first = true});
    break;
  case NODE_SWITCH: run_switch(c, n); break;
  case NODE_RETURN: run_return(c, n); break;
  case NODE_BREAK:
  case NODE_CONTINUE:
  case NODE_GOTO: c->frame->ended = true; break;
  case NODE_VARIABLE: range_declare(c, n); break;
  case NODE_BLOCK:
  case NODE_OTHER:
    for (CNode *child = n->first; child; child = child->next) run(c, child);
    break;
  default: range_eval(c, n);
  }
}

/* ---- functions
 * ---------------------------------------------------------------------------------------------------------------------
 */

static int depth_of(const Frame *f) {
  int depth = 0;
  for (; f; f = f->caller) depth++;
  return depth;
}

Value range_run(Checker *c, CFunction *f, const CNode *call, const Value *argument, int n) {
  Mark mark = know_mark(c->known);
  Frame frame = {.function = f, .caller = c->frame, .call = call};
  if (depth_of(c->frame) >= MAX_DEPTH)
    return call->type ? value_any(c, call->type, "a result") : (Value){.kind = VALUE_UNKNOWN};
  frame.variable = NEW_ARRAY(c->arena, Value, f->variable.n + 1);
  int bases = c->bases.n;
  c->frame = &frame;
  for (int i = 0; i < n && i < f->parameter.n; i++) {
    const CSymbol *p = f->parameter.at[i];
    Value v = range_convert(c, argument[i], p->type);
    if (range_is_slot(p))
      frame.variable[p->slot] = v;
    else
      memory_write(c, value_pointer(base_of_variable(c, p), affine_constant(0)), p->type, NULL, v);
  }
  run(c, f->body);
  c->frame = frame.caller;
  for (int i = c->cells.n - 1; i >= 0; i--)
    if (!range_carry(c, c->cells.at[i].value, mark, bases).exact)
      c->cells.at[i] = c->cells.at[--c->cells.n];
  know_release(c->known, mark);
  const CType *t = call ? call->type : NULL;
  if (t && t->kind == TYPE_INT && frame.returned) {
    Interval type = range_of_type(t), is = frame.result;
    is.lo = is.lo < type.lo ? type.lo : is.lo;
    is.hi = is.hi > type.hi ? type.hi : is.hi;
    return value_int(know_atom(c->known, is, false));
  }
  return t && t->kind == TYPE_POINTER ? value_any(c, t, "a result")
                                      : (Value){.kind = VALUE_UNKNOWN};
}

static int parameter_named(const CFunction *f, const char *name) {
  for (int i = 0; name && i < f->parameter.n; i++)
    if (!strcmp(f->parameter.at[i]->name, name)) return i;
  return -1;
}

/* Runs a function on what the facts say about its parameters, integers first: sizes speak of them.
 */
static void run_on_facts(Checker *c, CFunction *f) {
  Value *value = NEW_ARRAY(c->arena, Value, f->parameter.n + 1);
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < f->parameter.n; i++) {
      const CSymbol *p = f->parameter.at[i];
      if ((p->type->kind == TYPE_POINTER) != (pass == 1)) continue;
      const Fact *fact = fact_find(c, f->symbol->name, p->name);
      int count = fact ? parameter_named(f, fact->size_of) : -1;
      value[i] = fact ? value_by_fact(c, fact, p->type, p->name, count < 0 ? NULL : &value[count])
                      : value_any(c, p->type, p->name);
    }
  range_run(c, f, NULL, value, f->parameter.n);
}

static bool is_root(const Checker *c, const CFunction *f) {
  if (range_is_helper(f->symbol->name)) return false;
  return !f->is_called || !f->symbol->is_static || !range_is_inlined(c, f);
}

RangeCount range_check(Unit *u, const CTree *tree, const Fact *fact, int nfact) {
  Checker c = {.unit = u, .arena = tree->arena, .tree = tree, .fact = fact, .nfact = nfact};
  fact_index(&c);
  c.known = knowledge_new(c.arena);
  base_new(&c, (Base){.name = "nothing"});
  base_new(&c, (Base){.name = "the null pointer", .is_null = true});
  for (int i = 0; i < tree->function.n; i++)
    if (is_root(&c, tree->function.at[i])) {
      Mark mark = know_mark(c.known);
      c.cells.n = 0;
      run_on_facts(&c, tree->function.at[i]);
      know_release(c.known, mark);
    }
  return c.count;
}
