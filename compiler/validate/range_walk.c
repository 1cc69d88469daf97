/* range_walk.c - statements: how values change along branches and loops; and the functions that are
 * run. */
#include "range.h"

#include <string.h>

enum { MAX_DEPTH = 24 };

/* ---- saving and restoring what variables and memory hold ---- */

Snapshot range_save(Checker *c) {
  Snapshot s = {c->value_stack.n, c->cell_stack.n, c->cells.n};
  for (int i = 0; i < c->frame->function->variable.n; i++)
    vec_push(c->arena, &c->value_stack, c->frame->variable[i]);
  for (int i = 0; i < c->cells.n; i++) vec_push(c->arena, &c->cell_stack, c->cells.at[i]);
  return s;
}

static void drop(Checker *c, Snapshot s) {
  c->value_stack.n = s.values;
  c->cell_stack.n = s.cells;
}

void range_restore(Checker *c, Snapshot s, bool for_good) {
  memcpy(c->frame->variable, c->value_stack.at + s.values,
         sizeof(Value) * (size_t)c->frame->function->variable.n);
  c->cells.n = 0;
  for (int i = 0; i < s.ncells; i++) vec_push(c->arena, &c->cells, c->cell_stack.at[s.cells + i]);
  if (for_good) drop(c, s);
}

static bool same_value(const Value *a, const Value *b) {
  return a->kind == b->kind && a->base == b->base &&
         (a->kind == VALUE_UNKNOWN || affine_equal(&a->at, &b->at));
}

/* ---- branches ---- */

typedef struct Outcome { /* of one branch: all variables, fit to outlive it */
  Carried *variable;
  Snapshot memory;
  bool reached;
} Outcome;

