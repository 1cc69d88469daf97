/* range_condition.c - what conditions say, and values after branches that meet again. A condition
 * is looked at many times, as true and as false, but its calls are run once. */
#include "range.h"

#define NO_LIMIT ((Wide)1 << 100)

bool range_is_comparison(COperator op) {
  return op == C_EQ || op == C_NE || op == C_LE || op == C_GE || op == C_LT || op == C_GT;
}

Value range_truth(Checker *c) {
  return value_int(know_atom(c->known, (Interval){0, 1}, false));
}

/* ---- calls in conditions ---- */

/* The side that may not be looked at: its calls are run under what makes it so, and what they
 * change is forgotten. */
static void settle_side(Checker *c, CNode *condition, bool truth, CNode *side) {
  if (!side->has_call) return;
  Mark mark = know_mark(c->known);
  int bases = c->bases.n;
  bool possible = range_assume(c, condition, truth);
  if (possible) range_settle_calls(c, side);
  VEC(CNode *) nodes = {NULL, 0, 0};
  VEC(Carried) values = {NULL, 0, 0};
  vec_push(c->arena, &nodes, side);
  for (int i = 0; possible && i < nodes.n; i++) {
    CNode *n = nodes.at[i];
    Carried none = {.exact = false};
    vec_push(c->arena, &values,
             n->settled && n->is_settled ? range_carry(c, *n->settled, mark, bases) : none);
    for (CNode *child = n->first; child; child = child->next)
      if (child->has_call) vec_push(c->arena, &nodes, child);
  }
  know_release(c->known, mark);
  for (int i = 0; i < values.n; i++)
    if (nodes.at[i]->settled)
      *nodes.at[i]->settled = range_settle(c, &values.at[i], nodes.at[i]->type);
  range_forget_changes(c, side);
}

bool range_settle_calls(Checker *c, CNode *n) {
  if (!n->has_call || n->is_settled) return false;
  bool logic = n->kind == NODE_BINARY && (n->op == C_AND_THEN || n->op == C_OR_ELSE);
  if (logic || n->kind == NODE_CONDITIONAL) {
    CNode *left = n->first, *right = left->next;
    range_settle_calls(c, left);
    settle_side(c, left, !logic || n->op == C_AND_THEN, right);
    if (!logic) settle_side(c, left, false, right->next);
  } else if (n->kind == NODE_CALL) {
    if (!n->settled) n->settled = NEW(c->arena, Value);
    *n->settled = range_call(c, n);
  } else
    for (CNode *child = n->first; child; child = child->next) range_settle_calls(c, child);
  n->is_settled = true;
  return true;
}

void range_unsettle_calls(CNode *n) {
  n->is_settled = false;
  for (CNode *child = n->first; child; child = child->next)
    if (child->has_call) range_unsettle_calls(child);
}

/* && and ||: the right side is looked at under what the left one says. */
Value range_logic(Checker *c, CNode *n) {
  bool settled = range_settle_calls(c, n);
  Mark mark = know_mark(c->known);
  if (range_assume(c, n->first, n->op == C_AND_THEN)) range_eval(c, n->first->next);
  know_release(c->known, mark);
  if (n->first->next->has_change) range_forget_changes(c, n->first->next);
  if (settled) range_unsettle_calls(n);
  return range_truth(c);
}

/* ---- conditions ---- */

static bool assume_compared(Checker *c, COperator op, const Affine *a, const Affine *b) {
  Affine less = *a, more = *a;
  less.constant += 1; /* a < b is a + 1 <= b */
  more.constant -= 1;
  switch (op) {
  case C_LT: return know_at_most(c->known, &less, b);
  case C_LE: return know_at_most(c->known, a, b);
  case C_GT: return know_at_most(c->known, b, &more);
  case C_GE: return know_at_most(c->known, b, a);
  case C_EQ: return know_at_most(c->known, a, b) && know_at_most(c->known, b, a);
  case C_NE:
    if (prove_at_most(c->known, a, b)) return know_at_most(c->known, &less, b);
    return !prove_at_most(c->known, b, a) || know_at_most(c->known, b, &more);
  default: return true;
  }
}

static COperator opposite(COperator op) {
  switch (op) {
  case C_LT: return C_GE;
  case C_LE: return C_GT;
  case C_GT: return C_LE;
  case C_GE: return C_LT;
  case C_EQ: return C_NE;
  default: return C_EQ;
  }
}

static bool assume_comparison(Checker *c, CNode *n, bool truth) {
  Value a = range_eval(c, n->first), b = range_eval(c, n->first->next);
  bool same =
      a.kind == b.kind && (a.kind == VALUE_INT || (a.kind == VALUE_POINTER && a.base == b.base));
  if (!same) return true;
  bool possible = assume_compared(c, truth ? n->op : opposite(n->op), &a.at, &b.at);
  CNode *left = ctree_strip(n->first); /* i-- > 0: only now it is known that i - 1 does not wrap */
  if (left->kind == NODE_UNARY && left->postfix && ctree_assigned(left)->kind == NODE_NAME &&
      range_is_slot(ctree_assigned(left)->symbol) && a.kind == VALUE_INT) {
    Value one = value_int(affine_constant(1));
    c->frame->variable[ctree_assigned(left)->symbol->slot] =
        range_combine(c, left, left->op == C_INCREMENT ? C_ADD : C_SUB, left->type, a, one);
  }
  return possible;
}

