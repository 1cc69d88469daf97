/* range_eval.c - expressions: their values, the places they stand for, and what conditions say. */
#include "range.h"

bool range_is_slot(const CSymbol *s) {
  return s && s->slot >= 0 && !s->is_addressed;
}

/* ---- places ---- */

static bool is_pointer_value(const CNode *n) {
  return n->type &&
         (n->type->kind == TYPE_POINTER || (n->symbol && n->symbol->kind == SYMBOL_PARAMETER));
}

/* Address of an array's first element, or the pointer. */
static Value array_or_pointer(Checker *c, CNode *n) {
  CNode *inner = n;
  while (inner->kind == NODE_PAREN ||
         (inner->kind == NODE_CAST && inner->first && !is_pointer_value(inner)))
    inner = inner->first;
  if (inner->kind == NODE_CAST && inner->first && inner->first->type &&
      inner->first->type->kind == TYPE_ARRAY)
    inner = ctree_strip(inner->first);
  if (inner->type && inner->type->kind == TYPE_ARRAY && !is_pointer_value(inner) &&
      inner->kind != NODE_STRING)
    return range_place(c, inner).address;
  return range_eval(c, n);
}

/* The array whose element `n` selects must have that element:
 * rows are not left through their end. */
static void check_row(Checker *c, CNode *n, const Affine *index) {
  const CNode *array = ctree_strip(n->first);
  const CType *t = array->type;
  if (!t || t->kind != TYPE_ARRAY || is_pointer_value(array) || t->count <= 0 || !t->element->size)
    return;
  Base row = {.name = array->symbol ? array->symbol->name : "the row", .is_known = true};
  row.hi = affine_constant(t->count - 1);
  Value at = value_pointer(base_new(c, row), *index);
  access_check(c, n, at, affine_constant(1), 1, "index in");
}

static Value moved(Checker *c, Value pointer, const Affine *elements, int64_t size, int sign) {
  if (pointer.kind != VALUE_POINTER) return pointer;
  Affine factor = affine_constant(size), bytes = affine_product(c->known, elements, &factor);
  return value_pointer(pointer.base, affine_sum(c->known, &pointer.at, &bytes, sign));
}

static int64_t size_of_element(const CType *pointer) {
  return pointer && pointer->element && pointer->element->size > 0 ? pointer->element->size : 1;
}

static Value subscript_address(Checker *c, CNode *n) {
  Value base = array_or_pointer(c, n->first), index = range_eval(c, n->first->next);
  if (index.kind != VALUE_INT || base.kind != VALUE_POINTER) return (Value){.kind = VALUE_UNKNOWN};
  check_row(c, n, &index.at);
  return moved(c, base, &index.at, n->type->size, 1);
}

static Place name_place(Checker *c, CNode *n) {
  Place p = {.type = n->type};
  if (range_is_slot(n->symbol))
    p.slot = n->symbol;
  else if (n->symbol && n->symbol->kind != SYMBOL_FUNCTION)
    p.address = value_pointer(base_of_variable(c, n->symbol), affine_constant(0));
  return p;
}

static Place member_place(Checker *c, CNode *n) {
  Place p = {.type = n->type, .field = n->symbol};
  if (!n->first) return p;
  p.address = n->arrow ? range_eval(c, n->first) : range_place(c, n->first).address;
  if (p.address.kind == VALUE_POINTER) p.address.at.constant += n->symbol->offset;
  return p;
}

Place range_place(Checker *c, CNode *n) {
  switch (n->kind) {
  case NODE_NAME: return name_place(c, n);
  case NODE_MEMBER: return member_place(c, n);
  case NODE_SUBSCRIPT: return (Place){.type = n->type, .address = subscript_address(c, n)};
  case NODE_PAREN:
  case NODE_CAST: return range_place(c, n->first);
  case NODE_UNARY:
    if (n->op == C_MUL) return (Place){.type = n->type, .address = range_eval(c, n->first)};
    break;
  default: break;
  }
  range_eval(c, n);
  return (Place){.type = n->type};
}

/* ---- loads and stores ---- */

/* A named variable of the function needs no proof. */
static bool is_plain(const CNode *n, const Place *p) {
  if (p->slot || n->kind == NODE_NAME) return true;
  while (n->kind == NODE_MEMBER && !n->arrow) n = ctree_strip(n->first);
  return n->kind == NODE_NAME;
}

static void check_place(Checker *c, CNode *n, const Place *p, const char *what) {
  CNode *inner = ctree_strip(n);
  if (is_plain(inner, p) || !p->type) return;
  int64_t size = p->type->size > 0 ? p->type->size : 1;
  access_check(c, inner, p->address, affine_constant(size), size, what);
}

