/* ctree.c - copies libclang's tree of one file into CNodes; see ctree.h. */
#include "ctree_build.h"

#include <stdlib.h>
#include <string.h>

static const char *const spellings[] = {"<<=", ">>=", "&&", "||", "==", "!=", "<=", ">=", "<<",
                                        ">>",  "+=",  "-=", "*=", "/=", "%=", "&=", "|=", "^=",
                                        "++",  "--",  "+",  "-",  "*",  "/",  "%",  "<",  ">",
                                        "&",   "|",   "^",  "=",  "!",  "~",  ","};

typedef struct Gathering { /* state of a visit to a cursor's children */
  Builder *b;
  CNode **tail;
} Gathering;

static CNode *build(Builder *b, CXCursor cursor);

/* ---- text ---- */

/* Of what a macro was given: where that stands. */
static uint32_t offset_of(CXSourceLocation location) {
  unsigned offset;
  clang_getFileLocation(location, NULL, NULL, NULL, &offset);
  return offset;
}

/* The first byte at or after `at` that is neither blank nor comment. */
static uint32_t skip_blank(const CTree *t, uint32_t at, uint32_t end) {
  while (at < end) {
    if (strchr(" \t\r\n\\", t->text[at]))
      at++;
    else if (at + 1 < end && t->text[at] == '/' && t->text[at + 1] == '*') {
      for (at += 2; at + 1 < end && !(t->text[at] == '*' && t->text[at + 1] == '/');) at++;
      at += 2;
    } else if (at + 1 < end && t->text[at] == '/' && t->text[at + 1] == '/')
      while (at < end && t->text[at] != '\n') at++;
    else
      break;
  }
  return at;
}

static COperator operator_at(const CTree *t, uint32_t start, uint32_t end) {
  uint32_t at = skip_blank(t, start, end);
  for (int i = 0; i < COUNT(spellings); i++) {
    size_t length = strlen(spellings[i]);
    if (at + length <= end && !memcmp(t->text + at, spellings[i], length)) return (COperator)i;
  }
  return C_UNKNOWN;
}

/* Ends of the first and second part in `for (a; b; c)`. */
static void for_parts(const CTree *t, const CNode *n, uint32_t semicolon[2]) {
  int depth = 0, found = 0;
  for (uint32_t at = skip_blank(t, n->start, n->end); at < n->end && found < 2;
       at = skip_blank(t, at + 1, n->end)) {
    char c = t->text[at];
    depth += c == '(' || c == '{' || c == '[' ? 1 : c == ')' || c == '}' || c == ']' ? -1 : 0;
    if (c == ';' && depth == 1) semicolon[found++] = at;
  }
}

/* ---- nodes ---- */

static const struct Kind {
  enum CXCursorKind from;
  CNodeKind to;
} kinds[] = {
    {CXCursor_DeclRefExpr, NODE_NAME},
    {CXCursor_MemberRefExpr, NODE_MEMBER},
    {CXCursor_ArraySubscriptExpr, NODE_SUBSCRIPT},
    {CXCursor_CallExpr, NODE_CALL},
    {CXCursor_UnaryOperator, NODE_UNARY},
    {CXCursor_BinaryOperator, NODE_BINARY},
    {CXCursor_CompoundAssignOperator, NODE_BINARY},
    {CXCursor_ConditionalOperator, NODE_CONDITIONAL},
    {CXCursor_CStyleCastExpr, NODE_CAST},
    {CXCursor_UnexposedExpr, NODE_CAST},
    {CXCursor_ParenExpr, NODE_PAREN},
    {CXCursor_CXXFunctionalCastExpr, NODE_CAST},
    {CXCursor_InitListExpr, NODE_LIST},
    {CXCursor_StringLiteral, NODE_STRING},
    {CXCursor_IntegerLiteral, NODE_INT},
    {CXCursor_CharacterLiteral, NODE_INT},
    {CXCursor_GNUNullExpr, NODE_INT}, /* NULL in C++ */
    {CXCursor_CXXBoolLiteralExpr, NODE_INT},
    {CXCursor_UnaryExpr, NODE_INT}, /* sizeof */
    {CXCursor_CompoundStmt, NODE_BLOCK},
    {CXCursor_IfStmt, NODE_IF},
    {CXCursor_ForStmt, NODE_FOR},
    {CXCursor_WhileStmt, NODE_WHILE},
    {CXCursor_DoStmt, NODE_DO},
    {CXCursor_SwitchStmt, NODE_SWITCH},
    {CXCursor_CaseStmt, NODE_CASE},
    {CXCursor_DefaultStmt, NODE_CASE},
    {CXCursor_ReturnStmt, NODE_RETURN},
    {CXCursor_BreakStmt, NODE_BREAK},
    {CXCursor_ContinueStmt, NODE_CONTINUE},
    {CXCursor_GotoStmt, NODE_GOTO},
    {CXCursor_IndirectGotoStmt, NODE_GOTO},
    {CXCursor_NullStmt, NODE_EMPTY},
    {CXCursor_VarDecl, NODE_VARIABLE},
    {CXCursor_MemberRef, NODE_DESIGNATED},
};