/* True if the condition can have this value. */
static bool is_possible(Checker *c, CNode *n, bool truth) {
  Mark mark = know_mark(c->known);
  Snapshot before;
  if (n->has_change) before = range_save(c);
  bool possible = range_assume(c, n, truth);
  know_release(c->known, mark);
  if (n->has_change) range_restore(c, before, true);
  return possible;
}

/* `both` sides hold (a && b is true, a || b is false), or at least one does not. */
static bool assume_logic(Checker *c, CNode *n, bool truth) {
  CNode *left = n->first, *right = left->next;
  bool going = n->op == C_AND_THEN; /* the left side's value that makes the right one looked at */
  if (truth == going) return range_assume(c, left, going) && range_assume(c, right, going);
  bool can_left = is_possible(c, left, !going);
  Mark mark = know_mark(c->known);
  bool can_right = range_assume(c, left, going) && range_assume(c, right, !going);
  know_release(c->known, mark);
  if (right->has_change) range_forget_changes(c, right);
  if (can_left == can_right) return can_left; /* either: nothing is known */
  if (can_left) return range_assume(c, left, !going);
  return range_assume(c, left, going) && range_assume(c, right, !going);
}

/* Are all variables that the expression mentions followed, so that nothing changes them unseen? */
static bool is_followed(const CNode *n) {
  if (n->kind == NODE_NAME && !range_is_slot(n->symbol)) return false;
  for (const CNode *child = n->first; child; child = child->next)
    if (!is_followed(child)) return false;
  return true;
}

bool range_assume(Checker *c, CNode *n, bool truth) {
  const CType *inner = n->kind == NODE_CAST && n->first ? n->first->type : NULL;
  if (n->kind == NODE_PAREN || (inner && (inner->kind == TYPE_INT || inner->kind == TYPE_POINTER)))
    return range_assume(c, n->first, truth);
  if (n->kind == NODE_NAME && n->symbol && n->symbol->is_condition && is_followed(n->symbol->init))
    return range_assume(c, n->symbol->init, truth);
  if (n->kind == NODE_UNARY && n->op == C_NOT) return range_assume(c, n->first, !truth);
  if (n->kind == NODE_BINARY && range_is_comparison(n->op)) return assume_comparison(c, n, truth);
  if (n->kind == NODE_BINARY && (n->op == C_AND_THEN || n->op == C_OR_ELSE))
    return assume_logic(c, n, truth);
  Value v = range_eval(c, n);
  Affine zero = affine_constant(0);
  if (v.kind == VALUE_POINTER && v.base == NULL_BASE) return !truth;
  if (v.kind == VALUE_POINTER && c->bases.at[v.base].variable) return truth;
  return v.kind != VALUE_INT || assume_compared(c, truth ? C_NE : C_EQ, &v.at, &zero);
}

/* ---- branches that meet ---- */

static bool is_older(const Checker *c, const Value *v, Mark mark, int bases) {
  if (v->kind == VALUE_POINTER && v->base >= bases) {
    const Base *base = &c->bases.at[v->base];
    if (!affine_older(&base->lo, mark) || !affine_older(&base->hi, mark)) return false;
  }
  return v->kind == VALUE_UNKNOWN || affine_older(&v->at, mark);
}

Carried range_carry(Checker *c, Value v, Mark mark, int bases) {
  Carried carried = {.value = v, .exact = is_older(c, &v, mark, bases)};
  if (v.kind == VALUE_UNKNOWN) return carried;
  if (!carried.exact && v.kind == VALUE_POINTER) {
    Value start = value_pointer(v.base, affine_constant(0));
    if (!is_older(c, &start, mark, bases)) carried.value.kind = VALUE_UNKNOWN;
  }
  carried.bounds = affine_bounds(c->known, &v.at);
  Recipe recipe;
  if (!carried.exact && affine_recipe(c->known, &v.at, mark, &recipe)) {
    carried.recipe = NEW(c->arena, Recipe);
    *carried.recipe = recipe;
  }
  return carried;
}

Value range_settle(Checker *c, const Carried *a, const CType *t) {
  if (a->exact || a->value.kind == VALUE_UNKNOWN)
    return a->value.kind == VALUE_UNKNOWN ? value_unknown(c, t) : a->value;
  Value v = a->value;
  v.at =
      a->recipe ? affine_from_recipe(c->known, a->recipe) : know_atom(c->known, a->bounds, false);
  return v;
}