static Value slot_read(Checker *c, const CSymbol *s) {
  Value *v = &c->frame->variable[s->slot];
  if (v->kind == VALUE_UNKNOWN) *v = value_any(c, s->type, s->name);
  return *v;
}

/* A constant of the file, or a local one whose value its initialiser tells. */
static bool is_file_constant(const CSymbol *s) {
  return s && (s->is_file || s->is_static) && !s->is_mutable && s->init &&
         s->type->kind == TYPE_INT;
}

static Value load(Checker *c, CNode *n, const Place *p) {
  check_place(c, n, p, "load of");
  if (p->slot) return slot_read(c, p->slot);
  if (n->kind == NODE_NAME && is_file_constant(n->symbol)) return range_eval(c, n->symbol->init);
  return p->type ? memory_read(c, p->address, p->type, p->field) : (Value){.kind = VALUE_UNKNOWN};
}

void range_store(Checker *c, CNode *n, const Place *p, Value value) {
  check_place(c, n, p, "store to");
  if (p->slot)
    c->frame->variable[p->slot->slot] = value;
  else if (p->type)
    memory_write(c, p->address, p->type, p->field, value);
}

static Value read_lvalue(Checker *c, CNode *n) {
  if (n->kind == NODE_NAME && n->symbol && n->symbol->kind == SYMBOL_FUNCTION)
    return (Value){.kind = VALUE_UNKNOWN};
  Place p = range_place(c, n);
  if (p.type && p.type->kind == TYPE_ARRAY && !p.slot) return p.address;
  return load(c, n, &p);
}

/* ---- arithmetic ---- */

Value range_convert(Checker *c, Value v, const CType *to) {
  if (!to || to->kind == TYPE_OTHER || to->kind == TYPE_RECORD || to->kind == TYPE_FLOAT)
    return (Value){.kind = VALUE_UNKNOWN};
  if (to->kind == TYPE_INT)
    return v.kind == VALUE_INT && prove_within(c->known, &v.at, range_of_type(to))
               ? v
               : value_unknown(c, to);
  if (to->kind != TYPE_POINTER) return v;
  Wide zero;
  if (v.kind == VALUE_INT && affine_is_constant(&v.at, &zero) && zero == 0)
    return value_pointer(NULL_BASE, affine_constant(0));
  if (v.kind != VALUE_POINTER) return value_unknown(c, to);
  Base *base = &c->bases.at[v.base]; /* void *arg becomes a pointer to its record */
  if (!base->is_known && to->element->kind == TYPE_RECORD && to->element->size > 0 && v.at.n == 0) {
    base->is_known = true;
    base->hi = affine_constant(v.at.constant + to->element->size - 1);
    base->lo = v.at;
  }
  return v;
}

/* Arithmetic of unsigned types wraps; of signed ones it must not leave the type. */
static Value wrapped(Checker *c, CNode *n, const CType *t, Affine exact, const Value *a,
                     const Value *b) {
  Interval type = range_of_type(t);
  if (prove_within(c->known, &exact, type)) return value_int(exact);
  if (t->is_unsigned) return value_unknown(c, t);
  Interval x = affine_bounds(c->known, &a->at), y = affine_bounds(c->known, &b->at);
  bool bounded =
      x.lo > type.lo / 2 && x.hi < type.hi / 2 && y.lo > type.lo / 2 && y.hi < type.hi / 2;
  if (bounded) {
    Interval is = affine_bounds(c->known, &exact);
    access_report(c, n, ARITHMETIC_OVERFLOW, "arithmetic may overflow: \"%s\" is between %s and %s",
                  ctree_quote(c->tree, n), wide_text(c, is.lo), wide_text(c, is.hi));
  }
  return value_int(exact);
}

static Value divide(Checker *c, const CNode *n, COperator op, const Value *a, const Value *b) {
  Interval y = affine_bounds(c->known, &b->at);
  Affine remainder, quotient;
  if (y.lo < 0 && y.hi >= 0) return value_unknown(c, n->type);
  if (y.lo == 0) { /* dividing by 0 is undefined */
    Affine one = affine_constant(1);
    if (!know_at_most(c->known, &one, &b->at)) return value_unknown(c, n->type);
  }
  quotient = affine_quotient(c->known, &a->at, &b->at, &remainder);
  return value_int(op == C_DIV ? quotient : remainder);
}

/* Shifts and masks by constants are products, quotients and remainders; other bits are bounded by
 * the next power of 2. */
