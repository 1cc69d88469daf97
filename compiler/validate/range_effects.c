/* range_effects.c - what a piece of code may change, found without running it: for loops, whose
 * turns are not run one by one, and for calls of functions that are examined on their own. */
#include "range.h"

static void find(Checker *c, CNode *n, Effects *all, bool inner_loop, bool inner_switch);
static void note_pointer(Checker *c, Effects *all, CNode *n);

typedef VEC(const CSymbol *) Symbols;

static bool contains(const CSymbol *const *at, int n, const CSymbol *s) {
  for (int i = 0; i < n; i++)
    if (at[i] == s) return true;
  return false;
}

#define note(c, list, s)                                                                           \
  (contains((const CSymbol *const *)(list)->at, (list)->n, s) ? (void)0                            \
                                                              : vec_push((c)->arena, list, s))

static Change *change_of(Checker *c, Effects *all, const CSymbol *variable) {
  for (int i = 0; i < all->change.n; i++)
    if (all->change.at[i].variable == variable) return &all->change.at[i];
  vec_push(c->arena, &all->change,
           ((Change){.variable = variable, .grows = true, .shrinks = true}));
  return &all->change.at[all->change.n - 1];
}

static bool is_inside(const Effects *all, const CSymbol *variable) {
  for (int i = 0; i < all->change.n; i++)
    if (all->change.at[i].variable == variable) return all->change.at[i].inside;
  return false;
}