/* Widens `gap` by how far the value is from the candidate in one branch. */
static void relate(Checker *c, CNode *condition, bool truth, const Carried *side,
                   const Affine *candidate, int n, Interval *gap) {
  Mark mark = know_mark(c->known);
  bool possible = side->exact && range_assume(c, condition, truth);
  for (int i = 0; i < n && (possible || !side->exact); i++) {
    Affine difference;
    Interval is = {.lo = -NO_LIMIT, .hi = NO_LIMIT};
    if (side->exact && affine_combine(&difference, &side->value.at, 1, &candidate[i], -1))
      is = affine_bounds(c->known, &difference);
    if (is.lo < gap[i].lo) gap[i].lo = is.lo;
    if (is.hi > gap[i].hi) gap[i].hi = is.hi;
  }
  know_release(c->known, mark);
}

/* An object that stands for whichever of two a pointer points to:
 * only what both have is in range. */
static Value join_objects(Checker *c, const Carried *a, const Carried *b) {
  const Base x = c->bases.at[a->value.base], y = c->bases.at[b->value.base];
  Base both = {.name = x.name, .is_known = x.is_known && y.is_known && a->exact && b->exact};
  Affine lo[2], hi[2];
  if (both.is_known) {
    lo[0] = affine_sum(c->known, &x.lo, &a->value.at, -1);
    lo[1] = affine_sum(c->known, &y.lo, &b->value.at, -1);
    hi[0] = affine_sum(c->known, &x.hi, &a->value.at, -1);
    hi[1] = affine_sum(c->known, &y.hi, &b->value.at, -1);
    Wide l0 = affine_bounds(c->known, &lo[0]).hi, l1 = affine_bounds(c->known, &lo[1]).hi;
    Wide h0 = affine_bounds(c->known, &hi[0]).lo, h1 = affine_bounds(c->known, &hi[1]).lo;
    both.lo = prove_at_most(c->known, &lo[0], &lo[1])   ? lo[1]
              : prove_at_most(c->known, &lo[1], &lo[0]) ? lo[0]
                                                        : affine_constant(l0 > l1 ? l0 : l1);
    both.hi = prove_at_most(c->known, &hi[0], &hi[1])   ? hi[0]
              : prove_at_most(c->known, &hi[1], &hi[0]) ? hi[1]
                                                        : affine_constant(h0 < h1 ? h0 : h1);
  }
  return value_pointer(base_new(c, both), affine_constant(0));
}

Value range_join(Checker *c, CNode *condition, const Carried *a, const Carried *b,
                 const Value *before, const CType *t) {
  if (a->value.kind != b->value.kind || a->value.kind == VALUE_UNKNOWN) return value_unknown(c, t);
  if (a->exact && b->exact && a->value.base == b->value.base &&
      affine_equal(&a->value.at, &b->value.at))
    return a->value;
  if (a->value.kind == VALUE_POINTER && a->value.base != b->value.base) {
    if (a->value.base == NULL_BASE || b->value.base == NULL_BASE)
      return range_settle(c, a->value.base == NULL_BASE ? b : a, t);
    return join_objects(c, a, b);
  }
  Affine candidate[3];
  int n = 0;
  if (a->exact) candidate[n++] = a->value.at;
  if (b->exact) candidate[n++] = b->value.at;
  if (before && before->kind == a->value.kind && before->base == a->value.base)
    candidate[n++] = before->at;
  Interval gap[3] = {{NO_LIMIT, -NO_LIMIT}, {NO_LIMIT, -NO_LIMIT}, {NO_LIMIT, -NO_LIMIT}};
  relate(c, condition, true, a, candidate, n, gap);
  relate(c, condition, false, b, candidate, n, gap);
  Interval is = {a->bounds.lo < b->bounds.lo ? a->bounds.lo : b->bounds.lo,
                 a->bounds.hi > b->bounds.hi ? a->bounds.hi : b->bounds.hi};
  Value joined = {a->value.kind, a->value.base, know_atom(c->known, is, false)};
  for (int i = 0; i < n; i++) {
    Affine lo = candidate[i], hi = candidate[i];
    lo.constant += gap[i].lo;
    hi.constant += gap[i].hi;
    if (gap[i].lo > -NO_LIMIT) know_at_most(c->known, &lo, &joined.at);
    if (gap[i].hi < NO_LIMIT) know_at_most(c->known, &joined.at, &hi);
  }
  return joined;
}

static Carried evaluate_side(Checker *c, CNode *condition, bool truth, CNode *side,
                             bool *possible) {
  Mark mark = know_mark(c->known);
  int bases = c->bases.n;
  Carried carried = {.value = {.kind = VALUE_UNKNOWN}};
  *possible = range_assume(c, condition, truth);
  if (*possible) carried = range_carry(c, range_eval(c, side), mark, bases);
  know_release(c->known, mark);
  return carried;
}

Value range_conditional(Checker *c, CNode *n) {
  CNode *condition = n->first, *yes = condition->next, *no = yes->next;
  bool can[2], settled = range_settle_calls(c, condition);
  Carried a = evaluate_side(c, condition, true, yes, &can[0]),
          b = evaluate_side(c, condition, false, no, &can[1]);
  Value v = can[0] && can[1] ? range_join(c, condition, &a, &b, NULL, n->type)
                             : range_settle(c, can[0] ? &a : &b, n->type);
  if (settled) range_unsettle_calls(condition);
  return v;
}
