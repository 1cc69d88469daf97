/* range_memory.c - objects and what is known of their contents, the Plan's facts, and the check of
 * one access. */
#include "range.h"

#include <string.h>

enum { MAX_REPORTS = 40 };

/* ---- values ---- */

Interval range_of_type(const CType *t) {
  int bits = t->size > 0 && t->size <= 8 ? (int)t->size * 8 : 64;
  Wide one = 1;
  return t->is_unsigned ? (Interval){0, (one << bits) - 1}
                        : (Interval){-(one << (bits - 1)), (one << (bits - 1)) - 1};
}

Value value_int(Affine at) {
  return (Value){.kind = VALUE_INT, .at = at};
}

Value value_pointer(int base, Affine at) {
  return (Value){.kind = VALUE_POINTER, .base = base, .at = at};
}

int base_new(Checker *c, Base base) {
  vec_push(c->arena, &c->bases, base);
  return c->bases.n - 1;
}

/* A pointer about which nothing is said points to one record if it points to records. */
Value value_any(Checker *c, const CType *t, const char *name) {
  if (t && t->kind == TYPE_INT) return value_int(know_atom(c->known, range_of_type(t), false));
  if (!t || t->kind != TYPE_POINTER) return (Value){.kind = VALUE_UNKNOWN};
  Base base = {.name = name, .is_known = t->element->kind == TYPE_RECORD && t->element->size > 0};
  base.hi = affine_constant(t->element->size - 1);
  if (t->count > 0) { /* a parameter with a written length */
    base.is_known = true;
    base.hi = affine_constant(t->count * t->element->size - 1);
  }
  return value_pointer(base_new(c, base), affine_constant(0));
}

Value value_unknown(Checker *c, const CType *t) {
  return value_any(c, t, "an unknown object");
}

int base_of_variable(Checker *c, const CSymbol *s) {
  if (!s->base) {
    Base base = {.name = s->name, .variable = s, .is_known = s->type->size > 0};
    base.hi = affine_constant(s->type->size - 1);
    ((CSymbol *)s)->base = base_new(c, base);
  }
  return s->base;
}

/* ---- facts ---- */