static Value bits(Checker *c, CNode *n, COperator op, const Value *a, const Value *b) {
  Wide k;
  Interval x = affine_bounds(c->known, &a->at), y = affine_bounds(c->known, &b->at);
  bool constant = affine_is_constant(&b->at, &k) && k >= 0;
  Affine power = affine_constant(constant && k < 63 ? (Wide)1 << k : 0), remainder;
  if (op == C_SHL && constant && k < 63)
    return wrapped(c, n, n->type, affine_product(c->known, &a->at, &power), a, b);
  if (op == C_SHR && constant && k < 63 && x.lo >= 0)
    return value_int(affine_quotient(c->known, &a->at, &power, &remainder));
  if (op == C_AND && constant && x.lo >= 0 && ((k + 1) & k) == 0 && k < INT64_MAX) {
    power = affine_constant(k + 1);
    affine_quotient(c->known, &a->at, &power, &remainder);
    return value_int(remainder);
  }
  if (x.lo < 0 || y.lo < 0 || op == C_SHL || op == C_SHR)
    return op == C_AND && (x.lo >= 0 || y.lo >= 0)
               ? value_int(know_atom(c->known, (Interval){0, x.lo >= 0 ? x.hi : y.hi}, false))
               : value_unknown(c, n->type);
  Wide most = op == C_AND ? (x.hi < y.hi ? x.hi : y.hi) : 1;
  while (op != C_AND && (most <= x.hi || most <= y.hi)) most *= 2;
  return value_int(know_atom(c->known, (Interval){0, op == C_AND ? most : most - 1}, false));
}

static Value arithmetic(Checker *c, CNode *n, COperator op, const CType *t, const Value *a,
                        const Value *b) {
  if (a->kind != VALUE_INT || b->kind != VALUE_INT || !t || t->kind != TYPE_INT)
    return value_unknown(c, t);
  switch (op) {
  case C_ADD: return wrapped(c, n, t, affine_sum(c->known, &a->at, &b->at, 1), a, b);
  case C_SUB: return wrapped(c, n, t, affine_sum(c->known, &a->at, &b->at, -1), a, b);
  case C_MUL: return wrapped(c, n, t, affine_product(c->known, &a->at, &b->at), a, b);
  case C_DIV:
  case C_MOD: return divide(c, n, op, a, b);
  default: return bits(c, n, op, a, b);
  }
}

static Value pointer_arithmetic(Checker *c, const CNode *n, COperator op, Value a, Value b,
                                const CType *ta, const CType *tb) {
  if (a.kind == VALUE_POINTER && b.kind == VALUE_INT && (op == C_ADD || op == C_SUB))
    return moved(c, a, &b.at, size_of_element(ta), op == C_ADD ? 1 : -1);
  if (a.kind == VALUE_INT && b.kind == VALUE_POINTER && op == C_ADD)
    return moved(c, b, &a.at, size_of_element(tb), 1);
  if (a.kind == VALUE_POINTER && b.kind == VALUE_POINTER && op == C_SUB && a.base == b.base) {
    Affine bytes = affine_sum(c->known, &a.at, &b.at, -1),
           size = affine_constant(size_of_element(ta)), remainder;
    return value_int(affine_quotient(c->known, &bytes, &size, &remainder));
  }
  return value_unknown(c, n->type);
}

/* ---- operators ---- */

Value range_combine(Checker *c, CNode *n, COperator op, const CType *t, Value a, Value b) {
  CNode *left = n->first, *right = left->next;
  if (a.kind == VALUE_POINTER || b.kind == VALUE_POINTER)
    return pointer_arithmetic(c, n, op, a, b, left->type, right ? right->type : NULL);
  return arithmetic(c, n, op, t, &a, &b);
}

static Value assign(Checker *c, CNode *n) {
  CNode *left = n->first;
  if (n->op == C_SET && n->type && n->type->kind == TYPE_RECORD) {
    CNode *list = ctree_strip(left->next);
    Place p = range_place(c, left);
    while (list && list->kind == NODE_OTHER && list->first)
      list = ctree_strip(list->first); /* compound literal */
    if (!list || list->kind != NODE_LIST) range_eval(c, left->next);
    range_store(c, left, &p, (Value){.kind = VALUE_UNKNOWN});
    if (list && list->kind == NODE_LIST) range_store_list(c, list, p.address, p.type);
    return (Value){.kind = VALUE_UNKNOWN};
  }
  Value value = range_eval(c, left->next);
  Place p = range_place(c, left);
  if (n->op != C_SET) {
    static const COperator plain[] = {
        [C_SHL_SET] = C_SHL, [C_SHR_SET] = C_SHR, [C_ADD_SET] = C_ADD, [C_SUB_SET] = C_SUB,
        [C_MUL_SET] = C_MUL, [C_DIV_SET] = C_DIV, [C_MOD_SET] = C_MOD, [C_AND_SET] = C_AND,
        [C_OR_SET] = C_OR,   [C_XOR_SET] = C_XOR};
    value = range_combine(c, n, plain[n->op], p.type, load(c, left, &p), value);
  }
  value = range_convert(c, value, p.type);
  range_store(c, left, &p, value);
  return value;
}