static CNodeKind node_kind(enum CXCursorKind kind) {
  for (int i = 0; i < COUNT(kinds); i++)
    if (kinds[i].from == kind) return kinds[i].to;
  return NODE_OTHER;
}

static enum CXChildVisitResult gather(CXCursor cursor, CXCursor parent, CXClientData data) {
  (void)parent;
  Gathering *g = data;
  CNode *child = build(g->b, cursor);
  if (child) {
    *g->tail = child;
    g->tail = &child->next;
  }
  return CXChildVisit_Continue;
}

static void gather_children(Builder *b, CNode *n, CXCursor cursor) {
  Gathering g = {b, &n->first};
  clang_visitChildren(cursor, gather, &g);
}

/* Makes an integer of a node that libclang can evaluate. */
static bool evaluate(CNode *n, CXCursor cursor) {
  CXEvalResult result = clang_Cursor_Evaluate(cursor);
  if (!result) return false;
  bool is_int = clang_EvalResult_getKind(result) == CXEval_Int;
  if (is_int) {
    n->kind = NODE_INT;
    n->value = clang_EvalResult_getAsLongLong(result);
    n->first = NULL;
  }
  clang_EvalResult_dispose(result);
  return is_int;
}

static void build_int(Builder *b, CNode *n, CXCursor cursor) {
  if (clang_getCursorKind(cursor) == CXCursor_IntegerLiteral &&
      strchr("0123456789", b->tree->text[n->start]))
    n->value = (int64_t)strtoull(b->tree->text + n->start, NULL, 0);
  else if (clang_getCursorKind(cursor) != CXCursor_GNUNullExpr && !evaluate(n, cursor))
    n->kind = NODE_OTHER;
}

static void build_name(Builder *b, CNode *n, CXCursor cursor) {
  CXCursor target = clang_getCursorReferenced(cursor);
  if (clang_getCursorKind(target) == CXCursor_EnumConstantDecl) {
    n->kind = NODE_INT;
    n->value = clang_getEnumConstantDeclValue(target);
  } else
    n->symbol = ctree_symbol_of(b, target);
}

static void build_binary(Builder *b, CNode *n, CXCursor cursor) {
  CNode *left = n->first, *right = left ? left->next : NULL;
  n->op = right && left->end <= right->start ? operator_at(b->tree, left->end, right->start)
                                             : C_UNKNOWN;
  if (n->op == C_UNKNOWN && !evaluate(n, cursor)) /* inside a macro */
    n->kind = NODE_OTHER;
}

static void mark_addressed(CNode *n) {
  for (n = ctree_strip(n); n && n->kind == NODE_MEMBER && !n->arrow; n = ctree_strip(n->first))
    continue;
  if (n && n->kind == NODE_NAME && n->symbol) n->symbol->is_addressed = true;
}

static void build_unary(Builder *b, CNode *n, CXCursor cursor) {
  const CNode *operand = n->first;
  n->op = C_UNKNOWN;
  if (operand && n->start < operand->start)
    n->op = operator_at(b->tree, n->start, operand->start);
  else if (operand && operand->end < n->end) {
    n->op = operator_at(b->tree, operand->end, n->end);
    n->postfix = n->op == C_INCREMENT || n->op == C_DECREMENT;
    n->op = n->postfix ? n->op : C_UNKNOWN;
  }
  if (n->op == C_UNKNOWN && !evaluate(n, cursor)) n->kind = NODE_OTHER;
  if (n->kind == NODE_UNARY && n->op == C_AND) mark_addressed(n->first);
}

static void build_for(Builder *b, CNode *n) {
  uint32_t semicolon[2] = {n->start, n->start};
  for_parts(b->tree, n, semicolon);
  CNode *part[4] = {NULL};
  for (CNode *child = n->first, *next; child; child = next) {
    next = child->next;
    child->next = NULL;
    int i = !next ? 3 : child->start < semicolon[0] ? 0 : child->start < semicolon[1] ? 1 : 2;
    part[i] = child;
  }
  n->first = NULL;
  for (int i = 3; i >= 0; i--) {
    CNode *p = part[i];
    if (!p) {
      p = NEW(b->tree->arena, CNode);
      p->kind = NODE_EMPTY;
    }
    p->next = n->first;
    n->first = p;
  }
}