static Outcome run_branch(Checker *c, CNode *condition, bool truth, CNode *body) {
  Mark mark = know_mark(c->known);
  int bases = c->bases.n, n = c->frame->function->variable.n;
  Outcome out = {.reached = range_assume(c, condition, truth)};
  if (out.reached && body) range_statement(c, body);
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
static void meet_cells(Checker *c, Snapshot other) {
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

static void meet(Checker *c, CNode *condition, const Outcome *yes, const Outcome *no,
                 Snapshot before, Snapshot after_yes) {
  meet_cells(c, after_yes);
  Snapshot cells = range_save(c);
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
  range_restore(c, cells, false);
  memcpy(c->frame->variable, joined, sizeof(Value) * (size_t)n);
}

static void run_branches(Checker *c, CNode *condition, CNode *yes, CNode *no) {
  Mark mark = know_mark(c->known);
  Snapshot before = range_save(c);
  Outcome first = run_branch(c, condition, true, yes);
  Snapshot after_yes = range_save(c);
  know_release(c->known, mark);
  range_restore(c, before, false);
  if (!first.reached) { /* the other branch simply goes on: what it assumed stays known */
    c->frame->ended = !range_assume(c, condition, false);
    if (!c->frame->ended && no) range_statement(c, no);
    drop(c, before);
    return;
  }
  Outcome second = run_branch(c, condition, false, no);
  know_release(c->known, mark);
  if (!second.reached) {
    range_restore(c, before, false);
    range_assume(c, condition, true);
    range_restore(c, after_yes, false);
    settle(c, &first);
  } else
    meet(c, condition, &first, &second, before, after_yes);
  drop(c, before);
}

static void run_if(Checker *c, CNode *n) {
  CNode *condition = n->first, *yes = condition->next, *no = yes->next;
  bool settled = range_settle_calls(c, condition);
  run_branches(c, condition, yes, no);
  if (settled) range_unsettle_calls(condition);
}

/* Any case may be the one; each begins with what was known before,
 * less what any of them changes. */
static void run_switch(Checker *c, CNode *n) {
  range_eval(c, n->first);
  CNode *body = n->first->next;
  range_forget_changes(c, body);
  Mark mark = know_mark(c->known);
  Snapshot before = range_save(c);
  for (CNode *s = body->first; s; s = s->next) {
    CNode *inner = s;
    if (s->kind == NODE_CASE) {
      know_release(c->known, mark);
      range_restore(c, before, false);
      c->frame->ended = false;
    }
    while (inner->kind == NODE_CASE &&
           inner->first) { /* case value: statement; default: statement */
      CNode *last = inner->first;
      while (last->next) last = last->next;
      inner = last;
    }
    range_statement(c, inner);
  }
  know_release(c->known, mark);
  range_restore(c, before, true);
  c->frame->ended = false;
}

/* ---- statements ---- */

static void store_member(Checker *c, CNode *init, Value record, const CSymbol *field) {
  const CType *t = field->type;
  record.at.constant += field->offset;
  if (init && init->kind == NODE_LIST) {
    range_store_list(c, init, record, t);
    return;
  }
  Value value = init ? range_eval(c, init) : value_int(affine_constant(0));
  if (t->kind == TYPE_INT || t->kind == TYPE_POINTER)
    memory_write(c, record, t, field, range_convert(c, value, t));
}

/* What a list leaves out is 0. */
static void store_record(Checker *c, CNode *list, Value address, const CType *t) {
  CNode *next = list->first;
  for (int i = 0; i < t->field.n; i++) {
    CNode *init = NULL;
    if (next && next->kind != NODE_DESIGNATED) {
      init = next;
      next = next->next;
    }
    for (CNode *d = list->first; d; d = d->next)
      if (d->kind == NODE_DESIGNATED && d->symbol == t->field.at[i]) init = d->first;
    store_member(c, init, address, t->field.at[i]);
  }
}

void range_store_list(Checker *c, CNode *list, Value address, const CType *t) {
  if (t->kind == TYPE_RECORD && address.kind == VALUE_POINTER) {
    store_record(c, list, address, t);
    return;
  }
  for (CNode *child = list->first; child; child = child->next) {
    CNode *init = child->kind == NODE_DESIGNATED ? child->first : child;
    if (!init) continue;
    bool nested = init->kind == NODE_LIST && t->element;
    Value value = nested ? (Value){.kind = VALUE_UNKNOWN} : range_eval(c, init);
    if (nested)
      range_store_list(c, init, address, t->element);
    else if (t->element && address.kind == VALUE_POINTER)
      memory_write(c, address, t->element, NULL, range_convert(c, value, t->element));
    if (t->element) address.at.constant += t->element->size;
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
  Carried now = range_carry(c, v, f->begin, f->bases);
  Carried *all = &f->result;
  if (!f->returned)
    *all = now;
  else if (v.kind != all->value.kind || v.base != all->value.base)
    all->value.kind = VALUE_UNKNOWN;
  else {
    all->exact = all->exact && now.exact && affine_equal(&all->value.at, &v.at);
    all->recipe = NULL;
    interval_widen(&all->bounds, now.bounds);
  }
  f->returned = f->ended = true;
}

/* Nothing can be read of a block's variables once it is left. */
static void forget_variables(Checker *c, const CNode *block) {
  for (const CNode *n = block->first; n; n = n->next) {
    if (n->kind == NODE_OTHER) forget_variables(c, n);
    if (n->kind == NODE_VARIABLE && n->symbol->base && memory_is_local(c, n->symbol->base))
      memory_forget_base(c, n->symbol->base);
  }
}

void range_statement(Checker *c, CNode *n) {
  if (c->frame->ended) return;
  switch (n->kind) {
  case NODE_EMPTY: break;
  case NODE_IF: run_if(c, n); break;
  case NODE_FOR:
  case NODE_WHILE:
  case NODE_DO: range_loop(c, n); break;
  case NODE_SWITCH: run_switch(c, n); break;
  case NODE_RETURN: run_return(c, n); break;
  case NODE_BREAK:
  case NODE_CONTINUE:
  case NODE_GOTO:
    range_leave_turn(c, n->kind == NODE_CONTINUE);
    c->frame->ended = true;
    break;
  case NODE_VARIABLE: range_declare(c, n); break;
  case NODE_BLOCK:
  case NODE_OTHER:
    for (CNode *child = n->first; child; child = child->next) range_statement(c, child);
    if (n->kind == NODE_BLOCK) forget_variables(c, n);
    break;
  default: range_eval(c, n);
  }
}

/* ---- functions ---- */

static int depth_of(const Frame *f) {
  int depth = 0;
  for (; f; f = f->caller) depth++;
  return depth;
}

Value range_run(Checker *c, CFunction *f, const CNode *call, const Value *argument, int n) {
  Mark mark = know_mark(c->known);
  Frame frame = {
      .function = f, .caller = c->frame, .call = call, .begin = mark, .bases = c->bases.n};
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
  range_statement(c, f->body);
  c->frame = frame.caller;
  for (int i = c->cells.n - 1; i >= 0; i--)
    if (!range_carry(c, c->cells.at[i].value, mark, bases).exact)
      c->cells.at[i] = c->cells.at[--c->cells.n];
  know_release(c->known, mark);
  const CType *t = call ? call->type : NULL;
  if (!t || !frame.returned || frame.result.value.kind == VALUE_UNKNOWN)
    return t ? value_any(c, t, "a result") : (Value){.kind = VALUE_UNKNOWN};
  return range_convert(c, range_settle(c, &frame.result, t), t);
}

static int parameter_named(const CFunction *f, const char *name) {
  for (int i = 0; name && i < f->parameter.n; i++)
    if (!strcmp(f->parameter.at[i]->name, name)) return i;
  return -1;
}

/* Runs a function on what the facts say about its parameters, integers first:
 * sizes speak of them. */
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

/* Functions that nobody else runs; those of the device are examined apart. */
static bool is_root(const Checker *c, const CFunction *f, bool device) {
  if (range_is_helper(f->symbol->name) || f->is_device != device) return false;
  return !f->is_called || !f->symbol->is_static || f->is_kernel || !range_is_inlined(c, f);
}

static RangeCount check(Unit *u, const CTree *tree, const Fact *fact, int nfact, Launches *launches,
                        bool device) {
  Checker c = {.unit = u,
               .arena = tree->arena,
               .tree = tree,
               .fact = fact,
               .nfact = nfact,
               .launches = launches};
  fact_index(&c);
  c.known = knowledge_new(c.arena);
  base_new(&c, (Base){.name = "nothing"});
  base_new(&c, (Base){.name = "the null pointer", .is_null = true});
  for (int i = 0; i < tree->function.n; i++)
    if (is_root(&c, tree->function.at[i], device)) {
      Mark mark = know_mark(c.known);
      c.cells.n = 0;
      if (device) range_begin_threads(&c, tree->function.at[i]);
      run_on_facts(&c, tree->function.at[i]);
      know_release(c.known, mark);
    }
  return c.count;
}

RangeCount range_check_host(Unit *u, const CTree *tree, const Fact *fact, int nfact,
                            Launches *launches) {
  return check(u, tree, fact, nfact, launches, false);
}

RangeCount range_check_device(Unit *u, const CTree *tree, const Fact *fact, int nfact,
                              Launches *launches) {
  return check(u, tree, fact, nfact, launches, true);
}