static Value step(Checker *c, CNode *n) {
  Place p = range_place(c, n->first);
  Value old = load(c, n->first, &p), one = value_int(affine_constant(1));
  Value new = range_combine(c, n, n->op == C_INCREMENT ? C_ADD : C_SUB, p.type, old, one);
  new = range_convert(c, new, p.type);
  range_store(c, n->first, &p, new);
  return n->postfix ? old : new;
}

static Value evaluate_unary(Checker *c, CNode *n) {
  Value zero = value_int(affine_constant(0)), one = value_int(affine_constant(1));
  switch (n->op) {
  case C_INCREMENT:
  case C_DECREMENT: return step(c, n);
  case C_AND: {
    CNode *inner = ctree_strip(n->first);
    if (inner->kind == NODE_NAME && inner->symbol && inner->symbol->kind == SYMBOL_FUNCTION)
      return (Value){.kind = VALUE_UNKNOWN};
    if (inner->kind == NODE_SUBSCRIPT) { /* one past the end may be pointed to */
      Value base = array_or_pointer(c, inner->first), index = range_eval(c, inner->first->next);
      return index.kind == VALUE_INT ? moved(c, base, &index.at, inner->type->size, 1)
                                     : value_unknown(c, n->type);
    }
    return range_place(c, n->first).address;
  }
  case C_MUL: return read_lvalue(c, n);
  case C_NOT: range_eval(c, n->first); return range_truth(c);
  case C_SUB: {
    Value v = range_eval(c, n->first);
    return arithmetic(c, n, C_SUB, n->type, &zero, &v);
  }
  case C_COMPLEMENT: {
    Value v = range_eval(c, n->first);
    if (v.kind != VALUE_INT || n->type->is_unsigned) return value_unknown(c, n->type);
    v.at = affine_sum(c->known, &zero.at, &v.at, -1);
    return arithmetic(c, n, C_SUB, n->type, &v, &one);
  }
  default: return range_eval(c, n->first);
  }
}

static Value evaluate_binary(Checker *c, CNode *n) {
  if (ctree_assigned(n)) return assign(c, n);
  if (n->op == C_AND_THEN || n->op == C_OR_ELSE) return range_logic(c, n);
  Value a = range_eval(c, n->first), b = range_eval(c, n->first->next);
  if (n->op == C_COMMA) return b;
  if (range_is_comparison(n->op)) return range_truth(c);
  return range_combine(c, n, n->op, n->type, a, b);
}

/* ---- all of it ---- */

static Value evaluate_cast(Checker *c, CNode *n) {
  CNode *inner = n->first;
  if (!inner) return value_unknown(c, n->type);
  if (n->type && n->type->kind == TYPE_POINTER && inner->type && inner->type->kind == TYPE_ARRAY &&
      inner->kind != NODE_STRING)
    return array_or_pointer(c, inner);
  if (n->type && n->type->kind == TYPE_VOID) {
    range_eval(c, inner);
    return (Value){.kind = VALUE_UNKNOWN};
  }
  return range_convert(c, range_eval(c, inner), n->type);
}

static Value evaluate_string(Checker *c, const CNode *n) {
  Base base = {.name = "a string", .is_known = n->type && n->type->size > 0};
  base.hi = affine_constant(n->type ? n->type->size - 1 : 0);
  return value_pointer(base_new(c, base), affine_constant(0));
}

Value range_eval(Checker *c, CNode *n) {
  switch (n->kind) {
  case NODE_INT: {
    Wide v = n->value; /* numbers from 2^63 on come as negative ones of an unsigned type */
    if (v < 0 && n->type && n->type->kind == TYPE_INT && n->type->is_unsigned) v += (Wide)1 << 64;
    return value_int(affine_constant(v));
  }
  case NODE_NAME:
  case NODE_MEMBER:
  case NODE_SUBSCRIPT: return read_lvalue(c, n);
  case NODE_CALL: return n->is_settled ? *n->settled : range_call(c, n);
  case NODE_UNARY: return evaluate_unary(c, n);
  case NODE_BINARY: return evaluate_binary(c, n);
  case NODE_CONDITIONAL: return range_conditional(c, n);
  case NODE_CAST: return evaluate_cast(c, n);
  case NODE_PAREN: return range_eval(c, n->first);
  case NODE_STRING: return evaluate_string(c, n);
  default:
    for (CNode *child = n->first; child; child = child->next) range_eval(c, child);
    return n->type ? value_unknown(c, n->type) : (Value){.kind = VALUE_UNKNOWN};
  }
}