/* Numbers in a table of floats are of no interest, and there can be millions. */
static bool is_wanted_init(const CSymbol *s) {
  const CType *t = s->type;
  while (t->kind == TYPE_ARRAY) t = t->element;
  return !s->is_file || t->kind == TYPE_INT || t->kind == TYPE_POINTER || t->kind == TYPE_RECORD;
}

static void build_variable(Builder *b, CNode *n, CXCursor cursor) {
  n->symbol = ctree_symbol_of(b, cursor);
  CXCursor init = clang_Cursor_getVarDeclInitializer(cursor);
  if (!clang_Cursor_isNull(init) && is_wanted_init(n->symbol)) {
    n->first = build(b, init);
    n->symbol->init = n->first;
  }
  if (n->symbol->is_file || n->symbol->is_static)
    vec_push(b->tree->arena, &b->tree->global, n->symbol);
}

/* kernel<<<grid, block>>>(arguments): clang makes a call of its own of the configuration, between
 * the kernel's name and the arguments. */
static void build_launch(CNode *n) {
  static const char *const configurations[] = {"__cudaPushCallConfiguration", "cudaConfigureCall"};
  CNode *callee = n->first, *second = callee ? callee->next : NULL;
  const CSymbol *s = second && second->kind == NODE_CALL ? second->symbol : NULL;
  for (int i = 0; s && i < COUNT(configurations); i++) {
    if (strcmp(s->name, configurations[i])) continue;
    n->launch = second;
    callee->next = second->next;
    second->next = NULL;
    return;
  }
}

static void build_call(Builder *b, CNode *n, CXCursor cursor) {
  CXCursor target = clang_getCursorReferenced(cursor);
  if (clang_getCursorKind(target) == CXCursor_Constructor) n->kind = NODE_CONSTRUCTED;
  build_launch(n);
  if (clang_Cursor_isNull(target) || clang_getCursorKind(target) != CXCursor_FunctionDecl) return;
  n->symbol = ctree_symbol_of(b, target);
  if (b->function && n->symbol->function) {
    n->symbol->function->is_called = true;
    vec_push(b->tree->arena, &b->function->calls, n->symbol->function);
  }
}

static bool is_ignored(enum CXCursorKind kind) {
  return (clang_isReference(kind) && kind != CXCursor_MemberRef) || clang_isAttribute(kind) ||
         kind == CXCursor_EnumDecl || kind == CXCursor_StructDecl || kind == CXCursor_UnionDecl ||
         kind == CXCursor_TypedefDecl || kind == CXCursor_StaticAssert;
}

/* `.field = value`: libclang gives the field's name and the value as children of an expression
 * without a name. */
static void build_designated(CNode *n) {
  if (!n->first || n->first->kind != NODE_DESIGNATED) return;
  n->kind = NODE_DESIGNATED;
  n->symbol = n->first->symbol;
  n->first = n->first->next;
}

static void finish(Builder *b, CNode *n, CXCursor cursor) {
  switch (n->kind) {
  case NODE_INT: build_int(b, n, cursor); break;
  case NODE_NAME: build_name(b, n, cursor); break;
  case NODE_MEMBER:
    n->symbol = ctree_symbol_of(b, clang_getCursorReferenced(cursor));
    n->arrow = n->first && n->first->type && n->first->type->kind == TYPE_POINTER;
    break;
  case NODE_UNARY: build_unary(b, n, cursor); break;
  case NODE_BINARY: build_binary(b, n, cursor); break;
  case NODE_CALL: build_call(b, n, cursor); break;
  case NODE_FOR: build_for(b, n); break;
  case NODE_BLOCK: ctree_mark_conditions(n); break;
  case NODE_CAST: build_designated(n); break;
  case NODE_DESIGNATED: n->symbol = ctree_symbol_of(b, clang_getCursorReferenced(cursor)); break;
  default: break;
  }
}