static unsigned hash_fact(const char *function, const char *name) {
  unsigned h = 2166136261u;
  for (const char *s = function ? function : "*"; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
  for (const char *s = name; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
  return h;
}

/* Facts are found by hash: there are thousands. */
void fact_index(Checker *c) {
  c->nbucket = 2 * c->nfact + 1;
  c->fact_bucket = NEW_ARRAY(c->arena, int, c->nbucket);
  c->fact_next = NEW_ARRAY(c->arena, int, c->nfact + 1);
  for (int i = 0; i < c->nbucket; i++) c->fact_bucket[i] = -1;
  for (int i = c->nfact - 1; i >= 0; i--) {
    int *bucket =
        &c->fact_bucket[hash_fact(c->fact[i].function, c->fact[i].name) % (unsigned)c->nbucket];
    c->fact_next[i] = *bucket;
    *bucket = i;
  }
}

static bool same_name(const char *a, const char *b) {
  return a == b || (a && b && !strcmp(a, b));
}

const Fact *fact_find(const Checker *c, const char *function, const char *name) {
  for (int i = c->fact_bucket[hash_fact(function, name) % (unsigned)c->nbucket]; i >= 0;
       i = c->fact_next[i])
    if (same_name(c->fact[i].function, function) && !strcmp(c->fact[i].name, name))
      return &c->fact[i];
  return NULL;
}

bool fact_speaks_of(const Checker *c, const CFunction *f) {
  for (int i = 0; i < f->parameter.n; i++)
    if (fact_find(c, f->symbol->name, f->parameter.at[i]->name)) return true;
  return false;
}

/* What a fact says of a value of this type; `count` is the value of the parameter that holds the
 * size, if one does. */
Value value_by_fact(Checker *c, const Fact *f, const CType *t, const char *name,
                    const Value *count) {
  if (t->kind == TYPE_INT) return value_int(know_atom(c->known, (Interval){f->lo, f->hi}, true));
  if (t->kind != TYPE_POINTER) return (Value){.kind = VALUE_UNKNOWN};
  int64_t size = t->element->size > 0 ? t->element->size : 1;
  Base base = {.name = name, .is_known = true};
  base.lo = affine_constant((Wide)f->lo * size);
  base.hi = affine_constant(((Wide)f->hi + 1) * size - 1);
  Affine one = affine_constant(1);
  if (f->size_of)
    base.is_known =
        count && count->kind == VALUE_INT && affine_combine(&base.hi, &count->at, size, &one, -1);
  return value_pointer(base_new(c, base), affine_constant(0));
}

/* ---- memory ---- */

bool memory_is_local(const Checker *c, int base) {
  const CSymbol *v = c->bases.at[base].variable;
  return v && !v->is_file && !v->is_static;
}

static void drop_cell(Checker *c, int i) {
  c->cells.at[i] = c->cells.at[--c->cells.n];
}

void memory_forget_base(Checker *c, int base) {
  for (int i = c->cells.n - 1; i >= 0; i--)
    if (c->cells.at[i].base == base) drop_cell(c, i);
}

/* The member of any record; elements of arrays have no name of their own. */
void memory_forget_field(Checker *c, const CSymbol *field) {
  for (int i = c->cells.n - 1; i >= 0; i--) {
    const CSymbol *v = c->bases.at[c->cells.at[i].base].variable;
    bool scalar = v && (v->type->kind == TYPE_INT || v->type->kind == TYPE_POINTER);
    if (c->cells.at[i].field == field || (!c->cells.at[i].field && !scalar)) drop_cell(c, i);
  }
}

void memory_forget(Checker *c, bool locals) {
  for (int i = c->cells.n - 1; i >= 0; i--)
    if (locals || !memory_is_local(c, c->cells.at[i].base)) drop_cell(c, i);
}

static const Fact *member_fact(const Checker *c, const CSymbol *field) {
  for (const Frame *f = c->frame; f; f = f->caller) {
    const Fact *fact = fact_find(c, f->function->symbol->name, field->name);
    if (fact) return fact;
  }
  return fact_find(c, NULL, field->name);
}

/* A member whose fact names the sibling that holds its size. */
static Value sibling(Checker *c, Value address, const CSymbol *field, const char *name) {
  for (int i = 0; i < c->cells.n; i++) {
    const Cell *cell = &c->cells.at[i];
    if (cell->base == address.base && cell->field && !strcmp(cell->field->name, name))
      return cell->value;
  }
  CXCursor record = clang_getCursorSemanticParent(field->cursor);
  long long bits = clang_Type_getOffsetOf(clang_getCursorType(record), name);
  static const CType size = {.kind = TYPE_INT, .size = 8, .is_unsigned = true};
  Value at = address;
  at.at.constant += (bits >= 0 ? bits / 8 : 0) - field->offset;
  return memory_read(c, at, &size, NULL);
}

/* A constant that another file defines. */
static const Fact *constant_fact(const Checker *c, const CSymbol *variable) {
  return variable && variable->is_file && !variable->is_mutable && !variable->init
             ? fact_find(c, NULL, variable->name)
             : NULL;
}

static Value first_read(Checker *c, Value address, const CType *t, const CSymbol *field) {
  const Fact *fact =
      field ? member_fact(c, field) : constant_fact(c, c->bases.at[address.base].variable);
  if (fact) {
    Value count = {.kind = VALUE_UNKNOWN};
    if (fact->size_of) count = sibling(c, address, field, fact->size_of);
    return value_by_fact(c, fact, t, fact->name, &count);
  }
  Value value;
  if (range_table_read(c, address, t, &value)) return value;
  return value_any(c, t, field ? field->name : c->bases.at[address.base].name);
}

Value memory_read(Checker *c, Value address, const CType *t, const CSymbol *field) {
  Wide offset;
  if (t->kind != TYPE_INT && t->kind != TYPE_POINTER) return (Value){.kind = VALUE_UNKNOWN};
  if (address.kind != VALUE_POINTER) return value_unknown(c, t);
  Value own;
  if (range_thread_read(c, address, field, &own)) return own;
  const CSymbol *variable = c->bases.at[address.base].variable;
  if (variable && variable->is_shared) return value_any(c, t, variable->name);
  if (!affine_is_constant(&address.at, &offset)) return first_read(c, address, t, field);
  for (int i = 0; i < c->cells.n; i++)
    if (c->cells.at[i].base == address.base && c->cells.at[i].offset == offset)
      return c->cells.at[i].value;
  Value value = first_read(c, address, t, field);
  vec_push(c->arena, &c->cells, ((Cell){address.base, (int64_t)offset, t->size, field, value}));
  return value;
}

void memory_write(Checker *c, Value address, const CType *t, const CSymbol *field, Value value) {
  if (t->kind != TYPE_INT && t->kind != TYPE_POINTER && t->kind != TYPE_RECORD)
    return; /* floats and vectors share no memory with what is followed */
  if (address.kind != VALUE_POINTER) {
    memory_forget(c, true);
    return;
  }
  if (!memory_is_local(c, address.base))
    memory_forget(c, false); /* pointers to records may mean the same record */
  Wide offset;
  bool exact = affine_is_constant(&address.at, &offset);
  for (int i = c->cells.n - 1; i >= 0; i--) {
    const Cell *cell = &c->cells.at[i];
    bool apart = exact && (cell->offset >= offset + t->size || cell->offset + cell->size <= offset);
    if (cell->base == address.base && !apart) drop_cell(c, i);
  }
  if (exact && t->kind != TYPE_RECORD && value.kind != VALUE_UNKNOWN)
    vec_push(c->arena, &c->cells, ((Cell){address.base, (int64_t)offset, t->size, field, value}));
}

/* ---- accesses ---- */

const char *wide_text(Checker *c, Wide value) {
  if (value > INT64_MAX || value < INT64_MIN) return value > 0 ? "infinity" : "-infinity";
  return arena_printf(c->arena, "%lld", (long long)value);
}

static void count_verdict(RangeCount *count, uint8_t verdict, int change) {
  if (verdict & ACCESS_OUTSIDE)
    count->out_of_range += change;
  else if (verdict & ACCESS_UNPROVED)
    count->unproved += change;
  else if (verdict & ACCESS_PROVED)
    count->proved += change;
}

/* Notes what was found out about an access; one that is looked at several times counts once, as the
 * worst. */
void access_report(Checker *c, CNode *n, uint8_t verdict, const char *format, ...) {
  uint8_t before = n->verdict;
  if (c->quiet) return;
  count_verdict(&c->count, before, -1);
  n->verdict |= verdict;
  count_verdict(&c->count, n->verdict, 1);
  if (verdict == ACCESS_PROVED || (before & verdict)) return;
  c->count.overflows += verdict == ARITHMETIC_OVERFLOW;
  if (c->reported++ >= MAX_REPORTS) return;
  Text message = {.arena = c->arena};
  va_list args;
  va_start(args, format);
  text_addv(&message, format, args);
  va_end(args);
  int line, column;
  if (c->frame && c->frame->call) {
    ctree_place(c->tree, c->frame->call->start, &line, &column);
    text_add(&message, ", in the call from line %d", line);
  }
  ctree_place(c->tree, n->start, &line, &column);
  diag_error_in(c->unit, arena_printf(c->arena, "%s:%d:%d", c->tree->file, line, column), "%s",
                message.at);
}

static Wide divide_down(Wide a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

static bool is_outside(Checker *c, const Affine *low, const Affine *high) {
  Affine zero = affine_constant(0), one = affine_constant(1), above;
  if (!affine_combine(&above, high, 1, &zero, 0)) return false;
  if (!prove_not_positive(c->known, high) && affine_attained(c->known, high)) return true;
  if (!prove_not_positive(c->known, low) && affine_attained(c->known, low)) return true;
  /* always outside: 1 <= high, or 1 <= low */
  return prove_at_most(c->known, &one, high) || prove_at_most(c->known, &one, low);
}

static void report_range(Checker *c, CNode *n, const Base *base, Value address, Affine last,
                         int64_t element, const char *what, uint8_t verdict) {
  Interval begin = affine_bounds(c->known, &address.at), end = affine_bounds(c->known, &last);
  Interval lo = affine_bounds(c->known, &base->lo), hi = affine_bounds(c->known, &base->hi);
  access_report(c, n, verdict, "%s %s \"%s\": elements %s to %s of \"%s\", which has %s to %s",
                verdict == ACCESS_OUTSIDE ? "out of range:" : "not proved in range:", what,
                ctree_quote(c->tree, n), wide_text(c, divide_down(begin.lo, element)),
                wide_text(c, divide_down(end.hi, element)), base->name,
                wide_text(c, divide_down(lo.lo, element)),
                wide_text(c, divide_down(hi.hi, element)));
}

void access_check(Checker *c, CNode *n, Value address, Affine length, int64_t element,
                  const char *what) {
  const Base *base = address.kind == VALUE_POINTER ? &c->bases.at[address.base] : NULL;
  if (prove_not_positive(c->known, &length)) {
    access_report(c, n, ACCESS_PROVED, "%s", "");
    return;
  }
  if (!base || !base->is_known) {
    bool null = base && base->is_null;
    access_report(c, n, null ? ACCESS_OUTSIDE : ACCESS_UNPROVED, "%s %s \"%s\": %s",
                  null ? "out of range:" : "not proved in range:", what, ctree_quote(c->tree, n),
                  null ? "the pointer is null"
                       : "nothing is known about the size behind the pointer");
    return;
  }
  /* low = lo - at <= 0 and high = at + length - 1 - hi <= 0, both under length >= 1 */
  Mark mark = know_mark(c->known);
  Affine one = affine_constant(1), last, low, high;
  bool fits = affine_combine(&last, &address.at, 1, &length, 1) &&
              affine_combine(&last, &last, 1, &one, -1) &&
              affine_combine(&low, &base->lo, 1, &address.at, -1) &&
              affine_combine(&high, &last, 1, &base->hi, -1);
  know_at_most(c->known, &one, &length);
  uint8_t verdict = ACCESS_UNPROVED;
  if (fits && prove_not_positive(c->known, &low) && prove_not_positive(c->known, &high))
    verdict = ACCESS_PROVED;
  else if (fits && is_outside(c, &low, &high))
    verdict = ACCESS_OUTSIDE;
  if (verdict == ACCESS_PROVED)
    access_report(c, n, verdict, "%s", "");
  else if (fits)
    report_range(c, n, base, address, last, element, what, verdict);
  else
    access_report(c, n, verdict, "not proved in range: %s \"%s\": the index has too many terms",
                  what, ctree_quote(c->tree, n));
  know_release(c->known, mark);
}
