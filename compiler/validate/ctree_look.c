/* ctree_look.c - questions about nodes. */
#include "ctree_build.h"

CNode *ctree_child(const CNode *n, int i) {
  CNode *child = n->first;
  while (child && i-- > 0) child = child->next;
  return child;
}

CNode *ctree_strip(CNode *n) {
  while (n && (n->kind == NODE_PAREN || n->kind == NODE_CAST)) n = n->first;
  return n;
}

void ctree_place(const CTree *t, uint32_t offset, int *line, int *column) {
  *line = *column = 1;
  for (uint32_t i = 0; i < offset && i < t->size; i++) {
    *column = t->text[i] == '\n' ? 1 : *column + 1;
    *line += t->text[i] == '\n';
  }
}

const char *ctree_quote(const CTree *t, const CNode *n) {
  enum { LONGEST = 72 };
  Text quote = {.arena = t->arena};
  bool blank = false;
  for (uint32_t i = n->start; i < n->end && i < t->size; i++) {
    char c = t->text[i];
    if (quote.n > LONGEST) {
      text_add(&quote, "...");
      break;
    }
    if (c == '\n' || c == ' ' || c == '\t')
      blank = true;
    else {
      text_add(&quote, "%s%c", blank ? " " : "", c);
      blank = false;
    }
  }
  return quote.n ? quote.at : "";
}

CNode *ctree_assigned(CNode *n) {
  bool step = n->kind == NODE_UNARY && (n->op == C_INCREMENT || n->op == C_DECREMENT);
  bool set =
      n->kind == NODE_BINARY && (n->op == C_SET || n->op == C_SHL_SET || n->op == C_SHR_SET ||
                                 (n->op >= C_ADD_SET && n->op <= C_XOR_SET));
  return step || set ? ctree_strip(n->first) : NULL;
}

/* ---- constants that stand for conditions ----
 * const bool inside = h >= 0 && h < 28; ... if (inside): tells as much as the condition itself, if
 * nothing in the block changes what the condition speaks of. */

static bool is_condition(const CNode *n) {
  const bool compares = n->kind == NODE_BINARY && n->op >= C_AND_THEN && n->op <= C_GE;
  const bool orders = n->kind == NODE_BINARY && (n->op == C_LT || n->op == C_GT);
  return compares || orders || (n->kind == NODE_UNARY && n->op == C_NOT);
}

/* Only numbers, and variables of the function that are no arrays. */
static bool is_simple(CNode *n) {
  if (n->kind == NODE_MEMBER || n->kind == NODE_SUBSCRIPT || n->has_call || n->has_change)
    return false;
  if (n->kind == NODE_NAME && (!n->symbol || n->symbol->slot < 0)) return false;
  for (CNode *child = n->first; child; child = child->next)
    if (!is_simple(child)) return false;
  return true;
}

static bool mentions(const CNode *n, const CSymbol *s) {
  if (n->kind == NODE_NAME && n->symbol == s) return true;
  for (const CNode *child = n->first; child; child = child->next)
    if (mentions(child, s)) return true;
  return false;
}

/* Does the code assign to a variable that the condition mentions? */
static bool disturbs(CNode *code, const CNode *condition) {
  const CNode *target = ctree_assigned(code);
  if (target && target->kind == NODE_NAME && mentions(condition, target->symbol)) return true;
  for (CNode *child = code->first; child; child = child->next)
    if (child->has_change && disturbs(child, condition)) return true;
  return false;
}

void ctree_mark_conditions(CNode *block) {
  for (CNode *statement = block->first; statement; statement = statement->next)
    for (CNode *n = statement->first; n && statement->kind == NODE_OTHER; n = n->next) {
      CSymbol *s = n->kind == NODE_VARIABLE ? n->symbol : NULL;
      CNode *init = s && s->init ? ctree_strip(s->init) : NULL;
      if (init && !s->is_mutable && s->slot >= 0 && is_condition(init) && is_simple(init))
        s->is_condition = !disturbs(block, init);
    }
}