static CNode *build(Builder *b, CXCursor cursor) {
  enum CXCursorKind kind = clang_getCursorKind(cursor);
  if (is_ignored(kind)) return NULL;
  CNode *n = NEW(b->tree->arena, CNode);
  CXSourceRange extent = clang_getCursorExtent(cursor);
  n->kind = node_kind(kind);
  n->start = offset_of(clang_getRangeStart(extent));
  n->end = offset_of(clang_getRangeEnd(extent));
  if (clang_isExpression(kind)) n->type = ctree_type_of(b, clang_getCursorType(cursor));
  if (n->kind == NODE_VARIABLE)
    build_variable(b, n, cursor);
  else if (n->kind != NODE_INT && n->kind != NODE_NAME)
    gather_children(b, n, cursor);
  finish(b, n, cursor);
  n->has_call = n->kind == NODE_CALL;
  n->has_change = ctree_assigned(n) != NULL;
  for (const CNode *child = n->first; child; child = child->next) {
    n->has_call |= child->has_call;
    n->has_change |= child->has_change;
  }
  return n;
}

/* ---- functions ---- */

static enum CXChildVisitResult find_body(CXCursor cursor, CXCursor parent, CXClientData data) {
  (void)parent;
  if (clang_getCursorKind(cursor) == CXCursor_CompoundStmt) *(CXCursor *)data = cursor;
  return CXChildVisit_Continue;
}

static void build_function(Builder *b, CXCursor cursor) {
  CSymbol *s = ctree_symbol_of(b, cursor);
  vec_push(b->tree->arena, &b->tree->global, s);
  if (!clang_isCursorDefinition(cursor)) return;
  CFunction *f = s->function;
  b->function = f;
  f->is_kernel = ctree_has_attribute(cursor, CXCursor_CUDAGlobalAttr);
  f->is_device = f->is_kernel || ctree_has_attribute(cursor, CXCursor_CUDADeviceAttr);
  f->is_variadic = clang_Cursor_isVariadic(cursor);
  for (int i = 0; i < clang_Cursor_getNumArguments(cursor); i++)
    vec_push(b->tree->arena, &f->parameter,
             ctree_symbol_of(b, clang_Cursor_getArgument(cursor, (unsigned)i)));
  CXCursor body = clang_getNullCursor();
  clang_visitChildren(cursor, find_body, &body);
  f->body = build(b, body);
  vec_push(b->tree->arena, &b->tree->function, f);
  b->function = NULL;
}

/* Written in the file itself, by a macro or not. */
static bool is_own(const Builder *b, CXCursor cursor) {
  CXFile file;
  clang_getExpansionLocation(clang_getCursorLocation(cursor), &file, NULL, NULL, NULL);
  return file == b->file; /* to clang_File_isEqual all files in memory are one */
}

bool ctree_is_linkage(enum CXCursorKind kind) {
  return kind == CXCursor_LinkageSpec || kind == CXCursor_UnexposedDecl;
}

/* Functions defined in the file are known before any body is looked at, for calls in either
 * direction. */
static enum CXChildVisitResult announce(CXCursor cursor, CXCursor parent, CXClientData data) {
  (void)parent;
  Builder *b = data;
  if (!is_own(b, cursor)) return CXChildVisit_Continue;
  if (ctree_is_linkage(clang_getCursorKind(cursor))) return CXChildVisit_Recurse;
  if (clang_getCursorKind(cursor) == CXCursor_FunctionDecl && clang_isCursorDefinition(cursor)) {
    CFunction *f = NEW(b->tree->arena, CFunction);
    f->symbol = ctree_symbol_of(b, cursor);
    f->symbol->function = f;
  }
  return CXChildVisit_Continue;
}

static enum CXChildVisitResult build_top(CXCursor cursor, CXCursor parent, CXClientData data) {
  (void)parent;
  Builder *b = data;
  enum CXCursorKind kind = clang_getCursorKind(cursor);
  if (!is_own(b, cursor)) return CXChildVisit_Continue;
  if (ctree_is_linkage(kind)) return CXChildVisit_Recurse;
  if (kind == CXCursor_FunctionDecl)
    build_function(b, cursor);
  else if (kind == CXCursor_VarDecl)
    build(b, cursor);
  return CXChildVisit_Continue;
}

CTree *ctree_new(Arena *arena, CXTranslationUnit unit, const char *file, const char *text,
                 size_t size) {
  CTree *tree = NEW(arena, CTree);
  Builder *b = NEW(arena, Builder);
  *tree = (CTree){.arena = arena, .file = file, .text = text, .size = size};
  b->tree = tree;
  b->file = clang_getFile(unit, file);
  CXCursor root = clang_getTranslationUnitCursor(unit);
  clang_visitChildren(root, announce, b);
  clang_visitChildren(root, build_top, b);
  return tree;
}
