/* range_table.c - reads from constant tables of the file: each element is a function of its row, so
 * that what belongs together (where a parameter begins, how long it is) is bounded together. */
#include "range.h"

enum { MOST_ROWS = 4096 };

typedef struct Column { /* the same place in all rows of a table */
  const CSymbol *table;
  int64_t offset;
  const CNode **node; /* by row; NULL: zero */
  int64_t *value;     /* NULL: not all are integers */
  bool strings;       /* all are string literals */
} Column;

static const CNode *initialiser(const CNode *n, const CType *t, int64_t offset, const CType *want) {
  CNode *inner = n ? ctree_strip((CNode *)n) : NULL;
  int64_t i = 0;
  if (!inner || t == want || inner->kind != NODE_LIST) return inner;
  if (t->kind == TYPE_ARRAY && t->element->size > 0) {
    i = offset / t->element->size;
    return initialiser(ctree_child(inner, (int)i), t->element, offset % t->element->size, want);
  }
  while (i + 1 < t->field.n && t->field.at[i + 1]->offset <= offset) i++;
  if (t->kind != TYPE_RECORD || i >= t->field.n) return inner;
  const CNode *child = ctree_child(inner, (int)i);
  for (const CNode *d = inner->first; d; d = d->next)
    if (d->kind == NODE_DESIGNATED) {
      child = child && child->kind == NODE_DESIGNATED ? NULL : child;
      if (d->symbol && d->symbol->offset == t->field.at[i]->offset) child = d->first;
    }
  return initialiser(child, t->field.at[i]->type, offset - t->field.at[i]->offset, want);
}

static bool integer_of(const CNode *n, int64_t *value) {
  *value = n ? n->value : 0;
  if (n && n->kind == NODE_UNARY && n->op == C_SUB) {
    const CNode *inner = ctree_strip(n->first);
    *value = inner ? -inner->value : 0;
    return inner && inner->kind == NODE_INT;
  }
  return !n || n->kind == NODE_INT;
}

static Column *column_of(Checker *c, const CSymbol *table, int64_t offset, const CType *want) {
  for (int i = 0; i < c->columns.n; i++)
    if (c->columns.at[i]->table == table && c->columns.at[i]->offset == offset)
      return c->columns.at[i];
  const CType *t = table->type;
  Column *column = NEW(c->arena, Column);
  *column = (Column){.table = table, .offset = offset, .strings = true};
  column->value = NEW_ARRAY(c->arena, int64_t, t->count);
  const CNode *row = ctree_strip(table->init)->first;
  for (int i = 0; i < t->count; i++, row = row ? row->next : NULL) {
    const CNode *n = initialiser(row, t->element, offset, want);
    column->strings &= n && n->kind == NODE_STRING;
    if (column->value && !integer_of(n, &column->value[i])) column->value = NULL;
  }
  vec_push(c->arena, &c->columns, column);
  return column;
}

/* The row's number, if the address is at the same place of every row of a constant table. */
static bool row_of(const CSymbol *table, Value address, Affine *row, int64_t *offset) {
  const CType *t = table->type;
  int64_t size = t->kind == TYPE_ARRAY ? t->element->size : 0;
  if (size <= 0 || t->count <= 0 || t->count > MOST_ROWS) return false;
  *row = address.at;
  for (int i = 0; i < row->n; i++) {
    if (row->term[i].factor % size != 0) return false;
    row->term[i].factor /= size;
  }
  *offset = (int64_t)(address.at.constant % size);
  row->constant = address.at.constant / size;
  return address.at.constant >= 0;
}

/* A string of unknown length ends within what it points to. */
static Value some_string(Checker *c, const char *name) {
  Base base = {.name = name, .is_known = true};
  base.hi = know_atom(c->known, (Interval){0, INT32_MAX}, false);
  return value_pointer(base_new(c, base), affine_constant(0));
}

bool range_table_read(Checker *c, Value address, const CType *t, Value *value) {
  const CSymbol *table = c->bases.at[address.base].variable;
  Affine row;
  int64_t offset;
  if (!table || table->is_mutable || !table->init || ctree_strip(table->init)->kind != NODE_LIST ||
      !row_of(table, address, &row, &offset))
    return false;
  const Column *column = column_of(c, table, offset, t);
  if (t->kind == TYPE_INT && column->value)
    *value = value_int(know_table(c->known, &row, column->value, (int)table->type->count));
  else if (t->kind == TYPE_POINTER && column->strings)
    *value = some_string(c, table->name);
  else
    return false;
  return true;
}