bool effects_step(CNode *n, Wide *step) {
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

/* ---- memory ---- */

/* Floats and vectors share no memory with the integers and pointers that are followed. */
static bool is_followed(const CType *t) {
  return !t || (t->kind != TYPE_FLOAT && t->kind != TYPE_OTHER);
}

static void note_target(Checker *c, Effects *all, CNode *n) {
  n = ctree_strip(n);
  if (n->kind == NODE_NAME && n->symbol)
    note(c, &all->object, n->symbol);
  else if (n->kind == NODE_MEMBER)
    note(c, &all->field, n->symbol);
  else if (n->kind == NODE_SUBSCRIPT || (n->kind == NODE_UNARY && n->op == C_MUL))
    note_pointer(c, all, n->first);
  else
    all->anything = true;
}

/* Something is stored where the expression points to. */
static void note_pointer(Checker *c, Effects *all, CNode *n) {
  n = ctree_strip(n);
  bool is_array = n && n->type && n->type->kind == TYPE_ARRAY;
  if (!n)
    all->anything = true;
  else if (n->kind == NODE_NAME && range_is_slot(n->symbol))
    note(c, &all->through, n->symbol);
  else if (n->kind == NODE_UNARY && n->op == C_AND)
    note_target(c, all, n->first);
  else if (is_array &&
           (n->kind == NODE_NAME || n->kind == NODE_MEMBER || n->kind == NODE_SUBSCRIPT))
    note_target(c, all, n);
  else if (n->kind == NODE_BINARY && (n->op == C_ADD || n->op == C_SUB))
    note_pointer(c, all,
                 n->first->type && n->first->type->kind == TYPE_INT ? n->first->next : n->first);
  else
    all->anything = true;
}

static void note_assignment(Checker *c, Effects *all, CNode *n, CNode *target) {
  if (target->kind != NODE_NAME || !range_is_slot(target->symbol)) {
    if (is_followed(n->type)) note_target(c, all, target);
    return;
  }
  Change *change = change_of(c, all, target->symbol);
  Wide step;
  bool known = effects_step(n, &step);
  bool adds = n->kind == NODE_BINARY && n->op == C_ADD_SET && n->first->next->type &&
              n->first->next->type->is_unsigned;
  if (n->kind == NODE_BINARY && n->op == C_SET && target->symbol->type->kind == TYPE_POINTER)
    note(c, &all->reset, target->symbol);
  change->how = n;
  change->times++;
  change->grows &= (known && step >= 0) || adds;
  change->shrinks &= known && step <= 0;
}

/* ---- calls ---- */

static void finish_pointers(Checker *c, Effects *all) {
  for (int i = 0; i < all->through.n; i++) { /* grows on the way */
    const CSymbol *s = all->through.at[i];
    bool inside = is_inside(all, s);
    if (contains(all->reset.at, all->reset.n, s) || (inside && !s->init))
      all->anything = true;
    else if (inside)
      note_pointer(c, all, s->init);
  }
}

static Effects *effects_of(Checker *c, CFunction *f) {
  if (!f->effects) {
    Effects *all = NEW(c->arena, Effects);
    f->effects = all;
    find(c, f->body, all, true, true);
    finish_pointers(c, all);
  }
  return f->effects;
}

static void note_own_call(Checker *c, Effects *all, const CNode *n, CFunction *f) {
  const Effects *callee = effects_of(c, f);
  all->anything |= callee->anything;
  all->others |= callee->others;
  for (int i = 0; i < callee->field.n; i++) note(c, &all->field, callee->field.at[i]);
  for (int i = 0; i < f->parameter.n; i++)
    if (contains(callee->through.at, callee->through.n, f->parameter.at[i])) {
      CNode *argument = ctree_child(n, i + 1);
      if (argument) note_pointer(c, all, argument);
    }
}

static void note_foreign_call(Checker *c, Effects *all, const CNode *n, const char *name) {
  int i = 0;
  for (CNode *a = n->first ? n->first->next : NULL; a; a = a->next, i++) {
    const CNode *inner = ctree_strip(a);
    const CType *t = inner->type;
    bool is_pointer = a->type && a->type->kind == TYPE_POINTER && inner->kind != NODE_INT &&
                      inner->kind != NODE_STRING;
    if (is_pointer && range_stores_through(name, i) && is_followed(t ? t->element : NULL))
      note_pointer(c, all, a);
  }
}

static void note_call(Checker *c, Effects *all, const CNode *n) {
  if (!n->symbol || n->symbol->kind != SYMBOL_FUNCTION)
    all->others = true;
  else if (n->symbol->function && !range_is_helper(n->symbol->name))
    note_own_call(c, all, n, n->symbol->function);
  else
    note_foreign_call(c, all, n, n->symbol->name);
}

/* ---- all of it ---- */

static bool is_loop(const CNode *n) {
  return n->kind == NODE_FOR || n->kind == NODE_WHILE || n->kind == NODE_DO;
}

static void find(Checker *c, CNode *n, Effects *all, bool inner_loop, bool inner_switch) {
  CNode *target = ctree_assigned(n);
  if (target) note_assignment(c, all, n, target);
  if (n->kind == NODE_VARIABLE && range_is_slot(n->symbol)) {
    Change *change = change_of(c, all, n->symbol);
    change->grows = change->shrinks = false;
    change->inside = true;
  } else if (n->kind == NODE_VARIABLE && n->symbol)
    note(c, &all->object, n->symbol);
  if (n->kind == NODE_CALL) note_call(c, all, n);
  all->has_break |= (n->kind == NODE_BREAK && !inner_loop && !inner_switch) || n->kind == NODE_GOTO;
  all->has_continue |= n->kind == NODE_CONTINUE && !inner_loop;
  for (CNode *child = n->first; child; child = child->next)
    find(c, child, all, inner_loop || is_loop(n), inner_switch || n->kind == NODE_SWITCH);
}

void effects_find(Checker *c, CNode *n, Effects *all, bool is_body) {
  find(c, n, all, !is_body, !is_body);
  finish_pointers(c, all);
}

void effects_forget_memory(Checker *c, const Effects *all) {
  if (all->anything) memory_forget(c, true);
  if (all->others) memory_forget(c, false);
  for (int i = 0; i < all->field.n; i++) memory_forget_field(c, all->field.at[i]);
  for (int i = 0; i < all->object.n; i++)
    if (all->object.at[i]->base) memory_forget_base(c, all->object.at[i]->base);
  for (int i = 0; i < all->through.n; i++) {
    const CSymbol *s = all->through.at[i];
    if (is_inside(all, s)) continue;
    const Value *v = &c->frame->variable[s->slot];
    if (v->kind != VALUE_POINTER)
      memory_forget(c, true);
    else {
      if (!memory_is_local(c, v->base)) memory_forget(c, false);
      memory_forget_base(c, v->base);
    }
  }
}
